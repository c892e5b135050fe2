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


_WORD = 8
"""Bits of a denominator that cost as much as one small coefficient more."""


class Span:
    """The space of all rational combinations of forms that were added, in reduced row echelon form; of every
    row, also of which forms it is the combination."""

    def __init__(self, most_work: int = 1 << 62) -> None:
        """Once about `most_work` small coefficients were computed, nothing is added any more."""
        self._rows: dict[int, dict[int, Fraction]] = {}
        """By pivot: the coefficient of the pivot is 1, and no other row has it."""
        self._made: dict[int, dict[int, Fraction]] = {}
        """By pivot: coefficients of the forms, by their number in the order of `add`."""
        self._work = most_work
        self._added = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def full(self) -> bool:
        return self._work <= 0

    def rows(self) -> Iterable[tuple[Form, Form]]:
        """Every row, and of how much of which form it consists."""
        return [(row, self._made[pivot]) for pivot, row in self._rows.items()]

    def reduce(self, form: Form) -> dict[int, Fraction]:
        """`form` less what is in the span already; empty if it is."""
        return self._reduced(form, {})[0]

    def _reduced(self, form: Form, made: Form) -> tuple[dict[int, Fraction], dict[int, Fraction]]:
        rest, left = dict(form), dict(made)
        for unknown in [unknown for unknown in form if unknown in self._rows]:
            factor = rest[unknown]
            self._subtract(rest, self._rows[unknown], factor)
            self._subtract(left, self._made[unknown], factor)
        return rest, left

    def add(self, form: Form) -> bool:
        """Whether the form was new."""
        self._added += 1
        if self.full:
            return False
        rest, made = self._reduced(form, {self._added - 1: Fraction(1)})
        if not rest:
            return False
        pivot = min(rest)
        scale = rest[pivot]
        rest = {unknown: value / scale for unknown, value in rest.items()}
        made = {number: value / scale for number, value in made.items()}
        for other, row in self._rows.items():
            if pivot in row:
                factor = row[pivot]
                self._subtract(row, rest, factor)
                self._subtract(self._made[other], made, factor)
        self._rows[pivot], self._made[pivot] = rest, made
        return True

    def determined(self) -> set[int]:
        """The unknowns whose values follow."""
        return {pivot for pivot, row in self._rows.items() if len(row) == 1}

    def _subtract(self, form: dict[int, Fraction], other: Form, factor: Fraction) -> None:
        self._work -= len(other) * (1 + factor.denominator.bit_length() // _WORD)
        for unknown, value in other.items():
            left = form.get(unknown, Fraction(0)) - factor * value
            if left:
                form[unknown] = left
            else:
                form.pop(unknown, None)
