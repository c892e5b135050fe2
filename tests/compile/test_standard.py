"""`tacit.xp` as a namespace of the array standard: names, signatures, data in the clear, refusals."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tacit
from tacit import xp
from tacit.base.errors import UsageError
from tacit.base.types import BOOL, FIXED, INT, SECRET, DType, Type
from tacit.compile.refused import REFUSED, Reason
from tacit.compile.standard import STANDARD
from tacit.compile.standard.dispatch import PRIVATE
from tacit.compile.trace import TABLE, find, trace

X = np.array([[0.5, -1.25, 3.0], [2.0, 0.25, -0.5], [1.0, 4.0, 0.125]])
N = np.array([[3, -2, 1], [0, 5, 7], [2, 2, -6]])
B = N > 1
WHOLE = """
bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift bitwise_invert
""".split()  # noqa: SIM905
TRUTH = ["logical_and", "logical_or", "logical_xor", "logical_not"]
ARGUMENTS: dict[str, dict[str, Any]] = {
    "arange": {"start": 0, "stop": 5},
    "arrays": {},
    "full": {"shape": (2, 3), "fill_value": 1.0},
    "linspace": {"start": 0.0, "stop": 1.0, "num": 5},
    "eye": {"n_rows": 3},
    "can_cast": {"from_": np.int64, "to": np.float64},
    "isdtype": {"dtype": np.dtype(np.float64), "kind": "real floating"},
    "finfo": {"type": np.float64},
    "iinfo": {"type": np.int64},
    "tensordot": {"x1": X, "x2": X, "axes": 1},
    "squeeze": {"x": X[None], "axis": 0},
    "expand_dims": {"x": X, "axis": 1},
    "moveaxis": {"x": X, "source": 0, "destination": 1},
    "permute_dims": {"x": X, "axes": (1, 0)},
    "searchsorted": {"x1": X[0][[1, 0, 2]], "x2": X},
    "take": {"x": X, "indices": np.array([2, 0]), "axis": 1},
    "take_along_axis": {"x": X, "indices": np.zeros((3, 1), np.int64)},
    "cumulative_sum": {"x": X, "axis": 0},
    "cumulative_prod": {"x": X, "axis": 0},
    "astype": {"x": X, "dtype": np.int64},
    "outer": {"x1": X[0], "x2": X[1]},
    "cholesky": {"x": X @ X.T},
    "eigh": {"x": X @ X.T},
    "eigvalsh": {"x": X @ X.T},
    "bitwise_left_shift": {"x1": N, "x2": B.astype(np.int64)},
    "bitwise_right_shift": {"x1": N, "x2": B.astype(np.int64)},
}
USUAL: dict[str, Any] = {
    "x": X, "x1": X, "x2": np.abs(X), "obj": X, "shape": (3, 3), "fill_value": 2.0, "condition": B,
    "arrays": [X, X], "repeats": 2, "shift": 1, "repetitions": (2, 1), "n": 4,
}  # fmt: skip


def call(name: str, signature: inspect.Signature) -> tuple[list[Any], dict[str, Any]]:
    """Arguments that the standard's `name` takes, in the form that its signature prescribes."""
    positional, named = [], {}
    for parameter in signature.parameters.values():
        known = {**USUAL, **ARGUMENTS.get(name, {})}
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional += [X, X[0]] if name == "broadcast_arrays" else [X[0], X[1]]
        elif parameter.name in known and (
            parameter.default is parameter.empty or parameter.name in ARGUMENTS.get(name, {})
        ):
            value = known[parameter.name]
            if name in WHOLE + TRUTH and name not in ARGUMENTS:
                value = N if name in WHOLE else B
            if parameter.kind is parameter.KEYWORD_ONLY:
                named[parameter.name] = value
            else:
                positional.append(value)
        elif parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = parameter.default
    return positional, named


ALL: dict[str, tuple[Any, inspect.Signature]] = {
    **{name: (xp, signature) for name, signature in STANDARD.items()},
    **{f"linalg.{name}": (xp.linalg, one) for name, one in xp.linalg.STANDARD.items()},
    **{f"fft.{name}": (xp.fft, one) for name, one in xp.fft.STANDARD.items()},
}
DOMAINS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(["acos", "asin", "atanh"], lambda x: x / 5.0),
    **dict.fromkeys(["log", "log1p", "log2", "log10", "sqrt", "pow"], np.abs),
    "acosh": lambda x: np.abs(x) + 1.0,
}


OF_NUMPY: dict[str, dict[str, Any]] = {
    name: {} for name in ("sort", "argsort", "diff", "fftfreq", "rfftfreq")
}
"""Options under which NumPy's function, which does not take those of the standard, is its."""


def equal(mine: Any, theirs: Any) -> bool:
    if isinstance(theirs, tuple | list):
        return len(mine) == len(theirs) and all(map(equal, mine, theirs))
    if isinstance(theirs, np.ndarray | np.generic):
        return mine.dtype == theirs.dtype and np.array_equal(
            mine, theirs, equal_nan=theirs.dtype.kind in "fc"
        )
    return bool(mine == theirs) or str(mine) == str(theirs)


def test_the_namespace_is_a_module_of_that_name() -> None:
    assert importlib.import_module("tacit.xp") is xp is tacit.xp
    assert importlib.import_module("tacit.xp.linalg") is xp.linalg
    assert importlib.import_module("tacit.xp.fft") is xp.fft
    assert xp.__array_api_version__ == "2024.12"
    assert xp.__array_namespace_info__().default_dtypes()["real floating"] == np.float64
    assert len(STANDARD) + len(xp.linalg.STANDARD) + len(xp.fft.STANDARD) == 170
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = xp.nothing


