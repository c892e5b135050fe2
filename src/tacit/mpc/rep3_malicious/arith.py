"""Products of replicated values whose addends are claimed and verified later, three parties.

Source   [AFLNO16] eprint 2016/768, section 2.3; secure up to additive errors, which the proof of [BGIN19]
         eprint 2019/1390, section 4 excludes.
Setting  malicious with abort, one of three parties corrupted, once the claims are verified.
Cost     as semi-honest: 8 bytes per party, one round; the claims cost nothing until they are verified.

Notation     here
  z_p        what prover p sends: x_p y_p + x_p y_(p+1) + x_(p+1) y_p + a_p - b_p, the coins a_p with its
             `prev`, b_p with its `next`. So its claim has u = (x_p, y_p), v = (y_(p+1), x_(p+1)),
             e_A = x_p y_p + a_p - z_p and e_B = -b_p
"""

from __future__ import annotations

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.protocol import protocol
from tacit.base.wire import Ring
from tacit.blocks.dzk.bbcgi19 import THREE_PARTY_MALICIOUS
from tacit.blocks.dzk.claims import Claims, Matrix
from tacit.mpc.rep3.arith import blocks, matmul_addend, product_addend, ring_matmul, square_addend
from tacit.mpc.rep3.share import Rep3Share, neighbours, zero_sharing

TWO = np.uint64(2)


@protocol(
    source="AFLNO16 §2.3", setting=THREE_PARTY_MALICIOUS, rounds=1, bits=lambda claims, x, y: 3 * 64 * x.size
)
async def mul(ctx: Ctx, claims: Claims, x: Rep3Share, y: Rep3Share) -> Rep3Share:
    """x * y element by element, equal shapes."""
    (x_0, x_1), (y_0, y_1) = x.flat(), y.flat()
    t, a, b, received = await _reshare(ctx, product_addend(x, y))
    gates = claims.ring
    gates.prove(ctx.path, (x_0, y_0), (y_1, x_1))
    gates.watch_after(ctx.path, (x_1, y_1), _rest(x_1, y_1, b, received))
    gates.watch_before(ctx.path, (y_0, x_0), np.negative(a, out=a))
    claims.words += 6 * x.size
    return Rep3Share(t.reshape(x.shape), received.reshape(x.shape))


@protocol(
    source="AFLNO16 §2.3", setting=THREE_PARTY_MALICIOUS, rounds=1, bits=lambda claims, x: 3 * 64 * x.size
)
async def square(ctx: Ctx, claims: Claims, x: Rep3Share) -> Rep3Share:
    """x * x: one product per gate, x_p (2 x_(p+1))."""
    x_0, x_1 = x.flat()
    t, a, b, received = await _reshare(ctx, square_addend(x))
    gates = claims.ring
    gates.prove(ctx.path, (x_0,), (TWO * x_1,))
    gates.watch_after(ctx.path, (x_1,), _rest(x_1, x_1, b, received))
    gates.watch_before(ctx.path, (TWO * x_0,), np.negative(a, out=a))
    claims.words += 4 * x.size
    return Rep3Share(t.reshape(x.shape), received.reshape(x.shape))


@protocol(
    source="AFLNO16 §2.3; ABY3 §5.2",
    setting=THREE_PARTY_MALICIOUS,
    rounds=1,
    bits=lambda claims, x, y: 3 * 64 * x.shape[0] * y.shape[1],
)
async def matmul(ctx: Ctx, claims: Claims, x: Rep3Share, y: Rep3Share) -> Rep3Share:
    """[m, k] @ [k, n]; the claim of a whole product is one of rows and columns under random weights."""
    shape = (x.shape[0], y.shape[1])
    t, a, b, received = await _reshare(ctx, matmul_addend(x, y).reshape(-1))
    rest = ring_matmul(x.second, y.second) + (b - received).reshape(shape)
    x_0, x_1 = (Matrix(addend, left=True) for addend in (x.first, x.second))
    y_0, y_1 = (Matrix(addend, left=False) for addend in (y.first, y.second))
    gates = claims.matrices
    gates.prove(ctx.path, (x_0, y_0), (y_1, x_1))
    gates.watch_after(ctx.path, (x_1, y_1), rest)
    gates.watch_before(ctx.path, (y_0, x_0), -a.reshape(shape))
    claims.words += 2 * (x.size + y.size + t.size)
    return Rep3Share(t.reshape(shape), received.reshape(shape))


def _rest(x: np.ndarray, y: np.ndarray, coins: np.ndarray, received: np.ndarray) -> np.ndarray:
    """x y + coins - received, in place of the coins."""
    for block in blocks(coins.size):
        out = coins[block]
        out -= received[block]
        out += x[block] * y[block]
    return coins


async def _reshare(ctx: Ctx, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """My masked addend z, the coins a (with `prev`) and b (with `next`), the next party's addend; flat."""
    after, before = neighbours(ctx)
    a, b = zero_sharing(ctx, lambda coins: coins.ring(t.shape))
    t += a
    t -= b
    received = await ctx.exchange(before, after, Ring(t), shape=t.shape)
    return t, a, b, received.array
