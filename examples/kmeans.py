"""Two retailers group their customers together: k-means on points that neither shows.

Only the final centres are revealed. The same function runs on plain arrays, which is the check.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import tacit
from tacit import xp

ROUNDS = 4


def kmeans(ours: Any, theirs: Any) -> Any:
    points = xp.concat([ours, theirs])
    centres = xp.asarray(START)
    for _ in range(ROUNDS):
        gaps = xp.expand_dims(points, 1) - xp.expand_dims(centres, 0)
        nearest = xp.one_hot(xp.argmin(xp.sum(gaps * gaps, axis=2), axis=1), 3)
        members = xp.astype(nearest, float)
        counts = xp.clip(xp.sum(members, axis=0), 1.0, float(len(points)))
        centres = xp.matrix_transpose(members) @ points / xp.expand_dims(counts, 1)
        centres = xp.clip(centres, -8.0, 8.0)
    return centres


START = np.array([[-1.0, -1.0], [0.0, 1.0], [1.0, 0.0]])


def data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    middles = np.array([[-4.0, -3.0], [0.0, 4.0], [5.0, 0.0]])
    points = np.concatenate([random.normal(middle, 0.6, (20, 2)) for middle in middles])
    points = random.permutation(points)
    return points[:25], points[25:]


def main() -> tuple[np.ndarray, np.ndarray]:
    """(private result, plain result), both [3, 2]."""
    ours, theirs = data()
    with tacit.sim(["grocer", "chemist"]) as parties:
        private = tacit.secure(kmeans)(
            parties["grocer"].private(ours, limit=8.0), parties["chemist"].private(theirs, limit=8.0)
        )
    return private, np.asarray(kmeans(ours, theirs))


if __name__ == "__main__":
    print(main()[0])
