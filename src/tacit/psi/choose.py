"""Which set intersection protocols there are, and which one suits a task.

Bytes are what the protocols declare, in both directions, without the records' headers. Seconds are those of
work and link one after the other, from distinct ids in memory to the result, set-up of the protocol counted;
the work was measured with `python -m bench psi` on a machine with AVX-512 IFMA, one core for each side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tacit import _kernel
from tacit.base.errors import UnsupportedError
from tacit.blocks.ot.softspoken_roy22 import SETUP_BITS
from tacit.blocks.vole.silent_rrt23 import BASE_FIELD_BITS, INSTANCE_VOLES, MASK_OTS
from tacit.psi.ecdh_ms86 import POINT_BYTES, EcdhPsi, EcdhRistretto255Psi, EcdhSm2Psi, tag_bytes
from tacit.psi.functionality import Psi
from tacit.psi.rr22 import Rr22MaliciousPsi, Rr22Psi, Sizes

AUTO = "auto"
LARGEST_SET = 1 << 32
PROTOCOLS: Mapping[str, type[Psi]] = {
    kind.name: kind for kind in (EcdhPsi, EcdhRistretto255Psi, EcdhSm2Psi, Rr22Psi, Rr22MaliciousPsi)
}
HARDENED: Mapping[str, str] = {Rr22Psi.name: Rr22MaliciousPsi.name}
"""Of a semi-honest protocol the form that holds against a deviating peer."""

Because = Literal["asked", "only", "work", "bytes"]
REASONS: Mapping[Because, str] = {
    "asked": "the job names it",
    "only": "it is the only one at this security level",
    "work": "it computes least, and the link is fast enough for its messages",
    "bytes": "its fewer bytes and messages outweigh what it computes",
}


@dataclass(frozen=True)
class Link:
    """Megabits per second in each direction, seconds from one side to the other and back."""

    mbit: float = 1000.0
    round_trip_s: float = 0.001


@dataclass(frozen=True)
class Price:
    """Of one protocol: seconds until both sides are done, bytes that the side whose size comes first and the
    other one send, messages one after the other."""

    seconds: float
    sent: tuple[int, int]
    rounds: int

    @property
    def n_bytes(self) -> int:
        return sum(self.sent)


@dataclass(frozen=True)
class Choice:
    """The protocol for a task, its price, why, and what the others would cost."""

    protocol: str
    price: Price
    because: Because
    others: Mapping[str, Price]

    @property
    def reason(self) -> str:
        return REASONS[self.because]


def find(name: str, adversary: str = "semi-honest") -> type[Psi]:
    """The protocol of this name, or its hardened form. Raises UnsupportedError JOB-0005."""
    if adversary == "malicious":
        name = HARDENED.get(name, name)
    protocol = PROTOCOLS.get(name)
    if protocol is None or protocol.setting.adversary != adversary:
        known = [one for one, kind in PROTOCOLS.items() if kind.setting.adversary == adversary]
        raise UnsupportedError(
            "JOB-0005",
            f"there is no {adversary} set intersection called {name!r}",
            hint=f"one of: {', '.join(known) or 'none'}; Tacit never runs a weaker protocol instead",
        )
    return protocol


def choose(
    sizes: tuple[int, int],
    link: Link,
    *,
    name: str = AUTO,
    adversary: str = "semi-honest",
    receivers: int = 2,
    threads: int = 1,
) -> Choice:
    """The protocol for sets of these sizes (a single receiver's first), the same on both sides.

    `name`: the one to take, or "auto". Raises UnsupportedError JOB-0005.
    """
    fast = [EcdhPsi.name, Rr22Psi.name] if adversary == "semi-honest" else list(HARDENED)
    asked = [find(one, adversary).name for one in (fast if name == AUTO else [name])]
    prices = {one: price(one, sizes, link, receivers=receivers, threads=threads) for one in asked}
    best = min(prices, key=lambda one: prices[one].seconds)
    others = {one: cost for one, cost in prices.items() if one != best}
    if name != AUTO:
        return Choice(best, prices[best], "asked", others)
    because: Because = "only" if not others else "work" if best == Rr22Psi.name else "bytes"
    return Choice(best, prices[best], because, others)


def price(name: str, sizes: tuple[int, int], link: Link, *, receivers: int = 2, threads: int = 1) -> Price:
    """Of a run of the protocol `name`; sizes as in `choose`."""
    sent, rounds, work = _costs(name, sizes, receivers)
    waiting = 8e-6 * sum(sent) / link.mbit + rounds * link.round_trip_s / 2
    return Price(_START_S + work / threads + waiting, sent, rounds)


_START_S = 0.01
_POINT_S: Mapping[str, float] = {
    EcdhPsi.name: 4.7e-6,
    EcdhRistretto255Psi.name: 25e-6,
    EcdhSm2Psi.name: 12e-6,
}
"""Seconds for one multiplication, the hash to the curve shared out."""
_VOLE_START_S = 0.06
_CELL_S, _TAG_S = 0.12e-6, 0.25e-6
"""Seconds for a cell of the store with its VOLE, and for a tag, on the way from one side to the other."""
_CHECKED_FACTOR = 1.2


def _costs(name: str, sizes: tuple[int, int], receivers: int) -> tuple[tuple[int, int], int, float]:
    """(bytes from either side, rounds, seconds of work on one core for each side)"""
    first, second = sizes
    if name in _POINT_S:
        width = tag_bytes(*sizes)
        returned = (width * second if receivers == 2 else 0, width * first)
        sent = (POINT_BYTES * first + returned[0], POINT_BYTES * second + returned[1])
        return sent, 3, (first + second) * _POINT_S[name]
    checked = name == Rr22MaliciousPsi.name
    terms = Sizes(first, second, malicious=checked)
    answer = -(-second // 8) if receivers == 2 else 0
    rows, corrections = _vole_bytes(terms.cells, checked)
    sent = (rows + 16 * terms.cells + answer, corrections + terms.list_bytes)
    work = (_CELL_S * terms.cells + _TAG_S * second) * (_CHECKED_FACTOR if checked else 1.0)
    return sent, 12 if checked else 8, _VOLE_START_S + work


def _vole_bytes(cells: int, checked: bool) -> tuple[int, int]:
    """What the receiver and the sender of that many silent VOLEs send, their link included."""
    rows = corrections = SETUP_BITS // 16
    for start in range(0, cells, INSTANCE_VOLES):
        n = min(INSTANCE_VOLES, cells - start)
        count = _kernel.silent_vole_base_ots(n)
        if checked:
            count = _kernel.softspoken_checked_sizes(BASE_FIELD_BITS, count + MASK_OTS)[0]
        rows += _kernel.softspoken_message_size(BASE_FIELD_BITS, count)
        corrections += _kernel.silent_vole_message_size(n)
    return rows, corrections
