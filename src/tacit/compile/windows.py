"""Windows that slide over spatial axes, and what is made of them: convolution, pools.

Source: the usual unfolding (im2col), one axis after the other, so that only rows of positions are written
down and not one for every element. What a window covers becomes an axis of its own; a convolution is then one
product of matrices per group, with one truncation per result.

Notation: x is [N, C, *sides]; per spatial axis: kernel k, stride s, dilation d, pads (before, after).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tacit.base.types import Shape
from tacit.compile.coerce import Value, cast
from tacit.compile.elementwise import multiply
from tacit.compile.reduction import matmul
from tacit.compile.reduction import sum as total
from tacit.compile.shaping import asarray, concat, flip, permute_dims, reshape, take, zeros
from tacit.compile.trace import dtype_of, refuse

Pads = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Axis:
    """How windows lie along one axis of `size` elements."""

    size: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0

    @property
    def count(self) -> int:
        """How many windows there are."""
        free = self.size + self.before + self.after - self.reach
        if free < 0 or self.stride < 1 or self.dilation < 1 or self.kernel < 1:
            refuse(
                "COMPILE-0002", f"windows of {self.reach} do not fit {self.size} elements", "see its shape"
            )
        return free // self.stride + 1

    @property
    def reach(self) -> int:
        """From the first element that a window covers to after the last."""
        return (self.kernel - 1) * self.dilation + 1

    def positions(self) -> np.ndarray:
        """int64 [kernel, count]: where element k of window w is in x; outside for padding."""
        starts = np.arange(self.count) * self.stride - self.before
        return np.arange(self.kernel)[:, None] * self.dilation + starts


def padded(x: Value, pads: Pads, value: float = 0.0) -> Value:
    """x with `value` before and after along its last axes; negative pads cut off."""
    for axis, (before, after) in enumerate(pads, asarray(x).ndim - len(pads)):
        size = x.shape[axis]
        first, last = max(-before, 0), size - max(-after, 0)
        if first > 0 or last < size:
            x = take(x, np.arange(first, max(first, last)), axis=axis)
        parts = [_filled(x, axis, before, value), x, _filled(x, axis, after, value)]
        kept = [part for part in parts if part is not None]
        x = concat(kept, axis=axis) if len(kept) > 1 else x
    return x


def _filled(x: Value, axis: int, count: int, value: float) -> Value | None:
    if count <= 0:
        return None
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    return cast(zeros(shape) + value, dtype_of(x))


def dilated(x: Value, steps: Sequence[int]) -> Value:
    """x with step - 1 zeros between neighbours along its last axes."""
    for axis, step in enumerate(steps, x.ndim - len(steps)):
        size = x.shape[axis]
        if step > 1 and size > 1:
            shape = (*x.shape[: axis + 1], 1, *x.shape[axis + 1 :])
            rows = reshape(x, shape)
            gaps = cast(zeros((*shape[: axis + 1], step - 1, *shape[axis + 2 :])), dtype_of(x))
            wide = (*x.shape[:axis], size * step, *x.shape[axis + 1 :])
            x = reshape(concat([rows, gaps], axis=axis + 1), wide)
            x = take(x, np.arange((size - 1) * step + 1), axis=axis)
    return x


def unfolded(x: Value, axes: Sequence[Axis], *, keep_inside: bool = False) -> Value:
    """[*rest, *kernels, *counts]: what each window over the last axes covers.

    `keep_inside`: places in the padding repeat an element of the same window, as maxima need; else there
    must be none.
    """
    rank = asarray(x).ndim - len(axes)
    for number, axis in enumerate(axes):
        at = rank + 2 * number
        positions = axis.positions()
        if keep_inside:
            positions = _within(positions, axis.size)
        rows = take(x, positions.reshape(-1), axis=at)
        x = reshape(rows, (*x.shape[:at], *positions.shape, *x.shape[at + 1 :]))
    kernels = tuple(rank + 2 * number for number in range(len(axes)))
    counts = tuple(place + 1 for place in kernels)
    return permute_dims(x, (*range(rank), *kernels, *counts))


def _within(positions: np.ndarray, size: int) -> np.ndarray:
    """Each window's places outside replaced by its first one inside."""
    inside = (positions >= 0) & (positions < size)
    if not np.all(inside.any(axis=0)):
        refuse("COMPILE-0002", "a window lies in the padding altogether", "pad by less than the window")
    first = np.take_along_axis(positions, inside.argmax(axis=0)[None], axis=0)
    return np.where(inside, positions, first)


