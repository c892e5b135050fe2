"""The in-memory network, and with it the inbox that all transports share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from tacit.base.errors import InternalError, PeerError, TacitError, TransportError
from tacit.base.transport import FRAME_LIMIT_BYTES, Frame
from tacit.net.memory import Entry, MemoryNetwork


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 10))  # type: ignore[arg-type]


async def code_of(call: Awaitable[object], kind: type[TacitError]) -> TacitError:
    with pytest.raises(kind) as caught:
        await call
    return caught.value


def test_frames_are_found_by_name_whatever_their_order() -> None:
    async def scene() -> None:
        network = MemoryNetwork(3)
        a, b, c = (network.endpoint(i) for i in range(3))
        late = asyncio.ensure_future(b.recv("x", 2, 1, limit_bytes=9))
        await a.send(Frame("y", 0, 1, b"y", 2))
        await a.send(Frame("x", 0, 1, b"x", 1))
        await c.send(Frame("x", 2, 1, b"from c", 7))
        assert bytes((await b.recv("x", 0, 1, limit_bytes=1)).body) == b"x"
        assert (await b.recv("y", 0, 1, limit_bytes=1)).clock == 2
        assert await late == Frame("x", 2, 1, b"from c", 7)
        assert network.transcript[0] == Entry("y", 0, 1, 1, 2)

    run(scene)


def test_a_sent_array_may_change_afterwards_and_bodies_are_kept_on_request() -> None:
    async def scene() -> None:
        network = MemoryNetwork(2, keep_bodies=True)
        array = np.arange(4, dtype=np.uint64)
        await network.endpoint(0).send(Frame("x", 0, 1, array.view(np.uint8).data, 0))
        array[:] = 0
        body = (await network.endpoint(1).recv("x", 0, 1, limit_bytes=32)).body
        assert np.frombuffer(body, np.uint64).tolist() == [0, 1, 2, 3]
        assert network.transcript[0].body == body

    run(scene)


def test_a_deadlock_ends_with_its_code() -> None:
    async def scene() -> None:
        network = MemoryNetwork(2, timeout_s=0.05)
        both = [network.endpoint(i).recv("never", 1 - i, i, limit_bytes=1) for i in range(2)]
        errors = await asyncio.gather(*both, return_exceptions=True)
        assert [(type(e), e.code, e.path) for e in errors] == [(TransportError, "NET-0003", "never")] * 2
        await network.endpoint(0).send(Frame("never", 0, 1, b"!", 0))  # a timeout does not end the link
        assert (await network.endpoint(1).recv("never", 0, 1, limit_bytes=1)).body == b"!"

    run(scene)


@pytest.mark.parametrize("waiting_first", [True, False])
def test_an_overlong_frame_is_the_peers_fault(waiting_first: bool) -> None:
    async def scene() -> None:
        network = MemoryNetwork(2)
        a, b = network.endpoint(0), network.endpoint(1)
        waiting = asyncio.ensure_future(b.recv("x", 0, 1, limit_bytes=3))
        if waiting_first:
            await asyncio.sleep(0)
        await a.send(Frame("x", 0, 1, b"1234", 0))
        assert (await code_of(waiting, PeerError)).code == "PEER-0001"
        assert (await code_of(b.recv("y", 0, 1, limit_bytes=3), PeerError)).code == "PEER-0001"

    run(scene)


@pytest.mark.parametrize("claimed", [True, False])
def test_a_name_used_twice_is_refused(claimed: bool) -> None:
    async def scene() -> None:
        network = MemoryNetwork(2)
        a, b = network.endpoint(0), network.endpoint(1)
        await a.send(Frame("x", 0, 1, b"1", 0))
        if claimed:
            await b.recv("x", 0, 1, limit_bytes=1)
        await a.send(Frame("x", 0, 1, b"1", 0))
        assert (await code_of(b.recv("next", 0, 1, limit_bytes=1), PeerError)).code == "PEER-0003"

    run(scene)


def test_an_abort_reaches_pending_and_later_receivers() -> None:
    async def scene() -> None:
        network = MemoryNetwork(3)
        a, b, c = (network.endpoint(i) for i in range(3))
        await a.send(Frame("early", 0, 1, b"1", 0))
        pending = asyncio.ensure_future(b.recv("x", 0, 1, limit_bytes=1))
        await asyncio.sleep(0)
        await a.close("POLICY-0007")
        await a.close("OTHER-0001")
        for call in (pending, b.recv("early", 0, 1, limit_bytes=1), c.recv("x", 0, 2, limit_bytes=1)):
            error = await code_of(call, PeerError)
            assert error.code == "PEER-0002"
            assert "party 0" in error.message
            assert "POLICY-0007" in error.message
        assert (await code_of(b.send(Frame("z", 1, 0, b"", 0)), PeerError)).code == "PEER-0002"
        assert (await code_of(a.send(Frame("z", 0, 1, b"", 0)), InternalError)).code == "NET-0006"

    run(scene)


def test_a_goodbye_leaves_what_was_sent_and_ends_what_was_not() -> None:
    async def scene() -> None:
        network = MemoryNetwork(2)
        a, b = network.endpoint(0), network.endpoint(1)
        pending = asyncio.ensure_future(b.recv("x", 0, 1, limit_bytes=1))
        await asyncio.sleep(0)
        await a.send(Frame("last", 0, 1, b"1", 0))
        await a.close()
        assert (await code_of(pending, PeerError)).code == "PEER-0004"
        assert (await b.recv("last", 0, 1, limit_bytes=1)).body == b"1"
        assert (await code_of(b.recv("y", 0, 1, limit_bytes=1), PeerError)).code == "PEER-0004"

    run(scene)


def test_misuse_is_named() -> None:
    async def scene() -> None:
        network = MemoryNetwork(2)
        a, b = network.endpoint(0), network.endpoint(1)
        long_body = memoryview(np.empty(FRAME_LIMIT_BYTES + 1, dtype=np.uint8))
        for frame in (
            Frame("x", 1, 0, b"", 0),
            Frame("x", 0, 2, b"", 0),
            Frame("x" * 5000, 0, 1, b"", 0),
            Frame("x", 0, 1, long_body, 0),
            Frame("x", 0, 1, b"", -1),
        ):
            assert (await code_of(a.send(frame), InternalError)).code == "NET-0006"
        await a.send(Frame("x", 0, 1, b"", 0))
        await b.recv("x", 0, 1, limit_bytes=0)
        assert (await code_of(b.recv("x", 0, 1, limit_bytes=0), InternalError)).code == "NET-0006"

    run(scene)


def test_a_cancelled_recv_leaves_the_name_free() -> None:
    async def scene() -> None:
        network = MemoryNetwork(2)
        a, b = network.endpoint(0), network.endpoint(1)
        first = asyncio.ensure_future(b.recv("x", 0, 1, limit_bytes=1))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        second = asyncio.ensure_future(b.recv("x", 0, 1, limit_bytes=1))
        await a.send(Frame("x", 0, 1, b"1", 0))
        assert (await second).body == b"1"

    run(scene)
