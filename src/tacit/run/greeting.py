"""The first words of two parties: versions and agreed terms are compared before anything else is sent."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tacit.base.errors import PeerError, TacitError
from tacit.base.transport import Frame, Transport
from tacit.base.wire import Document

if TYPE_CHECKING:
    from tacit.run.job import Job

PRODUCT_VERSION = "0.1.0"
WIRE_VERSION = 1
_HELLO_BYTES = 1 << 14


async def greet(job: Job, me: int, transport: Transport) -> None:
    """Compare versions and agreed terms with every other party before anything else is sent.

    Raises: PeerError JOB-0002 (other product or wire version; names who must upgrade), JOB-0003 (other
    terms; names the sections). Nothing is ever downgraded.
    """
    mine = {
        "wire": WIRE_VERSION,
        "product": PRODUCT_VERSION,
        "party": job.parties[me].name,
        "sections": job.sections(),
    }
    others = [other for other in range(len(job.parties)) if other != me]
    for other in others:
        await transport.send(Frame("hello", me, other, Document(mine).pack(), 0))
    for other in others:
        frame = await transport.recv("hello", other, me, limit_bytes=_HELLO_BYTES)
        theirs = dict(Document.unpack(frame.body, (_HELLO_BYTES,)).fields)
        try:
            _compare(job, mine, theirs, job.parties[other].name)
        except PeerError:
            # Until the peer has read our greeting: it must learn what differs, too.
            with suppress(TacitError):
                await transport.send(Frame("differs", me, other, b"", 0))
                await transport.recv("differs", other, me, limit_bytes=0)
            raise


def _compare(job: Job, mine: dict[str, Any], theirs: dict[str, Any], peer: str) -> None:
    versions = _version(theirs)
    if versions != _version(mine):
        behind = repr(peer) if versions < _version(mine) else f"this side, {mine['party']!r},"
        raise PeerError(
            "JOB-0002",
            f"{peer!r} runs Tacit {_spoken(versions)}, this side {_spoken(_version(mine))}",
            hint=f"{behind} must upgrade; versions are never mixed and nothing is downgraded",
        )
    sections = theirs.get("sections")
    if not isinstance(sections, dict):
        raise PeerError("PEER-0001", "the peer's greeting lists no terms")
    # Only our own names are shown: the peer does not choose text for our screen.
    differing = sorted(name for name, digest in mine["sections"].items() if sections.get(name) != digest)
    if differing or len(sections) != len(mine["sections"]):
        what = ", ".join(map(job.spoken, differing)) or "their sections"
        raise PeerError(
            "JOB-0003",
            f"the job files of {mine['party']!r} and {peer!r} differ in: {what}",
            hint="compare files (everything outside `local`) and options, and agree; nothing was sent",
        )


def _version(greeting: Mapping[str, Any]) -> tuple[int, ...]:
    """(wire version, product version…) of a greeting; older ones compare as less."""
    wire, product = greeting.get("wire"), greeting.get("product")
    numbers = product.split(".") if isinstance(product, str) else []
    sound = len(numbers) == 3 and all(number.isdecimal() and len(number) < 6 for number in numbers)
    if not isinstance(wire, int) or not sound:
        raise PeerError("PEER-0001", "the peer's greeting names no version")
    return (wire, *map(int, numbers))


def _spoken(version: tuple[int, ...]) -> str:
    return f"{'.'.join(map(str, version[1:]))} (wire version {version[0]})"
