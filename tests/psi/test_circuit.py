"""Circuit intersection: membership and payload as shares, against Python's sets."""

from __future__ import annotations

import numpy as np
import pytest

from tacit.base.ctx import Ctx
from tacit.base.errors import UsageError
from tacit.mpc.semi2k import Semi2k
from tacit.psi.circuit_psty19 import Members, intersect
from tacit.psi.functionality import Items
from tests.harness import run_parties


def ids(start: int, stop: int) -> list[bytes]:
    return [b"id-%d" % i for i in range(start, stop)]


def run(
    mine: list[bytes], theirs: list[bytes], columns: int = 1
) -> tuple[list[Members], np.ndarray, np.ndarray]:
    """(both outcomes, members, payload) with the shares put together."""
    values = np.arange(columns * len(theirs), dtype=np.uint64).reshape(columns, len(theirs)) + np.uint64(1000)

    async def party(ctx: Ctx) -> Members:
        scheme = await Semi2k.start(ctx.sub("setup"))
        items = Items.of((mine, theirs)[ctx.me])
        return await intersect(ctx, scheme, items, values if ctx.me == 1 else None, columns)

    first, second = run_parties(party)
    member = first.member.data ^ second.member.data
    return [first, second], member, first.payload.data + second.payload.data


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
        (ids(0, 300), ids(100, 900)),
        (ids(0, 2000), ids(1990, 2010)),
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
        "lopsided",
    ],
)
def test_members_and_payloads(mine: list[bytes], theirs: list[bytes]) -> None:
    (first, second), member, payload = run(mine, theirs)
    assert first.bins is not None and second.bins is None
    place = {item: index for index, item in enumerate(theirs)}
    assert sorted(first.bins[first.bins >= 0].tolist()) == list(range(len(mine)))
    for b, number in enumerate(first.bins.tolist()):
        common = number >= 0 and mine[number] in place
        assert member[b] == common
        assert payload[0, b] == (1000 + place[mine[number]] if common else 0)


@pytest.mark.parametrize("columns", [0, 1, 2, 4])
def test_any_number_of_payload_columns(columns: int) -> None:
    (first, _), member, payload = run(ids(0, 50), ids(25, 80), columns)
    assert member.sum() == 25 and payload.shape == (columns, len(member))
    assert first.bins is not None
    for b in np.flatnonzero(member):
        place = int(first.bins[b]) - 25
        assert payload[:, b].tolist() == [1000 + place + 55 * column for column in range(columns)]


def test_random_cases() -> None:
    random = np.random.default_rng(5)
    for _ in range(20):
        pool = random.permutation(60)
        n, m = random.integers(0, 40, 2)
        mine = [b"%d" % i for i in pool[:n]]
        theirs = [b"%d" % i for i in random.permutation(60)[:m]]
        _, member, _ = run(mine, theirs)
        assert member.sum() == len(set(mine) & set(theirs))


def test_a_payload_that_does_not_fit_is_refused() -> None:
    async def party(ctx: Ctx) -> None:
        scheme = await Semi2k.start(ctx.sub("setup"))
        columns = np.zeros((2, 3), np.uint64) if ctx.me == 1 else None
        await intersect(ctx, scheme, Items.of(ids(0, 4)), columns, 1)

    with pytest.raises(UsageError) as refused:
        run_parties(party)
    assert refused.value.code == "PSI-0030"
