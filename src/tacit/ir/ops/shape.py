"""Moving elements about: free in every scheme."""

from __future__ import annotations

import numpy as np

from tacit.base.errors import TypeRuleError
from tacit.base.types import BOOL, FIXED, INT, Shape, Type
from tacit.ir.op import Signature, Value, op
from tacit.ir.rule import (
    ANY,
    Parameters,
    Types,
    arity,
    axis_of,
    dtype_of,
    integer,
    integers,
    shape_of,
    visibility,
)


def _reshape_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    result = Type(types[0].vis, types[0].dtype, shape_of(params["shape"]))
    if result.size != types[0].size:
        raise TypeRuleError("IR-0003", f"{types[0].size} elements do not fill the new shape {result.shape}")
    return (result,)


@op(
    "reshape",
    rule=_reshape_rule,
    signatures=(
        Signature((FIXED,), ((),), {"shape": (1, 1)}),
        Signature((INT,), ((3, 4),), {"shape": (2, 6)}),
        Signature((BOOL,), ((4,),), {"shape": (2, 2)}),
    ),
)
def reshape(x: np.ndarray, *, shape: Shape) -> Value:
    """The same elements in row-major order."""
    return np.reshape(x, shape)


def _permute_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    shape = types[0].shape
    axes = integers(params["axes"], "axes", 0, len(shape))
    if sorted(axes) != list(range(len(shape))):
        raise TypeRuleError("IR-0003", f"axes must be a permutation of 0 to {len(shape) - 1}")
    return (Type(types[0].vis, types[0].dtype, tuple(shape[axis] for axis in axes)),)


@op(
    "permute_dims",
    rule=_permute_rule,
    signatures=(
        Signature((FIXED,), ((3, 4),), {"axes": (1, 0)}),
        Signature((INT,), ((2, 3, 4),), {"axes": (2, 0, 1)}),
        Signature((BOOL,), ((3, 4),), {"axes": (1, 0)}),
    ),
)
def permute_dims(x: np.ndarray, *, axes: tuple[int, ...]) -> Value:
    """Result axis k is axis axes[k] of x."""
    return np.transpose(x, axes)


def _broadcast_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    shape = shape_of(params["shape"])
    try:
        fits = np.broadcast_shapes(types[0].shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise TypeRuleError("IR-0003", f"does not broadcast to {shape}")
    return (Type(types[0].vis, types[0].dtype, shape),)


@op(
    "broadcast_to",
    rule=_broadcast_rule,
    signatures=(
        Signature((FIXED,), ((),), {"shape": (4,)}),
        Signature((INT,), ((4,),), {"shape": (3, 4)}),
        Signature((BOOL,), ((3, 1),), {"shape": (3, 4)}),
    ),
)
def broadcast_to(x: np.ndarray, *, shape: Shape) -> Value:
    """x repeated by numpy's rule."""
    return np.broadcast_to(x, shape)


def _concat_rule(types: Types, params: Parameters) -> Types:
    if not types:
        raise TypeRuleError("IR-0001", "takes at least one input")
    dtype, shape = dtype_of(types, ANY), types[0].shape
    axis = axis_of(params["axis"], shape)
    others = {t.shape[:axis] + t.shape[axis + 1 :] for t in types if len(t.shape) == len(shape)}
    if len(others) != 1 or any(len(t.shape) != len(shape) for t in types):
        raise TypeRuleError("IR-0003", f"shapes must agree outside axis {axis}")
    length = sum(t.shape[axis] for t in types)
    return (Type(visibility(types), dtype, (*shape[:axis], length, *shape[axis + 1 :])),)


@op(
    "concat",
    rule=_concat_rule,
    signatures=(
        Signature((FIXED, FIXED), ((4,), (3,)), {"axis": 0}),
        Signature((INT, INT, INT), ((3, 4), (3, 1), (3, 2)), {"axis": 1}),
        Signature((BOOL, BOOL), ((3, 4), (1, 4)), {"axis": 0}),
    ),
)
def concat(*xs: np.ndarray, axis: int) -> Value:
    """The inputs one after another along `axis`."""
    return np.concatenate(xs, axis=axis)


def _take_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    shape = types[0].shape
    axis = axis_of(params["axis"], shape)
    indices = integers(params["indices"], "indices", 0, shape[axis])
    return (Type(types[0].vis, types[0].dtype, (*shape[:axis], len(indices), *shape[axis + 1 :])),)


@op(
    "take",
    rule=_take_rule,
    signatures=(
        Signature((FIXED,), ((4,),), {"indices": (3, 0, 0), "axis": 0}),
        Signature((INT,), ((3, 4),), {"indices": (1, 3), "axis": 1}),
        Signature((BOOL,), ((3, 4),), {"indices": (2, 1, 0), "axis": 0}),
    ),
)
def take(x: np.ndarray, *, indices: tuple[int, ...], axis: int) -> Value:
    """The elements at these public positions along `axis`, in this order."""
    return np.take(x, np.asarray(indices, dtype=np.int64), axis=axis)


def _slice_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    shape = types[0].shape
    axis = axis_of(params["axis"], shape)
    start = integer(params["start"], "start", 0, shape[axis] + 1)
    stop = integer(params["stop"], "stop", start, shape[axis] + 1)
    return (Type(types[0].vis, types[0].dtype, (*shape[:axis], stop - start, *shape[axis + 1 :])),)


@op(
    "slice",
    rule=_slice_rule,
    signatures=(
        Signature((FIXED,), ((4,),), {"start": 1, "stop": 3, "axis": 0}),
        Signature((INT,), ((3, 4),), {"start": 0, "stop": 1, "axis": 1}),
        Signature((BOOL,), ((3, 4),), {"start": 2, "stop": 3, "axis": 0}),
    ),
)
def slice_(x: np.ndarray, *, start: int, stop: int, axis: int) -> Value:
    """Positions start <= i < stop along `axis`."""
    return x[(slice(None),) * axis + (slice(start, stop),)]
