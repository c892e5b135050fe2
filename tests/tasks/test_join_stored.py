"""Joins through the disk: the same lines as in memory, for every kind of join, over many groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tacit.base.errors import LimitError, UsageError
from tacit.frame.joinkeys import join_keys
from tacit.run.job import Job, PartyTerms, Run
from tacit.run.secure import as_every_party
from tacit.tasks.join import KINDS, ORDERS, Terms, join
from tacit.tasks.join_stored import (
    Rows,
    StoredJoin,
    complete,
    join_stored,
    look_ahead,
    memory_for_groups,
)
from tacit.trust.shelf import Shelf

PARTIES = (PartyTerms("l", "", "", ()), PartyTerms("r", "", "", ()))
LEAST = (1 << 28) + (1 << 16)
"""Memory of which so little is left for groups that a few hundred keys need several."""


def keys_of(seed: int, n: int) -> list[str | None]:
    rng = np.random.default_rng(seed)
    keys: list[str | None] = [f"k{i}" for i in rng.integers(0, 900, n)]
    keys[:: 50 + seed] = [None] * len(keys[:: 50 + seed])
    return keys


def rows_of(table: pa.Table, terms: Terms, mark: str = "") -> Rows:
    def read() -> Iterator[pa.Table]:
        for start in range(0, table.num_rows, 97):
            yield table.slice(start, 97)

    return Rows(read, lambda part: join_keys(part, ["id"], terms.rules), mark)


def run(folder: Path, terms: Terms, marks: tuple[str, str] = ("", "")) -> list[tuple[StoredJoin, Any]]:
    """What both sides have through the disk and in memory."""
    tables = [pa.table({"id": pa.array(keys_of(seed, 700 - 100 * seed), pa.string())}) for seed in (0, 1)]
    job = terms.job(Job("join", "psi", PARTIES, {}, {}), protocol="rr22")

    async def party(run: Run) -> tuple[StoredJoin, Any]:
        table, shelf = tables[run.me], Shelf(folder / str(run.me))
        rows = rows_of(table, terms, marks[run.me])
        kept = {"memory_bytes": LEAST, "account": lambda done: {"groups": done.groups}}
        return await join_stored(run, rows, shelf, **kept), await join(
            run, join_keys(table, ["id"], terms.rules)
        )

    return [result for _, result in as_every_party(job, party)]


@pytest.mark.parametrize(
    ("kind", "order"),
    [(kind, order) for kind in KINDS for order in ORDERS if (kind, order) != ("difference", "joint")],
)
def test_lines_are_those_of_a_join_in_memory(tmp_path: Path, kind: Any, order: Any) -> None:
    terms = Terms.agreed(("l", "r"), join=kind, order=order, stored=True)
    results = run(tmp_path, terms)
    for stored, plain in results:
        assert stored.groups > 1 and stored.attempts == 1
        mine, theirs = stored.joined, plain
        assert (mine.n_common, mine.n_mine, mine.n_theirs) == (
            theirs.n_common,
            theirs.n_mine,
            theirs.n_theirs,
        )
        assert sorted(mine.rows) == sorted(theirs.rows) and mine.common.sum() == theirs.common.sum()
        assert set(mine.rows[mine.common]) == set(theirs.rows[theirs.common])
    if order == "joint":  # line i is the same key on both sides, as it is in memory
        pairs = [set(zip(*(joined.rows for joined in both), strict=True)) for both in in_pairs(results)]
        assert pairs[0] == pairs[1]
    else:
        assert all(np.all(np.diff(stored.joined.rows) > 0) for stored, _ in results)


def in_pairs(results: list[tuple[StoredJoin, Any]]) -> Iterator[list[Any]]:
    yield [stored.joined for stored, _ in results]
    yield [plain for _, plain in results]


def test_who_may_not_learn_has_no_rows(tmp_path: Path) -> None:
    terms = Terms.agreed(("l", "r"), receivers="r", stored=True)
    left, right = run(tmp_path, terms)
    assert left[0].joined.rows is None and right[0].joined.rows is not None


def test_what_the_rules_did_is_counted_over_all_batches(tmp_path: Path) -> None:
    terms = Terms.agreed(("l", "r"), stored=True)
    table = pa.table({"id": pa.array(keys_of(0, 700), pa.string())})
    whole = join_keys(table, ["id"], terms.rules).found
    assert look_ahead(rows_of(table, terms), Shelf(tmp_path / "ahead")) == whole
    assert run(tmp_path, terms)[0][0].found == whole


def test_a_result_is_complete_once_it_is_marked(tmp_path: Path) -> None:
    terms = Terms.agreed(("l", "r"), stored=True)
    shelf = Shelf(tmp_path / "0")
    assert complete(shelf) is None
    [(stored, _), _] = run(tmp_path, terms)
    done = complete(shelf)
    assert done is not None and done.parted and done.account == {"groups": stored.groups}
    assert np.array_equal(done.rows, stored.joined.rows) and np.array_equal(done.common, stored.joined.common)
    for damage in (b"{", b"[]", b'{"account": 1, "parted": true}', b'{"account": {}}'):
        shelf.replace("complete.json", damage)
        with pytest.raises(UsageError) as refused:
            complete(shelf)
        assert refused.value.code == "PSI-0051"


def test_another_table_does_not_go_on(tmp_path: Path) -> None:
    terms = Terms.agreed(("l", "r"), stored=True)
    run(tmp_path, terms)
    with pytest.raises(UsageError) as refused:
        run(tmp_path, terms, ("another", ""))
    assert refused.value.code == "PSI-0053"


def test_too_little_memory_is_refused() -> None:
    with pytest.raises(LimitError) as refused:
        memory_for_groups(1 << 28)
    assert refused.value.code == "PSI-0052"
    assert memory_for_groups(4 << 30) == 3 << 30
