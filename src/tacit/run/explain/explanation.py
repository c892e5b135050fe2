"""`Explanation`: rounds, bytes, seconds, memory and reasons of a program before it runs, as data and text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tacit.base.errors import UsageError
from tacit.base.protocol import REGISTRY
from tacit.base.types import Private, Public, Secret, Shape, Type
from tacit.ir.program import Eqn, Program, Var
from tacit.mpc.scheme import Scheme, Share
from tacit.run.explain.measured import MEASURED
from tacit.run.explain.rates import LINKS, PIECE_BYTES, Link, Rates, on_link, pieces
from tacit.run.explain.reason import SETTLES, Reason, reason
from tacit.run.explain.rehearse import Call, Line, Sent, Stage, after_each, clocks_after, stage, total

SHIPPED = Rates.read(MEASURED)
"""What one machine was measured to take; `calibrate` measures this one."""
BUFFERS_BYTES = 64 * PIECE_BYTES
"""What an operator has in hand and under way at most, as measured: longer ones go in windows."""
BEFORE = "mpc.rep3.sort.before"
"""Which elements a sort compares depends on the order that it drew."""


@dataclass(frozen=True)
class Step:
    """One equation, or all steps of a loop whose body is `body`. Seconds include its own rounds; memory is
    what a party holds while it runs."""

    name: str
    op: str
    operands: tuple[str, ...]
    type: str
    where: str
    sent: Sent
    rounds: int
    seconds: float
    memory_bytes: int
    protocols: tuple[tuple[str, str], ...]
    """(name, source) of each that it calls."""
    reason: Reason
    repeats: int = 1
    body: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What one party sees: its own inputs and what is revealed to it."""

    party: str
    inputs: tuple[str, ...]
    reveals: tuple[tuple[str, str, bool], ...]
    """(name, type, whether only behind a guard)."""


@dataclass(frozen=True)
class Explanation:
    """Of one program under one scheme on one link. `setup_*`: before the first operator, once a session.

    Bytes are bodies of messages, exact; headers come to them. Rounds: messages in a row on the longest chain.
    `exact` is False if something has no price (figures are then lower bounds, and `unpriced` names it) or
    chance decides what it costs (`typical`).
    """

    program: str
    scheme: str
    threat: str
    link: Link
    rates_date: str
    rates_machine: str
    sent: Sent
    rounds: int
    seconds: float
    work_s: float
    memory_bytes: int
    setup_sent: Sent
    setup_rounds: int
    steps: tuple[Step, ...]
    seen: tuple[Seen, ...]
    leaks: tuple[tuple[str, str], ...]
    """(protocol, what it leaks besides its result)."""
    unpriced: tuple[str, ...]
    typical: tuple[str, ...]
    """Operators whose cost depends on an order drawn at random: figures are those of one such order."""
    unmeasured: tuple[str, ...]
    """Operators that the rates do not know in this scheme: their seconds are lower bounds."""

    @property
    def exact(self) -> bool:
        return not self.unpriced and not self.typical

    def by_operator(self) -> tuple[Step, ...]:
        """Steps of the same operator added up, bodies of loops included, the longest first."""
        found: dict[str, Step] = {}
        for one in _leaves(self.steps):
            have = found.get(one.op)
            found[one.op] = one if have is None else _joined(have, one)
        return tuple(sorted(found.values(), key=lambda step: -step.seconds))

    def to_json(self) -> dict[str, Any]:
        """Plain values, reasons in English."""
        return {
            **asdict(replace(self, steps=())),
            "exact": self.exact,
            "steps": [_plain(step) for step in self.steps],
            "by_operator": [_plain(step) for step in self.by_operator()],
        }

    def text(self, language: str = "en") -> str:
        """A table of operators under the totals, in English ("en") or Chinese ("zh")."""
        from tacit.run.explain.text import text

        return text(self, language)

    def html(self, language: str = "en") -> str:
        """A page that needs nothing else: the graph, the tables; both languages, `language` first."""
        from tacit.run.explain.page import page

        return page(self, language)

    def __str__(self) -> str:
        return self.text()


