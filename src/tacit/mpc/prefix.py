"""Prefix networks: which intervals are joined at which level, to get the prefixes that are wanted.

Source   Sklansky, "Conditional-sum addition logic", 1960, without the nodes that no wanted prefix needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class Level:
    """Joined at once: the intervals that end at `high`, with those that end at `low`, just before them.

    wide: which of `high` do not reach position 0 afterwards.
    """

    high: np.ndarray
    low: np.ndarray
    wide: np.ndarray

    @property
    def size(self) -> int:
        return len(self.high)


@lru_cache(maxsize=256)
def prefixes(start: int, stop: int) -> tuple[Level, ...]:
    """Levels after which positions start <= i < stop hold the join of positions 0 to i."""
    needed = set(range(start, stop))
    levels: list[Level] = []
    for bit in reversed(range(max(stop - 1, 0).bit_length())):
        span = 1 << bit
        high = np.array(sorted(i for i in needed if i & span), dtype=np.int64)
        if not high.size:
            continue
        low = (high & ~(span - 1)) - 1
        needed.update(low.tolist())
        levels.append(Level(high, low, high >= 2 * span))
    return tuple(reversed(levels))
