"""`tacit demo`: two parties as two processes on this machine, watched from here; then the comparison.

The demo makes both homes and both data files, so it may pool them afterwards. The parties themselves are
ordinary `tacit train` processes that see only their own folder and the job file.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console, Group
from rich.text import Text

from tacit.apps.cli import demo_data
from tacit.apps.cli.demo_data import DemoFile
from tacit.apps.cli.jobfile import JobFile, read_job, table_columns
from tacit.apps.cli.party import run_to_end
from tacit.apps.cli.pooled import compare
from tacit.apps.cli.report import demo_report
from tacit.apps.cli.saved import load_rows
from tacit.apps.cli.screen import Board, Screen
from tacit.apps.cli.tracker import STEPS, Step, Tracker
from tacit.apps.cli.words import Words
from tacit.base.errors import InternalError, TacitError, UsageError
from tacit.frame.source import open_table
from tacit.trust import identity
from tacit.trust.vault import write_private

PARTIES = ("bank", "partner")
JOB = "demo"
JOB_FILE = "job.yaml"
REPORT_FILE = "report.html"
MARK_FILE = ".tacit-demo"
AUC_TOLERANCE = 0.005

_LINE_LIMIT_BYTES = 1 << 24
_PATIENCE_S = 3.0
_LOG_FILE = "stderr.txt"


class ChildFailed(TacitError):
    """A party's process ended with an error; shown as if it were the demo's own, with the party's name."""

    def __init__(self, party: str, event: Mapping[str, Any]) -> None:
        super().__init__(
            event["code"], f"{party}: {event['message']}", hint=event["hint"], path=event["path"]
        )
        self.who = event["who"]
        self.exit_code = event["exit_code"]


def run_demo(
    home: Path, *, rows: int | None, seed: int, words: Words, console: Console, quiet: bool
) -> dict[str, Any]:
    """The whole demo; its result as one JSON object.

    Raises: UsageError CLI-0009 if `home` holds something else, DEMO-0001, DATA-0022; ChildFailed; Stopped;
    InternalError CLI-0071 if the joint model is not as good as the pooled one.
    """
    started_s = time.monotonic()
    files = _prepare(home, rows, seed)
    file = read_job(home / JOB_FILE)
    trackers = {name: Tracker("train", epochs=int(file.job.options["epochs"])) for name in PARTIES}
    for tracker in trackers.values():
        tracker.steps["comparison"] = Step()
    heading = _heading(words, home, files)
    with Screen(words, console, Board(words, trackers, lambda: heading), trackers, quiet=quiet) as screen:
        results = run_to_end(_both(home, words, screen))
        _begin_comparison(trackers)
        clock_s = time.monotonic()
        used = [load_rows(home / name, Path(results[name]["folder"])) for name in PARTIES]
        pooled, alone = compare(file.job, _tables(file), [rows for rows, _ in used], used[0][1])
        comparison_s = time.monotonic() - clock_s
        for tracker in trackers.values():
            tracker.steps["comparison"] = Step("done", 1.0, None, comparison_s)
    result = _summary(results, asdict(pooled), asdict(alone), comparison_s)
    report = home.absolute() / REPORT_FILE
    write_private(report, demo_report(results, result, words.language).encode())
    result |= {
        "report": str(report),
        "home": str(home.absolute()),
        "seconds_total": round(time.monotonic() - started_s, 3),
    }
    if result["auc_difference"] > AUC_TOLERANCE:
        raise InternalError(
            "CLI-0071",
            f"the joint model's AUC differs from the pooled one's by {result['auc_difference']:.4f}",
            hint=f"at most {AUC_TOLERANCE} was promised; please report it with the options of the demo",
        )
    return result


def _prepare(home: Path, rows: int | None, seed: int) -> dict[str, DemoFile]:
    """Folders, identities, data files and the job file, all new."""
    _clear(home)
    folders = {name: home / name for name in PARTIES}
    for name, folder in folders.items():
        identity.create(folder, name)
    bank, partner = demo_data.write(folders["bank"], folders["partner"], rows=rows)
    files = {"bank": bank, "partner": partner}
    text = yaml.safe_dump(_job(files, seed), sort_keys=False, allow_unicode=True, width=110)
    write_private(home / JOB_FILE, text.encode())
    return files


