"""Silent VOLE over GF(2^128) or pairs of GF(2^64): up to 2^17 correlations from a few tree corrections.

Source   [BCGIKRS19] eprint 2019/1159, Figure 3, with the code of [RRT23] eprint 2023/882 and the trees of
         [GYWZXZ22] eprint 2022/1431 (half-tree); check: [YWLZW20] Ferret, eprint 2020/924, Figure 6.
Setting  semi-honest; `open_checked_link`: malicious, over GF(2^128).
Differs  the noise values' products with delta come from SoftSpoken rows of the same delta, one for each of
         its b bits (128 or 64); the check runs over the outputs instead of the leaves.
Cost     per instance of n VOLEs (N = n rounded up to a power of two): 128*(log2(N/64) + b) base OTs and
         128*(log2(N/64) + 1) blocks of 16 bytes from the sender: 0.46 bytes per VOLE at 2^17, 0.33 over
         GF(2^64). Checked: 128 base OTs and 64 bytes more.
         Floor: about 25 ns per VOLE for the sender, 50 for the receiver (reads).

Notation     paper          here
  e, y       noise          in the kernel's state
  K, M       base VOLE      `base` rows
  u, v, w    outputs        u, t, q
  chi        challenge      `seed`
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.errors import CheatDetected
from tacit.base.prg import label16
from tacit.base.protocol import gather, protocol
from tacit.base.wire import Octets, octets, peer_bytes
from tacit.blocks.ot import softspoken_roy22
from tacit.blocks.ot.softspoken_roy22 import SoftSpokenLink
from tacit.blocks.settings import TWO_PARTY_ANY_OT
from tacit.blocks.vole.functionality import VoleLink

INSTANCE_VOLES = 1 << 17
"""Most VOLEs of an instance: the code word stays in cache."""
BASE_FIELD_BITS = 8
WHOLE_BITS, HALF_BITS = 128, 64
"""Of a multiplier u."""
MASK_OTS = 128
_BLOCK_BYTES = 16
_DIGEST_BYTES = 32
TWO_PARTY_MALICIOUS = replace(TWO_PARTY_ANY_OT, adversary="malicious")


@dataclass(frozen=True)
class SilentVoleLink(VoleLink):
    """Both directions with the peer of a two-party run, on base OTs from `base`."""

    base: SoftSpokenLink
    checked: bool = False
    scalar_bits: int = WHOLE_BITS

    @property
    def delta(self) -> bytes:
        return self.base.delta

    async def send(self, ctx: Ctx, n: int) -> np.ndarray:
        return (await self._pieces(ctx, ctx.me, n))[1]

    async def receive(self, ctx: Ctx, n: int) -> tuple[np.ndarray, np.ndarray]:
        return await self._pieces(ctx, ctx.peer, n)

    def bits(self, n: int) -> int:
        return sum(instance_bits(self.base, size, self.checked, self.scalar_bits) for size in _sizes(n))

    async def _pieces(self, ctx: Ctx, sender: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        def one(size: int) -> Coroutine[Any, Any, Voles]:
            if self.checked:
                return checked_instance(ctx, self.base, sender, size)
            return instance(ctx, self.base, sender, size, self.scalar_bits)

        pieces = await gather(*(one(size) for size in _sizes(n)))
        u = [_rows(0, self.scalar_bits // 8), *(piece[0] for piece in pieces if ctx.me != sender)]
        return np.concatenate(u), np.concatenate([_rows(0), *(piece[1] for piece in pieces)])


def _rows(n: int, width: int = _BLOCK_BYTES) -> np.ndarray:
    return np.zeros((n, width), np.uint8)


def _sizes(n: int) -> list[int]:
    return [min(INSTANCE_VOLES, n - start) for start in range(0, n, INSTANCE_VOLES)]


def instance_bits(base: SoftSpokenLink, n: int, checked: bool, scalar_bits: int = WHOLE_BITS) -> int:
    """Bits that both parties together send for one instance."""
    base_ots = int(_kernel.silent_vole_base_ots(n, scalar_bits)) + (MASK_OTS if checked else 0)
    check = 8 * (2 * _BLOCK_BYTES + _DIGEST_BYTES) if checked else 0
    return base.row_bits(base_ots) + 8 * int(_kernel.silent_vole_message_size(n)) + check


Voles = tuple[np.ndarray, np.ndarray]
"""(u, t) of the receiver, (nothing, q) of the sender."""


@protocol(
    source="BCGIKRS19 Figure 3; RRT23; half-tree",
    setting=TWO_PARTY_ANY_OT,
    rounds=2,
    bits=lambda base, sender, n, scalar_bits: instance_bits(base, n, False, scalar_bits),
)
async def instance(ctx: Ctx, base: SoftSpokenLink, sender: int, n: int, scalar_bits: int) -> Voles:
    """One instance of n VOLEs."""
    if ctx.me == sender:
        rows, _ = await _send(ctx, base, n, scalar_bits, 0)
        return _rows(0), rows
    u, t, _ = await _receive(ctx, base, n, scalar_bits, np.zeros(0, np.uint8))
    return u, t


@protocol(
    source="BCGIKRS19 Figure 3; RRT23; half-tree; Ferret Figure 6",
    setting=TWO_PARTY_MALICIOUS,
    rounds=6,
    bits=lambda base, sender, n: instance_bits(base, n, True),
)
async def checked_instance(ctx: Ctx, base: SoftSpokenLink, sender: int, n: int) -> Voles:
    """One instance, whose receiver finds out a deviating sender. Raises CheatDetected OT-0002."""
    if ctx.me == sender:
        rows, mask_rows = await _send(ctx, base, n, WHOLE_BITS, MASK_OTS)
        question = (await ctx.recv(ctx.peer, Octets, shape=(2 * _BLOCK_BYTES,))).array
        seed, opened = question[:_BLOCK_BYTES], question[_BLOCK_BYTES:]
        await ctx.send(ctx.peer, octets(_kernel.silent_answer(seed, opened, base.delta, rows, mask_rows)))
        return _rows(0), rows
    mask = ctx.private().bytes(_BLOCK_BYTES)
    u, t, mask_rows = await _receive(ctx, base, n, WHOLE_BITS, mask)
    seed = ctx.private().bytes(_BLOCK_BYTES)  # after the corrections have come
    masked, expected = _kernel.silent_challenge(seed, u, t, mask, mask_rows)
    await ctx.send(ctx.peer, octets(seed.tobytes() + masked))
    answer = await ctx.recv(ctx.peer, Octets, shape=(_DIGEST_BYTES,))
    if answer.array.tobytes() != expected:
        raise CheatDetected("OT-0002", "the other party's corrections are inconsistent", path=ctx.path)
    return u, t


async def _send(
    ctx: Ctx, base: SoftSpokenLink, n: int, scalar_bits: int, masks: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows q and those of `masks` further OTs."""
    count = int(_kernel.silent_vole_base_ots(n, scalar_bits))
    base_rows = await base.send_rows(ctx, count + masks)
    seed = ctx.private().bytes(_BLOCK_BYTES)
    base_rows, mask_rows = base_rows[:count], base_rows[count:]
    sent = _kernel.silent_vole_send(_label(ctx), base.delta, seed, base_rows, n, scalar_bits)
    corrections, rows = sent
    await ctx.send(ctx.peer, octets(corrections))
    return rows, mask_rows


