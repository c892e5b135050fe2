"""Truncation of replicated values with a known sign, three parties of which one may deviate.

Source   wrap bit as the OR of top bits: [SIRNN] eprint 2021/459, section III; proofs: [BGIN19] eprint
         2019/1390.
Setting  malicious with abort, one of three parties corrupted, once the claims are verified.
Differs  nothing dealt is trusted: party 2 shares the carries of x_2 + x_0 above the dropped bits, and claims
         every one. Only the carry out of the dropped bits is a bit that it may choose: it moves the result by
         one unit, which is all that a corrupted party 2 can do.
Cost     trunc: 32 bytes and 65 - f bits for all parties together (37.9 bytes at f = 18), 2 rounds.

Theorem. Let c + s = x + 2^62 mod 2^64 as in `rep3/truncate.py`, s = x_2 + x_0, N = 2^(64-f), q_i = floor(x_i
  / 2^f), k the carry out of the f low bits of x_2 + x_0 and w that out of bit 63, so that floor(s / 2^f) =
  q_2 + q_0 + k - w N; let t be the top bit of s and tc that of c. Then, by the theorem there,
    y = floor(c / 2^f) + q_2 + q_0 + k - N (w + t + tc (1 - t)) + 1 - 2^(62-f)
  is floor(x / 2^f) or floor(x / 2^f) + 1. If party 2 flips k, its further carries are those of q_2 + q_0 + k:
  y moves by one unit as long as -2^62 + 2^f <= x < 2^62 - 2^f.

Notation     here
  k, w, t    bits of party 2 in two parts (`two` xor `zero`), as carries are; tc: known to parties 0 and 1
"""

from __future__ import annotations

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.protocol import gather, protocol
from tacit.base.types import RING_BITS
from tacit.blocks.dzk.bbcgi19 import THREE_PARTY_MALICIOUS
from tacit.blocks.dzk.claims import Claims
from tacit.mpc.rep3.arith import blocks
from tacit.mpc.rep3.share import Rep3Share, n_words, unpack
from tacit.mpc.rep3.truncate import ROUNDING, lifted
from tacit.mpc.rep3_malicious.boolean import Parts, carries, open_part, parts_of
from tacit.mpc.rep3_malicious.convert import ONE, TWO, deal, evaluate

MINUS_TWO = np.uint64((1 << 64) - 2)
MALICIOUS_ROUNDING = (*ROUNDING, "a corrupted party 2 may move the result by one unit")


@protocol(
    source="SIRNN §III; BGIN19 §4",
    setting=THREE_PARTY_MALICIOUS,
    rounds=2,
    bits=lambda claims, x, bits: 4 * 64 * x.size + 64 * (RING_BITS + 1 - bits) * n_words(x.size),
    leaks=MALICIOUS_ROUNDING,
)
async def trunc(ctx: Ctx, claims: Claims, x: Rep3Share, bits: int) -> Rep3Share:
    """floor(x / 2^bits) or that plus one, for |x| < 2^62 - 2^bits, 0 < bits <= 62; see the theorem above."""
    n, shift = x.size, np.uint64(bits)
    parts, x_1 = parts_of(ctx, x), open_part(ctx, x)
    carry = await carries(ctx, claims, parts, bits, RING_BITS)
    k, w, t = (_bits_of(parts, carry, n, which) for which in ("low", "out", "top"))
    scale = np.uint64(RING_BITS - bits)
    factors = [MINUS_TWO, TWO << scale]
    dealt, t_both = await gather(deal(ctx, claims, [k, w], factors), deal(ctx, claims, [t], [ONE]))
    linear, factor = _combination(parts, (k, w, t), dealt, t_both, bits)
    base = v = None
    if x_1 is not None:
        base, v = np.empty_like(x_1), np.empty(n, np.uint8)
        for block in blocks(n):
            c = lifted(x_1[block])
            v[block] = (c >> np.uint64(63)).astype(np.uint8)
            np.right_shift(c, shift, out=base[block])
            base[block] += np.uint64((1 - (1 << (62 - bits))) % (1 << 64))
    y = await evaluate(ctx, claims, base, v, linear, factor)
    return y.map(lambda a: a.reshape(x.shape))


def _bits_of(parts: Parts, carry: Parts, n: int, which: str) -> Parts:
    """Both parts of the carry in ("low"), the carry out ("out") or the top bit ("top"), uint8 of 0 and 1."""

    def one(part: np.ndarray | None, planes: np.ndarray | None) -> np.ndarray | None:
        if part is None or planes is None:
            return None
        row = {"low": 0, "out": -1, "top": -2}[which]
        bit = unpack(np.ascontiguousarray(planes[row]), (n,))
        if which == "top":
            for block in blocks(n):
                bit[block] ^= (part[block] >> np.uint64(63)).astype(np.uint8)
        return bit

    return Parts(one(parts.two, carry.two), one(parts.zero, carry.zero))


def _combination(
    parts: Parts, carry_bits: tuple[Parts, Parts, Parts], dealt: Parts, t_both: Parts, bits: int
) -> tuple[Parts, Parts]:
    """(linear, factor) in parts: q + k - N (w + t), and -N (1 - t), to be multiplied by tc.

    A bit in parts is two + zero - 2 two zero; `dealt` holds the products for k and w, `t_both` that for t.
    """
    linear: list[np.ndarray | None] = [None, None]
    factor: list[np.ndarray | None] = [None, None]
    for side, name in enumerate(("two", "zero")):
        x, product, both = (getattr(pair, name) for pair in (parts, dealt, t_both))
        if x is not None:
            of_bits = [np.ascontiguousarray(getattr(pair, name)) for pair in carry_bits]
            linear[side], factor[side] = _kernel.trunc_carried(
                bits, side, np.ascontiguousarray(x), product, both, *of_bits
            )
    return Parts(*linear), Parts(*factor)
