"""Gather, scatter and slices at places that may be secret.

With public places elements only move, and JAX itself says where to. With secret ones every place is
looked at (`compile.places`): the cost is that of all places, and nobody learns which was meant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tacit.base.types import INT
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast, traced
from tacit.compile.jax.elementwise import finite
from tacit.compile.jax.evaluate import rule, run, shape_of
from tacit.compile.places import hot_rows, joint, put, put_added, put_combined, windows
from tacit.compile.ranges.live import range_of
from tacit.compile.trace import Array, dtype_of, plain

# --- moving by public places ----------------------------------------------------------------------------


@rule("pad", "split", "tile", "unstack")
def _moved(ins: list[Value], primitive: Any, out: list[Any], **params: Any) -> Value | list[Value]:
    """What only moves elements is run by JAX on their numbers; `pad` has a second operand that is moved."""
    return moved_by_jax(ins, [], primitive, params)


def moved_by_jax(
    moved: list[Value], index: list[Value], primitive: Any, params: dict[str, Any]
) -> Value | list[Value]:
    """The operands `moved`, then public ones, through a primitive that moves elements."""
    starts = np.cumsum([0, *(math.prod(shape_of(value)) for value in moved)])
    numbers = [
        np.arange(start, start + math.prod(shape_of(value)), dtype=np.int32).reshape(shape_of(value))
        for start, value in zip(starts, moved, strict=False)
    ]
    found = primitive.bind(*numbers, *(np.asarray(plain(value), np.int32) for value in index), **params)
    flat = xp.concat([xp.ravel(value) for value in moved])
    parts = found if isinstance(found, list | tuple) else [found]
    results = [xp.reshape(xp.take(flat, np.asarray(part).reshape(-1)), shape_of(part)) for part in parts]
    return results if primitive.multiple_results else results[0]


# --- slices ---------------------------------------------------------------------------------------------


@rule("dynamic_slice")
def _dynamic_slice(
    ins: list[Value], primitive: Any, out: list[Any], slice_sizes: Sequence[int], **params: Any
) -> Any:
    x, starts = ins[0], ins[1:]
    if not traced(*starts):
        return moved_by_jax([x], starts, primitive, dict(params, slice_sizes=slice_sizes))
    cut = _public_part(x, starts, slice_sizes)
    axes = [axis for axis, start in enumerate(starts) if traced(start)]
    places, counts = windows(shape_of(cut), axes, tuple(slice_sizes))
    table = xp.reshape(xp.take(xp.ravel(cut), places.reshape(-1)), places.shape)
    return xp.reshape(_chosen(joint([starts[axis] for axis in axes], counts), table), tuple(slice_sizes))


def _public_part(x: Value, starts: Sequence[Value], sizes: Sequence[int]) -> Value:
    """x cut at the starts that are public."""
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        if not traced(start) and size != x.shape[axis]:
            first = int(np.clip(plain(start), 0, x.shape[axis] - size))
            x = xp.take(x, np.arange(first, first + size), axis=axis)
    return x


def _chosen(places: Value, table: Value) -> Value:
    """Rows of a table [n, elements] at secret places."""
    dtype = dtype_of(table)
    rows = cast(table, INT) if dtype == xp.bool else table
    found = xp.matmul(cast(hot_rows(places, table.shape[0]), dtype_of(rows)), rows)
    return cast(found, dtype)


@rule("dynamic_update_slice")
def _dynamic_update_slice(ins: list[Value], primitive: Any, out: list[Any], **params: Any) -> Any:
    x, update, starts = ins[0], ins[1], ins[2:]
    if not traced(*starts):
        return moved_by_jax([x, update], starts, primitive, params)
    places, counts = windows(shape_of(x), range(len(starts)), shape_of(update))
    return _set_at(x, joint(starts, counts), places, update)


def _set_at(x: Value, place: Value, places: np.ndarray, update: Value) -> Value:
    """x with the update in the window that starts at a secret place: the differences that it makes."""
    dtype = dtype_of(x)
    flat, new = (xp.ravel(cast(value, INT) if dtype == xp.bool else value) for value in (x, update))
    covered = xp.reshape(xp.take(flat, places.reshape(-1)), places.shape)
    gain = xp.reshape(xp.subtract(xp.expand_dims(new, 0), covered), (-1,))
    n, size = places.shape[0], flat.shape[0]
    # Row p of the table holds, at the places of window p, what is to be added there.
    order = np.full((n, size), n * places.shape[1])
    np.put_along_axis(order, places, np.arange(places.size).reshape(places.shape), axis=1)
    table = xp.reshape(xp.take(xp.concat([gain, _zero(gain)]), order.reshape(-1)), order.shape)
    changed = xp.add(flat, xp.reshape(_chosen(place, table), (-1,)))
    return cast(xp.reshape(changed, shape_of(x)), dtype)


def _zero(x: Value) -> Value:
    return cast(np.zeros(1), dtype_of(x))


# --- gather ---------------------------------------------------------------------------------------------


@rule("gather")
def _gather(
    ins: list[Value], primitive: Any, out: list[Any], dimension_numbers: Any, slice_sizes: Sequence[int],
    **params: Any,
) -> Any:  # fmt: skip
    x, index = ins
    if not traced(index):
        options = dict(params, dimension_numbers=dimension_numbers, slice_sizes=slice_sizes)
        if str(params.get("mode")).endswith(("FILL_OR_DROP", "2")):
            options["fill_value"] = 0
        return moved_by_jax([x], [index], primitive, options)
    d, fill = dimension_numbers, _fill(params)
    axes = [int(axis) for axis in d.start_index_map]
    batch = [int(axis) for axis in d.operand_batching_dims]
    paired = [int(axis) for axis in d.start_indices_batching_dims]
    rest = [axis for axis in range(index.ndim - 1) if axis not in paired]
    # [batches, indices, parts of an index], and the operand batch by batch
    order = (*paired, *rest, index.ndim - 1)
    sides = [tuple(index.shape[axis] for axis in part) for part in (paired, rest)]
    parts = xp.reshape(xp.permute_dims(index, order), (math.prod(sides[0]), math.prod(sides[1]), len(axes)))
    kept = [axis for axis in range(len(shape_of(x))) if axis not in batch]
    rows = xp.reshape(
        xp.permute_dims(xp.asarray(x), (*batch, *kept)),
        (math.prod(sides[0]), *(shape_of(x)[axis] for axis in kept)),
    )
    sizes = tuple(int(slice_sizes[axis]) for axis in kept)
    places, counts = windows(rows.shape[1:], [kept.index(axis) for axis in axes], sizes)
    found = []
    for b in range(math.prod(sides[0])):
        table = xp.reshape(xp.take(xp.ravel(rows[b]), places.reshape(-1)), places.shape)
        index = [parts[b, :, k] for k in range(len(axes))]
        chosen = _chosen(joint(index, counts), table)
        if fill is not None:
            chosen = xp.where(xp.expand_dims(_inside(index, counts), -1), chosen, fill)
        found.append(chosen)
    window = [size for axis, size in zip(kept, sizes, strict=True) if axis not in d.collapsed_slice_dims]
    whole = xp.reshape(xp.stack(found), (*sides[0], *sides[1], *window))
    return _arranged(whole, (*paired, *rest), [int(k) for k in d.offset_dims])


def _fill(params: dict[str, Any]) -> Any:
    """What stands for places outside; None where they are moved inside, as for JAX's no-number."""
    value = params.get("fill_value")
    if not _drops(params.get("mode")) or value is None or not np.isfinite(value):
        return None
    return np.asarray(value)


