"""Who reads a connection: the event loop as long as frames are short, a thread while they are long."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from tacit.base.transport import Frame
from tacit.net.reader import FRAMES_AT_ONCE, IDLE_S, LONG_BYTES
from tests.net.test_tls_frames import pair, run


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("tacit-read-")]


def test_short_frames_need_no_thread(places: Any) -> None:
    async def scene() -> None:
        async with pair(places) as (a, b):
            for k in range(20):
                body = bytes([k]) * (LONG_BYTES if k % 2 else 100)
                await b.send(Frame(f"short.{k}", 1, 0, body, 0))
                frame = await a.recv(f"short.{k}", 1, 0, limit_bytes=LONG_BYTES)
                assert bytes(frame.body) == body
            assert threads() == []

    run(scene)


def test_a_burst_of_short_frames_arrives_whole_and_lets_others_run(places: Any) -> None:
    n, turns = 40 * FRAMES_AT_ONCE, 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def scene() -> None:
        async with pair(places) as (a, b):
            counting = asyncio.ensure_future(count_turns())
            sends = asyncio.gather(*(b.send(Frame(f"x.{k}", 1, 0, k.to_bytes(2), 0)) for k in range(n)))
            frames = [await a.recv(f"x.{k}", 1, 0, limit_bytes=2) for k in range(n)]
            await sends
            counting.cancel()
            assert [int.from_bytes(frame.body) for frame in frames] == list(range(n))
            assert turns > 10

    run(scene)


def test_the_thread_takes_over_for_long_frames_and_gives_back(places: Any) -> None:
    async def scene() -> None:
        async with pair(places) as (a, b):
            for k in range(12):
                long, short = bytes([k]) * (LONG_BYTES + 1 + k * 100_000), bytes([k]) * 9
                await b.send(Frame(f"long.{k}", 1, 0, long, 0))
                await b.send(Frame(f"short.{k}", 1, 0, short, 0))
                assert bytes((await a.recv(f"short.{k}", 1, 0, limit_bytes=9)).body) == short
                assert bytes((await a.recv(f"long.{k}", 1, 0, limit_bytes=1 << 22)).body) == long
                await asyncio.sleep(3 * IDLE_S if k % 3 else 0)  # given back in between, or not
            assert threads() == ["tacit-read-1"]

    run(scene)
