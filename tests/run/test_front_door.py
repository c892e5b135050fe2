"""Ordinary scripts as a newcomer writes them: each works, or its error names the line and what to write."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from inspect import getsourcelines
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import tacit
from tacit.base.errors import TacitError
from tacit.run.secure import Input

X, Y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([4.0, 3.0, 2.0, 1.0])
FACTOR = np.float64(2.0)


class Pair(NamedTuple):
    mean: Any
    total: Any


@pytest.fixture(scope="module")
def inputs() -> Iterator[tuple[Input, Input]]:
    with tacit.sim(["bank", "partner"]) as parties:
        yield parties["bank"].private(X, limit=10), parties["partner"].private(Y, limit=10)


def loop(a: Any, b: Any) -> Any:
    total = 0.0
    for i in range(len(a)):
        total = total + a[i] * b[i]
    return total


def over_rows(a: Any, b: Any) -> Any:
    total = 0.0
    for value, weight in zip(a, b, strict=True):
        total += value * weight
    return total


def in_place(a: Any, b: Any) -> Any:
    a += 1
    a *= 2
    a -= b
    return a


def constants(a: Any, b: Any) -> Any:
    return FACTOR * np.sum(a) + np.int32(3) * np.sum(b) + True


def described(a: Any, b: Any) -> dict[str, Any]:
    return {"what": f"of {len(a)} rows", "mean": np.mean(a), "both": (np.sum(a), [np.sum(b)])}


def methods(a: Any, b: Any) -> Any:
    return a.dot(b) + a.std() + a.cumsum()[-1] + a.flatten().max() + a.copy().prod() + round(b[0])


def weighted(a: Any, b: Any, scale: float = 2.0, *, shift: int = 0) -> Any:
    return (a * b).sum() * scale + shift


WORKS: dict[str, Callable[..., Any]] = {
    "loop": loop,
    "over-rows": over_rows,
    "in-place": in_place,
    "constants": constants,
    "described": described,
    "methods": methods,
    "weighted": weighted,
    "sum-builtin": lambda a, b: sum(a) - sum(b),
    "where": lambda a, b: np.where(a > b, a, b),
    "masked-mean": lambda a, b: np.sum(np.where(b > 2.0, a, 0.0)) / np.maximum(np.sum(b > 2.0), 1),
    "named-tuple": lambda a, b: Pair(np.mean(a), np.sum(b)),
    "list": lambda a, b: [np.mean(a), np.sum(b)],
    "stack": lambda a, b: np.stack([a, b]).T @ np.ones(2),
    "distance": lambda a, b: np.linalg.norm(a - b),
    "median": lambda a, b: np.median(np.concatenate([a, b])),
    "with-nothing": lambda a, b: {"note": None, "sum": np.sum(a + b)},
}


def close(got: Any, expected: Any) -> None:
    assert type(got) is type(expected) or not isinstance(expected, tuple | list | dict)
    if isinstance(expected, dict):
        assert list(got) == list(expected)
        got, expected = list(got.values()), list(expected.values())
    if isinstance(expected, tuple | list):
        for one, other in zip(got, expected, strict=True):
            close(one, other)
    elif expected is None or isinstance(expected, str):
        assert got == expected
    else:
        assert np.shape(got) == np.shape(expected)
        assert np.allclose(np.asarray(got, float), np.asarray(expected, float), atol=1e-3)


@pytest.mark.parametrize("name", WORKS)
def test_ordinary_functions_run_as_they_are(name: str, inputs: tuple[Input, Input]) -> None:
    close(tacit.secure(WORKS[name])(*inputs), WORKS[name](X.copy(), Y.copy()))


def test_arguments_by_name_defaults_and_public_ones(inputs: tuple[Input, Input]) -> None:
    x, y = inputs
    secure = tacit.secure(weighted)
    assert secure(x, y) == pytest.approx(40.0, abs=1e-3)
    assert secure(b=y, a=x, scale=3) == pytest.approx(60.0, abs=1e-3)
    assert secure(x, y, 0.5, shift=7) == pytest.approx(17.0, abs=1e-3)
    dot = tacit.secure(lambda pair, w: np.dot(pair["a"] + pair["b"][0], w))
    assert dot({"a": x, "b": [y]}, np.array([0.1, 0.2, 0.3, 0.4])) == pytest.approx(5.0, abs=1e-3)
    assert [name for name, _ in dot.program({"a": x, "b": [y]}, np.ones(4)).ins] == ["pair.a", "pair.b.0"]
    everything = tacit.secure(lambda *parts, **named: sum(parts) + named["last"])
    assert np.allclose(everything(x, y, x, last=y), 2 * (X + Y), atol=1e-3)


def test_a_decorated_function_keeps_its_name_and_doc() -> None:
    @tacit.secure
    def gap(a: Any, b: Any) -> Any:
        """The gap."""
        return a - b

    assert (gap.__name__, gap.__doc__) == ("gap", "The gap.")


def branch(a: Any, b: Any) -> Any:
    if a[0] > b[0]:  # Here.
        return a
    return b


def bounded(a: Any, b: Any) -> Any:
    while np.sum(a) > 1.0:  # Here.
        a = a / 2.0
    return a


def assigned(a: Any, b: Any) -> Any:
    a[0] = b[1]
    return a


def put(a: Any, b: Any) -> Any:
    out = np.zeros(2)
    out[0] = a[1]
    return out


def printed(a: Any, b: Any) -> Any:
    text = f"the sum is {np.sum(a):.2f}"  # Here.
    return {text: a}


def number(a: Any, b: Any) -> Any:
    return float(np.sum(a)) + 1.0  # Here.


def root(a: Any, b: Any) -> Any:
    return math.sqrt(np.sum(a))  # Here.


def masked(a: Any, b: Any) -> Any:
    return np.sum(a[b > 2.0])  # Here.


def looked_up(a: Any, b: Any) -> Any:
    return [1.0, 2.0][a[0]]  # Here.


def largest(a: Any, b: Any) -> Any:
    return max(a[0], b[0])


def both(a: Any, b: Any) -> Any:
    return (a > 1.0) and (b > 1.0)  # Here.


def gathered(a: Any, b: Any) -> Any:
    return np.array([np.sum(a), np.sum(b)])


def spread(a: Any, b: Any) -> Any:
    return a.var() + np.sum(b)  # Here.


def unknown_method(a: Any, b: Any) -> Any:
    return a.searchsorted(2.0)  # Here.


def mismatched(a: Any, b: Any) -> Any:
    return a + b[:3]  # Here.


REFUSED: dict[Callable[..., Any], str] = {
    branch: "where(",
    bounded: "where(",
    printed: "revealed",
    number: "float()",
    root: "np.sqrt",
    masked: "where(mask",
    looked_up: "secret place",
    both: "logical_and",
    spread: "np.var",
    unknown_method: "np.name(x)",
    mismatched: "",
}


@pytest.mark.parametrize("function", REFUSED, ids=lambda function: function.__name__)
def test_errors_name_the_line_and_say_what_to_write(
    function: Callable[..., Any], inputs: tuple[Input, Input]
) -> None:
    with pytest.raises(TacitError) as refused:
        tacit.secure(function)(*inputs)
    lines, first = getsourcelines(function)
    here = first + next(i for i, line in enumerate(lines) if "# Here." in line)
    assert f"{Path(__file__).name}:{here}" in str(refused.value)
    assert REFUSED[function] in refused.value.hint


@pytest.mark.parametrize("function", [assigned, put, largest, gathered], ids=lambda f: f.__name__)
def test_what_is_written_into_and_joined_takes_in_private_values(
    function: Callable[..., Any], inputs: tuple[Input, Input]
) -> None:
    close(tacit.secure(function)(*inputs), function(X.copy(), Y.copy()))


def test_calls_and_results_that_make_no_sense(inputs: tuple[Input, Input]) -> None:
    x, y = inputs
    for call, code in (
        (lambda: tacit.secure(branch)(x), "SECURE-0006"),
        (lambda: tacit.secure(branch)(x, y, z=1), "SECURE-0006"),
        (lambda: tacit.secure(lambda a, b: None)(x, y), "SECURE-0007"),
        (lambda: tacit.secure(lambda a, b: {"a": object()})(x, y), "SECURE-0007"),
        (lambda: tacit.secure(lambda a, b: a)(X, Y), "SECURE-0004"),
    ):
        with pytest.raises(TacitError) as refused:
            call()
        assert refused.value.code == code


def test_errors_of_the_users_own_stay_what_they_are(inputs: tuple[Input, Input]) -> None:
    with pytest.raises(ZeroDivisionError):
        tacit.secure(lambda a, b: a * (1 / 0))(*inputs)
    with pytest.raises(ValueError, match="my own"):
        tacit.secure(lambda a, b: (_ for _ in ()).throw(ValueError("my own")))(*inputs)
