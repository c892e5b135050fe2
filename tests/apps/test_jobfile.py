"""The job file: what equals what, and what is refused with which advice."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tacit.apps.cli.entries import Address, parse_address
from tacit.apps.cli.jobfile import read_job, table_columns
from tacit.base.errors import UsageError
from tacit.trust import identity
from tests.apps.house import House, build


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> House:
    return build(tmp_path_factory.mktemp("jobs") / "house", n=60, common=40)


def _read(house: House, change: Any = None) -> Any:
    job = deepcopy(house.job)
    if change is not None:
        change(job)
    return read_job(house.write_job(job, house.folder / "changed.yaml"))


def test_reads(shared: House) -> None:
    file = _read(shared)
    assert [terms.name for terms in file.job.parties] == ["bank", "partner"]
    assert file.job.parties[0].label == "y" and file.job.parties[1].label is None
    assert file.local["bank"].home == shared.folder / "bank"
    assert file.job.options["epochs"] == 2 and file.job.options["l2"] == 0.001
    assert all(len(terms.certificate_sha256) == 64 for terms in file.job.parties)


@pytest.mark.parametrize(
    "change",
    [
        lambda job: job.pop("local"),
        lambda job: job["parties"]["bank"].update(address="192.0.2.1:9"),
        lambda job: job["train"].update(l2=0.001, momentum=0.9, epochs=2.0),
        lambda job: job.update(reveal={"coefficients": "own", "scores": []}, security="semi-honest"),
        lambda job: job["parties"]["bank"].update(columns=[{"name": "x0", "encoding": "number"}, "x1"]),
    ],
)
def test_same_meaning_same_digest(shared: House, change: Any) -> None:
    assert _read(shared, change).job.digest() == _read(shared).job.digest()


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("options.epochs", lambda job: job["train"].update(epochs=3)),
        ("parties", lambda job: job["parties"]["partner"].update(columns=["x2"])),
        ("parties", lambda job: job["parties"]["bank"].update(certificate="partner/certificate.pem")),
        (
            "reveals.coefficients reveals.correlations",
            lambda job: job.update(reveal={"coefficients": "shared"}),
        ),
        ("limits", lambda job: job["limits"].update(timeout_s=21)),
        ("link ot", lambda job: job.update(link_mbit=100)),
        ("attempt", lambda job: job.update(attempt=1)),
    ],
)
def test_other_meaning_other_section(shared: House, section: str, change: Any) -> None:
    mine, theirs = _read(shared).job.sections(), _read(shared, change).job.sections()
    assert [name for name in mine if mine[name] != theirs[name]] == section.split()


@pytest.mark.parametrize(
    ("code", "named", "change"),
    [
        ("CLI-0002", "'parties'", lambda job: job.update(partys={})),
        ("CLI-0002", "'label'", lambda job: job["parties"]["bank"].update(lable="y")),
        ("CLI-0002", "'epochs'", lambda job: job["train"].update(epoch=3)),
        ("CLI-0002", "'timeout_s'", lambda job: job["limits"].update(timeout=3)),
        ("CLI-0002", "'data'", lambda job: job["local"]["bank"].update(date="x.csv")),
        ("CLI-0003", "two parties", lambda job: job["parties"].pop("partner")),
        ("CLI-0003", "0.001", lambda job: job["train"].update(l2="1e-3")),
        ("CLI-0003", "train.epochs", lambda job: job["train"].update(epochs=True)),
        ("CLI-0003", "whole number", lambda job: job["train"].update(epochs=2.5)),
        ("CLI-0003", "own or shared", lambda job: job.update(reveal={"coefficients": "mine"})),
        ("CLI-0003", "bank, partner", lambda job: job.update(reveal={"scores": ["nobody"]})),
        ("CLI-0003", "host:port", lambda job: job["parties"]["bank"].update(address="nowhere")),
        ("CLI-0003", "names a folder", lambda job: job.update(job="../escape")),
        ("CLI-0003", "key in parties.bank", lambda job: job["parties"]["bank"].pop("key")),
        ("CLI-0003", "columns in parties.bank", lambda job: job["parties"]["bank"].pop("columns")),
        ("CLI-0003", "beside a label", lambda job: job["parties"]["partner"].update(positive=1)),
        ("CLI-0003", "credit", lambda job: job.update(task="forest")),
        ("CLI-0003", "seconds", lambda job: job["limits"].update(timeout_s=0)),
        ("CLI-0003", "megabits", lambda job: job.update(link_mbit=0)),
        ("CLI-0003", "threads", lambda job: job["local"]["bank"].update(threads=0)),
        ("CREDIT-0003", "epochs", lambda job: job["train"].update(epochs=0)),
        ("CREDIT-0004", "label", lambda job: job["parties"]["bank"].pop("label")),
        (
            "DATA-0006",
            "encoding",
            lambda job: job["parties"]["bank"].update(columns=[{"name": "x0", "encoding": "hot"}]),
        ),
        ("IDENTITY-0005", "certificate", lambda job: job["parties"]["bank"].update(certificate="none.pem")),
    ],
)
def test_refused(shared: House, code: str, named: str, change: Any) -> None:
    with pytest.raises(UsageError) as caught:
        _read(shared, change)
    assert caught.value.code == code
    assert named in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "just text",
        "",
        "a: !!python/object/apply:os.getcwd []",
        "\ud800".encode("utf-8", "surrogatepass"),
    ],
)
def test_not_a_job_file(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "job.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError) as caught:
        read_job(path)
    assert caught.value.code == "CLI-0001"


def test_no_job_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="CLI-0001"):
        read_job(tmp_path / "none.yaml")


def test_addresses() -> None:
    assert parse_address("192.0.2.7:7443") == Address("192.0.2.7", 7443)
    assert parse_address("[2001:db8::1]:80") == Address("2001:db8::1", 80)
    assert str(Address("2001:db8::1", 80)) == "[2001:db8::1]:80"
    for text in ("host", "host:", ":80", "host:0", "host:65536", "host:８０"):
        with pytest.raises(UsageError):
            parse_address(text)


def test_columns_to_read(shared: House) -> None:
    def change(job: dict[str, Any]) -> None:
        job["parties"]["bank"].update(columns=["x0", {"name": "x1", "encoding": "category"}], positive="bad")

    columns, text = table_columns(_read(shared, change).job.parties[0])
    assert columns == ["id", "x0", "x1", "y"] and text == ["id", "x1", "y"]


def test_the_documented_job_file_is_one(tmp_path: Path) -> None:
    """The example on the page of CLI-0001."""
    page = (Path(__file__).parents[2] / "docs" / "errors" / "CLI-0001.md").read_text(encoding="utf-8")
    (tmp_path / "job.yaml").write_text(page.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    for name in ("bank", "partner"):
        made = identity.create(tmp_path / name, name)
        (tmp_path / f"{name}.pem").write_bytes(made.certificate_path.read_bytes())
    file = read_job(tmp_path / "job.yaml")
    assert file.job.id == "credit-2026-11" and file.job.parties[0].positive == "bad"
