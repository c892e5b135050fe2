"""Where the highest bit of a secret number stands, and what follows from it.

Source   normalisation by a prefix-or of the bits: [CdH10] Catrina, de Hoogh, SCN 2010, section 3.
Differs  the position is never a number of its own: any function of it, bit by bit, is an exclusive or of
         prefix bits, hence free. Shifts by such a function select between a value and its multiple.
Cost     the bits of the number and log2(n) levels of n ORs for n candidate positions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tacit.ir.program import Builder, Var


@dataclass(frozen=True)
class Highest:
    """Bits y[..., k]: whether the highest bit stands at `low` + k or above."""

    prefix: Var
    low: int

    def places(self, b: Builder, function: Callable[[int], int]) -> list[Var]:
        """The bits, lowest first, of function(position); zero if no bit is set in the range."""
        n, axis = self.prefix.type.shape[-1], len(self.prefix.type.shape) - 1
        values = np.array([0, *(function(self.low + k) for k in range(n))])
        result = []
        for bit in range(int(values.max()).bit_length()):
            # The position passes from k - 1 to k where prefix bit k is set.
            flips = np.flatnonzero(np.diff(values >> bit & 1))
            result.append(b.emit("parity", b.emit("take", self.prefix, indices=flips, axis=axis)))
        return result


def highest(b: Builder, bits: Var, low: int, high: int) -> Highest:
    """Of the highest set bit among positions low .. high of `bits` [..., 64]; others are not looked at."""
    axis = len(bits.type.shape) - 1
    y = b.emit("slice", bits, start=low, stop=high + 1, axis=axis)
    n, span = high + 1 - low, 1
    while span < n:
        below = b.emit("slice", y, start=0, stop=n - span, axis=axis)
        above = b.emit("slice", y, start=span, stop=n, axis=axis)
        top = b.emit("slice", y, start=n - span, stop=n, axis=axis)
        y = b.emit("concat", b.emit("logical_or", below, above), top, axis=axis)
        span *= 2
    return Highest(y, low)
