"""What one coalition can work out of all that it sees, pooled with its own columns.

Two questions, about the same graph (`alike.py`). What follows: exact elimination (`span.py`) over a few rows
of every class of rows that are alike, which is as good as over all of them; through quotients, products and
invertible functions whose other argument follows. What is proved not to follow: see `judge.py`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from tacit.run.gate.alike import Alike, Block, Graph, alike, distinct
from tacit.run.gate.cells import FIRST_DERIVED, KNOWN_TO_ALL, SHARED, Column, Revealed, Rule, Universe
from tacit.run.gate.reason import Reason
from tacit.run.gate.span import Form, Span
from tacit.run.gate.tangent import Fixed, Tangents

MOST_FORMS = 1 << 12
"""Revealed numbers that are solved for together; the shortest ones."""
MOST_TERMS = 1 << 17
MOST_WORK = 1 << 20
CELL = "cell"
FIXED = "fixed"
"""The reasons that no other witness beats."""
_MOST_DEGREE = 2
_MANY = 1 << 20
_NOTHING = 1 << 18
"""What is smaller by this factor is less than the resolution of real numbers."""


@dataclass(frozen=True)
class Witness:
    """Why something follows, and how: an equation between revealed numbers and cells."""

    reason: Reason
    example: str


class View:
    """Of one coalition, which sees `outputs`, by number in all that is revealed: those that `graph` is of."""

    def __init__(
        self,
        universe: Universe,
        graph: Graph,
        outputs: tuple[int, ...],
        coalition: tuple[int, ...],
        least: int,
    ) -> None:
        self.outputs = outputs
        self._graph, self._seen = graph, graph.seen
        self._columns = list(universe.columns.values())
        self._least = least
        self._n = n = len(graph.ids)
        self._is_cell = graph.ids < FIRST_DERIVED
        owners = np.array([column.owner for column in self._columns] or [0])
        self._owner = np.full(n, _MANY)
        self._owner[self._is_cell] = owners[graph.ids[self._is_cell] >> 32]
        self._mine = (*coalition, KNOWN_TO_ALL)
        self.own = frozenset(column.start for column in self._columns if column.owner in self._mine)
        own = np.isin(self._owner, self._mine)
        self._known = graph.up(own, every=True)
        self._alike: Alike = alike(graph, own)
        self._degree = self._degrees()
        self.on_shares = bool(self._revealed(graph.up(self._owner == SHARED)).any())
        self._supports: dict[int, frozenset[int] | None] = {}
        self._work = MOST_WORK
        self._starts = [block.at for block in graph.blocks]
        self.complete = True
        self._solved: list[tuple[Form, str]] | None = None

    def _revealed(self, marked: np.ndarray) -> np.ndarray:
        """The part of marks over vertices that is about revealed numbers."""
        return marked[self._n : self._n + self._graph.starts[len(self._seen)]]

    def touches(self, column: Column) -> np.ndarray:
        """bool over vertices: what depends on a cell of `column`."""
        cells = np.zeros(self._n, bool)
        cells[self._graph.cells_of(column)] = True
        return self._graph.up(cells)

    def names(self, touched: np.ndarray | None = None) -> tuple[str, ...]:
        """Of what is seen, or of that part of it that is marked."""
        starts, n = self._graph.starts, self._n
        return tuple(
            dict.fromkeys(
                item.name
                for index, item in enumerate(self._seen)
                if touched is None or touched[n + starts[index] : n + starts[index + 1]].any()
            )
        )

    # --- what is proved not to follow -------------------------------------------------------------------

    def _degrees(self) -> np.ndarray:
        """The degree in cells of its row that every unknown has, `_MANY` if it is no polynomial of them."""
        graph, degree = self._graph, np.zeros(self._n, np.int64)
        rows = ~self._alike.alone[: self._n]
        degree[self._is_cell & rows] = 1
        for block in graph.blocks:
            parts = []
            for index in block.args:
                forms, of = graph.forms[index], graph.of[index]
                part = np.zeros(forms.size, np.int64)
                np.maximum.at(part, forms.at, degree[of])
                lines = block.derived.lines
                parts.append(part[lines].max(axis=1) if lines is not None else part.max(initial=0))
            found = np.sum(parts, axis=0) if block.derived.rule is Rule.PRODUCT else np.max(parts, axis=0)
            if block.derived.rule is Rule.TRUTH:
                found = np.where(found > 0, _MOST_DEGREE, 0)  # A sum counts it; in products it is too much.
            elif block.derived.rule not in (Rule.PRODUCT, Rule.EQUAL):
                found = np.where(found > 0, _MANY, 0)
            made = slice(block.at, block.at + block.derived.count)
            degree[made] = np.where(rows[made], np.minimum(found, _MANY), 0)
        return degree

    def unproved(self, column: Column, touched: np.ndarray) -> Reason | None:
        """Why this is not proved safe; None if it is."""
        if self.on_shares:
            return Reason.of("on-shares")
        graph, alone = self._graph, self._alike.alone
        truths = [np.zeros(0, np.int64)]
        for block in graph.blocks:
            made = slice(block.at, block.at + block.derived.count)
            among_rows = touched[made] & ~alone[made]
            if block.derived.rule in (Rule.EXTREME, Rule.OTHER, Rule.TRUTH):
                if among_rows.any() and block.derived.rule is Rule.TRUTH:
                    truths.append(block.at + np.flatnonzero(among_rows))
                elif among_rows.any() or self._reads_rows(block, touched):
                    return Reason.of("single-out", op=block.derived.op)
            if (self._degree[made][among_rows] > _MOST_DEGREE).any():
                return Reason.of("dominated", op=block.derived.op)
        compared = self._alike.row[np.concatenate(truths)]
        if len(distinct(compared)) < len(compared):
            return Reason.of("limits")
        classes = self._alike.class_of[graph.cells_of(column)]
        if (classes < 0).any():
            return Reason.of("weights", count=int((classes < 0).sum()))
        n_sums = self._n_sums(touched)
        smallest = int(self._alike.size[classes].min())
        if smallest < self._least + n_sums:
            return Reason.of("small-group", sums=n_sums, count=smallest)
        return None

    def _reads_rows(self, block: Block, touched: np.ndarray) -> bool:
        """Whether an operator takes single rows rather than sums over rows."""
        for index in block.args:
            start = self._n + self._graph.starts[index]
            elements = slice(start, start + self._graph.forms[index].size)
            if (touched[elements] & ~self._alike.alone[elements]).any():
                return True
        return False

    def _n_sums(self, touched: np.ndarray) -> int:
        """How many sums over rows there are of what is touched, those of different terms in one number apart:
        integers could be told apart there. Everything else is a function of them."""
        found = [np.zeros(0, np.int64)]
        for index, forms in enumerate(self._graph.forms):
            of, elements = self._graph.of[index], self._n + self._graph.starts[index] + forms.at
            rows = self._alike.alone[elements] & ~self._alike.alone[of] & touched[of]
            found.append(elements[rows] * len(touched) + self._alike.colour[of[rows]])
        return len(distinct(np.concatenate(found)))

    # --- what follows -----------------------------------------------------------------------------------

    def _kept(self) -> np.ndarray:
        """bool over vertices: without known ones, and of rows that are alike only as many as matter."""
        classes, row = self._alike.class_of, self._alike.row
        enough = self._least + 2 + self._n_sums(np.ones(len(classes), bool))
        kept = ~self._known
        rows = distinct(row[classes >= 0])
        of_row = classes[rows]
        order = np.argsort(of_row, kind="stable")
        begins = np.searchsorted(of_row[order], np.arange(len(self._alike.size)))
        rank = np.empty(len(rows), np.int64)
        rank[order] = np.arange(len(rows)) - begins[of_row[order]]
        kept[classes >= 0] &= rank[np.searchsorted(rows, row[classes >= 0])] < enough
        return kept

    def solve(self) -> list[tuple[Form, str]]:
        """All that follows: forms of cells and derived unknowns, each with how it is made."""
        if self._solved is not None:
            return self._solved
        kept = self._kept()
        self._forms = _Terms(self._graph, kept)
        span, labels = Span(MOST_WORK), list[str]()

        def add(form: Form, label: str) -> None:
            labels.append(label)
            span.add(form)

        found, self.complete = self._forms.shortest(len(self._seen))
        for index, element in found:
            form = self._forms.of(index, element)
            if form:
                item = self._seen[index]
                add(form, _label(item, element))
        done = set[int]()
        while waiting := [u for u in span.determined() - done if not self._is_cell[u]]:
            followed = [(u, form) for u in waiting for form in self._arguments_that_follow(u, span) or ()]
            if not followed:
                break
            for unknown, form in followed:
                done.add(unknown)
                add(form, f"({self._block(unknown).derived.op} undone)")
        self.complete = self.complete and not span.full and not self._forms.full
        self._solved = [(row, _sum_of(made, labels)) for row, made in span.rows()]
        return self._solved

    def _block(self, unknown: int) -> Block:
        return self._graph.blocks[bisect_right(self._starts, unknown) - 1]

    def _arguments_that_follow(self, unknown: int, span: Span) -> list[Form] | None:
        block = self._block(unknown)
        rule, lines, i = block.derived.rule, block.derived.lines, unknown - block.at
        if lines is None or rule not in (Rule.INVERTIBLE, Rule.PRODUCT, Rule.QUOTIENT):
            return None
        first, *rest = (self._forms.of(index, int(lines[i, 0])) for index in block.args)
        if rule is Rule.INVERTIBLE:
            return [first]
        (second,) = rest
        if first == second or not span.reduce(second):
            return [first]
        return [second] if not span.reduce(first) else None

    def _support(self, unknown: int) -> frozenset[int] | None:
        """The kept cells that an unknown depends on; None if they are `least` or more, or take too long."""
        key = self._key(unknown)
        waiting = [key]
        while waiting:
            top = waiting[-1]
            if top in self._supports:
                waiting.pop()
                continue
            below = {self._key(u) for u in self._below(top)}
            self._work -= 1 + len(below)
            known = [self._supports[other] for other in below if other in self._supports]
            whole = _joint(known)
            missing = [other for other in below if other not in self._supports]
            if self._work < 0 or whole is None or len(whole) >= self._least:
                self._supports[top] = None
            elif missing:
                waiting.append(missing[0])  # One is enough, as a rule, to find that all are too many.
            else:
                self._supports[top] = whole
        return self._supports[key]

    def _key(self, unknown: int) -> int:
        """The one unknown that stands for all results of an operator on everything; a cell puts itself in."""
        if self._is_cell[unknown]:
            self._supports.setdefault(unknown, frozenset([unknown]))
            return unknown
        block = self._block(unknown)
        return block.at if block.derived.lines is None else unknown

    def _below(self, unknown: int) -> set[int]:
        """The unknowns in the forms that a derived one is a function of."""
        block, found = self._block(unknown), set[int]()
        lines = block.derived.lines
        for index in block.args:
            starts, of = self._forms.places(index)
            if lines is None:
                found.update(of)
                continue
            for place in lines[unknown - block.at].tolist():
                found.update(of[starts[place] : starts[place + 1]])
        return found

    def exposed(self, column: Column) -> Witness | None:
        """Why a cell of `column`, or a function of too few of them, follows; None if none was found."""
        rows = sorted(self.solve(), key=lambda row: (len(row[0]), not self._is_cell[min(row[0])]))
        mine = self.touches(column)
        foreign = np.isin(self._owner, [column.owner, *self._mine], invert=True) & self._is_cell
        others = self._graph.up(foreign)
        for row, made in rows:
            reason = self._told(row, mine, others)
            if reason is not None:
                return Witness(reason, f"{made} = {self._written(row)}")
        for row, made in rows:
            largest = max(map(abs, row.values()))
            main = {u: value for u, value in row.items() if abs(value) * _NOTHING >= largest}
            reason = self._told(main, mine, others) if len(main) < len(row) else None
            if reason is not None:
                place = self._place(next(u for u in main if mine[u]))
                return Witness(Reason.of("nearly", place=place), f"{made} ≈ {self._written(main)}")
        return None

    def fixed(self, column: Column, tangents: Tangents) -> Witness | None:
        """A cell of `column` that outputs leave no freedom, in whatever way they depend on it; or what a
        comparison of a few of its cells tells."""
        for truths in (False, True):
            found = [
                (fixed.chosen, len(fixed.outputs), min(fixed.cells) - column.start, fixed)
                for fixed in tangents.fixed(self.own, self.outputs, truths)
                if all(column.start <= cell < column.start + column.count for cell in fixed.cells)
            ]
            if found:
                chosen, _, place, fixed = min(found, key=lambda row: row[:3])
                return self._fixed_by(column, place, chosen, truths, fixed)
        return None

    def _fixed_by(self, column: Column, place: int, chosen: bool, truths: bool, fixed: Fixed) -> Witness:
        names = dict(zip(self.outputs, self._seen, strict=True))
        labels = [_label(names[number], element) for number, element in fixed.outputs]
        told = ", ".join(labels[:4]) + (", …" if len(labels) > 4 else "")
        cell = _cell(column, place)
        if chosen:
            return Witness(Reason.of("fixed-for-some", place=place), f"{cell} = f({told})")
        if not truths:
            return Witness(Reason.of(FIXED, place=place), f"{cell} = f({told})")
        reason = Reason.of("function", place=place)
        if len(fixed.cells) > 1:
            reason = Reason.of("few", count=len(fixed.cells), least=self._least)
        return Witness(reason, f"g({cell}{', …' if len(fixed.cells) > 1 else ''}) = f({told})")

    def _place(self, unknown: int) -> int:
        """In its column, of the first cell that this depends on."""
        return int(self._graph.ids[min(self._support(unknown) or [unknown])]) & 0xFFFFFFFF

    def _told(self, row: Form, mine: np.ndarray, others: np.ndarray) -> Reason | None:
        if not any(mine[u] for u in row) or any(others[u] for u in row):
            return None  # What others outside of the coalition add hides it.
        extremes = [u for u in row if self._is_extreme(u)] if len(row) < self._least else []
        if extremes and len(extremes) == len(row):
            return Reason.of("extreme", op=self._block(extremes[0]).derived.op)
        cells: frozenset[int] | None = frozenset()
        for unknown in row:
            cells = _joint([cells, self._support(unknown)])
            if cells is None or len(cells) >= self._least:
                return None
        if not cells:
            return None
        first = min(cells)
        place = int(self._graph.ids[first]) & 0xFFFFFFFF
        if list(row) == [first]:
            return Reason.of(CELL, place=place)
        if len(cells) == 1:
            return Reason.of("function", place=place)
        return Reason.of("few", count=len(cells), least=self._least)

    def _is_extreme(self, unknown: int) -> bool:
        """Whether it is one of some elements, or says which, that few cells are in."""
        if self._is_cell[unknown] or self._block(unknown).derived.rule is not Rule.EXTREME:
            return False
        block = self._block(unknown)
        lines = block.derived.lines
        for index in block.args:
            starts, of = self._forms.places(index)
            places = range(len(starts) - 1) if lines is None else lines[unknown - block.at].tolist()
            for place in places:
                cells = _joint([self._support(u) for u in of[starts[place] : starts[place + 1]]])
                if cells and len(cells) < self._least:
                    return True
        return False

    def _written(self, row: Form) -> str:
        """A form in words: `2*a[3] + exp(...)`."""
        names = {}
        for unknown in row:
            number = int(self._graph.ids[unknown])
            if self._is_cell[unknown]:
                column = self._columns[number >> 32]
                names[unknown] = _cell(column, number & 0xFFFFFFFF)
            else:
                names[unknown] = f"{self._block(unknown).derived.op}(…)"
        return _sum_of(row, names)


def _joint(parts: Sequence[frozenset[int] | None]) -> frozenset[int] | None:
    """All together; None if one of them is unknown."""
    if any(part is None for part in parts):
        return None
    return frozenset[int]().union(*(part for part in parts if part is not None))


def _label(item: Revealed, element: int) -> str:
    return item.name if item.forms.size == 1 else f"{item.name}[{element}]"


def _cell(column: Column, place: int) -> str:
    return column.name if column.count == 1 else f"{column.name}[{place}]"


def _sum_of(form: Form, names: Sequence[str] | dict[int, str]) -> str:
    """At most four terms."""
    parts = []
    for number, value in list(form.items())[:4]:
        factor = "" if abs(value) == 1 else f"{_short(abs(value))}*"
        parts.append(f"{'-' if value < 0 else '+'} {factor}{names[number]}")
    parts += ["+ …"] if len(form) > 4 else []
    text = " ".join(parts)
    return text[2:] if text.startswith("+ ") else text


def _short(value: Fraction) -> str:
    text = str(value)
    return text if len(text) <= 12 else f"{float(value):.6g}"


class _Terms:
    """Forms of a graph as dictionaries, only of the vertices in `kept`; names are put in full."""

    def __init__(self, graph: Graph, kept: np.ndarray) -> None:
        self._graph, self._kept = graph, kept
        self._left = MOST_TERMS
        self._cut: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._placed: dict[int, tuple[list[int], list[int]]] = {}
        self._named = {block.at: block for block in graph.blocks if block.derived.rule is Rule.EQUAL}
        self._starts = sorted(self._named)
        self._made: dict[tuple[int, int], Form] = {}

    @property
    def full(self) -> bool:
        return self._left <= 0

    def terms(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if index not in self._cut:
            forms, of = self._graph.forms[index], self._graph.of[index]
            start = len(self._graph.ids) + self._graph.starts[index]
            keep = self._kept[of] & self._kept[start + forms.at]
            self._cut[index] = forms.at[keep], of[keep], forms.num[keep]
        return self._cut[index]

    def places(self, index: int) -> tuple[list[int], list[int]]:
        """Where the terms of each element begin, and their unknowns."""
        if index not in self._placed:
            at, of, _ = self.terms(index)
            starts = np.searchsorted(at, np.arange(self._graph.forms[index].size + 1))
            self._placed[index] = starts.tolist(), of.tolist()
        return self._placed[index]

    def shortest(self, n_values: int) -> tuple[list[tuple[int, int]], bool]:
        """(value, element) of those of the first values that have the fewest terms; whether these are all."""
        parts = []
        for index in range(n_values):
            elements, counts = np.unique(self.terms(index)[0], return_counts=True)
            parts.append(np.stack([counts, np.full(len(elements), index), elements]))
        every = np.concatenate([np.zeros((3, 0), np.int64), *parts], axis=1)
        order = np.argsort(every[0], kind="stable")
        chosen = order[: int(np.searchsorted(np.cumsum(every[0][order]), MOST_TERMS, "right"))][:MOST_FORMS]
        return [(int(every[1, i]), int(every[2, i])) for i in chosen], len(chosen) == len(order)

    def of(self, index: int, element: int) -> Form:
        """Empty, too, once too many terms were asked for."""
        key = index, element
        if key in self._made:
            return self._made[key]
        whole: dict[int, Fraction] = {}
        waiting = [(index, element, Fraction(1))]
        while waiting and self._left > 0:
            value, place, factor = waiting.pop()
            at, of, num = self.terms(value)
            start, stop = np.searchsorted(at, [place, place + 1])
            self._left -= int(stop - start) + 1
            for unknown, coefficient in zip(of[start:stop].tolist(), num[start:stop].tolist(), strict=True):
                scaled = factor * Fraction(coefficient, self._graph.forms[value].den)
                name = self._name(unknown)
                if name is not None:
                    waiting.append((name.args[0], unknown - name.at, scaled))
                    continue
                left = whole.get(unknown, Fraction(0)) + scaled
                whole[unknown] = left
                if not left:
                    del whole[unknown]
        self._made[key] = whole
        return whole

    def _name(self, unknown: int) -> Block | None:
        """The block that only names what it is, if the unknown is of one."""
        place = bisect_right(self._starts, unknown) - 1
        if place < 0:
            return None
        block = self._named[self._starts[place]]
        return block if unknown < block.at + block.derived.count else None
