"""Two banks train one network with a hidden layer on the transactions of both: JAX, its gradients by `grad`.

Revealed: the losses before and after. The weights stay shared, for scoring under the same protocol.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import tacit
from tacit.compile.jax import from_jax

jax.config.update("jax_platforms", "cpu")

HIDDEN, ROUNDS, STEP = 4, 8, 0.8
_START = np.random.default_rng(10)
START = {"w": _START.normal(0, 0.7, (2, HIDDEN)), "v": _START.normal(0, 0.7, (HIDDEN,))}


def loss(weights: Any, rows: Any, labels: Any) -> Any:
    hidden = jnp.tanh(rows @ weights["w"])
    scores = jax.nn.sigmoid(hidden @ weights["v"])
    return jnp.mean((scores - labels) ** 2)


def train(our_rows: Any, our_labels: Any, their_rows: Any, their_labels: Any) -> Any:
    """The losses before the first step and after the last."""
    rows = jnp.concatenate([our_rows, their_rows])
    labels = jnp.concatenate([our_labels, their_labels])
    weights = jax.tree.map(jnp.asarray, START)
    first = loss(weights, rows, labels)
    for _ in range(ROUNDS):
        slope = jax.grad(loss)(weights, rows, labels)
        weights = jax.tree.map(lambda w, g: jnp.clip(w - STEP * g, -4.0, 4.0), weights, slope)
    return jnp.stack([first, loss(weights, rows, labels)])


def data() -> list[np.ndarray]:
    random = np.random.default_rng(11)
    parts = []
    for size in (40, 40):
        rows = random.uniform(-2, 2, (size, 2))
        parts += [rows, (rows[:, 0] * rows[:, 1] > 0).astype(float)]
    return parts


def main() -> tuple[np.ndarray, np.ndarray]:
    """(private losses, plain losses), each [2]."""
    parts = data()
    with tacit.sim(["bank", "partner"]) as parties:
        inputs = [
            parties["bank" if index < 2 else "partner"].private(part, limit=(-2.0, 2.0))
            for index, part in enumerate(parts)
        ]
        private = tacit.secure(from_jax(train))(*inputs)
    return private, np.asarray(train(*parts))


if __name__ == "__main__":
    print(main()[0])
