"""`tacit psi` in a project as real processes: what each query told is kept, altered sets need owners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.apps.house import Ended, House
from tests.apps.test_project import approve, ledger_of, query_of
from tests.apps.test_psi import join, psi_house
from tests.apps.test_psi_several import NAMES, all_of, house_of

RULES = {"bank": range(40), "partner": range(10, 60)}


def write(house: House, held: Mapping[str, range], key: str = "id") -> None:
    for name, rows in held.items():
        column = "person" if name == "partner" else key
        house.write_data(name, {column: [f"k{i}" for i in rows], "amount": list(rows)})


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[House]:
    house = psi_house(tmp_path / "house")
    write(house, RULES)
    house.job["project"] = "overlaps"
    yield house
    house.close()


def ask(house: House, **section: Any) -> None:
    """What the job file says both sides want to know."""
    house.job["psi"] = section
    house.write_job()


def run(house: House, **more: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    ended = join(house, "--json", **more)
    assert [one.code for one in ended.values()] == [0, 0], ended["bank"].err + ended["partner"].err
    return {name: one.json for name, one in ended.items()}


def refused(ended: Mapping[str, Ended]) -> str:
    """Why every side refused."""
    errors = [one.json["error"] for one in ended.values()]
    assert {error["code"] for error in errors} == {"POLICY-0006"}, errors
    return str(errors[0]["message"])


def signed(house: House, name: str) -> list[tuple[str, str, str]]:
    """(program, column, worst verdict) of what this side signs for now."""
    ended = approve(house, name, "--json")
    assert ended.code == 0, ended.err
    return [(line["program"], line["column"], line["kind"]) for line in ended.json["lines"]]


def test_a_count_over_one_key_less_needs_both_owners(pair: House) -> None:
    ask(pair, tell="count")
    assert run(pair)["bank"]["told"] == {"count": 30}
    assert run(pair)["bank"]["told"] == {"count": 30}, "the same sets again"
    write(pair, {"bank": range(39)})
    assert "count - count (before) => x in ids" in refused(join(pair, "--json"))
    assert signed(pair, "bank") == signed(pair, "partner") == [("count", "ids", "unsafe")]
    told = run(pair)["partner"]
    assert told["told"] == {"count": 29}
    assert {item["name"] for item in told["revealed"]} == {"set sizes", "count", "fingerprints"}
    queries = [query_of(entry) for entry in ledger_of(pair, "overlaps")]
    assert [(q["tell"], q["sizes"]) for q in queries] == [("count", [40, 50])] * 2 + [("count", [39, 50])]


def test_a_sum_is_for_its_owner_to_sign_for_or_behind_a_threshold(pair: House) -> None:
    ask(pair, tell="sum", sum=["amount"], at_least=11)
    assert run(pair)["bank"]["told"] == {"enough": True, "count": 30, "sums": {"amount": sum(range(10, 40))}}
    ask(pair, tell="sum", sum=["amount"])
    assert "'amount' of party 1" in refused(join(pair, "--json"))
    # `tacit approve` cannot know whether the sets are those of before.
    assert signed(pair, "partner") == [("sum", "ids", "unsafe"), ("sum", "amount", "unsafe")]
    less = refused(join(pair, "--json", "--at-least", "1"))
    assert "'amount'" in less, "what was signed for is what the job file asks"
    assert run(pair)["bank"]["told"]["count"] == 30


def test_other_keys_in_a_table_are_for_its_owner_to_sign_for(pair: House) -> None:
    ask(pair, protocol="unbalanced", receivers="partner")
    out = ("--out", "first.csv")
    assert run(pair, partner=out)["partner"]["n_common"] == 30
    write(pair, {"partner": range(9, 60)})
    refusal = refused(join(pair, "--json", partner=("--out", "second.csv")))
    assert "'ids' of party 0" in refusal and not (pair.folder / "second.csv").exists()
    assert signed(pair, "partner") == [] and signed(pair, "bank") == [("lookup", "ids", "unsafe")]
    assert run(pair, partner=("--out", "second.csv"))["partner"]["n_common"] == 31
    query = query_of(ledger_of(pair, "overlaps")[1])
    assert query["to"] == [1] and query["table"].startswith("version 1 of ")


def test_a_join_of_three_parties_is_in_everybodys_ledger(tmp_path: Path) -> None:
    house = house_of(tmp_path / "house", NAMES[:3])
    house.write_job({**house.job, "project": "overlaps"})
    first = all_of(house, "--json")
    assert {one.code for one in first.values()} == {0}, [one.err for one in first.values()]
    house.write_data("clinic", {"id": [f"k{i}" for i in range(0, 58, 2)], "clinic": list(range(0, 58, 2))})
    assert "'ids'" in refused(all_of(house, "--json"))
    for name in NAMES[:3]:
        assert signed(house, name) == [("intersection", "ids", "unsafe")]
    again = all_of(house, "--json")
    house.close()
    assert {one.code for one in again.values()} == {0}, [one.err for one in again.values()]
    assert [query_of(entry)["to"] for entry in ledger_of(house, "overlaps")] == [[0, 1, 2]] * 2
