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
from tacit.run.explain.rates import LINKS, Link
from tacit.run.explain.rehearse import stage

CALIBRATE = "calibrate "
"""Begins a line to a worker; the ports follow."""
PINGS = 40
PIECES = {"lan": 24, "wan": 4}
"""How many are sent to probe a shaped link; on others 64."""
PIECE = bytes(1 << 20)


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
    """Between parties 0 and 1; others take what is known of the link's kind."""
    party = Party(task.name, place, options)
    transport = await party.link()
    try:
        found = LINKS[options.net]
        if party.me < 2:
            latency = await _latency(transport, party.me)
            found = Link(
                options.net, latency, await _rate(transport, party.me, latency, PIECES.get(options.net, 64))
            )
        await party.barrier()
        return found
    finally:
        await transport.close("")


async def _latency(transport: Transport, me: int) -> float:
    """Of one message, the median of many."""
    taken = []
    for k in range(PINGS):
        started = time.perf_counter()
        if me == 0:
            await transport.send(Frame(f"ping.{k}", 0, 1, b"", 0))
            await transport.recv(f"pong.{k}", 1, 0, limit_bytes=0)
        else:
            await transport.recv(f"ping.{k}", 0, 1, limit_bytes=0)
            await transport.send(Frame(f"pong.{k}", 1, 0, b"", 0))
        taken.append(time.perf_counter() - started)
    return sorted(taken)[PINGS // 2] / 2


async def _rate(transport: Transport, me: int, latency: float, pieces: int) -> float:
    """Bytes per second, both directions in use."""
    other, started = 1 - me, time.perf_counter()
    for k in range(pieces):
        await transport.send(Frame(f"piece.{k}", me, other, PIECE, 0))
    for k in range(pieces):
        await transport.recv(f"piece.{k}", other, me, limit_bytes=len(PIECE))
    return pieces * len(PIECE) / max(1e-6, time.perf_counter() - started - latency)
