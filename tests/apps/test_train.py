"""`tacit train` and `tacit predict` as two real processes, when all goes well."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps.house import PARTIES, Ended, House, build, read_csv


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, dict[str, Ended]]]:
    """A whole training in a folder with spaces and Chinese characters; ids are missing and repeated."""
    house = build(tmp_path_factory.mktemp("train") / "我的 文件夹 (1)")
    data = read_csv(house.folder / "bank.csv")
    extra = {name: [*values, values[0], values[1], values[2]] for name, values in data.items()}
    extra["id"][-1] = None  # type: ignore[call-overload]
    house.write_data("bank", extra)
    house.job["reveal"] = {"coefficients": "own", "scores": ["bank"]}
    house.write_job()
    yield house, house.both("--json")
    house.close()


def test_both_sides_agree(trained: tuple[House, dict[str, Ended]]) -> None:
    _, ended = trained
    assert {name: one.code for name, one in ended.items()} == dict.fromkeys(PARTIES, 0), ended["bank"].err
    bank, partner = (ended[name].json for name in PARTIES)
    assert bank["rows"]["common"] == partner["rows"]["common"] == 320
    assert bank["rows"]["train"] + bank["rows"]["test"] == 320
    assert bank["quality"] == partner["quality"] and bank["quality"]["auc"] > 0.8
    assert bank["model"] == partner["model"] and bank["digest"] == partner["digest"]
    assert sum(bank["quality"]["bin_rows"]) == bank["rows"]["test"]
    assert min(bank["quality"]["bin_rows"]) >= 20


def test_each_learns_its_own_coefficients_only(trained: tuple[House, dict[str, Ended]]) -> None:
    _, ended = trained
    bank, partner = (ended[name].json for name in PARTIES)
    assert set(bank["coefficients"]) == {"x0", "x1", "(intercept)"} and set(bank["correlations"]) == {
        "x0",
        "x1",
    }
    assert set(partner["coefficients"]) == set(partner["correlations"]) == {"x2", "x3"}
    assert bank["coefficients"]["x0"] > 0 > bank["coefficients"]["x1"]


def test_counts_null_and_repeated_ids(trained: tuple[House, dict[str, Ended]]) -> None:
    _, ended = trained
    rows = ended["bank"].json["rows"]
    assert (rows["mine"], rows["theirs"]) == (400, 400)
    assert (rows["without_id"], rows["repeated_id"]) == (1, 2)


def test_accounts_for_every_step(trained: tuple[House, dict[str, Ended]]) -> None:
    _, ended = trained
    for one in ended.values():
        result = one.json
        assert list(result["seconds"]) == ["setup", "psi", "widths", "statistics", "training", "evaluation"]
        assert sum(result["bytes_sent"].values()) < result["wire_bytes_sent"]
    bank, partner = (ended[name].json for name in PARTIES)
    assert partner["bytes_received"] == sum(bank["bytes_sent"].values())
    assert bank["rounds"] == partner["rounds"] > 0


def test_says_what_was_revealed(trained: tuple[House, dict[str, Ended]]) -> None:
    _, ended = trained
    revealed = {(item["name"], item["to"]) for item in ended["bank"].json["revealed"]}
    assert ("coefficients.bank", "bank") in revealed and ("coefficients.partner", "partner") in revealed
    assert ("coefficients.partner", "bank") not in revealed
    assert not any(name.startswith("scores") for name, _ in revealed)


def test_progress_goes_to_standard_error(trained: tuple[House, dict[str, Ended]]) -> None:
    _, ended = trained
    assert "Private set intersection" in ended["bank"].err and "Training on shares" in ended["bank"].err


def test_files_are_private_and_complete(trained: tuple[House, dict[str, Ended]]) -> None:
    house, ended = trained
    for name in PARTIES:
        folder = Path(ended[name].json["folder"])
        assert folder == house.home(name) / "models" / "test"
        assert {path.name for path in folder.iterdir()} == {
            "part.sealed",
            "rows.sealed",
            "result.json",
            "report.html",
        }
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in house.files(name))
        assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
        assert not list(house.home(name).glob("work-*"))
        stored = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        assert stored["model"] == ended[name].json["model"]


def test_the_model_is_sealed(trained: tuple[House, dict[str, Ended]]) -> None:
    house, ended = trained
    raw = (Path(ended["bank"].json["folder"]) / "part.sealed").read_bytes()
    assert b"weights" not in raw and b"x0" not in raw


def test_report_holds_only_this_party(trained: tuple[House, dict[str, Ended]]) -> None:
    _, ended = trained
    page = Path(ended["partner"].json["report"]).read_text(encoding="utf-8")
    assert ">x2<" in page and ">x3<" in page
    assert ">x0<" not in page and ">x1<" not in page


def _predict(house: House, folders: dict[str, str], outs: dict[str, Path], *more: str) -> dict[str, Ended]:
    options = {
        name: ("--model", folders[name], "--data", f"{name}.csv", "--out", str(outs[name]), *more)
        for name in PARTIES
    }
    return house.pair("predict", options)


def _folders(ended: dict[str, Ended]) -> dict[str, str]:
    return {name: one.json["folder"] for name, one in ended.items()}


def test_predicts(trained: tuple[House, dict[str, Ended]], tmp_path: Path) -> None:
    house, ended = trained
    outs = {name: tmp_path / f"{name} 分数.csv" for name in PARTIES}
    scored = _predict(house, _folders(ended), outs, "--json")
    assert [one.code for one in scored.values()] == [0, 0], scored["bank"].err
    assert not outs["partner"].exists() and scored["partner"].json["scores"] is None
    assert stat.S_IMODE(outs["bank"].stat().st_mode) == 0o600
    scores = read_csv(outs["bank"])
    held = read_csv(house.folder / "bank.csv")
    labels = dict(zip(held["id"], held["y"], strict=True))
    ranked = sorted(zip(scores["score"], scores["id"], strict=True), key=lambda pair: float(pair[0]))
    assert len(ranked) == 320 and all(0 <= float(score) <= 1 for score, _ in ranked)
    low, high = ([int(labels[key]) for _, key in part] for part in (ranked[:100], ranked[-100:]))
    assert sum(high) > sum(low) + 50
    again = _predict(house, _folders(ended), {"bank": outs["bank"], "partner": outs["bank"]})
    assert all(one.code == 2 and "CLI-0008" in one.err for one in again.values())


def test_prediction_with_another_model_is_named(
    trained: tuple[House, dict[str, Ended]], tmp_path: Path
) -> None:
    house, ended = trained
    again = house.both("--json")
    assert [one.code for one in again.values()] == [0, 0]
    assert again["bank"].json["folder"].endswith("test-2"), "an older model is never replaced"
    mixed = _folders(ended) | {"bank": again["bank"].json["folder"]}
    for one in _predict(house, mixed, {name: tmp_path / name for name in PARTIES}).values():
        assert one.code == 4 and "JOB-0003" in one.err and "options" in one.err
    assert not list(tmp_path.iterdir())


def test_the_other_partys_folder_is_refused(trained: tuple[House, dict[str, Ended]], tmp_path: Path) -> None:
    house, ended = trained
    swapped = dict(zip(PARTIES, reversed(_folders(ended).values()), strict=True))
    for one in _predict(house, swapped, {name: tmp_path / name for name in PARTIES}).values():
        assert one.code == 2 and "VAULT-0001" in one.err


def test_shared_coefficients(house: House, tmp_path: Path) -> None:
    house.job["reveal"] = {"coefficients": "shared", "scores": ["partner"]}
    house.write_job()
    ended = house.both("--json")
    assert [one.code for one in ended.values()] == [0, 0], ended["bank"].err
    assert all(one.json["coefficients"] is None for one in ended.values())
    assert not any("coefficients" in item["name"] for item in ended["bank"].json["revealed"])
    outs = {name: tmp_path / name for name in PARTIES}
    scored = _predict(house, _folders(ended), outs)
    assert [one.code for one in scored.values()] == [0, 0], scored["bank"].err
    assert not outs["bank"].exists() and len(read_csv(outs["partner"])["score"]) == 320
