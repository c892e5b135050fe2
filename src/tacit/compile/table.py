"""The functions that operators and NumPy's protocols dispatch to, and what tracing asks for everywhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import PurePath
from typing import Any, NoReturn, TypeVar

from tacit.base.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

TABLE: dict[str, Callable[..., Any]] = {}
"""The functions of `tacit.compile.array` by name: what operators and numpy's protocols dispatch to."""

ACTIVE: ContextVar[Any] = ContextVar("tacit_trace", default=None)
_PACKAGES = ("tacit.compile", "tacit.ir", "tacit.run", "numpy")


def public(function: F) -> F:
    """Enter `function` into `TABLE` under its own name."""
    TABLE[function.__name__] = function
    return function


def public_in(*homes: str) -> Callable[[F], F]:
    """Enter the function into `TABLE` as `home.name`, a trailing underscore of its name left out; `home` is
    `numpy` (a meaning that only NumPy gives to the name), `linalg` or `fft`."""

    def enter(function: F) -> F:
        for home in homes:
            TABLE[f"{home}.{function.__name__.rstrip('_')}"] = function
        return function

    return enter


def find(home: str, name: str) -> Callable[..., Any] | None:
    """The traced meaning of NumPy's function `name` in its submodule `home` (empty for none)."""
    if home and home != "linalg":
        return TABLE.get(f"{home}.{name}")
    return TABLE.get(f"{home or 'numpy'}.{name}") or TABLE.get(name)


def active() -> Any:
    """The innermost trace that is being written, if any."""
    return ACTIVE.get()


def where_called() -> str:
    """`file.py:line` of the nearest caller outside the compiler."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith(_PACKAGES):
        frame = frame.f_back
    return f"{PurePath(frame.f_code.co_filename).name}:{frame.f_lineno}"


class PlaceError(UsageError, IndexError, ValueError):
    """An axis or a position that an array does not have: what NumPy raises then is caught as it is there."""


def refuse(code: str, message: str, hint: str, kind: type[UsageError] = UsageError) -> NoReturn:
    """Raise UsageError `code`, naming the caller's line."""
    raise kind(code, f"{message}, at {where_called()}", hint=hint)
