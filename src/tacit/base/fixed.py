"""Reals as two's-complement fixed point in Z_2^64.

A real x is the ring element round(x * 2^f) mod 2^64. Encoding is refused outside |x| < 2^(62-f), the
range in which `trunc` is exact to one unit in the last place (`mpc/semi2k/arith.py`).
"""

from __future__ import annotations

from math import frexp

import numpy as np

from tacit.base.errors import UsageError
from tacit.base.types import FRACTION_BITS

LIMIT_BITS = 62
SIGNIFICANT_BITS = 18
LARGE_FACTOR_BITS = 24
MOST_FRACTION_BITS = 40


def encode(x: np.ndarray, fraction_bits: int = FRACTION_BITS) -> np.ndarray:
    """Ring elements uint64[*shape] of the reals `x`; |error| <= 2^-(f+1).

    Raises: UsageError VALUE-0001 if a value is not finite or |x| >= 2^(62-f).
    """
    scaled = np.asarray(x, dtype=np.float64) * float(1 << fraction_bits)
    if not np.all(np.abs(scaled) < float(1 << LIMIT_BITS)):
        raise UsageError(
            "VALUE-0001",
            f"a value is not finite or not below 2^{LIMIT_BITS - fraction_bits} in magnitude",
            hint="fill missing values and rescale the column",
        )
    return np.rint(scaled).astype(np.int64).view(np.uint64)


def factor_bits(largest: float, fraction_bits: int = FRACTION_BITS) -> int:
    """How many fraction bits public factors of at most `largest` > 0 in magnitude are given.

    Small factors (1/n of a mean) get more, so that they keep `SIGNIFICANT_BITS` significant ones: relative
    error 2^-19 down to factors of 2^-22. Factors above 2^6 get fewer, so that products that fit the encoding
    fit before truncation too.
    """
    exponent = frexp(largest)[1] - 1
    if exponent < 0:
        return max(fraction_bits, min(SIGNIFICANT_BITS - exponent, MOST_FRACTION_BITS))
    return min(fraction_bits, max(LARGE_FACTOR_BITS - exponent, 0))


def factor(x: np.ndarray, fraction_bits: int = FRACTION_BITS) -> tuple[np.ndarray, int]:
    """Public factors as signed integers int64[*shape] and how many fraction bits they have: few as possible.

    Whole numbers have none, and neither has a power of two that divides all factors: what need not be
    truncated is not.
    """
    array = np.asarray(x, dtype=np.float64)
    if np.all(array == np.rint(array)):
        return np.asarray(encode(array, 0).view(np.int64)), 0
    bits = factor_bits(float(np.abs(array).max()), fraction_bits)
    whole = encode(array, bits).view(np.int64)
    together = int(np.bitwise_or.reduce(whole, axis=None))
    spare = min(bits, (together & -together).bit_length() - 1) if together else bits
    return np.asarray(whole >> spare), bits - spare


def decode(ring: np.ndarray, fraction_bits: int = FRACTION_BITS) -> np.ndarray:
    """Reals float64[*shape] of the ring elements `ring`."""
    return ring.view(np.int64).astype(np.float64) / float(1 << fraction_bits)
