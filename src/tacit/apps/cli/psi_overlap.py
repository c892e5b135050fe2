"""`tacit psi --tell count|sum|enough|rows-if-enough`: what both tables have in common, without its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from tacit.apps.cli.entries import senseless
from tacit.apps.cli.events import Listener
from tacit.apps.cli.party import Seat, hold, run_to_end
from tacit.apps.cli.psi_table import choice_of, read_table, require_writable
from tacit.apps.cli.psi_terms import Asked, key_columns, overlap_job
from tacit.apps.cli.result import psi_of, terms_of, traffic_of
from tacit.frame.joinkeys import JoinKeys, Preflight, join_keys
from tacit.frame.sink import output_format, write_table
from tacit.frame.source import open_table
from tacit.psi.circuit_psty19 import require_size
from tacit.run.job import Job, Run
from tacit.tasks.overlap import RIGHT, Answer, Question, ask, numbers, require_entitled
from tacit.trust.vault import Workspace, copy_private


@dataclass(frozen=True, eq=False)
class Prepared:
    """A question that may be asked: nothing has been sent yet. `amounts`: the columns to sum, as numbers."""

    seat: Seat
    job: Job
    key: tuple[str, ...]
    table: pa.Table
    amounts: pa.Table
    keys: JoinKeys
    out: Path | None

    @property
    def question(self) -> Question:
        return Question.of(self.job)

    @property
    def found(self) -> Preflight:
        return self.keys.found

    def preflight(self) -> dict[str, Any]:
        """What would happen, for machines."""
        return {
            "job": self.job.id,
            "party": self.seat.terms.name,
            "key": list(self.key),
            "security": self.job.security,
            **self.job.options,
            "preflight": self.found.to_json(),
        }

    def run(self, listener: Listener) -> dict[str, Any]:
        """Ask with the peer; write the rows, if they are told to this party."""
        seat, out = self.seat, self.out

        async def whole(run: Run) -> tuple[Run, Answer]:
            return run, await ask(run, self.keys, self.amounts, threads=seat.local.threads)

        with Workspace(seat.home) as workspace:
            (done, answer), transport = run_to_end(hold(seat, self.job, listener, whole))
            rows = answer.rows
            if out is not None and rows is not None:
                draft = workspace / "result"
                write_table(self.table.take(pa.array(rows)), draft, output_format(out))
                copy_private(draft, out)
        return {
            **terms_of(self.job, psi_of(done)),
            **self.job.options,
            "party": seat.terms.name,
            "key": list(self.key),
            "preflight": self.found.to_json(),
            "n_mine": answer.n_mine,
            "n_theirs": answer.n_theirs,
            "told": answer.told,
            "n_lines": None if rows is None else len(rows),
            "out": None if out is None or rows is None else str(out.absolute()),
            **choice_of(done),
            **traffic_of(done, transport.wire_bytes_sent),
        }


def prepare(
    seat: Seat,
    asked: Asked,
    key: Sequence[str],
    duplicates: str,
    *,
    query: str | None = None,
    out: Path | None = None,
    report: Path | None = None,
) -> Prepared:
    """Read the table, make its keys, refuse what cannot end well.

    Raises: UsageError CLI-0003, CLI-0008, CLI-0011, JOIN-0002, JOIN-0005; PolicyError POLICY-0007;
    UnsupportedError SCHEME-0002; LimitError PSI-0003; as `open_table`, `open_query` and `join_keys`.
    """
    columns = key_columns(seat.file, seat.terms.name, key)
    job = overlap_job(seat.file, asked, columns)
    question = Question.of(job)
    require_entitled(question, job, seat.terms.name, out is not None)
    require_writable(out, report, duplicates)
    if duplicates == "all":
        raise senseless("duplicates", "first or refuse, where no rows are told")
    table, null_texts = read_table(seat, columns, query, whole=out is not None)
    keys = join_keys(table, columns, question.rules, duplicates=duplicates, null_texts=null_texts)
    require_size(len(keys))
    amounts = table.select([])
    if seat.me == RIGHT and question.columns:
        # As numbers: keys are read as they are written, amounts are not.
        amounts = table if query is not None else open_table(seat.data, list(question.columns))
        for name in question.columns:
            numbers(amounts, name)
    return Prepared(seat, job, columns, table, amounts, keys, out)
