"""What a job will cost, before it runs: bytes that this party sends, seconds in three kinds of network.

The programs of the job are traced for the sizes that are known or assumed here, and explained as
`run.explain` explains any program, at the pace that this machine has now; the alignment is priced by
its declared bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tacit.apps.cli.events import MonotonicClock
from tacit.frame.columns import parse_columns
from tacit.mpc.scheme import find
from tacit.psi import choose
from tacit.psi.price import Link, Price, price
from tacit.run.explain.explanation import SHIPPED, explain
from tacit.run.explain.pace import paced
from tacit.run.explain.rates import LINKS
from tacit.run.explain.rehearse import stage
from tacit.run.job import Job, PartyTerms
from tacit.tasks.credit import Options, label_holder, steps

LEVELS_ASSUMED = 4
"""How many columns a category of the other party is taken to make."""

_SETUP_SECONDS = 0.05
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
    scheme, names = find(job.scheme, job.security, job.ots), [terms.name for terms in job.parties]
    programs = [step.program(scheme.name) for step in steps(job, widths, n_common - n_test, n_test)]
    on = stage(scheme, len(names))
    alignment = _alignment(job, me, (n_mine, n_theirs) if me == 0 else (n_theirs, n_mine), threads)
    rates = paced(SHIPPED, MonotonicClock())
    said = {
        name: [explain(program, scheme, names, link, rates, staged=on) for program in programs]
        for name, link in LINKS.items()
    }
    rounds = on.rounds + alignment.rounds + _SIZES_ROUNDS
    seconds = {
        name: _SETUP_SECONDS
        + alignment.seconds
        + (on.sent[me] + alignment.sent[me]) / LINKS[name].bytes_per_s
        + rounds * LINKS[name].latency_s
        + sum(one.seconds for one in each)
        for name, each in said.items()
    }
    one_link = said["loopback"]
    return Forecast(
        n_common,
        n_theirs,
        peer_features,
        on.sent[me] + alignment.sent[me] + sum(one.sent[me] for one in one_link),
        rounds + sum(one.rounds for one in one_link),
        {name: round(taken, 2) for name, taken in seconds.items()},
        tuple(sorted({name for one in one_link for name in one.unpriced})),
    )


def widths_of(job: Job, me: int, n_features: int) -> list[int]:
    """Columns of each party, the peer's as far as the job tells."""
    peer_features = _assumed_features(job.parties[1 - me])
    widths = [n_features, peer_features] if me == 0 else [peer_features, n_features]
    widths[label_holder(job)] += 1  # the intercept
    return widths


def _alignment(job: Job, me: int, sizes: tuple[int, int], threads: int) -> Price:
    """The work alone: the network is priced with the rest."""
    link = Link(mbit=math.inf, round_trip_s=0.0)
    name = choose.choose(sizes, job.link, name=job.psi, adversary=job.security, threads=threads).protocol
    return price(name, sizes, link, threads=threads)


def _assumed_features(terms: PartyTerms) -> int:
    return sum(LEVELS_ASSUMED if spec.encoding == "category" else 1 for spec in parse_columns(terms.columns))
