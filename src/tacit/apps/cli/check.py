"""`tacit check`: what can be known before anything is sent."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from tacit.apps.cli import gate
from tacit.apps.cli.forecast import Forecast, forecast
from tacit.apps.cli.gate import Judged
from tacit.apps.cli.ledgerfile import approved
from tacit.apps.cli.party import Seat
from tacit.base.errors import PolicyError, TacitError, UsageError
from tacit.frame.disclosure import check_counts
from tacit.frame.profile import Problem, Profile, profile
from tacit.mpc.scheme import find
from tacit.run.gate.judge import Verdict
from tacit.run.policy import ALL
from tacit.tasks.credit import Options, grants


@dataclass(frozen=True)
class Disclosure:
    """One thing that the job opens: its name in the protocol, its recipients, whether behind a threshold."""

    name: str
    to: tuple[str, ...]
    guarded: bool


@dataclass(frozen=True)
class Preflight:
    """`blocking`: what stops the job before its first message; `forecast`: None if the data are unusable."""

    job: str
    party: str
    profile: Profile
    disclosures: tuple[Disclosure, ...]
    blocking: tuple[Problem, ...]
    forecast: Forecast | None
    gate: tuple[Judged, ...] = ()

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.profile.problems if problem.severity == "warning")

    @property
    def exit_code(self) -> int:
        return _kind(self.blocking[0]).exit_code if self.blocking else 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"ready": not self.blocking}


def look(
    seat: Seat, table: pa.Table, peer_rows: int | None = None, *, judged: bool | None = None
) -> Preflight:
    """This party's rows against the job. Nothing is sent. `judged`: whether the gate is asked; it is anyway
    in a job of a project, where what is not approved blocks. Raises UnsupportedError as `find`."""
    job, terms = seat.file.job, seat.terms
    find(job.scheme, job.security)
    found = profile(table, terms.key, terms.columns, terms.label, terms.positive)
    expected = None
    if found.n_ids and found.n_features:
        expected = forecast(
            job, seat.me, found.n_ids, peer_rows or found.n_ids, found.n_features, seat.local.threads
        )
    blocking, words = _blocking(seat, found), tuple[Judged, ...]()
    if judged or job.project:
        told = gate.verdicts(seat, found.n_features)
        words, blocking = gate.in_words(seat, told), (*blocking, *_unapproved(seat, told))
    return Preflight(job.id, terms.name, found, disclosures(seat), blocking, expected, words)


def refuse_blocked(seat: Seat, table: pa.Table) -> None:
    """Raises the first of what `look` finds blocking: UsageError, or PolicyError for one of disclosure."""
    found = look(seat, table)
    if found.blocking:
        first, rest = found.blocking[0], len(found.blocking) - 1
        more = f" (and {rest} more: tacit check lists them)" if rest else ""
        raise _kind(first)(first.code, first.message + more, hint=first.hint)


def disclosures(seat: Seat) -> tuple[Disclosure, ...]:
    """Everything that the job opens, in the order in which it does."""
    job = seat.file.job
    everybody = tuple(terms.name for terms in job.parties)
    first = tuple(Disclosure(name, everybody, False) for name in ("set sizes", "intersection", "widths"))
    granted = []
    for grant in grants(job):
        to = everybody if grant.to == ALL else tuple(job.parties[number].name for number in grant.to)
        granted.append(Disclosure(grant.name, to, grant.guarded))
    return (*first, *granted)


def _blocking(seat: Seat, found: Profile) -> tuple[Problem, ...]:
    job = seat.file.job
    if "own" not in (job.reveals["coefficients"], job.reveals["correlations"]):
        return found.errors
    try:
        check_counts(found.n_rows, 0, l2=Options.of(job).l2)
    except PolicyError as error:
        return (*found.errors, Problem("error", error.code, error.message, error.hint))
    return found.errors


def _unapproved(seat: Seat, told: list[tuple[str, Verdict]]) -> tuple[Problem, ...]:
    """In a project, what this party would have to sign for and has not."""
    lines = gate.to_approve(seat, told) if seat.file.job.project else ()
    missing = [line for line in lines if line not in approved(seat)]
    if not missing:
        return ()
    columns = ", ".join(dict.fromkeys(f"{line.column!r} in {line.program}" for line in missing))
    message = f"not proved safe, and not approved by {seat.terms.name!r}: {columns}"
    hint = f"reveal less, or sign for it: tacit approve --me {seat.terms.name} --config {seat.file.path}"
    return (Problem("error", "POLICY-0006", message, hint),)


def _kind(problem: Problem) -> type[TacitError]:
    return PolicyError if problem.code.startswith(("COEF", "POLICY")) else UsageError
