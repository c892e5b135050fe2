"""Tables from files: CSV (plain or gzip) and Parquet, read through DuckDB in this process only."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TextIO

import duckdb
import pyarrow as pa

from tacit.base.errors import UsageError
from tacit.frame.columns import require_columns

CSV_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
PARQUET_ENDINGS = (".parquet",)
DATABASE_ENDINGS = (".duckdb", ".ddb", ".db")
DELIMITERS = (",", ";", "\t", "|")

MISSING_TEXTS = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")
"""What a CSV field that holds no value looks like."""

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    # Without a folder to spill to, no row is ever written to disk in clear.
    "temp_directory": "",
}


def open_table(
    path: str | Path,
    columns: Sequence[str] | None = None,
    *,
    text: Collection[str] = (),
    verbatim: bool = False,
) -> pa.Table:
    """The rows of a .csv, .csv.gz, .tsv or .parquet file, in file order.

    `columns`: those to read, in this order; None reads all. `text`: columns of a CSV that keep their
    text exactly (the key column above all: 00123 stays 00123; categories). Types of the others are
    found by looking at every row. `verbatim`: all columns of a CSV keep their text, and only an empty field
    holds no value. Raises UsageError DATA-0001 to DATA-0005, DATA-0018, DATA-0023.
    """
    tables = _read(Path(path), columns, text, verbatim, lambda relation: iter([relation.to_arrow_table()]))
    return next(tables)


def stream_table(
    path: str | Path,
    columns: Sequence[str] | None = None,
    *,
    text: Collection[str] = (),
    verbatim: bool = False,
    batch_rows: int = 1 << 20,
) -> Iterator[pa.Table]:
    """The same rows in the same order, about `batch_rows` at a time: of a file larger than memory."""

    def batches(relation: duckdb.DuckDBPyRelation) -> Iterator[pa.Table]:
        for batch in relation.to_arrow_reader(batch_rows):
            yield pa.Table.from_batches([batch])

    return _read(Path(path), columns, text, verbatim, batches)


def _read(
    file: Path,
    columns: Sequence[str] | None,
    text: Collection[str],
    verbatim: bool,
    tables: Callable[[duckdb.DuckDBPyRelation], Iterator[pa.Table]],
) -> Iterator[pa.Table]:
    name = _check_file(file)
    n_rows = 0
    with duckdb.connect(":memory:", config=SETTINGS) as connection:
        try:
            if name.endswith(CSV_ENDINGS):
                relation, wanted = _open_csv(connection, file, columns, text, verbatim)
            else:
                relation, wanted = _open_parquet(connection, file, columns)
            for table in tables(relation):
                n_rows += table.num_rows
                if table.num_rows:
                    yield table.rename_columns(wanted)
            if n_rows:
                return
            refusal = _no_rows(file)
        except duckdb.Error as error:
            # The reader's text may quote rows, so only a line number is taken from it.
            line = re.search(r"\bLine: (\d+)", str(error))
            refusal = _unreadable(file, int(line[1]) if line else 0)
        except (OSError, EOFError, zlib.error, UnicodeDecodeError):
            refusal = _unreadable(file)
    raise refusal


def open_query(sql: str, database: str | Path | None = None) -> pa.Table:
    """What the owner's query gives: of a DuckDB database, opened to be read only, or of files that it names.

    Raises UsageError DATA-0001, DATA-0002 for the database, DATA-0026 for the query.
    """
    home = ":memory:" if database is None else str(_existing(Path(database)))
    try:
        with duckdb.connect(home, read_only=database is not None, config=SETTINGS) as connection:
            if [each.type for each in duckdb.extract_statements(sql)] != [duckdb.StatementType.SELECT]:
                raise UsageError("DATA-0026", "the query is not one SELECT", hint="it must give one table")
            return connection.sql(sql).to_arrow_table()
    except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException) as error:
        # These speak of the query's own text; what comes up while rows are read may quote values.
        reason = str(error).partition("\n")[0]
    except duckdb.Error as error:
        reason = type(error).__name__
    raise UsageError("DATA-0026", f"the query fails: {reason}", hint="try it in the duckdb shell first")


def _existing(file: Path) -> Path:
    if not file.exists():
        raise UsageError("DATA-0001", f"data file {str(file)!r} does not exist", hint=_nearest_file(file))
    if not file.is_file():
        raise UsageError("DATA-0002", f"{str(file)!r} is not a file", hint="name one data file, not a folder")
    return file


def _check_file(file: Path) -> str:
    name = file.name.lower()
    if not file.exists():
        raise UsageError("DATA-0001", f"data file {str(file)!r} does not exist", hint=_nearest_file(file))
    if name.endswith(DATABASE_ENDINGS):
        raise UsageError(
            "DATA-0003",
            f"data file {file.name!r} is a database",
            hint="tacit psi takes a query of it: --query 'FROM customers'",
        )
    if not name.endswith(CSV_ENDINGS + PARQUET_ENDINGS):
        raise UsageError(
            "DATA-0003",
            f"data file {file.name!r} is of a kind that is not read",
            hint="give a .csv, .csv.gz, .tsv, .tsv.gz or .parquet file",
        )
    try:
        if not file.is_file():
            raise UsageError(
                "DATA-0002", f"{str(file)!r} is not a file", hint="name one data file, not a folder"
            )
        with file.open("rb") as stream:
            empty = not stream.read(1)
    except OSError:
        raise UsageError(
            "DATA-0002",
            f"data file {str(file)!r} may not be read",
            hint="let the user who runs Tacit read it",
        ) from None
    if empty:
        raise _no_rows(file)
    return name


def _nearest_file(file: Path) -> str:
    if not file.parent.is_dir():
        return f"there is no folder {str(file.parent)!r}; relative paths start at the current folder"
    return "check the path; relative paths start at the current folder"


def _no_rows(file: Path) -> UsageError:
    return UsageError("DATA-0004", f"data file {file.name!r} has no rows", hint="export the data again")


def _unreadable(file: Path, line_number: int = 0) -> UsageError:
    if file.name.lower().endswith(CSV_ENDINGS) and not _is_utf8(file):
        return UsageError(
            "DATA-0018",
            f"data file {file.name!r} is not UTF-8 text",
            hint="convert it, for example: iconv -f GB18030 -t UTF-8 old.csv > new.csv",
        )
    where = f" at line {line_number}" if line_number else ""
    return UsageError(
        "DATA-0002",
        f"data file {file.name!r} cannot be read{where}",
        hint="every row needs as many fields as the header; check that the file is whole and of its kind",
    )


def _is_utf8(file: Path) -> bool:
    """Whether the text decodes, as far as the file can be read at all."""
    try:
        with _text_stream(file) as stream:
            while stream.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return False
    except (OSError, EOFError, zlib.error):
        return True
    return True


def _literal(file: Path) -> str:
    """`file` as DuckDB takes it literally, not as a pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(file.absolute()))