@pytest.mark.parametrize("name", ALL)
def test_a_name_of_the_standard_has_its_signature_and_computes_as_numpy_does(name: str) -> None:
    home, signature = ALL[name]
    short = name.split(".")[-1]
    function = getattr(home, short)
    assert short in home.__all__ and function.__name__ == short
    if short not in ("finfo", "iinfo"):
        assert inspect.signature(function) == signature
    if short == "from_dlpack":
        assert np.array_equal(function(X), X)
        return
    positional, named = call(short, signature)
    if short in DOMAINS:
        positional = [DOMAINS[short](value) for value in positional]
    of_numpy = getattr(np.linalg if home is xp.linalg else np.fft if home is xp.fft else np, short)
    if short == "finfo":
        mine, theirs = function(*positional), np.finfo(*positional)
        assert all(getattr(mine, part) == getattr(theirs, part) for part in vars(mine))
    elif short in ("empty", "empty_like"):
        assert function(*positional, **named).shape == (3, 3)
    else:
        assert equal(function(*positional, **named), of_numpy(*positional, **OF_NUMPY.get(short, named)))


@pytest.mark.parametrize("name", ALL)
def test_a_name_of_the_standard_has_a_private_form_or_a_reason(name: str) -> None:
    home, _, short = name.rpartition(".")
    public = {
        "arange", "asarray", "empty", "eye", "full", "linspace", "ones", "zeros", "can_cast", "finfo",
        "iinfo", "isdtype", "result_type", "fftfreq", "rfftfreq",
    }  # fmt: skip
    assert name in REFUSED or short in public or find(home, PRIVATE.get(short, short)) is not None


def test_descending_order_keeps_equal_elements_as_they_stand() -> None:
    rows = np.array([[1, 2, 1, 3, 2], [0, 0, 0, 5, 0]])
    for axis in (0, 1, -1):
        found = xp.argsort(rows, axis=axis, descending=True)
        assert np.array_equal(found, np.argsort(-rows, axis=axis, stable=True))
        assert np.array_equal(xp.sort(rows, axis=axis, descending=True), -np.sort(-rows, axis=axis))
    assert type(xp.finfo(np.float32).eps) is float and type(xp.finfo(xp.float64).max) is float
    assert xp.fft.fftfreq(4, dtype=xp.float32).dtype == np.float32
    assert np.array_equal(xp.diff(rows, prepend=rows[:, :1]), np.diff(rows, prepend=rows[:, :1]))


def test_types_of_traced_values_are_those_of_the_standard() -> None:
    def function(x: Any, n: Any, b: Any) -> Any:
        assert x.__array_namespace__() is xp and x.device == "cpu" and x.to_device("cpu") is x
        assert xp.isdtype(x.dtype, "real floating") and xp.isdtype(n.dtype, "integral")
        assert xp.isdtype(b.dtype, "bool") and not xp.isdtype(FIXED, "integral")
        assert xp.result_type(x, n) == np.float64 and xp.result_type(n, b) == np.int64
        assert xp.can_cast(n, np.float64) and not xp.can_cast(x, np.int64)
        assert xp.finfo(x).eps == 2.0**-18 == xp.finfo(x.dtype).eps and xp.finfo(np.float32).bits == 32
        assert xp.iinfo(n).max == 2**63 - 1
        assert xp.zeros((2,), dtype=x.dtype).dtype == np.float64
        assert x.mT.shape == (3, 2)
        return x // 2.0 + x % 2.0 + 2.0 // (x * x + 1.0) + divmod(x, 2.0)[1] + 2.0 % (x * x + 1.0)

    shapes: list[tuple[str, DType]] = [("x", FIXED), ("n", INT), ("b", BOOL)]
    program = trace(function, [(name, Type(SECRET, kind, (2, 3))) for name, kind in shapes], "types")
    assert program.outs[0][1].type.shape == (2, 3)


# --- refusals -------------------------------------------------------------------------------------------

CALLS: dict[str, Callable[[Any], Any]] = {
    **{name: (lambda function: lambda x: function(x))(getattr(np, name)) for name in ("unique", "nonzero")},
    "unique_values": xp.unique_values,
    "argwhere": np.argwhere,
    "flatnonzero": np.flatnonzero,
    "union1d": lambda x: np.union1d(x, x),
    "bincount": np.bincount,
    "putmask": lambda x: np.putmask(x, x > 0.0, 1.0),
    "fill_diagonal": lambda x: np.fill_diagonal(x, 1.0),
    "nextafter": lambda x: xp.nextafter(x, x),
    "spacing": np.spacing,
    "gcd": lambda x: np.gcd(x, x),
    "linalg.eig": np.linalg.eig,
    "linalg.lstsq": lambda x: np.linalg.lstsq(x, x),
    "is_busday": np.is_busday,
    "array_str": np.array_str,
    "shares_memory": lambda x: np.shares_memory(x, x),
    "packbits": np.packbits,
}


@pytest.mark.parametrize("name", CALLS)
def test_what_has_no_private_form_says_why(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        trace(lambda x: CALLS[name](x), [("x", Type(SECRET, FIXED, (2, 2)))], "refused")
    assert refused.value.code == "COMPILE-0006"
    assert REFUSED[name].value[0] in refused.value.message and name in refused.value.message


def test_the_list_of_reasons_is_closed_and_every_reason_is_used() -> None:
    assert set(REFUSED.values()) == set(Reason)
    assert {REFUSED[name] for name in CALLS} == set(Reason)
    computed = {name.removeprefix("numpy.") for name in TABLE} - set(REFUSED)
    assert not computed & set(REFUSED)
