"""More of jax.lax, jax.image and jax.scipy.ndimage on secrets."""

from __future__ import annotations

from typing import Any

import jax
import jax.scipy.ndimage as jnd
import numpy as np
import scipy.ndimage
import scipy.special as sp
from jax import lax, nn

from tests.functions.case import ARRAYS, ELEMENTS, FLAT, MATRICES, UNIT, WHOLE, Shapes, table
from tests.functions.of_jax import Pair, pairs

FIRST = np.array([0])


def replaced(x: Any, row: Any) -> Any:
    """x with another first row."""
    return np.concatenate([row, x[1:]])


ROWS: dict[str, Pair] = {
    "slice": (lambda x: lax.slice(x, (1,) + (0,) * (x.ndim - 1), x.shape), lambda x: x[1:]),
    "slice_in_dim": (lambda x: lax.slice_in_dim(x, 0, x.shape[0], 2), lambda x: x[::2]),
    "index_in_dim": (lambda x: lax.index_in_dim(x, 1, keepdims=False), lambda x: x[1]),
    "index_take": (lambda x: lax.index_take(x, np.array([[1, 0]]), (0,)), lambda x: x[[1, 0]]),
    "dynamic_slice": (
        lambda x: lax.dynamic_slice(x, (1,) + (0,) * (x.ndim - 1), (1, *x.shape[1:])),
        lambda x: x[1:2],
    ),
    "dynamic_index_in_dim": (lambda x: lax.dynamic_index_in_dim(x, 1), lambda x: x[1:2]),
    "dynamic_update_slice_in_dim": (
        lambda x: lax.dynamic_update_slice_in_dim(x, -x[:1], 0, 0),
        lambda x: replaced(x, -x[:1]),
    ),
    "dynamic_update_index_in_dim": (
        lambda x: lax.dynamic_update_index_in_dim(x, -x[0], 0, 0),
        lambda x: replaced(x, -x[:1]),
    ),
    "broadcast": (lambda x: lax.broadcast(x, (2,)), lambda x: np.broadcast_to(x, (2, *x.shape))),
    "broadcast_in_dim": (
        lambda x: lax.broadcast_in_dim(x, (*x.shape, 2), tuple(range(x.ndim))),
        lambda x: np.repeat(x[..., None], 2, -1),
    ),
    "select": (lambda x: lax.select(x > 0.0, x, -2.0 * x), lambda x: np.where(x > 0.0, x, -2.0 * x)),
    "reduce": (
        lambda x: lax.reduce(x, -np.inf, lax.max, (0,)),
        lambda x: np.max(x, axis=0),
    ),
    "scatter": (lambda x: x.at[FIRST].set(-x[1:2]), lambda x: replaced(x, -x[1:2])),
    "scatter_mul": (lambda x: x.at[FIRST].multiply(x[1:2]), lambda x: replaced(x, x[:1] * x[1:2])),
    "scatter_min": (lambda x: x.at[FIRST].min(x[1:2]), lambda x: replaced(x, np.minimum(x[:1], x[1:2]))),
    "scatter_max": (lambda x: x.at[FIRST].max(x[1:2]), lambda x: replaced(x, np.maximum(x[:1], x[1:2]))),
    "gather": (lambda x: x[np.array([[1, 0], [0, 0]])], lambda x: x[np.array([[1, 0], [0, 0]])]),
    "cumprod": (lambda x: lax.cumprod(x, reverse=True), lambda x: np.cumprod(x[::-1], axis=0)[::-1]),
}
TOLD: dict[str, Pair] = {
    "approx_max_k": (
        lambda x: lax.approx_max_k(x, 2),
        lambda x: (-np.sort(-x)[..., :2], np.argsort(-x, kind="stable")[..., :2]),
    ),
    "approx_min_k": (
        lambda x: lax.approx_min_k(x, 2),
        lambda x: (np.sort(x)[..., :2], np.argsort(x, kind="stable")[..., :2]),
    ),
    "dot_general": (
        lambda x: lax.dot_general(x, x, (((0,), (0,)), ((), ()))),
        lambda x: np.tensordot(x, x, ((0,), (0,))),
    ),
    "custom_linear_solve": (
        lambda x: lax.custom_linear_solve(lambda v: 2.0 * v, x, lambda mv, b: b * 0.5),
        lambda x: x / 2.0,
    ),
}
REDUCED: dict[str, Pair] = {
    "reduce_xor": (lambda x: lax.reduce_xor(x, (0,)), lambda x: np.bitwise_xor.reduce(x, axis=0)),
    "sort": (
        lambda x: lax.sort((x // 40, x), num_keys=2),
        lambda x: (np.sort(x // 40), np.sort(x)),
    ),
}
NUMBERS: dict[str, Pair] = {
    "clz": (lax.clz, lambda x: np.where(x < 0, 0, 32 - np.ceil(np.log2(np.maximum(x, 0) + 1.0)))),
}
CONVOLVED: dict[str, Pair] = {
    "conv_transpose": (
        lambda x: lax.conv_transpose(x.reshape(1, -1, 1), x[:2].reshape(2, 1, 1), (2,), "VALID")[0, :, 0],
        lambda x: np.convolve(np.kron(x, [1.0, 0.0])[:-1], x[:2][::-1]),
    ),
    "conv_with_general_padding": (
        lambda x: lax.conv_with_general_padding(
            x.reshape(1, 1, -1), x[:2].reshape(1, 1, 2), (2,), [(1, 0)], (1,), (1,)
        )[0, 0],
        lambda x: np.correlate(np.pad(x, (1, 0)), x[:2])[::2],
    ),
    "conv_general_dilated_patches": (
        lambda x: lax.conv_general_dilated_patches(x.reshape(1, 1, -1), (2,), (1,), "VALID")[0],
        lambda x: np.stack([x[:-1], x[1:]]),
    ),
}
IMAGES: dict[str, Pair] = {
    "jax.image.resize": (
        lambda x: jax.image.resize(x, tuple(2 * side for side in x.shape), "nearest"),
        lambda x: np.repeat(np.repeat(x, 2, 0), 2, 1),
    ),
    "jax.image.scale_and_translate": (
        lambda x: jax.image.scale_and_translate(x, x.shape, (0,), np.ones(1), np.ones(1), "linear"),
        lambda x: np.concatenate([0.0 * x[:1], x[:-1]]),
    ),
    "jax.scipy.ndimage.map_coordinates": (
        lambda x: jnd.map_coordinates(x, [np.array([0.5, 1.0]), np.array([0.25, 1.0])], 1),
        lambda x: scipy.ndimage.map_coordinates(x, [np.array([0.5, 1.0]), np.array([0.25, 1.0])], order=1),
    ),
}


def attention(q: Any, k: Any, v: Any) -> Any:
    scores = np.einsum("btnh,bsnh->bnts", q, k) / np.sqrt(q.shape[-1])
    return np.einsum("bnts,bsnh->btnh", sp.softmax(scores, -1), v)


HEADS: Shapes = ((1, 2, 1, 2), (1, 3, 1, 2), (1, 2, 2, 2))
ATTENTION = {"dot_product_attention": (nn.dot_product_attention, attention)}
CASES = table(
    pairs(ROWS, ARRAYS, under="jax.lax."),
    pairs(TOLD, ARRAYS, under="jax.lax."),
    pairs(REDUCED, ARRAYS, WHOLE, under="jax.lax."),
    pairs(NUMBERS, ELEMENTS, WHOLE, under="jax.lax."),
    pairs(CONVOLVED, FLAT, under="jax.lax."),
    pairs(IMAGES, MATRICES[2:] + MATRICES[1:2] + MATRICES[:1], under=""),
    pairs(ATTENTION, HEADS, UNIT, UNIT, UNIT, under="jax.nn."),
)
