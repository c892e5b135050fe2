"""What a party's process expects of a task before it runs: the link probed, every operator tried alone.

All parties calibrate at the same time, so that they share the machine as they do in the run.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import asdict
from datetime import date
from typing import Any

from bench.measurement import machine
from bench.party import Party, PerformanceClock, Place
from bench.task import Task
from tacit.base.transport import Frame, Transport
from tacit.mpc.scheme import find
from tacit.run.explain.calibrate import calibrate
from tacit.run.explain.explanation import explain
from tacit.run.explain.rates import Link
from tacit.run.explain.rehearse import stage

CALIBRATE = "calibrate "
"""Begins a line to a worker; the ports follow."""
PINGS = 40
PIECES = {"lan": 24, "wan": 4}
"""How many are sent to probe a shaped link; on others 64."""
PIECE, SHORT = bytes(1 << 20), bytes(1 << 10)
CORES = int(machine()["cores"])


def expected(task: Task, options: argparse.Namespace, place: Place) -> dict[str, Any]:
    """Seconds, bytes by party, rounds and memory of what `compute_s` times."""
    link = asyncio.run(_probe(task, options, place))
    scheme = find(options.scheme, options.security, options.ot)
    names = [f"party{i}" for i in range(len(place.hosts))]
    on, clock = stage(scheme, len(names)), PerformanceClock()
    total: dict[str, Any] = {"seconds": 0.0, "work_s": 0.0, "sent": [0] * len(names), "rounds": 0}
    for program in task.programs(options):
        lines = on.rehearse(program)
        rates = calibrate(
            scheme, len(names), lines, clock, date=date.today().isoformat(), machine=str(machine()["cpu"])
        )
        one = explain(program, scheme, names, link, rates, staged=on)
        total["seconds"] += one.seconds
        total["work_s"] += one.work_s
        total["rounds"] += one.rounds
        total["sent"] = [have + more for have, more in zip(total["sent"], one.sent, strict=True)]
    return total | {"link": asdict(link)}


async def _probe(task: Task, options: argparse.Namespace, place: Place) -> Link:
    """In a ring: every party sends to the next one while it hears from the one before it."""
    party = Party(task.name, place, options)
    transport = await party.link()
    try:
        latency = await _latency(transport, party.me, party.n)
        pieces = PIECES.get(options.net, 64)
        busy, started = time.process_time(), time.perf_counter()
        await _pass_on(transport, party.me, party.n, [PIECE] * pieces)
        taken = max(1e-6, time.perf_counter() - started - latency)
        busy = (time.process_time() - busy) * max(1.0, party.n / CORES)
        await party.barrier()
        n_bytes = pieces * len(PIECE)
        return Link(options.net, latency, n_bytes / taken, busy / n_bytes)
    finally:
        await transport.close("")


async def _latency(transport: Transport, me: int, n: int) -> float:
    """Of one message, the mean of many in a row: some have come before they are waited for."""
    await _pass_on(transport, me, n, [SHORT], "first")
    started = time.perf_counter()
    for k in range(PINGS):
        await _pass_on(transport, me, n, [SHORT], f"ping.{k}")
    return (time.perf_counter() - started) / PINGS


async def _pass_on(transport: Transport, me: int, n: int, bodies: list[bytes], name: str = "piece") -> None:
    after, before = (me + 1) % n, (me - 1) % n
    for k, body in enumerate(bodies):
        await transport.send(Frame(f"{name}.{k}", me, after, body, 0))
    for k, body in enumerate(bodies):
        await transport.recv(f"{name}.{k}", before, me, limit_bytes=len(body))
