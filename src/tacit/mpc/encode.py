"""Between plaintext values (float64, int64, bool) and ring elements or bits, by dtype."""

from __future__ import annotations

import numpy as np

from tacit.base import fixed
from tacit.base.errors import UsageError
from tacit.base.types import DType
from tacit.ir.op import numpy_dtype

SIGNIFICANT_BITS = 18
LARGE_FACTOR_BITS = 24
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


def plaintext(given: np.ndarray, dtype: DType) -> np.ndarray:
    """`given` as float64, int64 or bool. Raises UsageError VALUE-0001 for integers that int64 cannot hold."""
    array = np.asarray(given)
    if dtype.kind == "int" and array.dtype.kind == "u" and array.size and int(array.max()) >= 1 << 62:
        raise UsageError("VALUE-0001", "an integer is not below 2^62 in magnitude", hint="rescale the column")
    return np.asarray(array, dtype=numpy_dtype(dtype))


def decode(ring: np.ndarray, dtype: DType) -> np.ndarray:
    """The inverse of `encode`."""
    if dtype.kind == "fixed":
        return fixed.decode(np.array(ring), dtype.fraction_bits)
    return ring.astype(bool) if dtype.kind == "bool" else np.array(ring).view(np.int64)


def multiplier(plain: np.ndarray, dtype: DType) -> tuple[np.ndarray, int]:
    """A public factor as ring elements and the fraction bits to drop after multiplying by it.

    Whole numbers need none. Small factors (1/n of a mean) get more fraction bits, so that they keep
    `SIGNIFICANT_BITS` significant ones: relative error 2^-19 down to factors of 2^-22. Factors above 2^6
    get fewer, so that products that fit the encoding fit before truncation too.
    """
    array = np.asarray(plain, dtype=np.float64)
    if dtype.kind == "int" or np.all(array == np.rint(array)):
        return encode(np.rint(array).astype(np.int64), DType("int")), 0
    largest = float(np.abs(array).max())
    exponent = int(np.floor(np.log2(largest)))
    if exponent < 0:
        bits = max(dtype.fraction_bits, min(SIGNIFICANT_BITS - exponent, MOST_FRACTION_BITS))
    else:
        bits = min(dtype.fraction_bits, max(LARGE_FACTOR_BITS - exponent, 0))
    return _shortened(fixed.encode(array, bits).view(np.int64), bits)


def _shortened(encoded: np.ndarray, bits: int) -> tuple[np.ndarray, int]:
    """Without the zero bits at the end that all factors have: 1/8 is 1 and three bits to drop."""
    set_bits = int(np.bitwise_or.reduce(encoded, axis=None))
    spare = min(bits, (set_bits & -set_bits).bit_length() - 1) if set_bits else 0
    return (encoded >> spare).view(np.uint64), bits - spare
