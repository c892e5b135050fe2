"""Between plaintext values (float64, int64, bool) and ring elements or bits, by dtype."""

from __future__ import annotations

import numpy as np

from tacit.base import fixed
from tacit.base.errors import UsageError
from tacit.base.types import DType

SIGNIFICANT_BITS = 18
MOST_FRACTION_BITS = 40


def encode(plain: np.ndarray, dtype: DType) -> np.ndarray:
    """uint64 ring elements (fixed, int) or uint8 bits (bool) of `plain`. Raises UsageError VALUE-0001."""
    if dtype.kind == "fixed":
        return fixed.encode(plain, dtype.fraction_bits)
    if dtype.kind == "bool":
        return np.asarray(plain, dtype=np.uint8)
    whole = np.asarray(plain, dtype=np.int64)
    if whole.size and not (int(whole.min()) > -(1 << 62) and int(whole.max()) < 1 << 62):
        raise UsageError("VALUE-0001", "an integer is not below 2^62 in magnitude", hint="rescale the column")
    return whole.view(np.uint64)


def decode(ring: np.ndarray, dtype: DType) -> np.ndarray:
    """The inverse of `encode`."""
    if dtype.kind == "fixed":
        return fixed.decode(np.array(ring), dtype.fraction_bits)
    return ring.astype(bool) if dtype.kind == "bool" else np.array(ring).view(np.int64)


def multiplier(plain: np.ndarray, dtype: DType) -> tuple[np.ndarray, int]:
    """A public factor as ring elements and the fraction bits to drop after multiplying by it.

    Whole numbers need none. Small factors (1/n of a mean) get more fraction bits, so that they keep
    `SIGNIFICANT_BITS` significant ones: relative error 2^-19 down to factors of 2^-22.
    """
    array = np.asarray(plain, dtype=np.float64)
    if dtype.kind == "int" or np.all(array == np.rint(array)):
        return encode(np.rint(array).astype(np.int64), DType("int")), 0
    largest = float(np.abs(array).max())
    bits = int(
        np.clip(SIGNIFICANT_BITS - np.floor(np.log2(largest)), dtype.fraction_bits, MOST_FRACTION_BITS)
    )
    return fixed.encode(array, bits), bits
