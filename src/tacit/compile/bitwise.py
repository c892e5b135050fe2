"""NumPy functions on the bits of integers; on bools they are the logical ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tacit.base.types import BOOL, INT
from tacit.compile.coerce import Value, cast, numbers, traced
from tacit.compile.elementwise import (
    abs,
    add,
    less,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    multiply,
    negative,
    subtract,
    where,
)
from tacit.compile.reduction import sum
from tacit.compile.shaping import asarray, reshape, take
from tacit.compile.trace import apply, dtype_of, plain, public, refuse

WIDTH = 32
"""Bits that are looked at: integers must lie in [-2^31, 2^31)."""
PLACES = 5
"""Bits of a secret number of places: a shift by 2^5 or more leaves nothing, to the right the sign."""
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
    """x * 2^n for whole n from 0 on; 0 where a secret n is 32 or more."""
    if not traced(n):
        return multiply(x, np.left_shift(np.int64(1), plain(n)))
    found = multiply(x, cast(less(n, 1 << PLACES), INT))
    for place, bit in enumerate(_places(n)):
        found = add(found, multiply(multiply(found, (1 << (1 << place)) - 1), cast(bit, INT)))
    return found


@public
def right_shift(x: Value, n: Value) -> Value:
    """floor(x / 2^n) for whole n from 0 on, exactly: from the bits."""
    n = asarray(n)
    if not traced(n) and not n.ndim:
        return _number(_lowered(_bits(x), int(n)))
    rank = max(asarray(x).ndim, n.ndim)
    bits = _ranked(_bits(x), rank)
    for place, bit in enumerate(_places(n)):
        bits = where(_as_row(bit, rank), _lowered(bits, 1 << place), bits)
    return _number(where(_as_row(less(n, 1 << PLACES), rank), bits, _lowered(bits, WIDTH)))


def _lowered(bits: Value, n: int) -> Value:
    """Bits n places lower, the sign in the place of those that come in."""
    return take(bits, np.minimum(np.arange(WIDTH) + n, WIDTH - 1), axis=0)


def _places(n: Value) -> Iterator[Value]:
    """The lowest bits of a number of places."""
    bits = apply("bits", n, low=0, high=PLACES)
    return (bits[place] for place in range(PLACES))


def _as_row(bit: Value, rank: int) -> Value:
    """Something for every element as a row of one before an array of this many axes."""
    return reshape(bit, (1, *(1,) * (rank - bit.ndim), *bit.shape))
