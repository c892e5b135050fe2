"""Two payment networks rank merchants on the graph of both, of which each knows only its own edges.

Revealed: the ranks. Edges, degrees and the union of the graphs stay hidden.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import tacit
from tacit import xp

N, DAMPING, ROUNDS = 10, 0.85, 12


def ranks(ours: Any, theirs: Any) -> Any:
    edges = xp.clip(ours + theirs, 0.0, 1.0)
    degree = xp.sum(edges, axis=1, keepdims=True)
    dangling = xp.astype(degree < 0.5, float)
    shares = edges / xp.clip(degree + dangling, 1.0, float(N)) + dangling / float(N)
    rank = xp.full((N,), 1.0 / N)
    for _ in range(ROUNDS):
        rank = xp.clip(rank @ shares * DAMPING + (1.0 - DAMPING) / N, 0.0, 1.0)
    return rank


def data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(4)
    edges = (random.uniform(size=(2, N, N)) < 0.2).astype(float)
    edges[:, :, 0] = (random.uniform(size=(2, N)) < 0.6).astype(float)
    return edges[0], edges[1]


def main() -> tuple[np.ndarray, np.ndarray]:
    """(private ranks, plain ranks), each [10]."""
    ours, theirs = data()
    with tacit.sim(["card", "transfer"]) as parties:
        private = tacit.secure(ranks)(
            parties["card"].private(ours, limit=(0.0, 1.0)),
            parties["transfer"].private(theirs, limit=(0.0, 1.0)),
        )
    return private, np.asarray(ranks(ours, theirs))


if __name__ == "__main__":
    print(main()[0])
