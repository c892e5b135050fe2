"""Truncation of replicated values with a known sign: one unit in the last place, no large errors.

Source   wrap bit as the OR of top bits: [SIRNN] Rathee et al., S&P 2021 (eprint 2021/459), section III; the
         party that knows the mask deals its truncation, as in [DEK20] Dalskov, Escudero, Keller, USENIX
         Security 2021 (eprint 2020/1330), "special truncation".
Setting  semi-honest, three parties of which one may be corrupted.
Differs  [DEK20] masks x with a random r and opens x + r to one party. Here the mask is the helper's side of
         the sharing itself, so a truncation alone opens nothing and takes one round; after a product the
         masked opening replaces the resharing. The wrap bit is needed modulo 2^f only: f bits per message.
Cost     trunc: 8 bytes + 4f bits for all parties together (17 bytes at f = 18), one round.
         Product and truncation fused: 24 bytes + 3f bits (30.75), two rounds; apart they take 24 + 17.

Theorem. Let k = 64, 0 < f <= k-2, -2^(k-2) <= x < 2^(k-2), c + s = x + 2^(k-2) mod 2^k with c, s in [0, 2^k).
  Let tc, ts be the top bits of c and s, and
    y = floor(c / 2^f) + floor(s / 2^f) - (tc + (1 - tc) ts) 2^(k-f) + 1 - 2^(k-2-f)  mod 2^k.
  Then y is floor(x / 2^f) or floor(x / 2^f) + 1.
Proof. x' = x + 2^(k-2) lies in [0, 2^(k-1)), and c + s = x' + w 2^k with w in {0, 1}. If tc = ts = 0 then
  c + s < 2^k, so w = 0. If exactly one of them is 1 then c + s >= 2^(k-1) > x', so w = 1. If both are 1 then
  c + s >= 2^k, so w = 1. Hence w = tc or ts = tc + (1 - tc) ts. Dividing by 2^f with remainders,
  floor(c / 2^f) + floor(s / 2^f) = floor(x' / 2^f) + w 2^(k-f) - e, where e in {0, 1} is the carry out of the
  f low bits; and floor(x' / 2^f) = floor(x / 2^f) + 2^(k-2-f). So y = floor(x / 2^f) + 1 - e. QED
  e depends on the sharing: it is 1 exactly if the f low bits of c exceed those of x + 2^(k-2). With uniform
  sharings y is floor(x / 2^f) + 1 with probability ((x mod 2^f) + 1) / 2^f. The evaluators know the low bits
  of c, so the rounding is random to the world but not independent of what they know; the functionality that
  is realised hands them this mask. Outside the range, y is wrong by a multiple of 2^(k-f).

Notation     here
  k, f       ring bits, dropped bits;  V = 1 - tc (evaluators), D = ts (helper)
  c, s       made, split and masked in `_kernel.trunc_*`, which have no messages
  d, m       coins of an evaluator and the helper, that mask D and the evaluator's message
"""

from __future__ import annotations

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.protocol import protocol
from tacit.base.types import RING_BITS
from tacit.base.wire import Ring
from tacit.mpc.rep3 import arith, chunks
from tacit.mpc.rep3.chunks import Addends
from tacit.mpc.rep3.roles import HELPER, open_side, swap
from tacit.mpc.rep3.share import THREE_PARTY, Rep3Share, n_words

ROUNDING = ("the rounding bit is a function of the sharing's mask, not independent noise",)


def lifted(c: np.ndarray) -> np.ndarray:
    """c + 2^62: makes x + 2^62 of x = c + s."""
    raised: np.ndarray = c + np.uint64(1 << (RING_BITS - 2))
    return raised


@protocol(
    source="SIRNN §III; DEK20; ABY3 §5.4",
    setting=THREE_PARTY,
    rounds=lambda x, bits: chunks.windows(x.size),
    bits=lambda x, bits: 64 * (x.size + 4 * bits * chunks.words(x.size)),
    leaks=ROUNDING,
)
async def trunc(ctx: Ctx, x: Rep3Share, bits: int) -> Rep3Share:
    """floor(x / 2^bits) or that plus one, for |x| < 2^62, 0 < bits <= 62; see the theorem above."""
    sides = (x.first, x.second) if ctx.me == HELPER else (open_side(ctx, x),)
    flat = [np.ascontiguousarray(side).reshape(-1) for side in sides]
    addends = await chunks.in_chunks(
        x.size, np.uint64, lambda part: trunc_sides(ctx, [side[part] for side in flat], bits)
    )
    return _as_share(addends, x.shape)


