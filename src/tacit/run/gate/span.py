"""Exact linear algebra over the rationals: which unknowns do revealed sums determine?

Source   Denning, "Cryptography and Data Security", 1982, chapter 6 (trackers, linear system attacks on sums);
         reduced row echelon form: a unit vector is in the row space exactly if it is a row of that form.
Cost     k forms over n unknowns take k^2 n rational operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

Form = Mapping[int, Fraction]
"""A linear form: coefficients that are not zero, by unknown."""


class Span:
    """The space of all rational combinations of forms that were added, in reduced row echelon form."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[int, Fraction]] = {}
        """By pivot: the coefficient of the pivot is 1, and no other row has it."""

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> Iterable[Form]:
        return self._rows.values()

    def reduce(self, form: Form) -> dict[int, Fraction]:
        """`form` less what is in the span already; empty if it is."""
        rest = dict(form)
        for unknown in [unknown for unknown in form if unknown in self._rows]:
            _subtract(rest, self._rows[unknown], rest[unknown])
        return rest

    def add(self, form: Form) -> bool:
        """Whether the form was new."""
        rest = self.reduce(form)
        if not rest:
            return False
        pivot = min(rest)
        scale = rest[pivot]
        rest = {unknown: value / scale for unknown, value in rest.items()}
        for row in self._rows.values():
            if pivot in row:
                _subtract(row, rest, row[pivot])
        self._rows[pivot] = rest
        return True

    def determined(self) -> set[int]:
        """The unknowns whose values follow."""
        return {pivot for pivot, row in self._rows.items() if len(row) == 1}


def _subtract(form: dict[int, Fraction], other: Form, factor: Fraction) -> None:
    for unknown, value in other.items():
        left = form.get(unknown, Fraction(0)) - factor * value
        if left:
            form[unknown] = left
        else:
            form.pop(unknown, None)
