"""The natural logarithm: normalise, a polynomial for the mantissa, the exponent times ln 2.

Derivation. x has X units of 2^-18 and its highest one at bit k = 5 + 8 j + i, so ln x = ln m + (k - 17) ln 2
with m in [1/2, 1]. The polynomial's error is 2^-19, that of the mantissa's truncation 1.5 * 2^-21; the
digits' multiples of ln 2 are rounded to units of 2^-18, half a unit each; the last truncation adds 1.5 units.
"""

from __future__ import annotations

import numpy as np

from tacit.base.types import FIXED, FRACTION_BITS, Shape
from tacit.ir.op import Signature, Value, op
from tacit.ir.ops.exponential import CONTRACT
from tacit.ir.ops.normalise import DIGIT, mantissa, normal, shifts
from tacit.ir.ops.polynomial import polynomial
from tacit.ir.ops.units import combined, flat, row, shaped
from tacit.ir.program import Builder, Var
from tacit.ir.rule import elementwise

LOW, HIGH = 5, 45
LOG = (-301656, 349534, -58264, 12875, -3197, 998, -292)
"""ln((v + 3) / 4) on [-1, 1], error 2^-19; re-run by tests/ir/test_tables.py."""


def _log(b: Builder, x: Var) -> Var:
    whole = flat(b, x)
    found = normal(b, whole, LOW, HIGH)
    shift = row(b, found.tables(b, *shifts(found.n_high)), 0)
    value = polynomial(b, mantissa(b, whole, shift, HIGH), LOG, FRACTION_BITS)
    i, j = np.arange(DIGIT), np.arange(found.n_high)
    exponent = np.concatenate([i + LOW - (FRACTION_BITS - 1), DIGIT * j])
    multiples = np.rint(np.ldexp(exponent * np.log(2), FRACTION_BITS)).astype(np.int64)
    exponents = row(b, combined(b, multiples[None], found.digits), 0)
    return shaped(b, b.emit("add", value, exponents), x.type.shape)


_SINGLE: tuple[Shape, ...] = ((), (4,), (3, 4))


@op(
    "log",
    rule=elementwise(FIXED, n=1),
    lower=_log,
    error=CONTRACT,
    signatures=(
        *(Signature((FIXED,), (shape,), low=0.5) for shape in _SINGLE),
        Signature((FIXED,), ((200,),), low=2.0**-12, high=2.0**-9),
        Signature((FIXED,), ((200,),), low=0.9, high=1.1),
        Signature((FIXED,), ((200,),), low=1.0, high=2.0**25),
    ),
)
def log(x: np.ndarray) -> Value:
    """The natural logarithm; on secrets for 2^-13 <= x < 2^27, nothing of use elsewhere."""
    return np.log(x)
