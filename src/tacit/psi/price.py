"""What a set intersection will cost: bytes as the protocols declare them, seconds as they were measured.

Bytes are those of messages, in both directions, without records' headers and with the agreement on sizes.
Seconds run from distinct ids in memory to the result, set-up of the protocol counted, work and link one after
the other. The work was measured on a machine with AVX-512 IFMA, one core for each side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tacit import _kernel
from tacit.blocks.ot.softspoken_roy22 import SETUP_BITS
from tacit.blocks.vole.silent_rrt23 import BASE_FIELD_BITS, INSTANCE_VOLES, MASK_OTS, WHOLE_BITS
from tacit.psi import circuit_psty19, rr22
from tacit.psi.ecdh_ms86 import POINT_BYTES, EcdhPsi, EcdhRistretto255Psi, EcdhSm2Psi, tag_bytes
from tacit.psi.functionality import BOTH
from tacit.psi.rr22 import Rr22LowPsi, Rr22MaliciousPsi, Rr22Psi
from tacit.psi.unbalanced.voprf_jkk14 import CHUNK, DIGEST_BYTES, PROOF_BYTES

UNBALANCED, CIRCUIT = "unbalanced", "circuit"
Sent = tuple[int, int]

_AGREED_BYTES = 16
"""Of each side: set size and variant."""
_START_S = 0.01
_POINT_S: Mapping[str, float] = {
    EcdhPsi.name: 5.3e-6,
    EcdhRistretto255Psi.name: 7.5e-6,
    EcdhSm2Psi.name: 12.5e-6,
    UNBALANCED: 7.5e-6,
}
"""Seconds for one multiplication in the group, the hash into it shared out."""
_VOLE_START_S = 0.05
_TAG_S = 0.10e-6
_STORE_S: Mapping[type[Rr22Psi], tuple[float, float]] = {
    Rr22Psi: (0.36e-6, _TAG_S),
    Rr22LowPsi: (0.36e-6, _TAG_S),
    Rr22MaliciousPsi: (0.50e-6, 0.24e-6),
}
"""Seconds for an item of the receiver and of the sender, from one side to the other: store, VOLE, tags."""
_STORES = {kind.name: kind for kind in _STORE_S}
_BIN_S, _OT_BYTES, _COLUMN_BYTES = 2.2e-6, 4, 24
"""Of a bin of the circuit: its comparison by OTs of SoftSpoken, and its product with a column."""


@dataclass(frozen=True)
class Link:
    """Megabits per second, seconds from one side to the other and back."""

    mbit: float = 1000.0
    round_trip_s: float = 0.001


@dataclass(frozen=True)
class Price:
    """Of one run: seconds until both sides are done; bytes that the side whose size comes first and the other
    one send; messages one after the other."""

    seconds: float
    sent: Sent
    rounds: int

    @property
    def n_bytes(self) -> int:
        return sum(self.sent)


def price(
    name: str,
    sizes: tuple[int, int],
    link: Link,
    *,
    receivers: int = 2,
    columns: int = 0,
    threads: int = 1,
) -> Price:
    """Of a run of the protocol `name` for sets of these sizes, a single receiver's first.

    `columns`: of payload, in a circuit. "unbalanced": of the questions alone; the table is there.
    """
    if name == CIRCUIT:
        sent, rounds, work = _circuit(sizes, columns)
    elif name == UNBALANCED:
        sent, rounds, work = _unbalanced(sizes[0])
    elif name in _POINT_S:
        sent, rounds, work = _masks(name, sizes, receivers)
    else:
        sent, rounds, work = _stores(sizes, receivers, _STORES[name])
    sent = (sent[0] + _AGREED_BYTES, sent[1] + _AGREED_BYTES)
    waiting = 8e-6 * sum(sent) / link.mbit + rounds * link.round_trip_s / 2
    return Price(_START_S + work / threads + waiting, sent, rounds)


def _masks(name: str, sizes: tuple[int, int], receivers: int) -> tuple[Sent, int, float]:
    """(bytes, rounds, seconds of one core) of `ecdh_ms86`."""
    first, second = sizes
    width = tag_bytes(*sizes)
    back = width * second if receivers == 2 else 0
    sent = (POINT_BYTES * first + back, POINT_BYTES * second + width * first)
    return sent, 3, (first + second) * _POINT_S[name]


def _stores(sizes: tuple[int, int], receivers: int, kind: type[Rr22Psi]) -> tuple[Sent, int, float]:
    """The same of `rr22`."""
    checked = kind.malicious
    terms = rr22.Sizes.of(sizes, BOTH if receivers == 2 else frozenset((0,)), checked)
    answer = -(-terms.n_sender // 8) if receivers == 2 else 0
    rows, corrections = _voles(terms.cells, checked, kind.scalar_bits)
    sent = (rows + kind.scalar_bits // 8 * terms.cells + answer, corrections + terms.list_bytes)
    item_s, tag_s = _STORE_S[kind]
    work = _VOLE_START_S + item_s * terms.n_receiver + tag_s * terms.n_sender
    return (sent if terms.receiver == 0 else (sent[1], sent[0])), 12 if checked else 8, work


def _voles(cells: int, checked: bool, scalar_bits: int = WHOLE_BITS) -> Sent:
    """What the receiver and the sender of that many silent VOLEs send, their link included."""
    rows = corrections = SETUP_BITS // 16
    for start in range(0, cells, INSTANCE_VOLES):
        n = min(INSTANCE_VOLES, cells - start)
        count = _kernel.silent_vole_base_ots(n, scalar_bits)
        if checked:
            count = _kernel.softspoken_checked_sizes(BASE_FIELD_BITS, count + MASK_OTS)[0]
        rows += _kernel.softspoken_message_size(BASE_FIELD_BITS, count)
        corrections += _kernel.silent_vole_message_size(n)
    return rows, corrections


def _circuit(sizes: tuple[int, int], columns: int) -> tuple[Sent, int, float]:
    """The same of `circuit_psty19` on shares of semi2k, whose own set-up is not counted."""
    terms = circuit_psty19.Sizes(*sizes, columns)
    cells, hint = _kernel.okvs_size(terms.bins), _kernel.okvs_size(circuit_psty19.FUNCTIONS * sizes[1])
    rows, corrections = _voles(cells, False)
    compared = _OT_BYTES * (terms.tag_bits + 6) + terms.tag_bits + 8
    half = (compared + _COLUMN_BYTES * columns) * terms.bins // 2
    sent = (rows + 16 * cells + half, corrections + 16 * terms.tables * hint + half)
    return sent, 20, _VOLE_START_S + _BIN_S * terms.bins + _TAG_S * sizes[1]


def _unbalanced(n_items: int) -> tuple[Sent, int, float]:
    """The same of `unbalanced`: the client's work and the server's, one after the other."""
    sent = (POINT_BYTES * n_items + DIGEST_BYTES, POINT_BYTES * n_items + PROOF_BYTES * -(-n_items // CHUNK))
    return sent, 3, 3 * n_items * _POINT_S[UNBALANCED]
