"""How parties meet over TLS, and who is not let in."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tacit.base.errors import TacitError, TransportError, UsageError
from tacit.base.transport import Frame
from tacit.net.pinning import file_fingerprint
from tacit.net.tls import Endpoint, PeerAddress, TlsIdentity, TlsTransport, connect


def run(scene: Callable[[], Awaitable[Any]]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(20):
            return await scene()

    return asyncio.run(bounded())


async def outcomes(*calls: Awaitable[TlsTransport]) -> list[Any]:
    """Results or errors of all; transports that did come about are closed."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, TlsTransport):
            await result.close()
        elif not isinstance(result, TacitError):
            raise result
    return results


@pytest.mark.parametrize("n", [2, 3, 4])
def test_parties_meet_in_any_order(places: Any, n: int) -> None:
    async def join(i: int) -> TlsTransport:
        await asyncio.sleep(0.05 * ((i * 3) % n))
        peers = [places.peer(j) for j in range(n) if j != i]
        return await connect(places.me(i), peers, timeout_s=10)

    async def scene() -> None:
        transports = await asyncio.gather(*(join(i) for i in range(n)))
        assert len({transport.channel_binding for transport in transports}) == 1
        assert len(transports[0].channel_binding) == 32
        for i, transport in enumerate(transports):
            for j in range(n):
                if j != i:
                    await transport.send(Frame("hello", i, j, bytes([i, j]), 1))
        for i, transport in enumerate(transports):
            for j in range(n):
                if j != i:
                    frame = await transport.recv("hello", j, i, limit_bytes=2)
                    assert bytes(frame.body) == bytes([j, i])
        assert transports[0].wire_bytes_sent >= (n - 1) * (24 + len("hello") + 2)
        await asyncio.gather(*(transport.close() for transport in transports))

    run(scene)


def test_every_link_has_its_own_channel_binding(places: Any) -> None:
    async def scene() -> bytes:
        a, b = await asyncio.gather(
            connect(places.me(0), places.peer(1), timeout_s=10),
            connect(places.me(1), places.peer(0), timeout_s=10),
        )
        await asyncio.gather(a.close(), b.close())
        assert a.channel_binding == b.channel_binding
        return a.channel_binding

    assert run(scene) != run(scene)


def test_a_late_peer_is_waited_for_and_the_waiting_is_told(places: Any) -> None:
    waits: list[float] = []

    async def late() -> TlsTransport:
        await asyncio.sleep(2.2)
        return await connect(places.me(0), places.peer(1), timeout_s=10)

    async def scene() -> None:
        early = connect(places.me(1), places.peer(0), timeout_s=10, on_wait=waits.append)
        results = await outcomes(early, late())
        assert all(isinstance(result, TlsTransport) for result in results)

    run(scene)
    assert [round(wait) for wait in waits[:2]] == [1, 2]
    assert len(waits) <= 4


@pytest.mark.parametrize("me", [0, 1])
def test_nobody_there(places: Any, me: int) -> None:
    async def scene() -> None:
        started_s = time.monotonic()
        with pytest.raises(TransportError) as caught:
            await connect(places.me(me), places.peer(1 - me), timeout_s=0.3)
        assert time.monotonic() - started_s < 2
        assert caught.value.code == "NET-0001"
        assert f"127.0.0.1:{places.ports[0]}" in caught.value.message
        assert "started" in caught.value.hint

    run(scene)


def test_a_busy_port(places: Any) -> None:
    async def scene() -> None:
        with socket.create_server(("127.0.0.1", places.ports[0])), pytest.raises(TransportError) as caught:
            await connect(places.me(0), places.peer(1), timeout_s=5)
        assert caught.value.code == "NET-0002"
        assert str(places.ports[0]) in caught.value.message
        assert "port" in caught.value.hint

    run(scene)


