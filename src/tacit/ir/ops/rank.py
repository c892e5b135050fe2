"""Positions: of the largest element, of a secret index in a row, of the best few."""

from __future__ import annotations

import numpy as np

from tacit.base.errors import TypeRuleError
from tacit.base.types import BOOL, FIXED, INT, Shape, Type
from tacit.ir.op import Bound, Signature, Value, op
from tacit.ir.program import Builder, Var
from tacit.ir.rule import (
    NUMERIC,
    Parameters,
    Types,
    arity,
    axis_of,
    dtype_of,
    flag,
    integer,
    reduced,
    visibility,
)

_AXIS: tuple[tuple[Shape, int, bool], ...] = (
    ((1,), 0, False),
    ((5,), 0, False),
    ((3, 4), 0, True),
    ((3, 7), 1, False),
)


def _position_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, NUMERIC)
    shape = types[0].shape
    axis = axis_of(params["axis"], shape)
    if shape[axis] == 0:
        raise TypeRuleError("IR-0003", "no elements have no extreme")
    return (Type(types[0].vis, INT, reduced(shape, (axis,), flag(params["keepdims"], "keepdims"))),)


def _tournament(b: Builder, x: Var, axis: int, keepdims: bool, largest: bool) -> Var:
    """Values play in pairs and carry their positions; the later one wins only if it is strictly better."""
    shape = x.type.shape
    places = np.broadcast_to(
        np.reshape(np.arange(shape[axis]), (-1,) + (1,) * (len(shape) - 1 - axis)), shape
    )
    place = b.const(places, INT) if places.size <= 4096 else _counted(b, x, axis)
    if shape[axis] == 1:
        place = b.emit("to_secret", place)
    while (n := x.type.shape[axis]) > 1:
        half = n // 2

        def cut(var: Var, start: int, stop: int) -> Var:
            return b.emit("slice", var, start=start, stop=stop, axis=axis)

        first, second = cut(x, 0, half), cut(x, half, 2 * half)
        better = b.emit("less", first, second) if largest else b.emit("less", second, first)
        rest = 2 * half < n
        winners = []
        for var in (x, place):
            kept = b.emit("select", better, cut(var, half, 2 * half), cut(var, 0, half))
            winners.append(b.emit("concat", kept, cut(var, 2 * half, n), axis=axis) if rest else kept)
        x, place = winners
    if keepdims:
        return place
    return b.emit("reshape", place, shape=reduced(shape, (axis,), keepdims=False))


def _counted(b: Builder, x: Var, axis: int) -> Var:
    """0, 1, 2 … along `axis`, in the shape of x."""
    line = (1,) * axis + (x.type.shape[axis],) + (1,) * (len(x.type.shape) - 1 - axis)
    ones = b.emit("cumulative_sum", b.const(np.ones(line), INT), axis=axis)
    count = b.emit("sub", ones, b.const(1, INT))
    return b.emit("broadcast_to", count, shape=x.type.shape)


def _argmax(b: Builder, x: Var, *, axis: int, keepdims: bool) -> Var:
    return _tournament(b, x, axis, keepdims, largest=True)


def _argmin(b: Builder, x: Var, *, axis: int, keepdims: bool) -> Var:
    return _tournament(b, x, axis, keepdims, largest=False)


_POSITIONS = tuple(
    Signature((dtype,), (shape,), {"axis": axis, "keepdims": keepdims}, low=-1e6, high=1e6)
    for dtype in NUMERIC
    for shape, axis, keepdims in _AXIS
)


@op("argmax", rule=_position_rule, lower=_argmax, signatures=_POSITIONS)
def argmax(x: np.ndarray, *, axis: int, keepdims: bool) -> Value:
    """A position of the largest element along `axis`; of equal ones, one of them."""
    return np.argmax(x, axis=axis, keepdims=keepdims)


@op("argmin", rule=_position_rule, lower=_argmin, signatures=_POSITIONS)
def argmin(x: np.ndarray, *, axis: int, keepdims: bool) -> Value:
    """A position of the smallest element along `axis`; of equal ones, one of them."""
    return np.argmin(x, axis=axis, keepdims=keepdims)


def _one_hot_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (INT,))
    return (Type(types[0].vis, BOOL, (*types[0].shape, integer(params["size"], "size", 1, 1 << 20))),)


