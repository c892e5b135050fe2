"""Silent OT: up to 2^17 correlated OTs from a few tree corrections, for slow links.

Source   [BCGIKRS19] Boyle, Couteau, Gilboa, Ishai, Kohl, Rindal, Scholl: "Efficient Two-Round OT Extension
         and Silent Non-Interactive Secure Computation", CCS 2019 (eprint 2019/1159), Figure 3, with the code
         of [RRT23] eprint 2023/882 and the trees of [GYWZXZ22] eprint 2022/1431 (half-tree).
Setting  semi-honest.
Differs  base OTs are SoftSpoken rows with the same delta, so rows of both kinds mix; choice bits are made
         chosen by one bit per OT, sent with the first message, so the sender has its rows after one message;
         batches whose trees would cost more than the OTs themselves are SoftSpoken rows.
Cost     per instance of n OTs (N = n rounded up to a power of two): 128*log2(N/64) base OTs and 16 bytes for
         each from the sender, n bits from the receiver if choices are chosen. At 2^17: 0.32 bytes per chosen
         OT, 0.19 per random one. Floor: about 20 ns per OT (reads of the code).

Notation     paper          here
  e, mu = H e  noise, choices `choices` of the kernel's state
  x, y       base OTs       `base`
  b + mu     derandomised   `flips`
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from typing import Any, ClassVar

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.prg import label16
from tacit.base.protocol import gather, protocol
from tacit.base.wire import Octets, octets, peer_bytes
from tacit.blocks.ot import softspoken_roy22
from tacit.blocks.ot.functionality import OtLink
from tacit.blocks.ot.softspoken_roy22 import SoftSpokenLink
from tacit.blocks.settings import TWO_PARTY_ANY_OT

INSTANCE_OTS = 1 << 17
"""Most OTs of an instance: the code word stays in cache."""
BASE_FIELD_BITS = 8
"""k of the SoftSpoken link that gives base OTs and small batches: 2 bytes per OT."""
_SEED_BYTES = 16
_NO_CHOICES = np.zeros(0, np.uint8)
Piece = Coroutine[Any, Any, tuple[np.ndarray, np.ndarray]]
"""On its way to (choice bits of the receiver, rows)."""


class SilentLink(OtLink):
    """Both directions of silent OT with the peer of a two-party run."""

    rounds: ClassVar[int] = 2

    def __init__(self, base: SoftSpokenLink) -> None:
        self._base = base
        self.delta = base.delta

    async def send_rows(self, ctx: Ctx, n: int) -> np.ndarray:
        return await self._rows(ctx, ctx.me, n, chosen=True)

    async def send_random_rows(self, ctx: Ctx, n: int) -> np.ndarray:
        return await self._rows(ctx, ctx.me, n, chosen=False)

    async def receive_rows(self, ctx: Ctx, choices: np.ndarray, n: int) -> np.ndarray:
        return await self._rows(ctx, ctx.peer, n, chosen=True, choices=choices)

    async def receive_random_rows(self, ctx: Ctx, n: int) -> tuple[np.ndarray, np.ndarray]:
        pieces = await gather(*self._pieces(ctx, ctx.peer, n, chosen=False))
        return np.concatenate([np.zeros(0, np.uint8), *(own for own, _ in pieces)]), _joined(pieces)

    def row_bits(self, n: int) -> int:
        return sum(self._piece_bits(size, chosen=True) for _, size in _cuts(n))

    def random_row_bits(self, n: int) -> int:
        return sum(self._piece_bits(size, chosen=False) for _, size in _cuts(n))

    def sender_bits(self, n: int) -> int:
        trees = (size for _, size in _cuts(n) if is_silent(self._base, size))
        return sum(8 * _SEED_BYTES * int(_kernel.silent_cot_base_ots(size)) for size in trees)

    async def _rows(
        self, ctx: Ctx, sender: int, n: int, *, chosen: bool, choices: np.ndarray | None = None
    ) -> np.ndarray:
        return _joined(await gather(*self._pieces(ctx, sender, n, chosen=chosen, choices=choices)))

    def _pieces(
        self, ctx: Ctx, sender: int, n: int, *, chosen: bool, choices: np.ndarray | None = None
    ) -> Iterator[Piece]:
        for start, size in _cuts(n):
            part = None if choices is None else choices[start // 8 : -(-(start + size) // 8)]
            if is_silent(self._base, size):
                yield instance(ctx, self._base, sender, size, chosen, part)
            else:
                yield _direct(ctx.sub("direct"), self._base, sender, size, part)

    def _piece_bits(self, size: int, *, chosen: bool) -> int:
        if is_silent(self._base, size):
            return instance_bits(self._base, size, chosen)
        return self._base.row_bits(size)


def is_silent(base: SoftSpokenLink, n: int) -> bool:
    """Whether trees send less than SoftSpoken rows do; both parties know n, so both choose alike."""
    return instance_bits(base, n, True) < base.row_bits(n)


def instance_bits(base: SoftSpokenLink, n: int, chosen: bool) -> int:
    """Bits that both parties together send for one instance."""
    base_ots = int(_kernel.silent_cot_base_ots(n))
    return base.row_bits(base_ots) + 8 * 16 * base_ots + (8 * -(-n // 8) if chosen else 0)


def _cuts(n: int) -> list[tuple[int, int]]:
    """(start, size) of each piece of n OTs."""
    return [(start, min(INSTANCE_OTS, n - start)) for start in range(0, n, INSTANCE_OTS)]


def _joined(pieces: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    rows = [rows for _, rows in pieces]
    return rows[0] if len(rows) == 1 else np.concatenate([np.zeros((0, 16), np.uint8), *rows])


async def _direct(
    ctx: Ctx, base: SoftSpokenLink, sender: int, n: int, choices: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    if ctx.me == sender:
        return _NO_CHOICES, await base.send_rows(ctx, n)
    if choices is None:
        return await base.receive_random_rows(ctx, n)
    return choices, await base.receive_rows(ctx, choices, n)


@protocol(
    source="BCGIKRS19 Figure 3; RRT23; half-tree",
    setting=TWO_PARTY_ANY_OT,
    rounds=2,
    bits=lambda base, sender, n, chosen, choices: instance_bits(base, n, chosen),
)
async def instance(
    ctx: Ctx, base: SoftSpokenLink, sender: int, n: int, chosen: bool, choices: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """One instance of n OTs: (choice bits uint8[ceil(n/8)] of the receiver, rows uint8[n, 16]).

    With `chosen` the receiver gives `choices`; without, they are pseudorandom. The sender has no bits.
    """
    label = label16("silent-ot", ctx.path)
    seed = ctx.private().bytes(_SEED_BYTES)
    base_ots, flip_bytes = int(_kernel.silent_cot_base_ots(n)), -(-n // 8)
    if ctx.me == sender:
        q = await base.send_rows(ctx, base_ots)
        flips = (await ctx.recv(ctx.peer, Octets, shape=(flip_bytes,))).array if chosen else None
        with peer_bytes():
            corrections, rows = _kernel.silent_cot_send(label, base.delta, seed, q, n, flips)
        await ctx.send(ctx.peer, octets(corrections))  # Step 2: trees
        return _NO_CHOICES, rows
    state, path = _kernel.SilentCotReceiver.start(n, label, seed)  # Step 1: noise, and choices from it
    t = await base.receive_rows(ctx, np.frombuffer(path, np.uint8), base_ots)
    own = np.frombuffer(state.choices, np.uint8)
    if chosen:
        assert choices is not None
        wanted = _clean(choices, n)
        await ctx.send(ctx.peer, Octets(own ^ wanted))
        own = wanted
    corrections_in = await ctx.recv(ctx.peer, Octets, shape=(16 * base_ots,))
    with peer_bytes():
        return own, state.finish(t, corrections_in.array)  # Step 3


def _clean(choices: np.ndarray, n: int) -> np.ndarray:
    """The first n bits, zeros after them."""
    if n % 8 == 0:
        return choices
    clean = choices.copy()
    clean[-1] &= (1 << n % 8) - 1
    return clean


@protocol(
    source="RRT23; Roy22 Figure 8",
    setting=TWO_PARTY_ANY_OT,
    rounds=2,
    bits=lambda: softspoken_roy22.SETUP_BITS,
)
async def open_link(ctx: Ctx) -> SilentLink:
    """The SoftSpoken link for base OTs and small batches; once per session."""
    return SilentLink(await softspoken_roy22.open_link(ctx, BASE_FIELD_BITS))
