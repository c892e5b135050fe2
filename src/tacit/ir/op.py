"""`Op`: what an operator means — its type rule, its numpy meaning, its lowering, its error bound."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from tacit.base.errors import InternalError, TypeRuleError
from tacit.base.types import DType, Shape, Type

if TYPE_CHECKING:
    from tacit.ir.program import Var

Value = Any
"""What `ref` functions return: a numpy array, or the scalar that ufuncs make of one element."""
Rule = Callable[[tuple[Type, ...], Mapping[str, Any]], tuple[Type, ...]]
Lower = Callable[..., "Var"]


@dataclass(frozen=True)
class Bound:
    """|got - ref| <= absolute + relative * |ref|, for inputs that the encoding represents exactly."""

    absolute: float = 0.0
    relative: float = 0.0
    note: str = ""


EXACT = Bound()


class Params(Mapping[str, Any]):
    """The parameters of an equation: frozen, hashable, sorted by name."""

    __slots__ = ("_items", "_kinds", "bodies")

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        from tacit.ir.program import Program

        self._items = {name: freeze(value) for name, value in sorted((values or {}).items())}
        self._kinds: Any = None
        self.bodies: tuple[Program, ...] = tuple(
            value for value in self._items.values() if isinstance(value, Program)
        )

    @property
    def kinds(self) -> Any:
        """What tells 0, 0.0 and False apart, which are equal as keys."""
        if self._kinds is None:
            self._kinds = _kinds(tuple(self._items.values()))
        return self._kinds

    def __getitem__(self, name: str) -> Any:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    def __repr__(self) -> str:
        return f"Params({self._items!r})"


def freeze(value: Any) -> Any:
    """`value` with lists and arrays as nested tuples.

    Raises: TypeRuleError IR-0004 for what has no text form.
    """
    from tacit.ir.program import Program

    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, tuple | list):
        return tuple(freeze(part) for part in value)
    if isinstance(value, float) and not isfinite(value):
        raise TypeRuleError("IR-0004", "a parameter is not finite")
    if value is None or isinstance(value, bool | int | float | str | DType | Program):
        return value
    raise TypeRuleError("IR-0004", f"a parameter cannot be of type {type(value).__name__}")


@dataclass(frozen=True)
class Signature:
    """What the conformance suite runs an operator on: uniform data in [low, high] of these types."""

    dtypes: tuple[DType, ...]
    shapes: tuple[Shape, ...]
    params: Mapping[str, Any] = field(default_factory=Params)
    low: float = -8.0
    high: float = 8.0
    error: Bound | None = None
    """Replaces the operator's bound for this signature only."""


@dataclass(frozen=True)
class Op:
    """An operator. `ref` takes arrays positionally and its parameters as keyword-only arguments."""

    name: str
    rule: Rule
    ref: Callable[..., Any]
    lower: Lower | None
    error: Bound
    signatures: tuple[Signature, ...]
    parameters: frozenset[str]
    required: frozenset[str]
    lower_by_below: Lower | None = None
    """Replaces `lower` for few elements and schemes that have `below`: more comparisons, in fewer rounds."""


OPS: dict[str, Op] = {}
"""Every operator by name, filled by importing `tacit.ir.ops`."""

FRESH = frozenset(("shuffle",))
"""Operators that draw anew at each occurrence: never folded, merged or taken out of a loop."""

_NUMPY: dict[str, type[np.generic]] = {"fixed": np.float64, "int": np.int64, "bool": np.bool_}


def numpy_dtype(dtype: DType) -> type[np.generic]:
    """The numpy type in which `ref` functions hold values of `dtype`."""
    return _NUMPY[dtype.kind]


def op(
    name: str,
    *,
    rule: Rule,
    lower: Lower | None = None,
    lower_by_below: Lower | None = None,
    error: Bound = EXACT,
    signatures: tuple[Signature, ...] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function as the numpy meaning of operator `name`."""

    def decorate(ref: Callable[..., Any]) -> Callable[..., Any]:
        if name in OPS:
            raise InternalError("IR-0011", f"operator {name!r} is defined twice")
        named = [p for p in inspect.signature(ref).parameters.values() if p.kind is p.KEYWORD_ONLY]
        parameters = frozenset(p.name for p in named)
        required = frozenset(p.name for p in named if p.default is p.empty)
        OPS[name] = Op(name, rule, ref, lower, error, signatures, parameters, required, lower_by_below)
        return ref

    return decorate


def infer(name: str, types: tuple[Type, ...], params: Mapping[str, Any]) -> tuple[Type, ...]:
    """Result types of operator `name` on `types`.

    Raises: TypeRuleError IR-0007 if there is no such operator, IR-0004 if a parameter is missing, unknown or
    wrong, and what the operator's rule raises.
    """
    known = OPS.get(name)
    if known is None:
        raise TypeRuleError("IR-0007", f"there is no operator {name!r}", hint="see tacit.ir.ops for the list")
    unknown, missing = set(params) - known.parameters, known.required - set(params)
    if unknown or missing:
        what = f"no parameter {min(unknown)!r}" if unknown else f"parameter {min(missing)!r} is missing"
        raise TypeRuleError("IR-0004", f"{name}: {what}")
    try:
        if name not in _ASKED_ONCE and isinstance(params, Params):
            return _remembered(name, types, params, params.kinds)
        return known.rule(types, params)
    except TypeRuleError as error:
        given = ", ".join(map(str, types)) or "no inputs"
        raise TypeRuleError(error.code, f"{name}({given}): {error.message}", hint=error.hint) from None


_ASKED_ONCE = frozenset(("scan", "const"))
"""Operators whose parameters are long, so that looking them up costs more than their rules."""


@lru_cache(maxsize=4096)
def _remembered(name: str, types: tuple[Type, ...], params: Params, kinds: Any) -> tuple[Type, ...]:
    """What the rule said of these types before: a long program asks the same many times over."""
    return OPS[name].rule(types, params)


def _kinds(value: Any) -> Any:
    return tuple(map(_kinds, value)) if isinstance(value, tuple) else type(value)
