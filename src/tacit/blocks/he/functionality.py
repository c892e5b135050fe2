"""The ideal functionalities of products of private values, shared between both parties.

`ProductLink`: one party's matrix times the other's. `SlotLink`: numbers times numbers, element by element.

Matrices: `holder` gives x, uint64[m, d], the other party w, uint64[batch, d]; each gets a uniform additive
share modulo 2^64 of x @ w[i] for every i. Shapes and the bound on x are known to both; nothing else is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.setting import Setting

TWO_PARTY_RLWE = Setting(
    parties=2,
    corrupted=1,
    adversary="semi-honest",
    security="computational",
    assumes=("private channels", "AES-128 as an ideal cipher", "RLWE of degree 8192 with ternary secrets"),
)
"""Ciphertext moduli below 2^218; a job's answers are within 2^-40 of ideal."""


class ProductLink(ABC):
    """Keys of both parties, with which either one's matrix meets the other one's."""

    @abstractmethod
    async def product(
        self,
        ctx: Ctx,
        holder: int,
        x: np.ndarray | None,
        w: np.ndarray | None,
        shape: tuple[int, int, int, int],
        x_bits: int,
    ) -> np.ndarray:
        """Shares mod 2^64, uint64[batch, m], of x @ w[i]; `shape` and operands as in `Correlations.cross`.

        As a signed number every element of x has at most `x_bits` bits (1..64), the sign included.
        """

    @abstractmethod
    def product_bits(self, shape: tuple[int, int, int, int], x_bits: int) -> int:
        """Bits that both parties together send."""


class SlotLink(ABC):
    """Keys of both parties, with which numbers of one meet numbers of the other, element by element."""

    slots: ClassVar[int]
    """Products that fill a ciphertext: as many or fewer cost the same."""

    @abstractmethod
    async def product(self, ctx: Ctx, owner: int, factors: np.ndarray, *, tops: bool) -> np.ndarray:
        """Shares uint64[1 or 2, n] of z = sum over k of (`owner`'s factors)[k] * (the other's factors)[k].

        `factors`: uint64[terms, n], one term or two. The first rows of both parties add up to z + w modulo
        2^64, w being 0 or 1, a function of z and of a uniform share. With `tops`, w is the OR of the
        second rows.
        """

    @abstractmethod
    def product_bits(self, products: int, terms: int) -> int:
        """Bits that both parties together send."""
