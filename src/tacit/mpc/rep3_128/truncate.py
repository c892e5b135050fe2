"""Truncation of replicated values over Z_2^128: one unit in the last place, no large errors.

Source   as `mpc.rep3.truncate`, whose theorem holds for k = 128: [SIRNN] section III, [DEK20].
Setting  semi-honest, three parties of which one may be corrupted.
Differs  a value of l bits could be truncated locally, wrong with probability 2^(l + 1 - 128) over the
         sharing, and then by 2^(128 - f): after products of 62-bit numbers that is 2^-3. The wrap bit costs
         f bits a message and is never wrong, so no such room has to be left.
         V D 2^(k-f) lies in the high limb for f <= 64, so that product is the one of rep3.
Cost     16 bytes + 4f bits for all parties together (25 bytes at f = 18), one round.

Notation     here
  k, f       128, dropped bits;  c, s, V, D, d, m as in `mpc.rep3.truncate`
"""

from __future__ import annotations

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.prg import Prg
from tacit.base.protocol import protocol
from tacit.base.types import RING_BITS
from tacit.base.wire import Ring
from tacit.mpc.rep3.roles import HELPER, swap
from tacit.mpc.rep3.share import THREE_PARTY, n_words
from tacit.mpc.rep3.truncate import ROUNDING, mask_words
from tacit.mpc.rep3_128 import words
from tacit.mpc.rep3_128.share import WideShare

LIMB = 64


def evaluator_part(c: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """(what c contributes to y, V) for c in [0, 2^128), c + s = x + 2^126."""
    top = words.top_bit(c)
    one = words.widened(np.ones((), np.uint64))
    offset = np.uint64((-(1 << (LIMB - 2 - bits))) % (1 << LIMB))
    part = words.add(words.shifted_down(c, bits), one)
    return words.raised(part, offset - (top << np.uint64(LIMB - bits))), top ^ np.uint64(1)


def helper_part(s: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """(what s contributes to y, D): y = both contributions - V D 2^(128-bits)."""
    return words.shifted_down(s, bits), words.top_bit(s)


@protocol(
    source="SIRNN §III; DEK20; ABY3 §5.4",
    setting=THREE_PARTY,
    rounds=1,
    bits=lambda x, bits: 128 * x.size + 64 * 4 * bits * n_words(x.size),
    leaks=ROUNDING,
)
async def trunc(ctx: Ctx, x: WideShare, bits: int) -> WideShare:
    """floor(x / 2^bits) or that plus one, for |x| < 2^126, 0 < bits <= 62.

    V D in one round: each evaluator j gets D - d_i from the helper and V d_i + m_i from the other one, i, so
    V (D - d_i) + (V d_i + m_i) + m_j = V D + m_0 + m_1. It never sees D, whose mask d_i it does not know.
    """
    n, shift = x.size, np.uint64(LIMB - bits)
    flat = [side.reshape(n, 2) for side in (x.first, x.second)]
    if ctx.me == HELPER:
        part, top = helper_part(words.add(*flat), bits)
        d_1, m_1 = drawn_masks(ctx.common(1), n, bits)
        d_0, m_0 = drawn_masks(ctx.common(0), n, bits)
        await ctx.send(0, Ring(low_planes(top - d_1, bits)))
        z_0 = ctx.common(0).ring((n, 2))
        z_2 = words.sub(words.raised(part, (m_0 + m_1) << shift), z_0)
        await ctx.send(1, Ring(np.concatenate([z_2.reshape(-1), low_planes(top - d_0, bits).reshape(-1)])))
        return _shaped(x, z_2, z_0)
    c = flat[1] if ctx.me == 0 else flat[0]
    part, v = evaluator_part(words.raised(c, np.uint64(1 << (LIMB - 2))), bits)
    coins = ctx.common(HELPER)
    d, m = drawn_masks(coins, n, bits)
    product = _kernel.planes_to_bits(await swap(ctx, low_planes(v * d + m, bits)), n)
    planes = bits * n_words(n)
    got = (await ctx.recv(HELPER, Ring, shape=(planes + 2 * n * ctx.me,))).array
    product = product + v * _kernel.planes_to_bits(got[got.size - planes :].reshape(bits, -1), n) + m
    own = words.raised(part, -(product << shift))
    if ctx.me == 0:
        return _shaped(x, coins.ring((n, 2)), own)
    return _shaped(x, own, got[: 2 * n].reshape(n, 2))


def _shaped(x: WideShare, first: np.ndarray, second: np.ndarray) -> WideShare:
    return WideShare(first.reshape(x.first.shape), second.reshape(x.first.shape))


def drawn_masks(coins: Prg, n: int, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """(d, m): coins of which the low `bits` bits count; one draw gives both if they fit."""
    first, *second = (coins.ring((words,)) for words in mask_words(n, bits))
    return first, second[0] if second else first >> np.uint64(RING_BITS // 2)


def low_planes(x: np.ndarray, bits: int) -> np.ndarray:
    """The low `bits` bits of every element, uint64[bits, words]."""
    return _kernel.bits_to_planes(np.ascontiguousarray(x), bits)
