"""What `tacit psi` asks for: the job file's section `psi`, with what the command line gives instead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tacit.apps.cli.entries import parse_bytes, senseless
from tacit.apps.cli.jobfile import PSI_ENTRIES, JobFile
from tacit.base.errors import UsageError
from tacit.base.setting import ADVERSARIES
from tacit.psi.choose import AUTO
from tacit.psi.price import CIRCUIT, Link
from tacit.run.job import Job
from tacit.tasks.join import Terms
from tacit.tasks.overlap import Question


@dataclass(frozen=True)
class Asked:
    """What the command line gives; None: as the job file says."""

    join: str | None = None
    order: str | None = None
    receivers: str | None = None
    protocol: str | None = None
    security: str | None = None
    link_mbit: float | None = None
    trim: bool | None = None
    case: str | None = None
    memory: str | None = None
    tell: str | None = None
    sum: tuple[str, ...] | None = None
    at_least: int | None = None


_ROWS = "rows"
_OF_ROWS = ("join", "order", "receivers", "memory")
_OF_ANSWERS = ("sum", "at_least")


def tells_rows(file: JobFile, asked: Asked) -> bool:
    """Whether rows are what is learned, or less: a count, sums, a threshold."""
    return (asked.tell or file.psi.get("tell", _ROWS)) == _ROWS


def _given(file: JobFile, asked: Asked) -> dict[str, Any]:
    return dict(file.psi) | {
        name: value for name in PSI_ENTRIES if (value := getattr(asked, name)) is not None
    }


def _security(file: JobFile, asked: Asked) -> str:
    security = asked.security or file.job.security
    if security not in ADVERSARIES:
        raise senseless("security", " or ".join(ADVERSARIES))
    return security


def _link(file: JobFile, asked: Asked) -> Link:
    if asked.link_mbit is not None and not 0 < asked.link_mbit < math.inf:
        raise senseless("link_mbit", "megabits per second, above 0")
    return file.job.link if asked.link_mbit is None else Link(asked.link_mbit)


def overlap_job(file: JobFile, asked: Asked, key: Sequence[str]) -> Job:
    """The job of what the two tables have in common, without its rows.

    Raises: UsageError CLI-0003, JOIN-0002 for what makes no sense; UnsupportedError SCHEME-0002.
    """
    given = _given(file, asked)
    if len(file.job.parties) > 2:
        raise senseless("tell", "rows among several parties")
    for name in _OF_ROWS:
        if name in given:
            raise senseless(name, "left out where no rows are told")
    if given.pop("protocol", AUTO) not in (AUTO, CIRCUIT):
        raise senseless("protocol", f"{AUTO} or {CIRCUIT} where no rows are told")
    question = Question.agreed(columns=given.pop("sum", ()), key_columns=len(key), **given)
    job = replace(file.job, link=_link(file, asked))
    return question.job(job, security=_security(file, asked))


def psi_job(file: JobFile, asked: Asked, key: Sequence[str], duplicates: str) -> Job:
    """The job of a private join between the parties of `file`.

    Raises: UsageError CLI-0003, JOIN-0002 for what makes no sense.
    """
    given = _given(file, asked)
    given.pop("tell", None)
    for name in _OF_ANSWERS:
        if name in given:
            raise senseless(name, "left out where rows are told")
    names = tuple(terms.name for terms in file.job.parties)
    protocol = given.pop("protocol", AUTO)
    if not isinstance(protocol, str):
        raise senseless("protocol in psi", "a name")
    stored = given.pop("memory", None) is not None
    terms = Terms.agreed(names, key_columns=len(key), stored=stored, duplicates=duplicates, **given)
    job = replace(file.job, link=_link(file, asked))
    return terms.job(job, protocol=protocol, security=_security(file, asked))


def as_written(file: JobFile, party: str) -> Job:
    """What the job file alone asks of the parties' sets. Raises as `overlap_job` and `psi_job`."""
    key = file.keys[party]
    if not tells_rows(file, Asked()):
        return overlap_job(file, Asked(), key)
    return psi_job(file, Asked(), key, "first")


def memory_of(file: JobFile, asked: Asked) -> int | None:
    """What this side allows, in bytes; None: as much as it takes. Raises UsageError CLI-0003."""
    given = asked.memory or file.psi.get("memory")
    if given is None:
        return None
    if not isinstance(given, str):
        raise senseless("memory in psi", "an amount with its unit, for example 2GiB")
    return parse_bytes(given, "memory")


def key_columns(file: JobFile, party: str, given: Sequence[str]) -> tuple[str, ...]:
    """Raises UsageError CLI-0011 if neither the command nor the file names any, or one twice."""
    key = tuple(given) or file.keys[party]
    if not key or len(set(key)) != len(key):
        raise UsageError(
            "CLI-0011",
            f"the key of {party!r} has no column, or one twice",
            hint=f"give --key COLUMN, once for each column, or write parties.{party}.key in the job file",
        )
    return key
