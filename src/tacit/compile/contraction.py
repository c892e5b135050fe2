"""Products of stacked matrices and sums of products by indices, made of products of two matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tacit.compile.coerce import Value
from tacit.compile.elementwise import multiply
from tacit.compile.reduction import matmul
from tacit.compile.reduction import sum as total
from tacit.compile.shaping import asarray, broadcast_to, permute_dims, reshape, stack
from tacit.compile.trace import refuse


def products(x: Value, y: Value) -> Value:
    """x @ y of any number of dimensions: the first ones number the matrices and are broadcast."""
    x, y = asarray(x), asarray(y)
    if x.ndim <= 2 and y.ndim <= 2:
        return matmul(x, y)
    if y.ndim <= 2:
        found = matmul(reshape(x, (math.prod(x.shape[:-1]), x.shape[-1])), y)
        return reshape(found, (*x.shape[:-1], *y.shape[1:]))
    if x.ndim == 1:
        return reshape(products(reshape(x, (1, -1)), y), (*y.shape[:-2], y.shape[-1]))
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    left = reshape(broadcast_to(x, (*batch, *x.shape[-2:])), (math.prod(batch), *x.shape[-2:]))
    right = reshape(broadcast_to(y, (*batch, *y.shape[-2:])), (math.prod(batch), *y.shape[-2:]))
    parts = [matmul(left[b], right[b]) for b in range(math.prod(batch))]
    return reshape(stack(parts), (*batch, x.shape[-2], y.shape[-1]))


def contract(equation: str, values: Sequence[Value]) -> Value:
    """Einstein's sum: `equation` names the axes of each value and, after ->, those of the result."""
    terms, wanted = _axes(equation, [asarray(value).ndim for value in values])
    left, names = _summed(asarray(values[0]), terms[0], wanted + "".join(terms[1:]))
    for number, value in enumerate(values[1:], 1):
        later = wanted + "".join(terms[number + 1 :])
        right, others = _summed(asarray(value), terms[number], names + later)
        left, names = _pair(left, names, right, others, later)
    left, names = _summed(left, names, wanted)
    return permute_dims(left, tuple(names.index(name) for name in wanted))


def _axes(equation: str, ranks: list[int]) -> tuple[list[str], str]:
    """The letters of each operand's axes and of the result's, dots replaced by letters of their own."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        refuse("COMPILE-0002", f"{len(ranks)} values for the equation {equation!r}", "count its commas")
    most = max(rank - len(term) + 3 if "..." in term else 0 for term, rank in zip(terms, ranks, strict=True))
    dots = "".join(chr(0x391 + k) for k in range(most))
    full = []
    for term, rank in zip(terms, ranks, strict=True):
        own = rank - len(term) + 3
        full.append(term.replace("...", dots[most - own :] if own else ""))
    letters = "".join(full)
    if not arrow:
        once = sorted(name for name in set(letters) if letters.count(name) == 1 and name not in dots)
        right = "..." * bool(most) + "".join(once)
    wanted = right.replace("...", dots)
    fits = all(len(set(term)) == len(term) == rank for term, rank in zip(full, ranks, strict=True))
    if not fits or len(set(wanted)) != len(wanted) or not set(wanted) <= set(letters):
        refuse("COMPILE-0002", f"the equation {equation!r} does not fit, or repeats an axis", "see the ranks")
    return full, wanted


def _summed(x: Value, names: str, needed: str) -> tuple[Value, str]:
    """x summed over the axes that nothing needs any more."""
    idle = tuple(axis for axis, name in enumerate(names) if name not in needed)
    kept = "".join(name for name in names if name in needed)
    return (total(x, axis=idle) if idle else x), kept


def _pair(x: Value, left: str, y: Value, right: str, needed: str) -> tuple[Value, str]:
    """The product of two, summed over what both have and nothing needs."""
    shared = [name for name in left if name in right]
    batch = "".join(name for name in shared if name in needed)
    inner = "".join(name for name in shared if name not in needed)
    rows = "".join(name for name in left if name not in shared)
    columns = "".join(name for name in right if name not in shared)
    sizes = {**dict(zip(right, y.shape, strict=True)), **dict(zip(left, x.shape, strict=True))}
    if any(y.shape[right.index(name)] != x.shape[left.index(name)] for name in shared):
        refuse("COMPILE-0002", f"axes of shapes {x.shape} and {y.shape} differ in size", "see their shapes")
    b, r, i, c = (math.prod(sizes[name] for name in part) for part in (batch, rows, inner, columns))
    a = reshape(permute_dims(x, tuple(left.index(name) for name in batch + rows + inner)), (b, r, i))
    z = reshape(permute_dims(y, tuple(right.index(name) for name in batch + inner + columns)), (b, i, c))
    names = batch + rows + columns
    shape = tuple(sizes[name] for name in names)
    if not inner:
        return reshape(multiply(reshape(a, (b, r, 1)), reshape(z, (b, 1, c))), shape), names
    return reshape(products(a, z) if batch else matmul(a[0], z[0]), shape), names
