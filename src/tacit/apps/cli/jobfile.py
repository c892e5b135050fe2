"""`job.yaml`: what the parties agree on, as a `Job`, and where this party's own things are.

The file is the same on both sides except for `local`. Addresses are not part of what is agreed: behind a
network address translator each side writes another one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tacit.apps.cli.entries import (
    Address,
    document_of,
    mapping_of,
    number_of,
    parse_address,
    require_known,
    senseless,
    text_of,
)
from tacit.blocks.ot.choose import DEFAULT, for_link
from tacit.frame.columns import ColumnSpec, parse_columns
from tacit.psi.price import Link
from tacit.psi.star_kmprt17 import MOST_PARTIES
from tacit.run.job import Job, Limits, PartyTerms
from tacit.tasks.credit import Options, label_holder
from tacit.trust.identity import NAME_LIMIT, fingerprint_hex

JOB_ID = re.compile(r"\w[\w.-]{0,63}")

TASKS = ("credit", "psi")
DEFAULT_PSI = "ecdh"
_TOP = (
    "job",
    "task",
    "parties",
    "train",
    "reveal",
    "security",
    "limits",
    "local",
    "attempt",
    "link_mbit",
    "psi",
    "project",
)
_PARTY = ("address", "certificate", "key", "label", "positive", "columns")
_REVEAL = ("coefficients", "correlations", "scores")
_LOCAL = ("home", "data", "threads")
PSI_ENTRIES = (
    "join",
    "order",
    "receivers",
    "protocol",
    "trim",
    "case",
    "memory",
    "tell",
    "sum",
    "at_least",
)
_TRAIN = tuple(field.name for field in fields(Options))
_LIMITS = tuple(field.name for field in fields(Limits))
_WHOLE = ("epochs", "batch_rows", "seed")


@dataclass(frozen=True)
class Local:
    """What one party keeps to itself: its home folder, its data file, how many threads to use."""

    home: Path | None = None
    data: Path | None = None
    threads: int = 1


@dataclass(frozen=True)
class JobFile:
    """A parsed job file. `addresses` and `certificates` in the order of the parties; `keys`: each one's key
    columns; `psi`: the section of this name, as it is written."""

    path: Path
    job: Job
    addresses: tuple[Address, ...]
    certificates: tuple[Path, ...]
    local: Mapping[str, Local]
    keys: Mapping[str, tuple[str, ...]]
    psi: Mapping[str, Any]


def read_job(path: Path) -> JobFile:
    """Raises UsageError CLI-0001 (no such file, not YAML), CLI-0002 (unknown key), CLI-0003 (a missing or
    senseless value), IDENTITY-0005 (a certificate file), DATA-0006 (a column entry), CREDIT-0003, -0004."""
    document = document_of(path)
    require_known(document, _TOP, "the job")
    entries = mapping_of(document.get("parties"), "parties")
    task = _task(document)
    most = MOST_PARTIES if task == "psi" else 2
    if not 2 <= len(entries) <= most:
        raise senseless(
            "parties",
            "two parties, each with a name" if most == 2 else f"2 to {most} parties, each with a name",
            "this version trains between two parties, and joins the tables of up to ten",
        )
    parties = {_party_name(name): mapping_of(entry, f"parties.{name}") for name, entry in entries.items()}
    for name, entry in parties.items():
        require_known(entry, _PARTY, f"parties.{name}")
    certificates = tuple(
        path.parent / text_of(entry, "certificate", f"parties.{name}") for name, entry in parties.items()
    )
    terms = tuple(
        _terms(name, entry, certificate, task)
        for (name, entry), certificate in zip(parties.items(), certificates, strict=True)
    )
    job = Job(
        id=_job_id(document),
        task=task,
        parties=terms,
        options=_options(mapping_of(document.get("train", {}), "train")) if task == "credit" else {},
        reveals=_reveals(mapping_of(document.get("reveal", {}), "reveal"), tuple(parties)),
        security=text_of(document, "security", "the job", default="semi-honest"),
        limits=_limits(mapping_of(document.get("limits", {}), "limits")),
        attempt=_attempt(document),
        project=_project(document),
        psi=_protocol(document),
        ot=_ot(document),
        link=_link(document),
    )
    if task == "credit":
        label_holder(job)
        Options.of(job)
    addresses = tuple(
        parse_address(text_of(entry, "address", f"parties.{name}")) for name, entry in parties.items()
    )
    return JobFile(
        path,
        job,
        addresses,
        certificates,
        _locals(document, path.parent, tuple(parties)),
        {name: _keys(entry, f"parties.{name}") for name, entry in parties.items()},
        _psi(document),
    )


def table_columns(terms: PartyTerms) -> tuple[list[str], list[str]]:
    """(columns to read from this party's file, those of them that are read as text)."""
    specs = parse_columns(terms.columns)
    wanted = [terms.key, *(spec.name for spec in specs), *([terms.label] if terms.label else [])]
    text = [terms.key, *(spec.name for spec in specs if spec.encoding != "number")]
    if terms.label and isinstance(terms.positive, str):
        text.append(terms.label)
    return list(dict.fromkeys(wanted)), list(dict.fromkeys(text))


def _party_name(name: Any) -> str:
    if (
        not isinstance(name, str)
        or not 1 <= len(name) <= NAME_LIMIT
        or not name.isprintable()
        or name != name.strip()
    ):
        raise senseless("a name in parties", f"text of 1 to {NAME_LIMIT} printable characters")
    return name


def _terms(name: str, entry: Mapping[Any, Any], certificate: Path, task: str) -> PartyTerms:
    where = f"parties.{name}"
    if task == "psi":  # Which columns are the key is each side's own affair.
        return PartyTerms(name, fingerprint_hex(certificate), "", ())
    specs = parse_columns(entry.get("columns", ()))
    if not specs:
        raise senseless(f"columns in {where}", "a list of at least one column")
    positive = entry.get("positive")
    if positive is not None and not isinstance(positive, str | int | bool):
        raise senseless(
            f"positive in {where}", "the label's value that counts as 1: text, whole number or true/false"
        )
    label = text_of(entry, "label", where) if "label" in entry else None
    if label is None and positive is not None:
        raise senseless(f"positive in {where}", "beside a label")
    key = text_of(entry, "key", where)
    return PartyTerms(
        name, fingerprint_hex(certificate), key, tuple(map(_agreed_column, specs)), label, positive
    )


def _agreed_column(spec: ColumnSpec) -> Mapping[str, Any]:
    """One spelling of each column, so that equal meanings have equal digests."""
    written = spec.to_job()
    return {"name": written, "encoding": "number"} if isinstance(written, str) else written


def _job_id(document: Mapping[Any, Any]) -> str:
    name = text_of(document, "job", "the job")
    if not JOB_ID.fullmatch(name):
        raise senseless(
            "job", "a name of letters, digits, '-', '_' and '.', at most 64", "it also names a folder"
        )
    return name


def _project(document: Mapping[Any, Any]) -> str:
    """Whose ledger the job goes into; empty for none."""
    if "project" not in document:
        return ""
    name = text_of(document, "project", "the job")
    if not JOB_ID.fullmatch(name):
        raise senseless(
            "project", "a name of letters, digits, '-', '_' and '.', at most 64", "it also names a file"
        )
    return name


def _task(document: Mapping[Any, Any]) -> str:
    task = text_of(document, "task", "the job", default="credit")
    if task not in TASKS:
        raise senseless("task", " or ".join(TASKS), "this version knows no other task")
    return task


def _keys(entry: Mapping[Any, Any], where: str) -> tuple[str, ...]:
    """The key columns: one text, or several."""
    value = entry.get("key", [])
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        listed = names if isinstance(names, list) else [names]
        bare = any(isinstance(name, bool | int | float) for name in listed)
        why = "put names in quotes: YAML reads no, yes, on, off and 1 as other than text" if bare else ""
        raise senseless(f"key in {where}", "the name of a column, or a list of names", why)
    return tuple(names)


def _attempt(document: Mapping[Any, Any]) -> int:
    value = document.get("attempt", 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 31:
        raise senseless("attempt", "a whole number from 0")
    return value


def _options(given: Mapping[Any, Any]) -> dict[str, Any]:
    """All options, defaults written out, so that leaving one out equals writing its default."""
    require_known(given, _TRAIN, "train")
    values: dict[str, Any] = {}
    for name, value in given.items():
        number = number_of(value, f"train.{name}")
        if name in _WHOLE and number != int(number):
            raise senseless(f"train.{name}", "a whole number")
        values[name] = int(number) if name in _WHOLE else float(number)
    return asdict(Options(**values))


def _reveals(given: Mapping[Any, Any], parties: tuple[str, ...]) -> dict[str, Any]:
    require_known(given, _REVEAL, "reveal")
    coefficients, scores = given.get("coefficients", "own"), given.get("scores") or []
    if coefficients not in ("own", "shared"):
        raise senseless("reveal.coefficients", "own or shared")
    correlations = given.get("correlations", "own" if coefficients == "own" else "none")
    if correlations not in ("own", "none"):
        raise senseless("reveal.correlations", "own or none")
    if not isinstance(scores, list) or any(name not in parties for name in scores):
        raise senseless(
            "reveal.scores", f"a list of parties ({', '.join(parties)})", "[] opens no row scores"
        )
    return {"coefficients": coefficients, "correlations": correlations, "scores": sorted(set(scores))}


def _protocol(document: Mapping[Any, Any]) -> str:
    """The set intersection by which rows are aligned."""
    return text_of(_psi(document), "protocol", "psi", default=DEFAULT_PSI)


def _psi(document: Mapping[Any, Any]) -> dict[Any, Any]:
    section = mapping_of(document.get("psi") or {}, "psi")
    require_known(section, PSI_ENTRIES, "psi")
    return section


def _link(document: Mapping[Any, Any]) -> Link:
    """What both sides take the line between them to be."""
    return Link(number_of(document["link_mbit"], "link_mbit")) if "link_mbit" in document else Link()


def _ot(document: Mapping[Any, Any]) -> str:
    """The source of OTs for `link_mbit`, which both sides write alike; the default without it."""
    if "link_mbit" not in document:
        return DEFAULT
    mbit = number_of(document["link_mbit"], "link_mbit")
    if mbit <= 0:
        raise senseless("link_mbit", "megabits per second, above 0")
    return for_link(mbit)


def _limits(given: Mapping[Any, Any]) -> Limits:
    require_known(given, _LIMITS, "limits")
    values = {name: float(number_of(value, f"limits.{name}")) for name, value in given.items()}
    if any(not 0 < value <= 7 * 86400 for value in values.values()):
        raise senseless("limits", "seconds above 0 and at most a week")
    return Limits(**values)


def _locals(document: Mapping[Any, Any], folder: Path, parties: tuple[str, ...]) -> dict[str, Local]:
    entries = mapping_of(document.get("local") or {}, "local")
    require_known(entries, parties, "local")
    found = {}
    for name, raw in entries.items():
        where = f"local.{name}"
        entry = mapping_of(raw, where)
        require_known(entry, _LOCAL, where)
        threads = entry.get("threads", 1)
        if not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= 256:
            raise senseless(f"threads in {where}", "a whole number from 1 to 256")
        home = folder / Path(text_of(entry, "home", where)).expanduser() if "home" in entry else None
        data = folder / Path(text_of(entry, "data", where)).expanduser() if "data" in entry else None
        found[name] = Local(home, data, threads)
    return found
