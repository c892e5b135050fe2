"""Sharing and opening, three parties of which one may deviate.

Source   [AFLNO16] eprint 2016/768, section 2.1; [BGIN19] eprint 2019/1390, section 4: every addend has two
         holders, so an owner cannot share inconsistently and an opening is compared.
Setting  malicious with abort, one of three parties corrupted.
Differs  what is compared is a random linear tag over GF(2^64) under coins of one holder and the receiver: the
         other holder does not know them, so words that it changes pass with probability 2^-63.
Cost     share: 8 bytes; reveal: 8 bytes and a tag of 8 per receiver.
"""

from __future__ import annotations

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import CheatDetected
from tacit.base.prg import Prg
from tacit.base.protocol import protocol
from tacit.base.types import Shape
from tacit.base.wire import Ring
from tacit.blocks.dzk.bbcgi19 import THREE_PARTY_MALICIOUS
from tacit.blocks.dzk.rings import BINARY
from tacit.mpc.rep3.share import Rep3Share, distribute, n_words, neighbours, pack, share_bits, unpack

COLUMNS = 512
"""Words of a row: a word is weighted by a challenge of its row times one of its column."""


@protocol(source="AFLNO16 §2.1", setting=THREE_PARTY_MALICIOUS, rounds=1, bits=share_bits)
async def share(ctx: Ctx, x: np.ndarray | None, owner: int, shape: Shape, boolean: bool) -> Rep3Share:
    """A malicious owner shares some value; whatever it sends, the addends have one value each."""
    return await distribute(ctx, x, owner, shape, boolean)


def _reveal_bits(x: Rep3Share, to: int | None) -> int:
    words = n_words(x.size) if x.boolean else x.size
    return (3 if to is None else 1) * (64 * words + 64)


@protocol(
    source="AFLNO16 §2.1; BGIN19 §4",
    setting=THREE_PARTY_MALICIOUS,
    rounds=1,
    bits=_reveal_bits,
    leaks=("the revealed value",),
)
async def reveal(ctx: Ctx, x: Rep3Share, to: int | None) -> np.ndarray | None:
    """A receiver gets the addend that it lacks from its `prev` and its tag from its `next`.

    Only after everything that x depends on was verified. Raises CheatDetected CHEAT-0002.
    """
    after, before = neighbours(ctx)
    first, second = (pack(a) if x.boolean else np.ascontiguousarray(a) for a in (x.first, x.second))
    if to in (None, after):
        await ctx.send(after, Ring(first))
    if to in (None, before):
        await ctx.send(before, Ring(_tag(ctx.common(before), second)))
    if to not in (None, ctx.me):
        return None
    missing = (await ctx.recv(before, Ring, shape=first.shape)).array
    tag = (await ctx.recv(after, Ring, shape=(1,))).array
    if tag[0] != _tag(ctx.common(after), missing)[0]:
        raise CheatDetected(
            "CHEAT-0002",
            f"parties {before} and {after} open different values",
            hint="nothing was taken over; settle with both operators which side deviates",
        )
    if x.boolean:
        bits: np.ndarray = x.first ^ x.second ^ unpack(missing, x.shape)
        return bits
    whole: np.ndarray = x.first + x.second + missing.reshape(x.shape)
    return whole


def _tag(coins: Prg, words: np.ndarray) -> np.ndarray:
    """[1]: the sum of all words times the challenges of their row and of their column."""
    flat = np.ascontiguousarray(words).reshape(-1)
    rows = BINARY.challenges(coins, -(-flat.size // COLUMNS))
    columns = BINARY.challenges(coins, COLUMNS)
    return BINARY.weigh(BINARY.combine([flat], COLUMNS, [rows]), columns)
