"""Frames on a byte stream: one fixed little-endian header, the path in UTF-8, the body.

    magic 4 | kind 1 | zero 1 | path bytes 2 | clock 8 | body bytes 8 | path | body

Sender and receiver are not on the wire: the authenticated link says who they are. Whatever comes in is
hostile until parsed: every length is bounded before anything is allocated.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from tacit.base.errors import InternalError, PeerError
from tacit.base.transport import FRAME_LIMIT_BYTES, Buffer, Frame

MAGIC = b"TCT\x01"
DATA, ABORT, GOODBYE = 1, 2, 3
PATH_LIMIT_BYTES = 4096
CLOCK_LIMIT = 1 << 40
"""No run has so many rounds; the bound keeps a hostile clock from growing without end."""

_HEADER = struct.Struct("<4sBBHQQ")
HEADER_BYTES = _HEADER.size
_CODE = re.compile(r"[A-Z]{2,16}-[0-9]{4}")


@dataclass(frozen=True, slots=True)
class Header:
    """A parsed header: what follows on the stream is `path_bytes`, then `body_bytes`."""

    kind: int
    path_bytes: int
    clock: int
    body_bytes: int


def size_bytes(body: Buffer) -> int:
    """Length in bytes, also of a memoryview whose items are wider."""
    return body.nbytes if isinstance(body, memoryview) else len(body)


def byte_view(body: Buffer) -> memoryview:
    """`body` as a flat memoryview of bytes, without a copy where it is contiguous."""
    view = memoryview(body)
    if view.ndim == 1 and view.format == "B" and view.contiguous:
        return view
    return view.cast("B") if view.c_contiguous else memoryview(view.tobytes())


def head(frame: Frame) -> bytes:
    """Header and path of `frame`. Raises InternalError NET-0006 if it may not travel."""
    path = frame.path.encode()
    n_bytes = size_bytes(frame.body)
    if len(path) > PATH_LIMIT_BYTES or n_bytes > FRAME_LIMIT_BYTES or not 0 <= frame.clock < 1 << 63:
        raise InternalError(
            "NET-0006",
            f"a frame of {n_bytes} bytes with a path of {len(path)} bytes may not travel",
            hint="send long arrays in several messages",
            path=frame.path[:200],
        )
    return _HEADER.pack(MAGIC, DATA, 0, len(path), frame.clock, n_bytes) + path


def abort(code: str) -> bytes:
    """The last frame of a party that gives up; all that it says is `code`."""
    name = code.encode()[:PATH_LIMIT_BYTES]
    return _HEADER.pack(MAGIC, ABORT, 0, len(name), 0, 0) + name


def goodbye() -> bytes:
    """The last frame of a party that has finished."""
    return _HEADER.pack(MAGIC, GOODBYE, 0, 0, 0, 0)


def parse(raw: Buffer) -> Header:
    """The header in `raw` (HEADER_BYTES long). Raises PeerError PEER-0001 if it is not one."""
    magic, kind, zero, path_bytes, clock, body_bytes = _HEADER.unpack(raw)
    if magic != MAGIC or zero != 0 or kind not in (DATA, ABORT, GOODBYE):
        raise PeerError("PEER-0001", "the stream does not carry a frame header of this version")
    if path_bytes > PATH_LIMIT_BYTES:
        raise PeerError("PEER-0001", f"a frame announces a path of {path_bytes} bytes")
    if body_bytes > FRAME_LIMIT_BYTES:
        raise PeerError("PEER-0001", f"a frame announces a body of {body_bytes} bytes")
    if clock >= CLOCK_LIMIT or (kind != DATA and body_bytes) or (kind == GOODBYE and path_bytes):
        raise PeerError("PEER-0001", "a frame header has impossible fields")
    return Header(kind, path_bytes, clock, body_bytes)


def parse_path(raw: Buffer) -> str:
    """The name in `raw`. Raises PeerError PEER-0001 unless it is printable UTF-8."""
    try:
        path = bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        path = ""
    if not path or not path.isprintable():
        raise PeerError("PEER-0001", "a frame's path is not a printable name")
    return path


def parse_code(raw: Buffer) -> str:
    """The abort code in `raw`, or "unknown" if it is not of the form of one."""
    text = bytes(raw).decode("ascii", errors="replace")
    return text if _CODE.fullmatch(text) else "unknown"
