"""Starts the parties, has them play, takes the median, checks every run's result."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np

from bench import network
from bench.calibration import CALIBRATE
from bench.measurement import Measurement, machine
from bench.task import Outputs, Task
from tacit.base.errors import InternalError
from tacit.trust import identity

LONG_RUN_S = 60.0
RUNS = 3
ROOT = Path(__file__).parents[1]


class Worker:
    """One process that plays `parties`, and its two pipes."""

    def __init__(self, plan: dict[str, Any], path: Path) -> None:
        path.write_text(json.dumps(plan))
        command = [*network.prefix(plan["shaping"]), sys.executable, "-m", "bench.worker", str(path)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def tell(self, line: str) -> None:
        """Raises InternalError BENCH-0004 if it has ended."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def hear(self) -> str:
        """Its next line. Raises InternalError BENCH-0004 if it has ended instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise self._ended()
        return line.strip()

    def _ended(self) -> InternalError:
        code = self.process.wait()
        return InternalError(
            "BENCH-0004",
            f"a party's process ended with code {code} in the middle of a run",
            hint="the reason stands above, on standard error",
        )

    def end(self) -> None:
        """Let it finish by itself; after an error, make it."""
        assert self.process.stdin is not None and self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


Between = Callable[[list[dict[str, Any]]], None]
"""Told before each counted run what the parties expect of it (`calibration`)."""


def measure(task: Task, options: argparse.Namespace, between: Between | None = None) -> Measurement:
    """One warm-up and the median of three runs; a first run over 60 s is the measurement itself."""
    with ExitStack() as stack:
        home = Path(tempfile.mkdtemp(prefix="tacit-bench-"))
        stack.callback(shutil.rmtree, home)
        n, _, _ = task.labels(options)
        folders = [home / f"party{number}" for number in range(n)]
        for number, folder in enumerate(folders):
            folder.mkdir()
            identity.create(folder / "home", f"party{number}")
        expected = task.prepare(options, folders)
        workers = _start(task, options, home, folders, stack)
        runs: list[Measurement] = []
        for count in range(1 + (options.runs or RUNS)):
            if between is not None and count:
                between(_asked(options.net, workers, n, home, CALIBRATE))
            runs.append(_run_once(task, options, workers, folders, expected))
            if runs[0].total_s > LONG_RUN_S:
                return runs[0]
        measured = sorted(runs[1:], key=lambda run: run.seconds)
        median = measured[len(measured) // 2]
        median.spread = (measured[0].seconds, measured[-1].seconds)
        return median


def _start(
    task: Task, options: argparse.Namespace, home: Path, folders: list[Path], stack: ExitStack
) -> list[Worker]:
    memory = options.net == "memory"
    plan = {
        "task": task.name,
        "options": {name: value for name, value in vars(options).items() if name != "out"},
        "folders": [str(folder) for folder in folders],
        "hosts": network.hosts(network.shaping(options.net), len(folders)),
        "shaping": network.shaping(options.net),
        "memory": memory,
    }
    workers = []
    for numbers in [list(range(len(folders)))] if memory else [[i] for i in range(len(folders))]:
        own = plan | {"parties": numbers, "host": plan["hosts"][numbers[0]]}
        workers.append(Worker(own, home / f"plan{numbers[0]}.json"))
        stack.callback(workers[-1].end)
    if plan["shaping"] in network.SHAPES:
        for worker in workers:
            worker.hear()
        network.attach(options.net, [worker.process.pid for worker in workers])
        for worker in workers:
            worker.tell("linked")
    for worker in workers:
        worker.hear()
    return workers


def _run_once(
    task: Task, options: argparse.Namespace, workers: list[Worker], folders: list[Path], expected: Any
) -> Measurement:
    answers = _asked(options.net, workers, len(folders), folders[0].parent)
    figures = task.check(options, expected, folders, _outputs(folders))
    return _measurement(task, options, answers, figures)


def _asked(net: str, workers: list[Worker], n: int, home: Path, order: str = "") -> list[dict[str, Any]]:
    """Every worker's answer to an order, sent with the parties' ports."""
    with network.dialled(net, network.free_ports(n), home) as ports:
        for number, worker in enumerate(workers):
            worker.tell(order + json.dumps(ports[number]))
        return [json.loads(worker.hear()) for worker in workers]


def _outputs(folders: list[Path]) -> Outputs:
    return [
        {file.stem: np.load(file, allow_pickle=False) for file in sorted((folder / "out").glob("*.npy"))}
        for folder in folders
    ]


def _transport(net: str) -> str:
    if net == "memory":
        return net
    return f"tls {net}" + ("" if network.shaping(net) == net else ", relayed")


def _measurement(
    task: Task, options: argparse.Namespace, answers: list[dict[str, Any]], figures: dict[str, float]
) -> Measurement:
    """Seconds, rounds and memory are those of the slowest or largest party, CPU seconds the sum of all."""
    n, scheme, security = task.labels(options)
    parties = [party for answer in answers for party in answer["parties"]]
    clocks = {
        name: max(party[name] for party in parties) for name in ("total_s", "compute_s", "setup_s", "io_s")
    }
    operation = clocks["compute_s"] + clocks["setup_s"]
    return Measurement(
        task=task.name,
        shape=task.shape(options),
        parties=n,
        scheme=scheme,
        security=security,
        transport=_transport(options.net),
        seconds=operation if task.clock == "operation" else clocks["total_s"],
        **clocks,
        cpu_seconds=sum(answer["cpu_seconds"] for answer in answers),
        bytes_sent=[party["bytes_sent"] for party in parties],
        rounds=max(party["rounds"] for party in parties),
        peak_rss_mb=max(answer["peak_rss_mb"] for answer in answers),
        figures=figures,
        machine=machine(),
    )
