"""jax.nn and jax.lax on secrets, as the JAX front end takes them in; NumPy or SciPy say what is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
import scipy.special as sp
from jax import lax, nn
from jax import numpy as jnp

from tacit.compile.jax import from_jax
from tests.functions.case import ABOVE, ARRAYS, ELEMENTS, REAL, WHOLE, Case, Domain, Shapes, table

Pair = tuple[Callable[..., Any], Callable[..., Any]]


def pairs(
    functions: Mapping[str, Pair],
    shapes: Shapes,
    *domains: Domain,
    under: str,
    error: float = 2.0**-11,
) -> Iterator[Case]:
    """(JAX's function, what it is in NumPy) by name."""
    for name, (function, reference) in functions.items():
        yield Case(under + name, from_jax(function), reference, shapes, domains or (REAL,), error)


def soft(x: Any, axis: int = -1) -> Any:
    return sp.softmax(x, axis)


def plus(x: Any) -> Any:
    return np.logaddexp(x, 0.0)


def windows(x: Any, size: int) -> Any:
    return np.lib.stride_tricks.sliding_window_view(x, size, axis=-1)


NN: dict[str, Pair] = {
    "relu": (nn.relu, lambda x: np.maximum(x, 0.0)),
    "relu6": (nn.relu6, lambda x: np.clip(x, 0.0, 6.0)),
    "sigmoid": (nn.sigmoid, sp.expit),
    "log_sigmoid": (nn.log_sigmoid, lambda x: -plus(-x)),
    "softplus": (nn.softplus, plus),
    "soft_sign": (nn.soft_sign, lambda x: x / (1.0 + np.abs(x))),
    "silu": (nn.silu, lambda x: x * sp.expit(x)),
    "mish": (nn.mish, lambda x: x * np.tanh(plus(x))),
    "gelu": (nn.gelu, lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
    "elu": (nn.elu, lambda x: np.where(x > 0.0, x, np.expm1(x))),
    "celu": (lambda x: nn.celu(x, 2.0), lambda x: np.where(x > 0.0, x, 2.0 * np.expm1(x / 2.0))),
    "selu": (
        nn.selu,
        lambda x: 1.0507009873554805 * np.where(x > 0.0, x, 1.6732632423543772 * np.expm1(x)),
    ),
    "leaky_relu": (nn.leaky_relu, lambda x: np.where(x >= 0.0, x, 0.01 * x)),
    "hard_sigmoid": (nn.hard_sigmoid, lambda x: np.clip(x + 3.0, 0.0, 6.0) / 6.0),
    "hard_silu": (nn.hard_silu, lambda x: x * np.clip(x + 3.0, 0.0, 6.0) / 6.0),
    "hard_tanh": (nn.hard_tanh, lambda x: np.clip(x, -1.0, 1.0)),
    "squareplus": (nn.squareplus, lambda x: (x + np.sqrt(x * x + 4.0)) / 2.0),
    "sparse_plus": (
        nn.sparse_plus,
        lambda x: np.where(x <= -1.0, 0.0, np.where(x >= 1.0, x, (x + 1.0) ** 2 / 4.0)),
    ),
    "sparse_sigmoid": (nn.sparse_sigmoid, lambda x: np.clip((x + 1.0) / 2.0, 0.0, 1.0)),
}
NN_ROWS: dict[str, Pair] = {
    "softmax": (nn.softmax, soft),
    "log_softmax": (nn.log_softmax, lambda x: sp.log_softmax(x, -1)),
    "logsumexp": (nn.logsumexp, sp.logsumexp),
    "logmeanexp": (nn.logmeanexp, lambda x: sp.logsumexp(x) - np.log(x.size)),
    "standardize": (
        lambda x: nn.standardize(x, epsilon=0.01),
        lambda x: (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 0.01),
    ),
}
LAX: dict[str, Pair] = {
    "rsqrt": (lambda x: lax.rsqrt(x * x + 1.0), lambda x: 1.0 / np.sqrt(x * x + 1.0)),
    "integer_pow": (lambda x: lax.integer_pow(x, 3), lambda x: x**3),
    "erf": (lax.erf, sp.erf),
    "erfc": (lax.erfc, sp.erfc),
    "clamp": (lambda x: lax.clamp(-1.0, x, 1.0), lambda x: np.clip(x, -1.0, 1.0)),
    "select_n": (lambda x: lax.select_n(x > 0.0, x, 2.0 * x), lambda x: np.where(x > 0.0, 2.0 * x, x)),
    "fori_loop": (lambda x: lax.fori_loop(0, 3, lambda i, c: c * 0.5 + i, x), lambda x: x / 8.0 + 2.5),
    "cond": (
        lambda x: lax.cond(jnp.sum(x) > 0.0, lambda v: v + 1.0, lambda v: -v, x),
        lambda x: x + 1.0 if np.sum(x) > 0.0 else -x,
    ),
    "switch": (
        lambda x: lax.switch(jnp.int32(jnp.sum(x) > 0.0), [lambda v: 2.0 * v, lambda v: -v], x),
        lambda x: -x if np.sum(x) > 0.0 else 2.0 * x,
    ),
    "while_loop": (
        lambda x: lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * 0.5), (0, x))[1],
        lambda x: x / 8.0,
    ),
    "reduce_precision": (lambda x: lax.reduce_precision(x, 8, 23), lambda x: x),
}
LAX_ROWS: dict[str, Pair] = {
    "cummax": (lambda x: lax.cummax(x, axis=0), lambda x: np.maximum.accumulate(x, axis=0)),
    "cummin": (
        lambda x: lax.cummin(x, axis=x.ndim - 1, reverse=True),
        lambda x: np.minimum.accumulate(x[..., ::-1], axis=-1)[..., ::-1],
    ),
    "cumlogsumexp": (
        lambda x: lax.cumlogsumexp(x, axis=0),
        lambda x: np.logaddexp.accumulate(x, axis=0),
    ),
    "top_k": (
        lambda x: lax.top_k(x, 2),
        lambda x: (-np.sort(-x)[..., :2], np.argsort(-x, kind="stable")[..., :2]),
    ),
    "sort_key_val": (
        lambda x: lax.sort_key_val(x, 2.0 * x),
        lambda x: (np.sort(x), 2.0 * np.sort(x)),
    ),
    "scan": (lambda x: lax.scan(lambda c, r: (c * 0.5 + r, c), x[0] * 0.0, x)[0], lambda x: halved(x)),
    "map": (lambda x: lax.map(lambda row: row * row, x), lambda x: x * x),
    "associative_scan": (lambda x: lax.associative_scan(jnp.add, x), lambda x: np.cumsum(x, axis=0)),
    "dynamic_slice_in_dim": (lambda x: lax.dynamic_slice_in_dim(x, 1, 1), lambda x: x[1:2]),
    "dynamic_update_slice": (
        lambda x: lax.dynamic_update_slice(x, x[1:] * 0.0, (0,) * x.ndim),
        lambda x: np.concatenate([x[1:] * 0.0, x[-1:]]),
    ),
    "pad": (lambda x: lax.pad(x, 1.0, [(1, 0, 1)] * x.ndim), lambda x: padded(x)),
    "rev": (lambda x: lax.rev(x, (0,)), lambda x: x[::-1]),
    "collapse": (lambda x: lax.collapse(x, 0), np.ravel),
    "reduce_window": (
        lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1,) * (x.ndim - 1) + (2,), (1,) * x.ndim, "VALID"),
        lambda x: windows(x, 2).max(-1),
    ),
    "conv": (
        lambda x: lax.conv(x.reshape(1, 1, -1), x.reshape(1, 1, -1)[..., :3], (1,), "VALID")[0, 0],
        lambda x: np.correlate(x.reshape(-1), x.reshape(-1)[:3]),
    ),
    "conv_general_dilated": (
        lambda x: lax.conv_general_dilated(
            x.reshape(1, 1, -1), x.reshape(1, 1, -1)[..., :2], (1,), "SAME", rhs_dilation=(2,)
        )[0, 0],
        lambda x: np.correlate(np.pad(x.reshape(-1), 1), np.array([x.flat[0], 0.0, x.flat[1]])),
    ),
    "scatter_add": (
        lambda x: x.at[np.array([0, 0, 1])].add(x[:1]),
        lambda x: np.concatenate([3.0 * x[:1], x[1:2] + x[:1], x[2:]]),
    ),
}


