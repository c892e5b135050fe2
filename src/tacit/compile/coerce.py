"""Bringing traced values and data to common dtypes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tacit.base.types import BOOL, FIXED, INT, DType
from tacit.compile.trace import Array, PlaceError, apply, dtype_of, plain, refuse
from tacit.ir.op import numpy_dtype

Value = Any
"""An Array, a numpy array or a number."""

_NAMES: dict[Any, DType] = {float: FIXED, int: INT, bool: BOOL}


def traced(*values: Value) -> bool:
    return any(isinstance(value, Array) for value in values)


def named_dtype(dtype: Any) -> DType:
    """The dtype meant by a DType, a Python type or a numpy type."""
    if isinstance(dtype, DType):
        return dtype
    return _NAMES.get(dtype) or dtype_of(np.zeros(0, dtype))


def cast(value: Value, dtype: DType) -> Value:
    """`value` in `dtype`; fixed to int is the floor, to bool is whether it differs from 0."""
    if not isinstance(value, Array):
        data = plain(value)
        return (np.floor(data) if dtype == INT else data).astype(numpy_dtype(dtype))
    if value.dtype == dtype:
        return value
    if dtype == BOOL:
        return apply("not_equal", value, np.zeros((), numpy_dtype(value.dtype)))
    if (value.dtype, dtype) == (FIXED, INT):
        return apply("floor", value)
    return apply("astype", value, dtype=dtype)


def whole(value: Value) -> bool:
    """Whether `value` is data, all whole numbers below 2^31 in magnitude."""
    if isinstance(value, Array):
        return False
    data = plain(value)
    return bool(np.all(data == np.rint(data)) and np.all(np.abs(data) < 2.0**31))


def numbers(*values: Value) -> tuple[Value, ...]:
    """`values` in their common numeric dtype: fixed if one is, else int."""
    kinds = {dtype_of(value) for value in values}
    return tuple(cast(value, FIXED if FIXED in kinds else INT) for value in values)


def comparable(*values: Value) -> tuple[Value, ...]:
    """Like `numbers`, but whole constants become int beside traced int and bool values."""
    kinds = {value.dtype for value in values if isinstance(value, Array)}
    if kinds and FIXED not in kinds and all(traced(value) or whole(value) for value in values):
        return tuple(cast(value, INT) for value in values)
    return numbers(*values)


def axes_of(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """`axis` as distinct axes counted from 0; None means all. Raises UsageError COMPILE-0002."""
    wanted = range(ndim) if axis is None else (axis,) if isinstance(axis, int | np.integer) else axis
    axes = tuple(int(one) + ndim if one < 0 else int(one) for one in wanted)
    if not all(0 <= one < ndim for one in axes) or len(set(axes)) != len(axes):
        refuse(
            "COMPILE-0002",
            f"axis {axis} does not fit an array of {ndim} dimensions",
            "count axes from 0",
            PlaceError,
        )
    return axes


def axis_of(axis: int, ndim: int) -> int:
    """`axis` counted from 0. Raises UsageError COMPILE-0002."""
    return axes_of(axis, ndim)[0]
