"""Arrays over Z_2^128: uint64[*shape, 2], the low limb first, two's complement."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tacit import _kernel
from tacit.base.types import Shape

LOW_HALF = np.uint64((1 << 32) - 1)
HALF = np.uint64(32)
TOP = np.uint64(63)


def widened(x: np.ndarray) -> np.ndarray:
    """Elements of Z_2^64 as the same signed integers in Z_2^128."""
    signed = np.asarray(x, dtype=np.uint64).view(np.int64)
    return np.stack([signed.view(np.uint64), (signed >> np.int64(63)).view(np.uint64)], axis=-1)


def low_limb(x: np.ndarray) -> np.ndarray:
    """Modulo 2^64."""
    return np.array(x[..., 0])


def add(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return _elementwise("add", x, y)


def sub(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return _elementwise("subtract", x, y)


def mul(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return _elementwise("multiply", x, y)


def _elementwise(operation: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    shape = np.broadcast_shapes(x.shape, y.shape)
    flat = (np.ascontiguousarray(np.broadcast_to(a, shape)).reshape(-1, 2) for a in (x, y))
    return _kernel.wide_elementwise(operation, *flat).reshape(shape)


def matmul(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """[m, k] @ [k, n], or with a vector in place of one of them or both."""
    left = x if x.ndim == 3 else x[None]
    right = y if y.ndim == 3 else y[:, None]
    product = _kernel.wide_matmul(np.ascontiguousarray(left), np.ascontiguousarray(right))
    return product.reshape((*x.shape[:-2], *y.shape[1:-1], 2))


def shifted_down(x: np.ndarray, bits: int) -> np.ndarray:
    """floor(x / 2^bits) of x in [0, 2^128), 0 < bits < 64."""
    down, up = np.uint64(bits), np.uint64(64 - bits)
    return np.stack([x[..., 0] >> down | x[..., 1] << up, x[..., 1] >> down], axis=-1)


def top_bit(x: np.ndarray) -> np.ndarray:
    """uint64[*shape] of 0 and 1."""
    top: np.ndarray = x[..., 1] >> TOP
    return top


def raised(x: np.ndarray, high: np.ndarray | np.uint64) -> np.ndarray:
    """x + high 2^64."""
    return np.stack([x[..., 0], x[..., 1] + high], axis=-1)


def apart(x: np.ndarray) -> list[np.ndarray]:
    """Four arrays uint64[*shape] of 32 bits each, the lowest first."""
    halves = ((x[..., limb] >> shift) & LOW_HALF for limb in (0, 1) for shift in (np.uint64(0), HALF))
    return [np.asarray(half) for half in halves]


def together(parts: list[np.ndarray]) -> np.ndarray:
    """The element that `parts` make up, each below 2^63, after their carries."""
    halves = []
    carry: np.ndarray | np.uint64 = np.uint64(0)
    for part in parts:
        total = part + carry
        halves.append(total & LOW_HALF)
        carry = total >> HALF
    return np.stack([halves[0] | halves[1] << HALF, halves[2] | halves[3] << HALF], axis=-1)


def moved(x: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """`function`, which moves elements about or adds up to 2^31 of them, applied to x."""
    return together([function(part) for part in apart(x)])


def gathered(xs: list[np.ndarray], function: Callable[[list[np.ndarray]], np.ndarray]) -> np.ndarray:
    """The same for a function of several arrays."""
    return together([function(list(parts)) for parts in zip(*map(apart, xs), strict=True)])


def shape_of(x: np.ndarray) -> Shape:
    return x.shape[:-1]
