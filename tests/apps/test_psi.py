"""`tacit psi` as two real processes, from files to files."""

from __future__ import annotations

import csv
import json
import signal
import stat
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from tacit.apps.cli.main import app
from tacit.base.errors import UsageError
from tacit.trust import identity
from tests.apps.house import PARTIES, Ended, House, end, events, free_port

BANK = {
    "id": ["a1", "a2", " a3", "", "a5", "a1", "01", "e\u0301"],
    "x": ["1", "2", "3", "4", "5", "6", "7", "8"],
}
PARTNER = {"person": ["é", "a5", "a3 ", "a1", "b1", "NULL", "1"], "y": [f"y{i}" for i in range(7)]}
COMMON = {"a1": ("1", "y3"), "a3": ("3", "y2"), "a5": ("5", "y1"), "é": ("8", "y0")}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[House]:
    house = psi_house(tmp_path / "house")
    yield house
    house.close()


def psi_house(folder: Path) -> House:
    folder.mkdir()
    job: dict[str, Any] = {"job": "overlap", "task": "psi", "parties": {}, "local": {}}
    house = House(folder, job)
    for name, key, data in (("bank", "id", BANK), ("partner", "person", PARTNER)):
        identity.create(house.home(name), name)
        job["parties"][name] = {
            "address": f"127.0.0.1:{free_port()}",
            "certificate": f"{name}/{identity.CERTIFICATE_FILE}",
            "key": key,
        }
        house.write_data(name, data)
        job["local"][name] = {"home": name, "data": f"{name}.csv"}
    job["limits"] = {"timeout_s": 20, "connect_s": 20}
    house.write_job()
    return house


def join(house: House, *options: str, bank: tuple[str, ...] = (), partner: tuple[str, ...] = ()) -> Any:
    """Both ends; every option of `options` goes to both sides."""
    return house.pair("psi", {"bank": (*options, *bank), "partner": (*options, *partner)})


def joined(
    house: House, *options: str, ending: str = "csv", bank: tuple[str, ...] = ()
) -> tuple[dict[str, Ended], list[dict[str, str]]]:
    """Both ends with an output on both sides, and the lines of both outputs side by side."""
    outs = {name: f"{name}-out.{ending}" for name in PARTIES}
    ended = join(
        house,
        "--json",
        *options,
        bank=("--out", outs["bank"], *bank),
        partner=("--out", outs["partner"]),
    )
    assert [one.code for one in ended.values()] == [0, 0], ended["bank"].err + ended["partner"].err
    bank, partner = (lines_of(house.folder / outs[name]) for name in PARTIES)
    return ended, [
        {f"l_{k}": v for k, v in left.items()} | {f"r_{k}": v for k, v in right.items()}
        for left, right in zip(bank, partner, strict=True)
    ]


def page_of(path: Path) -> str:
    """A report that is whole, of one file, in both languages."""
    page = path.read_text(encoding="utf-8")
    ElementTree.fromstring(page.partition("\n")[2])
    assert "default-src &#x27;none&#x27;" in page
    assert "src=" not in page and "href=" not in page and "url(" not in page
    assert 'lang="zh"' in page and 'lang="en"' in page
    return page


def nfc(key: str) -> str:
    return unicodedata.normalize("NFC", key.strip())


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("protocol", ["rr22", "rr22-low", "ecdh", "ecdh-sm2", "auto"])
def test_inner_join_lines_up(pair: House, protocol: str) -> None:
    ended, lines = joined(pair, "--protocol", protocol)
    assert {nfc(line["l_id"]): (line["l_x"], line["r_y"]) for line in lines} == COMMON
    assert all(nfc(line["l_id"]) == nfc(line["r_person"]) for line in lines)
    for name in PARTIES:
        result = ended[name].json
        assert (result["n_mine"], result["n_theirs"], result["n_common"]) == (6, 6, 4)
        assert result["psi"] == (protocol if protocol != "auto" else "ecdh")
        assert {item["name"] for item in result["revealed"]} == {"set sizes", "intersection"}
        assert stat.S_IMODE((pair.folder / f"{name}-out.csv").stat().st_mode) == 0o600
    assert ended["bank"].json["preflight"] == {
        "rows": 8, "distinct": 6, "null": 1, "empty": 0, "repeated": 1,
        "trimmed": 1, "normalised": 1, "lowered": 0, "zeros": 1,
    }  # fmt: skip


