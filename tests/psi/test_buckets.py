"""Sets on disk: the same intersection as in memory, duplicates, bounds, and runs that are taken up again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tacit.base.ctx import Ctx
from tacit.base.errors import LimitError, PeerError, TacitError, TransportError, UsageError
from tacit.psi.buckets import BYTES_PER_ITEM, BucketedPsi
from tacit.psi.functionality import BOTH, Intersection, Items
from tacit.psi.rr22 import Rr22LowPsi, Rr22MaliciousPsi, Rr22Psi
from tacit.psi.spool import FAILURE_BITS, PARTS, Spool, n_groups, part_bound
from tacit.trust.shelf import Shelf
from tests.conformance.test_cost import observe, verify
from tests.harness import run_parties

Ids = list[bytes]
FIRST = frozenset((0,))


def batches(ids: Ids, size: int = 70) -> Iterator[tuple[Items, np.ndarray]]:
    """The rows of a file, in which an id may come again."""
    for start in range(0, len(ids), size):
        part = ids[start : start + size]
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in part])]).astype(np.int64)
        rows = np.arange(start, start + len(part), dtype=np.int64)
        yield Items(np.frombuffer(b"".join(part), np.uint8), offsets), rows


def sets(n: int, m: int, common: int) -> tuple[Ids, Ids]:
    return [b"id%d" % i for i in range(n)], [b"id%d" % i for i in range(n - common, n - common + m)]


def run(
    folder: Path,
    both: tuple[Ids, Ids],
    *,
    kind: type[Rr22Psi] = Rr22Psi,
    receivers: frozenset[int] = BOTH,
    groups: int = 4,
    cut_after: dict[int, int] | None = None,
) -> list[Any]:
    """What each side has, or the error that ended it; `cut_after`: groups after which a side is cut off."""

    async def party(ctx: Ctx) -> Any:
        mine = both[ctx.me]
        memory = BYTES_PER_ITEM * part_bound(len(set(mine)), groups)
        one = BucketedPsi(kind(1), Shelf(folder / f"side{ctx.me}"), memory_bytes=memory)

        def sink(event: str, path: str, fields: Any) -> None:
            if (
                cut_after
                and event == "psi"
                and "group." not in path
                and fields["done"] == cut_after.get(ctx.me)
            ):
                raise TransportError("NET-0004", "cut by the test")

        object.__setattr__(ctx.session, "sink", sink)
        try:
            found = await one.intersect(ctx, batches(mine), receivers=receivers)
        except TacitError as error:
            return error
        return found, one.attempts

    async def patient(ctx: Ctx) -> Any:
        return await party(ctx)

    return run_parties(patient, timeout_s=3.0, seed=None)


def check(both: tuple[Ids, Ids], results: list[Any], receivers: frozenset[int]) -> None:
    common = set(both[0]) & set(both[1])
    found = []
    for me, (result, _) in enumerate(results):
        assert (result.n_mine, result.n_theirs) == (len(set(both[me])), len(set(both[1 - me])))
        if me in receivers:
            found.append([both[me][row] for row in result.rows])
            assert sorted(found[-1]) == sorted(common)
            assert all(both[me].index(both[me][row]) == row for row in result.rows), "the first row of an id"
        else:
            assert result.rows is None
    assert found[0] == found[-1], "both sides must have one joint order"


@pytest.mark.parametrize("receivers", [BOTH, FIRST])
@pytest.mark.parametrize("size", [(500, 400, 150), (1, 300, 1), (60, 60, 0), (50, 50, 50)])
def test_groups_find_what_sets_have_in_common(
    tmp_path: Path, size: tuple[int, int, int], receivers: frozenset[int]
) -> None:
    both = sets(*size)
    check(both, run(tmp_path, both, receivers=receivers), receivers)


def test_groups_of_low_communication(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What security is left counts for all groups: so does the limit."""
    both = sets(200, 150, 80)
    check(both, run(tmp_path / "whole", both, kind=Rr22LowPsi), BOTH)
    monkeypatch.setattr(Rr22LowPsi, "largest_set", 199)
    results = run(tmp_path / "limited", both, kind=Rr22LowPsi)
    assert all(isinstance(result, LimitError) and result.code == "PSI-0003" for result in results)


def test_against_a_deviating_peer(tmp_path: Path) -> None:
    both = sets(200, 150, 80)
    check(both, run(tmp_path, both, kind=Rr22MaliciousPsi, receivers=FIRST, groups=2), FIRST)


