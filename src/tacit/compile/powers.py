"""NumPy functions that are powers, logarithms and exponentials, made of the array functions."""

from __future__ import annotations

import math

import numpy as np

from tacit.base.types import FIXED, INT
from tacit.compile.coerce import Value, cast, traced
from tacit.compile.elementwise import (
    abs,
    add,
    divide,
    equal,
    exp,
    less,
    log,
    low_bit,
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
from tacit.compile.reduction import lookup
from tacit.compile.trace import apply, dtype_of, plain, public, refuse


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
    """x ** y: whole constants y from 0 to 64, -1, -0.5 and 0.5 for any x, all others for x > 0; an integer of
    integers, with y from 0 to 63."""
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
    if dtype_of(x) == dtype_of(y) == INT:
        return _squared(x, y) if traced(x) or plain(x).ndim else _looked_up(int(plain(x)), y)
    if not traced(x) and not np.all(plain(x) > 0):
        refuse(
            "COMPILE-0002", "a power of a constant that is not above 0", "give it a whole constant exponent"
        )
    return exp(multiply(cast(y, FIXED), log(x)))


def _squared(x: Value, y: Value) -> Value:
    """The product of the x^(2^k) for which y has bit k."""
    bits = apply("bits", y, low=0, high=6)
    found: Value = 1
    for place in range(6):
        found = where(bits[place], multiply(found, x), found)
        if traced(x):
            x = square(x) if place < 5 else x
        else:
            x = np.where(np.abs(plain(x)) < 1 << 31, plain(x) ** 2, 0)
    return found


def _looked_up(base: int, y: Value) -> Value:
    """A power of a constant, from a table of all that have up to 62 bits; of 1 and -1 by whether y is odd."""
    if base in (-1, 0, 1):
        odd = cast(low_bit(y), INT)
        return subtract(1, multiply(odd, 1 - base)) if base else cast(equal(y, 0), INT)
    return lookup(np.array([base**k for k in range(63) if base ** (2 * k) < 1 << 124]), y)


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
