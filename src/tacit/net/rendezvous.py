"""How two parties find each other: the lower number listens, the higher dials, either may start first.

Each pair makes two TLS connections. The listener speaks first (so the dialer learns at once whether its
certificate was taken), the dialer then names its party number, the direction and a random link id that both
connections of one process share, and the listener answers with a status byte.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import socket
import ssl
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tacit.base.errors import TransportError
from tacit.base.log import Sink
from tacit.base.prg import fresh_entropy
from tacit.net.pinning import (
    Endpoint,
    PeerAddress,
    file_fingerprint,
    fingerprint,
    pinned_fingerprint,
    probe_context,
    refused_certificate,
    server_context,
    wrong_certificate,
)

GREETING = b"TACIT-LINK-1"
_HELLO = struct.Struct("<12sBBHHH32s")  # magic, direction, zero, parties, from, to, link id
TO_LISTENER, TO_DIALER = 0, 1
OK, NUMBERS_DISAGREE, BUSY = 1, 2, 3
HANDSHAKE_TIMEOUT_S = 10.0
DRAIN_S = 1.0
CONCURRENT_HANDSHAKES = 64
PAUSES_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0)
_REFUSALS = (
    "UNKNOWN_CA",
    "BAD_CERTIFICATE",
    "CERTIFICATE_",
    "_CERTIFICATE",
    "DECRYPT_ERROR",
    "ACCESS_DENIED",
)
_LINK_NAME = "link.tacit"


@dataclass(frozen=True)
class Sockets:
    """The two verified connections of one pair; `binding` is equal on both sides, different for each link."""

    incoming: ssl.SSLSocket
    outgoing: ssl.SSLSocket
    binding: bytes

    def close(self) -> None:
        self.incoming.close()
        self.outgoing.close()


@dataclass
class Sightings:
    """What was seen while waiting, so that a timeout can say more than "timeout"."""

    sink: Sink
    counts: dict[str, int] = field(default_factory=dict)
    wrong: dict[int, TransportError] = field(default_factory=dict)

    def note(self, what: str, party: int = -1) -> None:
        """Count and log the event `what`, a short sentence without addresses."""
        self.counts[what] = self.counts.get(what, 0) + 1
        self.sink("net.refused" if party < 0 else "net.waiting", "net", {"what": what, "party": party})

    def summary(self) -> str:
        return "; ".join(f"{what} ({n} times)" for what, n in self.counts.items()) or "nobody came"


def binding_of(pins: tuple[str, str], to_listener: ssl.SSLSocket, to_dialer: ssl.SSLSocket) -> bytes:
    """SHA-256 over both certificates' fingerprints (listener's first) and both connections' "tls-unique".

    Under TLS 1.3 OpenSSL's "tls-unique" is the client's Finished message: a MAC over the whole handshake,
    certificates and fresh key shares included, under a key that only the two ends have.
    """
    state = hashlib.sha256(b"tacit-channel-binding-1")
    for pin in pins:
        state.update(bytes.fromhex(pin))
    for sock in (to_listener, to_dialer):
        unique = sock.get_channel_binding("tls-unique") or b""
        state.update(len(unique).to_bytes(4, "little") + unique)
    return state.digest()


# --- TLS on a non-blocking socket in the event loop -------------------------------------------------


async def _retry(sock: ssl.SSLSocket, call: Callable[..., Any], *args: Any) -> Any:
    while True:
        try:
            return call(*args)
        except ssl.SSLWantReadError:
            await _ready(sock.fileno(), to_write=False)
        except ssl.SSLWantWriteError:
            await _ready(sock.fileno(), to_write=True)


async def _ready(handle: int, *, to_write: bool) -> None:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    watch, unwatch = (
        (loop.add_writer, loop.remove_writer) if to_write else (loop.add_reader, loop.remove_reader)
    )
    watch(handle, lambda: None if future.done() else future.set_result(None))
    try:
        await future
    finally:
        unwatch(handle)


async def _read(sock: ssl.SSLSocket, n_bytes: int) -> bytes:
    got = b""
    while len(got) < n_bytes:
        part = await _retry(sock, sock.recv, n_bytes - len(got))
        if not part:
            raise ConnectionResetError(errno.ECONNRESET, "closed during the greeting")
        got += part
    return got


async def _wrap(
    raw: socket.socket, context: ssl.SSLContext, *, name: str | None
) -> tuple[ssl.SSLSocket, str]:
    """Handshake over `raw` (as a client if `name` is given); the socket and its peer's fingerprint."""
    try:
        raw.setblocking(False)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _keep_alive(raw)
        sock = context.wrap_socket(
            raw, server_side=name is None, do_handshake_on_connect=False, server_hostname=name
        )
    except BaseException:
        raw.close()
        raise
    try:
        await _retry(sock, sock.do_handshake)
        if sock.version() != "TLSv1.3":
            raise ssl.SSLError(f"{sock.version()} instead of TLS 1.3")
        return sock, fingerprint(sock.getpeercert(binary_form=True) or b"")
    except ssl.SSLError:
        await _drain(sock)
        sock.close()
        raise
    except BaseException:
        sock.close()
        raise


