"""Replicated sharing over Z_2^128 among three parties.

Source   [AFLNO16] Araki et al., CCS 2016 (eprint 2016/768), section 2, as `mpc.rep3.share` in Z_2^64.
Setting  semi-honest, three parties of which one may be corrupted; coins are computational (AES-128).
Differs  from `mpc.rep3.share` in the ring only. Values are signed 64-bit integers where they enter and leave;
         the room above them is for products before truncation. Bits are shared as in rep3.
Cost     share: 16 bytes; reveal: 8 bytes per receiver, for only the low limb is opened.

Notation     here
  x = x_0 + x_1 + x_2 mod 2^128; party i holds `first` = x_i and `second` = x_(i+1)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.prg import Prg, derive
from tacit.base.protocol import protocol
from tacit.base.secret import Secret
from tacit.base.types import Shape
from tacit.base.wire import Ring
from tacit.mpc.rep3.share import THREE_PARTY, Rep3Share, neighbours, zero_sharing
from tacit.mpc.rep3_128 import words
from tacit.mpc.scheme import Share


@dataclass(frozen=True, repr=False)
class WideShare(Share):
    """first, second: uint64[*shape, 2] addends. Shares of bits are of rep3."""

    first: np.ndarray
    second: np.ndarray
    boolean: bool = False

    @property
    def shape(self) -> Shape:
        return words.shape_of(self.first)

    @property
    def size(self) -> int:
        return self.first.size // 2

    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> WideShare:
        return WideShare(words.moved(self.first, function), words.moved(self.second, function))

    def join(self, others: list[WideShare], function: Callable[[list[np.ndarray]], np.ndarray]) -> WideShare:
        return WideShare(
            words.gathered([self.first, *(o.first for o in others)], function),
            words.gathered([self.second, *(o.second for o in others)], function),
        )

    def low(self) -> Rep3Share:
        """The same value modulo 2^64, as a share of rep3."""
        return Rep3Share(words.low_limb(self.first), words.low_limb(self.second))


def _size(shape: Shape) -> int:
    return int(np.prod(shape, dtype=np.int64))


@protocol(
    source="AFLNO16 §2.1", setting=THREE_PARTY, rounds=1, bits=lambda x, owner, shape: 128 * _size(shape)
)
async def share(ctx: Ctx, x: np.ndarray | None, owner: int, shape: Shape) -> WideShare:
    """`owner`'s signed 64-bit integers, uint64[*shape]: coins, a public addend, and the rest to `next`."""
    after, before = neighbours(ctx)
    public = Prg(derive(Secret(b"tacit rep3 public addend"), ctx.path)).ring((*shape, 2))
    if ctx.me == owner:
        assert x is not None
        mine = ctx.common(before).ring((*shape, 2))
        rest = words.sub(words.sub(words.widened(x), mine), public)
        await ctx.send(after, Ring(rest))
        return WideShare(mine, rest)
    if after == owner:
        return WideShare(public, ctx.common(owner).ring((*shape, 2)))
    return WideShare((await ctx.recv(owner, Ring, shape=(*shape, 2))).array, public)


def constant(ctx: Ctx, x: np.ndarray) -> WideShare:
    """x_0 is the public value, the other addends are zero."""
    wide = words.widened(x)
    zeros = np.zeros_like(wide)
    return WideShare(wide if ctx.me == 0 else zeros, wide if ctx.me == 2 else zeros)


@protocol(
    source="AFLNO16 §2.1",
    setting=THREE_PARTY,
    rounds=1,
    bits=lambda x, to: (3 if to is None else 1) * 64 * x.size,
    leaks=("the revealed value",),
)
async def reveal(ctx: Ctx, x: WideShare, to: int | None) -> np.ndarray | None:
    """x modulo 2^64: each receiver gets the low limb of the addend that it lacks from its `prev`."""
    after, before = neighbours(ctx)
    low = x.low()
    if to is None or to == after:
        await ctx.send(after, Ring(low.first))
    if to is not None and to != ctx.me:
        return None
    missing = (await ctx.recv(before, Ring, shape=x.shape)).array
    whole: np.ndarray = low.first + low.second + missing
    return whole


def random(ctx: Ctx, shape: Shape) -> WideShare:
    """Each addend from the coins of its two holders."""
    return WideShare(*zero_sharing(ctx.sub("random"), lambda coins: coins.ring((*shape, 2))))
