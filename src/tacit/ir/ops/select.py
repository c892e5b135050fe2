"""Choosing between values by a bit, and what is made of it."""

from __future__ import annotations

import numpy as np

from tacit.base.errors import TypeRuleError
from tacit.base.types import BOOL, FIXED, INT, DType, Shape, Type
from tacit.ir.op import Signature, Value, op
from tacit.ir.program import Builder, Var
from tacit.ir.rule import NUMERIC, Parameters, Types, arity, broadcast, dtype_of, elementwise, visibility

_SINGLE: tuple[Shape, ...] = ((), (4,), (3, 4))
_PAIRS: tuple[tuple[Shape, Shape], ...] = (((), ()), ((4,), (4,)), ((3, 4), (4,)), ((3, 1), (1, 4)))
_ONE = tuple(Signature((dtype,), (shape,)) for dtype in NUMERIC for shape in _SINGLE)
_TWO = tuple(Signature((dtype, dtype), shapes) for dtype in NUMERIC for shapes in _PAIRS)


def _select_rule(types: Types, params: Parameters) -> Types:
    arity(types, 3)
    if types[0].dtype != BOOL:
        raise TypeRuleError("IR-0002", "the condition must be bool")
    dtype = dtype_of(types[1:], NUMERIC)
    return (Type(visibility(types), dtype, broadcast(types)),)


@op(
    "select",
    rule=_select_rule,
    signatures=tuple(
        Signature((BOOL, dtype, dtype), shapes)
        for dtype in NUMERIC
        for shapes in (((), (), ()), ((4,), (4,), (4,)), ((3, 1), (3, 4), (4,)), ((3, 4), (), (3, 4)))
    ),
)
def select(c: np.ndarray, x: np.ndarray, y: np.ndarray) -> Value:
    """x where c holds, y elsewhere."""
    return np.where(c, x, y)


def zero(b: Builder, dtype: DType) -> Var:
    """The constant 0."""
    return b.const(0, dtype)


def stacked(b: Builder, *xs: Var) -> Var:
    """The inputs, all of one shape, as the rows of a new first axis: one batch, one set of rounds."""
    rows = [b.emit("reshape", x, shape=(1, *x.type.shape)) for x in xs]
    return b.emit("concat", *rows, axis=0) if len(rows) > 1 else rows[0]


def unstacked(b: Builder, x: Var) -> tuple[Var, ...]:
    """The rows of the first axis."""
    rows = (b.emit("slice", x, start=k, stop=k + 1, axis=0) for k in range(x.type.shape[0]))
    return tuple(b.emit("reshape", row, shape=x.type.shape[1:]) for row in rows)


def _maximum(b: Builder, x: Var, y: Var) -> Var:
    return b.emit("select", b.emit("less", x, y), y, x)


@op("maximum", rule=elementwise(*NUMERIC, n=2), lower=_maximum, signatures=_TWO)
def maximum(x: np.ndarray, y: np.ndarray) -> Value:
    """The larger of x and y."""
    return np.maximum(x, y)


def _minimum(b: Builder, x: Var, y: Var) -> Var:
    return b.emit("select", b.emit("less", x, y), x, y)


@op("minimum", rule=elementwise(*NUMERIC, n=2), lower=_minimum, signatures=_TWO)
def minimum(x: np.ndarray, y: np.ndarray) -> Value:
    """The smaller of x and y."""
    return np.minimum(x, y)


def _abs(b: Builder, x: Var) -> Var:
    negative = b.emit("less", x, zero(b, x.type.dtype))
    return b.emit("select", negative, b.emit("neg", x), x)


@op("abs", rule=elementwise(*NUMERIC, n=1), lower=_abs, signatures=_ONE)
def abs_(x: np.ndarray) -> Value:
    """|x|."""
    return np.abs(x)


def _sign(b: Builder, x: Var) -> Var:
    both = stacked(b, x, b.emit("neg", x))
    signs = b.emit("astype", b.emit("less", both, zero(b, x.type.dtype)), dtype=x.type.dtype)
    below, above = unstacked(b, signs)
    return b.emit("sub", above, below)


@op(
    "sign",
    rule=elementwise(*NUMERIC, n=1),
    lower=_sign,
    signatures=(*_ONE, Signature((INT,), ((3, 4),), low=-1, high=1)),
)
def sign(x: np.ndarray) -> Value:
    """-1, 0 or 1, in the dtype of x."""
    return np.sign(x)


def _clip_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    kind = float if dtype_of(types, NUMERIC) == FIXED else int
    low, high = params["low"], params["high"]
    if type(low) is not kind or type(high) is not kind or low > high:
        raise TypeRuleError("IR-0004", f"low and high must be {kind.__name__} numbers, low <= high")
    return types


def _clip(b: Builder, x: Var, *, low: float, high: float) -> Var:
    dtype = x.type.dtype
    room = stacked(b, b.emit("sub", x, b.const(low, dtype)), b.emit("sub", b.const(high, dtype), x))
    outside = b.emit("less", room, zero(b, dtype))
    # At most one side is outside; there x moves back by the (negative) room.
    below, above = unstacked(b, b.emit("select", outside, room, zero(b, dtype)))
    return b.emit("add", b.emit("sub", x, below), above)


@op(
    "clip",
    rule=_clip_rule,
    lower=_clip,
    signatures=(
        *(Signature((FIXED,), (shape,), {"low": -2.5, "high": 3.0}) for shape in _SINGLE),
        *(Signature((INT,), (shape,), {"low": -2, "high": 3}) for shape in _SINGLE),
    ),
)
def clip(x: np.ndarray, *, low: float, high: float) -> Value:
    """x moved into low <= x <= high."""
    return np.clip(x, low, high)
