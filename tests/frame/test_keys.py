"""Equal ids become equal bytes whatever the file kind; what is left out is counted or refused."""

import time
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.base.errors import UsageError
from tacit.frame.keys import Keys, canonical_keys

TEXT = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    [" a", "a ", "é", "é", "　b", "\t"]
)


def ids(keys: Keys) -> list[bytes]:
    return [keys[i] for i in range(len(keys))]


def spec(values: list[str | None]) -> tuple[list[bytes], list[int], int, int]:
    """The same in plain Python: (ids, rows, n_null, n_duplicate)."""
    seen: dict[str, int] = {}
    n_null = n_duplicate = 0
    for row, value in enumerate(values):
        text = unicodedata.normalize("NFC", value or "").strip(WHITE_SPACE)
        if not text:
            n_null += 1
        elif text in seen:
            n_duplicate += 1
        else:
            seen[text] = row
    return [text.encode() for text in seen], list(seen.values()), n_null, n_duplicate


WHITE_SPACE = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\x1c\x1d\x1e\x1f"
)


@given(st.lists(st.none() | TEXT, min_size=1, max_size=30))
def test_against_plain_python(values: list[str | None]) -> None:
    expected = spec(values)
    if not expected[0]:
        with pytest.raises(UsageError) as caught:
            canonical_keys(pa.array(values, pa.string()))
        assert caught.value.code == "DATA-0019"
        return
    keys = canonical_keys(pa.array(values, pa.string()))
    assert (ids(keys), keys.rows.tolist(), keys.n_null, keys.n_duplicate) == expected
    again = canonical_keys(pa.array([key.decode() for key in ids(keys)]))
    assert ids(again) == ids(keys) and again.n_null == again.n_duplicate == 0


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1).filter(any))
def test_integers_equal_their_decimal_text(values: list[int | None]) -> None:
    numbers = canonical_keys(pa.array(values, pa.int64()))
    texts = canonical_keys(pa.array([None if value is None else str(value) for value in values]))
    assert ids(numbers) == ids(texts) and numbers.rows.tolist() == texts.rows.tolist()


def test_sliced_chunked_and_dictionary_columns_agree() -> None:
    values = ["x", "b", "a", " b", "", None, "c"]
    plain = canonical_keys(pa.array(values[1:]))
    chunked = pa.chunked_array([pa.array(values[1:3]), pa.array(values[3:])])
    for column in (
        pa.array(values)[1:],
        chunked,
        pa.array(values)[1:].dictionary_encode(),
        chunked.cast("large_string"),
    ):
        keys = canonical_keys(column)
        assert ids(keys) == ids(plain) == [b"b", b"a", b"c"]
        assert keys.rows.tolist() == [0, 1, 5] and (keys.n_null, keys.n_duplicate) == (2, 1)
    assert plain.data.dtype == np.uint8 and plain.offsets.dtype == plain.rows.dtype == np.int64
    assert plain.offsets.tolist() == [0, 1, 2, 3]


def test_whole_floats_are_integers_and_others_refused() -> None:
    assert ids(canonical_keys(pa.array([1.0, None, float("nan"), 12.0]))) == [b"1", b"12"]
    for bad in ([1.5], [2.0**53], [float("inf")]):
        with pytest.raises(UsageError) as caught:
            canonical_keys(pa.array(bad))
        assert caught.value.code == "DATA-0009"


@pytest.mark.parametrize(
    "column", [pa.array([True]), pa.array([[1]]), pa.array([b"raw"]), pa.array([0], pa.date32())]
)
def test_types_that_are_no_ids(column: pa.Array) -> None:
    with pytest.raises(UsageError) as caught:
        canonical_keys(column, name="uid")
    assert caught.value.code == "DATA-0009" and "'uid'" in caught.value.message


def test_refusals_tell_counts_and_no_values() -> None:
    column = pa.array(["anna", None, " ", "anna", "anna", "bert"])
    with pytest.raises(UsageError) as nulls:
        canonical_keys(column, nulls="refuse")
    with pytest.raises(UsageError) as duplicates:
        canonical_keys(column, duplicates="refuse")
    assert (nulls.value.code, duplicates.value.code) == ("DATA-0007", "DATA-0008")
    assert "2 empty ids in 6 rows" in nulls.value.message and "2 rows" in duplicates.value.message
    assert "anna" not in str(nulls.value) + str(duplicates.value)
    assert len(canonical_keys(pa.array(["a", "b"]), nulls="refuse", duplicates="refuse")) == 2


@pytest.mark.parametrize("column", [pa.array([None, ""]), pa.nulls(3), pa.array([], pa.string())])
def test_no_id_at_all(column: pa.Array) -> None:
    with pytest.raises(UsageError) as caught:
        canonical_keys(column)
    assert caught.value.code == "DATA-0019"


def test_take() -> None:
    keys = canonical_keys(pa.array(["aa", "b", "", "cccc", "dd"]))
    chosen = keys.take(np.array([3, 0, 2]))
    assert ids(chosen) == [b"dd", b"aa", b"cccc"] and chosen.rows.tolist() == [4, 0, 3]
    assert len(keys.take(np.array([], dtype=np.int64))) == 0
    with pytest.raises(IndexError):
        keys[4]


def test_a_million_rows_are_quick() -> None:
    column = pa.array([f"客户-{i % 900_000:07d}" for i in range(1_000_000)])
    started = time.perf_counter()
    keys = canonical_keys(column)
    seconds = time.perf_counter() - started
    assert len(keys) == 900_000 and keys.n_duplicate == 100_000
    assert seconds < 6, f"{seconds:.1f} s; 1.5 s on an idle machine"
