"""Vertically split sets of `../shared/data/vfl` for `--data`: read, aligned by key, standardised."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from tacit.base.errors import UsageError
from tacit.frame.source import open_table

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "vfl"


@dataclass(frozen=True)
class Set:
    """Two files, that of the label's owner first; without a key, rows correspond as they stand."""

    files: tuple[str, str]
    label: str
    key: str | None


SETS = {
    "breast_hetero": Set(("breast_hetero_guest", "breast_hetero_host"), "y", "id"),
    "default_credit_hetero": Set(("default_credit_hetero_guest", "default_credit_hetero_host"), "y", "id"),
    "gmc_overlap_dev": Set(("gmc_overlap_dev_bank", "gmc_overlap_dev_partner"), "SeriousDlqin2yrs", "uid"),
    "kuscia_perfect_logit": Set(("kuscia_perfect_logit_a", "kuscia_perfect_logit_b"), "y", None),
}


def load(name: str) -> tuple[list[np.ndarray], np.ndarray]:
    """Each party's standardised columns, float64[n, d], the first with a column of ones; label int64[n].

    Raises UsageError BENCH-0001 if the data are not beside the checkout.
    """
    data = SETS[name]
    paths = [FOLDER / f"{file}.csv.gz" for file in data.files]
    if not all(path.exists() for path in paths):
        raise UsageError("BENCH-0001", f"data set {name!r} is not there", hint=f"put its files into {FOLDER}")
    tables = [open_table(path, text=[data.key] if data.key else []) for path in paths]
    if data.key is not None:
        tables = _aligned(tables, data.key)
    label = tables[0][data.label].to_numpy().astype(np.int64)
    left_out = {data.key, data.label}
    blocks = [
        _standardised(table.drop_columns([c for c in table.column_names if c in left_out]))
        for table in tables
    ]
    blocks[0] = np.hstack([blocks[0], np.ones((len(label), 1))])
    return blocks, label


def _aligned(tables: list[pa.Table], key: str) -> list[pa.Table]:
    """The common rows of both, by key."""
    keys = [table[key].to_numpy(zero_copy_only=False).astype(str) for table in tables]
    _, first, second = np.intersect1d(keys[0], keys[1], assume_unique=True, return_indices=True)
    return [table.take(pa.array(rows)) for table, rows in zip(tables, (first, second), strict=True)]


def _standardised(table: pa.Table) -> np.ndarray:
    """Missing values become the median, constants go, outliers are cut at 10 standard deviations."""
    x: np.ndarray = np.column_stack([column.to_numpy().astype(np.float64) for column in table.columns])
    x = np.where(np.isnan(x), np.nanmedian(x, axis=0), x)
    x = x[:, np.ptp(x, axis=0) > 0]
    standard: np.ndarray = (x - x.mean(axis=0)) / x.std(axis=0)
    return standard.clip(-10, 10)
