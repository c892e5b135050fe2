"""Softmax: exponentials with 26 fraction bits, so that errors of a long row's small terms do not
add up.

Derivation. After the largest element is taken off, every term is at most 1 and its relative error 2^-16.5,
apart from 1.5 units of 2^-26. So the sum's relative error is the same for rows of up to 2^14 elements, and it
lies in [2^25, 2^40) units: the quotient's relative error is below 2^-15.5 + 2^-16.3, its absolute error below
2^-16.
"""

from __future__ import annotations

import numpy as np

from tacit.base.errors import TypeRuleError
from tacit.base.types import FIXED
from tacit.ir.op import Bound, Signature, Value, op
from tacit.ir.ops.division import inverse, quotient
from tacit.ir.ops.exponential import exponential
from tacit.ir.ops.normalise import normal, shifts
from tacit.ir.ops.units import flat, row
from tacit.ir.program import Builder, Var
from tacit.ir.rule import Parameters, Types, arity, axis_of, dtype_of

TERM_BITS = 26
LOW, HIGH = 24, 40
LONGEST = 1 << 14
"""Elements of a row whose sum stays below 2^HIGH."""


def _rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (FIXED,))
    axis = axis_of(params["axis"], types[0].shape)
    if not 0 < types[0].shape[axis] < LONGEST:
        raise TypeRuleError("IR-0003", f"a softmax is of one element or more and less than {LONGEST}")
    return types


def _softmax(b: Builder, x: Var, *, axis: int) -> Var:
    shape = x.type.shape
    below = b.emit("sub", x, b.emit("max", x, axis=axis, keepdims=True))
    terms = b.emit("reshape", exponential(b, flat(b, below), TERM_BITS), shape=shape)
    total = b.emit("sum", terms, axis=(axis,), keepdims=True)
    column = b.emit("reshape", total, shape=(total.type.size,))
    found = normal(b, column, LOW, HIGH)
    shift = row(b, found.tables(b, *shifts(found.n_high)), 0)
    inverted = inverse(b, column, shift, HIGH)
    shift, inverted = (b.emit("reshape", part, shape=total.type.shape) for part in (shift, inverted))
    return b.emit("from_units", quotient(b, terms, shift, inverted, HIGH))


@op(
    "softmax",
    rule=_rule,
    lower=_softmax,
    error=Bound(2.0**-14),
    signatures=(
        Signature((FIXED,), ((1,),), {"axis": 0}),
        Signature((FIXED,), ((5,),), {"axis": 0}),
        Signature((FIXED,), ((3, 4),), {"axis": 1}),
        Signature((FIXED,), ((3, 2),), {"axis": 0}, low=-1e6, high=1e6),
        Signature((FIXED,), ((2, 500),), {"axis": 1}, low=-0.01, high=0.01),
        Signature((FIXED,), ((2, 500),), {"axis": 1}, low=-16.0, high=8.0),
    ),
)
def softmax(x: np.ndarray, *, axis: int) -> Value:
    """e^x over its sum along `axis`, of fewer than 2^14 elements."""
    parts = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return parts / np.sum(parts, axis=axis, keepdims=True)
