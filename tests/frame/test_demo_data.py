"""The demo's files overlap in part, keep the real rows, and the partner's columns are worth having."""

import gzip
import hashlib
import stat
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from tacit.apps.cli import demo_data
from tacit.apps.cli.demo_data import DemoFile
from tacit.base.errors import UsageError
from tacit.frame.columns import parse_columns, text_columns
from tacit.frame.disclosure import check_columns
from tacit.frame.features import fit, label_column
from tacit.frame.keys import Keys, canonical_keys
from tacit.frame.profile import profile
from tacit.frame.source import open_table
from tacit.frame.split import holdout


def read(file: DemoFile) -> tuple[pa.Table, Keys]:
    table = open_table(file.path, text=(file.key, *text_columns(file.columns)))
    return table, canonical_keys(table[file.key], nulls="refuse", duplicates="refuse")


def joint(bank: DemoFile, partner: DemoFile) -> tuple[pa.Table, pa.Table, Keys]:
    """The common customers' rows of both files, in one order, and their ids."""
    (bank_table, bank_keys), (partner_table, partner_keys) = read(bank), read(partner)
    place = {partner_keys[i]: i for i in range(len(partner_keys))}
    index = np.array([i for i in range(len(bank_keys)) if bank_keys[i] in place])
    common = bank_keys.take(index)
    theirs = partner_keys.take(np.array([place[common[i]] for i in range(len(common))]))
    return bank_table.take(common.rows), partner_table.take(theirs.rows), common


def test_the_shipped_file_is_the_published_one() -> None:
    packed = (resources.files("tacit.apps.cli") / "data" / "germancredit.csv.gz").read_bytes()
    digest = hashlib.sha256(gzip.decompress(packed)).hexdigest()
    assert digest == "2c0bae00275c028fc853a1ea72cc7a68002c3f6876c41300c5c948711540c8c6"


@pytest.mark.parametrize(("rows", "held", "common"), [(None, 880, 770), (1000, 880, 770), (700, 616, 539)])
def test_sizes_and_privacy_of_the_files(tmp_path: Path, rows: int | None, held: int, common: int) -> None:
    bank, partner = demo_data.write(tmp_path, tmp_path, rows=rows)
    assert (bank.path.suffix, partner.path.suffix) == (".csv", ".parquet")
    assert all(stat.S_IMODE(file.path.stat().st_mode) == 0o600 for file in (bank, partner))
    (bank_table, bank_keys), (partner_table, partner_keys) = read(bank), read(partner)
    assert len(bank_keys) == bank_table.num_rows == len(partner_keys) == partner_table.num_rows == held
    assert joint(bank, partner)[0].num_rows == common
    assert set(bank_table.column_names) & set(partner_table.column_names) == {"customer_id"}
    assert bank_keys[0].startswith(b"C-") and len(bank_keys[0]) == 8
    order = [bank_keys[i] for i in range(held)]
    assert order != sorted(order)


def test_a_profile_finds_nothing_wrong(tmp_path: Path) -> None:
    for file in demo_data.write(tmp_path, tmp_path):
        columns = [spec.to_job() for spec in file.columns]
        assert parse_columns(columns) == file.columns
        assert profile(read(file)[0], file.key, columns, file.label, file.positive).problems == ()


def test_common_rows_are_real_rows(tmp_path: Path) -> None:
    left, right, _ = joint(*demo_data.write(tmp_path, tmp_path))
    names = {"credit_amount": "amount", "age_in_years": "age", "duration_in_month": "duration_months"}
    packed = resources.files("tacit.apps.cli") / "data" / "germancredit.csv.gz"
    with resources.as_file(packed) as path:
        whole = open_table(path)
    account = "status_of_existing_checking_account"
    real = set(zip(*(whole[name].to_pylist() for name in (*names, account, "creditability")), strict=True))
    shown = [*(left[name] for name in names.values()), right["checking_account"], left["outcome"]]
    rows = list(zip(*(column.to_pylist() for column in shown), strict=True))
    assert len(rows) == 770 and set(rows) <= real


def test_the_seed_fixes_the_files(tmp_path: Path) -> None:
    contents = []
    for i, seed in enumerate((1, 1, 2)):
        folder = tmp_path / str(i)
        folder.mkdir()
        contents.append([file.path.read_bytes() for file in demo_data.write(folder, folder, seed=seed)])
    assert contents[0] == contents[1] != contents[2]


@pytest.mark.parametrize("rows", [-1, 0, 699, 1001, 10_000])
def test_customers_are_not_made_up(tmp_path: Path, rows: int) -> None:
    with pytest.raises(UsageError) as caught:
        demo_data.write(tmp_path, tmp_path, rows=rows)
    assert caught.value.code == "DEMO-0001" and not list(tmp_path.iterdir())


@pytest.mark.parametrize(("rows", "seeds", "gain"), [(1000, range(8), 0.03), (700, range(4), 0.0)])
def test_the_partner_matters_and_coefficients_may_be_revealed(
    tmp_path: Path, rows: int, seeds: range, gain: float
) -> None:
    bank, partner = demo_data.write(tmp_path, tmp_path, rows=rows)
    left, right, keys = joint(bank, partner)
    label = label_column(left, "outcome", "bad")
    for seed in seeds:
        test = holdout(keys, 1 / 3, seed)
        x = []
        for table, file in ((left, bank), (right, partner)):
            plan = fit(table.filter(pa.array(~test)), file.columns)
            own, names = plan.transform(table)
            check_columns(own[~test], names, l2=0.01)
            x.append(own)
        own_auc, joint_auc = (auc(columns, label, test) for columns in (x[0], np.hstack(x)))
        assert joint_auc > own_auc + gain and own_auc > 0.6


def auc(x: np.ndarray, label: np.ndarray, test: np.ndarray) -> float:
    model = LogisticRegression(max_iter=500).fit(x[~test], label[~test])
    return float(roc_auc_score(label[test], model.decision_function(x[test])))
