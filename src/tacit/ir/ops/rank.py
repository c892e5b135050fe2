"""The largest and the smallest elements: their positions, the best few."""

from __future__ import annotations

import numpy as np

from tacit.base.errors import TypeRuleError
from tacit.base.types import FIXED, INT, Shape, Type
from tacit.ir.op import Signature, Value, op
from tacit.ir.program import Builder, Var
from tacit.ir.rule import (
    NUMERIC,
    Parameters,
    Types,
    arity,
    axis_of,
    dtype_of,
    flag,
    integer,
    reduced,
)

_AXIS: tuple[tuple[Shape, int, bool], ...] = (
    ((1,), 0, False),
    ((5,), 0, False),
    ((3, 4), 0, True),
    ((3, 7), 1, False),
)


def _position_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, NUMERIC)
    shape = types[0].shape
    axis = axis_of(params["axis"], shape)
    if shape[axis] == 0:
        raise TypeRuleError("IR-0003", "no elements have no extreme")
    return (Type(types[0].vis, INT, reduced(shape, (axis,), flag(params["keepdims"], "keepdims"))),)


def _tournament(b: Builder, x: Var, axis: int, keepdims: bool, largest: bool) -> Var:
    """Neighbours play in pairs and carry their positions; the later one wins only if strictly better."""
    shape = x.type.shape
    places = np.broadcast_to(
        np.reshape(np.arange(shape[axis]), (-1,) + (1,) * (len(shape) - 1 - axis)), shape
    )
    place = b.const(places, INT) if places.size <= 4096 else _counted(b, x, axis)
    if shape[axis] == 1:
        place = b.emit("to_secret", place)
    while (n := x.type.shape[axis]) > 1:
        even, odd = (tuple(range(k, n - n % 2, 2)) for k in (0, 1))

        def cut(var: Var, positions: tuple[int, ...]) -> Var:
            return b.emit("take", var, indices=positions, axis=axis)

        first, second = cut(x, even), cut(x, odd)
        better = b.emit("less", first, second) if largest else b.emit("less", second, first)
        winners = []
        for var in (x, place):
            kept = b.emit("select", better, cut(var, odd), cut(var, even))
            winners.append(b.emit("concat", kept, cut(var, (n - 1,)), axis=axis) if n % 2 else kept)
        x, place = winners
    if keepdims:
        return place
    return b.emit("reshape", place, shape=reduced(shape, (axis,), keepdims=False))


def _counted(b: Builder, x: Var, axis: int) -> Var:
    """0, 1, 2 … along `axis`, in the shape of x."""
    line = (1,) * axis + (x.type.shape[axis],) + (1,) * (len(x.type.shape) - 1 - axis)
    ones = b.emit("cumulative_sum", b.const(np.ones(line), INT), axis=axis)
    count = b.emit("sub", ones, b.const(1, INT))
    return b.emit("broadcast_to", count, shape=x.type.shape)


def _argmax(b: Builder, x: Var, *, axis: int, keepdims: bool) -> Var:
    return _tournament(b, x, axis, keepdims, largest=True)


def _argmin(b: Builder, x: Var, *, axis: int, keepdims: bool) -> Var:
    return _tournament(b, x, axis, keepdims, largest=False)


_POSITIONS = tuple(
    Signature((dtype,), (shape,), {"axis": axis, "keepdims": keepdims}, low=-size, high=size)
    for dtype, size in ((FIXED, 1e6), (INT, 1e6), (INT, 2.0))
    for shape, axis, keepdims in _AXIS
)


@op("argmax", rule=_position_rule, lower=_argmax, signatures=_POSITIONS)
def argmax(x: np.ndarray, *, axis: int, keepdims: bool) -> Value:
    """The position of the largest element along `axis`; of equal ones, the first."""
    return np.argmax(x, axis=axis, keepdims=keepdims)


@op("argmin", rule=_position_rule, lower=_argmin, signatures=_POSITIONS)
def argmin(x: np.ndarray, *, axis: int, keepdims: bool) -> Value:
    """The position of the smallest element along `axis`; of equal ones, the first."""
    return np.argmin(x, axis=axis, keepdims=keepdims)


def _top_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype, shape = dtype_of(types, NUMERIC), types[0].shape
    axis_of(0, shape)
    return (Type(types[0].vis, dtype, (*shape[:-1], integer(params["k"], "k", 1, shape[-1] + 1))),)


def _top_k(b: Builder, x: Var, *, k: int) -> Var:
    n, axis = x.type.shape[-1], len(x.type.shape) - 1
    return b.emit("take", b.emit("sort", x), indices=tuple(range(n - 1, n - 1 - k, -1)), axis=axis)


@op(
    "top_k",
    rule=_top_rule,
    lower=_top_k,
    signatures=tuple(
        Signature((dtype,), (shape,), {"k": k})
        for dtype in NUMERIC
        for shape, k in (((1,), 1), ((7,), 3), ((3, 4), 4))
    ),
)
def top_k(x: np.ndarray, *, k: int) -> Value:
    """The k largest elements along the last axis, the largest first."""
    return np.flip(np.sort(x, axis=-1), axis=-1)[..., :k]
