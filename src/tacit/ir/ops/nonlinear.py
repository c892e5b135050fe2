"""Functions that flatten out: quartics and quintics of |x| between knots, a constant beyond the last one.

The pieces are linear in the powers of u = |x| / scale: each is computed locally, and only the choice among
them is interactive. Beyond the last knot nothing is chosen, so powers of u that no longer fit the ring do not
matter: x need not be clipped. Powers carry 24 fraction bits, coefficients 20; one shift at the end leaves 18.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tacit.base.types import FIXED, FRACTION_BITS, INT, Shape
from tacit.ir.op import Bound, Signature, Value, op
from tacit.ir.ops.select import stacked, zero
from tacit.ir.ops.units import powers, times_constant, units
from tacit.ir.program import Builder, Var
from tacit.ir.rule import elementwise, predicate

POWER_BITS = 24
COEFFICIENT_BITS = 20


@dataclass(frozen=True)
class Pieces:
    """`coefficients[k]`: of 1, u, u^2 …, in units of 2^-20, up to `knots[k]`; `last` (a whole number) beyond.

    Derivation (re-run by tests/ir/test_tables.py): from 0, each piece reaches as far as the best uniform
    polynomial stays within 2^-15; coefficients are then rounded one by one from the highest, refitting the
    rest. Beyond the last knot the constant is within 2^-15. Truncations add a unit of 2^-18 and less.
    """

    scale: int
    knots: tuple[float, ...]
    coefficients: tuple[tuple[int, ...], ...]
    last: int


SIGMOID = Pieces(
    4,
    (2.078125, 5.28125, 10.40625),
    (
        (524256, 1049707, 6323, -1611308, 1188625),
        (459501, 1590038, -1711231, 859380, -167992),
        (893194, 275621, -184958, 55442, -6246),
    ),
    1,
)
TANH = Pieces(
    2,
    (1.0625, 3.46875, 5.546875),
    (
        (31, 2092703, 104044, -3682799, 3348521, -728492),
        (-185708, 3519060, -4219078, 2630176, -844324, 110750),
        (765428, 545027, -424964, 167303, -33180, 2647),
    ),
    1,
)
GAUSSIAN_TAIL = Pieces(
    2,
    (1.640625, 3.46875, 4.6),
    (
        (-31, 1050519, -1690897, 27375, 1278496, -622398),
        (121357, 825977, -2291645, 2119369, -857446, 130121),
        (774287, -1715459, 1528499, -684250, 153814, -13883),
    ),
    0,
)
"""u (1 - Phi(u)): what the GELU lacks of max(x, 0)."""


def _evaluate(b: Builder, table: Pieces, size: Var) -> Var:
    """The table's function of |x|, for |x| in units; in units."""
    shape, count = size.type.shape, size.type.size
    knots = np.rint(np.ldexp(np.reshape(table.knots, (-1,) + (1,) * len(shape)), FRACTION_BITS))
    below = b.emit("less", stacked(b, size), b.const(knots.astype(np.int64), INT))

    raised = POWER_BITS - FRACTION_BITS - table.scale.bit_length() + 1
    u = times_constant(b, size, 1 << raised)
    degree = len(table.coefficients[0]) - 1
    rows = [stacked(b, power) for power in powers(b, u, degree, POWER_BITS)]
    flat = b.emit("reshape", b.emit("concat", *rows, axis=0), shape=(degree, count))

    one = 1 << (POWER_BITS + COEFFICIENT_BITS)
    beyond = (table.last << COEFFICIENT_BITS,) + (0,) * degree
    pieces = np.array([*table.coefficients, beyond], dtype=np.int64)
    steps = pieces[:-1] - pieces[1:]
    varying = b.emit("matmul", b.const(steps[:, 1:], INT), flat)
    gains = b.emit("add", varying, b.const(steps[:, :1] << POWER_BITS, INT))
    gains = b.emit("reshape", gains, shape=(len(steps), *shape))
    chosen = b.emit("sum", b.emit("select", below, gains, zero(b, INT)), axis=(0,), keepdims=False)
    total = b.emit("add", chosen, b.const(table.last * one, INT))
    return b.emit("shift_right", total, bits=POWER_BITS + COEFFICIENT_BITS - FRACTION_BITS)


def _magnitude(b: Builder, x: Var) -> tuple[Var, Var, Var]:
    """(x < 0, x, |x|), numbers in units."""
    whole = units(b, x)
    negative = b.emit("less", whole, zero(b, INT))
    return negative, whole, b.emit("select", negative, b.emit("neg", whole), whole)


def _sigmoid(b: Builder, x: Var) -> Var:
    """The sigmoid of |x|, or 1 less that."""
    negative, _, size = _magnitude(b, x)
    half = _evaluate(b, SIGMOID, size)
    mirrored = b.emit("sub", b.const(1 << FRACTION_BITS, INT), half)
    return b.emit("from_units", b.emit("select", negative, mirrored, half))


def _tanh(b: Builder, x: Var) -> Var:
    negative, _, size = _magnitude(b, x)
    half = _evaluate(b, TANH, size)
    return b.emit("from_units", b.emit("select", negative, b.emit("neg", half), half))


def _gelu(b: Builder, x: Var) -> Var:
    """max(x, 0) less the tail of |x|."""
    negative, whole, size = _magnitude(b, x)
    tail = _evaluate(b, GAUSSIAN_TAIL, size)
    return b.emit("from_units", b.emit("sub", b.emit("select", negative, zero(b, INT), whole), tail))


_SINGLE: tuple[Shape, ...] = ((), (4,), (3, 4))
_WHOLE_LINE = (
    *(Signature((FIXED,), (shape,)) for shape in _SINGLE),
    Signature((FIXED,), ((64,),), low=-14.0, high=14.0),
    Signature((FIXED,), ((8,),), low=-4e6, high=4e6),
)
_FLAT = Bound(absolute=2.0**-14, note="for |x| < 2^43; 2^-14.8 and a unit by construction")


@op("sigmoid", rule=elementwise(FIXED, n=1), lower=_sigmoid, error=_FLAT, signatures=_WHOLE_LINE)
def sigmoid(x: np.ndarray) -> Value:
    """1 / (1 + exp(-x))."""
    tail = np.exp(-np.abs(x))
    return np.where(x < 0, tail, 1.0) / (1.0 + tail)


@op("tanh", rule=elementwise(FIXED, n=1), lower=_tanh, error=_FLAT, signatures=_WHOLE_LINE)
def tanh(x: np.ndarray) -> Value:
    """The hyperbolic tangent."""
    return np.tanh(x)


@op("gelu", rule=elementwise(FIXED, n=1), lower=_gelu, error=_FLAT, signatures=_WHOLE_LINE)
def gelu(x: np.ndarray) -> Value:
    """x Phi(x), Phi the standard normal distribution."""
    normal = np.vectorize(lambda z: math.erfc(-z / math.sqrt(2)) / 2, otypes=[float])
    return np.asarray(x) * normal(x)


@op(
    "isfinite",
    rule=predicate(FIXED, n=1),
    signatures=tuple(Signature((FIXED,), (shape,), low=0.5, high=8.0) for shape in _SINGLE),
)
def isfinite(x: np.ndarray) -> Value:
    """Whether x is a number: neither missing nor infinite."""
    return np.isfinite(x)
