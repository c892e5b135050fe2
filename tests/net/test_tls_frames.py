"""Frames over TLS: between processes, under loss, abort, stall and hostile bytes; and how fast."""

from __future__ import annotations

import asyncio
import random
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from tacit.base.errors import InternalError, PeerError, TacitError, TransportError
from tacit.base.transport import Frame
from tacit.net import framing, rendezvous
from tacit.net.faults import Relay
from tacit.net.pinning import client_context
from tacit.net.reader import hang_up
from tacit.net.tls import TlsTransport, connect


def run(scene: Callable[[], Awaitable[Any]]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(20):
            return await scene()

    return asyncio.run(bounded())


async def code_of(call: Awaitable[object], kind: type[TacitError]) -> TacitError:
    with pytest.raises(kind) as caught:
        await call
    return caught.value


@asynccontextmanager
async def pair(
    places: Any, *, port: int = 0, **options: Any
) -> AsyncIterator[tuple[TlsTransport, TlsTransport]]:
    """Two linked parties in this event loop; party 1 dials `port` if given."""
    a, b = await asyncio.gather(
        connect(places.me(0), places.peer(1), timeout_s=10, **options),
        connect(places.me(1), places.peer(0, port=port), timeout_s=10, **options),
    )
    try:
        yield a, b
    finally:
        await asyncio.gather(a.close(), b.close())


# --- two processes ---------------------------------------------------------------------------------


def test_two_processes_echo_all_sizes(places: Any, start_peer: Any) -> None:
    sizes = [1, 23, 4096, (16 << 10) - 40, 16 << 10, (64 << 10) + 1, 1 << 20, (9 << 20) + 7]

    async def scene() -> None:
        start_peer("echo")
        transport = await connect(places.me(0), places.peer(1), timeout_s=20)
        rng = np.random.default_rng(1)
        for k, size in enumerate([*sizes, 0]):
            body = rng.integers(0, 256, size, dtype=np.uint8)
            await transport.send(Frame(f"ping.{k}", 0, 1, body.data, k))
            frame = await transport.recv(f"pong.{k}", 1, 0, limit_bytes=size)
            assert frame.clock == k + 1
            assert np.array_equal(np.frombuffer(frame.body, np.uint8), body)
        await transport.close()

    run(scene)


def test_throughput_and_latency(places: Any, start_peer: Any, capsys: pytest.CaptureFixture[str]) -> None:
    n, rounds = 40, 500

    async def scene() -> tuple[float, float]:
        process = start_peer("sink")
        transport = await connect(places.me(0), places.peer(1), timeout_s=20)
        body, best_s = np.ones(16 << 20, dtype=np.uint8), 1e9
        for k in range(n):
            started_s = time.perf_counter()
            await transport.send(Frame(f"bulk.{k}", 0, 1, body.data, 0))
            if k >= n // 2:  # the first half warms up memory and TCP windows
                best_s = min(best_s, time.perf_counter() - started_s)
        await transport.send(Frame(f"bulk.{n}", 0, 1, b"", 0))
        total = await transport.recv("sum", 1, 0, limit_bytes=8)
        assert int.from_bytes(total.body, "little") == n * body.nbytes // 4096
        assert transport.wire_bytes_sent > n * body.nbytes
        await transport.close()
        process.wait(10)
        places.fresh_ports()
        start_peer("echo")
        transport = await connect(places.me(0), places.peer(1), timeout_s=20)
        started_s = time.perf_counter()
        for k in range(rounds):
            await transport.send(Frame(f"ping.{k}", 0, 1, b"x" * 64, k))
            await transport.recv(f"pong.{k}", 1, 0, limit_bytes=64)
        round_trip_s = (time.perf_counter() - started_s) / rounds
        await transport.close()
        return body.nbytes / best_s / 1e9, round_trip_s * 1e6

    gigabytes_per_s, round_trip_us = run(scene)
    with capsys.disabled():
        print(
            f"\n  TLS, two processes: {gigabytes_per_s:.2f} GB/s one way, {round_trip_us:.0f} us round trip"
        )
    assert gigabytes_per_s >= 0.3


@pytest.mark.parametrize("buffer_limit_bytes", [1 << 30, 40 << 20])
def test_a_killed_peer_ends_all_pending_receives_at_once(
    places: Any, start_peer: Any, buffer_limit_bytes: int
) -> None:
    """Also while the reader has paused because the buffer of unclaimed frames is full."""

    async def scene() -> None:
        process = start_peer("flood")
        limits = {"recv_timeout_s": 60, "buffer_limit_bytes": buffer_limit_bytes}
        transport = await connect(places.me(0), places.peer(1), timeout_s=20, **limits)
        for k in range(2):
            await transport.recv(f"flood.{k}", 1, 0, limit_bytes=32 << 20)
        pending = [asyncio.ensure_future(transport.recv(f"no.{k}", 1, 0, limit_bytes=1)) for k in range(3)]
        await asyncio.sleep(0.3)
        process.kill()
        killed_s = time.monotonic()
        for error in await asyncio.gather(*pending, return_exceptions=True):
            assert isinstance(error, TransportError)
            assert error.code == "NET-0004"
            assert "party 1" in error.message
        assert time.monotonic() - killed_s < 5
        assert (await code_of(transport.recv("x", 1, 0, limit_bytes=1), TransportError)).code == "NET-0004"
        assert (await code_of(transport.send(Frame("x", 0, 1, b"", 0)), TransportError)).code == "NET-0004"
        await transport.close("NET-0004")

    run(scene)


def test_a_killed_peer_ends_a_send_that_waits(places: Any, start_peer: Any) -> None:
    async def scene() -> None:
        process = start_peer("give_up")  # waits for "go" and claims nothing else
        transport = await connect(places.me(0), places.peer(1), timeout_s=20, recv_timeout_s=60)
        body = bytes(256 << 20)

        async def send_for_ever() -> None:
            for k in range(100):
                await transport.send(Frame(f"bulk.{k}", 0, 1, body, 0))

        sending = asyncio.ensure_future(send_for_ever())
        await asyncio.sleep(0.3)
        assert not sending.done()
        process.kill()
        assert (await code_of(asyncio.wait_for(sending, 5), TransportError)).code == "NET-0004"
        await transport.close()

    run(scene)


def test_an_abort_of_another_process_names_its_code(places: Any, start_peer: Any) -> None:
    async def scene() -> None:
        start_peer("give_up")
        transport = await connect(places.me(0), places.peer(1), timeout_s=20)
        pending = asyncio.ensure_future(transport.recv("x", 1, 0, limit_bytes=1))
        await transport.send(Frame("go", 0, 1, b"!", 0))
        error = await code_of(pending, PeerError)
        assert error.code == "PEER-0002"
        assert "LIMIT-0003" in error.message
        await transport.close()

    run(scene)


# --- endings ---------------------------------------------------------------------------------------


def test_goodbye_abort_and_loss_are_told_apart(places: Any) -> None:
    async def ending(end: Callable[[TlsTransport], Awaitable[None]]) -> list[TacitError]:
        places.fresh_ports()
        async with pair(places) as (a, b):
            await a.send(Frame("early", 0, 1, b"1", 0))
            pending = asyncio.ensure_future(b.recv("x", 0, 1, limit_bytes=1))
            await asyncio.sleep(0.05)
            await end(a)
            errors = [await code_of(pending, TacitError)]
            errors.append(await code_of(b.recv("y", 0, 1, limit_bytes=1), TacitError))
            errors.append(await code_of(b.send(Frame("z", 1, 0, b"", 0)), TacitError))
            return errors

    async def cut(a: TlsTransport) -> None:
        for link in a._links.values():
            for sock in link._sockets:
                hang_up(sock)

    async def scene() -> None:
        cases = [
            (lambda a: a.close(), "PEER-0004", PeerError),
            (lambda a: a.close("POLICY-0007"), "PEER-0002", PeerError),
            (cut, "NET-0004", TransportError),
        ]
        for end, code, kind in cases:
            errors = await ending(end)
            assert [error.code for error in errors] == [code] * 3
            assert all(type(error) is kind for error in errors)
            assert "party 0" in errors[0].message

    run(scene)


def test_an_abort_reaches_a_peer_in_the_middle_of_a_long_send(places: Any) -> None:
    async def scene() -> None:
        async with pair(places, buffer_limit_bytes=1 << 20) as (a, b):

            async def send_for_ever() -> None:
                for k in range(1000):
                    await b.send(Frame(f"bulk.{k}", 1, 0, bytes(8 << 20), 0))

            sending = asyncio.ensure_future(send_for_ever())
            await asyncio.sleep(0.2)
            await a.close("LIMIT-0001")
            assert (await code_of(sending, PeerError)).code == "PEER-0002"

    run(scene)


def test_close_is_idempotent_and_ends_the_threads(places: Any) -> None:
    import threading

    async def scene() -> None:
        async with pair(places) as (a, b):
            pending = asyncio.ensure_future(a.recv("x", 1, 0, limit_bytes=1))
            await asyncio.sleep(0)
            started_s = time.monotonic()
            await asyncio.gather(a.close(), a.close("LATE-0001"), b.close())
            await a.close()
            assert time.monotonic() - started_s < 2
            for call in (pending, a.recv("y", 1, 0, limit_bytes=1), a.send(Frame("x", 0, 1, b"", 0))):
                assert (await code_of(call, InternalError)).code == "NET-0006"
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("tacit-")]

    run(scene)


