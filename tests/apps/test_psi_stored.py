"""`tacit psi --memory` as two real processes: kills, full disks, and the same command once more."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tacit.trust.shelf import Shelf
from tests.apps.house import House, end, events
from tests.apps.test_psi import lines_of, psi_house

N, COMMON = 20_000, 8_000
LEAST = "257MiB"
"""Of this, groups get one MiB: a few thousand keys each."""


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[House]:
    house = psi_house(tmp_path / "house")
    bank = [f"k{i}" for i in range(N)]
    partner = [f"k{i}" for i in range(N - COMMON, 2 * N - COMMON)]
    house.write_data("bank", {"id": [*bank, *bank[:3], ""], "x": range(N + 4)})
    house.write_data("partner", {"person": partner[::-1], "y": range(N)})
    house.job["psi"] = {"memory": LEAST}
    house.write_job()
    yield house
    house.close()


def check(house: House) -> None:
    bank, partner = lines_of(house.folder / "b.csv"), lines_of(house.folder / "p.csv")
    assert len(bank) == COMMON
    assert all(left["id"] == right["person"] for left, right in zip(bank, partner, strict=True))
    assert all(int(left["x"]) == int(left["id"][1:]) for left in bank)
    assert not [path for name in ("bank", "partner") for path in house.home(name).glob("join-*")]


def both(house: House, *options: str) -> dict[str, object]:
    ended = house.pair(
        "psi",
        {"bank": ("--json", "--out", "b.csv", *options), "partner": ("--json", "--out", "p.csv", *options)},
    )
    assert [one.code for one in ended.values()] == [0, 0], ended["bank"].err + ended["partner"].err
    return {name: one.json for name, one in ended.items()}


@pytest.mark.parametrize("killed", ["bank", "partner"])
def test_a_killed_run_goes_on_where_it_was(pair: House, killed: str) -> None:
    other = "partner" if killed == "bank" else "bank"
    left = pair.start(other, "--out", "b.csv" if other == "bank" else "p.csv", command="psi")
    goes = pair.start(killed, "--events", command="psi")
    for event in events(goes):
        if event["event"] == "psi" and "group." not in event["path"] and event["done"] >= 3:
            break
    goes.send_signal(signal.SIGKILL)
    one = end(left)
    assert one.code == 6 and "NET-0004" in one.err, one.err
    assert not list(pair.folder.glob("?.csv")), "nothing is half done"
    for result in both(pair).values():
        assert result["attempts"] == 2 and result["groups"] >= 8 and result["n_common"] == COMMON
        assert result["preflight"]["repeated"] in (0, 3)
    check(pair)


def test_a_run_whose_rows_could_not_be_written_ends_alone(pair: House) -> None:
    (pair.folder / "sub").mkdir()
    partner = pair.start("partner", "--out", "sub/p.csv", "--events", command="psi")
    bank = pair.start("bank", "--out", "b.csv", command="psi")
    for event in events(partner):
        if event["event"] == "psi":
            (pair.folder / "sub").rmdir()
            break
    assert end(bank).code == 0
    refused = end(partner)
    assert refused.code == 2 and "VAULT-0005" in refused.err, refused.err
    alone = end(pair.start("partner", "--out", "p.csv", "--json", command="psi"))
    assert alone.code == 0 and alone.json["n_common"] == COMMON, alone.err
    assert alone.json["out"] == str(pair.folder / "p.csv")
    check(pair)


def test_a_stopped_side_and_the_other_one_are_told_what_is_kept(pair: House) -> None:
    waits = pair.start("partner", "--out", "p.csv", command="psi")
    stops = pair.start("bank", "--out", "b.csv", "--events", command="psi")
    seen = set()
    for event in events(stops):
        seen.add(event["event"])
        if event["event"] == "psi" and "group." in event["path"]:
            break
    assert {"read", "choice"} <= seen
    stops.send_signal(signal.SIGTERM)
    for process, code in ((stops, 128 + signal.SIGTERM), (waits, 4)):
        ended = end(process)
        assert ended.code == code
        assert "start the same command again on both" in " ".join((ended.err + ended.out).split())


@pytest.mark.parametrize("room", [1 << 14, 200_000])
def test_a_full_disk_is_named_and_leaves_nothing_half_done(pair: House, room: int) -> None:
    """A limit on the size of files stands for the disk: too small for the records, or for the result."""
    bank = pair.start("bank", "--out", "b.csv", command="psi")
    partner = pair.start("partner", "--out", "p.csv", command="psi")
    resource.prlimit(bank.pid, resource.RLIMIT_FSIZE, (room, room))
    full, other = end(bank), end(partner)
    assert full.code == 2 and any(code in full.err for code in ("VAULT-0005", "DATA-0025")), full.err
    assert other.code in (4, 6) and "-00" in other.err, other.err
    assert not list(pair.folder.glob("?.csv"))
    results = both(pair)
    check(pair)
    assert results["bank"]["n_common"] == COMMON


def test_one_side_without_memory_is_told_on_both(pair: House) -> None:
    alone = dict(pair.job) | {"psi": {}}
    other = pair.write_job(alone, pair.folder / "other.yaml")
    ended = pair.both(command="psi", configs={"partner": other})
    for one in ended.values():
        assert one.code == 4 and "JOB-0003" in one.err and "options.stored (here" in " ".join(one.err.split())


@pytest.mark.parametrize(
    ("options", "exit_code", "code"),
    [
        (("--memory", "2"), 2, "CLI-0003"),
        (("--memory", "200MiB"), 7, "PSI-0052"),
        (("--protocol", "ecdh"), 8, "PSI-0057"),
        (("--security", "malicious"), 8, "PSI-0021"),
        (("--query", "FROM 'bank.csv'"), 8, "JOIN-0004"),
        (("--duplicates", "refuse"), 2, "DATA-0008"),
        (("--key", "nobody"), 2, "DATA-0005"),
    ],
)
def test_what_is_refused_before_anything_is_sent(
    pair: House, options: tuple[str, ...], exit_code: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pair.folder)
    assert pair.refuses("bank", *options) == (code, exit_code)


def test_a_look_ahead_reads_the_file_and_keeps_nothing(pair: House) -> None:
    ahead = end(pair.start("bank", "--dry-run", "--json", command="psi")).json
    assert ahead["foreseen"]["psi"] == "rr22" and ahead["foreseen"]["seconds"] > 0
    seen = ahead["preflight"]
    assert (seen["rows"], seen["distinct"], seen["repeated"], seen["null"]) == (N + 4, N, 3, 1)
    assert sorted(path.name for path in pair.files("bank")) == [
        ".workspace.lock", "certificate.pem", "private_key.pem", "vault.key",
    ]  # fmt: skip


def test_the_folder_of_a_run_is_for_one_process(pair: House) -> None:
    with Shelf(pair.home("bank") / "join-overlap").held():
        refused = end(pair.start("bank", command="psi"))
    assert refused.code == 2 and "VAULT-0007" in refused.err
