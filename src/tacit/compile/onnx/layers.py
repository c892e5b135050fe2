"""Layers of networks: products of matrices, convolution, pools, normalisation, resizing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tacit.base.types import FIXED
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast, traced
from tacit.compile.onnx.evaluate import in_plaintext, inside, known, room, rule, secret, shapes, unsupported
from tacit.compile.products import einsum, matmul_
from tacit.compile.trace import plain
from tacit.compile.windows import Axis, convolve, dilated, flipped, padded, pooled, unfolded

# --- products -------------------------------------------------------------------------------------------


@rule("Gemm")
def _gemm(
    a: Value,
    b: Value,
    c: Value = None,
    /,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Value:
    left = xp.matrix_transpose(a) if transA else a
    right = xp.matrix_transpose(b) if transB else b
    found = xp.matmul(left, right)
    found = found if alpha == 1.0 else xp.multiply(found, alpha)
    return found if c is None or beta == 0.0 else xp.add(found, c if beta == 1.0 else xp.multiply(c, beta))


@rule("MatMul")
def _matmul(a: Value, b: Value, /) -> Value:
    return matmul_(a, b)


@rule("Einsum")
def _einsum(*values: Value, equation: str) -> Value:
    return einsum(equation, *values)


# --- windows --------------------------------------------------------------------------------------------


def _around(
    sides: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Any,
    auto_pad: str,
) -> list[tuple[int, int]]:
    """Pads before and after, by axis."""
    n = len(sides)
    if auto_pad in ("NOTSET", ""):
        given = tuple(pads or (0,) * 2 * n)
        return list(zip(given[:n], given[n:], strict=True))
    if auto_pad == "VALID":
        return [(0, 0)] * n
    if auto_pad not in ("SAME_UPPER", "SAME_LOWER"):
        raise unsupported(f"auto_pad {auto_pad!r}")
    found = []
    for size, k, stride, dilation in zip(sides, kernel, strides, dilations, strict=True):
        missing = max((-(-size // stride) - 1) * stride + (k - 1) * dilation + 1 - size, 0)
        less = missing // 2
        found.append((less, missing - less) if auto_pad == "SAME_UPPER" else (missing - less, less))
    return found


@rule("Conv")
def _conv(
    x: Value, weights: Value, bias: Value = None, /, *, auto_pad: str = "NOTSET", dilations: Any = None,
    group: int = 1, kernel_shape: Any = None, pads: Any = None, strides: Any = None,
) -> Value:  # fmt: skip
    n = len(x.shape) - 2
    kernel = tuple(weights.shape[2:])
    if kernel_shape is not None and tuple(kernel_shape) != kernel:
        raise shapes(f"kernel_shape {tuple(kernel_shape)} beside weights of shape {tuple(weights.shape)}")
    strides, dilations = strides or (1,) * n, dilations or (1,) * n
    around = _around(x.shape[2:], kernel, strides, dilations, pads, auto_pad)
    room([*x.shape[:2], *(size + a + b for size, (a, b) in zip(x.shape[2:], around, strict=True))])
    found = convolve(x, weights, strides=strides, pads=around, dilations=dilations, groups=group)
    return _biased(found, bias)


def _biased(x: Value, bias: Value) -> Value:
    return x if bias is None else xp.add(x, xp.reshape(bias, (-1, *(1,) * (len(x.shape) - 2))))


@rule("ConvTranspose")
def _conv_transpose(
    x: Value, weights: Value, bias: Value = None, /, *, auto_pad: str = "NOTSET", dilations: Any = None,
    group: int = 1, kernel_shape: Any = None, output_padding: Any = None, output_shape: Any = None,
    pads: Any = None, strides: Any = None,
) -> Value:  # fmt: skip
    """The convolution of x with zeros in between and around, by the turned kernel."""
    n = len(x.shape) - 2
    strides, dilations = strides or (1,) * n, dilations or (1,) * n
    if auto_pad not in ("NOTSET", "VALID", "") or output_shape is not None:
        raise unsupported("ConvTranspose with auto_pad or output_shape", "export explicit pads")
    given, extra = tuple(pads or (0,) * 2 * n), tuple(output_padding or (0,) * n)
    room([size * stride for size, stride in zip(x.shape[2:], strides, strict=True)])
    around = []
    for axis, k in enumerate(weights.shape[2:]):
        reach = (k - 1) * dilations[axis]
        around.append((reach - given[axis], reach - given[n + axis] + extra[axis]))
    found = convolve(
        dilated(xp.asarray(x), strides),
        flipped(xp.asarray(weights), n, group),
        strides=(1,) * n,
        pads=around,
        dilations=dilations,
        groups=group,
    )
    return _biased(found, bias)


def _pool_axes(
    x: Value, kernel: Sequence[int], strides: Any, dilations: Any, pads: Any, auto_pad: str, ceil_mode: int
) -> list[Axis]:
    n = len(kernel)
    strides, dilations = strides or (1,) * n, dilations or (1,) * n
    around = _around(x.shape[2:], kernel, strides, dilations, pads, auto_pad)
    axes = []
    room([size + before + after for size, (before, after) in zip(x.shape[2:], around, strict=True)])
    for size, k, s, d, (before, after) in zip(x.shape[2:], kernel, strides, dilations, around, strict=True):
        axis = Axis(size, k, s, d, before, after)
        over = (size + before + after - axis.reach) % s
        if ceil_mode and over and axis.count * s < size + before:  # a last window that begins inside
            axis = Axis(size, k, s, d, before, after + s - over)
        axes.append(axis)
    return axes


@rule("MaxPool")
def _max_pool(
    x: Value, /, *, kernel_shape: Any, auto_pad: str = "NOTSET", ceil_mode: int = 0, dilations: Any = None,
    pads: Any = None, storage_order: int = 0, strides: Any = None,
) -> Value:  # fmt: skip
    axes = _pool_axes(x, kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    return xp.max(pooled(xp.asarray(x), axes, keep_inside=True), axis=-1)


@rule("AveragePool")
def _average_pool(
    x: Value, /, *, kernel_shape: Any, auto_pad: str = "NOTSET", ceil_mode: int = 0,
    count_include_pad: int = 0, dilations: Any = None, pads: Any = None, strides: Any = None,
) -> Value:  # fmt: skip
    axes = _pool_axes(x, kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    plan = _pool_axes(x, kernel_shape, strides, dilations, pads, auto_pad, 0)
    sums = xp.sum(_covered(x, axes), axis=-1)
    counts = np.ones(())
    for axis, flat in zip(axes, plan, strict=True):
        places = axis.positions()
        low, high = (-flat.before, flat.size + flat.after) if count_include_pad else (0, axis.size)
        counts = np.multiply.outer(counts, ((places >= low) & (places < high)).sum(axis=0))
    return xp.multiply(sums, 1.0 / counts)


def _covered(x: Value, axes: Sequence[Axis]) -> Value:
    """[*rest, *counts, elements], zeros where windows reach into the padding."""
    wide = padded(xp.asarray(x), [(axis.before, axis.after) for axis in axes])
    return pooled(
        wide,
        [
            Axis(axis.size + axis.before + axis.after, axis.kernel, axis.stride, axis.dilation)
            for axis in axes
        ],
    )


@rule("LpPool")
def _lp_pool(
    x: Value, /, *, kernel_shape: Any, p: int = 2, auto_pad: str = "NOTSET", ceil_mode: int = 0,
    dilations: Any = None, pads: Any = None, strides: Any = None,
) -> Value:  # fmt: skip
    axes = _pool_axes(x, kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    if p not in (1, 2):
        raise unsupported(f"LpPool with p = {p}", "use p = 1 or 2")
    covered = _covered(x, axes)
    if p == 1:
        return xp.sum(xp.abs(covered), axis=-1)
    return xp.sqrt(inside(xp.sum(xp.square(covered), axis=-1), 0.0, 2.0**25))


def _spatial(x: Value) -> tuple[int, ...]:
    return tuple(range(2, len(x.shape)))


@rule("GlobalAveragePool")
def _global_average(x: Value, /) -> Value:
    return xp.mean(x, axis=_spatial(x), keepdims=True)


@rule("GlobalMaxPool")
def _global_max(x: Value, /) -> Value:
    return xp.max(x, axis=_spatial(x), keepdims=True)


@rule("GlobalLpPool")
def _global_lp(x: Value, /, *, p: int = 2) -> Value:
    if p not in (1, 2):
        raise unsupported(f"GlobalLpPool with p = {p}", "use p = 1 or 2")
    total = xp.sum(xp.abs(x) if p == 1 else xp.square(x), axis=_spatial(x), keepdims=True)
    return total if p == 1 else xp.sqrt(inside(total, 0.0, 2.0**25))


# --- normalisation --------------------------------------------------------------------------------------


@rule("BatchNormalization")
def _batch_normalization(
    x: Value, scale: Value, bias: Value, mean: Value, variance: Value, /, *, epsilon: float = 1e-5,
    momentum: float = 0.9, spatial: int = 1, training_mode: int = 0,
) -> Value:  # fmt: skip
    """Of inference: one factor and one summand for each channel, which their holder computes alone."""
    if training_mode or not spatial:
        raise unsupported("BatchNormalization in training", "export the model for inference")
    factor = xp.multiply(scale, inverse_root(variance, epsilon))
    shift = xp.subtract(bias, xp.multiply(mean, factor))
    sides = (-1, *(1,) * (len(x.shape) - 2))
    return xp.add(xp.multiply(x, xp.reshape(factor, sides)), xp.reshape(shift, sides))


def inverse_root(variance: Value, epsilon: float) -> Value:
    """1 / sqrt(variance + epsilon)."""
    if not traced(variance):
        return 1.0 / np.sqrt(plain(variance) + epsilon)
    shifted = xp.add(variance, epsilon)
    return xp.rsqrt(shifted if in_plaintext(shifted) else xp.clip(shifted, max(epsilon, 2.0**-12), 2.0**25))


def _centred(x: Value, axes: tuple[int, ...], epsilon: float) -> Value:
    rest = xp.subtract(x, xp.mean(x, axis=axes, keepdims=True))
    variance = xp.mean(xp.square(rest), axis=axes, keepdims=True)
    return normalised(rest, variance, epsilon)


def normalised(x: Value, square: Value, epsilon: float) -> Value:
    """x over the root of its mean square: at most the root of how many elements the mean is of."""
    found = xp.multiply(x, inverse_root(square, epsilon))
    if not secret(found):
        return found
    bound = 1.02 * math.sqrt(math.prod(x.shape) / max(1, math.prod(square.shape)))
    return xp.clip(found, -bound, bound)


@rule("LayerNormalization")
def _layer_normalization(
    x: Value,
    scale: Value,
    bias: Value = None,
    /,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
    n_outs: int,
) -> Any:
    """The values, and if it is asked for the means and one over the deviations."""
    axes = tuple(range(axis % len(x.shape), len(x.shape)))
    x = cast(x, FIXED)
    found = xp.multiply(_centred(x, axes, epsilon), scale)
    found = found if bias is None else xp.add(found, bias)
    if n_outs == 1:
        return found
    mean = xp.mean(x, axis=axes, keepdims=True)
    variance = xp.mean(xp.square(xp.subtract(x, mean)), axis=axes, keepdims=True)
    return found, mean, inverse_root(variance, epsilon)


@rule("RMSNormalization")
def _rms_normalization(
    x: Value, scale: Value, /, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> Value:
    axes = tuple(range(axis % len(x.shape), len(x.shape)))
    mean = xp.mean(xp.square(x), axis=axes, keepdims=True)
    return xp.multiply(normalised(x, mean, epsilon), scale)


@rule("InstanceNormalization")
def _instance_normalization(x: Value, scale: Value, bias: Value, /, *, epsilon: float = 1e-5) -> Value:
    sides = (-1, *(1,) * (len(x.shape) - 2))
    return xp.add(
        xp.multiply(_centred(x, _spatial(x), epsilon), xp.reshape(scale, sides)), xp.reshape(bias, sides)
    )


@rule("GroupNormalization")
def _group_normalization(
    x: Value,
    scale: Value,
    bias: Value,
    /,
    *,
    num_groups: int,
    epsilon: float = 1e-5,
    stash_type: int = 1,
    opset: int,
) -> Value:
    """Factors were one for each group before version 21, then one for each channel."""
    n, c, *sides = x.shape
    groups = xp.reshape(x, (n, num_groups, -1))
    found = xp.reshape(_centred(groups, (2,), epsilon), x.shape)
    factors = [
        xp.reshape(
            value if opset >= 21 else xp.take(value, np.arange(c) // (c // num_groups), axis=0),
            (c, *(1,) * len(sides)),
        )
        for value in (scale, bias)
    ]
    return xp.add(xp.multiply(found, factors[0]), factors[1])


@rule("LpNormalization")
def _lp_normalization(x: Value, /, *, axis: int = -1, p: int = 2) -> Value:
    if p == 2:
        total = xp.sum(xp.square(x), axis=axis, keepdims=True)
        return xp.multiply(x, inverse_root(total, 0.0) if traced(x) else 1.0 / np.sqrt(plain(total)))
    size = xp.sum(xp.abs(x), axis=axis, keepdims=True)
    return xp.divide(x, inside(size, 2.0**-8, 2.0**17))


@rule("LRN")
def _local_response(
    x: Value, /, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0
) -> Value:
    """x / (bias + alpha / size times the sum of squares of neighbouring channels) ** beta."""
    room((size, *x.shape))
    squares = xp.moveaxis(xp.square(x), 1, -1)
    axis = Axis(x.shape[1] + size - 1, size)
    wide = unfolded(padded(squares, [((size - 1) // 2, size - 1 - (size - 1) // 2)]), [axis])
    total = xp.moveaxis(xp.sum(wide, axis=-2), -1, 1)
    base = xp.add(xp.multiply(total, alpha / size), bias)
    return xp.multiply(x, xp.exp(xp.multiply(xp.log(inside(base, 2.0**-12, 2.0**25)), -beta)))


@rule("MeanVarianceNormalization")
def _mean_variance(x: Value, /, *, axes: Any = (0, 2, 3)) -> Value:
    return _centred(x, tuple(axis % len(x.shape) for axis in axes), 1e-9)


# --- resizing -------------------------------------------------------------------------------------------


@rule("Resize", "Upsample")
def _resize(
    x: Value, roi: Value = None, scales: Value = None, sizes: Value = None, /, *, mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel", nearest_mode: str = "round_prefer_floor",
    antialias: int = 0, axes: Any = None, cubic_coeff_a: float = -0.75, exclude_outside: int = 0,
    extrapolation_value: float = 0.0, keep_aspect_ratio_policy: str = "stretch", opset: int,
) -> Value:  # fmt: skip
    """By public factors; every axis is a product with a matrix of zeros, ones or neighbours' shares."""
    if opset < 11:
        roi, scales = None, roi if scales is None else scales
        coordinate_transformation_mode, nearest_mode = "asymmetric", "floor"
    if mode not in ("nearest", "linear") or antialias or keep_aspect_ratio_policy != "stretch":
        raise unsupported(f"Resize in mode {mode!r}", "use nearest or linear, without antialias")
    places = list(range(len(x.shape))) if axes is None else [axis % len(x.shape) for axis in axes]
    if sizes is not None:
        wanted = [int(size) for size in known(sizes, "the sizes of Resize")]
        factors = [size / x.shape[axis] for size, axis in zip(wanted, places, strict=True)]
    else:
        factors = [float(one) for one in known(scales, "the scales of Resize").reshape(-1)]
        wanted = [math.floor(x.shape[axis] * one) for axis, one in zip(places, factors, strict=True)]
    room(wanted)
    for axis, factor, size in zip(places, factors, wanted, strict=True):
        if size != x.shape[axis]:
            where = _coordinates(size, x.shape[axis], factor, coordinate_transformation_mode)
            x = _nearest(x, where, axis, nearest_mode) if mode == "nearest" else _linear(x, where, axis)
    return x


