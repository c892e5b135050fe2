"""The error function, which the front ends share."""

from __future__ import annotations

import math

import numpy as np

from tacit.base.types import FIXED
from tacit.compile.coerce import Value, cast
from tacit.compile.elementwise import (
    abs,
    clip,
    gelu,
    less,
    multiply,
    reciprocal,
    sign,
    square,
    subtract,
    where,
)
from tacit.compile.polynomial import fitted, polynomial


def erf(x: Value) -> Value:
    """2 gelu(y) / y - 1 with y = sqrt(2) x; a polynomial near 0, where that has no digits."""
    x = cast(x, FIXED)
    close = less(abs(x), 0.5)
    near = clip(x, -0.5, 0.5)
    wide = clip(where(close, np.ones(()), x), -8.0, 8.0)
    scaled = multiply(wide, math.sqrt(2.0))
    sure = where(less(scaled, 0.0), clip(scaled, -12.0, -0.5), clip(scaled, 0.5, 12.0))
    far = subtract(multiply(gelu(sure), multiply(_inverse(sure), 2.0)), 1.0)
    return where(close, multiply(near, polynomial(square(near), _ERF)), far)


def _inverse(x: Value) -> Value:
    size = clip(abs(x), 0.5, 12.0)
    return multiply(sign(x), reciprocal(size))


_ERF = fitted(lambda s: np.array([math.erf(r) / r for r in np.sqrt(s)]), 1e-9, 0.25, 6)
