"""NumPy functions on the bits of integers; on bools they are the logical ones."""

from __future__ import annotations

import numpy as np

from tacit.base.types import BOOL, INT
from tacit.compile.coerce import Value, cast, numbers, traced
from tacit.compile.elementwise import (
    abs,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    multiply,
    negative,
    subtract,
)
from tacit.compile.reduction import sum
from tacit.compile.shaping import asarray, reshape
from tacit.compile.trace import apply, dtype_of, plain, public, refuse

WIDTH = 32
"""Bits that are looked at: integers must lie in [-2^31, 2^31)."""
_PLACES = np.array([1 << i for i in range(WIDTH - 1)] + [-(1 << (WIDTH - 1))], np.int64)


def _bits(x: Value) -> Value:
    return apply("bits", x, low=0, high=WIDTH)


def _number(bits: Value) -> Value:
    places = _PLACES.reshape(-1, *(1,) * (bits.ndim - 1))
    return sum(multiply(cast(bits, INT), places), 0)


def _both(x: Value, y: Value, combine: object, exact: np.ufunc) -> Value:
    if not traced(x, y):
        return np.asarray(exact(plain(x), plain(y)))
    if dtype_of(x) == dtype_of(y) == BOOL:
        return combine(x, y)  # type: ignore[operator]
    x, y = numbers(x, y)
    if dtype_of(x) != INT:
        refuse("COMPILE-0002", "bits are those of integers or bools", "use astype(x, int) first")
    rank = max(asarray(x).ndim, asarray(y).ndim)
    return _number(combine(*(_ranked(_bits(value), rank) for value in (x, y))))  # type: ignore[operator]


def _ranked(bits: Value, rank: int) -> Value:
    """The bits of a value of fewer axes: they stay the first axis."""
    return reshape(bits, (WIDTH, *(1,) * (rank + 1 - bits.ndim), *bits.shape[1:]))


@public
def bitwise_and(x: Value, y: Value) -> Value:
    return _both(x, y, logical_and, np.bitwise_and)


@public
def bitwise_or(x: Value, y: Value) -> Value:
    return _both(x, y, logical_or, np.bitwise_or)


@public
def bitwise_xor(x: Value, y: Value) -> Value:
    return _both(x, y, logical_xor, np.bitwise_xor)


@public
def invert(x: Value) -> Value:
    """Every bit the other way: -x - 1."""
    return logical_not(x) if dtype_of(x) == BOOL else subtract(negative(x), 1)


@public
def bitwise_not(x: Value) -> Value:
    return invert(x)


@public
def bitwise_count(x: Value) -> Value:
    """The ones among the bits of |x|."""
    return sum(_bits(abs(x)), 0)


@public
def left_shift(x: Value, n: Value) -> Value:
    """x * 2^n for whole constants n."""
    return multiply(x, np.left_shift(np.int64(1), _constant(n)))


@public
def right_shift(x: Value, n: Value) -> Value:
    """floor(x / 2^n) for one whole constant n, exactly: from the bits."""
    places = _constant(n)
    if places.ndim:
        refuse("COMPILE-0002", "right_shift takes one number of places", "shift the parts of the array apart")
    bits = _bits(x)
    index = np.minimum(np.arange(WIDTH) + int(places), WIDTH - 1)
    return _number(
        bits[index]
        if isinstance(bits, np.ndarray)
        else apply("take", bits, indices=tuple(index.tolist()), axis=0)
    )


def _constant(n: Value) -> np.ndarray:
    if traced(n):
        refuse("COMPILE-0002", "shifts go by constant numbers of places", "multiply by exp2 of a secret one")
    return np.asarray(plain(n))
