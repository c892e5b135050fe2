"""Functions that flatten out: quartics and quintics of |x| between knots, a constant beyond the last one.

The pieces are linear in the powers of u = |x| / scale: each is computed locally, and only the choice among
them is interactive. Beyond the last knot nothing is chosen, so powers of u that no longer fit the ring do not
matter: x need not be clipped. Powers carry 24 fraction bits, coefficients 20; one shift at the end leaves 18.

Two lowerings. By the sign: |x| is found first, then compared with half of the knots. By `below`: x < 0 has
the pieces of -u, and x is compared with all knots at once while its powers are computed. That halves the
rounds; it is for schemes in which a further knot costs little.
"""

from __future__ import annotations

import math
from collections.abc import Callable
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

    @property
    def rows(self) -> np.ndarray:
        """[pieces + 1, degree + 1]: the last one is what holds beyond all knots."""
        beyond = (self.last << COEFFICIENT_BITS,) + (0,) * (len(self.coefficients[0]) - 1)
        return np.array([*self.coefficients, beyond], dtype=np.int64)

    @property
    def places(self) -> np.ndarray:
        """The knots in units."""
        return np.rint(np.ldexp(self.knots, FRACTION_BITS)).astype(np.int64)


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
TANH_GELU_TAIL = Pieces(
    2,
    (1.625, 3.484375, 4.1875),
    (
        (-30, 1050494, -1691061, 29834, 1278238, -624988),
        (101061, 904240, -2401956, 2189855, -877720, 132151),
        (1016524, -2344331, 2175241, -1014674, 237856, -22408),
    ),
    0,
)
"""The same for the GELU by tanh."""


def _chosen(b: Builder, table: Pieces, x: Var, below: Var, rows: np.ndarray) -> Var:
    """The row of coefficients [pieces + 1, degree + 1] that `below` selects for every x, at u = x / scale.

    x in units, `below[k]`: whether x lies below the k-th of the ascending knots between the rows. In units.
    """
    shape, count, degree = x.type.shape, x.type.size, rows.shape[1] - 1
    raised = POWER_BITS - FRACTION_BITS - table.scale.bit_length() + 1
    u = times_constant(b, x, 1 << raised)
    stack = [stacked(b, power) for power in powers(b, u, degree, POWER_BITS)]
    flat = b.emit("reshape", b.emit("concat", *stack, axis=0), shape=(degree, count))

    steps = rows[:-1] - rows[1:]
    varying = b.emit("matmul", b.const(steps[:, 1:], INT), flat)
    gains = b.emit("add", varying, b.const(steps[:, :1] << POWER_BITS, INT))
    gains = b.emit("reshape", gains, shape=(len(steps), *shape))
    chosen = b.emit("sum", b.emit("select", below, gains, zero(b, INT)), axis=(0,), keepdims=False)
    total = b.emit("add", chosen, b.const(int(rows[-1, 0]) << POWER_BITS, INT))
    return b.emit("shift_right", total, bits=POWER_BITS + COEFFICIENT_BITS - FRACTION_BITS)


def _by_sign(b: Builder, table: Pieces, x: Var) -> tuple[Var, Var, Var]:
    """(x < 0, x, the table's function of |x|), numbers in units."""
    whole = units(b, x)
    negative = b.emit("less", whole, zero(b, INT))
    size = b.emit("select", negative, b.emit("neg", whole), whole)
    knots = np.reshape(table.places, (-1,) + (1,) * len(x.type.shape))
    below = b.emit("less", stacked(b, size), b.const(knots, INT))
    return negative, whole, _chosen(b, table, size, below, table.rows)


