"""Primitives of special functions, of the bits of integers, and the QR decomposition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tacit.base.errors import UsageError
from tacit.compile import array as xp
from tacit.compile import linear, special
from tacit.compile.coerce import Value
from tacit.compile.jax.evaluate import RULES, rule, shape_of

_OF_ONE: dict[str, Callable[[Value], Value]] = {
    "lgamma": special.lgamma,
    "digamma": special.digamma,
    "erf_inv": special.erfinv,
    "bessel_i0e": lambda x: special.bessel(x, 0),
    "bessel_i1e": lambda x: special.bessel(x, 1),
}
for _name, _function in _OF_ONE.items():
    RULES[_name] = lambda ins, function=_function, **_: function(ins[0])


@rule("igamma")
def _igamma(ins: list[Value], **_: Any) -> Value:
    return special.gammainc(*ins)


@rule("regularized_incomplete_beta")
def _betainc(ins: list[Value], **_: Any) -> Value:
    return special.betainc(*ins)


@rule("igammac")
def _igammac(ins: list[Value], **_: Any) -> Value:
    return xp.subtract(1.0, special.gammainc(*ins))


@rule("clz")
def _leading_zeros(ins: list[Value], **_: Any) -> Value:
    """Of 32 bits: one for each power of two that is above the number; none for a negative one."""
    x = ins[0]
    above = xp.less(x[..., None] if shape_of(x) else xp.reshape(x, (1,)), 2 ** np.arange(32))
    return xp.where(xp.less(x, 0), 0, xp.sum(above, axis=-1))


@rule("reduce_xor")
def _parity(ins: list[Value], axes: Any, **_: Any) -> Value:
    """All along the axes by exclusive or, half with half."""
    value = ins[0]
    for axis in sorted(map(int, axes), reverse=True):
        rows = xp.moveaxis(value, axis, 0)
        while rows.shape[0] > 1:
            half = rows.shape[0] // 2
            mixed = xp.bitwise_xor(rows[:half], rows[half : 2 * half])
            rows = xp.concat([mixed, rows[2 * half :]], axis=0) if rows.shape[0] % 2 else mixed
        value = rows[0]
    return value


@rule("qr")
def _qr(ins: list[Value], full_matrices: bool, pivoting: bool, **_: Any) -> list[Value]:
    rows, columns = shape_of(ins[0])[-2:]
    if pivoting or (full_matrices and rows != columns):
        raise UsageError(
            "COMPILE-0004",
            "a JAX qr with pivoting or with all columns",
            hint="use mode='reduced'",
        )
    return list(linear.qr(ins[0]))