def test_timeouts_and_misuse_are_named(places: Any) -> None:
    async def scene() -> None:
        async with pair(places, recv_timeout_s=0.2) as (a, b):
            error = await code_of(a.recv("x", 1, 0, limit_bytes=1), TransportError)
            assert error.code == "NET-0003"
            assert error.path == "x"
            assert error.hint
            assert (await code_of(a.recv("x", 0, 1, limit_bytes=1), InternalError)).code == "NET-0006"
            assert (await code_of(a.send(Frame("x", 0, 0, b"", 0)), InternalError)).code == "NET-0006"
            assert (await code_of(a.send(Frame("x" * 5000, 0, 1, b"", 0)), InternalError)).code == "NET-0006"
            await b.send(Frame("x", 1, 0, b"late", 0))  # none of this has ended the link
            assert bytes((await a.recv("x", 1, 0, limit_bytes=4)).body) == b"late"

    run(scene)


# --- too much, too long, twice -----------------------------------------------------------------------


@pytest.mark.parametrize("waiting_first", [True, False])
def test_an_overlong_frame_is_refused(places: Any, waiting_first: bool) -> None:
    async def scene() -> None:
        async with pair(places) as (a, b):
            if waiting_first:
                pending = asyncio.ensure_future(b.recv("x", 0, 1, limit_bytes=99))
                await asyncio.sleep(0)
            await a.send(Frame("x", 0, 1, bytes(100), 0))
            if not waiting_first:
                await asyncio.sleep(0.1)
                pending = asyncio.ensure_future(b.recv("x", 0, 1, limit_bytes=99))
            assert (await code_of(pending, PeerError)).code == "PEER-0001"
            assert (await code_of(b.recv("y", 0, 1, limit_bytes=1), PeerError)).code == "PEER-0001"

    run(scene)


