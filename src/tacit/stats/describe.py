"""Joint statistics of columns held by different parties.

Each party's own means and deviations are computed by itself; what needs both sides is the correlation of
every column with the label, one inner product each.
"""

from __future__ import annotations

from typing import Any

from tacit.compile import array as xp

Array = Any


def correlation_with(column_block: Array, label: Array) -> Array:
    """Pearson correlation of each standardised column, real[n, d], with a standardised label, real[n]."""
    return xp.matmul(column_block.T, label) * (1.0 / label.shape[0])
