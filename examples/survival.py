"""Two hospitals draw one survival curve (Kaplan, Meier 1958) of patients whom neither shows.

Revealed: the curve at the months asked for. Times and events of patients stay hidden.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import tacit
from tacit import xp

MONTHS = np.arange(1, 13)


def curve(our_months: Any, our_deaths: Any, their_months: Any, their_deaths: Any) -> Any:
    months = xp.expand_dims(xp.concat([our_months, their_months]), 0)
    deaths = xp.expand_dims(xp.concat([our_deaths, their_deaths]), 0)
    at = MONTHS.reshape(-1, 1)
    died = xp.sum(xp.astype(months == at, int) * deaths, axis=1)
    at_risk = xp.sum(xp.astype(months >= at, int), axis=1)
    count = months.shape[1]
    stays = 1.0 - xp.astype(died, float) / xp.astype(xp.clip(at_risk, 1, count), float)
    survival, alive = [], 1.0
    for month in range(len(MONTHS)):
        alive = xp.clip(alive * stays[month], 0.0, 1.0)
        survival.append(alive)
    return xp.stack(survival)


def data() -> list[np.ndarray]:
    random = np.random.default_rng(5)
    parts = []
    for size in (30, 25):
        parts += [random.integers(1, 13, size), random.integers(0, 2, size)]
    return parts


def main() -> tuple[np.ndarray, np.ndarray]:
    """(private curve, plain curve), each [12]."""
    parts = data()
    with tacit.sim(["university", "county"]) as parties:
        owners = ["university", "university", "county", "county"]
        limits = [(1, 12), (0, 1)] * 2
        inputs = [
            parties[owner].private(part, limit=limit)
            for owner, part, limit in zip(owners, parts, limits, strict=True)
        ]
        private = tacit.secure(curve)(*inputs)
    return private, np.asarray(curve(*parts))


if __name__ == "__main__":
    print(main()[0])
