"""Primitives that put elements in order."""

from __future__ import annotations

from typing import Any

import numpy as np

from tacit.base.types import INT
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast
from tacit.compile.jax.evaluate import rule
from tacit.compile.order import argsort, lexsort
from tacit.compile.trace import dtype_of


@rule("sort")
def _sort(ins: list[Value], dimension: int, num_keys: int, **_: Any) -> list[Value]:
    """One array by sorting networks; several by the order of the keys, which all follow."""
    rows = [xp.moveaxis(xp.asarray(value), dimension, -1) for value in ins]
    if len(rows) == 1:
        return [xp.moveaxis(xp.sort(rows[0], axis=-1), -1, dimension)]
    keys = rows[:num_keys]
    order = argsort(keys[0], axis=-1) if num_keys == 1 else lexsort(keys[::-1], axis=-1)
    found = [xp.sort(keys[0], axis=-1) if num_keys == 1 else permuted(keys[0], order)]
    found += [permuted(row, order) for row in rows[1:]]
    return [xp.moveaxis(row, -1, dimension) for row in found]


def permuted(x: Value, order: Value) -> Value:
    """Elements along the last axis in a secret order."""
    n = order.shape[-1]
    if not hasattr(x, "trace") and np.array_equal(x, np.broadcast_to(np.arange(n), x.shape)):
        return order
    hot = cast(xp.one_hot(order, n), INT)
    dtype = dtype_of(x)
    numbers = cast(x, INT) if dtype == xp.bool else x
    return cast(
        xp.sum(xp.multiply(cast(hot, dtype_of(numbers)), xp.expand_dims(numbers, -2)), axis=-1), dtype
    )


@rule("approx_top_k")
def _approximate(ins: list[Value], k: int, reduction_dimension: int, is_max_k: bool, **_: Any) -> list[Value]:
    """The exact ones; the smallest are the largest of the negatives."""
    first: list[Value] = _top_k(ins if is_max_k else [xp.negative(ins[0])], k, reduction_dimension)
    return first if is_max_k else [xp.negative(first[0]), first[1]]


@rule("top_k")
def _top_k(ins: list[Value], k: int, axis: int = -1, **_: Any) -> list[Value]:
    rows = xp.moveaxis(xp.asarray(ins[0]), axis, -1)
    order = xp.take(argsort(rows, axis=-1, descending=True), np.arange(k), axis=rows.ndim - 1)
    return [xp.moveaxis(part, -1, axis) for part in (xp.top_k(rows, k), order)]
