"""SoftSpoken OT against deviating parties: honest ones pass, others are named before anything is used."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.errors import CheatDetected, InternalError, PeerError
from tacit.base.meter import restart
from tacit.base.protocol import gather, protocol
from tacit.base.wire import Octets, octets
from tacit.blocks.ot import ole
from tacit.blocks.ot.softspoken_roy22 import CheckedSoftSpokenLink, _label, open_checked_link, open_link
from tacit.blocks.settings import TWO_PARTY_OT_MALICIOUS
from tacit.net.faults import Fault, Faulty
from tacit.net.memory import MemoryNetwork
from tests.conformance.test_cost import observe, verify
from tests.harness import contexts, run_parties


@pytest.mark.parametrize("k", [2, 4, 8])
@pytest.mark.parametrize("n", [1, 64, 9000])
def test_checked_rows_are_correlated_by_delta(k: int, n: int) -> None:
    async def party(ctx: Ctx) -> Any:
        link = await open_checked_link(ctx, k)
        choices = ctx.private().bytes(-(-n // 8))
        one, two = ctx.sub("a"), ctx.sub("b")
        if ctx.me == 0:
            sent, received = await gather(link.send_rows(one, n), link.receive_rows(two, choices, n))
        else:
            received, sent = await gather(link.receive_rows(one, choices, n), link.send_rows(two, n))
        bits = np.unpackbits(choices, count=n, bitorder="little")
        return np.frombuffer(link.delta, np.uint8), sent, received, bits

    first, second = run_parties(party)
    for sender, receiver in ((first, second), (second, first)):
        assert np.array_equal(sender[1], receiver[2] ^ receiver[3][:, None] * sender[0])


class TwoFacedReceiver(CheckedSoftSpokenLink):
    """Other choices in one tree than in the others, and otherwise by the rules."""

    async def receive_rows(self, ctx: Ctx, choices: np.ndarray, n: int) -> np.ndarray:
        message, rows, pending = self._receiver.extend_checked(
            _label(ctx, ctx.peer), choices, n, ctx.private().bytes(16)
        )
        changed = bytearray(message)
        changed[: len(message) * self._k // 128] = bytes(
            byte ^ 0xFF for byte in message[: len(message) * self._k // 128]
        )
        await ctx.send(ctx.peer, octets(bytes(changed)))
        seed = await ctx.recv(ctx.peer, Octets, shape=(16,))
        await ctx.send(ctx.peer, octets(pending.answer(seed.array)))
        return rows


def test_a_receiver_with_two_faces_is_caught_before_the_rows_are_used() -> None:
    async def party(ctx: Ctx) -> Any:
        link = await open_checked_link(ctx)
        scope, values = ctx.sub("x"), np.arange(64, dtype=np.uint64).reshape(64, 1)
        if ctx.me == 1:
            link.__class__ = TwoFacedReceiver
            await link.receive_rows(scope.sub("choose"), np.zeros(8, np.uint8), 64)
            return None
        sent_before = ctx.meter().bytes_sent
        with pytest.raises(CheatDetected) as caught:
            await ole.choose(scope, link, 1, None, values, (64, 1), 64)
        assert link.delta[0] & 15  # of which the change shows
        return caught.value.code, ctx.meter().bytes_sent - sent_before

    assert run_parties(party)[0] == ("OT-0002", 16)


def test_the_same_deviation_goes_unseen_without_the_check() -> None:
    """What the check is for: the rows of a semi-honest sender then depend on delta's first bits."""

    async def party(ctx: Ctx) -> Any:
        link = await open_link(ctx)
        scope = ctx.sub("x")
        if ctx.me == 1:
            message, rows = link._receiver.extend(_label(scope, 0), np.zeros(8, np.uint8), 64)
            changed = bytearray(message)
            changed[:8] = bytes(byte ^ 0xFF for byte in message[:8])
            await scope.send(0, octets(bytes(changed)))
            return rows
        return link.delta, await link.send_rows(scope, 64)

    (delta, q), t = run_parties(party)
    assert {int(x) for x in (q ^ t)[:, 0]} == {delta[0] & 15}


@pytest.mark.parametrize("bit", [0, 5000, 32_767, 33_000, 41_000, 41_215])
def test_flipped_corrections_are_caught_or_harmless(bit: int) -> None:
    """The message is 4096 bytes of corrections and 1056 of proof; half of the corrections are never read."""

    async def everybody() -> list[Any]:
        network = MemoryNetwork(2, timeout_s=5)
        ctxs = await contexts(network, 2)
        faulty = Faulty(
            network.endpoint(0),
            Fault("flip", lambda frame: frame.path.endswith("open_checked_link.0#0"), bit),
        )
        ctxs[0].session = replace(ctxs[0].session, transport=faulty)

        async def one(ctx: Ctx) -> Any:
            try:
                return await open_checked_link(ctx)
            except PeerError as error:
                return error.code

        results = await asyncio.gather(*map(one, ctxs))
        assert faulty.hit
        return list(results)

    honest, deviated = asyncio.run(everybody())
    assert isinstance(honest, CheckedSoftSpokenLink)
    assert deviated == "OT-0002" or (bit < 8 * 4096 and isinstance(deviated, CheckedSoftSpokenLink))
    if bit >= 8 * 4096:
        assert deviated == "OT-0002"


def test_checked_batches_cost_what_is_declared() -> None:
    async def party(ctx: Ctx) -> None:
        link = await open_checked_link(ctx)
        fresh = ctx.sub("call")
        restart()
        await ole.random_bit_ole(fresh, link, 0, 3, 2)
        restart()
        values = None if ctx.me == 0 else np.zeros((9, 1), np.uint64)
        choices = np.zeros(9, np.uint8) if ctx.me == 0 else None
        await ole.choose(fresh.sub("x"), link, 0, choices, values, (9, 1), 64)

    seen = verify(observe(party))
    assert {"blocks.ot.ole.random_bit_ole", "blocks.ot.ole.choose"} <= seen
    assert _kernel.softspoken_checked_sizes(4, 9)[0] == 256


def test_a_malicious_claim_may_not_rest_on_the_unchecked_link() -> None:
    @protocol(source="test", setting=TWO_PARTY_OT_MALICIOUS, rounds=None, bits=None)
    async def claims(ctx: Ctx, opener: Any) -> Any:
        return await opener(ctx)

    async def party(ctx: Ctx) -> str:
        with pytest.raises(InternalError) as refused:
            await claims(ctx, open_link)
        await claims(ctx, open_checked_link)
        return refused.value.code

    assert run_parties(party) == ["SETTING-0001"] * 2
