"""Fixed point as schemes compute it: primitives on 64-bit rings, truncations off by up to a unit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tacit.base.types import FIXED, FRACTION_BITS, DType
from tacit.ir.op import OPS
from tacit.ir.program import Eqn, Program, Var

MOVES = (
    "reshape",
    "permute_dims",
    "broadcast_to",
    "concat",
    "take",
    "slice",
    "sum",
    "cumulative_sum",
    "subset_sums",
    "select",
    "bits",
    "parity",
)
LINEAR = ("add", "sub", "neg")
BITS = ("less", "logical_and", "logical_or", "logical_xor", "logical_not")


def encoded(values: np.ndarray, dtype: DType) -> np.ndarray:
    return np.rint(np.ldexp(values, FRACTION_BITS)).astype(np.int64) if dtype == FIXED else np.asarray(values)


def decoded(ring: np.ndarray, dtype: DType) -> np.ndarray:
    return np.ldexp(ring.astype(np.float64), -FRACTION_BITS) if dtype == FIXED else ring


class Ring:
    """Evaluates programs of primitives; `random` decides each truncation's last unit."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random

    def run(self, program: Program, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Outputs in order, decoded, for real, integer or bool inputs in order."""
        values: dict[Var, np.ndarray] = {}
        for (_, var), array in zip(program.ins, inputs, strict=True):
            values[var] = encoded(array, var.type.dtype)
        with np.errstate(over="ignore"):
            for eqn in program.eqns:
                values[eqn.outs[0]] = np.asarray(self.step(eqn, [values[var] for var in eqn.ins]))
        return [decoded(values[var], var.type.dtype) for _, var in program.outs]

    def step(self, eqn: Eqn, xs: list[np.ndarray]) -> np.ndarray:
        out, fixed = eqn.outs[0].type.dtype, [var.type.dtype == FIXED for var in eqn.ins]
        if eqn.op == "const":
            return encoded(OPS["const"].ref(**eqn.params), out)
        if eqn.op in ("mul", "square", "matmul"):
            product = OPS[eqn.op].ref(*xs, **eqn.params)
            return self.truncated(product) if all(fixed) else product
        if eqn.op == "astype":
            if fixed[0]:
                return xs[0] >> FRACTION_BITS
            return xs[0].astype(np.int64) << (FRACTION_BITS if out == FIXED else 0)
        if eqn.op == "scale_floor":
            places = FRACTION_BITS - eqn.params["bits"]
            return (xs[0] >> places) + self.random.integers(-1, 2, xs[0].shape) * (places > 0)
        if eqn.op == "shift_right":
            return self.shifted(xs[0], eqn.params["bits"])
        if eqn.op == "mul_shift":
            return self.shifted(np.multiply(*xs), eqn.params["bits"])
        if eqn.op in ("from_units", "to_secret"):
            return xs[0]
        assert eqn.op in MOVES + LINEAR + BITS, f"{eqn.op} is not a primitive"
        return OPS[eqn.op].ref(*xs, **eqn.params)

    def shifted(self, x: np.ndarray, places: int) -> np.ndarray:
        """Up or down, and a unit more or less, as a corrupted party may make it; exact without places."""
        return (x >> places) + self.random.integers(-1, 3, x.shape) * (places > 0)

    def truncated(self, product: np.ndarray) -> np.ndarray:
        return (product >> FRACTION_BITS) + self.random.integers(0, 2, product.shape)
