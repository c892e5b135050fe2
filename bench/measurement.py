"""What one measurement says, as a JSON line or a row of a table; and the machine it was made on."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_HIDDEN = ("figures", "spread")


@dataclass
class Measurement:
    """DESIGN §7. Seconds by wall clock; bytes_sent by party; peak_rss_mb in 10^6 bytes; figures: accuracy."""

    task: str
    shape: dict[str, int | str]
    parties: int
    scheme: str
    security: str
    transport: str
    seconds: float
    total_s: float
    compute_s: float
    setup_s: float
    io_s: float
    cpu_seconds: float
    bytes_sent: list[int]
    rounds: int
    peak_rss_mb: float
    figures: dict[str, float]
    machine: dict[str, str | int | float]
    spread: tuple[float, float] | None = None
    """Fastest and slowest of the runs, or None if there was one."""

    def to_json(self) -> str:
        """One line, without line end; floats to the microsecond."""
        fields = {name: value for name, value in asdict(self).items() if name not in _HIDDEN}
        place = fields.pop("machine")
        rounded = {
            name: round(value, 6) if isinstance(value, float) else value for name, value in fields.items()
        }
        return json.dumps(rounded | self.figures | {"machine": place})


def machine() -> dict[str, str | int | float]:
    """Processor, cores that may be used, memory, system, Python, and today's date."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0
    return {
        "cpu": _processor(),
        "cores": cores,
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


_COLUMNS = (
    "task", "shape", "scheme", "seconds", "min-max", "total", "compute", "set-up", "files", "cpu",
    "MB sent", "rounds", "MB peak", "accuracy",
)  # fmt: skip


def table(measurements: Sequence[Measurement]) -> str:
    """Rows under a heading that names machine, date and network."""
    first = measurements[0].machine
    title = ", ".join(
        (
            f"{first['cpu']}",
            f"{first['cores']} cores",
            f"{first['memory_gib']} GiB",
            f"{first['system']}",
            f"Python {first['python']}",
            f"{first['date']}",
        )
    )
    rows = [_COLUMNS, *(_row(each) for each in measurements)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    networks = ", ".join(sorted({each.transport for each in measurements}))
    return "\n".join([f"{title}; {networks}", "", *(line.rstrip() for line in lines)])


def _row(each: Measurement) -> tuple[str, ...]:
    return (
        each.task,
        " ".join(f"{name}={size}" for name, size in each.shape.items()),
        f"{each.scheme}/{each.parties} {each.security}",
        f"{each.seconds:.3f}",
        "one run" if each.spread is None else f"{each.spread[0]:.3f}-{each.spread[1]:.3f}",
        *(f"{s:.3f}" for s in (each.total_s, each.compute_s, each.setup_s, each.io_s, each.cpu_seconds)),
        "+".join(f"{n_bytes / 1e6:.2f}" for n_bytes in each.bytes_sent),
        str(each.rounds),
        f"{each.peak_rss_mb:.0f}",
        " ".join(f"{name}={value:.6g}" for name, value in each.figures.items()),
    )