def test_left_join_pads_the_other_side(pair: House) -> None:
    _, lines = joined(pair, "--join", "left", "--protocol", "ecdh", bank=("--report", "b.html"))
    page = page_of(pair.folder / "b.html")
    assert "left join, joint order" in page and "which ids are common" in page and "rows with NULL" in page
    assert len(lines) == 7 and [line["l_in_both"] for line in lines] == [line["r_in_both"] for line in lines]
    single = [line for line in lines if line["l_in_both"] == "false"]
    assert {line["l_x"] for line in single} == {"2", "4", "7"}
    assert all(line["r_person"] == line["r_y"] == "" for line in single)


def test_all_duplicates_make_a_line_for_every_pair(pair: House) -> None:
    pair.write_data("partner", {"person": ["a1", "b1", "a1"], "y": ["y0", "y1", "y2"]})
    ended, lines = joined(pair, "--duplicates", "all")
    found = [(line["l_x"], line["r_y"]) for line in lines]
    assert sorted(found) == [("1", "y0"), ("1", "y2"), ("6", "y0"), ("6", "y2")]
    assert {item["name"] for item in ended["bank"].json["revealed"]} >= {"counts"}
    assert ended["bank"].json["n_common"] == 1 and ended["bank"].json["n_lines"] == 4


def test_difference_and_the_order_of_the_file(pair: House) -> None:
    ended = join(pair, "--join", "difference", bank=("--out", "b.csv"), partner=("--out", "p.csv"))
    assert [one.code for one in ended.values()] == [0, 0], ended["bank"].err
    assert [line["x"] for line in lines_of(pair.folder / "b.csv")] == ["2", "4", "7"]
    assert [line["y"] for line in lines_of(pair.folder / "p.csv")] == ["y4", "y5", "y6"]


def test_composite_keys_of_databases_and_parquet(pair: House) -> None:
    with duckdb.connect(str(pair.folder / "bank.duckdb")) as bank:
        bank.execute("CREATE TABLE people AS SELECT * FROM (VALUES ('x', 1, 0.5), ('x', 2, 1.5)) t(a, b, v)")
    with duckdb.connect() as partner:
        values = "(VALUES ('2', 'x ', 7), ('02', 'x', 8), (NULL, 'x', 9)) t(q, p, w)"
        partner.execute(f"COPY (SELECT * FROM {values}) TO '{pair.folder}/partner.parquet'")
    bank_options = ("--data", "bank.duckdb", "--query", "FROM people", "--key", "a", "--key", "b")
    partner_options = ("--data", "partner.parquet", "--key", "p", "--key", "q")
    ended = join(
        pair,
        "--json",
        bank=(*bank_options, "--out", "b.parquet"),
        partner=(*partner_options, "--out", "p.parquet"),
    )
    assert [one.code for one in ended.values()] == [0, 0], ended["bank"].err + ended["partner"].err
    found = duckdb.sql(f"SELECT b.v, p.w FROM '{pair.folder}/b.parquet' b, '{pair.folder}/p.parquet' p")
    assert [(float(v), w) for v, w in found.fetchall()] == [(1.5, 7)]
    assert ended["partner"].json["preflight"]["null"] == 1
    assert ended["bank"].json["key"] == ["a", "b"] and "p" not in ended["bank"].json["key"]


