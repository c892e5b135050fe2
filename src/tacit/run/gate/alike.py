"""Which cells does nothing that is revealed tell apart?

Values, forms and cells make a graph: a form has its unknowns as neighbours, a derived unknown the forms that
it is a function of, edges carry coefficients. Colours, which say what tells two vertices apart, are refined
until they are stable; then what is not of a colour of its own falls into components, the rows of data. Two
rows with the same colours, each once, can be exchanged, and the graph stays what it was: no revealed number
says which of them is which.

Source   Weisfeiler, Leman, "The reduction of a graph to canonical form", 1968: colour refinement. That such
         components are isomorphic: a vertex of one has the same colours around it as the one of its colour in
         the other, and each colour is there but once.
Differs  new colours are found by a 64-bit sum over neighbours, first along the order of operators, then in
         rounds; the last ones are compared exactly, so that a collision can cost a proof but not make a wrong
         one.
Cost     a few sorts of all terms; no loop over cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from tacit.run.gate.cells import FIRST_DERIVED, Column, Derived, Revealed, Universe
from tacit.run.gate.forms import Forms

_MOST_ROUNDS = 64


@dataclass(frozen=True, eq=False)
class Block:
    """One operator's results: unknowns `at` to `at + n` of the graph; for each argument, where its elements
    begin among the elements of the graph."""

    derived: Derived
    at: int
    args: tuple[int, ...]


class Graph:
    """What the numbers in `seen` are made of. Unknowns are numbered 0…n-1 in the order of `ids`."""

    def __init__(self, universe: Universe, seen: Sequence[Revealed]) -> None:
        self.seen = seen
        derived = _reached(universe.derived, seen)
        forms = [item.forms for item in seen] + [arg for block in derived for arg in block.args]
        made = [np.arange(block.start, block.start + block.count) for block in derived]
        self.ids = distinct(np.concatenate([np.zeros(0, np.int64), *(f.of for f in forms), *made]))
        self.starts = np.cumsum([0] + [f.size for f in forms])
        self.forms = forms
        self.n_elements = int(self.starts[-1])
        self.of = [np.searchsorted(self.ids, f.of) for f in forms]
        """For every value, its unknowns by their numbers here."""
        self.blocks = []
        first = len(seen)
        for block in derived:
            args = tuple(range(first, first + len(block.args)))
            first += len(args)
            self.blocks.append(Block(block, int(np.searchsorted(self.ids, block.start)), args))

    @cached_property
    def edges(self) -> _Edges:
        return _Edges(self)

    def cells_of(self, column: Column) -> slice:
        low, high = np.searchsorted(self.ids, [column.start, column.start + column.count])
        return slice(int(low), int(high))

    def up(self, start: np.ndarray, *, every: bool = False) -> np.ndarray:
        """bool[n] over unknowns, then bool over elements: what depends on unknowns marked in `start`; with
        `every`, only what depends on nothing else."""
        unknowns = start.copy()
        elements = np.full(self.n_elements, every)

        def spread(index: int) -> np.ndarray:
            part = elements[self.starts[index] : self.starts[index + 1]]
            marked = unknowns[self.of[index]]
            part[self.forms[index].at[~marked if every else marked]] = not every
            return part

        for block in self.blocks:  # An operator's arguments are made of earlier unknowns.
            lines = block.derived.lines
            parts = [spread(index) for index in block.args]
            each = [p[lines] if lines is not None else p[None] for p in parts]
            found = [p.all(axis=1) if every else p.any(axis=1) for p in each]
            whole = np.logical_and.reduce(found) if every else np.logical_or.reduce(found)
            unknowns[block.at : block.at + block.derived.count] |= whole
        for index in range(len(self.forms)):
            spread(index)
        return np.concatenate([unknowns, elements])


def _reached(derived: list[Derived], seen: Sequence[Revealed]) -> list[Derived]:
    """The operators that what is seen goes back to, in order."""
    starts = np.array([block.start for block in derived], np.int64)
    waiting, found = [item.forms for item in seen], set[int]()
    while waiting:
        of = waiting.pop().of
        numbers = distinct(np.searchsorted(starts, of[of >= FIRST_DERIVED], "right") - 1)
        new = set(numbers.tolist()) - found
        found |= new
        waiting += [arg for number in new for arg in derived[number].args]
    return [derived[number] for number in sorted(found)]


@dataclass(frozen=True, eq=False)
class Alike:
    """Over all vertices, unknowns first: `colour` int64, the same for what is alike; `alone` bool, whether
    nothing is like it; `class_of` int64, the number of its row's class, -1 if it is in none; `row` int64, the
    number of its row. `size` int64: rows of each class."""

    colour: np.ndarray
    alone: np.ndarray
    class_of: np.ndarray
    row: np.ndarray
    size: np.ndarray


def alike(graph: Graph, apart: np.ndarray) -> Alike:
    """Rows and their classes; unknowns marked in `apart` are told apart from all others anyway."""
    edges = graph.edges
    colours = edges.refined(_ranks(_swept(graph, _first_colours(graph, apart))))
    n = len(colours)
    alone = np.bincount(colours)[colours] == 1
    row = edges.components(~alone)
    if row is None or not edges.stable(colours, ~alone):
        nothing = np.full(n, -1)
        return Alike(np.arange(n), np.ones(n, bool), nothing, nothing, np.zeros(0, np.int64))
    # Rows with a colour twice are left out: they need not be alike where their colours are.
    among = np.flatnonzero(~alone)
    pairs = among[np.lexsort((colours[among], row[among]))]
    twice = (row[pairs][1:] == row[pairs][:-1]) & (colours[pairs][1:] == colours[pairs][:-1])
    bad = np.zeros(n, bool)
    bad[row[pairs][1:][twice]] = True
    good = among[~bad[row[among]]]
    least = np.full(n, n)
    np.minimum.at(least, row[good], colours[good])
    heads = good[row[good] == good]
    names, size = np.unique(least[heads], return_counts=True)
    class_of = np.full(n, -1)
    class_of[good] = np.searchsorted(names, least[row[good]])
    return Alike(colours, alone, class_of, row, size)


def distinct(values: np.ndarray) -> np.ndarray:
    """Sorted, each once."""
    ordered = np.sort(values, kind="stable")
    return np.asarray(ordered[np.diff(ordered, prepend=ordered[:1] - 1) != 0])


def _first_colours(graph: Graph, apart: np.ndarray) -> np.ndarray:
    """Columns and operators by their number; what is revealed, and positions that matter, one by one."""
    n = len(graph.ids)
    colours = np.zeros(n + graph.n_elements, np.int64)
    cells = graph.ids < FIRST_DERIVED
    colours[:n][cells] = graph.ids[cells] >> 32
    own = np.arange(len(colours)) + (1 << 40)
    colours[n:] = own[n:]
    for number, block in enumerate(graph.blocks):
        made = slice(block.at, block.at + block.derived.count)
        if block.derived.lines is None:
            colours[made] = own[made]
            continue
        colours[made] = (1 << 34) + number
        for index in block.args:
            colours[n + graph.starts[index] : n + graph.starts[index + 1]] = (1 << 36) + index
    colours[:n][apart] = own[:n][apart]
    return _ranks(colours)


def _ranks(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1].reshape(-1)


def _swept(graph: Graph, colours: np.ndarray) -> np.ndarray:
    """Words that tell apart only what refinement would: what is below goes into each vertex, from the cells
    upwards, then what is above, downwards. A long chain would take as many rounds as it has links."""
    words, n = mixed(colours.astype(np.uint64)), len(graph.ids)
    labels = [_labels(forms) for forms in graph.forms]

    def elements(index: int) -> np.ndarray:
        start = n + graph.starts[index]
        return words[start : start + graph.forms[index].size]

    def down(index: int) -> None:
        told = mixed(elements(index)[graph.forms[index].at] + labels[index])
        np.add.at(words, graph.of[index], told)

    n_seen = len(graph.forms) - sum(len(block.args) for block in graph.blocks)
    for block in graph.blocks:
        made, lines = words[block.at : block.at + block.derived.count], block.derived.lines
        for position, index in enumerate(block.args if lines is not None else ()):
            part = elements(index)
            np.add.at(part, graph.forms[index].at, mixed(words[graph.of[index]] + labels[index]))
            part[:] = mixed(part)
            made += mixed(part[lines] + np.uint64(position)).sum(axis=1, dtype=np.uint64)
        made[:] = mixed(made)
    for index in range(n_seen):
        down(index)
    for block in reversed(graph.blocks):
        made, lines = words[block.at : block.at + block.derived.count], block.derived.lines
        made[:] = mixed(made)
        for position, index in enumerate(block.args):
            if lines is not None:
                told = np.repeat(mixed(made + np.uint64(position)), lines.shape[1])
                np.add.at(elements(index), lines.reshape(-1), told)
            down(index)
    return words


def _labels(forms: Forms) -> np.ndarray:
    """A word for each coefficient."""
    words = np.asarray(forms.num % (1 << 62)).astype(np.uint64)
    return mixed(mixed(words) + np.uint64(forms.den % (1 << 62)))


class _Edges:
    """Both directions of every edge, sorted by where they begin."""

    def __init__(self, graph: Graph) -> None:
        n, none = len(graph.ids), np.zeros(0, np.int64)
        coefficients: dict[Fraction, int] = {}
        low, high, label = [], [], []
        for start, value, of in zip(graph.starts, graph.forms, graph.of, strict=False):
            different, place = np.unique(value.num, return_inverse=True)
            exact = [Fraction(int(num), value.den) for num in different]
            numbers = [coefficients.setdefault(factor, len(coefficients)) for factor in exact]
            low.append(of)
            high.append(n + start + value.at)
            label.append(np.array(numbers, np.int64)[place.reshape(-1)])
        for block in graph.blocks:
            made = np.arange(block.at, block.at + block.derived.count)
            for position, index in enumerate(block.args):
                lines = block.derived.lines
                if lines is not None:  # The others have colours of their own, and so have their arguments.
                    low.append(n + graph.starts[index] + lines.reshape(-1))
                    high.append(np.repeat(made, lines.shape[1]))
                    label.append(np.full(lines.size, -1 - position))
        below, above = np.concatenate([none, *low]), np.concatenate([none, *high])
        names = _ranks(np.concatenate([none, *label])) * 2
        begin = np.concatenate([below, above])
        order = np.argsort(begin, kind="stable")
        self.begin = begin[order]
        self.end = np.concatenate([above, below])[order]
        self.label = np.concatenate([names, names + 1])[order]
        self.n = n + graph.n_elements

    def refined(self, colours: np.ndarray) -> np.ndarray:
        """Until no colour falls apart any more; 0…k-1."""
        count = int(colours.max(initial=-1)) + 1
        while True:
            open_ = np.flatnonzero(np.bincount(colours)[colours] > 1)
            among = np.zeros(self.n, bool)
            among[open_] = True
            told = mixed(colours[open_].astype(np.uint64) * np.uint64(3))
            edges = np.flatnonzero(among[self.begin])
            if len(edges):
                begin, end = self.begin[edges], colours[self.end[edges]].astype(np.uint64)
                around = mixed(mixed(end) + self.label[edges].astype(np.uint64))
                firsts = np.flatnonzero(np.diff(begin, prepend=-1))
                told[np.searchsorted(open_, begin[firsts])] += np.add.reduceat(around, firsts)
            finer = colours.copy()
            finer[open_] = _ranks(told) + count  # What is alone keeps its colour.
            finer = _ranks(finer)
            found = int(finer.max(initial=-1)) + 1
            if found <= count:
                return colours
            colours, count = finer, found

    def stable(self, colours: np.ndarray, among: np.ndarray) -> bool:
        """Whether vertices `among` of one colour have the same colours around them, over the same edges."""
        inside = np.flatnonzero(among[self.begin])
        begin = self.begin[inside]
        around = colours[self.end[inside]] * (int(self.label.max(initial=0)) + 1) + self.label[inside]
        around = around[np.lexsort((around, begin))]
        first, degree = np.zeros(self.n, np.int64), np.bincount(begin, minlength=self.n)
        heads = np.flatnonzero(np.diff(begin, prepend=-1))
        first[begin[heads]] = heads
        model = np.zeros(int(colours.max(initial=-1)) + 1, np.int64)
        model[colours] = np.arange(self.n)
        models = model[colours]
        if not np.array_equal(degree[among], degree[models[among]]):
            return False
        place = first[models[begin]] + np.arange(len(begin)) - first[begin]
        return bool(np.array_equal(around[place], around))

    def components(self, among: np.ndarray) -> np.ndarray | None:
        """For every vertex, the least one that it is connected with over vertices in `among`; None if they
        are too long."""
        names = np.arange(self.n)
        inside = among[self.begin] & among[self.end]
        begin, end = self.begin[inside], self.end[inside]
        if not len(begin):
            return names
        firsts = np.flatnonzero(np.diff(begin, prepend=-1))
        for _ in range(_MOST_ROUNDS):
            lower = names.copy()
            heads = begin[firsts]
            lower[heads] = np.minimum(names[heads], np.minimum.reduceat(names[end], firsts))
            lower = lower[lower]
            if np.array_equal(lower, names):
                return names
            names = lower
        return None


def mixed(values: np.ndarray) -> np.ndarray:
    """A permutation of 64-bit words without visible structure: the finaliser of splitmix64."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))
