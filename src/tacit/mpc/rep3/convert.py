"""From bits to ring elements, three parties.

Source   [ABY3] eprint 2018/403, section 5.4.1 (bit injection by three-party OT).
Setting  semi-honest, three parties of which one may be corrupted.
Differs  the evaluators' bit and the helper's bit are already apart, so a bit turns into a ring element by one
         product of a value V that both evaluators know with a value D that the helper knows.
Cost     b2a: 32 bytes for all parties together; mux: 48; one round each.

Notation     here
  beta       the evaluators' bit b_1;  V = 1 - 2 beta
  delta      the helper's bit b_2 xor b_0:  b = beta + V delta
  d, h, m    coins of an evaluator and the helper
"""

from __future__ import annotations

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.protocol import protocol
from tacit.base.wire import Ring
from tacit.mpc.rep3 import chunks
from tacit.mpc.rep3.chunks import Addends
from tacit.mpc.rep3.roles import HELPER, helper_side, open_side, swap
from tacit.mpc.rep3.share import THREE_PARTY, Rep3Share


@protocol(
    source="ABY3 §5.4.1",
    setting=THREE_PARTY,
    rounds=lambda x: chunks.windows(x.size),
    bits=lambda x: 4 * 64 * x.size,
)
async def b2a(ctx: Ctx, x: Rep3Share) -> Rep3Share:
    """Bits as ring elements: beta + V delta."""
    bit = helper_side(x) if ctx.me == HELPER else open_side(ctx, x)
    addends = await chunks.in_chunks(x.size, np.uint64, lambda part: inject(ctx, bit[part]))
    return Rep3Share(addends[0].reshape(x.shape), addends[1].reshape(x.shape))


@protocol(source="ABY3 §5.4.1", setting=THREE_PARTY, rounds=1, bits=lambda bit: 4 * 64 * bit.size)
async def inject(ctx: Ctx, bit: np.ndarray) -> Addends:
    """One chunk of it; `bit`: beta or delta, flat.

    Evaluator j gets delta - d_i from the helper and V d_i + m_i from the other one, i; z_1 = beta + V delta +
    m_0 + m_1, the helper and each evaluator hold -m_i.
    """
    n, bit = bit.size, bit.astype(np.uint64)
    if ctx.me == HELPER:
        (d_0, m_0), (d_1, m_1) = ctx.common(0).ring((2, n)), ctx.common(1).ring((2, n))
        await ctx.send(0, Ring(bit - d_1))
        await ctx.send(1, Ring(bit - d_0))
        return -m_1, -m_0
    v = np.uint64(1) - np.uint64(2) * bit
    d, m = ctx.common(HELPER).ring((2, n))
    opened = bit + m + await swap(ctx, v * d + m)
    v *= (await ctx.recv(HELPER, Ring, shape=(n,))).array
    opened += v
    return (-m, opened) if ctx.me == 0 else (opened, -m)


@protocol(
    source="ABY3 §5.4.1",
    setting=THREE_PARTY,
    rounds=lambda c, x: chunks.windows(x.size),
    bits=lambda c, x: 6 * 64 * x.size,
)
async def mux(ctx: Ctx, c: Rep3Share, x: Rep3Share) -> Rep3Share:
    """c x for bits c, equal shapes."""
    bit = helper_side(c) if ctx.me == HELPER else open_side(ctx, c)
    first, second = (np.ascontiguousarray(a).reshape(-1) for a in (x.first, x.second))
    addends = await chunks.in_chunks(
        x.size, np.uint64, lambda part: choose(ctx, bit[part], first[part], second[part])
    )
    return Rep3Share(addends[0].reshape(x.shape), addends[1].reshape(x.shape))


@protocol(
    source="ABY3 §5.4.1",
    setting=THREE_PARTY,
    rounds=1,
    bits=lambda bit, first, second: 6 * 64 * bit.size,
)
async def choose(ctx: Ctx, bit: np.ndarray, first: np.ndarray, second: np.ndarray) -> Addends:
    """One chunk of it; `bit`: beta or delta; first, second: the addends of x that this party holds; flat.

    With s = x_2 + x_0, c x = beta x + V (delta x_1 + delta s). beta x is known to the evaluators in two
    addends, beta x_i of the other's and the rest; delta and delta s are the helper's, masked by d and h.
    """
    n, bit = bit.size, bit.astype(np.uint64)
    if ctx.me == HELPER:
        bit_s = bit * (first + second)
        (d_0, h_0, m_0), (d_1, h_1, m_1) = ctx.common(0).ring((3, n)), ctx.common(1).ring((3, n))
        await ctx.send(0, Ring(np.stack([bit - d_1, bit_s - h_1])))
        await ctx.send(1, Ring(np.stack([bit - d_0, bit_s - h_0])))
        return -m_1, -m_0
    lone, x_1 = (first, second) if ctx.me == 0 else (second, first)
    v = np.uint64(1) - np.uint64(2) * bit
    d, h, m = ctx.common(HELPER).ring((3, n))
    opened = m + bit * (lone + x_1)
    offer = v * (x_1 * d + h) + bit * lone + m
    opened += await swap(ctx, offer)
    masked_d, masked_h = (await ctx.recv(HELPER, Ring, shape=(2, n))).array
    opened += v * (x_1 * masked_d + masked_h)
    return (-m, opened) if ctx.me == 0 else (opened, -m)
