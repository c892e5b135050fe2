"""Sorting by a network: the comparisons do not depend on the data.

Source  Batcher's merge exchange, D. E. Knuth, The Art of Computer Programming, volume 3, Algorithm 5.2.2M.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tacit.base.errors import UnsupportedError
from tacit.base.types import Shape
from tacit.ir.op import Signature, Value, op
from tacit.ir.program import Builder, Var
from tacit.ir.rule import NUMERIC, Parameters, Types, arity, axis_of, dtype_of

NETWORK_LIMIT = 4096
"""Longest axis that the network sorts: it writes out log2(n)^2 / 2 stages of n positions each."""


def merge_exchange(n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Stages of the network on n elements: positions (low, high) that are put in order at once."""
    t = max(n - 1, 0).bit_length()
    p = 1 << (t - 1) if t else 0  # Step M1
    while p > 0:
        q, r, d = 1 << (t - 1), 0, p  # Step M2
        while True:
            i = np.arange(n - d)
            low = i[(i & p) == r]  # Step M3
            if low.size:
                yield low, low + d
            if q == p:
                break
            d, q, r = q - p, q >> 1, p  # Step M5
        p >>= 1  # Step M6


def _sort_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, NUMERIC)
    axis_of(0, types[0].shape)
    return types


def _sort(b: Builder, x: Var) -> Var:
    n, axis, nought = x.type.shape[-1], len(x.type.shape) - 1, b.const(0, x.type.dtype)
    if n > NETWORK_LIMIT:
        raise UnsupportedError("IR-0013", f"sorting {n} elements by a network: {NETWORK_LIMIT} at most")

    def take(var: Var, positions: np.ndarray) -> Var:
        return b.emit("take", var, indices=positions, axis=axis)

    # Element k of the network stands at place[k] in x: positions are put right once, at the end.
    place = np.arange(n)
    for low, high in merge_exchange(n):
        others = np.setdiff1d(np.arange(n), np.concatenate((low, high)))
        smaller, larger = take(x, place[low]), take(x, place[high])
        rise = b.emit("sub", larger, smaller)
        fall = b.emit("select", b.emit("less", rise, nought), rise, nought)
        parts = [b.emit("add", smaller, fall), b.emit("sub", larger, fall)]
        x = b.emit("concat", *parts, *([take(x, place[others])] if others.size else []), axis=axis)
        place[np.concatenate((low, high, others))] = np.arange(n)
    return x if np.array_equal(place, np.arange(n)) else take(x, place)


_SHAPES: tuple[Shape, ...] = ((1,), (2,), (7,), (3, 4), (2, 13))


@op(
    "sort",
    rule=_sort_rule,
    lower=_sort,
    signatures=tuple(Signature((dtype,), (shape,)) for dtype in NUMERIC for shape in _SHAPES),
)
def sort(x: np.ndarray) -> Value:
    """Ascending along the last axis."""
    return np.sort(x, axis=-1)
