"""One function of the array standard: NumPy's on data in the clear, the private one on traced values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Signature
from typing import Any

import numpy as np

from tacit.base.types import BOOL, FIXED, DType
from tacit.compile.coerce import named_dtype
from tacit.compile.refused import REFUSED, refused
from tacit.compile.standard.clear import CLEAR
from tacit.compile.trace import Array, find, refuse

UNTRACED = ("device", "copy", "stable")
"""Parameters that say how, not what: an Array has one device, is never changed, and sorts as it sorts."""

PRIVATE = {
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "bitwise_invert": "invert",
    "bitwise_left_shift": "left_shift",
    "bitwise_right_shift": "right_shift",
    "pow": "power",
    "round": "rint",
    "empty_like": "zeros_like",
}
"""Names that the private functions have, where they differ."""


def mentioned(values: Any) -> bool:
    """Whether an Array is among `values`, which may be nested."""
    if isinstance(values, list | tuple):
        return any(mentioned(value) for value in values)
    return isinstance(values, Array)


def standard_function(name: str, signature: Signature | None = None, within: str = "") -> Callable[..., Any]:
    """The function `name` of the standard, of its extension `within`, or of NumPy beside the standard.

    Raises UsageError, of traced values only: COMPILE-0006 if it has no private form, COMPILE-0002 for an
    option that has none.
    """
    home = getattr(np, within) if within else np
    full = f"{within}.{name}" if within else name
    clear: Any = CLEAR.get(full) or getattr(home, name, None) or getattr(np, name)

    def function(*args: Any, **kwargs: Any) -> Any:
        if not mentioned(args) and not mentioned(tuple(kwargs.values())):
            return clear(*args, **_numpy_types(kwargs))
        if full in REFUSED:
            refused(full)
        private = find(within, PRIVATE.get(name, name))
        if private is None:
            refuse("COMPILE-0002", f"{full} cannot be traced", "see docs/functions.md")
        return private(*args, **{key: value for key, value in kwargs.items() if key not in UNTRACED})

    function.__name__ = function.__qualname__ = name
    function.__doc__ = clear.__doc__
    if signature is not None:
        function.__signature__ = signature  # type: ignore[attr-defined]
    return function


def extension(
    name: str, standard: Mapping[str, Signature]
) -> tuple[dict[str, Callable[..., Any]], Callable[[str], Any]]:
    """The functions of the extension `name`, and what finds them as attributes of its module."""
    names = {each: standard_function(each, signature, name) for each, signature in standard.items()}

    def find_in(wanted: str) -> Any:
        if wanted not in names:
            raise AttributeError(f"module 'tacit.xp.{name}' has no attribute {wanted!r}")
        return names[wanted]

    return names, find_in


def _numpy_types(kwargs: dict[str, Any]) -> dict[str, Any]:
    if isinstance(kwargs.get("dtype"), DType):
        return kwargs | {"dtype": numpy_type(kwargs["dtype"])}
    return kwargs


def numpy_type(value: Any) -> Any:
    """The NumPy dtype that stands for that of an Array or for a DType; anything else as it is."""
    kind = value.dtype if isinstance(value, Array) else value
    if not isinstance(kind, DType):
        return value
    return np.dtype(np.float64 if kind == FIXED else np.bool_ if kind == BOOL else np.int64)


def on_types(name: str, standard: Mapping[str, Signature]) -> Callable[..., Any]:
    """NumPy's function of dtypes, for Arrays and DTypes too."""
    function = getattr(np, name)

    def of_types(*values: Any, **named: Any) -> Any:
        return function(*map(numpy_type, values), **{key: numpy_type(one) for key, one in named.items()})

    of_types.__name__ = of_types.__qualname__ = name
    of_types.__doc__ = function.__doc__
    of_types.__signature__ = standard[name]  # type: ignore[attr-defined]
    return of_types


@dataclass(frozen=True)
class FloatInfo:
    """What `finfo` says of a real dtype, in Python's numbers."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: Any


FIXED_INFO = FloatInfo(
    bits=FIXED.bits,
    eps=2.0**-FIXED.fraction_bits,
    max=2.0 ** (FIXED.bits - 1 - FIXED.fraction_bits) - 2.0**-FIXED.fraction_bits,
    min=-(2.0 ** (FIXED.bits - 1 - FIXED.fraction_bits)),
    smallest_normal=2.0**-FIXED.fraction_bits,
    dtype=FIXED,
)
"""No exponent, one resolution everywhere."""


def finfo(type: Any, /) -> FloatInfo:
    """Limits of a real dtype; of traced values, those of fixed point."""
    if isinstance(type, Array | DType) and named_dtype(getattr(type, "dtype", type)) == FIXED:
        return FIXED_INFO
    info = np.finfo(type)
    eps, most, least, smallest = map(float, (info.eps, info.max, info.min, info.smallest_normal))
    return FloatInfo(info.bits, eps, most, least, smallest, info.dtype)
