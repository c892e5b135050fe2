"""`python -m bench explain`: what `explain` predicts beside what is then measured, program by program."""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import network
from bench.calibration import WorkClock
from bench.driver import measure
from bench.measurement import machine
from bench.task import registry
from tacit.base.types import FIXED, SECRET, Private, Type
from tacit.compile import array as xp
from tacit.ir.program import Program
from tacit.mpc.scheme import load
from tacit.run.compiled import compiled
from tacit.run.explain import measured
from tacit.run.explain.calibrate import calibrate
from tacit.run.explain.rates import Rates
from tacit.run.explain.rehearse import stage

SUMMARY = "predicted against measured seconds, bytes and rounds of the bench programs"
CASES = (
    ("mul", ("--n", "100000")),
    ("less", ("--n", "100000")),
    ("sigmoid", ("--n", "100000")),
    ("logreg", ("--rows", "2000", "--cols", "30", "--epochs", "1", "--batch", "256")),
    ("matmul", ("--n", "300")),
    ("encoder", ("--hidden", "64", "--sequence", "16")),
)
SCHEMES = ("semi2k", "rep3")
SHIPPED = (*SCHEMES, "rep3_malicious")
MEASURED = Path(measured.__file__)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON line per program and scheme")
    parser.add_argument("--net", choices=network.NETS[:-1], default="loopback")
    parser.add_argument("--scheme", choices=SCHEMES, action="append", help="one only; may be repeated")
    parser.add_argument("--task", choices=[name for name, _ in CASES], action="append", dest="tasks")
    parser.add_argument("--rates", action="store_true", help="measure the rates that ship, write them, stop")
    parser.add_argument("--runs", type=int, default=3, help="of each program, a calibration before each")


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Print a line for each program and scheme. Raises as the bench's other commands do."""
    if options.rates:
        ship()
        return
    network.isolate(options.net)
    tasks = registry()
    if not options.json:
        print("program   scheme  net       predicted  measured   ratio  by shipped rates  bytes   rounds")
    for name, line in CASES:
        for scheme in SCHEMES:
            if name in (options.tasks or [name]) and scheme in (options.scheme or [scheme]):
                arguments = [
                    name,
                    *line,
                    "--scheme",
                    scheme,
                    "--net",
                    options.net,
                    "--runs",
                    str(options.runs),
                ]
                _print(compare(tasks, parser.parse_args(arguments)), options.json)


def ship() -> None:
    """Measure a ladder of every operator under each scheme; replaces `run/explain/measured.py`."""
    found: list[Rates] = []
    about = machine()
    place = f"{about['cpu']}, {about['cores']} cores"
    for scheme in SHIPPED:
        kind = load(scheme)
        on = stage(kind, kind.setting.parties)
        lines = [line for program in ladder(scheme) for line in on.rehearse(program)]
        found.append(
            calibrate(kind, on.n_parties, lines, WorkClock(), date=str(about["date"]), machine=place)
        )
    rates = found[0].joined(found[1:])
    head = MEASURED.read_text(encoding="utf-8").split("MEASURED =")[0]
    MEASURED.write_text(f'{head}MEASURED = """\\\n{rates.written()}"""\n', encoding="utf-8")


def ladder(scheme: str) -> list[Program]:
    """Each operator at a few sizes, on secrets and on a private value and a secret."""
    made = []
    for n in (64, 4096, 65536):
        for name, function in OPERATIONS.items():
            for left in (SECRET, Private(0)):
                inputs = [("x", Type(left, FIXED, (n,))), ("y", Type(SECRET, FIXED, (n,)))]
                ranges = {"x": (-8.0, 8.0), "y": (-8.0, 8.0)}
                made.append(compiled(function, inputs, name, scheme, ranges))
    for m, k, n in ((64, 16, 1), (256, 64, 1), (256, 64, 16), (64, 128, 64), (128, 128, 128)):
        for left in (SECRET, Private(0)):
            inputs = [("x", Type(left, FIXED, (m, k))), ("y", Type(SECRET, FIXED, (k, n)))]
            made.append(compiled(lambda x, y: x @ y, inputs, "matmul", scheme, {"x": (-8.0, 8.0)}))
    return made


OPERATIONS: dict[str, Callable[..., Any]] = {
    "mul": lambda x, y: x * y,
    "sigmoid": lambda x, y: xp.sigmoid(x + y),
    "exp": lambda x, y: xp.exp(x - y - 16.0),
    "divide": lambda x, y: x / (y + 9.0),
    "count": lambda x, y: xp.reveal(xp.astype(x < y, xp.int64), name="counts"),
    "share": lambda x, y: xp.to_secret(x) + 0.25 * y,
}


def compare(tasks: dict[str, Any], plan: argparse.Namespace) -> dict[str, Any]:
    """One program: the medians of several predictions and of as many runs, taken in turn."""
    expected: list[dict[str, Any]] = []

    done = measure(tasks[plan.task], plan, lambda answers: expected.append(answers[0]))
    predicted, shipped = (
        statistics.median(each[name] for each in expected) for name in ("seconds", "shipped_s")
    )
    return {
        "task": "explain",
        "program": plan.task,
        "shape": done.shape,
        "scheme": plan.scheme,
        "net": plan.net,
        "transport": done.transport,
        "predicted_s": round(predicted, 6),
        "measured_s": round(done.compute_s, 6),
        "ratio": round(predicted / done.compute_s, 3),
        "shipped_s": round(shipped, 6),
        "shipped_ratio": round(shipped / done.compute_s, 3),
        "predicted_work_s": round(statistics.median(each["work_s"] for each in expected), 6),
        "predicted_bytes": expected[-1]["sent"],
        "sent_with_headers_and_setup": done.bytes_sent,
        "predicted_rounds": expected[-1]["rounds"],
        "measured_rounds": done.rounds,
        "link": expected[-1]["link"],
        "machine": machine(),
    }


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(found), flush=True)
        return
    print(
        f"{found['program']:9} {found['scheme']:7} {found['net']:9} {found['predicted_s']:8.3f} s "
        f"{found['measured_s']:8.3f} s {found['ratio']:6.2f} {found['shipped_ratio']:6.2f}  "
        f"{sum(found['predicted_bytes']) / 1e6:.2f} MB  "
        f"{found['predicted_rounds']} ({found['measured_rounds']})",
        flush=True,
    )
