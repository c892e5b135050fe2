"""`tacit train` on the public data sets beside the checkout, against the references given there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tacit.frame.source import open_table
from tests.apps.house import PARTIES, Ended, House, build, read_csv
from tests.data_sets import data_file

FILES = {name: f"vfl/gmc_overlap_dev_{name}.csv.gz" for name in PARTIES}


def _house(
    folder: Path, files: dict[str, str], key: str, label: str, columns: dict[str, list[str]], **train: Any
) -> House:
    house = build(folder, n=60, common=40)
    for name in PARTIES:
        house.job["parties"][name] |= {"key": key, "columns": columns[name]}
        house.job["local"][name]["data"] = str(data_file(files[name]))
    house.job["parties"]["bank"]["label"] = label
    house.job["train"] = train
    house.write_job()
    return house


def _numbered(first: int, last: int) -> list[str]:
    return [f"x{index}" for index in range(first, last + 1)]


@pytest.fixture
def breast(tmp_path: Path) -> Iterator[House]:
    files = {"bank": "vfl/breast_hetero_guest.csv.gz", "partner": "vfl/breast_hetero_host.csv.gz"}
    columns = {"bank": _numbered(0, 9), "partner": _numbered(0, 15)}
    house = _house(tmp_path / "breast", files, "id", "y", columns, epochs=10)
    yield house
    house.close()


def test_breast(breast: House) -> None:
    """The reference (scikit-learn, all 30 columns, another third) is 0.9988."""
    ended = breast.both("--json")
    assert [one.code for one in ended.values()] == [0, 0], ended["bank"].err
    result = ended["bank"].json
    assert result["rows"]["common"] == 569 and result["quality"]["auc"] > 0.98


@pytest.fixture(scope="module")
def gmc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, dict[str, Ended]]]:
    tables = {name: open_table(data_file(file)) for name, file in FILES.items()}
    label = "SeriousDlqin2yrs"
    columns = {
        name: [column for column in table.column_names if column not in ("uid", label)]
        for name, table in tables.items()
    }
    house = _house(tmp_path_factory.mktemp("gmc"), FILES, "uid", label, columns, epochs=1)
    house.job["reveal"] = {"scores": ["bank"]}
    house.write_job()
    yield house, house.both("--json")
    house.close()


def test_partial_overlap(gmc: tuple[House, dict[str, Ended]]) -> None:
    _, ended = gmc
    assert [one.code for one in ended.values()] == [0, 0], ended["bank"].err
    assert {one.json["rows"]["common"] for one in ended.values()} == {13928}


def test_the_intersection_is_the_true_one(gmc: tuple[House, dict[str, Ended]], tmp_path: Path) -> None:
    """The ids that the two processes score have the digest that the reference gives."""
    house, ended = gmc
    out = tmp_path / "scores.csv"
    scored = house.pair(
        "predict",
        {
            name: (
                "--model",
                ended[name].json["folder"],
                "--data",
                str(data_file(FILES[name])),
                "--out",
                str(out),
            )
            for name in PARTIES
        },
    )
    assert [one.code for one in scored.values()] == [0, 0], scored["bank"].err
    common = sorted(read_csv(out)["uid"])
    digest = hashlib.sha256("\n".join(common).encode()).hexdigest()
    assert digest == "d1bc2d8a94152e2450daec317ab8ed32793ff092ddfe5049aa326e308eec2af9"
