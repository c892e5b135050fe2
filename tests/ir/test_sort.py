"""The sorting network against the zero-one principle: what sorts all bit strings sorts everything."""

from __future__ import annotations

import numpy as np
import pytest

from tacit.ir.ops.sort import merge_exchange


@pytest.mark.parametrize("n", range(15))
def test_network_sorts_every_bit_string(n: int) -> None:
    rows = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
    for low, high in merge_exchange(n):
        assert np.unique(np.concatenate((low, high))).size == 2 * low.size
        smaller, larger = np.minimum(rows[:, low], rows[:, high]), np.maximum(rows[:, low], rows[:, high])
        rows[:, low], rows[:, high] = smaller, larger
    assert np.all(np.diff(rows, axis=1) >= 0)


@pytest.mark.parametrize("n", [16, 100, 1000])
def test_network_has_the_known_depth(n: int) -> None:
    t = (n - 1).bit_length()
    assert sum(1 for _ in merge_exchange(n)) == t * (t + 1) // 2
