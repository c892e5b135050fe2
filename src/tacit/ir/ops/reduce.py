"""Sums, means, extremes along axes."""

from __future__ import annotations

import numpy as np

from tacit.base.errors import TypeRuleError
from tacit.base.types import BOOL, FIXED, INT, Shape, Type
from tacit.ir.op import Bound, Signature, Value, op
from tacit.ir.ops.arith import ULP, times
from tacit.ir.program import Builder, Var
from tacit.ir.rule import NUMERIC, Parameters, Types, arity, axis_of, dtype_of, flag, integers, reduced

_AXES: tuple[tuple[Shape, tuple[int, ...], bool], ...] = (
    ((4,), (0,), False),
    ((3, 4), (0, 1), False),
    ((3, 4), (1,), True),
    ((2, 3, 4), (0, 2), False),
)
_AXIS: tuple[tuple[Shape, int, bool], ...] = (
    ((1,), 0, False),
    ((5,), 0, False),
    ((3, 4), 0, True),
    ((3, 7), 1, False),
)


def _sum_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype, shape = dtype_of(types, NUMERIC), types[0].shape
    axes = integers(params["axis"], "axis", 0, len(shape))
    if len(set(axes)) != len(axes):
        raise TypeRuleError("IR-0003", "an axis is named twice")
    return (Type(types[0].vis, dtype, reduced(shape, axes, flag(params["keepdims"], "keepdims"))),)


@op(
    "sum",
    rule=_sum_rule,
    signatures=tuple(
        Signature((dtype,), (shape,), {"axis": axis, "keepdims": keepdims})
        for dtype in NUMERIC
        for shape, axis, keepdims in _AXES
    ),
)
def sum_(x: np.ndarray, *, axis: tuple[int, ...], keepdims: bool) -> Value:
    """The sum over `axis`."""
    return np.sum(x, axis=axis, keepdims=keepdims)


def _cumulative_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, NUMERIC)
    axis_of(params["axis"], types[0].shape)
    return types


@op(
    "cumulative_sum",
    rule=_cumulative_rule,
    signatures=tuple(
        Signature((dtype,), (shape,), {"axis": axis})
        for dtype in NUMERIC
        for shape, axis in (((4,), 0), ((3, 4), 0), ((3, 4), 1))
    ),
)
def cumulative_sum(x: np.ndarray, *, axis: int) -> Value:
    """Sums of the elements up to and including each."""
    return np.cumsum(x, axis=axis)


def _mean_rule(types: Types, params: Parameters) -> Types:
    result = _sum_rule(types, params)
    dtype_of(types, (FIXED,))
    if any(types[0].shape[axis] == 0 for axis in params["axis"]):
        raise TypeRuleError("IR-0003", "the mean of no elements is not defined")
    return result


def _mean(b: Builder, x: Var, *, axis: tuple[int, ...], keepdims: bool) -> Var:
    count = int(np.prod([x.type.shape[k] for k in axis], dtype=np.int64))
    return times(b, b.emit("sum", x, axis=axis, keepdims=keepdims), 1.0 / count)


@op(
    "mean",
    rule=_mean_rule,
    lower=_mean,
    error=Bound(absolute=4 * ULP, relative=2.0**-16, note="the factor 1/n is rounded"),
    signatures=(
        *(
            Signature((FIXED,), (shape,), {"axis": axis, "keepdims": keepdims})
            for shape, axis, keepdims in _AXES
        ),
        Signature((FIXED,), ((300, 3),), {"axis": (0,), "keepdims": False}),
    ),
)
def mean(x: np.ndarray, *, axis: tuple[int, ...], keepdims: bool) -> Value:
    """The mean over `axis`."""
    return np.mean(x, axis=axis, keepdims=keepdims)


def _extreme_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype, shape = dtype_of(types, NUMERIC), types[0].shape
    axis = axis_of(params["axis"], shape)
    if shape[axis] == 0:
        raise TypeRuleError("IR-0003", "no elements have no extreme")
    return (Type(types[0].vis, dtype, reduced(shape, (axis,), flag(params["keepdims"], "keepdims"))),)


def _tournament(b: Builder, x: Var, axis: int, keepdims: bool, winner: str) -> Var:
    """The first half plays the second, an odd one waits: ceil(log2 n) matches deep."""
    shape = x.type.shape
    while (n := x.type.shape[axis]) > 1:
        half = n // 2
        first = b.emit("slice", x, start=0, stop=half, axis=axis)
        second = b.emit("slice", x, start=half, stop=2 * half, axis=axis)
        winners = b.emit(winner, first, second)
        if n % 2:
            waiting = b.emit("slice", x, start=n - 1, stop=n, axis=axis)
            winners = b.emit("concat", winners, waiting, axis=axis)
        x = winners
    return x if keepdims else b.emit("reshape", x, shape=reduced(shape, (axis,), False))


def _max(b: Builder, x: Var, *, axis: int, keepdims: bool) -> Var:
    return _tournament(b, x, axis, keepdims, "maximum")


_EXTREMES = tuple(
    Signature((dtype,), (shape,), {"axis": axis, "keepdims": keepdims})
    for dtype in NUMERIC
    for shape, axis, keepdims in _AXIS
)


@op("max", rule=_extreme_rule, lower=_max, signatures=_EXTREMES)
def max_(x: np.ndarray, *, axis: int, keepdims: bool) -> Value:
    """The largest element along `axis`."""
    return np.max(x, axis=axis, keepdims=keepdims)


def _min(b: Builder, x: Var, *, axis: int, keepdims: bool) -> Var:
    return _tournament(b, x, axis, keepdims, "minimum")


@op("min", rule=_extreme_rule, lower=_min, signatures=_EXTREMES)
def min_(x: np.ndarray, *, axis: int, keepdims: bool) -> Value:
    """The smallest element along `axis`."""
    return np.min(x, axis=axis, keepdims=keepdims)


def _all_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (BOOL,))
    shape = types[0].shape
    axis = axis_of(params["axis"], shape)
    return (Type(types[0].vis, BOOL, reduced(shape, (axis,), flag(params["keepdims"], "keepdims"))),)


def _count_below(b: Builder, x: Var, axis: int, keepdims: bool, limit: int) -> Var:
    """Whether fewer than `limit` bits along `axis` hold: one conversion and one comparison, however long."""
    count = b.emit("sum", b.emit("astype", x, dtype=INT), axis=(axis,), keepdims=keepdims)
    return b.emit("less", count, b.const(limit, INT))


def _all(b: Builder, x: Var, *, axis: int, keepdims: bool) -> Var:
    return b.emit("logical_not", _count_below(b, x, axis, keepdims, x.type.shape[axis]))


def _any(b: Builder, x: Var, *, axis: int, keepdims: bool) -> Var:
    return b.emit("logical_not", _count_below(b, x, axis, keepdims, 1))


_BITS = tuple(
    Signature((BOOL,), (shape,), {"axis": axis, "keepdims": keepdims}) for shape, axis, keepdims in _AXIS
)


@op("all", rule=_all_rule, lower=_all, signatures=_BITS)
def all_(x: np.ndarray, *, axis: int, keepdims: bool) -> Value:
    """Whether every bit along `axis` holds."""
    return np.all(x, axis=axis, keepdims=keepdims)


@op("any", rule=_all_rule, lower=_any, signatures=_BITS)
def any_(x: np.ndarray, *, axis: int, keepdims: bool) -> Value:
    """Whether some bit along `axis` holds."""
    return np.any(x, axis=axis, keepdims=keepdims)
