"""`tacit.secure` against the same function on numpy arrays: results, their structure, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tacit
from tacit import xp
from tacit.base.errors import UsageError

REALS = st.lists(st.floats(-1000, 1000), min_size=1, max_size=12)


def both(function: Any, *arrays: Any) -> Any:
    """The result of `function` with array k private to party k mod 2."""
    with tacit.sim(["bank", "partner"]) as parties:
        inputs = [parties[("bank", "partner")[k % 2]].private(array) for k, array in enumerate(arrays)]
        return tacit.secure(function)(*inputs)


@settings(max_examples=12, deadline=None)
@given(REALS, st.floats(-50, 50))
def test_sums_and_products(values: list[float], factor: float) -> None:
    x, y = np.array(values), np.linspace(-3, 3, len(values))
    got = both(lambda x, y: xp.sum(x * y + x * factor - y), x, y)
    allowed = 2.0**-16 * (1 + len(x)) * (1 + np.abs(x).max() + abs(factor))
    assert abs(got - np.sum(x * y + x * factor - y)) <= allowed


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=9))
def test_order_of_integers(values: list[int]) -> None:
    x, y = np.array(values), np.array(values[::-1])
    got = both(
        lambda x, y: {"sorted": xp.sort(x - y), "less": xp.astype(x < y, xp.int64), "top": xp.max(x + y)},
        x,
        y,
    )
    assert np.array_equal(got["sorted"], np.sort(x - y))
    assert np.array_equal(got["less"], (x < y).astype(np.int64))
    assert got["top"] == (x + y).max()


def test_numpy_functions_on_private_values() -> None:
    x, y = np.arange(6.0).reshape(2, 3), np.ones((2, 3)) * 2
    got = both(lambda x, y: np.concatenate([np.maximum(x, y), x + y]).sum(axis=0), x, y)
    assert np.allclose(got, np.concatenate([np.maximum(x, y), x + y]).sum(axis=0), atol=1e-4)


def test_results_come_in_the_structure_that_the_function_returns() -> None:
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    first, second = both(lambda x, y: (xp.sum(x + y), x + y), x, y)
    assert first == 10 and np.array_equal(second, x + y)
    assert set(both(lambda x, y: {"a": x + y, "b": x - y}, x, y)) == {"a", "b"}
    assert both(lambda x, y: xp.sum(x + y), x, y) == 10


def test_what_the_front_door_refuses() -> None:
    for values, code in ((["a"], "SECURE-0001"), ([np.nan], "VALUE-0001"), ([1e14], "RANGE-0002")):
        with pytest.raises(UsageError) as refused:
            both(lambda x, y: x + y, np.array(values), np.zeros(1))
        assert refused.value.code == code
    with pytest.raises(UsageError) as refused:
        tacit.secure(lambda x: x)(np.zeros(3))
    assert refused.value.code == "SECURE-0004"
    with pytest.raises(UsageError) as refused:
        both(lambda x, y: x if x[0] > y[0] else y, np.zeros(1), np.zeros(1))
    assert refused.value.code == "COMPILE-0001"


def test_a_dict_stays_a_dict() -> None:
    got = both(lambda x, y: {"outcome": x + y, "b": x - y}, np.ones(1), np.ones(1))
    assert isinstance(got, dict)


def test_a_list_of_results() -> None:
    assert len(both(lambda x, y: [x + y, x - y], np.ones(1), np.ones(1))) == 2


def test_large_unsigned_numbers_are_refused() -> None:
    with pytest.raises(UsageError):
        both(lambda x, y: x + y, np.array([2**64 - 5], np.uint64), np.zeros(1, np.int64))


def test_a_large_public_factor_whose_result_fits() -> None:
    got = both(lambda x, y: (x + y) * (1e9 * np.array([1.0 + 1e-4])), np.array([1.0]), np.array([3.0]))
    assert got[0] == pytest.approx(4.0004e9, rel=1e-3)


def test_values_outside_their_range_are_named_by_column_and_not_shown() -> None:
    with tacit.sim(["bank", "partner"]) as parties:
        x = parties["bank"].private(np.array([[1.0, 5.0, 2.0], [0.0, 7.5, 1.0]]), limit=(0.0, 4.0))
        y = parties["partner"].private(np.ones((2, 3)), limit=2.0)
        with pytest.raises(UsageError) as refused:
            tacit.secure(lambda x, y: x * y)(x, y)
        assert refused.value.code == "RANGE-0002" and "columns 1," in refused.value.message
        assert "7.5" not in str(refused.value)
        assert "in (0.0, 4.0)" in str(tacit.secure(lambda x, y: x * y).program(x, y))


def test_undeclared_inputs_bear_what_the_program_bears() -> None:
    assert both(lambda x, y: x + y, np.array([1e12]), np.array([1.5]))[0] == 1e12 + 1.5
    assert both(lambda x, y: x * y, np.array([8191.0]), np.array([8000.0]))[0] == 8191.0 * 8000.0
    with pytest.raises(UsageError) as refused:
        both(lambda x, y: x * y, np.array([8193.0]), np.array([1.0]))
    assert refused.value.code == "RANGE-0002"


def test_means_of_large_values() -> None:
    values = np.linspace(2.0e6, 3.0e7, 1500)
    got = both(lambda x, y: xp.mean(xp.concat([x, y])), values, values)
    assert abs(got - values.mean()) <= 2.0**-16 * values.mean()
