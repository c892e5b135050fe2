"""`tacit psi --memory` killed at every write that its progress hangs on: nothing is lost or doubled."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps.house import House, end, launch
from tests.apps.test_psi import lines_of, psi_house

N, COMMON = 9_000, 4_000
DIES = """
import os, signal, sys
from tacit.apps.cli.main import main
from tacit.trust.shelf import Shelf

name, count, when = sys.argv.pop(1), int(sys.argv.pop(1)), sys.argv.pop(1)
seen, replace = 0, Shelf.replace

def dying(shelf, written, data):
    global seen
    seen += written == name
    if written == name and seen == count and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    replace(shelf, written, data)
    if written == name and seen == count:
        os.kill(os.getpid(), signal.SIGKILL)

Shelf.replace = dying
main()
"""


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[House]:
    house = psi_house(tmp_path / "house")
    house.write_data("bank", {"id": [f"k{i}" for i in range(N)], "x": range(N)})
    house.write_data(
        "partner", {"person": [f"k{i}" for i in range(N - COMMON, 2 * N - COMMON)], "y": range(N)}
    )
    house.job["psi"] = {"memory": "257MiB", "join": "left"}
    house.job["limits"] = {"timeout_s": 60, "connect_s": 8}
    house.write_job()
    yield house
    house.close()


def start(house: House, name: str, dies: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    arguments = ["psi", "--me", name, "--config", "job.yaml", "--out", f"{name}-out.csv", "--json"]
    program = ("-c", DIES, *dies) if dies else ("-m", "tacit.apps.cli")
    process = launch(*arguments, folder=house.folder, program=program)
    house.started.append(process)
    return process


@pytest.mark.parametrize("killed", ["bank", "partner"])
@pytest.mark.parametrize(
    ("name", "count"),
    [("state.json", 2), ("rows", 1), ("common", 1), ("complete.json", 1), ("complete.json", 2)],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_at_a_write_loses_and_doubles_nothing(
    pair: House, killed: str, name: str, count: int, when: str
) -> None:
    """`state.json` 2: the first group. `complete.json` 1: the result; 2: the other side has its own."""
    other = "partner" if killed == "bank" else "bank"
    waits, dies = start(pair, other), start(pair, killed, (name, str(count), when))
    assert end(dies).code == -signal.SIGKILL
    first = end(waits)
    assert first.code in (0, 6), first.err
    assert (first.code == 0) >= (name == "complete.json" and count == 2), "it has heard of the other's result"
    again = {killed: start(pair, killed)}
    if first.code:
        again[other] = start(pair, other)
    for process in again.values():
        ended = end(process)
        assert ended.code == 0 and ended.json["n_common"] == COMMON, ended.err
    bank, partner = (lines_of(pair.folder / f"{name}-out.csv") for name in ("bank", "partner"))
    assert len(bank) == len(partner) == N and sorted(int(line["x"]) for line in bank) == list(range(N))
    lined_up = [
        (left["id"], right["person"]) for left, right in zip(bank, partner, strict=True) if right["person"]
    ]
    assert len(lined_up) == COMMON and all(left == right for left, right in lined_up)
    assert not [path for one in ("bank", "partner") for path in pair.home(one).glob("join-*")]
