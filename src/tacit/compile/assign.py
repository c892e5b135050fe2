"""Arrays that ordinary scripts write into: x[key] = value, x += value, np.add(x, y, out=z).

A value of a program is assigned once. What a script writes into is a name for the newest of several values
(`Array`): writing makes a new one, in which the written places differ, and the name goes over to it. Views
(`row = x[0]`) know the array they are a part of, and write and read through it, as in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tacit.base.types import BOOL, INT
from tacit.compile.coerce import Value
from tacit.compile.elementwise import astype, equal, logical_and, where
from tacit.compile.places import put
from tacit.compile.shaping import broadcast_to, reshape
from tacit.compile.trace import TABLE, Array, refuse


def as_dtype(value: Value, dtype: Any) -> Value:
    """`value` as an array of `dtype` takes it in: reals lose their fractions in one of integers."""
    return astype(value, dtype)


def _secret(key: Any) -> bool:
    return isinstance(key, Array) and key.dtype == INT


def assigned(x: Array, key: Any, value: Any) -> Value:
    """x with `value` at x[key]. Private masks and places are written without telling which."""
    value = as_dtype(value, x.dtype)
    keys = key if isinstance(key, tuple) else (key,)
    if len(keys) == 1 and isinstance(keys[0], Array) and keys[0].dtype == BOOL:
        return _where(x, keys[0], value)
    if any(isinstance(one, Array) for one in keys):
        return _at_secret(x, keys, value)
    places = np.arange(x.size).reshape(x.shape)[key]
    new = broadcast_to(value, places.shape)
    return reshape(put(reshape(x, (-1,)), places.reshape(-1), reshape(new, (-1,))), x.shape)


def _where(x: Array, mask: Array, value: Value) -> Value:
    if mask.shape != x.shape[: mask.ndim]:
        refuse("COMPILE-0002", f"a mask of shape {mask.shape} for an array of {x.shape}", "see its shape")
    if np.ndim(value) > x.ndim - mask.ndim:
        refuse(
            "COMPILE-0001",
            "values for the rows that a private mask picks: how many there are would be seen",
            "write one value, or x = where(mask, new, x) with values for all rows",
        )
    return where(reshape(mask, (*mask.shape, *(1,) * (x.ndim - mask.ndim))), value, x)


def _at_secret(x: Array, keys: tuple[Any, ...], value: Value) -> Value:
    """Each index is one place or all places of its axis."""
    here: Value = np.ones((), bool)
    shape: list[int] = []
    for axis, key in enumerate(keys):
        if isinstance(key, slice) and key == slice(None):
            shape.append(x.shape[axis])
            continue
        if not (isinstance(key, int | np.integer) or (_secret(key) and not key.ndim)):
            refuse("COMPILE-0001", "writing at several private places", "write at one place after the other")
        places = np.arange(x.shape[axis]).reshape(-1, *(1,) * (x.ndim - axis - 1))
        at = key if isinstance(key, Array) else int(key) % x.shape[axis]
        here = logical_and(here, equal(places, at))
        shape.append(1)
    new = value
    if np.ndim(value):
        whole = (*shape, *x.shape[len(keys) :])
        kept = tuple(side for k, side in enumerate(whole) if k >= len(keys) or isinstance(keys[k], slice))
        new = reshape(broadcast_to(value, kept), whole)
    return where(here, new, x)


# --- methods of ufuncs ----------------------------------------------------------------------------------

_REDUCTIONS = {
    "add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logical_and": "all",
    "logical_or": "any",
}  # fmt: skip


def ufunc_method(ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Value | None:
    """np.add.reduce and its like; None where there is no private form."""
    name = ufunc.__name__
    if method == "reduce" and name in _REDUCTIONS and set(options) <= {"axis", "keepdims"}:
        options = {"axis": 0, **options}
        return TABLE[_REDUCTIONS[name]](inputs[0], **options)
    if method == "accumulate" and name == "add" and set(options) <= {"axis"}:
        return TABLE["cumulative_sum"](inputs[0], axis=options.get("axis", 0))
    function: Callable[..., Value] | None = TABLE.get(name)
    if method == "outer" and function is not None and not options:
        left, right = inputs
        return function(reshape(left, (*np.shape(left), *(1,) * np.ndim(right))), right)
    return None
