"""JAX functions in private against JAX itself: gradients, vmap, loops, branches, common layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tacit
from tacit import xp
from tacit.base.errors import UsageError

jax = pytest.importorskip("jax")
jnp, lax = jax.numpy, jax.lax
jax.config.update("jax_platforms", "cpu")

from tacit.compile.jax import from_jax  # noqa: E402


def both(function: Callable[..., Any], *arrays: np.ndarray, limit: float | tuple[float, float] = 4.0) -> None:
    with tacit.sim(["a", "b", "c"]) as parties:
        inputs = [
            parties["abc"[index % 3]].private(array, limit=limit if array.dtype.kind == "f" else 64)
            for index, array in enumerate(arrays)
        ]
        got = tacit.secure(from_jax(function))(*inputs)
    expected = function(*(jnp.asarray(array) for array in arrays))
    leaves, others = jax.tree_util.tree_leaves(got), jax.tree_util.tree_leaves(expected)
    assert len(leaves) == len(others)
    for mine, theirs in zip(leaves, others, strict=True):
        theirs = np.asarray(theirs, np.float64)
        assert np.shape(mine) == theirs.shape
        assert np.all(
            np.abs(np.asarray(mine, np.float64) - theirs) <= 2.0**-10 * np.maximum(1, np.abs(theirs))
        )


X = np.random.default_rng(0).uniform(-1.5, 1.5, (3, 4))
W = np.random.default_rng(1).uniform(-1, 1, (4, 2))
B = np.array([0.5, -0.25])
Y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
N = np.array([3, -5, 7, 12])


def loss(w: Any, b: Any, x: Any, y: Any) -> Any:
    return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(x @ w + b), axis=-1))


def layer_norm(x: Any) -> Any:
    mean = x.mean(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(x.var(-1, keepdims=True) + 0.01)


def attention(x: Any) -> Any:
    heads = x.reshape(3, 2, 2).transpose(1, 0, 2)
    scores = jnp.einsum("hqd,hkd->hqk", heads, heads) / jnp.sqrt(2.0)
    return jnp.einsum("hqk,hkd->hqd", jax.nn.softmax(scores, axis=-1), heads)


CASES: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "softmax": (lambda x: jax.nn.softmax(x, axis=-1), (X,)),
    "sigmoid": (lambda x: jax.nn.sigmoid(2.0 * x) + jax.nn.relu(x), (X,)),
    "gelu": (lambda x: jax.nn.gelu(x, approximate=False), (X,)),
    "gelu-tanh": (lambda x: jax.nn.gelu(x), (X,)),
    "layer-norm": (layer_norm, (X,)),
    "attention": (attention, (X,)),
    "linear": (lambda x, w, b: x @ w + b, (X, W, B)),
    "loss": (loss, (W, B, X, Y)),
    "gradient": (jax.grad(loss, argnums=(0, 1)), (W, B, X, Y)),
    "vmap": (jax.vmap(lambda row: jnp.dot(row, row) + row[0]), (X,)),
    "jit": (jax.jit(lambda x: jnp.where(x > 0, x, 0.1 * x)), (X,)),
    "scan": (lambda x: lax.scan(lambda c, r: (c * 0.5 + r, c), jnp.zeros(4), x), (X,)),
    "scan-reverse": (lambda x: lax.scan(lambda c, r: (c + r, c), jnp.zeros(4), x, reverse=True)[1], (X,)),
    "fori": (lambda x: lax.fori_loop(0, 3, lambda i, c: c * 0.5 + i, x), (X,)),
    "while": (
        lambda x: lax.while_loop(lambda s: s[0] < 4, lambda s: (s[0] + 1, s[1] * 0.5), (0, x))[1],
        (X,),
    ),
    "cond-on-a-secret": (lambda x: lax.cond(x[0, 0] > 0, lambda v: v + 1.0, lambda v: -v, x), (X,)),
    "switch-on-a-secret": (
        lambda x, n: lax.switch(n[0] - 2, [lambda v: v, lambda v: 2.0 * v, lambda v: -v], x),
        (X, N),
    ),
    "slices": (lambda x: x[1:, ::2] + x[:2, 1::2], (X,)),
    "gather": (lambda x: x[jnp.array([2, 0])][:, jnp.array([1, 1, 3])], (X,)),
    "pad": (lambda x: jnp.pad(x, ((1, 0), (0, 2))), (X,)),
    "update": (lambda x: x.at[1, 2].set(0.5), (X,)),
    "argmax": (lambda x: jnp.argmax(x, axis=1) + jnp.argmin(x, axis=1), (X,)),
    "reductions": (lambda x: (x.max(), x.min(0), x.sum(1), jnp.prod(x, axis=1)), (X,)),
    "cumulative": (lambda x: jnp.cumsum(x, axis=1), (X,)),
    "integers": (lambda n: (n // 2, n % 3, jnp.sum(n), n * 2 > 6), (N,)),
    "trigonometric": (lambda x: jnp.sin(x) * jnp.cos(2.0 * x) + jnp.arctan2(x, 1.5 - x), (X,)),
    "powers": (lambda x: x**3 + jnp.sqrt(x * x + 1.0) + jnp.exp2(x), (X,)),
    "erf": (jax.scipy.special.erf, (2.0 * X,)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_jax_function_gives_what_jax_gives(name: str) -> None:
    function, arrays = CASES[name]
    both(function, *arrays)


def test_training_steps_by_grad_lower_the_loss() -> None:
    def train(w: Any, b: Any, x: Any, y: Any) -> Any:
        for _ in range(3):
            step = jax.grad(loss, argnums=(0, 1))(w, b, x, y)
            w, b = w - 0.5 * step[0], b - 0.5 * step[1]
        return loss(w, b, x, y)

    both(train, W, B, X, Y)
    assert train(*map(jnp.asarray, (W, B, X, Y))) < loss(*map(jnp.asarray, (W, B, X, Y)))


def test_a_loop_stays_a_loop() -> None:
    with tacit.sim(["a", "b", "c"]) as parties:
        x = parties["a"].private(np.zeros((200, 4)), limit=1.0)
        function = from_jax(lambda x: lax.scan(lambda c, r: (c * 0.5 + r, None), jnp.zeros(4), x)[0])
        program = tacit.secure(function).program(x)
    assert [eqn.op for eqn in program.eqns].count("scan") == 1 and len(program.eqns) < 12


@pytest.mark.parametrize(
    ("function", "code"),
    [
        (lambda x: lax.while_loop(lambda c: c[0, 0] < 1.0, lambda c: c * 2.0, x), "COMPILE-0005"),
        (lambda x: jnp.linalg.eigvals(x[:, :3]).real, "COMPILE-0004"),
    ],
    ids=["while-on-a-secret", "unknown-primitive"],
)
def test_what_has_no_private_meaning_is_refused_with_a_name(function: Any, code: str) -> None:
    with tacit.sim(["a", "b", "c"]) as parties, pytest.raises(UsageError) as refused:
        tacit.secure(from_jax(function)).program(parties["a"].private(X, limit=4.0))
    assert refused.value.code == code


def test_only_in_functions_of_jax_are_arguments_moved_into_what_operators_take() -> None:
    with tacit.sim(["a", "b", "c"]) as parties:
        near, x = parties["a"].private(np.zeros(3), limit=(0.0, 2.0)), parties["a"].private(X, limit=3.0)

        def program(function: Callable[..., Any], *inputs: Any) -> Any:
            secretly = tacit.secure(lambda *given: from_jax(function)(*map(xp.to_secret, given)))
            return secretly.program(*inputs)

        for function in (jnp.log, lambda v: 1.0 / v):
            with pytest.raises(UsageError) as refused:
                program(function, near)
            assert refused.value.code == "RANGE-0001"
        assert program(jax.scipy.stats.norm.logcdf, x).eqns
