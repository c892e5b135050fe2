"""Intersections of three to ten sets, against Python's; what the hub sees; a hub that deviates."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tacit.base.ctx import Ctx
from tacit.base.errors import PeerError, TacitError, UnsupportedError, UsageError
from tacit.base.meter import restart
from tacit.base.protocol import gather
from tacit.net.faults import Fault, Faulty, at_path
from tacit.net.memory import MemoryNetwork
from tacit.psi import star_kmprt17 as star
from tacit.psi.functionality import Items
from tacit.psi.star_kmprt17 import Common, intersect
from tests.conformance.test_cost import Witness
from tests.harness import contexts, run_parties


def ids(start: int, stop: int) -> list[bytes]:
    return [b"id-%d" % i for i in range(start, stop)]


def run(sets: list[list[bytes]], receivers: set[int]) -> list[Common]:
    async def party(ctx: Ctx) -> Common:
        return await intersect(ctx, Items.of(sets[ctx.me]), receivers=frozenset(receivers))

    return run_parties(party, len(sets))


def check(sets: list[list[bytes]], receivers: set[int]) -> None:
    common = set(sets[0]).intersection(*sets[1:])
    outcomes, orders = run(sets, receivers), []
    for party, outcome in enumerate(outcomes):
        if party not in receivers:
            assert outcome.rows is None
            continue
        assert outcome.rows is not None
        orders.append([sets[party][row] for row in outcome.rows.tolist()])
        assert len(orders[-1]) == len(common) and set(orders[-1]) == common
    assert all(order == orders[0] for order in orders)
    hub = min(receivers)
    assert outcomes[hub].sizes == tuple(map(len, sets))
    for party in set(range(len(sets))) - {hub}:
        known = {hub: len(sets[hub]), party: len(sets[party])}
        assert outcomes[party].sizes == tuple(known.get(i, 0) for i in range(len(sets)))


@pytest.mark.parametrize(
    "sets",
    [
        [[], [], []],
        [[], ids(0, 4), ids(0, 4)],
        [ids(0, 4), [], ids(0, 4)],
        [ids(0, 1), ids(0, 1), ids(0, 1)],
        [ids(0, 50), ids(0, 50), ids(0, 50)],
        [ids(0, 50), ids(50, 90), ids(20, 70)],
        [ids(0, 60), ids(20, 90), ids(40, 70)],
        [ids(0, 3), ids(0, 3000), ids(2, 40)],
        [ids(0, 3000), ids(2999, 3001), ids(2000, 4000), ids(2998, 3004)],
    ],
    ids=["empty", "hub-empty", "other-empty", "one", "total", "none", "some", "lopsided", "four"],
)
@pytest.mark.parametrize("receivers", [{0}, {1, 2}, {0, 1, 2}], ids=["hub", "two", "three"])
def test_what_all_have_is_found(sets: list[list[bytes]], receivers: set[int]) -> None:
    check(sets, receivers)


@pytest.mark.parametrize("n", [3, 5, 10])
def test_random_cases(n: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(6):
        pool = ids(0, 30)
        sets = [[pool[i] for i in rng.permutation(30)[: rng.integers(20, 31)]] for _ in range(n)]
        receivers = set(rng.permutation(n)[: rng.integers(1, n + 1)].tolist())
        check(sets, receivers)


def test_the_hub_cannot_tell_who_has_an_item_that_not_all_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shares that it gets, for items that one, several and none of the others have, look alike."""
    n, seen, program = 2000, [], star.program

    async def watched(ctx: Ctx, *arguments: Any) -> np.ndarray | None:
        values = await program(ctx, *arguments)
        if values is not None:
            seen.append(np.unpackbits(values, axis=1))
        return values

    monkeypatch.setattr(star, "program", watched)
    run([ids(0, n), ids(0, n // 2), ids(n // 4, 3 * n // 4), ids(n // 4, n // 2)], {0})
    assert len(seen) == 3
    for values in (*seen, seen[0] ^ seen[1], seen[0] ^ seen[2], seen[1] ^ seen[2]):
        for part in np.split(values, 4):
            assert abs(part.mean() - 0.5) < 0.01 and len(np.unique(part, axis=0)) == len(part)
    everybody = (seen[0] ^ seen[1] ^ seen[2]).any(axis=1)
    assert np.flatnonzero(~everybody).tolist() == list(range(n // 4, n // 2))


@pytest.mark.parametrize("n", [3, 4])
def test_declared_costs_are_measured(n: int) -> None:
    witness = Witness()

    async def everybody() -> None:
        ctxs = await contexts(MemoryNetwork(n, timeout_s=20), n)
        for ctx in ctxs:
            ctx.session = replace(ctx.session, witness=witness)
        restart()
        items = [Items.of(ids(0, 20 + 7 * i)) for i in range(n)]
        await gather(*(intersect(ctx, items[ctx.me], receivers=frozenset((0, 1, 2))) for ctx in ctxs))

    asyncio.run(everybody())
    seen = set()
    for records in witness.calls.values():
        spec, args = records[0][:2]
        if spec.name.startswith("psi.star_kmprt17"):
            rounds, bits = spec.cost(*args)
            assert bits == 8 * sum(record[2] for record in records), spec.name
            name = spec.name.split(".")[-1]
            began, ended = (max(record[i] for record in records) for i in (3, 4))
            # The other parties may be a round behind the hub when it announces something.
            assert rounds == ended - began or (rounds == 1 and name.startswith("announce"))
            seen.add(name)
    assert seen == {"begin", "program", "announce_count", "announce"}


def outcome_under(fault: Fault, party: int) -> Any:
    """What `party` of three ends with if the hub's frames suffer `fault`."""

    async def everybody() -> Any:
        network = MemoryNetwork(3, timeout_s=2)
        ctxs = await contexts(network, 3)
        faulty = Faulty(network.endpoint(0), fault)
        ctxs[0].session = replace(ctxs[0].session, transport=faulty)

        async def one(ctx: Ctx) -> Any:
            try:
                return await intersect(ctx, Items.of(ids(0, 9)), receivers=frozenset((0, 1)))
            except TacitError as error:
                await ctx.session.transport.close(error.code)
                return error

        results = await asyncio.gather(*map(one, ctxs))
        assert faulty.hit
        return results[party]

    return asyncio.run(everybody())


@pytest.mark.parametrize(
    "fault",
    [
        Fault("truncate", at_path("begin.0#"), 1),
        Fault("truncate", at_path("program.0#"), 16),
        Fault("flip", at_path("announce_count.0#"), 5),
        Fault("flip", at_path("announce_count.0#"), 60),
        Fault("truncate", at_path("announce.0#"), 3),
        Fault("flip", at_path("announce.0#"), 70),
    ],
    ids=["size", "store", "more", "many-more", "tags", "another-tag"],
)
def test_what_the_hub_must_not_send_is_refused(fault: Fault) -> None:
    outcome = outcome_under(fault, 1)
    assert isinstance(outcome, PeerError) and outcome.code == "PEER-0001"


@pytest.mark.parametrize("repeating", [0, 1])
def test_repeated_items_are_refused(repeating: int) -> None:
    async def party(ctx: Ctx) -> None:
        items = Items.of(ids(10, 14))
        if ctx.me == repeating:
            items = Items(np.zeros(6, np.uint8), np.arange(0, 7, 2, dtype=np.int64))
        await intersect(ctx, items, receivers=frozenset((0,)))

    with pytest.raises(UsageError) as refused:
        run_parties(party, 3)
    assert refused.value.code == "PSI-0001"


@pytest.mark.parametrize(("n", "receivers"), [(2, {0}), (11, {0}), (3, set()), (3, {3})])
def test_other_parties_are_refused(n: int, receivers: set[int]) -> None:
    with pytest.raises(UnsupportedError) as refused:
        run([ids(0, 3)] * n, receivers)
    assert refused.value.code == "PSI-0040"
