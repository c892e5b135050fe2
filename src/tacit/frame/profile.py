"""What `tacit check` says about one party's own file, without any value of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tacit.base.errors import UsageError
from tacit.frame.columns import ColumnSpec, Encoding, flat, parse_columns, require_columns, suggest
from tacit.frame.disclosure import DIFFERING_ROWS, ROWS_PER_COLUMN
from tacit.frame.features import fit, label_column
from tacit.frame.keys import canonical_keys

Severity = Literal["error", "warning"]

MISSING_SHARE_WARNED = 0.5


@dataclass(frozen=True)
class Problem:
    severity: Severity
    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class ColumnProfile:
    """`missing`: share in [0, 1]; `distinct`: how many different values, missing not counted."""

    name: str
    type: str
    encoding: Encoding
    suggested: Encoding | None
    missing: float
    distinct: int


@dataclass(frozen=True)
class Profile:
    """Counts of one file. `n_features`: columns after encoding, 0 if they could not be encoded;
    `positive_share`: of the label, None without one."""

    n_rows: int
    n_ids: int
    n_null_ids: int
    n_duplicate_ids: int
    columns: tuple[ColumnProfile, ...]
    n_features: int
    positive_share: float | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")


def profile(
    table: pa.Table,
    key: str,
    columns: Sequence[str | Mapping[str, Any] | ColumnSpec],
    label: str | None = None,
    positive: str | int | float | bool | None = None,
) -> Profile:
    """Looks at all rows of the file, of which the job will use only the joint ones.

    Never raises for what is wrong with the data: that is listed in `problems`, errors first.
    """
    problems: list[Problem] = []
    n_ids, n_null, n_duplicate = _profile_key(table, key, problems)
    specs = _specs(table, columns, problems)
    column_profiles = tuple(_profile_column(flat(table[spec.name]), spec, problems) for spec in specs)
    n_features = _count_features(table, specs, problems) if specs else 0
    share = _profile_label(table, label, positive, specs, problems) if label is not None else None
    problems.sort(key=lambda problem: problem.severity != "error")
    return Profile(
        table.num_rows, n_ids, n_null, n_duplicate, column_profiles, n_features, share, tuple(problems)
    )


def _error(error: UsageError) -> Problem:
    return Problem("error", error.code, error.message, error.hint)


def _profile_key(table: pa.Table, key: str, problems: list[Problem]) -> tuple[int, int, int]:
    try:
        require_columns(table.column_names, [key], "the data")
        keys = canonical_keys(table[key], name=key)
    except UsageError as error:
        problems.append(_error(error))
        return 0, 0, 0
    if keys.n_null:
        problems.append(
            Problem(
                "warning", "DATA-0007", f"{keys.n_null} rows without an id are left out", "fill in their ids"
            )
        )
    if keys.n_duplicate:
        message = f"{keys.n_duplicate} rows repeat an earlier id; the first row of each is used"
        problems.append(Problem("warning", "DATA-0008", message, "delete those that do not count"))
    return len(keys), keys.n_null, keys.n_duplicate


def _specs(
    table: pa.Table, columns: Sequence[str | Mapping[str, Any] | ColumnSpec], problems: list[Problem]
) -> tuple[ColumnSpec, ...]:
    """The columns that exist."""
    try:
        specs = parse_columns(columns)
    except UsageError as error:
        problems.append(_error(error))
        return ()
    try:
        require_columns(table.column_names, [spec.name for spec in specs], "the data")
    except UsageError as error:
        problems.append(_error(error))
    return tuple(spec for spec in specs if spec.name in table.column_names)


def _profile_column(array: pa.Array, spec: ColumnSpec, problems: list[Problem]) -> ColumnProfile:
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), None, array)
    missing = array.null_count / max(len(array), 1)
    if missing > MISSING_SHARE_WARNED:
        message = f"column {spec.name!r} is empty on {missing:.0%} of the rows"
        problems.append(Problem("warning", "DATA-0016", message, "consider leaving it out"))
    distinct = pc.count_distinct(array, mode="only_valid").as_py()
    if distinct > 1 and spec.encoding != "category" and _n_differing(array) < DIFFERING_ROWS:
        message = f"column {spec.name!r} has one value on all but fewer than {DIFFERING_ROWS} rows"
        problems.append(Problem("warning", "COEF-0003", message, "leave it out, or share the coefficients"))
    return ColumnProfile(spec.name, str(array.type), spec.encoding, suggest(array), missing, distinct)


def _n_differing(array: pa.Array) -> int:
    counts = pc.struct_field(pc.value_counts(array), "counts").to_numpy(zero_copy_only=False)
    return int(len(array) - counts.max(initial=0))


def _count_features(table: pa.Table, specs: tuple[ColumnSpec, ...], problems: list[Problem]) -> int:
    """d on all rows of the file; each column is tried by itself, so that every problem is named."""
    n_features = 0
    for spec in specs:
        try:
            n_features += len(fit(table.select([spec.name]), [spec]).names)
        except UsageError as error:
            known = any((other.code, other.message) == (error.code, error.message) for other in problems)
            if not known:
                problems.append(_error(error))
    if n_features * ROWS_PER_COLUMN > table.num_rows:
        message = f"{n_features} columns after encoding are many for {table.num_rows} rows"
        hint = f"own coefficients are revealed only with {ROWS_PER_COLUMN} joint training rows per column"
        problems.append(Problem("warning", "COEF-0002", message, hint))
    return n_features


def _profile_label(
    table: pa.Table,
    label: str,
    positive: str | int | float | bool | None,
    specs: tuple[ColumnSpec, ...],
    problems: list[Problem],
) -> float | None:
    if any(spec.name == label for spec in specs):
        message = f"label {label!r} is also among the columns"
        problems.append(Problem("error", "DATA-0006", message, "take it out of columns"))
    try:
        labels = label_column(table, label, positive)
    except UsageError as error:
        problems.append(_error(error))
        return None
    n_positive = int(labels.sum())
    if min(n_positive, len(labels) - n_positive) < DIFFERING_ROWS:
        message = f"label {label!r} has fewer than {DIFFERING_ROWS} rows of one class"
        problems.append(Problem("warning", "DATA-0014", message, "bring more rows of that class"))
    return float(np.mean(labels))
