"""NumPy functions that join arrays, cut them, and put their elements in other places: they send nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tacit.compile.arrays import atleast_1d, atleast_2d, atleast_3d, ravel, transpose
from tacit.compile.coerce import Value, axes_of, axis_of, cast
from tacit.compile.elementwise import astype
from tacit.compile.reduction import max as largest
from tacit.compile.reduction import mean, sum
from tacit.compile.reduction import min as smallest
from tacit.compile.shaping import (
    asarray,
    broadcast_to,
    concat,
    expand_dims,
    flip,
    permute_dims,
    reshape,
    squeeze,
    take,
)
from tacit.compile.trace import dtype_of, plain, public, public_in, refuse

# --- joining --------------------------------------------------------------------------------------------


@public
def hstack(arrays: Sequence[Value]) -> Value:
    parts = [atleast_1d(x) for x in arrays]
    return concat(parts, axis=0 if parts[0].ndim == 1 else 1)


@public
def vstack(arrays: Sequence[Value]) -> Value:
    return concat([atleast_2d(x) for x in arrays], axis=0)


@public
def dstack(arrays: Sequence[Value]) -> Value:
    return concat([atleast_3d(x) for x in arrays], axis=2)


@public
def column_stack(arrays: Sequence[Value]) -> Value:
    parts = [asarray(x) for x in arrays]
    return concat([x if x.ndim > 1 else transpose(atleast_2d(x)) for x in parts], axis=1)


@public
def append(x: Value, values: Value, axis: int | None = None) -> Value:
    return concat([asarray(x), asarray(values)], axis=axis)


@public
def block(arrays: Any) -> Value:
    """Nested lists of arrays: the innermost joined along the last axis, the outermost along the first."""

    def depth(part: Any) -> int:
        return 1 + depth(part[0]) if isinstance(part, list) else 0

    def leaves(part: Any) -> list[Value]:
        return [leaf for one in part for leaf in leaves(one)] if isinstance(part, list) else [asarray(part)]

    levels = depth(arrays)
    rank = max(levels, *(x.ndim for x in leaves(arrays)))

    def joined(part: Any, level: int) -> Value:
        if not isinstance(part, list):
            part = asarray(part)
            return reshape(part, (1,) * (rank - part.ndim) + tuple(part.shape))
        return concat([joined(one, level - 1) for one in part], axis=rank - level)

    return joined(arrays, levels)


@public
def broadcast_arrays(*arrays: Value) -> tuple[Value, ...]:
    parts = [asarray(x) for x in arrays]
    shape = np.broadcast_shapes(*(tuple(x.shape) for x in parts))
    return tuple(broadcast_to(x, shape) for x in parts)


@public
def meshgrid(*arrays: Value, indexing: str = "xy", sparse: bool = False) -> tuple[Value, ...]:
    """Coordinates of all points of a grid: array k varies along axis k (the first two swapped for `xy`)."""
    rank = len(arrays)
    places = list(range(rank))
    if indexing == "xy" and rank > 1:
        places[:2] = 1, 0
    wide = [
        reshape(ravel(x), tuple(-1 if k == place else 1 for k in range(rank)))
        for x, place in zip(arrays, places, strict=True)
    ]
    return tuple(wide) if sparse else broadcast_arrays(*wide)


@public
def ix_(*arrays: Value) -> tuple[Value, ...]:
    return meshgrid(*arrays, indexing="ij", sparse=True)


# --- cutting --------------------------------------------------------------------------------------------


@public
def array_split(x: Value, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Value]:
    """Parts along `axis`: that many of almost the same size, or cut before these positions."""
    x = asarray(x)
    axis = axis_of(axis, x.ndim)
    size = x.shape[axis]
    if isinstance(indices_or_sections, int | np.integer):
        each, longer = divmod(size, int(indices_or_sections))
        cuts = [k * each + min(k, longer) for k in range(1, int(indices_or_sections))]
    else:
        cuts = [int(cut) for cut in indices_or_sections]
    ends = [0, *cuts, size]
    before = (slice(None),) * axis
    return [x[(*before, slice(start, stop))] for start, stop in zip(ends, ends[1:], strict=False)]


@public
def split(x: Value, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Value]:
    if isinstance(indices_or_sections, int) and asarray(x).shape[axis] % indices_or_sections:
        refuse("COMPILE-0002", "a split into equal parts does not divide the axis", "use array_split")
    return array_split(x, indices_or_sections, axis)


@public
def vsplit(x: Value, indices_or_sections: int | Sequence[int]) -> list[Value]:
    return split(x, indices_or_sections, 0)


@public
def hsplit(x: Value, indices_or_sections: int | Sequence[int]) -> list[Value]:
    return split(x, indices_or_sections, 1 if asarray(x).ndim > 1 else 0)


@public
def dsplit(x: Value, indices_or_sections: int | Sequence[int]) -> list[Value]:
    return split(x, indices_or_sections, 2)


@public
def unstack(x: Value, axis: int = 0) -> tuple[Value, ...]:
    x = asarray(x)
    axis = axis_of(axis, x.ndim)
    n = x.shape[axis]
    return tuple(squeeze(part, axis) for part in array_split(x, n, axis)) if n else ()


# --- other places ---------------------------------------------------------------------------------------


def gathered(x: Value, places: np.ndarray) -> Value:
    """The elements of the flattened x at these public places, in their shape."""
    return reshape(take(ravel(x), places.reshape(-1)), places.shape)


def _moved(x: Value, move: Callable[..., np.ndarray], *args: Any, **kwargs: Any) -> Value:
    """What NumPy's `move` does to the places of the elements, done to the elements."""
    x = asarray(x)
    return gathered(x, move(np.arange(math.prod(x.shape)).reshape(x.shape), *args, **kwargs))


