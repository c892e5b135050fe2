"""Verifiable sums: right among 3 and 10 parties, and every kind of deviation is noticed and named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.errors import CheatDetected, TacitError, UsageError
from tacit.base.meter import restart
from tacit.base.protocol import REGISTRY, gather
from tacit.base.wire import Message, Octets
from tacit.blocks.sharing import feldman87 as vss
from tacit.net.memory import MemoryNetwork
from tests.conformance.test_cost import Witness
from tests.harness import SEED, contexts, run_parties

VALUE = st.integers(-(1 << 55) + 1, (1 << 55) - 1)
CHEAT = 1
ORDER = 2**252 + 27742317777372353535851937790883648493


def inputs(n: int, n_values: int = 4) -> np.ndarray:
    return np.random.default_rng(n).integers(-(1 << 50), 1 << 50, (n, n_values))


@settings(max_examples=15, deadline=None)
@given(st.data(), st.integers(3, 6), st.integers(0, 4))
def test_sums(data: st.DataObject, n: int, n_values: int) -> None:
    threshold = data.draw(st.integers(1, vss.most_corrupted(n)))
    rows = data.draw(st.lists(st.lists(VALUE, min_size=n_values, max_size=n_values), min_size=n, max_size=n))
    values = np.array(rows, np.int64).reshape(n, n_values)
    results = run_parties(lambda ctx: vss.total(ctx, values[ctx.me], threshold, n), n)
    for opened in results:
        assert np.array_equal(opened.values, values.sum(axis=0)) and opened.rejected == {}


def test_ten_parties() -> None:
    values = inputs(10, 20)
    for opened in run_parties(lambda ctx: vss.total(ctx, values[ctx.me], 4, 10), 10):
        assert np.array_equal(opened.values, values.sum(axis=0))


def test_fewer_shares_than_needed_tell_nothing_and_any_enough_tell_all() -> None:
    """With t shares every value is possible: for each there is one polynomial through them."""
    coins = bytes(range(64)) * 5
    _, shares = _kernel.vss_deal(np.array([42], np.int64), coins, 2, 5)
    for subset in ([1, 2, 3], [5, 3, 1], [2, 4, 5]):
        stacked = np.concatenate([shares[i - 1 : i] for i in subset])
        assert _kernel.vss_recover(subset, stacked).tolist() == [42]
    with pytest.raises(_kernel.KernelError):  # two shares interpolate to a uniform scalar, not to an integer
        _kernel.vss_recover([1, 2], shares[:2])


def test_commitments_hide_values_that_can_be_guessed() -> None:
    """Feldman's own commitment to a value would be value * G, the same in every run."""
    values, seen = np.array([1, 1, 0], np.int64), set()
    for seed in range(3):
        coins = np.random.default_rng(seed).bytes(3 * 3 * 64)
        commitments, _ = _kernel.vss_deal(values, coins, 1, 3)
        seen |= {row.tobytes() for row in commitments}
    assert len(seen) == 3 * 3 * 2


@pytest.mark.parametrize(("threshold", "n"), [(0, 3), (2, 3), (2, 4), (5, 10)])
def test_thresholds_that_are_not_possible(threshold: int, n: int) -> None:
    async def party(ctx: Ctx) -> None:
        with pytest.raises(UsageError) as refused:
            await vss.total(ctx, np.zeros(2, np.int64), threshold, n)
        assert refused.value.code == "VSS-0005"

    run_parties(party, n)


@pytest.mark.parametrize("value", [1 << 55, -(1 << 55)])
def test_values_out_of_range(value: int) -> None:
    async def party(ctx: Ctx) -> None:
        with pytest.raises(UsageError) as refused:
            await vss.total(ctx, np.array([0, value]), 1, 3)
        assert refused.value.code == "VALUE-0001"

    run_parties(party, 3)


# --- deviation ----------------------------------------------------------------------------------------

Change = Callable[[int, int, np.ndarray], np.ndarray | None]
"""(step, receiver, body as it should be) -> what is sent instead; None: nothing."""


