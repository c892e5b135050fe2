"""Tables to files: CSV (plain or gzip) and Parquet, written through DuckDB in this process only."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from tacit.base.errors import UsageError
from tacit.frame.source import SETTINGS

_FORMATS = {
    ".csv": "FORMAT csv, HEADER, DELIMITER ',', COMPRESSION none",
    ".csv.gz": "FORMAT csv, HEADER, DELIMITER ',', COMPRESSION gzip",
    ".tsv": "FORMAT csv, HEADER, DELIMITER '\t', COMPRESSION none",
    ".parquet": "FORMAT parquet",
}


def output_format(file: Path) -> str:
    """How a file of this name is written. Raises UsageError DATA-0024."""
    for ending, how in _FORMATS.items():
        if file.name.lower().endswith(ending):
            return how
    raise UsageError(
        "DATA-0024",
        f"output file {file.name!r} is of a kind that is not written",
        hint=f"end its name in {', '.join(_FORMATS)}",
    )


def write_table(table: pa.Table | pa.RecordBatchReader, draft: Path, how: str) -> None:
    """Write `table` to `draft`, as `output_format` says. NULL is an empty field of a CSV.

    Raises UsageError DATA-0025 if it cannot be written (a full disk).
    """
    with duckdb.connect(":memory:", config=SETTINGS) as connection:
        connection.register("result", table)
        try:
            path = str(draft).replace("'", "''")
            connection.execute(f"COPY (SELECT * FROM result) TO '{path}' ({how})")
        except duckdb.Error:
            # The writer's text may quote values.
            failed = True
        else:
            failed = False
    if failed:
        draft.unlink(missing_ok=True)
        raise not_written(draft.parent)


def not_written(folder: Path) -> UsageError:
    return UsageError(
        "DATA-0025",
        f"the result cannot be written to {str(folder)!r}",
        hint="check the folder and the free space",
    )