def test_a_name_used_twice_is_refused(places: Any) -> None:
    async def scene() -> None:
        async with pair(places) as (a, b):
            for _ in range(2):
                await a.send(Frame("x", 0, 1, b"1", 0))
            await asyncio.sleep(0.1)
            assert (await code_of(b.recv("y", 0, 1, limit_bytes=1), PeerError)).code == "PEER-0003"

    run(scene)


def test_unclaimed_frames_press_back_and_claiming_them_lets_the_rest_through(places: Any) -> None:
    size, n = 4 << 20, 30

    async def scene() -> None:
        async with pair(places, buffer_limit_bytes=8 << 20) as (a, b):
            sent = 0

            async def send_all() -> None:
                nonlocal sent
                for k in range(n):
                    await a.send(Frame(f"bulk.{k}", 0, 1, bytes([k]) * size, 0))
                    sent += 1

            sending = asyncio.ensure_future(send_all())
            await asyncio.sleep(0.3)
            held = b._links[0].inbox._buffered_bytes
            assert held <= 12 << 20
            assert sent < n
            order = list(range(n))
            random.Random(5).shuffle(order)
            got = await asyncio.gather(*(b.recv(f"bulk.{k}", 0, 1, limit_bytes=size) for k in order))
            assert all(
                frame.body[0] == k and len(frame.body) == size for k, frame in zip(order, got, strict=True)
            )
            await sending

    run(scene)


def test_a_send_that_nobody_takes_stalls_by_name(places: Any) -> None:
    async def scene() -> None:
        async with pair(places, buffer_limit_bytes=1 << 20, recv_timeout_s=0.4) as (a, _):

            async def send_all() -> None:
                for k in range(100):
                    await a.send(Frame(f"bulk.{k}", 0, 1, bytes(8 << 20), 0))

            assert (await code_of(send_all(), TransportError)).code == "NET-0003"
            assert (await code_of(a.recv("x", 1, 0, limit_bytes=1), TransportError)).code == "NET-0003"

    run(scene)


# --- hostile bytes inside TLS (from the peer), and outside it (from the network) ----------------------