def test_an_address_of_another_machine_cannot_be_listened_on(places: Any) -> None:
    me = Endpoint(0, "192.0.2.1", places.ports[0], places.identities[0])
    with pytest.raises(TransportError) as caught:
        run(lambda: connect(me, places.peer(1), timeout_s=5))
    assert caught.value.code == "NET-0002"


def test_the_listener_is_a_stranger(places: Any) -> None:
    async def scene() -> None:
        listener = connect(places.me(0, places.stranger), places.peer(1), timeout_s=2)
        dialer = connect(places.me(1), places.peer(0), timeout_s=10)
        at_listener, at_dialer = await outcomes(listener, dialer)
        assert at_dialer.code == "NET-0005"
        assert "party 0" in at_dialer.message
        assert file_fingerprint(places.stranger.certificate_path) in at_dialer.message
        assert file_fingerprint(places.identities[0].certificate_path) in at_dialer.message
        assert at_listener.code == "NET-0001"
        assert "refused our certificate" in at_listener.message

    run(scene)


def test_the_dialer_is_a_stranger(places: Any) -> None:
    async def scene() -> None:
        listener = connect(places.me(0), places.peer(1), timeout_s=2)
        dialer = connect(places.me(1, places.stranger), places.peer(0), timeout_s=10)
        at_listener, at_dialer = await outcomes(listener, dialer)
        stranger = file_fingerprint(places.stranger.certificate_path)
        assert at_dialer.code == at_listener.code == "NET-0005"
        assert "party 0" in at_dialer.message
        assert stranger in at_dialer.message
        assert "party 1" in at_listener.message
        assert stranger in at_listener.message
        assert file_fingerprint(places.identities[1].certificate_path) in at_listener.message

    run(scene)


def test_an_expired_certificate_is_refused_although_pinned(places: Any) -> None:
    async def scene() -> None:
        listener = connect(places.me(0, places.expired), places.peer(1), timeout_s=1)
        dialer = connect(places.me(1), places.peer(0, places.expired), timeout_s=10)
        _, at_dialer = await outcomes(listener, dialer)
        assert at_dialer.code == "NET-0005"
        assert "expired" in at_dialer.message

    run(scene)


def test_a_file_that_is_not_the_one_agreed_on_is_refused(places: Any) -> None:
    pinned = file_fingerprint(places.identities[1].certificate_path)
    agreed = PeerAddress(1, "127.0.0.1", 1, places.stranger.certificate_path, fingerprint=pinned)
    with pytest.raises(TransportError) as caught:
        run(lambda: connect(places.me(0), agreed, timeout_s=1))
    assert caught.value.code == "NET-0005"


def visit(port: int, kind: str, places: Any) -> None:
    """One unwelcome visitor."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        if kind == "silent":
            return
        if kind == "garbage":
            raw.sendall(b"GET / HTTP/1.1\r\n\r\n" * 50)
            with _ignoring():
                raw.recv(100)
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if kind == "old tls":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if kind == "other certificate":
            context.load_cert_chain(places.stranger.certificate_path, places.stranger.key_path)
        with _ignoring(), context.wrap_socket(raw) as sock:
            assert sock.recv(100) == b"", "a stranger was greeted"


class _ignoring:
    """Refusal may look like an alert, a reset or an end, depending on timing."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, OSError)


VISITORS = ("silent", "garbage", "no certificate", "old tls", "other certificate")


def test_unwelcome_visitors_are_counted_and_the_right_peer_still_gets_in(places: Any) -> None:
    events: list[str] = []

    async def scene() -> None:
        listener = asyncio.ensure_future(
            connect(
                places.me(0),
                places.peer(1),
                timeout_s=10,
                sink=lambda event, path, fields: events.append(str(fields["what"])),
            )
        )
        await asyncio.sleep(0.1)
        for kind in VISITORS:
            await asyncio.to_thread(visit, places.ports[0], kind, places)
        assert not listener.done()
        results = await outcomes(listener, connect(places.me(1), places.peer(0), timeout_s=10))
        assert all(isinstance(result, TlsTransport) for result in results)

    run(scene)
    assert len(events) == len(VISITORS)
    for part in ("without a certificate", "not a pinned one", "does not speak our TLS", "left during"):
        assert any(part in event for event in events), (part, events)


