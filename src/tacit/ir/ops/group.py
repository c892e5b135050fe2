"""Sums of groups: of what rows of bits select, and of what has the same code.

A code or a selection that one party knows stays with that party: it meets secret values in a product of its
plaintext bits, not as shares.
"""

from __future__ import annotations

import numpy as np

from tacit.base.errors import TypeRuleError
from tacit.base.types import BOOL, FIXED, INT, Type
from tacit.ir.op import Signature, Value, op
from tacit.ir.program import Builder, Var
from tacit.ir.rule import NUMERIC, Parameters, Types, arity, dtype_of, integer, visibility

MAX_BINS = 1 << 20


def _subset_rule(types: Types, params: Parameters) -> Types:
    arity(types, 2)
    dtype_of(types[:1], (BOOL,))
    rows, values = types
    if len(rows.shape) != 2 or len(values.shape) not in (1, 2) or rows.shape[1] != values.shape[0]:
        raise TypeRuleError("IR-0003", "rows of bits [m, n] select among n values, or n rows of values")
    return (Type(visibility(types), dtype_of(types[1:], NUMERIC), (rows.shape[0], *values.shape[1:])),)


@op(
    "subset_sums",
    rule=_subset_rule,
    signatures=tuple(
        Signature((BOOL, dtype), shapes)
        for dtype in NUMERIC
        for shapes in (((3, 8), (8,)), ((1, 1), (1, 2)), ((5, 20), (20, 3)))
    ),
)
def subset_sums(rows: np.ndarray, values: np.ndarray) -> Value:
    """For each row of bits, the sum of the values (along their first axis) that it selects."""
    return rows.astype(values.dtype) @ values


def _histogram_rule(types: Types, params: Parameters) -> Types:
    arity(types, 2)
    dtype_of(types[:1], (INT,))
    codes, values = types
    if len(codes.shape) != 1 or len(values.shape) not in (1, 2) or codes.shape != values.shape[:1]:
        raise TypeRuleError("IR-0003", "there is one code for each value, or row of values")
    bins = integer(params["bins"], "bins", 1, MAX_BINS)
    return (Type(visibility(types), dtype_of(types[1:], NUMERIC), (bins, *values.shape[1:])),)


def _histogram(b: Builder, codes: Var, values: Var, *, bins: int) -> Var:
    """One-hot rows of the codes: plain bits where one party knows them, a circuit where nobody does."""
    rows = b.emit("permute_dims", b.emit("one_hot", codes, size=bins), axes=(1, 0))
    return b.emit("subset_sums", rows, values)


@op(
    "histogram",
    rule=_histogram_rule,
    lower=_histogram,
    signatures=tuple(
        Signature((INT, dtype), ((n,), (n, *tail)), {"bins": bins}, low=-1.0, high=6.0)
        for dtype in (FIXED, INT)
        for n, tail, bins in ((9, (), 4), (9, (2,), 6), (1, (), 1))
    ),
)
def histogram(codes: np.ndarray, values: np.ndarray, *, bins: int) -> Value:
    """For each bin, the sum of the values (along their first axis) whose code it is; others are left out."""
    inside = (codes >= 0) & (codes < bins)
    sums = np.zeros((bins, *values.shape[1:]), values.dtype)
    np.add.at(sums, codes[inside], values[inside])
    return sums
