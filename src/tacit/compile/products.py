"""NumPy functions that are sums of products: of matrices, tensors, polynomials and signals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tacit.compile.arrays import ravel
from tacit.compile.coerce import Value, cast, numbers
from tacit.compile.elementwise import add, multiply, subtract
from tacit.compile.pieces import diagonal
from tacit.compile.reduction import matmul, sum
from tacit.compile.shaping import (
    asarray,
    broadcast_to,
    concat,
    expand_dims,
    moveaxis,
    permute_dims,
    reshape,
    stack,
    take,
)
from tacit.compile.trace import dtype_of, public, public_in, refuse
from tacit.ir.op import numpy_dtype


@public_in("numpy")
def matmul_(x: Value, y: Value) -> Value:
    """x @ y; products of stacks of matrices are computed one beside the other."""
    x, y = asarray(x), asarray(y)
    if x.ndim <= 2 and y.ndim <= 2:
        return matmul(x, y)
    if y.ndim <= 2:
        rows = math.prod(x.shape[:-1])
        return reshape(matmul(reshape(x, (rows, x.shape[-1])), y), (*x.shape[:-1], *y.shape[1:]))
    left = expand_dims(x, 0) if x.ndim == 1 else x
    right = expand_dims(y, 1) if y.ndim == 1 else y
    outer = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    n = math.prod(outer)
    lefts, rights = (
        reshape(broadcast_to(part, (*outer, *part.shape[-2:])), (n, *part.shape[-2:]))
        for part in (left, right)
    )
    rows = () if x.ndim == 1 else (left.shape[-2],)
    columns = () if y.ndim == 1 else (right.shape[-1],)
    if not n:
        return np.zeros((*outer, *rows, *columns), numpy_dtype(dtype_of(numbers(x, y)[0])))
    found = stack([matmul(lefts[k], rights[k]) for k in range(n)])
    return reshape(found, (*outer, *rows, *columns))


@public
def dot(a: Value, b: Value) -> Value:
    """Over the last axis of a and the last but one of b."""
    a, b = asarray(a), asarray(b)
    if not a.ndim or not b.ndim:
        return multiply(a, b)
    return tensordot(a, b, ((a.ndim - 1,), (max(b.ndim - 2, 0),)))


@public
def inner(a: Value, b: Value) -> Value:
    """Over the last axes."""
    a, b = asarray(a), asarray(b)
    if not a.ndim or not b.ndim:
        return multiply(a, b)
    return tensordot(a, b, ((a.ndim - 1,), (b.ndim - 1,)))


@public
def vdot(a: Value, b: Value) -> Value:
    return matmul(ravel(a), ravel(b))


@public
def vecdot(x: Value, y: Value, axis: int = -1) -> Value:
    x, y = moveaxis(asarray(x), axis, -1), moveaxis(asarray(y), axis, -1)
    if x.shape[-1] != y.shape[-1]:
        refuse("COMPILE-0002", f"vectors of {x.shape[-1]} and {y.shape[-1]} elements", "see their shapes")
    return sum(multiply(x, y), -1)


@public
def matvec(x: Value, y: Value) -> Value:
    return matmul_(x, expand_dims(asarray(y), -1))[..., 0]


@public
def vecmat(x: Value, y: Value) -> Value:
    return matmul_(expand_dims(asarray(x), -2), y)[..., 0, :]


@public
def tensordot(a: Value, b: Value, axes: Any = 2) -> Value:
    """Over pairs of axes, or that many last of a and first of b: one product of matrices."""
    a, b = asarray(a), asarray(b)
    if isinstance(axes, int):
        axes = (tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes)))
    left, right = ((one,) if isinstance(one, int) else tuple(one) for one in axes)
    left, right = tuple(k % a.ndim for k in left), tuple(k % b.ndim for k in right)
    rows = tuple(k for k in range(a.ndim) if k not in left)
    columns = tuple(k for k in range(b.ndim) if k not in right)
    size = math.prod(a.shape[k] for k in left)
    wide = reshape(permute_dims(a, (*rows, *left)), (-1, size))
    high = reshape(permute_dims(b, (*right, *columns)), (size, -1))
    shape = (*(a.shape[k] for k in rows), *(b.shape[k] for k in columns))
    return reshape(matmul(wide, high), shape)


@public
def cross(
    a: Value, b: Value, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Value:
    """Of vectors with three parts."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(asarray(a), axisa, -1), moveaxis(asarray(b), axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        refuse("COMPILE-0002", "cross takes vectors with three parts", "see their shapes")
    turned = [[take(x, np.array(at), axis=x.ndim - 1) for x in (a, b)] for at in ([1, 2, 0], [2, 0, 1])]
    found = subtract(multiply(turned[0][0], turned[1][1]), multiply(turned[1][0], turned[0][1]))
    return moveaxis(found, -1, axisc)


