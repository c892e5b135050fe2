"""Primitives on the bits of integers, whose width JAX fixes: 8, 16 or 32 here.

Values of a program are whole numbers without a width. Results that JAX wraps around are wrapped here, too,
where the range of a value does not show that nothing is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tacit.base.types import FIXED, INT
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast, traced
from tacit.compile.jax.evaluate import rule, shape_of
from tacit.compile.jax.refused import Reason, refuse
from tacit.compile.ranges.live import range_of
from tacit.compile.trace import Array, apply, dtype_of, plain

WIDEST = 32


def width_of(out: Any) -> int:
    """Bits of JAX's type; what has more is taken to lie in 32."""
    return min(8 * int(np.dtype(out.dtype).itemsize), WIDEST)


def bits_of(x: Value, width: int) -> Value:
    """bool [width, *shape], the lowest first; numbers below 0 as two's complement."""
    if traced(x):
        return apply("bits", x, low=0, high=width)
    places = np.arange(width).reshape(-1, *(1,) * plain(x).ndim)
    return (plain(x).astype(np.int64)[None] >> places) & 1 == 1


def number_of(bits: Value, *, signed: bool) -> Value:
    """The number with these bits."""
    places = 2 ** np.arange(bits.shape[0], dtype=np.int64)
    places[-1] *= -1 if signed else 1
    return xp.sum(xp.multiply(cast(bits, INT), places.reshape(-1, *(1,) * (bits.ndim - 1))), axis=0)


def wrapped(x: Value, dtype: Any) -> Value:
    """Whole numbers as JAX's type `dtype` has them, modulo 2^width."""
    kind, width = np.dtype(dtype), 8 * np.dtype(dtype).itemsize
    if not isinstance(x, Array) or width > WIDEST:
        return x
    ends, found = np.iinfo(kind), range_of(x)
    if found is not None and ends.min <= found[0] and found[1] <= ends.max:
        return x
    if width < WIDEST:
        return number_of(bits_of(x, width), signed=kind.kind == "i")
    if found is None:  # Numbers of 32 bits that JAX calls signed or not: what is below 2^31 stays.
        return x
    if kind.kind == "u":
        return xp.where(xp.less(x, 0), xp.add(x, np.int64(2**32)), x)
    return xp.where(xp.less(x, np.int64(2**31)), x, xp.subtract(x, np.int64(2**32)))


@rule("bitcast_convert_type")
def _bitcast(ins: list[Value], new_dtype: Any, primitive: Any, out: list[Any], **_: Any) -> Value:
    """Between integers with and without a sign."""
    if np.dtype(new_dtype).kind not in "iu" or dtype_of(ins[0]) == FIXED:
        refuse("bitcast_convert_type", " of reals", Reason.FLOATING_POINT)
    if out[0].shape != shape_of(ins[0]):
        refuse("bitcast_convert_type", " between widths", Reason.RARE)
    return wrapped(ins[0], new_dtype)


@rule("population_count")
def _ones(ins: list[Value], out: list[Any], **_: Any) -> Value:
    return xp.sum(bits_of(ins[0], width_of(out[0])), axis=0)


@rule("clz")
def _leading_zeros(ins: list[Value], out: list[Any], **_: Any) -> Value:
    """One for each power of two that is above the number; none for a negative one."""
    x, width = ins[0], width_of(out[0])
    powers = 2 ** np.arange(width)
    above = xp.less(xp.expand_dims(xp.asarray(x), len(shape_of(x))), powers)
    return xp.where(xp.less(x, 0), 0, xp.sum(above, axis=-1))


@rule("reduce_xor")
def _parity(ins: list[Value], axes: Any, **_: Any) -> Value:
    """All along the axes by exclusive or, half with half."""
    value = ins[0]
    for axis in sorted(map(int, axes), reverse=True):
        rows = xp.moveaxis(value, axis, 0)
        while rows.shape[0] > 1:
            half = rows.shape[0] // 2
            mixed = xp.bitwise_xor(rows[:half], rows[half : 2 * half])
            rows = xp.concat([mixed, rows[2 * half :]], axis=0) if rows.shape[0] % 2 else mixed
        value = rows[0]
    return value


# --- shifts ---------------------------------------------------------------------------------------------


def _places(n: Value, width: int) -> range:
    """By how many places a shift may go."""
    if not isinstance(n, Array):
        data = plain(n)
        return range(int(data.min(initial=width)), int(data.max(initial=0)) + 1)
    low, high = range_of(n) or (0.0, float(width - 1))
    return range(max(0, int(low)), min(width - 1, int(high)) + 1)


def _by(n: Value, k: int) -> Value:
    """Whether a shift goes by k places."""
    return cast(xp.equal(n, np.int64(k)), INT)


@rule("shift_left")
def _left(ins: list[Value], out: list[Any], **_: Any) -> Value:
    x, n = ins
    powers = np.zeros((), np.int64)
    for k in _places(n, width_of(out[0])):
        powers = xp.add(powers, xp.multiply(_by(n, k), np.int64(1 << k)))
    return wrapped(xp.multiply(x, powers), out[0].dtype)


def _right(ins: list[Value], out: list[Any], *, arithmetic: bool) -> Value:
    """A sum over the possible numbers of places, of which one is the right one: the bits are taken apart
    once."""
    x, n = ins
    width, signed = width_of(out[0]), out[0].dtype.kind == "i"
    bits, places = bits_of(x, width), _places(n, width)
    moved = []
    for k in places:
        kept = bits[k:] if k else bits
        moved.append(number_of(kept, signed=signed and (arithmetic or k == 0)))
    if len(places) == 1:
        return xp.broadcast_to(moved[0], out[0].shape)
    found = np.zeros(out[0].shape, np.int64)
    for k, part in zip(places, moved, strict=True):
        found = xp.add(found, xp.multiply(_by(n, k), part))
    return found


@rule("shift_right_arithmetic")
def _arithmetic(ins: list[Value], out: list[Any], **_: Any) -> Value:
    return _right(ins, out, arithmetic=True)


@rule("shift_right_logical")
def _logical(ins: list[Value], out: list[Any], **_: Any) -> Value:
    """Zeros come in from the left."""
    return _right(ins, out, arithmetic=False)
