"""Some bits of a ring element, and its leading one, on packed words, three parties.

Source   [ABY3] eprint 2018/403, section 5.3 (a prefix adder); [CdH10] Catrina, de Hoogh, SCN 2010, section 3
         (normalisation by a prefix of ORs).
Setting  semi-honest, three parties of which one may be corrupted.
Differs  only the carries that the wanted bits need are computed. The leading one of a negative value is that
         of its complement, which costs nothing.
Cost     per element 3 high + 3 A bits for A ANDs of the adder, and 3 more for each OR; one round a level.

Notation     here
  g_i, p_i   generate and propagate of bit i (or of an interval): carry out = g xor p & carry in
"""

from __future__ import annotations

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.protocol import protocol
from tacit.mpc.prefix import Level, prefixes
from tacit.mpc.rep3 import chunks
from tacit.mpc.rep3.boolean import Words, and_words, generate
from tacit.mpc.rep3.chunks import Addends
from tacit.mpc.rep3.roles import HELPER, helper_side, open_side
from tacit.mpc.rep3.share import THREE_PARTY, Rep3Share, n_words, unpack_rows


def carries(low: int, high: int) -> tuple[Level, ...]:
    """The adder's levels for bits low to high - 1."""
    return prefixes(max(low - 1, 0), high - 1)


def adder_bits(low: int, high: int) -> int:
    """Bits on the wire per element."""
    return 3 * (high + sum(level.size + int(level.wide.sum()) for level in carries(low, high)))


def _chosen(words: Words, rows: np.ndarray | slice) -> Words:
    return words[0][rows], words[1][rows]


@protocol(
    source="ABY3 §5.3",
    setting=THREE_PARTY,
    rounds=lambda side, low, high: 2 + len(carries(low, high)),
    bits=lambda side, low, high: 64 * n_words(side.size) * adder_bits(low, high),
)
async def bit_words(ctx: Ctx, side: np.ndarray, low: int, high: int) -> Words:
    """Bits low to high - 1 of one chunk, packed, uint64[high - low, words], from c or s, flat."""
    g, p = await generate(ctx, _kernel.bits_to_planes(side, high))
    sums = p[0][low:].copy(), p[1][low:].copy()
    for level in carries(low, high):
        rows, below = level.high[level.wide], level.low[level.wide]
        left, right = (
            _chosen(p, np.concatenate([level.high, rows])),
            (
                np.concatenate([g[0][level.low], p[0][below]]),
                np.concatenate([g[1][level.low], p[1][below]]),
            ),
        )
        z = await and_words(ctx, left, right)
        for j in (0, 1):
            g[j][level.high] ^= z[j][: level.size]
            p[j][rows] = z[j][level.size :]
    for j in (0, 1):
        sums[j][int(low == 0) :] ^= g[j][max(low - 1, 0) : high - 1]
    return sums


@protocol(
    source="CdH10 §3; ABY3 §5.3",
    setting=THREE_PARTY,
    rounds=lambda side, low, high: 2 + len(carries(low, high + 1)) + len(prefixes(0, high - low)),
    bits=lambda side, low, high: (
        64
        * n_words(side.size)
        * (adder_bits(low, high + 1) + 3 * sum(level.size for level in prefixes(0, high - low)))
    ),
)
async def leading_words(ctx: Ctx, side: np.ndarray, low: int, high: int) -> Words:
    """Row k: bit low + k is the leading one; last row: the sign; packed, of one chunk."""
    bits = await bit_words(ctx, side, low, high + 1)
    # Highest first, complemented where the sign is set.
    seen = tuple(np.ascontiguousarray((part[:-1] ^ part[-1])[::-1]) for part in bits)
    for level in prefixes(0, high - low):
        right = _chosen((seen[0], seen[1]), level.low)
        both = await and_words(ctx, _chosen((seen[0], seen[1]), level.high), right)
        for j in (0, 1):
            seen[j][level.high] ^= right[j] ^ both[j]
    first, second = (
        np.concatenate([(part ^ _shifted(part))[::-1], sign[-1:]])
        for part, sign in zip(seen, bits, strict=True)
    )
    return first, second


def _shifted(rows: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros_like(rows[:1]), rows[:-1]])


async def bits(ctx: Ctx, x: Rep3Share, low: int, high: int) -> Rep3Share:
    """Bits low to high - 1, boolean, shape [high - low, *shape]."""
    side = helper_side(x) if ctx.me == HELPER else open_side(ctx, x)

    async def one(part: slice) -> Addends:
        return _unpacked(await bit_words(ctx, side[part], low, high), part)

    return _as_share(await chunks.in_chunks(x.size, np.uint8, one, head=(high - low,)), x)


async def leading_one(ctx: Ctx, x: Rep3Share, low: int, high: int) -> Rep3Share:
    """The leading one among bits low to high - 1 and the sign, boolean, shape [high - low + 1, *shape]."""
    side = helper_side(x) if ctx.me == HELPER else open_side(ctx, x)

    async def one(part: slice) -> Addends:
        return _unpacked(await leading_words(ctx, side[part], low, high), part)

    return _as_share(await chunks.in_chunks(x.size, np.uint8, one, head=(high - low + 1,)), x)


def _unpacked(words: Words, part: slice) -> Addends:
    n = part.stop - part.start
    return unpack_rows(words[0], n), unpack_rows(words[1], n)


def _as_share(addends: Addends, x: Rep3Share) -> Rep3Share:
    first, second = (part.reshape(len(part), *x.shape) for part in addends)
    return Rep3Share(first, second, boolean=True)
