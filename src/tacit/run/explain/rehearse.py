"""A rehearsal: a program walks through a scheme whose protocols only say what they would cost.

The operators of `mpc.operators` run on arrays of zeros; every protocol that declares its bits is answered by
a stand-in with a result of the right shape, which notes what the protocol declares for these arguments. So
rounds and bytes are those of a run, whatever the scheme chooses inside, and nothing is computed or sent. Only
the scheme's set-up is really run, by all parties in this process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.meter import deepen, depth, restart
from tacit.base.protocol import gather
from tacit.base.session import open_session
from tacit.base.setting import Spec
from tacit.base.types import SECRET, Private, Secret
from tacit.blocks.dzk.bbcgi19 import verify
from tacit.blocks.dzk.claims import Claims
from tacit.ir.op import OPS, numpy_dtype
from tacit.ir.program import Eqn, Program, Var
from tacit.mpc.operators import EXECUTOR, LOOPS, OPERATORS, Machine, sends_nothing
from tacit.mpc.scheme import Scheme, Share
from tacit.mpc.value import Value
from tacit.net.memory import MemoryNetwork
from tacit.run.explain.chain import Chain, Clocks, chain
from tacit.run.explain.choice import Way, ways
from tacit.run.explain.claims import checks_in_loop, leave, together
from tacit.run.explain.split import split

Sent = tuple[int, ...]
"""Bytes by party."""


@dataclass(frozen=True)
class Call:
    """A protocol that an operator calls: its name in `base.protocol.REGISTRY`, what it declares."""

    protocol: str
    source: str
    sent: Sent
    rounds: int
    chain: Chain
    began: int
    """Calls of an operator that began alike run together."""
    ways: tuple[Way, ...] = ()
    """How it could have been done, the chosen way first."""


@dataclass(frozen=True)
class Line:
    """What one equation costs; rounds if all parties start together. `body`: of a loop, one step, its costs
    being those of all steps; its `calls` verify on the way.

    `left`: what waits for verification then. `settled`: the verification of all that waits, after this
    equation and those above it; not counted in `sent` and `rounds`."""

    eqn: Eqn
    sent: Sent
    rounds: int
    calls: tuple[Call, ...] = ()
    body: tuple[Line, ...] = ()
    priced: bool = True
    left: Claims | None = None
    settled: tuple[Call, ...] = ()

    def after(self, clocks: Clocks) -> Clocks:
        """The parties' round numbers after this equation, from those before it."""
        if self.body:
            clocks = _repeated(self.eqn.params["body"], self.body, self.eqn.params["length"], clocks)
            return after_each(self.calls, clocks)
        for _, calls in groupby(self.calls, key=lambda call: call.began):
            clocks = tuple(map(max, zip(*(call.chain(clocks) for call in calls), strict=True)))
        return clocks


