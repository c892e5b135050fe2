"""NumPy functions that are powers, logarithms and exponentials, made of the array functions."""

from __future__ import annotations

import math

import numpy as np

from tacit.base.types import FIXED
from tacit.compile.coerce import Value, cast, traced
from tacit.compile.elementwise import (
    abs,
    add,
    divide,
    exp,
    less,
    log,
    maximum,
    minimum,
    multiply,
    negative,
    pow,
    rsqrt,
    sign,
    sqrt,
    square,
    subtract,
    where,
)
from tacit.compile.polynomial import fitted, polynomial
from tacit.compile.trace import plain, public, refuse


@public
def exp2(x: Value) -> Value:
    """2 to the x."""
    return exp(multiply(cast(x, FIXED), math.log(2.0)))


@public
def expm1(x: Value) -> Value:
    """exp(x) - 1."""
    return subtract(exp(x), 1.0)


@public
def log2(x: Value) -> Value:
    return multiply(log(x), 1.0 / math.log(2.0))


@public
def log10(x: Value) -> Value:
    return multiply(log(x), 1.0 / math.log(10.0))


@public
def log1p(x: Value) -> Value:
    """log(1 + x)."""
    return log(add(x, 1.0))


@public
def logaddexp(x: Value, y: Value) -> Value:
    """log(exp(x) + exp(y)), through the larger one."""
    gap = abs(subtract(cast(x, FIXED), cast(y, FIXED)))
    return add(maximum(x, y), log1p(exp(negative(minimum(gap, 16.0)))))


@public
def logaddexp2(x: Value, y: Value) -> Value:
    """log2(2^x + 2^y)."""
    scale = math.log(2.0)
    return divide(logaddexp(multiply(x, scale), multiply(y, scale)), scale)


@public
def hypot(x: Value, y: Value) -> Value:
    """sqrt(x^2 + y^2)."""
    return sqrt(add(square(cast(x, FIXED)), square(cast(y, FIXED))))


@public
def cbrt(x: Value) -> Value:
    """The cube root; small numbers are scaled by 2^12 before their logarithm is taken."""
    x = cast(x, FIXED)
    size = abs(x)
    small = less(size, 1.0)
    scaled = where(small, multiply(minimum(size, 1.0), 2.0**12), size)
    root = exp(multiply(log(maximum(scaled, 2.0**-7)), 1.0 / 3.0))
    return multiply(sign(x), where(small, multiply(root, 2.0**-4), root))


@public
def power(x: Value, y: Value) -> Value:
    """x ** y: whole constants y from 0 to 64, -1, -0.5 and 0.5 for any x, all others for x > 0."""
    if not traced(x, y):
        return np.power(plain(x), plain(y))
    exponent = None if traced(y) else plain(y)
    if exponent is not None and exponent.shape == ():
        value = float(exponent)
        if value == 0.5 or (value == int(value) and 0 <= value <= 64):
            return pow(x, y)
        if value == -0.5:
            return rsqrt(x)
        if value == int(value) and -64 <= value < 0:
            return divide(np.ones(()), pow(cast(x, FIXED), -int(value)))
    return exp(multiply(cast(y, FIXED), log(x)))


@public
def float_power(x: Value, y: Value) -> Value:
    return power(cast(x, FIXED), y)


@public
def ldexp(x: Value, n: Value) -> Value:
    """x * 2^n for whole constants n."""
    if traced(n):
        refuse("COMPILE-0002", "ldexp takes constant exponents", "use multiply and exp2")
    return multiply(cast(x, FIXED), np.ldexp(1.0, plain(n)))


@public
def i0(x: Value) -> Value:
    """The modified Bessel function of order 0, for |x| <= 8: a polynomial in x^2."""
    return polynomial(square(divide(cast(x, FIXED), 8.0)), _I0)


_I0 = fitted(lambda s: np.i0(8.0 * np.sqrt(s)), 0.0, 1.0, 12)
