"""Additive sharing over Z_2^64 and xor sharing of bits, between two parties.

Source   [DSZ15] Demmler, Schneider, Zohner: "ABY", NDSS 2015, sections III.A and III.B.
Setting  semi-honest, two parties, no third one.
Notation <x>^A_i = `Semi2kShare(data)` with x = data_0 + data_1 mod 2^64; <x>^B_i the same with xor.
"""

from __future__ import annotations

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.protocol import protocol
from tacit.base.types import Shape
from tacit.base.wire import Ring
from tacit.blocks.correlation import TWO_PARTY
from tacit.mpc.scheme import ArrayShare


class Semi2kShare(ArrayShare):
    """An addend, or an xor share of bits."""


def pack(bits: np.ndarray) -> np.ndarray:
    """uint8[n] of 0 and 1 -> uint64[ceil(n/64)]."""
    packed = np.zeros(-(-bits.size // 64) * 8, np.uint8)
    packed[: -(-bits.size // 8)] = np.packbits(bits.reshape(-1), bitorder="little")
    return packed.view(np.uint64)


def unpack(words: np.ndarray, shape: Shape) -> np.ndarray:
    """The inverse of `pack` for the first prod(shape) bits."""
    count = int(np.prod(shape, dtype=np.int64))
    return np.unpackbits(words.view(np.uint8), count=count, bitorder="little").reshape(shape)


@protocol(source="ABY §III.A.1", setting=TWO_PARTY, rounds=0, bits=0)
async def share(ctx: Ctx, x: np.ndarray | None, owner: int, shape: Shape, boolean: bool) -> Semi2kShare:
    """The other party's addend comes from the coins that both know, so nothing is sent."""
    coins = ctx.common(ctx.peer)
    mask = coins.bits(shape) if boolean else coins.ring(shape)
    if ctx.me != owner:
        return Semi2kShare(mask, boolean)
    assert x is not None
    return Semi2kShare(x ^ mask if boolean else x - mask, boolean)


def constant(ctx: Ctx, x: np.ndarray, boolean: bool) -> Semi2kShare:
    """Party 0 holds the public value, party 1 zero."""
    return Semi2kShare(x if ctx.me == 0 else np.zeros_like(x), boolean)


def _reveal_bits(x: Semi2kShare, to: int | None) -> int:
    senders = 2 if to is None else 1
    return senders * 64 * (-(-x.data.size // 64) if x.boolean else x.data.size)


@protocol(
    source="ABY §III.A.1", setting=TWO_PARTY, rounds=1, bits=_reveal_bits, leaks=("the revealed value",)
)
async def reveal(ctx: Ctx, x: Semi2kShare, to: int | None) -> np.ndarray | None:
    """Each party that is not the only receiver sends its addend."""
    message = Ring(pack(x.data) if x.boolean else x.data)
    shape = message.array.shape
    if to is None:
        theirs = (await ctx.exchange(ctx.peer, ctx.peer, message, shape=shape)).array
    elif to == ctx.me:
        theirs = (await ctx.recv(ctx.peer, Ring, shape=shape)).array
    else:
        await ctx.send(to, message)
        return None
    whole: np.ndarray = x.data ^ unpack(theirs, x.shape) if x.boolean else x.data + theirs
    return whole
