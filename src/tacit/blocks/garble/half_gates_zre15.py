"""Half gates: two parties evaluate a public circuit on private bits.

Source   [ZRE15] Zahur, Rosulek, Evans: "Two Halves Make a Whole", EUROCRYPT 2015 (eprint 2014/756), section
         5; hash: [GKWWY20] Guo, Katz, Wang, Weng, Yu, CRYPTO 2020 (eprint 2019/1168), section 4.
Setting  semi-honest: a garbler that deviates can make any function of the evaluator's inputs come out.
Differs  labels of the garbler's inputs that the evaluator will hold, and the hash's start, come from coins
         that both parties know: such a label is uniform whatever the bit, so nothing is sent for it.
         The evaluator's labels come from correlated OTs with the labels' difference. Many instances of one
         circuit run together; a difference and its labels serve one call and are never sent twice.
Cost     32 bytes per AND and instance, 16 per evaluator's input bit besides its OT, one bit per output and
         party that learns it. Garbler: 4 AES and 2 key schedules per AND, evaluator 2 and 2.
         Floor: about 20 cycles per AND and the wire.

Notation     paper          here
  R          offset         `delta`
  X^b        label          rows of `zero`, `held`
  F          garbled tables chunks of `garble`
  e, d       encoding       OT and coins; `decoding`
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx, require_two
from tacit.base.errors import PeerError, UsageError
from tacit.base.prg import label16
from tacit.base.protocol import protocol
from tacit.base.wire import Octets, peer_bytes
from tacit.blocks.garble.functionality import GarbledLink
from tacit.blocks.ot.functionality import OtLink
from tacit.blocks.settings import TWO_PARTY_ANY_OT

_LABEL_BYTES = 16


class HalfGatesLink(GarbledLink):
    """[ZRE15] on the OTs of a link."""

    def __init__(self, link: OtLink) -> None:
        self._link = link

    async def evaluate(
        self,
        ctx: Ctx,
        circuit: _kernel.Circuit,
        mine: np.ndarray,
        garbler: int = 0,
        to: Collection[int] = (0, 1),
    ) -> np.ndarray | None:
        require_two(ctx)
        role = int(ctx.me != garbler)
        if mine.dtype != np.uint8 or mine.ndim != 2 or mine.shape[0] != circuit.inputs[role]:
            raise UsageError("GARBLE-0001", f"the circuit takes {circuit.inputs[role]} rows of bits from me")
        if mine.shape[1] == 0 or np.any(mine > 1):
            raise UsageError("GARBLE-0001", "input bits are 0 or 1, of at least one instance")
        if garbler not in (0, 1) or not to or not set(to) <= {0, 1}:
            raise UsageError("GARBLE-0001", "the garbler and who learns the outputs are parties 0 and 1")
        return await evaluate(ctx, self._link, circuit, mine, garbler, frozenset(to))


def _rounds(
    link: OtLink, circuit: _kernel.Circuit, mine: np.ndarray, garbler: int, to: frozenset[int]
) -> int:
    before: int = link.rounds if circuit.inputs[1] else 0
    return before + 1 + (garbler in to)


def _bits(link: OtLink, circuit: _kernel.Circuit, mine: np.ndarray, garbler: int, to: frozenset[int]) -> int:
    instances = mine.shape[1]
    n = circuit.inputs[1] * instances
    outputs: int = 8 * len(to) * -(-circuit.outputs * instances // 8)
    labels: int = link.row_bits(n) + 8 * _LABEL_BYTES * n if n else 0
    tables: int = circuit.tables_size(instances)
    return labels + 8 * tables + outputs


@protocol(
    source="ZRE15 §5; GKWWY20 §4",
    setting=TWO_PARTY_ANY_OT,
    rounds=_rounds,
    bits=_bits,
    leaks=("the outputs, to those who are to learn them",),
)
async def evaluate(
    ctx: Ctx, link: OtLink, circuit: _kernel.Circuit, mine: np.ndarray, garbler: int, to: frozenset[int]
) -> np.ndarray | None:
    """See `GarbledLink.evaluate`."""
    instances = mine.shape[1]
    coins = ctx.common(ctx.peer)
    start = coins.bytes(_LABEL_BYTES)
    held = coins.bytes(circuit.inputs[0] * instances * _LABEL_BYTES).reshape(-1, _LABEL_BYTES)
    if ctx.me == garbler:
        return await _garble(ctx, link, circuit, mine, start, held, to)
    return await _evaluate(ctx, link, circuit, mine, start, held, to)


async def _garble(
    ctx: Ctx,
    link: OtLink,
    circuit: _kernel.Circuit,
    mine: np.ndarray,
    start: np.ndarray,
    held: np.ndarray,
    to: frozenset[int],
) -> np.ndarray | None:
    instances = mine.shape[1]
    # Step 1: a fresh difference, and the labels of the evaluator's inputs by OT.
    delta = ctx.private().bytes(_LABEL_BYTES)
    zero = np.zeros((0, _LABEL_BYTES), np.uint8)
    if circuit.inputs[1]:
        rows = await link.send_rows(ctx, circuit.inputs[1] * instances)
        zero, message = _kernel.garble_labels_send(rows, link.delta, _label(ctx), delta)
        await ctx.send(ctx.peer, Octets(message))
    # Step 2: Gb, chunk by chunk.
    state = _kernel.HalfGatesGarbler.start(circuit, instances, delta, start, held, mine.reshape(-1), zero)
    while state.next_size:
        await ctx.send(ctx.peer, Octets(state.garble()))
    decoding = state.finish()
    # Step 3: De, where the outputs are to be known.
    if ctx.peer in to:
        await ctx.send(ctx.peer, _packed(decoding))
    return decoding ^ await _bits_from_peer(ctx, decoding.shape) if ctx.me in to else None


async def _evaluate(
    ctx: Ctx,
    link: OtLink,
    circuit: _kernel.Circuit,
    mine: np.ndarray,
    start: np.ndarray,
    held: np.ndarray,
    to: frozenset[int],
) -> np.ndarray | None:
    instances = mine.shape[1]
    # Step 1: En for my inputs, by OT.
    labels = np.zeros((0, _LABEL_BYTES), np.uint8)
    if circuit.inputs[1]:
        n = circuit.inputs[1] * instances
        choices = np.packbits(mine.reshape(-1), bitorder="little")
        rows = await link.receive_rows(ctx, choices, n)
        message = await ctx.recv(ctx.peer, Octets, shape=(_LABEL_BYTES * n,))
        with peer_bytes():
            labels = _kernel.garble_labels_receive(rows, _label(ctx), choices, message.array)
    # Step 2: Ev, chunk by chunk.
    state = _kernel.HalfGatesEvaluator.start(circuit, instances, start, held, labels)
    while size := state.next_size:
        tables = await ctx.recv(ctx.peer, Octets, shape=(size,))
        with peer_bytes():
            state.evaluate(tables.array)
    lowest = state.finish()
    # Step 3: De.
    if ctx.peer in to:
        await ctx.send(ctx.peer, _packed(lowest))
    return lowest ^ await _bits_from_peer(ctx, lowest.shape) if ctx.me in to else None


def _label(ctx: Ctx) -> bytes:
    return label16("garbled input labels", ctx.path)


def _packed(bits: np.ndarray) -> Octets:
    return Octets(np.packbits(bits.reshape(-1), bitorder="little"))


async def _bits_from_peer(ctx: Ctx, shape: tuple[int, ...]) -> np.ndarray:
    n = shape[0] * shape[1]
    packed = (await ctx.recv(ctx.peer, Octets, shape=(-(-n // 8),))).array
    bits = np.unpackbits(packed, bitorder="little")
    if np.any(bits[n:]):
        raise PeerError("PEER-0001", "bits beyond the last output are not zero")
    return bits[:n].reshape(shape)
