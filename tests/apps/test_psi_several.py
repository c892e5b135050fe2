"""`tacit psi` among three and four real processes: what all of them have, and who learns it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tacit.trust import identity
from tests.apps.house import Ended, House, end, free_port
from tests.apps.test_psi import lines_of

NAMES = ("bank", "shop", "clinic", "school")
HELD = {"bank": range(40), "shop": range(10, 90), "clinic": range(0, 60, 2), "school": range(20, 50)}


def house_of(folder: Path, names: tuple[str, ...]) -> House:
    folder.mkdir()
    job: dict[str, Any] = {"job": "several", "task": "psi", "parties": {}, "local": {}}
    house = House(folder, job)
    for name in names:
        identity.create(house.home(name), name)
        job["parties"][name] = {
            "address": f"127.0.0.1:{free_port()}",
            "certificate": f"{name}/{identity.CERTIFICATE_FILE}",
            "key": "id",
        }
        rows = list(HELD[name])[::-1]
        house.write_data(name, {"id": [f"k{i}" for i in rows], name: rows})
        job["local"][name] = {"home": name, "data": f"{name}.csv"}
    job["limits"] = {"timeout_s": 20, "connect_s": 20}
    house.write_job()
    return house


@pytest.fixture
def trio(tmp_path: Path) -> Iterator[House]:
    house = house_of(tmp_path / "house", NAMES[:3])
    yield house
    house.close()


def all_of(house: House, *options: str, out: tuple[str, ...] = ()) -> dict[str, Ended]:
    processes = {
        name: house.start(
            name, *options, *(("--out", f"{name}-out.csv") if name in out else ()), command="psi"
        )
        for name in house.job["parties"]
    }
    return {name: end(process) for name, process in processes.items()}


@pytest.mark.parametrize("n", [3, 4])
def test_all_lines_are_of_one_key(tmp_path: Path, n: int) -> None:
    house = house_of(tmp_path / "house", NAMES[:n])
    ended = all_of(house, "--json", "--receivers", "all", out=NAMES[:n])
    house.close()
    assert all(one.code == 0 for one in ended.values()), [one.err for one in ended.values()]
    common = set.intersection(*(set(HELD[name]) for name in NAMES[:n]))
    tables = [lines_of(house.folder / f"{name}-out.csv") for name in NAMES[:n]]
    assert {int(line["id"][1:]) for line in tables[0]} == common and len(tables[0]) == len(common)
    for lines in zip(*tables, strict=True):
        assert len({line["id"] for line in lines}) == 1, "one joint order"
    hub, other = ended["bank"].json, ended["shop"].json
    assert hub["psi"] == other["psi"] == "star" and hub["n_common"] == other["n_common"] == len(common)
    assert {(item["name"], item["to"]) for item in other["revealed"]} >= {
        ("set sizes", "bank"), ("size.bank", "all"), ("intersection", "shop"),
    }  # fmt: skip
    assert other["n_theirs"] == 40, "the others learn the size of the hub's set only"
    assert all(
        one.json["because"] == "several" and one.json["predicted_seconds"] > 0 for one in ended.values()
    )


def test_what_it_costs_is_foreseen_and_told(trio: House) -> None:
    ahead = end(trio.start("shop", "--dry-run", "--receivers", "all", command="psi"))
    assert "sent and received here by star, if the others have as many" in " ".join(ahead.out.split())
    for one in all_of(trio, "--receivers", "all").values():
        assert one.code == 0 and "sent and received here (predicted" in " ".join(one.out.split()), one.err


def test_one_receiver_in_the_order_of_its_file(trio: House) -> None:
    ended = all_of(trio, "--receivers", "clinic", out=("clinic",))
    assert all(one.code == 0 for one in ended.values()), [one.err for one in ended.values()]
    assert [int(line["clinic"]) for line in lines_of(trio.folder / "clinic-out.csv")] == list(
        range(38, 9, -2)
    )
    said = " ".join(ended["bank"].out.split())
    assert "only clinic learned which (of 40 keys here)" in said
    assert "how many ids clinic has" in said.partition("bank learned")[2].partition("shop learned")[0]


def test_differing_terms_are_named_at_all(trio: House) -> None:
    processes = {
        name: trio.start(name, *(("--case", "lower") if name == "shop" else ()), command="psi")
        for name in trio.job["parties"]
    }
    for name, process in processes.items():
        ended = end(process)
        assert ended.code in (4, 6), ended.err
        assert name == "clinic" or "options.case" in ended.err or "NET-0004" in ended.err, ended.err


@pytest.mark.parametrize(
    ("options", "exit_code", "code"),
    [
        (("--join", "left"), 2, "JOIN-0002"),
        (("--protocol", "rr22"), 8, "JOIN-0006"),
        (("--security", "malicious"), 8, "JOIN-0006"),
        (("--memory", "2GiB"), 8, "JOIN-0006"),
        (("--tell", "count"), 2, "CLI-0003"),
        (("--peer", "127.0.0.1:1"), 2, "CLI-0003"),
        (("--receivers", "none"), 3, "POLICY-0009"),
        (("--receivers", "shop", "--out", "x.csv"), 3, "POLICY-0007"),
    ],
)
def test_what_is_refused_before_anything_is_sent(
    trio: House, options: tuple[str, ...], exit_code: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trio.folder)
    assert trio.refuses("bank", *options) == (code, exit_code)
