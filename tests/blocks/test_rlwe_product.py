"""Private products by RLWE: values, costs, bounds, and what a peer may send."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.errors import LimitError, PeerError, UnsupportedError, UsageError
from tacit.base.meter import depth
from tacit.base.protocol import gather
from tacit.blocks.he import rlwe_product
from tacit.blocks.he.rlwe_product import RlweLink, exchange, open_link, plan, prepare, product
from tests.harness import run_parties


def signed(random: np.random.Generator, shape: tuple[int, ...], bits: int) -> np.ndarray:
    """Uniform signed numbers of `bits` bits, the two extremes among them."""
    x = (random.integers(-(2**63), 2**63, shape, np.int64) >> (64 - bits)).view(np.uint64)
    x.reshape(-1)[0] = (-(1 << (bits - 1))) % 2**64
    x.reshape(-1)[-1] = (1 << (bits - 1)) - 1
    return x


def full(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return random.integers(0, 2**64, shape, np.uint64)


def expected(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """uint64[batch, m] by the definition, wrapping."""
    return np.einsum("imd,id->im", np.broadcast_to(x, (len(w), *x.shape[1:])), w)


CASES = [
    (180, 24, (1, 30, 40, 1)),
    (200, 40, (1, 100, 17, 1)),
    (200, 40, (1, 3, 9000, 1)),
    (200, 40, (20, 17, 33, 1)),
    (200, 20, (3, 5, 7, 3)),
    (215, 64, (2, 31, 64, 1)),
    (200, 64, (2, 31, 64, 1)),  # in halves
    (200, 51, (1, 5, 20000, 1)),  # in halves
    (200, 1, (1, 64, 64, 1)),
]


@pytest.mark.parametrize("holder", [0, 1])
@pytest.mark.parametrize(("modulus_bits", "x_bits", "shape"), CASES)
def test_shares_add_up_to_the_product_at_the_declared_cost(
    holder: int, modulus_bits: int, x_bits: int, shape: tuple[int, int, int, int]
) -> None:
    random = np.random.default_rng(1)
    batch, m, d, distinct = shape
    x, w = signed(random, (distinct, m, d), x_bits), full(random, (batch, d))

    async def party(ctx: Ctx) -> tuple[np.ndarray, int, int, int]:
        link = await open_link(ctx, modulus_bits)
        before, began = ctx.meter().bytes_sent, depth()
        mine = ctx.me == holder
        share = await product(ctx, link, holder, x if mine else None, None if mine else w, shape, x_bits)
        sent = ctx.meter().bytes_sent - before
        return share, sent, depth() - began, link.product_bits(shape, x_bits)

    (share, sent, rounds, declared), (other, other_sent, other_rounds, _) = run_parties(party)
    assert np.array_equal(share + other, expected(x, w))
    assert 8 * (sent + other_sent) == declared
    assert max(rounds, other_rounds) == product.spec.rounds  # type: ignore[attr-defined]
    if share.size > 20:
        assert len(np.unique(share)) == len(np.unique(other)) == share.size


def test_a_prepared_matrix_serves_many_products() -> None:
    random = np.random.default_rng(2)
    x, ws = signed(random, (50, 60), 30), full(random, (3, 1, 60))

    async def party(ctx: Ctx) -> list[np.ndarray]:
        link = await open_link(ctx)
        layout = link.plan(50, 60, 1, 30)
        matrix = prepare(layout, x) if ctx.me == 1 else None
        calls = (exchange(ctx, link, 1, layout, matrix, None if ctx.me == 1 else w) for w in ws)
        return await gather(*calls)

    one, other = run_parties(party)
    for share, other_share, w in zip(one, other, ws, strict=True):
        assert np.array_equal(share + other_share, expected(x[None], w))
    # Equal matrices, other masks every time.
    assert not np.array_equal(other[0], other[1])


def test_long_products_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rlwe_product, "EXCHANGE_LIMIT_BYTES", 1 << 20)
    random = np.random.default_rng(3)
    shape = (9, 700, 65, 1)
    x, w = signed(random, (1, 700, 65), 40), full(random, (9, 65))

    async def party(ctx: Ctx) -> tuple[np.ndarray, int]:
        link = await open_link(ctx)
        share = await product(ctx, link, 0, *((x, None) if ctx.me == 0 else (None, w)), shape, 40)
        return share, ctx.meter().frames_sent

    (share, frames), (other, _) = run_parties(party)
    assert frames > 5
    assert np.array_equal(share + other, expected(x, w))


def test_elements_beyond_the_declared_bits_are_refused() -> None:
    for bits, modulus_bits in ((20, 180), (50, 200)):
        layout = plan(modulus_bits, 2, 20000, 1, bits)
        assert layout.halves == (bits == 50)
        for value in (1 << (bits - 1), (-(1 << (bits - 1)) - 1) % 2**64):
            x = np.zeros((2, 20000), np.uint64)
            prepare(layout, x)
            x[1, 7] = value
            with pytest.raises(UsageError) as caught:
                prepare(layout, x)
            assert caught.value.code == "RLWE-0004"
            assert str(value) not in str(caught.value)


def test_products_that_no_flooding_covers_are_refused() -> None:
    with pytest.raises(UnsupportedError) as caught:
        plan(180, 1, 1 << 20, 1, 40)
    assert caught.value.code == "RLWE-0003"
    for m, d, columns, bits in ((0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0), (1, 1, 1, 65)):
        with pytest.raises(UsageError) as refused:
            plan(200, m, d, columns, bits)
        assert refused.value.code == "RLWE-0002"


def test_outputs_of_a_session_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rlwe_product, "JOB_OUTPUTS", 100)

    async def party(ctx: Ctx) -> RlweLink:
        return await open_link(ctx)

    link = run_parties(party)[0]
    link.spend(60)
    with pytest.raises(LimitError) as caught:
        link.spend(41)
    assert caught.value.code == "RLWE-0001"
    link.spend(40)


def test_malformed_bytes_are_the_peer_s_fault() -> None:
    layout = plan(200, 4, 4, 1, 40).layout
    key, public = _kernel.RlweKey.generate(bytes(32), 200)
    matrix = _kernel.RlweMatrix.prepare(layout, np.ones((4, 4), np.uint64), True)
    theirs = _kernel.RlwePublicKey.decode(public, 200)
    fresh = key.encrypt(layout, bytes(32), np.ones((1, 4), np.uint64))
    too_large = fresh.copy()
    too_large[16:] = 255

    def refused(call: Any, *arguments: Any) -> bool:
        with pytest.raises(_kernel.KernelError) as caught:
            call(*arguments)
        return bool(caught.value.kind == "malformed")

    assert refused(matrix.multiply, theirs, fresh[:-1], bytes(16))
    assert refused(matrix.multiply, theirs, too_large, bytes(16))
    assert refused(key.decrypt, layout, bytes(layout.answer_size + 1))
    assert refused(_kernel.RlwePublicKey.decode, public[:-1], 200)
    assert refused(_kernel.RlwePublicKey.decode, bytes(too_large[: len(public)]), 200)


def test_a_short_message_names_the_peer() -> None:
    async def party(ctx: Ctx) -> None:
        link = await open_link(ctx)
        if ctx.me == 0:
            x = np.ones((1, 3, 3), np.uint64)
            with pytest.raises(PeerError) as caught:
                await product(ctx, link, 0, x, None, (1, 3, 3, 1), 40)
            assert caught.value.code == "PEER-0001"
        else:
            scope = ctx.sub("product").sub("exchange")
            await scope.send(0, rlwe_product.octets(bytes(link.plan(3, 3, 1, 40).layout.fresh_size - 1)))

    run_parties(party)