def explain(
    program: Program,
    scheme: type[Scheme],
    parties: Sequence[str],
    link: Link | str = "loopback",
    rates: Rates | None = None,
    *,
    staged: Stage | None = None,
) -> Explanation:
    """What `program` costs `parties` under `scheme`. Nothing is sent; the set-up runs in this process.

    `link`: a name in `LINKS`, or figures of a link; `rates`: of this machine (`calibrate`), else those that
    ship. Raises UsageError EXPLAIN-0001 for an unknown link, and what the scheme raises of what it lacks.
    """
    chosen = LINKS[known(link)] if isinstance(link, str) else link
    on = staged or stage(scheme, len(parties))
    writer = _Writer(on, chosen, rates or SHIPPED)
    lines = on.rehearse(program)
    steps = writer.steps(program, lines)
    work = sum(writer.work(line) + writer.settling(line.settled) for line in lines)
    rounds = max(clocks_after(program, lines, (0,) * on.n_parties))
    return Explanation(
        program.name,
        scheme.name,
        scheme.setting.threat,
        chosen,
        writer.rates.date,
        writer.rates.machine,
        total(lines, on.n_parties),
        rounds,
        work + rounds * chosen.wait_s,
        writer.computing(lines),
        writer.peak(program, lines, steps),
        on.sent,
        on.rounds,
        steps,
        tuple(_seen(program, number, name) for number, name in enumerate(parties)),
        _leaks(lines),
        _operators(lines, lambda line: not line.priced),
        _operators(lines, lambda line: any(call.protocol == BEFORE for call in line.calls)),
        _operators(lines, lambda line: not writer.rates.measures(scheme.name, line)),
    )


def known(link: str) -> str:
    """`link` if it names one. Raises UsageError EXPLAIN-0001."""
    if link not in LINKS:
        raise UsageError(
            "EXPLAIN-0001", f"there is no link called {link!r}", hint=f"one of: {', '.join(LINKS)}"
        )
    return link


class _Writer:
    def __init__(self, on: Stage, link: Link, rates: Rates) -> None:
        self._on, self._link, self.rates = on, link, rates
        self._held = tuple(_held(on.share((1,), boolean=boolean)) for boolean in (False, True))

    def work(self, line: Line) -> float:
        """Seconds of computing and sending, rounds excepted; of a loop those of all steps."""
        if line.body:
            steps = int(line.eqn.params["length"]) * sum(self.work(inner) for inner in line.body)
            return steps + self.settling(line.calls)
        name, sent = self._on.scheme.name, max(line.sent)
        work_s = self.rates.work(name, line) + self._link.handling_s(
            sum(line.sent) / self._on.n_parties, self.rates.messages(name, line)
        )
        return on_link(self._link, work_s, sent, pieces(line.eqn, sent))

    def settling(self, calls: Iterable[Call]) -> float:
        """Seconds of these verifications, rounds excepted: what does not grow with the claims, as the proof
        of a product is in the work of the operator that it belongs to."""
        point, seconds = self.rates.settling(self._on.scheme.name), 0.0
        for call in calls:
            handled = self._link.handling_s(sum(call.sent) / self._on.n_parties, point.messages)
            seconds += on_link(self._link, point.seconds + handled, max(call.sent), 1)
        return seconds

    def computing(self, lines: Iterable[Line]) -> float:
        """Seconds of work without a link."""
        lines, name = tuple(lines), self._on.scheme.name
        checks = sum(len(line.settled) + (len(line.calls) if line.body else 0) for line in lines)
        steps = sum(self.rates.work(name, line) * times for line, times in _each(lines))
        return steps + (checks * self.rates.settling(name).seconds if checks else 0.0)

    def steps(self, program: Program, lines: Sequence[Line]) -> tuple[Step, ...]:
        made: list[Step] = []
        for number, line in enumerate(lines):
            made.append(self._step(program, line))
            if line.settled:
                made.append(self._settled(f"settle{number}", line.settled))
        return tuple(made)

    def _settled(self, name: str, calls: tuple[Call, ...]) -> Step:
        nothing = (0,) * self._on.n_parties
        return Step(
            name,
            "settle",
            (),
            "",
            "",
            tuple(map(sum, zip(*(call.sent for call in calls), strict=True))),
            max(after_each(calls, nothing)),
            self.settling(calls) + max(after_each(calls, nothing)) * self._link.wait_s,
            0,
            tuple(dict.fromkeys((call.protocol, call.source) for call in calls)),
            SETTLES,
        )

    def _step(self, program: Program, line: Line) -> Step:
        eqn = line.eqn
        body = self.steps(eqn.params["body"], line.body) if line.body else ()
        inner = max((step.memory_bytes for step in body), default=0)
        operands = sum(self.held(var) for var in (*eqn.ins, *eqn.outs))
        called = dict.fromkeys((call.protocol, call.source) for call in line.calls)
        return Step(
            _name(eqn),
            eqn.op,
            tuple(map(str, eqn.ins)),
            ", ".join(str(var.type) for var in eqn.outs),
            eqn.where,
            line.sent,
            line.rounds,
            self.work(line) + line.rounds * self._link.wait_s,
            max(inner, operands + (operands + min(4 * max(line.sent), BUFFERS_BYTES) if line.calls else 0)),
            tuple(called),
            reason(line, self._link),
            eqn.params["length"] if line.body else 1,
            body,
        )

    def held(self, var: Var) -> int:
        """Bytes of one party for a value."""
        if isinstance(var.type.vis, Secret):
            return var.type.size * self._held[var.type.dtype.kind == "bool"]
        return var.type.size * (1 if var.type.dtype.kind == "bool" else 8)

    def peak(self, program: Program, lines: Sequence[Line], steps: Sequence[Step]) -> int:
        """What is held at the worst moment, if equations run in their order: inputs, values that are read
        again, and what the running one takes."""
        memory = {step.name: step.memory_bytes for step in steps}
        last = {var: number for number, eqn in enumerate(program.eqns) for var in eqn.ins}
        kept = sum(self.held(var) for _, var in program.ins)
        worst, outs = kept, {var for _, var in program.outs}
        for number, line in enumerate(lines):
            eqn, own = line.eqn, sum(self.held(var) for var in (*line.eqn.ins, *line.eqn.outs))
            kept += sum(self.held(var) for var in eqn.outs)
            worst = max(worst, kept + max(0, memory[_name(eqn)] - own))
            gone = {var for var in (*eqn.ins, *eqn.outs) if last.get(var, number) == number} - outs
            kept -= sum(self.held(var) for var in gone - {var for _, var in program.ins})
        return worst


