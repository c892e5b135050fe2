"""Which set intersection protocols there are, and which one suits a task.

`choose` compares predicted seconds and says why in words. Both sides of a run call it with the same
arguments, so that they choose alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tacit.base.errors import UnsupportedError
from tacit.base.setting import Setting
from tacit.blocks.ot.choose import DEFAULT
from tacit.psi.buckets import State
from tacit.psi.circuit_psty19 import Sizes
from tacit.psi.ecdh_ms86 import EcdhPsi, EcdhRistretto255Psi, EcdhSm2Psi
from tacit.psi.functionality import Psi
from tacit.psi.price import (
    CIRCUIT,
    UNBALANCED,
    Link,
    Price,
    Told,
    price,
    price_hidden,
    price_several,
    price_stored,
)
from tacit.psi.rr22 import Rr22LowPsi, Rr22MaliciousPsi, Rr22Psi
from tacit.psi.star_kmprt17 import ALL_BUT_ONE, Star
from tacit.psi.unbalanced.voprf_jkk14 import VOPRF

AUTO = "auto"
LARGEST_SET = 1 << 32
PROTOCOLS: Mapping[str, type[Psi]] = {
    kind.name: kind
    for kind in (EcdhPsi, EcdhRistretto255Psi, EcdhSm2Psi, Rr22Psi, Rr22LowPsi, Rr22MaliciousPsi)
}
"""Those whose receivers learn rows in one run between two files."""
SEVERAL = "star"
"""What intersects the sets of three parties or more (`star_kmprt17`)."""
OTHERS: Mapping[str, Setting] = {SEVERAL: ALL_BUT_ONE, UNBALANCED: VOPRF}
"""Settings of protocols that are not a `Psi`: theirs are other parties, or another course."""
HARDENED: Mapping[str, str] = {Rr22Psi.name: Rr22MaliciousPsi.name}
"""Of a semi-honest protocol the form that holds against a deviating peer."""
REUSED_RATIO = 30
"""How many times as large a set must be that a table of it, made once, is worth its making."""

STORED = Rr22Psi.name
"""What runs in groups of parts on disk (`buckets`)."""

Because = Literal["asked", "only", "work", "least", "bytes", "reused", "hidden", "memory", "several"]
REASONS: Mapping[Because, str] = {
    "asked": "the job names it",
    "only": "it is the only one at this security level and size",
    "work": "it computes least, and the link is fast enough for its messages",
    "least": "it computes as little as any and sends less",
    "bytes": "its fewer bytes and messages outweigh what it computes",
    "reused": "one set is much larger and asked again and again: its table is made once",
    "hidden": "nobody may learn which rows are common, so that membership stays on shares",
    "memory": "it is the one that runs in groups on disk, within the memory that was allowed",
    "several": "it is the one for several parties",
}


_WINS: Mapping[str, Because] = {Rr22Psi.name: "work", Rr22LowPsi.name: "least"}
"""By what one that was compared with others wins; else by bytes."""


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


def setting_of(name: str, adversary: str) -> Setting | None:
    """Of any protocol that a result may name; None where the scheme of its shares says it all (circuit)."""
    if name == CIRCUIT:
        return None
    return OTHERS[name] if name in OTHERS else find(name, adversary).setting


def find_stored(name: str, adversary: str) -> type[Rr22Psi]:
    """As `find`, of those that run in groups on disk. Raises UnsupportedError JOB-0005, PSI-0057."""
    protocol = find(STORED if name == AUTO else name, adversary)
    if not issubclass(protocol, Rr22Psi):
        raise UnsupportedError(
            "PSI-0057",
            f"{name!r} does not run in groups on disk",
            hint=f"leave out --memory, on both sides, or take --protocol {STORED}",
        )
    return protocol


def choose(
    sizes: tuple[int, int],
    link: Link,
    *,
    name: str = AUTO,
    adversary: str = "semi-honest",
    receivers: int = 2,
    reused: bool = False,
    threads: int = 1,
) -> Choice:
    """The protocol for sets of these sizes (a single receiver's first).

    `name`: the one to take, or "auto". `receivers`: how many learn which items are common; 0 keeps that on
    shares. `reused`: the second set is asked again and again by a receiver of small ones.
    Raises UnsupportedError JOB-0005.
    """
    special: Because | None = None
    if name == AUTO and receivers == 0:
        names, special = [CIRCUIT], "hidden"
    elif name == AUTO and reused and receivers == 1 and sizes[1] >= REUSED_RATIO * sizes[0]:
        names, special = [UNBALANCED], "reused"
    elif name == AUTO:
        fast = [EcdhPsi.name, Rr22Psi.name, Rr22LowPsi.name] if adversary == "semi-honest" else list(HARDENED)
        kinds = [find(one, adversary) for one in fast]
        able = [kind for kind in kinds if max(sizes) <= kind.largest_set]
        names = [kind.name for kind in able or kinds]  # the protocol itself refuses what no one can
    else:
        names, special = [find(name, adversary).name], "asked"
    prices = {one: price(one, sizes, link, receivers=receivers, threads=threads) for one in names}
    best = min(prices, key=lambda one: prices[one].seconds)
    others = {one: cost for one, cost in prices.items() if one != best}
    compared: Because = "only" if not others else _WINS.get(best, "bytes")
    return Choice(best, prices[best], special or compared, others)


def several(star: Star, me: int, receivers: frozenset[int], link: Link, threads: int = 1) -> Choice:
    """What `me` can say of a run between three parties or more: its bytes are those of my own links.

    Sizes that I do not learn are taken to be the hub's.
    """
    hub = star.sizes[star.hub]
    others = sorted(
        set(range(len(star.sizes))) - {star.hub}, key=lambda party: (party not in receivers, party)
    )
    known = [star.sizes[party] if me in (star.hub, party) else hub for party in others]
    whole = price_several((hub, *known), link, receivers=len(receivers), threads=threads)
    sent = whole.sent
    if me != star.hub:
        sent = price_several((hub, star.sizes[me]), link, receivers=1 + (me in receivers)).sent
    return Choice(SEVERAL, Price(whole.seconds, sent, whole.rounds), "several", {})


def stored(
    kind: type[Rr22Psi], state: State, first: bool, receivers: int, link: Link, threads: int = 1
) -> tuple[Choice, float]:
    """What a run on disk costs, and seconds from here on. `first`: whether I am the first receiver. A run
    that is taken up costs what is left of it."""
    sizes = (state.n_mine, state.n_theirs) if first else (state.n_theirs, state.n_mine)

    def of(left: int | None) -> Price:
        options = {"receivers": receivers, "threads": threads}
        return price_stored(sizes, link, state.groups, left=left, kind=kind, **options)

    remaining = of(state.groups - state.done)
    whole = of(None) if state.attempts == 1 else remaining
    return Choice(kind.name, whole, "memory", {}), remaining.seconds


def hidden(sizes: Sizes, told: Told, ot: str, link: Link, threads: int = 1) -> Choice:
    """The circuit and what is opened of it; `ot` as in a job, where it may be empty."""
    pair = (sizes.n_receiver, sizes.n_sender)
    cost = price_hidden(pair, link, columns=sizes.columns, told=told, ot=ot or DEFAULT, threads=threads)
    return Choice(CIRCUIT, cost, "hidden", {})
