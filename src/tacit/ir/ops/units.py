"""Ring elements as integers: their bits, shifts, and fixed point read as the integer that encodes it.

The functions of `exponential`, `division`, `roots` and `nonlinear` compute on these, with as many fraction
bits as they need, and shift once at the end.
"""

from __future__ import annotations

import numpy as np

from tacit.base.types import BOOL, FIXED, FRACTION_BITS, INT, RING_BITS, Shape, Type
from tacit.ir.op import Bound, Signature, Value, op
from tacit.ir.program import Builder, Var
from tacit.ir.rule import Parameters, Types, arity, axis_of, broadcast, dtype_of, integer, reduced, visibility

_SINGLE: tuple[Shape, ...] = ((), (4,), (3, 4))


def _bits_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (INT,))
    low = integer(params["low"], "low", 0, RING_BITS)
    high = integer(params["high"], "high", low + 1, RING_BITS + 1)
    return (Type(types[0].vis, BOOL, (high - low, *types[0].shape)),)


@op(
    "bits",
    rule=_bits_rule,
    signatures=(
        *(
            Signature((INT,), (shape,), {"low": 0, "high": 64}, low=-(2.0**60), high=2.0**60)
            for shape in _SINGLE
        ),
        Signature((INT,), ((70,),), {"low": 5, "high": 9}, low=-1e6, high=1e6),
        Signature((INT,), ((3, 4),), {"low": 0, "high": 1}),
        Signature((INT,), ((5,),), {"low": 0, "high": 2}),
        Signature((INT,), ((5,),), {"low": 63, "high": 64}),
    ),
)
def bits(x: np.ndarray, *, low: int, high: int) -> Value:
    """Bits low to high - 1 of a two's-complement integer along a new first axis, lowest first."""
    places = np.arange(low, high, dtype=np.int64).reshape(-1, *(1,) * np.ndim(x))
    return np.asarray(np.asarray(x, dtype=np.int64)[None] >> places & 1, dtype=np.bool_)


def _parity_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (BOOL,))
    axis = axis_of(params["axis"], types[0].shape)
    return (Type(types[0].vis, BOOL, reduced(types[0].shape, (axis,), False)),)


@op(
    "parity",
    rule=_parity_rule,
    signatures=(
        Signature((BOOL,), ((5,),), {"axis": 0}),
        Signature((BOOL,), ((3, 4),), {"axis": 1}),
        Signature((BOOL,), ((2, 3, 4),), {"axis": 1}),
    ),
)
def parity(x: np.ndarray, *, axis: int) -> Value:
    """The exclusive or along `axis`; free in every scheme."""
    return np.logical_xor.reduce(x, axis=axis)


def _places(params: Parameters) -> None:
    integer(params["bits"], "bits", 0, RING_BITS - 1)


def _shift_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (INT,))
    _places(params)
    return types


@op(
    "shift_right",
    rule=_shift_rule,
    error=Bound(absolute=1.0, note="truncation may be off by one unit"),
    signatures=tuple(
        Signature((INT,), (shape,), {"bits": places}, low=-(2.0**50), high=2.0**50)
        for shape in _SINGLE
        for places in (0, 7, 30)
    ),
)
def shift_right(x: np.ndarray, *, bits: int) -> Value:
    """floor(x / 2^bits), for |x| < 2^62."""
    return np.right_shift(x, bits)


def _mul_shift_rule(types: Types, params: Parameters) -> Types:
    arity(types, 2)
    dtype_of(types, (INT,))
    _places(params)
    return (Type(visibility(types), INT, broadcast(types)),)


@op(
    "mul_shift",
    rule=_mul_shift_rule,
    error=Bound(absolute=1.0, note="truncation may be off by one unit"),
    signatures=tuple(
        Signature((INT, INT), shapes, {"bits": places}, low=-(2.0**28), high=2.0**28)
        for shapes in (((), ()), ((4,), (4,)), ((3, 4), (4,)))
        for places in (0, 28)
    ),
)
def mul_shift(x: np.ndarray, y: np.ndarray, *, bits: int) -> Value:
    """floor(x y / 2^bits), for |x y| < 2^62: a product of integers that carry fraction bits."""
    return np.right_shift(np.multiply(x, y), bits)


def _from_units_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (INT,))
    return (Type(types[0].vis, FIXED, types[0].shape),)


@op(
    "from_units",
    rule=_from_units_rule,
    signatures=tuple(Signature((INT,), (shape,), low=-(2.0**40), high=2.0**40) for shape in _SINGLE),
)
def from_units(x: np.ndarray) -> Value:
    """x * 2^-18 as a real: the integer becomes the encoding; free in every scheme."""
    return np.ldexp(np.asarray(x, dtype=np.float64), -FRACTION_BITS)


# --- pieces of lowerings ------------------------------------------------------------------------------


def units(b: Builder, x: Var) -> Var:
    """The integer that encodes a real; free."""
    return b.emit("scale_floor", x, bits=FRACTION_BITS)


def times_constant(b: Builder, x: Var, factor: int) -> Var:
    """An integer times a public one; free."""
    return b.emit("mul", x, b.const(factor, INT))


def powers(b: Builder, u: Var, degree: int, fraction: int) -> list[Var]:
    """u, u^2 … u^degree for u with `fraction` fraction bits; as deep as the logarithm of the degree."""
    result = [u]
    for k in range(2, degree + 1):
        result.append(b.emit("mul_shift", result[(k + 1) // 2 - 1], result[k // 2 - 1], bits=fraction))
    return result


def flat(b: Builder, x: Var) -> Var:
    """The units of a real, in one dimension."""
    return b.emit("reshape", units(b, x), shape=(x.type.size,))


def shaped(b: Builder, x: Var, shape: Shape) -> Var:
    """`flat` backwards."""
    return b.emit("from_units", b.emit("reshape", x, shape=shape))


def plus(b: Builder, x: Var, constant: int) -> Var:
    """An integer and a public one."""
    return b.emit("add", x, b.const(constant, INT))


def row(b: Builder, x: Var, k: int) -> Var:
    """x[k]."""
    return b.emit("reshape", b.emit("slice", x, start=k, stop=k + 1, axis=0), shape=x.type.shape[1:])


def combined(b: Builder, weights: np.ndarray, x: Var) -> Var:
    """weights [m, k] @ x [k, n] for public whole weights; free, once bits are numbers."""
    whole = b.emit("astype", x, dtype=INT) if x.type.dtype == BOOL else x
    return b.emit("matmul", b.const(weights, INT), whole)
