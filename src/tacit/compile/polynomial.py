"""Polynomials with constant coefficients: interpolation where it is needed, and evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tacit.base.types import FIXED
from tacit.compile.coerce import Value, cast, traced
from tacit.compile.elementwise import add, multiply
from tacit.compile.trace import plain, public


def fitted(function: Callable[[np.ndarray], np.ndarray], low: float, high: float, degree: int) -> list[float]:
    """Coefficients, the constant first, of the interpolation of `function` at Chebyshev's points of [low,
    high]."""
    series = np.polynomial.Chebyshev.interpolate(function, degree, [low, high])
    return [float(value) for value in series.convert(kind=np.polynomial.Polynomial).coef]


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """By Horner's rule."""
    total: Value = np.full((), coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = add(multiply(total, x), coefficient)
    return total


@public
def polyval(p: Value, x: Value) -> Value:
    """The polynomial with coefficients `p`, the highest first, at x."""
    if not traced(p, x):
        return np.polyval(plain(p), plain(x))
    total: Value = p[0]
    for index in range(1, len(p)):
        total = add(multiply(cast(total, FIXED), x), p[index])
    return total
