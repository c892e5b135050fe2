"""What comes from one peer: short frames are read where they are used, long ones beside the computation.

The event loop reads by itself as long as frames are short, which saves two changes of thread for each. When a
long frame begins, or the inbox is full, a thread takes the connection over, so that decrypting overlaps with
computing; it gives it back when nothing has come for `IDLE_S` between two frames. Only one of the two touches
the connection at any time: `_frames` is the one place where bytes are read, and says what it waits for.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
import threading
import time
from collections.abc import Generator
from contextlib import suppress

from tacit.base.errors import TacitError
from tacit.base.transport import Frame
from tacit.net import framing
from tacit.net.buffers import Buffers
from tacit.net.inbox import Failure, Inbox, aborted, lost

STAGE_BYTES = 64 << 10
LONG_BYTES = 128 << 10
"""Bodies of more than this are read by the thread."""
FRAMES_AT_ONCE = 64
"""Frames that the event loop reads before it looks at anything else."""
IDLE_S = 0.002

NOTHING, MIDDLE, LONG, FULL, FRAME = "nothing", "middle", "long", "full", "frame"
"""What `_frames` waits for: a frame, the rest of one, a place to read a long one, room in the inbox; and that
it has delivered one."""
Need = str


def hang_up(sock: socket.socket) -> None:
    """End both directions at TCP level, waking whoever waits for `sock`; its TLS state is left alone."""
    with suppress(OSError):  # already gone
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def has_left(outgoing: socket.socket) -> bool:
    """Whether the peer has ended the connection on which it only listens; False where the system cannot tell.

    On the other connection its end would not be seen while we do not read: it queues up behind the data.
    """
    if not hasattr(select, "POLLRDHUP"):
        return False
    poll = select.poll()
    poll.register(outgoing, select.POLLRDHUP)
    return bool(poll.poll(0))


def reason(error: BaseException) -> str:
    """What went wrong, without addresses or paths of this machine."""
    if isinstance(error, ssl.SSLError):
        return f"TLS failure {error.reason or 'unknown'}"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error) or type(error).__name__


class Reader:
    """Reads frames into the inbox until goodbye, abort, garbage or loss; then says which to the inbox.

    `sock` is non-blocking. Made and started on the event loop's thread.
    """

    def __init__(self, sock: ssl.SSLSocket, inbox: Inbox, me: int, outgoing: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._outgoing = outgoing
        self._sock = sock
        self._inbox = inbox
        self._me = me
        self._buffers = Buffers()
        self._stage = bytearray(STAGE_BYTES)
        self._view = memoryview(self._stage)
        self._start = self._end = 0
        self._path = ""
        self._needs = self._frames()
        self._ended = False
        self._handed_over = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name=f"tacit-read-{inbox.peer}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._take_back()

    def is_alive(self) -> bool:
        """Whether more may come, or its thread has not ended yet."""
        return not self._ended or self._thread.is_alive()

    # --- who reads ---------------------------------------------------------------------------------------

    def _take_back(self) -> None:
        """The event loop reads again."""
        if not self._ended:
            self._loop.add_reader(self._sock, self._on_readable)
            self._on_readable()

    def _on_readable(self) -> None:
        for _ in range(FRAMES_AT_ONCE):
            need = self._step()
            if need in (NOTHING, MIDDLE):
                return
            if need != FRAME:
                self._loop.remove_reader(self._sock)
                if need in (LONG, FULL):
                    self._hand_over()
                return
        self._loop.remove_reader(self._sock)  # what is decrypted already would not wake the loop
        self._loop.call_soon(self._take_back)

    def _hand_over(self) -> None:
        if not self._thread.is_alive():
            self._thread.start()
        self._handed_over.release()

    def _run(self) -> None:
        """The thread: reads whenever it is handed the connection, until nothing has come for a while."""
        readable = select.poll()
        readable.register(self._sock, select.POLLIN)
        while True:
            self._handed_over.acquire()
            if self._ended:
                return
            while (need := self._step()) is not None:
                if need == FULL:
                    self._inbox.wait_for_room(self._path, lambda: has_left(self._outgoing))
                elif need == MIDDLE:
                    readable.poll()
                elif need == NOTHING and not readable.poll(IDLE_S * 1000):
                    break
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._take_back)

    def _step(self) -> Need | None:
        """What is needed to go on, None at the end, of which the inbox then knows."""
        deviates = False
        try:
            return next(self._needs)
        except StopIteration:
            pass
        except TacitError as error:
            self._inbox.fail(Failure.of(error))
            deviates = True
        except Exception as error:  # whatever it is, those who wait must learn of it
            self._inbox.fail(lost(self._inbox.peer, reason(error)))
        if not deviates:  # a peer that deviates is there: our abort can still reach it
            hang_up(self._outgoing)  # nobody reads there any more; wakes a writer that waits for room
        self._ended = True
        self._handed_over.release()  # the thread ends too
        return None

    # --- what is read ------------------------------------------------------------------------------------

    def _frames(self) -> Generator[Need]:
        """Deliver frame after frame until goodbye or abort; yields what it needs to go on."""
        peer = self._inbox.peer
        while True:
            header = framing.parse((yield from self._take(framing.HEADER_BYTES)))
            name = yield from self._take(header.path_bytes)
            if header.kind == framing.GOODBYE:
                return self._inbox.finish()
            if header.kind == framing.ABORT:
                return self._inbox.fail(aborted(peer, framing.parse_code(name)))
            self._path = framing.parse_path(name)
            if not self._inbox.has_room(self._path):
                yield FULL
            self._inbox.announce(self._path, header.body_bytes)
            if header.body_bytes > LONG_BYTES:
                yield LONG
            body = yield from self._body(header.body_bytes)
            self._inbox.deliver(Frame(self._path, peer, self._me, body, header.clock))
            yield FRAME

    def _take(self, n_bytes: int) -> Generator[Need, None, memoryview]:
        """The next `n_bytes` <= STAGE_BYTES, valid until the next call."""
        if self._end - self._start < n_bytes:
            left = self._end - self._start
            if left:
                self._stage[:left] = self._stage[self._start : self._end]
            self._start, self._end = 0, left
            while self._end < n_bytes:
                self._end += yield from self._receive(
                    self._view[self._end :], MIDDLE if self._end else NOTHING
                )
        at = self._start
        self._start += n_bytes
        return self._view[at : self._start]

    def _body(self, n_bytes: int) -> Generator[Need, None, memoryview]:
        staged = min(n_bytes, self._end - self._start)
        body = self._buffers.take(n_bytes)
        body[:staged] = yield from self._take(staged)
        while staged < n_bytes:
            staged += yield from self._receive(body[staged:], MIDDLE)
        return body.toreadonly()

    def _receive(self, into: memoryview, need: Need) -> Generator[Need, None, int]:
        """At least one byte; yields `need` while there is none."""
        while True:
            try:
                n_bytes = self._sock.recv_into(into)
                break
            except ssl.SSLWantReadError:
                yield need
        if n_bytes == 0:
            raise EOFError("it ended without a goodbye")
        self._inbox.last_byte_s = time.monotonic()
        return n_bytes
