"""Special functions that statistics needs, beside those of NumPy.

Source   Abramowitz, Stegun, "Handbook of Mathematical Functions": 6.1.40 and 6.3.18 (the logarithm of the
         gamma function and its derivative, far from 0), 6.1.15 and 6.3.5 (steps of one towards 0), 6.5.21
         and 26.5.16 (steps of the incomplete functions, whose integrals go by the rule of Gauss, 25.4.29);
         polynomials by Chebyshev interpolation of definitions.
Error    lgamma 2^-12, relative where it is above 1, for x from 2^-8 to 2^16; digamma 2^-12 for x from 2^-5;
         erfinv 2^-10 for |x| <= 0.999; bessel 2^-13 on the whole line; gammainc and betainc 2^-9 for
         a and b from 2^-3 to 16, x of gammainc up to 32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from tacit.base.types import FIXED
from tacit.compile.coerce import Value, cast
from tacit.compile.elementwise import (
    abs,
    add,
    clip,
    divide,
    exp,
    less,
    log,
    maximum,
    multiply,
    reciprocal,
    rsqrt,
    sign,
    square,
    subtract,
    where,
)
from tacit.compile.polynomial import fitted, polynomial
from tacit.compile.reduction import sum
from tacit.compile.shaping import expand_dims
from tacit.compile.trace import Array

_FAR = 4
"""From here on the asymptotic series are used."""
_TERMS = 32
"""Of the integrals of incomplete functions."""


@dataclass(frozen=True)
class Curve:
    """A polynomial near a function between two ends, in a variable from -1 to 1: small coefficients."""

    low: float
    high: float
    coefficients: list[float]

    @classmethod
    def near(
        cls, function: Callable[[np.ndarray], np.ndarray], low: float, high: float, degree: int
    ) -> Curve:
        middle, half = (high + low) / 2, (high - low) / 2
        return cls(low, high, fitted(lambda t: function(middle + half * t), -1.0, 1.0, degree))

    def __call__(self, x: Value) -> Value:
        """At x, which is moved between the ends."""
        scale = 2.0 / (self.high - self.low)
        t = subtract(multiply(clip(x, self.low, self.high), scale), 1.0 + self.low * scale)
        return polynomial(t, self.coefficients)


def _moved(x: Value) -> tuple[Value, Value, Value]:
    """Whether x is near 0, x as it is near 0 (1 elsewhere), and x moved away from 0."""
    near = less(x, float(_FAR))
    return near, where(near, x, np.ones(())), where(near, add(x, float(_FAR)), x)


def lgamma(x: Value) -> Value:
    """The logarithm of the gamma function of positive x."""
    near, small, far = _moved(clip(cast(x, FIXED), 2.0**-8, 2.0**16))
    small = clip(small, 2.0**-8, float(_FAR))
    steps = multiply(multiply(small, add(small, 1.0)), multiply(add(small, 2.0), add(small, 3.0)))
    far = clip(far, float(_FAR), 2.0**16)
    inverse = reciprocal(far)
    rest = multiply(inverse, subtract(1.0 / 12.0, multiply(square(inverse), 1.0 / 360.0)))
    leading = subtract(multiply(subtract(far, 0.5), log(far)), far)
    value = add(add(leading, 0.5 * math.log(2.0 * math.pi)), rest)
    return subtract(value, where(near, log(clip(steps, 2.0**-7, 1024.0)), np.zeros(())))


def digamma(x: Value) -> Value:
    """The derivative of `lgamma`."""
    near, small, far = _moved(clip(cast(x, FIXED), 2.0**-8, 2.0**16))
    small = clip(small, 2.0**-8, float(_FAR))
    steps = sum(reciprocal(add(expand_dims(small, -1), np.arange(float(_FAR)))), -1)
    inverse = reciprocal(clip(far, float(_FAR), 2.0**16))
    squares = square(inverse)
    rest = multiply(squares, subtract(1.0 / 12.0, multiply(squares, 1.0 / 120.0)))
    value = subtract(subtract(log(clip(far, float(_FAR), 2.0**16)), multiply(inverse, 0.5)), rest)
    return subtract(value, where(near, steps, np.zeros(())))


def _inverse_error(w: np.ndarray) -> np.ndarray:
    """erfinv(x) / x at w = -log(1 - x^2), by Newton's steps on math.erf."""
    x = np.sqrt(-np.expm1(-np.maximum(w, 1e-9)))
    y = np.sqrt(np.maximum(w, 1e-9)) * 0.8
    for _ in range(60):
        error = np.array([math.erf(one) for one in y]) - x
        y = y - np.clip(error / (2.0 / math.sqrt(math.pi) * np.exp(-y * y)), -0.5, 0.5)
    return np.asarray(y / x)