def hostile_streams() -> list[tuple[str, bytes]]:
    header = struct.Struct("<4sBBHQQ")
    good = header.pack(framing.MAGIC, framing.DATA, 0, 1, 0, 1)
    cases = [
        ("magic", header.pack(b"TCT\x02", framing.DATA, 0, 1, 0, 1)),
        ("kind", header.pack(framing.MAGIC, 9, 0, 1, 0, 1)),
        ("zero", header.pack(framing.MAGIC, framing.DATA, 1, 1, 0, 1)),
        ("path too long", header.pack(framing.MAGIC, framing.DATA, 0, 4097, 0, 1)),
        ("body too long", header.pack(framing.MAGIC, framing.DATA, 0, 1, 0, (1 << 30) + 1)),
        ("body absurd", header.pack(framing.MAGIC, framing.DATA, 0, 1, 0, (1 << 64) - 1)),
        ("clock absurd", header.pack(framing.MAGIC, framing.DATA, 0, 1, (1 << 64) - 1, 1)),
        ("path not UTF-8", good + b"\xff"),
        ("path not printable", good + b"\n"),
        ("no path", header.pack(framing.MAGIC, framing.DATA, 0, 0, 0, 1)),
        ("goodbye with a body", header.pack(framing.MAGIC, framing.GOODBYE, 0, 0, 0, 5)),
        ("goodbye with a path", header.pack(framing.MAGIC, framing.GOODBYE, 0, 3, 0, 0)),
    ]
    rng = random.Random(7)
    cases += [(f"random {k}", rng.randbytes(rng.randrange(24, 5000))) for k in range(8)]
    return cases


@asynccontextmanager
async def hostile_peer(places: Any) -> AsyncIterator[tuple[TlsTransport, ssl.SSLSocket]]:
    """Party 0 linked to a party 1 of which we hold the raw TLS socket."""
    places.fresh_ports()
    context = client_context(places.identities[1], [places.peer(0)])
    dialing = rendezvous.dial(places.me(1), places.peer(0), 2, rendezvous.Sightings(lambda *_: None), context)
    transport, sockets = await asyncio.gather(
        connect(places.me(0), places.peer(1), timeout_s=10), asyncio.wait_for(dialing, 10)
    )
    try:
        yield transport, sockets.outgoing
    finally:
        sockets.close()
        await transport.close()


def test_hostile_frames_are_refused_by_name(places: Any) -> None:
    async def scene() -> None:
        for name, stream in hostile_streams():
            async with hostile_peer(places) as (transport, raw):
                pending = asyncio.ensure_future(transport.recv("x", 1, 0, limit_bytes=10))
                await asyncio.sleep(0)
                raw.send(stream)
                error = await code_of(pending, PeerError)
                assert error.code == "PEER-0001", name
                assert (
                    await code_of(transport.send(Frame("x", 0, 1, b"", 0)), PeerError)
                ).code == "PEER-0001"

    run(scene)


def test_mutated_frames_never_hang_or_break_the_reader(places: Any) -> None:
    """A frame with some bytes changed is the wanted one, refused, or another one; then the link ends."""
    rng = random.Random(11)
    seen = set()

    async def scene() -> None:
        for _ in range(25):
            stream = bytearray(framing.head(Frame("x", 1, 0, b"12345678", 1)) + b"12345678")
            for _ in range(rng.randrange(1, 4)):
                stream[rng.randrange(len(stream))] = rng.randrange(256)
            async with hostile_peer(places) as (transport, raw):
                raw.send(stream)
                hang_up(raw)
                try:
                    frame = await transport.recv("x", 1, 0, limit_bytes=8)
                    seen.add("frame")
                    assert len(frame.body) <= 8
                except TacitError as error:
                    seen.add(error.code)

    run(scene)
    assert seen <= {"frame", "PEER-0001", "PEER-0002", "PEER-0004", "NET-0004"}
    assert len(seen) >= 2


def test_an_abort_code_is_text_from_a_peer_and_is_not_trusted(places: Any) -> None:
    async def scene() -> None:
        async with hostile_peer(places) as (transport, raw):
            raw.send(framing.abort("\x1b[31mcall this number"))
            error = await code_of(transport.recv("x", 1, 0, limit_bytes=1), PeerError)
            assert error.code == "PEER-0002"
            assert "code unknown" in error.message

    run(scene)


@pytest.mark.parametrize("fault", ["flip", "cut", "stall"])
@pytest.mark.parametrize("after_bytes", [3_000, 400_000])
def test_a_network_that_damages_bytes_only_ends_the_link(places: Any, fault: Any, after_bytes: int) -> None:
    """The dialer's frames pass a relay that damages their ciphertext: every frame is right or refused."""

    async def scene() -> None:
        relay = Relay("127.0.0.1", places.ports[0], fault=fault, connection=0, after_bytes=after_bytes)
        port = await relay.start("127.0.0.1")
        try:
            async with pair(places, port=port, recv_timeout_s=1.0) as (a, b):
                with pytest.raises(TransportError) as caught:
                    for k in range(200):
                        await b.send(Frame(f"x.{k}", 1, 0, bytes([k]) * 10_000, 0))
                        frame = await a.recv(f"x.{k}", 1, 0, limit_bytes=10_000)
                        assert bytes(frame.body) == bytes([k]) * 10_000
                assert caught.value.code == ("NET-0003" if fault == "stall" else "NET-0004")
                await relay.close()
        finally:
            await relay.close()

    run(scene)
