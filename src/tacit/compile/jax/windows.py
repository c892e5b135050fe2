"""Primitives over windows: convolution, pools and their gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tacit.base.errors import UsageError
from tacit.base.types import INT
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast
from tacit.compile.jax.evaluate import RULES, as_data, rule, run, shape_of
from tacit.compile.places import put_added
from tacit.compile.trace import dtype_of
from tacit.compile.windows import Axis, convolve, dilated, padded, pooled


@rule("conv_general_dilated")
def _convolution(
    ins: list[Value], window_strides: Sequence[int], padding: Any, lhs_dilation: Sequence[int],
    rhs_dilation: Sequence[int], dimension_numbers: Any, feature_group_count: int, batch_group_count: int,
    **_: Any,
) -> Value:  # fmt: skip
    d = dimension_numbers
    x = dilated(xp.permute_dims(xp.asarray(ins[0]), d.lhs_spec), lhs_dilation)
    weights = xp.permute_dims(xp.asarray(ins[1]), d.rhs_spec)
    each, per = x.shape[0] // batch_group_count, weights.shape[0] // batch_group_count
    parts = [
        convolve(
            x[k * each : (k + 1) * each],
            weights[k * per : (k + 1) * per],
            strides=window_strides,
            pads=[(int(a), int(b)) for a, b in padding],
            dilations=rhs_dilation,
            groups=feature_group_count,
        )
        for k in range(batch_group_count)
    ]
    found = xp.concat(parts, axis=1)
    return xp.permute_dims(found, tuple(int(k) for k in np.argsort(d.out_spec)))


def _axes(
    shape: Sequence[int], window: Sequence[int], strides: Sequence[int], padding: Any, dilation: Any
) -> list[Axis]:
    steps = dilation or (1,) * len(shape)
    return [
        Axis(size, k, s, d, int(before), int(after))
        for size, k, s, d, (before, after) in zip(shape, window, strides, steps, padding, strict=True)
    ]


def _inside(axes: Sequence[Axis]) -> list[Axis]:
    """The same windows over an array that is padded already."""
    return [
        Axis(axis.size + axis.before + axis.after, axis.kernel, axis.stride, axis.dilation) for axis in axes
    ]


@rule("reduce_window_sum")
def _window_sum(
    ins: list[Value], window_dimensions: Any, window_strides: Any, padding: Any, base_dilation: Any = None,
    window_dilation: Any = None, **_: Any,
) -> Value:  # fmt: skip
    x = dilated(xp.asarray(ins[0]), base_dilation or (1,) * len(shape_of(ins[0])))
    axes = _axes(x.shape, window_dimensions, window_strides, padding, window_dilation)
    return xp.sum(pooled(padded(x, [(a.before, a.after) for a in axes]), _inside(axes)), axis=-1)


def _extreme(name: str, function: Callable[..., Value]) -> None:
    @rule(name)
    def reduce(
        ins: list[Value], window_dimensions: Any, window_strides: Any, padding: Any,
        base_dilation: Any = None, window_dilation: Any = None, **_: Any,
    ) -> Value:  # fmt: skip
        if any(step != 1 for step in base_dilation or ()):
            raise UsageError(
                "COMPILE-0004",
                f"the JAX primitive {name!r} has gaps between its elements",
                hint="use base_dilation 1",
            )
        x = xp.asarray(ins[0])
        axes = _axes(x.shape, window_dimensions, window_strides, padding, window_dilation)
        return function(pooled(x, axes, keep_inside=True), axis=-1)


_extreme("reduce_window_max", xp.max)
_extreme("reduce_window_min", xp.min)


@rule("reduce_window")
def _window_fold(
    ins: list[Value], jaxpr: Any, consts: Any, window_dimensions: Any, window_strides: Any, padding: Any,
    base_dilation: Any = None, window_dilation: Any = None, **_: Any,
) -> list[Value]:  # fmt: skip
    """By any function: folded one element after the other, from the initial value."""
    x, start = xp.asarray(ins[0]), ins[1]
    axes = _axes(x.shape, window_dimensions, window_strides, padding, window_dilation)
    if any(step != 1 for step in base_dilation or ()) or len(ins) != 2:
        raise UsageError("COMPILE-0004", "a window reduction of several operands", hint="reduce one by one")
    filled = padded(x, [(a.before, a.after) for a in axes], float(np.asarray(as_data(start))))
    elements = pooled(filled, _inside(axes))
    return [_folded(elements, start, jaxpr, consts)]


def _folded(elements: Value, start: Value, jaxpr: Any, consts: Any) -> Value:
    shape = elements.shape[:-1]
    found = xp.broadcast_to(xp.asarray(start), shape)
    for k in range(elements.shape[-1]):
        (found,) = run(jaxpr, consts, [found, elements[..., k]])
    return found


@rule("reduce")
def _reduce(ins: list[Value], jaxpr: Any, dimensions: Sequence[int], **_: Any) -> list[Value]:
    """By any function of two."""
    inner, consts = jaxpr.jaxpr, jaxpr.consts
    if len(ins) != 2:
        raise UsageError("COMPILE-0004", "a reduction of several operands", hint="reduce one by one")
    x = xp.asarray(ins[0])
    kept = [axis for axis in range(x.ndim) if axis not in dimensions]
    rows = xp.permute_dims(x, (*kept, *map(int, dimensions)))
    size = math.prod(x.shape[axis] for axis in dimensions)
    return [_folded(xp.reshape(rows, (*(x.shape[axis] for axis in kept), size)), ins[1], inner, consts)]


@rule("select_and_scatter_add")
def _pool_gradient(
    ins: list[Value], select_prim: Any, window_dimensions: Any, window_strides: Any, padding: Any, **_: Any
) -> Value:
    """What each window hands back goes to its largest (or smallest) element, the first of equal ones."""
    source, x = ins[0], xp.asarray(ins[1])
    axes = _axes(x.shape, window_dimensions, window_strides, padding, None)
    numbers = np.arange(math.prod(x.shape)).reshape(x.shape)
    where = pooled(numbers, axes, keep_inside=True)
    find = xp.argmin if select_prim.name in ("le", "lt") else xp.argmax
    place = find(pooled(x, axes, keep_inside=True), axis=-1)
    hot = cast(xp.one_hot(place, where.shape[-1]), INT)
    gains = xp.multiply(cast(hot, dtype_of(source)), xp.expand_dims(xp.asarray(source), source.ndim))
    zero = np.zeros(math.prod(x.shape))
    return xp.reshape(put_added(zero, where.reshape(-1), xp.ravel(gains)), x.shape)


# --- running values -------------------------------------------------------------------------------------


def _running(name: str, combine: Callable[[Value, Value], Value]) -> None:
    """All prefixes in log2(n) levels, each element combined with the one 1, 2, 4 … places before it."""

    @rule(name)
    def cumulate(ins: list[Value], axis: int, reverse: bool, **_: Any) -> Value:
        x = xp.moveaxis(xp.asarray(ins[0]), axis, 0)
        x = xp.flip(x, axis=0) if reverse else x
        step = 1
        while step < x.shape[0]:
            x = xp.concat([x[:step], combine(x[step:], x[:-step])], axis=0)
            step *= 2
        return xp.moveaxis(xp.flip(x, axis=0) if reverse else x, 0, axis)


_running("cumprod", xp.multiply)
_running("cummax", xp.maximum)
_running("cummin", xp.minimum)
_running("cumlogsumexp", xp.logaddexp)
RULES["stack"] = lambda ins, axis=0, **_: xp.stack(ins, axis=axis)