@protocol(
    source="SIRNN §III; DEK20; ABY3 §5.4",
    setting=THREE_PARTY,
    rounds=1,
    bits=lambda sides, bits: 64 * (sides[0].size + 4 * bits * n_words(sides[0].size)),
    leaks=ROUNDING,
)
async def trunc_sides(ctx: Ctx, sides: list[np.ndarray], bits: int) -> Addends:
    """The same for one chunk: `sides` is c, or at the helper the two addends of s, flat.

    V D in one round: each evaluator j gets D - d_i from the helper and V d_i + m_i from the other one, i, so
    V (D - d_i) + (V d_i + m_i) + m_j = V D + m_0 + m_1. It never sees D, whose mask d_i it does not know.
    """
    n, words = sides[0].size, bits * n_words(sides[0].size)
    if ctx.me == HELPER:
        to_1, with_0 = helper_step(ctx, sides[0], sides[1], bits)
        await ctx.send(0, Ring(with_0[n:].reshape(bits, -1)))
        await ctx.send(1, Ring(to_1))
        return to_1[:n], with_0[:n]
    coins = ctx.common(HELPER)
    part, planes = _kernel.trunc_evaluator(bits, sides[0], None, None, *coins.reserve(*mask_words(n, bits)))
    product = await swap(ctx, planes)
    got = (await ctx.recv(HELPER, Ring, shape=(words + n * ctx.me,))).array
    _kernel.trunc_finish(bits, part, product, sides[0], got[got.size - words :])
    return (coins.ring((n,)), part) if ctx.me == 0 else (part, got[:n])


async def trunc_addends(ctx: Ctx, t: np.ndarray, bits: int) -> Addends:
    """The two addends that this party holds of the truncated t_0 + t_1 + t_2, flat; t flat, written into."""
    return await chunks.in_chunks(t.size, np.uint64, lambda part: trunc_sum(ctx, t[part], bits))


@protocol(
    source="DEK20; SIRNN §III",
    setting=THREE_PARTY,
    rounds=2,
    bits=lambda t, bits: 3 * 64 * (t.size + bits * n_words(t.size)),
    leaks=ROUNDING,
)
async def trunc_sum(ctx: Ctx, t: np.ndarray, bits: int) -> Addends:
    """The same for one chunk.

    The evaluators open c = t_0 + r_0 + t_1 + r_1 to each other under coins r_i of each and the helper, which
    knows s = t_2 - r_0 - r_1. V D then takes a second step with f bits per message.
    """
    n = t.size
    if ctx.me == HELPER:
        to_1, z_0 = helper_step(ctx, t, None, bits)
        await ctx.send(1, Ring(to_1))
        return to_1[:n], z_0
    coins = ctx.common(HELPER)
    coins.add_to(t)
    received = await swap(ctx, t)
    given, got = None, t
    if ctx.me == 1:
        got = (await ctx.recv(HELPER, Ring, shape=(n + bits * n_words(n),))).array
        given = got[n:]
    masks = coins.reserve(*mask_words(n, bits))
    part, planes = _kernel.trunc_evaluator(bits, t, received, given, *masks)
    _kernel.trunc_finish(bits, part, await swap(ctx, planes))
    return (coins.ring((n,)), part) if ctx.me == 0 else (part, got[:n])


def mask_words(n: int, bits: int) -> tuple[int, ...]:
    """The draws that give the masks (d, m): coins of which the low `bits` bits count; one if both fit."""
    return (n,) if bits <= RING_BITS // 2 else (n, n)


def helper_step(
    ctx: Ctx, first: np.ndarray, second: np.ndarray | None, bits: int
) -> tuple[np.ndarray, np.ndarray]:
    """What `_kernel.trunc_helper` makes of the helper's addends, or of its addend of a product."""
    n = first.size
    blinds = (n,) if second is None else ()
    with_0, with_1 = ctx.common(0), ctx.common(1)
    masks = mask_words(n, bits)
    key_0, block_0 = with_0.reserve(*blinds, *masks, n)
    key_1, block_1 = with_1.reserve(*blinds, *masks)
    return _kernel.trunc_helper(bits, first, second, (key_0, key_1), (block_0, block_1))