async def _drain(sock: ssl.SSLSocket) -> None:
    """Read away what is still coming, for a short while: closing at once would reset the connection, and
    the peer might then miss the alert that tells it why."""
    try:
        socket.socket.shutdown(sock, socket.SHUT_WR)
        async with asyncio.timeout(DRAIN_S):
            for _ in range(16):
                await _ready(sock.fileno(), to_write=False)
                if not socket.socket.recv(sock, 1 << 16):
                    return
    except OSError:
        pass  # it has gone already, or keeps talking: closed either way


def _keep_alive(raw: socket.socket) -> None:
    """A silent network is noticed within about a minute while nothing is sent.

    No TCP_USER_TIMEOUT: it would also end links whose receiver is alive but busy and lets us wait.
    """
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    wanted = {"TCP_KEEPIDLE": 20, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 4}
    for option, value in wanted.items():
        if hasattr(socket, option):
            raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


# --- the dialing side ------------------------------------------------------------------------------


async def dial(
    me: Endpoint, peer: PeerAddress, n: int, sightings: Sightings, context: ssl.SSLContext
) -> Sockets:
    """Both connections to the lower-numbered `peer`; tries until it succeeds or is cancelled.

    Raises: TransportError NET-0005 (a certificate was refused), NET-0007 (party numbers disagree).
    """
    attempt = 0
    while True:
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                return await _dial_both(me, peer, n, context)
        except TransportError:
            raise
        except ssl.SSLCertVerificationError as error:
            raise await _name_certificate(peer, error.verify_message) from None
        except ssl.SSLError as error:
            if _is_refusal(error):
                await _report_refusal(me, peer, context)
                own = file_fingerprint(me.identity.certificate_path)
                raise refused_certificate(peer.party, own, error.reason or "") from None
            sightings.note(f"something at party {peer.party}'s address does not speak our TLS", peer.party)
        except TimeoutError:
            sightings.note(f"party {peer.party}'s address does not answer", peer.party)
        except OSError as error:
            reason = error.strerror or "no connection"
            sightings.note(f"party {peer.party} not reached: {reason}", peer.party)
        await asyncio.sleep(PAUSES_S[min(attempt, len(PAUSES_S) - 1)])
        attempt += 1


def _is_refusal(error: ssl.SSLError) -> bool:
    reason = error.reason or ""
    return "ALERT" in reason and any(word in reason for word in _REFUSALS)


async def _open(peer: PeerAddress, context: ssl.SSLContext, name: str) -> tuple[ssl.SSLSocket, str]:
    loop = asyncio.get_running_loop()
    try:  # an address needs no resolver, which would be asked on another thread
        found = socket.getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await loop.getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
    failure: OSError = OSError(errno.EADDRNOTAVAIL, "the host name has no address")
    for family, kind, protocol, _, address in found:
        raw = socket.socket(family, kind, protocol)
        try:
            raw.setblocking(False)
            await loop.sock_connect(raw, address)
        except OSError as error:
            raw.close()
            failure = error
            continue
        except BaseException:
            raw.close()
            raise
        return await _wrap(raw, context, name=name)
    raise failure


async def _dial_both(me: Endpoint, peer: PeerAddress, n: int, context: ssl.SSLContext) -> Sockets:
    link_id, made = fresh_entropy(), []
    pin = pinned_fingerprint(peer)
    try:
        for direction in (TO_LISTENER, TO_DIALER):
            sock, presented = await _open(peer, context, _LINK_NAME)
            made.append(sock)
            if presented != pin:
                raise wrong_certificate(peer.party, presented, pin, "not the pinned one")
            if await _read(sock, len(GREETING)) != GREETING:
                raise TransportError(
                    "NET-0007",
                    f"party {peer.party} speaks another version of the link protocol",
                    hint="install the same release on both sides",
                )
            await _retry(
                sock, sock.send, _HELLO.pack(GREETING, direction, 0, n, me.party, peer.party, link_id)
            )
            status = (await _read(sock, 1))[0]
            if status == NUMBERS_DISAGREE:
                raise _disagree(peer.party)
            if status != OK:
                raise OSError(errno.EBUSY, "it is linked to another process with our certificate")
        own = file_fingerprint(me.identity.certificate_path)
        to_listener, to_dialer = made
        return Sockets(to_dialer, to_listener, binding_of((pin, own), to_listener, to_dialer))
    except BaseException:
        for sock in made:
            sock.close()
        raise


