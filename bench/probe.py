"""What the link between parties is like for a program: its rate, what messages and bytes cost amid work.

The rate is that of long pieces. The cost of a message and of a byte is read off two programs, one of many
short messages and one of long ones, run on the link and, operator by operator, without one: a bare ping is
cheaper than a message that interrupts work, and so is a stream that nobody computes beside.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bench.measurement import machine
from bench.party import Party
from tacit.base.transport import Frame, Transport
from tacit.base.types import FIXED, SECRET, Type
from tacit.compile import array as xp
from tacit.ir.program import Program
from tacit.mpc.execute import execute
from tacit.run.compiled import compiled
from tacit.run.explain.rates import Link
from tacit.run.job import Run

PIECES = {"lan": 24, "wan": 4}
"""How many are sent to probe a shaped link; on others 64."""
PIECE_BYTES = 1 << 20
CORES = int(machine()["cores"])
SHORT, STEPS, RUNS = 64, 4, 3
LONG_BYTES = 10_000_000
"""What the program of long messages sends, about."""


@dataclass(frozen=True)
class Ran:
    """One run of a program as one party sees it: seconds, work, messages and bytes that it sent."""

    seconds: float
    work_s: float
    messages: int
    sent: int


@dataclass(frozen=True)
class Probed:
    """Of the two programs; `bytes_per_s` and `busy_s` of a stream as in `Link`."""

    short: Ran
    long: Ran
    bytes_per_s: float
    busy_s: float

    def link(self, name: str, works: Sequence[float], rounds: int) -> Link:
        """The programs are so much work without a link, the first one so many messages in a row."""
        handled = [
            max(0.0, run.work_s - work) for run, work in zip((self.short, self.long), works, strict=True)
        ]
        table = np.array([[run.messages, run.sent] for run in (self.short, self.long)], np.float64)
        _, busy_s = (float(each) for each in np.linalg.solve(table, handled))
        busy_s = min(max(busy_s, self.busy_s), 2 * self.busy_s)
        message_s = max(0.0, handled[0] - self.short.sent * busy_s) / self.short.messages
        moved = self.short.sent * (busy_s + 1 / self.bytes_per_s)
        waited = self.short.seconds - works[0] - self.short.messages * message_s - moved
        return Link(name, message_s + max(0.0, waited) / rounds, self.bytes_per_s, busy_s, message_s)


def programs(scheme: str) -> tuple[Program, Program]:
    """Comparisons, products and choices of few elements one after another, and of many at once."""

    def steps(times: int, x: Any, y: Any) -> Any:
        for _ in range(times):
            x = xp.where(x < y, x * y, y)
        return x

    long = LONG_BYTES // (1000 if scheme.startswith("semi2k") else 64)
    made = []
    for times, n in ((STEPS, SHORT), (1, long)):
        inputs = [(name, Type(SECRET, FIXED, (n,))) for name in ("x", "y")]
        ranges = {"x": (-1.0, 1.0), "y": (-1.0, 1.0)}
        made.append(compiled(partial(steps, times), inputs, "probe", scheme, ranges))
    return made[0], made[1]


async def probed(party: Party, options: argparse.Namespace) -> Probed:
    """By all parties at once."""
    run = await party.run(options.scheme, options.security, options.ot)
    assert party.transport is not None
    crowd = max(1.0, party.n / CORES)
    try:
        pieces = [os.urandom(PIECE_BYTES) for _ in range(PIECES.get(options.net, 64))]
        await party.barrier()
        busy, started = time.process_time(), time.perf_counter()
        await _pass_on(party.transport, party.me, party.n, pieces)
        taken, busy = time.perf_counter() - started, time.process_time() - busy
        n_bytes = len(pieces) * PIECE_BYTES
        short, long = [await _ran(party, run, program, crowd) for program in programs(run.scheme.name)]
        return Probed(short, long, n_bytes / taken, busy * crowd / n_bytes)
    finally:
        await party.transport.close("")


async def _ran(party: Party, run: Run, program: Program, crowd: float) -> Ran:
    """The median of several runs, after one that is not counted."""
    zeros = np.zeros(program.ins[0][1].type.shape, np.uint64)
    runs: list[Ran] = []
    for _ in range(1 + RUNS):
        scope = run.ctx.sub("probe")
        share = run.scheme.constant(run.scheme.view(scope), zeros)
        await party.barrier()
        work, began = time.process_time(), time.perf_counter()
        await execute(scope, run.scheme, program, {"x": share, "y": share})
        seconds, work = time.perf_counter() - began, (time.process_time() - work) * crowd
        runs.append(Ran(seconds, work, scope.meter().frames_sent, scope.meter().bytes_sent))
    return sorted(runs[1:], key=lambda ran: ran.work_s)[RUNS // 2]


async def _pass_on(transport: Transport, me: int, n: int, bodies: list[bytes]) -> None:
    """In a ring: every party sends to the next one while it hears from the one before it."""
    after, before = (me + 1) % n, (me - 1) % n
    for k, body in enumerate(bodies):
        await transport.send(Frame(f"piece.{k}", me, after, body, 0))
    for k, body in enumerate(bodies):
        await transport.recv(f"piece.{k}", before, me, limit_bytes=len(body))
