"""What a private join will cost, before the other side is met: as if it had as many keys as this one."""

from __future__ import annotations

from typing import Any

import numpy as np

from tacit.apps.cli.psi import Prepared as Join
from tacit.apps.cli.psi_overlap import Prepared as Overlap
from tacit.apps.cli.psi_stored import OnDisk
from tacit.psi import choose
from tacit.psi.buckets import BYTES_PER_ITEM
from tacit.psi.circuit_psty19 import Sizes
from tacit.psi.price import UNBALANCED, Price, price_stored
from tacit.psi.spool import n_groups
from tacit.psi.star_kmprt17 import Star
from tacit.tasks.join_stored import memory_for_groups


def foreseen(prepared: Join | Overlap) -> dict[str, Any] | None:
    """Protocol, seconds, and bytes of both sides or, among several, of this one's links. None if no keys were
    read, or where sets of one size are not what the protocol is for."""
    found = prepared.found
    if found is None or prepared.job.psi == UNBALANCED:
        return None
    name, cost = _price(prepared, found.distinct)
    return {"psi": name, "seconds": round(cost.seconds, 2), "bytes": cost.n_bytes}


def _price(prepared: Join | Overlap, n: int) -> tuple[str, Price]:
    job, me, threads = prepared.job, prepared.seat.me, prepared.seat.local.threads
    if isinstance(prepared, Overlap):
        question = prepared.question
        choice = choose.hidden(Sizes(n, n, len(question.columns)), question.told, job.ots, job.link, threads)
        return choice.protocol, choice.price
    receivers = frozenset(job.party(name) for name in prepared.terms.receivers)
    if len(job.parties) > 2:
        star = Star(min(receivers), (n,) * len(job.parties), np.zeros((0, 16), np.uint8))
        choice = choose.several(star, me, receivers, job.link, threads)
    elif isinstance(prepared.source, OnDisk):
        kind = choose.find_stored(job.psi, job.security)
        groups = n_groups(n, memory_for_groups(prepared.source.memory), BYTES_PER_ITEM)
        cost = price_stored((n, n), job.link, groups, receivers=len(receivers), kind=kind, threads=threads)
        return kind.name, cost
    else:
        choice = choose.choose(
            (n, n),
            job.link,
            name=job.psi,
            adversary=job.security,
            receivers=len(receivers),
            threads=threads,
        )
    return choice.protocol, choice.price