def _disagree(party: int) -> TransportError:
    return TransportError(
        "NET-0007",
        f"party {party} expects other party numbers or another number of parties than we do",
        hint="compare the order of the parties in both configurations; it must be the same everywhere",
    )


async def _name_certificate(peer: PeerAddress, reason: str) -> TransportError:
    """NET-0005 for a listener whose certificate OpenSSL refused; looks again, only to name it."""
    presented = "unknown"
    try:
        async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
            sock, presented = await _open(peer, probe_context(), _LINK_NAME)
            sock.close()
    except OSError:
        pass  # it will not show it again
    return wrong_certificate(peer.party, presented, pinned_fingerprint(peer), reason)


async def _report_refusal(me: Endpoint, peer: PeerAddress, context: ssl.SSLContext) -> None:
    """Tell the verified listener, in a server name, which certificate it has refused, so that it can say so.

    Only in this case does a fingerprint travel in the clear, as every certificate did before TLS 1.3.
    """
    own = file_fingerprint(me.identity.certificate_path)
    try:
        async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
            sock, _ = await _open(peer, context, f"{own[:32]}.{own[32:]}.party-{me.party}.tacit")
            try:
                await _read(sock, 1)
            finally:
                sock.close()
    except OSError:
        pass  # refused again, as it should be


# --- the listening side ----------------------------------------------------------------------------


def listen(me: Endpoint) -> socket.socket:
    """The listening socket of `me`. Raises TransportError NET-0002 if it cannot be had."""
    try:
        family = socket.getaddrinfo(
            me.host or None, me.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0][0]
        server = socket.create_server((me.host, me.port), family=family, backlog=128)
    except OSError as error:
        busy = error.errno == errno.EADDRINUSE
        raise TransportError(
            "NET-0002",
            f"cannot listen on {me.host}:{me.port}: "
            + ("the port is busy" if busy else error.strerror or "refused"),
            hint="end the program that holds the port, or choose another port and tell the other parties"
            if busy
            else "choose an address of this machine and a port that you may use",
        ) from None
    server.setblocking(False)
    return server


