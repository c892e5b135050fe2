"""Functions that are not polynomials: approximated where a lowering exists, else for plaintext only.

`divide exp log sqrt isfinite` have no lowering yet: one party computes them alone on what it knows.
"""

from __future__ import annotations

import numpy as np

from tacit.base.types import FIXED, FRACTION_BITS, Shape
from tacit.ir.op import Bound, Signature, Value, op
from tacit.ir.ops.select import stacked, zero
from tacit.ir.program import Builder, Var
from tacit.ir.rule import elementwise, predicate

SIGMOID_SCALE = 4
SIGMOID_KNOTS = (2.078125, 5.28125, 10.40625)
SIGMOID_PIECES = (
    (131064, 262427, 1580, -402825, 297155),
    (114875, 397510, -427808, 214845, -41998),
    (223301, 68897, -46231, 13857, -1561),
    (262144, 0, 0, 0, 0),
)
"""Row k: coefficients, in units of 2^-18, of 1, u … u^4 with u = |x|/4, up to knot k; the last row beyond.

Derivation (re-run by tests/ir/test_sigmoid.py): from 0, each piece reaches as far as the best uniform quartic
stays within 2^-15 of the sigmoid; coefficients are then rounded one by one from the highest, refitting the
rest; beyond T = 10.41 > ln(2^15), 1 is within 2^-15. Truncations add at most 2^-14.2 - 2^-15 on dense grids.
"""


def _sigmoid(b: Builder, x: Var) -> Var:
    """Two comparisons deep. The pieces are linear in the powers of u: each is computed locally, and only the
    choice among them is interactive. Beyond the last knot nothing is chosen, so powers of u that no longer
    fit the encoding do not matter: x need not be clipped."""
    rank, size = len(x.type.shape), x.type.size
    negative = b.emit("less", x, zero(b, FIXED))
    scaled = b.emit("mul", x, b.const(1 / SIGMOID_SCALE, FIXED))
    u = b.emit("select", negative, b.emit("neg", scaled), scaled)

    knots = np.reshape(SIGMOID_KNOTS, (-1,) + (1,) * rank) / SIGMOID_SCALE
    below = b.emit("less", stacked(b, u), b.const(knots, FIXED))

    u2 = b.emit("square", u)
    u3, u4 = b.emit("mul", u2, u), b.emit("square", u2)
    powers = b.emit(
        "reshape", b.emit("concat", *(stacked(b, p) for p in (u, u2, u3, u4)), axis=0), shape=(4, size)
    )
    pieces = np.ldexp(np.asarray(SIGMOID_PIECES, dtype=np.float64), -FRACTION_BITS)
    steps = -np.diff(pieces, axis=0)  # piece k minus piece k + 1
    varying = b.emit("matmul", b.const(steps[:, 1:], FIXED), powers)
    gains = b.emit("add", varying, b.const(steps[:, :1], FIXED))
    gains = b.emit("reshape", gains, shape=(len(steps), *x.type.shape))
    chosen = b.emit("sum", b.emit("select", below, gains, zero(b, FIXED)), axis=(0,), keepdims=False)
    last = b.const(pieces[-1, 0], FIXED)
    half = b.emit("add", chosen, last)  # the sigmoid of |x|
    return b.emit("select", negative, b.emit("sub", b.const(1.0, FIXED), half), half)


_SINGLE: tuple[Shape, ...] = ((), (4,), (3, 4))


@op(
    "sigmoid",
    rule=elementwise(FIXED, n=1),
    lower=_sigmoid,
    error=Bound(absolute=2.0**-13, note="for |x| < 2^26; 2^-14.2 measured with truncations off by one unit"),
    signatures=(
        *(Signature((FIXED,), (shape,)) for shape in _SINGLE),
        Signature((FIXED,), ((64,),), low=-14.0, high=14.0),
        Signature((FIXED,), ((8,),), low=-4e6, high=4e6),
    ),
)
def sigmoid(x: np.ndarray) -> Value:
    """1 / (1 + exp(-x))."""
    tail = np.exp(-np.abs(x))
    return np.where(x < 0, tail, 1.0) / (1.0 + tail)


_POSITIVE = tuple(Signature((FIXED,), (shape,), low=0.5, high=8.0) for shape in _SINGLE)


@op(
    "divide",
    rule=elementwise(FIXED, n=2),
    signatures=(
        Signature((FIXED, FIXED), ((4,), (4,)), low=0.5),
        Signature((FIXED, FIXED), ((3, 4), (4,)), low=0.5),
    ),
)
def divide(x: np.ndarray, y: np.ndarray) -> Value:
    """x / y."""
    return np.divide(x, y)


@op("exp", rule=elementwise(FIXED, n=1), signatures=_POSITIVE)
def exp(x: np.ndarray) -> Value:
    """e^x."""
    return np.exp(x)


@op("log", rule=elementwise(FIXED, n=1), signatures=_POSITIVE)
def log(x: np.ndarray) -> Value:
    """The natural logarithm."""
    return np.log(x)


@op("sqrt", rule=elementwise(FIXED, n=1), signatures=_POSITIVE)
def sqrt(x: np.ndarray) -> Value:
    """The square root."""
    return np.sqrt(x)


@op("isfinite", rule=predicate(FIXED, n=1), signatures=_POSITIVE)
def isfinite(x: np.ndarray) -> Value:
    """Whether x is a number: neither missing nor infinite."""
    return np.isfinite(x)
