"""Two insurers fit one Poisson regression of claim counts by iteratively reweighted least squares.

Revealed: the coefficients. Source: McCullagh, Nelder, "Generalized Linear Models", 1989, section 2.5; the
normal equations are inverted by Newton's and Schulz's iteration, which needs products only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import tacit
from tacit import xp

STEPS, INVERSION = 5, 12
ROWS, COUNTS = (-1.0, 1.0), (0.0, 16.0)
"""Ranges that all parties know."""


def inverse(matrix: Any, size: int) -> Any:
    """Of a positive definite matrix with a trace of at most 8."""
    result = xp.eye(size) * 0.2
    for _ in range(INVERSION):
        result = xp.clip(result @ (2.0 * xp.eye(size) - matrix @ result), -64.0, 64.0)
    return result


def coefficients(our_rows: Any, our_counts: Any, their_rows: Any, their_counts: Any) -> Any:
    rows, counts = xp.concat([our_rows, their_rows]), xp.concat([our_counts, their_counts])
    n, size = rows.shape
    beta = xp.zeros((size,))
    for _ in range(STEPS):
        mean = xp.exp(xp.clip(rows @ beta, -3.0, 3.0))
        weighted = rows * xp.expand_dims(mean, 1)
        information = xp.matrix_transpose(rows) @ weighted / float(n)
        gradient = (counts - mean) @ rows / float(n)
        beta = xp.clip(beta + inverse(information, size) @ gradient, -4.0, 4.0)
    return beta


def data() -> list[np.ndarray]:
    random = np.random.default_rng(9)
    parts = []
    for size in (60, 50):
        rows = np.column_stack([np.ones(size), random.uniform(-1, 1, (size, 2))])
        parts += [rows, random.poisson(np.exp(rows @ [0.3, 0.6, -0.4])).astype(float)]
    return parts


def main() -> tuple[np.ndarray, np.ndarray]:
    """(private coefficients, plain coefficients), each [3]."""
    parts = data()
    with tacit.sim(["motor", "home"]) as parties:
        inputs = [
            parties["motor" if index < 2 else "home"].private(
                part, limit=(-1.0, 1.0) if index % 2 == 0 else (0.0, 16.0)
            )
            for index, part in enumerate(parts)
        ]
        private = tacit.secure(coefficients)(*inputs)
    return private, np.asarray(coefficients(*parts))


if __name__ == "__main__":
    print(main()[0])
