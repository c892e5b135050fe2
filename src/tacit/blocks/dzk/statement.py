"""A prover's claims in the order in which all three parties fold them, and their public shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tacit.base.prg import Prg, derive
from tacit.base.secret import Secret
from tacit.blocks.dzk.claims import Bits, Gates, Matrix, Proved, Values, Watched
from tacit.blocks.dzk.rings import Elements, Extension

FIRST_VARIABLES = 7
"""Folded while values are still plain: (3/2)^7 plain products for each, 2^7 times fewer elements after."""
Claim = Proved | Watched  # type: ignore[type-arg]
MANY_ROWS = 1 << 12
"""Above, two variables are folded at a time (less work); below, three (fewer rounds)."""


@dataclass(frozen=True)
class Shape:
    """What is public: gates and products per gate of every record, the latter falling; for every matrix claim
    (m, n, inner sides of its pairs); the paths of all of them."""

    records: tuple[tuple[int, int], ...]
    matrices: tuple[tuple[int, int, tuple[int, ...]], ...]
    paths: tuple[str, ...]
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


@dataclass(frozen=True)
class Weights:
    """Challenges in compact form: of the rows of every record, of columns, of the rows and columns of every
    matrix claim."""

    alpha: tuple[np.ndarray, ...]
    beta: np.ndarray
    matrices: tuple[tuple[np.ndarray, np.ndarray], ...]


def draw_weights(extension: Extension, shape: Shape, seed: bytes) -> Weights:
    """Claims of one path have one weight in the proofs of all provers, so that their folds are the same."""

    def draw(what: str, n: int) -> np.ndarray:
        return extension.challenges(Prg(derive(Secret(seed), f"dzk {what}")), n)

    records, matrices = shape.paths[: len(shape.records)], shape.paths[len(shape.records) :]
    return Weights(
        tuple(draw(f"rows {path}", n) for path, n in zip(records, shape.rows, strict=True)),
        draw("columns", 1 << shape.first),
        tuple(
            (draw(f"left {path}", m), draw(f"right {path}", n))
            for path, (m, n, _) in zip(matrices, shape.matrices, strict=True)
        ),
    )


def proved_sides(gates: Gates[Values], matrices: Gates[Matrix]) -> tuple[Shape, Side, Side]:
    """The public shape (for one lane) and both sides of my own claims; they have no rest."""
    paths, plain, wide = _ordered(gates.proved, matrices.proved)
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
    return Shape(_sizes(sides[0]), dims, paths, 1), sides[0], sides[1]


def watched_side(
    records: Mapping[str, Watched[Values]], matrices: Mapping[str, Watched[Matrix]]
) -> tuple[Shape, Side]:
    """The same of a neighbour's claims."""
    paths, plain, wide = _ordered(records, matrices)
    side = Side(
        tuple(record.factors for record in plain),
        tuple(record.factors for record in wide),
        tuple(record.rest for record in plain),
        tuple(record.rest for record in wide),
    )
    dims = tuple((*record.rest.shape, tuple(map(_inner, record.factors))) for record in wide)
    return Shape(_sizes(side), dims, paths, 1), side


def _sizes(side: Side) -> tuple[tuple[int, int], ...]:
    return tuple((factors[0].size, len(factors)) for factors in side.records)


def _ordered(
    records: Mapping[str, Claim], matrices: Mapping[str, Claim]
) -> tuple[tuple[str, ...], list, list]:  # type: ignore[type-arg]
    """Paths, records and matrix claims: records with more products per gate first, then by path."""

    def width(record: Claim) -> int:
        return len(record.u if isinstance(record, Proved) else record.factors)

    plain = sorted(records.items(), key=lambda item: (-width(item[1]), item[0]))
    wide = sorted(matrices.items())
    paths = tuple(path for path, _ in [*plain, *wide])
    return paths, [record for _, record in plain], [record for _, record in wide]


def _inner(factor: Matrix) -> int:
    return int(factor.array.shape[1 if factor.left else 0])


def _dims(pairs: list[tuple[Matrix, Matrix]]) -> tuple[int, int, tuple[int, ...]]:
    left, right = pairs[0] if pairs[0][0].left else pairs[0][::-1]
    return left.array.shape[0], right.array.shape[1], tuple(_inner(u) for u, _ in pairs)


@dataclass(frozen=True)
class Folded:
    """One side of a proof that is about to be folded. `left` for the factors u; the `last` row is a mask."""

    shape: Shape
    side: Side
    weights: Weights
    corners: Elements | None
    left: bool
    last: Elements


def first_rows(extension: Extension, sides: Sequence[Folded]) -> list[Elements]:
    """Plain factors folded at the point of `corners`; matrix factors times their row or column weights.

    The first factor u of a gate and the second factor v are taken times the weights of their rows, and so on
    by turns: in claims of products x y of shared values every factor is then folded alike in two proofs.
    """
    known: dict[tuple[int, int, int, str], Elements] = {}
    return [_rows_of(extension, each, known) for each in sides]


def _rows_of(
    extension: Extension, each: Folded, known: dict[tuple[int, int, int, str], Elements]
) -> Elements:
    shape, side, weights = each.shape, each.side, each.weights
    inner = sum(sum(sides) for _, _, sides in shape.matrices)
    rows = np.empty((shape.elements + inner + 1, *extension.tail), np.uint64)
    at = 0
    for s in range(max(map(len, side.records), default=0)):
        weighted = each.left == (s % 2 == 0)
        for path, factors, alpha in zip(shape.paths, side.records, weights.alpha, strict=False):
            if len(factors) <= s:
                continue
            assert each.corners is not None
            array, scale = _array_of(factors[s])
            key = (id(array), scale, len(each.corners), path if weighted else "")
            out = rows[at : at + len(alpha) * shape.lanes]
            if (folded := known.pop(key, None)) is None:
                extension.fold(factors[s], each.corners, alpha if weighted else None, out)
                known[key] = out
            else:
                out[...] = folded
            at += len(out)
    for side_factors, (a, b) in zip(side.matrices, weights.matrices, strict=True):
        for f in side_factors:
            across = np.ascontiguousarray(f.array if f.left else f.array.T)
            size = across.shape[1]
            rows[at : at + size] = extension.combine([across.reshape(-1)], size, [a if f.left else b])
            at += size
    rows[at:] = each.last
    return rows


def _array_of(values: Values) -> tuple[np.ndarray, int]:
    return (values.array, values.scale) if isinstance(values, Bits) else (values, 1)


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
