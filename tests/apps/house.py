"""Two parties' folders, data and job file, and their processes, for the tests of the command line."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from typer.testing import CliRunner

from tacit.apps.cli.main import app
from tacit.base.errors import TacitError
from tacit.trust import identity

PARTIES = ("bank", "partner")
SOURCE = Path(__file__).resolve().parents[2] / "src"
TIMEOUT_S = 180.0


@dataclass
class Ended:
    """How a process ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


@dataclass
class House:
    """A folder with both homes, both data files and one job file."""

    folder: Path
    job: dict[str, Any]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def job_path(self) -> Path:
        return self.folder / "job.yaml"

    def home(self, name: str) -> Path:
        return self.folder / name

    def write_job(self, job: Mapping[str, Any] | None = None, path: Path | None = None) -> Path:
        where = path or self.job_path
        text = yaml.safe_dump(dict(job or self.job), sort_keys=False, allow_unicode=True)
        where.write_text(text, encoding="utf-8")
        return where

    def write_data(self, name: str, columns: Mapping[str, Any]) -> None:
        """A CSV of these columns; None is an empty field."""
        names = list(columns)
        lines = [",".join(names)]
        for row in zip(*columns.values(), strict=True):
            lines.append(",".join("" if value is None else str(value) for value in row))
        (self.folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(
        self, name: str, *options: str, command: str = "train", config: Path | None = None
    ) -> subprocess.Popen[str]:
        arguments = [command, "--me", name, "--config", str(config or self.job_path), *options]
        process = launch(*arguments, folder=self.folder)
        self.started.append(process)
        return process

    def both(
        self, *options: str, command: str = "train", configs: Mapping[str, Path] | None = None
    ) -> dict[str, Ended]:
        """Both processes to their end."""
        processes = {
            name: self.start(name, *options, command=command, config=(configs or {}).get(name))
            for name in PARTIES
        }
        return {name: end(process) for name, process in processes.items()}

    def pair(self, command: str, options: Mapping[str, tuple[str, ...]]) -> dict[str, Ended]:
        """Both processes with options of their own, to their end."""
        processes = {name: self.start(name, *options[name], command=command) for name in PARTIES}
        return {name: end(process) for name, process in processes.items()}

    def refuses(self, party: str, *options: str) -> tuple[str, int]:
        """Error code and exit code of `tacit psi` with these options, run here in this process's folder."""
        ended = CliRunner().invoke(app, ["psi", "--me", party, "--config", "job.yaml", *options])
        assert isinstance(ended.exception, TacitError), ended.output
        return ended.exception.code, ended.exception.exit_code

    def files(self, name: str) -> list[Path]:
        return [path for path in self.home(name).rglob("*") if path.is_file()]

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def launch(
    *arguments: str, folder: Path, program: tuple[str, ...] = ("-m", "tacit.apps.cli")
) -> subprocess.Popen[str]:
    """`program`: what Python runs instead of the command line's own."""
    return subprocess.Popen(
        [sys.executable, *program, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={
            **os.environ,
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "200",
            "PYTHONPATH": str(SOURCE),
        },
    )


def end(process: subprocess.Popen[str], timeout_s: float = TIMEOUT_S) -> Ended:
    out, err = process.communicate(timeout=timeout_s)
    return Ended(process.returncode, out, err)


def cli(*arguments: str, folder: Path) -> Ended:
    return end(launch(*arguments, folder=folder))


def events(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """Progress events as they come."""
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def build(folder: Path, *, n: int = 400, common: int = 320, seed: int = 3) -> House:
    """Both parties with `n` rows each, `common` of them in both; the label follows two columns."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    people = 2 * n - common
    x = rng.normal(size=(people, 4))
    label = (x @ [1.2, -0.7, 1.5, 0.4] + rng.logistic(size=people) > 0).astype(int)
    ids = np.char.mod("C%05d", rng.choice(90_000, people, replace=False))
    held = {"bank": rng.permutation(n), "partner": rng.permutation(np.arange(people - n, people))}
    columns = {"bank": {"x0": 0, "x1": 1}, "partner": {"x2": 2, "x3": 3}}
    job: dict[str, Any] = {"job": "test", "task": "credit", "parties": {}, "local": {}}
    house = House(folder, job)
    for name in PARTIES:
        identity.create(house.home(name), name)
        rows = held[name]
        data: dict[str, Any] = {"id": ids[rows]}
        data |= {column: np.round(x[rows, index], 4) for column, index in columns[name].items()}
        job["parties"][name] = {
            "address": f"127.0.0.1:{free_port()}",
            "certificate": f"{name}/{identity.CERTIFICATE_FILE}",
            "key": "id",
            "columns": list(columns[name]),
        }
        if name == "bank":
            data["y"] = label[rows]
            job["parties"][name]["label"] = "y"
        house.write_data(name, data)
        job["local"][name] = {"home": name, "data": f"{name}.csv"}
    job["train"] = {"epochs": 2, "batch_rows": 64}
    job["limits"] = {"timeout_s": 20, "connect_s": 20}
    house.write_job()
    return house


def read_csv(path: Path) -> dict[str, list[str]]:
    """Columns of a simple CSV, as text."""
    lines = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    return {name: [line[index] for line in lines[1:]] for index, name in enumerate(lines[0])}
