"""Array-API functions that make arrays and move elements about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tacit.base.types import BOOL, FIXED, Shape
from tacit.compile.coerce import Value, axes_of, axis_of, cast, named_dtype, numbers, traced
from tacit.compile.trace import TABLE, Array, PlaceError, apply, dtype_of, plain, public, refuse
from tacit.ir.op import numpy_dtype


def _shape(shape: int | Sequence[int]) -> Shape:
    return (int(shape),) if isinstance(shape, int | np.integer) else tuple(int(size) for size in shape)


@public
def asarray(x: Value, dtype: Any = None) -> Value:
    """x as an Array or a float64, int64 or bool array."""
    given = x if isinstance(x, Array) else plain(x)
    return given if dtype is None else cast(given, named_dtype(dtype))


@public
def full(shape: int | Sequence[int], fill_value: float, dtype: Any = None) -> np.ndarray:
    """Public data, like zeros, ones, eye and arange: it enters a program where it meets an Array."""
    kind = dtype_of(fill_value) if dtype is None else named_dtype(dtype)
    return np.full(_shape(shape), fill_value, numpy_dtype(kind))


@public
def zeros(shape: int | Sequence[int], dtype: Any = FIXED) -> np.ndarray:
    return full(shape, 0, dtype)


@public
def ones(shape: int | Sequence[int], dtype: Any = FIXED) -> np.ndarray:
    return full(shape, 1, dtype)


@public
def full_like(x: Value, fill_value: float, dtype: Any = None) -> np.ndarray:
    return full(x.shape, fill_value, dtype_of(x) if dtype is None else dtype)


@public
def zeros_like(x: Value, dtype: Any = None) -> np.ndarray:
    return full_like(x, 0, dtype)


@public
def ones_like(x: Value, dtype: Any = None) -> np.ndarray:
    return full_like(x, 1, dtype)


@public
def eye(n: int) -> np.ndarray:
    return np.eye(n)


@public
def arange(start: float, stop: float | None = None, step: float = 1) -> np.ndarray:
    return plain(np.arange(start, stop, step) if stop is not None else np.arange(0, start, step))


@public
def reshape(x: Value, *shape: Any) -> Value:
    """x in a new shape; one size may be -1."""
    wanted = _shape(shape[0] if len(shape) == 1 else shape)
    size, known = math.prod(x.shape), math.prod(one for one in wanted if one != -1)
    if -1 in wanted:
        if wanted.count(-1) > 1 or known == 0 or size % known:
            refuse("COMPILE-0002", f"an array of shape {x.shape} does not fit {wanted}", "see its shape")
        wanted = tuple(size // known if one == -1 else one for one in wanted)
    return x if x.shape == wanted else apply("reshape", x, shape=wanted)


@public
def permute_dims(x: Value, axes: Sequence[int] | None = None) -> Value:
    """Axes in a new order; reversed if none is given."""
    order = tuple(reversed(range(x.ndim))) if axes is None else axes_of(axes, x.ndim)
    return x if order == tuple(range(x.ndim)) else apply("permute_dims", x, axes=order)


@public
def matrix_transpose(x: Value) -> Value:
    return permute_dims(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


@public
def moveaxis(x: Value, source: int, destination: int) -> Value:
    start, end = axis_of(source, x.ndim), axis_of(destination, x.ndim)
    order = [axis for axis in range(x.ndim) if axis != start]
    return permute_dims(x, (*order[:end], start, *order[end:]))


@public
def expand_dims(x: Value, axis: int = 0) -> Value:
    at = axis_of(axis, x.ndim + 1)
    return reshape(x, (*x.shape[:at], 1, *x.shape[at:]))


@public
def squeeze(x: Value, axis: int | Sequence[int]) -> Value:
    axes = axes_of(axis, x.ndim)
    if any(x.shape[one] != 1 for one in axes):
        refuse(
            "COMPILE-0002",
            f"axes {axes} of shape {x.shape} are not all of size 1",
            "see its shape",
            PlaceError,
        )
    return reshape(x, tuple(size for one, size in enumerate(x.shape) if one not in axes))


@public
def broadcast_to(x: Value, shape: Sequence[int]) -> Value:
    wanted = _shape(shape)
    return x if x.shape == wanted else apply("broadcast_to", x, shape=wanted)


@public
def concat(arrays: Sequence[Value], axis: int | None = 0) -> Value:
    """Arrays one after another along `axis`; flattened first if it is None."""
    given = [asarray(x) for x in arrays]
    if axis is None:
        given, axis = [reshape(x, (-1,)) for x in given], 0
    alike = given if {dtype_of(x) for x in given} == {BOOL} else list(numbers(*given))
    return alike[0] if len(alike) == 1 else apply("concat", *alike, axis=axis_of(axis, alike[0].ndim))


@public
def stack(arrays: Sequence[Value], axis: int = 0) -> Value:
    return concat([expand_dims(asarray(x), axis) for x in arrays], axis % (asarray(arrays[0]).ndim + 1))


@public
def take(x: Value, indices: Value, axis: int | None = None) -> Value:
    """The elements at public `indices` along `axis`, which may be left out for one dimension."""
    at = axis_of(0 if axis is None and x.ndim == 1 else -1 if axis is None else axis, x.ndim)
    if traced(indices):
        refuse("COMPILE-0001", "rows are cut out at traced positions", "numpy.take looks at all of them")
    where = plain(indices)
    if where.dtype.kind != "i":
        refuse("COMPILE-0002", "positions must be integers", "use numpy.flatnonzero for a mask")
    n = x.shape[at]
    if not np.all((where >= -n) & (where < n)):
        refuse("COMPILE-0002", f"positions must be below {n}, the size of axis {at}", "see its shape")
    taken = apply("take", x, indices=tuple((where.reshape(-1) % max(n, 1)).tolist()), axis=at)
    return taken if where.ndim == 1 else reshape(taken, (*x.shape[:at], *where.shape, *x.shape[at + 1 :]))


@public
def flip(x: Value, axis: int | Sequence[int] | None = None) -> Value:
    for one in axes_of(axis, x.ndim):
        x = take(x, np.arange(x.shape[one])[::-1], axis=one)
    return x


@public
def index(x: Array, key: Any) -> Value:
    """x[key] for ints, slices, None, `...`, secret integers, and public integer arrays or masks (at most one
    of these); of several secret integers each picks along its own axis."""
    keys = list(key) if isinstance(key, tuple) else [key]
    n_used = sum(_n_axes(one) for one in keys)
    if n_used > x.ndim:
        refuse(
            "COMPILE-0002",
            f"{n_used} indices for an array of {x.ndim} dimensions",
            "see its shape",
            PlaceError,
        )
    at = next((k for k, one in enumerate(keys) if one is Ellipsis), len(keys))
    keys[at : at + 1] = [slice(None)] * (x.ndim - n_used)
    axis = 0
    for one in keys:
        if one is None:
            x = expand_dims(x, axis)
        elif isinstance(one, slice):
            x = _sliced(x, one, axis)
        elif isinstance(one, int | np.integer):
            x = _item(x, int(one), axis)
            continue
        elif isinstance(one, Array):
            x = TABLE["numpy.take"](x, one, axis)
            axis += one.ndim
            continue
        else:
            x = _picked(x, one, axis)
        axis += 1
    return x


def _n_axes(key: Any) -> int:
    if isinstance(key, Array):
        if key.dtype == BOOL:
            refuse(
                "COMPILE-0001",
                "a private mask picks rows: how many there are would be seen",
                "keep all rows and set the others to 0: sum(where(mask, x, 0.0)); their number is sum(mask)",
            )
        return 1
    return 0 if key is None or key is Ellipsis else 1


def _item(x: Array, at: int, axis: int) -> Value:
    n = x.shape[axis]
    if not -n <= at < n:
        refuse("COMPILE-0002", f"index {at} is outside axis {axis} of size {n}", "see its shape", PlaceError)
    row = apply("slice", x, start=at % n, stop=at % n + 1, axis=axis)
    return squeeze(row, axis)


def _sliced(x: Array, key: slice, axis: int) -> Value:
    start, stop, step = key.indices(x.shape[axis])
    if step != 1:
        return take(x, np.arange(start, stop, step), axis=axis)
    if (start, stop) == (0, x.shape[axis]):
        return x
    return apply("slice", x, start=start, stop=max(start, stop), axis=axis)


def _picked(x: Array, key: Any, axis: int) -> Value:
    positions = plain(key)
    if positions.dtype.kind == "b":
        if positions.shape != (x.shape[axis],):
            refuse(
                "COMPILE-0002",
                f"a mask of shape {positions.shape} on axis {axis} of shape {x.shape}",
                "see its shape",
            )
        positions = np.flatnonzero(positions)
    if positions.ndim != 1:
        refuse("COMPILE-0002", "an index array must have one dimension", "use take, then reshape")
    return take(x, positions, axis=axis)
