"""NumPy functions that round, divide with a rest, or look at signs, made of the array functions."""

from __future__ import annotations

import numpy as np

from tacit.base.types import FIXED, INT
from tacit.compile.coerce import Value, cast, numbers, traced
from tacit.compile.elementwise import (
    abs,
    add,
    divide,
    equal,
    floor,
    greater,
    greater_equal,
    less,
    logical_and,
    low_bit,
    maximum,
    minimum,
    multiply,
    negative,
    sign,
    subtract,
    where,
)
from tacit.compile.trace import dtype_of, plain, public, public_in


@public
def trunc(x: Value) -> Value:
    """The whole number next to x on the side of 0, in the dtype of x."""
    return multiply(sign(x), floor(abs(x))) if dtype_of(x) == FIXED else x


@public
def fix(x: Value) -> Value:
    return trunc(x)


@public
def rint(x: Value) -> Value:
    """The nearest whole number, halves to the even one, in the dtype of x."""
    if dtype_of(x) != FIXED:
        return x
    raised = add(x, 0.5)
    near = floor(raised)
    odd = low_bit(cast(near, INT)) if traced(near) else plain(near) % 2 == 1
    return subtract(near, cast(logical_and(equal(near, raised), odd), FIXED))


@public
def floor_divide(x: Value, y: Value) -> Value:
    """The largest whole number not above x / y, exactly, for quotients below 2^17 and |y| in [2^-8, 2^17]."""
    x, y = numbers(x, y)
    dtype = dtype_of(x)
    near = floor(divide(x, y))
    near = cast(near, dtype)
    side = sign(y)
    rest = multiply(subtract(x, multiply(near, y)), side)
    high = cast(greater_equal(rest, abs(y)), INT)
    low = cast(less(rest, 0), INT)
    return add(near, cast(subtract(high, low), dtype))


@public
def remainder(x: Value, y: Value) -> Value:
    """x - y * floor(x / y), with the sign of y."""
    x, y = numbers(x, y)
    return subtract(x, multiply(y, floor_divide(x, y)))


@public
def mod(x: Value, y: Value) -> Value:
    return remainder(x, y)


@public
def divmod(x: Value, y: Value) -> tuple[Value, Value]:
    """(floor_divide, remainder)."""
    x, y = numbers(x, y)
    quotient = floor_divide(x, y)
    return quotient, subtract(x, multiply(y, quotient))


@public
def fmod(x: Value, y: Value) -> Value:
    """The remainder with the sign of x."""
    return multiply(sign(x), remainder(abs(x), abs(y)))


@public
def modf(x: Value) -> tuple[Value, Value]:
    """(what follows the point, what is before it), both with the sign of x."""
    whole = trunc(cast(x, FIXED))
    return subtract(x, whole), whole


@public
def true_divide(x: Value, y: Value) -> Value:
    return divide(x, y)


@public
def signbit(x: Value) -> Value:
    """Whether x is below 0; there is no negative 0."""
    return less(x, 0)


@public
def copysign(x: Value, y: Value) -> Value:
    """|x| with the sign of y."""
    size = abs(cast(x, FIXED))
    return where(less(y, 0), negative(size), size)


@public
def heaviside(x: Value, y: Value) -> Value:
    """0 for x < 0, y for x = 0, 1 for x > 0."""
    return add(cast(greater(x, 0), FIXED), where(equal(x, 0), cast(y, FIXED), np.zeros(())))


@public
def fabs(x: Value) -> Value:
    return abs(cast(x, FIXED))


@public
def fmax(x: Value, y: Value) -> Value:
    return maximum(x, y)


@public
def fmin(x: Value, y: Value) -> Value:
    return minimum(x, y)


@public_in("numpy")
def round_(x: Value, decimals: int = 0) -> Value:
    """To the nearest multiple of 10^-decimals, halves to the even one."""
    if not decimals:
        return rint(x)
    return multiply(rint(multiply(cast(x, FIXED), 10.0**decimals)), 10.0**-decimals)
