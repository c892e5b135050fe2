"""Operators along axes: sums, extremes, positions, order, soft maxima."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tacit.base.types import FIXED
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast
from tacit.compile.onnx.elementwise import logarithm, root
from tacit.compile.onnx.evaluate import in_plaintext, known, known_ints, rule, unsupported
from tacit.compile.order import argsort
from tacit.compile.trace import dtype_of

Reduction = Callable[[Value, tuple[int, ...], bool], Value]


def _reduction(name: str, function: Reduction) -> None:
    """Axes were an attribute before version 13 (sums) or 18."""

    @rule(name)
    def reduce(
        x: Value,
        given: Value = None,
        /,
        *,
        axes: Any = None,
        keepdims: int = 1,
        noop_with_empty_axes: int = 0,
    ) -> Value:
        wanted = axes if given is None else known_ints(given, f"the axes of {name}")
        rank = len(x.shape)
        if not wanted:
            if noop_with_empty_axes:
                return x
            wanted = range(rank)
        return function(x, tuple(axis % rank for axis in wanted), bool(keepdims))


def _mean(x: Value, axes: tuple[int, ...], keepdims: bool) -> Value:
    return xp.mean(x, axis=axes, keepdims=keepdims)


def _sum(x: Value, axes: tuple[int, ...], keepdims: bool) -> Value:
    return xp.sum(x, axis=axes, keepdims=keepdims) if axes else x


def _product(x: Value, axes: tuple[int, ...], keepdims: bool) -> Value:
    kept = x.shape
    for axis in sorted(axes, reverse=True):
        x = xp.prod(x, axis=axis)
    return xp.reshape(x, _shape(kept, axes)) if keepdims else x


def _shape(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if axis in axes else size for axis, size in enumerate(shape))


def sum_of_exponentials(x: Value, axes: tuple[int, ...]) -> tuple[Value, Value, Value]:
    """(maxima, x less them, sums of the exponentials of that), axes kept: the sum is between 1 and n."""
    top = xp.max(x, axis=axes, keepdims=True)
    rest = xp.subtract(x, top)
    # Nothing above 0 is ever there, which ranges of single values do not show; below -16 all is 0.
    low = rest if in_plaintext(rest) else xp.clip(rest, -16.0, 0.0)
    count = math.prod(x.shape[axis] for axis in axes)
    total = xp.sum(xp.exp(low), axis=axes, keepdims=True)
    return top, rest, total if in_plaintext(total) else xp.clip(total, 0.5, float(max(1, count)))


def _log_sum_exp(x: Value, axes: tuple[int, ...], keepdims: bool) -> Value:
    top, _rest, total = sum_of_exponentials(cast(x, FIXED), axes)
    found = xp.add(top, xp.log(total))
    return found if keepdims else xp.squeeze(found, axes)


_reduction("ReduceSum", _sum)
_reduction("ReduceMean", _mean)
_reduction("ReduceProd", _product)
_reduction("ReduceMax", lambda x, axes, keep: _extreme(x, axes, keep, largest=True))
_reduction("ReduceMin", lambda x, axes, keep: _extreme(x, axes, keep, largest=False))
_reduction("ReduceL1", lambda x, axes, keep: _sum(xp.abs(x), axes, keep))
_reduction("ReduceL2", lambda x, axes, keep: root(_sum(xp.square(x), axes, keep)))
_reduction("ReduceSumSquare", lambda x, axes, keep: _sum(xp.square(x), axes, keep))
_reduction("ReduceLogSum", lambda x, axes, keep: logarithm(_sum(x, axes, keep)))
_reduction("ReduceLogSumExp", _log_sum_exp)


def _extreme(x: Value, axes: tuple[int, ...], keepdims: bool, *, largest: bool) -> Value:
    if dtype_of(x) == xp.bool:
        return (xp.any if largest else xp.all)(x, axis=axes, keepdims=keepdims)
    return (xp.max if largest else xp.min)(x, axis=axes, keepdims=keepdims)


def _position(name: str, function: Callable[..., Value]) -> None:
    @rule(name)
    def place(x: Value, /, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Value:
        if not select_last_index:
            return function(x, axis=axis, keepdims=bool(keepdims))
        turned = function(xp.flip(xp.asarray(x), axis=axis), axis=axis, keepdims=bool(keepdims))
        return xp.subtract(np.array(x.shape[axis] - 1), turned)


_position("ArgMax", xp.argmax)
_position("ArgMin", xp.argmin)


@rule("CumSum")
def _cumulative(x: Value, axis: Value, /, *, exclusive: int = 0, reverse: int = 0) -> Value:
    at = int(known(axis, "the axis of CumSum").reshape(())) % len(x.shape)
    x = xp.flip(x, axis=at) if reverse else x
    sums = xp.cumulative_sum(x, axis=at)
    if exclusive:
        sums = xp.subtract(sums, x)
    return xp.flip(sums, axis=at) if reverse else sums


@rule("CumProd")
def _cumulative_product(x: Value, axis: Value, /, *, exclusive: int = 0, reverse: int = 0) -> Value:
    """In log2(n) levels, each element times the one 1, 2, 4 … places before it."""
    at = int(known(axis, "the axis of CumProd").reshape(())) % len(x.shape)
    rows = xp.moveaxis(xp.flip(x, axis=at) if reverse else xp.asarray(x), at, 0)
    if exclusive:
        rows = xp.concat([cast(np.ones((1, *rows.shape[1:])), dtype_of(rows)), rows[:-1]])
    step = 1
    while step < rows.shape[0]:
        rows = xp.concat([rows[:step], xp.multiply(rows[step:], rows[:-step])])
        step *= 2
    found = xp.moveaxis(rows, 0, at)
    return xp.flip(found, axis=at) if reverse else found


@rule("TopK")
def _top_k(
    x: Value, count: Value = None, /, *, k: int | None = None, axis: int = -1, largest: int = 1,
    sorted: int = 1, n_outs: int,
) -> Any:  # fmt: skip
    """Values and, by comparing all pairs, their places."""
    n = int(k or 0) if count is None else int(known(count, "the k of TopK").reshape(()))
    rows = xp.moveaxis(xp.asarray(x), axis, -1)
    if not 0 <= n <= rows.shape[-1]:
        raise unsupported(f"TopK of {n} among {rows.shape[-1]} elements", "choose a smaller k")
    best = xp.top_k(rows, n) if largest else xp.negative(xp.top_k(xp.negative(rows), n))
    if n_outs == 1:
        return xp.moveaxis(best, -1, axis)
    order = argsort(rows, descending=bool(largest))
    places = xp.take(order, np.arange(n), axis=len(rows.shape) - 1)
    return xp.moveaxis(best, -1, axis), xp.moveaxis(places, -1, axis)


# --- soft maxima ----------------------------------------------------------------------------------------


def _rows(x: Value, axis: int | None, opset: int) -> tuple[Value, int]:
    """Before version 13 all axes from `axis` (1) on counted as one."""
    if opset >= 13:
        return x, -1 if axis is None else axis
    at = (1 if axis is None else axis) % max(len(x.shape), 1)
    return xp.reshape(x, (math.prod(x.shape[:at]), math.prod(x.shape[at:]))), 1


@rule("Softmax")
def softmax(x: Value, /, *, axis: int | None = None, opset: int) -> Value:
    rows, at = _rows(x, axis, opset)
    return xp.reshape(xp.softmax(rows, axis=at), x.shape)


@rule("LogSoftmax")
def log_softmax(x: Value, /, *, axis: int | None = None, opset: int) -> Value:
    rows, at = _rows(cast(x, FIXED), axis, opset)
    _top, rest, total = sum_of_exponentials(rows, (at % len(rows.shape),))
    return xp.reshape(xp.subtract(rest, xp.log(total)), x.shape)


@rule("Hardmax")
def _hardmax(x: Value, /, *, axis: int | None = None, opset: int) -> Value:
    rows, at = _rows(x, axis, opset)
    hot = xp.one_hot(xp.argmax(rows, axis=at), rows.shape[at])
    return xp.reshape(cast(xp.moveaxis(hot, -1, at), dtype_of(x)), x.shape)


@rule("Compress")
def _compress(x: Value, condition: Value, /, *, axis: int | None = None) -> Value:
    chosen = np.flatnonzero(known(condition, "what Compress keeps"))
    return xp.take(xp.reshape(x, (-1,)) if axis is None else x, chosen, axis=0 if axis is None else axis)
