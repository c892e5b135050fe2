"""Array-API functions that work element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from tacit.base.types import BOOL, FIXED, INT, SECRET
from tacit.compile.coerce import Value, cast, comparable, named_dtype, numbers, traced, whole
from tacit.compile.trace import Array, active, apply, dtype_of, plain, public, refuse, where_called
from tacit.ir.ops.arith import times, well_encoded


@public
def add(x: Value, y: Value) -> Value:
    return apply("add", *numbers(x, y))


@public
def subtract(x: Value, y: Value) -> Value:
    return apply("sub", *numbers(x, y))


@public
def negative(x: Value) -> Value:
    return apply("neg", *numbers(x))


@public
def positive(x: Value) -> Value:
    return x


@public
def multiply(x: Value, y: Value) -> Value:
    """x * y. Constants cost no truncation if whole, and keep their precision if small; a bool selects."""
    if not traced(x, y):
        return apply("mul", *numbers(x, y))
    if not traced(x):
        x, y = y, x
    if not traced(y):
        return _scaled(x, plain(y))
    if x.dtype == BOOL:
        x, y = y, x
    if y.dtype == BOOL:
        return where(y, cast(x, INT) if x.dtype == BOOL else x, 0)
    return apply("mul", x, y)


def _scaled(x: Array, factor: np.ndarray) -> Value:
    trace = active()
    if trace is None or factor.dtype.kind != "f":
        return apply("mul", cast(x, INT) if x.dtype == BOOL else x, factor.astype(np.int64))
    if x.dtype == BOOL or (x.dtype == INT and whole(factor)):
        x = cast(x, INT if x.dtype == BOOL and not whole(factor) else FIXED)
    trace.builder.where = where_called()
    return Array(trace, times(trace.builder, trace.var(x), factor))


@public
def divide(x: Value, y: Value) -> Value:
    """x / y. A constant divisor multiplies by its inverse if x is secret."""
    if not traced(x, y):
        return apply("divide", cast(x, FIXED), cast(y, FIXED))
    if not traced(y):
        divisor = plain(cast(y, FIXED))
        if not np.all(divisor):
            refuse("COMPILE-0002", "division by the constant 0", "check the divisor before tracing")
        if x.type.vis == SECRET or not np.all(well_encoded(divisor)):
            return multiply(x, 1.0 / divisor)
        y = divisor
    return apply("divide", cast(x, FIXED), cast(y, FIXED))


@public
def pow(x: Value, y: Value) -> Value:
    """x ** y for y = 0.5 or a whole constant from 0 to 64."""
    if not traced(x, y):
        return np.power(plain(x), plain(y))
    exponent = None if traced(y) else plain(y)
    if exponent is not None and exponent.shape == () and exponent == 0.5:
        return sqrt(x)
    if exponent is None or exponent.shape != () or not whole(exponent) or not 0 <= exponent <= 64:
        refuse("COMPILE-0002", "only powers 0.5 and 0 to 64 can be traced", "use exp and log for others")
    return _power(numbers(x)[0], int(exponent))


def _power(x: Value, n: int) -> Value:
    if n == 0:
        return cast(np.ones(x.shape), x.dtype)
    if n == 1:
        return x
    half = square(_power(x, n // 2))
    return multiply(half, x) if n % 2 else half


@public
def square(x: Value) -> Value:
    return apply("square", *numbers(x))


@public
def sqrt(x: Value) -> Value:
    return apply("sqrt", cast(x, FIXED))


@public
def exp(x: Value) -> Value:
    return apply("exp", cast(x, FIXED))


@public
def log(x: Value) -> Value:
    return apply("log", cast(x, FIXED))


@public
def isfinite(x: Value) -> Value:
    """Whether x is a number: every secret is, since what is not is refused before it is shared."""
    if isinstance(x, Array) and x.type.vis == SECRET:
        return np.ones(x.shape, bool)
    return apply("isfinite", cast(x, FIXED))


@public
def reciprocal(x: Value) -> Value:
    """1 / x."""
    return apply("reciprocal", cast(x, FIXED))


@public
def rsqrt(x: Value) -> Value:
    """1 / sqrt(x)."""
    return apply("rsqrt", cast(x, FIXED))


@public
def tanh(x: Value) -> Value:
    return apply("tanh", cast(x, FIXED))


@public
def gelu(x: Value, approximate: bool = False) -> Value:
    """x Phi(x), Phi the standard normal distribution; or its usual form by tanh, which is within 2^-11."""
    return apply("gelu_tanh" if approximate else "gelu", cast(x, FIXED))


@public
def sigmoid(x: Value) -> Value:
    """1 / (1 + exp(-x))."""
    return apply("sigmoid", cast(x, FIXED))


@public
def abs(x: Value) -> Value:
    return apply("abs", *numbers(x))


@public
def sign(x: Value) -> Value:
    return apply("sign", *numbers(x))


@public
def floor(x: Value) -> Value:
    """The largest whole number not above x, in the dtype of x."""
    return cast(cast(x, INT), FIXED) if dtype_of(x) == FIXED else x


@public
def ceil(x: Value) -> Value:
    return negative(floor(negative(x)))


@public
def round(x: Value) -> Value:
    """The nearest whole number, halves upwards, in the dtype of x."""
    return floor(add(x, 0.5)) if dtype_of(x) == FIXED else x


@public
def clip(x: Value, min: float | None = None, max: float | None = None) -> Value:
    """x moved into min <= x <= max, two constants; one of them or arrays go through maximum and minimum."""
    x = numbers(x)[0]
    if (
        min is not None
        and max is not None
        and not traced(min, max)
        and plain(min).ndim == plain(max).ndim == 0
    ):
        low, high = (float(min), float(max)) if dtype_of(x) == FIXED else (int(min), int(max))
        return apply("clip", x, low=low, high=high)
    raised = x if min is None else maximum(x, min)
    return raised if max is None else minimum(raised, max)


@public
def maximum(x: Value, y: Value) -> Value:
    return apply("maximum", *comparable(x, y))


@public
def minimum(x: Value, y: Value) -> Value:
    return apply("minimum", *comparable(x, y))


@public
def less(x: Value, y: Value) -> Value:
    return apply("less", *comparable(x, y))


@public
def less_equal(x: Value, y: Value) -> Value:
    return apply("less_equal", *comparable(x, y))


@public
def greater(x: Value, y: Value) -> Value:
    return apply("greater", *comparable(x, y))


@public
def greater_equal(x: Value, y: Value) -> Value:
    return apply("greater_equal", *comparable(x, y))


def _equality(op: str, x: Value, y: Value) -> Value:
    if dtype_of(x) == dtype_of(y) == BOOL:
        return apply(op, x, y)
    return apply(op, *comparable(x, y))


@public
def equal(x: Value, y: Value) -> Value:
    return _equality("equal", x, y)


@public
def not_equal(x: Value, y: Value) -> Value:
    return _equality("not_equal", x, y)


def _bits(op: str, *values: Value) -> Value:
    if any(dtype_of(value) != BOOL for value in values):
        refuse("COMPILE-0002", f"{op} takes bool values", "compare first: x != 0")
    return apply(op, *values)


@public
def logical_and(x: Value, y: Value) -> Value:
    return _bits("logical_and", x, y)


@public
def logical_or(x: Value, y: Value) -> Value:
    return _bits("logical_or", x, y)


@public
def logical_xor(x: Value, y: Value) -> Value:
    return _bits("logical_xor", x, y)


@public
def logical_not(x: Value) -> Value:
    return _bits("logical_not", x)


@public
def low_bit(x: Value) -> Value:
    """Whether the integer x is odd."""
    return apply("low_bit", x)


@public
def scale_floor(x: Value, bits: int) -> Value:
    """floor(x * 2^bits) as int, 0 <= bits <= 18, within one unit for bits < 18."""
    return apply("scale_floor", cast(x, FIXED), bits=bits)


@public
def where(condition: Value, x: Value, y: Value) -> Value:
    """x where the condition holds, y elsewhere. A public condition costs nothing, nor do two public choices
    beyond converting the bit."""
    if dtype_of(condition) != BOOL:
        refuse("COMPILE-0002", "the condition of where must be bool", "compare first: x != 0")
    if dtype_of(x) == dtype_of(y) == BOOL:
        return logical_xor(y, logical_and(condition, logical_xor(x, y)))
    x, y = numbers(x, y)
    if not traced(condition, x, y):
        return apply("select", condition, x, y)
    if not traced(condition) or not traced(x, y):
        return add(y, multiply(cast(condition, INT), subtract(x, y)))
    return apply("select", condition, x, y)


@public
def astype(x: Value, dtype: Any) -> Value:
    """x in another dtype: float, int (the whole number next on the side of 0) or bool (whether it differs
    from 0)."""
    kind = named_dtype(dtype)
    if (dtype_of(x), kind) != (FIXED, INT):
        return cast(x, kind)
    if not traced(x):
        return cast(np.trunc(plain(x)), INT)
    almost = 1.0 - 2.0**-FIXED.fraction_bits  # below 0, the floor of so much more is the ceiling
    return cast(add(x, multiply(cast(less(x, 0.0), INT), almost)), INT)
