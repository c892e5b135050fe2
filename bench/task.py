"""What a bench task is, and the tasks there are: every `TASK` in a file of `bench/tasks`."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np

import bench.tasks
from bench.party import Party
from tacit.base.errors import InternalError
from tacit.blocks.ot.choose import LINKS
from tacit.ir.program import Program
from tacit.mpc.scheme import SCHEMES, find, load

Clock = Literal["operation", "files", "total"]
"""What `seconds` is: compute_s + setup_s; open file to closed file; input read to results in hand."""

T = TypeVar("T")
Outputs = list[dict[str, np.ndarray]]
"""For each party what it handed to `Party.give`."""


class Task(ABC):
    """One thing that is timed. The bench process prepares and checks; each party's process plays."""

    name: ClassVar[str]
    summary: ClassVar[str]
    clock: ClassVar[Clock]
    standard: ClassVar[tuple[tuple[str, ...], ...]]
    """Command lines, without the task's name, that `python -m bench all` runs."""

    @abstractmethod
    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """The task's own options, beside `--json`, `--net`, `--seed` and the like."""

    @abstractmethod
    def labels(self, options: argparse.Namespace) -> tuple[int, str, str]:
        """(number of parties, scheme or protocol, adversary), as printed."""

    @abstractmethod
    def shape(self, options: argparse.Namespace) -> dict[str, int | str]:
        """The sizes, as printed."""

    @abstractmethod
    def prepare(self, options: argparse.Namespace, folders: list[Path]) -> Any:
        """Write each party's input files into its folder; returns what `check` needs to know."""

    @abstractmethod
    async def play(self, party: Party) -> None:
        """One run as one party, from its input files to its results: what the clocks measure."""

    @abstractmethod
    def check(self, options: argparse.Namespace, expected: Any, folders: list[Path], out: Outputs) -> Figures:
        """Accuracy figures of one run. Raises InternalError BENCH-0003 (see `wrong`) if it is wrong."""

    def programs(self, options: argparse.Namespace) -> list[Program]:
        """What runs while the compute clock does, one after another, where a program says it all."""
        return []


Figures = dict[str, float]


class SchemeTask(Task):
    """A task that runs on shares."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        offered = [name for name in SCHEMES if name != "plain" and not load(name).linear_only]
        parser.add_argument("--scheme", default="semi2k", choices=offered)
        parser.add_argument("--ot", default="", help=f"source of OTs: {', '.join(LINKS)}")
        parser.add_argument("--security", default="semi-honest", help="adversary: semi-honest or malicious")

    def labels(self, options: argparse.Namespace) -> tuple[int, str, str]:
        scheme = find(options.scheme, options.security, options.ot)
        named = f"{options.scheme}+{options.ot}" if options.ot else options.scheme
        return scheme.setting.parties, named, scheme.setting.adversary


def learners(scheme: str, by_party: Sequence[T]) -> list[T]:
    """Of a list by party, what belongs to those that own data and learn results: all but a dealer."""
    return [each for number, each in enumerate(by_party) if number not in load(scheme).outsiders]


def wrong(task: str, what: str) -> InternalError:
    """The error for a run whose result is not right: no time is printed for it."""
    return InternalError("BENCH-0003", f"the result of {task!r} is wrong: {what}", hint="please report it")


def registry() -> dict[str, Task]:
    """All tasks by name, in the order in which `all` runs them."""
    names = sorted(module.name for module in pkgutil.iter_modules(bench.tasks.__path__))
    tasks = [importlib.import_module(f"bench.tasks.{name}").TASK for name in names]
    return {task.name: task for task in tasks}
