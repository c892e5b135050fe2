"""Element-wise quotients of shared reals; divisors between 2^-8 and 2^17."""

from __future__ import annotations

import argparse

import numpy as np

from bench.operation import ElementwiseTask
from tacit.base.types import FRACTION_BITS
from tacit.ir.program import Range


class Div(ElementwiseTask):
    name = "div"
    operator = "divide"
    summary = "quotients of --n pairs of values"
    n_operands = 2
    limit = 100.0

    def ranges(self) -> dict[str, Range]:
        """Divisors of one sign: an interval on both sides of 0 holds 0."""
        return {"x0": (-self.limit, self.limit), "x1": (2.0**-8, 2.0**17)}

    def inputs(self, options: argparse.Namespace, rng: np.random.Generator) -> list[np.ndarray]:
        numerators = super().inputs(options, rng)[0]
        sizes = np.exp2(rng.uniform(-8, 17, options.n))
        return [numerators, np.rint(np.ldexp(sizes, FRACTION_BITS)) * 2.0**-FRACTION_BITS]


TASK = Div()