def test_one_receiver_and_the_report(pair: House) -> None:
    ended = join(
        pair, "--receivers", "partner", "--security", "malicious",
        bank=("--report", "b.txt", "--lang", "zh"), partner=("--out", "p.csv", "--report", "p.json"),
    )  # fmt: skip
    assert [one.code for one in ended.values()] == [0, 0], ended["bank"].err
    assert [line["y"] for line in lines_of(pair.folder / "p.csv")] == ["y0", "y1", "y2", "y3"]
    text = (pair.folder / "b.txt").read_text(encoding="utf-8")
    assert "仅 partner 得知" in text and "rr22-malicious" in text
    assert "哪些 ID 共有" in text.partition("partner 得知")[2]
    report = json.loads((pair.folder / "p.json").read_text(encoding="utf-8"))
    assert report["n_common"] == 4 and report["receivers"] == ["partner"] and report["rounds"] > 0
    assert report["protocol"]["kappa"] >= 128 and "sigmoid_error" not in report["protocol"]
    assert "only partner learned which" not in ended["partner"].out


def test_a_look_ahead_sends_nothing(pair: House) -> None:
    seen = end(pair.start("bank", "--dry-run", "--json", command="psi")).json
    assert seen["preflight"]["rows"] == 8 and seen["join"] == "inner" and seen["psi"] == "auto"
    assert seen["foreseen"]["psi"] == "ecdh" and seen["foreseen"]["bytes"] > 0 < seen["foreseen"]["seconds"]
    told = end(pair.start("bank", "--dry-run", "--join", "left", command="psi"))
    assert "before anything is sent" in told.out and "'01' is not 1" in told.out and "left join" in told.out
    assert "if the other side has as many keys" in " ".join(told.out.split())


@pytest.mark.parametrize(
    ("bank", "partner", "named"),
    [
        (
            ("--join", "left", "--no-trim", "--key", "id", "--key", "x", "--protocol", "rr22"),
            ("--join", "full", "--case", "lower", "--order", "file", "--link-mbit", "10"),
            (
                "options.join",
                "options.trim",
                "options.case",
                "options.order",
                "options.key_columns",
                "psi",
                "link",
            ),
        ),
        (("--receivers", "bank", "--security", "malicious"), (), ("reveals.intersection", "security")),
    ],
)
def test_differing_parameters_are_named_on_both_sides(
    pair: House, bank: tuple[str, ...], partner: tuple[str, ...], named: tuple[str, ...]
) -> None:
    for one in join(pair, bank=bank, partner=partner).values():
        said = " ".join(one.err.split())
        assert one.code == 4 and "JOB-0003" in one.err and "agree" in one.err
        assert all(f"{name} (here" in said for name in named), one.err


@pytest.mark.parametrize(
    ("options", "exit_code", "code"),
    [
        (("--receivers", "partner", "--out", "x.csv"), 3, "POLICY-0007"),
        (("--receivers", "bank", "--order", "joint"), 3, "POLICY-0008"),
        (("--receivers", "none"), 3, "POLICY-0009"),
        (("--join", "cross"), 2, "JOIN-0002"),
        (("--join", "difference", "--order", "joint"), 2, "JOIN-0002"),
        (("--receivers", "eve"), 2, "JOIN-0002"),
        (("--security", "perfect"), 2, "CLI-0003"),
        (("--link-mbit", "0"), 2, "CLI-0003"),
        (("--duplicates", "sum"), 2, "CLI-0003"),
        (("--duplicates", "refuse"), 2, "DATA-0008"),
        (("--key", "id", "--key", "id"), 2, "CLI-0011"),
        (("--key", "nobody"), 2, "DATA-0005"),
        (("--out", "bank.csv"), 2, "CLI-0008"),
        (("--out", "nowhere/x.csv"), 2, "CLI-0008"),
        (("--out", "x.xlsx"), 2, "DATA-0024"),
        (("--data", "nothing.csv"), 2, "DATA-0001"),
        (("--data", "nothing.duckdb", "--query", "FROM x"), 2, "DATA-0001"),
        (("--query", "FROM nothing"), 2, "DATA-0026"),
        (("--query", "SELECT 1.5 AS id"), 2, "DATA-0009"),
        (("--query", "SELECT 1 AS x"), 2, "DATA-0005"),
        (("--protocol", "rot13"), 8, "JOB-0005"),
        (("--security", "malicious"), 8, "PSI-0021"),
        (("--protocol", "ecdh", "--security", "malicious", "--receivers", "bank"), 8, "JOB-0005"),
    ],
)
def test_what_is_refused_before_anything_is_sent(
    pair: House, options: tuple[str, ...], exit_code: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pair.folder)
    assert pair.refuses("bank", *options) == (code, exit_code)
    assert not list(pair.home("bank").glob("work-*"))


