"""What the safety gate says of a job before it runs: a verdict on every column that something is revealed of.

Sizes are assumed: few rows, for the verdict on a program does not depend on how many there are once they are
enough. The run itself judges the sizes that there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tacit.apps.cli.forecast import widths_of
from tacit.apps.cli.ledgerfile import read_ledger
from tacit.apps.cli.party import Seat, read_table
from tacit.apps.cli.psi_terms import Asked, as_written, tells_rows
from tacit.base.errors import UsageError
from tacit.base.wire import canonical_json
from tacit.frame.profile import profile
from tacit.psi.price import UNBALANCED
from tacit.run.gate.judge import Verdict
from tacit.run.gate.ledger import Approved, Ledger
from tacit.run.gate.sets import IDS, Query
from tacit.run.project import approvable
from tacit.tasks.credit import Step, scoring_step, steps
from tacit.tasks.join import receivers_of
from tacit.tasks.overlap import Question

ROWS = 100
"""Assumed common rows, half of them for testing."""


@dataclass(frozen=True)
class Judged:
    """A verdict in words. `owner`, `to`: names; `because`: English and Chinese; `example`: how it follows."""

    program: str
    column: str
    owner: str
    to: tuple[str, ...]
    kind: str
    because: tuple[str, str]
    example: str


def verdicts(seat: Seat, n_features: int) -> list[tuple[str, Verdict]]:
    """For every program of the job, in order, and its query of the sets, which are taken for others than
    before. Raises as `read_ledger` and `as_written`."""
    ledger, job = read_ledger(seat), seat.file.job
    query = _query(seat)
    found: list[tuple[str, Verdict]] = [
        (query.tell, v) for v in ledger.judge_query(query, parties=len(job.parties))
    ]
    if job.task == "credit" and n_features:
        for step in _programs(seat, n_features):
            program = step.traced()
            found += [(step.name, v) for v in ledger.judge(program, parties=len(job.parties))]
            _assume(ledger, str(program))
    return found


def _query(seat: Seat) -> Query:
    """What the job asks of the parties' sets."""
    if seat.file.job.task != "psi":
        return Query.of_rows(range(len(seat.file.job.parties)))
    agreed = as_written(seat.file, seat.terms.name)
    if not tells_rows(seat.file, Asked()):
        return Question.of(agreed).query()
    return Query.of_rows(receivers_of(agreed), "lookup" if agreed.psi == UNBALANCED else "intersection")


def _programs(seat: Seat, n_features: int) -> Iterator[Step]:
    job = seat.file.job
    widths = widths_of(job, seat.me, n_features)
    yield from steps(job, widths, ROWS // 2, ROWS // 2)
    recipients = [job.party(name) for name in job.reveals["scores"]]
    if recipients:
        yield scoring_step(job, widths, ROWS, recipients)


def _assume(ledger: Ledger, program: str) -> None:
    """As if it had run."""
    body = canonical_json({"program": program, "versions": {}}).decode()
    ledger.append(ledger.draft("program", "this job", body), [])


def in_words(seat: Seat, found: list[tuple[str, Verdict]]) -> tuple[Judged, ...]:
    names = [terms.name for terms in seat.file.job.parties]
    return tuple(
        Judged(
            program,
            verdict.column,
            names[verdict.owner],
            tuple(names[party] for party in verdict.coalition),
            verdict.kind,
            (verdict.reason.text("en"), verdict.reason.text("zh")),
            verdict.example,
        )
        for program, verdict in found
        if verdict.reveals or verdict.column == IDS
    )


def ask(seat: Seat) -> tuple[tuple[Approved, ...], list[tuple[str, Verdict]]]:
    """What this party would sign for, and all verdicts. Raises UsageError CLI-0013 without a project, and as
    `read_table`."""
    if not seat.file.job.project:
        raise UsageError(
            "CLI-0013",
            "an approval is for a job of a project, and this job names none",
            hint="write `project: NAME` in the job file, on both sides",
        )
    n_features, terms = 0, seat.terms
    if seat.file.job.task == "credit":
        table = read_table(seat)
        n_features = profile(table, terms.key, terms.columns, terms.label, terms.positive).n_features
    found = verdicts(seat, n_features)
    return to_approve(seat, found), found


def to_approve(seat: Seat, found: list[tuple[str, Verdict]]) -> tuple[Approved, ...]:
    """What this party, and only it, can sign for."""
    return tuple(line for program, verdict in found for line in approvable(program, [verdict], seat.me))
