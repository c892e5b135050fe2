"""Operators that make tensors and move elements: shapes are public, and places except where looked up."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tacit.base.types import INT
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast, traced
from tacit.compile.onnx.elementwise import kind_of
from tacit.compile.onnx.evaluate import known, known_ints, room, rule, shapes
from tacit.compile.places import along, put, put_added, put_combined
from tacit.compile.trace import dtype_of, plain
from tacit.compile.windows import padded
from tacit.ir.op import numpy_dtype

# --- making ---------------------------------------------------------------------------------------------


@rule("Constant")
def _constant(
    *,
    value: Any = None,
    value_float: float | None = None,
    value_floats: Any = None,
    value_int: int | None = None,
    value_ints: Any = None,
    value_string: str | None = None,
    value_strings: Any = None,
) -> Any:
    if value is not None:
        return value
    if value_float is not None or value_floats is not None:
        return np.array(value_float if value_floats is None else value_floats, float)
    if value_int is not None or value_ints is not None:
        return np.array(value_int if value_ints is None else value_ints, np.int64)
    return np.array(value_string if value_strings is None else list(value_strings), dtype=object)


@rule("ConstantOfShape")
def _constant_of_shape(shape: Value, /, *, value: Any = None) -> Value:
    sides = room(known_ints(shape, "the shape of ConstantOfShape"))
    return np.full(sides, 0.0 if value is None else value.reshape(-1)[0])


@rule("Shape")
def _shape(x: Value, /, *, start: int = 0, end: int | None = None) -> Value:
    return np.array(x.shape[start:end], np.int64)


@rule("Size")
def _size(x: Value, /) -> Value:
    return np.array(math.prod(x.shape), np.int64)


@rule("Range")
def _range(start: Value, limit: Value, delta: Value, /) -> Value:
    first, last, step = (known(value, "a bound of Range").item() for value in (start, limit, delta))
    room((max(0, math.ceil((last - first) / step)),))
    return plain(np.arange(first, last, step))


@rule("EyeLike")
def _eye_like(x: Value, /, *, dtype: int | None = None, k: int = 0) -> Value:
    kind = dtype_of(x) if dtype is None else kind_of(dtype)
    rows, columns = room(x.shape)
    return np.eye(rows, columns, k).astype(numpy_dtype(kind))


@rule("OneHot")
def _one_hot(x: Value, depth: Value, values: Value, /, *, axis: int = -1) -> Value:
    size = int(known(depth, "the depth of OneHot").reshape(()))
    room((size,))
    off, on = xp.asarray(values)[0], xp.asarray(values)[1]
    places = cast(x, INT)
    places = xp.where(xp.less(places, 0), xp.add(places, size), places)
    hot = xp.where(xp.one_hot(places, size), on, off)
    return xp.moveaxis(hot, -1, axis % (len(x.shape) + 1))


# --- shapes ---------------------------------------------------------------------------------------------


@rule("Reshape")
def _reshape(x: Value, sizes: Value = None, /, *, shape: Any = None, allowzero: int = 0) -> Value:
    wanted = shape if sizes is None else known_ints(sizes, "the shape of Reshape")
    kept = [x.shape[k] if size == 0 and not allowzero else size for k, size in enumerate(wanted)]
    return xp.reshape(x, tuple(kept))


@rule("Flatten")
def _flatten(x: Value, /, *, axis: int = 1) -> Value:
    at = axis + len(x.shape) if axis < 0 else axis
    return xp.reshape(x, (math.prod(x.shape[:at]), math.prod(x.shape[at:])))


@rule("Transpose")
def _transpose(x: Value, /, *, perm: Any = None) -> Value:
    return xp.permute_dims(x, perm)


@rule("Squeeze")
def _squeeze(x: Value, given: Value = None, /, *, axes: Any = None) -> Value:
    wanted = axes if given is None else known_ints(given, "the axes of Squeeze")
    if wanted is None:
        wanted = tuple(axis for axis, size in enumerate(x.shape) if size == 1)
    return xp.squeeze(x, tuple(wanted))


@rule("Unsqueeze")
def _unsqueeze(x: Value, given: Value = None, /, *, axes: Any = None) -> Value:
    wanted = axes if given is None else known_ints(given, "the axes of Unsqueeze")
    rank = len(x.shape) + len(wanted)
    places = {axis % rank for axis in wanted}
    sizes = iter(x.shape)
    return xp.reshape(x, tuple(1 if axis in places else next(sizes) for axis in range(rank)))


@rule("Expand")
def _expand(x: Value, shape: Value, /) -> Value:
    sides = room(known_ints(shape, "the shape of Expand"))
    return xp.broadcast_to(x, room(np.broadcast_shapes(x.shape, sides)))


@rule("Tile")
def _tile(x: Value, repeats: Value, /) -> Value:
    times = known_ints(repeats, "the repeats of Tile")
    room([size * count for size, count in zip(x.shape, times, strict=True)])
    for axis, count in enumerate(times):
        x = (
            xp.concat([x] * count, axis=axis)
            if count > 1
            else xp.take(x, np.arange(x.shape[axis] * count), axis=axis)
        )
    return x


@rule("Concat")
def _concat(*values: Value, axis: int) -> Value:
    return xp.concat(values, axis=axis)


@rule("Split")
def _split(
    x: Value,
    given: Value = None,
    /,
    *,
    axis: int = 0,
    split: Any = None,
    num_outputs: int | None = None,
    n_outs: int,
) -> Any:
    sizes = split if given is None else known_ints(given, "the sizes of Split")
    whole = x.shape[axis]
    if num_outputs not in (None, n_outs):
        raise shapes(f"Split into {num_outputs} parts, of which {n_outs} have names")
    if sizes is None:
        each = -(-whole // n_outs)
        sizes = [min(each, max(whole - k * each, 0)) for k in range(n_outs)]
    if sum(sizes) != whole:
        raise shapes(f"Split of {whole} elements into {tuple(sizes)}")
    ends = np.cumsum([0, *sizes])
    return tuple(
        xp.take(x, np.arange(start, stop), axis=axis) for start, stop in zip(ends, ends[1:], strict=False)
    )


@rule("Slice")
def _slice(
    x: Value, first: Value = None, last: Value = None, along: Value = None, by: Value = None, /, *,
    starts: Any = None, ends: Any = None, axes: Any = None,
) -> Value:  # fmt: skip
    """Bounds and axes were attributes before version 10."""
    begin = starts if first is None else known_ints(first, "the start of Slice")
    end = ends if last is None else known_ints(last, "the end of Slice")
    places = axes if along is None else known_ints(along, "the axes of Slice")
    steps = (1,) * len(begin) if by is None else known_ints(by, "the steps of Slice")
    for axis, start, stop, step in zip(places or range(len(begin)), begin, end, steps, strict=True):
        size = x.shape[axis]
        stop = None if step < 0 and stop < -size else stop
        chosen = np.arange(size)[slice(start, stop, step)]
        if len(chosen) != size or step != 1:
            x = xp.take(x, chosen, axis=axis)
    return x


@rule("Pad")
def _pad(
    x: Value, given: Value = None, fill: Value = None, along: Value = None, /, *,
    pads: Any = None, value: float = 0.0, mode: str = "constant",
) -> Value:  # fmt: skip
    widths = pads if given is None else known_ints(given, "the pads of Pad")
    axes = range(len(x.shape)) if along is None else known_ints(along, "the axes of Pad")
    number = value if fill is None else known(fill, "the filling of Pad").item()
    number = float(np.clip(number, -(2.0**20), 2.0**20)) if np.isinf(number) else number  # As in masks.
    around = [(0, 0)] * len(x.shape)
    for axis, before, after in zip(axes, widths[: len(axes)], widths[len(axes) :], strict=True):
        around[axis] = (before, after)
    room([size + before + after for size, (before, after) in zip(x.shape, around, strict=True)])
    if mode == "constant":
        return padded(x, around, number)
    for axis, (before, after) in enumerate(around):
        places = np.pad(np.arange(x.shape[axis]), (max(before, 0), max(after, 0)), mode=_PADDING[mode])
        places = places[max(-before, 0) : len(places) - max(-after, 0)]
        x = xp.take(x, places, axis=axis)
    return x


_PADDING: dict[str, Any] = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}


# --- places ---------------------------------------------------------------------------------------------


@rule("Gather")
def _gather(x: Value, places: Value, /, *, axis: int = 0) -> Value:
    """Rows at places; secret ones are looked up by a row of bits, for places from 0 on."""
    if not traced(places):
        return xp.take(x, _counted(plain(places), x.shape[axis]), axis=axis)
    return along(x, places, axis)


def _counted(places: np.ndarray, size: int) -> np.ndarray:
    """Places counted from the front."""
    if places.size and not (-size <= places.min() and places.max() < size):
        raise shapes(f"places outside an axis of {size} elements")
    return places % max(size, 1)


@rule("GatherElements")
def _gather_elements(x: Value, places: Value, /, *, axis: int = 0) -> Value:
    index = _counted(known(places, "the places of GatherElements"), x.shape[axis])
    return _moved(x, lambda numbers: np.take_along_axis(_cut(numbers, index.shape, axis), index, axis))


def _cut(numbers: np.ndarray, shape: tuple[int, ...], axis: int) -> np.ndarray:
    """The part of `numbers` that lies beside places of this shape."""
    at = axis % numbers.ndim
    return numbers[tuple(slice(None) if k == at else slice(size) for k, size in enumerate(shape))]


@rule("GatherND")
def _gather_nd(x: Value, places: Value, /, *, batch_dims: int = 0) -> Value:
    index = known(places, "the places of GatherND")

    def move(numbers: np.ndarray) -> np.ndarray:
        if not batch_dims:
            return np.asarray(numbers[tuple(np.moveaxis(index, -1, 0))])
        batch = math.prod(numbers.shape[:batch_dims])
        rows = numbers.reshape(batch, *numbers.shape[batch_dims:])
        each = index.reshape(batch, *index.shape[batch_dims:])
        found = np.stack([rows[b][tuple(np.moveaxis(each[b], -1, 0))] for b in range(batch)])
        return found.reshape(*numbers.shape[:batch_dims], *found.shape[1:])

    return _moved(x, move)


def _moved(x: Value, move: Any) -> Value:
    """Elements in the order in which `move` brings their numbers."""
    numbers = np.arange(math.prod(x.shape)).reshape(x.shape)
    order = move(numbers)
    return xp.reshape(xp.take(xp.reshape(x, (-1,)), order.reshape(-1)), order.shape)


@rule("ScatterElements", "Scatter")
def _scatter_elements(
    x: Value, places: Value, updates: Value, /, *, axis: int = 0, reduction: str = "none"
) -> Value:
    index = _counted(known(places, "the places of ScatterElements"), x.shape[axis])
    numbers = np.arange(math.prod(x.shape)).reshape(x.shape)
    grid: list[np.ndarray] = list(np.indices(index.shape))
    grid[axis] = index
    return _written(x, numbers[tuple(grid)].reshape(-1), updates, reduction)


@rule("ScatterND")
def _scatter_nd(x: Value, places: Value, updates: Value, /, *, reduction: str = "none") -> Value:
    index = known(places, "the places of ScatterND")
    numbers = np.arange(math.prod(x.shape)).reshape(x.shape)
    return _written(x, numbers[tuple(np.moveaxis(index, -1, 0))].reshape(-1), updates, reduction)


def _written(x: Value, targets: np.ndarray, updates: Value, reduction: str) -> Value:
    """x with updates at flat places; of several at one place the last counts, or all are combined."""
    flat, new = xp.reshape(x, (-1,)), xp.reshape(updates, (-1,))
    if reduction in _COMBINED:
        found = put_combined(flat, targets, new, _COMBINED[reduction])
    else:
        found = (put if reduction == "none" else put_added)(flat, targets, new)
    return xp.reshape(found, x.shape)


_COMBINED = {"mul": xp.multiply, "max": xp.maximum, "min": xp.minimum}


@rule("ArrayFeatureExtractor", domain="ai.onnx.ml")
def _features(x: Value, places: Value, /) -> Value:
    """Columns; with secret places, as of class labels, entries of a row."""
    index = xp.reshape(xp.asarray(places), (-1,))
    if not traced(places):
        return xp.take(x, _counted(index, x.shape[-1]), axis=-1)
    return along(x, index, -1)


@rule("ReverseSequence")
def _reverse_sequence(x: Value, lengths: Value, /, *, batch_axis: int = 1, time_axis: int = 0) -> Value:
    sizes = known(lengths, "the lengths of ReverseSequence")

    def move(numbers: np.ndarray) -> np.ndarray:
        rows = np.moveaxis(numbers, (batch_axis, time_axis), (0, 1)).copy()
        for row, size in zip(rows, sizes, strict=True):
            row[:size] = row[:size][::-1].copy()
        return np.moveaxis(rows, (0, 1), (batch_axis, time_axis))

    return _moved(x, move)


@rule("DepthToSpace")
def _depth_to_space(x: Value, /, *, blocksize: int, mode: str = "DCR") -> Value:
    n, c, h, w = x.shape
    b, deep = blocksize, c // blocksize**2
    first = (n, b, b, deep, h, w) if mode == "DCR" else (n, deep, b, b, h, w)
    order = (0, 3, 4, 1, 5, 2) if mode == "DCR" else (0, 1, 4, 2, 5, 3)
    return xp.reshape(xp.permute_dims(xp.reshape(x, first), order), (n, deep, h * b, w * b))


@rule("SpaceToDepth")
def _space_to_depth(x: Value, /, *, blocksize: int) -> Value:
    n, c, h, w = x.shape
    b = blocksize
    split = xp.reshape(x, (n, c, h // b, b, w // b, b))
    return xp.reshape(xp.permute_dims(split, (0, 3, 5, 1, 2, 4)), (n, c * b * b, h // b, w // b))


@rule("Trilu")
def _triangle(x: Value, k: Value = None, /, *, upper: int = 1) -> Value:
    diagonal = 0 if k is None else int(known(k, "the diagonal of Trilu").reshape(()))
    mask = (np.triu if upper else np.tril)(np.ones(room(x.shape[-2:]), bool), diagonal)
    return xp.where(mask, x, np.zeros((), numpy_dtype(dtype_of(x))))


@rule("NonZero")
def _non_zero(x: Value, /) -> Value:
    return plain(np.array(np.nonzero(known(x, "where NonZero finds elements"))))
