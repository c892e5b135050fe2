"""What a job will cost, before it runs: bytes that this party sends, seconds in three kinds of network.

The programs of the job are traced for the sizes that are known or assumed here, and priced by the tables of
`run.price`; the alignment is priced by its declared bytes. Seconds are as good as this machine is similar to
the one on which those tables were measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tacit.compile.cost import Cost, Network, estimate
from tacit.frame.columns import parse_columns
from tacit.psi import choose
from tacit.psi.price import Link, price
from tacit.run.job import Job, PartyTerms
from tacit.run.price import prices, setup_bytes
from tacit.tasks.credit import Options, label_holder, steps

NETWORKS: Mapping[str, Network] = {
    "loopback": Network(0.0004, 1.0e9),
    "lan": Network(0.0010, 1.25e8),
    "wan": Network(0.0200, 1.25e7),
}
"""The latency of a round is that of one message, the work of the event loop on it included."""

LEVELS_ASSUMED = 4
"""How many columns a category of the other party is taken to make."""

_SETUP_ROUNDS, _SETUP_SECONDS = 4, 0.05
_SIZES_ROUNDS = 2


@dataclass(frozen=True)
class Forecast:
    """For `rows` common rows, if the peer has `peer_rows` ids and `peer_features` columns after encoding.

    `unpriced`: operators without a price; with any, the figures are lower bounds."""

    rows: int
    peer_rows: int
    peer_features: int
    bytes_sent: int
    rounds: int
    seconds: dict[str, float]
    unpriced: tuple[str, ...] = ()


def forecast(
    job: Job, me: int, n_mine: int, n_theirs: int, n_features: int, threads: int = 1
) -> Forecast | None:
    """`n_features`: of this party, after encoding. None if too few rows would be common for a run."""
    n_common = min(n_mine, n_theirs)
    n_test = round(Options.of(job).test_fraction * n_common)
    if min(n_test, n_common - n_test) < 1:
        return None
    peer_features = _assumed_features(job.parties[1 - me])
    widths = widths_of(job, me, n_features)
    table = prices(job.scheme, me, job.ot)
    sizes = (n_mine, n_theirs) if me == 0 else (n_theirs, n_mine)
    parts = [_alignment(job, me, sizes, threads)]
    parts += [
        estimate(step.program(job.scheme), table) for step in steps(job, widths, n_common - n_test, n_test)
    ]
    seconds = {
        name: round(_SETUP_SECONDS + sum(part.seconds(network) for part in parts), 2)
        for name, network in NETWORKS.items()
    }
    return Forecast(
        n_common,
        n_theirs,
        peer_features,
        setup_bytes(job.scheme) + round(sum(part.n_bytes for part in parts)),
        _SETUP_ROUNDS + round(sum(part.rounds for part in parts)),
        seconds,
        tuple(sorted(frozenset[str]().union(*(part.unpriced for part in parts)))),
    )


def widths_of(job: Job, me: int, n_features: int) -> list[int]:
    """Columns of each party, the peer's as far as the job tells."""
    peer_features = _assumed_features(job.parties[1 - me])
    widths = [n_features, peer_features] if me == 0 else [peer_features, n_features]
    widths[label_holder(job)] += 1  # the intercept
    return widths


def _alignment(job: Job, me: int, sizes: tuple[int, int], threads: int) -> Cost:
    """The work alone: the network is priced with the rest."""
    link = Link(mbit=math.inf, round_trip_s=0.0)
    name = choose.choose(sizes, job.link, name=job.psi, adversary=job.security, threads=threads).protocol
    cost = price(name, sizes, link, threads=threads)
    return Cost(cost.rounds + _SIZES_ROUNDS, cost.sent[me], cost.seconds)


def _assumed_features(terms: PartyTerms) -> int:
    return sum(LEVELS_ASSUMED if spec.encoding == "category" else 1 for spec in parse_columns(terms.columns))
