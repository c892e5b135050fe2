"""JAX primitives on secrets against JAX itself: windows, places, order, loops, what jnp and nn write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.compile.test_onnx import private

jax = pytest.importorskip("jax")
jnp, lax = jax.numpy, jax.lax
jax.config.update("jax_platforms", "cpu")

from tacit.compile.jax import from_jax  # noqa: E402

_RANDOM = np.random.default_rng(9)


def real(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    return _RANDOM.uniform(low, high, shape)


X, Y, P, V = real(3, 4), real(3, 4), real(3, 4, low=0.5, high=3.0), real(6)
IMAGE, KERNEL = real(2, 3, 6, 5), real(4, 3, 3, 2)
N, AT, J = np.array([3, -5, 7, 12]), np.array(2), np.array([2, 0])
SQUARE = real(3, 3) + 4 * np.eye(3)
Function = Callable[..., Any]


def conv(x: Any, w: Any, **options: Any) -> Any:
    return lax.conv_general_dilated(x, w, **{"window_strides": (1, 1), "padding": "SAME", **options})


def pool(x: Any, start: float, combine: Any, padding: str = "VALID") -> Any:
    return lax.reduce_window(x, start, combine, (1, 1, 3, 2), (1, 1, 2, 1), padding)


@jax.custom_jvp
def smooth(x: Any) -> Any:
    return jnp.where(x > 0, x, 0.0)


smooth.defjvp(lambda primals, tangents: (smooth(primals[0]), 0.5 * tangents[0]))


@jax.custom_vjp
def clipped(x: Any) -> Any:
    return x * 2.0


clipped.defvjp(lambda x: (clipped(x), x), lambda x, g: (jnp.clip(g, -0.5, 0.5) * x,))

WINDOWS: dict[str, tuple[Function, tuple[np.ndarray, ...]]] = {
    "conv": (conv, (IMAGE, KERNEL)),
    "conv-strides": (
        lambda x, w: conv(x, w, window_strides=(2, 1), padding=((1, 2), (0, 1))),
        (IMAGE, KERNEL),
    ),
    "conv-dilated": (lambda x, w: conv(x, w, rhs_dilation=(2, 1), padding="VALID"), (IMAGE, KERNEL)),
    "conv-transposed": (
        lambda x, w: lax.conv_transpose(x, w, (2, 2), "SAME", dimension_numbers=("NCHW", "OIHW", "NCHW")),
        (IMAGE, real(4, 3, 3, 2)),
    ),
    "conv-groups": (lambda x, w: conv(x, w, feature_group_count=3), (IMAGE, real(6, 1, 3, 3))),
    "conv-channels-last": (
        lambda x, w: conv(x, w, dimension_numbers=("NHWC", "HWIO", "NHWC")),
        (real(1, 5, 4, 2), real(3, 3, 2, 3)),
    ),
    "conv-one-axis": (
        lambda x, w: lax.conv_general_dilated(x, w, (1,), "VALID"),
        (real(1, 2, 7), real(2, 2, 3)),
    ),
    "conv-gradient": (
        jax.grad(lambda x, w: jnp.sum(conv(x, w, window_strides=(2, 1)) ** 2) / 50, argnums=(0, 1)),
        (IMAGE / 2, KERNEL / 2),
    ),
    "conv-batch-groups": (lambda x, w: conv(x, w, batch_group_count=2), (IMAGE, real(4, 3, 3, 3))),
    "max-pool": (lambda x: pool(x, -jnp.inf, lax.max, "SAME"), (IMAGE,)),
    "min-pool": (lambda x: pool(x, jnp.inf, lax.min), (IMAGE,)),
    "sum-pool": (lambda x: pool(x, 0.0, lax.add, "SAME"), (IMAGE,)),
    "product-pool": (lambda x: pool(x, 1.0, lax.mul), (IMAGE / 2,)),
    "max-pool-gradient": (jax.grad(lambda x: jnp.sum(pool(x, -jnp.inf, lax.max) ** 2)), (IMAGE,)),
    "sum-pool-gradient": (jax.grad(lambda x: jnp.sum(pool(x, 0.0, lax.add) ** 2) / 8), (IMAGE,)),
    "reduce": (lambda x: lax.reduce(x, 0.0, lambda a, b: a * 0.5 + b, (1,)), (X,)),
    "cumulative": (lambda x: (jnp.cumprod(x, 1), lax.cummax(x, 0), lax.cummin(x, 1, reverse=True)), (X,)),
    "cumulative-log": (lambda x: lax.cumlogsumexp(x, 1), (X,)),
    "convolve": (lambda a, b: jnp.convolve(a, b), (V, V[:3])),
}
PLACES: dict[str, tuple[Function, tuple[np.ndarray, ...]]] = {
    "secret-row": (lambda x, i: x[i], (X, AT)),
    "secret-element": (lambda x, i: x[i, i + 1], (X, AT)),
    "secret-rows": (lambda x, i: x[i], (X, J)),
    "secret-columns": (lambda x, i: x[:, i], (X, J)),
    "secret-pairs": (lambda x, i: x[i, i + 1], (X, J)),
    "row-of-the-largest": (lambda x: x[jnp.argmax(x[:, 0])], (X,)),
    "along-axis": (lambda x, i: jnp.take_along_axis(x, i, axis=1), (X, np.array([[1], [3], [0]]))),
    "vmapped": (lambda x, i: jax.vmap(lambda row, k: row[k])(x, i), (X, np.array([1, 3, 0]))),
    "secret-slice": (lambda x, i: lax.dynamic_slice(x, (i - 1, 1), (2, 2)), (X, AT)),
    "secret-slice-outside": (lambda x, i: lax.dynamic_slice(x, (i + 9, 0), (2, 4)), (X, AT)),
    "secret-update": (lambda x, i: lax.dynamic_update_slice(x, -jnp.ones((2, 2)), (i - 1, i)), (X, AT)),
    "set-at-secret": (lambda x, i: x.at[i].set(1.5), (X, AT)),
    "set-element": (lambda x, i: x.at[i, 1].set(x[0, 0]), (X, AT)),
    "add-at-secrets": (lambda x, i: x.at[i].add(0.25), (X, np.array([1, 1]))),
    "set-bools": (lambda x, i: (x > 0).at[i].set(True), (X, AT)),
    "public-adds": (lambda x: x.at[jnp.array([1, 1, 0])].add(x), (X,)),
    "public-products": (lambda x: x.at[jnp.array([1, 1, 0])].multiply(x), (X,)),
    "public-largest": (lambda x: x.at[jnp.array([1, 1, 0])].max(2.0 * x), (X,)),
    "public-dropped": (lambda x: x.at[jnp.array([1, 7, 0])].set(2.0, mode="drop"), (X,)),
    "segment-sum": (lambda x: jax.ops.segment_sum(x, jnp.array([0, 1, 0]), 2), (X,)),
    "gather-gradient": (jax.grad(lambda x: jnp.sum(x[jnp.array([1, 1, 2])] ** 2)), (X,)),
    "secret-gradient": (jax.grad(lambda x, i: jnp.sum(x[i] ** 2)), (X, AT)),
    "embedding": (lambda table, i: table[i] @ table.T, (X, np.array([[2, 0], [1, 1]]))),
    "pad-inside": (lambda x: lax.pad(x, 0.5, ((1, 0, 1), (-1, 2, 0))), (X,)),
    "roll-tile-repeat": (
        lambda x: (jnp.roll(x, 1, 1), jnp.tile(x, (2, 1)), jnp.repeat(x, 2, axis=0)),
        (X,),
    ),
    "stack-split": (lambda x, y: jnp.stack(jnp.split(jnp.concatenate([x, y], 1), 4, axis=1)), (X, Y)),
    "triangles": (lambda x: (jnp.tril(x), jnp.triu(x, 1), jnp.diag(x[:, :3])), (X,)),
}
ORDER: dict[str, tuple[Function, tuple[np.ndarray, ...]]] = {
    "sort": (lambda x: (jnp.sort(x, axis=0), -jnp.sort(-x, axis=1)), (X,)),
    "argsort": (lambda x: jnp.argsort(x, axis=1), (X,)),
    "argsort-equal": (lambda n: jnp.argsort(n), (np.array([3, 1, 3, 1, 2]),)),
    "sort-along": (lambda x, y: lax.sort((x, y), dimension=1, num_keys=1), (X, Y)),
    "sort-two-keys": (lambda a, x: lax.sort((a, x), num_keys=2), (np.array([2, 1, 2, 1]), V[:4])),
    "top-k": (lambda x: lax.top_k(x, 2), (X,)),
    "median": (lambda x: jnp.median(x, axis=1), (X,)),
    "quantile": (lambda v: jnp.quantile(v, 0.3), (V,)),
    "searchsorted": (lambda v: jnp.searchsorted(jnp.array([-1.0, 0.0, 1.0]), v), (V,)),
}
PLAIN: dict[str, tuple[Function, tuple[np.ndarray, ...]]] = {
    "activations": (
        lambda x: tuple(
            getattr(jax.nn, name)(x)
            for name in ("relu6", "elu", "selu", "celu", "silu", "softplus", "soft_sign", "hard_tanh", "mish")
        ),
        (X,),
    ),
    "more-activations": (
        lambda x: tuple(
            getattr(jax.nn, name)(x)
            for name in ("leaky_relu", "hard_sigmoid", "hard_silu", "log_sigmoid", "glu")
        ),
        (X,),
    ),
    "log-sum-exp": (lambda x: (jax.nn.logsumexp(x, axis=1), jax.nn.log_softmax(x, axis=0)), (X,)),
    "standardize": (lambda x: jax.nn.standardize(x, axis=1), (X,)),
    "one-hot": (lambda n: jax.nn.one_hot(n, 4), (np.array([0, 3, 2]),)),
    "integer-pow": (lambda x: (lax.integer_pow(x, 3), lax.integer_pow(x, -2), x**0.5), (P,)),
    "clamp": (lambda x, y: lax.clamp(-0.5, x, 0.75) + jnp.clip(y, None, 0.5), (X, Y)),
    "roots": (lambda x: (lax.rsqrt(x), lax.sqrt(x), jnp.cbrt(x), lax.log1p(x), lax.expm1(x)), (P,)),
    "moments": (lambda x: (jnp.var(x, axis=1), jnp.std(x), jnp.ptp(x, axis=0), jnp.average(x, axis=0)), (X,)),
    "where": (lambda x, y: jnp.where((x > 0) & (y < 0.5), x, jnp.maximum(x, y)), (X, Y)),
    "select-n": (lambda n, x: lax.select_n(n, x[0], x[1], x[2]), (np.array([0, 2, 1, 1]), X)),
    "bits": (lambda n: (n << 2, n >> 1, n & 3, n | 8, n ^ 5, ~n), (np.abs(N),)),
    "bit-counts": (lambda n: lax.population_count(n), (np.abs(N),)),
    "truth": (lambda x: (jnp.any(x > 1, axis=1), jnp.all(x < 1.9), jnp.sum(x > 0)), (X,)),
    "division": (lambda n: (n // 3, n % 3, lax.rem(n, 3), lax.div(n, 3), jnp.divmod(n, 4)), (N,)),
    "rounding": (lambda x: (jnp.round(x), jnp.floor(x), jnp.ceil(x), jnp.trunc(x), jnp.sign(x)), (3 * X,)),
    "erf": (lambda x: (lax.erf(x), lax.erfc(x), jax.scipy.stats.norm.cdf(x)), (X,)),
    "complex-parts": (lambda x: (jnp.real(x), jnp.conj(x), jnp.abs(x)), (X,)),
    "einsum": (lambda x, y: jnp.einsum("ij,kj->ik", x, y) + jnp.tensordot(x, y, ((1,), (1,))), (X, Y)),
    "batched": (lambda x, y: jnp.matmul(x[:, None, :], y[:, :, None]), (X, Y)),
    "norms": (lambda x: (jnp.linalg.norm(x, axis=1), jnp.linalg.norm(x)), (P,)),
    "random-of-a-constant": (lambda x: x + jax.random.normal(jax.random.key(3), (3, 4)), (X,)),
    "dropout": (lambda x: jnp.where(jax.random.bernoulli(jax.random.key(1), 0.5, (3, 4)), x, 0.0), (X,)),
    "reduce-precision": (lambda x: lax.reduce_precision(x, 8, 23), (X,)),
    "device-put": (lambda x: jax.device_put(x) + 1.0, (X,)),
    "polynomial": (lambda x: jnp.polyval(jnp.array([0.5, -1.0, 2.0]), x), (X,)),
    "solve": (lambda a, b: jnp.linalg.solve(a, b), (SQUARE / 3, real(3, 2))),
    "inverse": (lambda a: jnp.linalg.inv(a), (np.array([[0.25, 1.5], [2.0, -0.5]]),)),
    "determinant": (lambda a: jnp.linalg.det(a), (SQUARE / 2,)),
    "cholesky": (lambda a: jnp.linalg.cholesky(a @ a.T), (SQUARE / 2,)),
    "solve-triangular": (
        lambda a, b: jax.scipy.linalg.solve_triangular(a, b, lower=True),
        (np.tril(SQUARE / 4), real(3, 2)),
    ),
}
CONTROL: dict[str, tuple[Function, tuple[np.ndarray, ...]]] = {
    "jit-in-jit": (jax.jit(lambda x: jax.jit(lambda y: y * 2.0)(x) + 1.0), (X,)),
    "checkpoint": (jax.grad(jax.checkpoint(lambda x: jnp.sum(jnp.tanh(x) ** 2))), (X,)),
    "custom-jvp": (lambda x: (smooth(x), jax.grad(lambda y: jnp.sum(smooth(y)))(x)), (X,)),
    "custom-vjp": (lambda x: (clipped(x), jax.grad(lambda y: jnp.sum(clipped(y)))(x)), (X,)),
    "jvp": (lambda x, y: jax.jvp(jnp.tanh, (x,), (y,)), (X, Y)),
    "vjp": (lambda x, y: jax.vjp(lambda z: z * jnp.exp(-z), x)[1](y), (P, Y)),
    "hessian": (jax.hessian(lambda v: jnp.sum(v**3) * v[0]), (V[:3],)),
    "jacobian": (jax.jacfwd(lambda v: jnp.stack([v[0] * v[1], v[1] ** 2])), (V[:2],)),
    "cond-public": (lambda x: lax.cond(True, lambda v: v + 1.0, lambda v: -v, x), (X,)),
    "cond-secret-gradient": (
        jax.grad(lambda x: lax.cond(x[0] > 0, lambda v: jnp.sum(v**2), lambda v: jnp.sum(v), x)),
        (V,),
    ),
    "vmapped-cond": (jax.vmap(lambda v: lax.cond(v > 0, lambda u: u * 2.0, lambda u: -u, v)), (V,)),
    "fori-index": (lambda x: lax.fori_loop(0, 3, lambda i, c: c.at[i].add(1.0), x), (X,)),
    "scan-of-pairs": (
        lambda x, y: lax.scan(lambda c, r: (c + r[0] * r[1], r[0] - c), jnp.zeros(4), (x, y)),
        (X, Y),
    ),
    "scan-gradient": (
        jax.grad(lambda x: lax.scan(lambda c, r: (jnp.tanh(c + r), None), jnp.zeros(4), x)[0].sum()),
        (X,),
    ),
    "vmapped-scan": (
        jax.vmap(lambda row: lax.scan(lambda c, r: (c * 0.5 + r, c), 0.0, row)[1]),
        (X,),
    ),
    "associative-scan": (lambda x: lax.associative_scan(jnp.add, x, axis=1), (X,)),
    "map": (lambda x: lax.map(lambda row: row.sum(), x), (X,)),
    "while-by-counter": (
        lambda x: lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * x), (0, x))[1],
        (X,),
    ),
    "switch": (lambda n, x: lax.switch(n, [jnp.sin, jnp.cos, lambda v: v], x), (AT, X)),
    "named-call": (jax.named_call(lambda x: x * 3.0, name="triple"), (X,)),
}
CASES = {**WINDOWS, **PLACES, **ORDER, **PLAIN, **CONTROL}


@pytest.mark.parametrize("name", CASES)
def test_a_primitive_gives_on_secrets_what_jax_gives(name: str) -> None:
    function, arrays = CASES[name]
    got = private(lambda *xs: _named(from_jax(function)(*xs)), arrays)
    expected = jax.tree_util.tree_leaves(
        jax.jit(function)(
            *(jnp.asarray(x.astype(np.float32 if x.dtype.kind == "f" else x.dtype)) for x in arrays)
        )
    )
    assert len(got) == len(expected)
    for mine, theirs in zip(got, expected, strict=True):
        wanted = np.asarray(theirs, np.float64)
        assert np.shape(mine) == wanted.shape
        error = np.abs(np.asarray(mine, np.float64) - wanted)
        assert np.all(error <= 2.0**-9 * np.maximum(1, np.abs(wanted))), (mine, wanted)


def test_a_loop_whose_end_is_secret_takes_the_steps_that_are_said() -> None:
    def halve(x: Any) -> Any:
        return lax.while_loop(lambda s: s[1] > 0.3, lambda s: (s[0] + 1, s[1] * 0.5), (0, x))

    for start, most in ((4.0, 6), (0.125, 6), (4.0, 2)):
        got = private(lambda x, most=most: _named(from_jax(halve, most_steps=most)(x)), (np.array(start),))
        steps = min(most, int(halve(start)[0]))
        assert got[0] == steps and abs(got[1] - start * 0.5**steps) < 1e-4


def _named(tree: Any) -> dict[str, Any]:
    return {f"y{k}": leaf for k, leaf in enumerate(jax.tree_util.tree_leaves(tree))}