def _quoted(names: Sequence[str]) -> str:
    return ", ".join('"' + name.replace('"', '""') + '"' for name in names)


def _open_csv(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    columns: Sequence[str] | None,
    text: Collection[str],
    verbatim: bool,
) -> tuple[duckdb.DuckDBPyRelation, list[str]]:
    delimiter, existing = _read_header(file)
    wanted = [name for name in existing if name] if columns is None else list(columns)
    require_columns(existing, [*wanted, *text], f"data file {file.name!r}")
    twice = sorted({name for name in wanted if existing.count(name) > 1})
    if twice:
        raise UsageError(
            "DATA-0023",
            f"data file {file.name!r} has several columns named {', '.join(map(repr, twice))}",
            hint="give every column its own name in the header line",
        )
    # Columns go by position and only their types are found by looking: a guessed header, quote, comment
    # sign or first line would silently lose rows.
    options: dict[str, object] = {
        "names": [f"c{i}" for i in range(len(existing))],
        "header": True,
        "skip": 0,
        "delim": delimiter,
        "quote": '"',
        "escape": '"',
        "comment": "",
        "nullstr": [""] if verbatim else list(MISSING_TEXTS),
        "sample_size": -1,
        "compression": "gzip" if _is_gzip(file) else "none",
    }
    # Columns that nobody asked for need no type either.
    typed = set() if verbatim else {name for name in wanted if name not in text}
    if untyped := [i for i, name in enumerate(existing) if name not in typed]:
        options["types"] = {f"c{i}": "VARCHAR" for i in untyped}
    if not typed:
        options["sample_size"] = 1
    chosen = ", ".join(f"c{existing.index(name)}" for name in wanted)
    settings = ", ".join(f"{option} = ${option}" for option in options)
    query = f"SELECT {chosen} FROM read_csv($path, {settings})"
    values = {"path": _literal(file), **options}
    return connection.sql(query, params=values), wanted


def _is_gzip(file: Path) -> bool:
    return file.name.lower().endswith(".gz")


def _text_stream(file: Path) -> TextIO:
    return (gzip.open if _is_gzip(file) else open)(file, "rt", encoding="utf-8-sig", newline="")


def _read_header(file: Path) -> tuple[str, list[str]]:
    """(delimiter, column names): of the delimiters known, the one that the first line holds most."""
    with _text_stream(file) as stream:
        line = stream.readline()
        unquoted = "".join(line.split('"')[::2])
        delimiter = max(DELIMITERS, key=unquoted.count)
        stream.seek(0)
        try:
            names = next(csv.reader(stream, delimiter=delimiter, strict=True))
            return delimiter, [name.strip() for name in names]
        except (csv.Error, StopIteration):
            raise _unreadable(file, line_number=1) from None


def _open_parquet(
    connection: duckdb.DuckDBPyConnection, file: Path, columns: Sequence[str] | None
) -> tuple[duckdb.DuckDBPyRelation, list[str]]:
    shared = {"path": _literal(file)}
    existing = connection.sql("SELECT * FROM read_parquet($path) LIMIT 0", params=shared).columns
    wanted = list(existing if columns is None else columns)
    require_columns(existing, wanted, f"data file {file.name!r}")
    query = f"SELECT {_quoted(wanted)} FROM read_parquet($path)"
    return connection.sql(query, params=shared), wanted
