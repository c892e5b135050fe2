"""Faults on purpose, deterministic: what a bad network or a deviating peer may do, for tests and demos.

`Faulty` damages frames as their sender, so everything that it does is what a deviating *peer* could do.
`Relay` sits on the TCP connections between two parties and damages their bytes, so everything that it
does is what the *network* could do; under TLS none of it can change a message, only end the link.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from tacit.base.errors import UsageError
from tacit.base.transport import Frame, Transport
from tacit.net import framing

Kind = Literal["delay", "drop", "truncate", "flip", "replay", "reorder"]
Where = int | Callable[[Frame], bool]


@dataclass(frozen=True)
class Fault:
    """What happens to the frames at `where`: the index among the frames sent (from 0), or a predicate.

    `amount`: delay, in seconds; truncate, bytes cut off the end; flip, number of the bit, modulo the
    body's length; reorder, seconds after which the frame is sent even if no other one has overtaken it.
    """

    kind: Kind
    where: Where
    amount: float = 0.0

    def hits(self, index: int, frame: Frame) -> bool:
        return self.where(frame) if callable(self.where) else self.where == index


def at_path(part: str) -> Callable[[Frame], bool]:
    """For `Fault.where`: frames whose path contains `part`."""
    return lambda frame: part in frame.path


class Faulty:
    """Passes frames on to `inner`, those sent that a fault hits with that fault (the first one that fits)."""

    def __init__(self, inner: Transport, *faults: Fault) -> None:
        for fault in faults:
            if not math.isfinite(fault.amount) or fault.amount < 0:
                raise UsageError("NET-0011", f"the amount of a fault must be at least 0, not {fault.amount}")
        self.hit: list[tuple[Kind, str]] = []
        self._inner = inner
        self._faults = faults
        self._index = 0
        self._held: dict[int, list[Frame]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, frame: Frame) -> None:
        """As `inner.send`, faults apart."""
        index, self._index = self._index, self._index + 1
        fault = next((each for each in self._faults if each.hits(index, frame)), None)
        if fault is None:
            await self._inner.send(frame)
        else:
            self.hit.append((fault.kind, frame.path))
            await self._apply(fault, frame)
            if fault.kind == "reorder":
                return
        await self._release(frame.to)

    async def recv(self, path: str, frm: int, to: int, *, limit_bytes: int) -> Frame:
        """As `inner.recv`."""
        return await self._inner.recv(path, frm, to, limit_bytes=limit_bytes)

    async def close(self, abort_code: str = "") -> None:
        """As `inner.close`, after what was held back has been sent (on an abort it is dropped)."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for to in list(self._held):
            if not abort_code:
                with suppress(Exception):  # it is late already; the close counts
                    await self._release(to)
        self._held.clear()
        await self._inner.close(abort_code)

    async def _apply(self, fault: Fault, frame: Frame) -> None:
        if fault.kind == "drop":
            return
        if fault.kind == "reorder":
            copy = _with_body(frame, bytes(framing.byte_view(frame.body)))
            self._held.setdefault(frame.to, []).append(copy)
            task = asyncio.ensure_future(self._release_later(frame.to, fault.amount))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        if fault.kind == "delay":
            await asyncio.sleep(fault.amount)
        await self._inner.send(_damaged(fault, frame))
        if fault.kind == "replay":
            await self._inner.send(frame)

    async def _release(self, to: int) -> None:
        for frame in self._held.pop(to, []):
            await self._inner.send(frame)

    async def _release_later(self, to: int, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        with suppress(Exception):  # a dead link is reported to those who use it
            await self._release(to)


def _damaged(fault: Fault, frame: Frame) -> Frame:
    body = framing.byte_view(frame.body)
    if fault.kind == "truncate":
        return _with_body(frame, bytes(body[: max(0, len(body) - int(fault.amount))]))
    if fault.kind == "flip" and len(body):
        bit = int(fault.amount) % (8 * len(body))
        flipped = bytearray(body)
        flipped[bit // 8] ^= 1 << bit % 8
        return _with_body(frame, flipped)
    return frame


def _with_body(frame: Frame, body: bytes | bytearray) -> Frame:
    return Frame(frame.path, frame.frm, frame.to, body, frame.clock)


class Relay:
    """A TCP relay to host:port that damages one byte position of its connections or cuts them.

    Connection number `connection` (from 0, in the order in which they come) is damaged once `after_bytes`
    have passed from the dialer to the listener: "flip" inverts one bit there, "cut" ends the connection,
    "stall" lets nothing through any more.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        fault: Literal["none", "flip", "cut", "stall"] = "none",
        connection: int = 0,
        after_bytes: int = 0,
    ) -> None:
        self.port = 0
        self._to = (host, port)
        self._fault, self._connection, self._after_bytes = fault, connection, after_bytes
        self._count = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str) -> int:
        """Listen on a free port of `host`; returns it."""
        self._server = await asyncio.start_server(self._serve, host, 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def close(self) -> None:
        """Cut everything."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._to)
        except OSError:
            writer.close()
            return
        number, self._count = self._count, self._count + 1
        damaged = number == self._connection and self._fault != "none"
        try:
            forth = self._pump(reader, far_writer, damaged=damaged)
            back = self._pump(far_reader, writer, damaged=False)
            pumps = [asyncio.ensure_future(forth), asyncio.ensure_future(back)]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            writer.close()
            far_writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, damaged: bool
    ) -> None:
        passed = 0
        while data := await reader.read(1 << 16):
            at = self._after_bytes - passed
            passed += len(data)
            if damaged and at < len(data):
                if self._fault == "flip" and at >= 0:
                    data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
                elif self._fault == "cut":
                    return
                elif self._fault == "stall":
                    await asyncio.Event().wait()
            writer.write(data)
            await writer.drain()
