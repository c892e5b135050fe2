"""The ideal functionality of one-sided products: one party's matrix times the other's, shared between both.

`holder` gives x, uint64[m, d], the other party w, uint64[batch, d]; each gets a uniform additive share
modulo 2^64 of x @ w[i] for every i. Shapes and the bound on x are known to both; nothing else is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

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
