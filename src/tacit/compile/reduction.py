"""Array-API functions along axes: sums, products of matrices, extremes, order."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tacit.base.types import BOOL, FIXED, INT
from tacit.compile.coerce import Value, axes_of, axis_of, cast, numbers
from tacit.compile.elementwise import divide, negative, not_equal, sqrt, square, subtract
from tacit.compile.shaping import asarray, moveaxis, reshape
from tacit.compile.trace import apply, dtype_of, public, refuse

Axis = int | Sequence[int] | None


@public
def sum(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """The sum over `axis`; bools are counted."""
    x = asarray(x)
    return apply("sum", *numbers(x), axis=axes_of(axis, x.ndim), keepdims=keepdims)


@public
def mean(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    x = asarray(x)
    return apply("mean", cast(x, FIXED), axis=axes_of(axis, x.ndim), keepdims=keepdims)


@public
def var(x: Value, axis: Axis = None, correction: float = 0, keepdims: bool = False) -> Value:
    """The variance, divided by n - correction."""
    x = asarray(x)
    axes = axes_of(axis, x.ndim)
    n = math.prod(x.shape[one] for one in axes)
    squares = square(subtract(x, mean(x, axes, keepdims=True)))
    return divide(sum(squares, axes, keepdims=keepdims), float(n - correction))


@public
def std(x: Value, axis: Axis = None, correction: float = 0, keepdims: bool = False) -> Value:
    """The standard deviation, divided by n - correction under the root."""
    return sqrt(var(x, axis, correction, keepdims))


@public
def cumulative_sum(x: Value, axis: int | None = None) -> Value:
    """Sums of the elements up to and including each; `axis` may be left out for one dimension."""
    x = asarray(x)
    if axis is None and x.ndim != 1:
        refuse("COMPILE-0002", f"cumulative_sum of {x.ndim} dimensions needs an axis", "name it")
    return apply("cumulative_sum", *numbers(x), axis=axis_of(axis or 0, x.ndim))


@public
def matmul(x: Value, y: Value) -> Value:
    """x @ y for up to two dimensions each."""
    x, y = numbers(asarray(x), asarray(y))
    if not 1 <= x.ndim <= 2 or not 1 <= y.ndim <= 2:
        refuse(
            "COMPILE-0002", f"matmul of shapes {x.shape} and {y.shape}", "use arrays of one or two dimensions"
        )
    if x.ndim == 1 and y.ndim == 2:
        return reshape(apply("matmul", reshape(x, (1, -1)), y), (y.shape[1],))
    return apply("matmul", x, y)


def _extreme(op: str, x: Value, axis: Axis, keepdims: bool) -> Value:
    x = asarray(x)
    axes = axes_of(axis, x.ndim)
    kept = tuple(1 if one in axes else size for one, size in enumerate(x.shape))
    result = tuple(size for one, size in enumerate(x.shape) if one not in axes)
    if len(axes) != 1:
        # All reduced axes become one, the last.
        others = tuple(one for one in range(x.ndim) if one not in axes)
        x = reshape(_ordered(x, (*others, *axes)), (*result, math.prod(x.shape[one] for one in axes)))
        axes = (x.ndim - 1,)
    return reshape(apply(op, x, axis=axes[0], keepdims=False), kept if keepdims else result)


def _ordered(x: Value, order: tuple[int, ...]) -> Value:
    return x if order == tuple(range(x.ndim)) else apply("permute_dims", x, axes=order)


@public
def max(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    return _extreme("max", numbers(asarray(x))[0], axis, keepdims)


@public
def min(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    return _extreme("min", numbers(asarray(x))[0], axis, keepdims)


@public
def argmax(x: Value, axis: int | None = None, keepdims: bool = False) -> Value:
    """A position of the largest element along `axis`, or of the flattened array."""
    return _position("argmax", x, axis, keepdims)


@public
def argmin(x: Value, axis: int | None = None, keepdims: bool = False) -> Value:
    """A position of the smallest element along `axis`, or of the flattened array."""
    return _position("argmin", x, axis, keepdims)


def _position(op: str, x: Value, axis: int | None, keepdims: bool) -> Value:
    x = numbers(asarray(x))[0]
    if axis is not None:
        return apply(op, x, axis=axis_of(axis, x.ndim), keepdims=keepdims)
    found = apply(op, reshape(x, (-1,)), axis=0, keepdims=False)
    return reshape(found, (1,) * x.ndim) if keepdims else found


@public
def softmax(x: Value, axis: int = -1) -> Value:
    """exp(x) over its sum along `axis`."""
    x = cast(asarray(x), FIXED)
    return apply("softmax", x, axis=axis_of(axis, x.ndim))


@public
def top_k(x: Value, k: int) -> Value:
    """The k largest elements along the last axis, the largest first."""
    return apply("top_k", numbers(asarray(x))[0], k=k)


@public
def one_hot(x: Value, size: int) -> Value:
    """Bools along a new last axis: true at position x."""
    return apply("one_hot", cast(asarray(x), INT), size=size)


@public
def histogram(codes: Value, values: Value, bins: int) -> Value:
    """Sums of the values (along their first axis) with each code from 0 to bins - 1, of no other codes.

    Codes that one party knows are never shared.
    """
    return apply("histogram", cast(asarray(codes), INT), numbers(asarray(values))[0], bins=bins)


@public
def shuffle(x: Value) -> Value:
    """The rows (first axis) in a uniform order that nobody knows."""
    return apply("shuffle", numbers(asarray(x))[0])


@public
def lookup(table: Value, x: Value) -> Value:
    """table[x] for positions that may be secret; 0 outside."""
    return apply("lookup", numbers(asarray(table))[0], cast(asarray(x), INT))


def _truth(x: Value) -> Value:
    return x if dtype_of(x) == BOOL else not_equal(x, 0)


@public
def all(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """Whether every element differs from 0."""
    return _extreme("all", _truth(asarray(x)), axis, keepdims)


@public
def any(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """Whether some element differs from 0."""
    return _extreme("any", _truth(asarray(x)), axis, keepdims)


@public
def sort(x: Value, axis: int = -1, descending: bool = False) -> Value:
    x = numbers(asarray(x))[0]
    if descending:
        return negative(sort(negative(x), axis))
    at = axis_of(axis, x.ndim)
    return moveaxis(apply("sort", moveaxis(x, at, -1)), -1, at)
