"""Columns become numbers by what the training rows say; bad columns are refused with what to write."""

import json

import numpy as np
import pyarrow as pa
import pytest

from tacit.base.errors import UsageError
from tacit.frame.columns import ColumnSpec, parse_columns, suggest, text_columns
from tacit.frame.features import FeaturePlan, fit, label_column

N = 200
GENERATOR = np.random.default_rng(5)
AGE = GENERATOR.integers(18, 80, N)
CITY = GENERATOR.choice(["Köln", "Paris", "Oslo"], N, p=[0.5, 0.3, 0.2])
GRADE = GENERATOR.choice(["low", "mid", "high"], N)
TABLE = pa.table(
    {"age": AGE, "city": CITY, "grade": GRADE, "one": [1.5] * N, "note": [f"n{i}" for i in range(N)]}
)
CITY_SPEC = {"name": "city", "encoding": "category"}


def refused(code: str, call: object, *arguments: object, **options: object) -> UsageError:
    with pytest.raises(UsageError) as caught:
        call(*arguments, **options)  # type: ignore[operator]
    assert caught.value.code == code and caught.value.hint
    return caught.value


def test_numbers_are_standardised_on_the_training_rows() -> None:
    plan = fit(TABLE, ["age"])
    x, names = plan.transform(TABLE)
    assert names == ("age",) and x.shape == (N, 1) and x.dtype == np.float64
    np.testing.assert_allclose(x[:, 0], (AGE - AGE.mean()) / AGE.std(), rtol=1e-12)
    later, _ = plan.transform(pa.table({"age": [float(AGE.mean()), 10_000.0, -10_000.0]}))
    np.testing.assert_allclose(later[:, 0], [0, 8, -8], atol=1e-12)


def test_missing_numbers_take_the_training_median() -> None:
    values = [None, float("nan"), *range(98)]
    plan = fit(pa.table({"v": pa.array(values, pa.float64())}), ["v"])
    filled = np.array([48.5, 48.5, *range(98)])
    x, _ = plan.transform(pa.table({"v": pa.array([None, 48.5], pa.float64())}))
    np.testing.assert_allclose(x[:, 0], (48.5 - filled.mean()) / filled.std())
    assert x[0] == x[1] == plan.transform(pa.table({"v": pa.nulls(1)}))[0][0]


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint64(), pa.float32(), pa.decimal128(24, 2), pa.bool_()])
def test_every_number_type(kind: pa.DataType) -> None:
    values = [0, 1] * 30
    x, _ = fit(pa.table({"v": pa.array(values).cast(kind)}), ["v"]).transform(
        pa.table({"v": pa.array(values).cast(kind)})
    )
    np.testing.assert_allclose(x[:, 0], np.array(values) * 2 - 1)


def test_one_hot_leaves_out_the_commonest_level() -> None:
    plan = fit(TABLE, [CITY_SPEC])
    x, names = plan.transform(TABLE)
    assert names == ("city=Paris", "city=Oslo")
    np.testing.assert_array_equal(x, np.stack([CITY == "Paris", CITY == "Oslo"], axis=1))


def test_unseen_levels_are_zero_and_counted() -> None:
    plan = fit(TABLE, ["age", CITY_SPEC])
    later = pa.table({"age": [1, 2, 3, 4], "city": ["Oslo", "Rome", None, "Köln"]})
    x, _ = plan.transform(later)
    np.testing.assert_array_equal(x[:, 1:], [[0, 1], [0, 0], [0, 0], [0, 0]])
    assert plan.unseen(later) == {"city": 2} and plan.unseen(TABLE) == {}


def test_rare_levels_share_one_column_and_missing_is_a_level() -> None:
    values = ["a"] * 50 + ["b"] * 20 + ["c"] * 19 + ["d"] * 1 + [None] * 25
    table = pa.table({"v": values})
    plan = fit(table, [{"name": "v", "encoding": "category"}])
    x, names = plan.transform(table)
    assert names == ("v=(missing)", "v=b", "v=(other)")
    np.testing.assert_array_equal(x.sum(axis=0), [25, 20, 20])
    np.testing.assert_array_equal(
        plan.transform(pa.table({"v": ["d", "a", "e"]}))[0], [[0, 0, 1], [0] * 3, [0] * 3]
    )


def test_too_few_rare_rows_have_no_column() -> None:
    plan = fit(pa.table({"v": ["a"] * 40 + ["b"] * 20 + ["c"] * 19}), [{"name": "v", "encoding": "category"}])
    assert plan.names == ("v=b",) and plan.unseen(pa.table({"v": ["a", "b", "c"]})) == {}


