"""A permutation that nobody knows, from the operations that every scheme has.

Source   [LWZ11] Laur, Willemson, Zhang, ISC 2011: parties in turn permute by an order of their own. Here rows
         pass a sorting network whose switches the party whose turn it is sets by sorting random keys.
Setting  the scheme's. One party more than may be corrupted takes a turn, so one of the orders is unknown to
         whoever looks. A switch is a shared bit: whatever a party sets, rows are only permuted.
Cost     per turn about n log2(n)^2 / 4 selections of a row in log2(n)^2 / 2 steps. `rep3` has a cheaper way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tacit.base.ctx import Ctx
from tacit.ir.ops.sort import merge_exchange

if TYPE_CHECKING:
    from tacit.mpc.scheme import Scheme, Share

Stages = list[tuple[np.ndarray, np.ndarray]]


def switches(keys: np.ndarray, stages: Stages) -> np.ndarray:
    """uint8: which pairs, stage by stage, change places when the network sorts `keys`."""
    keys, settings = keys.copy(), []
    for low, high in stages:
        crossed = keys[low] > keys[high]
        keys[low], keys[high] = (
            np.where(crossed, keys[high], keys[low]),
            np.where(crossed, keys[low], keys[high]),
        )
        settings.append(crossed.astype(np.uint8))
    return np.concatenate(settings)


async def shuffle(ctx: Ctx, scheme: Scheme, x: Share) -> Share:
    """The rows of x (first axis), arithmetic, in a uniform order that nobody knows."""
    n = x.shape[0]
    stages = list(merge_exchange(n))
    if not stages or 0 in x.shape:
        return x
    rows = x.map(lambda a: a.reshape(n, -1))
    inside = [party for party in range(ctx.n) if party not in scheme.outsiders]
    for owner in inside[: scheme.setting.corrupted + 1]:
        rows = await _turn(ctx.sub("turn"), scheme, rows, owner, stages)
    return rows.map(lambda a: a.reshape(x.shape))


async def _turn(ctx: Ctx, scheme: Scheme, x: Share, owner: int, stages: Stages) -> Share:
    """x in the order of `owner`'s keys."""
    n, width = x.shape
    count = sum(len(low) for low, _ in stages)
    mine = switches(ctx.private().ring((n,)), stages) if ctx.me == owner else None
    settings = await scheme.share(ctx, mine, owner=owner, shape=(count,), boolean=True)
    start = 0
    for low, high in stages:
        stop = start + len(low)
        switch = settings.map(_wide(start, stop, width))
        first, second = x.map(_rows(low)), x.map(_rows(high))
        rise = scheme.add(second, scheme.scale(first, MINUS_ONE))
        move = await scheme.mux(ctx, switch, rise)
        others = np.setdiff1d(np.arange(n), np.concatenate((low, high)))
        parts = [scheme.add(first, move), scheme.add(second, scheme.scale(move, MINUS_ONE))]
        joined = parts[0].join([parts[1], x.map(_rows(others))], np.concatenate)
        x = joined.map(_rows(np.argsort(np.concatenate((low, high, others)))))
        start = stop
    return x


MINUS_ONE = np.array((1 << 64) - 1, dtype=np.uint64)


def _rows(positions: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda a: a[positions]


def _wide(start: int, stop: int, width: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda a: np.repeat(a[start:stop, None], width, axis=1)
