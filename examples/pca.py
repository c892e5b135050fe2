"""Three clinics find the main direction of their patients' measurements, by power iteration on the
covariance.

Revealed: the first principal component and its share of the variance.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import tacit
from tacit import xp

ROUNDS = 10


def first_component(a: Any, b: Any, c: Any) -> dict[str, Any]:
    rows = xp.concat([a, b, c])
    centred = rows - xp.mean(rows, axis=0, keepdims=True)
    covariance = xp.matrix_transpose(centred) @ centred / float(len(rows) - 1)
    direction = xp.ones((rows.shape[1],)) / float(np.sqrt(rows.shape[1]))
    for _ in range(ROUNDS):
        direction = covariance @ direction
        length = xp.clip(xp.sum(direction * direction), 2.0**-8, 2.0**12)
        direction = xp.clip(direction * xp.rsqrt(length), -1.0, 1.0)
    along = xp.sum(direction * (covariance @ direction))
    total = sum(covariance[i, i] for i in range(rows.shape[1]))
    return {"component": direction, "share": along / xp.clip(total, 2.0**-4, 2.0**10)}


def data() -> list[np.ndarray]:
    random = np.random.default_rng(2)
    hidden = random.normal(size=(60, 1)) @ np.array([[1.0, -0.5, 0.25, 0.8]])
    rows = np.clip(hidden + 0.2 * random.normal(size=(60, 4)), -4.0, 4.0)
    return np.split(rows, 3)


def main() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """(private results, plain results)."""
    parts, names = data(), ["north", "middle", "south"]
    with tacit.sim(names) as parties:
        inputs = [parties[name].private(part, limit=4.0) for name, part in zip(names, parts, strict=True)]
        private = tacit.secure(first_component)(*inputs)
    return private, {key: np.asarray(value) for key, value in first_component(*parts).items()}


if __name__ == "__main__":
    for name, value in main()[0].items():
        print(name, value)
