"""Orthogonal triangles of small secret matrices, by reflections of their columns.

Source   Householder's reflections: Golub, Van Loan, "Matrix Computations", 4th edition, algorithm 5.2.1.
Differs  every column is reflected, whatever its values; a column shorter than 2^-4 is taken as it is.
Cost     a step for each column, with two roots and a product of a column and a row. Meant for up to about ten
         columns.
Notation a: [batch, m, n]; kept: the columns of Q and rows of R that are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tacit.base.types import FIXED
from tacit.compile.coerce import Value, cast
from tacit.compile.elementwise import (
    add,
    clip,
    less,
    maximum,
    multiply,
    rsqrt,
    sqrt,
    square,
    subtract,
    where,
)
from tacit.compile.reduction import sum
from tacit.compile.shaping import asarray, concat, reshape
from tacit.compile.trace import Array, public_in, refuse

F = TypeVar("F", bound=Callable[..., Any])
SMALLEST = 2.0**-8


def of_elements(function: F) -> F:
    """`function` of matrices that have elements; of others NumPy's of this name knows by their shapes."""

    @wraps(function)
    def of_matrices(x: Value, *args: Any, **kwargs: Any) -> Any:
        if math.prod(asarray(x).shape):
            return function(x, *args, **kwargs)
        others = [np.zeros(each.shape) if isinstance(each, Array) else each for each in args]
        return getattr(np.linalg, function.__name__)(np.zeros(asarray(x).shape), *others, **kwargs)

    return of_matrices  # type: ignore[return-value]


def batched(x: Value) -> tuple[Value, tuple[int, ...]]:
    """x as [batch, rows, columns], and the shape of the batch."""
    x = cast(asarray(x), FIXED)
    if x.ndim < 2:
        refuse("COMPILE-0002", f"a matrix has two dimensions, not {x.ndim}", "see its shape")
    return reshape(x, (math.prod(x.shape[:-2]), *x.shape[-2:])), tuple(x.shape[:-2])


class QR(NamedTuple):
    """A matrix with orthonormal columns and an upper triangle."""

    Q: Value
    R: Value


@public_in("linalg")
@of_elements
def qr(x: Value, mode: str = "reduced") -> Any:
    """Q with as many columns as the smaller side, or in mode "complete" as there are rows, and R; R alone in
    mode "r". R has the signs that LAPACK gives it."""
    if mode not in ("reduced", "complete", "r"):
        refuse("COMPILE-0002", f"qr with mode {mode!r}", "reduced, complete or r")
    a, batch = batched(x)
    m, n = a.shape[1:]
    kept = m if mode == "complete" else min(m, n)
    directions = []
    for step in range(min(n, m - 1)):
        # A reflection takes the column below the diagonal to its length on the diagonal.
        column = a[:, step:, step]
        side = where(less(column[:, :1], 0.0), -1.0, 1.0)
        length = sqrt(sum(square(column), 1, True))
        first = add(column[:, :1], multiply(side, length))
        inverse = rsqrt(maximum(add(square(first), sum(square(column[:, 1:]), 1, True)), SMALLEST))
        unit = clip(multiply(concat([first, column[:, 1:]], 1), inverse), -1.0, 1.0)
        directions.append(unit)
        a = _reflected(a, unit, step)
    upper = reshape(multiply(a[:, :kept], np.triu(np.ones((kept, n)))), (*batch, kept, n))
    if mode == "r":
        return upper
    q: Value = np.broadcast_to(np.eye(m, kept), (a.shape[0], m, kept))
    for step, unit in reversed(list(enumerate(directions))):
        q = _reflected(q, unit, step)
    return QR(reshape(q, (*batch, m, kept)), upper)


def _reflected(a: Value, unit: Value, step: int) -> Value:
    """a - 2 u (u @ a), of the rows from `step` on."""
    below = a[:, step:]
    along = sum(multiply(unit[:, :, None], below), 1, True)
    turned = subtract(below, multiply(multiply(unit, 2.0)[:, :, None], along))
    return concat([a[:, :step], turned], 1) if step else turned
