"""The command line: `python -m bench TASK [options] [--json]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import compile, explain, kernel, network
from bench.driver import measure
from bench.measurement import Measurement, table
from bench.task import Task, registry
from tacit.base.errors import TacitError, UsageError


def build_parser(tasks: dict[str, Task]) -> argparse.ArgumentParser:
    """One subcommand per task, and `all`."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Times Tacit; see DESIGN, section 7."
    )
    commands = parser.add_subparsers(dest="task", required=True, metavar="TASK")
    for task in tasks.values():
        command = commands.add_parser(task.name, help=task.summary, description=task.summary)
        task.add_options(command)
        _add_common(command)
    kernel.add_options(commands.add_parser("kernel", help=kernel.SUMMARY, description=kernel.SUMMARY))
    compile.add_options(commands.add_parser("compile", help=compile.SUMMARY, description=compile.SUMMARY))
    explain.add_options(commands.add_parser("explain", help=explain.SUMMARY, description=explain.SUMMARY))
    _add_common(commands.add_parser("all", help="every task at its standard sizes"))
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON line per measurement")
    parser.add_argument("--out", type=Path, help="also append the JSON lines to this file")
    parser.add_argument("--net", choices=network.NETS, default="loopback", help="the network between parties")
    parser.add_argument("--seed", type=int, default=0, help="of the synthetic inputs")
    parser.add_argument(
        "--runs", type=int, default=0, help="instead of the median of three (for a quick look)"
    )
    parser.add_argument(
        "--profile", metavar="FOLDER", help="write each process's profile (cProfile) there; slower"
    )


def main(arguments: Sequence[str]) -> None:
    """Raises UsageError BENCH-0001, UnsupportedError BENCH-0002, InternalError BENCH-0003, BENCH-0004."""
    tasks = registry()
    parser = build_parser(tasks)
    options = parser.parse_args(arguments)
    if options.task in ("kernel", "compile"):
        (kernel if options.task == "kernel" else compile).run(options)
        return
    if options.task == "explain":
        explain.run(options, parser)
        return
    _check(options)
    network.isolate(options.net)
    plans = [options]
    if options.task == "all":
        common = vars(options)
        plans = [
            argparse.Namespace(**(vars(parser.parse_args([name, *line])) | common | {"task": name}))
            for name, task in tasks.items()
            for line in task.standard
        ]
    done: list[Measurement] = []
    for plan in plans:
        done.append(measure(tasks[plan.task], plan))
        if options.out:
            with options.out.open("a", encoding="utf-8") as file:
                file.write(done[-1].to_json() + "\n")
        if options.json:
            print(done[-1].to_json(), flush=True)
    if not options.json:
        print(table(done))


def _check(options: argparse.Namespace) -> None:
    for name, value in vars(options).items():
        least = 0 if name in ("seed", "runs") else 1
        if isinstance(value, int) and not isinstance(value, bool) and value < least:
            raise UsageError("BENCH-0001", f"--{name} must be at least {least}", hint="give a larger number")
    for folder in (options.profile, options.out.parent if options.out else None):
        if folder is not None and not Path(folder).is_dir():
            raise UsageError("BENCH-0001", f"there is no folder {str(folder)!r}", hint="make it first")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except TacitError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
