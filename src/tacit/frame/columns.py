"""What a job says about columns: which, and how each becomes numbers."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from tacit.base.errors import UsageError

Encoding = Literal["number", "category", "ordinal"]

LEVEL_LIMIT = 100
"""A category of more levels than this is refused; `suggest` proposes none for such a column."""


@dataclass(frozen=True)
class ColumnSpec:
    """One column of a job. `levels` (lowest first) only for `ordinal`."""

    name: str
    encoding: Encoding = "number"
    levels: tuple[str, ...] = ()

    def to_job(self) -> str | dict[str, str]:
        """The shortest way to write this column in a job file."""
        if self.encoding == "number":
            return self.name
        levels = json.dumps(list(self.levels), ensure_ascii=False) if self.levels else ""
        return {"name": self.name, "encoding": f"ordinal:{levels}" if levels else self.encoding}


def parse_columns(entries: Sequence[str | Mapping[str, Any] | ColumnSpec]) -> tuple[ColumnSpec, ...]:
    """Column entries of a job file: plain names, or mappings of `name` and `encoding`.

    An encoding is `number`, `category` or `ordinal:[low, middle, high]`; where levels contain commas
    the list is written as JSON. Raises UsageError DATA-0006.
    """
    if isinstance(entries, str | bytes | Mapping) or not isinstance(entries, Iterable):
        raise _bad_entry("columns is not a list")
    specs = tuple(_parse_entry(entry, i) for i, entry in enumerate(entries))
    names = [spec.name for spec in specs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _bad_entry(f"columns named twice: {', '.join(twice)}")
    return specs


def text_columns(specs: Iterable[ColumnSpec]) -> tuple[str, ...]:
    """The columns whose text must be read as written (`source.open_table(text=...)`)."""
    return tuple(spec.name for spec in specs if spec.encoding != "number")


def _bad_entry(what: str) -> UsageError:
    return UsageError(
        "DATA-0006",
        what,
        hint="write each as a name, or as {name: ..., encoding: number | category | ordinal:[low, high]}",
    )


def _parse_entry(entry: str | Mapping[str, Any] | ColumnSpec, index: int) -> ColumnSpec:
    if isinstance(entry, ColumnSpec):
        return entry
    if isinstance(entry, str):
        entry = {"name": entry}
    if not isinstance(entry, Mapping) or not set(entry) <= {"name", "encoding"}:
        raise _bad_entry(f"column entry {index + 1} is neither a name nor a mapping of name and encoding")
    name, encoding = entry.get("name"), entry.get("encoding", "number")
    if not isinstance(name, str) or not name or not isinstance(encoding, str):
        raise _bad_entry(f"column entry {index + 1} has no name, or an encoding that is not text")
    if encoding == "number" or encoding == "category":
        return ColumnSpec(name, encoding)  # type: ignore[arg-type]
    if encoding.startswith("ordinal:"):
        return ColumnSpec(name, "ordinal", _parse_levels(name, encoding.removeprefix("ordinal:").strip()))
    raise _bad_entry(f"column {name!r} has an unknown encoding")


def _parse_levels(name: str, text: str) -> tuple[str, ...]:
    if not (text.startswith("[") and text.endswith("]")):
        raise _bad_entry(f"the ordinal levels of column {name!r} are not a list in square brackets")
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = [level.strip() for level in text[1:-1].split(",")]
    levels = tuple(level if isinstance(level, str) else json.dumps(level) for level in parsed)
    if len(levels) < 2 or len(set(levels)) < len(levels) or "" in levels:
        raise _bad_entry(f"column {name!r} needs at least two ordinal levels, all different and none empty")
    return levels


def require_columns(existing: Sequence[str], wanted: Iterable[str], where: str) -> None:
    """Raises UsageError DATA-0005, naming the nearest existing columns, unless all `wanted` exist."""
    missing = [name for name in wanted if name not in existing]
    if not missing:
        return
    folded = {name.casefold(): name for name in existing}
    near: list[str] = []
    for name in missing:
        for match in difflib.get_close_matches(name.casefold(), list(folded), n=2, cutoff=0.5):
            if folded[match] not in near:
                near.append(folded[match])
    hint = f"nearest columns: {', '.join(near)}" if near else f"existing columns: {shorten(existing)}"
    raise UsageError("DATA-0005", f"{where} has no column {', '.join(map(repr, missing))}", hint=hint)


def shorten(names: Sequence[str], limit: int = 10) -> str:
    """`names` joined by commas, at most `limit` of them."""
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + rest


def is_number(kind: pa.DataType) -> bool:
    """Whether columns of this type are numbers as they stand (booleans count as 0 and 1)."""
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    )


def is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """One contiguous array without dictionary encoding."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks == 1 else pa.concat_arrays(array.chunks)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def suggest(column: pa.ChunkedArray | pa.Array) -> Encoding | None:
    """The encoding that fits a column as it stands: number, category, or None (leave it out)."""
    array = flat(column)
    if pa.types.is_null(array.type) or is_number(array.type):
        return "number"
    if is_text(array.type) and pc.count_distinct(array).as_py() <= LEVEL_LIMIT:
        return "category"
    return None