@public_in("linalg")
def multi_dot(arrays: Sequence[Value]) -> Value:
    """The product of all, from the left."""
    found = arrays[0]
    for other in arrays[1:]:
        found = dot(found, other)
    return found


# --- einsum ---------------------------------------------------------------------------------------------


@public
def einsum(subscripts: str, *operands: Value, optimize: Any = False) -> Value:
    """Sums of products over named axes, from the left: of two operands as products of matrices."""
    given, arrow, wanted = subscripts.replace(" ", "").partition("->")
    ranks = [asarray(x).ndim for x in operands]
    if "." in subscripts:
        given, wanted = _dots(given, wanted if arrow else None, ranks)
        arrow = "->"
    terms = given.split(",")
    counts = Counter(given.replace(",", ""))
    wanted = wanted if arrow else "".join(sorted(name for name, n in counts.items() if n == 1))
    parts = [_single(asarray(x), term) for x, term in zip(operands, terms, strict=True)]
    x, names = parts[0]
    for k, (y, others) in enumerate(parts[1:], 1):
        needed = set(wanted).union(*(later for _, later in parts[k + 1 :]))
        x, names = _pair(x, names, y, others, needed)
    x = (
        sum(x, tuple(k for k, name in enumerate(names) if name not in wanted))
        if set(names) - set(wanted)
        else x
    )
    names = "".join(name for name in names if name in wanted)
    return permute_dims(x, tuple(names.index(name) for name in wanted))


def _dots(given: str, wanted: str | None, ranks: Sequence[int]) -> tuple[str, str]:
    """Both sides with letters of their own for the axes that an ellipsis stands for, all of one size."""
    counts = Counter(given.replace(",", "").replace(".", ""))
    if wanted is None:
        wanted = "..." + "".join(sorted(name for name, n in counts.items() if n == 1))
    spare = [
        name for name in map(chr, range(ord("A"), ord("z") + 1)) if name.isalpha() and name not in counts
    ]
    terms = given.split(",")
    widths = [rank - len(term.replace(".", "")) for term, rank in zip(terms, ranks, strict=True)]
    letters = "".join(spare[: max(widths)])
    full = [
        term.replace("...", letters[len(letters) - width :] if width else "")
        for term, width in zip(terms, widths, strict=True)
    ]
    if "." in "".join(full) or min(widths) < 0 or len(letters) < max(widths):
        refuse("COMPILE-0002", f"the subscripts {given!r} do not fit arrays of {ranks} axes", "count axes")
    return ",".join(full), wanted.replace("...", letters)


def _single(x: Value, term: str) -> tuple[Value, str]:
    """One operand with every name once: repeated ones are diagonals."""
    for name in sorted(set(term)):
        while term.count(name) > 1:
            first, second = (k for k, one in enumerate(term) if one == name)
            x = diagonal(x, 0, first, second)
            term = "".join(one for k, one in enumerate(term) if k not in (first, second)) + name
    return x, term


