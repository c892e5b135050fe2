"""Reciprocals and quotients.

|d| = m 2^j with 1 <= m <= 2: 1/m from a cubic and one step of Newton's method, 2^-j as a shift. The quotient
is shifted before it is truncated, so that small divisors do not magnify the truncation.
"""

from __future__ import annotations

import numpy as np

from tacit.base.types import FIXED, FRACTION_BITS, INT, RING_BITS
from tacit.ir.op import Bound, Signature, Value, op
from tacit.ir.ops.normalise import Highest, highest
from tacit.ir.ops.units import polynomial, powers, shift_left, units
from tacit.ir.program import Builder, Var
from tacit.ir.rule import elementwise

_LOW, _HIGH = 9, 36
"""Positions of the highest bit that are looked for: |d| in [2^-8, 2^17], one to spare on each side."""
_FRACTION = 28
INVERSE = (47453064, -49313969, 22330854, -3721809)
"""1/m on [1, 2] in units of 2^-24: relative error 2^-9.17, squared by Newton (tests/ir/test_tables.py)."""


def _inverse(b: Builder, d: Var) -> tuple[Var, Var, Highest]:
    """(sign bit of d, 1/m with 28 fraction bits, position j of the highest bit), |d| = m 2^j in units."""
    bits, axis = b.emit("bits", d), len(d.type.shape)
    sign = b.emit("slice", bits, start=RING_BITS - 1, stop=RING_BITS, axis=axis)
    # |d| - 1 for negative d; its highest bit differs only where |d| is a power of two, and then m = 2.
    flipped = b.emit("logical_xor", bits, sign)
    sign = b.emit("reshape", sign, shape=d.type.shape)
    at = highest(b, flipped, _LOW, _HIGH)
    magnitude = b.emit("select", sign, b.emit("neg", d), d)
    m = shift_left(b, magnitude, at.places(b, lambda j: _HIGH - j))
    m = b.emit("shift_right", m, bits=_HIGH - _FRACTION)
    first = polynomial(b, powers(b, m, len(INVERSE) - 1, _FRACTION), INVERSE, _FRACTION)
    r = b.emit("shift_right", first, bits=24)
    error = b.emit("sub", b.const(2 << _FRACTION, INT), b.emit("mul_shift", m, r, bits=_FRACTION))
    return sign, b.emit("mul_shift", r, error, bits=_FRACTION), at


def _signed(b: Builder, sign: Var, x: Var) -> Var:
    return b.emit("from_units", b.emit("select", sign, b.emit("neg", x), x))


def _reciprocal(b: Builder, d: Var) -> Var:
    """2^18 / d in units is r 2^(36 - j - 28), r = 2^28 / m: relative error 2^-18.3, and one unit."""
    sign, r, at = _inverse(b, units(b, d))
    y = shift_left(b, r, at.places(b, lambda j: _HIGH - j))
    return _signed(b, sign, b.emit("shift_right", y, bits=_FRACTION + _HIGH - 2 * FRACTION_BITS))


_TWICE = 2.0**-17

_DIVISORS = tuple(
    Signature((FIXED,), (shape,), low=low, high=high)
    for shape, low, high in (
        ((), 0.5, 8.0),
        ((4,), -3.0, -0.25),
        ((3, 4), 2.0**-8, 2.0**-6),
        ((16,), 1000.0, 2.0**17),
    )
)


@op(
    "reciprocal",
    rule=elementwise(FIXED, n=1),
    lower=_reciprocal,
    error=Bound(_TWICE, _TWICE, note="for 2^-8 <= |x| <= 2^17"),
    signatures=_DIVISORS,
)
def reciprocal(x: np.ndarray) -> Value:
    """1 / x, for 2^-8 <= |x| <= 2^17."""
    return np.reciprocal(x)


_SHORT = 20
_KEPT = 10
"""Fraction bits of 1/m in a product, and how many bits of it are dropped before the shift."""


def _divide(b: Builder, n: Var, d: Var) -> Var:
    """n r has 18 + 20 fraction bits; 28 remain before the shift by up to 27 places, 18 after it."""
    sign, r, at = _inverse(b, units(b, d))
    r = b.emit("shift_right", r, bits=_FRACTION - _SHORT)
    v = b.emit("mul_shift", units(b, n), r, bits=_KEPT)
    y = shift_left(b, v, at.places(b, lambda j: _HIGH - j))
    dropped = _SHORT - _KEPT + _HIGH - FRACTION_BITS
    return _signed(b, sign, b.emit("shift_right", y, bits=dropped))


@op(
    "divide",
    rule=elementwise(FIXED, n=2),
    lower=_divide,
    error=Bound(2.0**-16, 2.0**-16, note="for 2^-8 <= |y| <= 2^17, |x| < 2^23 and |x / y| < 2^15"),
    signatures=(
        Signature((FIXED, FIXED), ((4,), (4,)), low=0.5),
        Signature((FIXED, FIXED), ((3, 4), (4,)), low=0.5),
        Signature((FIXED, FIXED), ((), (4,)), low=-8.0, high=-0.25),
        Signature((FIXED, FIXED), ((8,), (8,)), low=2.0**-8, high=2.0**-6),
        Signature((FIXED, FIXED), ((8,), (8,)), low=1000.0, high=2.0**17),
    ),
)
def divide(x: np.ndarray, y: np.ndarray) -> Value:
    """x / y, for 2^-8 <= |y| <= 2^17, |x| < 2^23 and |x / y| < 2^15."""
    return np.divide(x, y)
