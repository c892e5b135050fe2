"""ANDs and carry trees on xor-shared bits packed in words, two parties.

Source   [GMW87]; carry trees as in [ABY] section III.B and [SPDZ-2k] DEF+19 section 5 (generate/propagate),
         over digits as in [CrypTFlow2] eprint 2020/325, section 3.1.
Setting  semi-honest.
Differs  the leaves of a sign's tree are digits of 4 bits: both bits of a digit are looked up in the other
         party's table by one OT of 16. The generate bits of single bits are products of private bits: one
         OT each. The two ANDs of a tree node share the operand p, so they share their OTs.
Cost     sign of a 64-bit element: 16*4 + 2*15 = 94 OTs, 64 bytes of tables; openings 2*3*15 bits; 2 + 4
         rounds. In general width w: ceil((w - 1)/4) digits.

Notation     here
  g_i, p_i   generate and propagate of digit i (or of an interval): carry out = g xor p & carry in
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
    source="ABY §III.B, carry tree; CrypTFlow2 §3.1",
    setting=TWO_PARTY,
    rounds=lambda source, x, width=RING_BITS: _sign_rounds(source, width),
    bits=lambda source, x, width=RING_BITS: _sign_bits(source, width, -(-x.data.size // 64)),
)
async def msb(ctx: Ctx, source: Correlations, x: Semi2kShare, width: int = RING_BITS) -> Semi2kShare:
    """The sign of -2^(width-1) <= x < 2^(width-1): top bits xor the carry out of the lower ones."""
    data = np.ascontiguousarray(x.data).reshape(-1)
    top = pack((data >> np.uint64(width - 1)).astype(np.uint8) & np.uint8(1))
    if width > 1:
        top ^= await _carry(ctx, source, data, width - 1)
    return Semi2kShare(unpack(top, x.shape), boolean=True)


async def _carry(ctx: Ctx, source: Correlations, data: np.ndarray, bits: int) -> np.ndarray:
    """Xor shares, packed, of the carry out of the low `bits` bits."""
    words, nodes, used = -(-data.size // 64), _nodes(source, bits), 0
    leaves = source.digit_carries(ctx, data, bits)
    if not nodes:
        return np.asarray((await leaves)[0][0])
    (g, p), triples = await gather(leaves, source.bit_triples(ctx, nodes * words, 2))
    while len(g) > 1:
        half = len(g) // 2
        low, high = slice(0, 2 * half, 2), slice(1, 2 * half, 2)
        part = _slice(triples, used, half * words)
        used += half * words
        right = np.stack([g[low].reshape(-1), p[low].reshape(-1)])
        z = (await and_words(ctx, part, p[high].reshape(-1), right)).reshape(2, half, words)
        g = np.concatenate([g[high] ^ z[0], g[2 * half :]])
        p = np.concatenate([z[1], p[2 * half :]])
    return np.asarray(g[0])


@protocol(
    source="ABY §III.B, Sklansky prefix",
    setting=TWO_PARTY,
    rounds=lambda source, x: source.bit_rounds + 6,
    bits=lambda source, x: _a2b_bits(source, -(-x.data.size // 64)),
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


def _nodes(source: Correlations, bits: int) -> int:
    """Of the carry tree over so many bits."""
    return -(-bits // source.digit_bits) - 1


def _sign_rounds(source: Correlations, width: int) -> int:
    return source.digit_rounds + _nodes(source, width - 1).bit_length() if width > 1 else 0


def _sign_bits(source: Correlations, width: int, words: int) -> int:
    if width == 1:
        return 0
    leaves = source.digit_carries_bits(words, width - 1)
    return leaves + _tree_bits(source, _nodes(source, width - 1) * words)


def _tree_bits(source: Correlations, words: int) -> int:
    """Triples of so many words of nodes, and openings of 3 bits a party."""
    return source.bit_triples_bits(words, 2) + 2 * 64 * 3 * words if words else 0


def _a2b_bits(source: Correlations, words: int) -> int:
    return source.bit_products_bits(RING_BITS * words) + _tree_bits(source, 3 * RING_BITS * words)


def _slice(triples: BitTriples, start: int, words: int) -> BitTriples:
    stop = start + words
    return BitTriples(triples.a[start:stop], triples.b[:, start:stop], triples.c[:, start:stop])
