"""A prover's claims in the order in which all three parties fold them, and their public shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tacit.base.prg import Prg, derive
from tacit.base.secret import Secret
from tacit.blocks.dzk.claims import Gates, Matrix, Proved, Values, Watched
from tacit.blocks.dzk.rings import Elements, Extension

FIRST_VARIABLES = 7
"""Folded while values are still plain: (3/2)^7 plain products for each, 2^7 times fewer elements after."""
MANY_ROWS = 1 << 12
"""Above, two variables are folded at a time (less work); below, three (fewer rounds)."""


@dataclass(frozen=True)
class Shape:
    """What is public: gates and products per gate of every record, the latter falling; for every matrix claim
    (m, n, inner sides of its pairs)."""

    records: tuple[tuple[int, int], ...]
    matrices: tuple[tuple[int, int, tuple[int, ...]], ...]
    lanes: int

    @property
    def first(self) -> int:
        """Variables of the fold of plain values."""
        return min(FIRST_VARIABLES, sum(gates for gates, _ in self.records).bit_length() // 3)

    @property
    def rows(self) -> tuple[int, ...]:
        """Rows of every record, for one product of each of its gates."""
        return tuple(-(-gates // (1 << self.first)) for gates, _ in self.records)

    @property
    def elements(self) -> int:
        """Elements that the rows of all products fold to."""
        pairs = zip(self.rows, self.records, strict=True)
        return self.lanes * sum(rows * products for rows, (_, products) in pairs)

    @property
    def messages(self) -> tuple[int, ...]:
        """Variables of every message."""
        n = 1 + self.elements + sum(sum(inner) for _, _, inner in self.matrices)
        variables = [self.first] if self.records else []
        while n > 1:
            variables.append(min(2 if n > MANY_ROWS else 3, (n - 1).bit_length()))
            n = -(-n // (1 << variables[-1]))
        return tuple(variables)


@dataclass(frozen=True)
class Side:
    """What one party knows of the claims: factors of every record and matrix claim, parts of the rest."""

    records: tuple[tuple[Values, ...], ...]
    matrices: tuple[tuple[Matrix, ...], ...]
    rests: tuple[np.ndarray, ...]
    matrix_rests: tuple[np.ndarray, ...]

    @property
    def segments(self) -> list[Values]:
        """The plain factors: the first ones of all records, then the second ones."""
        most = max(map(len, self.records), default=0)
        return [factors[s] for s in range(most) for factors in self.records if len(factors) > s]


@dataclass(frozen=True)
class Weights:
    """Challenges in compact form: of the rows of every record, of columns, of the rows and columns of every
    matrix claim."""

    alpha: tuple[np.ndarray, ...]
    beta: np.ndarray
    matrices: tuple[tuple[np.ndarray, np.ndarray], ...]


def draw_weights(extension: Extension, shape: Shape, seed: bytes) -> Weights:
    coins = Prg(derive(Secret(seed), "dzk weights"))
    alpha = np.split(extension.challenges(coins, sum(shape.rows)), np.cumsum(shape.rows)[:-1])
    beta = extension.challenges(coins, 1 << shape.first)
    matrices = tuple(
        (extension.challenges(coins, m), extension.challenges(coins, n)) for m, n, _ in shape.matrices
    )
    return Weights(tuple(alpha[: len(shape.rows)]), beta, matrices)


def segment_weights(shape: Shape, weights: Weights) -> list[np.ndarray]:
    """Challenges of rows for every segment of a side."""
    most = max((products for _, products in shape.records), default=0)
    pairs = [*zip(shape.records, weights.alpha, strict=True)]
    return [alpha for s in range(most) for (_, products), alpha in pairs if products > s]


def proved_sides(gates: Gates[Values], matrices: Gates[Matrix]) -> tuple[Shape, Side, Side]:
    """The public shape (for one lane) and both sides of my own claims; they have no rest."""
    plain, wide = _ordered(gates.proved), [record for _, record in sorted(matrices.proved.items())]
    sides = [
        Side(
            tuple(getattr(record, name) for record in plain),
            tuple(getattr(record, name) for record in wide),
            (),
            (),
        )
        for name in ("u", "v")
    ]
    dims = tuple(_dims([*zip(record.u, record.v, strict=True)]) for record in wide)
    return Shape(_sizes(sides[0]), dims, 1), sides[0], sides[1]


def watched_side(
    records: Mapping[str, Watched[Values]], matrices: Mapping[str, Watched[Matrix]]
) -> tuple[Shape, Side]:
    """The same of a neighbour's claims."""
    plain, wide = _ordered(records), [record for _, record in sorted(matrices.items())]
    side = Side(
        tuple(record.factors for record in plain),
        tuple(record.factors for record in wide),
        tuple(record.rest for record in plain),
        tuple(record.rest for record in wide),
    )
    dims = tuple((*record.rest.shape, tuple(map(_inner, record.factors))) for record in wide)
    return Shape(_sizes(side), dims, 1), side


def _sizes(side: Side) -> tuple[tuple[int, int], ...]:
    return tuple((factors[0].size, len(factors)) for factors in side.records)


def _ordered(records: Mapping[str, Proved | Watched]) -> list:  # type: ignore[type-arg]
    """Claims with more products per gate first, then by path."""

    def width(record: Proved | Watched) -> int:  # type: ignore[type-arg]
        return len(record.u if isinstance(record, Proved) else record.factors)

    return [record for _, record in sorted(records.items(), key=lambda item: (-width(item[1]), item[0]))]


def _inner(factor: Matrix) -> int:
    return int(factor.array.shape[1 if factor.left else 0])


def _dims(pairs: list[tuple[Matrix, Matrix]]) -> tuple[int, int, tuple[int, ...]]:
    left, right = pairs[0] if pairs[0][0].left else pairs[0][::-1]
    return left.array.shape[0], right.array.shape[1], tuple(_inner(u) for u, _ in pairs)


def first_rows(
    extension: Extension,
    shape: Shape,
    side: Side,
    weights: Weights,
    corners: Elements | None,
    *,
    weighted: bool,
    last: Elements,
) -> Elements:
    """Plain factors folded at the point of `corners`, if `weighted` times the weights of their rows; matrix
    factors times their row or column weights; the `last` row."""
    inner = sum(sum(sides) for _, _, sides in shape.matrices)
    alpha = segment_weights(shape, weights) if weighted else None
    if corners is None:
        rows = extension.zeros(inner + 1)
    else:
        rows = extension.fold(side.segments, corners, alpha, inner + 1)
    at = shape.elements
    for factors, (a, b) in zip(side.matrices, weights.matrices, strict=True):
        for f in factors:
            across = np.ascontiguousarray(f.array if f.left else f.array.T)
            size = across.shape[1]
            rows[at : at + size] = extension.combine([across.reshape(-1)], size, [a if f.left else b])
            at += size
    rows[at:] = last
    return rows


def weighted_rest(
    extension: Extension, side: Side, shape: Shape, weights: Weights
) -> tuple[Elements, Elements]:
    """My part of the rest of all gates, and of all matrix claims, under their weights."""
    gates, matrices = extension.zeros(1), extension.zeros(1)
    if shape.records:
        columns = extension.combine([*side.rests], 1 << shape.first, [*weights.alpha])
        gates = extension.weigh(columns, extension.widen(weights.beta))
    for rest, (a, b) in zip(side.matrix_rests, weights.matrices, strict=True):
        columns = extension.combine([rest.reshape(-1)], rest.shape[1], [a])
        matrices = extension.add(matrices, extension.weigh(columns, extension.widen(b)))
    return gates, matrices
