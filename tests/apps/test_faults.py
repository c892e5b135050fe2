"""What goes wrong between two processes: a named error and exit code on both sides, in time, nothing left."""

from __future__ import annotations

import signal
import socket
import time
from copy import deepcopy
from pathlib import Path

import pytest

from tests.apps.house import PARTIES, House, end, events, read_csv


def _leftovers(house: House) -> list[Path]:
    return [
        path
        for name in PARTIES
        for pattern in ("work-*", "models/*", ".*.draft")
        for path in house.home(name).glob(pattern)
    ]


def test_empty_intersection(house: House) -> None:
    data = read_csv(house.folder / "partner.csv")
    data["id"] = [f"X{key}" for key in data["id"]]
    house.write_data("partner", data)
    ended = house.both()
    assert [one.code for one in ended.values()] == [2, 2]
    assert all("CREDIT-0001" in one.err and "400" in one.err for one in ended.values())
    assert not _leftovers(house)


def test_different_jobs_are_named_before_any_data(house: House) -> None:
    other = deepcopy(house.job)
    other["train"]["epochs"] = 3
    path = house.write_job(other, house.folder / "other.yaml")
    ended = house.both("--events", configs={"partner": path})
    assert [one.code for one in ended.values()] == [4, 4]
    for one in ended.values():
        assert "JOB-0003" in one.err and "options" in one.err
        assert not any(f'"event":"{event}"' in one.out for event in ("end", "psi", "aligned", "reveal"))


def test_wrong_certificate(house: House) -> None:
    """Somebody else sits at the partner's address with an own key, and pins the bank rightly."""
    from tacit.trust import identity

    identity.create(house.home("mallory"), "mallory")
    job = deepcopy(house.job)
    job["parties"]["partner"]["certificate"] = "mallory/certificate.pem"
    job["local"]["partner"]["home"] = "mallory"
    job["limits"]["connect_s"] = 2
    path = house.write_job(job, house.folder / "mallory.yaml")
    house.job["limits"]["connect_s"] = 2
    house.write_job()
    ended = house.both(configs={"partner": path})
    assert [one.code for one in ended.values()] == [6, 6]
    assert all("NET-0005" in one.err for one in ended.values())


def test_home_of_somebody_else(house: House) -> None:
    one = end(house.start("bank", "--home", "partner"))
    assert one.code == 2 and "CLI-0005" in one.err


@pytest.mark.parametrize("name", PARTIES)
def test_absent_peer(house: House, name: str) -> None:
    house.job["limits"]["connect_s"] = 3.5
    house.write_job()
    started = time.monotonic()
    one = end(house.start(name))
    assert one.code == 6 and "NET-0001" in one.err
    assert "waiting for" in one.err and "is the other side started" in one.err
    assert time.monotonic() - started < 15


def test_busy_port(house: House) -> None:
    port = int(house.job["parties"]["bank"]["address"].rpartition(":")[2])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        one = end(house.start("bank"))
    assert one.code == 6 and "NET-0002" in one.err and str(port) in one.err


def test_listen_and_peer_options(house: House) -> None:
    """The addresses of the job file are wrong on both sides; the options put them right."""
    right = house.job["parties"]["bank"]["address"]
    house.job["parties"]["bank"]["address"] = "127.0.0.1:1"
    house.write_job()
    bank = house.start("bank", "--listen", right)
    partner = house.start("partner", "--peer", right)
    assert [end(process).code for process in (bank, partner)] == [0, 0]


def _kill_in_training(house: House, number: signal.Signals) -> tuple[int, str, float]:
    """End the bank in the middle of training; (partner's exit code, its error text, seconds to its end)."""
    house.job["train"]["epochs"] = 500
    house.job["limits"]["timeout_s"] = 8
    house.write_job()
    partner = house.start("partner")
    bank = house.start("bank", "--events")
    for event in events(bank):
        if event["event"] == "step" and "training" in event["path"]:
            break
    bank.send_signal(number)
    started = time.monotonic()
    one = end(partner)
    bank.wait(timeout=20)
    return one.code, one.err, time.monotonic() - started


def test_killed_peer(house: House) -> None:
    code, err, seconds = _kill_in_training(house, signal.SIGKILL)
    assert code == 6 and "NET-0004" in err
    assert seconds < 10
    assert not [path for path in _leftovers(house) if path.is_relative_to(house.home("partner"))]
    left = list(house.home("bank").glob("work-*"))
    assert left, "a kill -9 leaves the workspace until the next start"
    house.job["train"]["epochs"] = 1
    house.write_job()
    assert [one.code for one in house.both().values()] == [0, 0]
    assert not list(house.home("bank").glob("work-*"))


def test_stopped_peer_says_so(house: House) -> None:
    code, err, seconds = _kill_in_training(house, signal.SIGTERM)
    assert code == 4 and "PEER-0002" in err and "CLI-0006" in err
    assert seconds < 10
    assert house.started[1].returncode == 128 + signal.SIGTERM
    assert not _leftovers(house)


def test_refused_by_policy_on_both_sides(house: House) -> None:
    """One column of the bank moves on a few rows only, which the bank alone can know."""
    data = read_csv(house.folder / "bank.csv")
    data["x1"] = ["1.0" if index < 5 else "0.0" for index in range(len(data["x1"]))]
    house.write_data("bank", data)
    ended = house.both()
    assert ended["bank"].code == 3 and "COEF-0003" in ended["bank"].err and "x1" in ended["bank"].err
    assert ended["partner"].code in (3, 4)
    assert "x1" not in ended["partner"].err
    assert not _leftovers(house)
