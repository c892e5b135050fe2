"""What is written comes back, by the ending of the name, and nothing half-written stays."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.base.errors import UsageError
from tacit.frame.sink import output_format, write_table
from tacit.frame.source import open_query, open_table

AWKWARD = pa.table(
    {"a": ["1", "x,y", 'q"q', None, " ", "two\nlines", "é"], "b": ["NA", "2", None, "4", "5", "-", "007"]}
)


def written(table: pa.Table, path: Path) -> Path:
    write_table(table, path, output_format(path))
    return path


@pytest.mark.parametrize("name", ["o.csv", "o.csv.gz", "o.tsv", "o.parquet", "O.CSV"])
def test_comes_back(tmp_path: Path, name: str) -> None:
    path = written(AWKWARD, tmp_path / name)
    assert open_table(path, verbatim=True).to_pydict() == AWKWARD.to_pydict()


def test_csv_is_plain(tmp_path: Path) -> None:
    table = pa.table({"id": ["a", None], "n": [1, None], "in_both": [True, False]})
    assert written(table, tmp_path / "o.csv").read_bytes() == b"id,n,in_both\na,1,true\n,,false\n"
    with gzip.open(written(table, tmp_path / "o.csv.gz")) as stream:
        assert stream.readline() == b"id,n,in_both\n"


def test_no_rows_leave_a_header(tmp_path: Path) -> None:
    table = pa.table({"id": pa.array([], pa.string())})
    assert written(table, tmp_path / "o.csv").read_bytes() == b"id\n"


def test_types_stay_in_parquet(tmp_path: Path) -> None:
    table = pa.table({"n": pa.array([1, None], pa.int32()), "x": [0.5, 1.5]})
    assert open_table(written(table, tmp_path / "o.parquet")).schema.equals(table.schema)


@pytest.mark.parametrize("name", ["o.xlsx", "o", "o.duckdb", "csv"])
def test_other_endings_are_refused(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        output_format(Path(name))
    assert caught.value.code == "DATA-0024"


def test_what_cannot_be_written_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    draft = tmp_path / "nowhere" / "o.csv"
    with pytest.raises(UsageError) as caught:
        write_table(AWKWARD, draft, output_format(draft))
    assert caught.value.code == "DATA-0025" and "x,y" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_named() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no device that is always full")
    with pytest.raises(UsageError) as caught:
        write_table(AWKWARD, Path("/dev/full"), output_format(Path("o.csv")))
    assert caught.value.code == "DATA-0025"


@given(
    st.lists(
        st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1), min_size=1
    )
)
@settings(deadline=None)
def test_any_text_comes_back_verbatim(
    tmp_path_factory: pytest.TempPathFactory, values: list[str | None]
) -> None:
    path = tmp_path_factory.mktemp("sink") / "o.csv"
    table = pa.table({"n": [str(i) for i in range(len(values))], "t": pa.array(values, pa.string())})
    assert open_table(written(table, path), verbatim=True)["t"].to_pylist() == values


def test_queries_read_files_and_databases(tmp_path: Path) -> None:
    path = written(AWKWARD, tmp_path / "o.parquet")
    assert open_query(f"SELECT a FROM '{path}' WHERE b = '4'").num_rows == 1
    for sql in (
        "CREATE TABLE x (i INTEGER)",
        "SELECT 1; SELECT 2",
        "",
        f"COPY (SELECT 1) TO '{tmp_path}/x.csv'",
    ):
        with pytest.raises(UsageError, match="one SELECT") as caught:
            open_query(sql)
        assert caught.value.code == "DATA-0026"
    assert not (tmp_path / "x.csv").exists()
    (tmp_path / "no.duckdb").write_bytes(b"this is no database" * 1000)
    for sql, database, code in (
        ("FROM x", tmp_path / "none.duckdb", "DATA-0001"),
        ("FROM x", tmp_path, "DATA-0002"),
        ("FROM x", tmp_path / "no.duckdb", "DATA-0026"),
        ("SELEC 1", None, "DATA-0026"),
        (f"SELECT CAST(a AS INTEGER) FROM '{path}'", None, "DATA-0026"),
    ):
        with pytest.raises(UsageError) as caught:
            open_query(sql, database)
        assert caught.value.code == code and "x,y" not in str(caught.value)