@dataclass
class Cheater(Ctx):
    """A party that changes what it sends. Steps: 0 dealing, 1 digests, 2 revealing."""

    change: ClassVar[Change]

    async def send(self, to: int, msg: Message) -> None:
        assert isinstance(msg, Octets)
        step = 2 if "/reveal." in self.path else self._messages.get((self.me, to), 0)
        changed = type(self).change(step, to, np.array(msg.array))
        if changed is not None:
            await super().send(to, Octets(changed))


def attack(n: int, threshold: int, change: Change, *, cheaters: tuple[int, ...] = (CHEAT,)) -> list[Any]:
    """Every party's result or error, party `CHEAT` sending what `change` makes of its messages."""
    values = inputs(n)
    kind = type("Kind", (Cheater,), {"change": staticmethod(change)})

    async def party(ctx: Ctx) -> Any:
        ctx = ctx.seen_as(kind) if ctx.me in cheaters else ctx
        try:
            result = await vss.total(ctx, values[ctx.me], threshold, n)
            await ctx.session.transport.close()
            return result
        except TacitError as error:
            await ctx.session.transport.close(error.code)
            return error

    return run_parties(party, n, timeout_s=2.0)


def flip(at: int, step: int, receivers: tuple[int, ...] | None = None) -> Change:
    def change(now: int, to: int, body: np.ndarray) -> np.ndarray | None:
        if now == step and (receivers is None or to in receivers):
            body.reshape(-1)[at] ^= 1
        return body

    return change


COMMITMENT_BYTES = 4 * 2 * 32
WRONG_DEALS = {
    "a share": flip(COMMITMENT_BYTES, 0),
    "a blinding": flip(-1, 0),
    "a commitment": flip(0, 0),
    "an encoding": lambda step, to, body: np.full_like(body, 255) if step == 0 else body,
    "points at infinity": lambda step, to, body: np.zeros_like(body) if step == 0 else body,
}


@pytest.mark.parametrize("what", WRONG_DEALS)
def test_a_wrong_deal_is_noticed_by_all_and_names_the_dealer(what: str) -> None:
    for me, result in enumerate(attack(3, 1, WRONG_DEALS[what])):
        if me != CHEAT:
            assert isinstance(result, CheatDetected) and result.code == "VSS-0001"
            assert f"party {CHEAT}" in result.message


def test_a_share_that_is_wrong_for_one_party_stops_all_before_the_reveal() -> None:
    results = attack(4, 1, flip(COMMITMENT_BYTES, 0, receivers=(2,)))
    assert isinstance(results[2], CheatDetected) and f"party {CHEAT}" in results[2].message
    assert {results[i].code for i in (0, 3)} == {"PEER-0002"}


def test_two_sharings_of_one_dealer_are_noticed() -> None:
    """The cheater deals party 0 another sharing, right in itself; digests tell."""
    coins = np.random.default_rng(5).bytes(4 * 3 * 64)
    commitments, shares = _kernel.vss_deal(np.arange(4), coins, 1, 4)
    other = np.concatenate([commitments.reshape(-1), shares[:4].reshape(-1)])
    results = attack(4, 1, lambda step, to, body: other if (step, to) == (0, 0) else body)
    for me in (0, 2, 3):
        assert results[me].code in ("VSS-0002", "PEER-0002")
    told = [results[me] for me in (0, 2, 3) if results[me].code == "VSS-0002"]
    assert told and all(f"party {CHEAT}" in error.message for error in told)


