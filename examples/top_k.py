"""Three regions find the five largest exposures among all of theirs, and nothing about the others.

Revealed: the five values, largest first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import tacit
from tacit import xp


def largest(a: Any, b: Any, c: Any) -> Any:
    return xp.top_k(xp.concat([a, b, c]), 5)


def data() -> list[np.ndarray]:
    random = np.random.default_rng(8)
    return [np.round(random.exponential(50.0, size), 2) for size in (40, 30, 50)]


def main() -> tuple[np.ndarray, np.ndarray]:
    """(private values, plain values), each [5]."""
    parts, names = data(), ["north", "middle", "south"]
    with tacit.sim(names) as parties:
        inputs = [parties[name].private(part, limit=1000.0) for name, part in zip(names, parts, strict=True)]
        private = tacit.secure(largest)(*inputs)
    return private, np.sort(np.concatenate(parts))[::-1][:5]


if __name__ == "__main__":
    print(main()[0])
