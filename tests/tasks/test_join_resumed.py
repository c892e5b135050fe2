"""`tacit.join(memory=, folder=)`: the same call goes on after a kill, and only the same call."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tacit
from tacit.base.errors import TacitError
from tacit.trust.shelf import Shelf

N, COMMON = 6_000, 2_500
KILLED = """
import os, signal, sys
import tacit
from tacit.trust.shelf import Shelf
from tests.tasks.test_join_resumed import tables

folder, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
seen, replace = 0, Shelf.replace

def dying(shelf, written, data):
    global seen
    replace(shelf, written, data)
    seen += written == name
    if seen == count:
        os.kill(os.getpid(), signal.SIGKILL)

Shelf.replace = dying
tacit.join(tables(), "id", "left", memory="257MiB", folder=folder)
"""


def tables() -> dict[str, Any]:
    left = {"id": [f"k{i}" for i in range(N)], "x": list(range(N))}
    return {"l": left, "r": {"id": [f"k{i}" for i in range(N - COMMON, 2 * N - COMMON)]}}


def killed(folder: Path, name: str, count: int) -> None:
    command = [sys.executable, "-c", KILLED, str(folder), name, str(count)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("index", 1),
        ("state.json", 1),
        ("state.json", 5),
        ("state.json", 6),
        ("complete.json", 1),
        ("rows", 2),
    ],
)
def test_the_same_call_goes_on_after_a_kill(tmp_path: Path, name: str, count: int) -> None:
    """`state.json` is written by each of both sides: 1 is by one side alone, 5 after a group of one."""
    folder = tmp_path / "work"
    killed(folder, name, count)
    assert list(folder.iterdir())
    joined = tacit.join(tables(), "id", "left", memory="257MiB", folder=folder)
    assert joined["l"] is not None and joined["r"] is not None
    assert sorted(joined["l"]["x"].to_pylist()) == list(range(N))
    pairs = zip(joined["l"]["id"].to_pylist(), joined["r"]["id"].to_pylist(), strict=True)
    matched = [left == right for left, right in pairs if right is not None]
    assert len(matched) == COMMON and all(matched)
    assert not folder.exists()


def test_another_call_does_not_go_on(tmp_path: Path) -> None:
    killed(tmp_path / "work", "state.json", 6)
    other = tables()
    other["l"]["id"][5] = "another"
    calls: list[tuple[dict[str, Any], dict[str, Any]]] = [(other, {}), (tables(), {"trim": False})]
    for given, options in calls:
        with pytest.raises(TacitError) as refused:
            tacit.join(given, "id", "left", memory="257MiB", folder=tmp_path / "work", **options)
        assert refused.value.code == "PSI-0053"


def test_a_folder_is_for_one_join_within_a_given_memory(tmp_path: Path) -> None:
    with pytest.raises(TacitError) as refused:
        tacit.join(tables(), "id", folder=tmp_path)
    assert refused.value.code == "JOIN-0002"
    with Shelf(tmp_path / "side0").held(), pytest.raises(TacitError) as refused:
        tacit.join(tables(), "id", memory="257MiB", folder=tmp_path)
    assert refused.value.code == "VAULT-0007"