def fused_bits(n: int, bits: int) -> int:
    """Bits sent by all for n products with truncation."""
    return 3 * 64 * (n + bits * chunks.words(n))


@protocol(
    source="AFLNO16 §2.3; SIRNN §III; DEK20",
    setting=THREE_PARTY,
    rounds=lambda x, y, bits: 2 * chunks.windows(x.size),
    bits=lambda x, y, bits: fused_bits(x.size, bits),
    leaks=ROUNDING,
)
async def mul_trunc(ctx: Ctx, x: Rep3Share, y: Rep3Share, bits: int) -> Rep3Share:
    """x * y / 2^bits element by element, rounded as `trunc` does, for |x * y| < 2^62."""
    return _as_share(await trunc_addends(ctx, arith.product_addend(x, y), bits), x.shape)


@protocol(
    source="AFLNO16 §2.3; SIRNN §III; DEK20",
    setting=THREE_PARTY,
    rounds=lambda x, bits: 2 * chunks.windows(x.size),
    bits=lambda x, bits: fused_bits(x.size, bits),
    leaks=ROUNDING,
)
async def square_trunc(ctx: Ctx, x: Rep3Share, bits: int) -> Rep3Share:
    """x * x / 2^bits, for x * x < 2^62."""
    return _as_share(await trunc_addends(ctx, arith.square_addend(x), bits), x.shape)


@protocol(
    source="ABY3 §5.2; SIRNN §III; DEK20",
    setting=THREE_PARTY,
    rounds=lambda x, y, bits: 2 * chunks.windows(x.shape[0] * y.shape[1]),
    bits=lambda x, y, bits: fused_bits(x.shape[0] * y.shape[1], bits),
    leaks=ROUNDING,
)
async def matmul_trunc(ctx: Ctx, x: Rep3Share, y: Rep3Share, bits: int) -> Rep3Share:
    """(x @ y) / 2^bits, truncated once after summation; entries of x @ y below 2^62."""
    addends = await trunc_addends(ctx, arith.matmul_addend(x, y).reshape(-1), bits)
    return _as_share(addends, (x.shape[0], y.shape[1]))


@protocol(
    source="AFLNO16 §2.3, one private side; SIRNN §III; DEK20",
    setting=THREE_PARTY,
    rounds=lambda x, y, owner, m, bits: 1 + 2 * chunks.windows(m * y.shape[1]),
    bits=lambda x, y, owner, m, bits: 64 * m * y.shape[0] + fused_bits(m * y.shape[1], bits),
    leaks=ROUNDING,
)
async def matmul_private_trunc(
    ctx: Ctx, x: np.ndarray | None, y: Rep3Share, owner: int, m: int, bits: int
) -> Rep3Share:
    """(`owner`'s plaintext [m, k] @ y [k, n]) / 2^bits."""
    left, right = await arith.private_factor(ctx, x, y, owner, (m, y.shape[0]))
    addends = await trunc_addends(ctx, arith.ring_matmul(left, right).reshape(-1), bits)
    return _as_share(addends, (m, y.shape[1]))


@protocol(
    source="AFLNO16 §2.3, one private side; SIRNN §III; DEK20",
    setting=THREE_PARTY,
    rounds=lambda x, y, owner, bits: 1 + 2 * chunks.windows(y.size),
    bits=lambda x, y, owner, bits: 64 * y.size + fused_bits(y.size, bits),
    leaks=ROUNDING,
)
async def mul_private_trunc(ctx: Ctx, x: np.ndarray | None, y: Rep3Share, owner: int, bits: int) -> Rep3Share:
    """x * y / 2^bits element by element, x the owner's plaintext."""
    left, right = await arith.private_factor(ctx, x, y, owner, y.shape)
    return _as_share(await trunc_addends(ctx, (left * right).reshape(-1), bits), y.shape)


def _as_share(addends: Addends, shape: tuple[int, ...]) -> Rep3Share:
    return Rep3Share(addends[0].reshape(shape), addends[1].reshape(shape))
