"""Primitives of linear algebra: triangular systems, Cholesky's factor, and elimination with secret pivots."""

from __future__ import annotations

from typing import Any

import numpy as np

from tacit.base.types import INT
from tacit.compile import array as xp
from tacit.compile import linear
from tacit.compile.coerce import Value, cast
from tacit.compile.jax.evaluate import rule, run
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


@rule("lu")
def _lu(ins: list[Value], **_: Any) -> list[Value]:
    """(both factors in one matrix, with which row each was swapped, the order of the rows): pivots are the
    largest of their columns, and nobody learns which they were."""
    x = xp.asarray(ins[0])
    *batch, n, m = x.shape
    flat = xp.reshape(x, (-1, n, m))
    found = [_factored(flat[k]) for k in range(flat.shape[0])]
    sides = ((n, m), (min(n, m),), (n,))
    return [xp.reshape(xp.stack([one[k] for one in found]), (*batch, *side)) for k, side in enumerate(sides)]


def _factored(a: Value) -> tuple[Value, Value, Value]:
    n, m = a.shape
    order: Value = np.arange(n)
    done, orders, swaps = [], [], []
    for k in range(min(n, m)):
        place = xp.argmax(xp.abs(a[:, k]))
        swaps.append(xp.add(place, np.array(k)))
        a, order = _swapped(a, place), _swapped(order, place)
        done.append(a[:1])
        orders.append(order[:1])
        pivot, rest = a[0], a[1:]
        if rest.shape[0]:
            share = xp.clip(_quotient(rest[:, k], pivot[k]), -1.0, 1.0)
            parts = [rest[:, :k], share[:, None], _reduced(rest, share, pivot, k)]
            a = xp.concat([part for part in parts if part.shape[1]], axis=1)
            order = order[1:]
    rows = [*done, a] if n > m else done
    rest_of_order = [order] if n > m else []
    return xp.concat(rows, axis=0), xp.stack(swaps), xp.concat([*orders, *rest_of_order])


def _reduced(rest: Value, share: Value, pivot: Value, k: int) -> Value:
    """What is right of the column, less the pivot's row times each row's share."""
    return xp.subtract(rest[:, k + 1 :], xp.multiply(share[:, None], pivot[None, k + 1 :]))


def _swapped(rows: Value, place: Value) -> Value:
    """The first row and the one at a secret place exchanged."""
    hot = cast(xp.one_hot(place, rows.shape[0]), INT)
    wide = xp.reshape(hot, (-1, *(1,) * (rows.ndim - 1)))
    chosen = xp.sum(xp.multiply(rows, wide), axis=0, keepdims=True)
    moved = xp.add(rows, xp.multiply(xp.subtract(rows[:1], chosen), wide))
    return xp.concat([chosen, moved[1:]], axis=0)


@rule("lu_pivots_to_permutation")
def _permutation(ins: list[Value], permutation_size: int, **_: Any) -> Value:
    """The order of rows after all swaps, one after the other."""
    swaps = xp.asarray(ins[0])
    flat = xp.reshape(swaps, (-1, swaps.shape[-1]))
    found = []
    for b in range(flat.shape[0]):
        order, done = np.arange(permutation_size), []
        for k in range(flat.shape[1]):
            order = _swapped(order, xp.subtract(flat[b, k], np.array(k)))
            done.append(order[:1])
            order = order[1:]
        found.append(xp.concat([*done, order] if order.shape[0] else done))
    return xp.reshape(xp.stack(found), (*swaps.shape[:-1], permutation_size))


@rule("custom_linear_solve")
def _solved(ins: list[Value], const_lengths: Any, jaxprs: Any, **_: Any) -> list[Value]:
    """By the function that solves, which is handed in."""
    before = const_lengths.matvec + const_lengths.vecmat
    own = ins[before : before + const_lengths.solve]
    right = ins[sum(const_lengths) :]
    return run(jaxprs.solve.jaxpr, jaxprs.solve.consts, [*own, *right])
