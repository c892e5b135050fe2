"""The coefficient rules: 20 rows per column, 20 differing rows, L2."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.base.errors import PolicyError
from tacit.frame.disclosure import ColumnsRefused, check_columns


def columns(n: int, *n_ones: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """float64[n, d] of 0 and 1, column j with n_ones[j] ones at random rows."""
    x = np.zeros((n, len(n_ones)))
    for j, count in enumerate(n_ones):
        x[np.random.default_rng(j).permutation(n)[:count], j] = 1
    return x, tuple(f"c{j}" for j in range(len(n_ones)))


def test_what_is_allowed() -> None:
    check_columns(*columns(100, 20, 80, 50, 40, 33), l2=0.1)
    check_columns(np.random.default_rng(0).normal(size=(40, 2)), ("a", "b"), l2=1e-3)
    check_columns(np.zeros((50, 0)), (), l2=1.0)


def test_thin_columns_are_all_named() -> None:
    with pytest.raises(ColumnsRefused) as caught:
        check_columns(*columns(100, 19, 81, 50, 0, 100), l2=0.1)
    assert caught.value.code == "COEF-0003" and caught.value.columns == ("c0", "c1", "c3", "c4")
    assert "c0, c1, c3, c4" in caught.value.message and caught.value.hint


def test_too_many_columns() -> None:
    with pytest.raises(PolicyError) as caught:
        check_columns(*columns(99, 50, 50, 50, 50, 50), l2=0.1)
    assert caught.value.code == "COEF-0002" and caught.value.exit_code == 3


@pytest.mark.parametrize("l2", [0.0, -1.0, float("nan")])
def test_no_regularisation(l2: float) -> None:
    with pytest.raises(PolicyError) as caught:
        check_columns(*columns(100, 50), l2=l2)
    assert caught.value.code == "COEF-0001"


@given(st.integers(20, 90), st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_thin_against_counting(n: int, n_values: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    weights = generator.dirichlet(np.full(n_values + 1, 0.3))
    column = generator.choice(n_values + 1, n, p=weights).astype(float)
    is_thin = n - np.bincount(column.astype(int)).max() < 20
    try:
        check_columns(column[:, None], ("c",), l2=1.0)
        assert not is_thin
    except ColumnsRefused as refusal:
        assert is_thin and refusal.code == "COEF-0003"
