"""How fast this machine is now: a short loop of what parties do, timed with the rates and again here.

Rates that ship come from one machine in one of its moods. A machine that takes twice as long for `reference`
is taken to need twice as long for everything; links are not scaled. The loop has the three things that a
party's time goes to: Python between operators, the expansion of seeds, and arithmetic on arrays.
"""

from __future__ import annotations

from statistics import median

import numpy as np

from tacit.base.prg import Prg
from tacit.base.secret import Secret
from tacit.base.transport import Clock
from tacit.run.explain.rates import Rates

ROUNDS = 9
STEPS, WORDS = 4_000, 1 << 17
_SEED = bytes(16)


def reference(clock: Clock) -> float:
    """Seconds of one round of the loop, the median of several: some 30 ms in all. `clock` runs."""
    x, taken = Prg(Secret(_SEED)).ring((WORDS,)), list[float]()
    for _ in range(ROUNDS):
        started = clock.now_s()
        _round(x)
        taken.append(clock.now_s() - started)
    return median(taken)


def paced(rates: Rates, clock: Clock) -> Rates:
    """`rates` as this machine would give them at present. Measured without a pace, they stay as they are."""
    return rates.scaled(reference(clock) / rates.pace_s) if rates.pace_s else rates


def _round(x: np.ndarray) -> None:
    counts: dict[int, int] = {}
    for step in range(STEPS):
        counts[step % 7] = counts.get(step % 7, 0) + step
    mask = Prg(Secret(_SEED)).ring((WORDS,))
    for _ in range(4):
        mask = x * mask + x
