"""One peer's byte pump: a reader and a writer, each with a TLS connection of its own.

An SSL object must not be used by two threads at once, hence two connections per pair, each carrying
application data in one direction only. Long frames are read and written by threads, beside the computation.
Short ones by the event loop's thread itself while the other is idle, which saves thread switches; sockets are
non-blocking, so the loop never waits.
One link should not carry more than 2^24 full records (256 GiB) per direction: the standard library cannot
update TLS keys, and that is where AES-GCM's margin of 2^-57 ends (RFC 8446 §5.5).
"""

from __future__ import annotations

import asyncio
import errno
import selectors
import ssl
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from tacit.base.errors import TacitError, TransportError
from tacit.base.transport import Frame
from tacit.net import framing
from tacit.net.inbox import CLOSED, Failure, Inbox, lost
from tacit.net.reader import Reader, hang_up, reason

INLINE_BYTES = 16 << 10
"""Frames up to one TLS record are written inline."""
CHUNK_BYTES = 1 << 20
LINGER_S = 3.0
"""How long `close` waits for the goodbye to be accepted by the kernel, and for each thread to end."""
VERDICT_S = 1.0
"""How long a failed write waits for the reader to learn why (an abort code tells more than a broken pipe)."""


@dataclass(slots=True)
class _Letter:
    """Something to write: views in order, and who waits for it to be written (None: nobody)."""

    views: deque[memoryview]
    done: asyncio.Future[None] | None


class Writer(threading.Thread):
    """Writes frames to one connection. `wire_bytes` counts headers, paths and bodies; TLS adds 0.2 %."""

    def __init__(
        self, sock: ssl.SSLSocket, peer: int, loop: asyncio.AbstractEventLoop, *, stall_timeout_s: float
    ) -> None:
        super().__init__(name=f"tacit-write-{peer}", daemon=True)
        self.wire_bytes = 0
        self.error: OSError | None = None
        self._sock = sock
        self._peer = peer
        self._loop = loop
        self._stall_timeout_s = stall_timeout_s
        self._queue: deque[_Letter] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._busy = False
        self._stopping = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(sock, selectors.EVENT_WRITE)

    def try_inline(self, raw: bytes) -> bool:
        """Write `raw` from the event loop's thread if that needs no waiting at all. Raises OSError.

        True if it was written or will be by the thread without anybody waiting for it.
        """
        with self._changed:
            if self._busy or self._queue or self._stopping:
                return False
            self._busy = True
        wants_more = False
        try:
            self._sock.send(raw)
            self.wire_bytes += len(raw)
        except ssl.SSLWantWriteError:
            wants_more = True  # TLS demands that the same bytes are offered again
        finally:
            with self._changed:
                self._busy = False
                if wants_more:
                    self._queue.appendleft(_Letter(deque([memoryview(raw)]), None))
                if self._queue or self._stopping:
                    self._changed.notify_all()
        return True

    def post(self, views: deque[memoryview], *, awaited: bool = True) -> asyncio.Future[None] | None:
        """Queue `views` for the thread; the future is done when all are written."""
        letter = _Letter(views, self._loop.create_future() if awaited else None)
        with self._changed:
            if self._stopping:
                raise self.error or BrokenPipeError(errno.EPIPE, "the writer has stopped")
            self._queue.append(letter)
            self._changed.notify_all()
        return letter.done

    def finish(self, last_words: bytes, *, drop_queue: bool) -> None:
        """Write `last_words` after what is queued (or instead of it) and end. Returns at once."""
        with self._changed:
            if self._stopping:
                return
            dropped = list(self._queue) if drop_queue else []
            if drop_queue:
                self._queue.clear()
            self._queue.append(_Letter(deque([memoryview(last_words)]), None))
            self._stopping = True
            self._changed.notify_all()
        for letter in dropped:
            self._settle(letter, CLOSED.error())

    def run(self) -> None:
        letter: _Letter | None = None
        try:
            while (letter := self._next()) is not None:
                while letter.views:
                    self._write(letter.views[0])
                    letter.views.popleft()
                with self._changed:
                    self._busy = False
                self._settle(letter, None)
        except Exception as error:  # whatever it is, those who wait must learn of it
            self.error = error if isinstance(error, OSError) else OSError(errno.EIO, reason(error))
            self._give_up(letter, self.error)
        finally:
            self._selector.close()

    def _next(self) -> _Letter | None:
        with self._changed:
            while self._busy or not self._queue:
                if self._stopping and not self._busy:
                    return None
                self._changed.wait()
            self._busy = True
            return self._queue.popleft()

    def _write(self, view: memoryview) -> None:
        for start in range(0, len(view), CHUNK_BYTES):
            chunk = view[start : start + CHUNK_BYTES]
            while True:
                try:
                    self._sock.send(chunk)  # all of it or the exception
                    break
                except ssl.SSLWantWriteError:
                    if not self._selector.select(self._stall_timeout_s):
                        raise TimeoutError(
                            f"party {self._peer} accepted no byte for {self._stall_timeout_s:.1f} s"
                        ) from None
            self.wire_bytes += len(chunk)

    def _give_up(self, letter: _Letter | None, error: BaseException) -> None:
        with self._changed:
            letters = ([letter] if letter else []) + list(self._queue)
            self._queue.clear()
            self._stopping, self._busy = True, False
        for each in letters:
            self._settle(each, error)

    def _settle(self, letter: _Letter, error: BaseException | None) -> None:
        if letter.done is None:
            return
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(_resolve, letter.done, error)


