"""What carries frames between parties: the interface only. Implementations live in `tacit.net`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

Buffer = bytes | bytearray | memoryview

FRAME_LIMIT_BYTES = 1 << 30
"""No frame body is longer; protocols send long arrays in several messages."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: `path` names it (unique in a run per sender and receiver), `clock` is its round depth."""

    path: str
    frm: int
    to: int
    body: Buffer
    clock: int


class Transport(Protocol):
    """Point-to-point, authenticated, confidential, ordered only by name."""

    async def send(self, frame: Frame) -> None:
        """Hand over `frame`; returns when it may be forgotten. Raises TransportError."""

    async def recv(self, path: str, frm: int, to: int, *, limit_bytes: int) -> Frame:
        """The frame of this name; its body is read-only.

        Raises: PeerError PEER-0001 if longer than `limit_bytes`, PEER-0002 if the peer aborted, PEER-0003 for
        a name used twice, PEER-0004 if the peer finished without it; TransportError NET-0003 on timeout.
        """

    async def close(self, abort_code: str = "") -> None:
        """End all links; with `abort_code`, peers raise PeerError PEER-0002 naming it. Idempotent."""


class Clock(Protocol):
    """Wall clock handed in by the application; nothing below `apps` reads one by itself."""

    def now_s(self) -> float:
        """Monotonic seconds."""
