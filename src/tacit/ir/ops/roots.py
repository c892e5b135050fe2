"""Square roots, their inverses, logarithms: of x = m 2^e, from m by polynomials and from e by shifts.

For roots e is even and 1 <= m < 4; for logarithms 1 <= m < 2.
"""

from __future__ import annotations

import numpy as np

from tacit.base.types import FIXED, FRACTION_BITS, INT, Shape
from tacit.ir.op import Bound, Signature, Value, op
from tacit.ir.ops.normalise import Highest, highest
from tacit.ir.ops.units import number, polynomial, powers, shift_left, times_constant, units
from tacit.ir.program import Builder, Var
from tacit.ir.rule import elementwise

_TOP = 44
"""Highest position that is looked for: x < 2^27."""
_FRACTION = 26
INVERSE_ROOT = (29343592, -18842017, 7684824, -1569376, 124663)
"""m^(-1/2) on [1, 4] in units of 2^-24: relative error e = 2^-8.88, after Newton's step 1.5 e^2 = 2^-17.2."""
LOGARITHM = (-37769981, 83094332, -87422904, 67540990, -34919283, 11456206, -2156902, 177545)
"""ln m on [1, 2] in units of 2^-24: error 2^-22."""
_LN_2 = round(np.log(2) * 2**24)


def _inverse_root(b: Builder, x: Var) -> tuple[Var, Var, Highest]:
    """(m, m^(-1/2)), 26 fraction bits, and the position j of the highest bit: x = m 2^(2 floor(j/2))."""
    at = highest(b, b.emit("bits", x), 0, _TOP)
    m = shift_left(b, x, at.places(b, lambda j: _TOP - j // 2 * 2))
    m = b.emit("shift_right", m, bits=_TOP - _FRACTION)
    first = polynomial(b, powers(b, m, len(INVERSE_ROOT) - 1, _FRACTION), INVERSE_ROOT, _FRACTION)
    r = b.emit("shift_right", first, bits=24)
    error = b.emit("mul_shift", m, b.emit("mul_shift", r, r, bits=_FRACTION), bits=_FRACTION)
    step = b.emit("sub", b.const(3 << _FRACTION, INT), error)
    return m, b.emit("mul_shift", r, step, bits=_FRACTION + 1), at


def _rsqrt(b: Builder, x: Var) -> Var:
    """2^18 x^(-1/2) in units is r 2^(27 - q - 26) for q = floor(j/2)."""
    _, r, at = _inverse_root(b, units(b, x))
    top = _TOP // 2
    y = shift_left(b, r, at.places(b, lambda j: top - j // 2))
    places = _FRACTION + top - FRACTION_BITS - FRACTION_BITS // 2
    return b.emit("from_units", b.emit("shift_right", y, bits=places))


def _sqrt(b: Builder, x: Var) -> Var:
    """2^18 x^(1/2) in units is m m^(-1/2) 2^(q + 9 - 26)."""
    m, r, at = _inverse_root(b, units(b, x))
    s = b.emit("mul_shift", m, r, bits=_FRACTION)
    y = shift_left(b, s, at.places(b, lambda j: j // 2))
    return b.emit("from_units", b.emit("shift_right", y, bits=_FRACTION - FRACTION_BITS // 2))


def _ranges(*bounds: tuple[float, float]) -> tuple[Signature, ...]:
    shapes: tuple[Shape, ...] = ((), (4,), (3, 4), (16,))
    return tuple(
        Signature((FIXED,), (shape,), low=low, high=high)
        for shape, (low, high) in zip(shapes, bounds, strict=True)
    )


@op(
    "sqrt",
    rule=elementwise(FIXED, n=1),
    lower=_sqrt,
    error=Bound(2.0**-16, 2.0**-16, note="for 0 <= x <= 2^25"),
    signatures=_ranges((0.5, 8.0), (0.0, 0.001), (0.01, 100.0), (1000.0, 2.0**25)),
)
def sqrt(x: np.ndarray) -> Value:
    """The square root, for 0 <= x <= 2^25."""
    return np.sqrt(x)


@op(
    "rsqrt",
    rule=elementwise(FIXED, n=1),
    lower=_rsqrt,
    error=Bound(2.0**-16, 2.0**-16, note="for 2^-12 <= x <= 2^25"),
    signatures=_ranges((0.5, 8.0), (2.0**-12, 2.0**-10), (0.01, 100.0), (1000.0, 2.0**25)),
)
def rsqrt(x: np.ndarray) -> Value:
    """1 / sqrt(x), for 2^-12 <= x <= 2^25."""
    return 1.0 / np.sqrt(x)


def _log(b: Builder, x: Var) -> Var:
    """ln m + (j - 18) ln 2, added with 24 + 24 fraction bits."""
    whole = units(b, x)
    at = highest(b, b.emit("bits", whole), 0, _TOP)
    m = shift_left(b, whole, at.places(b, lambda j: _TOP - j))
    m = b.emit("shift_right", m, bits=_TOP - 24)
    mantissa = polynomial(b, powers(b, m, len(LOGARITHM) - 1, 24), LOGARITHM, 24)
    exponent = b.emit("sub", number(b, at.places(b, lambda j: j)), b.const(FRACTION_BITS, INT))
    total = b.emit("add", mantissa, times_constant(b, exponent, _LN_2 << 24))
    return b.emit("from_units", b.emit("shift_right", total, bits=2 * 24 - FRACTION_BITS))


@op(
    "log",
    rule=elementwise(FIXED, n=1),
    lower=_log,
    error=Bound(2.0**-16, note="for 2^-12 <= x <= 2^25"),
    signatures=_ranges((0.5, 8.0), (2.0**-12, 2.0**-10), (0.01, 100.0), (1000.0, 2.0**25)),
)
def log(x: np.ndarray) -> Value:
    """The natural logarithm, for 2^-12 <= x <= 2^25."""
    return np.log(x)
