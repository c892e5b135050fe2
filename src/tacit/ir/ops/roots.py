"""Square roots and their reciprocals: normalise, a polynomial for the mantissa, scale by half the exponent.

Derivation. x has X units of 2^-18 and its highest one at bit k = low + 8 j + i, so x = m 2^(k - 17), m in
[1/2, 1]. m^(+-1/2) comes from a polynomial (relative errors 2^-17.0 and 2^-18.5, truncations below 2^-18.5)
and 2^(+-(k - 17) / 2) is the product of a power of two that j names and a factor with 20 bits or more that i
names (relative error 2^-19). The relative error is below 2^-16; the last truncation adds 1.5 units of 2^-18.
"""

from __future__ import annotations

import numpy as np

from tacit.base.types import FIXED, FRACTION_BITS, Shape
from tacit.ir.op import Signature, Value, op
from tacit.ir.ops.exponential import CONTRACT
from tacit.ir.ops.normalise import DIGIT, MANTISSA_BITS, mantissa, normal, shifts
from tacit.ir.ops.polynomial import Coefficients, polynomial
from tacit.ir.ops.units import flat, row, shaped
from tacit.ir.program import Builder, Var
from tacit.ir.rule import elementwise

SQRT_LOW, RSQRT_LOW = 0, 5
SQRT_HIGH, RSQRT_HIGH = 48, 45
FACTOR_BITS = 22
HALF_DIGIT = DIGIT // 2
"""Half of the exponent that one step of j stands for."""
SQRT = (908092, 151314, -12589, 2239, -487)
"""((v + 3) / 4)^(1/2) on [-1, 1], error 2^-17.0; re-run by tests/ir/test_tables.py."""
RSQRT = (1210790, -201814, 50468, -13893, 4014, -1458, 471)
"""((v + 3) / 4)^(-1/2) on [-1, 1], error 2^-18.5."""


def _scaled(
    b: Builder,
    x: Var,
    span: tuple[int, int],
    halves: tuple[np.ndarray, np.ndarray],
    coefficients: Coefficients,
    drop: int,
) -> Var:
    """polynomial(m) * halves[0][i] * halves[1][j] / 2^drop, for the mantissa m and the digits of x."""
    low, high = span
    whole = flat(b, x)
    found = normal(b, whole, low, high)
    lows, highs = shifts(found.n_high)
    tables = found.tables(b, np.concatenate([lows, halves[0]]), np.concatenate([highs, halves[1]]))
    v = mantissa(b, whole, row(b, tables, 0), high)
    value = polynomial(b, v, coefficients, MANTISSA_BITS)
    return shaped(b, b.emit("mul_shift", value, row(b, tables, 1), bits=drop), x.type.shape)


def _sqrt(b: Builder, x: Var) -> Var:
    """2^((k - 17) / 2) = 2^(i / 2 - 1/2) 2^(4 j) 2^-8 for low = 0."""
    i, j = np.arange(DIGIT), np.arange((SQRT_HIGH - SQRT_LOW) // DIGIT)
    bits = MANTISSA_BITS
    halves = (
        np.rint(2.0 ** (bits + i / 2 - 0.5)).astype(np.int64)[None],
        np.left_shift(1, HALF_DIGIT * j)[None],
    )
    drop = MANTISSA_BITS + bits + 8 - FRACTION_BITS
    return _scaled(b, x, (SQRT_LOW, SQRT_HIGH), halves, SQRT, drop)


def _rsqrt(b: Builder, x: Var) -> Var:
    """2^((17 - k) / 2) = 2^(-i / 2) 2^(4 (4 - j)) 2^(6 - 16) for low = 5."""
    i, j = np.arange(DIGIT), np.arange((RSQRT_HIGH - RSQRT_LOW) // DIGIT)
    halves = (
        np.rint(2.0 ** (FACTOR_BITS - i / 2)).astype(np.int64)[None],
        np.left_shift(1, HALF_DIGIT * (j[-1] - j))[None],
    )
    drop = MANTISSA_BITS + FACTOR_BITS + 10 - FRACTION_BITS
    return _scaled(b, x, (RSQRT_LOW, RSQRT_HIGH), halves, RSQRT, drop)


_SINGLE: tuple[Shape, ...] = ((), (4,), (3, 4))
_POSITIVE = (
    *(Signature((FIXED,), (shape,), low=0.5) for shape in _SINGLE),
    Signature((FIXED,), ((200,),), low=2.0**-12, high=2.0**-9),
    Signature((FIXED,), ((200,),), low=1.0, high=2.0**12),
    Signature((FIXED,), ((200,),), low=1.0, high=2.0**25),
)


@op(
    "sqrt",
    rule=elementwise(FIXED, n=1),
    lower=_sqrt,
    error=CONTRACT,
    signatures=(*_POSITIVE, Signature((FIXED,), ((200,),), low=0.0, high=2.0**-14)),
)
def sqrt(x: np.ndarray) -> Value:
    """The square root; on secrets for 0 <= x < 2^27."""
    return np.sqrt(x)


@op("rsqrt", rule=elementwise(FIXED, n=1), lower=_rsqrt, error=CONTRACT, signatures=_POSITIVE)
def rsqrt(x: np.ndarray) -> Value:
    """1 / sqrt(x); on secrets for 2^-12 <= x < 2^27, and 0 for 0 <= x < 2^-13."""
    return np.reciprocal(np.sqrt(x))
