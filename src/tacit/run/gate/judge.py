"""Verdicts: may this be revealed, after all that was revealed before?

Every coalition of recipients pools what it receives with its own columns, which are taken as known, as public
inputs are. Then, for every column of somebody outside:

unsafe   a cell follows exactly (`span.py`, and through quotients, products and invertible functions whose
         other argument follows), or has no freedom left (`tangent.py`); or a function of fewer than
         `smallest_group` cells is revealed, which may be one of them or say which (extremes, comparisons,
         identities); or a combination of revealed sums covers fewer cells than that, or all but covers them:
         others weigh less than 2^-18 in it.
safe     nothing of the column is revealed; or all that is revealed are sums over rows, and functions of such
         sums, in which every row is like at least `smallest_group - 1` others beside one for each of the
         sums: rows can be exchanged without a change of any output (`alike.py`), and so many stay free.
         Within a row there are only polynomials of degree 2, and one comparison at most, which is counted: a
         sum of higher powers, or of exponentials, can be ruled by its largest term.
unknown  neither was proved. So is what is too large to be judged, and what comes from shares.

Not considered: what values can be at all. A sum of 0 of numbers that cannot be negative says that all are 0.
The fragment is documented in docs/concepts/gate.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from tacit.base.errors import LimitError
from tacit.base.types import Private, Public
from tacit.ir.program import Program, Var
from tacit.run.gate.alike import Graph
from tacit.run.gate.cells import Column, Revealed, Universe, follow
from tacit.run.gate.reason import Reason
from tacit.run.gate.tangent import Tangents
from tacit.run.gate.view import CELL, FIXED, View, Witness

MOST_COALITIONS = 64
"""That are looked at one by one; beyond, only all others together are, who know most."""
SMALLEST_GROUP = 10
Kind = Literal["safe", "unsafe", "unknown"]
_ORDER = ("safe", "unknown", "unsafe")


@dataclass(frozen=True)
class Verdict:
    """About one column: the worst over all coalitions, the smallest of those. `reason`: in plain words;
    `example`: of what is unsafe, the equation by which it follows from what is revealed, own columns of the
    recipients left out."""

    kind: Kind
    owner: int
    column: str
    coalition: tuple[int, ...]
    reveals: tuple[str, ...]
    reason: Reason
    example: str = ""

    @property
    def because(self) -> str:
        return self.reason.text()


def judge(
    programs: Sequence[Program],
    *,
    parties: int,
    smallest_group: int = SMALLEST_GROUP,
    versions: Sequence[Mapping[str, str]] = (),
) -> tuple[Verdict, ...]:
    """One verdict for every private column in `programs`: those that ran before, then the new one.

    `programs` are traced, not yet lowered. `versions`: for each of them, what tells data of inputs apart.
    """
    try:
        universe, revealed = Universe(), []
        programs, versions = _once(programs, versions)
        for number, (program, version) in enumerate(zip(programs, versions, strict=True)):
            for item in follow(program, universe, version):
                label = item.name if number + 1 == len(programs) else f"{item.name} (before)"
                revealed.append(Revealed(label, item.to, item.guarded, item.forms))
        tangents = Tangents(programs, versions, universe)
        return _judged(universe, revealed, tangents, parties, smallest_group)
    except LimitError as error:
        return _unjudged(programs, parties, Reason.of("too-large", what=error.message))


def _once(
    programs: Sequence[Program], versions: Sequence[Mapping[str, str]]
) -> tuple[list[Program], list[Mapping[str, str]]]:
    """Without those that came again on the same data: they told nothing new."""
    told: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[Program, Mapping[str, str]]] = {}
    for number, program in enumerate(programs):
        version = versions[number] if number < len(versions) else {}
        key = program.digest().hex(), tuple(sorted(version.items()))
        told.pop(key, None)
        told[key] = program, version
    return [program for program, _ in told.values()], [version for _, version in told.values()]


def _judged(
    universe: Universe, revealed: list[Revealed], tangents: Tangents, parties: int, smallest_group: int
) -> tuple[Verdict, ...]:
    views: dict[tuple[frozenset[int], tuple[int, ...]], View] = {}
    graphs: dict[tuple[int, ...], Graph] = {}
    verdicts = []
    for column in universe.columns.values():
        if column.owner < 0:
            continue
        others = [party for party in range(parties) if party != column.owner]
        coalitions = [
            coalition for size in range(1, len(others) + 1) for coalition in combinations(others, size)
        ]
        if len(coalitions) > MOST_COALITIONS:
            coalitions = [*((other,) for other in others), tuple(others)]
        worst: Verdict | None = None
        for coalition in coalitions:
            key = _pooled(universe, revealed, coalition)
            if key not in views:
                outputs = key[1]
                if outputs not in graphs:
                    graphs[outputs] = Graph(universe, [revealed[index] for index in outputs])
                views[key] = View(universe, graphs[outputs], outputs, coalition, smallest_group)
            verdict = _verdict(universe, views[key], tangents, coalition, column, smallest_group)
            if worst is None or _ORDER.index(verdict.kind) > _ORDER.index(worst.kind):
                worst = verdict
            if worst.kind == "unsafe":
                break
        assert worst is not None
        verdicts.append(worst)
    return tuple(verdicts)


def _pooled(
    universe: Universe, revealed: Sequence[Revealed], coalition: tuple[int, ...]
) -> tuple[frozenset[int], tuple[int, ...]]:
    """What a coalition knows: those of it who have columns, and what is revealed to it."""
    owners = {column.owner for column in universe.columns.values()}
    seen = (i for i, item in enumerate(revealed) if item.to == () or set(item.to) & set(coalition))
    return frozenset(coalition) & owners, tuple(seen)


def _verdict(
    universe: Universe,
    view: View,
    tangents: Tangents,
    coalition: tuple[int, ...],
    column: Column,
    smallest_group: int,
) -> Verdict:
    touched = view.touches(column)
    names = view.names(touched)

    def verdict(kind: Kind, reason: Reason) -> Verdict:
        return Verdict(kind, column.owner, column.name, coalition, names, reason)

    if not names and not view.on_shares:
        return verdict("safe", Reason.of("nothing"))
    unproved = view.unproved(column, touched)
    witness = view.exposed(column)
    if unproved is not None and (witness is None or witness.reason.key != CELL):
        witness = _better(witness, view.fixed(column, tangents))
    if witness is not None:
        return Verdict(
            "unsafe", column.owner, column.name, coalition, view.names(), witness.reason, witness.example
        )
    if unproved is not None:
        return verdict("unknown", unproved)
    if len(universe.versions(column.owner, column.name)) > 1:
        return verdict("unknown", Reason.of("versions"))
    return verdict("safe", Reason.of("sums", least=smallest_group))


def _better(witness: Witness | None, fixed: Witness | None) -> Witness | None:
    """A cell that is fixed tells more than a combination of some."""
    if witness is None or fixed is None:
        return witness or fixed
    return fixed if fixed.reason.key == FIXED or witness.reason.key == "few" else witness


def _unjudged(programs: Sequence[Program], parties: int, reason: Reason) -> tuple[Verdict, ...]:
    """Programs that are too large: what no reveal can depend on is safe all the same."""
    reached: dict[tuple[int, str], list[tuple[tuple[int, ...], str]]] = {}
    for program in programs:
        for key, told in _dependences(program).items():
            reached.setdefault(key, []).extend(told)
    on_shares = bool(reached.pop(_ON_SHARES, []))
    verdicts = []
    for (owner, name), told in reached.items():
        others = tuple(party for party in range(parties) if party != owner)
        names = tuple(dict.fromkeys(reveal for to, reveal in told if to != (owner,)))
        safe = not names and not on_shares
        kind: Kind = "safe" if safe else "unknown"
        because = Reason.of("nothing") if safe else reason
        verdicts.append(Verdict(kind, owner, name, others, names, because))
    return tuple(verdicts)


_ON_SHARES = (-1, "")


def _dependences(program: Program) -> dict[tuple[int, str], list[tuple[tuple[int, ...], str]]]:
    """For every private input, and all those on shares together, what is revealed of it, to whom."""
    goes: dict[Var, set[tuple[int, str]]] = {}
    for name, var in program.ins:
        vis = var.type.vis
        public = isinstance(vis, Public)
        goes[var] = {(vis.owner, name)} if isinstance(vis, Private) else set() if public else {_ON_SHARES}
    found: dict[tuple[int, str], list[tuple[tuple[int, ...], str]]] = {
        key: [] for keys in goes.values() for key in keys
    }
    for eqn in program.eqns:
        whole = set[tuple[int, str]]().union(*(goes[var] for var in eqn.ins))
        goes |= dict.fromkeys(eqn.outs, whole)
        if eqn.op == "reveal":
            to = () if len(eqn.ins) == 2 else eqn.params["to"]
            for key in whole:
                found[key].append((to, eqn.params["name"]))
    return found
