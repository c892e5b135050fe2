"""Recording a party's frames and replaying them: how an audit runs a party again without its peers.

A replay never talks to anybody: what is received comes from the record, and what is sent must be, byte for
byte, what was sent then. A record holds whatever the frames held; guard it like the party's own data.
"""

from __future__ import annotations

from collections.abc import Iterable

from tacit.base.errors import UsageError
from tacit.base.transport import Frame, Transport
from tacit.net import framing


class Recorder:
    """Passes everything on to `inner` and keeps a copy of every frame sent and received, in order."""

    def __init__(self, inner: Transport) -> None:
        self.frames: list[Frame] = []
        self.abort_code: str | None = None
        self._inner = inner

    async def send(self, frame: Frame) -> None:
        """As `inner.send`; a frame that could not be sent is not in the record."""
        kept = _copy(frame)
        await self._inner.send(frame)
        self.frames.append(kept)

    async def recv(self, path: str, frm: int, to: int, *, limit_bytes: int) -> Frame:
        """As `inner.recv`."""
        frame = await self._inner.recv(path, frm, to, limit_bytes=limit_bytes)
        self.frames.append(_copy(frame))
        return frame

    async def close(self, abort_code: str = "") -> None:
        """As `inner.close`."""
        if self.abort_code is None:
            self.abort_code = abort_code
        await self._inner.close(abort_code)


class Replay:
    """Party `me` once more, on the frames of a record. Any departure from it raises UsageError NET-0010."""

    def __init__(self, frames: Iterable[Frame], me: int) -> None:
        self.me = me
        self._frames: dict[tuple[str, int, int], Frame] = {}
        for frame in frames:
            key = (frame.path, frame.frm, frame.to)
            if me not in (frame.frm, frame.to) or key in self._frames:
                raise _departs("the record holds a frame twice or one of other parties", frame.path)
            self._frames[key] = frame

    @property
    def left(self) -> int:
        """Frames of the record that have been neither sent nor received again yet."""
        return len(self._frames)

    async def send(self, frame: Frame) -> None:
        """Compare `frame` with the one sent then. Raises UsageError NET-0010."""
        recorded = self._pop(frame.path, frame.frm, frame.to)
        same = framing.byte_view(recorded.body) == framing.byte_view(frame.body)
        if not same or recorded.clock != frame.clock:
            raise _departs("a frame differs from the one that was sent then", frame.path)

    async def recv(self, path: str, frm: int, to: int, *, limit_bytes: int) -> Frame:
        """The recorded frame of this name. Raises UsageError NET-0010."""
        frame = self._pop(path, frm, to)
        if framing.size_bytes(frame.body) > limit_bytes:
            raise _departs(f"the recorded frame is longer than the {limit_bytes} bytes now expected", path)
        return frame

    async def close(self, abort_code: str = "") -> None:
        """Nothing to close."""

    def _pop(self, path: str, frm: int, to: int) -> Frame:
        frame = self._frames.pop((path, frm, to), None)
        if frame is None:
            raise _departs(f"no frame of this name from party {frm} to {to} is left in the record", path)
        return frame


def _copy(frame: Frame) -> Frame:
    return Frame(frame.path, frame.frm, frame.to, bytes(framing.byte_view(frame.body)), frame.clock)


def _departs(message: str, path: str) -> UsageError:
    return UsageError(
        "NET-0010",
        f"the replay departs from the record: {message}",
        hint="replay with the same release, program, inputs and seeds; "
        "if they are the same, the record was changed",
        path=path,
    )
