"""A lender scores an applicant with its own decision tree; the applicant's employer holds the features.

The tree's thresholds and leaves stay with the lender, the features with the employer. Revealed: the scores.
Every inner node is compared, whatever the path, so that the path does not show.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import tacit
from tacit import xp

FEATURE = np.array([0, 2, 1])
"""Which feature each inner node looks at: the shape of the tree is public, its numbers are not."""


def scores(thresholds: Any, leaves: Any, features: Any) -> Any:
    seen = xp.take(features, FEATURE, axis=1)
    right = xp.astype(seen > thresholds, float)
    root, low, high = right[:, 0], right[:, 1], right[:, 2]
    left = 1.0 - root
    paths = xp.stack([left * (1.0 - low), left * low, root * (1.0 - high), root * high], axis=1)
    return paths @ leaves


def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    return (
        np.array([0.5, -1.0, 2.0]),
        np.array([10.0, 25.0, 40.0, 80.0]),
        np.round(random.uniform(-4, 4, (12, 3)), 3),
    )


def main() -> tuple[np.ndarray, np.ndarray]:
    """(private scores, plain scores), each [12]."""
    thresholds, leaves, features = data()
    with tacit.sim(["lender", "employer"]) as parties:
        private = tacit.secure(scores)(
            parties["lender"].private(thresholds, limit=4.0),
            parties["lender"].private(leaves, limit=100.0),
            parties["employer"].private(features, limit=4.0),
        )
    return private, np.asarray(scores(thresholds, leaves, features))


if __name__ == "__main__":
    print(main()[0])
