"""Silent OT: rows of both kinds fit together, in any order of the batches, and cost what is declared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.errors import PeerError
from tacit.base.protocol import gather
from tacit.base.wire import Octets
from tacit.blocks.correlation import OwnCorrelations
from tacit.blocks.ot import choose, silent_rrt23
from tests.harness import run_parties


@pytest.fixture
def always_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches too small to be worth it are silent too."""
    monkeypatch.setattr(silent_rrt23, "is_silent", lambda base, n: n > 0)


def check_rows(n: int, random: bool) -> None:
    """OTs in both directions at once; party 1 starts the two batches in the other order."""

    async def party(ctx: Ctx) -> Any:
        link = await silent_rrt23.open_link(ctx)
        scopes = [ctx.sub("a"), ctx.sub("b")]

        async def send(scope: Ctx) -> Any:
            return await (link.send_random_rows(scope, n) if random else link.send_rows(scope, n))

        async def receive(scope: Ctx) -> Any:
            if random:
                return await link.receive_random_rows(scope, n)
            choices = ctx.private().bytes(-(-n // 8))
            return choices, await link.receive_rows(scope, choices, n)

        if ctx.me == 0:
            sent, received = await gather(send(scopes[0]), receive(scopes[1]))
        else:
            sent, received = await gather(send(scopes[1]), receive(scopes[0]))
        return np.frombuffer(link.delta, np.uint8), sent, *received

    first, second = run_parties(party)
    for sender, receiver in ((first, second), (second, first)):
        delta, q, choices, t = sender[0], sender[1], receiver[2], receiver[3]
        bits = np.unpackbits(choices, count=n, bitorder="little")
        assert q.shape == t.shape == (n, 16)
        assert np.array_equal(q, t ^ bits[:, None] * delta)
        assert len({row.tobytes() for row in t}) == n
    if n > 64:
        assert not np.array_equal(first[2], second[2])


@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("n", [0, 1, 1000, (1 << 17) + 77])
def test_rows_are_correlated_by_delta(n: int, random: bool) -> None:
    check_rows(n, random)


@pytest.mark.usefixtures("always_silent")
@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("n", [1, 13, 64, 5000, (1 << 17) + 77])
def test_silent_rows_are_correlated_by_delta(n: int, random: bool) -> None:
    check_rows(n, random)


@pytest.mark.usefixtures("always_silent")
def test_correlations_take_silent_ots() -> None:
    mine = np.random.default_rng(3).integers(0, 1 << 64, (2, 9), dtype=np.uint64)

    async def party(ctx: Ctx) -> Any:
        source = OwnCorrelations(await choose.LINKS["silent"](ctx))
        triples = await source.bit_triples(ctx.sub("t"), 5, 2)
        product = await source.bit_products(ctx.sub("p"), mine[ctx.me])
        x, w = (mine[:1].reshape(1, 3, 3), None) if ctx.me == 0 else (None, mine[1, :3].reshape(1, 3))
        return triples, product, await source.cross(ctx.sub("c"), 0, x, w, (1, 3, 3, 1), 64)

    (t0, p0, c0), (t1, p1, c1) = run_parties(party)
    assert np.array_equal(t0.c ^ t1.c, (t0.a ^ t1.a) & (t0.b ^ t1.b))
    assert np.array_equal(p0 ^ p1, mine[0] & mine[1])
    assert np.array_equal((c0 + c1)[0], mine[0].reshape(3, 3) @ mine[1, :3])


def test_few_ots_are_not_silent_and_many_are_cheap() -> None:
    async def party(ctx: Ctx) -> Any:
        link = await silent_rrt23.open_link(ctx)
        return [link.row_bits(n) / n for n in (1 << 10, 1 << 14, 1 << 17)] + [
            link.random_row_bits(1 << 17) / (1 << 17)
        ]

    small, medium, large, random = run_parties(party)[0]
    assert small == 16 and medium < 12 and large < 2.7 and random < 1.7
    assert large - random == 1


@pytest.mark.usefixtures("always_silent")
def test_dirty_flips_are_the_peers_fault() -> None:
    """9 OTs: the last byte of the flips has 7 bits that must be zero."""

    async def party(ctx: Ctx) -> Any:
        link = await silent_rrt23.open_link(ctx)
        scope = ctx.sub("x")
        if ctx.me == 1:
            inner = scope.sub("instance")
            count = _kernel.silent_cot_base_ots(9)
            await link._base.receive_rows(inner, np.zeros(count // 8, np.uint8), count)
            await inner.send(0, Octets(np.full(2, 0xFF, np.uint8)))
            return None
        with pytest.raises(PeerError) as refused:
            await link.send_rows(scope, 9)
        return refused.value.code

    assert run_parties(party)[0] == "PEER-0001"


def test_the_link_decides_and_both_sides_decide_alike() -> None:
    names = [choose.for_link(mbit) for mbit in (10_000, 1000, 100)]
    assert names == ["softspoken2", "softspoken4", "silent"]
    assert {choose.DEFAULT, *names} <= set(choose.LINKS)
