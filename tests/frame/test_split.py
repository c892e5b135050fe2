"""Both parties hold out the same ids."""

import numpy as np
import pyarrow as pa
import pytest

from tacit.base.errors import UsageError
from tacit.frame.keys import canonical_keys
from tacit.frame.split import holdout

NAMES = [f"C-{i:05d}" for i in range(1000)]


def held(order: np.ndarray, fraction: float = 1 / 3, seed: int = 0) -> set[str]:
    keys = canonical_keys(pa.array([NAMES[i] for i in order]))
    return {NAMES[i] for i, chosen in zip(order, holdout(keys, fraction, seed), strict=True) if chosen}


def test_row_order_does_not_matter_and_the_size_is_exact() -> None:
    first = held(np.arange(1000))
    assert len(first) == 333
    assert first == held(np.random.default_rng(1).permutation(1000))


def test_the_seed_matters_and_the_choice_looks_uniform() -> None:
    common = held(np.arange(1000), 0.5, 1) & held(np.arange(1000), 0.5, 2)
    assert 200 < len(common) < 300
    keys = canonical_keys(pa.array(NAMES))
    counts = np.sum([holdout(keys, 0.5, seed) for seed in range(20)], axis=0)
    assert counts.min() >= 1 and counts.max() <= 19 and abs(counts[:500].mean() - 10) < 0.5


def test_the_choice_is_fixed_for_good() -> None:
    keys = canonical_keys(pa.array([f"{i}" for i in range(12)]))
    assert holdout(keys, 1 / 3, 7).nonzero()[0].tolist() == [1, 3, 6, 9]


def test_edges() -> None:
    keys = canonical_keys(pa.array(["a"]))
    assert not holdout(keys, 0.0).any() and not holdout(keys, 1 / 3).any()
    for fraction, seed in ((1.0, 0), (-0.1, 0), (0.5, -1), (0.5, 1 << 64), (float("nan"), 0)):
        with pytest.raises(UsageError) as caught:
            holdout(keys, fraction, seed)
        assert caught.value.code == "DATA-0022"
