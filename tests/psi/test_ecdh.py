"""Set intersection against Python's sets: sizes from none to lopsided, who learns what, hostile messages."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tacit.psi.ecdh_ms86 as ecdh
from tacit.base.ctx import Ctx
from tacit.base.errors import LimitError, PeerError, TacitError, UsageError
from tacit.base.protocol import gather
from tacit.base.wire import Octets, Ring
from tacit.net.memory import MemoryNetwork
from tacit.psi.functionality import BOTH, Intersection, Items
from tests.harness import contexts, run_parties

EcdhPsi = ecdh.EcdhPsi


def intersect(
    mine: list[bytes], theirs: list[bytes], receivers: frozenset[int] = BOTH, seed: bytes | None = b"psi"
) -> list[Intersection]:
    async def party(ctx: Ctx) -> Intersection:
        return await EcdhPsi().intersect(ctx, Items.of((mine, theirs)[ctx.me]), receivers=receivers)

    return run_parties(party, seed=seed)


def check(mine: list[bytes], theirs: list[bytes]) -> None:
    first, second = intersect(mine, theirs)
    assert first.rows is not None and second.rows is not None
    got = [mine[row] for row in first.rows]
    assert got == [theirs[row] for row in second.rows], "both sides must have one joint order"
    assert sorted(got) == sorted(set(mine) & set(theirs))
    assert (first.n_mine, first.n_theirs, second.n_mine, second.n_theirs) == (
        len(mine), len(theirs), len(theirs), len(mine),
    )  # fmt: skip


def ids(start: int, stop: int) -> list[bytes]:
    return [b"id-%d" % i for i in range(start, stop)]


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ([], []),
        ([], ids(0, 5)),
        (ids(0, 5), []),
        (ids(0, 1), ids(0, 1)),
        (ids(0, 1), ids(1, 2)),
        (ids(0, 40), ids(0, 40)),
        (ids(0, 40), ids(40, 80)),
        (ids(0, 40), ids(20, 90)),
        ([b""], [b"", b"\x00"]),
        ([b"\xff" * 300, b"\xff" * 299], [b"\xff" * 300]),
    ],
    ids=[
        "both-empty",
        "mine-empty",
        "theirs-empty",
        "one-same",
        "one-other",
        "total",
        "none",
        "some",
        "zero-length",
        "long",
    ],
)
def test_sets(mine: list[bytes], theirs: list[bytes]) -> None:
    check(mine, theirs)


def test_ten_thousand_to_one() -> None:
    """More than two chunks on one side, one item on the other."""
    check(ids(0, 10_000), [b"id-4711"])
    check([b"id-none"], ids(0, 2 * ecdh.CHUNK))


@settings(max_examples=15, deadline=None)
@given(st.sets(st.binary(max_size=6), max_size=30), st.sets(st.binary(max_size=6), max_size=30))
def test_any_sets(mine: set[bytes], theirs: set[bytes]) -> None:
    check(sorted(mine), sorted(theirs, reverse=True))


@pytest.mark.parametrize("receiver", [0, 1])
def test_one_sided(receiver: int) -> None:
    results = intersect(ids(0, 9), ids(4, 20), frozenset((receiver,)))
    rows = results[receiver].rows
    assert rows is not None and len(rows) == 5
    assert results[1 - receiver].rows is None


def test_duplicates_are_refused() -> None:
    with pytest.raises(UsageError) as refused:
        Items.of([b"a", b"b", b"a"])
    assert refused.value.code == "PSI-0001"


def test_the_joint_order_follows_nobodys_file_and_is_fresh() -> None:
    """Over 40 runs on equal files, the first common item varies, and file order never wins."""
    orders = [intersect(ids(0, 12), ids(0, 12), seed=b"%d" % k)[0].rows for k in range(40)]
    firsts = {int(order[0]) for order in orders if order is not None}
    assert len(firsts) > 5
    assert not any(np.array_equal(order, np.arange(12)) for order in orders if order is not None)


def test_messages_of_two_runs_have_nothing_in_common() -> None:
    """A fresh mask and permutation each time: no point or tag is sent twice, and file order does not show."""

    def bodies(seed: bytes) -> set[bytes]:
        async def everybody() -> list[Any]:
            network = MemoryNetwork(2, timeout_s=10, keep_bodies=True)
            items = Items.of(ids(0, 30))
            await gather(*(EcdhPsi().intersect(ctx, items) for ctx in await contexts(network, 2, seed)))
            return [entry for entry in network.transcript if "points" in entry.path]

        return {e.body[i : i + 32] for e in asyncio.run(everybody()) for i in range(0, len(e.body), 32)}

    first, second = bodies(b"one"), bodies(b"two")
    assert len(first) == len(second) == 60
    assert not first & second


# --- a deviating peer ---------------------------------------------------------------------------------


def against(deviate: Any, n: int = 8) -> TacitError:
    """The error of party 0, who plays by the rules, against `deviate(ctx)`."""

    async def everybody() -> TacitError:
        network = MemoryNetwork(2, timeout_s=0.5)
        honest, other = await contexts(network, 2)

        async def cheat() -> None:
            with contextlib.suppress(TacitError):
                await deviate(other)

        task = asyncio.ensure_future(cheat())
        try:
            with pytest.raises(TacitError) as caught:
                await EcdhPsi().intersect(honest, Items.of(ids(0, n)))
            return caught.value
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return asyncio.run(everybody())


async def _announce(ctx: Ctx, n: int) -> Ctx:
    await ctx.sub("agree_sizes").send(0, Ring(np.array([n], np.uint64)))
    return ctx.sub("exchange_tags").sub("points-to-0")


@pytest.mark.parametrize("size", [(1 << 32) + 1, 1 << 63, (1 << 64) - 1])
def test_an_absurd_size_is_refused_before_anything_is_allocated(size: int) -> None:
    error = against(lambda ctx: _announce(ctx, size))
    assert isinstance(error, LimitError) and error.code == "PSI-0003"


def test_a_large_size_without_points_times_out_without_memory() -> None:
    assert against(lambda ctx: _announce(ctx, 1 << 32)).code == "NET-0003"


BAD_POINTS = {
    "identity": bytes(32),
    "all ones": b"\xff" * 32,
    "not canonical": (2**255 - 19).to_bytes(32, "little"),
    "negative": (1).to_bytes(32, "little"),
}


@pytest.mark.parametrize("name", BAD_POINTS)
def test_bad_points_are_the_peers_fault(name: str) -> None:
    async def deviate(ctx: Ctx) -> None:
        points = await _announce(ctx, 1)
        await points.send(0, Octets(np.frombuffer(BAD_POINTS[name], np.uint8)))

    error = against(deviate)
    assert isinstance(error, PeerError) and error.code == "PEER-0001"


@pytest.mark.parametrize("n_bytes", [0, 31, 33, 64])
def test_points_of_another_length_are_refused(n_bytes: int) -> None:
    async def deviate(ctx: Ctx) -> None:
        points = await _announce(ctx, 1)
        await points.send(0, Octets(np.zeros(n_bytes, np.uint8)))

    error = against(deviate)
    assert isinstance(error, PeerError) and error.code == "PEER-0001"


def test_repeated_items_of_the_peer_are_named() -> None:
    async def party(ctx: Ctx) -> str:
        same = Items(np.frombuffer(b"aab", np.uint8), np.array([0, 1, 2, 3]))
        items = Items.of([b"x", b"y"]) if ctx.me == 0 else same
        try:
            await EcdhPsi().intersect(ctx, items)
        except PeerError as error:
            return error.code
        return ""

    assert "PSI-0002" in run_parties(party)


def test_the_tag_length_keeps_false_matches_below_2_to_the_minus_40() -> None:
    for n_mine, n_theirs in ((0, 0), (1, 1), (100, 7), (1 << 20, 1 << 20), (1 << 32, 1 << 32)):
        width = ecdh.tag_bytes(n_mine, n_theirs)
        assert width == ecdh.tag_bytes(n_theirs, n_mine)
        assert 8 * width >= 40 + np.log2(max(n_mine, 1)) + np.log2(max(n_theirs, 1))
        assert width <= 16, "match() compares 16 bytes"


def test_threads_give_the_same() -> None:
    async def party(ctx: Ctx, threads: int) -> Any:
        return (await EcdhPsi(threads).intersect(ctx, Items.of(ids(ctx.me, 300)))).rows

    one, two = (run_parties(lambda ctx, t=t: party(ctx, t)) for t in (1, 2))
    assert np.array_equal(one[0], two[0]) and np.array_equal(one[1], two[1])
