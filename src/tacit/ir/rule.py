"""Pieces of type rules: each refuses with a TypeRuleError or returns what the next piece needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.base.errors import TypeRuleError
from tacit.base.types import BOOL, FIXED, INT, DType, Shape, Type, Visibility, join

NUMERIC = (FIXED, INT)
ANY = (FIXED, INT, BOOL)
Types = tuple[Type, ...]
Parameters = Mapping[str, Any]


def arity(types: Types, n: int) -> None:
    """Raises TypeRuleError IR-0001 unless there are `n` inputs."""
    if len(types) != n:
        raise TypeRuleError("IR-0001", f"takes {n} inputs, not {len(types)}")


def dtype_of(types: Types, allowed: tuple[DType, ...]) -> DType:
    """The one dtype of all `types`. Raises TypeRuleError IR-0002 if they differ or it is not allowed."""
    found = {t.dtype for t in types}
    if len(found) != 1 or not found <= set(allowed):
        raise TypeRuleError(
            "IR-0002", f"inputs must all be one of {', '.join(map(str, allowed))}", hint="convert with astype"
        )
    return found.pop()


def broadcast(types: Types) -> Shape:
    """The common shape by numpy's rule. Raises TypeRuleError IR-0003."""
    try:
        return np.broadcast_shapes(*(t.shape for t in types))
    except ValueError:
        raise TypeRuleError("IR-0003", "shapes do not broadcast") from None


def visibility(types: Types) -> Visibility:
    return join(*(t.vis for t in types))


def integer(value: Any, what: str, low: int, high: int) -> int:
    """`value`, an int in low <= value < high. Raises TypeRuleError IR-0004."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value < high:
        raise TypeRuleError("IR-0004", f"{what} must be an integer from {low} to {high - 1}")
    return value


def flag(value: Any, what: str) -> bool:
    """`value`, a bool. Raises TypeRuleError IR-0004."""
    if not isinstance(value, bool):
        raise TypeRuleError("IR-0004", f"{what} must be true or false")
    return value


def integers(value: Any, what: str, low: int, high: int) -> tuple[int, ...]:
    """`value`, a tuple of ints in low <= each < high. Raises TypeRuleError IR-0004."""
    if not isinstance(value, tuple):
        raise TypeRuleError("IR-0004", f"{what} must be a tuple of integers")
    return tuple(integer(part, f"each of {what}", low, high) for part in value)


def shape_of(value: Any) -> Shape:
    """`value`, a shape of fewer than 2^40 elements. Raises TypeRuleError IR-0004."""
    shape = integers(value, "shape", 0, 1 << 40)
    if len(shape) > 32 or Type(join(), INT, shape).size >= 1 << 40:
        raise TypeRuleError("IR-0004", "shape is too large")
    return shape


def axis_of(value: Any, shape: Shape) -> int:
    """`value`, an axis of `shape`, not negative. Raises TypeRuleError IR-0003 if there is none, IR-0004."""
    if not shape:
        raise TypeRuleError("IR-0003", "a scalar has no axis")
    return integer(value, "axis", 0, len(shape))


def reduced(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    """`shape` after a reduction over `axes`."""
    if keepdims:
        return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


def elementwise(*allowed: DType, n: int) -> Any:
    """The rule of an operator on `n` broadcast inputs of one dtype among `allowed`, same dtype out."""

    def rule(types: Types, params: Parameters) -> Types:
        arity(types, n)
        return (Type(visibility(types), dtype_of(types, allowed), broadcast(types)),)

    return rule


def predicate(*allowed: DType, n: int) -> Any:
    """Like `elementwise`, bool out."""

    def rule(types: Types, params: Parameters) -> Types:
        arity(types, n)
        dtype_of(types, allowed)
        return (Type(visibility(types), BOOL, broadcast(types)),)

    return rule
