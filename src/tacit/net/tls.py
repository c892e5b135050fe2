"""Parties in several processes: mutual TLS 1.3 between pinned certificates, two connections per pair.

`channel_binding` is equal at all parties of one run and different in every other: for two parties the hash
described at `rendezvous.binding_of`, for more the hash of all pairs' bindings, which the parties tell each
other over their links and compare.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from tacit.base.errors import InternalError, PeerError, TransportError, UsageError
from tacit.base.log import Sink, silent
from tacit.base.transport import Frame
from tacit.net.link import Link
from tacit.net.pinning import (
    Endpoint,
    PeerAddress,
    TlsIdentity,
    client_context,
    file_fingerprint,
    pinned_fingerprint,
)
from tacit.net.rendezvous import Listener, Sightings, Sockets, dial

__all__ = ["Endpoint", "PeerAddress", "TlsIdentity", "TlsTransport", "connect", "file_fingerprint"]

BUFFER_LIMIT_BYTES = 1 << 30
_BINDINGS = "net/bindings"
_BINDING_BYTES = 32


class TlsTransport:
    """One party's links to all others. `wire_bytes_sent` counts headers, paths and bodies, not TLS's own."""

    def __init__(self, me: int, links: dict[int, Link], channel_binding: bytes) -> None:
        self.me = me
        self.channel_binding = channel_binding
        self._links = links
        self._closing: asyncio.Task[None] | None = None

    @property
    def wire_bytes_sent(self) -> int:
        return sum(link.wire_bytes_sent for link in self._links.values())

    async def send(self, frame: Frame) -> None:
        """Returns when the kernel has `frame`, whose body may then change.

        Raises: PeerError PEER-0001 … PEER-0004, TransportError NET-0003 (stalled), NET-0004 (lost).
        """
        await self._link(frame.frm, frame.to, frame.path).send(frame)

    async def recv(self, path: str, frm: int, to: int, *, limit_bytes: int) -> Frame:
        """The frame of this name; its body is read-only.

        Raises: PeerError PEER-0001 (longer than `limit_bytes`, or garbage), PEER-0002 (aborted), PEER-0003
        (a name used twice), PEER-0004 (finished without it), TransportError NET-0003, NET-0004.
        """
        return await self._link(to, frm, path).inbox.take(path, limit_bytes)

    async def close(self, abort_code: str = "") -> None:
        """End all links; with `abort_code`, peers raise PeerError PEER-0002 naming it. Idempotent."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close(abort_code))
        await asyncio.shield(self._closing)

    async def _close(self, abort_code: str) -> None:
        await asyncio.gather(*(link.close(abort_code) for link in self._links.values()))

    def _link(self, mine: int, other: int, path: str) -> Link:
        if mine != self.me or other not in self._links:
            raise InternalError(
                "NET-0006", f"party {self.me} cannot carry a frame between {mine} and {other}", path=path
            )
        return self._links[other]


async def connect(
    me: Endpoint,
    peers: PeerAddress | Sequence[PeerAddress],
    *,
    timeout_s: float = 60.0,
    on_wait: Callable[[float], None] | None = None,
    recv_timeout_s: float = 300.0,
    buffer_limit_bytes: int = BUFFER_LIMIT_BYTES,
    sink: Sink = silent,
) -> TlsTransport:
    """Links to all `peers`, which together with `me` are numbered 0 … n-1.

    The lower number of a pair listens, the higher dials; they may start in any order within `timeout_s`.
    `on_wait(seconds waited)` is called about once a second. A recv fails after `recv_timeout_s`
    in which no byte has come.
    Raises: TransportError NET-0001 (a peer did not come), NET-0002 (port busy), NET-0005 (wrong certificate),
    NET-0007 (party numbers disagree), UsageError NET-0008 (unusable file), NET-0009 (unusable numbering).
    """
    peers = [peers] if isinstance(peers, PeerAddress) else sorted(peers, key=lambda peer: peer.party)
    _check_numbers(me, peers)
    sightings = Sightings(sink)
    sockets = await _meet(me, peers, sightings, timeout_s, on_wait)
    links = {
        party: Link(
            me.party,
            party,
            pair.incoming,
            pair.outgoing,
            timeout_s=recv_timeout_s,
            buffer_limit_bytes=buffer_limit_bytes,
        )
        for party, pair in sorted(sockets.items())
    }
    bindings = {party: pair.binding for party, pair in sockets.items()}
    transport = TlsTransport(me.party, links, next(iter(bindings.values())))
    if len(peers) > 1:
        try:
            transport.channel_binding = await _agree_on_bindings(transport, len(peers) + 1, bindings)
        except BaseException:
            await transport.close()
            raise
    return transport


