"""The exponential and what is made of it.

e^x = 2^n 2^r with n + r = x / ln 2. n is read off the bits, 2^r is a quintic of the fraction, 2^n a shift.
"""

from __future__ import annotations

import numpy as np

from tacit.base.errors import TypeRuleError
from tacit.base.types import FIXED, INT, RING_BITS
from tacit.ir.op import Bound, Signature, Value, op
from tacit.ir.ops.units import number, polynomial, powers, shift_left, times_constant, units
from tacit.ir.program import Builder, Var
from tacit.ir.rule import Parameters, Types, arity, axis_of, dtype_of, elementwise

_FRACTION = 24
_LOWEST = 16
"""Powers 2^n with n < -16 are zero: below 2^-16."""
_EXPONENT_BITS = 6
_LOG2_E = round(np.log2(np.e) * 2**30)
_RESULT = 20
POWER_OF_TWO = (16777215, 11629181, 4029024, 936901, 150475, 31634)
"""2^r on [0, 1] in units of 2^-24: relative error 2^-22.8 (re-run by tests/ir/test_tables.py)."""


def _exp(b: Builder, x: Var) -> Var:
    """x / ln 2 with 24 fraction bits is off by 2^-24 and |x| 2^-31 (2^-27): relative error 2^-20 in all, and
    one unit of the last shift."""
    scaled = times_constant(b, units(b, x), _LOG2_E)
    t = b.emit("shift_right", scaled, bits=30 + 18 - _FRACTION)
    t = b.emit("add", t, b.const(_LOWEST << _FRACTION, INT))
    bits, axis = b.emit("bits", t), len(x.type.shape)
    places = [
        b.emit("reshape", b.emit("slice", bits, start=k, stop=k + 1, axis=axis), shape=x.type.shape)
        for k in (*range(_FRACTION, _FRACTION + _EXPONENT_BITS), RING_BITS - 1)
    ]
    places, negative = places[:-1], places[-1]
    r = b.emit("sub", t, times_constant(b, number(b, places), 1 << _FRACTION))
    p = polynomial(b, powers(b, r, len(POWER_OF_TWO) - 1, _FRACTION), POWER_OF_TWO, _FRACTION)
    p = b.emit("shift_right", p, bits=2 * _FRACTION - _RESULT)
    y = b.emit("shift_right", shift_left(b, p, places), bits=_RESULT - 18 + _LOWEST)
    return b.emit("from_units", b.emit("select", negative, b.const(0, INT), y))


@op(
    "exp",
    rule=elementwise(FIXED, n=1),
    lower=_exp,
    error=Bound(2.0**-16, 2.0**-16, note="for -2^13 < x <= 16; zero where e^x < 2^-16"),
    signatures=(
        *(Signature((FIXED,), (shape,), low=-16.0, high=16.0) for shape in ((), (4,), (3, 4), (64,))),
        Signature((FIXED,), ((8,),), low=-8000.0, high=-16.0),
        Signature((FIXED,), ((16,),), low=-0.01, high=0.01),
    ),
)
def exp(x: np.ndarray) -> Value:
    """e^x, for -2^13 < x <= 16."""
    return np.exp(x)


def _softmax_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (FIXED,))
    axis = axis_of(params["axis"], types[0].shape)
    if types[0].shape[axis] == 0:
        raise TypeRuleError("IR-0003", "a softmax of no elements is not defined")
    return types


def _softmax(b: Builder, x: Var, *, axis: int) -> Var:
    top = b.emit("max", x, axis=axis, keepdims=True)
    parts = b.emit("exp", b.emit("sub", x, top))
    total = b.emit("sum", parts, axis=(axis,), keepdims=True)
    return b.emit("mul", parts, b.emit("reciprocal", total))


@op(
    "softmax",
    rule=_softmax_rule,
    lower=_softmax,
    error=Bound(2.0**-14, note="for rows of up to 2^17 elements that differ by less than 2^13"),
    signatures=(
        Signature((FIXED,), ((5,),), {"axis": 0}),
        Signature((FIXED,), ((3, 4),), {"axis": 1}),
        Signature((FIXED,), ((3, 2),), {"axis": 0}, low=-100.0, high=100.0),
    ),
)
def softmax(x: np.ndarray, *, axis: int) -> Value:
    """e^x over its sum along `axis`."""
    parts = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return parts / np.sum(parts, axis=axis, keepdims=True)
