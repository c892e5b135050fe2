"""OT extension: any number of correlated OTs from 128 base OTs.

Source   [Roy22] Roy: "SoftSpokenOT: Quieter OT Extension from Small-Field Silent VOLE in the Minicrypt
         Model", CRYPTO 2022 (eprint 2022/192), Figures 3, 5 and 8.
Setting  semi-honest; `open_checked_link`: malicious, by the consistency checks of Figures 9 and 14.
Differs  choice bits are chosen, so all 128/k blocks send a correction; every batch derives its streams from
         the leaf seeds and its own scope label, so batches need no order between the parties.
Cost     per OT: 128/k bits from receiver to sender; 2^k/k AES blocks on each side, one transpose.
         Checked: 128 more OTs and 64 bytes per batch, three messages instead of one.
         Floor about 8 ns at k = 2, 10 ns at k = 4 (AES and transpose), 8 or 4 bytes on the wire.

Notation     paper          here
  k          field bits     `k`
  Delta      sender's key   `delta`
  U, V, W    u, v, w        `message` carries U's corrections; rows t (V) and q (W)
  R, R U, R V               `seed` of the universal hash; `answer`
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx, require_two
from tacit.base.prg import label16
from tacit.base.protocol import protocol
from tacit.base.wire import Octets, octets, peer_bytes
from tacit.blocks.ot.endemic_mr19 import base_ots
from tacit.blocks.ot.functionality import OtLink
from tacit.blocks.settings import TWO_PARTY_OT, TWO_PARTY_OT_MALICIOUS

BASE_OTS = 128
_TREE_SEED_BYTES = 16
_SEED_BYTES = 16
_MASK_BYTES = 16
_ANSWER_BYTES = 48
FIELD_BITS = 4
"""Default k: 4 bytes per OT. k = 2 sends 8 and saves half of the AES; see `docs/decisions/0003`."""
SETUP_BITS = 2 * 8 * BASE_OTS * (96 + 32)
"""Base OTs and tree corrections, both directions."""


class SoftSpokenLink(OtLink):
    """Both directions of [Roy22] with the peer of a two-party run."""

    def __init__(
        self, k: int, sender: _kernel.SoftSpokenSender, receiver: _kernel.SoftSpokenReceiver
    ) -> None:
        self._k = k
        self._sender = sender
        self._receiver = receiver
        self.delta = bytes(sender.delta)

    def row_bits(self, n: int) -> int:
        return 8 * int(_kernel.softspoken_message_size(self._k, n))

    async def send_rows(self, ctx: Ctx, n: int) -> np.ndarray:
        message = await ctx.recv(ctx.peer, Octets, shape=(self.row_bits(n) // 8,))
        with peer_bytes():
            return self._sender.extend(_label(ctx, ctx.me), n, message.array)

    async def receive_rows(self, ctx: Ctx, choices: np.ndarray, n: int) -> np.ndarray:
        message, rows = self._receiver.extend(_label(ctx, ctx.peer), choices, n)
        await ctx.send(ctx.peer, octets(message))
        return rows


def _label(ctx: Ctx, sender: int) -> bytes:
    return label16("softspoken", ctx.path, str(sender))


@protocol(
    source="Roy22 Figure 8",
    setting=TWO_PARTY_OT,
    rounds=2,
    bits=lambda k=FIELD_BITS: SETUP_BITS,
)
async def open_link(ctx: Ctx, k: int = FIELD_BITS) -> SoftSpokenLink:
    """Base OTs and GGM trees in both directions; once per session."""
    require_two(ctx)
    choices = ctx.private().bits((BASE_OTS,))
    pairs, chosen = await base_ots(ctx, choices)
    receiver, corrections = _kernel.SoftSpokenReceiver.start(k, pairs, ctx.private().bytes(_TREE_SEED_BYTES))
    message = octets(corrections)
    theirs = await ctx.exchange(ctx.peer, ctx.peer, message, shape=message.array.shape)
    with peer_bytes():
        sender = _kernel.SoftSpokenSender.start(k, choices, chosen, theirs.array.tobytes())
    return SoftSpokenLink(k, sender, receiver)


class CheckedSoftSpokenLink(SoftSpokenLink):
    """As `SoftSpokenLink`, against a deviating peer: a batch is checked before its sender uses it."""

    rounds: ClassVar[int] = 3
    sender_rounds: ClassVar[int] = 3

    def row_bits(self, n: int) -> int:
        return super().row_bits(self._extended(n)) + 8 * (_SEED_BYTES + _ANSWER_BYTES)

    def _extended(self, n: int) -> int:
        return _kernel.softspoken_checked_sizes(self._k, n)[0]

    async def send_rows(self, ctx: Ctx, n: int) -> np.ndarray:
        """Raises CheatDetected OT-0002."""
        size = super().row_bits(self._extended(n)) // 8
        message = await ctx.recv(ctx.peer, Octets, shape=(size,))
        seed = Octets(ctx.private().bytes(_SEED_BYTES))  # Step 2: challenge, after the message
        await ctx.send(ctx.peer, seed)
        answer = await ctx.recv(ctx.peer, Octets, shape=(_ANSWER_BYTES,))
        with peer_bytes():
            return self._sender.extend_checked(
                _label(ctx, ctx.me), n, message.array, seed.array, answer.array
            )

    async def receive_rows(self, ctx: Ctx, choices: np.ndarray, n: int) -> np.ndarray:
        mask = ctx.private().bytes(_MASK_BYTES)
        message, rows, pending = self._receiver.extend_checked(_label(ctx, ctx.peer), choices, n, mask)
        await ctx.send(ctx.peer, octets(message))  # Step 1: corrections, of more OTs than are used
        seed = await ctx.recv(ctx.peer, Octets, shape=(_SEED_BYTES,))
        await ctx.send(ctx.peer, octets(pending.answer(seed.array)))  # Step 3: hashes of choices and planes
        return rows


def _checked_setup_bits(k: int) -> int:
    return SETUP_BITS + 2 * 8 * _kernel.softspoken_checked_sizes(k, 0)[1]


@protocol(
    source="Roy22 Figures 8, 9, 14",
    setting=TWO_PARTY_OT_MALICIOUS,
    rounds=2,
    bits=lambda k=FIELD_BITS: _checked_setup_bits(k),
)
async def open_checked_link(ctx: Ctx, k: int = FIELD_BITS) -> CheckedSoftSpokenLink:
    """As `open_link`, against a deviating peer. Raises CheatDetected OT-0002."""
    require_two(ctx)
    choices = ctx.private().bits((BASE_OTS,))
    pairs, chosen = await base_ots(ctx, choices)
    receiver, corrections = _kernel.SoftSpokenReceiver.start(k, pairs, ctx.private().bytes(_TREE_SEED_BYTES))
    message = octets(corrections + receiver.prove_trees())
    theirs = (await ctx.exchange(ctx.peer, ctx.peer, message, shape=message.array.shape)).array
    with peer_bytes():
        sender = _kernel.SoftSpokenSender.start(k, choices, chosen, theirs[: len(corrections)])
        sender.verify_trees(theirs[len(corrections) :])
    return CheckedSoftSpokenLink(k, sender, receiver)
