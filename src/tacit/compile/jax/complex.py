"""Primitives on complex numbers, which are pairs of reals (`tacit.compile.transform.Complex`).

What is linear over the reals, or only moves elements, is done to both parts by the rule for reals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tacit.compile import array as xp
from tacit.compile.coerce import Value
from tacit.compile.jax.evaluate import OF_COMPLEX, RULES, rule, shape_of
from tacit.compile.trace import TABLE
from tacit.compile.transform import Complex, as_complex


@rule("complex")
def _paired(ins: list[Value], **_: Any) -> Value:
    shape = np.broadcast_shapes(*map(shape_of, ins))
    return Complex(*(xp.broadcast_to(xp.asarray(part), shape) for part in ins))


@rule("fft")
def _transform(ins: list[Value], fft_type: Any, fft_lengths: Sequence[int], **_: Any) -> Value:
    """Over the last axes."""
    name = {0: "fftn", 1: "ifftn", 2: "rfftn", 3: "irfftn"}[int(fft_type)]
    sides = tuple(map(int, fft_lengths))
    return TABLE[f"fft.{name}"](ins[0], s=sides, axes=tuple(range(-len(sides), 0)))


OF_COMPLEX["fft"] = _transform


def _part_by_part(name: str) -> None:
    def both(ins: list[Value], **params: Any) -> Value | list[Value]:
        real = RULES[name]([x.real if isinstance(x, Complex) else x for x in ins], **params)
        imag = RULES[name]([x.imag if isinstance(x, Complex) else x for x in ins], **params)
        if isinstance(real, list):
            return [Complex(*parts) for parts in zip(real, imag, strict=True)]
        return Complex(real, imag)

    OF_COMPLEX[name] = both


_LINEAR = """
    add add_any sub neg reshape squeeze expand_dims transpose broadcast_in_dim broadcast_to concatenate slice
    rev pad split tile unstack stack gather dynamic_slice dynamic_update_slice select_n scatter scatter-add
    scatter-sub reduce_sum cumsum copy copy_p stop_gradient optimization_barrier reduce_precision name
    device_put reduce_window_sum
"""
for _name in _LINEAR.split():
    _part_by_part(_name)


def of_complex(*names: str) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Enter a function of complex values."""

    def enter(function: Callable[..., Value]) -> Callable[..., Value]:
        for name in names:
            OF_COMPLEX[name] = lambda ins, **_: function(*map(as_complex, ins))
        return function

    return enter


of_complex("real")(lambda x: x.real)
of_complex("imag")(lambda x: x.imag)
of_complex("conj")(lambda x: x.conj())
of_complex("abs")(abs)
of_complex("is_finite")(lambda x: np.ones(x.shape, bool))
of_complex("mul")(lambda x, y: x * y)
of_complex("square")(lambda x: x * x)


def _inverse(x: Complex) -> Complex:
    size = xp.add(xp.square(x.real), xp.square(x.imag))
    return Complex(xp.divide(x.real, size), xp.divide(xp.negative(x.imag), size))


@of_complex("div")
def _divided(x: Complex, y: Complex) -> Complex:
    return x * _inverse(y)


@of_complex("exp")
def _exp(x: Complex) -> Complex:
    size = xp.exp(x.real)
    return Complex(xp.multiply(size, xp.cos(x.imag)), xp.multiply(size, xp.sin(x.imag)))


@of_complex("log")
def _log(x: Complex) -> Complex:
    """The logarithm of the size, and the angle."""
    size = xp.add(xp.square(x.real), xp.square(x.imag))
    return Complex(xp.multiply(xp.log(size), 0.5), xp.arctan2(x.imag, x.real))


@of_complex("eq")
def _equal(x: Complex, y: Complex) -> Value:
    return xp.logical_and(xp.equal(x.real, y.real), xp.equal(x.imag, y.imag))


@of_complex("ne")
def _different(x: Complex, y: Complex) -> Value:
    return xp.logical_or(xp.not_equal(x.real, y.real), xp.not_equal(x.imag, y.imag))


def _power(ins: list[Value], y: int, **_: Any) -> Value:
    """By repeated squaring."""
    base = ins[0] if y >= 0 else _inverse(ins[0])
    found: Complex | None = None
    for bit in f"{abs(y):b}":
        found = found * found if found is not None else None
        if bit == "1":
            found = base if found is None else found * base
    return found if found is not None else as_complex(np.ones(base.shape))


OF_COMPLEX["integer_pow"] = _power


def _both_products(name: str) -> None:
    """What is linear in each of two operands."""

    def product(ins: list[Value], **params: Any) -> Value:
        x, y = map(as_complex, ins)

        def real(a: Value, b: Value) -> Value:
            return RULES[name]([a, b], **params)

        return Complex(
            xp.subtract(real(x.real, y.real), real(x.imag, y.imag)),
            xp.add(real(x.real, y.imag), real(x.imag, y.real)),
        )

    OF_COMPLEX[name] = product


_both_products("dot_general")
_both_products("conv_general_dilated")


def _converted(ins: list[Value], new_dtype: Any, **_: Any) -> Value:
    """Real numbers keep the real part."""
    return ins[0] if np.dtype(new_dtype).kind == "c" else ins[0].real


OF_COMPLEX["convert_element_type"] = _converted
