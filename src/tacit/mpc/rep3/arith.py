"""Products of replicated values over Z_2^64, three parties.

Source   [AFLNO16] eprint 2016/768, section 2.3 (product, one element per party); dot products of any length
         for one element: [ABY3] eprint 2018/403, section 5.2.
Setting  semi-honest, three parties of which one may be corrupted.
Differs  a private factor is not shared first: its owner multiplies what it holds itself, and sends its masked
         factor only to the neighbour that needs it for the one addend that the owner lacks.
Cost     mul, square: 8 bytes per party; matmul [m,k]@[k,n]: 8*m*n per party; a private factor: 8 bytes per
         element more, from its owner. One round; two with a private factor.

Notation     here
  t_i        party i's addend of a product: x*y = t_0 + t_1 + t_2; t_i needs only what party i holds
  alpha_i    addends of zero from coins
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.protocol import protocol
from tacit.base.types import Shape
from tacit.base.wire import Ring
from tacit.mpc.rep3.share import THREE_PARTY, Rep3Share, neighbours

BLOCK = 1 << 15
"""Elements of a block: what one step reads and writes stays in the second-level cache."""


def blocks(n: int) -> Iterator[slice]:
    """Slices that cover [0, n)."""
    return (slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK))


def product_addend(x: Rep3Share, y: Rep3Share) -> np.ndarray:
    """t_i = x_i (y_i + y_(i+1)) + x_(i+1) y_i element by element, flat. Local."""
    x0, x1, y0, y1 = (np.ascontiguousarray(a).reshape(-1) for a in (x.first, x.second, y.first, y.second))
    t = np.empty(x0.size, np.uint64)
    for part in blocks(t.size):
        out = np.add(y0[part], y1[part], out=t[part])
        out *= x0[part]
        out += x1[part] * y0[part]
    return t


def square_addend(x: Rep3Share) -> np.ndarray:
    """t_i = x_i (x_i + 2 x_(i+1)), flat. Local."""
    x0, x1 = (np.ascontiguousarray(a).reshape(-1) for a in (x.first, x.second))
    t = np.empty(x0.size, np.uint64)
    for part in blocks(t.size):
        out = np.add(x1[part], x1[part], out=t[part])
        out += x0[part]
        out *= x0[part]
    return t


def matmul_addend(x: Rep3Share, y: Rep3Share) -> np.ndarray:
    """t_i of the matrix product, [m, n]. Local."""
    t = ring_matmul(x.first, y.first + y.second)
    t += ring_matmul(x.second, y.first)
    return t


async def reshare(ctx: Ctx, t: np.ndarray, shape: Shape) -> Rep3Share:
    """From addends t_i of a sum to replicated ones: z_i = t_i + alpha_i goes to `prev`. Writes into t."""
    after, before = neighbours(ctx)
    flat = t.reshape(-1)
    ctx.common(before).add_to(flat)
    ctx.common(after).take_from(flat)
    received = await ctx.exchange(before, after, Ring(flat), shape=flat.shape)
    return Rep3Share(flat.reshape(shape), received.array.reshape(shape))


@protocol(source="AFLNO16 §2.3", setting=THREE_PARTY, rounds=1, bits=lambda x, y: 3 * 64 * x.size)
async def mul(ctx: Ctx, x: Rep3Share, y: Rep3Share) -> Rep3Share:
    """x * y element by element, equal shapes."""
    return await reshare(ctx, product_addend(x, y), x.shape)


@protocol(source="AFLNO16 §2.3", setting=THREE_PARTY, rounds=1, bits=lambda x: 3 * 64 * x.size)
async def square(ctx: Ctx, x: Rep3Share) -> Rep3Share:
    """x * x: one product per element instead of two."""
    return await reshare(ctx, square_addend(x), x.shape)


@protocol(
    source="ABY3 §5.2",
    setting=THREE_PARTY,
    rounds=1,
    bits=lambda x, y: 3 * 64 * x.shape[0] * y.shape[1],
)
async def matmul(ctx: Ctx, x: Rep3Share, y: Rep3Share) -> Rep3Share:
    """[m, k] @ [k, n]; k costs nothing on the wire."""
    return await reshare(ctx, matmul_addend(x, y), (x.shape[0], y.shape[1]))


@protocol(
    source="AFLNO16 §2.3, one private side",
    setting=THREE_PARTY,
    rounds=2,
    bits=lambda x, y, owner, m: 64 * m * y.shape[0] + 3 * 64 * m * y.shape[1],
)
async def matmul_private(ctx: Ctx, x: np.ndarray | None, y: Rep3Share, owner: int, m: int) -> Rep3Share:
    """`owner`'s plaintext [m, k] times y [k, n]: one local matrix product per party."""
    left, right = await private_factor(ctx, x, y, owner, (m, y.shape[0]))
    return await reshare(ctx, ring_matmul(left, right), (m, y.shape[1]))


@protocol(
    source="AFLNO16 §2.3, one private side",
    setting=THREE_PARTY,
    rounds=2,
    bits=lambda x, y, owner: 4 * 64 * y.size,
)
async def mul_private(ctx: Ctx, x: np.ndarray | None, y: Rep3Share, owner: int) -> Rep3Share:
    """Element by element, x the owner's plaintext."""
    left, right = await private_factor(ctx, x, y, owner, y.shape)
    return await reshare(ctx, left * right, y.shape)


async def private_factor(
    ctx: Ctx, x: np.ndarray | None, y: Rep3Share, owner: int, shape: Shape
) -> tuple[np.ndarray, np.ndarray]:
    """This party's factors (a, b): the a*b of the three parties sum to x*y.

    x y = x (y_owner + y_(owner+1)) + r y_(owner-1) + (x - r) y_(owner-1), where r are coins of the owner and
    its `prev`, and x - r goes to its `next`.
    """
    after, before = neighbours(ctx)
    if ctx.me == owner:
        assert x is not None
        await ctx.send(after, Ring(x - ctx.common(before).ring(shape)))
        return x, y.first + y.second
    if after == owner:
        return ctx.common(owner).ring(shape), y.first
    return (await ctx.recv(owner, Ring, shape=shape)).array, y.second


def ring_matmul(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Wrapping uint64 [m, k] @ [k, n]."""
    return _kernel.ring_matmul(np.ascontiguousarray(x), np.ascontiguousarray(y))
