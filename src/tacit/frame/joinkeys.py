"""Join keys of one or several columns under rules that both sides agree on, and what the rules did to them.

A key is text. Integers become decimal digits, so 1 equals "1"; text is kept as it is written, so "01" equals
neither. Text is brought into Unicode NFC, trimmed of white space and made lower case where the rules say so.
A row whose key has a NULL or an empty part joins with nothing. Floats, times and other types are refused:
no spelling of theirs is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tacit.base.distinct import first_appearances
from tacit.base.errors import UsageError
from tacit.frame.columns import flat, is_text
from tacit.frame.keys import buffers_of

RULES_VERSION = 1
DUPLICATES = ("first", "refuse", "all")


@dataclass(frozen=True)
class KeyRules:
    """What both sides must do alike. `trim`: white space at the ends goes; `case`: "keep" or "lower"."""

    trim: bool = True
    case: Literal["keep", "lower"] = "keep"
    version: int = RULES_VERSION


@dataclass(frozen=True)
class Preflight:
    """How many rows the rules touched. `null`, `empty`: a part of the key is missing; `repeated`: it came
    before; `trimmed`, `normalised`, `lowered`, `zeros`: parts of keys that lost white space, changed under
    NFC, changed case, begin with a zero (and so differ from the number)."""

    rows: int = 0
    distinct: int = 0
    null: int = 0
    empty: int = 0
    repeated: int = 0
    trimmed: int = 0
    normalised: int = 0
    lowered: int = 0
    zeros: int = 0

    def __add__(self, other: Preflight) -> Preflight:
        return Preflight(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def to_json(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True, eq=False)
class JoinKeys:
    """Distinct keys in the order of the file: key i is data[offsets[i]:offsets[i+1]], of row rows[i].

    `without`: the rows that have no key, ascending. Rows whose key came before are in neither, but under
    "all" in `members`: of every row with a key, the row and the number of its key, int64[2, m].
    """

    data: np.ndarray
    offsets: np.ndarray
    rows: np.ndarray
    without: np.ndarray
    found: Preflight
    members: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"JoinKeys(n={len(self)})"


def join_keys(
    table: pa.Table,
    names: Sequence[str],
    rules: KeyRules,
    *,
    duplicates: str = "first",
    null_texts: Sequence[str] = (),
) -> JoinKeys:
    """The keys of `table` in the columns `names`; texts in `null_texts` are NULL.

    Raises: UsageError DATA-0009 for a type that is no key, DATA-0008 for a repeated key under "refuse".
    """
    counts: dict[str, int] = dict.fromkeys(("trimmed", "normalised", "lowered", "zeros"), 0)
    parts = [_canonical(flat(table[name]), name, rules, null_texts, counts) for name in names]
    null = _any(pc.is_null(part) for part in parts)
    empty = _any(pc.equal(pc.fill_null(pc.binary_length(part), 1), 0) for part in parts) & ~null
    usable = ~(null | empty)
    rows, without = np.flatnonzero(usable).astype(np.int64), np.flatnonzero(~usable).astype(np.int64)
    whole = [part if not len(without) else part.filter(pa.array(usable)) for part in parts]
    joined = whole[0] if len(whole) == 1 else _composed(whole)
    data, offsets = buffers_of(joined)
    first = first_appearances(data, offsets)
    repeated = len(rows) - len(first)
    if repeated and duplicates == "refuse":
        raise repeated_keys(repeated, table.num_rows)
    members = None
    if duplicates == "all":
        numbers = joined.dictionary_encode().indices.to_numpy(zero_copy_only=False)
        members = np.stack([rows, numbers.astype(np.int64)])
    if repeated:
        data, offsets = buffers_of(joined.take(pa.array(first)))
    found = Preflight(table.num_rows, len(first), int(null.sum()), int(empty.sum()), repeated, **counts)
    return JoinKeys(data, offsets, rows[first], without, found, members)


def repeated_keys(repeated: int, n_rows: int) -> UsageError:
    return UsageError(
        "DATA-0008",
        f"{repeated} of {n_rows} rows have a key that came before",
        hint="delete the repeated rows, or keep the first of each with --duplicates first",
    )


def _canonical(
    array: pa.Array, name: str, rules: KeyRules, null_texts: Sequence[str], counts: dict[str, int]
) -> pa.Array:
    """large_string[n]; adds to `counts` what changed."""
    kind = array.type
    if pa.types.is_null(kind):
        return pa.nulls(len(array), pa.large_string())
    if pa.types.is_integer(kind):
        return array.cast(pa.large_string())
    if not is_text(kind):
        raise UsageError(
            "DATA-0009",
            f"key column {name!r} has type {kind}, which cannot be a key",
            hint="use text or whole numbers; convert the column yourself, alike on both sides",
        )
    text = array.cast(pa.large_string())
    if null_texts:
        text = pc.if_else(pc.is_in(text, pa.array(null_texts, pa.large_string())), None, text)
    if rules.case == "lower":
        text = _counted(counts, "lowered", text, pc.utf8_lower(text))
    if not pc.all(pc.string_is_ascii(text)).as_py():
        text = _counted(counts, "normalised", text, pc.utf8_normalize(text, form="NFC"))
    if rules.trim:
        text = _counted(counts, "trimmed", text, pc.utf8_trim_whitespace(text))
    zeros = pc.and_(pc.starts_with(text, "0"), pc.greater(pc.binary_length(text), 1))
    counts["zeros"] += pc.sum(zeros).as_py() or 0
    return text


def _counted(counts: dict[str, int], name: str, before: pa.Array, after: pa.Array) -> pa.Array:
    counts[name] += pc.sum(pc.not_equal(before, after)).as_py() or 0
    return after


def _any(conditions: Any) -> np.ndarray:
    found: np.ndarray = np.logical_or.reduce([one.to_numpy(zero_copy_only=False) for one in conditions])
    return found


def _composed(parts: Sequence[pa.Array]) -> pa.Array:
    """large_binary[n]: of each part its length in 4 bytes and its bytes: no two keys are spelt alike."""
    pieces: list[pa.Array] = []
    for part in parts:
        lengths = pc.binary_length(part).to_numpy(zero_copy_only=False).astype(">u4")
        buffers = [None, pa.py_buffer(lengths.tobytes())]
        pieces += [pa.Array.from_buffers(pa.binary(4), len(part), buffers).cast(pa.large_binary())]
        pieces += [part.cast(pa.large_binary())]
    return pc.binary_join_element_wise(*pieces, pa.scalar(b"", pa.large_binary()))
