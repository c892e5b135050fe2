"""Between plaintext values (float64, int64, bool) and ring elements or bits, by dtype."""

from __future__ import annotations

import numpy as np

from tacit.base import fixed
from tacit.base.errors import UsageError
from tacit.base.types import DType
from tacit.ir.op import numpy_dtype


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
    """A public factor as ring elements and the fraction bits to drop after multiplying by it."""
    if dtype.kind == "int":
        return encode(plain, dtype), 0
    whole, bits = fixed.factor(plain, dtype.fraction_bits)
    return whole.view(np.uint64), bits