def test_a_false_report_of_commitments_names_who_makes_it() -> None:
    own_row = slice(32 * 0, 32 * 1)

    def change(step: int, to: int, body: np.ndarray) -> np.ndarray | None:
        if step == 1:
            body.reshape(-1)[own_row] ^= 1  # says that party 0 committed to something else
        return body

    results = attack(3, 1, change)
    assert results[0].code == "VSS-0002" and f"party {CHEAT} does not" in results[0].message
    assert "party 0 or party 1" in results[2].message or results[2].code == "PEER-0002"


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("kind", ["missing", "short", "long"])
def test_a_missing_or_misshapen_message_while_dealing_has_a_name(step: int, kind: str) -> None:
    def change(now: int, to: int, body: np.ndarray) -> np.ndarray | None:
        flat = body.reshape(-1)
        replaced = {"missing": None, "short": flat[:-1], "long": np.append(flat, flat)}[kind]
        return replaced if now == step else body

    codes = {result.code for me, result in enumerate(attack(3, 1, change)) if me != CHEAT}
    assert codes <= {"NET-0003", "PEER-0001", "PEER-0002", "PEER-0004"} and codes


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("wrong", "VSS-0001"),
        ("encoding", "VSS-0001"),
        ("missing", "NET-0003"),
        ("short", "PEER-0001"),
        ("long", "PEER-0001"),
    ],
)
def test_the_reveal_needs_no_deviating_party_and_names_it(kind: str, code: str) -> None:
    n, threshold = 5, 2

    def change(step: int, to: int, body: np.ndarray) -> np.ndarray | None:
        if step != 2:
            return body
        flat = body.reshape(-1)
        flat[5] ^= 1 if kind == "wrong" else 0
        return {
            "wrong": flat,
            "encoding": np.full_like(flat, 255),
            "missing": None,
            "short": flat[1:],
            "long": np.append(flat, flat),
        }[kind]

    cheaters = (CHEAT, 3)
    for me, result in enumerate(attack(n, threshold, change, cheaters=cheaters)):
        if me not in cheaters:
            assert np.array_equal(result.values, inputs(n).sum(axis=0))
            assert set(result.rejected) == set(cheaters)
            # Who sends nothing is missed, or has left by the time that it is missed.
            named = {code, "PEER-0004"} if kind == "missing" else {code}
            assert named & set(result.rejected.values())
            assert set(result.rejected.values()) <= {*named, "PEER-0002"}


def test_too_many_wrong_shares_end_with_their_names() -> None:
    results = attack(5, 2, flip(0, 2), cheaters=(1, 2, 3))
    for me in (0, 4):
        assert isinstance(results[me], CheatDetected) and results[me].code == "VSS-0003"
        assert all(f"party {i} (VSS-0001)" in results[me].message for i in (1, 2, 3))


GENERATOR = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")


def test_a_shared_number_out_of_range_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cheater adds 2^200 to its values: shares and commitments fit, the sum is no integer."""
    honest, values = _kernel.vss_deal, inputs(3)
    point = np.frombuffer(GENERATOR, np.uint8).reshape(1, 32)
    step = _kernel.remask_points(point, (1 << 200).to_bytes(32, "little"), 1)

    def deal(own: np.ndarray, coins: Any, threshold: int, n: int) -> Any:
        commitments, shares = honest(own, coins, threshold, n)
        if np.array_equal(own, values[CHEAT]):
            for row in shares:
                f = (int.from_bytes(row[:32].tobytes(), "little") + (1 << 200)) % ORDER
                row[:32] = np.frombuffer(f.to_bytes(32, "little"), np.uint8)
            for row in commitments[:: threshold + 1]:
                row[:] = _kernel.vss_add_commitments(np.concatenate([row[None], step]), 2)[0]
        return commitments, shares

    monkeypatch.setattr(_kernel, "vss_deal", deal)
    for result in attack(3, 1, lambda step, to, body: body):
        assert isinstance(result, CheatDetected) and result.code == "VSS-0004"


# --- cost ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [3, 10])
def test_declared_costs_are_measured(n: int) -> None:
    witness, network = Witness(), MemoryNetwork(n, timeout_s=20)
    values, threshold = inputs(n), vss.most_corrupted(n)

    async def everybody() -> None:
        ctxs = await contexts(network, n, SEED)
        for ctx in ctxs:
            ctx.session = replace(ctx.session, witness=witness)
        restart()
        await gather(*(vss.total(ctx, values[ctx.me], threshold, n) for ctx in ctxs))

    asyncio.run(everybody())
    names = set()
    for records in witness.calls.values():
        spec, args = records[0][:2]
        rounds, bits = spec.cost(*args)
        assert len(records) == n and bits == 8 * sum(record[2] for record in records), spec.name
        assert rounds == max(record[4] for record in records) - min(record[3] for record in records)
        names.add(spec.name)
    assert names == {name for name in REGISTRY if name.startswith("blocks.sharing.")}