def _check_numbers(me: Endpoint, peers: Sequence[PeerAddress]) -> None:
    numbers = sorted([me.party, *(peer.party for peer in peers)])
    if len(numbers) < 2 or numbers != list(range(len(numbers))):
        raise UsageError("NET-0009", f"parties must be numbered 0 to n-1 without gaps, not {numbers}")
    pins = [file_fingerprint(me.identity.certificate_path), *map(pinned_fingerprint, peers)]
    if len(set(pins)) != len(pins):
        raise UsageError(
            "NET-0009",
            "two parties have the same certificate",
            hint="every party makes its own identity; check which certificate files you were given",
        )


async def _meet(
    me: Endpoint,
    peers: Sequence[PeerAddress],
    sightings: Sightings,
    timeout_s: float,
    on_wait: Callable[[float], None] | None,
) -> dict[int, Sockets]:
    n, started_s = len(peers) + 1, time.monotonic()
    higher = [peer for peer in peers if peer.party > me.party]
    lower = [peer for peer in peers if peer.party < me.party]
    listener = Listener(me, higher, n, sightings) if higher else None
    tasks: dict[asyncio.Future[Any], PeerAddress | None] = {}
    try:
        if listener:
            tasks[asyncio.ensure_future(listener.run())] = None
        if lower:
            context = client_context(me.identity, lower)
            for peer in lower:
                tasks[asyncio.ensure_future(dial(me, peer, n, sightings, context))] = peer
        pending: set[asyncio.Future[Any]] = set(tasks)
        next_call_s = 1.0
        while pending:
            left_s = timeout_s - (time.monotonic() - started_s)
            pause_s = max(0.0, min(left_s, next_call_s - (timeout_s - left_s)))
            done, pending = await asyncio.wait(pending, timeout=pause_s, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
            waited_s = time.monotonic() - started_s
            if pending and waited_s >= timeout_s:
                raise _nobody_came(me, [tasks[task] for task in pending], sightings, waited_s)
            if pending and waited_s >= next_call_s:
                next_call_s += 1.0
                if on_wait is not None:
                    on_wait(waited_s)
    except BaseException:
        await _discard(tasks)
        if listener:
            listener.close()  # its task may not have begun
        raise
    met: dict[int, Sockets] = {}
    for task, dialed in tasks.items():
        met.update(task.result() if dialed is None else {dialed.party: task.result()})
    return met


async def _discard(tasks: dict[asyncio.Future[Any], PeerAddress | None]) -> None:
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Sockets):
            result.close()
        elif isinstance(result, dict):
            for pair in result.values():
                pair.close()


def _nobody_came(
    me: Endpoint, missing: Sequence[PeerAddress | None], sightings: Sightings, waited_s: float
) -> TransportError:
    """NET-0001, or what is more telling: the wrong certificate or numbering that was seen meanwhile."""
    if sightings.wrong:
        return next(iter(sightings.wrong.values()))
    places = [
        f"listening on {me.host}:{me.port}"
        if peer is None
        else f"dialing party {peer.party} at {peer.host}:{peer.port}"
        for peer in missing
    ]
    return TransportError(
        "NET-0001",
        f"no link after {waited_s:.1f} s of {' and '.join(places)}; seen: {sightings.summary()}",
        hint="is the other side started, with the same addresses, ports and certificates? "
        "Does a firewall stand between?",
    )


async def _agree_on_bindings(transport: TlsTransport, n: int, own: dict[int, bytes]) -> bytes:
    """The hash of all pairs' bindings. Raises PeerError PEER-0001 if two parties name different ones."""
    me = transport.me
    zero = bytes(_BINDING_BYTES)
    rows = {me: [own.get(party, zero) for party in range(n)]}
    for party in own:
        await transport.send(Frame(_BINDINGS, me, party, b"".join(rows[me]), 0))
    for party in own:
        frame = await transport.recv(_BINDINGS, party, me, limit_bytes=n * _BINDING_BYTES)
        body = bytes(frame.body)
        rows[party] = [body[i : i + _BINDING_BYTES] for i in range(0, len(body), _BINDING_BYTES)]
        if len(body) != n * _BINDING_BYTES:
            raise PeerError("PEER-0001", f"party {party} sent a malformed list of link bindings")
    for low in range(n):
        for high in range(low + 1, n):
            if rows[low][high] != rows[high][low]:
                raise PeerError(
                    "PEER-0001", f"parties {low} and {high} name different bindings of their link"
                )
    pairs = (rows[low][high] for low in range(n) for high in range(low + 1, n))
    return hashlib.sha256(b"tacit-channel-bindings-1" + b"".join(pairs)).digest()
