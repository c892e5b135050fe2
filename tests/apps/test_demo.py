"""`tacit demo`, end to end."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.apps.house import Ended, cli, end, launch


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, cli("demo", "--home", "演示 1", "--json", folder=folder)


def test_result(demo: tuple[Path, Ended]) -> None:
    _, one = demo
    assert one.code == 0, one.err
    result = one.json
    assert result["intersection"] == 770
    assert result["rows_train"] + result["rows_test"] == 770
    assert abs(result["auc_joint"] - result["auc_pooled"]) <= 0.005
    assert result["auc_joint"] > result["auc_bank_only"] + 0.03
    assert 0.2 < result["ks_joint"] < 0.7
    assert set(result["bytes_sent"]) == {"bank", "partner"} and min(result["bytes_sent"].values()) > 1_000_000
    assert {"setup", "psi", "statistics", "training", "evaluation"} <= set(result["seconds"])
    assert result["rounds"] > 0 and result["seconds_total"] < 60


def test_report(demo: tuple[Path, Ended]) -> None:
    _, one = demo
    page = Path(one.json["report"]).read_text(encoding="utf-8")
    assert f"{one.json['auc_joint']:.4f}" in page and f"{one.json['auc_pooled']:.4f}" in page
    assert "checking_account" in page and "duration_months" in page
    assert not re.search(r"(?:src|href)=|url\(|@import|<script", page)


def test_leaves_private_files_only(demo: tuple[Path, Ended]) -> None:
    folder, _ = demo
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert not list(folder.rglob("work-*"))


def test_refuses_a_folder_with_other_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    one = cli("demo", "--home", str(tmp_path), folder=tmp_path)
    assert one.code == 2 and "CLI-0009" in one.err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_refuses_impossible_rows(tmp_path: Path) -> None:
    one = cli("demo", "--rows", "10", folder=tmp_path)
    assert one.code == 2 and "DEMO-0001" in one.err


def _children(folder: Path) -> list[int]:
    """Processes of the two parties of the demo in `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            is_ours = entry.name.isdigit() and os.readlink(entry / "cwd") == str(folder)
            if is_ours and b"train" in (entry / "cmdline").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc")
def test_interrupted(tmp_path: Path) -> None:
    """Both parties are ended, and a second demo starts over in the same folder."""
    process = launch("demo", "--home", "d", "--json", folder=tmp_path)
    deadline = time.monotonic() + 20
    while len(_children(tmp_path / "d")) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.8)
    process.send_signal(signal.SIGINT)
    one = end(process)
    assert one.code == 128 + signal.SIGINT and "CLI-0006" in one.err
    assert _children(tmp_path / "d") == []


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc")
def test_failing_child_is_shown(tmp_path: Path) -> None:
    process = launch("demo", "--home", "d", "--json", folder=tmp_path)
    deadline = time.monotonic() + 20
    while len(children := _children(tmp_path / "d")) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(children[0], signal.SIGKILL)
    one = end(process)
    assert one.code != 0 and ("CLI-0072" in one.err or "NET-000" in one.err)
    assert _children(tmp_path / "d") == []


def test_starts_over_in_its_own_folder(demo: tuple[Path, Ended]) -> None:
    folder, first = demo
    second = cli("demo", "--home", "演示 1", "--rows", "800", "--seed", "3", "--json", folder=folder)
    assert second.code == 0, second.err
    assert second.json["intersection"] == 616
    assert (
        json.loads((folder / "演示 1" / "bank" / "models" / "demo" / "result.json").read_text())["options"][
            "seed"
        ]
        == 3
    )
