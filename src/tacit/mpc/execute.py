"""Running a Program on a Scheme: values flow, each equation runs as soon as its inputs are there.

Equations are named in program order and start when their inputs are there, so independent operators share
their rounds. What one party can compute alone it computes in plaintext by
`Op.ref`; nothing is opened except by a `reveal` equation.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import InternalError, PolicyError, TacitError, UsageError
from tacit.base.meter import deepen, depth
from tacit.base.types import Private, Public, Secret, Type
from tacit.ir.op import OPS, numpy_dtype
from tacit.ir.program import Eqn, Program, Var
from tacit.mpc import encode, openings
from tacit.mpc.operators import LOOPS, OPERATORS, Machine, refuse_gaps
from tacit.mpc.schedule import Schedule, Step, schedule
from tacit.mpc.scheme import Scheme, Share
from tacit.mpc.value import Value


async def execute(
    ctx: Ctx, scheme: Scheme, program: Program, inputs: Mapping[str, np.ndarray | Share | None]
) -> dict[str, Value]:
    """Outputs by name. `inputs`: an array for what is public or mine, a Share for what is secret, None else.

    Raises: UsageError EXEC-0001 for a missing or misshapen input, RANGE-0002 for one outside its range,
    PolicyError POLICY-0001 where a reveal's guard does not hold, UnsupportedError EXEC-0002 or EXEC-0003,
    before anything is sent, for what the scheme does not have, and whatever the scheme's protocols raise.
    """
    refuse_gaps(type(scheme), program)
    ctx = scheme.view(ctx)
    values = [_input(ctx, name, var, inputs) for name, var in program.ins]
    ranges = dict(program.ranges)
    for (name, _), value in zip(program.ins, values, strict=True):
        if value.plain is not None and name in ranges:
            _check_range(name, value.plain, *ranges[name])
    if scheme.verifies:
        ctx = replace(ctx, setting=scheme.setting)  # no protocol below may be weaker
    plan = schedule(program, verifies=scheme.verifies)
    with openings.program():
        results = await run_program(ctx, scheme, plan, values)
        await scheme.settle(ctx.sub("settle"))
    return dict(zip((name for name, _ in program.outs), results, strict=True))


def _input(ctx: Ctx, name: str, var: Var, inputs: Mapping[str, np.ndarray | Share | None]) -> Value:
    given, clock = inputs.get(name), depth()
    vis = var.type.vis
    if isinstance(vis, Secret):
        if not isinstance(given, Share) or given.shape != var.type.shape:
            raise UsageError("EXEC-0001", f"input {name!r} must be a share of shape {var.type.shape}")
        return Value(var.type, None, given, clock)
    if isinstance(vis, Private) and vis.owner != ctx.me:
        return Value(var.type, None, None, clock)
    if given is None or isinstance(given, Share) or np.shape(given) != var.type.shape:
        raise UsageError("EXEC-0001", f"input {name!r} must be an array of shape {var.type.shape}")
    return Value(var.type, encode.plaintext(given, var.type.dtype), None, clock)


def _check_range(name: str, x: np.ndarray, low: float, high: float) -> None:
    """Missing values pass: they are refused where they are encoded, if the program does not replace them."""
    outside = (x < low) | (x > high)
    if not np.any(outside):
        return
    columns = np.flatnonzero(outside.reshape(-1, x.shape[-1]).any(axis=0)) if x.ndim > 1 else ()
    named = ", ".join(str(k) for k in columns[:8]) + (" …" if len(columns) > 8 else "")
    raise UsageError(
        "RANGE-0002",
        f"input {name!r} has values outside {low:g} to {high:g}, the range that this program is proved for"
        + (f" (columns {named}, counted from 0)" if named else ""),
        hint="rescale it; where the range was not declared, it is the widest that all steps bear",
    )


async def run_program(ctx: Ctx, scheme: Scheme, plan: Schedule, inputs: Sequence[Value]) -> list[Value]:
    """Outputs in order for inputs in order."""
    run = _Running(ctx, scheme, plan, inputs)
    await run.finish()
    results = [run.values[place] for place in plan.outs]
    deepen(max((value.clock for value in results), default=0))
    return results


class _Running:
    """One run of a schedule. A step starts when the last step that it waits for has ended: at once if it is
    local or silent, else in a task of its own."""

    def __init__(self, ctx: Ctx, scheme: Scheme, plan: Schedule, inputs: Sequence[Value]) -> None:
        self._ctx, self._scheme, self._plan = ctx, scheme, plan
        self._scopes = [ctx.sub(step.eqn.op if step.eqn else "settle") for step in plan.steps]
        self._missing = [len(step.waits_for) for step in plan.steps]
        self.values = {**plan.constants, **dict(enumerate(inputs))}
        """By place, until they have been read for the last time."""
        self._reads = list(plan.reads)
        self._clock = max((value.clock for value in self.values.values()), default=0)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def finish(self) -> None:
        """Returns when all steps have ended. If one fails, the others are cancelled and awaited first."""
        try:
            self._start([k for k, missing in enumerate(self._missing) if not missing])
            if self._tasks:
                await self._ended
        finally:
            self._ended.cancel()
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, ready: list[int]) -> None:
        """Start these steps, and all that then need nothing more."""
        queue = deque(ready)
        while queue:
            k = queue.popleft()
            if not self._at_once(k):
                task = asyncio.ensure_future(self._in_task(k))
                self._tasks.add(task)
                task.add_done_callback(self._task_ended)
                continue
            queue.extend(self._followers(k))

    def _followers(self, k: int) -> Iterator[int]:
        """The steps that have waited for step k only."""
        for follower in self._plan.followers[k]:
            self._missing[follower] -= 1
            if not self._missing[follower]:
                yield follower

    def _at_once(self, k: int) -> bool:
        step, scope = self._plan.steps[k], self._scopes[k]
        if step.eqn is None or not (step.local or step.silent):
            return False
        inputs = [self.values[place] for place in step.sources]
        try:
            results = (_local if step.local else _silent)(scope, self._scheme, step.eqn, inputs)
        except TacitError as error:
            error.path = error.path or scope.path
            raise
        self._deliver(step, results)
        return True

    async def _in_task(self, k: int) -> None:
        step, scope = self._plan.steps[k], self._scopes[k]
        if step.eqn is None:
            deepen(self._clock)
            await self._scheme.settle(scope)
        else:
            inputs = [self.values[place] for place in step.sources]
            deepen(max((value.clock for value in inputs), default=0))
            try:
                results = await _evaluate(scope, self._scheme, step.eqn, inputs)
            except TacitError as error:
                error.path = error.path or scope.path
                raise
            self._deliver(step, results)
        self._start(list(self._followers(k)))

    def _deliver(self, step: Step, results: Sequence[Value]) -> None:
        for place, value in zip(step.targets, results, strict=True):
            self.values[place] = value
            self._clock = max(self._clock, value.clock)
        for place in step.sources:
            self._reads[place] -= 1
            if not self._reads[place]:
                del self.values[place]

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._ended.done() or task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._ended.set_exception(error)
        elif not self._tasks:
            self._ended.set_result(None)


async def _evaluate(ctx: Ctx, scheme: Scheme, eqn: Eqn, inputs: list[Value]) -> list[Value]:
    if eqn.op in LOOPS:
        return await _scan(ctx, scheme, eqn, inputs)
    if eqn.op == "reveal":
        return [await _reveal(ctx, scheme, eqn, inputs)]
    machine = Machine(ctx, scheme, eqn)
    share = await OPERATORS[eqn.op](machine, *inputs) if eqn.op in OPERATORS else machine.refuse()
    return [Value(eqn.outs[0].type, None, share, depth())]


def _silent(ctx: Ctx, scheme: Scheme, eqn: Eqn, inputs: list[Value]) -> list[Value]:
    """An operator that sends nothing ends when it is first resumed."""
    call = OPERATORS[eqn.op](Machine(ctx, scheme, eqn), *inputs)
    try:
        call.send(None)
    except StopIteration as ended:
        clock = max(depth(), *(value.clock for value in inputs))
        return [Value(eqn.outs[0].type, None, ended.value, clock)]
    call.close()
    raise InternalError("EXEC-0004", f"operator {eqn.op!r} waits for a message where it should send none")


def _local(ctx: Ctx, scheme: Scheme, eqn: Eqn, inputs: list[Value]) -> list[Value]:
    """Public to all, or private to one: whoever knows the inputs computes the numpy meaning."""
    clock = max((value.clock for value in inputs), default=0)
    clock = max(clock, depth())
    vis = eqn.outs[0].type.vis
    hidden = any(value.plain is None for value in inputs)
    if hidden or (isinstance(vis, Private) and vis.owner != ctx.me):
        return [Value(out.type, None, None, clock) for out in eqn.outs]
    result = OPS[eqn.op].ref(*(value.plain for value in inputs), **eqn.params)
    results = result if isinstance(result, tuple) else (result,)
    return [
        Value(out.type, np.asarray(array, dtype=numpy_dtype(out.type.dtype)), None, clock)
        for out, array in zip(eqn.outs, results, strict=True)
    ]


async def _reveal(ctx: Ctx, scheme: Scheme, eqn: Eqn, inputs: list[Value]) -> Value:
    """The only exit. A guard is opened first; without it nothing else is."""
    out = eqn.outs[0].type
    machine = Machine(ctx, scheme, eqn)
    if len(inputs) == 2:
        share = await machine.to_share(inputs[1])
        with openings.listed((), None):
            guard = await scheme.reveal(ctx, share)
        if guard is not None and not bool(guard.all()):
            raise PolicyError(
                "POLICY-0001",
                f"{eqn.params['name']!r} is not revealed: its threshold is not met",
                hint="too few rows, or too few of one class; use more data or ask for less detail",
            )
    to = out.vis.owner if isinstance(out.vis, Private) else None
    share = await machine.to_share(inputs[0])
    with openings.listed(out.shape, to):
        opened = await scheme.reveal(ctx, share, to=to)
    plain = None if opened is None else encode.decode(opened, out.dtype)
    ctx.log("reveal", name=eqn.params["name"], to="all" if to is None else to, size=out.size)
    return Value(out, plain, None, depth())


async def _scan(ctx: Ctx, scheme: Scheme, eqn: Eqn, inputs: list[Value]) -> list[Value]:
    """One body run after another; carries flow from each to the next, ys are stacked at the end."""
    body: Program = eqn.params["body"]
    n_carry, n_xs, length = (eqn.params[name] for name in ("n_carry", "n_xs", "length"))
    carry, xs, constants = inputs[:n_carry], inputs[n_carry : n_carry + n_xs], inputs[n_carry + n_xs :]
    steps: list[list[Value]] = []
    plan = schedule(body, verifies=scheme.verifies)
    for index in range(length):
        scope = ctx.sub("step")
        slices = [_slice(value, index) for value in xs]
        results = await run_program(scope, scheme, plan, [*carry, *slices, *constants])
        carry, ys = results[:n_carry], results[n_carry:]
        steps.append(ys)
        await scheme.checkpoint(scope)
        ctx.log("step", done=index + 1, total=length)
    outs = [var.type for var in eqn.outs[n_carry:]]
    return [*carry, *(_stack(ctx, scheme, [step[i] for step in steps], out) for i, out in enumerate(outs))]


def _nothing(ctx: Ctx, scheme: Scheme, out: Type) -> Value:
    """The rows of a loop without steps."""
    empty = np.zeros(out.shape, numpy_dtype(out.dtype))
    if isinstance(out.vis, Secret):
        share = scheme.constant(ctx, encode.encode(empty, out.dtype), boolean=out.dtype.kind == "bool")
        return Value(out, None, share, depth())
    mine = isinstance(out.vis, Public) or out.vis.owner == ctx.me
    return Value(out, empty if mine else None, None, depth())


def _slice(value: Value, index: int) -> Value:
    row = Type(value.type.vis, value.type.dtype, value.type.shape[1:])
    plain = None if value.plain is None else value.plain[index]
    share = None if value.share is None else value.share.map(lambda array: array[index])
    return Value(row, plain, share, value.clock)


def _stack(ctx: Ctx, scheme: Scheme, values: list[Value], out: Type) -> Value:
    if not values:
        return _nothing(ctx, scheme, out)
    clock = max(value.clock for value in values)
    if isinstance(out.vis, Secret):
        shares = [value.share for value in values if value.share is not None]
        return Value(out, None, shares[0].join(shares[1:], np.stack), clock)
    plains = [value.plain for value in values if value.plain is not None]
    known = isinstance(out.vis, Public) or len(plains) == len(values)
    return Value(out, np.stack(plains) if known and plains else None, None, clock)
