"""What `Array` does as Python's operators and NumPy's methods, by the functions of `TABLE`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np

from tacit.compile.table import TABLE, active, find, refuse


class Traced:
    """What `Array` is to the functions here."""

    @property
    def data(self) -> np.ndarray | None:
        return None


INSTEAD = {
    "the truth": (
        "if and while, and, or, not, min() and max() need a number: write where(condition, a, b), "
        "logical_and(a, b), maximum(a, b); a loop has a fixed number of steps"
    ),
    "the number": (
        "leave out float(), int() and round(); math.sqrt(x) is np.sqrt(x); what the function returns is "
        "revealed, and a number then"
    ),
    "the index": "x[i] reads an array at a secret place; np.arange(n) == i says where it is",
    "the items": "x in values is any(values == x); a number has no items to go over",
    "the data": "np.stack([a, b]) makes one array of several; what the function returns is revealed",
    "the digits": "print and f-strings show no private values; what the function returns is revealed",
}


def secret_flow(what: str, known: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Refused; `known` says it of data that is known."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if known is None or self.data is None:
            refuse("COMPILE-0001", f"{what} of a private value is asked for: nobody sees it", INSTEAD[what])
        return known(self.data, *args, **kwargs)

    return method


def known_data(value: Any) -> Any:
    """The data of arrays that hold nothing private, in lists as well; other values as they are."""
    if isinstance(value, tuple | list) and type(value) in (tuple, list):
        return type(value)(map(known_data, value))
    return value.data if isinstance(value, Traced) and value.data is not None else value


def binary(name: str, *, swapped: bool = False) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        x, y = known_data(self), known_data(other)
        return TABLE[name](y, x) if swapped else TABLE[name](x, y)

    return method


def unary(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return TABLE[name](known_data(self), *args, **kwargs)

    return method


def in_place(name: str) -> Callable[[Any, Any], Any]:
    """Into the array, where NumPy's arrays change; single values are numbers, and there is a new one."""

    def method(self: Any, other: Any) -> Any:
        other = known_data(other)
        if self.data is not None and not isinstance(other, Traced):
            self[...] = TABLE[name](self.data, other)
            return self
        found = TABLE[name](type(self)(self.trace, self.var), other)
        if not self.ndim or active() is not self.trace:
            return found
        if found.shape != self.shape or found.dtype != self.dtype:
            refuse(
                "COMPILE-0002",
                f"{found.dtype} of shape {found.shape} written into {self.dtype} of {self.shape}",
                "make a new array: x = x + y",
            )
        return self._become(found)

    return method


def leaves_of(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple | list):
        for part in value:
            yield from leaves_of(part)
    else:
        yield value


def is_basic(key: Any) -> bool:
    """Whether it makes a view."""
    return key is None or key is Ellipsis or isinstance(key, slice | int | np.integer)


def writing() -> Any:
    return import_module("tacit.compile.assign")


def method_of(name: str) -> Callable[..., Any]:
    """NumPy's function of that name, as a method."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return numpy_function("", name)(known_data(self), *args, **kwargs)

    return method


def numpy_function(home: str, name: str) -> Callable[..., Any]:
    """The traced meaning of a function of NumPy. Raises UsageError COMPILE-0002 if there is none."""
    found = find(home, _OTHER_NAMES.get(name, name))
    if found is None:
        refuse(
            "COMPILE-0002",
            f"numpy.{home}{'.' * bool(home)}{name} cannot be traced",
            "see tacit.compile.array",
        )
    return found


_OTHER_NAMES = {
    "absolute": "abs",
    "around": "round",
    "concatenate": "concat",
    "cumsum": "cumulative_sum",
    "degrees": "rad2deg",
    "empty_like": "zeros_like",
    "radians": "deg2rad",
}
"""NumPy's second names, where `TABLE` has the first."""
