"""Between which ways a protocol chooses, and what each of them would take: two parties' products.

`blocks.correlation` takes the way that sends less, from shapes that both parties know. Seconds are beside the
bytes so that one sees what the choice is worth on a link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tacit.base.types import RING_BITS
from tacit.blocks.correlation import OwnCorrelations, Product
from tacit.blocks.he.rlwe_product import message_bits
from tacit.blocks.he.slot_product import SLOTS
from tacit.blocks.he.slot_product import message_bits as slot_bits
from tacit.mpc.semi2k.arith import BIT_WIDTH

OTS, SLOT, MATRIX = "ots", "rlwe-slots", "rlwe-matrix"
OT_SECONDS = 15e-9
PACKED_PRODUCT_SECONDS = 0.35e-6
"""Of a product in a full ciphertext."""
MATRIX_PRODUCT_SECONDS = 5e-9
PAYLOAD_SECONDS = 0.5e-9
"""Of a byte of Gilboa's messages, at both ends."""


@dataclass(frozen=True)
class Way:
    """Bytes of all parties, seconds of work of one."""

    name: str
    sent: int
    seconds: float

    def on(self, bytes_per_s: float) -> float:
        """Seconds, half of the bytes in each direction."""
        return self.seconds + self.sent / 2 / bytes_per_s


def ways(name: str, args: tuple[Any, ...]) -> tuple[Way, ...]:
    """What protocol `name` could do with these arguments, the chosen way first; empty without a choice."""
    if name not in CHOICES or not isinstance(args[0], OwnCorrelations):
        return ()
    shape, terms, exact, x_bits = CHOICES[name](*args)
    source: OwnCorrelations = args[0]
    batch, m, d, distinct = shape
    if min(shape) < 1:
        return ()
    by_ots = _by_ots(source, shape, terms)
    if distinct == batch and (m, d) == (1, 1):
        other, taken = _by_slots(batch, terms), bool(source.packed(shape, terms, exact))
    else:
        other, taken = _by_matrix(shape, terms, x_bits), source.packs(shape, RING_BITS, x_bits)
    return (other, by_ots) if taken else (by_ots, other)


def _by_ots(source: OwnCorrelations, shape: Product, terms: int) -> Way:
    batch, m, d, _ = shape
    sent = terms * source.ot_cross_bits(batch, m, d, RING_BITS) // 8
    work = batch * d * RING_BITS * OT_SECONDS + batch * d * m * 288 * PAYLOAD_SECONDS
    return Way(OTS, sent, terms * work)


def _by_slots(n: int, terms: int) -> Way:
    blocks = -(-n // SLOTS)
    return Way(SLOT, blocks * sum(slot_bits(SLOTS, terms)) // 8, blocks * SLOTS * PACKED_PRODUCT_SECONDS)


def _by_matrix(shape: Product, terms: int, x_bits: int) -> Way:
    batch, m, d, _ = shape
    sent = terms * sum(message_bits(shape, x_bits)) // 8
    return Way(MATRIX, sent, terms * batch * m * d * MATRIX_PRODUCT_SECONDS)


def _numbers(x: Any) -> Product:
    return (x.data.size, 1, 1, x.data.size)


def _matrices(x: Any, y: Any) -> Product:
    (m, k), n = x.shape, y.shape[1]
    return (min(m, n), max(m, n), k, 1)


CHOICES: Mapping[str, Callable[..., tuple[Product, int, bool, int]]] = {
    "mpc.semi2k.arith.mul": lambda source, x, y, exact=True: (_numbers(x), 2, exact, RING_BITS),
    "mpc.semi2k.arith.square": lambda source, x, exact=True: (_numbers(x), 1, exact, RING_BITS),
    "mpc.semi2k.arith.mul_private": lambda source, x, y, owner, exact=True: (
        _numbers(y),
        1,
        exact,
        RING_BITS,
    ),
    "mpc.semi2k.arith.matmul": lambda source, x, y: (_matrices(x, y), 2, True, RING_BITS),
    "mpc.semi2k.arith.matmul_private": lambda source, x, y, owner, m, x_bits=RING_BITS: (
        (y.shape[1], m, y.shape[0], 1),
        1,
        True,
        x_bits,
    ),
    "mpc.semi2k.arith.subset_sums": lambda source, rows, y, owner, m: (
        (y.shape[1], m, y.shape[0], 1),
        1,
        True,
        BIT_WIDTH,
    ),
}
"""By protocol: (arguments without ctx) -> shape, crossed terms, exactness, bits of the private factor."""
