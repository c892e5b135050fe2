"""NumPy functions that join, compare, reshape or inspect whole arrays; values are real and finite."""

from __future__ import annotations

import math

import numpy as np

from tacit.base.types import BOOL, FIXED, INT
from tacit.compile.coerce import Value, cast
from tacit.compile.elementwise import (
    abs,
    add,
    equal,
    less,
    less_equal,
    multiply,
    subtract,
)
from tacit.compile.reduction import all as every
from tacit.compile.reduction import argmax, argmin, mean, sum
from tacit.compile.shaping import asarray, broadcast_to, concat, expand_dims, permute_dims, reshape
from tacit.compile.trace import dtype_of, public


@public
def ravel(x: Value) -> Value:
    return reshape(asarray(x), (-1,))


@public
def transpose(x: Value, axes: tuple[int, ...] | None = None) -> Value:
    x = asarray(x)
    return permute_dims(x, axes or tuple(reversed(range(x.ndim))))


@public
def atleast_1d(x: Value) -> Value:
    x = asarray(x)
    return x if x.ndim else reshape(x, (1,))


@public
def atleast_2d(x: Value) -> Value:
    x = atleast_1d(x)
    return x if x.ndim > 1 else expand_dims(x, 0)


@public
def atleast_3d(x: Value) -> Value:
    x = atleast_2d(x) if asarray(x).ndim < 2 else asarray(x)
    return x if x.ndim > 2 else expand_dims(x, 2)


@public
def outer(x: Value, y: Value) -> Value:
    """[n, m]: all products of two flattened arrays."""
    return multiply(expand_dims(ravel(x), 1), expand_dims(ravel(y), 0))


@public
def kron(x: Value, y: Value) -> Value:
    """Kronecker's product."""
    x, y = asarray(x), asarray(y)
    rank = max(x.ndim, y.ndim)
    left = (1,) * (rank - x.ndim) + tuple(x.shape)
    right = (1,) * (rank - y.ndim) + tuple(y.shape)
    wide = reshape(x, tuple(side for one in left for side in (one, 1)))
    deep = reshape(y, tuple(side for one in right for side in (1, one)))
    return reshape(multiply(wide, deep), tuple(a * b for a, b in zip(left, right, strict=True)))


@public
def ediff1d(x: Value) -> Value:
    """Differences of neighbours of the flattened array."""
    x = ravel(x)
    return subtract(x[1:], x[:-1])


@public
def prod(x: Value, axis: int | None = None) -> Value:
    """The product along an axis or of all elements, in a tree of log2(n) levels."""
    x = asarray(x)
    x = ravel(x) if axis is None else transpose(x, _first(x.ndim, axis))
    x = cast(x, INT) if dtype_of(x) == BOOL else x
    while x.shape[0] > 1:
        half = x.shape[0] // 2
        rest = [x[2 * half :]] if x.shape[0] % 2 else []
        x = concat([multiply(x[:half], x[half : 2 * half]), *rest], axis=0)
    return x[0] if x.shape[0] else cast(np.ones(x.shape[1:]), dtype_of(x))


def _first(rank: int, axis: int) -> tuple[int, ...]:
    axis %= rank
    return (axis, *(k for k in range(rank) if k != axis))


@public
def array_equal(x: Value, y: Value) -> Value:
    """Whether shapes and all elements are equal."""
    x, y = asarray(x), asarray(y)
    return every(equal(x, y)) if x.shape == y.shape else np.zeros((), bool)


@public
def array_equiv(x: Value, y: Value) -> Value:
    """As `array_equal` after broadcasting, if that is possible."""
    x, y = asarray(x), asarray(y)
    try:
        shape = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return np.zeros((), bool)
    return every(equal(broadcast_to(x, shape), broadcast_to(y, shape)))


@public
def isclose(x: Value, y: Value, rtol: float = 1e-5, atol: float = 1e-8) -> Value:
    """|x - y| <= atol + rtol |y|, the right side rounded to the resolution of values, 2^-18."""
    x, y = cast(x, FIXED), cast(y, FIXED)
    return less_equal(abs(subtract(x, y)), add(multiply(abs(y), rtol), atol))


# --- complex and exceptional values, which there are not ------------------------------------------------


def _nowhere(x: Value) -> Value:
    return np.zeros(asarray(x).shape, bool)


def _everywhere(x: Value) -> Value:
    return np.ones(asarray(x).shape, bool)


@public
def isnan(x: Value) -> Value:
    return _nowhere(x)


@public
def isinf(x: Value) -> Value:
    return _nowhere(x)


@public
def isposinf(x: Value) -> Value:
    return _nowhere(x)


@public
def isneginf(x: Value) -> Value:
    return _nowhere(x)


@public
def iscomplex(x: Value) -> Value:
    return _nowhere(x)


@public
def isreal(x: Value) -> Value:
    return _everywhere(x)


@public
def isrealobj(x: Value) -> bool:
    return True


@public
def real(x: Value) -> Value:
    return asarray(x)


@public
def imag(x: Value) -> Value:
    return cast(np.zeros(asarray(x).shape), dtype_of(asarray(x)))


@public
def conjugate(x: Value) -> Value:
    return asarray(x)


@public
def conj(x: Value) -> Value:
    return asarray(x)


@public
def angle(x: Value) -> Value:
    """pi for negative numbers, 0 for others."""
    return multiply(cast(less(x, 0), INT), math.pi)


@public
def nansum(x: Value, axis: int | None = None) -> Value:
    return sum(x, axis)


@public
def nanmean(x: Value, axis: int | None = None) -> Value:
    return mean(x, axis)


@public
def nanprod(x: Value, axis: int | None = None) -> Value:
    return prod(x, axis)


@public
def nanargmax(x: Value, axis: int | None = None) -> Value:
    return argmax(x, axis)


@public
def nanargmin(x: Value, axis: int | None = None) -> Value:
    return argmin(x, axis)
