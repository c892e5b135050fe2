"""What `tacit psi` asks for: the job file's section `psi`, with what the command line gives instead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tacit.apps.cli.entries import parse_bytes, senseless
from tacit.apps.cli.jobfile import PSI_ENTRIES, JobFile
from tacit.base.errors import UsageError
from tacit.base.setting import ADVERSARIES
from tacit.psi.choose import AUTO
from tacit.psi.price import Link
from tacit.run.job import Job
from tacit.tasks.join import Terms


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


def psi_job(file: JobFile, asked: Asked, key: Sequence[str]) -> Job:
    """The job of a private join between the parties of `file`.

    Raises: UsageError CLI-0003, JOIN-0002 for what makes no sense.
    """
    given = dict(file.psi) | {
        name: value for name in PSI_ENTRIES if (value := getattr(asked, name)) is not None
    }
    names = tuple(terms.name for terms in file.job.parties)
    protocol = given.pop("protocol", AUTO)
    if not isinstance(protocol, str):
        raise senseless("protocol in psi", "a name")
    security = asked.security or file.job.security
    if security not in ADVERSARIES:
        raise senseless("security", " or ".join(ADVERSARIES))
    if asked.link_mbit is not None and not 0 < asked.link_mbit < math.inf:
        raise senseless("link_mbit", "megabits per second, above 0")
    link = file.job.link if asked.link_mbit is None else Link(asked.link_mbit)
    stored = given.pop("memory", None) is not None
    terms = Terms.agreed(names, key_columns=len(key), stored=stored, **given)
    return terms.job(replace(file.job, link=link), protocol=protocol, security=security)


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