def _pair(x: Value, names: str, y: Value, others: str, needed: set[str]) -> tuple[Value, str]:
    """The product of two operands: names that both have and nobody needs are summed over."""
    both = [name for name in names if name in others]
    batch = [name for name in both if name in needed]
    summed = [name for name in both if name not in needed]
    rows = [name for name in names if name not in both]
    columns = [name for name in others if name not in both]
    sides = dict(zip(names, x.shape, strict=True)) | dict(zip(others, y.shape, strict=True))

    def arranged(value: Value, have: str, *groups: list[str]) -> Value:
        order = tuple(have.index(name) for group in groups for name in group)
        return reshape(
            permute_dims(value, order), tuple(math.prod(sides[name] for name in group) for group in groups)
        )

    left = arranged(x, names, batch, rows, summed)
    right = arranged(y, others, batch, summed, columns)
    found = matmul_(left, right) if batch else matmul(left[0], right[0])
    kept = [*batch, *rows, *columns]
    return reshape(found, tuple(sides[name] for name in kept)), "".join(kept)


# --- signals and polynomials ----------------------------------------------------------------------------


@public
def convolve(a: Value, v: Value, mode: str = "full") -> Value:
    """Products of two rows at every distance: one row times a matrix of the other."""
    a, v = asarray(a), asarray(v)
    n, m = a.shape[0], v.shape[0]
    if n < m:
        a, v, n, m = v, a, m, n
    distance = np.arange(n + m - 1) - np.arange(n)[:, None]
    padded = concat([v, cast(np.zeros(1), dtype_of(v))])
    table = take(padded, np.where((distance >= 0) & (distance < m), distance, m).reshape(-1), axis=0)
    full = matmul(a, reshape(table, (n, n + m - 1)))
    if mode == "full":
        return full
    start, size = ((m - 1) // 2, n) if mode == "same" else (m - 1, n - m + 1)
    return full[start : start + size]


@public
def correlate(a: Value, v: Value, mode: str = "valid") -> Value:
    a, v = asarray(a), asarray(v)
    if a.shape[0] < v.shape[0]:
        return convolve(v, a[::-1], mode)[::-1]
    return convolve(a, v[::-1], mode)


@public
def vander(x: Value, N: int | None = None, increasing: bool = False) -> Value:  # noqa: N803
    """Powers of x in columns."""
    x = asarray(x)
    n = x.shape[0] if N is None else N
    columns = [add(multiply(x, 0), 1)] if n else []
    for _ in range(n - 1):
        columns.append(x if len(columns) == 1 else multiply(columns[-1], x))
    return stack(columns if increasing else columns[::-1], 1)


def _aligned(a: Value, b: Value) -> tuple[Value, Value]:
    """Coefficients of the same length, the highest first."""
    a, b = numbers(ravel(a), ravel(b))
    n = max(a.shape[0], b.shape[0])
    filled = [
        concat([cast(np.zeros(n - x.shape[0]), dtype_of(x)), x]) if x.shape[0] < n else x for x in (a, b)
    ]
    return filled[0], filled[1]


@public
def polyadd(a: Value, b: Value) -> Value:
    return add(*_aligned(a, b))


@public
def polysub(a: Value, b: Value) -> Value:
    return subtract(*_aligned(a, b))


@public
def polymul(a: Value, b: Value) -> Value:
    return convolve(ravel(a), ravel(b))


@public
def polyder(p: Value, m: int = 1) -> Value:
    """The coefficients of the derivative, m times."""
    p = asarray(p)
    for _ in range(m):
        p = multiply(p[:-1], np.arange(p.shape[0] - 1, 0, -1))
    return p


@public
def polyint(p: Value, m: int = 1) -> Value:
    """The coefficients of the integral that is 0 at 0, m times."""
    p = asarray(p)
    for _ in range(m):
        p = concat([multiply(p, 1.0 / np.arange(p.shape[0], 0, -1)), np.zeros(1)])
    return p


@public
def poly(zeros: Value) -> Value:
    """The coefficients of the polynomial with these zeros."""
    given = stack(zeros) if isinstance(zeros, list | tuple) else asarray(zeros)
    found: Value = np.ones(1)
    for k in range(given.shape[0]):
        found = convolve(found, concat([np.ones(1), multiply(given[k : k + 1], -1.0)]))
    return found


@public
def polyfit(x: Any, y: Value, deg: int) -> Value:
    """The polynomial of degree `deg` nearest to the points, at public x: a public matrix times y."""
    matrix = np.linalg.pinv(np.vander(np.asarray(x, np.float64), deg + 1))
    return matmul(matrix, asarray(y))
