"""Claims about products that still have to be verified, as one of three parties sees them.

A claim has a prover p, which knows everything, and two verifiers: its `prev` knows the factors u, its `next`
the factors v, and each of them one part of the rest e:

    sum_s u_s * v_s + e_prev + e_next = 0    for every gate, over Z_2^64 or bit by bit over GF(2).

A party takes part in three ways: it proves its own claims, it is the `prev` of the prover after it, and the
`next` of the prover before it. Entries are kept by the scope path in which they arose, which the three agree
on whatever the order in which their schedulers ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np


@dataclass(frozen=True)
class Matrix:
    """A factor of a matrix product; `left` if it stands on the left of its partner."""

    array: np.ndarray
    left: bool


@dataclass(frozen=True)
class Bits:
    """A factor of values 0 and `scale`, as uint8 of 0 and 1: cheaper to fold and to multiply than words."""

    array: np.ndarray
    scale: int = 1

    @property
    def size(self) -> int:
        return self.array.size


Values = np.ndarray | Bits
Factor = TypeVar("Factor", Values, Matrix)


@dataclass(frozen=True)
class Proved(Generic[Factor]):
    """My own claim: streams of factors u and v."""

    u: tuple[Factor, ...]
    v: tuple[Factor, ...]


@dataclass(frozen=True)
class Watched(Generic[Factor]):
    """A claim of a neighbour: the factors of one side, and my part of the rest."""

    factors: tuple[Factor, ...]
    rest: np.ndarray


@dataclass
class Gates(Generic[Factor]):
    """Claims of one kind, by scope path. `after`: of the prover after me, whose u I know; `before`: of the
    prover before me, whose v I know. Element-wise factors and rests are flat and of one length; of matrices
    the rest is [m, n]."""

    proved: dict[str, Proved[Factor]] = field(default_factory=dict)
    after: dict[str, Watched[Factor]] = field(default_factory=dict)
    before: dict[str, Watched[Factor]] = field(default_factory=dict)

    def prove(self, path: str, u: Sequence[Factor], v: Sequence[Factor]) -> None:
        self.proved[path] = Proved(tuple(u), tuple(v))

    def watch_after(self, path: str, u: Sequence[Factor], rest: np.ndarray) -> None:
        self.after[path] = Watched(tuple(u), rest)

    def watch_before(self, path: str, v: Sequence[Factor], rest: np.ndarray) -> None:
        self.before[path] = Watched(tuple(v), rest)

    def __bool__(self) -> bool:
        return bool(self.proved or self.after or self.before)


@dataclass
class Claims:
    """All that is still unverified: products in the ring, ANDs of packed bits (64 gates a word), products of
    matrices. `words` counts about what is kept in memory, alike at every party."""

    ring: Gates[Values] = field(default_factory=Gates)
    bits: Gates[Values] = field(default_factory=Gates)
    matrices: Gates[Matrix] = field(default_factory=Gates)
    words: int = 0

    def __bool__(self) -> bool:
        return bool(self.ring or self.bits or self.matrices)
