"""Columns to numbers: fitted on one party's training rows, applied to any rows, saved with the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tacit.base.errors import UsageError
from tacit.frame.columns import (
    LEVEL_LIMIT,
    ColumnSpec,
    flat,
    is_number,
    is_text,
    parse_columns,
    require_columns,
    shorten,
    suggest,
)

CLIP = 8.0
"""Standardised numbers are held within this many standard deviations."""

MIN_LEVEL_ROWS = 20
"""A category level on fewer training rows has no coefficient of its own: it joins `OTHER`."""

MIN_ROWS = 40
MISSING = "(missing)"
OTHER = "(other)"
_VERSION = 1


@dataclass(frozen=True)
class NumberPlan:
    """(value - mean) / scale, missing values first replaced by `fill`. `levels`: of an ordinal column."""

    name: str
    fill: float
    mean: float
    scale: float
    levels: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def transform(self, column: pa.Array) -> np.ndarray:
        values, _ = _numbers(column, self.name, self.levels)
        values = np.where(np.isnan(values), self.fill, values)
        return np.clip((values - self.mean) / self.scale, -CLIP, CLIP)[:, None]

    def count_unseen(self, column: pa.Array) -> int:
        return _numbers(column, self.name, self.levels)[1]


@dataclass(frozen=True)
class CategoryPlan:
    """One 0/1 column per level of `levels`, one for the rare ones if `has_other`; `reference` has none."""

    name: str
    reference: str
    levels: tuple[str, ...]
    rare: tuple[str, ...] = ()
    has_other: bool = False

    def names(self) -> tuple[str, ...]:
        shown = (*self.levels, OTHER) if self.has_other else self.levels
        return tuple(f"{self.name}={level}" for level in shown)

    def transform(self, column: pa.Array) -> np.ndarray:
        codes = self._codes(column)
        x = np.zeros((len(column), len(self.names())))
        rows = np.flatnonzero((codes >= 0) & (codes < x.shape[1]))
        x[rows, codes[rows]] = 1.0
        return x

    def count_unseen(self, column: pa.Array) -> int:
        return int(np.count_nonzero(self._codes(column) < 0))

    def _codes(self, column: pa.Array) -> np.ndarray:
        """int64[n]: column of the level, len(levels) for the rare, beyond that the reference, -1 unseen."""
        known = pa.array([*self.levels, *self.rare, self.reference], pa.large_string())
        found = pc.index_in(_levels(column, self.name), value_set=known)
        raw = pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        n_own, n_rare = len(self.levels), len(self.rare)
        codes = np.where((raw >= n_own) & (raw < n_own + n_rare), n_own, raw)
        return np.where(raw == n_own + n_rare, n_own + 1, codes)


@dataclass(frozen=True)
class FeaturePlan:
    """How one party's columns become numbers. `dropped`: columns constant on the training rows."""

    columns: tuple[NumberPlan | CategoryPlan, ...]
    dropped: tuple[str, ...] = ()
    n_rows: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the d columns of `transform`, `column` or `column=level`."""
        return tuple(name for column in self.columns for name in column.names())

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns whose text must be read as written (`source.open_table(text=...)`)."""
        return tuple(c.name for c in self.columns if isinstance(c, CategoryPlan) or c.levels)

    def transform(self, table: pa.Table) -> tuple[np.ndarray, tuple[str, ...]]:
        """(float64[n, d] in [-8, 8], names). Unseen levels are all zero, missing numbers the median.

        Raises UsageError DATA-0005, DATA-0010, DATA-0021.
        """
        self._require(table)
        blocks = [column.transform(flat(table[column.name])) for column in self.columns]
        return np.hstack([np.zeros((table.num_rows, 0)), *blocks]), self.names

    def unseen(self, table: pa.Table) -> dict[str, int]:
        """Per column that has any: how many rows hold a level that the training rows did not."""
        self._require(table)
        counts = {column.name: column.count_unseen(flat(table[column.name])) for column in self.columns}
        return {name: count for name, count in counts.items() if count}

    def _require(self, table: pa.Table) -> None:
        require_columns(table.column_names, [column.name for column in self.columns], "the data")

    def to_json(self) -> dict[str, Any]:
        """A JSON object. It holds medians, means and levels of the owner's rows: keep it encrypted."""
        columns = [
            {"encoding": "number" if isinstance(column, NumberPlan) else "category", **asdict(column)}
            for column in self.columns
        ]
        return {"version": _VERSION, "columns": columns, "dropped": list(self.dropped), "n_rows": self.n_rows}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> FeaturePlan:
        """Raises UsageError DATA-0017 unless `fields` is what `to_json` of this version gives."""
        try:
            if fields["version"] != _VERSION:
                raise ValueError
            columns = tuple(_column_from_json(dict(entry)) for entry in fields["columns"])
            return cls(columns, tuple(map(str, fields["dropped"])), int(fields["n_rows"]))
        except (KeyError, TypeError, ValueError):
            raise UsageError(
                "DATA-0017",
                "the saved model's columns cannot be read by this version",
                hint="train again, or use the Tacit version that saved the model",
            ) from None


