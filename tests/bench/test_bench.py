"""The benches run at small sizes, print what DESIGN §7 says, and refuse wrong results."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import bench.tasks
from bench.__main__ import main
from bench.driver import Worker
from bench.psi.kind import SPENT
from bench.task import registry
from bench.tasks.logreg import _auc
from bench.tasks.mul import TASK as MUL
from bench.tasks.psi import PROTOCOLS as PSI_PROTOCOLS
from bench.tasks.psi import TASK as PSI
from tacit import _kernel
from tacit.base.errors import InternalError, TacitError

ROOT = Path(__file__).parents[2]
FIELDS = [
    "task", "shape", "parties", "scheme", "security", "transport", "seconds", "total_s", "compute_s",
    "setup_s", "io_s", "cpu_seconds", "bytes_sent", "rounds", "peak_rss_mb",
]  # fmt: skip


def run_bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def measured(*arguments: str) -> dict[str, object]:
    done = run_bench(*arguments, "--json", "--runs", "1")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    return json.loads(line)


NOTHING = np.zeros(2)
COMPARED = ("predicted_s", "spent_s", "predicted_mb", "spent_mb")


@pytest.mark.parametrize(
    "arguments",
    [
        *((name,) for name in PSI_PROTOCOLS),
        ("rr22", "--security", "malicious"),
        ("rr22", "--memory", "257MiB"),
        ("nparty", "--parties", "4", "--m", "2000"),
    ],
)
def test_a_row_of_every_intersection_tells_what_was_predicted(arguments: tuple[str, ...]) -> None:
    """Bytes within a tenth. Of seconds only that they are of a size: this machine may do other things too."""
    line = measured("psi", "--net", "memory", "--n", "3000", "--protocol", *arguments)
    predicted_s, spent_s, predicted_mb, spent_mb = (line[name] for name in COMPARED)
    assert predicted_mb == pytest.approx(spent_mb, rel=0.1)
    assert 0 < predicted_s < min(1, 30 * spent_s)


def test_every_file_in_tasks_is_a_task_of_its_own_name() -> None:
    files = {file.stem for file in Path(bench.tasks.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(registry()) == files >= {"psi", "mul", "less", "sigmoid", "matmul", "logreg", "transport"}
    assert all(task.standard for task in registry().values())


@pytest.mark.parametrize(
    ("arguments", "figures"),
    [
        (("mul", "--n", "300"), ["max_error"]),
        (("psi", "--protocol", "ecdh", "--n", "60", "--m", "31"), ["intersection", *COMPARED]),
        (("logreg", "--rows", "300", "--cols", "4", "--batch", "100"), ["auc", "auc_plain"]),
    ],
)
def test_processes_over_tls(arguments: tuple[str, ...], figures: list[str]) -> None:
    line = measured(*arguments)
    assert list(line) == [*FIELDS, *figures, "machine"]
    assert line["transport"] == "tls loopback" and line["parties"] == 2 and line["security"] == "semi-honest"
    assert line["setup_s"] > 0 and line["compute_s"] > 0 and line["io_s"] > 0 and line["cpu_seconds"] > 0
    assert max(line["setup_s"], line["compute_s"], line["io_s"]) < line["total_s"] < 30
    operation = line["setup_s"] + line["compute_s"]
    expected = operation if line["task"] == "mul" else line["total_s"]
    assert line["seconds"] == pytest.approx(expected, abs=2e-6)
    assert min(line["bytes_sent"]) > 1000 and line["rounds"] >= 3 and line["peak_rss_mb"] > 20
    assert set(line["machine"]) == {"cpu", "cores", "memory_gib", "system", "python", "date"}


@pytest.mark.parametrize(
    ("arguments", "n_parties"),
    [
        (("mul", "--n", "300", "--scheme", "semi2k_dealer"), 3),
        (("logreg", "--rows", "300", "--cols", "4", "--batch", "100", "--scheme", "semi2k_dealer"), 3),
        (("total", "--n", "300", "--parties", "4"), 4),
        (("psi", "--protocol", "nparty", "--n", "300", "--parties", "4"), 4),
        (("psi", "--protocol", "nparty", "--n", "30", "--m", "90"), 3),
        (("total", "--n", "30", "--parties", "4", "--verifiable"), 4),
    ],
)
def test_more_processes_over_tls(arguments: tuple[str, ...], n_parties: int) -> None:
    line = measured(*arguments)
    assert line["parties"] == len(line["bytes_sent"]) == n_parties and line["rounds"] >= 2


@pytest.mark.parametrize(
    ("protocol", "figures"),
    [
        ("unbalanced", ["intersection", "online_s", "table_mb"]),
        ("circuit", ["intersection"]),
        ("sum", ["intersection"]),
    ],
)
def test_intersections_with_other_outputs(protocol: str, figures: list[str]) -> None:
    line = measured("psi", "--protocol", protocol, "--n", "40", "--m", "90")
    assert list(line) == [*FIELDS, *figures, *COMPARED, "machine"] and line["intersection"] == 20
    assert line["scheme"] == protocol and line["seconds"] == line["total_s"]


def test_a_protocol_without_a_malicious_form_is_refused() -> None:
    done = run_bench("psi", "--protocol", "sum", "--security", "malicious", "--n", "40")
    assert done.returncode != 0 and "BENCH-0001" in done.stderr and "rr22" in done.stderr


def test_bytes_cover_every_message_of_a_comparison() -> None:
    n = 6400
    line = measured("less", "--n", str(n))
    triples_and_products = (2 * 62 + 63) * n * 4  # bytes: 187 OTs of 128/4 bits each
    openings = 2 * (63 + 3 * 62) * n // 8
    rlwe_keys = sum(2 * _kernel.rlwe_public_key_size(bits) for bits in (180, 200))
    reveal, keys = 2 * n // 8, 2 * 128 * (96 + 32) + rlwe_keys
    payload = triples_and_products + openings + reveal + keys
    assert payload < sum(line["bytes_sent"]) < 1.05 * payload + 8000
    assert line["rounds"] == 8 and line["max_error"] == 0


def test_table_and_out(tmp_path: Path) -> None:
    done = run_bench("sigmoid", "--n", "50", "--runs", "1", "--net", "memory", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    heading, _, columns, row = done.stdout.splitlines()
    (line,) = (tmp_path / "out").read_text().splitlines()
    assert json.loads(line)["machine"]["date"] in heading and "memory" in heading
    assert columns.split()[:4] == ["task", "shape", "scheme", "seconds"] and row.startswith("sigmoid  n=50")
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_transport() -> None:
    line = measured("transport", "--megabytes", "64", "--trips", "50")
    assert line["gb_per_s"] > 0 and line["round_trip_us"] > 0


def test_shaped_networks_delay_every_message() -> None:
    done = run_bench("mul", "--n", "10", "--net", "wan", "--json", "--runs", "1")
    line = json.loads(done.stdout)
    assert line["transport"] in ("tls wan", "tls wan, relayed")
    assert line["compute_s"] > 2 * 0.02


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("mul", "--n", "0"), "BENCH-0001"),
        (("mul", "--n", "10", "--out", "/nonexistent/folder/out"), "BENCH-0001"),
        (("mul", "--n", "10", "--security", "malicious"), "SCHEME-0002"),
        (("logreg", "--rows", "10", "--cols", "1"), "BENCH-0001"),
    ],
)
def test_bad_options(arguments: tuple[str, ...], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TacitError) as caught:
        main([*arguments, "--json"])
    assert caught.value.code == code and capsys.readouterr().out == ""


def test_unknown_task_is_no_measurement() -> None:
    done = run_bench("fly", "--n", "10", "--json")
    assert done.returncode == 2 and "invalid choice" in done.stderr and done.stdout == ""


def test_a_wrong_product_is_refused(tmp_path: Path) -> None:
    options = argparse.Namespace(scheme="semi2k", n=100, seed=0)
    folders = [tmp_path / "0", tmp_path / "1"]
    for folder in folders:
        folder.mkdir()
    expected = MUL.prepare(options, folders)
    right = [{"out": expected + 2.0**-19}, {"out": expected}]
    assert MUL.check(options, expected, folders, right)["max_error"] == pytest.approx(2.0**-19)
    off = expected.copy()
    off[7] += 0.01
    missing = expected.copy()
    missing[7] = np.nan
    for out in ([right[0], {"out": off}], [{"out": expected[:-1]}, right[1]], [{"out": missing}, right[1]]):
        with pytest.raises(InternalError, match="BENCH-0003"):
            MUL.check(options, expected, folders, out)


def test_a_wrong_intersection_is_refused(tmp_path: Path) -> None:
    options = argparse.Namespace(n=100, m=50, seed=0, protocol="ecdh", security="semi-honest", memory=None)
    folders = [tmp_path / "0", tmp_path / "1"]
    for folder in folders:
        folder.mkdir()
    common = PSI.prepare(options, folders)
    mine, theirs = (set((folder / "ids.csv").read_text().replace('"', "").split()[1:]) for folder in folders)
    assert (len(mine), len(theirs), len(mine & theirs), len(common)) == (100, 50, 25, 25)
    assert {name.decode() for name in common} == mine & theirs

    def check(found: list[str]) -> dict[str, float]:
        for folder, names in zip(folders, (found, sorted(mine & theirs)), strict=True):
            (folder / "common.csv").write_text("\n".join(["id", *names, ""]))
        return PSI.check(options, common, folders, [{SPENT: NOTHING}, {SPENT: NOTHING}])

    assert check(sorted(mine & theirs, reverse=True))["intersection"] == 25
    for found in (sorted(mine & theirs)[1:], sorted(mine)[:25], sorted(mine & theirs) * 2):
        with pytest.raises(InternalError, match="BENCH-0003"):
            check(found)


def test_the_circuit_check_reads_shares_by_row(tmp_path: Path) -> None:
    options = argparse.Namespace(protocol="circuit", security="semi-honest", n=4, m=4, seed=1, memory=None)
    folders = [tmp_path / "0", tmp_path / "1"]
    for folder in folders:
        folder.mkdir()
    expected = PSI.prepare(options, folders)
    rows = np.array([2, -1, 0, 3, 1])
    member = np.where(rows < 0, False, expected.common[rows]).astype(np.uint8)
    payload = np.where(rows < 0, 0, expected.payload[rows]).astype(np.uint64)
    masks = np.arange(5, dtype=np.uint64)

    def check(rows: np.ndarray, member: np.ndarray, payload: np.ndarray) -> dict[str, float]:
        receiver = {"rows": rows, "member": member ^ 1, "payload": payload - masks, SPENT: NOTHING}
        sender = {"member": member * 0 + 1, "payload": masks, SPENT: NOTHING}
        return PSI.check(options, expected, folders, [receiver, sender])

    assert check(rows, member, payload)["intersection"] == 2
    for other in (
        (rows[[0, 1, 0, 3, 4]], member, payload),
        (rows, member ^ 1, payload),
        (rows, member, payload + 1),
    ):
        with pytest.raises(InternalError, match="BENCH-0003"):
            check(*other)


def test_a_party_that_ends_is_an_error(tmp_path: Path) -> None:
    worker = Worker({"shaping": "loopback", "host": "127.0.0.1", "task": "no such task"}, tmp_path / "plan")
    with pytest.raises(InternalError, match="BENCH-0004"):
        worker.hear()
    worker.end()


def test_auc_counts_ties_one_half() -> None:
    rng = np.random.default_rng(5)
    score, label = rng.integers(0, 30, 500).astype(float), rng.integers(0, 2, 500)
    assert _auc(score, label) == pytest.approx(roc_auc_score(label, score), abs=1e-12)
