"""A side's table as `tacit psi` takes it, and what its commands need before and after a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from tacit.apps.cli.entries import require_new, senseless
from tacit.apps.cli.party import Seat
from tacit.frame.columns import require_columns
from tacit.frame.joinkeys import DUPLICATES
from tacit.frame.sink import output_format
from tacit.frame.source import CSV_ENDINGS, DATABASE_ENDINGS, MISSING_TEXTS, open_query, open_table
from tacit.run.job import Run


def require_writable(out: Path | None, report: Path | None, duplicates: str) -> None:
    """Raises UsageError CLI-0003, CLI-0008, DATA-0024."""
    if duplicates not in DUPLICATES:
        raise senseless("duplicates", " or ".join(DUPLICATES))
    for file in (out, report):
        if file is not None:
            require_new(file)
    if out is not None:
        output_format(out)


def read_table(
    seat: Seat, key: tuple[str, ...], query: str | None, *, whole: bool
) -> tuple[pa.Table, tuple[str, ...]]:
    """(the rows, with all columns or those of the key; texts that stand for NULL in keys)"""
    if query is not None:
        file = seat.local.data
        is_database = file is not None and file.name.lower().endswith(DATABASE_ENDINGS)
        table = open_query(query, file if is_database else None)
        require_columns(table.column_names, key, "what the query gives")
        return table, ()
    table = open_table(seat.data, None if whole else key, verbatim=True)
    require_columns(table.column_names, key, f"data file {seat.data.name!r}")
    return table, MISSING_TEXTS if seat.data.name.lower().endswith(CSV_ENDINGS) else ()


def choice_of(run: Run) -> dict[str, Any]:
    """The protocol, why, and what was predicted for it."""
    choice = run.report.psi
    if choice is None:
        return {}
    return {
        "because": choice.because,
        "reason": choice.reason,
        "predicted_seconds": round(choice.price.seconds, 4),
        "predicted_bytes": choice.price.n_bytes,
        "others": {name: round(price.seconds, 4) for name, price in choice.others.items()},
    }
