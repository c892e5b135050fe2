"""`tacit psi --tell …` as two real processes: what is told, to whom, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apps.house import House
from tests.apps.test_psi import join, lines_of, page_of, psi_house


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[House]:
    house = psi_house(tmp_path / "house")
    house.write_data(
        "partner",
        {
            "person": ["é", "a5", "a3 ", "a1", "b1", "NULL", "1"],
            "amount": [1, 20, 300, 4000, 9, 9, 9],
            "rate": ["0.5", "0.25", "1.5", "-1", "9", "9", "9"],
            "note": ["x", "", "y", "z", "", "", ""],
        },
    )
    yield house
    house.close()


def told(house: House, *options: str, **more: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    ended = join(house, "--json", *options, **more)
    assert [one.code for one in ended.values()] == [0, 0], ended["bank"].err + ended["partner"].err
    return {name: one.json for name, one in ended.items()}


def test_a_count_is_told_to_both_and_rows_to_nobody(pair: House) -> None:
    for result in told(pair, "--tell", "count").values():
        assert result["told"] == {"count": 4} and result["n_lines"] is None
        assert (result["psi"], result["because"], result["tell"]) == ("circuit", "hidden", "count")
        assert {item["name"] for item in result["revealed"]} == {"set sizes", "count"}
        assert "n_common" not in result and result["protocol"]["kappa"] >= 128


def test_sums_of_the_second_partys_columns(pair: House) -> None:
    options = ("--tell", "sum", "--sum", "amount", "--sum", "rate")
    for result in told(pair, *options, bank=("--report", "b.html")).values():
        assert result["told"]["count"] == 4 and result["told"]["sums"]["amount"] == 4321
        assert abs(result["told"]["sums"]["rate"] - 1.25) < 1e-3
    page = page_of(pair.folder / "b.html")
    assert "sum of amount" in page and "4,321" in page and "the sums over the common ids" in page


def test_rows_only_if_there_are_enough_and_to_the_first_party_only(pair: House) -> None:
    few = told(pair, "--tell", "rows-if-enough", "--at-least", "5", bank=("--out", "few.csv"))
    assert {json.dumps(result["told"]) for result in few.values()} == {'{"enough": false}'}
    assert few["bank"]["out"] is None and not (pair.folder / "few.csv").exists()
    many = told(
        pair,
        "--tell",
        "rows-if-enough",
        "--at-least",
        "4",
        bank=("--out", "b.csv", "--report", "b.txt"),
        partner=("--report", "p.html"),
    )
    assert [line["x"] for line in lines_of(pair.folder / "b.csv")] == ["1", "3", "5", "8"]
    assert many["partner"]["n_lines"] is None and many["partner"]["told"] == {"enough": True}
    page = page_of(pair.folder / "p.html")
    assert "4 common keys or more" in page and "共有主键不少于 4 个" in page
    text = (pair.folder / "b.txt").read_text(encoding="utf-8")
    assert "4 keys or more" in text and "which ids are common" in text.partition("bank learned")[2]
    assert "which ids are common" not in text.partition("partner learned")[2]


def test_the_look_ahead_says_who_learns_what(pair: House) -> None:
    (pair.folder / "section.yaml").write_text("")
    pair.job["psi"] = {"tell": "enough", "at_least": 3}
    pair.write_job()
    ended = pair.both("--dry-run", command="psi")
    assert all(
        "by circuit, if the other side has as many" in " ".join(one.out.split()) for one in ended.values()
    )
    assert all(
        "whether 3 keys or more are common, nobody learns how many" in " ".join(one.out.split())
        for one in ended.values()
    )
    chinese = pair.both("--dry-run", "--lang", "zh", command="psi")
    assert all("是否不少于 3 个" in one.out for one in chinese.values())


def test_both_sides_must_ask_the_same(pair: House) -> None:
    ended = join(pair, bank=("--tell", "count"), partner=("--tell", "enough", "--at-least", "2"))
    for one in ended.values():
        assert one.code == 4 and "JOB-0003" in one.err and "options.tell (here" in " ".join(one.err.split())


@pytest.mark.parametrize(
    ("party", "options", "exit_code", "code"),
    [
        ("bank", ("--tell", "count", "--out", "x.csv"), 3, "POLICY-0007"),
        ("partner", ("--tell", "rows-if-enough", "--at-least", "3", "--out", "x.csv"), 3, "POLICY-0007"),
        ("bank", ("--tell", "everything"), 2, "JOIN-0002"),
        ("bank", ("--tell", "count", "--join", "left"), 2, "CLI-0003"),
        ("bank", ("--tell", "count", "--memory", "2GiB"), 2, "CLI-0003"),
        ("bank", ("--tell", "count", "--protocol", "rr22"), 2, "CLI-0003"),
        ("bank", ("--sum", "amount"), 2, "CLI-0003"),
        ("bank", ("--tell", "enough"), 2, "JOIN-0002"),
        ("partner", ("--tell", "sum", "--sum", "note"), 2, "JOIN-0005"),
        ("partner", ("--tell", "sum", "--sum", "nothing"), 2, "DATA-0005"),
        ("bank", ("--tell", "count", "--security", "malicious"), 8, "SCHEME-0002"),
    ],
)
def test_what_is_refused_before_anything_is_sent(
    pair: House,
    party: str,
    options: tuple[str, ...],
    exit_code: int,
    code: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(pair.folder)
    assert pair.refuses(party, *options) == (code, exit_code)
