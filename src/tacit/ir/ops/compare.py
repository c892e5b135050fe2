"""Order and equality."""

from __future__ import annotations

import numpy as np

from tacit.base.errors import TypeRuleError
from tacit.base.types import BOOL, INT, Shape, Type
from tacit.ir.op import Signature, Value, op
from tacit.ir.program import Builder, Var
from tacit.ir.rule import ANY, NUMERIC, Parameters, Types, arity, dtype_of, predicate

_SHAPES: tuple[tuple[Shape, Shape], ...] = (
    ((), ()),
    ((4,), (4,)),
    ((3, 4), (3, 4)),
    ((3, 4), (4,)),
    ((3, 1), (1, 4)),
)
_NUMBERS = tuple(Signature((dtype, dtype), shapes) for dtype in NUMERIC for shapes in _SHAPES)
_CLOSE = tuple(Signature((INT, INT), ((3, 4), (4,)), low=low, high=low + 2) for low in (-1, 0))
_SIGNATURES = _NUMBERS + _CLOSE


@op("less", rule=predicate(*NUMERIC, n=2), signatures=_SIGNATURES)
def less(x: np.ndarray, y: np.ndarray) -> Value:
    """x < y, for |x - y| < 2^63 in ring units."""
    return np.less(x, y)


def _greater(b: Builder, x: Var, y: Var) -> Var:
    return b.emit("less", y, x)


@op("greater", rule=predicate(*NUMERIC, n=2), lower=_greater, signatures=_SIGNATURES)
def greater(x: np.ndarray, y: np.ndarray) -> Value:
    """x > y."""
    return np.greater(x, y)


def _less_equal(b: Builder, x: Var, y: Var) -> Var:
    return b.emit("logical_not", b.emit("less", y, x))


@op("less_equal", rule=predicate(*NUMERIC, n=2), lower=_less_equal, signatures=_SIGNATURES)
def less_equal(x: np.ndarray, y: np.ndarray) -> Value:
    """x <= y."""
    return np.less_equal(x, y)


def _greater_equal(b: Builder, x: Var, y: Var) -> Var:
    return b.emit("logical_not", b.emit("less", x, y))


@op("greater_equal", rule=predicate(*NUMERIC, n=2), lower=_greater_equal, signatures=_SIGNATURES)
def greater_equal(x: np.ndarray, y: np.ndarray) -> Value:
    """x >= y."""
    return np.greater_equal(x, y)


def _not_equal(b: Builder, x: Var, y: Var) -> Var:
    if x.type.dtype == BOOL:
        return b.emit("logical_xor", x, y)
    # Both comparisons in one batch; at most one of them holds, so their exclusive or (free) is their or.
    difference = b.emit("sub", x, y)
    shape = difference.type.shape
    row = b.emit("reshape", difference, shape=(1, *shape))
    both = b.emit("concat", row, b.emit("neg", row), axis=0)
    negative = b.emit("less", both, b.const(0, x.type.dtype))
    below = b.emit("reshape", b.emit("slice", negative, start=0, stop=1, axis=0), shape=shape)
    above = b.emit("reshape", b.emit("slice", negative, start=1, stop=2, axis=0), shape=shape)
    return b.emit("logical_xor", below, above)


def _equal(b: Builder, x: Var, y: Var) -> Var:
    return b.emit("logical_not", _not_equal(b, x, y))


_EQUALITY = _SIGNATURES + tuple(Signature((BOOL, BOOL), shapes) for shapes in _SHAPES)


@op("not_equal", rule=predicate(*ANY, n=2), lower=_not_equal, signatures=_EQUALITY)
def not_equal(x: np.ndarray, y: np.ndarray) -> Value:
    """x != y."""
    return np.not_equal(x, y)


@op("equal", rule=predicate(*ANY, n=2), lower=_equal, signatures=_EQUALITY)
def equal(x: np.ndarray, y: np.ndarray) -> Value:
    """x == y."""
    return np.equal(x, y)


def _below_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (INT,))
    limits = params["limits"]
    if not isinstance(limits, tuple) or not limits or any(type(limit) is not int for limit in limits):
        raise TypeRuleError("IR-0004", "limits must be whole numbers, one at least")
    return (Type(types[0].vis, BOOL, (len(limits), *types[0].shape)),)


def _below(b: Builder, x: Var, *, limits: tuple[int, ...]) -> Var:
    column = np.reshape(np.array(limits, np.int64), (-1,) + (1,) * len(x.type.shape))
    return b.emit("less", b.emit("reshape", x, shape=(1, *x.type.shape)), b.const(column, INT))


@op(
    "below",
    rule=_below_rule,
    lower=_below,
    signatures=(
        *(Signature((INT,), (shape,), {"limits": (-3, 0, 5)}) for shape in ((), (4,), (3, 4))),
        Signature((INT,), ((70,),), {"limits": (2,)}, low=-1e6, high=1e6),
        Signature((INT,), ((5,),), {"limits": (-(1 << 60), 1 << 60)}, low=-(2.0**61), high=2.0**61),
    ),
)
def below(x: np.ndarray, *, limits: tuple[int, ...]) -> Value:
    """Row j: x < limits[j], for |x - limits[j]| < 2^63."""
    return np.less(x, np.reshape(np.array(limits, np.int64), (-1,) + (1,) * np.ndim(x)))
