"""Joint statistics of columns held by different parties.

Each party's own means and deviations are computed by itself; what needs both sides is the correlation of
every column with the label, one inner product each.
"""

from __future__ import annotations

from math import frexp, ldexp, sqrt
from typing import Any

from tacit.compile import array as xp

Array = Any


LARGEST_SUM = 2.0**24


def correlation_with(column_block: Array, label: Array) -> Array:
    """Pearson correlation of each standardised column, real[n, d], with a standardised label, real[n].

    No standardised value is beyond sqrt(n), so clipping there changes nothing but what can be proved of the
    inner product: with both sides scaled down by a power of two, it stays below 2^24 for every n. The side
    that is scaled is encoded in steps of 2^-18, so a correlation of n rows errs by n 2^-30 at most.
    """
    n = label.shape[0]
    scale = min(1.0, ldexp(0.5, frexp(sqrt(LARGEST_SUM) / n)[1]))
    x, y = (xp.clip(side, -sqrt(n), sqrt(n)) * scale for side in (column_block, label))
    return xp.matmul(x.T, y) * (1.0 / (n * scale * scale))
