"""e^x by a split of x log2(e) into whole and fraction: 2^whole 2^fraction.

Derivation. Let t = x log2(e) + f in units of 2^-20, f the fraction bits of the result. The product's constant
has 24 bits, its truncation is off by 1.5 units at most, so t is off by 2^-18.9 for |x| <= 16. The six bits of
its whole part W become integers; F = t - W lies in [0, 1) exactly. 2^F comes from a polynomial of degree 4,
relative error 2^-18.3, and errors of truncation below 2^-18.5; the result is 2^W 2^F in units of 2^-f.
Altogether the relative error is below 2^-16.5, and the last truncation adds 1.5 units. Where t < 0 the value
is below one unit, and 0 is taken: the comparison is made on x, at a point where t is positive for certain, so
a whole part outside 0 to 63 is only ever multiplied by 0.
"""

from __future__ import annotations

import math

import numpy as np

from tacit.base.types import FIXED, FRACTION_BITS, INT, Shape
from tacit.ir.op import Bound, Signature, Value, op
from tacit.ir.ops.polynomial import V_BITS, polynomial
from tacit.ir.ops.units import combined, flat, plus, row, shaped, times_constant
from tacit.ir.program import Builder, Var
from tacit.ir.rule import elementwise

WHOLE_BITS = 6
CONSTANT_BITS = 24
EXP2 = (1482910, 513919, 89066, 10365, 887)
"""2^((v + 1) / 2) on [-1, 1], relative error 2^-18.3; re-run by tests/ir/test_tables.py."""
CONTRACT = Bound(absolute=2.0**-15, relative=2.0**-15, note="implies 2^-14 max(1, |y|)")


def exponential(b: Builder, x: Var, fraction_bits: int) -> Var:
    """e^x in units of 2^-fraction_bits for flat x in units of 2^-18; 0 where it is below one unit.

    For x log2(e) + fraction_bits <= 41.1, so that the last product stays below 2^62; x may be any negative.
    """
    least = math.ceil((2.0**-12 - fraction_bits * math.log(2)) * 2.0**FRACTION_BITS)
    below = b.emit("less", x, b.const(least, INT))

    # Step 1: t, its whole part in bits, the bits and their pairwise products as integers.
    constant = round(math.log2(math.e) * 2.0**CONSTANT_BITS)
    t = b.emit("shift_right", times_constant(b, x, constant), bits=FRACTION_BITS + CONSTANT_BITS - V_BITS)
    t = plus(b, t, fraction_bits << V_BITS)
    bits = b.emit("bits", t, low=V_BITS, high=V_BITS + WHOLE_BITS)
    even, odd = (b.emit("take", bits, indices=tuple(range(k, WHOLE_BITS, 2)), axis=0) for k in (0, 1))
    both = b.emit("logical_and", even, odd)
    parts = combined(b, _weights(), b.emit("concat", even, odd, both, axis=0))

    # Step 2: v = 2 F - 1 and 2^F; the powers that the three digits of the whole part stand for.
    v = plus(b, b.emit("sub", times_constant(b, t, 2), row(b, parts, 0)), -(1 << V_BITS))
    fraction = polynomial(b, v, EXP2, V_BITS)
    low, middle, high = (plus(b, row(b, parts, k), 1) for k in (1, 2, 3))

    # Step 3: their product; nothing where e^x is below one unit.
    power = b.emit("mul_shift", b.emit("mul", low, middle), b.emit("mul", high, fraction), bits=V_BITS)
    return b.emit("select", below, b.const(0, INT), power)


def _weights() -> np.ndarray:
    """Rows: 2 W in units of 2^-20; for each digit p + 2 q of base 4, 4^k to its power, less 1."""
    n_digits = WHOLE_BITS // 2
    weights = np.zeros((1 + n_digits, 3 * n_digits), np.int64)
    for k in range(n_digits):
        base = 1 << 4**k
        columns = [k, k + n_digits, k + 2 * n_digits]
        weights[0, columns[:2]] = [2 << (V_BITS + 2 * k), 4 << (V_BITS + 2 * k)]
        weights[1 + k, columns] = [base - 1, base**2 - 1, (base - 1) * (base**2 - 1)]
    return weights


def _exp(b: Builder, x: Var) -> Var:
    return shaped(b, exponential(b, flat(b, x), FRACTION_BITS), x.type.shape)


_SINGLE: tuple[Shape, ...] = ((), (4,), (3, 4))


@op(
    "exp",
    rule=elementwise(FIXED, n=1),
    lower=_exp,
    error=CONTRACT,
    signatures=(
        *(Signature((FIXED,), (shape,)) for shape in _SINGLE),
        Signature((FIXED,), ((300,),), low=-16.0, high=16.0),
        Signature((FIXED,), ((64,),), low=-14.0, high=-11.0),
        Signature((FIXED,), ((64,),), low=-6e7, high=-16.0),
    ),
)
def exp(x: np.ndarray) -> Value:
    """e^x; on secrets for x <= 16, 0 for x below -12.5."""
    return np.exp(x)
