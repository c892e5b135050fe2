"""`job.yaml`: what the parties agree on, as a `Job`, and where this party's own things are.

The file is the same on both sides except for `local`. Addresses are not part of what is agreed: behind a
network address translator each side writes another one.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from tacit.base.errors import UsageError
from tacit.blocks.ot.choose import DEFAULT, for_link
from tacit.frame.columns import ColumnSpec, parse_columns
from tacit.run.job import Job, Limits, PartyTerms
from tacit.tasks.credit import Options, label_holder
from tacit.trust.identity import NAME_LIMIT, fingerprint_hex

FILE_LIMIT_BYTES = 1 << 20
JOB_ID = re.compile(r"\w[\w.-]{0,63}")

_TOP = ("job", "task", "parties", "train", "reveal", "security", "limits", "local", "attempt", "link_mbit")
_PARTY = ("address", "certificate", "key", "label", "positive", "columns")
_REVEAL = ("coefficients", "correlations", "scores")
_LOCAL = ("home", "data", "threads")
_TRAIN = tuple(field.name for field in fields(Options))
_LIMITS = tuple(field.name for field in fields(Limits))
_WHOLE = ("epochs", "batch_rows", "seed")


@dataclass(frozen=True)
class Address:
    """Where a party listens, or where it is reached."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Local:
    """What one party keeps to itself: its home folder, its data file, how many threads to use."""

    home: Path | None = None
    data: Path | None = None
    threads: int = 1


@dataclass(frozen=True)
class JobFile:
    """A parsed job file. `addresses` and `certificates` in the order of the parties."""

    path: Path
    job: Job
    addresses: tuple[Address, ...]
    certificates: tuple[Path, ...]
    local: Mapping[str, Local]


def read_job(path: Path) -> JobFile:
    """Raises UsageError CLI-0001 (no such file, not YAML), CLI-0002 (unknown key), CLI-0003 (a missing or
    senseless value), IDENTITY-0005 (a certificate file), DATA-0006 (a column entry), CREDIT-0003, -0004."""
    document = _document(path)
    _known(document, _TOP, "the job")
    entries = _mapping(document.get("parties"), "parties")
    if len(entries) != 2:
        raise _senseless(
            "parties", "two parties, each with a name", "this version computes between two parties"
        )
    parties = {_party_name(name): _mapping(entry, f"parties.{name}") for name, entry in entries.items()}
    for name, entry in parties.items():
        _known(entry, _PARTY, f"parties.{name}")
    certificates = tuple(
        path.parent / _text(entry, "certificate", f"parties.{name}") for name, entry in parties.items()
    )
    terms = tuple(
        _terms(name, entry, certificate)
        for (name, entry), certificate in zip(parties.items(), certificates, strict=True)
    )
    job = Job(
        id=_job_id(document),
        task=_task(document),
        parties=terms,
        options=_options(_mapping(document.get("train", {}), "train")),
        reveals=_reveals(_mapping(document.get("reveal", {}), "reveal"), tuple(parties)),
        security=_text(document, "security", "the job", default="semi-honest"),
        limits=_limits(_mapping(document.get("limits", {}), "limits")),
        attempt=_attempt(document),
        ot=_ot(document),
    )
    label_holder(job)
    Options.of(job)
    addresses = tuple(
        parse_address(_text(entry, "address", f"parties.{name}")) for name, entry in parties.items()
    )
    return JobFile(path, job, addresses, certificates, _locals(document, path.parent, tuple(parties)))


