"""Reciprocals and quotients: normalise the divisor, a polynomial for its mantissa, scale back.

Derivation. The divisor d has D units of 2^-18, 2^5 <= |D| < 2^37; |D| = m 2^37 / P with m in [1/2, 1] and P
the power of two that the leading one names. 1/m comes from a polynomial of degree 6: relative error 2^-16.7,
and 2^-18.5 for the mantissa's and its own truncations. A numerator N is scaled to N P 2^-19, whose truncation
adds 1.5 units to it, at most 1.5 * 2^-17 to the quotient; so

    |error| <= 2^-16.4 + 2^-16.3 |n / d| + 1.5 * 2^-18 <= 2^-15 (1 + |n / d|).

N P 2^-19 times 1/m in units of 2^-20 stays below 2^62, and N P too, where |n / d| < 2^24.
"""

from __future__ import annotations

import numpy as np

from tacit.base.types import FIXED, FRACTION_BITS, Shape
from tacit.ir.op import Signature, Value, op
from tacit.ir.ops.exponential import CONTRACT
from tacit.ir.ops.normalise import MANTISSA_BITS, Normal, mantissa, normal, shifts
from tacit.ir.ops.polynomial import polynomial
from tacit.ir.ops.select import stacked
from tacit.ir.ops.units import flat, row, shaped, units
from tacit.ir.program import Builder, Var
from tacit.ir.rule import elementwise

SCALED_BITS = 19
"""Dropped from numerators that the divisor's shift has scaled up."""
LOW, HIGH = 5, 37
"""Divisors on secrets have their highest one from bit 5 up to bit 36."""
INVERSE = (1398101, -466119, 155373, -51105, 17034, -7050, 2351)
"""4 / (v + 3) on [-1, 1], relative error 2^-16.7; re-run by tests/ir/test_tables.py."""


def inverse(b: Builder, x: Var, shift: Var, high: int) -> Var:
    """2^high / (x shift) in units of 2^-20, for x >= 0 whose highest one `shift` moves to bit high - 1."""
    return polynomial(b, mantissa(b, x, shift, high), INVERSE, MANTISSA_BITS)


def quotient(b: Builder, numerator: Var, shift: Var, inverted: Var, high: int) -> Var:
    """numerator / x in units of 2^-18, from x's `shift` and inverse; shapes broadcast."""
    scaled = b.emit("mul_shift", numerator, shift, bits=SCALED_BITS)
    drop = high - FRACTION_BITS + MANTISSA_BITS - SCALED_BITS
    return b.emit("mul_shift", scaled, inverted, bits=drop)


def _divide(b: Builder, x: Var, y: Var) -> Var:
    """A divisor of fewer elements than the quotient is normalised before it is repeated."""
    shape = np.broadcast_shapes(x.type.shape, y.type.shape)
    divisor = flat(b, y)
    found = normal(b, divisor, LOW, HIGH)
    shift = row(b, found.tables(b, *shifts(found.n_high)), 0)
    if y.type.shape == shape:
        both = stacked(b, flat(b, _broadcast(b, x, shape)), divisor)
        positive = b.emit("select", found.sign, b.emit("neg", both), both)
        numerator, divisor = (row(b, positive, k) for k in (0, 1))
        inverted = inverse(b, divisor, shift, HIGH)
        return shaped(b, quotient(b, numerator, shift, inverted, HIGH), shape)
    inverted = inverse(b, _signed(b, found, divisor), shift, HIGH)
    signed, inverted = (
        b.emit("reshape", part, shape=y.type.shape) for part in (_signed(b, found, shift), inverted)
    )
    return b.emit("from_units", quotient(b, units(b, x), signed, inverted, HIGH))


def _signed(b: Builder, found: Normal, x: Var) -> Var:
    """x with the sign that was found."""
    return b.emit("select", found.sign, b.emit("neg", x), x)


def _broadcast(b: Builder, x: Var, shape: Shape) -> Var:
    return x if x.type.shape == shape else b.emit("broadcast_to", x, shape=shape)


def _reciprocal(b: Builder, x: Var) -> Var:
    """The sign goes to the shift, so that only the divisor's magnitude is needed elsewhere."""
    divisor = flat(b, x)
    found = normal(b, divisor, LOW, HIGH)
    shift = row(b, found.tables(b, *shifts(found.n_high)), 0)
    signed = _signed(b, found, shift)
    inverted = inverse(b, _signed(b, found, divisor), shift, HIGH)
    # 1/d in units of 2^-18 is shift / (2 m).
    return shaped(b, b.emit("mul_shift", signed, inverted, bits=MANTISSA_BITS + 1), x.type.shape)


_SINGLE: tuple[Shape, ...] = ((), (4,), (3, 4))


@op(
    "reciprocal",
    rule=elementwise(FIXED, n=1),
    lower=_reciprocal,
    error=CONTRACT,
    signatures=(
        *(Signature((FIXED,), (shape,), low=0.5) for shape in _SINGLE),
        Signature((FIXED,), ((200,),), low=2.0**-8, high=2.0**-6),
        Signature((FIXED,), ((200,),), low=-3.0, high=-(2.0**-8)),
        Signature((FIXED,), ((200,),), low=1.0, high=2.0**17),
        Signature((FIXED,), ((200,),), low=-(2.0**17), high=-1.0),
    ),
)
def reciprocal(x: np.ndarray) -> Value:
    """1 / x; on secrets for 2^-8 <= |x| < 2^19, and 0 for |x| < 2^-13."""
    return np.reciprocal(x)


@op(
    "divide",
    rule=elementwise(FIXED, n=2),
    lower=_divide,
    error=CONTRACT,
    signatures=(
        *(Signature((FIXED, FIXED), shapes, low=0.5) for shapes in (((), ()), ((4,), (4,)), ((3, 4), (4,)))),
        Signature((FIXED, FIXED), ((3, 1), (1, 4)), low=-8.0, high=-0.5),
        Signature((FIXED, FIXED), ((200,), (200,)), low=2.0**-8, high=2.0**-5),
        Signature((FIXED, FIXED), ((200,), (200,)), low=1.0, high=2.0**17),
        Signature((FIXED, FIXED), ((200,), (200,)), low=-(2.0**16), high=-(2.0**-7)),
    ),
)
def divide(x: np.ndarray, y: np.ndarray) -> Value:
    """x / y; on secrets for 2^-8 <= |y| < 2^19 and |x / y| < 2^24, and 0 for |y| < 2^-13."""
    return np.divide(x, y)
