"""`tacit psi --memory`: a join whose table goes by in batches, and whose progress outlives the process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tacit.apps.cli.events import Listener
from tacit.apps.cli.party import Seat, Stopped, hold, run_to_end
from tacit.base.errors import TacitError, TransportError, UnsupportedError
from tacit.frame.columns import require_columns
from tacit.frame.joinkeys import Preflight, join_keys, repeated_keys
from tacit.frame.lines import ordered
from tacit.frame.sink import output_format, write_table
from tacit.frame.source import CSV_ENDINGS, MISSING_TEXTS, stream_table
from tacit.net.tls import TlsTransport
from tacit.psi.buckets import other_run
from tacit.run.job import Job, Run
from tacit.tasks.join import FLAG, Joined, Terms, require_no_flag
from tacit.tasks.join_stored import (
    Complete,
    Rows,
    StoredJoin,
    complete,
    join_stored,
    look_ahead,
    memory_for_groups,
)
from tacit.trust.shelf import Shelf
from tacit.trust.vault import Workspace, copy_private

Account = Callable[[Run, Joined, Preflight, int], dict[str, Any]]
_GONE = frozenset(("NET-0001", "PSI-0055"))
"""How a peer that has finished is met: not at all, or with another run."""


_PEER_GAVE_UP = "PEER-0002"
_KEPT = "what both sides have done is kept: start the same command again on both"


def _say_what_is_kept(error: TacitError) -> None:
    """In the hint of an error that came from outside."""
    if isinstance(error, Stopped):
        error.hint = _KEPT
    elif isinstance(error, TransportError) or error.code == _PEER_GAVE_UP:
        error.hint += f"; {_KEPT}"


@dataclass(frozen=True, eq=False)
class OnDisk:
    """My table as a file, what this side allows of memory, and the folder where progress is kept."""

    file: Path
    columns: tuple[str, ...] | None
    rows: Rows
    memory: int
    folder: Path
    terms: Terms
    found: Preflight | None = None

    @staticmethod
    def of(
        seat: Seat,
        job: str,
        key: tuple[str, ...],
        terms: Terms,
        memory: int,
        query: str | None,
        *,
        whole: bool,
    ) -> OnDisk:
        """Raises UnsupportedError JOIN-0004; UsageError JOIN-0001, DATA-0005; LimitError PSI-0052; and as
        `stream_table`."""
        memory_for_groups(memory)
        if query is not None:
            raise UnsupportedError(
                "JOIN-0004",
                "the result of a query is not read in parts",
                hint="write it to a .parquet file first, and name that with --data; or leave out --memory",
            )
        file = seat.data
        nulls = MISSING_TEXTS if file.name.lower().endswith(CSV_ENDINGS) else ()
        head = next(stream_table(file, None if whole else key, verbatim=True, batch_rows=2048))
        require_columns(head.column_names, key, f"data file {file.name!r}")
        if whole:
            require_no_flag(head.column_names, terms)
        seen = file.stat()
        mark = json.dumps([str(file.resolve()), seen.st_size, seen.st_mtime_ns, *key])
        keys = partial(join_keys, names=key, rules=terms.rules, null_texts=nulls)
        rows = Rows(lambda: stream_table(file, key, verbatim=True), keys, mark)
        return OnDisk(file, None if whole else key, rows, memory, seat.home / f"join-{job}", terms)

    def looked_ahead(self, home: Path, duplicates: str) -> OnDisk:
        """With what the rules make of the keys: reads the whole file. Raises UsageError DATA-0008."""
        with Workspace(home) as workspace:
            found = look_ahead(self.rows, Shelf(workspace / "keys"))
        if duplicates == "refuse" and found.repeated:
            raise repeated_keys(found.repeated, found.rows)
        return replace(self, found=found)

    def run(
        self, job: Job, seat: Seat, listener: Listener, out: Path | None, account: Account
    ) -> dict[str, Any]:
        """Join with the peer, or go on with the run that was cut, and write my part of the result."""
        shelf = Shelf(self.folder)
        origin = job.origin(self.rows.mark)
        with shelf.held(), Workspace(seat.home) as workspace:
            done = complete(shelf)
            if done is not None and done.account["origin"] != origin:
                raise other_run()
            if done is None or not done.parted:
                done = self._meet(job, seat, listener, shelf, account, done)
            told = {name: value for name, value in done.account.items() if name != "origin"}
            if out is not None:
                self._write(done.rows, done.common, told["preflight"]["rows"], out, workspace)
            shelf.remove()
        return {**told, "out": None if out is None else str(out.absolute())}

    def _meet(
        self,
        job: Job,
        seat: Seat,
        listener: Listener,
        shelf: Shelf,
        account: Account,
        mine: Complete | None,
    ) -> Complete:
        """`mine`: what this side has already; the other one is met for its sake, and need not come."""

        def kept(run: Run, found: StoredJoin) -> dict[str, Any]:
            transport = run.ctx.session.transport
            assert isinstance(transport, TlsTransport)
            told = account(run, found.joined, found.found, transport.wire_bytes_sent)
            origin = job.origin(self.rows.mark)
            return told | {"groups": found.groups, "attempts": found.attempts, "origin": origin}

        async def whole(run: Run) -> None:
            await join_stored(
                run,
                self.rows,
                shelf,
                memory_bytes=self.memory,
                threads=seat.local.threads,
                account=partial(kept, run),
            )

        try:
            run_to_end(hold(seat, job, listener, whole))
        except TacitError as error:
            if mine is None or error.code not in _GONE:
                _say_what_is_kept(error)
                raise
            listener({"event": "alone", "path": ""})
            return mine
        done = complete(shelf)
        assert done is not None
        return done

    def _write(self, rows: np.ndarray, common: np.ndarray, n_rows: int, out: Path, workspace: Path) -> None:
        def flagged(part: pa.Table, lines: slice) -> pa.Table:
            return part.append_column(FLAG, pa.array(common[lines])) if self.terms.flagged else part

        batches: Iterator[pa.Table] = stream_table(self.file, self.columns, verbatim=True)
        draft = workspace / "result"
        write_table(ordered(batches, rows, n_rows, workspace, flagged), draft, output_format(out))
        copy_private(draft, out)
