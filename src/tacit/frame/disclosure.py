"""When a party may learn the coefficients of its own columns without learning the other's labels.

Coefficients are outputs of all rows. With many columns, with a column that moves on few rows only, or
without regularisation, they determine single labels; such reveals are refused before training.

Limit: columns are looked at one by one; two columns that differ from each other on a few rows only pass.
"""

from __future__ import annotations

import numpy as np

from tacit.base.errors import PolicyError
from tacit.frame.columns import shorten

ROWS_PER_COLUMN = 20
DIFFERING_ROWS = 20
LEAST_L2 = 1e-4
"""Less is no regularisation to speak of."""

_HINT = "or write coefficients: shared in the job, then nobody learns them"


class ColumnsRefused(PolicyError):
    """The data owner must act: `columns` would give labels away."""

    def __init__(self, code: str, message: str, columns: tuple[str, ...], *, hint: str) -> None:
        super().__init__(code, message, hint=hint)
        self.columns = columns


def check_counts(n_rows: int, n_columns: int, *, l2: float) -> None:
    """The half of the rule that everybody can check for every party, from agreed numbers.

    Raises PolicyError COEF-0001 unless l2 >= 1e-4, COEF-0002 if n_columns > n_rows / 20.
    """
    if not l2 >= LEAST_L2:
        raise PolicyError(
            "COEF-0001",
            f"coefficients may not be revealed without L2 regularisation of at least {LEAST_L2}",
            hint=f"set l2: {LEAST_L2} or more, {_HINT}",
        )
    if n_columns * ROWS_PER_COLUMN > n_rows:
        raise PolicyError(
            "COEF-0002",
            f"a party's {n_columns} columns (encoded) are too many for {n_rows} training rows:"
            f" at most {n_rows // ROWS_PER_COLUMN}",
            hint=f"leave out columns or merge levels, {_HINT}",
        )


def check_columns(x: np.ndarray, names: tuple[str, ...], *, l2: float) -> None:
    """Refuse the reveal of one party's own coefficients where it would give labels away.

    x: float64[n, d], the party's training rows as they enter the model; names: its d columns.
    Raises as `check_counts`, and ColumnsRefused COEF-0003 if a column has fewer than 20 rows that differ
    from its most frequent value: only the owner can see that.
    """
    check_counts(*x.shape, l2=l2)
    thin = tuple(name for name, column in zip(names, x.T, strict=True) if _is_thin(column))
    if thin:
        raise ColumnsRefused(
            "COEF-0003",
            f"fewer than {DIFFERING_ROWS} training rows differ from the commonest value in: {shorten(thin)}",
            thin,
            hint=f"leave these columns out, {_HINT}",
        )


def _is_thin(column: np.ndarray) -> bool:
    """Whether all but fewer than 20 rows hold one value."""
    n = len(column)
    if n < 2 * DIFFERING_ROWS:
        counts = np.unique(column, return_counts=True)[1]
        return bool(n - counts.max(initial=0) < DIFFERING_ROWS)
    # A value on more than half of the rows is the median, so one selection finds the only candidate.
    candidate = np.partition(column, n // 2)[n // 2]
    return bool(np.count_nonzero(column != candidate) < DIFFERING_ROWS)