def _name(eqn: Eqn) -> str:
    return " ".join(map(str, eqn.outs))


def _operators(lines: Iterable[Line], which: Callable[[Line], bool]) -> tuple[str, ...]:
    return tuple(sorted({line.eqn.op for line, _ in _each(lines) if which(line)}))


def _held(share: Share) -> int:
    """Bytes of a share's arrays."""
    arrays: list[np.ndarray] = []

    def note(array: np.ndarray) -> np.ndarray:
        arrays.append(array)
        return array

    share.map(note)
    return sum(array.nbytes for array in arrays)


def _each(lines: Iterable[Line], times: int = 1) -> Iterator[tuple[Line, int]]:
    """Lines that are no loops, and how often they run."""
    for line in lines:
        if line.body:
            yield from _each(line.body, times * int(line.eqn.params["length"]))
        else:
            yield line, times


def _leaves(steps: Iterable[Step], times: int = 1) -> Iterator[Step]:
    for step in steps:
        if step.body:
            yield from _leaves(step.body, times * step.repeats)
        else:
            yield replace(
                step,
                sent=tuple(times * n for n in step.sent),
                rounds=times * step.rounds,
                seconds=times * step.seconds,
                repeats=times,
            )


def _joined(have: Step, more: Step) -> Step:
    return replace(
        have if have.seconds >= more.seconds else more,
        name="",
        operands=(),
        where="",
        sent=tuple(map(sum, zip(have.sent, more.sent, strict=True))),
        rounds=have.rounds + more.rounds,
        seconds=have.seconds + more.seconds,
        memory_bytes=max(have.memory_bytes, more.memory_bytes),
        protocols=tuple(dict.fromkeys((*have.protocols, *more.protocols))),
        repeats=have.repeats + more.repeats,
    )


def _plain(step: Step) -> Mapping[str, Any]:
    fields = asdict(replace(step, body=()))
    fields["reason"] = step.reason.spoken("en")
    fields["body"] = [_plain(inner) for inner in step.body]
    return fields


def _seen(program: Program, number: int, name: str) -> Seen:
    own = tuple(key for key, var in program.ins if _knows(var.type, number))
    reveals = tuple(
        (each.name, f"{each.type.dtype}{_dims(each.type.shape)}", each.guarded)
        for each in program.reveals()
        if each.to in ((), (number,))
    )
    return Seen(name, own, reveals)


def _knows(type: Type, party: int) -> bool:
    return isinstance(type.vis, Public) or (isinstance(type.vis, Private) and type.vis.owner == party)


def _dims(shape: Shape) -> str:
    return f"[{','.join(map(str, shape))}]"


def _leaks(lines: Iterable[Line]) -> tuple[tuple[str, str], ...]:
    called = dict.fromkeys(call.protocol for line, _ in _each(lines) for call in (*line.calls, *line.settled))
    revealing = ("the revealed value",)
    return tuple((name, leak) for name in called for leak in REGISTRY[name].leaks if leak not in revealing)
