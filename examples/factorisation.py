"""Two platforms complete one table of ratings: gradient descent on user and item factors, all of them secret.

Revealed: the completed ratings of the first user only. Source: Koren, Bell, Volinsky 2009, without biases.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import tacit
from tacit import xp

USERS, ITEMS, RANK, ROUNDS, STEP = 6, 5, 2, 15, 0.05
_START = np.random.default_rng(6)
USER_START = _START.uniform(0.2, 0.9, (USERS, RANK))
ITEM_START = _START.uniform(0.2, 0.9, (ITEMS, RANK))


def completed(ratings: Any, known: Any, more_ratings: Any, more_known: Any) -> Any:
    target, mask = ratings * known + more_ratings * more_known, known + more_known
    users, items = xp.asarray(USER_START), xp.asarray(ITEM_START)
    for _ in range(ROUNDS):
        errors = mask * (users @ xp.matrix_transpose(items)) - target
        users, items = (
            xp.clip(users - STEP * (errors @ items), -2.0, 2.0),
            xp.clip(items - STEP * (xp.matrix_transpose(errors) @ users), -2.0, 2.0),
        )
    return users[0] @ xp.matrix_transpose(items)


def data() -> list[np.ndarray]:
    random = np.random.default_rng(7)
    truth = random.uniform(0.3, 1.0, (USERS, RANK)) @ random.uniform(0.3, 1.0, (ITEMS, RANK)).T
    whose = random.integers(0, 3, (USERS, ITEMS))
    first, second = (whose == 0).astype(float), (whose == 1).astype(float)
    return [truth * first, first, truth * second, second]


def main() -> tuple[np.ndarray, np.ndarray]:
    """(private ratings, plain ratings), each [5]."""
    parts = data()
    with tacit.sim(["cinema", "radio"]) as parties:
        inputs = [
            parties["cinema" if index < 2 else "radio"].private(
                part, limit=(0.0, 2.0 if index % 2 == 0 else 1.0)
            )
            for index, part in enumerate(parts)
        ]
        private = tacit.secure(completed)(*inputs)
    return private, np.asarray(completed(*parts))


if __name__ == "__main__":
    print(main()[0])
