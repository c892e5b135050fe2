"""Arguments and results of ordinary functions: what is inside of tuples, lists and dicts, by name.

A path names a leaf: `prices.1` is the second part of the argument `prices`. Structures come back as they
were, with other leaves.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tacit.base.errors import UsageError


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
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


def _is_structure(value: Any) -> bool:
    return isinstance(value, tuple | list | Mapping)


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
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
