"""Every operation of StableHLO by what in JAX becomes it: functions and the secrets they are given."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

Function = Callable[..., Any]
Case = tuple[Function, tuple[np.ndarray, ...]]
_RANDOM = np.random.default_rng(17)


def real(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    return np.asarray(np.rint(_RANDOM.uniform(low, high, shape) * 1024) / 1024)


X, Y, S, CUBE = real(3, 4), real(3, 4), real(), real(2, 3, 2)
UNIT, ABOVE = real(3, 4, low=-0.9, high=0.9), real(3, 4, low=0.25, high=3.0)
N, M = np.array([[3, -5, 7], [12, 0, -1]]), np.array([[1, 2, 6], [3, 9, 5]])
TRUE, FALSE = X > 0, Y > 0.5
AT, PLACES = np.array(1), np.array([2, 0])
SQUARE = real(3, 3, low=-1.0, high=1.0) + 3 * np.eye(3)
SPREAD = SQUARE @ SQUARE.T / 4
WAVE, IMAGE = real(2, 3, 8), real(2, 4, 6, 5)


def each(function: Function, *arrays: np.ndarray) -> list[Case]:
    """At rank 2, as a scalar, and at rank 3."""
    return [
        (function, arrays),
        (function, tuple(np.asarray(x.reshape(-1)[0]) for x in arrays)),
        (function, tuple(x.reshape(x.shape[0], 1, -1) for x in arrays)),
    ]


def conv(x: Any, w: Any, **options: Any) -> Any:
    ones = (1,) * (x.ndim - 2)
    return lax.conv_general_dilated(x, w, **{"window_strides": ones, "padding": "SAME", **options})


def pooled(x: Any, start: float, combine: Any, padding: str = "VALID", **options: Any) -> Any:
    return lax.reduce_window(x, start, combine, (1, 1, 3, 2), (1, 1, 2, 1), padding, **options)


def windowed(x: Any, start: float, combine: Any, padding: Any = "VALID", **options: Any) -> Any:
    return lax.reduce_window(x, start, combine, (2, 2), (1, 2), padding, **options)


def ordered(*arrays: Any, **options: Any) -> Any:
    return lax.sort(arrays, **options)


@partial(lax.composite, name="tacit.twice")
def twice(x: Any) -> Any:
    return x + x


def gathered(x: Any, index: Any, offset: Any, collapsed: Any, start: Any, sizes: Any) -> Any:
    numbers = lax.GatherDimensionNumbers(offset, collapsed, start)
    return lax.gather(x, index, numbers, sizes, mode="clip")


def scattered(kind: Any, x: Any, index: Any, updates: Any, window: Any, inserted: Any, places: Any) -> Any:
    numbers = lax.ScatterDimensionNumbers(window, inserted, places)
    return kind(x, index, updates, numbers, mode="clip")


def triangular(side: bool, lower: bool, transposed: bool, unit: bool) -> Function:
    return partial(
        lax.linalg.triangular_solve,
        left_side=side,
        lower=lower,
        transpose_a=transposed,
        unit_diagonal=unit,
    )


def compared(f: Function) -> Function:
    return lambda x, y: (f(x, y), f(x, x), f(x.round().astype(int), y.round().astype(int)))


def wave(x: Any, y: Any) -> Any:
    return lax.complex(x, y)


def halved(x: Any, y: Any) -> Any:
    return x + 0.5 * y


def either(x: Any, y: Any) -> Any:
    return x + y - x * y


ELEMENTS: dict[str, list[Case]] = {
    "abs": [*each(lax.abs, X), (lax.abs, (N,)), (lambda x, y: lax.abs(wave(x, y)), (X, Y))],
    "add": [*each(lax.add, X, Y), (lax.add, (N, M)), (lambda x: x[::-1, ::-2] + 1.5, (X,))],
    "and": [(lax.bitwise_and, (N, M)), (lax.bitwise_and, (TRUE, FALSE))],
    "atan2": each(lax.atan2, X, Y),
    "bitcast_convert": [
        (lambda n: lax.bitcast_convert_type(n, jnp.uint32).astype(jnp.float32) / 2.0**16, (N,)),
        (lambda n: lax.bitcast_convert_type(n.astype(jnp.uint32), jnp.int32), (N,)),
    ],
    "cbrt": each(lax.cbrt, X),
    "ceil": each(lax.ceil, X),
    "clamp": [*each(lambda x: lax.clamp(-0.5, x, 0.75), X), (lax.clamp, (X - 1.0, Y, X + 1.0))],
    "compare": [
        *((compared(f), (X, Y)) for f in (lax.eq, lax.ne, lax.lt, lax.le, lax.gt, lax.ge)),
        (lambda a, b: (a == b, a != b), (TRUE, FALSE)),
        (lambda x, y: (wave(x, y) == wave(x, y), wave(x, y) != wave(y, x)), (X, Y)),
    ],
    "complex": [(wave, (X, Y)), (lambda x, y: wave(x, y) * wave(y, x) - 1.0, (X, Y))],
    "convert": [
        (lambda x: (x.astype(jnp.int32), (2 * x).astype(bool), x.astype(jnp.float16)), (X,)),
        (lambda n: (n.astype(jnp.float32) / 2, n.astype(bool), n.astype(jnp.int8)), (N,)),
        (lambda b: (b.astype(jnp.int32), b.astype(jnp.float32)), (TRUE,)),
        (lambda n: n.astype(jnp.uint8), (300 * N,)),
    ],
    "cosine": each(lax.cos, X),
    "count_leading_zeros": [(lax.clz, (N,)), (lax.clz, (AT,))],
    "divide": [
        *each(lax.div, X, ABOVE),
        (lax.div, (N, M)),
        (lambda x, y: wave(x, y) / wave(y + 3.0, x), (X, Y)),
    ],
    "exponential": [*each(lax.exp, X), (lambda x, y: lax.exp(wave(x, y)), (X, Y))],
    "exponential_minus_one": each(lax.expm1, X),
    "floor": each(lax.floor, X),
    "imag": [(lambda x, y: jnp.imag(wave(x, y) * wave(x, y)), (X, Y))],
    "is_finite": each(lambda x: (lax.is_finite(x), jnp.isnan(x), jnp.isinf(x)), X),
    "log": [*each(lax.log, ABOVE), (lambda x, y: lax.log(wave(x, y)), (ABOVE, Y))],
    "log_plus_one": each(lax.log1p, ABOVE),
    "logistic": each(lax.logistic, X),
    "maximum": [*each(lax.max, X, Y), (lax.max, (N, M)), (lax.max, (TRUE, FALSE))],
    "minimum": [*each(lax.min, X, Y), (lax.min, (N, M)), (lax.min, (TRUE, FALSE))],
    "multiply": [
        *each(lax.mul, X, Y),
        (lax.mul, (N, M)),
        (lambda x: x * x, (X,)),
        (lambda a, b: a * b, (TRUE, FALSE)),
    ],
    "negate": [*each(lax.neg, X), (lax.neg, (N,)), (lambda x, y: -wave(x, y), (X, Y))],
    "not": [(lax.bitwise_not, (N,)), (lax.bitwise_not, (TRUE,))],
    "or": [(lax.bitwise_or, (N, M)), (lax.bitwise_or, (TRUE, FALSE))],
    "popcnt": [(lax.population_count, (M,)), (lax.population_count, (AT,)), (lax.population_count, (N,))],
    "power": [
        *each(lambda x: lax.pow(x, 1.5), ABOVE),
        (lax.pow, (ABOVE, Y)),
        (lambda x: lax.pow(x, 2), (X,)),
        (lambda x: lax.pow(x, 3), (X,)),
        (lambda x: (x**2, x**3, x**-1), (ABOVE,)),
        (lambda n: n**2, (N,)),
    ],
    "real": [
        (lambda x, y: jnp.real(wave(x, y) * wave(y, x)), (X, Y)),
        (lambda x, y: jnp.real(wave(x, y) ** 3), (X, Y)),
    ],
    "reduce_precision": each(lambda x: lax.reduce_precision(x, 8, 20), X),
    "remainder": [*each(lax.rem, X, ABOVE), (lax.rem, (N, M)), (lambda x: x % 0.75, (X,))],
    "round_nearest_afz": each(lambda x: lax.round(x, lax.RoundingMethod.AWAY_FROM_ZERO), np.rint(X * 4) / 4),
    "round_nearest_even": each(
        lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN), np.rint(X * 4) / 4
    ),
    "rsqrt": each(lax.rsqrt, ABOVE),
    "select": [
        (lambda b, x, y: lax.select(b, x, y), (TRUE, X, Y)),
        (lambda x, y: jnp.where(x > y, x, y), (X, Y)),
        (lambda s, x, y: lax.select(s > 0, x, y), (S, X, Y)),
        (lambda n, x: lax.select_n(n, x[0], x[1], x[2]), (np.array([0, 2, 1, 1]), X)),
        (lambda x, y: jnp.where(x > 0, wave(x, y), wave(y, x)), (X, Y)),
    ],
    "shift_left": [(lambda n: lax.shift_left(n, 3), (N,)), (lax.shift_left, (N, M))],
    "shift_right_arithmetic": [
        (lambda n: lax.shift_right_arithmetic(n, 2), (N,)),
        (lax.shift_right_arithmetic, (64 * N, M)),
    ],
    "shift_right_logical": [
        (lambda n: lax.shift_right_logical(n, 1), (M,)),
        (lambda n: lax.shift_right_logical(n, 28), (N,)),
        (lax.shift_right_logical, (M, M)),
    ],
    "sign": [*each(lax.sign, X), (lax.sign, (N,))],
    "sine": each(lax.sin, X),
    "sqrt": each(lax.sqrt, ABOVE),
    "subtract": [*each(lax.sub, X, Y), (lax.sub, (N, M)), (lambda x, y: wave(x, y) - wave(y, y), (X, Y))],
    "tan": each(lax.tan, UNIT),
    "tanh": each(lax.tanh, X),
    "xor": [(lax.bitwise_xor, (N, M)), (lax.bitwise_xor, (TRUE, FALSE))],
}

MOVES: dict[str, list[Case]] = {
    "broadcast_in_dim": [
        (lambda x: lax.broadcast_in_dim(x, (2, 3, 4), (1, 2)), (X,)),
        (lambda x: jnp.broadcast_to(x, (2, 2)), (S,)),
        (lambda x: x[:, None] * jnp.ones((1, 2, 1)), (X,)),
    ],
    "concatenate": [
        (lambda x, y: lax.concatenate([x, y, x], 1), (X, Y)),
        (lambda x: jnp.append(x, x[0]), (X,)),
        (lambda x, y: jnp.concatenate([wave(x, y), wave(y, x)]), (X, Y)),
    ],
    "constant": [(lambda x: x + np.float32(0.5), (X,)), (lambda x: x * jnp.asarray(Y), (X,))],
    "dynamic_slice": [
        (lambda x: lax.dynamic_slice(x, (1, 2), (2, 2)), (X,)),
        (lambda x, i: lax.dynamic_slice(x, (i, 1), (2, 2)), (X, AT)),
        (lambda x, i: lax.dynamic_slice(x, (i, i - 9, 0), (1, 2, 2)), (CUBE, AT)),
        (lambda x, i: lax.dynamic_index_in_dim(x, i, 1), (X, AT)),
    ],
    "dynamic_update_slice": [
        (lambda x, y: lax.dynamic_update_slice(x, y[:2, :2], (1, 2)), (X, Y)),
        (lambda x, y, i: lax.dynamic_update_slice(x, y[:2, :3], (i, i)), (X, Y, AT)),
        (lambda n, i: lax.dynamic_update_index_in_dim(n, jnp.full((2, 1), 99), i, 1), (N, AT)),
    ],
    "gather": [
        (lambda x: x[jnp.array([2, 0])], (X,)),
        (lambda x: x[:, jnp.array([[1, 1], [3, 0]])], (X,)),
        (lambda x, i: x[i], (X, PLACES)),
        (lambda x, i: x[i, i + 1], (X, PLACES)),
        (lambda x, i: x[:, i], (CUBE, PLACES)),
        (lambda x, i: gathered(x, i, (1,), (0,), (0,), (1, 2)), (X, PLACES[:, None])),
        (lambda x, i: gathered(x, i, (0, 2), (1,), (1, 0), (2, 1, 2)), (CUBE, np.array([[1, 0], [2, 0]]))),
        (lambda x, i: jnp.take(x, i, axis=1, mode="clip"), (X, PLACES + 2)),
        (lambda x, i: jnp.take_along_axis(x, i, axis=0), (X, np.array([[1, 2, 0, 1]]))),
        (lambda x, i: jnp.take(x, i, axis=0, mode="fill", fill_value=0.0), (X, PLACES + 2)),
        (lambda x, i: jnp.take(x, i, axis=0, mode="wrap"), (X, PLACES + 2)),
        (lambda x, y: wave(x, y)[jnp.array([1, 1])], (X, Y)),
    ],
    "iota": [
        (lambda x: x + lax.broadcasted_iota(jnp.float32, (3, 4), 1), (X,)),
        (lambda n: n * jnp.arange(3), (N,)),
    ],
    "pad": [
        (lambda x: lax.pad(x, 0.5, ((1, 0, 1), (-1, 2, 0))), (X,)),
        (lambda x: lax.pad(x, 0.0, ((-1, -1, 2), (2, -3, 1))), (X,)),
        (lambda x, s: lax.pad(x, s, ((0, 1, 0), (1, 0, 0), (0, 0, 1))), (CUBE, S)),
        (lambda n: lax.pad(n, 7, ((0, 1, 0), (0, 0, 1))), (N,)),
        (lambda x: jnp.pad(x, 1), (X,)),
        (lambda x, y: jnp.pad(wave(x, y), 1), (X, Y)),
    ],
    "reshape": [
        (lambda x: x.reshape(2, 6), (X,)),
        (lambda x: lax.reshape(x, (4, 3), (1, 0)), (X,)),
        (lambda x: x.reshape(1, 1), (S,)),
        (lambda x: lax.collapse(x, 0, 2), (CUBE,)),
    ],
    "reverse": [(lambda x: lax.rev(x, (0, 1)), (X,)), (lambda x: x[::-1], (CUBE,)), (jnp.flip, (CUBE,))],
    "scatter": [
        (lambda x: x.at[jnp.array([1, 1, 0])].add(x), (X,)),
        (lambda x: x.at[:, jnp.array([2, 0])].set(0.5), (X,)),
        (lambda x: x.at[jnp.array([1, 1, 0])].multiply(x), (X,)),
        (lambda x: (x.at[jnp.array([1, 1])].max(x[:2]), x.at[jnp.array([0])].min(x[1:2])), (X,)),
        (lambda x, i: x.at[i].set(1.5), (X, PLACES)),
        (lambda x, i: x.at[i, 1].add(x[:2, 0]), (X, PLACES)),
        (lambda x, i: x.at[i].multiply(2.0), (X, PLACES)),
        (lambda x, i: x.at[i].max(x[:2]), (X, PLACES)),
        (lambda x, i: x.at[i].min(0.25), (X, PLACES)),
        (lambda x, i: x.at[i].apply(jnp.abs), (X, PLACES)),
        (lambda x, i: x.at[i].set(1.5, mode="drop"), (X, PLACES + 2)),
        (lambda x, i: x.at[i].add(1.5, mode="drop"), (X, PLACES + 2)),
        (
            lambda x, i, u: scattered(lax.scatter_add, x, i, u, (1,), (0,), (0,)),
            (X, PLACES[:, None], real(2, 2)),
        ),
        (
            lambda x, i, u: scattered(lax.scatter, x, i, u, (0, 1), (), (1, 0)),
            (X, np.array([1, 0]), real(2, 2)),
        ),
        (lambda x, i: jax.ops.segment_sum(x, i, 3), (X, np.array([2, 0, 2]))),
        (lambda x, i: jax.vmap(lambda row, k: row.at[k].set(0.5))(x, i), (X, np.array([1, 3, 0]))),
    ],
    "slice": [
        (lambda x: x[1:, ::2], (X,)),
        (lambda x: lax.slice(x, (0, 1, 0), (2, 3, 2), (1, 2, 1)), (CUBE,)),
        (lambda x: x[::-2, 3:0:-1], (X,)),
        (lambda x: x[..., None, -1:], (X,)),
    ],
    "sort": [
        (lambda x: (jnp.sort(x, axis=0), jnp.sort(x, axis=1, descending=True)), (X,)),
        (lambda x, y: ordered(x, y, dimension=0, num_keys=1), (X, Y)),
        (lambda n, x: ordered(n, x, dimension=1, num_keys=2), (N, X[:2, :3])),
        (lambda x: jnp.argsort(x, axis=1), (X,)),
        (lambda n: jnp.sort(n, axis=None), (N,)),
        (lambda b: jnp.sort(b, axis=0), (TRUE,)),
        (lambda x, y: jnp.lexsort((x[0], y[0])), (X, Y)),
        (lambda x: jnp.median(x, axis=0), (X,)),
    ],
    "transpose": [
        (lambda x: x.T, (X,)),
        (lambda x: lax.transpose(x, (2, 0, 1)), (CUBE,)),
        (lambda x, y: wave(x, y).T.conj(), (X, Y)),
    ],
}

SUMS: dict[str, list[Case]] = {
    "cholesky": [
        (lax.linalg.cholesky, (SPREAD,)),
        (lambda x: jnp.linalg.cholesky(jnp.stack([x, 2 * x])), (SPREAD,)),
    ],
    "convolution": [
        (conv, (WAVE, real(4, 3, 3))),
        (partial(conv, padding=((2, 1),), window_strides=(2,)), (WAVE, real(4, 3, 3))),
        (conv, (IMAGE, real(3, 4, 3, 2))),
        (partial(conv, padding=((-1, 2), (0, -1))), (IMAGE, real(3, 4, 2, 2))),
        (
            partial(conv, lhs_dilation=(2, 1), rhs_dilation=(1, 2), padding=((1, 0), (0, 1))),
            (IMAGE, real(3, 4, 3, 2)),
        ),
        (partial(conv, feature_group_count=2), (IMAGE, real(6, 2, 3, 3))),
        (partial(conv, batch_group_count=2), (IMAGE, real(4, 4, 2, 2))),
        (partial(conv, dimension_numbers=("NHWC", "HWIO", "NHWC")), (real(1, 5, 4, 2), real(3, 3, 2, 3))),
        (conv, (real(1, 2, 3, 4, 3), real(2, 2, 2, 2, 2))),
        (
            lambda x, w: lax.conv_transpose(x, w, (2,), "SAME", dimension_numbers=("NCH", "OIH", "NCH")),
            (WAVE, real(4, 3, 3)),
        ),
    ],
    "custom_call": [
        (jnp.linalg.solve, (SQUARE, real(3))),
        (lambda a: jnp.linalg.eigh(a)[0], (SPREAD,)),
        (lambda a: jnp.linalg.svd(a, compute_uv=False), (X[:, :3],)),
        (jnp.linalg.det, (SQUARE,)),
        (jnp.linalg.inv, (SQUARE,)),
        (lambda a: jnp.abs(jnp.linalg.qr(a)[1]), (SQUARE,)),
    ],
    "dot_general": [
        (lambda x, y: x @ y.T, (X, Y)),
        (jnp.dot, (real(5), real(5))),
        (
            lambda x, y: lax.dot_general(x, y, (((2,), (1,)), ((0,), (0,)))),
            (real(2, 3, 4), real(2, 4, 5)),
        ),
        (
            lambda x, y: lax.dot_general(x, y, (((0, 2), (1, 0)), ((), ()))),
            (real(2, 3, 4), real(4, 2, 3)),
        ),
        (
            lambda x, y: lax.dot_general(x, y, (((1,), (3,)), ((3, 0), (0, 2)))),
            (real(2, 3, 2, 4), real(4, 2, 2, 3)),
        ),
        (lambda n, m: n @ m.T, (N, M)),
        (lambda x, y: wave(x, y) @ wave(y, -x).T, (X, Y)),
    ],
    "fft": [
        (jnp.fft.fft, (X,)),
        (jnp.fft.rfft, (X,)),
        (lambda x: jnp.fft.irfft(jnp.fft.rfft(x)), (X,)),
        (lambda x, y: jnp.fft.ifft(wave(x, y)), (X, Y)),
        (jnp.fft.fft2, (CUBE,)),
        (lambda x: jnp.fft.irfftn(jnp.fft.rfftn(x), s=x.shape), (CUBE,)),
        (lambda x: jnp.abs(jnp.fft.rfft(x, 3)), (X,)),
        (lambda x: jnp.fft.fftshift(jnp.fft.fftn(x)), (CUBE,)),
    ],
    "reduce": [
        (lambda x: (x.sum(), x.sum(0), x.max(1), x.min((0, 1)), jnp.prod(x, axis=1)), (X,)),
        (lambda b: (b.any(1), b.all(0), jnp.sum(b)), (TRUE,)),
        (lambda x: lax.reduce(x, 0.0, halved, (1,)), (X,)),
        (lambda x: lax.reduce(x, 1.0, lax.mul, (0, 2)), (CUBE,)),
        (
            lambda x, y: lax.reduce((x, y), (0.0, 1.0), lambda a, b: (a[0] + b[0], a[1] * b[1]), (1,)),
            (X, Y),
        ),
        (lambda n: lax.reduce(n, 0, lax.bitwise_xor, (0,)), (N,)),
        (lambda x: (jnp.argmax(x, axis=1), jnp.argmin(x), jnp.argmax(x)), (X,)),
        (lambda x: lax.reduce(x, -jnp.inf, lax.max, (0,)), (X,)),
        (lambda x, y: jnp.sum(wave(x, y), 1), (X, Y)),
    ],
    "reduce_window": [
        (lambda x: pooled(x, -jnp.inf, lax.max, "SAME"), (IMAGE,)),
        (lambda x: pooled(x, jnp.inf, lax.min), (IMAGE,)),
        (lambda x: pooled(x, 0.0, lax.add, "SAME"), (IMAGE,)),
        (
            lambda x: pooled(x, 0.0, lax.add, window_dilation=(1, 1, 2, 1), base_dilation=(1, 1, 1, 2)),
            (IMAGE,),
        ),
        (lambda x: pooled(x, -jnp.inf, lax.max, base_dilation=(1, 1, 2, 1)), (IMAGE,)),
        (lambda x: windowed(x, 1.0, lax.mul), (X,)),
        (lambda x: windowed(x, 0.0, either, ((1, 0), (0, 1))), (X / 2,)),
        (lambda x: windowed(x, 0.0, either, base_dilation=(1, 2)), (X / 2,)),
        (
            lambda x, y: windowed((x, y), (0.0, 0.0), lambda a, b: (a[0] + b[0], a[1] - b[1])),
            (X, Y),
        ),
        (
            lambda x: (jnp.cumsum(x, 1), jnp.cumprod(x, 0), lax.cummax(x, 1), lax.cummin(x, 0, reverse=True)),
            (X,),
        ),
    ],
    "select_and_scatter": [
        (jax.grad(lambda x: jnp.sum(pooled(x, -jnp.inf, lax.max) ** 2)), (IMAGE,)),
        (jax.grad(lambda x: jnp.sum(pooled(x, jnp.inf, lax.min, "SAME") ** 2)), (IMAGE,)),
    ],
    "triangular_solve": [
        (triangular(*way), (SQUARE, real(3, 3))) for way in product((True, False), repeat=4)
    ],
}

CONTROL: dict[str, list[Case]] = {
    "case": [
        (lambda i, x: lax.switch(i, [lambda v: v, jnp.sin, lambda v: -v], x), (AT, X)),
        (lambda x: lax.cond(x[0, 0] > 0, lambda v: v + 1.0, lambda v: -v, x), (X,)),
        (lambda i, x: lax.switch(i, [lambda v: (v, v[0]), lambda v: (-v, v[1])], x), (AT + 5, X)),
    ],
    "composite": [(twice, (X,))],
    "optimization_barrier": [(lambda x, n: lax.optimization_barrier((x, n)), (X, N))],
    "rng": [(lambda x: x + 0.0 * lax.rng_uniform(0.0, 1.0, (3, 4)), (X,))],
    "rng_bit_generator": [
        (
            lambda x: x + lax.rng_bit_generator(jnp.zeros(4, jnp.uint32), (3, 4))[1].astype(float) / 2.0**32,
            (X,),
        )
    ],
    "while": [
        (lambda x: lax.fori_loop(0, 3, lambda i, c: c * 0.5 + i, x), (X,)),
        (lambda x: lax.while_loop(lambda s: s[0] < 4, lambda s: (s[0] + 1, s[1] * 0.5), (0, x))[1], (X,)),
        (lambda x: lax.scan(lambda c, r: (c * 0.5 + r, c), jnp.zeros(4), x), (X,)),
        (lambda x: lax.map(jnp.sum, x), (X,)),
    ],
}
CASES = {**ELEMENTS, **MOVES, **SUMS, **CONTROL}
