"""Set intersection from key-value stores: against Python's sets, who learns what, a deviating peer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

import tacit.psi.rr22 as rr22
from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.errors import CheatDetected, LimitError, PeerError, TacitError, UnsupportedError, UsageError
from tacit.base.wire import Octets, Ring
from tacit.net.memory import MemoryNetwork
from tacit.psi.functionality import BOTH, Intersection, Items
from tacit.psi.rr22 import Rr22LowPsi, Rr22MaliciousPsi, Rr22Psi, Sizes
from tests.conformance.test_cost import observe, verify
from tests.harness import contexts, run_parties

FIRST, SECOND = frozenset((0,)), frozenset((1,))
WAYS = [(Rr22Psi, BOTH), (Rr22Psi, FIRST), (Rr22Psi, SECOND)]
LOW = [(Rr22LowPsi, BOTH), (Rr22LowPsi, FIRST), (Rr22LowPsi, SECOND)]
CHECKED = [(Rr22MaliciousPsi, FIRST), (Rr22MaliciousPsi, SECOND)]


def intersect(
    kind: type[Rr22Psi], mine: list[bytes], theirs: list[bytes], receivers: frozenset[int], threads: int = 1
) -> list[Intersection]:
    async def party(ctx: Ctx) -> Intersection:
        items = Items.of((mine, theirs)[ctx.me])
        return await kind(threads).intersect(ctx, items, receivers=receivers)

    return run_parties(party)


def check(sets: tuple[list[bytes], list[bytes]], rows: list[Any], receivers: frozenset[int]) -> None:
    found = []
    for me, mine in enumerate(sets):
        if me not in receivers:
            assert rows[me] is None
            continue
        found.append([mine[row] for row in rows[me]])
        assert sorted(found[-1]) == sorted(set(sets[0]) & set(sets[1]))
    assert found[0] == found[-1], "both sides must have one joint order"


def ids(start: int, stop: int) -> list[bytes]:
    return [b"id-%d" % i for i in range(start, stop)]


@pytest.mark.parametrize(("kind", "receivers"), WAYS + LOW + CHECKED)
def test_sets_of_every_kind(kind: type[Rr22Psi], receivers: frozenset[int]) -> None:
    for sets in [
        ([], []),
        ([], ids(0, 5)),
        (ids(0, 5), []),
        (ids(0, 1), ids(0, 1)),
        (ids(0, 1), ids(1, 2)),
        (ids(0, 40), ids(0, 40)),
        (ids(0, 40), ids(40, 80)),
        ([b"", b"\xff" * 300], [b"", b"\x00", b"\xff" * 299]),
    ]:
        results = intersect(kind, *sets, receivers)
        check(sets, [result.rows for result in results], receivers)
        sizes = [(result.n_mine, result.n_theirs) for result in results]
        assert sizes == [(len(sets[0]), len(sets[1])), (len(sets[1]), len(sets[0]))]


def random_sets(number: int) -> tuple[list[bytes], list[bytes]]:
    """None, one, up to 300 or up to 3,000 items on each side, from none to all of the smaller set common."""
    rng = np.random.default_rng(number)
    bounds = rng.choice([0, 1, 300, 3000], 2, p=[0.1, 0.1, 0.6, 0.2])
    n, m = (int(rng.integers(0, bound, endpoint=True)) for bound in bounds)
    n_common = int(min(n, m) * rng.choice([0, rng.random(), 1]))
    pool = [rng.bytes(int(rng.integers(0, 30))) + b"#%d" % i for i in range(n + m - n_common)]
    first, second = pool[:n], pool[:n_common] + pool[n:]
    return [first[i] for i in rng.permutation(n)], [second[i] for i in rng.permutation(m)]


@pytest.mark.parametrize(("kind", "ways"), [(Rr22Psi, WAYS), (Rr22LowPsi, LOW), (Rr22MaliciousPsi, CHECKED)])
def test_two_hundred_random_cases(
    kind: type[Rr22Psi], ways: list[tuple[type[Rr22Psi], frozenset[int]]]
) -> None:
    """Over one link, as parts of larger sets would be."""

    async def party(ctx: Ctx) -> list[Any]:
        psi, rows = kind(), []
        link = await psi.open_link(ctx)
        for number in range(200):
            sets = random_sets(number)
            receivers = ways[number % len(ways)][1]
            mine, theirs = Items.of(sets[ctx.me]), len(sets[1 - ctx.me])
            rows.append(await psi.intersect_over(ctx, link, mine, theirs, receivers))
        return rows

    results = run_parties(party, timeout_s=60)
    for number in range(200):
        check(random_sets(number), [rows[number] for rows in results], ways[number % len(ways)][1])


@pytest.mark.parametrize(("kind", "receivers"), [WAYS[0], LOW[0], CHECKED[1]])
def test_lopsided_sets_of_several_bins(kind: type[Rr22Psi], receivers: frozenset[int]) -> None:
    for sets in [(ids(0, 120_000), ids(119_990, 120_005)), (ids(5, 6), ids(0, 120_000))]:
        results = intersect(kind, *sets, receivers, threads=2)
        check(sets, [result.rows for result in results], receivers)


def test_tags_are_long_enough_and_large_sets_are_planned_for() -> None:
    for n, m in [(0, 0), (1, 1), (1, 1 << 20), (1 << 20, 1), (1 << 20, 1 << 20), (1 << 26, 1 << 26)]:
        sizes = Sizes(n, m, malicious=False)
        assert sizes.tag_bits >= 40 + np.log2(max(n, 1)) + np.log2(max(m, 1))
        assert sizes.tag_bits >= 40 + 2 * np.log2(max(m, 1)) - 1, "two tags of one side must differ as well"
        assert sizes.strong == (max(n, m) > 1 << 24)
        assert Sizes(n, m, malicious=True).tag_bits == 128
    # Sizes that are no power of two: whatever the variant, the lists have room for their tags.
    for n in (3, 10**6 + 1, 10**7, 3 * 10**7, 10**8 // 64):
        for n_parts in (1, 8, 1024):
            assert Sizes(n, n, malicious=False, n_parts=n_parts).list_bytes > 0
    assert not Sizes(10**7, 10**7, malicious=False).strong, "fast tags serve ten million"
    million = Sizes(1 << 20, 1 << 20, malicious=False)
    assert million.list_bytes <= 8.26 * (1 << 20) and million.cells <= 1.30 * (1 << 20)


def test_strong_tags_serve_the_semi_honest_protocol_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rr22, "_FAST_LOW_BITS", 0)
    sets = (ids(0, 50), ids(20, 90))
    check(sets, [result.rows for result in intersect(Rr22Psi, *sets, BOTH)], BOTH)


def test_the_joint_order_follows_nobodys_file() -> None:
    rows = intersect(Rr22Psi, ids(0, 40), ids(0, 40), BOTH)[0].rows
    assert rows is not None and not np.array_equal(rows, np.arange(40))


def test_message_lengths_depend_on_sizes_alone() -> None:
    def lengths(sets: tuple[list[bytes], list[bytes]]) -> list[tuple[str, int]]:
        async def everybody() -> list[tuple[str, int]]:
            network = MemoryNetwork(2, timeout_s=20)
            parties = await contexts(network, 2)
            await asyncio.gather(*(Rr22Psi().intersect(ctx, Items.of(sets[ctx.me])) for ctx in parties))
            return sorted((entry.path, entry.n_bytes) for entry in network.transcript)

        return asyncio.run(everybody())

    assert lengths((ids(0, 100), ids(50, 120))) == lengths((ids(900, 1000), ids(2000, 2070)))


@pytest.mark.parametrize(("kind", "receivers"), WAYS + LOW + CHECKED)
@pytest.mark.parametrize("sizes", [(20, 33), (0, 1), (2000, 5)])
def test_costs_are_what_is_declared(
    kind: type[Rr22Psi], receivers: frozenset[int], sizes: tuple[int, int]
) -> None:
    async def party(ctx: Ctx) -> None:
        await kind().intersect(ctx, Items.of(ids(0, sizes[ctx.me])), receivers=receivers)

    match = "match_checked" if kind.malicious else "match_keys"
    assert {"psi.rr22.agree_sizes", f"psi.rr22.{match}"} <= verify(observe(party))


# --- what is refused ----------------------------------------------------------------------------------

TWICE = Items(np.frombuffer(b"aab", np.uint8), np.array([0, 1, 2, 3]))


@pytest.mark.parametrize("owner", [0, 1])
@pytest.mark.parametrize("kind", [Rr22Psi, Rr22LowPsi, Rr22MaliciousPsi])
def test_my_own_repeated_items_are_named(kind: type[Rr22Psi], owner: int) -> None:
    """Of the receiver, whose store cannot hold them, and of the sender, whose tags are equal."""

    async def party(ctx: Ctx) -> str:
        items = TWICE if ctx.me == owner else Items.of([b"x", b"y"])
        with pytest.raises(TacitError) as caught:
            await kind().intersect(ctx, items, receivers=FIRST)
        assert isinstance(caught.value, UsageError) or ctx.me != owner
        return caught.value.code

    codes = run_parties(party, timeout_s=1)
    assert codes[owner] == "PSI-0001" and codes[1 - owner] == "NET-0003"


def test_two_receivers_are_refused_against_a_deviating_peer() -> None:
    async def party(ctx: Ctx) -> str:
        with pytest.raises(UnsupportedError) as caught:
            await Rr22MaliciousPsi().intersect(ctx, Items.of([b"x"]))
        return caught.value.code

    assert run_parties(party) == ["PSI-0021", "PSI-0021"]


@pytest.mark.parametrize("kind", [Rr22Psi, Rr22LowPsi, Rr22MaliciousPsi])
def test_too_large_a_set_of_mine_is_refused(kind: type[Rr22Psi]) -> None:
    async def party(ctx: Ctx) -> str:
        with pytest.raises(LimitError) as caught:
            await rr22.agree_sizes(ctx, kind.largest_set + 1, kind)
        return caught.value.code

    assert run_parties(party) == ["PSI-0003", "PSI-0003"]


# --- a deviating peer ---------------------------------------------------------------------------------

Deviation = Callable[[Ctx], Awaitable[Any]]


def against(
    deviate: Deviation, kind: type[Rr22Psi] = Rr22Psi, receivers: frozenset[int] = BOTH
) -> TacitError:
    """The error of party 0, who plays by the rules, against `deviate(ctx)`."""

    async def everybody() -> TacitError:
        honest, other = await contexts(MemoryNetwork(2, timeout_s=2), 2)

        async def cheat() -> None:
            with contextlib.suppress(TacitError):
                await deviate(other)

        task = asyncio.ensure_future(cheat())
        try:
            with pytest.raises(TacitError) as caught:
                await kind().intersect(honest, Items.of(ids(0, 9)), receivers=receivers)
            return caught.value
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return asyncio.run(everybody())


@pytest.mark.parametrize(
    ("kind", "size"),
    [(Rr22Psi, rr22.LARGEST_SET + 1), (Rr22Psi, (1 << 64) - 1), (Rr22LowPsi, rr22.LARGEST_LOW_SET + 1)],
)
def test_an_absurd_size_is_refused_before_anything_is_allocated(kind: type[Rr22Psi], size: int) -> None:
    async def deviate(ctx: Ctx) -> None:
        variant = 2 if kind is Rr22LowPsi else 0
        await ctx.sub("agree_sizes").send(0, Ring(np.array([size, variant], np.uint64)))

    error = against(deviate, kind)
    assert isinstance(error, LimitError) and error.code == "PSI-0003"


@pytest.mark.parametrize(("mine", "theirs"), [(Rr22Psi, Rr22MaliciousPsi), (Rr22LowPsi, Rr22Psi)])
def test_another_variant_is_named(mine: type[Rr22Psi], theirs: type[Rr22Psi]) -> None:
    error = against(lambda ctx: theirs().intersect(ctx, Items.of(ids(0, 3)), receivers=FIRST), mine, FIRST)
    assert isinstance(error, PeerError) and error.code == "PSI-0004"


class Deviant:
    """A kernel object whose results `change` makes others of."""

    def __init__(self, inner: Any, method: str, change: Callable[..., Any]) -> None:
        self._inner, self._method, self._change = inner, method, change

    def __getattr__(self, name: str) -> Any:
        original = getattr(self._inner, name)
        if name != self._method:
            return original
        return lambda *args: self._change(original(*args))


def sender_with(change: Callable[[bytes], bytes], items: list[bytes]) -> Deviation:
    """By the rules as the sender, party 1, but for the list of tags."""

    async def deviate(ctx: Ctx) -> None:
        n_theirs = await rr22.agree_sizes(ctx, len(items), Rr22Psi)
        link = await rr22.open_link(ctx)
        sizes = Sizes(n_theirs, len(items), False)
        label = ctx.common(0).bytes(16)
        mine = Items.of(items)
        keys = _kernel.psi_keys(mine.data, mine.offsets, label, False, 1)
        child = ctx.sub("match_keys")
        store = rr22._sorted(link, keys, child.common(0).bytes(16), sizes, 1)

        def deviant(tags: Any) -> Any:
            return Deviant(tags, "write", lambda written: (change(written[0]), written[1]))

        await rr22._send(child, link, Deviant(store, "corrected_tags", deviant), sizes)  # type: ignore[arg-type]

    return deviate


def test_the_deviant_without_a_change_plays_by_the_rules() -> None:
    async def party(ctx: Ctx) -> Any:
        if ctx.me == 1:
            return await sender_with(lambda message: message, ids(4, 12))(ctx)
        return (await Rr22Psi().intersect(ctx, Items.of(ids(0, 9)), receivers=FIRST)).rows

    assert sorted(run_parties(party)[0].tolist()) == [4, 5, 6, 7, 8]


LISTS = {
    "cut": (lambda message: message[:-1], "PEER-0001"),
    "longer": (lambda message: message + b"\0", "PEER-0001"),
    "no heads": (lambda message: bytes(2) + message[2:], "PEER-0001"),
    "all heads": (lambda message: b"\xff\xff" + message[2:], "PEER-0001"),
    "all in one bucket": (lambda message: b"\x00\x7f\x00"[:2] + message[2:], "PEER-0001"),
    "one tag eight times": (lambda message: b"\x00\xff" + message[2:8] * 8, "PSI-0002"),
}
"""For eight tags: sixteen bits of heads, 6 bytes of each low."""


@pytest.mark.parametrize("name", LISTS)
def test_lists_that_are_none_are_the_peers_fault(name: str) -> None:
    change, code = LISTS[name]
    assert Sizes(9, 8, False).list_bytes == 2 + 8 * 6
    error = against(sender_with(change, ids(4, 12)), receivers=FIRST)
    assert isinstance(error, PeerError) and error.code == code


def test_an_answer_with_bits_beyond_the_tags_is_refused() -> None:
    async def deviate(ctx: Ctx, keys: np.ndarray, link: rr22.SilentVoleLink, sizes: Sizes) -> None:
        """As the receiver, by the rules but for the answer."""
        child = ctx.sub("match_keys")
        await rr22._receive(child, link, rr22._sorted(link, keys, child.common(1).bytes(16), sizes, 1), sizes)
        await child.sub("reveal").send(1, Octets(np.full(2, 0xFF, np.uint8)))

    async def party(ctx: Ctx) -> str:
        link, sizes, mine = await rr22.open_link(ctx), Sizes(3, 9, False), Items.of(ids(0, (3, 9)[ctx.me]))
        keys = _kernel.psi_keys(mine.data, mine.offsets, bytes(16), False, 1)
        if ctx.me == 0:
            await deviate(ctx, keys, link, sizes)
            return ""
        with pytest.raises(PeerError) as caught:
            await rr22.match_keys(ctx, link, keys, sizes, BOTH, 1)
        return caught.value.code

    assert run_parties(party)[1] == "PEER-0001"


def test_another_opening_than_committed_is_cheating() -> None:
    async def deviate(ctx: Ctx) -> None:
        n_theirs = await rr22.agree_sizes(ctx, 3, Rr22MaliciousPsi)
        link = await rr22.open_checked_link(ctx)
        mine = Items.of(ids(0, 3))
        sizes = Sizes(n_theirs, 3, True)
        keys = _kernel.psi_keys(mine.data, mine.offsets, ctx.common(0).bytes(16), True, 1)
        child = ctx.sub("match_checked")
        await child.send(0, Octets(np.zeros(32, np.uint8)))
        seed = (await child.recv(0, Octets, shape=(16,))).array
        await rr22._send(child, link, rr22._sorted(link, keys, seed, sizes, 1), sizes, np.zeros(16, np.uint8))

    error = against(deviate, Rr22MaliciousPsi, FIRST)
    assert isinstance(error, CheatDetected) and error.code == "PSI-0020"
