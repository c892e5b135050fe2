"""Rows in another order through parts on disk, against taking them in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tacit.base.errors import UsageError
from tacit.frame.lines import ordered


def batches(table: pa.Table, size: int) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, size):
        yield table.slice(start, size)


@pytest.mark.parametrize("part_lines", [1, 7, 1000])
@pytest.mark.parametrize("n_lines", [0, 1, 60])
def test_lines_are_those_of_a_table_in_memory(tmp_path: Path, n_lines: int, part_lines: int) -> None:
    rng = np.random.default_rng(n_lines)
    table = pa.table({"id": [f"r{i}" for i in range(80)], "x": pa.array(range(80), pa.int32())})
    rows = rng.permutation(80)[:n_lines]
    rows[::4] = -1

    def numbered(part: pa.Table, lines: slice) -> pa.Table:
        return part.append_column("number", pa.array(np.arange(n_lines)[lines]))

    reader = ordered(batches(table, 33), rows, 80, tmp_path, numbered, part_lines)
    expected = table.take(pa.array(rows, mask=rows < 0)).append_column("number", pa.array(np.arange(n_lines)))
    assert reader.read_all().equals(expected)
    assert not list(tmp_path.iterdir()), "parts are gone once they are read"


def test_a_disk_that_takes_no_more_is_named(tmp_path: Path) -> None:
    table = pa.table({"x": [1, 2]})
    with pytest.raises(UsageError) as refused:
        ordered(batches(table, 2), np.array([1, 0]), 2, tmp_path / "gone", lambda part, lines: part)
    assert refused.value.code == "DATA-0025"
