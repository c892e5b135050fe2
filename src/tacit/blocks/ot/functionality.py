"""The ideal functionality of extended OT: random correlated rows, in both directions between two parties.

For every OT i the receiver holds a choice bit c_i and a row t_i, the sender a fixed delta and
q_i = t_i xor c_i * delta (128 bits). Hashing the rows breaks the correlation and yields OT messages.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from tacit.base.ctx import Ctx


class OtLink(ABC):
    """Correlated OTs with the peer in both directions, in any amount, each batch named by its scope."""

    delta: bytes

    @abstractmethod
    async def send_rows(self, ctx: Ctx, n: int) -> np.ndarray:
        """As the sender of n OTs: rows q, uint8[n, 16]."""

    @abstractmethod
    async def receive_rows(self, ctx: Ctx, choices: np.ndarray, n: int) -> np.ndarray:
        """As the receiver with choice bits packed in uint8[ceil(n/8)]: rows t, uint8[n, 16]."""

    @abstractmethod
    def row_bits(self, n: int) -> int:
        """Bits that the receiver sends for n OTs."""
