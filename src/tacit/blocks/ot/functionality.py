"""The ideal functionality of extended OT: random correlated rows, in both directions between two parties.

For every OT i the receiver holds a choice bit c_i and a row t_i, the sender a fixed delta and
q_i = t_i xor c_i * delta (128 bits). Hashing the rows breaks the correlation and yields OT messages.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from tacit.base.ctx import Ctx


class OtLink(ABC):
    """Correlated OTs with the peer in both directions, in any amount, each batch named by its scope."""

    delta: bytes
    rounds: ClassVar[int] = 1
    """Messages in a row until both sides have their rows."""
    sender_rounds: ClassVar[int] = 1
    """Until the sender has them: what a payload waits for."""

    @abstractmethod
    async def send_rows(self, ctx: Ctx, n: int) -> np.ndarray:
        """As the sender of n OTs: rows q, uint8[n, 16]."""

    @abstractmethod
    async def receive_rows(self, ctx: Ctx, choices: np.ndarray, n: int) -> np.ndarray:
        """As the receiver with choice bits packed in uint8[ceil(n/8)]: rows t, uint8[n, 16]."""

    @abstractmethod
    def row_bits(self, n: int) -> int:
        """Bits that both parties together send for n OTs."""

    def sender_bits(self, n: int) -> int:
        """Those of them, and of random rows, that the sender of the OTs sends."""
        return 0

    async def send_random_rows(self, ctx: Ctx, n: int) -> np.ndarray:
        """As `send_rows`, for a receiver that does not mind its choices."""
        return await self.send_rows(ctx, n)

    async def receive_random_rows(self, ctx: Ctx, n: int) -> tuple[np.ndarray, np.ndarray]:
        """As `receive_rows` with random choices: (choices uint8[ceil(n/8)] with a zero tail, rows)."""
        choices = ctx.private().bytes(-(-n // 8))
        if n % 8:
            choices[-1] &= (1 << n % 8) - 1
        return choices, await self.receive_rows(ctx, choices, n)

    def random_row_bits(self, n: int) -> int:
        """As `row_bits`, for random choices."""
        return self.row_bits(n)
