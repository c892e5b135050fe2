"""NumPy as a traced script sees it: arrays that are made to be written into take in private values.

NumPy's own arrays hold numbers alone, so `out = np.zeros(n)` followed by `out[i] = private` cannot work with
them, nor `np.array([private, private])`. A script's function is therefore run with a namespace in which these
functions of NumPy give arrays of the program. Only functions of the script itself are, never a library's; and
only those that write into something.
"""

from __future__ import annotations

import dis
from collections.abc import Callable
from functools import reduce
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from tacit.compile import array as xp
from tacit.compile.trace import Array, active


def _maker(name: str) -> Callable[..., Any]:
    made: Callable[..., Any] = getattr(np, name)

    def make(*args: Any, **kwargs: Any) -> Any:
        trace, data = active(), made(*args, **kwargs)
        return data if trace is None or data.dtype.kind not in "fiub" or not data.ndim else trace.known(data)

    return make


def _private(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return any(map(_private, value))
    return isinstance(value, Array)


def _joined(value: Any) -> Any:
    return (
        xp.stack([_joined(part) for part in value]) if isinstance(value, tuple | list) else xp.asarray(value)
    )


def _array(value: Any, *args: Any, **kwargs: Any) -> Any:
    """np.array, also of lists in which private values are."""
    if not _private(value):
        return np.array(value, *args, **kwargs)
    found = _joined(value)
    dtype = kwargs.get("dtype", args[0] if args else None)
    found = found if dtype is None else xp.astype(found, dtype)
    return found.copy()


def _asarray(value: Any, *args: Any, **kwargs: Any) -> Any:
    if isinstance(value, Array) and not args and not kwargs:
        return value
    return _array(value, *args, **kwargs) if _private(value) else np.asarray(value, *args, **kwargs)


JOINS: dict[str, Callable[..., Any]] = {"array": _array, "asarray": _asarray}
MAKES = {name: _maker(name) for name in ("zeros", "ones", "empty", "full")}


def _extreme(python: Callable[..., Any], of_all: Any, of_two: Any) -> Callable[..., Any]:
    """Python's own, also of private values."""

    def extreme(*values: Any, **options: Any) -> Any:
        if options or not _private(values) or (len(values) == 1 and not _private(values[0])):
            return python(*values, **options)
        if len(values) == 1 and isinstance(values[0], Array):
            return of_all(values[0])
        return reduce(of_two, values[0] if len(values) == 1 else values)

    return extreme


_least, _most = _extreme(min, xp.min, xp.minimum), _extreme(max, xp.max, xp.maximum)


class _NumPy(ModuleType):
    """The module with some functions replaced."""

    def __init__(self, replaced: dict[str, Callable[..., Any]]) -> None:
        super().__init__("numpy", np.__doc__)
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


_LIBRARIES = ("tacit", "numpy", "jax", "scipy", "sklearn", "onnx", "functools")


def _codes(code: CodeType) -> list[CodeType]:
    inner = [one for part in code.co_consts if isinstance(part, CodeType) for one in _codes(part)]
    return [code, *inner]


def _uses(code: CodeType, *operations: str) -> bool:
    return any(step.opname in operations for one in _codes(code) for step in dis.get_instructions(one))


def _writes(code: CodeType) -> bool:
    """Whether it has x[key] = value or x += value."""
    steps = [step for one in _codes(code) for step in dis.get_instructions(one)]
    return any(
        step.opname == "STORE_SUBSCR" or (step.opname == "BINARY_OP" and step.argrepr.endswith("="))
        for step in steps
    )


def in_script(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with that namespace, and so the functions beside it which it calls; others as they are."""
    home = str(getattr(function, "__module__", "")).split(".")[0]
    if not isinstance(function, FunctionType) or home in _LIBRARIES:
        return function
    old = function.__globals__
    beside = [value for value in old.values() if _is_beside(value, old)]
    codes = [function.__code__, *(one.__code__ for one in beside if one.__name__ in _named(function, beside))]
    if any(_uses(code, "STORE_GLOBAL", "DELETE_GLOBAL") for code in codes):
        return function
    writes = any(_writes(code) for code in codes)
    replaced = {**JOINS, **MAKES} if writes else JOINS
    names = {id(getattr(np, name)): value for name, value in replaced.items()}
    module, new = _NumPy(replaced), {"min": _least, "max": _most, **old}
    for name, value in old.items():
        if value is np:
            new[name] = module
        elif id(value) in names:
            new[name] = names[id(value)]
        elif _is_beside(value, old):
            new[name] = _with(value, new)
    return _with(function, new)


def _is_beside(value: Any, namespace: dict[str, Any]) -> bool:
    return isinstance(value, FunctionType) and value.__globals__ is namespace


def _named(function: FunctionType, beside: list[FunctionType]) -> set[str]:
    """The functions beside it that it calls, or these call."""
    by_name, open_ = {one.__name__: one for one in beside}, [function]
    found: set[str] = set()
    while open_:
        names = {name for code in _codes(open_.pop().__code__) for name in code.co_names}
        fresh = (names & set(by_name)) - found
        found |= fresh
        open_ += [by_name[name] for name in fresh]
    return found


def _with(function: FunctionType, namespace: dict[str, Any]) -> FunctionType:
    made = FunctionType(
        function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__
    )
    made.__kwdefaults__ = function.__kwdefaults__
    made.__dict__.update(function.__dict__)
    made.__module__ = function.__module__
    made.__qualname__ = function.__qualname__
    return made
