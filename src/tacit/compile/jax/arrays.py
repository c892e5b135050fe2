"""Primitives that move elements, and those along axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tacit.compile import array as xp
from tacit.compile.coerce import Value
from tacit.compile.jax.evaluate import RULES, Rule, as_data, rule, shape_of

# --- shapes ---------------------------------------------------------------------------------------------


@rule("reshape")
def _reshape(ins: list[Value], new_sizes: Sequence[int], dimensions: Any = None, **_: Any) -> Value:
    x = ins[0] if dimensions is None else xp.permute_dims(xp.asarray(ins[0]), tuple(map(int, dimensions)))
    return xp.reshape(x, tuple(map(int, new_sizes)))


@rule("squeeze", "expand_dims")
def _same_elements(ins: list[Value], out: list[Any], **_: Any) -> Value:
    return xp.reshape(ins[0], tuple(out[0].shape))


@rule("transpose")
def _transpose(ins: list[Value], permutation: Sequence[int], **_: Any) -> Value:
    return xp.permute_dims(ins[0], tuple(map(int, permutation)))


@rule("broadcast_in_dim")
def _broadcast(
    ins: list[Value], shape: Sequence[int], broadcast_dimensions: Sequence[int], **_: Any
) -> Value:
    sides = [1] * len(shape)
    for side, place in zip(shape_of(ins[0]), broadcast_dimensions, strict=True):
        sides[int(place)] = side
    return xp.broadcast_to(xp.reshape(ins[0], tuple(sides)), tuple(map(int, shape)))


@rule("broadcast_to")
def _broadcast_to(ins: list[Value], out: list[Any], **_: Any) -> Value:
    return xp.broadcast_to(xp.asarray(ins[0]), tuple(out[0].shape))


@rule("empty")
def _empty(ins: list[Value], out: list[Any], **_: Any) -> Value:
    return as_data(np.zeros(out[0].shape, out[0].dtype))


@rule("concatenate")
def _concatenate(ins: list[Value], dimension: int, **_: Any) -> Value:
    return xp.concat(ins, axis=dimension)


@rule("slice")
def _slice(ins: list[Value], start_indices: Any, limit_indices: Any, strides: Any = None, **_: Any) -> Value:
    steps = strides or (1,) * len(start_indices)
    key = tuple(slice(a, b, s) for a, b, s in zip(start_indices, limit_indices, steps, strict=True))
    return xp.asarray(ins[0])[key]


@rule("rev")
def _rev(ins: list[Value], dimensions: Sequence[int], **_: Any) -> Value:
    return xp.flip(ins[0], axis=tuple(map(int, dimensions)))


@rule("iota")
def _iota(ins: list[Value], dimension: int, out: list[Any], **_: Any) -> Value:
    shape = tuple(out[0].shape)
    sides = tuple(-1 if k == dimension else 1 for k in range(len(shape)))
    return as_data(np.broadcast_to(np.arange(shape[dimension]).reshape(sides), shape).astype(out[0].dtype))


# --- along axes -----------------------------------------------------------------------------------------


@rule("dot_general")
def _dot_general(ins: list[Value], dimension_numbers: Any, out: list[Any], **_: Any) -> Value:
    """Batches one after the other; contracted axes together."""
    (left, right), (left_batch, right_batch) = dimension_numbers
    x, batch, rows = _arranged(ins[0], left_batch, left, last=True)
    y, _same, columns = _arranged(ins[1], right_batch, right, last=False)
    if not batch:
        return xp.reshape(xp.matmul(x[0], y[0]), tuple(out[0].shape))
    products = [xp.matmul(x[b], y[b]) for b in range(math.prod(batch))]
    return xp.reshape(xp.stack(products), (*batch, *rows, *columns))


def _arranged(
    value: Value, batch: Sequence[int], contracted: Sequence[int], *, last: bool
) -> tuple[Value, tuple[int, ...], tuple[int, ...]]:
    """[batch, rest, contracted] (or the last two swapped), and the sides of batch and rest."""
    value = xp.asarray(value)
    rest = [k for k in range(value.ndim) if k not in batch and k not in contracted]
    order = [*batch, *rest, *contracted] if last else [*batch, *contracted, *rest]
    sides = [tuple(value.shape[k] for k in axes) for axes in (batch, rest, contracted)]
    b, r, c = (math.prod(side) for side in sides)
    moved = xp.permute_dims(value, tuple(map(int, order)))
    return xp.reshape(moved, (b, r, c) if last else (b, c, r)), sides[0], sides[1]


@rule("reduce_sum")
def _reduce_sum(ins: list[Value], axes: Sequence[int], **_: Any) -> Value:
    return xp.sum(ins[0], axis=tuple(map(int, axes))) if axes else ins[0]


def _one_by_one(function: Callable[..., Value]) -> Rule:
    def reduce(ins: list[Value], axes: Sequence[int], **_: Any) -> Value:
        value = ins[0]
        for axis in sorted(map(int, axes), reverse=True):
            value = function(value, axis=axis)
        return value

    return reduce


RULES["reduce_max"] = _one_by_one(xp.max)
RULES["reduce_min"] = _one_by_one(xp.min)
RULES["reduce_prod"] = _one_by_one(xp.prod)
RULES["reduce_and"] = _one_by_one(xp.all)
RULES["reduce_or"] = _one_by_one(xp.any)
RULES["argmax"] = _one_by_one(xp.argmax)
RULES["argmin"] = _one_by_one(xp.argmin)


@rule("cumsum")
def _cumsum(ins: list[Value], axis: int, reverse: bool, **_: Any) -> Value:
    if not reverse:
        return xp.cumulative_sum(ins[0], axis=axis)
    return xp.flip(xp.cumulative_sum(xp.flip(ins[0], axis=axis), axis=axis), axis=axis)
