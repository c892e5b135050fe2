"""Counts, sums, thresholds and programs on hidden intersections, against plain Python, in one process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import tacit
from tacit import xp
from tacit.base.errors import PeerError, TacitError
from tacit.run.job import Job, PartyTerms, Run
from tacit.run.secure import as_every_party
from tacit.tasks.overlap import Question, ask, compute

BANK = {"id": [4, 1, 2, 3, None, 1], "income": [40, 10, 20, 30, 9, 9]}
PARTNER = {"person": ["3", "1 ", "9", "", "3"], "spend": [7.5, -8, 9, 5, 5], "visits": [1, 2, 3, 4, 5]}
TABLES = {"bank": BANK, "partner": PARTNER}
KEY = {"bank": "id", "partner": "person"}


def test_a_count_tells_how_many_and_nothing_else() -> None:
    found = tacit.overlap(TABLES, KEY)
    assert found.told == {"count": 2} and found["bank"] is found["partner"] is None
    assert found.choice.protocol == "circuit" and found.choice.because == "hidden"
    for report in found.reports.values():
        assert [(item["name"], item["to"]) for item in report.revealed] == [
            ("set sizes", "all"),
            ("count", "all"),
        ]


def test_sums_of_whole_numbers_are_exact_and_those_of_reals_are_close() -> None:
    told = tacit.overlap(TABLES, KEY, "sum", columns=["spend", "visits"]).told
    assert told["count"] == 2 and told["sums"]["visits"] == 3
    assert abs(told["sums"]["spend"] - -0.5) < 1e-4
    large = {"id": [1, 2], "x": [(1 << 61) - 5, 3]}
    assert (
        tacit.overlap({"l": {"id": [1, 2]}, "r": large}, "id", "sum", columns="x").told["sums"]["x"]
        == (1 << 61) - 2
    )


@pytest.mark.parametrize(("at_least", "enough"), [(1, True), (2, True), (3, False)])
def test_thresholds(at_least: int, enough: bool) -> None:
    assert tacit.overlap(TABLES, KEY, "enough", at_least=at_least).told == {"enough": enough}
    found = tacit.overlap(TABLES, KEY, "rows-if-enough", at_least=at_least)
    assert found.told == {"enough": enough} and found["partner"] is None
    opened = [item["name"] for item in found.reports["partner"].revealed]
    assert ("intersection" in opened) == enough
    table = found["bank"]
    assert (table is not None) == enough
    if table is not None:
        assert table["income"].to_pylist() == [10, 30]


def test_a_program_gets_membership_and_columns_of_both_sides() -> None:
    def products(common: Any, income: Any, spend: Any, visits: Any) -> dict[str, Any]:
        both = xp.where(common, income * spend, 0)
        return {"n": xp.sum(common), "both": xp.sum(both), "visits": xp.sum(visits)}

    found = tacit.overlap(TABLES, KEY, products, columns={"bank": ["income"], "partner": ["spend", "visits"]})
    assert found.told["n"] == 2 and found.told["visits"] == 3
    assert abs(found.told["both"] - (30 * 7.5 - 10 * 8)) < 1e-2
    opened = {item["name"] for item in found.reports["bank"].revealed}
    assert opened == {"set sizes", "types", "overlap.n", "overlap.both", "overlap.visits"}


def test_random_tables_and_a_program() -> None:
    rng = np.random.default_rng(5)
    ids = [rng.permutation(400)[:250] for _ in range(2)]
    values = [rng.normal(size=250), rng.normal(size=250)]
    tables = {"l": {"id": ids[0], "x": values[0]}, "r": {"id": ids[1], "y": values[1]}}
    told = tacit.overlap(
        tables, "id", lambda common, x, y: xp.sum(xp.where(common, x * y, 0)), columns={"l": "x", "r": "y"}
    ).told
    left, right = (dict(zip(i.tolist(), v, strict=True)) for i, v in zip(ids, values, strict=True))
    assert abs(told["value"] - sum(left[key] * right[key] for key in left.keys() & right.keys())) < 1e-2


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 3), (3, 0), (1, 1)])
def test_small_and_empty_sets(n: int, m: int) -> None:
    tables = {
        "l": {"id": pa.array(range(n), pa.int64())},
        "r": {"id": pa.array(range(m), pa.int64()), "x": pa.array([2] * m, pa.int64())},
    }
    assert tacit.overlap(tables, "id", "sum", columns="x").told == {
        "count": min(n, m),
        "sums": {"x": 2 * min(n, m)},
    }


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"tell": "all"}, "JOIN-0002"),
        ({"tell": "sum"}, "JOIN-0002"),
        ({"tell": "count", "columns": ["spend"]}, "JOIN-0002"),
        ({"tell": "sum", "columns": ["spend", "spend"]}, "JOIN-0002"),
        ({"tell": "sum", "columns": {"partner": ["spend"]}}, "JOIN-0002"),
        ({"tell": "enough"}, "JOIN-0002"),
        ({"tell": "count", "at_least": 3}, "JOIN-0002"),
        ({"tell": "enough", "at_least": True}, "JOIN-0002"),
        ({"tell": "sum", "columns": ["person"]}, "JOIN-0005"),
        ({"tell": "sum", "columns": ["nothing"]}, "DATA-0005"),
        ({"tell": "count", "security": "malicious"}, "SCHEME-0002"),
        ({"tell": lambda common: xp.sum(common), "columns": {"eve": ["x"]}}, "JOIN-0002"),
        ({"tell": lambda common, x: xp.sum(x * x), "columns": {"partner": ["huge"]}}, "RANGE-0002"),
        ({"tell": "sum", "columns": ["huge"]}, "RANGE-0002"),
    ],
)
def test_what_is_refused(options: dict[str, Any], code: str) -> None:
    partner = {**PARTNER, "huge": [1e14] * 5}
    with pytest.raises(TacitError) as refused:
        tacit.overlap({"bank": BANK, "partner": partner}, KEY, **options)
    assert refused.value.code == code


@pytest.mark.parametrize("mine", ["fixed", [], ["text"], [1], ["int", "int"]])
def test_types_that_a_peer_must_not_send(mine: Any) -> None:
    question = Question.agreed(tell="sum", columns=["x"])
    parties = (PartyTerms("l", "", "", ()), PartyTerms("r", "", "", ()))
    job = question.job(Job("overlap", "psi", parties, {}, {}))
    table = pa.table({"id": [1], "x": [2]})

    async def party(run: Run) -> str:
        from tacit.frame.joinkeys import join_keys

        if run.me == 1:
            await run.agree("types", {"mine": mine})
            return ""
        with pytest.raises(PeerError) as refused:
            await ask(run, join_keys(table, ["id"], question.rules), table)
        return refused.value.code

    assert as_every_party(job, party)[0][1] == "PEER-0001"


def test_a_scheme_without_such_shares_is_refused() -> None:
    from dataclasses import replace

    from tacit.frame.joinkeys import join_keys

    question = Question.agreed(tell="count")
    parties = (PartyTerms("l", "", "", ()), PartyTerms("r", "", "", ()))
    job = replace(question.job(Job("overlap", "psi", parties, {}, {})), scheme="none")
    table = pa.table({"id": [1]})

    async def party(run: Run) -> str:
        with pytest.raises(TacitError) as refused:
            await compute(run, join_keys(table, ["id"], question.rules), table, ((), ()), xp.sum, "f")
        return refused.value.code

    assert {code for _, code in as_every_party(job, party)} == {"JOB-0006"}