@public
def tile(x: Value, repetitions: int | Sequence[int]) -> Value:
    return _moved(x, np.tile, repetitions)


@public
def repeat(x: Value, repeats: Any, axis: int | None = None) -> Value:
    """Every element, or row along `axis`, as often as `repeats` says, which is public."""
    return _moved(x, np.repeat, plain(repeats), axis)


@public
def roll(x: Value, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Value:
    return _moved(x, np.roll, shift, axis)


@public
def rot90(x: Value, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Value:
    return _moved(x, np.rot90, k, axes)


@public_in("lib.stride_tricks")
def sliding_window_view(x: Value, window_shape: Any, axis: Any = None) -> Value:
    """All windows of the shape, their elements in the last axes."""
    return _moved(x, np.lib.stride_tricks.sliding_window_view, window_shape, axis)


@public
def resize(x: Value, new_shape: int | Sequence[int]) -> Value:
    """Elements in order, from the start again when they are used up."""
    return _moved(x, np.resize, new_shape)


@public
def fliplr(x: Value) -> Value:
    return flip(x, 1)


@public
def flipud(x: Value) -> Value:
    return flip(x, 0)


@public
def swapaxes(x: Value, axis1: int, axis2: int) -> Value:
    x = asarray(x)
    order = list(range(x.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return permute_dims(x, order)


@public
def rollaxis(x: Value, axis: int, start: int = 0) -> Value:
    return _moved(x, np.rollaxis, axis, start)


@public
def tril(x: Value, k: int = 0) -> Value:
    return asarray(x) * np.tril(np.ones(x.shape[-2:], np.int64), k)


@public
def triu(x: Value, k: int = 0) -> Value:
    return asarray(x) * np.triu(np.ones(x.shape[-2:], np.int64), k)


@public
def diag(x: Value, k: int = 0) -> Value:
    """The diagonal k of a matrix, or a matrix with this diagonal."""
    x = asarray(x)
    return diagonal(x, k) if x.ndim > 1 else diagflat(x, k)


@public
def diagflat(x: Value, k: int = 0) -> Value:
    x = ravel(x)
    size = x.shape[0] + abs(k)
    padded = concat([x, cast(np.zeros(1), dtype_of(x))])
    return gathered(padded, np.where(np.eye(size, k=k) == 1, _along(size, k), x.shape[0]))


def _along(size: int, k: int) -> np.ndarray:
    """The place on the diagonal k of each row of a square."""
    return np.broadcast_to(np.arange(size)[:, None] + min(k, 0), (size, size))


@public
def diagonal(x: Value, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value:
    return _moved(x, np.diagonal, offset, axis1, axis2)


@public_in("linalg")
def diagonal_(x: Value, offset: int = 0) -> Value:
    return diagonal(x, offset, -2, -1)


def gathered_along(x: Value, indices: np.ndarray, axis: int) -> Value:
    """The elements at public positions along `axis`, for each of the other places."""
    return _moved(x, np.take_along_axis, indices, axis)


@public_in("numpy")
def delete(x: Value, obj: Any, axis: int | None = None) -> Value:
    """Without the public positions `obj`."""
    return _moved(x, np.delete, obj if isinstance(obj, slice) else plain(obj), axis)


@public_in("numpy")
def insert(x: Value, obj: Any, values: Value, axis: int | None = None) -> Value:
    """With `values` before the public positions `obj`."""
    x = asarray(x)
    x, axis = (ravel(x), 0) if axis is None else (x, axis_of(axis, x.ndim))
    places = np.insert(np.arange(x.shape[axis]), obj, -1)
    shape = (*x.shape[:axis], int(np.sum(places < 0)), *x.shape[axis + 1 :])
    values = asarray(values)
    if values.ndim == 1 and axis:
        values = reshape(values, (-1, *(1,) * (x.ndim - 1 - axis)))
    both = concat([x, broadcast_to(values, shape)], axis)
    fresh = np.cumsum(places < 0) - 1 + x.shape[axis]
    return take(both, np.where(places < 0, fresh, places), axis)


@public_in("numpy")
def compress(condition: Any, x: Value, axis: int | None = None) -> Value:
    """The rows along `axis` where a public condition holds."""
    return _moved(x, lambda places: np.compress(plain(condition), places, axis))


@public_in("numpy")
def extract(condition: Any, x: Value) -> Value:
    return compress(np.ravel(plain(condition)), ravel(x))


# --- padding --------------------------------------------------------------------------------------------

_EXTREMES: dict[str, Callable[..., Value]] = {"maximum": largest, "minimum": smallest, "mean": mean}


@public
def pad(x: Value, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Value:
    """Public widths before and after, by number of elements; modes of NumPy but for ramps and medians."""
    x = asarray(x)
    widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2)).tolist()
    fills = np.broadcast_to(np.asarray(constant_values), (x.ndim, 2)).tolist()
    for axis, (before, after) in enumerate(widths):
        if mode == "constant":
            x = concat(
                [*_filled(x, axis, before, fills[axis][0]), x, *_filled(x, axis, after, fills[axis][1])], axis
            )
        elif mode in _EXTREMES:
            edge = _EXTREMES[mode](x, axis=axis, keepdims=True)
            x = concat([edge] * before + [x] + [edge] * after, axis)
        else:
            x = take(x, np.pad(np.arange(x.shape[axis]), (before, after), mode=mode), axis)  # type: ignore[call-overload]
    return x


def _filled(x: Value, axis: int, width: int, value: float) -> list[Value]:
    shape = (*x.shape[:axis], width, *x.shape[axis + 1 :])
    return [cast(np.full(shape, value), dtype_of(x))] if width else []


# --- metadata -------------------------------------------------------------------------------------------


@public
def copy(x: Value) -> Value:
    return asarray(x)


@public
def shape(x: Value) -> tuple[int, ...]:
    return tuple(asarray(x).shape)


@public
def ndim(x: Value) -> int:
    return len(asarray(x).shape)


@public
def size(x: Value, axis: int | None = None) -> int:
    sides = asarray(x).shape
    return math.prod(sides) if axis is None else int(sides[axis])


@public
def iscomplexobj(x: Value) -> bool:
    return False


@public
def nan_to_num(x: Value) -> Value:
    return asarray(x)


@public
def real_if_close(x: Value) -> Value:
    return asarray(x)


@public_in("numpy")
def expand_dims_(x: Value, axis: int | Sequence[int]) -> Value:
    x = asarray(x)
    axes = (axis,) if isinstance(axis, int) else axis
    for one in sorted(axes_of(axes, x.ndim + len(axes))):
        x = expand_dims(x, one)
    return x


@public_in("numpy")
def squeeze_(x: Value, axis: int | Sequence[int] | None = None) -> Value:
    x = asarray(x)
    ones = tuple(k for k, side in enumerate(x.shape) if side == 1)
    return squeeze(x, ones if axis is None else axis)


@public_in("numpy")
def moveaxis_(x: Value, source: int | Sequence[int], destination: int | Sequence[int]) -> Value:
    return _moved(x, np.moveaxis, source, destination)


@public_in("numpy")
def trace(x: Value, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value:
    """The sum of a diagonal."""
    return sum(diagonal(x, offset, axis1, axis2), -1)


@public_in("linalg")
def trace_(x: Value, offset: int = 0, dtype: Any = None) -> Value:
    found = trace(x, offset, -2, -1)
    return found if dtype is None else astype(found, dtype)
