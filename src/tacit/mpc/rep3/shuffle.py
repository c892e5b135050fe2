"""A permutation that nobody knows, three parties.

Source   [AFOPRT21] Araki, Furukawa, Ohara, Pinkas, Rosemarin, Tsuchida: "Secure graph analysis at scale", CCS
         2021, section 4 (shuffle by three permutations, each known to two parties); [LWZ11] Laur, Willemson,
         Zhang, ISC 2011.
Setting  semi-honest, three parties of which one may be corrupted.
Differs  between the hops the value stays shared between two parties only; the third gets its part at the end.
Cost     32 bytes per element for all parties together, 2 rounds: the two addends travel at the same time.

Notation     here
  pi_ij, r_ij   permutation and mask from the coins of parties i and j
  a, b          the two addends: held by parties 0 and 1, then 2 and 1, then 2 and 0
"""

from __future__ import annotations

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.prg import Prg
from tacit.base.protocol import protocol
from tacit.base.wire import Ring
from tacit.mpc.rep3.share import THREE_PARTY, Rep3Share


@protocol(source="AFOPRT21 §4", setting=THREE_PARTY, rounds=2, bits=lambda x: 4 * 64 * x.size)
async def shuffle(ctx: Ctx, x: Rep3Share) -> Rep3Share:
    """x [batch, n, width], arithmetic: every batch's n rows in an order of its own.

    The order is pi_20 pi_12 pi_01, of which every party lacks one factor; bias at most batch * n^2 / 2^64.
    What a party receives is masked by coins of the two others.
    """
    shape = x.shape
    if ctx.me == 0:
        r_01, order = _coins(ctx.common(1), shape)
        await ctx.send(2, Ring(_permuted(x.first + x.second, order) + r_01))  # Step 1
        z_1 = ctx.common(1).ring(shape)
        b = (await ctx.recv(1, Ring, shape=shape)).array  # Step 3
        rest = _permuted(b, _order(ctx.common(2), shape)) - z_1
        received = await ctx.exchange(2, 2, Ring(rest), shape=shape)
        return Rep3Share(rest + received.array, z_1)
    if ctx.me == 1:
        r_01, order = _coins(ctx.common(0), shape)
        b = _permuted(x.second, order) - r_01  # Step 1
        r_12, order = _coins(ctx.common(2), shape)
        await ctx.send(0, Ring(_permuted(b, order) - r_12))  # Step 2
        return Rep3Share(ctx.common(0).ring(shape), ctx.common(2).ring(shape))
    r_12, order = _coins(ctx.common(1), shape)
    last, z_2 = _order(ctx.common(0), shape), ctx.common(1).ring(shape)
    a = (await ctx.recv(0, Ring, shape=shape)).array
    rest = _permuted(_permuted(a, order) + r_12, last) - z_2  # Steps 2, 3
    received = await ctx.exchange(0, 0, Ring(rest), shape=shape)
    return Rep3Share(z_2, rest + received.array)


def _coins(coins: Prg, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    return coins.ring(shape), _order(coins, shape)


def _order(coins: Prg, shape: tuple[int, ...]) -> np.ndarray:
    """int64[batch, n]: a permutation per batch, by sorting random keys."""
    keys = coins.ring(shape[:2])
    order = np.argsort(keys, axis=1)
    ranked = np.take_along_axis(keys, order, axis=1)
    if np.any(ranked[:, 1:] == ranked[:, :-1]):  # all but impossible; both parties must agree
        order = np.argsort(keys, axis=1, kind="stable")
    return order


def _permuted(array: np.ndarray, order: np.ndarray) -> np.ndarray:
    return np.take_along_axis(array, order[:, :, None], axis=1)
