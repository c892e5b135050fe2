"""Sharing and opening, three parties of which one may deviate.

Source   [AFLNO16] eprint 2016/768, section 2.1; [BGIN19] eprint 2019/1390, section 4: every addend has two
         holders, so an owner cannot share inconsistently and an opening is compared.
Setting  malicious with abort, one of three parties corrupted.
Cost     share: 8 bytes; reveal: 8 bytes and a digest of 32 per receiver.
"""

from __future__ import annotations

import hashlib

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import CheatDetected
from tacit.base.protocol import protocol
from tacit.base.types import Shape
from tacit.base.wire import Octets, Ring, octets
from tacit.blocks.dzk.bbcgi19 import THREE_PARTY_MALICIOUS
from tacit.mpc.rep3.share import Rep3Share, distribute, n_words, neighbours, pack, share_bits, unpack

DIGEST_BYTES = 32


@protocol(source="AFLNO16 §2.1", setting=THREE_PARTY_MALICIOUS, rounds=1, bits=share_bits)
async def share(ctx: Ctx, x: np.ndarray | None, owner: int, shape: Shape, boolean: bool) -> Rep3Share:
    """A malicious owner shares some value; whatever it sends, the addends have one value each."""
    return await distribute(ctx, x, owner, shape, boolean)


def _reveal_bits(x: Rep3Share, to: int | None) -> int:
    words = n_words(x.size) if x.boolean else x.size
    return (3 if to is None else 1) * (64 * words + 8 * DIGEST_BYTES)


@protocol(
    source="AFLNO16 §2.1; BGIN19 §4",
    setting=THREE_PARTY_MALICIOUS,
    rounds=1,
    bits=_reveal_bits,
    leaks=("the revealed value",),
)
async def reveal(ctx: Ctx, x: Rep3Share, to: int | None) -> np.ndarray | None:
    """A receiver gets the addend that it lacks from its `prev` and its digest from its `next`.

    Only after everything that x depends on was verified. Raises CheatDetected CHEAT-0002.
    """
    after, before = neighbours(ctx)
    first, second = (pack(a) if x.boolean else np.ascontiguousarray(a) for a in (x.first, x.second))
    if to in (None, after):
        await ctx.send(after, Ring(first))
    if to in (None, before):
        await ctx.send(before, octets(_digest(second)))
    if to not in (None, ctx.me):
        return None
    missing = (await ctx.recv(before, Ring, shape=first.shape)).array
    digest = (await ctx.recv(after, Octets, shape=(DIGEST_BYTES,))).array.tobytes()
    if digest != _digest(missing):
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


def _digest(words: np.ndarray) -> bytes:
    raw = np.ascontiguousarray(words).reshape(-1).view(np.uint8)
    return hashlib.blake2b(raw.data, digest_size=DIGEST_BYTES, person=b"tacit-reveal").digest()
