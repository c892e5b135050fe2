"""ANDs of replicated bits and the bits of a ring element, three parties.

Source   [AFLNO16] eprint 2016/768, section 2.3 over Z_2; [ABY3] eprint 2018/403, section 5.3 (A2B by a
         parallel prefix adder).
Setting  semi-honest, three parties of which one may be corrupted.
Differs  two addends instead of three: both evaluators know c = x_1, only the helper's s = x_2 + x_0 is
         shared, so no full adder precedes the prefix adder, and the first ANDs are between a bit that two
         parties know and a shared one. The lowest interval of a prefix needs no p.
Cost     and_: one bit per party; a2b: 64 + 128 + 3*321 bits (144 bytes) for all parties together, 8 rounds.

Notation     here
  g_i, p_i   generate and propagate of bit i (or of an interval): carry out = g xor p & carry in
"""

from __future__ import annotations

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.protocol import protocol
from tacit.base.types import RING_BITS
from tacit.base.wire import Ring
from tacit.mpc.rep3 import chunks
from tacit.mpc.rep3.chunks import Addends
from tacit.mpc.rep3.roles import HELPER, helper_side, open_side, swap
from tacit.mpc.rep3.share import THREE_PARTY, Rep3Share, n_words, neighbours, pack, unpack, zero_sharing

Words = tuple[np.ndarray, np.ndarray]
"""Replicated bits packed in words: (x_i, x_(i+1))."""


async def reshare_words(ctx: Ctx, t: np.ndarray) -> Words:
    """From xor addends of packed bits to replicated ones."""
    after, before = neighbours(ctx)
    plus, minus = zero_sharing(ctx, lambda coins: coins.ring(t.shape))
    own = t ^ plus ^ minus
    return own, (await ctx.exchange(before, after, Ring(own), shape=own.shape)).array


@protocol(source="AFLNO16 §2.3", setting=THREE_PARTY, rounds=1, bits=lambda x, y: 3 * 64 * n_words(x.size))
async def and_(ctx: Ctx, x: Rep3Share, y: Rep3Share) -> Rep3Share:
    """Element-wise AND of boolean shares of equal shapes."""
    t = (x.first & (y.first ^ y.second)) ^ (x.second & y.first)
    own, received = await reshare_words(ctx, pack(t))
    return Rep3Share(unpack(own, x.shape), unpack(received, x.shape), boolean=True)


@protocol(source="AFLNO16 §2.3", setting=THREE_PARTY, rounds=1, bits=lambda x, y: 3 * 64 * x[0].size)
async def and_words(ctx: Ctx, x: Words, y: Words) -> Words:
    """x & y for packed bits of equal shapes."""
    return await reshare_words(ctx, (x[0] & (y[0] ^ y[1])) ^ (x[1] & y[0]))


def prefix_levels() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Sklansky's adder on 64 bits: per level (positions, where their low interval ends, which need p)."""
    levels = []
    for span in (1 << level for level in range(RING_BITS.bit_length() - 1)):
        high = np.flatnonzero(np.arange(RING_BITS) & span)
        low = (high & ~(span - 1)) - 1
        levels.append((high, low, high >= 2 * span))
    return levels


PREFIX_LEVELS = prefix_levels()
PREFIX_ANDS = sum(int(len(high) + wide.sum()) for high, _, wide in PREFIX_LEVELS)
BITS_PER_ELEMENT = RING_BITS + 2 * RING_BITS + 3 * PREFIX_ANDS


@protocol(
    source="ABY3 §5.3",
    setting=THREE_PARTY,
    rounds=lambda x: 8 * chunks.windows(x.size),
    bits=lambda x: 64 * chunks.words(x.size) * BITS_PER_ELEMENT,
)
async def a2b(ctx: Ctx, x: Rep3Share) -> Rep3Share:
    """All 64 bits, shape [*shape, 64], lowest first."""
    side = helper_side(x) if ctx.me == HELPER else open_side(ctx, x)
    first, second = await chunks.in_chunks(
        x.size, np.uint8, lambda part: decompose(ctx, side[part]), (RING_BITS,)
    )
    shape = (*x.shape, RING_BITS)
    return Rep3Share(first.reshape(shape), second.reshape(shape), boolean=True)


@protocol(
    source="ABY3 §5.3",
    setting=THREE_PARTY,
    rounds=8,
    bits=lambda side: 64 * n_words(side.size) * BITS_PER_ELEMENT,
)
async def decompose(ctx: Ctx, side: np.ndarray) -> Addends:
    """The same for one chunk, uint8[n, 64], from c or s, flat: bit i = c_i xor s_i xor carry into i."""
    g, p = await generate(ctx, _kernel.bits_to_planes(side, RING_BITS))
    sums = p[0].copy(), p[1].copy()
    for high, low, wide in PREFIX_LEVELS:
        rows, below = high[wide], low[wide]
        z = await and_words(
            ctx,
            (np.concatenate([p[0][high], p[0][rows]]), np.concatenate([p[1][high], p[1][rows]])),
            (np.concatenate([g[0][low], p[0][below]]), np.concatenate([g[1][low], p[1][below]])),
        )
        for j in (0, 1):
            g[j][high] ^= z[j][: len(high)]
            p[j][rows] = z[j][len(high) :]
    return bit_rows(sums[0], g[0], side.size), bit_rows(sums[1], g[1], side.size)


async def generate(ctx: Ctx, planes: np.ndarray) -> tuple[Words, Words]:
    """Replicated (g, p) of every bit from the planes of c or s: g_i = c_i & s_i, p_i = c_i xor s_i.

    s = u xor v, u from coins with evaluator 0, v sent to evaluator 1. Each evaluator's part of c & s, masked
    by coins with the helper, goes to the other one.
    """
    shape = planes.shape
    if ctx.me == HELPER:
        (u, m_0), m_1 = ctx.common(0).ring((2, *shape)), ctx.common(1).ring(shape)
        v = planes ^ u
        await ctx.send(1, Ring(v))
        return (m_1, m_0), (v, u)
    coins = ctx.common(HELPER)
    if ctx.me == 0:
        part, m = coins.ring((2, *shape))
    else:
        m = coins.ring(shape)
        part = np.array((await ctx.recv(HELPER, Ring, shape=shape)).array)
    offer = (planes & part) ^ m
    opened = offer ^ await swap(ctx, offer)
    return ((m, opened), (part, planes)) if ctx.me == 0 else ((opened, m), (planes, part))


def bit_rows(sums: np.ndarray, carries: np.ndarray, n: int) -> np.ndarray:
    """uint8[n, 64] from planes: the carry into bit i is the prefix up to bit i - 1."""
    sums[1:] ^= carries[:-1]
    words = _kernel.planes_to_bits(sums, n)
    return np.unpackbits(words.view(np.uint8), bitorder="little").reshape(n, RING_BITS)
