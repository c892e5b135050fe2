"""Equal keys become equal bytes, different ones different bytes, and what the rules touched is counted."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.base.errors import UsageError
from tacit.frame.joinkeys import JoinKeys, KeyRules, join_keys

LETTERS = st.characters(max_codepoint=0x370, exclude_characters="\u0130")
"""Whose small forms are the same in every version of Unicode."""
TEXT = st.text(LETTERS, max_size=5) | st.sampled_from(
    [
        " a",
        "a ",
        "e\u0301",
        "\u00e9",
        "\u3000b",
        "\t",
        "",
        "A",
        "a",
        "\u1112\u1161\u11ab",
        "\ud55c",
        "\U00020000",
    ]
)
RULES = st.builds(KeyRules, trim=st.booleans(), case=st.sampled_from(["keep", "lower"]))
DEFAULT = KeyRules()
WHITE_SPACE = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\x1c\x1d\x1e\x1f"
)


def table(*columns: Any) -> pa.Table:
    return pa.table({f"k{i}": column for i, column in enumerate(columns)})


def keys(*columns: Any, rules: KeyRules = DEFAULT, **options: Any) -> JoinKeys:
    data = table(*columns)
    return join_keys(data, data.column_names, rules, **options)


def spelt(found: JoinKeys) -> list[bytes]:
    return [found.data[found.offsets[i] : found.offsets[i + 1]].tobytes() for i in range(len(found))]


def canonical(value: str | None, rules: KeyRules) -> str | None:
    """The rules in plain Python."""
    if value is None:
        return None
    text = unicodedata.normalize("NFC", lower(value) if rules.case == "lower" else value)
    return text.strip(WHITE_SPACE) if rules.trim else text


def lower(text: str) -> str:
    """Letter by letter, as tables do it, whatever comes before or after."""
    return "".join(one if len(one.lower()) > 1 else one.lower() for one in text)


@settings(deadline=None)
@given(st.lists(st.tuples(st.none() | TEXT, st.none() | TEXT), min_size=1, max_size=30), RULES)
def test_composite_keys_against_plain_python(rows: list[tuple[Any, Any]], rules: KeyRules) -> None:
    first, second = (pa.array(column, pa.string()) for column in zip(*rows, strict=True))
    found = keys(first, second, rules=rules)
    seen: dict[tuple[str, str], int] = {}
    n_null = n_empty = 0
    for row, pair in enumerate(rows):
        left, right = (canonical(value, rules) for value in pair)
        if left is None or right is None:
            n_null += 1
        elif not left or not right:
            n_empty += 1
        else:
            seen.setdefault((left, right), row)
    expected = [
        b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in pair) for pair in seen
    ]
    assert spelt(found) == expected and found.rows.tolist() == list(seen.values())
    counts = found.found
    assert (counts.rows, counts.distinct, counts.null, counts.empty) == (
        len(rows),
        len(seen),
        n_null,
        n_empty,
    )
    assert counts.rows == counts.distinct + counts.null + counts.empty + counts.repeated
    assert len(found.without) == n_null + n_empty


@settings(deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=20), RULES)
def test_rules_change_nothing_that_they_made(values: list[str], rules: KeyRules) -> None:
    once = keys(pa.array(values), rules=rules)
    if len(once):
        again = keys(pa.array([key.decode() for key in spelt(once)]), rules=rules)
        assert spelt(again) == spelt(once)
        assert (again.found.trimmed, again.found.normalised, again.found.lowered) == (0, 0, 0)


@settings(deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=2, max_size=2, unique=True))
def test_different_keys_are_spelt_differently(rows: list[tuple[str, str]]) -> None:
    exact = KeyRules(trim=False)
    normal = [tuple(unicodedata.normalize("NFC", part) for part in row) for row in rows]
    found = keys(*map(pa.array, zip(*rows, strict=True)), rules=exact)
    if all(all(row) for row in rows):
        assert len(set(spelt(found))) == len(set(normal))


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integers_equal_their_decimal_text(values: list[int | None]) -> None:
    text = pa.array([None if value is None else str(value) for value in values], pa.string())
    assert spelt(keys(pa.array(values, pa.int64()))) == spelt(keys(text))


def test_leading_zeros_make_another_key() -> None:
    found = keys(pa.array(["1", "01", "0", " 01"]))
    assert spelt(found) == [b"1", b"01", b"0"]
    assert found.found.zeros == 2 and found.found.trimmed == 1 and found.found.repeated == 1


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1.0, 2.0]),
        pa.array([1.5], pa.float32()),
        pa.array([True]),
        pa.array([0], pa.timestamp("us")),
        pa.array([None], pa.float64()),
    ],
)
def test_other_types_are_refused(column: pa.Array) -> None:
    with pytest.raises(UsageError, match="cannot be a key") as caught:
        keys(column)
    assert caught.value.code == "DATA-0009" and "'k0'" in str(caught.value)


def test_repeated_keys_can_be_refused() -> None:
    with pytest.raises(UsageError) as caught:
        keys(pa.array(["a", "b", "a "]), duplicates="refuse")
    assert caught.value.code == "DATA-0008" and "'a'" not in str(caught.value)


def test_texts_that_mean_null() -> None:
    found = keys(pa.array(["NULL", "a", ""]), null_texts=("", "NULL"))
    assert spelt(found) == [b"a"] and found.found.null == 2 and found.without.tolist() == [0, 2]


def test_no_key_at_all() -> None:
    found = keys(pa.nulls(3))
    assert len(found) == 0 and found.offsets.tolist() == [0] and found.without.tolist() == [0, 1, 2]


def test_dictionaries_and_views() -> None:
    plain = pa.array(["x", None, "y"])
    for column in (plain.dictionary_encode(), plain.cast(pa.string_view()), pa.chunked_array([plain, plain])):
        assert spelt(keys(column)) == [b"x", b"y"]


def test_a_slice_is_read_where_it_lies() -> None:
    found = keys(pa.array(["a", "bb", "ccc", "dd"]).slice(1, 2))
    assert spelt(found) == [b"bb", b"ccc"] and found.data.dtype == np.uint8
