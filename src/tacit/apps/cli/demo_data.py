"""The demo's two data files: German credit split between a lender and an account bank.

The lender (`bank`) knows the application and the outcome, the other house (`partner`) the account. Each
holds 88 % of the customers, 77 % are common, in files of different kinds and unrelated row order.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from tacit.base.errors import UsageError
from tacit.frame.columns import ColumnSpec
from tacit.frame.source import open_table
from tacit.trust.vault import write_private

ALL_ROWS = 1000
MIN_ROWS = 700
"""With fewer, the joint training rows would be too few for the columns (20 rows for each)."""

COMMON_SHARE = 0.77
OWN_SHARE = 0.11

KEY = "customer_id"
LABEL = "outcome"
POSITIVE = "bad"

_BANK = {
    "purpose": "purpose",
    "credit_amount": "amount",
    "duration_in_month": "duration_months",
    "installment_rate_in_percentage_of_disposable_income": "instalment_rate",
    "age_in_years": "age",
    "present_employment_since": "employed_since",
    "job": "job",
    "housing": "housing",
    "property": "property",
    "present_residence_since": "residence_since",
    "creditability": LABEL,
}
_PARTNER = {
    "status_of_existing_checking_account": "checking_account",
    "savings_account_and_bonds": "savings_account",
    "credit_history": "credit_history",
    "other_installment_plans": "other_instalments",
    "number_of_existing_credits_at_this_bank": "existing_credits",
}

_EMPLOYED = ("unemployed", "... < 1 year", "1 <= ... < 4 years", "4 <= ... < 7 years", "... >= 7 years")

BANK_COLUMNS = (
    ColumnSpec("amount"),
    ColumnSpec("duration_months"),
    ColumnSpec("instalment_rate"),
    ColumnSpec("age"),
    ColumnSpec("residence_since"),
    ColumnSpec("employed_since", "ordinal", _EMPLOYED),
    ColumnSpec("purpose", "category"),
    ColumnSpec("housing", "category"),
    ColumnSpec("property", "category"),
)
PARTNER_COLUMNS = (
    ColumnSpec("existing_credits"),
    ColumnSpec("checking_account", "category"),
    ColumnSpec("savings_account", "category"),
    ColumnSpec("credit_history", "category"),
    ColumnSpec("other_instalments", "category"),
)


@dataclass(frozen=True)
class DemoFile:
    """What a job file says about one party's data; `label` and `positive` only for the bank."""

    path: Path
    columns: tuple[ColumnSpec, ...]
    key: str = KEY
    label: str | None = None
    positive: str | None = None


def write(
    bank_folder: Path, partner_folder: Path, *, rows: int | None = None, seed: int = 144
) -> tuple[DemoFile, DemoFile]:
    """Write (bank's CSV, partner's Parquet), mode 0600, into existing folders.

    `rows`: how many of the 1,000 customers to draw, without repetition; `seed` fixes who holds whom and
    the row orders. Raises UsageError DEMO-0001 unless 700 <= rows <= 1000.
    """
    n = ALL_ROWS if rows is None else rows
    if not MIN_ROWS <= n <= ALL_ROWS:
        raise UsageError(
            "DEMO-0001",
            f"the demo has {ALL_ROWS} customers and cannot show {n}",
            hint=f"give --rows from {MIN_ROWS} to {ALL_ROWS}; tacit train takes your own data, of any size",
        )
    table = _german_credit()
    generator = np.random.default_rng(seed)
    drawn = generator.permutation(ALL_ROWS)[:n]
    ids = np.char.mod("C-%06d", generator.choice(1_000_000, ALL_ROWS, replace=False))
    n_common, n_own = round(COMMON_SHARE * n), round(OWN_SHARE * n)
    common, rest = drawn[:n_common], drawn[n_common:]
    held_by_bank = generator.permutation(np.concatenate([common, rest[:n_own]]))
    held_by_partner = generator.permutation(np.concatenate([common, rest[n_own : 2 * n_own]]))

    bank_path, partner_path = bank_folder / "applications.csv", partner_folder / "accounts.parquet"
    text = io.BytesIO()
    pyarrow.csv.write_csv(_part(table, _BANK, ids, held_by_bank), text)
    write_private(bank_path, text.getvalue())
    binary = io.BytesIO()
    pyarrow.parquet.write_table(_part(table, _PARTNER, ids, held_by_partner), binary)
    write_private(partner_path, binary.getvalue())
    return (
        DemoFile(bank_path, BANK_COLUMNS, label=LABEL, positive=POSITIVE),
        DemoFile(partner_path, PARTNER_COLUMNS),
    )


def _german_credit() -> pa.Table:
    packed = resources.files("tacit.apps.cli") / "data" / "germancredit.csv.gz"
    with resources.as_file(packed) as path:
        return open_table(path)


def _part(table: pa.Table, names: dict[str, str], ids: np.ndarray, rows: np.ndarray) -> pa.Table:
    """The columns `names`, renamed, of the customers `rows`, in that order, behind their ids."""
    columns = table.select(list(names)).rename_columns(list(names.values())).take(pa.array(rows))
    return columns.add_column(0, KEY, pa.array(ids[rows]))