@dataclass
class Stage:
    """One party's view of a scheme that was set up, for rehearsals; `sent`, `rounds`: of the set-up."""

    scheme: Scheme
    ctx: Ctx
    n_parties: int
    sent: Sent
    rounds: int
    _calls: list[Call] = field(default_factory=list)
    _known: dict[Any, Line] = field(default_factory=dict)
    _left: Claims | None = None
    _keeps: bool = False
    """Whether what is to be verified is kept instead."""

    def rehearse(self, program: Program) -> tuple[Line, ...]:
        """A line for each equation, in order. Raises what operators raise of what the scheme lacks."""
        return asyncio.run(self._lines(program))

    async def _lines(self, program: Program, *, nested: bool = False) -> tuple[Line, ...]:
        public: dict[Var, np.ndarray] = {}
        lines: list[Line] = []
        waiting: list[Claims] = []
        for eqn in program.eqns:
            if eqn.op == "const":
                public[eqn.outs[0]] = np.asarray(
                    OPS["const"].ref(**eqn.params), numpy_dtype(eqn.outs[0].type.dtype)
                )
            if eqn.op == "reveal" and waiting:
                lines[-1] = replace(lines[-1], settled=await self._verified(together(waiting)))
                waiting = []
            lines.append(await self._line(eqn, public))
            waiting += [claims for claims in (lines[-1].left,) if claims]
        if waiting and not nested:
            lines[-1] = replace(lines[-1], settled=await self._verified(together(waiting)))
        return tuple(lines)

    async def _verified(self, claims: Claims) -> tuple[Call, ...]:
        """What it costs to verify these."""
        self._calls.clear()
        restart()
        await verify(self.ctx.sub("settle"), claims)
        return tuple(self._calls)

    async def _loop(self, eqn: Eqn) -> Line:
        body, length = await self._lines(eqn.params["body"], nested=True), int(eqn.params["length"])
        each = together(line.left for line in body if line.left)
        times, there, left = checks_in_loop(each, length)
        calls = times * (await self._verified(there) if times else ())
        sent = tuple(length * n for n in total(body, self.n_parties))
        sent = tuple(map(sum, zip(sent, *(call.sent for call in calls), strict=True)))
        priced = all(line.priced for line in body)
        line = Line(eqn, sent, 0, calls, body, priced, left if left else None)
        return replace(line, rounds=max(line.after((0,) * self.n_parties)))

    async def _line(self, eqn: Eqn, public: dict[Var, np.ndarray]) -> Line:
        nothing = (0,) * self.n_parties
        if eqn.op in LOOPS:
            return await self._loop(eqn)
        if eqn.op not in EXECUTOR and (eqn.outs[0].type.vis != SECRET or sends_nothing(eqn)):
            return Line(eqn, nothing, 0)
        key = None if any(var in public for var in eqn.ins) else _key(eqn)
        if key in self._known:
            return replace(self._known[key], eqn=eqn)
        line = await self._played(eqn, public)
        if key is not None:
            self._known[key] = line
        return line

    async def _played(self, eqn: Eqn, public: dict[Var, np.ndarray]) -> Line:
        self._calls.clear()
        restart()
        held = {var: self._value(var, public) for var in eqn.ins}
        values = [held[var] for var in eqn.ins]
        priced = True
        try:
            await self._play(eqn, values)
        except _Unknown:
            priced = False
        calls = tuple(self._calls)
        sent = tuple(map(sum, zip(*(call.sent for call in calls), strict=True)))
        left = await self._waiting() if self.scheme.verifies and priced else None
        line = Line(eqn, sent or (0,) * self.n_parties, 0, calls, priced=priced, left=left)
        return replace(line, rounds=max(line.after((0,) * self.n_parties)))

    async def _waiting(self) -> Claims | None:
        """What the scheme would verify now."""
        self._left, self._keeps = None, True
        await self.scheme.settle(self.ctx.sub("settle"))
        self._keeps = False
        return self._left

    async def _play(self, eqn: Eqn, values: list[Value]) -> None:
        machine = Machine(self.ctx.sub(eqn.op), self.scheme, eqn)
        if eqn.op != "reveal":
            if eqn.op not in OPERATORS:
                machine.refuse()
            await OPERATORS[eqn.op](machine, *values)
            return
        vis = eqn.outs[0].type.vis
        if len(values) == 2:
            await self.scheme.reveal(machine.ctx, await machine.to_share(values[1]))
        share = await machine.to_share(values[0])
        await self.scheme.reveal(machine.ctx, share, to=vis.owner if isinstance(vis, Private) else None)

    def _value(self, var: Var, public: dict[Var, np.ndarray]) -> Value:
        """Zeros; a public value that is not known is a number with as many digits as there may be."""
        vis, dtype, shape = var.type.vis, var.type.dtype, var.type.shape
        if isinstance(vis, Secret):
            return Value(var.type, None, self.share(shape, boolean=dtype.kind == "bool"), 0)
        if isinstance(vis, Private):
            zeros = np.broadcast_to(numpy_dtype(dtype)(0), shape)
            return Value(var.type, zeros if vis.owner == self.ctx.me else None, None, 0)
        some = public.get(var, np.full(shape, 0.3 if dtype.kind == "fixed" else 1, numpy_dtype(dtype)))
        return Value(var.type, some, None, 0)

    def share(self, shape: tuple[int, ...], *, boolean: bool = False) -> Share:
        """A share of zeros that takes no memory until it is computed with."""
        zero = np.uint8(0) if boolean else np.uint64(0)
        return self.scheme.constant(self.ctx, np.broadcast_to(zero, shape), boolean=boolean)

    async def answer(self, spec: Spec, args: tuple[Any, ...], ctx: Ctx) -> Any:
        """What stands in for a protocol."""
        name = spec.name.rsplit(".", 1)[1]
        if self._keeps:
            self._left = args[0]
            return None
        rounds, bits = spec.cost(*args)
        if name not in RESULTS or rounds is None or bits is None:
            raise _Unknown(spec.name)
        began = depth()
        deepen(began + rounds)
        sent = tuple(-(-n // 8) for n in split(spec.name, args, bits, self.n_parties))
        after = chain(spec.name, args, rounds)
        call = Call(spec.name, spec.source, sent, rounds, after, began, ways(spec.name, args))
        self._calls.append(call)
        if args and isinstance(args[0], Claims):
            leave(args[0], ctx.path, spec.name, args[1:])
        return RESULTS[name](self, args)


class _Unknown(Exception):
    """There is no stand-in for a protocol."""


def _key(eqn: Eqn) -> Any:
    same = tuple(eqn.ins.index(var) for var in eqn.ins)
    return (eqn.op, tuple(var.type for var in (*eqn.ins, *eqn.outs)), same, eqn.params)


def total(lines: Iterable[Line], n_parties: int) -> Sent:
    """Bytes by party of all lines together."""
    sent = [0] * n_parties
    for line in lines:
        for more in (line.sent, *(call.sent for call in line.settled)):
            sent = [have + each for have, each in zip(sent, more, strict=True)]
    return tuple(sent)


def after_each(calls: Iterable[Call], clocks: Clocks) -> Clocks:
    """Round numbers after these, one after another."""
    for call in calls:
        clocks = call.chain(clocks)
    return clocks


def clocks_after(program: Program, lines: Iterable[Line], start: Clocks) -> Clocks:
    """The parties' round numbers when all results are there. A verification waits for all above it, and what
    is below waits for it."""
    reached: dict[Var, Clocks] = {}
    for eqn, line in zip(program.eqns, lines, strict=True):
        before = _latest([start, *(reached[var] for var in eqn.ins if var in reached)])
        reached.update(dict.fromkeys(eqn.outs, line.after(before)))
        if line.settled:
            start = after_each(line.settled, _latest([start, *reached.values()]))
    return _latest([start, *(reached[var] for _, var in program.outs if var in reached)])


def longest(program: Program, lines: Iterable[Line], n_parties: int) -> int:
    """Messages in a row that the last result takes."""
    return max(clocks_after(program, lines, (0,) * n_parties))


def _latest(clocks: Iterable[Clocks]) -> Clocks:
    return tuple(map(max, zip(*clocks, strict=True)))


def _repeated(body: Program, lines: tuple[Line, ...], length: int, clocks: Clocks) -> Clocks:
    """After `length` steps: after a few, every further step adds the same."""
    for step in range(length):
        before, clocks = clocks, clocks_after(body, lines, clocks)
        if step == 3:
            left = length - 1 - step
            return tuple(now + left * (now - then) for now, then in zip(clocks, before, strict=True))
    return clocks


def stage(scheme: type[Scheme], n_parties: int) -> Stage:
    """Set `scheme` up among parties in this process, and keep what party 0 has."""

    async def party(network: MemoryNetwork, me: int) -> tuple[Scheme, Ctx, int]:
        ctx = await open_session(
            network.endpoint(me), me, n_parties, clock=_Stopped(), job_digest=b"rehearsal"
        )
        before = depth()
        started = await scheme.start(ctx.sub("setup"))
        return started, ctx, depth() - before

    async def everybody() -> list[tuple[Scheme, Ctx, int]]:
        network = MemoryNetwork(n_parties, transcript=False)
        restart()
        return await gather(*(party(network, me) for me in range(n_parties)))

    done = asyncio.run(everybody())
    started, ctx, rounds = done[0]
    sent = tuple(ctx.meter().bytes_sent for _, ctx, _ in done)
    one = Stage(started, started.view(ctx), n_parties, sent, rounds)
    one.ctx.session = replace(ctx.session, stand_in=one.answer, insecure=True)
    return one


class _Stopped:
    """Nothing is measured."""

    def now_s(self) -> float:
        return 0.0


# --- results of the right shape -------------------------------------------------------------------------


def _shares(args: tuple[Any, ...]) -> list[Share]:
    return [arg for arg in args if isinstance(arg, Share)]


def _like(boolean: bool = False) -> Callable[[Stage, tuple[Any, ...]], Any]:
    return lambda stage, args: stage.share(_shares(args)[-1].shape, boolean=boolean)


def _matrix(stage: Stage, args: tuple[Any, ...]) -> Share:
    """Of two shares, or of rows whose number stands behind the owner's, and a share."""
    shares = _shares(args)
    at = next(k for k, arg in enumerate(args) if arg is shares[-1])
    m = shares[0].shape[0] if len(shares) == 2 else args[at + 2]
    return stage.share((m, shares[-1].shape[1]))


def _shared(stage: Stage, args: tuple[Any, ...]) -> Share:
    return stage.share(args[-2], boolean=args[-1])


def _opened(stage: Stage, args: tuple[Any, ...]) -> np.ndarray | None:
    to, share = args[1], args[0]
    if to not in (None, stage.ctx.me):
        return None
    return np.zeros(share.shape, np.uint8 if share.boolean else np.uint64)


def _planes(stage: Stage, args: tuple[Any, ...], rows: int) -> Any:
    """Packed rows of bits; of replicated ones, two."""
    (array,) = [arg for arg in args if isinstance(arg, Share | np.ndarray)]
    size = int(np.prod(array.shape))
    words = np.zeros((rows, -(-size // 64)), np.uint64)
    return words if isinstance(array, Share) else (words, words.copy())


def _shuffled(elements: np.ndarray) -> np.ndarray:
    """Places of elements in an order that looks random."""
    with np.errstate(over="ignore"):
        mixed = (elements.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        return (mixed ^ mixed >> np.uint64(29)) * np.uint64(0xBF58476D1CE4E5B9)


RESULTS: dict[str, Callable[[Stage, tuple[Any, ...]], Any]] = {
    **dict.fromkeys(("mul", "square", "trunc", "mul_trunc", "square_trunc", "b2a", "mux"), _like()),
    **dict.fromkeys(("mul_private", "mul_private_trunc", "shuffle"), _like()),
    **dict.fromkeys(("and_", "msb"), _like(boolean=True)),
    **dict.fromkeys(
        ("matmul", "matmul_trunc", "matmul_private", "matmul_private_trunc", "subset_sums"), _matrix
    ),
    "below": lambda stage, args: stage.share((len(args[-1]), *_shares(args)[0].shape), boolean=True),
    "a2b": lambda stage, args: stage.share((*_shares(args)[0].shape, 64), boolean=True),
    "share": _shared,
    "verify": lambda stage, args: None,
    "before": lambda stage, args: _shuffled(args[1]) < _shuffled(args[2]),
    "reveal": _opened,
    "bit_words": lambda stage, args: _planes(stage, args, args[-1] - args[-2]),
    "leading_words": lambda stage, args: _planes(stage, args, args[-1] - args[-2] + 1),
}
"""By name of the protocol, in whatever scheme."""
