"""Element-wise products by RLWE: values, costs, bounds, and what a peer may send."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.errors import LimitError, PeerError
from tacit.base.meter import depth
from tacit.base.wire import Octets
from tacit.blocks.correlation import OwnCorrelations
from tacit.blocks.he.slot_product import JOB_OUTPUTS, SLOTS, open_link, product
from tacit.blocks.ot import softspoken_roy22
from tests.harness import run_parties

EXTREMES = np.array([0, 1, 2**64 - 1, 2**63, 2**63 - 1], np.uint64)


def operands(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """uint64[2, n] each, party by party; every pair of extremes is among them."""
    random = np.random.default_rng(seed)
    x, y = random.integers(0, 2**64, (2, 2, n), np.uint64)
    pairs = np.stack(np.meshgrid(EXTREMES, EXTREMES), -1).reshape(-1, 2)[:n]
    x[:, : len(pairs)], y[:, : len(pairs)] = pairs.T, pairs.T[::-1]
    return x, y


@pytest.mark.parametrize("owner", [0, 1])
@pytest.mark.parametrize(("terms", "n"), [(2, 1), (1, 40), (2, SLOTS), (1, SLOTS + 1)])
def test_shares_add_up_to_the_sum_of_products_and_the_wrap(owner: int, terms: int, n: int) -> None:
    x, y = (side[:terms] for side in operands(n, n))

    async def party(ctx: Ctx) -> tuple[np.ndarray, int, int, int]:
        link = await open_link(ctx)
        before, began = ctx.meter().bytes_sent, depth()
        share = await product(ctx, link, owner, x if ctx.me == owner else y, True)
        return share, ctx.meter().bytes_sent - before, depth() - began, link.product_bits(n, terms)

    (share, sent, rounds, declared), (other, other_sent, other_rounds, _) = run_parties(party)
    w = share[1] | other[1]
    assert np.array_equal(share[0] + other[0] - w, (x * y).sum(axis=0, dtype=np.uint64))
    assert 8 * (sent + other_sent) == declared
    assert max(rounds, other_rounds) == product.spec.rounds  # type: ignore[attr-defined]
    if n > 30:
        assert 0 < w.sum() < n
        assert len(np.unique(share[0])) == len(np.unique(other[0])) == n


def correlate(call: Any) -> list[Any]:
    async def party(ctx: Ctx) -> Any:
        links = (await softspoken_roy22.open_link(ctx), None, await open_link(ctx))
        return await call(ctx, OwnCorrelations(*links))

    return run_parties(party)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("n", [SLOTS, SLOTS + 100, 2 * SLOTS + 3000])
def test_crossed_terms_of_numbers(n: int, exact: bool) -> None:
    """Full ciphertexts, with a rest by OTs, with a rest in a ciphertext of its own."""
    x, y = operands(n, n)

    async def party(ctx: Ctx, source: OwnCorrelations) -> tuple[np.ndarray, int, int]:
        before = ctx.meter().bytes_sent
        mine = (x[ctx.me].reshape(n, 1, 1), y[ctx.me].reshape(n, 1))
        share = await source.crosses(ctx, *mine, (n, 1, 1, n), exact=exact)
        return share, ctx.meter().bytes_sent - before, source.crosses_bits((n, 1, 1, n), exact=exact)

    (share, sent, declared), (other, other_sent, _) = correlate(party)
    missing = (x[0] * y[1] + x[1] * y[0])[:, None] - (share + other)
    assert share.shape == (n, 1)
    assert set(np.unique(missing)) == ({0} if exact else {0, 1})
    assert 8 * (sent + other_sent) == declared


@pytest.mark.parametrize("holder", [0, 1])
@pytest.mark.parametrize("n", [SLOTS + 9, 3000])
def test_one_crossed_term_of_numbers(holder: int, n: int) -> None:
    x, w = operands(n, n)[0]

    async def party(ctx: Ctx, source: OwnCorrelations) -> tuple[np.ndarray, int, int]:
        before = ctx.meter().bytes_sent
        mine = (x.reshape(n, 1, 1), None) if ctx.me == holder else (None, w.reshape(n, 1))
        share = await source.cross(ctx, holder, *mine, (n, 1, 1, n))
        return share, ctx.meter().bytes_sent - before, source.cross_bits(n, 1, 1, n)

    (share, sent, declared), (other, other_sent, _) = correlate(party)
    assert np.array_equal((share + other)[:, 0], x * w)
    assert 8 * (sent + other_sent) == declared


def test_few_products_stay_with_ots() -> None:
    async def party(ctx: Ctx, source: OwnCorrelations) -> list[bool]:
        without = OwnCorrelations(source.link)
        shapes = [(n, 1, 1, n) for n in (1, 1000, 3000)]
        return [source.crosses_bits(shape) < without.crosses_bits(shape) for shape in shapes]

    assert correlate(party) == [[False, False, True]] * 2


def test_a_session_masks_no_more_than_its_flooding_is_sized_for() -> None:
    async def party(ctx: Ctx) -> str:
        link = await open_link(ctx)
        link.spend(JOB_OUTPUTS - 3 * SLOTS + 1)
        with pytest.raises(LimitError) as error:
            await product(ctx, link, 0, np.zeros((1, 5), np.uint64), False)
        return error.value.code

    assert run_parties(party) == ["RLWE-0001", "RLWE-0001"]


@pytest.mark.parametrize("owner", [0, 1])
@pytest.mark.parametrize("cut", [0, 1])
def test_a_peer_that_sends_something_else_is_named(owner: int, cut: int) -> None:
    """Party 0 deviates: residues that are not canonical, or a message of another size."""
    fresh, answer, _ = _kernel.rlwe_slots_size(10, 2)

    async def party(ctx: Ctx) -> Any:
        link = await open_link(ctx)
        factors = np.ones((2, 10), np.uint64)
        if ctx.me == 1:
            return await product(ctx, link, owner, factors, False)
        scope = ctx.sub("product")
        if owner == 0:
            await scope.send(1, Octets(np.full(fresh - cut, 255, np.uint8)))
            return None
        await scope.recv(1, Octets, shape=(fresh,))
        await scope.send(1, Octets(np.full(answer - 1, 255, np.uint8)))
        return None

    with pytest.raises(PeerError):
        run_parties(party)
