"""Every worked example gives in private what it gives in the clear."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

NAMES = sorted(
    path.stem for path in (Path(__file__).parents[2] / "examples").glob("*.py") if path.stem != "__init__"
)


def test_there_are_ten() -> None:
    assert len(NAMES) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_right(name: str) -> None:
    private, plain = importlib.import_module(f"examples.{name}").main()
    pairs = [(private[key], plain[key]) for key in plain] if isinstance(plain, dict) else [(private, plain)]
    for got, expected in pairs:
        assert np.shape(got) == np.shape(expected)
        assert np.all(np.isfinite(expected)) and np.ptp(expected) >= 0
        bound = 2.0**-10 * np.maximum(1.0, np.abs(expected))
        assert np.all(np.abs(np.asarray(got) - expected) <= bound), (got, expected)
