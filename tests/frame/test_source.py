"""Files of every kind come in whole; every bad file is refused with its code and without a value of it."""

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from tacit.base.errors import UsageError
from tacit.frame.source import open_table, stream_table

ROWS = "id,amount,city\n00123,1.5,Köln\n00124,,Paris\n7,2,NA\n"
FOLDERS = ["plain", "with space", 'quote\'s "double"', "数据 资料", "pattern[1]*?", "semi;colon--"]


@pytest.fixture(params=FOLDERS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / request.param
    path.mkdir()
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a b'[0-9]*.CSV"])
def test_csv_keeps_ids_and_finds_types(folder: Path, name: str) -> None:
    raw = ROWS.encode()
    (folder / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    table = open_table(folder / name, text=("id",))
    assert table.column_names == ["id", "amount", "city"]
    assert table["id"].to_pylist() == ["00123", "00124", "7"]
    assert table["amount"].to_pylist() == [1.5, None, 2.0]
    assert table["city"].to_pylist() == ["Köln", "Paris", None]


def test_a_pattern_in_a_name_opens_that_file_only(tmp_path: Path) -> None:
    (tmp_path / "a*.csv").write_text("x\n1\n")
    (tmp_path / "ab.csv").write_text("x\n2\n")
    assert open_table(tmp_path / "a*.csv")["x"].to_pylist() == [1]


def test_parquet(folder: Path) -> None:
    pq.write_table(pa.table({"id": [5, 6], "x": ["a", None]}), folder / "t.parquet")
    table = open_table(folder / "t.parquet", ["x", "id"])
    assert table.to_pydict() == {"x": ["a", None], "id": [5, 6]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(tmp_path: Path, delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in (["id", "x", "y"], ["1", "2.5", "a"], ["2", "3.5", "b"]))
    (tmp_path / "t.csv").write_text(text)
    assert open_table(tmp_path / "t.csv").to_pydict() == {"id": [1, 2], "x": [2.5, 3.5], "y": ["a", "b"]}


def test_byte_order_mark_quotes_and_windows_line_ends(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes('id,note\r\n1,"a, ""b""\nc"\r\n'.encode("utf-8-sig"))
    assert open_table(tmp_path / "t.csv", text=("id",)).to_pydict() == {"id": ["1"], "note": ['a, "b"\nc']}


def test_a_late_text_changes_the_type_of_the_whole_column(tmp_path: Path) -> None:
    numbers = "\n".join(str(i) for i in range(60_000))
    (tmp_path / "t.csv").write_text(f"x\n{numbers}\nlate\n")
    table = open_table(tmp_path / "t.csv")
    assert pa.types.is_string(table["x"].type) and table.num_rows == 60_001


def test_row_order_is_the_files(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x\n" + "\n".join(str(i) for i in range(300_000)) + "\n")
    assert open_table(tmp_path / "t.csv")["x"].to_pylist() == list(range(300_000))


def refused(
    path: Path, code: str, columns: list[str] | None = None, text: tuple[str, ...] = ()
) -> UsageError:
    with pytest.raises(UsageError) as caught:
        open_table(path, columns, text=text)
    assert caught.value.code == code and caught.value.hint
    return caught.value


def test_missing_file_and_folder(tmp_path: Path) -> None:
    refused(tmp_path / "no.csv", "DATA-0001")
    assert "no folder" in refused(tmp_path / "nowhere" / "no.csv", "DATA-0001").hint


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "d.csv").mkdir()
    refused(tmp_path / "d.csv", "DATA-0002")


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text(ROWS)

    def deny(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)
    assert "may not be read" in refused(tmp_path / "a.csv", "DATA-0002").message


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.parquet.gz"])
def test_unknown_kind(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(ROWS)
    refused(tmp_path / name, "DATA-0003")


@pytest.mark.parametrize(("name", "raw"), [("a.csv", b""), ("a.csv", b"id,x\n"), ("a.parquet", b"")])
def test_no_rows(tmp_path: Path, name: str, raw: bytes) -> None:
    (tmp_path / name).write_bytes(raw)
    refused(tmp_path / name, "DATA-0004")


def test_parquet_without_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": pa.array([], pa.int64())}), tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", "DATA-0004")


def test_ragged_csv_names_the_line_and_no_value(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i}\n" for i in range(3000))
    (tmp_path / "a.csv").write_text(f"id,x\n{rows}secret-77,1,2,3\n")
    message = str(refused(tmp_path / "a.csv", "DATA-0002"))
    assert "3002" in message and "secret" not in message


@pytest.mark.parametrize("name", ["a.csv.gz", "a.parquet"])
def test_damaged_file(tmp_path: Path, name: str) -> None:
    if name.endswith(".gz"):
        whole = gzip.compress(os.urandom(20_000).hex().encode())
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    else:
        (tmp_path / name).write_bytes(b"PAR1 this is no parquet file PAR1")
    refused(tmp_path / name, "DATA-0002")


def test_cut_gzip_with_whole_rows_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress("".join(["id,x\n", *(f"{i},{i * i}\n" for i in range(50_000))]).encode())
    (tmp_path / "a.csv.gz").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "a.csv.gz", "DATA-0002")


def test_other_character_sets(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("id,城市\n1,北京\n".encode("gb18030"))
    refused(tmp_path / "a.csv", "DATA-0018")


def test_missing_column_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,credit_amount,age\n1,2,3\n")
    error = refused(tmp_path / "a.csv", "DATA-0005", ["id", "Credit_Amount"])
    assert "'Credit_Amount'" in error.message and "credit_amount" in error.hint
    refused(tmp_path / "a.csv", "DATA-0005", ["id"], text=("uid",))


def test_network_addresses_are_files_that_do_not_exist() -> None:
    refused(Path("https://example.org/a.csv"), "DATA-0001")


def test_no_statement_hides_in_a_column_name(tmp_path: Path) -> None:
    name = 'x" FROM range(3); --'
    pq.write_table(pa.table({name: [1, 2]}), tmp_path / "a.parquet")
    assert open_table(tmp_path / "a.parquet", [name])[name].to_pylist() == [1, 2]


def test_a_repeated_column_name_is_refused_where_it_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,x,y,x\n1,2,3,4\n")
    assert refused(tmp_path / "a.csv", "DATA-0023", ["id", "x"]).message.endswith("'x'")
    assert open_table(tmp_path / "a.csv", ["id"])["id"].to_pylist() == [1]


@pytest.mark.parametrize("first", ["#1,a,b", "'1,a'',b", "total,,"])
def test_odd_first_rows_are_rows(tmp_path: Path, first: str) -> None:
    (tmp_path / "a.csv").write_text(f"id,x,y\n{first}\n2,c,d\n3,e,f\n")
    table = open_table(tmp_path / "a.csv", text=("id",))
    assert table.num_rows == 3 and table["id"][0].as_py() == first.split(",")[0]


def test_unnamed_index_column_and_spaces_in_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(',id, x,"y, z"\n0,7,1,2\n')
    assert open_table(tmp_path / "a.csv").to_pydict() == {"id": [7], "x": [1], "y, z": [2]}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_goes_by_in_batches_in_its_own_order(tmp_path: Path, kind: str) -> None:
    path, n = tmp_path / f"a.{kind}", 300_000
    table = pa.table({"id": [f"{i:08d}" for i in range(n)], "x": range(n)})
    pq.write_table(table, path) if kind == "parquet" else pa_csv.write_csv(table, path)
    batches = list(stream_table(path, ["x", "id"], text=["id"], batch_rows=1 << 14))
    assert len(batches) > 4
    assert pa.concat_tables(batches).equals(open_table(path, ["x", "id"], text=["id"]))


def test_a_stream_refuses_as_a_table_does(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n")
    for read in (open_table, lambda path: list(stream_table(path))):
        with pytest.raises(UsageError) as refused:
            read(tmp_path / "a.csv")
        assert refused.value.code == "DATA-0004"
