"""The transport alone: one way from party 0 to party 1, then round trips of small frames."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.party import Party
from bench.task import Clock, Figures, Outputs, Task, wrong
from tacit.base.transport import Buffer, Frame, Transport

FRAME_BYTES = 16 << 20
PING_BYTES = 64


class TransportTask(Task):
    name = "transport"
    summary = "one-way GB/s and round trips between two processes"
    clock: ClassVar[Clock] = "total"
    standard: ClassVar[tuple[tuple[str, ...], ...]] = ((),)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--megabytes", type=int, default=4000, help="sent one way, in 10^6 bytes")
        parser.add_argument("--trips", type=int, default=2000, help="round trips")

    def labels(self, options: argparse.Namespace) -> tuple[int, str, str]:
        return 2, "none", "none"

    def shape(self, options: argparse.Namespace) -> dict[str, int | str]:
        return {"megabytes": options.megabytes, "trips": options.trips}

    def prepare(self, options: argparse.Namespace, folders: list[Path]) -> int:
        """Frames that are sent."""
        return _frames(options)

    async def play(self, party: Party) -> None:
        n_frames, n_trips = _frames(party.options), party.options.trips
        await party.session()
        assert party.transport is not None
        async with party.computing():
            started = time.perf_counter()
            one_way = _send if party.me == 0 else _receive
            sums = await one_way(party.transport, n_frames)
            bulk_s = time.perf_counter() - started
            await party.barrier()
            started = time.perf_counter()
            await (_ping if party.me == 0 else _pong)(party.transport, n_trips)
            trips_s = time.perf_counter() - started
        party.rounds = 2 * n_trips + 2
        party.give("seconds", np.array([bulk_s, trips_s]))
        party.give("sums", sums)

    def check(self, options: argparse.Namespace, expected: int, folders: list[Path], out: Outputs) -> Figures:
        if len(out[0]["sums"]) != expected or not np.array_equal(out[0]["sums"], out[1]["sums"]):
            raise wrong(self.name, "what arrived is not what was sent")
        bulk_s, trips_s = np.max([party["seconds"] for party in out], axis=0)
        return {
            "gb_per_s": expected * FRAME_BYTES / 1e9 / float(bulk_s),
            "round_trip_us": float(trips_s) * 1e6 / max(options.trips, 1),
        }


def _frames(options: argparse.Namespace) -> int:
    """At least the bytes asked for."""
    return int(-(-options.megabytes * 10**6 // FRAME_BYTES))


async def _send(transport: Transport, n_frames: int) -> np.ndarray:
    """Send frames that all differ, until the receiver has the last; returns the sums of their samples."""
    body = np.frombuffer(np.random.default_rng(1).bytes(FRAME_BYTES), np.uint8).copy()
    sums = np.zeros(n_frames, np.uint64)
    for k in range(n_frames):
        body[0] = k % 256  # it is among the samples
        sums[k] = _sample(body.data)
        await transport.send(Frame(f"bench/bulk.{k}", 0, 1, body.data, 0))
    await transport.recv("bench/done", 1, 0, limit_bytes=0)
    return sums


async def _receive(transport: Transport, n_frames: int) -> np.ndarray:
    sums = np.zeros(n_frames, np.uint64)
    for k in range(n_frames):
        sums[k] = _sample((await transport.recv(f"bench/bulk.{k}", 0, 1, limit_bytes=FRAME_BYTES)).body)
    await transport.send(Frame("bench/done", 1, 0, b"", 0))
    return sums


def _sample(body: Buffer) -> int:
    """Sum of the bytes at every 4093rd position: each frame has another, so a misplaced one is noticed."""
    samples: np.ndarray = np.frombuffer(body, np.uint8)[::4093]
    return int(np.sum(samples, dtype=np.uint64))


async def _ping(transport: Transport, n_trips: int) -> None:
    for k in range(n_trips):
        await transport.send(Frame(f"bench/ping.{k}", 0, 1, bytes(PING_BYTES), 0))
        await transport.recv(f"bench/pong.{k}", 1, 0, limit_bytes=PING_BYTES)


async def _pong(transport: Transport, n_trips: int) -> None:
    for k in range(n_trips):
        frame = await transport.recv(f"bench/ping.{k}", 0, 1, limit_bytes=PING_BYTES)
        await transport.send(Frame(f"bench/pong.{k}", 1, 0, frame.body, 0))


TASK = TransportTask()
