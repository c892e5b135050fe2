"""Parties in one event loop: frames are handed over in memory. For tests, demos and plain runs.

The transcript is what an observer of all links would see of the schedule, and of the bodies if kept.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from tacit.base.errors import InternalError, PeerError
from tacit.base.transport import Frame
from tacit.net import framing
from tacit.net.inbox import CLOSED, Failure, Inbox, aborted


class Entry(NamedTuple):
    """One frame that was sent; `body` is None unless bodies are kept."""

    path: str
    frm: int
    to: int
    n_bytes: int
    clock: int
    body: bytes | None = None


class MemoryNetwork:
    """`n` parties fully linked. A recv that waits `timeout_s` raises TransportError NET-0003."""

    def __init__(
        self, n: int, *, timeout_s: float = 60, transcript: bool = True, keep_bodies: bool = False
    ) -> None:
        self.n = n
        self.timeout_s = timeout_s
        self.transcript: list[Entry] = []
        self._keeps_transcript = transcript
        self._keeps_bodies = keep_bodies
        self._inboxes: dict[tuple[int, int], Inbox] = {}
        self._closed: dict[int, Failure | None] = {}

    def endpoint(self, me: int) -> MemoryTransport:
        """Party `me`'s end, 0 <= me < n."""
        if not 0 <= me < self.n:
            raise InternalError("NET-0006", f"party {me} is not among the {self.n} parties of this network")
        return MemoryTransport(self, me)

    def inbox(self, frm: int, to: int) -> Inbox:
        """Frames on their way from `frm` to `to`; made on first use, when the loop runs."""
        if (frm, to) not in self._inboxes:
            made = Inbox(frm, asyncio.get_running_loop(), timeout_s=self.timeout_s, buffer_limit_bytes=None)
            self._inboxes[frm, to] = made
            if frm in self._closed:
                _end(made, self._closed[frm])
        return self._inboxes[frm, to]

    def note(self, frame: Frame, body: bytes) -> None:
        """Enter `frame` into the transcript."""
        if self._keeps_transcript:
            kept = body if self._keeps_bodies else None
            self.transcript.append(Entry(frame.path, frame.frm, frame.to, len(body), frame.clock, kept))

    def close(self, party: int, abort_code: str) -> None:
        """Tell all others that `party` has left."""
        if party in self._closed:
            return
        self._closed[party] = aborted(party, abort_code) if abort_code else None
        for (frm, to), inbox in self._inboxes.items():
            if frm == party:
                _end(inbox, self._closed[party])
            elif to == party:
                inbox.fail(CLOSED)

    def is_closed(self, party: int) -> bool:
        return party in self._closed


def _end(inbox: Inbox, failure: Failure | None) -> None:
    if failure is None:
        inbox.finish()
    else:
        inbox.fail(failure)


class MemoryTransport:
    """One party's end of a `MemoryNetwork`."""

    def __init__(self, network: MemoryNetwork, me: int) -> None:
        self.me = me
        self._network = network

    async def send(self, frame: Frame) -> None:
        """Hand over a copy of `frame`. Raises what the link to `frame.to` has died of."""
        self._check(frame.frm, frame.to, frame.path)
        back = self._network.inbox(frame.to, self.me)
        if back.failure is not None:
            raise back.failure.error(frame.path)
        if back.finished:
            raise back.left(frame.path)
        framing.head(frame)  # the same limits as on a wire
        body = bytes(framing.byte_view(frame.body))
        self._network.note(frame, body)
        inbox = self._network.inbox(self.me, frame.to)
        try:
            inbox.announce(frame.path, len(body))
            inbox.deliver(Frame(frame.path, frame.frm, frame.to, body, frame.clock))
        except PeerError as error:  # the receiver's to raise, not ours
            inbox.fail(Failure.of(error))

    async def recv(self, path: str, frm: int, to: int, *, limit_bytes: int) -> Frame:
        """The frame of this name. Raises: PeerError PEER-0001 … PEER-0004, TransportError NET-0003."""
        self._check(to, frm, path)
        return await self._network.inbox(frm, to).take(path, limit_bytes)

    async def close(self, abort_code: str = "") -> None:
        """Leave; with `abort_code`, the others raise PeerError PEER-0002 naming it. Idempotent."""
        self._network.close(self.me, abort_code)

    def _check(self, mine: int, other: int, path: str) -> None:
        if mine != self.me or other == self.me or not 0 <= other < self._network.n:
            raise InternalError(
                "NET-0006", f"party {self.me} cannot carry a frame between {mine} and {other}", path=path
            )
        if self._network.is_closed(self.me):
            raise CLOSED.error(path)
