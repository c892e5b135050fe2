"""Arrays of linear forms, in coordinates: what moves, adds and scales them does so to all at once.

Coefficients are whole numbers over one denominator, int64 as long as they fit, Python's own beyond.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm, prod
from typing import Any

import numpy as np

from tacit.base.errors import LimitError

LARGEST = 1 << 22
"""Terms of one value; a program beyond that is not judged."""
_DENOMINATOR_BITS = 1 << 10
_SAFE = 1 << 62


@dataclass(frozen=True)
class Forms:
    """The elements of one value as linear forms in coordinates: element `at[i]` has the coefficient
    `num[i]/den` of unknown `of[i]`; pairs (at, of) are distinct."""

    shape: tuple[int, ...]
    at: np.ndarray
    of: np.ndarray
    num: np.ndarray
    den: int

    @property
    def size(self) -> int:
        return prod(self.shape)

    def element(self, index: int) -> dict[int, Fraction]:
        """The form of one element. `at` is sorted."""
        start, stop = np.searchsorted(self.at, [index, index + 1])
        return {
            int(unknown): Fraction(int(num), self.den)
            for unknown, num in zip(self.of[start:stop], self.num[start:stop], strict=True)
        }


def unknowns(shape: tuple[int, ...], start: int) -> Forms:
    index = np.arange(prod(shape))
    return Forms(shape, index, index + start, np.ones(len(index), np.int64), 1)


def tidy(shape: tuple[int, ...], at: np.ndarray, of: np.ndarray, num: np.ndarray, den: int) -> Forms:
    """Sorted, equal pairs added up, zeros dropped."""
    if len(at) > LARGEST:
        raise LimitError("GATE-0001", f"a value of the program has {len(at)} terms, too many to judge")
    order = np.lexsort((of, at))
    at, of, num = at[order], of[order], num[order]
    if len(at):
        new = np.concatenate([[True], (at[1:] != at[:-1]) | (of[1:] != of[:-1])])
        starts = np.flatnonzero(new)
        if num.dtype != object and _largest(num) * int(np.diff([*starts, len(at)]).max()) >= _SAFE:
            num = num.astype(object)
        at, of, num = at[starts], of[starts], np.add.reduceat(num, starts)
        keep = num != 0
        at, of, num = at[keep], of[keep], num[keep]
    return Forms(shape, at, of, num, den)


def _largest(num: np.ndarray) -> int:
    return max((abs(int(num.max())), abs(int(num.min())))) if len(num) else 0


def scaled(num: np.ndarray, factor: Any) -> np.ndarray:
    largest = _largest(np.asarray(factor).reshape(-1))
    if num.dtype != object and max(_largest(num), 1) * largest >= _SAFE:
        num = num.astype(object)
    return np.asarray(num * factor)


def stacked(ins: list[Forms]) -> Forms:
    den = lcm(*(value.den for value in ins))
    starts = np.cumsum([0] + [value.size for value in ins])
    parts = [*zip(ins, starts, strict=False)]
    return Forms(
        (int(starts[-1]),),
        np.concatenate([value.at + start for value, start in parts]),
        np.concatenate([value.of for value, _ in parts]),
        np.concatenate([scaled(value.num, den // value.den) for value, _ in parts]),
        den,
    )


def picked(value: Forms, origin: np.ndarray, shape: tuple[int, ...], most: int = LARGEST) -> Forms:
    """Element i is element origin[i] of `value`."""
    starts, stops = np.searchsorted(value.at, origin), np.searchsorted(value.at, origin, "right")
    counts = stops - starts
    if counts.sum() > most:
        raise LimitError("GATE-0001", f"a value of the program has {counts.sum()} terms, too many to judge")
    index = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    at = np.repeat(np.arange(len(origin)), counts)
    return Forms(shape, at, value.of[index], value.num[index], value.den)


def summed(value: Forms, axis: tuple[int, ...], shape: tuple[int, ...], mean: bool) -> Forms:
    numbers = np.arange(prod(shape))
    kept = tuple(1 if k in axis else side for k, side in enumerate(value.shape))
    target = np.broadcast_to(numbers.reshape(kept), value.shape).reshape(-1)
    count = value.size // max(len(numbers), 1)
    return tidy(shape, target[value.at], value.of, value.num, value.den * (count if mean else 1))


def cumulated(value: Forms, axis: int) -> Forms:
    length = value.shape[axis]
    index = np.moveaxis(np.arange(value.size).reshape(value.shape), axis, -1).reshape(-1, length)
    place = np.empty(value.size, np.int64)
    place[index.reshape(-1)] = np.tile(np.arange(length), len(index))
    counts = length - place[value.at]
    if counts.sum() > LARGEST:
        raise LimitError("GATE-0001", f"a value of the program has {counts.sum()} terms, too many to judge")
    line = np.empty(value.size, np.int64)
    line[index.reshape(-1)] = np.repeat(np.arange(len(index)), length)
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    at = index[np.repeat(line[value.at], counts), np.repeat(place[value.at], counts) + step]
    return tidy(value.shape, at, np.repeat(value.of, counts), np.repeat(value.num, counts), value.den)


def factors(constant: np.ndarray, shape: tuple[int, ...], divides: bool) -> tuple[np.ndarray, int]:
    """(numerators, denominator) of a constant, or of its reciprocal: the very numbers, nothing is rounded."""
    if not np.all(np.isfinite(constant)):
        raise LimitError("GATE-0001", "a constant of the program is not finite")
    different, place = np.unique(constant.reshape(-1), return_inverse=True)
    exact = [Fraction(value) for value in different.tolist()]
    if divides and not all(exact):
        raise LimitError("GATE-0001", "the program divides by a constant 0")
    exact = [1 / value for value in exact] if divides else exact
    den = 1
    for value in exact:
        den = lcm(den, value.denominator)
        if den.bit_length() > _DENOMINATOR_BITS:
            raise LimitError("GATE-0001", "constants of a program have no small common denominator")
    whole = [int(value * den) for value in exact]
    num = np.array(whole, object if any(abs(value) >= _SAFE for value in whole) else np.int64)
    return np.broadcast_to(num[place].reshape(constant.shape), shape).reshape(-1), den


def product_sizes(left: tuple[int, ...], right: tuple[int, ...], most: int) -> tuple[int, int, int]:
    """(m, k, n) of a matrix product; vectors are rows or columns. Raises LimitError GATE-0001 beyond
    `most` terms."""
    m, k = left if len(left) == 2 else (1, *left)
    n = right[1] if len(right) == 2 else 1
    if m * k * n > most:
        raise LimitError("GATE-0001", f"a matrix product has {m * k * n} terms, too many to judge")
    return m, k, n
