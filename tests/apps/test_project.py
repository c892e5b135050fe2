"""Jobs of a project at the command line: verdicts, refusal, approval, ledger; without one, verdicts alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.apps.house import PARTIES, Ended, House, cli


def look(house: House, name: str, *options: str) -> Ended:
    return cli("check", "--me", name, "--config", str(house.job_path), *options, folder=house.folder)


def approve(house: House, name: str, *options: str) -> Ended:
    return cli("approve", "--me", name, "--config", str(house.job_path), *options, folder=house.folder)


@pytest.fixture
def project(house: House) -> House:
    house.write_job({**house.job, "project": "loans"})
    return house


def test_check_gives_verdicts_in_both_languages(house: House) -> None:
    found = look(house, "bank", "--json").json["gate"]
    kinds = {(line["program"], line["column"]): line["kind"] for line in found}
    assert kinds["training", "label"] in ("unknown", "unsafe")
    assert all(line["because"][0] and line["because"][1] and line["to"] for line in found)
    shown = look(house, "bank")
    assert shown.code == 0 and "not proved safe" in shown.out and "label" in shown.out
    assert "未证明安全" in look(house, "bank", "--lang", "zh").out


def test_a_job_of_a_project_runs_once_its_owners_signed(project: House) -> None:
    refused = project.both("--json")
    assert {ended.code for ended in refused.values()} == {3}, refused
    assert all(ended.json["error"]["code"] == "POLICY-0006" for ended in refused.values())
    for name in PARTIES:
        signed = approve(project, name, "--json")
        assert signed.code == 0 and signed.json["lines"], signed.err
        assert look(project, name, "--json").json["ready"]
    ended = project.both("--json")
    assert {one.code for one in ended.values()} == {0}, ended
    lines = [(project.home(n) / "ledgers" / "loans.jsonl").read_text().splitlines() for n in PARTIES]
    assert lines[0] == lines[1] and len(lines[0]) == 4
    first = json.loads(lines[0][0])
    assert first["kind"] == "sets" and json.loads(first["body"])["query"]["tell"] == "intersection"
    assert look(project, "bank", "--json").json["blocking"][0]["code"] == "POLICY-0006"
    (project.home("bank") / "ledgers" / "loans.jsonl").write_text("\n".join(lines[0][1:]) + "\n")
    assert "LEDGER-0001" in look(project, "bank").err


def test_who_has_no_project_has_nothing_to_sign(house: House) -> None:
    refused = approve(house, "bank", "--json")
    assert refused.code == 2 and refused.json["error"]["code"] == "CLI-0013"


def ledger_of(house: House, project: str = "loans") -> list[dict[str, Any]]:
    """The entries, which are the same on all sides."""
    texts = [(house.home(name) / "ledgers" / f"{project}.jsonl").read_text() for name in house.job["parties"]]
    assert len(set(texts)) == 1
    return [json.loads(line) for line in texts[0].splitlines()]


def query_of(entry: dict[str, Any]) -> dict[str, Any]:
    assert entry["kind"] == "sets"
    return json.loads(entry["body"])["query"]


def predict(house: House, folders: dict[str, str], run: str) -> dict[str, Ended]:
    return house.pair(
        "predict",
        {
            name: ("--model", folders[name], "--data", f"{name}.csv", "--out", f"{name}-{run}.csv", "--json")
            for name in PARTIES
        },
    )


def test_scoring_in_a_project_needs_its_own_signatures(house: House) -> None:
    house.write_job({**house.job, "project": "loans", "reveal": {"coefficients": "own", "scores": ["bank"]}})
    for name in PARTIES:
        assert approve(house, name).code == 0
    trained = house.both("--json")
    assert {one.code for one in trained.values()} == {0}, trained
    folders = {name: one.json["folder"] for name, one in trained.items()}
    # The ledger has moved on: what was signed for the training is void.
    refused = predict(house, folders, "first")
    assert {one.json["error"]["code"] for one in refused.values()} == {"POLICY-0006"}, refused
    assert not list(house.folder.glob("*-first.csv"))
    assert len(ledger_of(house)) == 5, "which rows are common was told again, of the same sets"
    for name in PARTIES:
        assert approve(house, name).code == 0
    scored = predict(house, folders, "first")
    assert {one.code for one in scored.values()} == {0}, scored
    assert scored["bank"].json["n_scored"] == 320 and (house.folder / "bank-first.csv").exists()
    asked, program = ledger_of(house)[5:]
    assert query_of(asked)["sets"] == query_of(ledger_of(house)[0])["sets"]
    assert 'name="scores.0", to=(0,)' in json.loads(program["body"])["program"], "what was told, to whom"
    # One row less: its score was told before, and whose it is would be known now.
    lines = (house.folder / "bank.csv").read_text().splitlines()
    (house.folder / "bank.csv").write_text("\n".join(lines[:-1]) + "\n")
    again = predict(house, folders, "second")
    assert {one.json["error"]["code"] for one in again.values()} == {"POLICY-0006"}
    assert "'ids'" in again["bank"].json["error"]["message"]
