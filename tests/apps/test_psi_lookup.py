"""`tacit psi --protocol unbalanced` as two real processes: tables, versions, budgets, and what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apps.house import House
from tests.apps.test_psi import join, lines_of, page_of, psi_house

ASKS = ("--protocol", "unbalanced", "--receivers", "partner")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[House]:
    house = psi_house(tmp_path / "house")
    house.write_data("bank", {"id": [f"k{i}" for i in range(500)], "x": range(500)})
    house.write_data("partner", {"person": ["k7", "none", "k499", "", "k7"], "y": range(5)})
    yield house
    house.close()


def asked(house: House, *options: str, out: str = "p.csv", **more: tuple[str, ...]) -> dict[str, Any]:
    ended = join(house, "--json", *ASKS, *options, partner=("--out", out), **more)
    assert [one.code for one in ended.values()] == [0, 0], ended["bank"].err + ended["partner"].err
    return {name: one.json for name, one in ended.items()}


def test_the_client_learns_its_rows_and_the_server_how_many_were_asked(pair: House) -> None:
    results = asked(pair, bank=("--report", "b.html"))
    page = page_of(pair.folder / "b.html")
    assert "not told to bank" in page and "how many ids partner has" in page
    assert [line["y"] for line in lines_of(pair.folder / "p.csv")] == ["0", "2"]
    server, client = results["bank"], results["partner"]
    assert (server["n_mine"], server["n_theirs"], server["n_common"]) == (500, 3, None)
    assert (client["n_mine"], client["n_theirs"], client["n_common"]) == (3, 500, 2)
    assert client["table"] == server["table"] and client["table"]["version"] == 1
    assert (client["table"]["items"], client["table"]["changes"]) == (500, None)
    assert client["psi"] == "unbalanced" and client["protocol"]["kappa"] >= 128
    assert {(item["name"], item["to"]) for item in client["revealed"]} == {
        ("size.partner", "all"), ("table", "all"), ("version", "partner"), ("intersection", "partner"),
    }  # fmt: skip


def test_a_table_is_made_and_sent_once_and_a_changed_set_is_a_new_version(pair: House) -> None:
    first = asked(pair)["bank"]["bytes_sent"]["table"]
    again = asked(pair, "--join", "difference", out="again.csv")
    assert again["bank"]["bytes_sent"]["table"] < 100 < first, "the client has it already"
    assert [line["y"] for line in lines_of(pair.folder / "again.csv")] == ["1", "3"]
    pair.write_data("bank", {"id": [f"k{i}" for i in range(10, 512)], "x": range(502)})
    newer = asked(pair, out="newer.csv")["partner"]
    assert (newer["table"]["version"], newer["table"]["changes"], newer["n_common"]) == (2, [12, 10], 1)
    assert newer["table"]["commitment"] == again["partner"]["table"]["commitment"], "one key for all versions"


def test_a_budget_is_kept_over_runs_and_counted_before_anything_is_answered(pair: House) -> None:
    asked(pair, bank=("--budget", "5"))
    ended = join(pair, *ASKS, bank=("--budget", "5"), partner=("--out", "more.csv"))
    assert "PSI-0012" in ended["bank"].err and "2 queries left" in " ".join(ended["bank"].err.split())
    assert ended["bank"].code != 0 != ended["partner"].code and not (pair.folder / "more.csv").exists()
    assert asked(pair, bank=("--budget", "6"), out="enough.csv")["partner"]["n_common"] == 2


def test_an_older_table_is_refused(pair: House) -> None:
    [before] = [asked(pair)["bank"]["table"]["version"]]
    [shop] = pair.home("bank").glob("table-*")
    old = {path.name: path.read_bytes() for path in shop.iterdir()}
    pair.write_data("bank", {"id": [f"k{i}" for i in range(400)], "x": range(400)})
    assert asked(pair, out="two.csv")["bank"]["table"]["version"] == before + 1
    for name, content in old.items():  # a backup is put back, with the set of that time
        (shop / name).write_bytes(content)
    pair.write_data("bank", {"id": [f"k{i}" for i in range(500)], "x": range(500)})
    ended = join(pair, *ASKS, partner=("--out", "three.csv"))
    assert "PSI-0011" in ended["partner"].err and "version 1, after one of version 2" in " ".join(
        ended["partner"].err.split()
    )


def test_a_damaged_table_is_refused(pair: House) -> None:
    asked(pair)
    [shop] = pair.home("bank").glob("table-*")
    table = bytearray((shop / "table").read_bytes())
    table[-100] ^= 1
    (shop / "table").write_bytes(table)
    ended = join(pair, *ASKS, partner=("--out", "three.csv"))
    assert "PSI-0011" in ended["partner"].err and "not signed by this server" in " ".join(
        ended["partner"].err.split()
    )


@pytest.mark.parametrize(
    ("options", "exit_code", "code"),
    [
        (("--protocol", "unbalanced"), 8, "JOIN-0007"),
        ((*ASKS, "--memory", "2GiB"), 8, "JOIN-0007"),
        ((*ASKS, "--out", "x.csv"), 3, "POLICY-0007"),
        ((*ASKS, "--order", "joint"), 3, "POLICY-0008"),
    ],
)
def test_what_is_refused_before_anything_is_sent(
    pair: House, options: tuple[str, ...], exit_code: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pair.folder)
    assert pair.refuses("bank", *options) == (code, exit_code)
