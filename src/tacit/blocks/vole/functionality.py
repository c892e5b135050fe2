"""The ideal functionality of VOLE over a large field, in both directions between two parties.

The sender holds a fixed delta and q, the receiver u and t, with q[i] = t[i] + u[i] * delta; u, t and q look
random. Sums are xor, bit i is the coefficient of X^i; t, q and delta are rows of 16 bytes. Where u has 128
bits, all are elements of GF(2)[X]/(X^128 + X^7 + X^2 + X + 1), products `_kernel.gf128_mul`; where it has 64,
u is in B = GF(2)[X]/(X^64 + X^4 + X^3 + X + 1) and the others are pairs over B, the first in the lower half.
The form with u in GF(2): `blocks.ot.functionality.OtLink`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from tacit.base.ctx import Ctx


class VoleLink(ABC):
    """VOLEs with the peer in both directions, in any amount, each batch named by its scope."""

    @property
    @abstractmethod
    def delta(self) -> bytes:
        """My key as the sender, 16 bytes."""

    @abstractmethod
    async def send(self, ctx: Ctx, n: int) -> np.ndarray:
        """As the sender: q, uint8[n, 16]."""

    @abstractmethod
    async def receive(self, ctx: Ctx, n: int) -> tuple[np.ndarray, np.ndarray]:
        """As the receiver: u, uint8[n, 16] or uint8[n, 8], and t, uint8[n, 16]."""

    @abstractmethod
    def bits(self, n: int) -> int:
        """Bits that both parties together send for n VOLEs."""