class Listener:
    """Waits for both connections of every higher-numbered peer; whoever else comes is refused and counted."""

    def __init__(self, me: Endpoint, peers: Sequence[PeerAddress], n: int, sightings: Sightings) -> None:
        self._me, self._n, self._sightings = me, n, sightings
        self._own = file_fingerprint(me.identity.certificate_path)
        self._pins = {pinned_fingerprint(peer): peer.party for peer in peers}
        self._socket = listen(me)  # who dials early waits in its queue instead of trying again
        try:
            self._context = server_context(me.identity, peers)
        except BaseException:
            self._socket.close()
            raise
        self._context.sni_callback = self._hear_name
        self._halves: dict[int, tuple[bytes, ssl.SSLSocket]] = {}
        loop = asyncio.get_running_loop()
        self._links: dict[int, asyncio.Future[Sockets]] = {peer.party: loop.create_future() for peer in peers}

    async def run(self) -> dict[int, Sockets]:
        """The links by party, when all are there."""
        tasks: set[asyncio.Task[None]] = set()
        accepting = asyncio.ensure_future(self._accept(tasks))
        links = list(self._links.values())
        try:
            while not all(link.done() for link in links):
                missing: list[asyncio.Future[Any]] = [link for link in links if not link.done()]
                await asyncio.wait([accepting, *missing], return_when=asyncio.FIRST_COMPLETED)
                if accepting.done():
                    await accepting  # raises: accepting itself has failed
            return {party: link.result() for party, link in self._links.items()}
        except BaseException:
            for link in links:
                if link.done():
                    link.result().close()
            raise
        finally:
            for task in (accepting, *tasks):
                task.cancel()
            await asyncio.gather(accepting, *tasks, return_exceptions=True)
            self.close()

    def close(self) -> None:
        """Stop listening, and drop links that are not complete. Idempotent."""
        self._socket.close()
        for _, sock in self._halves.values():
            sock.close()

    async def _accept(self, tasks: set[asyncio.Task[None]]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while len(tasks) >= CONCURRENT_HANDSHAKES:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            try:
                raw, _ = await loop.sock_accept(self._socket)
            except OSError as error:  # e.g. no file descriptors left, or gone before it was accepted
                self._sightings.note(f"a connection could not be accepted: {error.strerror}")
                await asyncio.sleep(0.1)
                continue
            task = asyncio.ensure_future(self._greet(raw))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _greet(self, raw: socket.socket) -> None:
        """One visitor: hand-shake, hear its hello, keep or refuse it. Never raises because of it."""
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                sock, presented = await _wrap(raw, self._context, name=None)
                try:
                    kept = await self._hear_hello(sock, presented)
                except BaseException:
                    sock.close()
                    raise
                if not kept:
                    sock.close()
        except TimeoutError:
            self._sightings.note("a visitor did not complete the handshake")
        except ssl.SSLError as error:
            self._sightings.note(self._describe(error))
        except OSError:
            self._sightings.note("a visitor left during the handshake")
        finally:
            raw.close()

    def _describe(self, error: ssl.SSLError) -> str:
        reason = error.reason or ""
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"a visitor's certificate is not a pinned one ({error.verify_message})"
        if "UNEXPECTED_EOF" in reason:
            return "a visitor left during the handshake"
        if "PEER_DID_NOT_RETURN_A_CERTIFICATE" in reason:
            return "a TLS client without a certificate came"
        if "ALERT" in reason and any(word in reason for word in _REFUSALS):
            return f"a visitor refused our certificate, sha256 {self._own} ({reason})"
        return f"a visitor does not speak our TLS ({reason or 'no TLS'})"

    def _hear_name(self, sock: object, name: str | None, context: object) -> None:
        """Server name callback: a refused peer says here which certificate it has (see `_report_refusal`)."""
        parts = (name or "").split(".")
        if len(parts) != 4 or not parts[2].startswith("party-") or parts[3] != "tacit":
            return
        number, presented = parts[2].removeprefix("party-"), parts[0] + parts[1]
        is_hex = len(presented) == 64 and all(digit in "0123456789abcdef" for digit in presented)
        for pin, party in self._pins.items():
            if is_hex and number == str(party) and presented != pin:
                self._sightings.wrong[party] = wrong_certificate(
                    party, presented, pin, "as the visitor says itself"
                )

    async def _hear_hello(self, sock: ssl.SSLSocket, presented: str) -> bool:
        party = self._pins.get(presented)
        if (
            party is None
        ):  # OpenSSL let it through, e.g. issued by a pinned certificate: still not the pinned one
            self._sightings.note("a visitor's certificate is not a pinned one")
            return False
        await _retry(sock, sock.send, GREETING)
        hello = _HELLO.unpack(await _read(sock, _HELLO.size))
        magic, direction, zero, n, frm, to, link_id = hello
        if magic != GREETING or zero or direction not in (TO_LISTENER, TO_DIALER):
            self._sightings.note(f"party {party} sent a malformed greeting")
            return False
        status = self._judge(party, n, frm, to)
        if status == OK and direction == TO_DIALER and self._halves.get(party, (b"",))[0] != link_id:
            self._sightings.note(f"party {party}'s second connection does not belong to its first")
            status = BUSY
        await _retry(sock, sock.send, bytes([status]))
        return status == OK and self._keep(party, direction, link_id, sock)

    def _judge(self, party: int, n: int, frm: int, to: int) -> int:
        if (n, frm, to) != (self._n, party, self._me.party):
            self._sightings.wrong[party] = _disagree(party)
            self._sightings.note(f"party {party} has other party numbers than we have")
            return NUMBERS_DISAGREE
        if self._links[party].done():
            self._sightings.note(f"party {party} dialed once more")
            return BUSY
        return OK

    def _keep(self, party: int, direction: int, link_id: bytes, sock: ssl.SSLSocket) -> bool:
        """Whether `sock` is kept: as the first half of a link, or as the second that completes it."""
        if direction == TO_LISTENER:
            _, old = self._halves.pop(party, (b"", None))
            if old is not None:
                old.close()  # an earlier attempt that was not completed
            self._halves[party] = (link_id, sock)
            return True
        first_id, first = self._halves.get(party, (b"", None))
        if first is None or first_id != link_id or self._links[party].done():
            return False  # another connection came in between
        del self._halves[party]
        pin = next(pin for pin, owner in self._pins.items() if owner == party)
        self._links[party].set_result(Sockets(first, sock, binding_of((self._own, pin), first, sock)))
        return True
