"""Products of replicated values over Z_2^128, three parties.

Source   [AFLNO16] eprint 2016/768, section 2.3; dot products: [ABY3] eprint 2018/403, section 5.2; bits as
         ring elements: x xor y = x + y - 2 x y.
Setting  semi-honest, three parties of which one may be corrupted.
Differs  from `mpc.rep3.arith` in the ring only.
Cost     mul, square: 16 bytes per party; matmul [m,k]@[k,n]: 16*m*n per party; a private factor: 16 bytes
         per element more. One round; two with a private factor. A bit: two products, two rounds.

Notation     here
  t_i        party i's addend of a product, of what it holds
"""

from __future__ import annotations

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.protocol import protocol
from tacit.base.types import Shape
from tacit.base.wire import Ring
from tacit.mpc.rep3.share import THREE_PARTY, Rep3Share, neighbours, zero_sharing
from tacit.mpc.rep3_128 import words
from tacit.mpc.rep3_128.share import WideShare

MINUS_TWO = words.widened(np.array(-2).view(np.uint64))


async def reshare(ctx: Ctx, t: np.ndarray) -> WideShare:
    """From addends t_i of a sum to replicated ones: t_i and an addend of zero go to `prev`."""
    after, before = neighbours(ctx)
    plus, minus = zero_sharing(ctx, lambda coins: coins.ring(t.shape))
    mine = words.sub(words.add(t, plus), minus)
    return WideShare(mine, (await ctx.exchange(before, after, Ring(mine), shape=t.shape)).array)


@protocol(source="AFLNO16 §2.3", setting=THREE_PARTY, rounds=1, bits=lambda x, y: 3 * 128 * x.size)
async def mul(ctx: Ctx, x: WideShare, y: WideShare) -> WideShare:
    """x * y element by element, equal shapes: t_i = x_i (y_i + y_(i+1)) + x_(i+1) y_i."""
    own = words.mul(x.first, words.add(y.first, y.second))
    return await reshare(ctx, words.add(own, words.mul(x.second, y.first)))


@protocol(
    source="ABY3 §5.2", setting=THREE_PARTY, rounds=1, bits=lambda x, y: 3 * 128 * x.shape[0] * y.shape[1]
)
async def matmul(ctx: Ctx, x: WideShare, y: WideShare) -> WideShare:
    """[m, k] @ [k, n]; k costs nothing on the wire."""
    own = words.matmul(x.first, words.add(y.first, y.second))
    return await reshare(ctx, words.add(own, words.matmul(x.second, y.first)))


@protocol(
    source="AFLNO16 §2.3, one private side",
    setting=THREE_PARTY,
    rounds=2,
    bits=lambda x, y, owner, m: 128 * m * y.shape[0] + 3 * 128 * m * y.shape[1],
)
async def matmul_private(ctx: Ctx, x: np.ndarray | None, y: WideShare, owner: int, m: int) -> WideShare:
    """`owner`'s plaintext [m, k], signed 64-bit integers, times y [k, n]."""
    left, right = await private_factor(ctx, x, y, owner, (m, y.shape[0]))
    return await reshare(ctx, words.matmul(left, right))


@protocol(
    source="AFLNO16 §2.3, one private side",
    setting=THREE_PARTY,
    rounds=2,
    bits=lambda x, y, owner: 4 * 128 * y.size,
)
async def mul_private(ctx: Ctx, x: np.ndarray | None, y: WideShare, owner: int) -> WideShare:
    """Element by element, x the owner's plaintext."""
    left, right = await private_factor(ctx, x, y, owner, y.shape)
    return await reshare(ctx, words.mul(left, right))


async def private_factor(
    ctx: Ctx, x: np.ndarray | None, y: WideShare, owner: int, shape: Shape
) -> tuple[np.ndarray, np.ndarray]:
    """This party's factors (a, b): the a*b of the three parties sum to x*y, as in `mpc.rep3.arith`."""
    after, before = neighbours(ctx)
    if ctx.me == owner:
        assert x is not None
        wide = words.widened(x)
        await ctx.send(after, Ring(words.sub(wide, ctx.common(before).ring(wide.shape))))
        return wide, words.add(y.first, y.second)
    if after == owner:
        return ctx.common(owner).ring((*shape, 2)), y.first
    return (await ctx.recv(owner, Ring, shape=(*shape, 2))).array, y.second


@protocol(
    source="ABY3 §5.4.1, by products", setting=THREE_PARTY, rounds=2, bits=lambda x: 2 * 3 * 128 * x.size
)
async def b2a(ctx: Ctx, x: Rep3Share) -> WideShare:
    """Bits as 0 and 1: b_0 xor b_1 xor b_2, of which every two parties know one."""
    known = [_addend(ctx, x, k) for k in range(3)]
    return await _xor(ctx, await _xor(ctx, known[0], known[1]), known[2])


def _addend(ctx: Ctx, x: Rep3Share, k: int) -> WideShare:
    """b_k as a value whose other addends are zero."""
    zeros = np.zeros((*x.shape, 2), np.uint64)
    first, second = (words.widened(side.astype(np.uint64)) for side in (x.first, x.second))
    return WideShare(first if ctx.me == k else zeros, second if (ctx.me + 1) % 3 == k else zeros)


async def _xor(ctx: Ctx, x: WideShare, y: WideShare) -> WideShare:
    both = await mul(ctx, x, y)

    def side(a: np.ndarray, b: np.ndarray, product: np.ndarray) -> np.ndarray:
        return words.add(words.add(a, b), words.mul(product, MINUS_TWO))

    return WideShare(side(x.first, y.first, both.first), side(x.second, y.second, both.second))
