"""Arguments and results of ordinary functions: what is inside of tuples, lists and dicts, by name.

A path names a leaf: `prices.1` is the second part of the argument `prices`. Structures come back as they
were, with other leaves.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from tacit.base.errors import UsageError
from tacit.compile.transform import Complex


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every leaf with its path, in order."""
    for key, part in _parts(value):
        yield from leaves(part, f"{path}.{key}" if path else key)
    if not _is_structure(value):
        yield path, value


def replaced(value: Any, path: str, new: Mapping[str, Any]) -> Any:
    """`value` with the leaves that `new` names by path."""
    if not _is_structure(value):
        return new.get(path, value)
    parts = [replaced(part, f"{path}.{key}" if path else key, new) for key, part in _parts(value)]
    if isinstance(value, Mapping):
        return dict(zip(value, parts, strict=True))
    if isinstance(value, Complex):
        return (
            parts[0] + 1j * parts[1] if all(isinstance(p, np.ndarray | np.generic) for p in parts) else value
        )
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        return replace(value, **dict(zip(names, parts, strict=True)))
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


def _is_structure(value: Any) -> bool:
    return isinstance(value, tuple | list | Mapping | Complex) or _is_record(value)


def _is_record(value: Any) -> bool:
    """A dataclass that is made of its fields alone; those of the package are leaves."""
    return (
        is_dataclass(value)
        and not isinstance(value, type)
        and all(field.init for field in fields(value))
        and not type(value).__module__.startswith("tacit.")
    )


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Complex):
        yield from (("real", value.real), ("imag", value.imag))
    elif _is_record(value):
        yield from ((field.name, getattr(value, field.name)) for field in fields(value))
    elif isinstance(value, Mapping):
        yield from ((str(key), part) for key, part in value.items())
    elif hasattr(value, "_fields"):
        yield from zip(value._fields, value, strict=True)
    elif isinstance(value, tuple | list):
        yield from ((str(index), part) for index, part in enumerate(value))


def arguments(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of this call by parameter, those that were left out included.

    Raises: UsageError SECURE-0006 for arguments that `function` does not take.
    """
    try:
        signature = inspect.signature(function)
        bound = signature.bind(*args, **kwargs)
    except (TypeError, ValueError) as error:
        raise UsageError(
            "SECURE-0006",
            f"{function.__name__}: {error}",
            hint=f"it is defined at {where(function)}",
        ) from None
    bound.apply_defaults()
    return dict(bound.arguments)


def called(function: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    """`function` with arguments as `arguments` gives them."""
    bound = inspect.BoundArguments(inspect.signature(function), dict(given))
    return function(*bound.args, **bound.kwargs)


def where(function: Callable[..., Any]) -> str:
    """`file.py:line` at which it is defined."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return (
        "a place without lines"
        if code is None
        else f"{code.co_filename.split('/')[-1]}:{code.co_firstlineno}"
    )
