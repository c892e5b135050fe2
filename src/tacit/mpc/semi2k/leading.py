"""Some bits of a ring element, and its leading one, on packed words, two parties.

Source   [ABY] section III.B (a prefix adder); [CdH10] Catrina, de Hoogh, SCN 2010, section 3 (normalisation
         by a prefix of ORs).
Setting  semi-honest.
Differs  only the carries that the wanted bits need are computed. The leading one of a negative value is that
         of its complement, which costs nothing.
Cost     one OT for each bit below the highest, two for each node of the adder and for each OR; openings.

Notation     here
  g_i, p_i   generate and propagate of bit i (or of an interval): carry out = g xor p & carry in
"""

from __future__ import annotations

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.protocol import gather, protocol
from tacit.blocks.correlation import TWO_PARTY, BitTriples, Correlations
from tacit.mpc.prefix import Level, prefixes
from tacit.mpc.semi2k.boolean import and_words
from tacit.mpc.semi2k.share import Semi2kShare


def carries(low: int, high: int) -> tuple[Level, ...]:
    """The adder's levels for bits low to high - 1."""
    return prefixes(max(low - 1, 0), high - 1)


def _nodes(levels: tuple[Level, ...]) -> int:
    return sum(level.size for level in levels)


def _words(x: Semi2kShare) -> int:
    return -(-x.data.size // 64)


def _adder_bits(source: Correlations, low: int, high: int, words: int) -> int:
    nodes = _nodes(carries(low, high))
    leaves = source.bit_products_bits((high - 1) * words) if high > 1 else 0
    return leaves + (source.bit_triples_bits(nodes * words, 2) + 2 * 64 * 3 * nodes * words if nodes else 0)


def _prefix_bits(source: Correlations, count: int, words: int) -> int:
    nodes = _nodes(prefixes(0, count))
    return source.bit_triples_bits(nodes * words, 1) + 2 * 64 * 2 * nodes * words if nodes else 0


class Stock:
    """Bit triples of one width, taken part by part."""

    def __init__(self, triples: BitTriples) -> None:
        self._triples, self._used = triples, 0

    def take(self, words: int) -> BitTriples:
        start, self._used = self._used, self._used + words
        one, stop = self._triples, self._used
        return BitTriples(one.a[start:stop], one.b[:, start:stop], one.c[:, start:stop])


@protocol(
    source="ABY §III.B, Sklansky prefix",
    setting=TWO_PARTY,
    rounds=lambda source, x, low, high: (source.bit_rounds if high > 1 else 0) + len(carries(low, high)),
    bits=lambda source, x, low, high: _adder_bits(source, low, high, _words(x)),
)
async def bit_words(ctx: Ctx, source: Correlations, x: Semi2kShare, low: int, high: int) -> np.ndarray:
    """Bits low to high - 1, packed, uint64[high - low, words]."""
    p = _kernel.bits_to_planes(np.ascontiguousarray(x.data).reshape(-1), high)
    if high == 1:
        return p
    levels, words = carries(low, high), p.shape[1]
    calls = [source.bit_products(ctx, p[:-1].reshape(-1))]
    if not levels:
        (products,) = await gather(*calls)
        return _sums(p, products.reshape(-1, words), low)
    products, triples = await gather(*calls, source.bit_triples(ctx, _nodes(levels) * words, 2))
    g, sums, stock = products.reshape(-1, words).copy(), p.copy(), Stock(triples)
    for level in levels:
        right = np.stack([g[level.low].reshape(-1), p[level.low].reshape(-1)])
        z = await and_words(ctx, stock.take(level.size * words), p[level.high].reshape(-1), right)
        z = z.reshape(2, level.size, words)
        g[level.high] ^= z[0]
        p[level.high] = z[1]
    return _sums(sums, g, low)


def _sums(p: np.ndarray, g: np.ndarray, low: int) -> np.ndarray:
    """Sum bits from `low` on, from propagate bits and the carries out of all but the highest."""
    sums = p[low:].copy()
    sums[int(low == 0) :] ^= g[max(low - 1, 0) :]
    return sums


@protocol(
    source="CdH10 §3; ABY §III.B",
    setting=TWO_PARTY,
    rounds=lambda source, x, low, high: (
        source.bit_rounds + len(carries(low, high + 1)) + len(prefixes(0, high - low))
    ),
    bits=lambda source, x, low, high: (
        _adder_bits(source, low, high + 1, _words(x)) + _prefix_bits(source, high - low, _words(x))
    ),
)
async def leading_words(ctx: Ctx, source: Correlations, x: Semi2kShare, low: int, high: int) -> np.ndarray:
    """Row k: bit low + k is the leading one; last row: the sign; packed."""
    levels, words = prefixes(0, high - low), _words(x)
    adder = bit_words(ctx, source, x, low, high + 1)
    if levels:
        bits, triples = await gather(adder, source.bit_triples(ctx, _nodes(levels) * words, 1))
        stock = Stock(triples)
    else:
        bits = await adder
    seen = np.ascontiguousarray((bits[:-1] ^ bits[-1])[::-1])  # highest first
    for level in levels:
        left, right = seen[level.high], seen[level.low]
        both = await and_words(ctx, stock.take(level.size * words), left.reshape(-1), right.reshape(1, -1))
        seen[level.high] = left ^ right ^ both.reshape(left.shape)
    above = np.concatenate([np.zeros_like(seen[:1]), seen[:-1]])
    return np.concatenate([(seen ^ above)[::-1], bits[-1:]])


async def bits(ctx: Ctx, source: Correlations, x: Semi2kShare, low: int, high: int) -> Semi2kShare:
    """Bits low to high - 1, boolean, shape [high - low, *shape]."""
    return _unpacked(await bit_words(ctx, source, x, low, high), x)


async def leading_one(ctx: Ctx, source: Correlations, x: Semi2kShare, low: int, high: int) -> Semi2kShare:
    """The leading one among bits low to high - 1 and the sign, boolean, shape [high - low + 1, *shape]."""
    return _unpacked(await leading_words(ctx, source, x, low, high), x)


def _unpacked(rows: np.ndarray, x: Semi2kShare) -> Semi2kShare:
    packed = np.ascontiguousarray(rows).view(np.uint8)
    columns = np.unpackbits(packed, axis=1, count=x.data.size, bitorder="little")
    return Semi2kShare(columns.reshape(len(rows), *x.shape), boolean=True)
