"""Secret positions: as one bit in a row, and as what stands there in a table.

The bits of a position are split in two halves, each half becomes a one-hot row by ANDs, and the two rows
together name the place: a table of n entries needs some 2 sqrt(n) conversions and sqrt(n) selections.
"""

from __future__ import annotations

import numpy as np

from tacit.base.errors import TypeRuleError
from tacit.base.types import BOOL, FIXED, FRACTION_BITS, INT, Type
from tacit.ir.op import Signature, Value, op
from tacit.ir.ops.select import stacked
from tacit.ir.program import Builder, Var
from tacit.ir.rule import NUMERIC, Parameters, Types, arity, dtype_of, integer, visibility


def _inside(b: Builder, x: Var, size: int) -> Var:
    """Whether 0 <= x < size: at most one of two comparisons fails."""
    room = stacked(b, x, b.emit("sub", b.const(size - 1, INT), x))
    outside = b.emit("less", room, b.const(0, INT))
    return b.emit("logical_not", b.emit("parity", outside, axis=0))


def _spread(b: Builder, bits: Var) -> Var:
    """Row k of the result [2^w, n]: whether the bits [w, n], lowest first, spell k."""
    width, n = bits.type.shape
    if width == 1:
        return b.emit("concat", b.emit("logical_not", bits), bits, axis=0)
    half = width // 2
    low, high = (
        _spread(b, b.emit("slice", bits, start=start, stop=stop, axis=0))
        for start, stop in ((0, half), (half, width))
    )
    return b.emit("reshape", _pairs(b, low, high), shape=(1 << width, n))


def _pairs(b: Builder, low: Var, high: Var) -> Var:
    """[high rows, low rows, n]: both."""
    n = low.type.shape[-1]
    left = b.emit("reshape", high, shape=(high.type.shape[0], 1, n))
    return b.emit("logical_and", left, b.emit("reshape", low, shape=(1, low.type.shape[0], n)))


def _halves(b: Builder, x: Var, size: int) -> tuple[Var, Var]:
    """One-hot rows of the lower and the upper half of the bits of x; no upper row holds if x is outside."""
    n, width = x.type.size, max(size - 1, 1).bit_length()
    bits, split = b.emit("bits", x, low=0, high=width), (width + 1) // 2
    inside = b.emit("reshape", _inside(b, x, size), shape=(1, n))
    low = _spread(b, b.emit("slice", bits, start=0, stop=split, axis=0))
    if split == width:
        return low, inside
    high = _spread(b, b.emit("slice", bits, start=split, stop=width, axis=0))
    return low, b.emit("logical_and", high, inside)


def _one_hot_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (INT,))
    return (Type(types[0].vis, BOOL, (*types[0].shape, integer(params["size"], "size", 1, 1 << 20))),)


def _one_hot(b: Builder, x: Var, *, size: int) -> Var:
    n = x.type.size
    low, high = _halves(b, b.emit("reshape", x, shape=(n,)), size)
    rows = b.emit("reshape", _pairs(b, low, high), shape=(low.type.shape[0] * high.type.shape[0], n))
    rows = b.emit("slice", rows, start=0, stop=size, axis=0)
    columns = b.emit("permute_dims", rows, axes=(1, 0))
    return b.emit("reshape", columns, shape=(*x.type.shape, size))


@op(
    "one_hot",
    rule=_one_hot_rule,
    lower=_one_hot,
    signatures=tuple(
        Signature((INT,), (shape,), {"size": size}, low=-2.0, high=21.0)
        for shape in ((), (4,), (3, 4))
        for size in (1, 5, 8, 19)
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
    """The table, folded to [upper, lower], times the lower half's row; of that the upper half selects."""
    size = table.type.shape[0]
    low, high = _halves(b, b.emit("reshape", x, shape=(x.type.size,)), size)
    entries = b.emit("scale_floor", table, bits=FRACTION_BITS) if table.type.dtype == FIXED else table
    rows, columns = high.type.shape[0], low.type.shape[0]
    if rows * columns > size:
        rest = b.const(np.zeros(rows * columns - size, np.int64), INT)
        entries = b.emit("concat", entries, rest, axis=0)
    folded = b.emit("reshape", entries, shape=(rows, columns))
    found = b.emit("matmul", folded, b.emit("astype", low, dtype=INT))
    chosen = b.emit("select", high, found, b.const(0, INT))
    flat = b.emit("sum", chosen, axis=(0,), keepdims=False)
    result = b.emit("reshape", flat, shape=x.type.shape)
    return b.emit("from_units", result) if table.type.dtype == FIXED else result


@op(
    "lookup",
    rule=_lookup_rule,
    lower=_lookup,
    signatures=(
        Signature((FIXED, INT), ((8,), (4,)), low=0.0, high=7.0),
        Signature((INT, INT), ((9,), (3, 4)), low=-1.0, high=9.0),
        Signature((FIXED, INT), ((8,), ()), low=0.0, high=7.0),
        Signature((FIXED, INT), ((1,), (6,)), low=-1.0, high=1.0),
        Signature((FIXED, INT), ((100,), (50,)), low=-1.0, high=101.0),
    ),
)
def lookup(table: np.ndarray, x: np.ndarray) -> Value:
    """table[x], the table public or secret; 0 if x is outside."""
    inside = (x >= 0) & (x < len(table))
    return np.where(inside, np.asarray(table)[np.where(inside, x, 0)], 0)
