"""`tacit psi`: one party's whole private join, from its file to its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from tacit.apps.cli.events import Listener
from tacit.apps.cli.party import Seat, hold, run_to_end
from tacit.apps.cli.psi_lookup import USUAL_BUDGET, Shop, look_up, serve
from tacit.apps.cli.psi_stored import OnDisk
from tacit.apps.cli.psi_table import choice_of, read_table, require_writable
from tacit.apps.cli.psi_terms import Asked, key_columns, memory_of, psi_job
from tacit.apps.cli.result import psi_of, terms_of, traffic_of
from tacit.frame.joinkeys import JoinKeys, Preflight, join_keys
from tacit.frame.sink import output_format, write_table
from tacit.psi.price import UNBALANCED
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
    budget: int = USUAL_BUDGET

    @property
    def terms(self) -> Terms:
        return Terms.of(self.job)

    @property
    def found(self) -> Preflight | None:
        """What the rules made of the keys; None where the file has not been read yet."""
        return self.source.keys.found if isinstance(self.source, InMemory) else self.source.found

    def preflight(self) -> dict[str, Any]:
        """What would happen, for machines."""
        return {
            "job": self.job.id,
            "party": self.seat.terms.name,
            "key": list(self.key),
            "receivers": list(self.terms.receivers),
            "psi": self.job.psi,
            "security": self.job.security,
            **self.job.options,
            "preflight": None if self.found is None else self.found.to_json(),
        }

    def run(self, listener: Listener) -> dict[str, Any]:
        """Join with the peer and write what this party may have; the result."""
        seat, source, out = self.seat, self.source, self.out
        if isinstance(source, OnDisk):
            return source.run(self.job, seat, listener, out, partial(account, self))
        keys = source.keys
        if self.job.psi == UNBALANCED:
            return self._look_up(source, listener)

        async def whole(run: Run) -> tuple[Run, Joined]:
            return run, await join(run, keys, threads=seat.local.threads)

        with Workspace(seat.home) as workspace:
            (done, joined), transport = run_to_end(hold(seat, self.job, listener, whole))
            self._write(source, joined, workspace)
        return account(self, done, joined, keys.found, transport.wire_bytes_sent)

    def _look_up(self, source: InMemory, listener: Listener) -> dict[str, Any]:
        seat, job, keys = self.seat, self.job, source.keys
        with Workspace(seat.home) as workspace:
            if seat.terms.name in self.terms.receivers:
                run, found, sent = look_up(seat, job, keys, listener)
                self._write(source, found.joined, workspace)
            else:
                shop = Shop.of(seat, source.name, self.key, self.terms.rules)
                run, found, sent = serve(seat, job, shop, keys, self.budget, listener)
        return account(self, run, found.joined, keys.found, sent) | {"table": found.version}

    def _write(self, source: InMemory, joined: Joined, workspace: Path) -> None:
        if self.out is not None:
            draft = workspace / "result"
            write_table(lines_of(source.table, self.terms, joined), draft, output_format(self.out))
            copy_private(draft, self.out)


@dataclass(frozen=True, eq=False)
class InMemory:
    """The whole table, or its key columns if nothing is to be written, its keys, and what it is read from."""

    table: pa.Table
    keys: JoinKeys
    name: str


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
    budget: int = USUAL_BUDGET,
) -> Prepared:
    """Read the table, make its keys, refuse what cannot end well. A table that goes through the disk is read
    for a `dry_run` only, or where repeated keys are refused.

    Raises: UsageError CLI-0003, CLI-0008, CLI-0011, JOIN-0001; PolicyError POLICY-0007 to POLICY-0009;
    UnsupportedError JOB-0005, PSI-0021; as `open_table`, `open_query` and `join_keys`.
    """
    columns = key_columns(seat.file, seat.terms.name, key)
    job = psi_job(seat.file, asked, columns, duplicates)
    require_protocol(job)
    require_entitled(Terms.of(job), seat.terms.name, out is not None)
    require_writable(out, report, duplicates)
    memory = memory_of(seat.file, asked)
    terms = Terms.of(job)
    if memory is not None:
        stored = OnDisk.of(seat, job.id, columns, terms, memory, query, whole=out is not None)
        if dry_run or duplicates == "refuse":
            stored = stored.looked_ahead(seat.home, duplicates)
        return Prepared(seat, job, columns, stored, out, report)
    table, null_texts = read_table(seat, columns, query, whole=out is not None)
    keys = join_keys(table, columns, terms.rules, duplicates=duplicates, null_texts=null_texts)
    if out is not None:
        require_no_flag(table.column_names, terms)
    name = f"{seat.local.data and seat.local.data.resolve()} {query or ''}"
    return Prepared(seat, job, columns, InMemory(table, keys, name), out, report, budget)


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