def _clear(home: Path) -> None:
    """Remove what an earlier demo left in `home`. Anybody else's files are never touched."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (home / MARK_FILE).exists() and any(home.iterdir()):
            raise UsageError(
                "CLI-0009",
                f"{str(home)!r} holds files that no demo made",
                hint="give --home with a new folder",
            )
        (home / MARK_FILE).touch(mode=0o600)
        for name in PARTIES:
            if (home / name).exists():
                shutil.rmtree(home / name)
    except OSError as error:
        raise UsageError(
            "CLI-0009",
            f"{str(home)!r} cannot be used: {error.strerror}",
            hint="give --home with a new folder",
        ) from None


def _job(files: Mapping[str, DemoFile], seed: int) -> dict[str, Any]:
    parties: dict[str, Any] = {}
    for name, file in files.items():
        entry = {
            "address": f"127.0.0.1:{_free_port()}",
            "certificate": f"{name}/{identity.CERTIFICATE_FILE}",
            "key": file.key,
            "label": file.label,
            "positive": file.positive,
            "columns": [spec.to_job() for spec in file.columns],
        }
        parties[name] = {key: value for key, value in entry.items() if value is not None}
    return {
        "job": JOB,
        "task": "credit",
        "parties": parties,
        "train": {"seed": seed},
        "reveal": {"coefficients": "own", "scores": []},
        "limits": {"timeout_s": 60, "connect_s": 60},
        "local": {name: {"home": name, "data": f"{name}/{file.path.name}"} for name, file in files.items()},
    }


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def _both(home: Path, words: Words, screen: Screen) -> dict[str, dict[str, Any]]:
    """Results of both processes. If one fails the other is ended, and no process outlives this call."""
    children = {name: await _start(home, name, words) for name in PARTIES}
    watchers = {name: asyncio.ensure_future(_watch(home, name, children[name], screen)) for name in PARTIES}
    try:
        await asyncio.wait(watchers.values(), return_when=asyncio.FIRST_EXCEPTION)
        if any(watcher.done() and watcher.exception() for watcher in watchers.values()):
            # The other one was told by its peer; let it end by itself, so that both say what they saw.
            await asyncio.wait(watchers.values(), timeout=_PATIENCE_S)
        failures = [w.exception() for w in watchers.values() if w.done() and w.exception()]
        if failures:
            raise _telling(failures)
        return {name: watcher.result() for name, watcher in watchers.items()}
    finally:
        for watcher in watchers.values():
            watcher.cancel()
        await asyncio.gather(*watchers.values(), return_exceptions=True)
        for child in children.values():
            await _end(child)


def _telling(failures: list[BaseException | None]) -> BaseException:
    """The failure that came first in cause: not the one that only reports the other party's."""
    found = [failure for failure in failures if failure is not None]
    causes = [f for f in found if not (isinstance(f, TacitError) and f.code in ("PEER-0002", "NET-0004"))]
    return (causes or found)[0]


async def _start(home: Path, name: str, words: Words) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "tacit.apps.cli", "train", "--me", name]
    command += ["--config", JOB_FILE, "--events", "--lang", words.language]
    with open(home / name / _LOG_FILE, "wb", opener=_private) as log:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd=home,
            limit=_LINE_LIMIT_BYTES,
            # Ctrl-C reaches this process only, which then ends both in order.
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


async def _watch(home: Path, name: str, child: asyncio.subprocess.Process, screen: Screen) -> dict[str, Any]:
    """Follow the event stream of one process to its end; its result."""
    assert child.stdout is not None
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    while line := await child.stdout.readline():
        event = json.loads(line)
        if event["event"] == "result":
            result = event["result"]
        else:
            screen.tell(name, event)
            error = event if event["event"] == "error" else error
    status = await child.wait()
    if error is not None:
        raise ChildFailed(name, error)
    if status != 0 or result is None:
        raise InternalError(
            "CLI-0072",
            f"the process of {name!r} ended with status {status} and no result",
            hint=f"its last words are in {str(home / name / _LOG_FILE)!r}",
        )
    return result


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    child.terminate()
    try:
        await asyncio.wait_for(child.wait(), _PATIENCE_S)
    except TimeoutError:
        child.kill()
        await child.wait()


def _begin_comparison(trackers: Mapping[str, Tracker]) -> None:
    for tracker in trackers.values():
        tracker.steps["comparison"] = Step("running")


def _tables(file: JobFile) -> list[Any]:
    tables = []
    for terms in file.job.parties:
        columns, text = table_columns(terms)
        data = file.local[terms.name].data
        assert data is not None
        tables.append(open_table(data, columns, text=text))
    return tables


def _heading(words: Words, home: Path, files: Mapping[str, DemoFile]) -> Group:
    lines = [Text(words("demo.title", home=str(home)), style="bold"), Text()]
    for name, file in files.items():
        rows = open_table(file.path, [file.key]).num_rows
        what = words(f"demo.{name}", rows=rows, columns=len(file.columns), label=file.label)
        lines.append(Text.assemble(("  " + name.ljust(8), "bold"), what))
    return Group(*lines, Text())


def _summary(
    results: Mapping[str, dict[str, Any]], pooled: dict[str, Any], alone: dict[str, Any], comparison_s: float
) -> dict[str, Any]:
    bank = results["bank"]
    steps = [name for name in STEPS["train"] if name in bank["seconds"]]
    seconds = {name: max(result["seconds"][name] for result in results.values()) for name in steps}
    return {
        "intersection": bank["rows"]["common"],
        "rows_train": bank["rows"]["train"],
        "rows_test": bank["rows"]["test"],
        "auc_joint": bank["quality"]["auc"],
        "ks_joint": bank["quality"]["ks"],
        "auc_pooled": pooled["auc"],
        "ks_pooled": pooled["ks"],
        "auc_bank_only": alone["auc"],
        "ks_bank_only": alone["ks"],
        "auc_difference": abs(bank["quality"]["auc"] - pooled["auc"]),
        "bytes_sent": {name: sum(result["bytes_sent"].values()) for name, result in results.items()},
        "wire_bytes_sent": {name: result["wire_bytes_sent"] for name, result in results.items()},
        "rounds": bank["rounds"],
        "seconds": {**seconds, "comparison": round(comparison_s, 4)},
        "columns_after_encoding": {name: len(result["correlations"]) for name, result in results.items()},
        "quality": {"joint": bank["quality"], "pooled": pooled, "bank_only": alone},
        "models": {name: result["folder"] for name, result in results.items()},
    }
