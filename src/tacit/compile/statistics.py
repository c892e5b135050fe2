"""NumPy functions that count, average and accumulate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tacit.base.types import BOOL, FIXED, INT
from tacit.compile.arrays import isclose, prod, ravel
from tacit.compile.coerce import Value, axes_of, axis_of, cast, named_dtype, numbers, traced
from tacit.compile.elementwise import (
    add,
    clip,
    divide,
    exp,
    less,
    log,
    logical_and,
    logical_not,
    maximum,
    multiply,
    not_equal,
    rsqrt,
    square,
    subtract,
)
from tacit.compile.reduction import all as every
from tacit.compile.reduction import cumulative_sum, matmul, mean, std, sum, var
from tacit.compile.reduction import max as largest
from tacit.compile.reduction import min as smallest
from tacit.compile.rounding import floor_divide, remainder
from tacit.compile.shaping import asarray, concat, expand_dims, moveaxis, permute_dims, reshape
from tacit.compile.trace import dtype_of, plain, public, public_in, refuse

Axis = int | Sequence[int] | None


@public_in("numpy")
def sum_(x: Value, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Value:
    return sum(_typed(x, dtype), axis, keepdims)


@public_in("numpy")
def prod_(x: Value, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Value:
    """The product, in a tree over all reduced axes together."""
    x = _typed(x, dtype)
    axes = axes_of(axis, x.ndim)
    others = tuple(k for k in range(x.ndim) if k not in axes)
    rows = reshape(permute_dims(x, (*axes, *others)), (-1, *(x.shape[k] for k in others)))
    kept = tuple(1 if k in axes else side for k, side in enumerate(x.shape))
    found = prod(rows, 0)
    return reshape(found, kept) if keepdims else found


def _typed(x: Value, dtype: Any) -> Value:
    x = asarray(x)
    return x if dtype is None else cast(x, named_dtype(dtype))


@public_in("numpy")
def var_(
    x: Value, axis: Axis = None, ddof: float = 0, keepdims: bool = False, correction: float | None = None
) -> Value:
    return var(x, axis, ddof if correction is None else correction, keepdims)


@public_in("numpy")
def std_(
    x: Value, axis: Axis = None, ddof: float = 0, keepdims: bool = False, correction: float | None = None
) -> Value:
    return std(x, axis, ddof if correction is None else correction, keepdims)


@public
def nanvar(x: Value, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Value:
    return var(x, axis, ddof, keepdims)


@public
def nanstd(x: Value, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Value:
    return std(x, axis, ddof, keepdims)


@public
def amax(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    return largest(x, axis, keepdims)


@public
def amin(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    return smallest(x, axis, keepdims)


@public
def nanmax(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    return largest(x, axis, keepdims)


@public
def nanmin(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    return smallest(x, axis, keepdims)


@public
def ptp(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """The largest less the smallest."""
    return subtract(largest(x, axis, keepdims), smallest(x, axis, keepdims))


@public
def count_nonzero(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    x = asarray(x)
    return sum(x if dtype_of(x) == BOOL else not_equal(x, 0), axis, keepdims)


@public
def allclose(x: Value, y: Value, rtol: float = 1e-5, atol: float = 1e-8) -> Value:
    return every(isclose(x, y, rtol, atol))


@public
def average(
    x: Value, axis: int | None = None, weights: Value = None, returned: bool = False, keepdims: bool = False
) -> Any:
    """The mean with weights: one for each element or, for one axis, for each row."""
    x = cast(asarray(x), FIXED)
    if weights is None:
        value, total = mean(x, axis, keepdims), np.float64(_count(x, axis))
    else:
        weights = asarray(weights)
        if weights.ndim < x.ndim and axis is not None:
            at = axis_of(axis, x.ndim)
            weights = reshape(weights, tuple(-1 if k == at else 1 for k in range(x.ndim)))
        weights = multiply(weights, np.ones(x.shape))
        total = sum(weights, axis, keepdims)
        value = divide(sum(multiply(x, weights), axis, keepdims), total)
    return (value, add(multiply(value, 0.0), total)) if returned else value


def _count(x: Value, axis: Axis) -> int:
    return math.prod(x.shape[k] for k in axes_of(axis, x.ndim))


# --- running sums and products --------------------------------------------------------------------------


@public_in("numpy")
def cumulative_sum_(
    x: Value, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Value:
    """Of the flattened array if there is no axis; from nothing on if that is included."""
    x, axis = _line(_typed(x, dtype), axis)
    found = cumulative_sum(x, axis)
    return _with_initial(found, axis, 0) if include_initial else found


@public_in("numpy")
def cumprod(x: Value, axis: int | None = None, dtype: Any = None) -> Value:
    """Running products, doubling the reach log2(n) times."""
    x, axis = _line(_typed(x, dtype), axis)
    rows = moveaxis(numbers(x)[0], axis, 0)
    n, step = rows.shape[0], 1
    while step < n:
        rows = concat([rows[:step], multiply(rows[step:], rows[:-step])], 0)
        step *= 2
    return moveaxis(rows, 0, axis)


@public
def cumulative_prod(
    x: Value, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Value:
    x, axis = _line(_typed(x, dtype), axis)
    found = cumprod(x, axis)
    return _with_initial(found, axis, 1) if include_initial else found


@public
def nancumsum(x: Value, axis: int | None = None) -> Value:
    return cumulative_sum_(x, axis)


@public
def nancumprod(x: Value, axis: int | None = None) -> Value:
    return cumprod(x, axis)


def _line(x: Value, axis: int | None) -> tuple[Value, int]:
    return (ravel(x), 0) if axis is None else (x, axis_of(axis, x.ndim))


def _with_initial(x: Value, axis: int, value: int) -> Value:
    shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    return concat([cast(np.full(shape, value), dtype_of(x)), x], axis)


@public
def diff(x: Value, n: int = 1, axis: int = -1, prepend: Value = None, append: Value = None) -> Value:
    """Differences of neighbours along `axis`, n times."""
    x = asarray(x)
    axis = axis_of(axis, x.ndim)
    x = concat([*_border(x, axis, prepend), x, *_border(x, axis, append)], axis)
    for _ in range(n):
        rows = moveaxis(x, axis, 0)
        later, earlier = rows[1:], rows[:-1]
        x = moveaxis(not_equal(later, earlier) if dtype_of(x) == BOOL else subtract(later, earlier), 0, axis)
    return x


def _border(x: Value, axis: int, value: Value) -> list[Value]:
    if value is None:
        return []
    value = asarray(value)
    shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    return [value if value.ndim else add(multiply(np.ones(shape, np.int64), value), 0)]


@public
def gradient(f: Value, *varargs: Any, axis: Axis = None, edge_order: int = 1) -> Any:
    """Slopes along every axis by central differences; distances are public: one for each axis, or places."""
    x = cast(asarray(f), FIXED)
    axes = axes_of(axis, x.ndim)
    distances = list(varargs) * len(axes) if len(varargs) == 1 else list(varargs) or [1.0] * len(axes)
    found = tuple(_slope(x, one, plain(h), edge_order) for one, h in zip(axes, distances, strict=True))
    return found[0] if len(found) == 1 else found


def _slope(x: Value, axis: int, distance: np.ndarray, edge_order: int) -> Value:
    """A public matrix on the rows: what NumPy does to unit vectors."""
    n = x.shape[axis]
    steps = np.asarray(np.gradient(np.eye(n), distance, axis=0, edge_order=edge_order))  # type: ignore[call-overload]
    rows = moveaxis(x, axis, 0)
    flat = matmul(steps, reshape(rows, (n, -1)))
    return moveaxis(reshape(flat, rows.shape), 0, axis)


@public
def trapezoid(y: Value, x: Value = None, dx: float = 1.0, axis: int = -1) -> Value:
    """The area under the line through the points."""
    y = cast(asarray(y), FIXED)
    rows = moveaxis(y, axis_of(axis, y.ndim), -1)
    middles = multiply(add(rows[..., 1:], rows[..., :-1]), 0.5)
    if x is None:
        return multiply(sum(middles, -1), dx)
    x = asarray(x)
    steps = diff(x) if x.ndim == 1 else moveaxis(diff(x, axis=axis), axis, -1)
    return sum(multiply(middles, steps), -1)


# --- tables of counts -----------------------------------------------------------------------------------


def _edges(bins: Any, within: Any) -> np.ndarray:
    if traced(bins) or (isinstance(bins, int | np.integer) and within is None):
        refuse(
            "COMPILE-0002", "a histogram takes public ends of bins, or their number and a public range",
            "pass range=(low, high)",
        )  # fmt: skip
    return np.histogram_bin_edges(np.zeros(1), bins, within).astype(np.float64)


def _bin_bits(x: Value, edges: np.ndarray) -> Value:
    """[n, bins]: in which bin each element lies; the last one includes its end."""
    low = less(expand_dims(ravel(x), 1), edges[:-1])
    high = less(edges[-1], ravel(x))
    from_here = logical_not(low)
    after = concat([low[:, 1:], expand_dims(logical_not(high), 1)], 1)
    return logical_and(from_here, after)


@public_in("numpy")
def histogram(
    a: Value, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Value = None
) -> tuple[Value, np.ndarray]:
    """How many elements, or which weight, every bin has."""
    edges = _edges(bins, range)
    bits = _bin_bits(a, edges)
    found = sum(bits, 0) if weights is None else matmul(ravel(weights), cast(bits, INT))
    if density:
        total = maximum(cast(sum(found), FIXED), 2.0**-8)
        found = divide(multiply(found, 1.0 / np.diff(edges)), total)
    return found, edges


@public
def histogram2d(
    x: Value, y: Value, bins: Any = 10, range: Any = None
) -> tuple[Value, np.ndarray, np.ndarray]:
    """How many points every cell has: a product of two matrices of bits."""
    bins = bins if isinstance(bins, list | tuple) and len(bins) == 2 else (bins, bins)
    limits = range or (None, None)
    across, up = (_edges(one, limit) for one, limit in zip(bins, limits, strict=True))
    left, right = (cast(_bin_bits(value, edges), INT) for value, edges in ((x, across), (y, up)))
    return cast(matmul(permute_dims(left, (1, 0)), right), FIXED), across, up


@public
def histogramdd(sample: Value, bins: Any = 10, range: Any = None) -> tuple[Value, tuple[np.ndarray, ...]]:
    """How many of the points [n, dimensions] every cell has."""
    x = asarray(sample)
    n, rank = x.shape
    each = bins if isinstance(bins, list | tuple) else [bins] * rank
    edges = [_edges(one, limit) for one, limit in zip(each, range or [None] * rank, strict=True)]
    cells: Value = None
    for k, ends in enumerate(edges):
        bits = _bin_bits(x[:, k], ends)
        wide = cells is not None
        cells = reshape(logical_and(cells[:, :, None], bits[:, None, :]), (n, -1)) if wide else bits
    shape = tuple(len(ends) - 1 for ends in edges)
    return cast(reshape(sum(cells, 0), shape), FIXED), tuple(edges)


# --- covariance -----------------------------------------------------------------------------------------


@public
def cov(m: Value, y: Value = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None) -> Value:
    """Of variables in rows: products of their differences from the mean, over n - 1."""
    x = _variables(m, rowvar)
    x = x if y is None else concat([x, _variables(y, rowvar)], 0)
    centred = subtract(x, mean(x, 1, keepdims=True))
    n = x.shape[1] - ((0 if bias else 1) if ddof is None else ddof)
    found = multiply(matmul(centred, permute_dims(centred, (1, 0))), 1.0 / n)
    return reshape(found, ()) if found.shape == (1, 1) else found


def _variables(m: Value, rowvar: bool) -> Value:
    m = cast(asarray(m), FIXED)
    if m.ndim < 2:
        return reshape(m, (1, -1))
    return m if rowvar else permute_dims(m, (1, 0))


@public
def corrcoef(x: Value, y: Value = None, rowvar: bool = True) -> Value:
    """Covariances of values in units of their standard deviation, which is at least 2^-6."""
    rows = _variables(x, rowvar)
    rows = rows if y is None else concat([rows, _variables(y, rowvar)], 0)
    centred = subtract(rows, mean(rows, 1, keepdims=True))
    scale = rsqrt(maximum(mean(square(centred), 1), 2.0**-12))
    unit = multiply(centred, expand_dims(scale, 1))
    found = multiply(matmul(unit, permute_dims(unit, (1, 0))), 1.0 / rows.shape[1])
    found = clip(found, -1.0, 1.0)
    return reshape(found, ()) if found.shape == (1, 1) else found


# --- rows of public places ------------------------------------------------------------------------------


@public
def linspace(start: Value, stop: Value, num: int = 50, endpoint: bool = True, axis: int = 0) -> Value:
    """`num` values from `start` to `stop`, at equal distances."""
    start, stop = cast(asarray(start), FIXED), cast(asarray(stop), FIXED)
    parts = np.linspace(0.0, 1.0, num, endpoint)
    wide = subtract(stop, start)
    rows = multiply(expand_dims(wide, -1), parts)
    return moveaxis(add(expand_dims(add(start, multiply(wide, 0.0)), -1), rows), -1, axis)


@public
def ravel_multi_index(multi_index: Sequence[Value], dims: Sequence[int]) -> Value:
    """Places in a flattened array of this shape."""
    strides = [math.prod(dims[k + 1 :]) for k in range(len(dims))]
    total: Value = 0
    for index, stride in zip(multi_index, strides, strict=True):
        total = add(total, multiply(index, stride))
    return total


@public
def logspace(
    start: Value, stop: Value, num: int = 50, endpoint: bool = True, base: float = 10.0, axis: int = 0
) -> Value:
    """Powers of a public base, with exponents at equal distances."""
    return exp(multiply(linspace(start, stop, num, endpoint, axis), math.log(base)))


@public
def geomspace(start: Value, stop: Value, num: int = 50, endpoint: bool = True, axis: int = 0) -> Value:
    """From `start` to `stop`, which are positive, at equal quotients."""
    return exp(linspace(log(start), log(stop), num, endpoint, axis))


@public
def unravel_index(indices: Value, shape: Sequence[int]) -> tuple[Value, ...]:
    """The places along every axis of places in a flattened array of this shape."""
    rest, found = indices, []
    for side in reversed(shape):
        found.append(remainder(rest, side))
        rest = floor_divide(rest, side)
    return tuple(reversed(found))