def _drops(mode: Any) -> bool:
    return str(mode).endswith(("FILL_OR_DROP", "2"))


def _inside(index: Sequence[Value], counts: Sequence[int]) -> Value:
    """Whether a place is inside on all axes; data where its range shows it."""
    found: Value = np.array(True)
    for place, count in zip(index, counts, strict=True):
        known = range_of(place) if isinstance(place, Array) else None
        if known is None or known[0] < 0 or known[1] > count - 1:
            on_axis = xp.logical_and(xp.greater_equal(place, 0), xp.less(place, count))
            found = on_axis if not traced(found) else xp.logical_and(found, on_axis)
    return found


def _arranged(x: Value, index_axes: Sequence[int], offset_dims: Sequence[int]) -> Value:
    """Axes of the indices in their own order where no axis of the window goes, those of the window there."""
    n, rank = len(index_axes), len(index_axes) + len(offset_dims)
    own = iter(np.argsort(index_axes).tolist())
    window = iter(range(n, rank))
    return xp.permute_dims(x, tuple(next(window if k in offset_dims else own) for k in range(rank)))


# --- scatter --------------------------------------------------------------------------------------------


def _targets(index: np.ndarray, x: Sequence[int], update: Sequence[int], d: Any, clamp: bool) -> np.ndarray:
    """Flat places in x for all elements of the updates, -1 for what falls outside."""
    window = [int(axis) for axis in d.update_window_dims]
    outer = [axis for axis in range(len(update)) if axis not in window]
    skipped = [*map(int, d.inserted_window_dims), *map(int, d.operand_batching_dims)]
    kept = [axis for axis in range(len(x)) if axis not in skipped]
    grid = np.indices(update)
    which = tuple(grid[axis] for axis in outer)
    offset = {axis: grid[place] for axis, place in zip(kept, window, strict=True)}
    extent = {axis: update[place] for axis, place in zip(kept, window, strict=True)}
    coordinates = [np.zeros(update, np.int64) for _ in x]
    fits = np.ones(update, bool)
    for k, axis in enumerate(map(int, d.scatter_dims_to_operand_dims)):
        start = index[which][..., k] if which else np.broadcast_to(index[k], update)
        last = x[axis] - extent.get(axis, 1)
        start = np.clip(start, 0, last) if clamp else start
        fits &= (start >= 0) & (start <= last)
        coordinates[axis] = start
    for axis, place in zip(d.operand_batching_dims, d.scatter_indices_batching_dims, strict=True):
        coordinates[int(axis)] = which[int(place)]
    for axis, added in offset.items():
        coordinates[axis] = coordinates[axis] + added
    safe = [np.where(fits, part, 0) for part in coordinates]
    return np.where(fits, np.ravel_multi_index(safe, tuple(x)), -1).reshape(-1)