def parse_address(text: str) -> Address:
    """host:port, [v6 address]:port. Raises UsageError CLI-0003."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise _senseless("address", "host:port, for example 192.0.2.7:7443")
    return Address(host, int(port))


def table_columns(terms: PartyTerms) -> tuple[list[str], list[str]]:
    """(columns to read from this party's file, those of them that are read as text)."""
    specs = parse_columns(terms.columns)
    wanted = [terms.key, *(spec.name for spec in specs), *([terms.label] if terms.label else [])]
    text = [terms.key, *(spec.name for spec in specs if spec.encoding != "number")]
    if terms.label and isinstance(terms.positive, str):
        text.append(terms.label)
    return list(dict.fromkeys(wanted)), list(dict.fromkeys(text))


def _document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            raw = stream.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise UsageError(
            "CLI-0001",
            f"job file {str(path)!r} cannot be read: {error.strerror}",
            hint="name it with --config; relative paths start at the current folder",
        ) from None
    try:
        document = yaml.safe_load(raw.decode("utf-8")) if len(raw) <= FILE_LIMIT_BYTES else None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UsageError(
            "CLI-0001",
            f"job file {path.name!r} is not YAML{where}",
            hint="check indentation and quotes; the page of this code shows a whole job file",
        ) from None
    if not isinstance(document, dict):
        raise UsageError(
            "CLI-0001",
            f"job file {path.name!r} is not a mapping of names to values",
            hint="start it with: job: NAME",
        )
    return document


def _known(found: Mapping[Any, Any], known: Collection[str], where: str) -> None:
    for key in found:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
            raise UsageError("CLI-0002", f"{where} has no entry {str(key)!r}", hint=hint)


def _senseless(where: str, wanted: str, why: str = "") -> UsageError:
    return UsageError(
        "CLI-0003", f"{where} of the job file must be {wanted}", hint=why or "correct the job file"
    )


def _mapping(value: Any, where: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise _senseless(where, "a mapping of names to values")
    return value


def _text(entry: Mapping[Any, Any], key: str, where: str, default: str | None = None) -> str:
    value = entry.get(key, default)
    if not isinstance(value, str) or not value:
        raise _senseless(f"{key} in {where}", "a text (in quotes, if it could be read as a number)")
    return value


def _party_name(name: Any) -> str:
    if (
        not isinstance(name, str)
        or not 1 <= len(name) <= NAME_LIMIT
        or not name.isprintable()
        or name != name.strip()
    ):
        raise _senseless("a name in parties", f"text of 1 to {NAME_LIMIT} printable characters")
    return name


def _terms(name: str, entry: Mapping[Any, Any], certificate: Path) -> PartyTerms:
    where = f"parties.{name}"
    specs = parse_columns(entry.get("columns", ()))
    if not specs:
        raise _senseless(f"columns in {where}", "a list of at least one column")
    positive = entry.get("positive")
    if positive is not None and not isinstance(positive, str | int | bool):
        raise _senseless(
            f"positive in {where}", "the label's value that counts as 1: text, whole number or true/false"
        )
    label = _text(entry, "label", where) if "label" in entry else None
    if label is None and positive is not None:
        raise _senseless(f"positive in {where}", "beside a label")
    key = _text(entry, "key", where)
    return PartyTerms(
        name, fingerprint_hex(certificate), key, tuple(map(_agreed_column, specs)), label, positive
    )


def _agreed_column(spec: ColumnSpec) -> Mapping[str, Any]:
    """One spelling of each column, so that equal meanings have equal digests."""
    written = spec.to_job()
    return {"name": written, "encoding": "number"} if isinstance(written, str) else written


def _job_id(document: Mapping[Any, Any]) -> str:
    name = _text(document, "job", "the job")
    if not JOB_ID.fullmatch(name):
        raise _senseless(
            "job", "a name of letters, digits, '-', '_' and '.', at most 64", "it also names a folder"
        )
    return name


def _task(document: Mapping[Any, Any]) -> str:
    task = _text(document, "task", "the job", default="credit")
    if task != "credit":
        raise _senseless("task", "credit", "this version knows no other task")
    return task


def _attempt(document: Mapping[Any, Any]) -> int:
    value = document.get("attempt", 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 31:
        raise _senseless("attempt", "a whole number from 0")
    return value


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _senseless(where, "a number", "write 0.001, not 1e-3")
    return value


def _options(given: Mapping[Any, Any]) -> dict[str, Any]:
    """All options, defaults written out, so that leaving one out equals writing its default."""
    _known(given, _TRAIN, "train")
    values: dict[str, Any] = {}
    for name, value in given.items():
        number = _number(value, f"train.{name}")
        if name in _WHOLE and number != int(number):
            raise _senseless(f"train.{name}", "a whole number")
        values[name] = int(number) if name in _WHOLE else float(number)
    return asdict(Options(**values))


def _reveals(given: Mapping[Any, Any], parties: tuple[str, ...]) -> dict[str, Any]:
    _known(given, _REVEAL, "reveal")
    coefficients, scores = given.get("coefficients", "own"), given.get("scores") or []
    if coefficients not in ("own", "shared"):
        raise _senseless("reveal.coefficients", "own or shared")
    correlations = given.get("correlations", "own" if coefficients == "own" else "none")
    if correlations not in ("own", "none"):
        raise _senseless("reveal.correlations", "own or none")
    if not isinstance(scores, list) or any(name not in parties for name in scores):
        raise _senseless(
            "reveal.scores", f"a list of parties ({', '.join(parties)})", "[] opens no row scores"
        )
    return {"coefficients": coefficients, "correlations": correlations, "scores": sorted(set(scores))}


def _ot(document: Mapping[Any, Any]) -> str:
    """The source of OTs for `link_mbit`, which both sides write alike; the default without it."""
    if "link_mbit" not in document:
        return DEFAULT
    mbit = _number(document["link_mbit"], "link_mbit")
    if mbit <= 0:
        raise _senseless("link_mbit", "megabits per second, above 0")
    return for_link(mbit)


def _limits(given: Mapping[Any, Any]) -> Limits:
    _known(given, _LIMITS, "limits")
    values = {name: float(_number(value, f"limits.{name}")) for name, value in given.items()}
    if any(not 0 < value <= 7 * 86400 for value in values.values()):
        raise _senseless("limits", "seconds above 0 and at most a week")
    return Limits(**values)


def _locals(document: Mapping[Any, Any], folder: Path, parties: tuple[str, ...]) -> dict[str, Local]:
    entries = _mapping(document.get("local") or {}, "local")
    _known(entries, parties, "local")
    found = {}
    for name, raw in entries.items():
        where = f"local.{name}"
        entry = _mapping(raw, where)
        _known(entry, _LOCAL, where)
        threads = entry.get("threads", 1)
        if not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= 256:
            raise _senseless(f"threads in {where}", "a whole number from 1 to 256")
        home = folder / Path(_text(entry, "home", where)).expanduser() if "home" in entry else None
        data = folder / Path(_text(entry, "data", where)).expanduser() if "data" in entry else None
        found[name] = Local(home, data, threads)
    return found
