"""Every fault of a deviating peer has a name; a recorded party can be run again alone."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from tacit.base.errors import PeerError, TacitError, TransportError, UsageError
from tacit.base.transport import Frame, Transport
from tacit.net.faults import Fault, Faulty, at_path
from tacit.net.memory import MemoryNetwork
from tacit.net.record import Recorder, Replay

STEPS = 4


async def converse(transport: Transport, me: int) -> bytes:
    """Each step sends 8 bytes and checks that 8 bytes come; returns all that came."""
    got = b""
    for k in range(STEPS):
        await transport.send(Frame(f"step.{k}", me, 1 - me, bytes([me, k]) * 4, k + 1))
        frame = await transport.recv(f"step.{k}", 1 - me, me, limit_bytes=8)
        if len(frame.body) != 8:
            raise PeerError("PEER-0001", f"message of {len(frame.body)} bytes where 8 were due")
        got += bytes(frame.body)
    return got


async def party(transport: Transport, me: int) -> bytes | TacitError:
    try:
        got = await converse(transport, me)
        await transport.close()
        return got
    except TacitError as error:
        await transport.close(error.code)
        return error


def play(*faults: Fault) -> tuple[bytes | TacitError, bytes | TacitError, Faulty]:
    async def scene() -> tuple[bytes | TacitError, bytes | TacitError, Faulty]:
        network = MemoryNetwork(2, timeout_s=0.3)
        faulty = Faulty(network.endpoint(0), *faults)
        mine, theirs = await asyncio.gather(party(faulty, 0), party(network.endpoint(1), 1))
        return mine, theirs, faulty

    return asyncio.run(asyncio.wait_for(scene(), 10))


CLEAN = play()


def test_the_conversation_runs_clean_without_faults() -> None:
    assert isinstance(CLEAN[0], bytes)
    assert len(CLEAN[0]) == 8 * STEPS
    assert not CLEAN[2].hit


@pytest.mark.parametrize("index", range(STEPS))
@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        (Fault("drop", 0), TransportError, "NET-0003"),
        (Fault("truncate", 0, 1), PeerError, "PEER-0001"),
        (Fault("truncate", 0, 8), PeerError, "PEER-0001"),
    ],
)
def test_damage_has_a_name_on_both_sides(index: int, fault: Fault, kind: type[TacitError], code: str) -> None:
    mine, theirs, faulty = play(Fault(fault.kind, index, fault.amount))
    assert faulty.hit == [(fault.kind, f"step.{index}")]
    assert isinstance(theirs, TacitError)
    if fault.kind == "drop" and index == STEPS - 1:
        kind, code = PeerError, "PEER-0004"  # the sender had finished and said goodbye
    assert (type(theirs), theirs.code) == (kind, code)
    if index == STEPS - 1:
        assert mine == CLEAN[0]  # it had all that it needed before the damage was seen
    else:
        assert isinstance(mine, TacitError)
        assert mine.code in ("PEER-0002", "NET-0003")  # the other's abort, unless both waited equally long


@pytest.mark.parametrize("index", range(STEPS - 1))
def test_a_replayed_frame_is_refused(index: int) -> None:
    _, theirs, _ = play(Fault("replay", index))
    assert isinstance(theirs, PeerError)
    assert theirs.code == "PEER-0003"


@pytest.mark.parametrize("fault", [Fault("delay", 1, 0.02), Fault("reorder", 1, 0.02)])
def test_lateness_changes_nothing(fault: Fault) -> None:
    assert play(fault)[:2] == CLEAN[:2]


def test_reordered_frames_are_overtaken() -> None:
    async def scene() -> None:
        network = MemoryNetwork(2)
        faulty = Faulty(network.endpoint(0), Fault("reorder", at_path("a"), 5))
        for name in ("a", "b"):
            await faulty.send(Frame(name, 0, 1, b"", 0))
        assert [entry.path for entry in network.transcript] == ["b", "a"]
        await faulty.send(Frame("last a", 0, 1, b"", 0))
        await faulty.close()
        assert [entry.path for entry in network.transcript] == ["b", "a", "last a"]

    asyncio.run(scene())


def test_a_flip_changes_exactly_the_named_bit() -> None:
    async def scene() -> None:
        network = MemoryNetwork(2, keep_bodies=True)
        faulty = Faulty(network.endpoint(0), Fault("flip", at_path("x"), 11))
        await faulty.send(Frame("x", 0, 1, np.zeros(4, np.uint8).data, 0))
        await faulty.send(Frame("y", 0, 1, bytes(4), 0))
        assert [entry.body for entry in network.transcript] == [b"\0\x08\0\0", bytes(4)]

    asyncio.run(scene())


def test_a_negative_fault_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        Faulty(MemoryNetwork(2).endpoint(0), Fault("delay", 0, -1))
    assert caught.value.code == "NET-0011"


def recorded() -> list[Frame]:
    async def scene() -> list[Frame]:
        network = MemoryNetwork(2)
        recorder = Recorder(network.endpoint(0))
        await asyncio.gather(party(recorder, 0), party(network.endpoint(1), 1))
        assert recorder.abort_code == ""
        return recorder.frames

    return asyncio.run(scene())


def test_a_replay_gives_the_same_result_alone() -> None:
    frames = recorded()
    assert len(frames) == 2 * STEPS
    replay = Replay(frames, 0)
    assert asyncio.run(converse(replay, 0)) == CLEAN[0]
    assert replay.left == 0


@pytest.mark.parametrize("change", ["sent body", "clock", "missing", "longer", "doubled"])
def test_a_replay_that_departs_from_the_record_is_refused(change: str) -> None:
    frames = recorded()
    sent = next(i for i, frame in enumerate(frames) if frame.frm == 0)
    came = next(i for i, frame in enumerate(frames) if frame.frm == 1)
    at = frames[sent]
    if change == "sent body":
        frames[sent] = Frame(at.path, 0, 1, b"\xff" * 8, at.clock)
    elif change == "clock":
        frames[sent] = Frame(at.path, 0, 1, at.body, at.clock + 1)
    elif change == "missing":
        del frames[came]
    elif change == "longer":
        frames[came] = Frame(frames[came].path, 1, 0, bytes(9), 1)
    else:
        frames.append(at)
    with pytest.raises(UsageError) as caught:
        asyncio.run(converse(Replay(frames, 0), 0))
    assert caught.value.code == "NET-0010"