def pooled(x: Value, axes: Sequence[Axis], *, keep_inside: bool = False) -> Value:
    """[*rest, *counts, elements]: what each window covers, along the last axis."""
    wide = unfolded(x, axes, keep_inside=keep_inside)
    rank, n = asarray(x).ndim - len(axes), len(axes)
    last = permute_dims(wide, (*range(rank), *range(rank + n, rank + 2 * n), *range(rank, rank + n)))
    return reshape(last, (*last.shape[: rank + n], math.prod(axis.kernel for axis in axes)))


def convolve(
    x: Value,
    weights: Value,
    *,
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int],
    groups: int = 1,
) -> Value:
    """[N, M, *counts]: weights [M, C / groups, *kernel] over x [N, C, *sides], as in neural networks."""
    x, weights = asarray(x), asarray(weights)
    n, c, *_ = x.shape
    m, per_group, *kernel = weights.shape
    if c != per_group * groups or m % groups or len(kernel) != x.ndim - 2:
        refuse(
            "COMPILE-0002",
            f"weights of shape {weights.shape} over {x.shape} in {groups} groups",
            "see shapes",
        )
    x = padded(x, pads)
    axes = [
        Axis(size, k, s, d) for size, k, s, d in zip(x.shape[2:], kernel, strides, dilations, strict=True)
    ]
    wide = unfolded(x, axes)
    counts = tuple(axis.count for axis in axes)
    inner, outer = math.prod(kernel), math.prod(counts)
    rows = reshape(wide, (n, groups, per_group, inner, outer))
    columns = reshape(weights, (groups, m // groups, per_group * inner))
    if per_group == 1 and m == groups:
        return _depthwise(rows, columns, (n, m, *counts))
    parts = [_product(rows, columns, group) for group in range(groups)]
    found = concat(parts, axis=1)  # [N outer, M]
    return permute_dims(reshape(found, (n, *counts, m)), (0, len(counts) + 1, *range(1, len(counts) + 1)))


def _product(rows: Value, columns: Value, group: int) -> Value:
    """[N outer, M / groups]."""
    n, _groups, per_group, inner, outer = rows.shape
    one = reshape(take(rows, np.array([group]), axis=1), (n, per_group * inner, outer))
    left = reshape(permute_dims(one, (0, 2, 1)), (n * outer, per_group * inner))
    right = take(columns, np.array([group]), axis=0)
    return matmul(left, permute_dims(reshape(right, right.shape[1:]), (1, 0)))


def _depthwise(rows: Value, columns: Value, shape: Shape) -> Value:
    """One kernel for each channel: products summed over the kernel, all channels at once."""
    n, groups, _one, inner, outer = rows.shape
    x = reshape(rows, (n, groups, inner, outer))
    return reshape(total(multiply(x, reshape(columns, (1, groups, inner, 1))), axis=2), shape)


def flipped(weights: Value, n_spatial: int, groups: int) -> Value:
    """Weights [C, M / groups, *kernel] of a transposed convolution as those of a plain one, turned."""
    c, per_group, *kernel = weights.shape
    turned = flip(weights, axis=tuple(range(2, 2 + n_spatial)))
    split = reshape(turned, (groups, c // groups, per_group, *kernel))
    swapped = permute_dims(split, (0, 2, 1, *range(3, 3 + n_spatial)))
    return reshape(swapped, (groups * per_group, c // groups, *kernel))
