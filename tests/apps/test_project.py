"""Jobs of a project at the command line: verdicts, refusal, approval, ledger; without one, verdicts alone."""

from __future__ import annotations

import json

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
