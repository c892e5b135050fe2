"""What `tacit psi` asks for: the job file's section `psi`, with what the command line gives instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tacit.apps.cli.entries import require_known, senseless
from tacit.apps.cli.jobfile import JobFile
from tacit.base.errors import UsageError
from tacit.frame.joinkeys import KeyRules
from tacit.psi.choose import AUTO, Link
from tacit.run.job import NO_SCHEME, Job
from tacit.tasks.join import KINDS, ORDERS, Terms

BOTH, NOBODY = "both", "none"
SECURITIES = ("semi-honest", "malicious")
CASES = ("keep", "lower")
_SECTION = ("join", "order", "receivers", "protocol", "trim", "case")


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


def psi_job(file: JobFile, asked: Asked, key: Sequence[str]) -> Job:
    """The job of a private join between the parties of `file`.

    Raises: UsageError CLI-0002, CLI-0003 for what makes no sense.
    """
    require_known(file.psi, _SECTION, "psi")
    given = dict(file.psi) | {name: value for name in _SECTION if (value := getattr(asked, name)) is not None}
    names = tuple(terms.name for terms in file.job.parties)
    receivers = _receivers(given.get("receivers", BOTH), names)
    join = _one_of(given, "join", KINDS, "inner")
    joint = len(receivers) == 2 and join != "difference"
    order = _one_of(given, "order", ORDERS, "joint" if joint else "file")
    if join == "difference" and order == "joint":
        raise senseless("order in psi", "file for a difference", "its rows have no partner to line up with")
    trim = given.get("trim", True)
    if not isinstance(trim, bool):
        raise senseless("trim in psi", "true or false")
    rules = KeyRules(trim, _one_of(given, "case", CASES, "keep"))
    options, reveals = Terms(join, order, receivers, len(key), rules).to_job()
    security = asked.security or file.job.security
    if security not in SECURITIES:
        raise senseless("security", " or ".join(SECURITIES))
    if asked.link_mbit is not None and not asked.link_mbit > 0:
        raise senseless("link_mbit", "megabits per second, above 0")
    protocol = given.get("protocol", AUTO)
    if not isinstance(protocol, str):
        raise senseless("protocol in psi", "a name")
    return replace(
        file.job,
        task="psi",
        parties=tuple(
            replace(terms, key="", columns=(), label=None, positive=None) for terms in file.job.parties
        ),
        options=options,
        reveals=reveals,
        scheme=NO_SCHEME,
        security=security,
        psi=protocol,
        ot="",
        link=file.job.link if asked.link_mbit is None else Link(asked.link_mbit),
    )


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


def _one_of(given: Mapping[str, Any], name: str, values: tuple[Any, ...], default: str) -> Any:
    value = given.get(name, default)
    if value not in values:
        raise senseless(f"{name} in psi", " or ".join(values))
    return value


def _receivers(value: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    if value == BOTH:
        return names
    if value == NOBODY:
        return ()
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not found or not set(found) <= set(names):
        raise senseless("receivers in psi", f"{BOTH} or one of {', '.join(names)}")
    return tuple(name for name in names if name in found)