def _clamped(mode: Any) -> bool:
    return str(mode).endswith(("CLIP", "1"))


def _scattered(name: str, function: Callable[[Value, np.ndarray, Value], Value] | None = None) -> None:
    """`function` writes at public places; without it updates are combined one by one."""

    @rule(name)
    def scatter(
        ins: list[Value], dimension_numbers: Any, mode: Any, update_jaxpr: Any, update_consts: Any, **_: Any
    ) -> Value:
        x, index, updates = ins

        def combine(old: Value, new: Value) -> Value:
            return run(update_jaxpr, update_consts, [old, new])[0]

        combined = None if function is not None and not (name == "scatter" and update_jaxpr) else combine
        if traced(index):
            return _at_secret(name, x, index, updates, dimension_numbers, mode, combined)
        d, shape = dimension_numbers, shape_of(x)
        targets = _targets(plain(index), shape, shape_of(updates), d, _clamped(mode))
        x, updates = xp.asarray(finite(x)), xp.asarray(updates)
        if dtype_of(x) != dtype_of(updates):
            updates = cast(updates, dtype_of(x))
        flat, new = xp.ravel(x), xp.ravel(updates)
        if combined is not None or function is None:
            return xp.reshape(put_combined(flat, targets, new, combine), shape)
        return xp.reshape(function(flat, targets, new), shape)


