"""Element-wise quotients of shared reals; divisors of either sign between 2^-8 and 2^17."""

from __future__ import annotations

import argparse

import numpy as np

from bench.operation import ElementwiseTask
from tacit.base.types import FRACTION_BITS


class Div(ElementwiseTask):
    name = "div"
    operator = "divide"
    summary = "quotients of --n pairs of values"
    n_operands = 2
    limit = 100.0

    def inputs(self, options: argparse.Namespace, rng: np.random.Generator) -> list[np.ndarray]:
        numerators = super().inputs(options, rng)[0]
        sizes = np.exp2(rng.uniform(-8, 17, options.n)) * rng.choice([-1.0, 1.0], options.n)
        return [numerators, np.rint(np.ldexp(sizes, FRACTION_BITS)) * 2.0**-FRACTION_BITS]


TASK = Div()
