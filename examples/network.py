"""Two banks train one network with a hidden layer on the transactions of both, by gradient descent.

Revealed: the losses before and after. The weights stay shared, for scoring under the same protocol.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import tacit
from tacit import xp

HIDDEN, ROUNDS, STEP = 4, 8, 0.8
_START = np.random.default_rng(10)
W_START, V_START = _START.normal(0, 0.7, (2, HIDDEN)), _START.normal(0, 0.7, (HIDDEN,))


def losses(our_rows: Any, our_labels: Any, their_rows: Any, their_labels: Any) -> Any:
    rows, labels = xp.concat([our_rows, their_rows]), xp.concat([our_labels, their_labels])
    w, v, n = xp.asarray(W_START), xp.asarray(V_START), float(rows.shape[0])
    history = []
    for _ in range(ROUNDS):
        hidden = xp.tanh(rows @ w)
        errors = xp.sigmoid(hidden @ v) - labels
        history.append(xp.mean(errors * errors))
        inner = xp.expand_dims(errors, 1) * xp.expand_dims(v, 0) * (1.0 - hidden * hidden)
        w = xp.clip(w - STEP / n * (xp.matrix_transpose(rows) @ inner), -4.0, 4.0)
        v = xp.clip(v - STEP / n * (xp.matrix_transpose(hidden) @ errors), -4.0, 4.0)
    return xp.stack([history[0], history[-1]])


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
        private = tacit.secure(losses)(*inputs)
    return private, np.asarray(losses(*parts))


if __name__ == "__main__":
    print(main()[0])
