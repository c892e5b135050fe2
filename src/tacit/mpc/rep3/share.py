"""Replicated sharing over Z_2^64 and Z_2 among three parties: every two of them hold the whole.

Source   [AFLNO16] Araki, Furukawa, Lindell, Nof, Ohara: "High-throughput semi-honest secure three-party
         computation", CCS 2016 (eprint 2016/768), section 2; coins from pairwise keys: section 2.2.
Setting  semi-honest, three parties of which one may be corrupted; coins are computational (AES-128).
Differs  additive as in ABY3 (eprint 2018/403, section 3.1). An owner's three addends are coins shared with
         one neighbour, a public pseudo-random number, and the rest, which is all that is sent.
Cost     share: 8 bytes; reveal: 8 bytes per receiver; bits: an eighth of a byte instead of 8.

Notation     here
  x = x_0 + x_1 + x_2 mod 2^64 (bits: xor); party i holds `first` = x_i and `second` = x_(i+1)
  so x_i is held by parties i - 1 and i; party i lacks x_(i-1)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.prg import Prg, derive
from tacit.base.protocol import protocol
from tacit.base.secret import Secret
from tacit.base.setting import Setting
from tacit.base.types import Shape
from tacit.base.wire import Ring
from tacit.mpc.scheme import Share

THREE_PARTY = Setting(
    parties=3,
    corrupted=1,
    adversary="semi-honest",
    security="computational",
    assumes=("private channels", "AES-128 as a pseudorandom function"),
)
"""At most one of three parties looks; two that pool their views see everything."""

T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class Rep3Share(Share):
    """first, second: uint64[*shape] addends, or uint8[*shape] of 0 and 1 if `boolean`."""

    first: np.ndarray
    second: np.ndarray
    boolean: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "first", np.asarray(self.first))  # numpy turns 0-d results into scalars
        object.__setattr__(self, "second", np.asarray(self.second))

    @property
    def shape(self) -> Shape:
        return self.first.shape

    @property
    def size(self) -> int:
        return self.first.size

    def flat(self) -> tuple[np.ndarray, np.ndarray]:
        """Both addends, contiguous and of one dimension."""
        return np.ascontiguousarray(self.first).reshape(-1), np.ascontiguousarray(self.second).reshape(-1)

    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> Rep3Share:
        return Rep3Share(function(self.first), function(self.second), self.boolean)

    def join(self, others: list[Rep3Share], function: Callable[[list[np.ndarray]], np.ndarray]) -> Rep3Share:
        return Rep3Share(
            function([self.first, *(o.first for o in others)]),
            function([self.second, *(o.second for o in others)]),
            self.boolean,
        )


def neighbours(ctx: Ctx) -> tuple[int, int]:
    """(next, prev): the party that holds x_(me+1) too, and the one that holds x_me too."""
    return (ctx.me + 1) % 3, (ctx.me + 2) % 3


def n_words(size: int) -> int:
    """Words of 64 bits that `size` bits fill."""
    return -(-size // 64)


def pack(bits: np.ndarray) -> np.ndarray:
    """uint8[n] of 0 and 1 -> uint64[ceil(n/64)]."""
    packed = np.zeros(n_words(bits.size) * 8, np.uint8)
    packed[: -(-bits.size // 8)] = np.packbits(bits.reshape(-1), bitorder="little")
    return packed.view(np.uint64)


def unpack(words: np.ndarray, shape: Shape) -> np.ndarray:
    """The inverse of `pack` for the first prod(shape) bits."""
    count = int(np.prod(shape, dtype=np.int64))
    return np.unpackbits(words.view(np.uint8), count=count, bitorder="little").reshape(shape)


def unpack_rows(words: np.ndarray, n: int) -> np.ndarray:
    """The first n bits of every row of words, as bytes."""
    return np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, count=n, bitorder="little")


def zero_sharing(ctx: Ctx, draw: Callable[[Prg], T]) -> tuple[T, T]:
    """Coins (a, b) of this scope: the three parties' differences a - b sum to zero [AFLNO16, section 2.2].

    a is drawn with `prev`, b with `next`; every party draws a, then b, the same number of bytes.
    """
    after, before = neighbours(ctx)
    return draw(ctx.common(before)), draw(ctx.common(after))


def share_bits(x: np.ndarray | None, owner: int, shape: Shape, boolean: bool) -> int:
    size = int(np.prod(shape, dtype=np.int64))
    return 64 * (n_words(size) if boolean else size)


@protocol(source="AFLNO16 §2.1", setting=THREE_PARTY, rounds=1, bits=share_bits)
async def share(ctx: Ctx, x: np.ndarray | None, owner: int, shape: Shape, boolean: bool) -> Rep3Share:
    """`owner`'s array; see `distribute`."""
    return await distribute(ctx, x, owner, shape, boolean)


