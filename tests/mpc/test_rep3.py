"""rep3 against plain arithmetic: every operator through the executor, every operation of the scheme."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from tacit.base.ctx import Ctx
from tacit.base.errors import UsageError
from tacit.mpc.rep3 import SCHEME, Rep3, chunks
from tacit.mpc.rep3 import sort as sorting
from tacit.mpc.rep3.compare import signs
from tacit.mpc.rep3.roles import HELPER, helper_side, open_side
from tacit.mpc.rep3.share import Rep3Share
from tacit.mpc.rep3.shuffle import shuffle
from tests.harness import run_parties

PARTIES = 3


def run_rep3(party: Callable[[Ctx, Rep3], Awaitable[Any]]) -> list[Any]:
    async def one(ctx: Ctx) -> Any:
        return await party(ctx, await SCHEME.start(ctx.sub("setup")))

    return run_parties(one, PARTIES)


# --- the scheme's operations --------------------------------------------------------------------------

LIMIT = 1 << 62
EDGES = np.array([0, 1, -1, 2, 1 << 61, -(1 << 61), LIMIT - 1, 1 - LIMIT, -LIMIT, 1 << 30, -(1 << 30)])


def integers(name: str, shape: tuple[int, ...], limit: int) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(name.encode())).integers(-limit, limit, shape)


async def shared(ctx: Ctx, scheme: Rep3, x: np.ndarray, owner: int, *, boolean: bool = False) -> Any:
    ring = x.astype(np.uint8) if boolean else x.astype(np.int64).view(np.uint64)
    mine = ring if ctx.me == owner else None
    return await scheme.share(ctx, mine, owner=owner, shape=x.shape, boolean=boolean)


def signed(opened: np.ndarray | None) -> np.ndarray:
    assert opened is not None
    return np.array(opened).view(np.int64)


def agree(party: Callable[[Ctx, Rep3], Awaitable[np.ndarray]]) -> np.ndarray:
    """The result that all three parties have."""
    first, *others = run_rep3(party)
    assert all(np.array_equal(first, other) for other in others)
    return first


@pytest.mark.parametrize("owner", range(PARTIES))
@pytest.mark.parametrize("boolean", [False, True])
def test_any_party_shares_and_any_party_alone_learns(owner: int, boolean: bool) -> None:
    x = integers("share", (3, 50), LIMIT)
    x = x & 1 if boolean else x

    async def party(ctx: Ctx, scheme: Rep3) -> list[np.ndarray | None]:
        share = await shared(ctx, scheme, x, owner, boolean=boolean)
        return [await scheme.reveal(ctx, share, to=to) for to in (None, 0, 1, 2)]

    for me, (to_all, *to_one) in enumerate(run_rep3(party)):
        for to, opened in enumerate(to_one):
            assert (opened is not None) == (to == me)
        for opened in (to_all, to_one[me]):
            assert np.array_equal(opened if boolean else signed(opened), x)


def test_every_two_parties_hold_the_same_addend() -> None:
    x = integers("held", (40,), LIMIT)

    async def party(ctx: Ctx, scheme: Rep3) -> list[Rep3Share]:
        a, b = [await shared(ctx, scheme, x, owner) for owner in (0, 1)]
        bit = await scheme.msb(ctx, a)
        return [  # type: ignore[return-value]
            a,
            await scheme.mul(ctx, a, b),
            await scheme.trunc(ctx, a, bits=18),
            await scheme.mul_trunc(ctx, a, b, bits=18),
            bit,
            await scheme.b2a(ctx, bit),
            await scheme.mux(ctx, bit, b),
            await scheme.a2b(ctx, a),
            await scheme.shuffle(ctx, a),
            await scheme.sort(ctx, a),
            await scheme.random(ctx, (5,)),
            scheme.constant(ctx, np.arange(4, dtype=np.uint64)),
        ]

    views = run_rep3(party)
    for i, mine in enumerate(views):
        for a, b in zip(mine, views[(i + 1) % PARTIES], strict=True):
            assert np.array_equal(a.second, b.first)


def test_products() -> None:
    x, y = integers("x", (300,), 1 << 63), integers("y", (300,), 1 << 63)
    left, right = integers("left", (7, 11), 1 << 63), integers("right", (11, 5), 1 << 63)

    async def party(ctx: Ctx, scheme: Rep3) -> np.ndarray:
        a, b = await shared(ctx, scheme, x, 0), await shared(ctx, scheme, y, 2)
        c, d = await shared(ctx, scheme, left, 1), await shared(ctx, scheme, right, 2)
        results = [await scheme.mul(ctx, a, b), await scheme.square(ctx, a), await scheme.matmul(ctx, c, d)]
        for owner in range(PARTIES):
            plain = [v.view(np.uint64) if ctx.me == owner else None for v in (x, left)]
            results.append(await scheme.mul_private(ctx, plain[0], b, owner=owner))
            results.append(await scheme.matmul_private(ctx, plain[1], d, owner=owner, m=7))
        return np.concatenate([signed(await scheme.reveal(ctx, z)).ravel() for z in results])

    both = [x * y, left @ right]
    wanted = [x * y, x * x, left @ right, *both, *both, *both]
    assert np.array_equal(agree(party), np.concatenate([w.ravel() for w in wanted]))


def test_bits_and_conversions() -> None:
    x = np.concatenate([EDGES, integers("bits", (200,), LIMIT), integers("few", (89,), 4)])
    y = integers("other", x.shape, 1 << 63)
    bits = x.view(np.uint64)[:, None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)

    async def party(ctx: Ctx, scheme: Rep3) -> np.ndarray:
        opened = []
        for owner in range(PARTIES):
            a, b = await shared(ctx, scheme, x, owner), await shared(ctx, scheme, y, (owner + 1) % PARTIES)
            negative, odd = await scheme.msb(ctx, a), await scheme.low_bit(ctx, b)
            results = [
                negative,
                odd,
                await scheme.and_(ctx, negative, odd),
                scheme.add(negative, odd),
                await scheme.b2a(ctx, negative),
                await scheme.mux(ctx, odd, a),
                await scheme.a2b(ctx, a),
            ]
            for z in results:
                revealed = await scheme.reveal(ctx, z)
                assert revealed is not None
                opened.append(revealed.astype(np.uint64).ravel())
        return np.concatenate(opened)

    sign, odd = x < 0, y & 1 == 1
    wanted = [sign, odd, sign & odd, sign ^ odd, sign, np.where(odd, x, 0).view(np.uint64), bits]
    assert np.array_equal(
        agree(party), np.concatenate([w.ravel().astype(np.uint64) for w in wanted] * PARTIES)
    )


@pytest.mark.parametrize("tag_groups", [1, 4, 5, 9])
def test_tags_break_ties_below_the_key(tag_groups: int) -> None:
    """The sign of x + [tag >= 0]; the comparison of two keys that are equal rests on the tag alone."""
    limit = 1 << 4 * tag_groups
    x = np.concatenate([np.full(100, -1), EDGES, integers("keys", (89,), 3)])
    tags = integers("tags", x.shape, limit)
    tags[:6] = tags[100:106] = [0, 1, -1, limit - 1, 1 - limit, 1]

    async def party(ctx: Ctx, scheme: Rep3) -> np.ndarray:
        a, b = await shared(ctx, scheme, x, 1), await shared(ctx, scheme, tags, 2)
        sides = [helper_side(z) if ctx.me == HELPER else open_side(ctx, z) for z in (a, b)]
        opened = await scheme.reveal(ctx, await signs(ctx, sides[0], sides[1], tag_groups))
        assert opened is not None
        return opened

    assert np.array_equal(agree(party), x + (tags >= 0) < 0)


def test_long_arrays_go_in_windows_of_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 64)
    monkeypatch.setattr(chunks, "WINDOW", 2)
    test_bits_and_conversions()


def test_saved_shares_come_back() -> None:
    x = integers("saved", (6, 3), LIMIT)

    async def party(ctx: Ctx, scheme: Rep3) -> np.ndarray:
        data = scheme.save(await shared(ctx, scheme, x, 1))
        assert data.dtype == np.uint64
        return signed(await scheme.reveal(ctx, scheme.restore(data)))

    assert np.array_equal(agree(party), x)


def test_random_is_the_same_for_all_and_new_each_time() -> None:
    async def party(ctx: Ctx, scheme: Rep3) -> np.ndarray:
        return signed(await scheme.reveal(ctx, await scheme.random(ctx, (1000,))))

    values = agree(party)
    assert len(np.unique(values)) == 1000 and abs(np.mean(values < 0) - 0.5) < 0.1


def test_other_numbers_of_parties_are_refused() -> None:
    async def party(ctx: Ctx) -> None:
        with pytest.raises(UsageError) as refused:
            await SCHEME.start(ctx)
        assert refused.value.code == "SCHEME-0001"

    run_parties(party, 2)


# --- shuffle and sort ---------------------------------------------------------------------------------


def test_shuffle_moves_whole_rows_and_differs_from_call_to_call() -> None:
    x = np.arange(200).reshape(100, 2)

    async def party(ctx: Ctx, scheme: Rep3) -> np.ndarray:
        share = await shared(ctx, scheme, x, 2)
        return np.stack([signed(await scheme.reveal(ctx, await scheme.shuffle(ctx, share))) for _ in (0, 1)])

    orders = agree(party)
    for rows in orders:
        assert np.array_equal(np.sort(rows[:, 0]), x[:, 0]) and np.array_equal(rows[:, 0] + 1, rows[:, 1])
        assert np.sum(rows[:, 0] == x[:, 0]) < 10
    assert not np.array_equal(*orders)


def test_every_order_of_three_rows_is_as_likely() -> None:
    n = 6000

    async def party(ctx: Ctx, scheme: Rep3) -> np.ndarray:
        batch = np.broadcast_to(np.arange(3)[None, :, None], (n, 3, 1))
        share = await shuffle(ctx, await shared(ctx, scheme, batch, 0))
        return signed(await scheme.reveal(ctx, share))[..., 0]

    _, counts = np.unique(agree(party) @ np.array([1, 3, 9]), return_counts=True)
    assert len(counts) == 6 and np.sum((counts - n / 6) ** 2 / (n / 6)) < 25.7  # chi-square, 5 degrees, 1e-4


@pytest.mark.parametrize("shape", [(0,), (1,), (2,), (7,), (1500,), (3, 40), (2, 3, 13)])
@pytest.mark.parametrize("limit", [2, 50, LIMIT])
def test_sort(shape: tuple[int, ...], limit: int) -> None:
    x = integers("sort", shape, limit)

    async def party(ctx: Ctx, scheme: Rep3) -> np.ndarray:
        return signed(await scheme.reveal(ctx, await scheme.sort(ctx, await shared(ctx, scheme, x, 1))))

    assert np.array_equal(agree(party), np.sort(x, axis=-1))


def test_what_sorting_opens_is_a_uniform_order_also_among_equals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of three elements: all equal, two equal, none equal; their opened orders have one distribution."""
    n, orders = 4000, []
    split = sorting._split

    async def spy(ctx: Ctx, side: Any, order: Any, starts: Any) -> Any:
        result = await split(ctx, side, order, starts)
        if ctx.me == 0:
            orders.append(result[0] - np.arange(0, 3 * n, 3).repeat(3))
        return result

    monkeypatch.setattr(sorting, "_split", spy)
    for row in ([5, 5, 5], [1, 7, 1], [3, 1, 2]):
        orders.clear()

        async def party(ctx: Ctx, scheme: Rep3, row: list[int] = row) -> None:
            await scheme.sort(ctx, await shared(ctx, scheme, np.tile(row, (n, 1)), 0))

        run_rep3(party)
        assert len(orders) == 1
        _, counts = np.unique(orders[0].reshape(n, 3) @ np.array([1, 3, 9]), return_counts=True)
        assert len(counts) == 6 and np.sum((counts - n / 6) ** 2 / (n / 6)) < 25.7
