"""Long messages of short rows of bytes in pieces, so that one is on its way while the next is made ready."""

from __future__ import annotations

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.wire import Octets

BLOCK_BYTES = 16
CHUNK = 1 << 16
"""Rows of a message."""


async def send_blocks(ctx: Ctx, blocks: np.ndarray) -> None:
    """uint8[n, width] to the peer."""
    for start in range(0, len(blocks), CHUNK):
        await ctx.send(ctx.peer, Octets(blocks[start : start + CHUNK]))


async def recv_blocks(ctx: Ctx, n: int, width: int = BLOCK_BYTES) -> np.ndarray:
    """uint8[n, width] from the peer."""
    blocks = np.empty((n, width), np.uint8)
    for start in range(0, n, CHUNK):
        part = blocks[start : start + CHUNK]
        part[:] = (await ctx.recv(ctx.peer, Octets, shape=part.shape)).array
    return blocks