def _coordinates(size: int, old: int, factor: float, mode: str) -> np.ndarray:
    places = np.arange(size, dtype=float)
    if mode == "asymmetric":
        return places / factor
    if mode == "align_corners":
        return places * (old - 1) / (old * factor - 1) if old * factor > 1 else 0.0 * places
    if mode == "half_pixel" or (mode == "pytorch_half_pixel" and size > 1):
        return (places + 0.5) / factor - 0.5
    if mode == "pytorch_half_pixel":
        return np.zeros(1)
    raise unsupported(f"Resize with coordinates {mode!r}", "use half_pixel, asymmetric or align_corners")


_ROUNDING: dict[str, Any] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
}


def _nearest(x: Value, where: np.ndarray, axis: int, rounding: str) -> Value:
    last = x.shape[axis] - 1
    return xp.take(x, np.clip(_ROUNDING[rounding](where), 0, last).astype(np.int64), axis=axis)


def _linear(x: Value, where: np.ndarray, axis: int) -> Value:
    last = x.shape[axis] - 1
    where = np.clip(where, 0, last)
    low = np.floor(where).astype(np.int64)
    share = (where - low).reshape(-1, *(1,) * (len(x.shape) - 1 - axis))
    here, there = xp.take(x, low, axis=axis), xp.take(x, np.minimum(low + 1, last), axis=axis)
    return xp.add(here, xp.multiply(xp.subtract(there, here), share))
