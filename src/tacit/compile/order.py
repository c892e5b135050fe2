"""NumPy functions that order, rank, search and choose, made of comparisons.

Source   ranks by counting: the position of an element in order is the number of those before it.
Cost     n (n - 1) / 2 comparisons at once for n elements, in the rounds of one; sorting of values alone goes
         by the network of `sort`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tacit.base.types import FIXED, INT
from tacit.compile.arrays import ravel
from tacit.compile.coerce import Value, axes_of, axis_of, cast, traced
from tacit.compile.elementwise import (
    add,
    clip,
    divide,
    equal,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    multiply,
    negative,
    subtract,
    where,
)
from tacit.compile.pieces import broadcast_arrays
from tacit.compile.places import take_
from tacit.compile.reduction import any as some
from tacit.compile.reduction import one_hot, sort, sum
from tacit.compile.shaping import asarray, concat, expand_dims, moveaxis, permute_dims, reshape, stack, take
from tacit.compile.trace import plain, public, public_in, refuse

# --- ranks ----------------------------------------------------------------------------------------------


def _order(n: int, later_first: Callable[[np.ndarray, np.ndarray], Value]) -> Value:
    """[…, n]: which element stands at each place, where `later_first(i, j)` says for positions i < j whether
    element j comes before element i, and otherwise they stay as they are."""
    i, j = np.triu_indices(n, 1)
    if not i.size:
        return None
    swapped = cast(later_first(i, j), INT)
    # Element i has before it every k < i that is not swapped with it, and every j > i that is.
    both = concat([swapped, subtract(1, swapped), multiply(swapped[..., :1], 0)], axis=-1)
    at = np.full((n, n), 2 * i.size)
    at[i, j], at[j, i] = np.arange(i.size), i.size + np.arange(i.size)
    rank = sum(reshape(take(both, at.reshape(-1), axis=both.ndim - 1), (*both.shape[:-1], n, n)), -1)
    here = cast(one_hot(rank, n), INT)
    return sum(multiply(here, np.arange(n)[:, None]), -2)


@public
def argsort(
    x: Value, axis: int | None = -1, kind: Any = None, descending: bool = False, stable: bool = True
) -> Value:
    """The order of the elements along `axis`, equal ones as they stand."""
    x = asarray(x)
    if axis is None:
        x, axis = ravel(x), 0
    if descending:
        return argsort(negative(x), axis)
    axis = axis_of(axis, x.ndim)
    rows = moveaxis(x, axis, -1)
    last = rows.ndim - 1
    found = _order(rows.shape[-1], lambda i, j: less(take(rows, j, axis=last), take(rows, i, axis=last)))
    if found is None:
        return multiply(cast(x, INT), 0)
    return moveaxis(found, -1, axis)


@public
def argpartition(x: Value, kth: int, axis: int | None = -1) -> Value:
    """The whole order, which is a partition around every position."""
    return argsort(x, axis)


@public
def partition(x: Value, kth: int, axis: int | None = -1) -> Value:
    """The sorted array, which is a partition around every position."""
    return sort(ravel(x), 0) if axis is None else sort(x, axis)


@public
def lexsort(keys: Any, axis: int = -1) -> Value:
    """The order by the last key; where that is equal by the one before it, and so on."""
    rows = [moveaxis(asarray(key), axis_of(axis, asarray(key).ndim), -1) for key in _rows(keys)]
    last = rows[0].ndim - 1

    def later_first(i: np.ndarray, j: np.ndarray) -> Value:
        before: Value = None
        for row in rows:
            a, b = take(row, j, axis=last), take(row, i, axis=last)
            here = less(a, b)
            before = here if before is None else logical_or(here, logical_and(equal(a, b), before))
        return before

    found = _order(rows[0].shape[-1], later_first)
    return multiply(cast(rows[0], INT), 0) if found is None else moveaxis(found, -1, axis)


def _rows(keys: Any) -> list[Value]:
    return list(keys) if isinstance(keys, list | tuple) else [keys[k] for k in range(keys.shape[0])]


@public_in("numpy")
def sort_(x: Value, axis: int | None = -1, kind: Any = None, descending: bool = False) -> Value:
    return sort(ravel(x), 0, descending) if axis is None else sort(x, axis, descending)


# --- searching ------------------------------------------------------------------------------------------


@public
def searchsorted(a: Value, v: Value, side: str = "left", sorter: Any = None) -> Value:
    """Where `v` would stand in `a`, which is in order: before or after what is equal to it."""
    a, v = asarray(a), asarray(v)
    if sorter is not None:
        a = take_(a, sorter, axis=0)
    compare = less if side == "left" else less_equal
    return sum(compare(a, expand_dims(v, -1)), -1)


@public
def digitize(x: Value, bins: Value, right: bool = False) -> Value:
    """The number of the bin that x lies in; the ends of the bins rise, or fall if they are public."""
    if not traced(bins) and len(bins) > 1 and bins[0] > bins[-1]:
        return subtract(len(bins), searchsorted(np.flip(bins), x, "right" if right else "left"))
    return searchsorted(bins, x, "left" if right else "right")


@public
def isin(x: Value, y: Value, assume_unique: bool = False, invert: bool = False, kind: Any = None) -> Value:
    """Whether each element is among those of y."""
    found = some(equal(expand_dims(asarray(x), -1), ravel(y)), axis=-1)
    return logical_not(found) if invert else found


@public
def interp(x: Value, xp: Value, fp: Value, left: Value = None, right: Value = None) -> Value:
    """The function through the points (xp, fp), whose xp rise: every segment adds what x has of it."""
    x, xp, fp = cast(asarray(x), FIXED), cast(asarray(xp), FIXED), cast(asarray(fp), FIXED)
    slopes = divide(subtract(fp[1:], fp[:-1]), subtract(xp[1:], xp[:-1]))
    part = subtract(clip(expand_dims(x, -1), xp[:-1], xp[1:]), xp[:-1])
    value = add(fp[0], sum(multiply(part, slopes), -1))
    value = value if left is None else where(less(x, xp[0]), left, value)
    return value if right is None else where(less(xp[-1], x), right, value)


# --- choosing -------------------------------------------------------------------------------------------


@public
def choose(a: Value, choices: Any, mode: str = "raise") -> Value:
    """From the array that `a` names at each place; `a` lies between 0 and their number."""
    if mode == "wrap":
        refuse("COMPILE-0002", "choose with mode wrap", "use remainder first")
    options = [asarray(one) for one in _rows(choices)]
    a, *options = broadcast_arrays(a, *options)
    value = options[0]
    for number, other in enumerate(options[1:], 1):
        value = where(greater_equal(a, number), other, value)
    return value


@public
def select(condlist: Sequence[Value], choicelist: Sequence[Value], default: Value = 0) -> Value:
    """At each place from the first array whose condition holds."""
    value = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        value = where(condition, choice, value)
    return value


@public
def piecewise(x: Value, condlist: Sequence[Value], funclist: Sequence[Any], *args: Any, **kw: Any) -> Value:
    """Every function at every place, of which the last one is kept whose condition holds."""
    parts = [one(x, *args, **kw) if callable(one) else one for one in funclist]
    value: Value = parts[len(condlist)] if len(parts) > len(condlist) else multiply(x, 0)
    for condition, part in zip(condlist, parts, strict=False):
        value = where(condition, part, value)
    return value


# --- order statistics -----------------------------------------------------------------------------------

_METHODS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda at: at,
    "lower": np.floor,
    "higher": np.ceil,
    "nearest": np.rint,
    "midpoint": lambda at: (np.floor(at) + np.ceil(at)) / 2,
}


@public
def quantile(
    x: Value, q: Any, axis: int | Sequence[int] | None = None, method: str = "linear", keepdims: bool = False
) -> Value:
    """Between the sorted elements at public parts `q` of the way."""
    x = cast(asarray(x), FIXED)
    if traced(q) or method not in _METHODS:
        refuse(
            "COMPILE-0002", f"quantile with method {method!r} or secret q", "q is public: see the docstring"
        )
    axes = axes_of(axis, x.ndim)
    others = tuple(k for k in range(x.ndim) if k not in axes)
    kept = tuple(1 if k in axes else side for k, side in enumerate(x.shape))
    rows = sort(reshape(permute_dims(x, (*others, *axes)), (*(x.shape[k] for k in others), -1)), -1)
    n, last = rows.shape[-1], rows.ndim - 1
    at = _METHODS[method](plain(q) * (n - 1))
    low = np.floor(at).astype(np.int64).reshape(-1)
    rest = at.reshape(-1) - low
    below = take(rows, low, axis=last)
    if np.any(rest):
        above = take(rows, np.minimum(low + 1, n - 1), axis=last)
        below = add(below, multiply(subtract(above, below), rest))
    shape = kept if keepdims else tuple(x.shape[k] for k in others)
    return reshape(moveaxis(below, -1, 0), (*at.shape, *shape))


@public
def percentile(
    x: Value, q: Any, axis: int | Sequence[int] | None = None, method: str = "linear", keepdims: bool = False
) -> Value:
    return quantile(x, plain(q) / 100.0, axis, method, keepdims)


@public
def median(x: Value, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Value:
    return quantile(x, 0.5, axis, keepdims=keepdims)


@public
def nanquantile(
    x: Value, q: Any, axis: int | Sequence[int] | None = None, method: str = "linear", keepdims: bool = False
) -> Value:
    return quantile(x, q, axis, method, keepdims)


@public
def nanpercentile(
    x: Value, q: Any, axis: int | Sequence[int] | None = None, method: str = "linear", keepdims: bool = False
) -> Value:
    return percentile(x, q, axis, method, keepdims)


@public
def nanmedian(x: Value, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Value:
    return median(x, axis, keepdims)


@public
def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Value, *args: Any, **kwargs: Any) -> Value:
    """`func1d` of every row along `axis`, one after the other."""
    x = asarray(arr)
    axis = axis_of(axis, x.ndim)
    rows = moveaxis(x, axis, -1)
    outer = rows.shape[:-1]
    flat = reshape(rows, (-1, rows.shape[-1]))
    found = [asarray(func1d(flat[k], *args, **kwargs)) for k in range(flat.shape[0])]
    joined = stack(found)
    joined = reshape(joined, (*outer, *joined.shape[1:]))
    return moveaxis(joined, -1, axis) if joined.ndim == x.ndim else joined


@public
def apply_over_axes(func: Callable[..., Any], a: Value, axes: int | Sequence[int]) -> Value:
    """`func(x, axis)` for one axis after the other; axes that it takes away come back with one element."""
    x = asarray(a)
    for axis in axes_of(axes, x.ndim):
        after = func(x, axis)
        x = after if after.ndim == x.ndim else expand_dims(after, axis)
    return x


def placed(x: Value, order: Value, axis: int) -> Value:
    """The elements of x along `axis` at secret positions from 0 on: one-hot rows weigh them."""
    x, order = asarray(x), asarray(order)
    axis = axis_of(axis, x.ndim)
    rows, places = moveaxis(x, axis, -1), moveaxis(order, axis, -1)
    here = cast(one_hot(places, rows.shape[-1]), INT)
    found = sum(multiply(here, expand_dims(rows, -2)), -1)
    return moveaxis(found, -1, axis)