def _one_hot(b: Builder, x: Var, *, size: int) -> Var:
    """Bit by bit from the highest: a row is split into those where the bit is 0 and those where it is 1."""
    shape, width = x.type.shape, max(size - 1, 1).bit_length()
    axis = len(shape)
    bits = b.emit("bits", x)

    def bit(k: int) -> Var:
        return b.emit("slice", bits, start=k, stop=k + 1, axis=axis)

    row = b.emit("concat", b.emit("logical_not", bit(width - 1)), bit(width - 1), axis=axis)
    for k in reversed(range(width - 1)):
        ones = b.emit("logical_and", row, bit(k))
        zeros = b.emit("logical_xor", row, ones)
        n = row.type.shape[-1]
        pair = [b.emit("reshape", part, shape=(*shape, n, 1)) for part in (zeros, ones)]
        row = b.emit("reshape", b.emit("concat", *pair, axis=axis + 1), shape=(*shape, 2 * n))
    outside = b.emit("slice", bits, start=width, stop=64, axis=axis)
    inside = b.emit("logical_not", b.emit("any", outside, axis=axis, keepdims=True))
    row = b.emit("slice", row, start=0, stop=size, axis=axis)
    return b.emit("logical_and", row, inside)


@op(
    "one_hot",
    rule=_one_hot_rule,
    lower=_one_hot,
    signatures=tuple(
        Signature((INT,), (shape,), {"size": size}, low=-2.0, high=9.0)
        for shape in ((), (4,), (3, 4))
        for size in (1, 5, 8)
    ),
)
def one_hot(x: np.ndarray, *, size: int) -> Value:
    """Along a new last axis of `size` bits, the one at position x; none if x is not in 0 <= x < size."""
    return np.equal(np.asarray(x)[..., None], np.arange(size))


def _lookup_rule(types: Types, params: Parameters) -> Types:
    arity(types, 2)
    dtype_of(types[:1], NUMERIC)
    dtype_of(types[1:], (INT,))
    if len(types[0].shape) != 1 or not types[0].shape[0]:
        raise TypeRuleError("IR-0003", "a table has one dimension and an entry")
    return (Type(visibility(types), types[0].dtype, types[1].shape),)


def _lookup(b: Builder, table: Var, x: Var) -> Var:
    """The inner product of the table with the position's one-hot row."""
    size, count = table.type.shape[0], x.type.size
    row = b.emit("astype", b.emit("one_hot", x, size=size), dtype=INT)
    flat = b.emit("reshape", row, shape=(count, size))
    entries = b.emit("scale_floor", table, bits=18) if table.type.dtype == FIXED else table
    found = b.emit("reshape", b.emit("matmul", flat, entries), shape=x.type.shape)
    return b.emit("from_units", found) if table.type.dtype == FIXED else found


@op(
    "lookup",
    rule=_lookup_rule,
    lower=_lookup,
    error=Bound(),
    signatures=(
        Signature((FIXED, INT), ((8,), (4,)), low=0.0, high=7.0),
        Signature((INT, INT), ((9,), (3, 4)), low=-1.0, high=9.0),
        Signature((FIXED, INT), ((8,), ()), low=0.0, high=7.0),
    ),
)
def lookup(table: np.ndarray, x: np.ndarray) -> Value:
    """table[x], the table public or secret; 0 if x is outside."""
    inside = (x >= 0) & (x < len(table))
    return np.where(inside, np.asarray(table)[np.where(inside, x, 0)], 0)


def _top_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype, shape = dtype_of(types, NUMERIC), types[0].shape
    axis_of(0, shape)
    return (Type(types[0].vis, dtype, (*shape[:-1], integer(params["k"], "k", 1, shape[-1] + 1))),)


def _top_k(b: Builder, x: Var, *, k: int) -> Var:
    n, axis = x.type.shape[-1], len(x.type.shape) - 1
    return b.emit("take", b.emit("sort", x), indices=tuple(range(n - 1, n - 1 - k, -1)), axis=axis)


@op(
    "top_k",
    rule=_top_rule,
    lower=_top_k,
    signatures=tuple(
        Signature((dtype,), (shape,), {"k": k})
        for dtype in NUMERIC
        for shape, k in (((1,), 1), ((7,), 3), ((3, 4), 4))
    ),
)
def top_k(x: np.ndarray, *, k: int) -> Value:
    """The k largest elements along the last axis, the largest first."""
    return np.flip(np.sort(x, axis=-1), axis=-1)[..., :k]
