"""Circular and hyperbolic functions and their inverses, made of the array functions.

Source   reduction by whole turns and Chebyshev interpolation: Cody, Waite, "Software Manual for the
         Elementary Functions", 1980, chapters 8 to 11; arccos near 1 as sqrt(1 - x) times a polynomial:
         Abramowitz, Stegun, 4.4.46.
Error    2^-14 at most: for sin and cos at |x| <= 2^12, where the reduction still has 18 bits of a turn times
         the number of turns; tan where |cos x| >= 2^-4; the inverses on their whole domain, arccosh from 1
         on.
"""

from __future__ import annotations

import math

import numpy as np

from tacit.base.types import FIXED
from tacit.compile.coerce import Value, cast, traced
from tacit.compile.elementwise import (
    abs,
    add,
    clip,
    divide,
    exp,
    floor,
    greater,
    less,
    log,
    maximum,
    minimum,
    multiply,
    negative,
    reciprocal,
    sign,
    sqrt,
    square,
    subtract,
    where,
)
from tacit.compile.polynomial import fitted, polynomial
from tacit.compile.reduction import cumulative_sum
from tacit.compile.shaping import concat
from tacit.compile.trace import plain, public

_TURN = 2.0 * math.pi


_SINE = fitted(lambda s: np.sin(_TURN * np.sqrt(s)) / np.sqrt(s), 1e-9, 0.25, 7)
_COSINE = fitted(lambda s: np.cos(_TURN * np.sqrt(s)), 0.0, 0.25, 7)
_ARC = fitted(lambda s: np.arctan(np.sqrt(s)) / np.sqrt(s), 1e-9, 1.0, 8)
_ARCCOS = fitted(lambda x: np.arccos(x) / np.sqrt(1.0 - x), 0.0, 1.0 - 1e-9, 7)


def _turns(x: Value) -> Value:
    """x as a part of a turn in [-1/2, 1/2]: the turns are subtracted before dividing, so nothing is lost."""
    x = cast(x, FIXED)
    whole = floor(add(multiply(x, 1.0 / _TURN), 0.5))
    return multiply(subtract(x, multiply(whole, _TURN)), 1.0 / _TURN)


@public
def sin(x: Value) -> Value:
    turn = _turns(x)
    return multiply(turn, polynomial(square(turn), _SINE))


@public
def cos(x: Value) -> Value:
    return polynomial(square(_turns(x)), _COSINE)


@public
def tan(x: Value) -> Value:
    turn = _turns(x)
    squares = square(turn)
    return divide(multiply(turn, polynomial(squares, _SINE)), polynomial(squares, _COSINE))


@public
def sinc(x: Value) -> Value:
    """sin(pi x) / (pi x), 1 at 0."""
    x = abs(cast(x, FIXED))
    close = less(x, 0.25)
    near = multiply(minimum(x, 0.25), 0.5)
    far = maximum(x, 0.25)
    value = divide(sin(multiply(x, math.pi)), multiply(far, math.pi))
    return where(close, multiply(polynomial(square(near), _SINE), 1.0 / _TURN), value)


@public
def arctan(x: Value) -> Value:
    x = cast(x, FIXED)
    size = abs(x)
    steep = greater(size, 1.0)
    inner = where(steep, reciprocal(clip(size, 1.0, 2.0**17)), size)
    value = multiply(inner, polynomial(square(inner), _ARC))
    return multiply(sign(x), where(steep, subtract(math.pi / 2.0, value), value))


@public
def arctan2(y: Value, x: Value) -> Value:
    """The angle of the point (x, y), in (-pi, pi]; 0 for (0, 0)."""
    y, x = cast(y, FIXED), cast(x, FIXED)
    high, wide = abs(y), abs(x)
    steep = greater(high, wide)
    larger, smaller = maximum(high, wide), minimum(high, wide)
    # A short arm is made longer: the quotient has its precision for divisors from 2^-8 on.
    short = less(larger, 2.0**-4)
    arms = [where(short, multiply(minimum(arm, 2.0**-4), 2.0**10), arm) for arm in (smaller, larger)]
    inner = clip(divide(arms[0], clip(arms[1], 2.0**-8, 2.0**17)), 0.0, 1.0)
    value = multiply(inner, polynomial(square(inner), _ARC))
    value = where(steep, subtract(math.pi / 2.0, value), value)
    value = where(less(x, 0.0), subtract(math.pi, value), value)
    return where(less(y, 0.0), negative(value), value)


@public
def arccos(x: Value) -> Value:
    x = cast(x, FIXED)
    size = abs(x)
    value = multiply(sqrt(maximum(subtract(1.0, size), 0.0)), polynomial(size, _ARCCOS))
    return where(less(x, 0.0), subtract(math.pi, value), value)


@public
def arcsin(x: Value) -> Value:
    return subtract(math.pi / 2.0, arccos(x))


@public
def sinh(x: Value) -> Value:
    return multiply(subtract(exp(x), exp(negative(x))), 0.5)


@public
def cosh(x: Value) -> Value:
    return multiply(add(exp(x), exp(negative(x))), 0.5)


@public
def arcsinh(x: Value) -> Value:
    x = cast(x, FIXED)
    size = abs(x)
    return multiply(sign(x), log(add(size, sqrt(add(square(size), 1.0)))))


@public
def arccosh(x: Value) -> Value:
    x = cast(x, FIXED)
    return log(add(x, sqrt(maximum(subtract(square(x), 1.0), 0.0))))


@public
def arctanh(x: Value) -> Value:
    x = cast(x, FIXED)
    return multiply(log(divide(add(1.0, x), subtract(1.0, x))), 0.5)


@public
def deg2rad(x: Value) -> Value:
    return multiply(cast(x, FIXED), math.pi / 180.0)


@public
def rad2deg(x: Value) -> Value:
    return multiply(cast(x, FIXED), 180.0 / math.pi)


@public
def unwrap(p: Value) -> Value:
    """Steps larger than half a turn are made shorter by whole turns, along the last axis."""
    if not traced(p):
        return np.unwrap(plain(p))
    steps = subtract(p[..., 1:], p[..., :-1])
    turns = negative(floor(add(multiply(cast(steps, FIXED), 1.0 / _TURN), 0.5)))
    moved = multiply(cumulative_sum(turns, turns.ndim - 1), _TURN)
    return concat([p[..., :1], add(p[..., 1:], moved)], axis=p.ndim - 1)
