"""Reals as two's-complement fixed point in Z_2^64.

A real x is the ring element round(x * 2^f) mod 2^64. Encoding is refused outside |x| < 2^(62-f), the
range in which `trunc` is exact to one unit in the last place (`mpc/semi2k/arith.py`).
"""

from __future__ import annotations

import numpy as np

from tacit.base.errors import UsageError
from tacit.base.types import FRACTION_BITS

LIMIT_BITS = 62


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


def decode(ring: np.ndarray, fraction_bits: int = FRACTION_BITS) -> np.ndarray:
    """Reals float64[*shape] of the ring elements `ring`."""
    return ring.view(np.int64).astype(np.float64) / float(1 << fraction_bits)