def _column_from_json(entry: dict[str, Any]) -> NumberPlan | CategoryPlan:
    encoding = entry.pop("encoding")
    if encoding == "number":
        plan = NumberPlan(**entry | {"levels": tuple(entry["levels"])})
        if not (np.isfinite([plan.fill, plan.mean, plan.scale]).all() and plan.scale > 0):
            raise ValueError
        return plan
    if encoding != "category":
        raise ValueError
    return CategoryPlan(**entry | {"levels": tuple(entry["levels"]), "rare": tuple(entry["rare"])})


def fit(
    table: pa.Table,
    specs: Sequence[str | Mapping[str, Any] | ColumnSpec],
    *,
    constant: str = "drop",
    min_level_rows: int = MIN_LEVEL_ROWS,
) -> FeaturePlan:
    """The plan for columns `specs`, fitted on `table`: the training rows only, and of one party only.

    Columns with one value are left out and listed in `dropped`, or refused with constant="refuse".
    Raises UsageError DATA-0005, 0006, 0010, 0011, 0014 to 0016, 0020, 0021.
    """
    columns = parse_columns(specs)
    require_columns(table.column_names, [spec.name for spec in columns], "the data")
    if table.num_rows < MIN_ROWS:
        raise UsageError(
            "DATA-0014",
            f"{table.num_rows} training rows are too few: at least {MIN_ROWS} are needed",
            hint="check that both parties' ids are written the same way, or bring more rows",
        )
    plans: list[NumberPlan | CategoryPlan] = []
    dropped: list[str] = []
    for spec in columns:
        column = flat(table[spec.name])
        is_category = spec.encoding == "category"
        plan = _fit_category(column, spec, min_level_rows) if is_category else _fit_number(column, spec)
        if plan is None:
            dropped.append(spec.name)
        else:
            plans.append(plan)
    if dropped and (constant == "refuse" or not plans):
        raise UsageError(
            "DATA-0011",
            f"columns with a single value on the training rows: {shorten(dropped)}",
            hint="leave them out of the job",
        )
    return FeaturePlan(tuple(plans), tuple(dropped), table.num_rows)


def _fit_number(column: pa.Array, spec: ColumnSpec) -> NumberPlan | None:
    """None for a constant column."""
    values, n_unknown = _numbers(column, spec.name, spec.levels)
    if n_unknown:
        raise UsageError(
            "DATA-0015",
            f"column {spec.name!r} has {n_unknown} rows whose value is not among its ordinal levels",
            hint="list every level, lowest first, in the encoding of this column",
        )
    present = values[~np.isnan(values)]
    if not len(present):
        raise UsageError(
            "DATA-0016",
            f"column {spec.name!r} has no value on the training rows",
            hint="leave it out of the job",
        )
    fill = float(np.median(present))
    filled = np.where(np.isnan(values), fill, values)
    # The standard deviation of one repeated number need not be exactly 0.
    if filled.min() == filled.max():
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = float(filled.mean()), float(filled.std())
    if not (np.isfinite(mean) and np.isfinite(scale) and scale > 0):
        raise UsageError(
            "DATA-0021",
            f"column {spec.name!r} holds numbers too large or too close together to standardise",
            hint="rescale the column",
        )
    return NumberPlan(spec.name, fill, mean, scale, spec.levels)


def _fit_category(column: pa.Array, spec: ColumnSpec, min_level_rows: int) -> CategoryPlan | None:
    """None for a constant column, also if all levels but one are too rare together."""
    counted = pc.value_counts(_levels(column, spec.name)).to_pylist()
    # Ties are broken by name, so that the plan does not depend on row order.
    ranked = sorted(((entry["counts"], entry["values"]) for entry in counted), key=lambda e: (-e[0], e[1]))
    frequent = [level for count, level in ranked if count >= min_level_rows]
    if len(frequent) > LEVEL_LIMIT or not frequent:
        raise UsageError(
            "DATA-0020",
            f"column {spec.name!r} has {len(ranked)} levels, {len(frequent)} of them on {min_level_rows} rows"
            f" or more: a category needs 1 to {LEVEL_LIMIT} such levels",
            hint="group the levels before, or leave the column out",
        )
    rare = tuple(level for _, level in ranked[len(frequent) :])
    n_rare_rows = sum(count for count, _ in ranked[len(frequent) :])
    plan = CategoryPlan(spec.name, frequent[0], tuple(frequent[1:]), rare, n_rare_rows >= min_level_rows)
    return plan if plan.names() else None


