"""Row ids in one canonical form, so that equal ids are equal bytes in both houses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tacit.base.distinct import first_appearances
from tacit.base.errors import UsageError
from tacit.frame.columns import flat, is_text

_EXACT_FLOAT_LIMIT = float(1 << 53)


@dataclass(frozen=True, eq=False)
class Keys:
    """Distinct ids, in order of first appearance.

    data: uint8[offsets[-1]], the ids end to end; offsets: int64[n + 1]; rows: int64[n], the row of the
    file that each id came from. The counts tell what was left out.
    """

    data: np.ndarray
    offsets: np.ndarray
    rows: np.ndarray
    n_null: int = 0
    n_duplicate: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Keys(n={len(self)}, n_null={self.n_null}, n_duplicate={self.n_duplicate})"

    def __getitem__(self, index: int) -> bytes:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.data[self.offsets[index] : self.offsets[index + 1]].tobytes()

    def take(self, index: np.ndarray) -> Keys:
        """The ids at `index`: int64[m], in that order; counts are not carried over."""
        lengths = np.diff(self.offsets)[index]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        source = np.repeat(self.offsets[:-1][index] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Keys(self.data[source], offsets, self.rows[index])


def canonical_keys(
    column: pa.ChunkedArray | pa.Array,
    *,
    name: str = "key",
    nulls: Literal["refuse", "drop"] = "drop",
    duplicates: Literal["refuse", "first"] = "first",
) -> Keys:
    """Ids as bytes: integers in decimal, text trimmed and in Unicode NFC, as UTF-8.

    NULL and empty ids are dropped, of equal ids the first row is kept; both are counted. Letter case is
    kept. Raises UsageError DATA-0007 / DATA-0008 under "refuse", DATA-0009 for a type that is no id,
    DATA-0019 if no id is left.
    """
    text = _as_text(flat(column), name)
    usable = pc.greater(pc.fill_null(pc.binary_length(text), 0), 0)
    rows = np.flatnonzero(usable.to_numpy(zero_copy_only=False)).astype(np.int64)
    n_null = len(text) - len(rows)
    if n_null and nulls == "refuse":
        raise UsageError(
            "DATA-0007",
            f"key column {name!r} has {n_null} empty ids in {len(text)} rows",
            hint="fill or delete these rows, or write nulls: drop in the job",
        )
    if not len(rows):
        raise UsageError(
            "DATA-0019", f"key column {name!r} has no id at all", hint="check the name of the key column"
        )
    present = text.filter(usable) if n_null else text
    data, offsets = buffers_of(present)
    first = first_appearances(data, offsets)
    n_duplicate = len(present) - len(first)
    if n_duplicate and duplicates == "refuse":
        raise UsageError(
            "DATA-0008",
            f"key column {name!r} has {n_duplicate} rows whose id came before, in {len(text)} rows",
            hint="delete the repeated rows, or write duplicates: first in the job",
        )
    if n_duplicate:
        data, offsets = buffers_of(present.take(pa.array(first)))
    return Keys(data, offsets, rows[first], n_null, n_duplicate)


def _as_text(array: pa.Array, name: str) -> pa.Array:
    """large_string[n], trimmed and NFC; "" and NULL where there is no id."""
    kind = array.type
    if pa.types.is_floating(kind):
        array = _whole_numbers(array, name)
    elif pa.types.is_null(kind):
        return pa.nulls(len(array), pa.large_string())
    elif not (pa.types.is_integer(kind) or is_text(kind)):
        raise UsageError(
            "DATA-0009",
            f"key column {name!r} has type {kind}, which cannot be an id",
            hint="use a column of text or of whole numbers",
        )
    text = array.cast(pa.large_string())
    if not pa.types.is_integer(array.type):
        if not pc.all(pc.string_is_ascii(text)).as_py():
            text = pc.utf8_normalize(text, form="NFC")
        text = pc.utf8_trim_whitespace(text)
    return text


def _whole_numbers(array: pa.Array, name: str) -> pa.Array:
    """int64 of a float column that holds whole numbers only (as exports do where ids are missing)."""
    values = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
    missing = np.isnan(values)
    whole = missing | ((np.abs(values) < _EXACT_FLOAT_LIMIT) & (values == np.floor(values)))
    if not whole.all():
        raise UsageError(
            "DATA-0009",
            f"key column {name!r} holds {np.count_nonzero(~whole)} numbers that are not exact whole numbers",
            hint="export the id column as text",
        )
    return pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing)


def buffers_of(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """(uint8 bytes, int64 offsets) of a large_string or large_binary array, not copied."""
    if not len(array):
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    _, offset_buffer, data_buffer = array.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[array.offset : array.offset + len(array) + 1]
    raw = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.zeros(0, np.uint8)
    return raw[offsets[0] : offsets[-1]], offsets - offsets[0]