def test_ids_that_come_again_count_once(tmp_path: Path) -> None:
    mine, theirs = sets(120, 90, 40)
    both = (mine + mine[::3], theirs * 2)
    check(both, run(tmp_path, both), BOTH)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (2, 2), (3, 3), (2, 1), (1, 2)])
def test_a_run_that_was_cut_goes_on_after_the_last_group_of_both(
    tmp_path: Path, first: int, second: int
) -> None:
    both = sets(300, 300, 100)
    cut = run(tmp_path, both, cut_after={0: first, 1: second})
    assert all(isinstance(result, TacitError) for result in cut)
    again = run(tmp_path, both)
    check(both, again, BOTH)
    assert [attempts for _, attempts in again] == [2, 2], "each run counts as a query"


def test_a_changed_set_does_not_go_on(tmp_path: Path) -> None:
    both = sets(300, 300, 100)
    run(tmp_path, both, cut_after={0: 2, 1: 2})
    path = tmp_path / "side1" / "records"
    records = bytearray(path.read_bytes())
    records[0] ^= 1
    path.write_bytes(records)
    changed = run(tmp_path, both)
    assert isinstance(changed[1], UsageError) and changed[1].code == "PSI-0051"


def test_a_peer_with_another_commitment_is_refused(tmp_path: Path) -> None:
    both = sets(300, 300, 100)
    run(tmp_path, both, cut_after={0: 2, 1: 2})
    state = tmp_path / "side0" / "state.json"
    text = state.read_text()
    at = text.index('"their_commitment": "') + len('"their_commitment": "')
    state.write_text(text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :])
    refused = run(tmp_path, both)
    assert isinstance(refused[0], PeerError) and refused[0].code == "PSI-0054"


def test_one_side_alone_cannot_go_on(tmp_path: Path) -> None:
    both = sets(300, 300, 100)
    run(tmp_path, both, cut_after={0: 2, 1: 2})
    (tmp_path / "side1" / "state.json").unlink()
    results = run(tmp_path, both)
    assert all(isinstance(result, PeerError) and result.code == "PSI-0055" for result in results)


def test_other_options_do_not_go_on(tmp_path: Path) -> None:
    both = sets(300, 300, 100)
    run(tmp_path, both, cut_after={0: 2, 1: 2})
    for other in (run(tmp_path, both, receivers=FIRST), run(tmp_path, both, kind=Rr22LowPsi)):
        assert all(isinstance(result, UsageError) and result.code == "PSI-0053" for result in other)


def test_costs_are_those_declared(tmp_path: Path) -> None:
    async def party(ctx: Ctx) -> Intersection:
        one = BucketedPsi(Rr22Psi(1), Shelf(tmp_path / str(ctx.me)), memory_bytes=100 * BYTES_PER_ITEM)
        return await one.intersect(ctx, batches(sets(90, 80, 10)[ctx.me]))

    assert {"psi.buckets.agree_label", "psi.buckets.agree_sets"} <= verify(observe(party))


@pytest.mark.parametrize("n", [1, 100, 10_000, 1_000_000])
@pytest.mark.parametrize("groups", [1, 2, 32, 1024])
def test_bounds_hold_but_for_a_negligible_chance(n: int, groups: int) -> None:
    """The Chernoff bound at the bound itself, in logarithms; and far fewer than all where n is large."""
    bound, mean = part_bound(n, groups), n / groups
    assert mean <= bound <= n
    if bound < n:
        excess = (bound - mean) / mean
        assert excess**2 * mean / (2 + excess) / math.log(2) - math.log2(groups) >= FAILURE_BITS - 1e-6
    if mean > 10_000:
        assert bound < 1.2 * mean


def test_memory_decides_how_many_groups() -> None:
    assert n_groups(10**6, 1 << 30, 400) == 1
    assert n_groups(10**7, 1 << 30, 400) == 4
    with pytest.raises(LimitError) as refused:
        n_groups(10**9, 1 << 20, 400)
    assert refused.value.code == "PSI-0052"


def test_parts_are_balanced(tmp_path: Path) -> None:
    spool = Spool(Shelf(tmp_path), bytes(range(16)), strong=False)
    spool.fill(batches([b"%d" % i for i in range(20_000)], 5000))
    assert spool.commit(b"salt")[0] == 20_000
    sizes = [len(spool.group(k, 16)[1]) for k in range(16)]
    assert sum(sizes) == 20_000 and max(sizes) <= part_bound(20_000, 16)
    assert PARTS % 16 == 0