def _by_below(b: Builder, table: Pieces, x: Var, mirrored: np.ndarray) -> tuple[Var, Var, Var]:
    """The same without |x|: of x < 0 too, where the function has the pieces `mirrored` [pieces + 1, ...]."""
    whole = units(b, x)
    knots = np.concatenate([-table.places[::-1], [0], table.places])
    below = b.emit("below", whole, limits=tuple(int(knot) for knot in knots))
    negative = b.emit(
        "reshape",
        b.emit("slice", below, start=len(knots) // 2, stop=len(knots) // 2 + 1, axis=0),
        shape=x.type.shape,
    )
    return negative, whole, _chosen(b, table, whole, below, np.concatenate([mirrored[::-1], table.rows]))


def _reflected(rows: np.ndarray) -> np.ndarray:
    """The coefficients of p(-u)."""
    signs = np.array([(-1) ** power for power in range(rows.shape[1])])
    return np.asarray(rows * signs)


def _sigmoid(b: Builder, x: Var) -> Var:
    """The sigmoid of |x|, or 1 less that."""
    negative, _, half = _by_sign(b, SIGMOID, x)
    mirrored = b.emit("sub", b.const(1 << FRACTION_BITS, INT), half)
    return b.emit("from_units", b.emit("select", negative, mirrored, half))


def _sigmoid_by_below(b: Builder, x: Var) -> Var:
    rows = -_reflected(SIGMOID.rows)
    rows[:, 0] += 1 << COEFFICIENT_BITS
    return b.emit("from_units", _by_below(b, SIGMOID, x, rows)[2])


def _tanh(b: Builder, x: Var) -> Var:
    negative, _, half = _by_sign(b, TANH, x)
    return b.emit("from_units", b.emit("select", negative, b.emit("neg", half), half))


def _tanh_by_below(b: Builder, x: Var) -> Var:
    return b.emit("from_units", _by_below(b, TANH, x, -_reflected(TANH.rows))[2])


def _ramp_less(tail: Pieces) -> Callable[[Builder, Var], Var]:
    """max(x, 0) less the tail of |x|."""
    return lambda b, x: _ramp(b, *_by_sign(b, tail, x))


def _ramp_less_by_below(tail: Pieces) -> Callable[[Builder, Var], Var]:
    return lambda b, x: _ramp(b, *_by_below(b, tail, x, _reflected(tail.rows)))


def _ramp(b: Builder, negative: Var, whole: Var, tail: Var) -> Var:
    return b.emit("from_units", b.emit("sub", b.emit("select", negative, zero(b, INT), whole), tail))


_SINGLE: tuple[Shape, ...] = ((), (4,), (3, 4))
_WHOLE_LINE = (
    *(Signature((FIXED,), (shape,)) for shape in _SINGLE),
    Signature((FIXED,), ((64,),), low=-14.0, high=14.0),
    Signature((FIXED,), ((8,),), low=-4e6, high=4e6),
)
_FLAT = Bound(absolute=2.0**-14, note="for |x| < 2^43; 2^-14.8 and a unit by construction")


@op(
    "sigmoid",
    rule=elementwise(FIXED, n=1),
    lower=_sigmoid,
    lower_by_below=_sigmoid_by_below,
    error=_FLAT,
    signatures=_WHOLE_LINE,
)
def sigmoid(x: np.ndarray) -> Value:
    """1 / (1 + exp(-x))."""
    tail = np.exp(-np.abs(x))
    return np.where(x < 0, tail, 1.0) / (1.0 + tail)


@op(
    "tanh",
    rule=elementwise(FIXED, n=1),
    lower=_tanh,
    lower_by_below=_tanh_by_below,
    error=_FLAT,
    signatures=_WHOLE_LINE,
)
def tanh(x: np.ndarray) -> Value:
    """The hyperbolic tangent."""
    return np.tanh(x)


@op(
    "gelu",
    rule=elementwise(FIXED, n=1),
    lower=_ramp_less(GAUSSIAN_TAIL),
    lower_by_below=_ramp_less_by_below(GAUSSIAN_TAIL),
    error=_FLAT,
    signatures=_WHOLE_LINE,
)
def gelu(x: np.ndarray) -> Value:
    """x Phi(x), Phi the standard normal distribution."""
    normal = np.vectorize(lambda z: math.erfc(-z / math.sqrt(2)) / 2, otypes=[float])
    return np.asarray(x) * normal(x)


@op(
    "gelu_tanh",
    rule=elementwise(FIXED, n=1),
    lower=_ramp_less(TANH_GELU_TAIL),
    lower_by_below=_ramp_less_by_below(TANH_GELU_TAIL),
    error=_FLAT,
    signatures=_WHOLE_LINE,
)
def gelu_tanh(x: np.ndarray) -> Value:
    """x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, the form of the GELU that is within 2^-11 of it."""
    return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))


@op(
    "isfinite",
    rule=predicate(FIXED, n=1),
    signatures=tuple(Signature((FIXED,), (shape,), low=0.5, high=8.0) for shape in _SINGLE),
)
def isfinite(x: np.ndarray) -> Value:
    """Whether x is a number: neither missing nor infinite."""
    return np.isfinite(x)
