"""Entries of a file that people write: mappings, texts, numbers, addresses, and what is wrong with them."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tacit.base.errors import UsageError

FILE_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True)
class Address:
    """Where a party listens, or where it is reached."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """host:port, [v6 address]:port. Raises UsageError CLI-0003."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise senseless("address", "host:port, for example 192.0.2.7:7443")
    return Address(host, int(port))


def require_new(out: Path) -> None:
    """Raises UsageError CLI-0008."""
    if out.exists():
        raise UsageError(
            "CLI-0008", f"{str(out)!r} exists and is not overwritten", hint="give another --out, or move it"
        )
    if not out.absolute().parent.is_dir():
        raise UsageError(
            "CLI-0008",
            f"there is no folder {str(out.absolute().parent)!r}",
            hint="make it, or give another --out",
        )


def parse_bytes(text: str, where: str) -> int:
    """ "2GiB", "512 MiB", "4GB". Raises UsageError CLI-0003."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?(K|M|G|T)(i?)B", text.strip())
    if found is None:
        raise senseless(where, "an amount with its unit, for example 2GiB")
    base = 1024 if found[3] else 1000
    return int(float(found[1]) * base ** (1 + "KMGT".index(found[2])))


def document_of(path: Path) -> dict[str, Any]:
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


def require_known(found: Mapping[Any, Any], names: Collection[str], where: str) -> None:
    for key in found:
        if key not in names:
            near = difflib.get_close_matches(str(key), names, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(names)}"
            raise UsageError("CLI-0002", f"{where} has no entry {str(key)!r}", hint=hint)


def senseless(where: str, wanted: str, why: str = "") -> UsageError:
    return UsageError(
        "CLI-0003", f"{where} of the job file must be {wanted}", hint=why or "correct the job file"
    )


def mapping_of(value: Any, where: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise senseless(where, "a mapping of names to values")
    return value


def text_of(entry: Mapping[Any, Any], key: str, where: str, default: str | None = None) -> str:
    value = entry.get(key, default)
    if not isinstance(value, str) or not value:
        raise senseless(f"{key} in {where}", "a text (in quotes, if it could be read as a number)")
    return value


def number_of(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise senseless(where, "a number", "write 0.001, not 1e-3")
    return value
