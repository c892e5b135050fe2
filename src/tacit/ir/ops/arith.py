"""Addition, multiplication and what is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tacit.base.errors import TypeRuleError
from tacit.base.types import FIXED, FRACTION_BITS, INT, RING_BITS, DType, Shape, Type
from tacit.ir.op import Bound, Signature, Value, op
from tacit.ir.program import Builder, Var
from tacit.ir.rule import (
    NUMERIC,
    Parameters,
    Types,
    arity,
    broadcast,
    dtype_of,
    elementwise,
    integer,
    visibility,
)

ULP = 2.0**-FRACTION_BITS
PRODUCT = Bound(absolute=2 * ULP, note="one truncation, exact to one unit in the last place")

_PAIRS: tuple[tuple[Shape, Shape], ...] = (
    ((), ()),
    ((4,), (4,)),
    ((3, 4), (3, 4)),
    ((3, 4), (4,)),
    ((3, 1), (1, 4)),
)
_SINGLE: tuple[Shape, ...] = ((), (4,), (3, 4))


def _pairs(*dtypes: tuple[DType, DType]) -> tuple[Signature, ...]:
    return tuple(Signature(pair, shapes) for pair in dtypes for shapes in _PAIRS)


def _single(*dtypes: DType) -> tuple[Signature, ...]:
    return tuple(Signature((dtype,), (shape,)) for dtype in dtypes for shape in _SINGLE)


@op("add", rule=elementwise(*NUMERIC, n=2), signatures=_pairs((FIXED, FIXED), (INT, INT)))
def add(x: np.ndarray, y: np.ndarray) -> Value:
    """x + y."""
    return np.add(x, y)


@op("sub", rule=elementwise(*NUMERIC, n=2), signatures=_pairs((FIXED, FIXED), (INT, INT)))
def sub(x: np.ndarray, y: np.ndarray) -> Value:
    """x - y."""
    return np.subtract(x, y)


@op("neg", rule=elementwise(*NUMERIC, n=1), signatures=_single(FIXED, INT))
def neg(x: np.ndarray) -> Value:
    """-x."""
    return np.negative(x)


def _mul_rule(types: Types, params: Parameters) -> Types:
    arity(types, 2)
    kinds = {t.dtype for t in types}
    if not kinds <= set(NUMERIC):
        raise TypeRuleError("IR-0002", "inputs must be fixed or int", hint="bool: use select")
    return (Type(visibility(types), FIXED if FIXED in kinds else INT, broadcast(types)),)


@op(
    "mul",
    rule=_mul_rule,
    error=PRODUCT,
    signatures=_pairs((FIXED, FIXED), (INT, INT), (FIXED, INT), (INT, FIXED)),
)
def mul(x: np.ndarray, y: np.ndarray) -> Value:
    """x * y; fixed times int is fixed and exact."""
    return np.multiply(x, y)


@op("square", rule=elementwise(*NUMERIC, n=1), error=PRODUCT, signatures=_single(FIXED, INT))
def square(x: np.ndarray) -> Value:
    """x * x."""
    return np.square(x)


def _matmul_rule(types: Types, params: Parameters) -> Types:
    arity(types, 2)
    dtype = dtype_of(types, NUMERIC)
    integer(params.get("private_bits", RING_BITS), "private_bits", 1, RING_BITS + 1)
    x, y = types[0].shape, types[1].shape
    if (len(x), len(y)) not in ((2, 2), (2, 1), (1, 1)) or x[-1] != y[0]:
        raise TypeRuleError("IR-0003", "shapes must be [n,k] and [k,m], [n,k] and [k], or [k] and [k]")
    return (Type(visibility(types), dtype, x[:-1] + y[1:]),)


@op(
    "matmul",
    rule=_matmul_rule,
    error=PRODUCT,
    signatures=tuple(
        Signature((dtype, dtype), shapes)
        for dtype in NUMERIC
        for shapes in (((3, 4), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((1, 1), (1, 1)))
    ),
)
def matmul(x: np.ndarray, y: np.ndarray, *, private_bits: int = RING_BITS) -> Value:
    """x @ y; fixed products are truncated once, after summation.

    `private_bits`: bits, with the sign, of a factor that one party knows, as the range pass has proved.
    """
    return np.matmul(x, y)


def times(builder: Builder, x: Var, factor: Any) -> Var:
    """x * factor for public factors of any magnitude, each rounded to a relative error of 2^-16 at most.

    A small factor has few bits in fixed point, so it is applied as powers of two and a mantissa.
    """
    factors = np.asarray(factor, dtype=np.float64)
    if np.all(factors == np.rint(factors)) and np.all(np.abs(factors) < 2.0**31):
        return _mul(builder, x, builder.const(factors.astype(np.int64), INT))
    while np.all(np.isfinite(factors)) and not np.all(well_encoded(factors)):
        step = np.where(well_encoded(factors), 0, np.clip(np.frexp(factors)[1], -FRACTION_BITS, 0))
        x = _mul(builder, x, builder.const(np.ldexp(1.0, step), FIXED))
        factors = np.ldexp(factors, -step)
    return _mul(builder, x, builder.const(factors, FIXED))


def well_encoded(factors: np.ndarray) -> np.ndarray:
    """Which factors the fixed-point encoding holds to a relative error of 2^-16."""
    scaled = np.ldexp(factors, FRACTION_BITS)
    return np.asarray((np.abs(factors) >= 0.125) | (scaled == np.rint(scaled)))


def _mul(builder: Builder, x: Var, y: Var) -> Var:
    return builder.emit("mul", x, y)
