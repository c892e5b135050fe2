"""Primitives of special functions, and decompositions of matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tacit.compile import array as xp
from tacit.compile import special, spectral
from tacit.compile.coerce import Value
from tacit.compile.jax.evaluate import RULES, rule
from tacit.compile.jax.refused import Reason, refuse
from tacit.compile.reflections import qr

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


@rule("qr")
def _qr(ins: list[Value], full_matrices: bool, pivoting: bool, **_: Any) -> list[Value]:
    if pivoting:
        refuse("qr", " with pivoting", Reason.RARE)
    return list(qr(ins[0], "complete" if full_matrices else "reduced"))


@rule("eigh")
def _eigh(ins: list[Value], subset_by_index: Any = None, **_: Any) -> list[Value]:
    """(eigenvectors in columns, eigenvalues), rising."""
    values, vectors = spectral.eigh(ins[0])
    if subset_by_index is None:
        return [vectors, values]
    first, last = map(int, subset_by_index)
    return [vectors[..., first:last], values[..., first:last]]


@rule("svd")
def _svd(ins: list[Value], full_matrices: bool, compute_uv: bool, **_: Any) -> list[Value]:
    if not compute_uv:
        return [spectral.svdvals(ins[0])]
    left, values, right = spectral.svd(ins[0], full_matrices)
    return [values, left, right]
