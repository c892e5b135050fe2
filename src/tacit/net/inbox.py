"""What has come from one peer and not been received yet, and who waits for what.

Shared by all transports, so that a missing, doubled or overlong frame has the same name everywhere.
Frames come in on any thread; `take` is called on the event loop's.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b

from tacit.base.errors import InternalError, PeerError, TacitError, TransportError
from tacit.base.transport import Frame
from tacit.net.framing import size_bytes

FRAME_OVERHEAD_BYTES = 512
"""Counted per buffered frame beside its body, so that empty frames cannot fill the memory either."""


@dataclass(frozen=True)
class Failure:
    """Why a link is dead; every recv and send gets its own exception made from it."""

    kind: type[TacitError]
    code: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: TacitError) -> Failure:
        return cls(type(error), error.code, error.message, error.hint)

    def error(self, path: str = "") -> TacitError:
        return self.kind(self.code, self.message, hint=self.hint, path=path)


def aborted(peer: int, code: str) -> Failure:
    """PEER-0002: `peer` gave up and said `code`."""
    return Failure(
        PeerError,
        "PEER-0002",
        f"party {peer} aborted the run with code {code}",
        f"ask party {peer} for its error {code}; nothing was computed from here on",
    )


def lost(peer: int, reason: str) -> Failure:
    """NET-0004: the connection ended without a goodbye."""
    return Failure(
        TransportError,
        "NET-0004",
        f"the connection to party {peer} was lost: {reason}",
        f"check whether party {peer} still runs and the network between you; then start the job again",
    )


PAUSE_LOOK_S = 0.5
"""How often a paused reader looks whether its stream has ended."""

CLOSED = Failure(InternalError, "NET-0006", "this party has closed its transport")


@dataclass(slots=True)
class _Waiter:
    future: asyncio.Future[Frame]
    limit_bytes: int
    since_s: float


class Inbox:
    """Frames from party `peer`; made on the event loop's thread.

    `buffer_limit_bytes` bounds what is held unclaimed (None: no bound).
    """

    def __init__(
        self, peer: int, loop: asyncio.AbstractEventLoop, *, timeout_s: float, buffer_limit_bytes: int | None
    ) -> None:
        self.peer = peer
        self.failure: Failure | None = None
        self.last_byte_s = time.monotonic()
        self._loop = loop
        self._loop_thread = threading.get_ident()
        self._timeout_s = timeout_s
        self._buffer_limit_bytes = buffer_limit_bytes
        self._changed = threading.Condition(threading.Lock())
        self._arrived: dict[str, Frame] = {}
        self._waiting: dict[str, _Waiter] = {}
        self._seen: set[bytes] = set()
        self._arriving = ""
        self._buffered_bytes = 0
        self._finished = False

    # --- the side of the stream ------------------------------------------------------------------

    def announce(self, path: str, n_bytes: int) -> None:
        """Note that a frame of this name and length begins to arrive, before its body is allocated.

        Raises: PeerError PEER-0003 if the name was used before, PEER-0001 if longer than awaited.
        """
        digest = blake2b(path.encode(), digest_size=16).digest()
        with self._changed:
            if digest in self._seen:
                raise PeerError("PEER-0003", f"party {self.peer} sent a frame of this name twice", path=path)
            self._seen.add(digest)
            self._arriving = path
            if path in self._waiting:
                self._check_length(path, n_bytes, self._waiting[path].limit_bytes)

    def has_room(self, path: str) -> bool:
        """Whether a frame of this name may be read: somebody waits for it, or the buffer is not full."""
        return path in self._waiting or not self._is_full() or self.failure is not None

    def wait_for_room(self, path: str, has_ended: Callable[[], bool]) -> None:
        """Block until there is room, or the stream has ended: what is left of it is then bounded by the
        kernel's buffers, and those who wait must learn of the end."""
        with self._changed:
            while not self.has_room(path) and not has_ended():
                self._changed.wait(PAUSE_LOOK_S)

    def deliver(self, frame: Frame) -> None:
        """Hand over a complete frame that was admitted. Raises PeerError PEER-0001 if longer than awaited."""
        self.last_byte_s = time.monotonic()
        with self._changed:
            self._arriving = ""
            if self.failure is not None:
                return
            waiter = self._waiting.pop(frame.path, None)
            if waiter is None:
                self._arrived[frame.path] = frame
                self._buffered_bytes += size_bytes(frame.body) + FRAME_OVERHEAD_BYTES
                return
        try:
            self._check_length(frame.path, size_bytes(frame.body), waiter.limit_bytes)
        except PeerError as error:
            self._call(_refuse, waiter.future, error)
            raise Failure.of(error).error(frame.path) from None
        self._call(_settle, waiter.future, frame)

    def fail(self, failure: Failure) -> None:
        """Every pending and later recv raises `failure`. The first failure stays."""
        with self._changed:
            if self.failure is not None:
                return
            self.failure = failure
            self._arrived.clear()
            waiters, self._waiting = self._waiting, {}
            self._changed.notify_all()
        for path, waiter in waiters.items():
            self._call(_refuse, waiter.future, failure.error(path))

    def finish(self) -> None:
        """The peer said goodbye: what has arrived stays, nothing more will come."""
        with self._changed:
            self._finished = True
            waiters, self._waiting = self._waiting, {}
            self._changed.notify_all()
        for path, waiter in waiters.items():
            self._call(_refuse, waiter.future, self.left(path))

    def left(self, path: str) -> PeerError:
        """PEER-0004: the peer has finished, and this exchange with it is not over."""
        return PeerError(
            "PEER-0004",
            f"party {self.peer} has finished and closed the link",
            hint="the parties do not run the same program; compare program digests and versions",
            path=path,
        )

    @property
    def finished(self) -> bool:
        return self._finished

    # --- the side of the receiver ----------------------------------------------------------------

    async def take(self, path: str, limit_bytes: int) -> Frame:
        """The frame of this name. Raises what `Transport.recv` raises."""
        with self._changed:
            if self.failure is not None:
                raise self.failure.error(path)
            frame = self._arrived.pop(path, None)
            if frame is not None:
                self._buffered_bytes -= size_bytes(frame.body) + FRAME_OVERHEAD_BYTES
            else:
                waiter = self._enlist(path, limit_bytes)
            self._changed.notify_all()
        if frame is not None:
            return self._checked(frame, limit_bytes)
        timer = self._loop.call_later(self._timeout_s, self._expire, path, waiter)
        try:
            return await waiter.future
        finally:
            timer.cancel()
            with self._changed:
                if self._waiting.get(path) is waiter:  # cancelled by the caller or expired
                    del self._waiting[path]

    def _checked(self, frame: Frame, limit_bytes: int) -> Frame:
        try:
            self._check_length(frame.path, size_bytes(frame.body), limit_bytes)
        except PeerError as error:
            self.fail(Failure.of(error))
            raise
        return frame

    def _enlist(self, path: str, limit_bytes: int) -> _Waiter:
        if self._finished:
            raise self.left(path)
        known = blake2b(path.encode(), digest_size=16).digest() in self._seen and path != self._arriving
        if path in self._waiting or known:
            raise InternalError("NET-0006", "a frame of this name is received twice", path=path)
        waiter = self._waiting[path] = _Waiter(self._loop.create_future(), limit_bytes, time.monotonic())
        return waiter

    def _expire(self, path: str, waiter: _Waiter) -> None:
        idle_s = time.monotonic() - max(waiter.since_s, self.last_byte_s)
        if waiter.future.done():
            return
        if idle_s < self._timeout_s - 0.001:  # bytes still flow: a long frame on a slow line is not a stall
            self._loop.call_later(self._timeout_s - idle_s, self._expire, path, waiter)
            return
        full = "; the buffer of unclaimed frames is full" if self._is_full() else ""
        waiter.future.set_exception(
            TransportError(
                "NET-0003",
                f"nothing came from party {self.peer} for {idle_s:.1f} s{full}",
                hint=f"check that party {self.peer} runs the same job and has not stopped; "
                "raise the time limit if it computes for long",
                path=path,
            )
        )

    def _is_full(self) -> bool:
        return self._buffer_limit_bytes is not None and self._buffered_bytes >= self._buffer_limit_bytes

    def _check_length(self, path: str, n_bytes: int, limit_bytes: int) -> None:
        if n_bytes > limit_bytes:
            raise PeerError(
                "PEER-0001",
                f"party {self.peer} sent {n_bytes} bytes where at most {limit_bytes} were due",
                hint="the parties do not run the same program, or the peer deviates from it",
                path=path,
            )

    def _call(self, function: Callable[..., None], *args: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            if threading.get_ident() == self._loop_thread:
                self._loop.call_soon(function, *args)
            else:
                self._loop.call_soon_threadsafe(function, *args)


def _settle(future: asyncio.Future[Frame], frame: Frame) -> None:
    if not future.done():
        future.set_result(frame)


def _refuse(future: asyncio.Future[Frame], error: TacitError) -> None:
    if not future.done():
        future.set_exception(error)
