"""Quantised models: whole numbers with a scale and a zero, as they are converted, multiplied and rounded."""

from __future__ import annotations

from typing import Any

from tacit.base.types import FIXED, INT
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast
from tacit.compile.onnx.evaluate import RULES, known, rule, unsupported
from tacit.compile.products import matmul_

LIMITS: dict[int, tuple[int, int]] = {2: (0, 255), 3: (-128, 127), 4: (0, 65535), 5: (-32768, 32767)}
"""By element type."""


def _beside(x: Value, value: Value, axis: int) -> Value:
    """A scale or zero of one axis in the shape in which it meets x."""
    given = xp.asarray(value)
    if not given.ndim or given.shape == (1,):
        return xp.reshape(given, ())
    if given.ndim != 1:
        raise unsupported("quantisation by blocks", "quantise by tensor or by axis")
    return xp.reshape(given, (-1, *(1,) * (len(x.shape) - 1 - axis % len(x.shape))))


@rule("DequantizeLinear")
def _real(
    x: Value,
    scale: Value,
    zero: Value = None,
    /,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> Value:
    shifted = x if zero is None else xp.subtract(x, _beside(x, zero, axis))
    return xp.multiply(cast(shifted, FIXED), _beside(x, scale, axis))


@rule("QuantizeLinear")
def _whole(
    x: Value, scale: Value, zero: Value = None, /, *, axis: int = 1, block_size: int = 0,
    output_dtype: int = 0, precision: int = 0, saturate: int = 1,
) -> Value:  # fmt: skip
    """Rounded to the nearest and moved into the bits of `output_dtype`, which is that of the zero if there is
    one (`graph.graph_of`)."""
    inverse = 1.0 / known(_beside(x, scale, axis), "the scale of QuantizeLinear")
    rounded = cast(xp.rint(xp.multiply(x, inverse)), INT)
    shifted = rounded if zero is None else xp.add(rounded, _beside(x, zero, axis))
    if output_dtype not in LIMITS and (output_dtype or zero is not None):
        raise unsupported(f"quantisation to element type {output_dtype}", "use 8 or 16 bits")
    return xp.clip(shifted, *LIMITS[output_dtype or 2])


@rule("MatMulInteger")
def _product(a: Value, b: Value, a_zero: Value = None, b_zero: Value = None, /) -> Value:
    return matmul_(
        a if a_zero is None else xp.subtract(a, _beside(a, a_zero, -2)),
        b if b_zero is None else xp.subtract(b, _beside(b, b_zero, -1)),
    )


@rule("ConvInteger")
def _convolution(x: Value, w: Value, x_zero: Value = None, w_zero: Value = None, /, **given: Any) -> Value:
    left = x if x_zero is None else xp.subtract(x, _beside(x, x_zero, 1))
    right = w if w_zero is None else xp.subtract(w, _beside(w, w_zero, 0))
    return RULES["", "Conv"].function(left, right, **given)
