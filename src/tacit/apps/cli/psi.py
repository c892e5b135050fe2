"""`tacit psi`: one party's whole private join, from its file to its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from tacit.apps.cli.entries import senseless
from tacit.apps.cli.events import Listener
from tacit.apps.cli.party import Seat, hold, run_to_end
from tacit.apps.cli.psi_stored import OnDisk
from tacit.apps.cli.psi_terms import Asked, key_columns, memory_of, psi_job
from tacit.apps.cli.result import psi_of, terms_of, traffic_of
from tacit.base.errors import UsageError
from tacit.frame.columns import require_columns
from tacit.frame.joinkeys import DUPLICATES, JoinKeys, Preflight, join_keys
from tacit.frame.sink import output_format, write_table
from tacit.frame.source import CSV_ENDINGS, DATABASE_ENDINGS, MISSING_TEXTS, open_query, open_table
from tacit.run.job import Job, Run
from tacit.tasks.join import (
    Joined,
    Terms,
    join,
    lines_of,
    require_entitled,
    require_no_flag,
    require_protocol,
)
from tacit.trust.vault import Workspace, copy_private


@dataclass(frozen=True, eq=False)
class Prepared:
    """A join that may start: nothing has been sent yet."""

    seat: Seat
    job: Job
    key: tuple[str, ...]
    source: InMemory | OnDisk
    out: Path | None
    report: Path | None

    @property
    def terms(self) -> Terms:
        return Terms.of(self.job)

    @property
    def found(self) -> Preflight | None:
        """What the rules made of the keys; None where the file has not been read yet."""
        return self.source.keys.found if isinstance(self.source, InMemory) else self.source.found


@dataclass(frozen=True, eq=False)
class InMemory:
    """The whole table, or its key columns if nothing is to be written, and its keys."""

    table: pa.Table
    keys: JoinKeys


def prepare(
    seat: Seat,
    asked: Asked,
    key: Sequence[str],
    duplicates: str,
    *,
    query: str | None = None,
    out: Path | None = None,
    report: Path | None = None,
    dry_run: bool = False,
) -> Prepared:
    """Read the table, make its keys, refuse what cannot end well. A table that goes through the disk is read
    for a `dry_run` only, or where repeated keys are refused.

    Raises: UsageError CLI-0003, CLI-0008, CLI-0011, JOIN-0001; PolicyError POLICY-0007 to POLICY-0009;
    UnsupportedError JOB-0005, PSI-0021; as `open_table`, `open_query` and `join_keys`.
    """
    columns = key_columns(seat.file, seat.terms.name, key)
    job = psi_job(seat.file, asked, columns)
    require_protocol(job)
    require_entitled(Terms.of(job), seat.terms.name, out is not None)
    if duplicates not in DUPLICATES:
        raise senseless("duplicates", " or ".join(DUPLICATES))
    memory = memory_of(seat.file, asked)
    for file in (out, report):
        if file is not None:
            require_new(file)
    if out is not None:
        output_format(out)
    terms = Terms.of(job)
    if memory is not None:
        stored = OnDisk.of(seat, job.id, columns, terms, memory, query, whole=out is not None)
        if dry_run or duplicates == "refuse":
            stored = stored.looked_ahead(seat.home, duplicates)
        return Prepared(seat, job, columns, stored, out, report)
    table, null_texts = _read(seat, columns, query, whole=out is not None)
    keys = join_keys(table, columns, terms.rules, duplicates=duplicates, null_texts=null_texts)
    if out is not None:
        require_no_flag(table.column_names, terms)
    return Prepared(seat, job, columns, InMemory(table, keys), out, report)


def require_new(out: Path) -> None:
    """Raises UsageError CLI-0008."""
    if out.exists():
        raise UsageError(
            "CLI-0008", f"{str(out)!r} exists and is not overwritten", hint="give another --out, or move it"
        )
    if not out.absolute().parent.is_dir():
        raise UsageError(
            "CLI-0008",
            f"there is no folder {str(out.absolute().parent)!r}",
            hint="make it, or give another --out",
        )


def _read(
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


def preflight(prepared: Prepared) -> dict[str, Any]:
    """What would happen, for machines."""
    return {
        "job": prepared.job.id,
        "party": prepared.seat.terms.name,
        "key": list(prepared.key),
        "receivers": list(prepared.terms.receivers),
        "psi": prepared.job.psi,
        "security": prepared.job.security,
        **prepared.job.options,
        "preflight": None if prepared.found is None else prepared.found.to_json(),
    }


def run(prepared: Prepared, listener: Listener) -> dict[str, Any]:
    """Join with the peer and write what this party may have; the result."""
    seat, source = prepared.seat, prepared.source
    if isinstance(source, OnDisk):
        return source.run(prepared.job, seat, listener, prepared.out, partial(account, prepared))
    keys = source.keys

    async def whole(run: Run) -> tuple[Run, Joined]:
        return run, await join(run, keys, threads=seat.local.threads)

    with Workspace(seat.home) as workspace:
        (done, joined), transport = run_to_end(hold(seat, prepared.job, listener, whole))
        if prepared.out is not None:
            draft = workspace / "result"
            write_table(lines_of(source.table, prepared.terms, joined), draft, output_format(prepared.out))
            copy_private(draft, prepared.out)
    return account(prepared, done, joined, keys.found, transport.wire_bytes_sent)


def account(
    prepared: Prepared, run: Run, joined: Joined, found: Preflight, wire_bytes_sent: int
) -> dict[str, Any]:
    """All that this party learned, and what it cost."""
    return {
        **terms_of(prepared.job, psi_of(run)),
        **prepared.job.options,
        "party": prepared.seat.terms.name,
        "key": list(prepared.key),
        "receivers": list(prepared.terms.receivers),
        "preflight": found.to_json(),
        "n_mine": joined.n_mine,
        "n_theirs": joined.n_theirs,
        "n_common": joined.n_common if joined.rows is not None else None,
        "n_lines": None if joined.rows is None else len(joined.rows),
        "out": None if prepared.out is None else str(prepared.out.absolute()),
        **choice_of(run),
        **traffic_of(run, wire_bytes_sent),
    }


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
