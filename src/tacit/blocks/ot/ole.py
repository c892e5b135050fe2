"""Products of private values from extended OTs: bits, bit times ring element, ring matrix times vector.

Source   [GMW87] for bits; [Gilboa99] "Two Party RSA Key Generation", CRYPTO 1999, section 4.1 for ring
         elements; hashing of OT rows: [GKWY20] eprint 2019/074, section 7.4 (TMMO).
Setting  semi-honest.
Differs  bit i of a Gilboa multiplier contributes a term modulo 2^(l-i), so its message is only that long
         (whole bytes); messages carry a whole matrix column.
Cost     random bit OLE: one OT, no payload. choose: one OT and ceil(l/8) bytes per element.
         cross: batch*d*l OTs and batch*d*m*sum_i ceil((l-i)/8) bytes: 288 bytes per product at l = 64.
         Floor: one AES block per 16 payload bytes for the receiver, two for the sender.

Long calls are cut into chunks of at most 2^17 OTs or 1 MiB of payload, so that they stay in cache and one
chunk's transfer overlaps the next one's computation.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.prg import label16
from tacit.base.protocol import Turn, gather, protocol
from tacit.base.wire import Octets, peer_bytes
from tacit.blocks.ot.functionality import OtLink
from tacit.blocks.settings import TWO_PARTY_ANY_OT

CHUNK_OTS = 1 << 17
CHUNK_PAYLOAD_BYTES = 1 << 20
_WINDOW = 8
_NONE = np.zeros(0, np.uint8)


def in_chunks(
    ctx: Ctx,
    total: int,
    step: int,
    one: Callable[[Ctx, int, int], Coroutine[Any, Any, np.ndarray]],
    axis: int = 0,
) -> Coroutine[Any, Any, np.ndarray]:
    """Concatenate `one(scope, start, stop)` over [0, total), at most `_WINDOW` chunks in flight.

    The scope is opened here and now: later chunks start at times that differ between the parties, so they
    must not count their names among those of other calls.
    """
    return _in_chunks(ctx.sub("chunks"), total, step, one, axis)


async def _in_chunks(
    ctx: Ctx,
    total: int,
    step: int,
    one: Callable[[Ctx, int, int], Coroutine[Any, Any, np.ndarray]],
    axis: int,
) -> np.ndarray:
    if total == 0:
        return await one(ctx, 0, 0)
    starts = range(0, total, step)
    parts: list[np.ndarray] = [_NONE] * len(starts)
    coming = iter(enumerate(starts))

    async def lane() -> None:  # Each chunk starts after the one before it, so both parties name it alike.
        for index, start in coming:
            parts[index] = await one(ctx, start, min(start + step, total))
            await Turn()  # A chunk that waited for nothing leaves the next ones to the other lanes.

    await gather(*(lane() for _ in range(min(_WINDOW, len(starts)))))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis)


@protocol(
    source="GMW87; GKWY20 §7.4",
    setting=TWO_PARTY_ANY_OT,
    rounds=lambda link, *_: link.rounds,
    bits=lambda link, sender, words, width: link.random_row_bits(64 * words),
)
async def random_bit_ole(ctx: Ctx, link: OtLink, sender: int, words: int, width: int) -> np.ndarray:
    """64 * `words` random bit OLEs of `width` bits each.

    The sender gets uint64[2, width, words] (b, c), the receiver uint64[1 + width, words] (a, then c'), with
    c[j] xor c'[j] = a & b[j].
    """
    n = 64 * words
    if ctx.me == sender:
        rows = await link.send_random_rows(ctx, n)
        return np.stack(_kernel.bit_ole_sender(rows, link.delta, label16("bit-ole", ctx.path), width))
    choices, rows = await link.receive_random_rows(ctx, n)
    products = _kernel.bit_ole_receiver(rows, label16("bit-ole", ctx.path), width)
    return np.concatenate([choices.view(np.uint64)[None], products])


@protocol(
    source="Gilboa99 §4.1, one bit",
    setting=TWO_PARTY_ANY_OT,
    rounds=lambda link, *_: link.sender_rounds + 1,
    bits=lambda link, holder, choices, values, shape, bits: (
        link.row_bits(shape[0]) + 8 * shape[0] * shape[1] * -(-bits // 8)
    ),
)
async def choose(
    ctx: Ctx,
    link: OtLink,
    holder: int,
    choices: np.ndarray | None,
    values: np.ndarray | None,
    shape: tuple[int, int],
    bits: int,
) -> np.ndarray:
    """Shares mod 2^bits, uint64[n, m], of choices[i] * values[i, :]; see `Correlations.choose`."""
    n, m = shape
    label = label16("choose", ctx.path)
    if ctx.me == holder:
        assert choices is not None
        packed = np.packbits(choices, bitorder="little")
        rows = await link.receive_rows(ctx, packed, n)
        payload = await ctx.recv(ctx.peer, Octets, shape=(n * m * -(-bits // 8),))
        with peer_bytes():
            return _kernel.cot_recv(rows, label, packed, payload.array, m, bits)
    rows = await link.send_rows(ctx, n)
    payload_out, share = _kernel.cot_send(rows, link.delta, label, np.ascontiguousarray(values), bits)
    await ctx.send(ctx.peer, Octets(payload_out))
    return share


@protocol(
    source="Gilboa99 §4.1",
    setting=TWO_PARTY_ANY_OT,
    rounds=lambda link, *_: link.sender_rounds + 1,
    bits=lambda link, holder, x, w, shape, bits: (
        link.row_bits(shape[0] * shape[2] * bits)
        + 8 * _kernel.gilboa_payload_size(shape[0], shape[1], shape[2], bits)
    ),
)
async def cross(
    ctx: Ctx,
    link: OtLink,
    holder: int,
    x: np.ndarray | None,
    w: np.ndarray | None,
    shape: tuple[int, int, int, int],
    bits: int,
) -> np.ndarray:
    """Shares mod 2^bits, uint64[batch, m], of x @ w[i]; see `Correlations.cross`."""
    batch, m, d, _ = shape
    label = label16("gilboa", ctx.path)
    n = batch * d * bits
    if ctx.me == holder:
        rows = await link.send_rows(ctx, n)
        payload_out, share = _kernel.gilboa_send(
            rows, link.delta, label, np.ascontiguousarray(x), batch, bits
        )
        await ctx.send(ctx.peer, Octets(payload_out))
        return share
    assert w is not None
    w = np.ascontiguousarray(w)
    rows = await link.receive_rows(ctx, multiplier_bits(w, bits), n)
    size = _kernel.gilboa_payload_size(batch, m, d, bits)
    payload = await ctx.recv(ctx.peer, Octets, shape=(size,))
    with peer_bytes():
        return _kernel.gilboa_recv(rows, label, w, payload.array, m, bits)


def multiplier_bits(w: np.ndarray, bits: int) -> np.ndarray:
    """The low `bits` bits of every element in order, packed little-endian: uint8[ceil(w.size * bits / 8)]."""
    if bits == 64:
        return w.reshape(-1).view(np.uint8)
    unpacked = np.unpackbits(w.reshape(-1, 1).view(np.uint8), axis=1, bitorder="little")[:, :bits]
    return np.packbits(unpacked.reshape(-1), bitorder="little")
