"""`python -m bench kernel`: what a core does of every primitive of the kernel, beside the floor of the note.

A figure is the median of at least five runs of at least 50 ms each, in CPU seconds of the one thread that
calls the kernel, so that other work on the machine disturbs it less. The ratio is that figure by the floor:
1 and above reaches it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.measurement import machine
from bench.primitives import REGISTRY, Primitive, Work
from tacit.base.errors import UsageError

SUMMARY = "throughput of every primitive of the kernel on one thread, beside its floor"
_COLUMNS = ("primitive", "unit", "size", "million/s", "min-max", "floor", "ratio", "source of the floor")


@dataclass(frozen=True)
class Throughput:
    """Units per second: the median of the runs, the slowest and the fastest."""

    primitive: Primitive
    median: float
    spread: tuple[float, float]

    @property
    def ratio(self) -> float | None:
        """Of the floor; None if the note has none."""
        return None if self.primitive.floor is None else self.median / self.primitive.floor

    def to_json(self, place: dict[str, str | int | float]) -> str:
        """One line, without line end."""
        one = self.primitive
        fields = {"primitive": one.name, "unit": one.unit, "size": one.size, "per_second": round(self.median)}
        rest = {"floor": one.floor, "source": one.source, "ratio": self.ratio and round(self.ratio, 3)}
        return json.dumps(fields | rest | {"machine": place})


def add_options(parser: argparse.ArgumentParser) -> None:
    """Those of `kernel`."""
    parser.add_argument("--json", action="store_true", help="one JSON line per primitive")
    parser.add_argument("--only", metavar="NAME", help="primitives whose name starts with this")
    parser.add_argument("--runs", type=int, default=5, help="of which the median is taken")
    parser.add_argument("--milliseconds", type=int, default=50, help="least time of a run")


def run(options: argparse.Namespace) -> None:
    """Measures and prints. Raises UsageError BENCH-0001."""
    chosen = [one for one in REGISTRY if one.name.startswith(options.only or "")]
    if not chosen or min(options.runs, options.milliseconds) < 1:
        names = ", ".join(one.name for one in REGISTRY)
        raise UsageError("BENCH-0001", "no such primitive, or no runs", hint=f"one of: {names}")
    place, done = machine(), []
    for one in chosen:
        done.append(throughput(one, options.runs, options.milliseconds / 1e3))
        if options.json:
            print(done[-1].to_json(place), flush=True)
    if not options.json:
        print(table(done, place))


def throughput(primitive: Primitive, runs: int, seconds: float) -> Throughput:
    """The work is repeated until a run takes long enough; that run is not counted."""
    work, repeats = primitive.make(primitive.size), 1
    while (taken := _timed(work, repeats)) < seconds:
        repeats = max(repeats + 1, min(10 * repeats, int(1.2 * repeats * seconds / max(taken, 1e-9))))
    units = repeats * primitive.count(primitive.size)
    rates = [units / _timed(work, repeats) for _ in range(runs)]
    return Throughput(primitive, statistics.median(rates), (min(rates), max(rates)))


def _timed(work: Work, repeats: int) -> float:
    start = time.thread_time()
    for _ in range(repeats):
        work()
    return time.thread_time() - start


def table(done: Sequence[Throughput], place: dict[str, str | int | float]) -> str:
    """Rows under a heading that names machine and date."""
    rows = [_COLUMNS, *(_row(each) for each in done)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    title = f"{place['cpu']}, one thread, {place['date']}"
    return "\n".join([title, "", *(line.rstrip() for line in lines)])


def _row(each: Throughput) -> tuple[str, ...]:
    one, ratio = each.primitive, each.ratio
    return (
        one.name,
        one.unit,
        str(one.size),
        f"{each.median / 1e6:.4g}",
        f"{each.spread[0] / 1e6:.4g}-{each.spread[1] / 1e6:.4g}",
        "-" if one.floor is None else f"{one.floor / 1e6:.4g}",
        "-" if ratio is None else f"{ratio:.2f}",
        one.source,
    )
