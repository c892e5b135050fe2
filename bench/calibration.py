"""What a party's process expects of a task before it runs: the link probed, every operator tried alone.

All parties calibrate at the same time, so that they share the machine as they do in the run.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from bench.measurement import machine
from bench.party import Party, Place
from bench.probe import CORES, probed, programs
from bench.task import Task
from tacit.ir.program import Program
from tacit.mpc.scheme import find
from tacit.run.explain.calibrate import calibrate
from tacit.run.explain.explanation import SHIPPED, explain
from tacit.run.explain.pace import paced
from tacit.run.explain.rates import Rates
from tacit.run.explain.rehearse import stage

CALIBRATE = "calibrate "
"""Begins a line to a worker; the ports follow."""


@dataclass(frozen=True)
class WorkClock:
    """Seconds of work of this process, stretched if the parties are more than the cores that they share."""

    n_parties: int = 1

    def now_s(self) -> float:
        return time.process_time() * max(1.0, self.n_parties / CORES)


def expected(task: Task, options: argparse.Namespace, place: Place) -> dict[str, Any]:
    """Seconds, bytes by party and rounds of what `compute_s` times. `shipped_s`: not by a calibration but by
    the rates that ship, at this machine's pace."""
    seen = asyncio.run(probed(Party(task.name, place, options), options))
    scheme = find(options.scheme, options.security, options.ot)
    names = [f"party{i}" for i in range(len(place.hosts))]
    on, clock = stage(scheme, len(names)), WorkClock(len(names))

    def measured(program: Program) -> Rates:
        lines, cpu = on.rehearse(program), str(machine()["cpu"])
        return calibrate(scheme, len(names), lines, clock, date=date.today().isoformat(), machine=cpu)

    alone = [
        explain(probe, scheme, names, "loopback", measured(probe), staged=on)
        for probe in programs(scheme.name)
    ]
    link = seen.link(options.net, [one.work_s for one in alone], alone[0].rounds)
    shipped = paced(SHIPPED, clock)
    total: dict[str, Any] = {
        **dict.fromkeys(("seconds", "shipped_s", "work_s"), 0.0),
        "sent": [0] * len(names),
        "rounds": 0,
    }
    for program in task.programs(options):
        one = explain(program, scheme, names, link, measured(program), staged=on)
        total["seconds"] += one.seconds
        total["shipped_s"] += explain(program, scheme, names, link, shipped, staged=on).seconds
        total["work_s"] += one.work_s
        total["rounds"] += one.rounds
        total["sent"] = [have + more for have, more in zip(total["sent"], one.sent, strict=True)]
    return total | {"link": asdict(link)}
