"""Which cells have only finitely many values that fit what is revealed? Degrees of freedom, counted exactly.

Outputs are functions of cells. A change of the cells that no output notices to first order is in the kernel
of their derivatives; where none such moves a cell, it cannot vary: its unit vector is in the row space.
For rational functions this is the whole truth, but for a set of points of measure 0 on either side.

Source   the Jacobian criterion: Beecken, Mittmann, Saxena, "Algebraic independence and blackbox identity
         testing", 2013. A random point: see `point.py`.
Differs  a cell is fixed up to finitely many candidates, as by sum and product of two.
Setting  finds attacks only; `safe` never rests on it. Columns of the coalition are constants: a regression
         on its own design is linear in the others' cells. Two points have to agree, so that a claim is wrong
         with a probability below 2^-40.
Cost     k outputs over n cells take k^2 n steps; of too many outputs the shortest are taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tacit.base.errors import LimitError
from tacit.ir.program import Program
from tacit.run.gate.cells import FIRST_DERIVED, Universe
from tacit.run.gate.point import Point
from tacit.run.gate.slopes import PRIME, Traced, inverse

_MOST_WORK = 1 << 26
_SEEDS = (1, 2)


@dataclass(frozen=True)
class Fixed:
    """By which outputs (number, element) something is fixed: a cell, or what a comparison of these `cells`
    tells. `chosen`: on one side of some other comparison only."""

    outputs: tuple[tuple[int, int], ...]
    chosen: bool
    cells: frozenset[int]


class Tangents:
    """Of everything that some programs reveal, numbered as `cells.follow` lists it."""

    def __init__(
        self, programs: Sequence[Program], versions: Sequence[Mapping[str, str]], universe: Universe
    ) -> None:
        self._programs, self._versions, self._universe = programs, versions, universe
        self._seen: dict[tuple[int, bool], tuple[Point, list[Traced]]] = {}
        self._found: dict[tuple[bool, frozenset[int], tuple[int, ...]], dict[int, Fixed]] = {}
        self._work = _MOST_WORK

    def fixed(self, own: Collection[int], outputs: Sequence[int], truths: bool) -> Collection[Fixed]:
        """Cells that are fixed by these outputs for who knows the columns that start at `own`; or, of
        `truths`, what comparisons of a few cells tell."""
        key = truths, frozenset(own), tuple(outputs)
        if key not in self._found:
            first = self._fixed(_SEEDS[0], *key)
            second = self._fixed(_SEEDS[1], *key) if first else {}
            found = {fixed.cells for fixed in second.values()}
            self._found[key] = {cell: fixed for cell, fixed in first.items() if fixed.cells in found}
        return self._found[key].values()

    def _outputs(self, seed: int, truths: bool) -> tuple[Point, list[Traced]]:
        """At one point; none if the programs cannot be followed there."""
        key = seed, truths
        if key not in self._seen:
            point, seen = Point(seed, truths), list[Traced]()
            try:
                for program, version in zip(self._programs, self._versions, strict=True):
                    seen += point.follow(program, self._universe, version)
            except (LimitError, ZeroDivisionError):
                seen = []
            self._seen[key] = point, seen
        return self._seen[key]

    def _fixed(
        self, seed: int, truths: bool, own: frozenset[int], outputs: tuple[int, ...]
    ) -> dict[int, Fixed]:
        if truths and not self._outputs(seed, False)[0].compared:
            return {}
        point, seen = self._outputs(seed, truths)
        if not seen:
            return {}
        sizes = [seen[number].real.size for number in outputs]
        starts = np.cumsum([0, *sizes])
        slopes = [seen[number].slope for number in outputs]
        none = np.zeros(0, np.int64)
        at = np.concatenate([none, *(s.at + start for s, start in zip(slopes, starts, strict=False))])
        of = np.concatenate([none, *(slope.of for slope in slopes)])
        num = np.concatenate([none, *(slope.num for slope in slopes)])
        unknown = ~np.isin(np.where(of < FIRST_DERIVED, of >> 32 << 32, of), list(own))
        at, of, num = at[unknown], of[unknown], num[unknown]
        # Step 1: a dense matrix of the shortest rows, as many as there is work for.
        rows, counts = np.unique(at, return_counts=True)
        order = np.argsort(counts, kind="stable")
        cells = np.unique(of)
        most = int((self._work / max(len(cells), 1)) ** 0.5)
        chosen = np.sort(rows[order[:most]])
        self._work -= len(chosen) ** 2 * len(cells)
        keep = np.isin(at, chosen)
        matrix = np.zeros((len(chosen), len(cells)), np.int64)
        matrix[np.searchsorted(chosen, at[keep]), np.searchsorted(cells, of[keep])] = num[keep]
        # Step 2: every row that is a unit vector in the end.
        made = _eliminated(matrix)
        found = {}
        for line in np.flatnonzero(np.count_nonzero(matrix, axis=1) == 1).tolist():
            cell = int(cells[np.flatnonzero(matrix[line])[0]])
            support = frozenset([cell]) if cell < FIRST_DERIVED else point.support.get(cell)
            if support is not None:
                used = [_place(starts, outputs, row) for row in chosen[made[line] != 0].tolist()]
                found[cell] = Fixed(tuple(used), any(seen[number].chosen for number, _ in used), support)
        return found


def _place(starts: np.ndarray, outputs: Sequence[int], row: int) -> tuple[int, int]:
    """The output that has this row, and which element of it that is."""
    place = int(np.searchsorted(starts, row, "right")) - 1
    return outputs[place], row - int(starts[place])


def _eliminated(matrix: np.ndarray) -> np.ndarray:
    """In place, until every pivot is alone in its column. Row i of the result: which rows went into row i."""
    made = np.eye(len(matrix), dtype=np.int64)
    for line in range(len(matrix)):
        (places,) = np.nonzero(matrix[line])
        if not len(places):
            continue
        pivot = places[0]
        scale = inverse(matrix[line, pivot])
        matrix[line] = matrix[line] * scale % PRIME
        made[line] = made[line] * scale % PRIME
        factor = matrix[:, pivot].copy()
        factor[line] = 0
        (others,) = np.nonzero(factor)
        for array in (matrix, made):
            array[others] = (array[others] - factor[others, None] * array[line]) % PRIME
    return made
