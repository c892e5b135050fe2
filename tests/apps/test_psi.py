"""`tacit psi` as two real processes, from files to files."""

from __future__ import annotations

import csv
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tacit.trust import identity
from tests.apps.house import PARTIES, Ended, House, free_port

BANK = {
    "id": ["a1", "a2", " a3", "", "a5", "a1", "01", "e\u0301"],
    "x": ["1", "2", "3", "4", "5", "6", "7", "8"],
}
PARTNER = {"person": ["é", "a5", "a3 ", "a1", "b1", "NULL", "1"], "y": [f"y{i}" for i in range(7)]}
COMMON = {"a1": ("1", "y3"), "a3": ("3", "y2"), "a5": ("5", "y1"), "é": ("8", "y0")}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[House]:
    house = psi_house(tmp_path / "house")
    yield house
    house.close()


def psi_house(folder: Path) -> House:
    folder.mkdir()
    job: dict[str, Any] = {"job": "overlap", "task": "psi", "parties": {}, "local": {}}
    house = House(folder, job)
    for name, key, data in (("bank", "id", BANK), ("partner", "person", PARTNER)):
        identity.create(house.home(name), name)
        job["parties"][name] = {
            "address": f"127.0.0.1:{free_port()}",
            "certificate": f"{name}/{identity.CERTIFICATE_FILE}",
            "key": key,
        }
        house.write_data(name, data)
        job["local"][name] = {"home": name, "data": f"{name}.csv"}
    job["limits"] = {"timeout_s": 20, "connect_s": 20}
    house.write_job()
    return house


def join(house: House, *options: str, bank: tuple[str, ...] = (), partner: tuple[str, ...] = ()) -> Any:
    """Both ends; every option of `options` goes to both sides."""
    return house.pair("psi", {"bank": (*options, *bank), "partner": (*options, *partner)})


def joined(house: House, *options: str, ending: str = "csv") -> tuple[dict[str, Ended], list[dict[str, str]]]:
    """Both ends with an output on both sides, and the lines of both outputs side by side."""
    outs = {name: f"{name}-out.{ending}" for name in PARTIES}
    ended = join(
        house,
        "--json",
        *options,
        bank=("--out", outs["bank"]),
        partner=("--out", outs["partner"]),
    )
    assert [one.code for one in ended.values()] == [0, 0], ended["bank"].err + ended["partner"].err
    bank, partner = (lines_of(house.folder / outs[name]) for name in PARTIES)
    return ended, [
        {f"l_{k}": v for k, v in left.items()} | {f"r_{k}": v for k, v in right.items()}
        for left, right in zip(bank, partner, strict=True)
    ]


def nfc(key: str) -> str:
    return unicodedata.normalize("NFC", key.strip())


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("protocol", ["rr22", "ecdh", "ecdh-sm2", "auto"])
def test_inner_join_lines_up(pair: House, protocol: str) -> None:
    ended, lines = joined(pair, "--protocol", protocol)
    assert {nfc(line["l_id"]): (line["l_x"], line["r_y"]) for line in lines} == COMMON
    assert all(nfc(line["l_id"]) == nfc(line["r_person"]) for line in lines)
    for name in PARTIES:
        result = ended[name].json
        assert (result["n_mine"], result["n_theirs"], result["n_common"]) == (6, 6, 4)
        assert result["psi"] == (protocol if protocol != "auto" else "ecdh")
        assert {item["name"] for item in result["revealed"]} == {"set sizes", "intersection"}
        assert stat.S_IMODE((pair.folder / f"{name}-out.csv").stat().st_mode) == 0o600
    assert ended["bank"].json["preflight"] == {
        "rows": 8, "distinct": 6, "null": 1, "empty": 0, "repeated": 1,
        "trimmed": 1, "normalised": 1, "lowered": 0, "zeros": 1,
    }  # fmt: skip
