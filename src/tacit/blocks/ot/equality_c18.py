"""Whether the two parties' private words are equal, as xor shares: one OT for each bit and six for each word.

Source   [C18] Couteau: "New Protocols for Secure Equality Test and Comparison", ACNS 2018 (eprint 2016/544),
         section 4: the words' distance, shared modulo 64, is 0 if and only if they are equal; [NP99] Naor,
         Pinkas: "Oblivious Transfer and Polynomial Evaluation", STOC 1999: one out of N from log N OTs.
Setting  semi-honest.
Differs  one such step, then a table of 64 bits, instead of steps down to single bits. Half of the words have
         party 0 as the OT sender, half party 1.
Cost     per word of l bits: l + 6 OTs and l + 8 bytes, where a tree of ANDs takes 2 (l - 1) OTs. Floor: the
         OTs and three hashes for each.

Notation     paper     here
  x, y       words     `mine`
  x_i'       shares    `share`, of the distance
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.errors import InternalError
from tacit.base.prg import label16
from tacit.base.protocol import gather, protocol
from tacit.base.wire import Octets, Ring, peer_bytes
from tacit.blocks.ot.functionality import OtLink
from tacit.blocks.ot.ole import in_chunks
from tacit.blocks.settings import TWO_PARTY_ANY_OT

MOST_BITS = 63
_PLACE_BITS = 6
_CHUNK_WORDS = 1 << 11
"""About 2^17 OTs: a chunk stays in cache."""


async def equal(ctx: Ctx, link: OtLink, mine: np.ndarray, bits: int) -> np.ndarray:
    """Xor shares uint8[n] of 1 where the parties' words uint64[n] agree in their `bits` low bits, else 0."""
    if not 1 <= bits <= MOST_BITS:
        raise InternalError("KERNEL-0001", f"equality takes words of 1 to {MOST_BITS} bits, not {bits}")
    half = len(mine) // 2

    def part(sender: int, words: np.ndarray) -> Coroutine[Any, Any, np.ndarray]:
        def one(scope: Ctx, start: int, stop: int) -> Coroutine[Any, Any, np.ndarray]:
            return equal_words(scope, link, sender, words[start:stop], bits)

        return in_chunks(ctx, len(words), _CHUNK_WORDS, one)

    return np.concatenate(await gather(part(0, mine[:half]), part(1, mine[half:])))


def _bits(link: OtLink, sender: int, mine: np.ndarray, bits: int) -> int:
    n = -(-len(mine) // 64) * 64
    return link.row_bits(bits * n) + link.row_bits(_PLACE_BITS * n) + n * (8 * bits + 64)


@protocol(
    source="C18 §4; NP99",
    setting=TWO_PARTY_ANY_OT,
    rounds=lambda link, *_: 2 * (link.sender_rounds + 1),
    bits=_bits,
)
async def equal_words(ctx: Ctx, link: OtLink, sender: int, mine: np.ndarray, bits: int) -> np.ndarray:
    """As `equal`, all words with one party as the sender of the OTs."""
    whole = np.append(mine, np.zeros(-len(mine) % 64, np.uint64)) if len(mine) % 64 else mine
    planes = _kernel.bits_to_planes(whole, bits)
    share = await (_send if ctx.me == sender else _receive)(ctx, link, planes)
    return share[: len(mine)]


async def _send(ctx: Ctx, link: OtLink, planes: np.ndarray) -> np.ndarray:
    n, (first, second) = 64 * planes.shape[1], _labels(ctx)
    # Step 1: the distance
    q = await link.send_rows(ctx.sub("distance"), 64 * planes.size)
    payload, share = _kernel.distance_send(q, link.delta, first, planes)
    await ctx.send(ctx.peer, Octets(payload))
    # Step 2: a coin at every place but that of distance 0
    coins = ctx.private().ring((n // 64,))
    q = await link.send_rows(ctx.sub("pick"), _PLACE_BITS * n)
    await ctx.send(ctx.peer, Ring(_kernel.pick_send(q, link.delta, second, share, coins)))
    return np.unpackbits(coins.view(np.uint8), bitorder="little")


async def _receive(ctx: Ctx, link: OtLink, planes: np.ndarray) -> np.ndarray:
    n, (first, second) = 64 * planes.shape[1], _labels(ctx)
    t = await link.receive_rows(ctx.sub("distance"), _packed(planes), 64 * planes.size)
    payload = await ctx.recv(ctx.peer, Octets, shape=(64 * planes.size,))
    with peer_bytes():
        share = _kernel.distance_recv(t, first, planes, payload.array)
    places = -share % np.uint8(1 << _PLACE_BITS)
    choices = _kernel.bits_to_planes(places.astype(np.uint64), _PLACE_BITS)
    t = await link.receive_rows(ctx.sub("pick"), _packed(choices), _PLACE_BITS * n)
    tables = await ctx.recv(ctx.peer, Ring, shape=(n,))
    with peer_bytes():
        return _kernel.pick_recv(t, second, places, tables.array)


def _labels(ctx: Ctx) -> tuple[bytes, bytes]:
    return label16("distance", ctx.path), label16("pick", ctx.path)


def _packed(planes: np.ndarray) -> np.ndarray:
    return planes.view(np.uint8).reshape(-1)