def _resolve(future: asyncio.Future[None], error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


class Link:
    """Both directions to one peer. `incoming` and `outgoing` are connected and verified TLS sockets."""

    def __init__(
        self,
        me: int,
        peer: int,
        incoming: ssl.SSLSocket,
        outgoing: ssl.SSLSocket,
        *,
        timeout_s: float,
        buffer_limit_bytes: int,
    ) -> None:
        loop = asyncio.get_running_loop()
        incoming.setblocking(False)
        outgoing.setblocking(False)
        self.peer = peer
        self.inbox = Inbox(peer, loop, timeout_s=timeout_s, buffer_limit_bytes=buffer_limit_bytes)
        self._sockets = (incoming, outgoing)
        self._reader = Reader(incoming, self.inbox, me, outgoing)
        self._writer = Writer(outgoing, peer, loop, stall_timeout_s=timeout_s)
        self._writer.start()
        self._reader.start()

    @property
    def wire_bytes_sent(self) -> int:
        return self._writer.wire_bytes

    async def send(self, frame: Frame) -> None:
        """Returns when the kernel has `frame`. Raises what the link has died of."""
        self._raise_if_dead(frame.path)
        head, body = framing.head(frame), framing.byte_view(frame.body)
        try:
            if len(head) + len(body) <= INLINE_BYTES:
                raw = head + body
                if self._writer.try_inline(raw):
                    return
                posted = self._writer.post(deque([memoryview(raw)]))
            else:
                posted = self._writer.post(deque([memoryview(head), body]))
            assert posted is not None
            await posted
        except OSError as error:
            if isinstance(error, TacitError):
                raise
            raise await self._verdict(frame.path, error) from None

    async def _verdict(self, path: str, error: OSError) -> TacitError:
        """Why a write failed: what the reader has heard, or else the write's own error."""
        deadline_s = time.monotonic() + VERDICT_S
        stalled = isinstance(error, TimeoutError)
        while not stalled and self._reader.is_alive() and time.monotonic() < deadline_s:
            await asyncio.sleep(0.005)
        if self.inbox.finished:
            return self.inbox.left(path)
        if stalled:
            hint = (
                f"check that party {self.peer} has not stopped and that its buffer of frames is large enough"
            )
            self.inbox.fail(Failure(TransportError, "NET-0003", str(error), hint))
        else:
            self.inbox.fail(lost(self.peer, reason(error)))
        assert self.inbox.failure is not None
        return self.inbox.failure.error(path)

    def _raise_if_dead(self, path: str) -> None:
        if self.inbox.failure is not None:
            raise self.inbox.failure.error(path)
        if self.inbox.finished:
            raise self.inbox.left(path)

    async def close(self, abort_code: str) -> None:
        """Say goodbye or abort, end both threads, close both sockets; takes at most about 2 * LINGER_S."""
        incoming, outgoing = self._sockets
        self.inbox.fail(CLOSED)  # first: whatever the peer does now is no news; wakes a paused reader too
        last_words = framing.abort(abort_code) if abort_code else framing.goodbye()
        self._writer.finish(last_words, drop_queue=bool(abort_code))
        await _ended(self._writer)
        hang_up(outgoing)
        hang_up(incoming)
        await _ended(self._reader)
        await _ended(self._writer)
        for sock in self._sockets:
            sock.close()


async def _ended(thread: Reader | Writer) -> None:
    """Wait until `thread` ends, LINGER_S at most. Polls, so that the event loop is never blocked."""
    deadline_s = time.monotonic() + LINGER_S
    pause_s = 0.0005
    while thread.is_alive() and time.monotonic() < deadline_s:
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, 0.05)
