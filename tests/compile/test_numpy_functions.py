"""NumPy's own functions on secrets: three shapes each, three parties, against NumPy on the same data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tacit
from tacit.base.types import Public
from tacit.compile.trace import TABLE
from tacit.ir.program import walk

LIST = Path(__file__).parents[3] / "shared/data/conformance/spu_np_op_status.json"
SHAPES: tuple[tuple[int, ...], ...] = ((), (5,), (2, 3))
WITHOUT = {
    "gcd": "Euclid's steps depend on the numbers; a fixed number of secret divisions costs too much",
    "lcm": "as gcd",
    "nextafter": "there is no floating point",
}

Domain = tuple[float, float]
REAL: Domain = (-6.0, 6.0)
UNIT: Domain = (-0.98, 0.98)
ABOVE: Domain = (0.1, 8.0)

ON_THE_LINE = """
abs absolute ceil conj conjugate cos deg2rad exp exp2 expm1 fabs fix floor i0 imag isfinite isinf
isnan isneginf isposinf isreal iscomplex negative positive rad2deg real rint sign signbit sin sinc
sinh cosh square tanh trunc arctan arcsinh cbrt angle ravel transpose atleast_1d atleast_2d
atleast_3d sum mean prod max min nansum nanmean nanprod ediff1d
"""
ONE: dict[str, Domain] = {
    **dict.fromkeys(ON_THE_LINE.split(), REAL),
    **dict.fromkeys(["arccos", "arcsin", "arctanh"], UNIT),
    **dict.fromkeys(["log", "log2", "log10", "log1p", "sqrt", "reciprocal"], ABOVE),
    "arccosh": (1.0, 9.0),
    "tan": (-1.2, 1.2),
}
PAIRS = """
add subtract multiply maximum minimum fmax fmin copysign hypot arctan2 logaddexp logaddexp2 less
less_equal greater greater_equal equal not_equal heaviside isclose outer kron array_equal
array_equiv
"""
TWO: dict[str, tuple[Domain, Domain]] = {
    **dict.fromkeys(PAIRS.split(), (REAL, REAL)),
    **dict.fromkeys(["divide", "true_divide", "floor_divide", "remainder", "mod", "fmod"], (REAL, ABOVE)),
    **dict.fromkeys(["power", "float_power"], (ABOVE, (-1.5, 1.5))),
}
INTEGERS: dict[str, int] = {
    "bitwise_and": 2, "bitwise_or": 2, "bitwise_xor": 2, "bitwise_not": 1, "invert": 1, "bitwise_count": 1,
    "floor_divide": 2, "remainder": 2,
}  # fmt: skip
WHOLE_ARRAYS: dict[str, Callable[..., Any]] = {
    "argmax": lambda x: np.argmax(x),
    "argmin": lambda x: np.argmin(x),
    "nanargmax": lambda x: np.nanargmax(x),
    "nanargmin": lambda x: np.nanargmin(x),
    "all": lambda x: np.all(x > -7.0),
    "any": lambda x: np.any(x > 5.0),
    "unwrap": lambda x: np.unwrap(x),
    "polyval": lambda x: np.polyval(x, 0.5),
    "ldexp": lambda x: np.ldexp(x, 3),
    "power-3": lambda x: np.power(x, 3),
    "power-negative": lambda x: np.power(x + 8.0, -2),
    "divmod": lambda x: np.divmod(x, 1.5)[1],
    "modf": lambda x: np.modf(x)[0],
    "left_shift": lambda x: np.left_shift(np.floor(x).astype(np.int64), 3),
    "right_shift": lambda x: np.right_shift(np.floor(100.0 * x).astype(np.int64), 3),
}


def secret(function: Callable[..., Any], *arrays: np.ndarray) -> tuple[Any, Any]:
    """(what three parties compute, the run's program)."""
    with tacit.sim(["a", "b", "c"]) as parties:
        holders = [parties[name] for name in "abc"]
        inputs = [
            holder.private(array, limit=(float(np.min(array)), float(np.max(array))))
            for holder, array in zip(holders, arrays, strict=False)
        ]
        private = tacit.secure(function)
        return private(*inputs), private.program(*inputs)


def draw(domain: Domain, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Multiples of 2^-10: values that the encoding holds exactly."""
    drawn = np.random.default_rng(seed).uniform(*domain, shape)
    return np.asarray(np.rint(drawn * 1024) / 1024)


def check(function: Callable[..., Any], arrays: list[np.ndarray], error: float = 2.0**-12) -> None:
    got, program = secret(function, *arrays)
    expected = np.asarray(function(*arrays), np.float64)
    bound = error * np.maximum(1.0, np.abs(expected))
    assert np.shape(got) == expected.shape
    assert np.all(np.abs(np.asarray(got, np.float64) - expected) <= bound), (got, expected)
    opened = [eqn for eqn in walk(program) if eqn.op == "reveal"]
    assert len(opened) <= 1, "nothing but the result is opened"
    assert all(not isinstance(var.type.vis, Public) for _, var in program.ins)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ONE)
def test_functions_of_one_array(name: str, shape: tuple[int, ...]) -> None:
    check(getattr(np, name), [draw(ONE[name], shape, 1)])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", TWO)
def test_functions_of_two_arrays(name: str, shape: tuple[int, ...]) -> None:
    first, second = TWO[name]
    check(getattr(np, name), [draw(first, shape, 2), draw(second, shape, 3)])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", INTEGERS)
def test_functions_of_integers(name: str, shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(4)
    arrays = [np.asarray(random.integers(-(2**20), 2**20, shape)) for _ in range(INTEGERS[name])]
    if name in ("floor_divide", "remainder"):
        arrays[1] = np.asarray(random.integers(20, 3000, shape))
    check(getattr(np, name), arrays, error=0.0)


@pytest.mark.parametrize("shape", SHAPES[1:], ids=str)
@pytest.mark.parametrize("name", WHOLE_ARRAYS)
def test_functions_of_a_whole_array(name: str, shape: tuple[int, ...]) -> None:
    if name == "polyval" and len(shape) > 1:
        pytest.skip("coefficients are a vector")
    check(WHOLE_ARRAYS[name], [draw(REAL, shape, 5)])


@pytest.mark.skipif(not LIST.exists(), reason="the list is not beside this checkout")
def test_the_listed_functions_are_there_but_for_three() -> None:
    names = [entry["name"] for entry in json.loads(LIST.read_text())]
    assert len(names) == 123
    missing = [name for name in names if name not in TABLE and name not in _OTHER_NAMES]
    assert set(missing) == set(WITHOUT) and len(names) - len(missing) >= 118


_OTHER_NAMES = {"absolute"}
