"""Linear algebra on small secret matrices: a fixed number of steps, whatever the values.

Source   Gaussian elimination with partial pivoting: Golub, Van Loan, "Matrix Computations", 4th edition,
         algorithm 3.4.1; Cholesky's by columns, 4.2.1.
Differs  the pivot's row is found by a tournament and exchanged by products with a one-hot row; multipliers
         are at most 1 in magnitude, so every step at most doubles the range of the elements: a proof.
Cost     n steps for n rows, each with a tournament, a division and a product of a column and a row. Meant for
         n up to about ten.
Error    2^-10 for pivots from 2^-4 on; a smaller pivot is taken as 2^-8. Elements of solutions and inverses
         are moved into [-2^8, 2^8].
Notation a: [batch, n, columns]; b, k: rows and columns below the step's pivot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tacit.base.types import FIXED, INT
from tacit.compile.arrays import prod
from tacit.compile.coerce import Value, axes_of, cast
from tacit.compile.elementwise import (
    abs,
    add,
    clip,
    divide,
    less,
    log,
    maximum,
    multiply,
    not_equal,
    rsqrt,
    sqrt,
    square,
    subtract,
    where,
)
from tacit.compile.powers import power
from tacit.compile.products import matmul_
from tacit.compile.reduction import argmax, one_hot, sum
from tacit.compile.reduction import max as largest
from tacit.compile.reduction import min as smallest
from tacit.compile.reflections import SMALLEST, batched, of_elements
from tacit.compile.shaping import asarray, broadcast_to, concat, matrix_transpose, permute_dims, reshape
from tacit.compile.spectral import svdvals
from tacit.compile.trace import public_in, refuse

LARGEST = 2.0**8


def _square(x: Value) -> tuple[Value, tuple[int, ...], int]:
    """x as [batch, n, n], the shape of the batch, and n."""
    x = cast(asarray(x), FIXED)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        refuse("COMPILE-0002", f"a matrix of shape {x.shape} is not square", "see its shape")
    return (*batched(x), x.shape[-1])


def _eliminated(a: Value, n: int) -> tuple[list[Value], list[_Pivot], list[Value]]:
    """Rows of the upper triangle [batch, columns], pivots, and for each step whether rows were exchanged."""
    rows: list[Value] = []
    pivots: list[_Pivot] = []
    swaps: list[Value] = []
    for step in range(n):
        left = n - step
        if left > 1:
            # Step 1: the row with the largest element comes first, the first one takes its place.
            here = cast(one_hot(argmax(abs(a[:, :, step]), axis=1), left), INT)
            top = sum(multiply(a, here[:, :, None]), 1)
            others = add(a, multiply(here[:, :, None], subtract(a[:, :1, :], top[:, None, :])))
            swaps.append(subtract(1, here[:, 0]))
        else:
            top, others = a[:, 0, :], a
        pivot = _Pivot.of(top[:, step])
        rows.append(top)
        pivots.append(pivot)
        if left > 1:
            # Step 2: its multiples make the column below it 0.
            below = others[:, 1:, :]
            factor = clip(pivot.divides(below[:, :, step]), -1.0, 1.0)
            a = subtract(below, multiply(factor[:, :, None], top[:, None, :]))
    return rows, pivots, swaps


@dataclass(frozen=True)
class _Pivot:
    """A pivot as its sign, 1 or -1, and its magnitude, moved away from 0: division needs one sign."""

    side: Value
    size: Value

    @classmethod
    def of(cls, x: Value) -> _Pivot:
        return cls(where(less(x, 0.0), -1, 1), maximum(abs(x), SMALLEST))

    def divides(self, x: Value) -> Value:
        """x / pivot, for x [batch, elements]."""
        return divide(multiply(x, self.side[:, None]), self.size[:, None])


@public_in("linalg")
@of_elements
def det(x: Value) -> Value:
    a, batch, n = _square(x)
    _, pivots, swaps = _eliminated(a, n)
    size = prod(concat([pivot.size[None, :] for pivot in pivots], 0), 0)
    return reshape(multiply(size, _side(pivots, swaps)), batch)


def _side(pivots: list[_Pivot], swaps: list[Value]) -> Value:
    """The sign of the determinant: of the pivots, turned by every exchange."""
    turns = [subtract(1, multiply(swap, 2))[None, :] for swap in swaps]
    return prod(concat([*(pivot.side[None, :] for pivot in pivots), *turns], 0), 0)


class Slogdet(NamedTuple):
    """The sign of a determinant and the logarithm of its magnitude."""

    sign: Value
    logabsdet: Value


@public_in("linalg")
@of_elements
def slogdet(x: Value) -> Slogdet:
    a, batch, n = _square(x)
    _, pivots, swaps = _eliminated(a, n)
    size = sum(concat([log(pivot.size)[None, :] for pivot in pivots], 0), 0)
    return Slogdet(reshape(cast(_side(pivots, swaps), FIXED), batch), reshape(size, batch))


@public_in("linalg")
@of_elements
def solve(a: Value, b: Value) -> Value:
    """The x with a @ x = b; stacks are paired as those of a product are."""
    a, b = cast(asarray(a), FIXED), cast(asarray(b), FIXED)
    vector = b.ndim == 1
    if vector:
        b = reshape(b, (b.shape[0], 1))
    outer = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    left, batch, n = _square(broadcast_to(a, (*outer, *a.shape[-2:])))
    right, _ = batched(broadcast_to(b, (*outer, *b.shape[-2:])))
    rows, pivots, _ = _eliminated(concat([left, right], 2), n)
    found: list[Value] = [None] * n
    for step in reversed(range(n)):
        rest = rows[step][:, n:]
        for k in range(step + 1, n):
            rest = subtract(rest, multiply(rows[step][:, k : k + 1], found[k]))
        found[step] = clip(pivots[step].divides(clip(rest, -(2.0**15), 2.0**15)), -LARGEST, LARGEST)
    whole = concat([row[:, None, :] for row in found], 1)
    return reshape(whole, (*batch, n) if vector else (*batch, n, right.shape[2]))


@public_in("linalg")
@of_elements
def inv(x: Value) -> Value:
    a, batch, n = _square(x)
    unit = np.broadcast_to(np.eye(n), (a.shape[0], n, n))
    return reshape(solve(a, unit), (*batch, n, n))


@public_in("linalg")
def tensorinv(a: Value, ind: int = 2) -> Value:
    a = asarray(a)
    side = math.prod(a.shape[:ind])
    return reshape(inv(reshape(a, (side, side))), (*a.shape[ind:], *a.shape[:ind]))


@public_in("linalg")
def tensorsolve(a: Value, b: Value) -> Value:
    a, b = asarray(a), asarray(b)
    side = math.prod(b.shape)
    return reshape(solve(reshape(a, (side, side)), reshape(b, (side,))), a.shape[b.ndim :])


@public_in("linalg")
@of_elements
def matrix_power(x: Value, n: int) -> Value:
    """x @ x @ … n times, by squaring; of the inverse for n < 0."""
    x = asarray(x)
    if n <= 0:
        return matrix_power(inv(x), -n) if n else add(multiply(x, 0), np.eye(x.shape[-1]))
    if n == 1:
        return x
    half = matrix_power(x, n // 2)
    twice = matmul_(half, half)
    return matmul_(twice, x) if n % 2 else twice


@public_in("linalg")
@of_elements
def cholesky(x: Value, upper: bool = False) -> Value:
    """The lower L with L @ L.T = x, for positive definite x with elements of L from 2^-4 on its diagonal and
    up to 2^6 everywhere."""
    a, batch, n = _square(x)
    columns: list[Value] = []
    for step in range(n):
        inverse = rsqrt(maximum(a[:, 0, 0], SMALLEST))
        column = clip(multiply(a[:, :, 0], inverse[:, None]), -64.0, 64.0)
        columns.append(concat([np.zeros((a.shape[0], step)), column], 1) if step else column)
        below = column[:, 1:]
        a = subtract(a[:, 1:, 1:], multiply(below[:, :, None], below[:, None, :]))
    found = concat([column[:, :, None] for column in columns], 2)
    found = reshape(found, (*batch, n, n))
    return matrix_transpose(found) if upper else found


# --- norms ----------------------------------------------------------------------------------------------


@public_in("linalg")
def vector_norm(x: Value, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Value:
    """Of all elements together if there is no axis."""
    x = cast(asarray(x), FIXED)
    axes = axes_of(axis, x.ndim)
    if ord == 2:
        return sqrt(sum(square(x), axes, keepdims))
    if ord == 0:
        return sum(not_equal(x, 0.0), axes, keepdims)
    size = abs(x)
    if ord == 1:
        return sum(size, axes, keepdims)
    if ord in (math.inf, -math.inf):
        return (largest if ord > 0 else smallest)(size, axes, keepdims)
    return power(sum(power(size, ord), axes, keepdims), 1.0 / ord)


@public_in("linalg")
def matrix_norm(x: Value, keepdims: bool = False, ord: Any = "fro") -> Value:
    """Of the last two axes."""
    x = cast(asarray(x), FIXED)
    if ord == "fro":
        return sqrt(sum(square(x), (-2, -1), keepdims))
    if ord in (2, -2, "nuc"):
        values = svdvals(x)
        found = sum(values, -1) if ord == "nuc" else (largest if ord > 0 else smallest)(values, -1)
        return found[..., None, None] if keepdims else found
    rows = ord in (math.inf, -math.inf)
    sums = sum(abs(x), -1 if rows else -2, True)
    return (largest if ord > 0 else smallest)(sums, (-2, -1), keepdims)


@public_in("linalg")
def cond(x: Value, p: Any = None) -> Value:
    """The norm of x times that of its inverse; without a norm, by singular values, of which none is small."""
    if p is None or p == 2:
        values = svdvals(x)
        return divide(values[..., 0], maximum(values[..., -1], SMALLEST))
    return multiply(matrix_norm(x, False, p), matrix_norm(inv(x), False, p))


@public_in("linalg")
def norm(x: Value, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Value:
    """Of a vector, or of a matrix if there are two axes and an `ord`."""
    x = asarray(x)
    if ord is None:
        return vector_norm(x, axis, keepdims)
    axes = tuple(range(x.ndim)) if axis is None else axes_of(axis, x.ndim)
    if len(axes) == 1:
        return vector_norm(x, axes, keepdims, ord)
    others = tuple(k for k in range(x.ndim) if k not in axes)
    found = matrix_norm(permute_dims(x, (*others, *axes)), False, ord)
    return (
        reshape(found, tuple(1 if k in axes else side for k, side in enumerate(x.shape)))
        if keepdims
        else found
    )
