"""A prover's claims in the order in which all three parties fold them, and their public shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tacit.base.prg import Prg, derive
from tacit.base.secret import Secret
from tacit.blocks.dzk.claims import Gates, Matrix, Proved, Watched
from tacit.blocks.dzk.rings import Elements, Extension

FIRST_VARIABLES = 6
"""Folded while values are still plain: (3/2)^6 plain products for each, 2^6 times fewer elements after."""
MANY_ROWS = 1 << 12
"""Above, two variables are folded at a time (less work); below, three (fewer rounds)."""


@dataclass(frozen=True)
class Shape:
    """What is public: the lengths of the streams; for every matrix claim (m, n, inner sides of its pairs)."""

    streams: tuple[int, ...]
    matrices: tuple[tuple[int, int, tuple[int, ...]], ...]
    lanes: int

    @property
    def first(self) -> int:
        """Variables of the fold of plain values."""
        return min(FIRST_VARIABLES, self.streams[0].bit_length() // 3) if self.streams else 0

    @property
    def rows(self) -> tuple[int, ...]:
        """Rows of every stream."""
        return tuple(-(-length // (1 << self.first)) for length in self.streams)

    @property
    def messages(self) -> tuple[int, ...]:
        """Variables of every message."""
        n = 1 + self.lanes * sum(self.rows) + sum(sum(inner) for _, _, inner in self.matrices)
        variables = [self.first] if self.streams else []
        while n > 1:
            variables.append(min(2 if n > MANY_ROWS else 3, (n - 1).bit_length()))
            n = -(-n // (1 << variables[-1]))
        return tuple(variables)


@dataclass(frozen=True)
class Side:
    """What one party knows of the claims: streams of plain values, matrix factors, parts of the rest."""

    streams: tuple[np.ndarray, ...]
    matrices: tuple[tuple[Matrix, ...], ...]
    rest: np.ndarray
    matrix_rests: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Weights:
    """Challenges in compact form: of rows, of columns, of the rows and columns of every matrix claim."""

    alpha: np.ndarray
    beta: np.ndarray
    matrices: tuple[tuple[np.ndarray, np.ndarray], ...]


def draw_weights(extension: Extension, shape: Shape, seed: bytes) -> Weights:
    coins = Prg(derive(Secret(seed), "dzk weights"))
    alpha = extension.challenges(coins, shape.rows[0] if shape.rows else 0)
    beta = extension.challenges(coins, 1 << shape.first)
    matrices = tuple(
        (extension.challenges(coins, m), extension.challenges(coins, n)) for m, n, _ in shape.matrices
    )
    return Weights(alpha, beta, matrices)


def proved_sides(gates: Gates[np.ndarray], matrices: Gates[Matrix]) -> tuple[Shape, Side, Side]:
    """The public shape (for one lane) and both sides of my own claims; they have no rest."""
    plain, wide = _ordered(gates.proved), [record for _, record in sorted(matrices.proved.items())]
    none = np.empty(0, np.uint64)
    sides = [
        Side(
            _streams([getattr(record, name) for record in plain]),
            tuple(getattr(record, name) for record in wide),
            none,
            (),
        )
        for name in ("u", "v")
    ]
    dims = tuple(_dims([*zip(record.u, record.v, strict=True)]) for record in wide)
    return Shape(tuple(map(len, sides[0].streams)), dims, 1), sides[0], sides[1]


def watched_side(
    records: Mapping[str, Watched[np.ndarray]], matrices: Mapping[str, Watched[Matrix]]
) -> tuple[Shape, Side]:
    """The same of a neighbour's claims."""
    plain, wide = _ordered(records), [record for _, record in sorted(matrices.items())]
    streams = _streams([record.factors for record in plain])
    rest = np.concatenate([record.rest for record in plain]) if plain else np.empty(0, np.uint64)
    side = Side(
        streams, tuple(record.factors for record in wide), rest, tuple(record.rest for record in wide)
    )
    dims = tuple((*record.rest.shape, tuple(map(_inner, record.factors))) for record in wide)
    return Shape(tuple(map(len, streams)), dims, 1), side


def _ordered(records: Mapping[str, Proved | Watched]) -> list:  # type: ignore[type-arg]
    """Claims with more products per gate first, so that stream s is a prefix of the gates; then by path."""

    def width(record: Proved | Watched) -> int:  # type: ignore[type-arg]
        return len(record.u if isinstance(record, Proved) else record.factors)

    return [record for _, record in sorted(records.items(), key=lambda item: (-width(item[1]), item[0]))]


def _streams(factors: list[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    streams = []
    for s in range(max(map(len, factors), default=0)):
        parts = [record[s] for record in factors if len(record) > s]
        streams.append(parts[0] if len(parts) == 1 else np.concatenate(parts))
    return tuple(streams)


def _inner(factor: Matrix) -> int:
    return int(factor.array.shape[1 if factor.left else 0])


def _dims(pairs: list[tuple[Matrix, Matrix]]) -> tuple[int, int, tuple[int, ...]]:
    left, right = pairs[0] if pairs[0][0].left else pairs[0][::-1]
    return left.array.shape[0], right.array.shape[1], tuple(_inner(u) for u, _ in pairs)


def first_rows(extension: Extension, side: Side, weights: Weights, corners: Elements | None) -> Elements:
    """Streams folded at the point of `corners`, and matrix factors times their row or column weights."""
    parts = [] if corners is None else [extension.fold(stream, corners) for stream in side.streams]
    for factors, (a, b) in zip(side.matrices, weights.matrices, strict=True):
        parts += [
            extension.combine(np.ascontiguousarray(f.array if f.left else f.array.T), a if f.left else b)
            for f in factors
        ]
    return np.concatenate(parts) if parts else extension.zeros(0)


def weigh_rows(extension: Extension, rows: Elements, shape: Shape, alpha: np.ndarray) -> Elements:
    """The rows of u, those of streams times the weights of their gates."""
    parts, at = [], 0
    for count in shape.rows:
        stop = at + count * extension.lanes
        parts.append(extension.scale(np.ascontiguousarray(rows[at:stop]), alpha[:count]))
        at = stop
    return np.concatenate([*parts, rows[at:]])


def weighted_rest(
    extension: Extension, side: Side, shape: Shape, weights: Weights
) -> tuple[Elements, Elements]:
    """My part of the rest of all gates, and of all matrix claims, under their weights."""
    gates, matrices = extension.zeros(1), extension.zeros(1)
    if shape.streams:
        padded = np.zeros((shape.rows[0], 1 << shape.first), np.uint64)
        padded.reshape(-1)[: side.rest.size] = side.rest
        columns = extension.combine(padded, weights.alpha)
        gates = extension.weigh(columns, extension.widen(weights.beta))
    for rest, (a, b) in zip(side.matrix_rests, weights.matrices, strict=True):
        columns = extension.combine(np.ascontiguousarray(rest), a)
        matrices = extension.add(matrices, extension.weigh(columns, extension.widen(b)))
    return gates, matrices