async def distribute(ctx: Ctx, x: np.ndarray | None, owner: int, shape: Shape, boolean: bool) -> Rep3Share:
    """x_owner from coins of the owner and its `prev`, x_(owner-1) public, the rest sent to `next`.

    The public addend hides nothing; it only keeps the addends free of structure, so that truncation rounds a
    freshly shared value without bias.
    """
    after, before = neighbours(ctx)
    label = Prg(derive(Secret(b"tacit rep3 public addend"), ctx.path))
    public = label.bits(shape) if boolean else label.ring(shape)
    if ctx.me == owner:
        assert x is not None
        coins = ctx.common(before)
        mine = coins.bits(shape) if boolean else coins.ring(shape)
        rest = x ^ mine ^ public if boolean else x - mine - public
        await ctx.send(after, Ring(pack(rest) if boolean else rest))
        return Rep3Share(mine, rest, boolean)
    if after == owner:
        coins = ctx.common(owner)
        return Rep3Share(public, coins.bits(shape) if boolean else coins.ring(shape), boolean)
    size = int(np.prod(shape, dtype=np.int64))
    got = (await ctx.recv(owner, Ring, shape=(n_words(size),) if boolean else shape)).array
    return Rep3Share(unpack(got, shape) if boolean else got, public, boolean)


def constant(ctx: Ctx, x: np.ndarray, boolean: bool) -> Rep3Share:
    """x_0 is the public value, the other addends are zero."""
    zeros = np.zeros_like(x)
    return Rep3Share(x if ctx.me == 0 else zeros, x if ctx.me == 2 else zeros, boolean)


def _reveal_bits(x: Rep3Share, to: int | None) -> int:
    return (3 if to is None else 1) * 64 * (n_words(x.size) if x.boolean else x.size)


@protocol(
    source="AFLNO16 §2.1",
    setting=THREE_PARTY,
    rounds=1,
    bits=_reveal_bits,
    leaks=("the revealed value",),
)
async def reveal(ctx: Ctx, x: Rep3Share, to: int | None) -> np.ndarray | None:
    """Each receiver gets the addend that it lacks from its `prev`."""
    after, before = neighbours(ctx)
    if to is None or to == after:
        await ctx.send(after, Ring(pack(x.first) if x.boolean else x.first))
    if to is not None and to != ctx.me:
        return None
    shape = (n_words(x.size),) if x.boolean else x.shape
    missing = (await ctx.recv(before, Ring, shape=shape)).array
    if x.boolean:
        bits: np.ndarray = x.first ^ x.second ^ unpack(missing, x.shape)
        return bits
    whole: np.ndarray = x.first + x.second + missing
    return whole


def random(ctx: Ctx, shape: Shape) -> Rep3Share:
    """Each addend from the coins of its two holders: no message, and nobody knows the sum."""
    first, second = zero_sharing(ctx.sub("random"), lambda coins: coins.ring(shape))
    return Rep3Share(first, second)
