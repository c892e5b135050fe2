"""OT, its extension and the products made of it: right in both directions, hostile bytes named."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.errors import InternalError, PeerError, TacitError, UsageError
from tacit.base.protocol import gather
from tacit.base.wire import Octets, peer_bytes
from tacit.blocks.correlation import OwnCorrelations
from tacit.blocks.ot import ole
from tacit.blocks.ot.endemic_mr19 import base_ots
from tacit.blocks.ot.softspoken_roy22 import SoftSpokenLink, open_link
from tacit.net.faults import Fault, Faulty
from tacit.net.memory import MemoryNetwork
from tests.harness import contexts, run_parties


def unpack(packed: np.ndarray, n: int) -> np.ndarray:
    return np.unpackbits(packed, count=n, bitorder="little")


def test_base_ots_give_the_chosen_of_two_different_keys() -> None:
    n = 128

    async def party(ctx: Ctx) -> Any:
        choices = ctx.private().bits((n,))
        return choices, *(await base_ots(ctx, choices))

    (c0, pairs0, chosen0), (c1, pairs1, chosen1) = run_parties(party)
    for choices, pairs, chosen in ((c1, pairs0, chosen1), (c0, pairs1, chosen0)):
        rows = np.arange(n)
        assert np.array_equal(chosen, pairs[rows, choices])
        assert not np.any(np.all(chosen == pairs[rows, 1 - choices], axis=1))
        assert len({key.tobytes() for key in pairs.reshape(-1, 16)}) == 2 * n


@pytest.mark.parametrize("k", [1, 2, 4, 8])
@pytest.mark.parametrize("n", [1, 64, 1000])
def test_extended_rows_are_correlated_by_delta(k: int, n: int) -> None:
    async def party(ctx: Ctx) -> Any:
        link = await open_link(ctx, k)
        choices = ctx.private().bytes(-(-n // 8))
        one, two = ctx.sub("a"), ctx.sub("b")
        if ctx.me == 0:
            sent, received = await gather(link.send_rows(one, n), link.receive_rows(two, choices, n))
        else:
            received, sent = await gather(link.receive_rows(one, choices, n), link.send_rows(two, n))
        return np.frombuffer(link.delta, np.uint8), sent, received, unpack(choices, n)

    first, second = run_parties(party)
    for sender, receiver in ((first, second), (second, first)):
        delta, q, t, choices = sender[0], sender[1], receiver[2], receiver[3]
        assert np.array_equal(q, t ^ choices[:, None] * delta)
        assert len({row.tobytes() for row in t}) == n
    assert first[0].tobytes() != second[0].tobytes()


def test_a_batch_name_is_used_once() -> None:
    async def party(ctx: Ctx) -> str:
        link = await open_link(ctx)
        if ctx.me == 1:
            return ""
        scope = ctx.sub("batch")
        await link.receive_rows(scope, np.zeros(8, np.uint8), 64)
        with pytest.raises(_kernel.KernelError) as refused:
            await link.receive_rows(scope, np.zeros(8, np.uint8), 64)
        return refused.value.kind

    assert run_parties(party)[0] == "range"


def correlations(party: Any) -> list[Any]:
    async def one(ctx: Ctx) -> Any:
        return await party(ctx, OwnCorrelations(await open_link(ctx)))

    return run_parties(one)


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("words", [1, 5])
def test_bit_triples(words: int, width: int) -> None:
    async def party(ctx: Ctx, source: OwnCorrelations) -> Any:
        return await source.bit_triples(ctx.sub("t"), words, width)

    x, y = correlations(party)
    assert np.array_equal(x.c ^ y.c, (x.a ^ y.a) & (x.b ^ y.b))
    assert len({word for t in (x, y) for word in (*t.a, *t.b.ravel(), *t.c.ravel())}) == 2 * words * (
        1 + 2 * width
    )


@pytest.mark.parametrize("words", [1, 2, 7])
def test_products_of_private_bits(words: int) -> None:
    mine = np.random.default_rng(words).integers(0, 1 << 64, (2, words), dtype=np.uint64)

    async def party(ctx: Ctx, source: OwnCorrelations) -> Any:
        return await source.bit_products(ctx.sub("p"), mine[ctx.me])

    first, second = correlations(party)
    assert np.array_equal(first ^ second, mine[0] & mine[1])


@pytest.mark.parametrize("bits", [1, 7, 8, 18, 33, 63, 64])
@pytest.mark.parametrize("holder", [0, 1])
def test_choose(holder: int, bits: int) -> None:
    rng = np.random.default_rng(bits)
    choices = rng.integers(0, 2, 70, dtype=np.uint8)
    values = rng.integers(0, 1 << 64, (70, 3), dtype=np.uint64)

    async def party(ctx: Ctx, source: OwnCorrelations) -> Any:
        mine = (choices, None) if ctx.me == holder else (None, values)
        return await source.choose(ctx.sub("c"), holder, *mine, (70, 3), bits)

    first, second = correlations(party)
    mask = np.uint64((1 << bits) - 1) if bits < 64 else ~np.uint64(0)
    assert np.array_equal((first + second) & mask, (choices[:, None] * values) & mask)


@pytest.mark.parametrize("shape", [(5, 1, 1, 5), (3, 4, 2, 1), (1, 1, 9, 1), (2, 6, 3, 2)])
@pytest.mark.parametrize("bits", [8, 20, 64])
@pytest.mark.parametrize("holder", [0, 1])
def test_cross(holder: int, bits: int, shape: tuple[int, int, int, int]) -> None:
    batch, m, d, distinct = shape
    rng = np.random.default_rng(bits + batch)
    x = rng.integers(0, 1 << 64, (distinct, m, d), dtype=np.uint64)
    w = rng.integers(0, 1 << 64, (batch, d), dtype=np.uint64)

    async def party(ctx: Ctx, source: OwnCorrelations) -> Any:
        return await source.cross(
            ctx.sub("c"),
            holder,
            x if ctx.me == holder else None,
            None if ctx.me == holder else w,
            shape,
            bits,
        )

    first, second = correlations(party)
    expected = np.einsum("bmd,bd->bm", np.broadcast_to(x, (batch, m, d)), w)
    mask = np.uint64((1 << bits) - 1) if bits < 64 else ~np.uint64(0)
    assert np.array_equal((first + second) & mask, expected & mask)


def test_multiplier_bits_are_in_order() -> None:
    w = np.array([[0b1011], [0b0110]], np.uint64)
    assert unpack(ole.multiplier_bits(w, 4), 8).tolist() == [1, 1, 0, 1, 0, 1, 1, 0]
    assert np.array_equal(ole.multiplier_bits(w, 64), w.reshape(-1).view(np.uint8))


@pytest.mark.parametrize("path", ["base_ots.0#0", "open_link.0#0"])
@pytest.mark.parametrize("bit", [0, 77, 20_000])
def test_a_flipped_set_up_message_never_becomes_a_crash(path: str, bit: int) -> None:
    """A deviating peer: the set-up ends, or the peer is named; semi-honest OTs need not notice more."""

    async def everybody() -> list[Any]:
        network = MemoryNetwork(2, timeout_s=2)
        ctxs = await contexts(network, 2)
        faulty = Faulty(network.endpoint(0), Fault("flip", lambda frame: frame.path.endswith(path), bit))
        ctxs[0].session = replace(ctxs[0].session, transport=faulty)

        async def one(ctx: Ctx) -> Any:
            try:
                return await open_link(ctx)
            except TacitError as error:
                await ctx.session.transport.close(error.code)
                return error

        results = await asyncio.gather(*map(one, ctxs))
        assert faulty.hit
        return list(results)

    for result in asyncio.run(everybody()):
        if isinstance(result, TacitError):
            assert isinstance(result, PeerError) and result.code in ("PEER-0001", "PEER-0002")
        else:
            assert isinstance(result, SoftSpokenLink)


def test_dirty_tails_and_ranges_are_the_peers_fault() -> None:
    """9 OTs: the last byte of every column has 7 bits that must be zero."""

    async def party(ctx: Ctx) -> Any:
        link = await open_link(ctx)
        if ctx.me == 1:
            await ctx.sub("x").send(0, Octets(np.full(link.row_bits(9) // 8, 0xFF, np.uint8)))
            return None
        with pytest.raises(PeerError) as refused:
            await link.send_rows(ctx.sub("x"), 9)
        return refused.value.code

    assert run_parties(party)[0] == "PEER-0001"
    rows, label = np.zeros((4, 16), np.uint8), bytes(16)
    too_large = np.full(4, 0xFF, np.uint8)  # 7-bit elements
    with pytest.raises(PeerError), peer_bytes():
        _kernel.cot_recv(rows, label, np.zeros(1, np.uint8), too_large, 1, 7)
    with pytest.raises(InternalError), peer_bytes():
        _kernel.bits_to_planes(np.zeros(1, np.uint64), 65)


def test_two_party_blocks_refuse_three() -> None:
    async def party(ctx: Ctx) -> str:
        with pytest.raises(UsageError) as refused:
            await open_link(ctx)
        return refused.value.code

    assert run_parties(party, 3) == ["SCHEME-0001"] * 3
