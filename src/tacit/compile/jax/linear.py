"""Primitives of linear algebra: Cholesky's factor and triangular systems, which need no pivots."""

from __future__ import annotations

from typing import Any

import numpy as np

from tacit.compile import array as xp
from tacit.compile import linear
from tacit.compile.coerce import Value
from tacit.compile.jax.evaluate import rule
from tacit.compile.products import matmul_

LEAST, MOST = 2.0**-8, 2.0**17
"""Between which the elements of a diagonal are taken to be in magnitude."""
SOLUTION, RIGHT_SIDE = 2.0**12, 2.0**15
"""Above which no element of a solution, or of a right side less what is known, is taken to be."""


@rule("cholesky")
def _cholesky(ins: list[Value], **_: Any) -> Value:
    return linear.cholesky(ins[0])


@rule("triangular_solve")
def _triangular(
    ins: list[Value], left_side: bool, lower: bool, transpose_a: bool, unit_diagonal: bool, **_: Any
) -> Value:
    """Row after row, from the one with a single unknown."""
    a, b = xp.asarray(ins[0]), xp.asarray(ins[1])
    if not left_side:
        b = xp.matrix_transpose(b)
    if transpose_a == left_side:
        a, lower = xp.matrix_transpose(a), not lower
    if not lower:
        a = xp.flip(a, axis=(a.ndim - 2, a.ndim - 1))
        b = xp.flip(b, axis=b.ndim - 2)
    rows: list[Value] = []
    for k in range(a.shape[-1]):
        known = b[..., k : k + 1, :]
        if rows:
            known = xp.subtract(known, matmul_(a[..., k : k + 1, :k], xp.concat(rows, axis=b.ndim - 2)))
        row = known if unit_diagonal else _quotient(known, a[..., k : k + 1, k : k + 1])
        rows.append(xp.clip(row, -SOLUTION, SOLUTION))
    found = xp.concat(rows, axis=b.ndim - 2)
    found = found if lower else xp.flip(found, axis=b.ndim - 2)
    return found if left_side else xp.matrix_transpose(found)


def _quotient(x: Value, y: Value) -> Value:
    size = xp.clip(xp.abs(y), LEAST, MOST)
    signed = xp.where(xp.less(y, np.zeros(())), xp.negative(x), x)
    return xp.divide(xp.clip(signed, -RIGHT_SIDE, RIGHT_SIDE), size)