@pytest.mark.parametrize("command", ["train", "check"])
def test_other_tasks_refuse_this_job(pair: House, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pair.folder)
    ended = CliRunner().invoke(app, [command, "--me", "bank", "--config", "job.yaml"])
    assert isinstance(ended.exception, UsageError) and ended.exception.code == "CLI-0012"
    assert "tacit psi" in ended.exception.hint


def test_a_peer_that_ends_in_the_middle_is_named(pair: House) -> None:
    """The bank goes once both have met: the partner hears it at once and leaves nothing behind."""
    pair.write_data("bank", {"id": [f"k{i}" for i in range(60_000)], "x": range(60_000)})
    partner = pair.start("partner", "--protocol", "ecdh", "--out", "p.csv", command="psi")
    bank = pair.start("bank", "--protocol", "ecdh", "--events", command="psi")
    for event in events(bank):
        if event["event"] == "psi":
            break
    bank.send_signal(signal.SIGTERM)
    one = end(partner)
    assert one.code in (4, 6) and ("CLI-0006" in one.err or "NET-0004" in one.err), one.err
    assert end(bank).code == 128 + signal.SIGTERM
    assert not (pair.folder / "p.csv").exists() and not list(pair.home("partner").glob("work-*"))


def test_training_aligns_by_the_protocol_that_its_job_names(house: House) -> None:
    house.job |= {"psi": {"protocol": "rr22"}, "train": {"epochs": 1, "batch_rows": 64}}
    house.write_job()
    for one in house.both("--json").values():
        assert one.code == 0, one.err
        assert one.json["psi"] == "rr22" and one.json["rows"]["common"] == 320
        assert "LPN" in " ".join(one.json["protocol"]["assumes"])


def test_the_job_of_a_training_serves_for_a_join(house: House) -> None:
    ended = house.both("--json", "--receivers", "bank", command="psi")
    assert [one.code for one in ended.values()] == [0, 0], ended["bank"].err
    assert ended["bank"].json["n_common"] == 320 and ended["partner"].json["n_common"] is None


@pytest.mark.parametrize("section", [{"jion": "left"}, {"join": "left", "rules": 1}, ["join"]])
def test_a_section_that_makes_no_sense(pair: House, section: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.write_job(pair.job | {"psi": section})
    monkeypatch.chdir(pair.folder)
    ended = CliRunner().invoke(app, ["psi", "--me", "bank", "--config", "job.yaml"])
    assert isinstance(ended.exception, UsageError) and ended.exception.code in ("CLI-0002", "CLI-0003")


def test_a_column_that_yaml_takes_for_no_text_is_to_be_quoted(
    pair: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pair.write_job()
    path.write_text(path.read_text().replace("key: id\n", "key: [id, no]\n"))
    monkeypatch.chdir(pair.folder)
    ended = CliRunner().invoke(app, ["psi", "--me", "bank", "--config", "job.yaml"])
    assert isinstance(ended.exception, UsageError) and ended.exception.code == "CLI-0003"
    assert "put names in quotes" in ended.exception.hint
