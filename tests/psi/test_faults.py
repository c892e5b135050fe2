"""At every message of every protocol: a cut, a frame longer than the declared sizes allow, a shorter one, one
with a flipped bit. Every party ends, with its result or with a named error; never with anything else."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tacit.base.ctx import Ctx
from tacit.base.errors import TacitError, TransportError
from tacit.base.session import open_session
from tacit.base.transport import Frame
from tacit.mpc import openings
from tacit.mpc.semi2k import Semi2k
from tacit.net.memory import MemoryNetwork, MemoryTransport
from tacit.psi import circuit_psty19, star_kmprt17
from tacit.psi.aggregates import items_if_at_least
from tacit.psi.buckets import BYTES_PER_ITEM, BucketedPsi
from tacit.psi.ecdh_ms86 import EcdhPsi, EcdhRistretto255Psi, EcdhSm2Psi
from tacit.psi.functionality import BOTH, Items, Psi
from tacit.psi.rr22 import Rr22LowPsi, Rr22MaliciousPsi, Rr22Psi
from tacit.psi.unbalanced import publish
from tacit.psi.unbalanced import voprf_jkk14 as voprf
from tacit.trust.shelf import Shelf
from tests.harness import StoppedClock
from tests.psi.test_aggregates import ANSWERS
from tests.psi.test_buckets import batches
from tests.psi.test_unbalanced import KEY, free, table_file, table_of

IDS = [[b"id-%d" % i for i in range(start, start + 12)] for start in (0, 4, 8, 6)]
FIRST = frozenset((0,))
Party = Callable[[Ctx], Awaitable[Any]]


def matches(kind: type[Psi], receivers: frozenset[int]) -> Party:
    return lambda ctx: kind().intersect(ctx, Items.of(IDS[ctx.me]), receivers=receivers)


async def hidden(ctx: Ctx) -> Any:
    scheme = await Semi2k.start(ctx.sub("setup"))
    columns = None if ctx.me == 0 else Items.of(IDS[1]).offsets[None, :-1].astype("u8")
    found = await circuit_psty19.intersect(ctx, scheme, Items.of(IDS[ctx.me]), columns, 1)
    with openings.step(ANSWERS):
        return await items_if_at_least(ctx, scheme, found, 3)


async def several(ctx: Ctx) -> Any:
    return await star_kmprt17.intersect(ctx, Items.of(IDS[ctx.me]), receivers=frozenset((0, 2)))


async def looked_up(ctx: Ctx) -> Any:
    if ctx.me == 0:
        await publish.fetch(ctx, b"")
        return await voprf.look_up(ctx, voprf.Client(Items.of(IDS[0]), table_of(IDS[1])))
    await publish.publish(ctx, table_file(IDS[1]))
    return await voprf.look_up(ctx, voprf.Server(KEY, table_of(IDS[1]).digest, free))


async def grouped(ctx: Ctx) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        groups = BucketedPsi(Rr22Psi(1), Shelf(Path(folder)), memory_bytes=12 * BYTES_PER_ITEM)
        return await groups.intersect(ctx, batches(IDS[ctx.me]))


PROTOCOLS: dict[str, tuple[Party, int]] = {
    "ecdh": (matches(EcdhPsi, BOTH), 2),
    "ecdh-sm2": (matches(EcdhSm2Psi, BOTH), 2),
    "ecdh-ristretto255": (matches(EcdhRistretto255Psi, BOTH), 2),
    "rr22": (matches(Rr22Psi, BOTH), 2),
    "rr22-low": (matches(Rr22LowPsi, BOTH), 2),
    "rr22-malicious": (matches(Rr22MaliciousPsi, FIRST), 2),
    "groups": (grouped, 2),
    "unbalanced": (looked_up, 2),
    "circuit": (hidden, 2),
    "star": (several, 3),
}
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "longer": lambda body: body + bytes(1),
    "much longer": lambda body: body + bytes(1 << 16),
    "shorter": lambda body: body[:-1],
    "flipped": lambda body: (
        body[: len(body) // 2] + bytes([body[len(body) // 2] ^ 4]) + body[len(body) // 2 + 1 :]
    ),
}


class Deviant:
    """Passes frames on, but for the one of number `at`: it is damaged, or the link ends there."""

    def __init__(self, inner: MemoryTransport, at: int, damage: str) -> None:
        self._inner, self._at, self._damage, self.sent = inner, at, damage, 0
        self.recv, self.close = inner.recv, inner.close

    async def send(self, frame: Frame) -> None:
        number, self.sent = self.sent, self.sent + 1
        if number == self._at:
            if self._damage == "cut":
                raise TransportError("NET-0004", "cut by the test")
            body = bytes(frame.body)
            frame = Frame(frame.path, frame.frm, frame.to, DAMAGES[self._damage](body) if body else b"!", 0)
        await self._inner.send(frame)


def play(party: Party, n: int, deviates: int, at: int, damage: str) -> tuple[list[Any], int]:
    """What every party ends with, and how many frames the one that deviates has sent."""

    async def everybody() -> tuple[list[Any], int]:
        network = MemoryNetwork(n, timeout_s=20.0, transcript=False)
        ends = [network.endpoint(i) for i in range(n)]
        deviant = Deviant(ends[deviates], -1, damage)

        async def one(me: int) -> Any:
            transport: Any = deviant if me == deviates else ends[me]
            code = "CLI-0070"
            try:
                ctx = await open_session(
                    transport, me, n, clock=StoppedClock(), job_digest=b"test", insecure_seed=b"faults"
                )
                if me == deviates:
                    deviant._at, deviant.sent = at, 0
                result = await party(ctx)
                code = ""
                return result
            except TacitError as error:
                code = error.code
                return error
            finally:
                await transport.close(code)

        return await asyncio.gather(*map(one, range(n))), deviant.sent

    return asyncio.run(everybody())


def places(n_frames: int, most: int) -> list[int]:
    step = max(1, -(-n_frames // most))
    return list(range(0, n_frames, step))


def check(name: str, damage: str, most: int) -> None:
    party, n = PROTOCOLS[name]
    for deviates in range(n):
        results, n_frames = play(party, n, deviates, -1, "cut")
        assert n_frames > 0 and not any(isinstance(result, TacitError) for result in results), results
        for at in places(n_frames, most):
            results, _ = play(party, n, deviates, at, damage)
            others = [result for me, result in enumerate(results) if me != deviates]
            if damage != "flipped":
                assert any(isinstance(result, TacitError) for result in others), (deviates, at)


CASES = [(name, damage) for name in PROTOCOLS for damage in ("cut", *DAMAGES)]
NIGHTLY = partial(pytest.param, marks=pytest.mark.nightly)


@pytest.mark.parametrize(
    ("name", "damage"), [case for case in CASES if case[0] != "star" or case[1] in ("cut", "flipped")]
)
def test_some_messages(name: str, damage: str) -> None:
    check(name, damage, 3)


@pytest.mark.parametrize(("name", "damage"), [NIGHTLY(*case) for case in CASES])
def test_every_message(name: str, damage: str) -> None:
    check(name, damage, 10_000)
