"""Set intersection against Python's sets: sizes from none to lopsided, who learns what, hostile messages."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tacit.psi.ecdh_ms86 as ecdh
from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.errors import LimitError, PeerError, TacitError, UsageError
from tacit.base.protocol import gather
from tacit.base.wire import Octets, Ring
from tacit.net.memory import MemoryNetwork
from tacit.psi.functionality import BOTH, Intersection, Items
from tests.data_sets import data_file
from tests.harness import contexts, run_parties

EcdhPsi = ecdh.EcdhPsi
KINDS = (EcdhPsi, *EcdhPsi.__subclasses__())


def intersect(
    mine: list[bytes],
    theirs: list[bytes],
    receivers: frozenset[int] = BOTH,
    seed: bytes | None = b"psi",
    kind: type[EcdhPsi] = EcdhPsi,
) -> list[Intersection]:
    async def party(ctx: Ctx) -> Intersection:
        return await kind().intersect(ctx, Items.of((mine, theirs)[ctx.me]), receivers=receivers)

    return run_parties(party, seed=seed)


def check(mine: list[bytes], theirs: list[bytes], kind: type[EcdhPsi] = EcdhPsi) -> None:
    first, second = intersect(mine, theirs, kind=kind)
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
@pytest.mark.parametrize("kind", KINDS)
def test_sets(mine: list[bytes], theirs: list[bytes], kind: type[EcdhPsi]) -> None:
    check(mine, theirs, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_two_hundred_seeded_cases(kind: type[EcdhPsi]) -> None:
    rng = np.random.default_rng(200)
    for _ in range(200):
        sizes = rng.integers(0, 12, 3)
        names = [b"%d" % i for i in rng.permutation(40)]
        common, left, right = np.split(np.array(names, object), np.cumsum(sizes))[:3]
        check([*common, *left], [*right, *common[::-1]], kind)


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


def against(deviate: Any, n: int = 8, kind: type[EcdhPsi] = EcdhPsi) -> TacitError:
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
                await kind().intersect(honest, Items.of(ids(0, n)))
            return caught.value
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return asyncio.run(everybody())


async def _announce(ctx: Ctx, n: int, suite: ecdh.Suite = ecdh.CURVE25519) -> Ctx:
    await ctx.sub("agree_sizes").send(0, Ring(np.array([n, suite.number], np.uint64)))
    return ctx.sub("exchange_tags").sub("points-to-0")


def test_another_suite_is_named() -> None:
    error = against(lambda ctx: _announce(ctx, 1, ecdh.RISTRETTO255))
    assert isinstance(error, PeerError) and error.code == "PSI-0004"


def test_suites_are_apart() -> None:
    suites = ecdh.SUITES.values()
    assert len({suite.number for suite in suites}) == len({suite.dst for suite in suites}) == len(suites)


@pytest.mark.parametrize("size", [(1 << 32) + 1, 1 << 63, (1 << 64) - 1])
def test_an_absurd_size_is_refused_before_anything_is_allocated(size: int) -> None:
    error = against(lambda ctx: _announce(ctx, size))
    assert isinstance(error, LimitError) and error.code == "PSI-0003"


def test_a_large_size_without_points_times_out_without_memory() -> None:
    assert against(lambda ctx: _announce(ctx, 1 << 32)).code == "NET-0003"


P25519 = 2**255 - 19
PSM2 = 2**256 - 2**224 - 2**96 + 2**64 - 1
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
SM2_OFF = next(x for x in range(9) if pow(x**3 - 3 * x + _B, (PSM2 - 1) // 2, PSM2) != 1)
BAD_POINTS: dict[str, tuple[int, int]] = {
    # Order 4, and the orders 8: the peer would learn what they leave of a scalar that is no multiple of 8.
    "zero": (1, 0),
    "one": (1, 1),
    "of order 8": (1, 0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F),
    "minus one": (1, P25519 - 1),
    "on the twist": (1, 2),
    "p": (1, P25519),
    "p + 9": (1, P25519 + 9),
    "all ones": (1, 2**256 - 1),
    "9 and the top bit": (1, 9 + 2**255),
    "identity": (2, 0),
    "not canonical": (2, P25519),
    "negative": (2, 1),
    "off the curve": (3, SM2_OFF),
    "p of sm2": (3, PSM2),
    "above p of sm2": (3, PSM2 + 3),
    "all ones for sm2": (3, 2**256 - 1),
}


@pytest.mark.parametrize("name", BAD_POINTS)
def test_bad_points_are_the_peers_fault(name: str) -> None:
    number, point = BAD_POINTS[name]
    kind = next(kind for kind in KINDS if kind.suite.number == number)

    async def deviate(ctx: Ctx) -> None:
        points = await _announce(ctx, 1, kind.suite)
        await points.send(
            0, Octets(np.frombuffer(point.to_bytes(32, "big" if number == 3 else "little"), np.uint8))
        )

    error = against(deviate, kind=kind)
    assert isinstance(error, PeerError) and error.code == "PEER-0001"


def test_wycheproof_x25519() -> None:
    """Points of the curve give the published secret; those of the twist, of small order or written otherwise
    than canonically are refused, which RFC 7748 leaves open."""
    tests = json.loads(gzip.decompress(data_file("vectors/wycheproof/x25519_test.json.gz").read_bytes()))
    refused = {"Twist", "LowOrderPublic", "NonCanonicalPublic", "ZeroSharedSecret"}
    accepted = 0
    for test in (test for group in tests["testGroups"] for test in group["tests"]):
        scalar = bytearray(_kernel.x25519_scalar(bytes.fromhex(test["private"])))
        scalar[31] |= 0x40
        point = np.frombuffer(bytes.fromhex(test["public"]), np.uint8).reshape(1, 32)
        try:
            shared = _kernel.x25519_remask_points(point, bytes(scalar), 1).tobytes()
        except _kernel.KernelError:
            assert refused & set(test["flags"]), test
            continue
        assert shared.hex() == test["shared"] and not refused & set(test["flags"]), test
        accepted += 1
    assert accepted > 150


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


def test_tags_that_begin_alike_are_told_apart() -> None:
    mine = np.zeros((300, 11), np.uint8)
    mine[:, 9] = np.random.default_rng(5).permutation(300) % 256
    mine[:, 8] = np.arange(300) >= 200
    mine = np.unique(mine, axis=0)
    theirs = np.random.default_rng(6).permutation(mine)[: len(mine) // 2]
    rows, others = ecdh.match(mine, theirs), ecdh.match(theirs, mine)
    assert len(rows) == len(theirs) and np.array_equal(mine[rows], theirs[others])


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
