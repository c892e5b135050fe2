"""From bits to ring elements, two parties.

Source   [ABY] section III.D (B2A by OT); [CrypTFlow2] eprint 2020/325, section 4.1 (multiplexer).
Setting  semi-honest.
Cost     b2a: one OT and 8 bytes; mux: two OTs and 16 bytes; 2 rounds each.
"""

from __future__ import annotations

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.protocol import gather, protocol
from tacit.base.types import RING_BITS
from tacit.blocks.correlation import TWO_PARTY, Correlations
from tacit.mpc.semi2k.share import Semi2kShare


@protocol(
    source="ABY §III.D",
    setting=TWO_PARTY,
    rounds=lambda source, *_: source.rounds,
    bits=lambda source, x: source.choose_bits(x.data.size, 1, RING_BITS),
)
async def b2a(ctx: Ctx, source: Correlations, x: Semi2kShare) -> Semi2kShare:
    """x_0 xor x_1 = x_0 + x_1 - 2 x_0 x_1."""
    n = x.data.size
    ring = x.data.reshape(n, 1).astype(np.uint64)
    choices, values = (x.data.reshape(n), None) if ctx.me == 0 else (None, ring)
    both = await source.choose(ctx, 0, choices, values, (n, 1), RING_BITS)
    return Semi2kShare((ring - np.uint64(2) * both).reshape(x.shape))


@protocol(
    source="CrypTFlow2 §4.1",
    setting=TWO_PARTY,
    rounds=lambda source, *_: source.rounds,
    bits=lambda source, c, x: 2 * source.choose_bits(x.data.size, 1, RING_BITS),
)
async def mux(ctx: Ctx, source: Correlations, c: Semi2kShare, x: Semi2kShare) -> Semi2kShare:
    """c x_i = c_i x_i + c_j (1 - 2 c_i) x_i: party i sends (1 - 2 c_i) x_i, party j chooses by c_j."""
    n = x.data.size
    choices, addend = c.data.reshape(n), x.data.reshape(n, 1)
    bit = choices.reshape(n, 1).astype(np.uint64)
    offer = (np.uint64(1) - np.uint64(2) * bit) * addend

    async def half(holder: int) -> np.ndarray:
        chosen, offered = (choices, None) if ctx.me == holder else (None, offer)
        return await source.choose(ctx, holder, chosen, offered, (n, 1), RING_BITS)

    crossed = await gather(half(0), half(1))
    return Semi2kShare((bit * addend + crossed[0] + crossed[1]).reshape(x.shape))
