"""`tacit init` and `tacit check`, and the refusals of `tacit train` that need no peer."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tacit.apps.cli.main import app
from tacit.apps.cli.screen import show_error
from tacit.apps.cli.words import Words
from tacit.base.errors import TacitError
from tests.apps.house import House, cli, end, read_csv


def _check(house: House, *options: str) -> tuple[int, dict[str, Any]]:
    """`tacit check --json` in this process: (exit code, what it printed, or the error's text)."""
    arguments = ["check", "--me", "bank", "--config", str(house.job_path), "--json", *options]
    with contextlib.chdir(house.folder):
        result = CliRunner().invoke(app, arguments)
    if isinstance(result.exception, TacitError):
        return result.exception.exit_code, {"err": str(result.exception)}
    return result.exit_code, json.loads(result.stdout)


def test_ready(house: House) -> None:
    code, found = _check(house)
    assert code == 0 and found["ready"] and found["profile"]["n_rows"] == 400
    assert found["profile"]["n_features"] == 2
    opened = {(item["name"], tuple(item["to"])) for item in found["disclosures"]}
    assert ("intersection", ("bank", "partner")) in opened
    assert ("coefficients.bank", ("bank",)) in opened and ("coefficients.partner", ("partner",)) in opened
    assert not any(name.startswith("scores") for name, _ in opened)


def test_shared_coefficients_and_scores_are_announced(house: House) -> None:
    house.job["reveal"] = {"coefficients": "shared", "scores": ["partner"]}
    house.write_job()
    _, found = _check(house)
    opened = {(item["name"], tuple(item["to"])) for item in found["disclosures"]}
    assert not any(name.startswith("coefficients") for name, _ in opened)
    assert any(name.startswith("scores") and to == ("partner",) for name, to in opened)


def test_forecast(house: House) -> None:
    _, found = _check(house)
    price = found["forecast"]
    assert price["bytes_sent"] > 100_000 and price["rounds"] > 100 and not price["unpriced"]
    assert 0 < price["seconds"]["loopback"] < price["seconds"]["lan"] < price["seconds"]["wan"]


def test_text_for_people(house: House) -> None:
    one = end(house.start("bank", command="check"))
    assert one.code == 0 and "tacit train --me bank" in one.out and "which ids are common" in one.out
    chinese = end(house.start("bank", "--lang", "zh", command="check"))
    assert "自检通过" in chinese.out


def _other_labels(house: House) -> None:
    data = read_csv(house.folder / "bank.csv")
    data["y"] = ["2" if index == 7 else value for index, value in enumerate(data["y"])]
    house.write_data("bank", data)


def _missing_column(house: House) -> None:
    house.job["parties"]["bank"]["columns"] = ["x0", "x_1"]


def _missing_key(house: House) -> None:
    house.job["parties"]["bank"]["key"] = "customer"


def _text_column(house: House) -> None:
    data = read_csv(house.folder / "bank.csv")
    data["x1"] = [("red", "green", "blue")[index % 3] for index in range(len(data["x1"]))]
    house.write_data("bank", data)


def _no_penalty(house: House) -> None:
    house.job["train"]["l2"] = 0


def _no_file(house: House) -> None:
    (house.folder / "bank.csv").unlink()


def _malicious(house: House) -> None:
    house.job["security"] = "malicious"


FAULTS = [
    (_other_labels, "DATA-0012", 2, "y"),
    (_missing_column, "DATA-0005", 2, "x1"),
    (_missing_key, "DATA-0005", 2, "customer"),
    (_text_column, "DATA-0010", 2, "encoding: category"),
    (_no_penalty, "COEF-0001", 3, "l2"),
    (_no_file, "DATA-0001", 2, "bank.csv"),
    (_malicious, "SCHEME-0002", 8, "malicious"),
]


@pytest.mark.parametrize(("spoil", "code", "exit_code", "named"), FAULTS)
def test_refused_before_anybody_is_asked(
    house: House, spoil: Any, code: str, exit_code: int, named: str
) -> None:
    """`check` and `train` say the same, at once: no peer was ever started."""
    spoil(house)
    house.write_job()
    checked, found = _check(house)
    assert checked == exit_code and code in str(found) and named in str(found)
    started = time.monotonic()
    one = end(house.start("bank"))
    assert one.code == exit_code and code in one.err and named in one.err
    assert time.monotonic() - started < 15
    assert not list(house.home("bank").glob("work-*"))


def test_counts_null_and_duplicate_ids(house: House) -> None:
    data: dict[str, list[Any]] = {**read_csv(house.folder / "bank.csv")}
    data["id"] = [None, None, data["id"][3], *data["id"][3:]]
    house.write_data("bank", data)
    code, found = _check(house)
    assert code == 0
    assert (found["profile"]["n_null_ids"], found["profile"]["n_duplicate_ids"]) == (2, 1)
    assert {"DATA-0007", "DATA-0008"} <= {problem["code"] for problem in found["profile"]["problems"]}


def test_home_and_data_options(house: House) -> None:
    house.job.pop("local")
    house.write_job()
    code, found = _check(house)
    assert code == 2 and "CLI-0004" in found["err"] and "--home" in found["err"]
    code, _ = _check(house, "--home", "bank", "--data", "bank.csv")
    assert code == 0


def test_unknown_party(house: House) -> None:
    code, found = _check(house, "--me", "bnak")
    assert code == 2 and "JOB-0001" in found["err"] and "bank" in found["err"]


def test_init(house: House) -> None:
    one = cli("init", "--home", "第三 方", "--name", "third", "--json", folder=house.folder)
    made = json.loads(one.out)
    assert one.code == 0 and len(made["sha256"]) == 64
    assert (house.folder / "第三 方").stat().st_mode & 0o777 == 0o700
    again = cli("init", "--home", "第三 方", "--name", "third", folder=house.folder)
    assert again.code == 2 and "IDENTITY-0001" in again.err


def test_errors_say_who_must_act(house: House) -> None:
    one = end(house.start("bank", "--home", "nowhere", command="check"))
    assert one.code == 2
    for word in ("error", "code", "who must act", "what to do", "IDENTITY-0003"):
        assert word in one.err


def test_scores_need_their_own_line(house: House) -> None:
    """Refused before the model is even read."""
    one = end(
        house.start("bank", "--model", "none", "--data", "bank.csv", "--out", "s.csv", command="predict")
    )
    assert one.code == 3 and "POLICY-0005" in one.err


def test_errors_for_machines(house: House) -> None:
    one = end(house.start("bank", "--home", "nowhere", "--json", command="check"))
    told = json.loads(one.out)["error"]
    assert one.code == 2 and told["code"] == "IDENTITY-0003" and "tacit init" in told["hint"]


def test_errors_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    """A name in a message may have come from the peer."""
    show_error(Console(stderr=True, width=200), Words("en"), TacitError("X-0001", "bad \x1b[2J\x07name"))
    shown = capsys.readouterr().err
    assert "\x1b[2J" not in shown and "\x07" not in shown and "name" in shown
