"""The array standard called on secrets one by one, as a program in the clear calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tacit import xp
from tacit.base.errors import UsageError
from tacit.base.types import BOOL
from tests.standard.eager import Held, call, hold, namespace

H = namespace()
REALS = np.array([[0.5, -1.25, 3.0], [2.0, 0.25, -0.5]])
WHOLE = np.array([[3, -2, 1], [0, 5, 7]])
TRUTH = WHOLE > 1


def same(mine: Any, theirs: Any, error: float = 2.0**-10) -> bool:
    """Whether shapes, types and values agree; a Held is opened for it."""
    if isinstance(theirs, tuple | list):
        return len(mine) == len(theirs) and all(same(a, b, error) for a, b in zip(mine, theirs, strict=True))
    if not isinstance(mine, Held):
        return bool(mine == theirs)
    opened, theirs = mine.open(), np.asarray(theirs)
    if opened.shape != theirs.shape or mine.dtype != theirs.dtype:
        return False
    gap = np.abs(opened.astype(np.float64) - theirs.astype(np.float64))
    return bool(np.all(gap <= error * np.maximum(1.0, np.abs(theirs.astype(np.float64)))))


# --- the harness itself ---------------------------------------------------------------------------------


def test_a_held_array_opens_as_fixed_point_makes_of_it() -> None:
    x = hold(np.array([0.1, -2.5]))
    assert x.open().tolist() == [np.rint(0.1 * 2**18) / 2**18, -2.5]
    assert x.dtype == np.float64 and x.shape == (2,) and x.size == 2 and x.ndim == 1
    assert hold(WHOLE).dtype == np.int64 and hold(TRUTH).dtype == np.bool_
    assert float(x[1]) == -2.5 and int(hold(7)) == 7 and bool(hold(True)) and [10, 20][hold(1)] == 20
    assert [float(each) for each in hold(REALS)[1]] == [2.0, 0.25, -0.5]
    assert hold("text") == "text" and hold(x) is x and repr(hold(True)) == "Held(True, bool)"


@pytest.mark.parametrize(
    "values, within",
    [
        ([0.0, 3.0], (0.0, 4.0)),
        ([-3.0, 0.3], (-4.0, 0.5)),
        ([3.0, 5.0], (2.0, 8.0)),
        ([-5.0, -3.0], (-8.0, -2.0)),
    ],
)
def test_a_held_array_declares_powers_of_two_around_its_values(
    values: list[float], within: tuple[float, float]
) -> None:
    assert hold(np.array(values)).within == within
    assert hold(np.array([True])).within is None and hold(np.zeros(0)).within is None


def test_a_call_is_a_program_of_secrets_in_the_structure_that_the_function_returns() -> None:
    x, y = hold(REALS), hold(WHOLE)
    got = call("pair", lambda a, options: {"sum": a + options["b"], "parts": [a, (2.0,)]}, x, {"b": y})
    assert same(got["sum"], REALS + WHOLE) and same(got["parts"][0], REALS) and same(got["parts"][1][0], 2.0)
    with pytest.raises(UsageError, match="truth"):
        call("branch", lambda a: 1 if a else 0, hold(True))
    with pytest.raises(AttributeError):
        _ = x.nothing


# --- names of the standard, operators, methods ----------------------------------------------------------

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "reflected": lambda x, y: (2 + x, 2 - x, 2 * x, 3.0 // y, 5 % y, 2.0 / y, 2**x),
    "plain": lambda x, y: (x + y, x - y, x * y, x / y, x // y, x % y, abs(x), -x, +x, x**2),
    "orders": lambda x, y: (x < y, x <= y, x > 0.5, x >= 0.5, x == y, x != y),
    "matrix": lambda x, y: (x @ y.T, x.mT @ y, x[0] @ y[1]),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_of_reals(name: str) -> None:
    y = np.array([[1.5, 2.0, 3.0], [2.25, 1.0, 1.75]])
    assert same(OPERATORS[name](hold(REALS), hold(y)), OPERATORS[name](REALS, y), 2.0**-9)


def test_operators_of_whole_numbers_and_truth_values() -> None:
    def whole(x: Any) -> Any:
        return x & 6, x | 1, x ^ 5, ~x, x << 2, x >> 1, 6 & x, 1 | x, 5 ^ x

    def truth(x: Any) -> Any:
        return x & True, x | False, x ^ True, ~x, x == True  # noqa: E712

    assert same(whole(hold(WHOLE)), whole(WHOLE)) and same(truth(hold(TRUTH)), truth(TRUTH))


INDICES: list[Any] = [
    0, (-1, 2), (slice(None), 1), (..., -1), (slice(None, None, -1), slice(2, 0, -1)), None,
    (None, 1, slice(0, 0)), (slice(1, None), None, ...), (),
]  # fmt: skip


@pytest.mark.parametrize("key", INDICES, ids=repr)
def test_places_and_slices(key: Any) -> None:
    assert same(hold(REALS)[key], REALS[key])


REFUSED: dict[str, Callable[[Any], Any]] = {
    "digits": lambda x: call("f", lambda a: f"{a:.2f}", x),
    "the data": lambda x: np.from_dlpack(x),
    "a private mask": lambda x: x[x > 0.0],
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_would_show_a_secret_is_refused(what: str) -> None:
    with pytest.raises(UsageError, match=what):
        REFUSED[what](hold(REALS))


def test_a_written_item_is_there_and_the_range_is_new() -> None:
    x = hold(REALS)
    y = H.asarray(x, copy=True)
    assert H.asarray(x) is x and x.within == (-2.0, 4.0)
    x[0, 1] = 100.0
    x[1] = y[0]
    expected = REALS.copy()
    expected[0, 1], expected[1] = 100.0, REALS[0]
    assert same(x, expected) and x.within == (-2.0, 128.0) and same(y, REALS)


def test_data_alone_becomes_secret() -> None:
    assert (
        same(H.empty((2, 3)), np.zeros((2, 3)))
        and same(H.zeros((2, 0)), np.zeros((2, 0)))
        and same(H.arange(3), np.arange(3))
    )
    assert same(H.asarray([1, hold(2)]), np.array([1, 2])) and H.asarray(hold(True)).kind == BOOL
    assert same(H.meshgrid(hold(REALS[0]), hold(REALS[1])), np.meshgrid(REALS[0], REALS[1]))
    assert H.finfo(hold(1.0)).eps == np.finfo(np.float64).eps and H.isdtype(hold(1).dtype, "integral")
    assert hold(1.0).__array_namespace__() is H and H.__array_api_version__ == xp.__array_api_version__
