"""Session keys, scopes, gather: who shares which coins, how things are named, what a failure cancels."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tacit.base.ctx import Ctx, require_two
from tacit.base.errors import InternalError, PeerError, TacitError, UsageError
from tacit.base.protocol import REGISTRY, gather, protocol
from tacit.base.session import open_session
from tacit.base.setting import Setting
from tacit.base.wire import Octets, Ring
from tacit.net.memory import MemoryNetwork
from tests.harness import StoppedClock, run_parties

STRONG = Setting(2, 1, "malicious", "computational")
WEAK = Setting(2, 1, "semi-honest", "computational")


def session(n: int = 2, digests: tuple[bytes, ...] = (b"j",) * 3, **options: Any) -> list[Ctx]:
    async def everybody() -> list[Ctx]:
        network = MemoryNetwork(n, timeout_s=5)
        return await gather(
            *(
                open_session(
                    network.endpoint(i), i, n, clock=StoppedClock(), job_digest=digests[i], **options
                )
                for i in range(n)
            )
        )

    return asyncio.run(everybody())


def coins(ctx: Ctx) -> bytes:
    return ctx.sub("x").common(1 - ctx.me).bytes(16).tobytes()


def test_common_coins_agree_and_private_ones_do_not() -> None:
    for seed in (None, b"seed"):
        first, second = session(insecure_seed=seed)
        assert coins(first) == coins(second)
        assert first.private().bytes(16).tobytes() != second.private().bytes(16).tobytes()
        assert first.session.insecure is (seed is not None)


@pytest.mark.parametrize(
    "change",
    [{"attempt": 1}, {"channel_binding": b"other"}, {"digests": (b"k", b"k")}],
    ids=lambda c: next(iter(c)),
)
def test_keys_differ_by_attempt_channel_and_job(change: dict[str, Any]) -> None:
    base, other = session(insecure_seed=b"s")[0], session(insecure_seed=b"s", **change)[0]
    assert coins(base) != coins(other)
    assert base.private().bytes(16).tobytes() != other.private().bytes(16).tobytes()


def test_keys_do_not_agree_where_the_job_does_not() -> None:
    first, second = session(digests=(b"one", b"two"))
    assert coins(first) != coins(second)


def test_two_sessions_have_nothing_in_common() -> None:
    assert coins(session()[0]) != coins(session()[0])


def test_three_parties_share_pairwise_coins_only() -> None:
    ctxs = session(3)
    seen = {}
    for me in range(3):
        scope = ctxs[me].sub("x")
        for other in set(range(3)) - {me}:
            seen[me, other] = scope.common(other).bytes(16).tobytes()
    assert all(seen[a, b] == seen[b, a] for a, b in seen)
    assert len(set(seen.values())) == 3
    with pytest.raises(UsageError) as refused:
        ctxs[0].common(1, 2)
    assert refused.value.code == "CTX-0002"
    with pytest.raises(InternalError):
        _ = ctxs[0].peer
    with pytest.raises(UsageError) as refused:
        require_two(ctxs[0])
    assert refused.value.code == "SCHEME-0001"


def test_scopes_are_numbered_in_program_order_and_separate_streams() -> None:
    ctx = session(insecure_seed=b"s")[0]
    names = [ctx.sub("a").path, ctx.sub("b").path, ctx.sub("a").path, ctx.sub("a").sub("b").path]
    assert names == ["run.0/a.0", "run.0/b.0", "run.0/a.1", "run.0/a.2/b.0"]
    fresh = session(insecure_seed=b"s")[0]
    streams = [fresh.sub("a").private(), fresh.sub("a").private(), fresh.sub("b").private(), fresh.private()]
    assert len({s.bytes(16).tobytes() for s in streams}) == 4
    same = fresh.sub("c")
    assert same.private() is same.private(), "a stream of one scope advances, whoever draws"


def test_a_peer_chooses_neither_type_nor_length() -> None:
    async def party(ctx: Ctx) -> str:
        scope = ctx.sub("x")
        if ctx.me == 1:
            await scope.send(0, Octets(np.zeros(9, np.uint8)))
            return ""
        with pytest.raises(PeerError) as refused:
            await scope.recv(1, Ring, shape=(1,))
        return refused.value.code

    assert run_parties(party)[0] == "PEER-0001"


def test_meters_count_children_and_messages_are_numbered() -> None:
    async def party(ctx: Ctx) -> tuple[int, int, int]:
        scope = ctx.sub("x")
        for _ in range(3):
            await scope.sub("y").exchange(1 - ctx.me, 1 - ctx.me, Ring(np.zeros(2, np.uint64)), shape=(2,))
            await scope.exchange(1 - ctx.me, 1 - ctx.me, Ring(np.zeros(1, np.uint64)), shape=(1,))
        return scope.meter().bytes_sent, scope.meter().bytes_received, scope.meter().frames_sent

    assert run_parties(party) == [(72, 72, 6)] * 2


@protocol(source="test", setting=WEAK, rounds=0, bits=0)
async def weak(ctx: Ctx) -> str:
    return ctx.path


@protocol(source="test", setting=STRONG, rounds=0, bits=0)
async def strong(ctx: Ctx, inner: Any) -> str:
    return str(await inner(ctx))


@protocol(source="test", setting=WEAK, rounds=0, bits=0)
async def failing(ctx: Ctx) -> None:
    raise PeerError("PEER-0001", "x")


def test_a_protocol_may_not_call_a_weaker_one() -> None:
    async def party(ctx: Ctx) -> str:
        with pytest.raises(InternalError) as refused:
            await strong(ctx, weak)
        return refused.value.code

    assert run_parties(party) == ["SETTING-0001"] * 2


def test_settings_compose_the_other_way() -> None:
    @protocol(source="test", setting=WEAK, rounds=0, bits=0)
    async def outer(ctx: Ctx) -> str:
        return str(await strong(ctx, strong_leaf))

    @protocol(source="test", setting=STRONG, rounds=0, bits=0)
    async def strong_leaf(ctx: Ctx) -> str:
        return ctx.path

    assert run_parties(outer) == ["run.0/outer.0/strong.0/strong_leaf.0"] * 2
    for name in [name for name in REGISTRY if "<locals>" in name]:
        del REGISTRY[name]


def test_the_scope_opens_at_the_call_and_an_error_names_it() -> None:
    async def party(ctx: Ctx) -> tuple[str, str, str]:
        first, second = weak(ctx), weak(ctx)
        paths = (await second, await first)
        with pytest.raises(TacitError) as caught:
            await failing(ctx)
        return *paths, caught.value.path

    assert run_parties(party)[0] == ("run.0/weak.1", "run.0/weak.0", "run.0/failing.0")


def test_gather_cancels_and_awaits_the_others() -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("cancelled")

    async def bad() -> None:
        await asyncio.sleep(0)
        raise PeerError("PEER-0001", "x")

    async def main() -> int:
        with pytest.raises(PeerError):
            await gather(slow(), bad(), slow())
        assert ended == ["cancelled"] * 2
        return len(asyncio.all_tasks())

    assert asyncio.run(main()) == 1


def test_gather_keeps_order_and_takes_the_deepest() -> None:
    from tacit.base.meter import deepen, depth, restart

    async def branch(level: int) -> int:
        deepen(level)
        return level

    async def main() -> tuple[list[int], int]:
        restart(2)
        return await gather(branch(3), branch(9), branch(1)), depth()

    assert asyncio.run(main()) == ([3, 9, 1], 9)


def test_a_session_that_nobody_joins_times_out_by_name() -> None:
    async def alone() -> str:
        network = MemoryNetwork(2, timeout_s=0.05)
        with pytest.raises(TacitError) as caught:
            await open_session(network.endpoint(0), 0, 2, clock=StoppedClock(), job_digest=b"")
        return caught.value.code

    assert asyncio.run(alone()) == "NET-0003"


def test_only_a_rehearsal_stands_in_for_protocols() -> None:
    async def answer(*_: object) -> None:
        raise AssertionError("never called")

    (ctx, _) = session()
    assert replace(ctx.session, stand_in=answer, insecure=True).stand_in is answer
    with pytest.raises(InternalError) as caught:
        replace(ctx.session, stand_in=answer)
    assert caught.value.code == "CTX-0003"
