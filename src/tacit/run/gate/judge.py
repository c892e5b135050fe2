"""Verdicts: may this be revealed, after all that was revealed before?

Every coalition of recipients pools what it receives with its own columns, which are taken as known. Then, for
every column of somebody outside:

unsafe   a cell follows exactly (`span.py`, and through quotients, products and invertible functions whose
         other argument follows); or a function of fewer than `smallest_group` cells is revealed, which may
         be one of them or say which (extremes, comparisons, identities); or a combination of revealed sums
         covers fewer cells than that.
safe     nothing of the column is revealed; or all that is revealed of it are sums, and functions of such
         sums, in which every cell has the same coefficient as at least `smallest_group - 1` others, and
         there are so few independent ones that within each such group that many cells stay free. Exchanging
         two cells of a group then changes no output: no output says which cell has which value.
unknown  neither was proved.

Not considered: what values can be at all. A sum of 0 of numbers that cannot be negative says that all are 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import Literal

from tacit.base.errors import LimitError
from tacit.ir.program import Program
from tacit.run.gate.cells import FIRST_DERIVED, Column, Derived, Forms, Rule, Universe, follow
from tacit.run.gate.span import Form, Span

MOST_FORMS = 1 << 12
"""Revealed elements that are judged together."""
Kind = Literal["safe", "unsafe", "unknown"]
_ORDER = ("safe", "unknown", "unsafe")


@dataclass(frozen=True)
class Verdict:
    """About one column: the worst over all coalitions, the smallest of those. `because`: in plain words."""

    kind: Kind
    owner: int
    column: str
    coalition: tuple[int, ...]
    reveals: tuple[str, ...]
    because: str


@dataclass(frozen=True)
class _Revealed:
    name: str
    to: tuple[int, ...]
    guarded: bool
    forms: Forms


def judge(programs: Sequence[Program], *, parties: int, smallest_group: int = 10) -> tuple[Verdict, ...]:
    """One verdict for every private column in `programs`: those that ran before, then the new one.

    `programs` are traced, not yet lowered. Raises: LimitError GATE-0001 for programs too large to judge.
    """
    universe, revealed = Universe(), []
    for number, program in enumerate(programs):
        for name, to, guarded, forms in follow(program, universe):
            label = name if number + 1 == len(programs) else f"{name} (before)"
            revealed.append(_Revealed(label, to, guarded, forms))
    if sum(item.forms.size for item in revealed) > MOST_FORMS * 64:
        raise LimitError("GATE-0001", "the programs reveal too many numbers to judge")
    verdicts = []
    for column in universe.columns.values():
        if column.owner >= 0:
            verdicts.append(_judge_column(universe, revealed, column, parties, smallest_group))
    return tuple(verdicts)


def _judge_column(
    universe: Universe, revealed: list[_Revealed], column: Column, parties: int, smallest_group: int
) -> Verdict:
    others = [party for party in range(parties) if party != column.owner]
    worst: Verdict | None = None
    for size in range(1, len(others) + 1):
        for coalition in combinations(others, size):
            verdict = _View(universe, revealed, coalition, smallest_group).judge(column)
            if worst is None or _ORDER.index(verdict.kind) > _ORDER.index(worst.kind):
                worst = verdict
        if worst is not None and worst.kind == "unsafe":
            break
    assert worst is not None
    return worst


class _View:
    """What one coalition can work out."""

    def __init__(
        self, universe: Universe, revealed: list[_Revealed], coalition: tuple[int, ...], smallest_group: int
    ) -> None:
        self._universe, self._coalition, self._least = universe, coalition, smallest_group
        self._seen = [item for item in revealed if item.to == () or set(item.to) & set(coalition)]
        self._support = cache(self._support_of)
        self._forms: list[tuple[str, Form]] = []
        for item in self._seen:
            for index in range(item.forms.size):
                form = self._unknown_part(item.forms.element(index))
                if form:
                    self._forms.append((item.name, form))
        if len(self._forms) > MOST_FORMS:
            self._forms = self._forms[:MOST_FORMS]
            self._complete = False
        else:
            self._complete = True

    # --- what is unknown --------------------------------------------------------------------------------

    def _column_of(self, unknown: int) -> Column:
        return list(self._universe.columns.values())[unknown >> 32]

    def _derived_of(self, unknown: int) -> tuple[Derived, int]:
        derived = self._universe.derived
        low, high = 0, len(derived) - 1
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if derived[middle].start <= unknown else (low, middle - 1)
        return derived[low], unknown - derived[low].start

    def _args(self, unknown: int) -> list[list[dict[int, Fraction]]]:
        """For every argument, the forms of the elements that a derived unknown depends on."""
        derived, index = self._derived_of(unknown)
        return [
            [arg.element(i) for i in (range(arg.size) if derived.sources is None else derived.sources(index))]
            for arg in derived.args
        ]

    def _support_of(self, unknown: int) -> frozenset[int]:
        """The cells outside of the coalition that an unknown depends on."""
        if unknown < FIRST_DERIVED:
            return frozenset() if self._column_of(unknown).owner in self._coalition else frozenset((unknown,))
        forms = [form for arg in self._args(unknown) for form in arg]
        return frozenset().union(*(self._support(u) for form in forms for u in form))

    def _unknown_part(self, form: Form) -> dict[int, Fraction]:
        return {u: value for u, value in form.items() if self._support(u)}

    # --- what follows -----------------------------------------------------------------------------------

    def judge(self, column: Column) -> Verdict:
        mine = range(column.start, column.start + column.count)
        touching = [
            (name, form)
            for name, form in self._forms
            if any(c in mine for u in form for c in self._support(u))
        ]

        def verdict(kind: Kind, because: str) -> Verdict:
            forms = self._forms if kind == "unsafe" else touching
            names = tuple(dict.fromkeys(name for name, _ in forms))
            return Verdict(kind, column.owner, column.name, self._coalition, names, because)

        if not touching:
            return verdict("safe", "nothing of it is revealed")
        reason = self._exposed(self._closure(), mine)
        if reason:
            return verdict("unsafe", reason)
        reason = self._unproved([form for _, form in touching], mine)
        if reason or not self._complete:
            return verdict("unknown", reason or "more is revealed than is judged")
        return verdict("safe", f"sums over groups of at least {self._least} cells that no output tells apart")

    def _closure(self) -> Span:
        """All forms that follow, also through operators of which enough is known."""
        span, waiting, done = Span(), [form for _, form in self._forms], set[int]()
        while waiting:
            for form in waiting:
                span.add(form)
            waiting = []
            for unknown in span.determined() - done:
                if unknown < FIRST_DERIVED:
                    continue
                followed = self._arguments_that_follow(unknown, span)
                if followed is None:
                    continue
                done.add(unknown)
                waiting += followed
        return span

    def _arguments_that_follow(self, unknown: int, span: Span) -> list[Form] | None:
        rule, args = self._derived_of(unknown)[0].rule, self._args(unknown)
        first = self._unknown_part(args[0][0]) if args[0] else {}
        if rule is Rule.INVERTIBLE:
            return [first]
        if rule not in (Rule.PRODUCT, Rule.QUOTIENT):
            return None
        second = self._unknown_part(args[1][0])
        if first == second or not span.reduce(second):
            return [first]
        if rule is Rule.PRODUCT and not span.reduce(first):
            return [second]
        return None

    def _exposed(self, span: Span, mine: range) -> str:
        """Why a cell of `mine`, or a function of too few of them, follows; empty if none was found."""
        for row in span.rows:
            cells = frozenset().union(*(self._support(u) for u in row))
            touched = [cell for cell in cells if cell in mine]
            if not touched or len({self._column_of(cell).owner for cell in cells}) > 1:
                continue  # what others outside of the coalition add hides it
            first = next(iter(row))
            if len(row) == 1 and self._extreme(first):
                return f"{self._derived_of(first)[0].op!r} of {len(cells)} cells tells one of them, or which"
            if len(row) == 1 and first in mine:
                return f"the cell at place {touched[0] - mine.start} follows exactly"
            if len(cells) == 1:
                return f"a function of the cell at place {touched[0] - mine.start} alone follows"
            if len(cells) < self._least:
                return f"a combination of {len(cells)} cells, fewer than {self._least}, follows"
        return ""

    def _extreme(self, unknown: int) -> bool:
        return unknown >= FIRST_DERIVED and self._derived_of(unknown)[0].rule is Rule.EXTREME

    def _unproved(self, forms: list[Form], mine: range) -> str:
        """Why this is not proved safe; empty if it is. Functions of sums are replaced by the sums."""
        sums: list[Form] = []
        waiting = list(forms)
        while waiting:
            kept: dict[int, Fraction] = {}
            for unknown, value in waiting.pop().items():
                if unknown < FIRST_DERIVED:
                    kept[unknown] = value
                    continue
                derived, _ = self._derived_of(unknown)
                if derived.rule in (Rule.EXTREME, Rule.OTHER):
                    return f"{derived.op!r} may single out a cell"
                if len(self._support(unknown)) == 1:
                    kept[unknown] = value
                    continue
                args = [self._unknown_part(f) for arg in self._args(unknown) for f in arg]
                if any(0 < self._touched(arg, mine) < self._least for arg in args):
                    return f"{derived.op!r} is applied to single cells"
                waiting += [arg for arg in args if arg]
            if kept:
                sums.append(kept)
        return self._told_apart(sums, mine)

    def _touched(self, form: Form, mine: range) -> int:
        return len({cell for u in form for cell in self._support(u) if cell in mine})

    def _told_apart(self, sums: list[Form], mine: range) -> str:
        """Why cells are not alike in all sums; empty if each is like enough others."""
        span, traits = Span(), dict[int, list[tuple[str, int, Fraction]]]()
        for index, form in enumerate(sums):
            ours = {u: value for u, value in form.items() if any(cell in mine for cell in self._support(u))}
            if self._touched(ours, mine) == 0:
                continue
            span.add(ours)
            for unknown, value in ours.items():
                key = self._kind_of(unknown)
                if not key:
                    return "a recipient's own values choose the weights of single cells"
                (cell,) = self._support(unknown)
                traits.setdefault(cell, []).append((key, index, value))
        groups: dict[tuple[tuple[str, int, Fraction], ...], int] = {}
        for trait in traits.values():
            key_of = tuple(sorted(trait))
            groups[key_of] = groups.get(key_of, 0) + 1
        for count in groups.values():
            if count < self._least:
                return f"{count} cells have coefficients of their own"
            if count - len(span) < self._least:
                return f"{len(span)} independent sums over a group of {count} cells"
        return ""

    def _kind_of(self, unknown: int) -> str:
        """The function of its one cell that an unknown is; empty if the coalition's values are in it."""
        if unknown < FIRST_DERIVED:
            return "cell" if self._support(unknown) else ""
        parts = []
        for arg in self._args(unknown):
            for form in arg:
                kinds = [(self._kind_of(u), value) for u, value in form.items()]
                if any(not kind for kind, _ in kinds):
                    return ""
                parts.append("+".join(f"{value}*{kind}" for kind, value in sorted(kinds)))
        return f"{self._derived_of(unknown)[0].op}({','.join(parts)})"
