"""Rows of a table larger than memory, written in another order: once through the table, once through parts.

Each row goes to the part of the result where its line is; a part fits into memory and is put in order there.
Parts are files in a private folder, and gone when the last of them has been read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa

from tacit.frame.sink import not_written

PART_LINES = 1 << 20
_MOST_PARTS = 250
"""Files that are open at once."""
_LINE = "line"


def ordered(
    batches: Iterator[pa.Table],
    rows: np.ndarray,
    n_rows: int,
    folder: Path,
    finish: Callable[[pa.Table, slice], pa.Table],
    part_lines: int = PART_LINES,
) -> pa.RecordBatchReader:
    """Line i of the result is row `rows[i]` of the table, empty where that is -1; no row is in two lines.

    `batches`: the table's `n_rows` rows in order, at least one batch; `finish`: adds columns to a part of the
    result, whose lines it is told. The reader reads what `folder` holds, so it must stay until then.
    Raises UsageError DATA-0025 if the disk is full.
    """
    part_lines = max(part_lines, -(-len(rows) // _MOST_PARTS))
    line_of_row = np.full(n_rows, -1, np.int64)
    lines = np.flatnonzero(rows >= 0)
    line_of_row[rows[lines]] = lines
    try:
        schema = _scatter(batches, line_of_row, folder, part_lines)
    except OSError:
        raise not_written(folder) from None

    def part(start: int) -> pa.Table:
        stop = min(start + part_lines, len(rows))
        table = _part(folder, start // part_lines, schema)
        place = np.full(stop - start, -1, np.int64)
        place[table[_LINE].to_numpy() - start] = np.arange(table.num_rows)
        whole = table.drop_columns([_LINE]).take(pa.array(place, mask=place < 0))
        return finish(whole, slice(start, stop))

    def parts() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(rows), part_lines):
            yield from part(start).combine_chunks().to_batches()

    none = finish(schema.empty_table().drop_columns([_LINE]), slice(0, 0))
    return pa.RecordBatchReader.from_batches(none.schema, parts())


def _scatter(
    batches: Iterator[pa.Table], line_of_row: np.ndarray, folder: Path, part_lines: int
) -> pa.Schema:
    first, schema = 0, pa.schema([])
    with ExitStack() as files:
        writers: dict[int, pa.RecordBatchStreamWriter] = {}
        for table in batches:
            lines = line_of_row[first : first + table.num_rows]
            first += table.num_rows
            wanted = np.flatnonzero(lines >= 0)
            wanted = wanted[np.argsort(lines[wanted] // part_lines, kind="stable")]
            moved = table.take(pa.array(wanted)).append_column(_LINE, pa.array(lines[wanted]))
            schema = moved.schema
            numbers, starts = np.unique(lines[wanted] // part_lines, return_index=True)
            stops = [*starts[1:].tolist(), len(wanted)]
            for number, start, stop in zip(numbers.tolist(), starts.tolist(), stops, strict=False):
                if number not in writers:
                    writers[number] = files.enter_context(pa.ipc.new_stream(folder / f"part{number}", schema))
                writers[number].write_table(moved.slice(start, stop - start))
    return schema


def _part(folder: Path, number: int, schema: pa.Schema) -> pa.Table:
    path = folder / f"part{number}"
    if not path.exists():
        return schema.empty_table()
    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
        table = stream.read_all()
    path.unlink()
    return table
