"""`tacit check` lists every problem of a file and tells no value of it."""

import numpy as np
import pyarrow as pa

from tacit.frame.profile import profile

N = 400
GENERATOR = np.random.default_rng(8)
IDS = [f"id-{i}" for i in range(N)]
GOOD = pa.table(
    {
        "uid": IDS,
        "age": GENERATOR.integers(18, 80, N),
        "city": GENERATOR.choice(["secret-a", "secret-b"], N),
        "y": GENERATOR.integers(0, 2, N),
    }
)
COLUMNS = ["age", {"name": "city", "encoding": "category"}]


def test_a_good_file_has_no_problem() -> None:
    found = profile(GOOD, "uid", COLUMNS, "y")
    assert found.problems == () and found.errors == ()
    assert (found.n_rows, found.n_ids, found.n_null_ids, found.n_duplicate_ids) == (N, N, 0, 0)
    assert found.n_features == 2 and found.positive_share == np.mean(GOOD["y"].to_numpy())
    age, city = found.columns
    assert (age.type, age.suggested, age.missing) == ("int64", "number", 0.0) and age.distinct > 30
    assert (city.encoding, city.suggested, city.distinct) == ("category", "category", 2)


def test_every_problem_is_listed_errors_first() -> None:
    rare = ["other"] * 5 + ["secret-c"] * (N - 5)
    table = pa.table(
        {
            "uid": [None, "a", "a", *IDS[3:]],
            "text": [f"secret-{i}" for i in range(N)],
            "empty": pa.array([1.0] * 30 + [2.0] * 30 + [None] * (N - 60)),
            "thin": [0] * (N - 5) + [1] * 5,
            "constant": [1] * N,
            "rare": rare,
            "y": ["secret-good", "secret-bad"] * (N // 2),
        }
    )
    wanted = ["text", "empty", "thin", "constant", {"name": "rare", "encoding": "category"}, "absent"]
    found = profile(table, "uid", wanted, "y")
    codes = [(problem.severity, problem.code) for problem in found.problems]
    assert {code for severity, code in codes if severity == "error"} == {
        "DATA-0005",
        "DATA-0010",
        "DATA-0011",
        "DATA-0012",
    }
    assert {code for severity, code in codes if severity == "warning"} == {
        "DATA-0007",
        "DATA-0008",
        "DATA-0016",
        "COEF-0003",
    }
    assert [severity for severity, _ in codes] == sorted((severity for severity, _ in codes))
    assert "secret" not in repr(found)


def test_missing_key_label_and_bad_entries() -> None:
    found = profile(GOOD, "id", [{"no": "name"}], "label")
    assert [problem.code for problem in found.errors] == ["DATA-0005", "DATA-0006", "DATA-0005"]
    assert found.columns == () and found.positive_share is None and found.n_ids == 0


def test_too_many_columns_label_among_them_and_few_of_a_class() -> None:
    wide = pa.table(
        {"uid": IDS[:100]}
        | {f"c{i}": GENERATOR.normal(size=100) for i in range(6)}
        | {"y": [1] * 5 + [0] * 95}
    )
    found = profile(wide, "uid", [*(f"c{i}" for i in range(6)), "y"], "y")
    codes = {problem.code for problem in found.problems}
    assert codes == {"COEF-0002", "COEF-0003", "DATA-0006", "DATA-0014"}