def halved(x: Any) -> Any:
    carry = x[0] * 0.0
    for row in x:
        carry = carry * 0.5 + row
    return carry


def padded(x: Any) -> Any:
    """One before every axis and one between neighbours."""
    found = np.ones([2 * side for side in x.shape])
    found[(slice(1, None, 2),) * x.ndim] = x
    return found


OPS: dict[str, Pair] = {
    "segment_sum": (
        lambda x: jax.ops.segment_sum(x, np.array([0, 1, 0, 1]), 2),
        lambda x: np.stack([x[0] + x[2], x[1] + x[3]]),
    ),
    "segment_prod": (
        lambda x: jax.ops.segment_prod(x, np.array([0, 1, 0, 1]), 2),
        lambda x: np.stack([x[0] * x[2], x[1] * x[3]]),
    ),
    "segment_max": (
        lambda x: jax.ops.segment_max(x, np.array([0, 1, 0, 1]), 2),
        lambda x: np.stack([np.maximum(x[0], x[2]), np.maximum(x[1], x[3])]),
    ),
    "segment_min": (
        lambda x: jax.ops.segment_min(x, np.array([0, 1, 0, 1]), 2),
        lambda x: np.stack([np.minimum(x[0], x[2]), np.minimum(x[1], x[3])]),
    ),
}
FOUR: Shapes = ((4,), (4, 2), (4, 1, 2))
CASES = table(
    pairs(NN, ELEMENTS, under="jax.nn."),
    pairs(NN_ROWS, ARRAYS, under="jax.nn."),
    pairs(
        {"glu": (nn.glu, lambda x: x[..., :1] * sp.expit(x[..., 1:]))},
        ((2,), (3, 2), (2, 2, 2)),
        under="jax.nn.",
    ),
    pairs({"log1mexp": (nn.log1mexp, lambda x: np.log1p(-np.exp(-x)))}, ELEMENTS, ABOVE, under="jax.nn."),
    pairs(
        {"one_hot": (lambda x: nn.one_hot(x, 3), lambda x: np.eye(3)[x])},
        ELEMENTS,
        Domain(0.0, 3.0, "i"),
        under="jax.nn.",
    ),
    pairs(LAX, ELEMENTS, under="jax.lax."),
    pairs(LAX_ROWS, ARRAYS, under="jax.lax."),
    pairs(
        {"batch_matmul": (lax.batch_matmul, np.matmul)},
        ((1, 2, 2), (2, 2, 2), (2, 3, 3)),
        REAL,
        REAL,
        under="jax.lax.",
    ),
    pairs(
        {"population_count": (lax.population_count, np.bitwise_count)},
        ELEMENTS,
        Domain(0.0, 60.0, "i"),
        under="jax.lax.",
    ),
    pairs({"rem": (lax.rem, np.fmod)}, ELEMENTS, WHOLE, Domain(2.0, 9.0, "i"), under="jax.lax."),
    pairs(OPS, FOUR, under="jax.ops."),
)
