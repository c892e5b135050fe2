"""Bits: Boolean algebra and changes of encoding."""

from __future__ import annotations

import numpy as np

from tacit.base.errors import TypeRuleError
from tacit.base.types import BOOL, FIXED, FRACTION_BITS, INT, DType, Shape, Type
from tacit.ir.op import Bound, Signature, Value, numpy_dtype, op
from tacit.ir.program import Builder, Var
from tacit.ir.rule import Parameters, Types, arity, dtype_of, elementwise, integer

_PAIRS: tuple[tuple[Shape, Shape], ...] = (((), ()), ((4,), (4,)), ((3, 4), (4,)))
_SINGLE: tuple[Shape, ...] = ((), (4,), (3, 4))
_TWO = tuple(Signature((BOOL, BOOL), shapes) for shapes in _PAIRS)


@op("logical_and", rule=elementwise(BOOL, n=2), signatures=_TWO)
def logical_and(x: np.ndarray, y: np.ndarray) -> Value:
    """x and y."""
    return np.logical_and(x, y)


@op("logical_or", rule=elementwise(BOOL, n=2), signatures=_TWO)
def logical_or(x: np.ndarray, y: np.ndarray) -> Value:
    """x or y."""
    return np.logical_or(x, y)


@op("logical_xor", rule=elementwise(BOOL, n=2), signatures=_TWO)
def logical_xor(x: np.ndarray, y: np.ndarray) -> Value:
    """x differs from y."""
    return np.logical_xor(x, y)


@op(
    "logical_not",
    rule=elementwise(BOOL, n=1),
    signatures=tuple(Signature((BOOL,), (shape,)) for shape in _SINGLE),
)
def logical_not(x: np.ndarray) -> Value:
    """not x."""
    return np.logical_not(x)


_CASTS = {(BOOL, INT), (BOOL, FIXED), (INT, FIXED), (FIXED, INT)}


def _astype_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype = params["dtype"]
    if (types[0].dtype, dtype) not in _CASTS:
        raise TypeRuleError("IR-0002", f"no conversion to {dtype}", hint="to get a bool, compare")
    return (Type(types[0].vis, dtype, types[0].shape),)


@op(
    "astype",
    rule=_astype_rule,
    error=Bound(note="fixed to int: truncation may be off by one unit; floor is exact"),
    signatures=(
        *(
            Signature((start,), (shape,), {"dtype": end})
            for start, end in ((BOOL, INT), (BOOL, FIXED), (INT, FIXED))
            for shape in _SINGLE
        ),
        *(Signature((FIXED,), (shape,), {"dtype": INT}, error=Bound(absolute=1.0)) for shape in _SINGLE),
    ),
)
def astype(x: np.ndarray, *, dtype: DType) -> Value:
    """`x` in another encoding: bool to 0 and 1, int to the same real (|x| < 2^44), fixed to its floor."""
    rounded = np.floor(x) if dtype == INT and x.dtype.kind == "f" else x
    return np.asarray(rounded, dtype=numpy_dtype(dtype))


def _low_bit_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (INT,))
    return (Type(types[0].vis, BOOL, types[0].shape),)


@op("low_bit", rule=_low_bit_rule, signatures=tuple(Signature((INT,), (shape,)) for shape in _SINGLE))
def low_bit(x: np.ndarray) -> Value:
    """The lowest bit of a two's-complement integer: x is odd."""
    return np.asarray(np.bitwise_and(x, 1), dtype=np.bool_)


def _floor_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (FIXED,))
    return (Type(types[0].vis, INT, types[0].shape),)


def _floor(b: Builder, x: Var) -> Var:
    """The truncated value, moved by one where the rest shows that it is one off."""
    near = b.emit("scale_floor", x, bits=0)
    rest = b.emit("sub", x, b.emit("astype", near, dtype=FIXED))
    last = b.const(1.0 - 2.0**-FRACTION_BITS, FIXED)
    rows = [b.emit("reshape", part, shape=(1, *x.type.shape)) for part in (rest, b.emit("sub", last, rest))]
    outside = b.emit("less", b.emit("concat", *rows, axis=0), b.const(0.0, FIXED))
    step = b.emit("mul", b.emit("astype", outside, dtype=INT), _column((-1, 1), b, len(x.type.shape)))
    return b.emit("add", near, b.emit("sum", step, axis=(0,), keepdims=False))


def _column(values: tuple[int, ...], b: Builder, rank: int) -> Var:
    return b.const(np.reshape(values, (-1,) + (1,) * rank), INT)


@op(
    "floor",
    rule=_floor_rule,
    lower=_floor,
    signatures=(
        *(Signature((FIXED,), (shape,)) for shape in _SINGLE),
        Signature((FIXED,), ((64,),), low=-(2.0**-12), high=2.0**-12),
    ),
)
def floor(x: np.ndarray) -> Value:
    """The largest integer not above x, exactly."""
    return np.floor(x).astype(np.int64)


def _scale_floor_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (FIXED,))
    integer(params["bits"], "bits", 0, FRACTION_BITS + 1)
    return (Type(types[0].vis, INT, types[0].shape),)


@op(
    "scale_floor",
    rule=_scale_floor_rule,
    error=Bound(absolute=1.0, note="truncation may be off by one unit; exact for bits = 18"),
    signatures=(
        *(Signature((FIXED,), (shape,), {"bits": bits}) for bits in (0, 8) for shape in _SINGLE),
        *(Signature((FIXED,), (shape,), {"bits": FRACTION_BITS}, error=Bound()) for shape in _SINGLE),
    ),
)
def scale_floor(x: np.ndarray, *, bits: int) -> Value:
    """floor(x * 2^bits) as int, 0 <= bits <= 18."""
    return np.floor(np.ldexp(x, bits)).astype(np.int64)
