"""Eigenvalues of symmetric matrices and singular values, of small secret matrices, in a fixed number of
steps.

Source   Jacobi's rotations of all pairs in turn, of both sides: Golub, Van Loan, "Matrix Computations", 4th
         edition, algorithm 8.5.2; of columns alone, for singular values: section 8.6.3 (Hestenes).
Differs  the number of sweeps is fixed, since nobody sees how small the rest is: it falls quadratically, and
         `SWEEPS` leave less than 2^-12 of matrices of up to ten rows in fixed point.
Cost     n (n - 1) / 2 rotations in each sweep, one after the other; each has two roots and a division.
Error    2^-10 for elements up to 16, up to 12 where three of two are decomposed (larger ones are refused);
         what is below 2^-6 counts as 0 in `pinv`, `matrix_rank` and `lstsq`.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from tacit.base.types import INT
from tacit.compile.coerce import Value, cast
from tacit.compile.elementwise import (
    abs,
    add,
    clip,
    divide,
    less,
    maximum,
    multiply,
    negative,
    rsqrt,
    sqrt,
    square,
    subtract,
    where,
)
from tacit.compile.order import argsort, placed
from tacit.compile.products import matmul_
from tacit.compile.reduction import one_hot, sum
from tacit.compile.reflections import SMALLEST, batched, of_elements, qr
from tacit.compile.shaping import asarray, concat, expand_dims, matrix_transpose, reshape
from tacit.compile.trace import public_in

SWEEPS = 5
SMALL = 2.0**-6
LARGEST = 64.0


def _rotation(difference: Value, twice: Value) -> tuple[Value, Value]:
    """(cosine, sine) [batch, 1] of the smaller angle whose tangent t has t^2 + 2 t d / b = 1, d the
    difference and b twice the product."""
    length = sqrt(add(square(difference), square(twice)))
    below = less(difference, 0.0)
    tangent = divide(where(below, negative(twice), twice), maximum(add(abs(difference), length), SMALLEST))
    tangent = clip(tangent, -1.0, 1.0)
    cosine = rsqrt(add(square(tangent), 1.0))
    return expand_dims(cosine, -1), expand_dims(multiply(tangent, cosine), -1)


def _in_proportion(x: Value, y: Value) -> tuple[Value, Value]:
    """Both over the larger: squares of sums of squares would be out of range."""
    size = maximum(maximum(abs(x), abs(y)), SMALLEST)
    return clip(divide(x, size), -1.0, 1.0), clip(divide(y, size), -1.0, 1.0)


def _turned(rows: Value, p: int, q: int, cosine: Value, sine: Value) -> Value:
    """Rows p and q [batch, n, columns] turned in their plane."""
    first, second = rows[:, p, :], rows[:, q, :]
    new = {
        p: subtract(multiply(first, cosine), multiply(second, sine)),
        q: add(multiply(first, sine), multiply(second, cosine)),
    }
    parts = [
        clip(new[k], -LARGEST, LARGEST)[:, None, :] if k in new else rows[:, k : k + 1, :]
        for k in range(rows.shape[1])
    ]
    return concat(parts, 1)


def _units(batch: int, n: int) -> Value:
    return np.broadcast_to(np.eye(n), (batch, n, n))


def _sweeps(n: int) -> int:
    return SWEEPS if n > 2 else 2


class Eigen(NamedTuple):
    """Eigenvalues, rising, and eigenvectors in columns."""

    eigenvalues: Value
    eigenvectors: Value


@public_in("linalg")
@of_elements
def eigh(x: Value) -> Eigen:
    """Of symmetric matrices."""
    a, batch = batched(x)
    n = a.shape[1]
    vectors = _units(a.shape[0], n)
    for _ in range(_sweeps(n)):
        for p, q in combinations(range(n), 2):
            twice = multiply(a[:, p, q], 2.0)
            cosine, sine = _rotation(subtract(a[:, q, q], a[:, p, p]), twice)
            a = matrix_transpose(_turned(a, p, q, cosine, sine))
            a = matrix_transpose(_turned(a, p, q, cosine, sine))
            vectors = _turned(vectors, p, q, cosine, sine)
    values = concat([a[:, k, k : k + 1] for k in range(n)], 1)
    if n > 1:
        order = argsort(values)
        values = placed(values, order, 1)
        vectors = _ordered(vectors, order)
    return Eigen(reshape(values, (*batch, n)), reshape(matrix_transpose(vectors), (*batch, n, n)))


def _ordered(rows: Value, order: Value) -> Value:
    """Rows [batch, n, columns] in this order [batch, n]."""
    return matmul_(cast(one_hot(order, rows.shape[1]), INT), rows)


@public_in("linalg")
@of_elements
def eigvalsh(x: Value) -> Value:
    return eigh(x)[0]


class SVD(NamedTuple):
    """Left singular vectors in columns, singular values, falling, and right singular vectors in rows."""

    U: Value
    S: Value
    Vh: Value


@public_in("linalg")
@of_elements
def svd(x: Value, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """As many vectors as the smaller side has, or bases of both sides: for matrices of full rank."""
    a, batch = batched(x)
    m, n = a.shape[1:]
    left, values, right = _columns(a) if m >= n else _swapped(_columns(matrix_transpose(a)))
    found = reshape(values, (*batch, min(m, n)))
    if not compute_uv:
        return found
    if full_matrices and m != n:
        left, right = _basis(left), matrix_transpose(_basis(matrix_transpose(right)))
    return SVD(reshape(left, (*batch, *left.shape[1:])), found, reshape(right, (*batch, *right.shape[1:])))


def _basis(columns: Value) -> Value:
    """Orthonormal columns and further ones, at right angles to them, up to as many as there are rows."""
    m, n = columns.shape[-2:]
    return columns if m == n else concat([columns, qr(columns, "complete").Q[..., n:]], columns.ndim - 1)


def _swapped(parts: tuple[Value, Value, Value]) -> tuple[Value, Value, Value]:
    left, values, right = parts
    return matrix_transpose(right), values, matrix_transpose(left)


def _columns(a: Value) -> tuple[Value, Value, Value]:
    """The decomposition of matrices with at least as many rows as columns: columns are turned until all are
    at right angles."""
    n = a.shape[2]
    rows, vectors = matrix_transpose(a), _units(a.shape[0], n)
    # Only the ratio of both counts for an angle; their squares must stay below 2^25.
    shrunk = (
        1.0 if a.shape[1] <= 3 and n <= 2 else 2.0 ** -math.ceil(math.log2(2 * a.shape[1] * LARGEST**2) - 12)
    )
    for _ in range(_sweeps(n)):
        for p, q in combinations(range(n), 2):
            first, second = rows[:, p, :], rows[:, q, :]
            twice = multiply(sum(multiply(first, second), 1), 2.0 * shrunk)
            difference = subtract(sum(square(second), 1), sum(square(first), 1))
            cosine, sine = _rotation(multiply(difference, shrunk) if shrunk < 1 else difference, twice)
            rows = _turned(rows, p, q, cosine, sine)
            vectors = _turned(vectors, p, q, cosine, sine)
    values = sqrt(sum(square(rows), 2))
    if n > 1:
        order = argsort(negative(values))
        values, rows, vectors = placed(values, order, 1), _ordered(rows, order), _ordered(vectors, order)
    units = multiply(rows, _inverses(values)[:, :, None])
    return matrix_transpose(clip(units, -1.0, 1.0)), values, vectors


def _inverses(values: Value) -> Value:
    """1 / s, 0 for small s."""
    return multiply(cast(less(SMALL, values), INT), divide(np.ones(()), maximum(values, SMALL)))


@public_in("linalg")
@of_elements
def svdvals(x: Value) -> Value:
    found: Value = svd(x, compute_uv=False)
    return found


@public_in("linalg")
@of_elements
def pinv(x: Value, rtol: Value = None) -> Value:
    """The pseudoinverse; singular values up to `rtol` times the largest count as 0."""
    left, values, right = svd(x, full_matrices=False)
    inverses = multiply(cast(_counts(values, rtol), INT), _inverses(values))
    return matmul_(multiply(matrix_transpose(right), inverses[..., None, :]), matrix_transpose(left))


@public_in("linalg")
@of_elements
def matrix_rank(x: Value, rtol: Value = None) -> Value:
    """The number of singular values that are not small, and above `rtol` times the largest."""
    return sum(_counts(svdvals(x), rtol), -1)


def _counts(values: Value, rtol: Value) -> Value:
    """Which singular values, falling along the last axis, are not taken as 0."""
    least: Value = SMALL
    if rtol is not None:
        least = maximum(multiply(values[..., :1], expand_dims(asarray(rtol), -1)), SMALL)
    return less(least, values)