_scattered("scatter", put)
_scattered("scatter-add", put_added)
_scattered("scatter-sub", lambda x, targets, updates: put_added(x, targets, xp.negative(updates)))
for _name in ("scatter-mul", "scatter-min", "scatter-max"):
    _scattered(_name)


def _at_secret(
    name: str,
    x: Value,
    index: Value,
    updates: Value,
    d: Any,
    mode: Any,
    combine: Callable[[Value, Value], Value] | None,
) -> Value:
    """Window after window, batch by batch."""
    x, updates = xp.asarray(finite(x)), xp.asarray(updates)
    window = [int(axis) for axis in d.update_window_dims]
    outer = [axis for axis in range(updates.ndim) if axis not in window]
    batch, paired = ([*map(int, part)] for part in (d.operand_batching_dims, d.scatter_indices_batching_dims))
    rest = [axis for axis in range(len(outer)) if axis not in paired]
    axes = [int(axis) for axis in d.scatter_dims_to_operand_dims]
    kept = [axis for axis in range(x.ndim) if axis not in batch]
    b, n = (math.prod(shape_of(index)[axis] for axis in part) for part in (paired, rest))
    parts = xp.permute_dims(xp.asarray(index), (*paired, *rest, len(outer)))
    parts = xp.reshape(parts, (b, n, len(axes)))
    rows = xp.permute_dims(updates, (*(outer[k] for k in paired), *(outer[k] for k in rest), *window))
    rows = xp.reshape(rows, (b, n, *(updates.shape[axis] for axis in window)))
    sides = iter(updates.shape[axis] for axis in window)
    sizes = tuple(1 if axis in d.inserted_window_dims else next(sides) for axis in kept)
    cells = xp.permute_dims(x, (*batch, *kept))
    own = tuple(x.shape[axis] for axis in kept)
    cells = xp.reshape(cells, (b, *own))
    at = windows(own, [kept.index(axis) for axis in axes], sizes)
    found = []
    for one in range(b):
        index_of = [[parts[one, k, part] for part in range(len(axes))] for k in range(n)]
        new = [xp.reshape(rows[one, k], sizes) for k in range(n)]
        found.append(_written(name, cells[one], index_of, new, at, _drops(mode), combine))
    whole = xp.reshape(xp.stack(found), tuple(x.shape[axis] for axis in (*batch, *kept)))
    return xp.permute_dims(whole, tuple(int(k) for k in np.argsort([*batch, *kept])))


def _written(
    name: str,
    x: Value,
    index: list[list[Value]],
    updates: list[Value],
    at: tuple[np.ndarray, tuple[int, ...]],
    drop: bool,
    combine: Callable[[Value, Value], Value] | None,
) -> Value:
    """x with one update after the other written; those outside are dropped or moved inside."""
    places, counts = at
    for parts, update in zip(index, updates, strict=True):
        start = joint(parts, counts)
        fits = _inside(parts, counts) if drop else np.array(True)
        if traced(fits):  # -1 is no place.
            start = xp.where(fits, start, -1)
        if name in ("scatter-add", "scatter-sub"):
            x = _add_at(x, start, places, xp.negative(update) if name == "scatter-sub" else update)
            continue
        if combine is not None:
            table = xp.reshape(xp.take(xp.ravel(x), places.reshape(-1)), places.shape)
            update = combine(xp.reshape(_chosen(start, table), shape_of(update)), update)
        x = _set_at(x, start, places, update)
    return x


def _add_at(x: Value, place: Value, places: np.ndarray, update: Value) -> Value:
    """x with the update added to the window that starts at a secret place."""
    flat, new = xp.ravel(x), xp.ravel(update)
    order = np.full((places.shape[0], flat.shape[0]), places.shape[1])
    np.put_along_axis(order, places, np.broadcast_to(np.arange(places.shape[1]), places.shape), axis=1)
    table = xp.reshape(xp.take(xp.concat([new, _zero(new)]), order.reshape(-1)), order.shape)
    return xp.reshape(xp.add(flat, xp.reshape(_chosen(place, table), (-1,))), shape_of(x))