async def _receive(
    ctx: Ctx, base: SoftSpokenLink, n: int, scalar_bits: int, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """u, t and the rows of further OTs with the choices `mask`."""
    count = int(_kernel.silent_vole_base_ots(n, scalar_bits))
    seed = ctx.private().bytes(_BLOCK_BYTES)
    state, choices = _kernel.SilentVoleReceiver.start(n, _label(ctx), seed, scalar_bits)
    all_choices = np.concatenate([np.frombuffer(choices, np.uint8), mask])
    base_rows = await base.receive_rows(ctx, all_choices, count + 8 * len(mask))
    size = int(_kernel.silent_vole_message_size(n))
    corrections = await ctx.recv(ctx.peer, Octets, shape=(size,))
    with peer_bytes():
        u, t = state.finish(base_rows[:count], corrections.array)
    return u, t, base_rows[count:]


def _label(ctx: Ctx) -> bytes:
    return label16("silent-vole", ctx.path)


def open_link(ctx: Ctx, scalar_bits: int = WHOLE_BITS) -> Coroutine[Any, Any, SilentVoleLink]:
    """A SoftSpoken link for the base OTs; once per session."""
    return _open(softspoken_roy22.open_link(ctx, BASE_FIELD_BITS), False, scalar_bits)


def open_checked_link(ctx: Ctx) -> Coroutine[Any, Any, SilentVoleLink]:
    """As `open_link`, against a deviating peer. Raises CheatDetected OT-0002."""
    return _open(softspoken_roy22.open_checked_link(ctx, BASE_FIELD_BITS), True, WHOLE_BITS)


async def _open(base: Coroutine[Any, Any, SoftSpokenLink], checked: bool, scalar_bits: int) -> SilentVoleLink:
    return SilentVoleLink(await base, checked, scalar_bits)
