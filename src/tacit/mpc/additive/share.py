"""Additive sharing over Z_2^64 and xor sharing of bits, three or more parties, all but one of them corrupted.

Source   [CDI05] Cramer, Damgård, Ishai: "Share conversion, pseudorandom secret-sharing and applications to
         secure computation", TCC 2005, section 3: addends from keys that sets of parties hold, here pairs
         as in [Chaum88] "The dining cryptographers problem", J. Cryptology 1(1); opening to all:
         [RTG05] Thakur, Rabenseifner, Gropp: "Optimization of collective communication operations in MPICH",
         IJHPCA 19(1), section 4.5 (reduce-scatter, then all-gather).
Setting  semi-honest, n >= 3 parties of which n - 1 may be corrupted; coins are computational (AES-128).
Differs  the owner of an input is known, so its addends are coins of the n - 1 pairs that it belongs to and
         the rest: nothing is sent. Truncation is put off until the value is opened; see README.md.
Cost     share: nothing; reveal to one: 8 (n - 1) bytes by all parties together, 1 round; to all: 16 (n - 1)
         bytes, 2 rounds. n - 1 and 2 (n - 1) ring elements are the least that a sum of n inputs takes.

Notation     here
  x = sum of x_i mod 2^64 (bits: xor); party i holds `data` = x_i, times 2^excess
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import UnsupportedError
from tacit.base.fixed import MOST_FRACTION_BITS
from tacit.base.prg import Prg
from tacit.base.protocol import protocol
from tacit.base.setting import Setting
from tacit.base.types import Shape
from tacit.base.wire import Ring
from tacit.mpc.scheme import ArrayShare
from tacit.mpc.semi2k.share import pack, unpack

ALL_BUT_ONE = Setting(
    parties=3,
    corrupted=2,
    adversary="semi-honest",
    security="computational",
    assumes=("private channels", "AES-128 as a pseudorandom function"),
    among_more="all but one",
)
"""Whatever the others pool, one party's inputs are hidden but for what the results tell."""

MOST_EXCESS_BITS = MOST_FRACTION_BITS
"""As many as one product with a public factor may add."""


@dataclass(frozen=True, repr=False)
class AdditiveShare(ArrayShare):
    """An addend of 2^`excess` times the value, or an xor share of bits."""

    excess: int = 0

    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        return type(self)(function(self.data), self.boolean, self.excess)

    def join(self, others: list[Self], function: Callable[[list[np.ndarray]], np.ndarray]) -> Self:
        excess = max(share.excess for share in (self, *others))
        parts = [share.widened(excess).data for share in (self, *others)]
        return type(self)(function(parts), self.boolean, excess)

    def widened(self, excess: int) -> Self:
        """The same value with so many bits to drop, at least as many as now."""
        return type(self)(self.data << np.uint64(excess - self.excess), self.boolean, excess)

    def deferred(self, bits: int) -> Self:
        """The value divided by 2^bits. Raises UnsupportedError SCHEME-0005 if too many bits pile up."""
        if self.excess + bits > MOST_EXCESS_BITS:
            raise UnsupportedError(
                "SCHEME-0005",
                f"{self.excess + bits} bits would have to be rounded off after the reveal, "
                f"at most {MOST_EXCESS_BITS} can be",
                hint="reveal sums and divide afterwards, or use fewer factors that are not whole numbers",
            )
        return type(self)(self.data, self.boolean, self.excess + bits)


@protocol(source="CDI05 §3; Chaum88", setting=ALL_BUT_ONE, rounds=0, bits=0)
async def share(ctx: Ctx, x: np.ndarray | None, owner: int, shape: Shape, boolean: bool) -> AdditiveShare:
    """x_j = coins of the owner and party j; the owner keeps x minus all of them."""

    def draw(coins: Prg) -> np.ndarray:
        return coins.bits(shape) if boolean else coins.ring(shape)

    if ctx.me != owner:
        return AdditiveShare(draw(ctx.common(owner)), boolean)
    assert x is not None
    rest = np.array(x)
    for other in range(ctx.n):
        if other != ctx.me:
            rest = rest ^ draw(ctx.common(other)) if boolean else rest - draw(ctx.common(other))
    return AdditiveShare(rest, boolean)


def constant(ctx: Ctx, x: np.ndarray, boolean: bool) -> AdditiveShare:
    """Party 0 holds the public value, the others zero."""
    return AdditiveShare(x if ctx.me == 0 else np.zeros_like(x), boolean)


def _n_words(x: AdditiveShare) -> int:
    return -(-x.data.size // 64) if x.boolean else x.data.size


@protocol(
    source="RTG05 §4.5",
    setting=ALL_BUT_ONE,
    rounds=lambda x, to, n_parties: 0 if not x.data.size else 2 if to is None else 1,
    bits=lambda x, to, n_parties: (2 if to is None else 1) * (n_parties - 1) * 64 * _n_words(x),
    leaks=("the revealed value, with the bits that rounding it drops",),
)
async def reveal(ctx: Ctx, x: AdditiveShare, to: int | None, n_parties: int) -> np.ndarray | None:
    """The opened value, rounded.

    To one party the others send it their addends. To all, each party adds up one piece of the array and tells
    the others: everybody sends the same, and together no more than through one collector.
    """
    mine = pack(x.data) if x.boolean else np.ascontiguousarray(x.data).reshape(-1)
    if to is not None:
        pieces = [mine if i == to else mine[:0] for i in range(n_parties)]
        total = await _collect(ctx, pieces, mine, x.boolean)
        if to != ctx.me:
            return None
    else:
        pieces = np.array_split(mine, n_parties)
        part = await _collect(ctx, pieces, pieces[ctx.me], x.boolean)  # Step 1: reduce-scatter
        total = await _announce(ctx, pieces, part)  # Step 2: all-gather
    return unpack(total, x.shape) if x.boolean else rounded(total.reshape(x.shape), x.excess)


async def _collect(ctx: Ctx, pieces: list[np.ndarray], own: np.ndarray, boolean: bool) -> np.ndarray:
    """Send piece i to party i; the sum of all parties' pieces for me, which have the shape of `own`."""
    others = [i for i in range(ctx.n) if i != ctx.me]
    for other in others:
        if pieces[other].size:
            await ctx.send(other, Ring(pieces[other]))
    total = own
    for other in others:
        if pieces[ctx.me].size:
            theirs = (await ctx.recv(other, Ring, shape=own.shape)).array
            total = total ^ theirs if boolean else total + theirs
    return total


async def _announce(ctx: Ctx, pieces: list[np.ndarray], part: np.ndarray) -> np.ndarray:
    """Tell all others my part; all parts in order."""
    others = [i for i in range(ctx.n) if i != ctx.me]
    for other in others:
        if part.size:
            await ctx.send(other, Ring(part))
    parts = []
    for i, piece in enumerate(pieces):
        if i == ctx.me:
            parts.append(part)
        elif piece.size:
            parts.append((await ctx.recv(i, Ring, shape=piece.shape)).array)
    return np.concatenate(parts)


def rounded(opened: np.ndarray, excess: int) -> np.ndarray:
    """`opened` / 2^excess to the nearest, halves up: uint64 of the same shape."""
    if not excess:
        return opened
    half = np.uint64(1 << (excess - 1))
    return ((opened + half).view(np.int64) >> np.int64(excess)).view(np.uint64)
