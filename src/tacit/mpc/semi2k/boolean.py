"""ANDs and carry trees on xor-shared bits packed in words, two parties.

Source   [GMW87]; carry trees as in [ABY] section III.B and [SPDZ-2k] DEF+19 section 5 (generate/propagate).
Setting  semi-honest.
Differs  the generate bits of a sum x_0 + x_1 are products of private bits: one OT each. The two ANDs of a
         tree node share the operand p, so they share their OTs.
Cost     sign of a 64-bit element: 63 + 2*62 = 187 OTs; openings 2*(63 + 3*62) bits; 1 + 6 + 1 rounds.

Notation     here
  g_i, p_i   generate and propagate of bit i (or of an interval): carry out = g xor p & carry in
"""

from __future__ import annotations

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.protocol import gather, protocol
from tacit.base.types import RING_BITS
from tacit.base.wire import Ring
from tacit.blocks.correlation import TWO_PARTY, BitTriples, Correlations
from tacit.mpc.semi2k.share import Semi2kShare, pack, unpack


@protocol(
    source="GMW87; Beaver91",
    setting=TWO_PARTY,
    rounds=1,
    bits=lambda triples, x, y: 2 * 64 * (x.size + y.size),
)
async def and_words(ctx: Ctx, triples: BitTriples, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x & y[j] for x uint64[words], y uint64[width, words]; uses up `triples` of that size."""
    masked = np.concatenate([(x ^ triples.a)[None], y ^ triples.b])
    theirs = (await ctx.exchange(ctx.peer, ctx.peer, Ring(masked), shape=masked.shape)).array
    opened = masked ^ theirs
    d, e = opened[0], opened[1:]
    z: np.ndarray = triples.c ^ (d & triples.b) ^ (e & triples.a)
    return z ^ (d & e) if ctx.me == 0 else z


@protocol(
    source="GMW87",
    setting=TWO_PARTY,
    rounds=lambda source, *_: source.triple_rounds + 1,
    bits=lambda source, x, y: _and_bits(source, -(-x.data.size // 64)),
)
async def and_(ctx: Ctx, source: Correlations, x: Semi2kShare, y: Semi2kShare) -> Semi2kShare:
    """Element-wise AND of boolean shares of equal shapes."""
    left, right = pack(x.data), pack(y.data)[None]
    triples = await source.bit_triples(ctx, len(left), 1)
    z = await and_words(ctx, triples, left, right)
    return Semi2kShare(unpack(z[0], x.shape), boolean=True)


@protocol(
    source="ABY §III.B, carry tree",
    setting=TWO_PARTY,
    rounds=lambda source, x: source.bit_rounds + 6,
    bits=lambda source, x: _tree_bits(source, RING_BITS - 1, RING_BITS - 2, -(-x.data.size // 64)),
)
async def msb(ctx: Ctx, source: Correlations, x: Semi2kShare) -> Semi2kShare:
    """The sign bit: top bits xor the carry out of the 63 lower ones."""
    planes = _kernel.bits_to_planes(np.ascontiguousarray(x.data).reshape(-1), RING_BITS)
    p, words = planes[:-1], planes.shape[1]
    nodes = len(p) - 1
    g, triples = await gather(
        source.bit_products(ctx, p.reshape(-1)), source.bit_triples(ctx, nodes * words, 2)
    )
    g, used = g.reshape(p.shape), 0
    while len(g) > 1:
        half = len(g) // 2
        low, high = slice(0, 2 * half, 2), slice(1, 2 * half, 2)
        part = _slice(triples, used, half * words)
        used += half * words
        right = np.stack([g[low].reshape(-1), p[low].reshape(-1)])
        z = (await and_words(ctx, part, p[high].reshape(-1), right)).reshape(2, half, words)
        g = np.concatenate([g[high] ^ z[0], g[2 * half :]])
        p = np.concatenate([z[1], p[2 * half :]])
    return Semi2kShare(unpack(planes[-1] ^ g[0], x.shape), boolean=True)


@protocol(
    source="ABY §III.B, Sklansky prefix",
    setting=TWO_PARTY,
    rounds=lambda source, x: source.bit_rounds + 6,
    bits=lambda source, x: _tree_bits(source, RING_BITS, 3 * RING_BITS, -(-x.data.size // 64)),
)
async def a2b(ctx: Ctx, source: Correlations, x: Semi2kShare) -> Semi2kShare:
    """All 64 bits, shape [*shape, 64]: bit i = x_0[i] xor x_1[i] xor carry into i."""
    planes = _kernel.bits_to_planes(np.ascontiguousarray(x.data).reshape(-1), RING_BITS)
    words, depth = planes.shape[1], RING_BITS.bit_length() - 1
    g, triples = await gather(
        source.bit_products(ctx, planes.reshape(-1)),
        source.bit_triples(ctx, depth * RING_BITS // 2 * words, 2),
    )
    g, p = g.reshape(planes.shape).copy(), planes.copy()
    for level in range(depth):
        span = 1 << level
        high = [i for i in range(RING_BITS) if i & span]
        low = [(i & ~(span - 1)) - 1 for i in high]
        part = _slice(triples, level * len(high) * words, len(high) * words)
        right = np.stack([g[low].reshape(-1), p[low].reshape(-1)])
        z = (await and_words(ctx, part, p[high].reshape(-1), right)).reshape(2, len(high), words)
        g[high] ^= z[0]
        p[high] = z[1]
    bits = planes
    bits[1:] ^= g[:-1]
    n = x.data.size
    columns = np.stack([unpack(plane, (n,)) for plane in bits], axis=-1)
    return Semi2kShare(columns.reshape(*x.shape, RING_BITS), boolean=True)


def _and_bits(source: Correlations, words: int) -> int:
    return source.bit_triples_bits(words, 1) + 2 * 64 * 2 * words


def _tree_bits(source: Correlations, leaves: int, nodes: int, words: int) -> int:
    """Products of private bits at the leaves; triples and openings of 3 bits a party at the nodes."""
    return (
        source.bit_products_bits(leaves * words)
        + source.bit_triples_bits(nodes * words, 2)
        + 2 * 64 * 3 * nodes * words
    )


def _slice(triples: BitTriples, start: int, words: int) -> BitTriples:
    stop = start + words
    return BitTriples(triples.a[start:stop], triples.b[:, start:stop], triples.c[:, start:stop])