def test_numbers_as_categories_and_row_order_of_levels() -> None:
    values = [3] * 30 + [1] * 30 + [2] * 30
    spec = [{"name": "v", "encoding": "category"}]
    plans = [fit(pa.table({"v": np.random.default_rng(i).permutation(values)}), spec) for i in range(5)]
    assert all(plan == plans[0] for plan in plans) and plans[0].names == ("v=2", "v=3")
    assert plans[0].transform(pa.table({"v": [2.0, 3.0]}))[0].tolist() == [[1, 0], [0, 1]]
    gaps = fit(pa.table({"v": [1.0] * 30 + [np.nan] * 25 + [2.0] * 20}), spec)
    assert gaps.names == ("v=(missing)", "v=2")


def test_ordinal_levels_are_ranks() -> None:
    spec = {"name": "grade", "encoding": "ordinal:[low, mid, high]"}
    plan = fit(TABLE, [spec])
    ranks = np.select([GRADE == "low", GRADE == "mid"], [0.0, 1.0], 2.0)
    x, names = plan.transform(TABLE)
    assert names == ("grade",)
    np.testing.assert_allclose(x[:, 0], (ranks - ranks.mean()) / ranks.std())
    later = pa.table({"grade": ["top", None, "mid"]})
    assert plan.unseen(later) == {"grade": 1} and len(set(plan.transform(later)[0][:, 0])) == 1
    error = refused("DATA-0015", fit, TABLE, [{"name": "grade", "encoding": "ordinal:[low, high]"}])
    assert str(np.count_nonzero(GRADE == "mid")) in error.message


def test_the_saved_plan_gives_the_same_numbers() -> None:
    values = pa.table(
        {"age": AGE, "city": CITY, "grade": GRADE, "rare": ["x"] * 120 + ["y"] * 60 + ["z"] * 20}
    )
    specs = [
        "age",
        CITY_SPEC,
        {"name": "rare", "encoding": "category"},
        ColumnSpec("grade", "ordinal", ("low", "mid", "high")),
    ]
    plan = fit(values, specs)
    again = FeaturePlan.from_json(json.loads(json.dumps(plan.to_json())))
    assert again == plan and again.text_columns == ("city", "rare", "grade")
    np.testing.assert_array_equal(again.transform(values)[0], plan.transform(values)[0])


def test_damaged_plans_are_refused() -> None:
    good = fit(TABLE, ["age", CITY_SPEC]).to_json()
    number = good["columns"][0]
    for bad in (
        {},
        good | {"version": 2},
        good | {"columns": [{"encoding": "x"}]},
        good | {"columns": [number | {"scale": 0.0}]},
        good | {"columns": [number | {"mean": float("nan")}]},
        good | {"columns": [number | {"more": 1}]},
        good | {"columns": None},
        {name: value for name, value in good.items() if name != "dropped"},
    ):
        refused("DATA-0017", FeaturePlan.from_json, bad)


def test_constant_columns_are_dropped_by_name_or_refused() -> None:
    plan = fit(TABLE, ["one", "age"])
    assert plan.dropped == ("one",) and plan.names == ("age",)
    assert "one" in refused("DATA-0011", fit, TABLE, ["one", "age"], constant="refuse").message
    refused("DATA-0011", fit, TABLE, ["one"])
    tenths = pa.table({"v": [0.1] * 50})
    refused("DATA-0011", fit, tenths, ["v"])
    refused("DATA-0011", fit, pa.table({"v": ["a"] * 50 + ["b"]}), [{"name": "v", "encoding": "category"}])


def test_no_columns_at_all() -> None:
    assert fit(TABLE, []).transform(TABLE)[0].shape == (N, 0)


def test_a_text_column_without_an_encoding_says_what_to_write() -> None:
    error = refused("DATA-0010", fit, TABLE, ["city"])
    assert "'city'" in error.message and "{name: city, encoding: category}" in error.hint
    assert "Paris" not in str(error)
    assert "leave it out" in refused("DATA-0010", fit, TABLE, ["note"]).hint
    dates = pa.table({"d": pa.array(range(50), pa.int32()).cast(pa.date32())})
    assert "date" in refused("DATA-0010", fit, dates, ["d"]).hint
    refused("DATA-0010", fit, pa.table({"v": [[1]] * 50}), [{"name": "v", "encoding": "category"}])


def test_a_later_file_with_another_type_is_refused() -> None:
    plan = fit(TABLE, ["age"])
    refused("DATA-0010", plan.transform, pa.table({"age": ["old", "young"]}))
    refused("DATA-0005", plan.transform, pa.table({"Age": [1]}))
    refused("DATA-0021", plan.transform, pa.table({"age": [1.0, float("inf")]}))