_ERFINV = Curve.near(_inverse_error, 0.0, 8.4, 10)


def erfinv(x: Value) -> Value:
    """The y with erf(y) = x."""
    x = cast(x, FIXED)
    inside = clip(multiply(subtract(1.0, x), add(1.0, x)), 2.0**-12, 1.0)
    return multiply(x, _ERFINV(multiply(log(inside), -1.0)))


def _bessel(order: int, x: np.ndarray) -> np.ndarray:
    """exp(-x) I(x) of this order by its integral, x >= 0: the trapezoidal rule is exact for periods."""
    angle = np.linspace(0.0, math.pi, 4097)
    values = np.exp(np.asarray(x)[:, None] * (np.cos(angle) - 1.0)) * np.cos(order * angle)
    return np.asarray(np.trapezoid(values, angle, axis=1) / math.pi)


def _scaled_bessel(order: int, t: np.ndarray) -> np.ndarray:
    """The same times sqrt(x), at x = 8 / t."""
    x = 8.0 / np.maximum(t, 2.0**-10)
    return np.asarray(_bessel(order, x) * np.sqrt(x))


_BESSEL_NEAR = [Curve.near(partial(_bessel, order), 0.0, 8.0, 14) for order in (0, 1)]
_BESSEL_FAR = [Curve.near(partial(_scaled_bessel, order), 0.0, 1.0, 6) for order in (0, 1)]


def bessel(x: Value, order: int) -> Value:
    """exp(-|x|) times the modified Bessel function of order 0 or 1."""
    x = cast(x, FIXED)
    size = abs(x)
    close = less(size, 8.0)
    near = _BESSEL_NEAR[order](size)
    wide = clip(size, 8.0, 2.0**16)
    far = multiply(_BESSEL_FAR[order](multiply(reciprocal(wide), 8.0)), rsqrt(wide))
    value = where(close, near, far)
    return multiply(sign(x), value) if order else value


_NODES, _WEIGHTS = (
    (side + shift) / 2.0
    for side, shift in zip(np.polynomial.legendre.leggauss(_TERMS), (1.0, 0.0), strict=True)
)
"""Gauss's rule between 0 and 1."""


def gammainc(a: Value, x: Value) -> Value:
    """The regularised lower incomplete gamma function: two steps of a, and the integral after them."""
    a, x = maximum(cast(a, FIXED), 2.0**-8), clip(cast(x, FIXED), 2.0**-12, 32.0)
    logarithm, shift = log(x), lgamma(add(a, 1.0))
    leading = subtract(multiply(a, logarithm), shift)
    after = add(a, 1.0)
    steps = multiply(_power(subtract(leading, x)), add(1.0, divide(x, after)))
    base = subtract(add(leading, multiply(logarithm, 2.0)), log(after))
    inner = subtract(multiply(_wide(after), np.log(_NODES)), multiply(_wide(x), _NODES))
    return clip(add(steps, _integral(add(_wide(base), inner))), 0.0, 1.0)


def betainc(a: Value, b: Value, x: Value) -> Value:
    """The regularised incomplete beta function: two steps of a, and the integral after them."""
    a, b = maximum(cast(a, FIXED), 2.0**-8), maximum(cast(b, FIXED), 2.0**-8)
    x = clip(cast(x, FIXED), 2.0**-12, 1.0)
    logarithm, after = log(x), add(a, 1.0)
    # x^a (1 - x)^b / (a B(a, b)), and the same for a + 1 by a quotient.
    shift = subtract(add(lgamma(after), lgamma(b)), lgamma(add(a, b)))
    leading = subtract(multiply(a, logarithm), shift)
    rest = log(maximum(subtract(1.0, x), 2.0**-12))
    first = _power(add(leading, multiply(b, rest)))
    steps = multiply(first, add(1.0, divide(multiply(x, add(a, b)), after)))
    ratio = add(log(add(a, b)), subtract(log(add(after, b)), log(after)))
    base = add(add(leading, multiply(logarithm, 2.0)), ratio)
    remaining = log(maximum(subtract(1.0, multiply(_wide(x), _NODES)), 2.0**-12))
    inner = add(multiply(_wide(after), np.log(_NODES)), multiply(_wide(subtract(b, 1.0)), remaining))
    return clip(add(steps, _integral(add(_wide(base), inner))), 0.0, 1.0)


def _wide(x: Value) -> Value:
    return expand_dims(x, -1) if isinstance(x, Array) or np.ndim(x) else np.reshape(x, (1,))


def _power(exponent: Value) -> Value:
    return exp(clip(exponent, -16.0, 4.0))


def _integral(exponents: Value) -> Value:
    return sum(multiply(_power(exponents), _WEIGHTS), -1)