def test_a_timeout_says_who_was_seen(places: Any) -> None:
    async def scene() -> None:
        listener = asyncio.ensure_future(connect(places.me(0), places.peer(1), timeout_s=1))
        await asyncio.sleep(0.1)
        for _ in range(2):
            await asyncio.to_thread(visit, places.ports[0], "no certificate", places)
        with pytest.raises(TransportError) as caught:
            await listener
        assert caught.value.code == "NET-0001"
        assert "without a certificate came (2 times)" in caught.value.message

    run(scene)


def test_something_else_behind_the_port_of_the_peer(places: Any) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-hello\r\n")
        await writer.drain()
        writer.close()

    async def scene() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", places.ports[0])
        with pytest.raises(TransportError) as caught:
            await connect(places.me(1), places.peer(0), timeout_s=0.5)
        server.close()
        assert caught.value.code == "NET-0001"
        assert "does not speak our TLS" in caught.value.message

    run(scene)


def test_parties_who_disagree_about_their_numbers(places: Any) -> None:
    """Party 1 believes in three parties, party 0 in two."""

    async def scene() -> None:
        listener = connect(places.me(0), places.peer(1), timeout_s=1)
        dialer = connect(places.me(1), [places.peer(0), places.peer(2)], timeout_s=10)
        at_listener, at_dialer = await outcomes(listener, dialer)
        assert at_dialer.code == at_listener.code == "NET-0007"

    run(scene)


def test_the_second_connection_must_have_the_link_id_of_the_first(places: Any) -> None:
    """A correct peer process, and a second process of the same identity that offers only a second half."""
    from tacit.net import rendezvous
    from tacit.net.pinning import client_context

    async def scene() -> None:
        listener = asyncio.ensure_future(connect(places.me(0), places.peer(1), timeout_s=10))
        await asyncio.sleep(0.1)
        context = client_context(places.identities[1], [places.peer(0)])
        statuses = []
        for direction, link_id in ((rendezvous.TO_LISTENER, bytes(32)), (rendezvous.TO_DIALER, b"1" * 32)):
            sock, _ = await rendezvous._open(places.peer(0), context, "link.tacit")
            await rendezvous._read(sock, len(rendezvous.GREETING))
            hello = rendezvous._HELLO.pack(rendezvous.GREETING, direction, 0, 2, 1, 0, link_id)
            await rendezvous._retry(sock, sock.send, hello)
            statuses.append((await rendezvous._read(sock, 1))[0])
            sock.close()
        assert statuses == [rendezvous.OK, rendezvous.BUSY]
        assert not listener.done()
        await outcomes(listener, connect(places.me(1), places.peer(0), timeout_s=10))

    run(scene)


def test_unusable_files_and_numbers_are_the_callers_fault(places: Any) -> None:
    identity = places.identities[0]
    missing = TlsIdentity(identity.certificate_path, places.folder / "missing.key")
    mixed = TlsIdentity(identity.certificate_path, places.identities[1].key_path)
    cases = [
        (places.me(0, missing), places.peer(1), "NET-0008"),
        (places.me(0, mixed), places.peer(1), "NET-0008"),
        (places.me(0), PeerAddress(1, "127.0.0.1", 1, identity.key_path), "NET-0008"),
        (places.me(0), places.peer(2), "NET-0009"),
        (places.me(0), [places.peer(1), places.peer(1)], "NET-0009"),
        (places.me(0), places.peer(1, places.identities[0]), "NET-0009"),
        (places.me(0), [], "NET-0009"),
    ]
    for me, peers, code in cases:
        with pytest.raises(UsageError) as caught:
            run(lambda me=me, peers=peers: connect(me, peers, timeout_s=1))
        assert caught.value.code == code, (me, peers)
