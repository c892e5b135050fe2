"""Primitives over windows: convolution, pools and their gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tacit.base.errors import UsageError
from tacit.base.types import INT
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast, traced
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
        x = xp.asarray(ins[0])
        if any(step != 1 for step in base_dilation or ()):
            return _among_gaps(
                function, x, window_dimensions, window_strides, padding, base_dilation, window_dilation
            )
        axes = _axes(x.shape, window_dimensions, window_strides, padding, window_dilation)
        return function(pooled(x, axes, keep_inside=True), axis=-1)


def _among_gaps(
    function: Callable[..., Value], x: Value, sizes: Any, strides: Any, padding: Any, gaps: Any, steps: Any
) -> Value:
    """The largest or smallest of windows over elements with gaps between them: for each window those places
    that hold an element, the first of them again for the others."""
    numbers = dilated(np.arange(1, x.size + 1).reshape(x.shape), gaps)
    axes = _axes(numbers.shape, sizes, strides, padding, steps)
    where = pooled(padded(numbers, [(a.before, a.after) for a in axes]), _inside(axes))
    first = np.take_along_axis(where, np.argmax(where > 0, axis=-1)[..., None], axis=-1)
    if not np.all(first > 0):
        raise UsageError("COMPILE-0004", "a window holds no element", hint="make windows wider than gaps")
    where = np.where(where > 0, where, first) - 1
    return function(xp.reshape(xp.take(xp.ravel(x), where.reshape(-1)), where.shape), axis=-1)


_extreme("reduce_window_max", xp.max)
_extreme("reduce_window_min", xp.min)


@rule("reduce_window")
def _window_fold(
    ins: list[Value], jaxpr: Any, consts: Any, window_dimensions: Any, window_strides: Any, padding: Any,
    base_dilation: Any = None, window_dilation: Any = None, **_: Any,
) -> list[Value]:  # fmt: skip
    """By any function: folded one element after the other, from the initial value."""
    arrays, starts = ins[: len(ins) // 2], ins[len(ins) // 2 :]
    elements = []
    for x, start in zip(map(xp.asarray, arrays), starts, strict=True):
        value = _filling(start)
        x = _with_gaps(x, base_dilation, value)
        axes = _axes(x.shape, window_dimensions, window_strides, padding, window_dilation)
        elements.append(pooled(padded(x, [(a.before, a.after) for a in axes], value), _inside(axes)))
    return _folded(elements, starts, jaxpr, consts)


def _filling(start: Value) -> float:
    """The initial value of a reduction, which fills the padding."""
    if traced(start):
        raise UsageError("COMPILE-0004", "a window begins with a secret", hint="begin with a constant")
    return float(np.asarray(as_data(start)))


def _with_gaps(x: Value, gaps: Any, value: float) -> Value:
    """x with `value` between neighbours."""
    if all(step == 1 for step in gaps or ()):
        return x
    numbers = dilated(np.arange(1, x.size + 1).reshape(x.shape), gaps)
    wide = xp.concat([xp.asarray(np.full(1, value)), xp.ravel(x)])
    return xp.reshape(xp.take(wide, numbers.reshape(-1)), numbers.shape)


def _folded(elements: Sequence[Value], starts: Sequence[Value], jaxpr: Any, consts: Any) -> list[Value]:
    """Along the last axes of all operands at once."""
    shape = elements[0].shape[:-1]
    found = [xp.broadcast_to(xp.asarray(start), shape) for start in starts]
    for k in range(elements[0].shape[-1]):
        found = run(jaxpr, consts, [*found, *(part[..., k] for part in elements)])
    return found


@rule("reduce")
def _reduce(ins: list[Value], jaxpr: Any, dimensions: Sequence[int], **_: Any) -> list[Value]:
    """By any function of two, or of two rows of operands."""
    inner, consts = (jaxpr.jaxpr, jaxpr.consts) if hasattr(jaxpr, "jaxpr") else (jaxpr, ())
    arrays, starts = ins[: len(ins) // 2], ins[len(ins) // 2 :]
    elements = []
    for x in map(xp.asarray, arrays):
        kept = [axis for axis in range(x.ndim) if axis not in dimensions]
        rows = xp.permute_dims(x, (*kept, *map(int, dimensions)))
        size = math.prod(x.shape[axis] for axis in dimensions)
        elements.append(xp.reshape(rows, (*(x.shape[axis] for axis in kept), size)))
    return _folded(elements, starts, inner, consts)


@rule("select_and_scatter_add")
def _pool_gradient(
    ins: list[Value], select_prim: Any, window_dimensions: Any, window_strides: Any, padding: Any, **_: Any
) -> Value:
    """What each window hands back goes to its largest (or smallest) element, the first of equal ones."""
    source, x = ins[0], xp.asarray(ins[1])
    axes = _axes(x.shape, window_dimensions, window_strides, padding, None)
    numbers = np.arange(math.prod(x.shape)).reshape(x.shape)
    where = pooled(numbers, axes, keep_inside=True)
    hot = _extreme_of(x, axes, select_prim)
    gains = xp.multiply(cast(hot, dtype_of(source)), xp.expand_dims(xp.asarray(source), source.ndim))
    zero = np.zeros(math.prod(x.shape))
    return xp.reshape(put_added(zero, where.reshape(-1), xp.ravel(gains)), x.shape)


def _extreme_of(x: Value, axes: Sequence[Axis], select: Any) -> Value:
    """int [*counts, elements]: 1 for the first of the largest (or smallest) elements of each window."""
    find = xp.argmin if select.name in ("le", "lt") else xp.argmax
    elements = pooled(x, axes, keep_inside=True)
    return cast(xp.one_hot(find(elements, axis=-1), elements.shape[-1]), INT)


@rule("select_and_gather_add")
def _pool_tangent(
    ins: list[Value], select_prim: Any, window_dimensions: Any, window_strides: Any, padding: Any,
    base_dilation: Any = None, window_dilation: Any = None, **_: Any,
) -> Value:  # fmt: skip
    """What stands beside the largest (or smallest) element of each window, the first of equal ones."""
    tangents, x = xp.asarray(ins[0]), xp.asarray(ins[1])
    if any(step != 1 for step in base_dilation or ()):
        raise UsageError("COMPILE-0004", "a pool over gaps has no private gradient", hint="no base_dilation")
    axes = _axes(x.shape, window_dimensions, window_strides, padding, window_dilation)
    hot = cast(_extreme_of(x, axes, select_prim), dtype_of(tangents))
    return xp.sum(xp.multiply(hot, pooled(tangents, axes, keep_inside=True)), axis=-1)


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
