"""The leading one of an integer, and what it gives: x = m 2^e with m in [1/2, 1].

Reciprocals, roots and logarithms share this: bits of x, a prefix of ORs from the top, one-hot digits of the
exponent. For a negative x the complement -x - 1 takes the place of -x, so no carry is needed; then m = 1
exactly where -x is a power of two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tacit.base.types import BOOL, INT, RING_BITS, Shape, Type
from tacit.ir.op import Signature, Value, op
from tacit.ir.ops.units import combined, row
from tacit.ir.program import Builder, Var
from tacit.ir.rule import Parameters, Types, arity, dtype_of, integer

DIGIT = 8
"""Base of the digits in which exponents are kept."""
MANTISSA_BITS = 20


def _rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, (INT,))
    low = integer(params["low"], "low", 0, RING_BITS - 1)
    high = integer(params["high"], "high", low + 1, RING_BITS)
    return (Type(types[0].vis, BOOL, (high - low + 1, *types[0].shape)),)


def _lower(b: Builder, x: Var, *, low: int, high: int) -> Var:
    """Kogge and Stone's prefix: simple, log2(high - low) deep. Schemes override it on packed words."""
    rows, n = high - low, x.type.shape
    bits = b.emit("bits", x, low=low, high=high + 1)
    sign = b.emit("slice", bits, start=rows, stop=rows + 1, axis=0)
    magnitude = b.emit("logical_xor", b.emit("slice", bits, start=0, stop=rows, axis=0), sign)
    seen, span = magnitude, 1  # seen[k]: some bit from k upwards
    while span < rows:
        higher = b.emit("slice", seen, start=span, stop=rows, axis=0)
        lower = b.emit("slice", seen, start=0, stop=rows - span, axis=0)
        top = b.emit("slice", seen, start=rows - span, stop=rows, axis=0)
        seen = b.emit("concat", b.emit("logical_or", lower, higher), top, axis=0)
        span *= 2
    nothing = b.const(np.zeros((1, *n), np.bool_), BOOL)
    above = b.emit("concat", b.emit("slice", seen, start=1, stop=rows, axis=0), nothing, axis=0)
    return b.emit("concat", b.emit("logical_xor", seen, above), sign, axis=0)


_SHAPES: tuple[Shape, ...] = ((), (70,), (3, 4))


@op(
    "leading_one",
    rule=_rule,
    lower=_lower,
    signatures=(
        *(Signature((INT,), (shape,), {"low": 0, "high": 24}, low=-1e7, high=1e7) for shape in _SHAPES),
        Signature((INT,), ((200,),), {"low": 0, "high": 9}, low=-256, high=255),
        Signature((INT,), ((70,),), {"low": 3, "high": 6}, low=-60, high=60),
        Signature((INT,), ((70,),), {"low": 10, "high": 60}, low=-1e15, high=1e15),
        Signature((INT,), ((9,),), {"low": 1, "high": 2}, low=-4, high=3),
    ),
)
def leading_one(x: np.ndarray, *, low: int, high: int) -> Value:
    """Row k: whether bit low + k is the highest one of x, or of -x - 1 if x < 0; last row: x < 0.

    For -2^high <= x < 2^high; the rows go on a new first axis. No row holds if the highest one is below low.
    """
    magnitude = np.where(x < 0, ~x, x)
    places = np.arange(low, high, dtype=np.int64).reshape(-1, *(1,) * np.ndim(x))
    return np.concatenate([(magnitude[None] >> places) == 1, np.asarray(x < 0)[None]])


@dataclass(frozen=True)
class Normal:
    """Digits of the exponent of flat x: bit low + 8 j + i is its highest one.

    digits: int [8 + n_high, n], one-hot i, then one-hot j, all 0 if |x| < 2^low; sign: x < 0.
    """

    digits: Var
    sign: Var
    n_high: int

    def tables(self, b: Builder, low: np.ndarray, high: np.ndarray) -> Var:
        """For every row r the product low[r, i] high[r, j], int [rows, n]."""
        rows, digit = low.shape
        weights = np.zeros((2 * rows, digit + high.shape[1]), np.int64)
        weights[:rows, :digit], weights[rows:, digit:] = low, high
        both = combined(b, weights, self.digits)
        first = b.emit("slice", both, start=0, stop=rows, axis=0)
        return b.emit("mul", first, b.emit("slice", both, start=rows, stop=2 * rows, axis=0))


def normal(b: Builder, x: Var, low: int, high: int) -> Normal:
    """Of int [n]; high - low is a multiple of 8."""
    n, n_high = x.type.size, (high - low) // DIGIT
    found = b.emit("leading_one", x, low=low, high=high)
    places = b.emit("slice", found, start=0, stop=high - low, axis=0)
    places = b.emit("reshape", places, shape=(n_high, DIGIT, n))
    digits = [b.emit("parity", places, axis=axis) for axis in (0, 1)]
    whole = b.emit("astype", b.emit("concat", *digits, axis=0), dtype=INT)
    return Normal(whole, row(b, found, high - low), n_high)


def shifts(n_high: int) -> tuple[np.ndarray, np.ndarray]:
    """Tables whose product moves the highest one to bit low + 8 n_high - 1."""
    i, j = np.arange(DIGIT), np.arange(n_high)
    return np.left_shift(1, DIGIT - 1 - i)[None], np.left_shift(1, DIGIT * (n_high - 1 - j))[None]


def mantissa(b: Builder, x: Var, shift: Var, high: int) -> Var:
    """v = 4 m - 3 in [-1, 1], in units of 2^-20, of x >= 0 whose highest one `shift` moves to high - 1."""
    moved = b.emit("mul_shift", x, shift, bits=high - MANTISSA_BITS - 2)
    return b.emit("sub", moved, b.const(3 << MANTISSA_BITS, INT))
