"""What the link between parties is like for a program: its rate, and what a message costs in the thick of it.

The rate is that of long pieces. What a message costs is read off a small program of many messages, run on the
link and, operator by operator, without one: a bare ping is cheaper than a message that interrupts work.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
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

PIECES = {"lan": 24, "wan": 4}
"""How many are sent to probe a shaped link; on others 64."""
PIECE_BYTES = 1 << 20
CORES = int(machine()["cores"])
N, STEPS, RUNS = 64, 4, 3


@dataclass(frozen=True)
class Probed:
    """Of one run of the small program, as one party sees it: seconds, work, messages and bytes that it sent.
    `bytes_per_s`, `busy_s` as in `Link`."""

    seconds: float
    work_s: float
    messages: int
    sent: int
    bytes_per_s: float
    busy_s: float

    def link(self, name: str, work_s: float, rounds: int) -> Link:
        """The program is `work_s` of work without a link, and so many messages in a row."""
        handled = max(0.0, self.work_s - work_s - self.sent * self.busy_s)
        waited = self.seconds - work_s - handled - self.sent * (self.busy_s + 1 / self.bytes_per_s)
        message_s = handled / self.messages
        return Link(name, message_s + max(0.0, waited) / rounds, self.bytes_per_s, self.busy_s, message_s)


def small(scheme: str) -> Program:
    """Comparisons, products and choices of few elements, one after another."""

    def steps(x: Any, y: Any) -> Any:
        for _ in range(STEPS):
            x = xp.where(x < y, x * y, y)
        return x

    inputs = [(name, Type(SECRET, FIXED, (N,))) for name in ("x", "y")]
    return compiled(steps, inputs, "probe", scheme, {"x": (-1.0, 1.0), "y": (-1.0, 1.0)})


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
        program, zeros = small(run.scheme.name), np.zeros(N, np.uint64)
        runs: list[tuple[float, float, int, int]] = []
        for _ in range(1 + RUNS):
            scope = run.ctx.sub("probe")
            share = run.scheme.constant(run.scheme.view(scope), zeros)
            await party.barrier()
            work, began = time.process_time(), time.perf_counter()
            await execute(scope, run.scheme, program, {"x": share, "y": share})
            seconds, work = time.perf_counter() - began, time.process_time() - work
            runs.append((seconds, work * crowd, scope.meter().frames_sent, scope.meter().bytes_sent))
        best = sorted(runs[1:])[RUNS // 2]
        return Probed(*best, n_bytes / taken, busy * crowd / n_bytes)
    finally:
        await party.transport.close("")


async def _pass_on(transport: Transport, me: int, n: int, bodies: list[bytes]) -> None:
    """In a ring: every party sends to the next one while it hears from the one before it."""
    after, before = (me + 1) % n, (me - 1) % n
    for k, body in enumerate(bodies):
        await transport.send(Frame(f"piece.{k}", me, after, body, 0))
    for k, body in enumerate(bodies):
        await transport.recv(f"piece.{k}", before, me, limit_bytes=len(body))
