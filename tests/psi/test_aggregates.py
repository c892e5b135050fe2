"""Counts, sums and thresholds of hidden intersections: the numbers are right, and nothing else is opened."""

from __future__ import annotations

import numpy as np
import pytest

from tacit.base.ctx import Ctx
from tacit.base.errors import PolicyError, UsageError
from tacit.mpc import openings
from tacit.mpc.scheme import Share
from tacit.mpc.semi2k import Semi2k
from tacit.psi.aggregates import (
    COUNT,
    ENOUGH,
    MEMBERS,
    SUMS,
    at_least,
    count_and_sums,
    items_if_at_least,
    sums_if_at_least,
)
from tacit.psi.circuit_psty19 import LARGEST_SET, RECEIVER, intersect
from tacit.psi.functionality import Items
from tests.harness import run_parties

ANSWERS = [(COUNT, None), (SUMS, None), (ENOUGH, None), (MEMBERS, RECEIVER)]
"""All that can be asked of a hidden intersection, as a step declares it."""


def ids(start: int, stop: int) -> list[bytes]:
    return [b"id-%d" % i for i in range(start, stop)]


@pytest.mark.parametrize("n_columns", [0, 1, 2])
def test_sums_and_counts_follow_without_opening_who_is_common(n_columns: int) -> None:
    """Cardinality and sum: one number is opened for each; sums are modulo 2^64."""
    squares = np.arange(30, dtype=np.uint64) ** np.uint64(2)
    values = np.stack([squares, np.full(30, 2**64 - 1, np.uint64)])[:n_columns]

    async def party(ctx: Ctx) -> tuple[int, list[int]]:
        scheme = await Semi2k.start(ctx.sub("setup"))
        items = Items.of((ids(0, 20), ids(10, 40))[ctx.me])
        found = await intersect(ctx, scheme, items, values if ctx.me == 1 else None, n_columns)
        with openings.step(ANSWERS):
            count, sums = await count_and_sums(ctx, scheme, found)
        return count, sums.tolist()

    assert run_parties(party) == [(10, [sum(i * i for i in range(10)), 2**64 - 10][:n_columns])] * 2


class Watched(Semi2k):
    """Notes the shapes of all that is opened, as party 0 sees it."""

    opened: list[tuple[int, ...]]

    async def reveal(self, ctx: Ctx, x: Share, *, to: int | None = None) -> np.ndarray | None:
        if ctx.me == 0:
            self.opened.append(x.shape)
        return await super().reveal(ctx, x, to=to)


@pytest.mark.parametrize("threshold", [1, 9, 10, 11, LARGEST_SET])
def test_items_are_opened_only_if_there_are_enough(threshold: int) -> None:
    Watched.opened = []

    async def party(ctx: Ctx) -> tuple[bool, list[int] | None]:
        scheme = await Watched.start(ctx.sub("setup"))
        items = Items.of((ids(0, 20)[::-1], ids(10, 40))[ctx.me])
        columns = np.zeros((0, 30), np.uint64) if ctx.me == 1 else None
        found = await intersect(ctx, scheme, items, columns, 0)
        with openings.step(ANSWERS):
            enough, rows = await items_if_at_least(ctx, scheme, found, threshold)
        return enough, None if rows is None else rows.tolist()

    enough = threshold <= 10
    assert run_parties(party) == [(enough, list(range(10)) if enough else None), (enough, None)]
    assert len(Watched.opened) == 1 + enough and Watched.opened[0] == ()


@pytest.mark.parametrize("common", [0, 1, 2])
def test_whether_any_are_common_is_one_bit(common: int) -> None:
    async def party(ctx: Ctx) -> bool:
        scheme = await Semi2k.start(ctx.sub("setup"))
        items = Items.of((ids(0, 7), ids(7 - common, 14))[ctx.me])
        columns = np.zeros((0, 7 + common), np.uint64) if ctx.me == 1 else None
        found = await intersect(ctx, scheme, items, columns, 0)
        with openings.step(ANSWERS):
            return await at_least(ctx, scheme, found, 1)

    assert run_parties(party) == [common > 0] * 2


@pytest.mark.parametrize("threshold", [-1, 0, LARGEST_SET + 1])
def test_thresholds_that_say_nothing_are_refused(threshold: int) -> None:
    async def party(ctx: Ctx) -> None:
        scheme = await Semi2k.start(ctx.sub("setup"))
        columns = np.zeros((0, 3), np.uint64) if ctx.me == 1 else None
        found = await intersect(ctx, scheme, Items.of(ids(0, 3)), columns, 0)
        with openings.step(ANSWERS):
            await at_least(ctx, scheme, found, threshold)

    with pytest.raises(UsageError) as refused:
        run_parties(party)
    assert refused.value.code == "PSI-0031"


@pytest.mark.parametrize("threshold", [10, 11])
def test_sums_are_opened_only_if_there_are_enough(threshold: int) -> None:
    Watched.opened = []
    amounts = np.arange(30, dtype=np.uint64)[None, :]

    async def party(ctx: Ctx) -> tuple[int, list[int]] | None:
        scheme = await Watched.start(ctx.sub("setup"))
        items = Items.of((ids(0, 20), ids(10, 40))[ctx.me])
        found = await intersect(ctx, scheme, items, amounts if ctx.me == 1 else None, 1)
        with openings.step(ANSWERS):
            told = await sums_if_at_least(ctx, scheme, found, threshold)
        return None if told is None else (told[0], told[1].tolist())

    assert run_parties(party) == [(10, [45]) if threshold <= 10 else None] * 2
    assert Watched.opened == ([(), (), (1,)] if threshold <= 10 else [()])


@pytest.mark.parametrize(
    "declared", [[], [(COUNT, None)], [(ENOUGH, 0)], [(ENOUGH, None)], [(MEMBERS, None)]]
)
def test_what_the_step_does_not_declare_is_not_opened(declared: list[tuple[str, int | None]]) -> None:
    Watched.opened = []

    async def party(ctx: Ctx) -> str:
        scheme = await Watched.start(ctx.sub("setup"))
        columns = np.zeros((0, 20), np.uint64) if ctx.me == 1 else None
        found = await intersect(ctx, scheme, Items.of(ids(0, 20)), columns, 0)
        with openings.step(declared), pytest.raises(PolicyError) as refused:
            await items_if_at_least(ctx, scheme, found, 3)
        return refused.value.code

    assert run_parties(party) == ["POLICY-0002"] * 2
    assert len(Watched.opened) == (declared == [(ENOUGH, None)]), "what was declared, and nothing after it"