def _numbers(column: pa.Array, name: str, levels: tuple[str, ...]) -> tuple[np.ndarray, int]:
    """(float64[n], NaN where missing; how many values of an ordinal column are not among `levels`)."""
    if levels:
        text = _levels(column, name)
        codes = pc.index_in(text, value_set=pa.array(levels, pa.large_string()))
        missing = int(pc.sum(pc.equal(text, MISSING)).as_py() or 0) if MISSING not in levels else 0
        values = codes.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return values, int(np.count_nonzero(np.isnan(values))) - missing
    if column.null_count == len(column):
        return np.full(len(column), np.nan), 0
    if not is_number(column.type):
        raise _needs_encoding(column, name)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    values = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    n_infinite = int(np.count_nonzero(np.isinf(values)))
    if n_infinite:
        raise UsageError(
            "DATA-0021", f"column {name!r} holds {n_infinite} infinite numbers", hint="delete or replace them"
        )
    return values, 0


def _needs_encoding(column: pa.Array, name: str) -> UsageError:
    if suggest(column) == "category":
        hint = (
            f"write {{name: {name}, encoding: category}}, or ordinal:[low, high] if its levels have an order"
        )
    elif is_text(column.type):
        hint = "it has too many levels for a category: leave it out (numbers need a decimal point)"
    else:
        hint = "export it as a number (for a date: days or years before today), or leave it out"
    return UsageError("DATA-0010", f"column {name!r} is not a number (its type is {column.type})", hint=hint)


def _levels(column: pa.Array, name: str) -> pa.Array:
    """large_string[n] without NULL: the levels of a category as text."""
    if not (is_text(column.type) or is_number(column.type) or pa.types.is_null(column.type)):
        raise UsageError(
            "DATA-0010",
            f"column {name!r} has type {column.type}, which has no levels",
            hint="export it as text or as a number, or leave it out",
        )
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    return pc.fill_null(column.cast(pa.large_string()), MISSING)


def label_column(table: pa.Table, name: str, positive: str | int | float | bool | None = None) -> np.ndarray:
    """int64[n] of 0 and 1: the label; with `positive`, 1 where the column holds that value.

    Raises UsageError DATA-0005, DATA-0012 if there are other values than two or only one class,
    DATA-0013 if labels are missing.
    """
    require_columns(table.column_names, [name], "the data")
    column = flat(table[name])
    n_missing = column.null_count
    if pa.types.is_floating(column.type):
        n_missing += int(pc.sum(pc.is_nan(column)).as_py() or 0)
    if n_missing:
        raise UsageError(
            "DATA-0013",
            f"label column {name!r} is empty on {n_missing} of {len(column)} rows",
            hint="delete these rows or fill in the label",
        )
    if positive is None:
        ones, valid = _zero_one(column)
        hint = "use 0 and 1, or write positive: VALUE beside the label in the job (text in quotes)"
    else:
        ones, valid = _is_positive(column, positive)
        hint = "positive must be one of the label's two values, written as in the file (text in quotes)"
    if not valid or ones.all() or not ones.any():
        raise UsageError("DATA-0012", f"label column {name!r} does not hold two classes, 0 and 1", hint=hint)
    return ones.astype(np.int64)


def _zero_one(column: pa.Array) -> tuple[np.ndarray, bool]:
    """(bool[n] where 1, whether all values are 0 or 1)."""
    if is_text(column.type):
        column = pc.utf8_trim_whitespace(column)
        zero, one = pc.equal(column, "0"), pc.equal(column, "1")
    elif is_number(column.type):
        numbers = _numbers(column, "label", ())[0]
        return numbers == 1, bool(np.isin(numbers, (0, 1)).all())
    else:
        return np.zeros(len(column), dtype=bool), False
    return one.to_numpy(zero_copy_only=False), bool(pc.all(pc.or_(zero, one)).as_py())


def _is_positive(column: pa.Array, positive: str | int | float | bool) -> tuple[np.ndarray, bool]:
    """(bool[n] where `positive`, whether there are two values)."""
    if is_text(column.type):
        ones = pc.equal(column, str(positive)).to_numpy(zero_copy_only=False)
    elif is_number(column.type) and not isinstance(positive, str):
        ones = _numbers(column, "label", ())[0] == float(positive)
    else:
        return np.zeros(len(column), dtype=bool), False
    return ones, bool(pc.count_distinct(column).as_py() == 2)
