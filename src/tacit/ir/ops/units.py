"""Ring elements as integers: their bits, shifts, and fixed point read as the integer that encodes it.

The functions of `exponential`, `division`, `roots` and `nonlinear` compute on these, with as many fraction
bits as they need, and shift once at the end.
"""

from __future__ import annotations

import numpy as np

from tacit.base.errors import TypeRuleError
from tacit.base.types import BOOL, FIXED, FRACTION_BITS, INT, RING_BITS, Shape, Type
from tacit.ir.op import Bound, Signature, Value, op
from tacit.ir.program import Builder, Var
from tacit.ir.rule import Parameters, Types, arity, broadcast, dtype_of, integer, visibility

_SINGLE: tuple[Shape, ...] = ((), (4,), (3, 4))


def _bits_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (INT,))
    return (Type(types[0].vis, BOOL, (*types[0].shape, RING_BITS)),)


@op(
    "bits",
    rule=_bits_rule,
    signatures=tuple(Signature((INT,), (shape,), low=-(2.0**60), high=2.0**60) for shape in _SINGLE),
)
def bits(x: np.ndarray) -> Value:
    """The 64 bits of a two's-complement integer along a new last axis, lowest first."""
    places = np.arange(RING_BITS, dtype=np.int64)
    return np.asarray(np.asarray(x, dtype=np.int64)[..., None] >> places & 1, dtype=np.bool_)


def _parity_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (BOOL,))
    if not types[0].shape:
        raise TypeRuleError("IR-0003", "a scalar has no last axis")
    return (Type(types[0].vis, BOOL, types[0].shape[:-1]),)


@op(
    "parity",
    rule=_parity_rule,
    signatures=(Signature((BOOL,), ((5,),)), Signature((BOOL,), ((3, 4),)), Signature((BOOL,), ((3, 1),))),
)
def parity(x: np.ndarray) -> Value:
    """The exclusive or along the last axis; free in every scheme."""
    return np.logical_xor.reduce(x, axis=-1)


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


def polynomial(b: Builder, powers: list[Var], coefficients: tuple[int, ...], fraction: int) -> Var:
    """c_0 + c_1 u + c_2 u^2 … for powers of u with `fraction` fraction bits, added to those of c; free."""
    total = b.const(coefficients[0] << fraction, INT)
    for power, coefficient in zip(powers, coefficients[1:], strict=True):
        total = b.emit("add", times_constant(b, power, coefficient), total)
    return total


def powers(b: Builder, u: Var, degree: int, fraction: int) -> list[Var]:
    """u, u^2 … u^degree for u with `fraction` fraction bits; as deep as the logarithm of the degree."""
    result = [u]
    for k in range(2, degree + 1):
        result.append(b.emit("mul_shift", result[(k + 1) // 2 - 1], result[k // 2 - 1], bits=fraction))
    return result


def shift_left(b: Builder, x: Var, places: list[Var]) -> Var:
    """x * 2^s for the number s whose bits, lowest first, are `places` (secret); one select for each."""
    for k in reversed(range(len(places))):
        x = b.emit("select", places[k], times_constant(b, x, 1 << (1 << k)), x)
    return x


def number(b: Builder, places: list[Var]) -> Var:
    """The number with these bits, lowest first."""
    rows = [b.emit("reshape", place, shape=(1, *place.type.shape)) for place in places]
    whole = b.emit("astype", b.emit("concat", *rows, axis=0), dtype=INT)
    weights = b.const(
        np.reshape([1 << k for k in range(len(places))], (-1,) + (1,) * (len(rows[0].type.shape) - 1)), INT
    )
    return b.emit("sum", b.emit("mul", whole, weights), axis=(0,), keepdims=False)
