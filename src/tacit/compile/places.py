"""Reading and writing at places: public ones, of which several may be the same, and secret ones.

A secret place is a row of bits, true where it is; what stands there is a product with the rows of a table. So
all of the table is touched, whatever the place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from tacit.base.types import BOOL, INT, Shape
from tacit.compile.coerce import Value, axis_of, cast, traced
from tacit.compile.elementwise import add, clip, less, multiply, not_equal
from tacit.compile.pieces import gathered_along
from tacit.compile.reduction import matmul, one_hot, sum
from tacit.compile.shaping import asarray, concat, moveaxis, permute_dims, reshape, take
from tacit.compile.trace import dtype_of, plain, public, public_in
from tacit.ir.op import numpy_dtype


def hot_rows(places: Value, n: int) -> Value:
    """int [places, n]: rows of 0 and one 1; of 0 only for places outside."""
    flat = reshape(asarray(places), (-1,))
    return reshape(cast(one_hot(flat, n), INT), (flat.shape[0], n))


def looked_up(table: Value, places: Value) -> Value:
    """[*places, *rest]: rows of a table [n, *rest]; 0 for places outside."""
    table, places = asarray(table), asarray(places)
    rest, dtype = table.shape[1:], dtype_of(table)
    rows = reshape(cast(table, INT) if dtype == BOOL else table, (table.shape[0], math.prod(rest)))
    found = matmul(cast(hot_rows(places, table.shape[0]), dtype_of(rows)), rows)
    return reshape(found if dtype != BOOL else not_equal(found, 0), (*places.shape, *rest))


def along(table: Value, places: Value, axis: int) -> Value:
    """table[places] along an axis, the axes of `places` put there."""
    at = axis % asarray(table).ndim
    found = looked_up(moveaxis(asarray(table), at, 0), places)
    own = asarray(places).ndim
    return permute_dims(found, (*range(own, own + at), *range(own), *range(own + at, found.ndim)))


@public_in("numpy")
def take_(x: Value, indices: Value, axis: int | None = None) -> Value:
    """The elements at `indices` along `axis`, from the end for those below 0; 0 for secret ones outside."""
    x = asarray(x)
    if not traced(indices):
        return take(x, indices, axis)
    if axis is None and x.ndim != 1:
        x = reshape(x, (math.prod(x.shape),))
    at = axis_of(axis or 0, x.ndim)
    return along(x, _from_start(indices, x.shape[at]), at)


def _from_start(places: Value, n: int) -> Value:
    """Places counted from 0, where those below 0 count from the end."""
    places = cast(places, INT)
    return add(places, multiply(cast(less(places, 0), INT), n))


@public
def take_along_axis(x: Value, indices: Value, axis: int | None = -1) -> Value:
    """The elements at `indices` along `axis`, for each of the other places; of x flattened if it is None."""
    x, indices = asarray(x), asarray(indices)
    if axis is None:
        return take_along_axis(reshape(x, (math.prod(x.shape),)), indices, 0)
    if not traced(indices):
        return gathered_along(x, plain(indices), axis)
    at = axis_of(axis, x.ndim)
    rows, dtype = moveaxis(x, at, -1), dtype_of(x)
    places = moveaxis(_from_start(indices, x.shape[at]), at, -1)
    hot = cast(one_hot(places, x.shape[at]), INT)
    found = sum(multiply(hot, cast(rows, INT if dtype == BOOL else dtype)[..., None, :]), -1)
    return moveaxis(cast(found, dtype), -1, at)


def joint(places: Sequence[Value], counts: Sequence[int]) -> Value:
    """One number for a place on each of several axes, in row-major order; what is outside is moved inside."""
    found: Value = np.zeros((), np.int64)
    for place, count in zip(places, counts, strict=True):
        inside = clip(cast(place, INT), 0, count - 1)
        found = add(multiply(found, np.array(count)), inside)
    return found


def windows(shape: Shape, axes: Sequence[int], sizes: Shape) -> tuple[np.ndarray, tuple[int, ...]]:
    """(flat places [starts, elements] that a window of `sizes` covers for each start on `axes`, how many
    starts there are on each axis); on other axes it starts at 0."""
    counts = tuple(shape[axis] - sizes[axis] + 1 for axis in axes)
    numbers = np.arange(math.prod(shape)).reshape(shape)
    rows = []
    for start in np.ndindex(*counts):
        begin = dict(zip(axes, start, strict=True))
        part = tuple(slice(begin.get(k, 0), begin.get(k, 0) + size) for k, size in enumerate(sizes))
        rows.append(numbers[part].reshape(-1))
    return np.array(rows).reshape(math.prod(counts), math.prod(sizes)), counts


def put(x: Value, targets: np.ndarray, updates: Value) -> Value:
    """x [n] with updates [m] at public places; of several at one place the last counts, below 0 none."""
    order = np.arange(x.shape[0])
    used = np.flatnonzero(targets >= 0)
    order[targets[used]] = x.shape[0] + used
    return take(concat([x, updates]), order, axis=0)


def put_added(x: Value, targets: np.ndarray, updates: Value) -> Value:
    """x [n] with updates [m] added at public places; below 0 nowhere."""
    turn = np.full(len(targets), -1)
    seen: dict[int, int] = {}
    for k, target in enumerate(targets.tolist()):
        if target >= 0:
            turn[k] = seen[target] = seen.get(target, -1) + 1
    wide = concat([updates, np.zeros(1, numpy_dtype(dtype_of(updates)))])
    for now in range(int(turn.max(initial=-1)) + 1):
        chosen = np.flatnonzero(turn == now)
        order = np.full(x.shape[0], len(targets))
        order[targets[chosen]] = chosen
        x = add(x, take(wide, order, axis=0))
    return x


def put_combined(
    x: Value, targets: np.ndarray, updates: Value, combine: Callable[[Value, Value], Value]
) -> Value:
    """x [n] with combine(old, update) at public places, one update after the other where several meet; below
    0 nowhere."""
    left = np.flatnonzero(targets >= 0)
    while left.size:
        _, first = np.unique(targets[left], return_index=True)
        now = left[np.sort(first)]
        old = take(x, targets[now], axis=0)
        x = put(x, targets[now], combine(old, take(updates, now, axis=0)))
        left = np.setdiff1d(left, now)
    return x
