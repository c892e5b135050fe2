"""The two extension rings in which claims are checked, as the kernel computes in them.

Galois  E = GR(2^64, 48) = Z_2^64[X]/(F), F irreducible modulo 2: an element is uint64[48]. Elements with
        coefficients 0 and 1 differ by units, so a polynomial of degree d over E vanishes at a random one of
        them with probability d / 2^48.
Binary  F = GF(2^64): an element is one uint64. A word of 64 bits is the sum of its bits times X^b, so the
        lanes of a word are told apart without a challenge; an error in any lane is a non-zero element.

Arrays of elements have shape [n, *tail]. `t` counts the variables that are folded at once: n values are rows
of 2^t, a row is a function on {0,1}^t, extended to {0,1,inf}^t (inf: the leading coefficient). Plain values
are filled up with zeros to whole rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from tacit import _kernel
from tacit.base.prg import Prg
from tacit.base.types import Shape
from tacit.blocks.dzk.claims import Bits, Values

Elements = np.ndarray
Segments = Sequence[Values]
Records = Sequence[Sequence[Values]]


class Extension(ABC):
    """An extension ring with the sums that the proof needs; a plain value folds to `lanes` elements."""

    name: ClassVar[str]
    tail: ClassVar[Shape]
    lanes: ClassVar[int]

    @abstractmethod
    def challenges(self, coins: Prg, n: int) -> np.ndarray:
        """uint64[n]: independent challenges in compact form, for weights of rows."""

    @abstractmethod
    def widen(self, challenges: np.ndarray) -> Elements:
        """Compact challenges as elements."""

    def points(self, coins: Prg, n: int) -> np.ndarray:
        """Challenges other than 0 and 1, so that r and 1 - r are units: else a mask could vanish."""
        drawn = self.challenges(coins, n)
        drawn[drawn < 2] ^= np.uint64(6)
        return drawn

    def random(self, coins: Prg, n: int) -> Elements:
        """Uniform elements."""
        return coins.ring((n, *self.tail))

    def zeros(self, n: int) -> Elements:
        return np.zeros((n, *self.tail), np.uint64)

    @abstractmethod
    def add(self, x: Elements, y: Elements) -> Elements: ...

    @abstractmethod
    def subtract(self, x: Elements, y: Elements) -> Elements: ...

    @abstractmethod
    def total(self, x: Elements) -> Elements:
        """The sum over the first axis, kept as one row."""

    @abstractmethod
    def mul(self, x: Elements, y: Elements) -> Elements:
        """Products row by row; one of them may have a single row."""

    @abstractmethod
    def tensor(self, u: Records, v: Records, alpha: Sequence[np.ndarray], t: int) -> Elements:
        """[3^t]: sums over rows l of alpha_l times the extended products of plain values u, v; the factors of
        one record have the same alpha."""

    @abstractmethod
    def combine(self, x: list[np.ndarray], columns: int, alpha: list[np.ndarray]) -> Elements:
        """[columns]: sums over rows l of alpha_l times x[l, k], plain values."""

    @abstractmethod
    def fold(self, x: Values, weights: Elements, alpha: np.ndarray | None, out: Elements) -> None:
        """out[rows * lanes]: rows of plain values times weights, summed; row l times alpha_l, each lane times
        a weight of its own, if there is alpha."""

    @abstractmethod
    def tensor_wide(self, x: Elements, y: Elements, t: int) -> Elements:
        """As `tensor` for elements, with weights 1."""

    @abstractmethod
    def fold_wide(self, x: Elements, points: np.ndarray) -> Elements:
        """Rows of 2^t elements at the t points."""

    @abstractmethod
    def evaluate(self, h: Elements, points: np.ndarray) -> Elements:
        """The value at the t points, as one row, of a function quadratic in each variable, from its values h
        at {0,1,inf}^t."""

    def one(self) -> Elements:
        return self.widen(np.ones(1, np.uint64))

    def corners(self, points: np.ndarray) -> Elements:
        """[2^t]: weights of the values at {0,1}^t in the value at r, variable 0 lowest."""
        return self._product([[self.subtract(self.one(), r), r] for r in self._each(points)])

    def _each(self, points: np.ndarray) -> list[Elements]:
        return [self.widen(points[i : i + 1]) for i in range(len(points))]

    def _product(self, rows: list[list[Elements]]) -> Elements:
        result = self.one()
        for row in rows:
            result = np.concatenate([self.mul(result, weight) for weight in row])
        return result

    def weigh(self, x: Elements, weights: Elements) -> Elements:
        """The sum of x times weights, as one row."""
        return self.total(self.mul(x, weights))


class Galois(Extension):
    name = "ring"
    tail = (48,)
    lanes = 1

    def challenges(self, coins: Prg, n: int) -> np.ndarray:
        return coins.ring((n,)) >> np.uint64(16)

    def widen(self, challenges: np.ndarray) -> Elements:
        return np.asarray((challenges[:, None] >> np.arange(48, dtype=np.uint64)) & np.uint64(1))

    def add(self, x: Elements, y: Elements) -> Elements:
        return np.asarray(x + y)

    def subtract(self, x: Elements, y: Elements) -> Elements:
        return np.asarray(x - y)

    def total(self, x: Elements) -> Elements:
        return np.asarray(np.sum(x, axis=0, keepdims=True, dtype=np.uint64))

    def mul(self, x: Elements, y: Elements) -> Elements:
        return _kernel.gr_mul(*_paired(x, y))

    def tensor(self, u: Records, v: Records, alpha: Sequence[np.ndarray], t: int) -> Elements:
        return _kernel.gr_tensor([_plain(x) for x in u], [_plain(x) for x in v], [*alpha], t)

    def combine(self, x: list[np.ndarray], columns: int, alpha: list[np.ndarray]) -> Elements:
        return _kernel.gr_combine(x, columns, alpha)

    def fold(self, x: Values, weights: Elements, alpha: np.ndarray | None, out: Elements) -> None:
        _kernel.gr_fold(_plain([x])[0], weights, alpha, out)

    def tensor_wide(self, x: Elements, y: Elements, t: int) -> Elements:
        return _kernel.gr_tensor_wide(x, y, t)

    def fold_wide(self, x: Elements, points: np.ndarray) -> Elements:
        return _kernel.gr_fold_wide(x, points)

    def evaluate(self, h: Elements, points: np.ndarray) -> Elements:
        return _kernel.gr_evaluate(h, points)


class Binary(Extension):
    name = "bits"
    tail = ()
    lanes = 64

    def challenges(self, coins: Prg, n: int) -> np.ndarray:
        return coins.ring((n,))

    def widen(self, challenges: np.ndarray) -> Elements:
        return challenges

    def add(self, x: Elements, y: Elements) -> Elements:
        return np.asarray(x ^ y)

    subtract = add

    def total(self, x: Elements) -> Elements:
        return np.asarray(np.bitwise_xor.reduce(x, axis=0, keepdims=True))

    def mul(self, x: Elements, y: Elements) -> Elements:
        return _kernel.gf_mul(*_paired(x, y))

    def tensor(self, u: Records, v: Records, alpha: Sequence[np.ndarray], t: int) -> Elements:
        weights = [a for record, a in zip(u, alpha, strict=True) for _ in record]
        left, right = ([words for record in side for words in _words(record)] for side in (u, v))
        return _kernel.gf_tensor(left, right, weights, t)

    def combine(self, x: list[np.ndarray], columns: int, alpha: list[np.ndarray]) -> Elements:
        return _kernel.gf_combine(x, columns, alpha)

    def fold(self, x: Values, weights: Elements, alpha: np.ndarray | None, out: Elements) -> None:
        _kernel.gf_fold(_words([x])[0], weights, alpha, out)

    def tensor_wide(self, x: Elements, y: Elements, t: int) -> Elements:
        return _kernel.gf_tensor_wide(x, y, t)

    def fold_wide(self, x: Elements, points: np.ndarray) -> Elements:
        return _kernel.gf_fold_wide(x, points)

    def evaluate(self, h: Elements, points: np.ndarray) -> Elements:
        return _kernel.gf_evaluate(h, points)


GALOIS, BINARY = Galois(), Binary()


def _plain(x: Segments) -> list[np.ndarray | tuple[np.ndarray, int]]:
    """As the kernel takes them."""
    return [(values.array, values.scale) if isinstance(values, Bits) else values for values in x]


def _words(x: Segments) -> list[np.ndarray]:
    """Packed bits are always words."""
    words = [values for values in x if not isinstance(values, Bits)]
    assert len(words) == len(x)
    return words


def _paired(x: Elements, y: Elements) -> tuple[Elements, Elements]:
    shape = np.broadcast_shapes(x.shape, y.shape)
    return tuple(np.ascontiguousarray(np.broadcast_to(a, shape)) for a in (x, y))  # type: ignore[return-value]
