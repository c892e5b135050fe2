"""Equality of private words: against numpy, over every kind of OTs; a peer that sends other sizes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tacit.base.ctx import Ctx
from tacit.base.errors import InternalError, PeerError, TacitError, UsageError
from tacit.blocks.ot import equality_c18, silent_rrt23, softspoken_roy22
from tacit.blocks.ot.equality_c18 import equal
from tacit.blocks.ot.functionality import OtLink
from tacit.mpc.semi2k_dealer import Semi2kDealer
from tacit.net.faults import Fault, Faulty
from tacit.net.memory import MemoryNetwork
from tests.harness import contexts, run_parties

OPEN: dict[str, Callable[[Ctx], Coroutine[Any, Any, OtLink]]] = {
    "softspoken": softspoken_roy22.open_link,
    "silent": silent_rrt23.open_link,
}


def words(n: int, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs at every distance from 0 to `bits`, the bits above at random."""
    rng = np.random.default_rng(n + bits)
    x = rng.integers(0, 1 << 64, n, dtype=np.uint64)
    flips = np.uint64((1 << bits) - 1) >> (np.arange(n, dtype=np.uint64) % np.uint64(bits + 1))
    above = rng.integers(0, 1 << 64, n, dtype=np.uint64) & ~np.uint64((1 << bits) - 1)
    return x, x ^ flips ^ above


@pytest.mark.parametrize("ots", sorted(OPEN))
@pytest.mark.parametrize(("n", "bits"), [(0, 7), (1, 1), (63, 63), (65, 2), (1000, 61)])
def test_shares_say_which_words_are_equal(ots: str, n: int, bits: int) -> None:
    pair = words(n, bits)

    async def party(ctx: Ctx) -> np.ndarray:
        return await equal(ctx, await OPEN[ots](ctx), pair[ctx.me], bits)

    first, second = run_parties(party)
    mask = np.uint64((1 << bits) - 1)
    assert np.array_equal(first ^ second, (pair[0] & mask) == (pair[1] & mask))
    assert n < 1000 or 0.4 < first.mean() < 0.6, "a share alone says nothing"


def test_many_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equality_c18, "_CHUNK_WORDS", 64)
    test_shares_say_which_words_are_equal("softspoken", 3000, 11)


def test_words_of_all_bits_are_refused() -> None:
    async def party(ctx: Ctx) -> None:
        await equal(ctx, await softspoken_roy22.open_link(ctx), np.zeros(3, np.uint64), 64)

    with pytest.raises(InternalError, match="63 bits"):
        run_parties(party)


def test_a_dealer_cannot_take_part() -> None:
    async def party(ctx: Ctx) -> None:
        scheme = await Semi2kDealer.start(ctx.sub("setup"))
        await scheme.equal(ctx, np.zeros(3, np.uint64), 5)

    with pytest.raises(UsageError) as refused:
        run_parties(party, 3)
    assert refused.value.code == "SCHEME-0001"


@pytest.mark.parametrize("cut", [1, 8])
@pytest.mark.parametrize("frame", [0, 1])
def test_messages_of_another_size_are_the_peers_fault(cut: int, frame: int) -> None:
    """Payload and tables of party 0, which sends the OTs for the first half of the words."""

    async def everybody() -> list[Any]:
        network = MemoryNetwork(2, timeout_s=2)
        ctxs = await contexts(network, 2)
        ending = f"chunks.0/equal_words.0#{frame}"
        faulty = Faulty(network.endpoint(0), Fault("truncate", lambda sent: sent.path.endswith(ending), cut))
        ctxs[0].session = replace(ctxs[0].session, transport=faulty)

        async def one(ctx: Ctx) -> Any:
            try:
                return await equal(ctx, await softspoken_roy22.open_link(ctx), np.zeros(200, np.uint64), 9)
            except TacitError as error:
                await ctx.session.transport.close(error.code)
                return error

        results = await asyncio.gather(*map(one, ctxs))
        assert faulty.hit
        return list(results)

    outcome = asyncio.run(everybody())[1]
    assert isinstance(outcome, PeerError) and outcome.code == "PEER-0001"
