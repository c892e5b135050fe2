"""What a set intersection will cost: bytes as the protocols declare them, seconds as they were measured.

Bytes are those of messages, of all parties, without records' headers and with the agreement on sizes.
Seconds run from distinct ids in memory to the result, those of sets on disk from their files; set-up of the
protocol and of the scheme counted, work and link one after the other. The work was measured by `bench psi` on
a machine with AVX-512 IFMA, whose two cores all parties shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tacit import _kernel
from tacit.blocks.he import slot_product
from tacit.blocks.he.rlwe_product import public_key_bytes
from tacit.blocks.ot.choose import DEFAULT
from tacit.blocks.ot.softspoken_roy22 import SETUP_BITS
from tacit.blocks.vole.silent_rrt23 import BASE_FIELD_BITS, INSTANCE_VOLES, MASK_OTS, WHOLE_BITS
from tacit.psi import circuit_psty19, rr22
from tacit.psi.ecdh_ms86 import POINT_BYTES, EcdhPsi, EcdhRistretto255Psi, EcdhSm2Psi, tag_bytes
from tacit.psi.functionality import BOTH
from tacit.psi.rr22 import Rr22LowPsi, Rr22MaliciousPsi, Rr22Psi
from tacit.psi.spool import part_bound
from tacit.psi.unbalanced.voprf_jkk14 import CHUNK, DIGEST_BYTES, PROOF_BYTES

UNBALANCED, CIRCUIT = "unbalanced", "circuit"
Sent = tuple[int, int]
Told = Literal["shares", "count", "sum", "enough", "rows-if-enough"]
"""What is opened of a hidden intersection, if anything."""

_AGREED_BYTES = 16
"""Of each side: set size and variant."""
_START_S = 0.01
_POINT_S: Mapping[str, float] = {
    EcdhPsi.name: 6.7e-6,
    EcdhRistretto255Psi.name: 8.2e-6,
    EcdhSm2Psi.name: 13.3e-6,
    UNBALANCED: 9.0e-6,
}
"""Seconds for one multiplication in the group, the hash into it shared out."""
_VOLE_START_S = 0.05
_TAG_S = 0.13e-6
_STORE_S: Mapping[type[Rr22Psi], tuple[float, float]] = {
    Rr22Psi: (0.44e-6, _TAG_S),
    Rr22LowPsi: (0.44e-6, _TAG_S),
    Rr22MaliciousPsi: (0.52e-6, 0.24e-6),
}
"""Seconds for an item of the receiver and of the sender, from one side to the other: store, VOLE, tags."""
_STORES = {kind.name: kind for kind in _STORE_S}
_GROUPED_S, _GROUP_S = 0.6e-6, 0.02
"""Of an item on disk: read from its file, hashed, written, read twice; and of a group, whatever its size."""
_PAIR_S, _HUB_ITEM_S, _OTHER_ITEM_S = 0.02, 0.37e-6, 0.37e-6
"""Of the hub with one other party; of an item of the hub in it, and of an item of the other."""
_SCHEME_S, _BIN_S, _COLUMN_S, _COUNT_S = 0.06, 2.2e-6, 0.3e-6, 0.05e-6
"""Of the set-up of the shares; of a bin of the circuit: compared, multiplied with a column, counted."""
_OT_BYTES: Mapping[str, float] = {"softspoken2": 8, "softspoken4": 4, "softspoken8": 2, "silent": 0.33}
_OWN_VOLES: Mapping[str, int] = {"softspoken2": 2, "softspoken4": 4, "softspoken8": 8}
"""Bits of the field of those sources of OTs whose link gives VOLEs too."""
_SIGN_BYTES = 27_000
"""Of either side, for the sign of one number, of which 64 are made."""
_LINK_BYTES = SETUP_BITS // 16
"""Of either side, to open a link of OTs."""
_FIXED_BYTES, _SEED_BYTES, _COUNT_BYTES, _TAG_BYTES = 72, 48, 8, 16


@dataclass(frozen=True)
class Link:
    """Megabits per second, seconds from one side to the other and back."""

    mbit: float = 1000.0
    round_trip_s: float = 0.001


@dataclass(frozen=True)
class Price:
    """Of one run: seconds until all parties are done; bytes that each sends, in the order of the sizes;
    messages one after the other."""

    seconds: float
    sent: tuple[int, ...]
    rounds: int

    @property
    def n_bytes(self) -> int:
        return sum(self.sent)

    @staticmethod
    def of(work_s: float, sent: tuple[int, ...], rounds: int, link: Link, threads: int = 1) -> Price:
        waiting = 8e-6 * sum(sent) / link.mbit + rounds * link.round_trip_s / 2
        return Price(_START_S + work_s / threads + waiting, sent, rounds)


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
        return price_hidden(sizes, link, columns=columns, threads=threads)
    if name == UNBALANCED:
        sent, rounds, work = _unbalanced(sizes[0])
    elif name in _POINT_S:
        sent, rounds, work = _masks(name, sizes, receivers)
    else:
        kind = _STORES[name]
        sent, rounds, work = _stores(sizes, receivers, kind)
        sent, rounds, work = _each(sent, _LINK_BYTES), rounds + 3 + kind.malicious, work + _VOLE_START_S
    return Price.of(work, _each(sent, _AGREED_BYTES), rounds, link, threads)


def price_stored(
    sizes: Sent,
    link: Link,
    groups: int,
    *,
    left: int | None = None,
    receivers: int = 2,
    kind: type[Rr22Psi] = Rr22Psi,
    threads: int = 1,
) -> Price:
    """Of sets on disk (`buckets`) in so many groups, each a run of `kind`; `left`: of so many groups alone,
    once all items are in their parts."""
    bounds = (part_bound(sizes[0], groups), part_bound(sizes[1], groups))
    each, rounds, work = _stores(bounds, receivers, kind, groups)
    n = groups if left is None else left
    sent = _each((n * each[0], n * each[1]), _LINK_BYTES + _FIXED_BYTES)
    work = _VOLE_START_S + n * (_GROUP_S + work) + (_GROUPED_S * max(sizes) if left is None else 0)
    return Price.of(work, sent, 4 + n * rounds, link, threads)


def price_several(sizes: tuple[int, ...], link: Link, *, receivers: int, threads: int = 1) -> Price:
    """Of three parties or more (`star_kmprt17`), the hub's size first, then those of the other receivers;
    half of the smallest set is taken to be common."""
    hub = sizes[0]
    cells = _kernel.okvs_size(hub)
    rows, corrections = _voles(cells)
    told = _COUNT_BYTES + _TAG_BYTES * (min(sizes) // 2)
    start = _LINK_BYTES + _COUNT_BYTES
    from_hub = (len(sizes) - 1) * (rows + 16 * cells + start + _SEED_BYTES) + (receivers - 1) * told
    sent = (from_hub, *(corrections + 16 * _kernel.okvs_size(size) + start for size in sizes[1:]))
    pairs = (_PAIR_S + _HUB_ITEM_S * hub + _OTHER_ITEM_S * size for size in sizes[1:])
    work = _VOLE_START_S + sum(pairs)
    return Price.of(work, sent, 10, link, threads)


def price_hidden(
    sizes: Sent, link: Link, *, columns: int = 0, told: Told = "shares", ot: str = DEFAULT, threads: int = 1
) -> Price:
    """Of a circuit on shares of semi2k over the OTs of `ot`, and of what is opened of them."""
    terms = circuit_psty19.Sizes(*sizes, columns)
    cells, hint = terms.cells
    rows, corrections = _voles(cells, _OWN_VOLES.get(ot, BASE_FIELD_BITS))
    # Of the scheme: its OTs, two keys of encryption, and a link of VOLEs where its own gives none.
    links = 1 if ot in _OWN_VOLES else 2
    scheme = links * _LINK_BYTES + public_key_bytes() + public_key_bytes(slot_product.MODULUS_BITS)
    one_ot = _OT_BYTES[ot]
    compared = one_ot * (terms.tag_bits + 6) + terms.tag_bits + 8
    half = round((compared / 2 + (one_ot + 8) * columns) * terms.bins)
    sent = (rows + 16 * cells + half, corrections + 16 * terms.tables * hint + half)
    work = _SCHEME_S + (_BIN_S + _COLUMN_S * columns) * terms.bins + _TAG_S * sizes[1]
    if told != "shares":  # Every bin's membership as a number: an OT of party 0, a word of party 1
        sent = (sent[0] + round(one_ot * terms.bins), sent[1] + 8 * terms.bins)
        work += _COUNT_S * terms.bins
    opened = _SIGN_BYTES if told in ("enough", "rows-if-enough") else 8 * (1 + columns)
    if told == "rows-if-enough":
        sent = (sent[0], sent[1] + terms.bins // 8)
    return Price.of(work, _each(sent, scheme + opened + _COUNT_BYTES), 30, link, threads)


def _each(sent: Sent, more: int) -> Sent:
    return sent[0] + more, sent[1] + more


def _masks(name: str, sizes: tuple[int, int], receivers: int) -> tuple[Sent, int, float]:
    """(bytes, rounds, seconds of one core) of `ecdh_ms86`."""
    first, second = sizes
    width = tag_bytes(*sizes)
    back = width * second if receivers == 2 else 0
    sent = (POINT_BYTES * first + back, POINT_BYTES * second + width * first)
    return sent, 3, (first + second) * _POINT_S[name]


def _stores(sizes: Sent, receivers: int, kind: type[Rr22Psi], groups: int = 1) -> tuple[Sent, int, float]:
    """The same of one match of `rr22`, without its link; `groups`: of which it is one."""
    terms = rr22.Sizes.of(sizes, BOTH if receivers == 2 else frozenset((0,)), kind.malicious, groups)
    answer = -(-terms.n_sender // 8) if receivers == 2 else 0
    rows, corrections = _voles(terms.cells, BASE_FIELD_BITS, kind.malicious, kind.scalar_bits)
    sent = (rows + kind.scalar_bits // 8 * terms.cells + answer, corrections + terms.list_bytes)
    item_s, tag_s = _STORE_S[kind]
    work = item_s * terms.n_receiver + tag_s * terms.n_sender
    return (sent if terms.receiver == 0 else (sent[1], sent[0])), 8 if kind.malicious else 5, work


def _voles(
    cells: int, field_bits: int = BASE_FIELD_BITS, checked: bool = False, scalar_bits: int = WHOLE_BITS
) -> Sent:
    """What the receiver and the sender of that many silent VOLEs send, once they have a link."""
    rows = corrections = 0
    for start in range(0, cells, INSTANCE_VOLES):
        n = min(INSTANCE_VOLES, cells - start)
        count = _kernel.silent_vole_base_ots(n, scalar_bits)
        if checked:
            count = _kernel.softspoken_checked_sizes(field_bits, count + MASK_OTS)[0]
        rows += _kernel.softspoken_message_size(field_bits, count)
        corrections += _kernel.silent_vole_message_size(n)
    return rows, corrections


def _unbalanced(n_items: int) -> tuple[Sent, int, float]:
    """The same of `unbalanced`: the client's work and the server's, one after the other."""
    sent = (POINT_BYTES * n_items + DIGEST_BYTES, POINT_BYTES * n_items + PROOF_BYTES * -(-n_items // CHUNK))
    return sent, 3, 3 * n_items * _POINT_S[UNBALANCED]