def test_missing_columns_name_the_nearest() -> None:
    assert "city" in refused("DATA-0005", fit, TABLE, ["agee", "Citi"]).hint


def test_columns_that_cannot_be_standardised() -> None:
    refused("DATA-0016", fit, pa.table({"v": pa.nulls(50, pa.float64())}), ["v"])
    refused("DATA-0021", fit, pa.table({"v": [1e308, -1e308] * 30}), ["v"])
    refused("DATA-0021", fit, pa.table({"v": [float("inf"), 1.0] * 30}), ["v"])


def test_categories_with_too_many_levels() -> None:
    refused("DATA-0020", fit, TABLE, [{"name": "note", "encoding": "category"}])
    many = pa.table({"v": [f"{i % 101}" for i in range(101 * 20)]})
    assert "101 levels" in refused("DATA-0020", fit, many, [{"name": "v", "encoding": "category"}]).message


def test_too_few_rows() -> None:
    assert "39" in refused("DATA-0014", fit, TABLE.slice(0, 39), ["age"]).message
    fit(TABLE.slice(0, 40), ["age"])


@pytest.mark.parametrize(
    "entries",
    [
        "age",
        {"name": "age"},
        5,
        [7],
        [{"encoding": "number"}],
        [{"name": ""}],
        [{"name": "a", "encoding": "woe"}],
        [{"name": "a", "encoding": None}],
        [{"name": "a", "type": "number"}],
        ["a", {"name": "a", "encoding": "category"}],
        [{"name": "a", "encoding": "ordinal:"}],
        [{"name": "a", "encoding": "ordinal:[x]"}],
        [{"name": "a", "encoding": "ordinal:[x, x]"}],
        [{"name": "a", "encoding": "ordinal:[x, ]"}],
    ],
)
def test_bad_column_entries(entries: object) -> None:
    refused("DATA-0006", parse_columns, entries)


def test_column_entries_round_trip() -> None:
    specs = parse_columns(
        [
            "a",
            CITY_SPEC,
            {"name": "o", "encoding": 'ordinal:["a, b", "c"]'},
            {"name": "p", "encoding": "ordinal:[1, 2]"},
        ]
    )
    assert [spec.levels for spec in specs] == [(), (), ("a, b", "c"), ("1", "2")]
    assert parse_columns([spec.to_job() for spec in specs]) == specs
    assert text_columns(specs) == ("city", "o", "p")


def test_suggestions() -> None:
    expected = {"age": "number", "city": "category", "note": None, "one": "number"}
    assert {name: suggest(TABLE[name]) for name in expected} == expected


LABELS = [
    ([0, 1, 1], None),
    ([0.0, 1.0, 1.0], None),
    ([False, True, True], None),
    (["0", " 1", "1"], None),
    (["good", "bad", "bad"], "bad"),
    ([2, 1, 1], 1),
    ([1.0, 0.0, 0.0], 0),
    ([True, False, False], False),
    (["2", "1", "1"], 1),
]


@pytest.mark.parametrize(("values", "positive"), LABELS)
def test_labels(values: list[object], positive: object) -> None:
    labels = label_column(pa.table({"y": values}), "y", positive)  # type: ignore[arg-type]
    assert labels.tolist() == [0, 1, 1] and labels.dtype == np.int64


BAD_LABELS = [
    ([0, 1, 2], None),
    ([1, 1, 1], None),
    ([0, 0, 0], None),
    (["good", "bad", "bad"], None),
    (["good", "bad", "bad"], "worse"),
    (["good", "bad", "ugly"], "bad"),
    (["yes", "no", "no"], True),
    ([0.5, 1.0, 0.0], None),
    ([2, 1, 1], "1"),
    ([[0], [1], [1]], None),
]


@pytest.mark.parametrize(("values", "positive"), BAD_LABELS)
def test_bad_labels(values: list[object], positive: object) -> None:
    error = refused("DATA-0012", label_column, pa.table({"y": values}), "y", positive)
    assert "bad" not in str(error) and "ugly" not in str(error)


def test_missing_labels_are_counted() -> None:
    assert "1 of 3" in refused("DATA-0013", label_column, pa.table({"y": [0, None, 1]}), "y").message
    assert (
        "2 of 3" in refused("DATA-0013", label_column, pa.table({"y": [float("nan"), None, 1]}), "y").message
    )
    refused("DATA-0005", label_column, TABLE, "label")
