"""Rows in an order that nobody knows."""

from __future__ import annotations

import numpy as np

from tacit.base.types import FIXED, INT, SECRET, Type
from tacit.ir.op import Signature, Value, op
from tacit.ir.rule import NUMERIC, Parameters, Types, arity, axis_of, dtype_of


def _rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    dtype_of(types, NUMERIC)
    axis_of(0, types[0].shape)
    return (Type(SECRET, types[0].dtype, types[0].shape),)


@op(
    "shuffle",
    rule=_rule,
    signatures=tuple(
        Signature((dtype,), (shape,), low=3.0, high=3.0)
        for dtype in (FIXED, INT)
        for shape in ((1,), (7,), (5, 2), (0, 3))
    ),
)
def shuffle(x: np.ndarray) -> Value:
    """The rows (first axis) in a uniform order that nobody knows: secret, even if x is not.

    Every order is right; here the rows stay as they are. Each occurrence in a program draws anew.
    """
    return np.asarray(x)
