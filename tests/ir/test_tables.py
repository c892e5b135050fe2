"""The tables of the non-linear operators: how they were found, and that the bounds hold on dense grids."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.special import erfc

from tacit.base.types import FIXED, FRACTION_BITS, SECRET, Type
from tacit.ir.op import OPS
from tacit.ir.ops.division import INVERSE
from tacit.ir.ops.exponential import POWER_OF_TWO
from tacit.ir.ops.nonlinear import COEFFICIENT_BITS, GAUSSIAN_TAIL, SIGMOID, TANH, Pieces
from tacit.ir.ops.roots import INVERSE_ROOT, LOGARITHM
from tacit.ir.program import Builder
from tests.ir.ring import Ring

Function = Callable[[np.ndarray], np.ndarray]
UNIT = 2.0**-FRACTION_BITS
TARGET = 2.0**-15


def one(x: np.ndarray) -> np.ndarray:
    return np.ones_like(x)


def best(
    function: Function, low: float, high: float, degree: int, weight: Function, rounded: dict[int, float]
) -> tuple[dict[int, float], float]:
    """Coefficients of the free powers that minimise the largest weighted error on [low, high], and it."""
    x = low + (high - low) * (1 - np.cos(np.linspace(0, np.pi, 600))) / 2
    wanted = (function(x) - sum(value * x**k for k, value in rounded.items())) * weight(x)
    free = [k for k in range(degree + 1) if k not in rounded]
    powers = np.stack([x**k * weight(x) for k in free], axis=1)
    slack = np.ones((len(x), 1))
    found = linprog(
        [0.0] * len(free) + [1.0],
        A_ub=np.block([[powers, -slack], [-powers, -slack]]),
        b_ub=np.concatenate((wanted, -wanted)),
        bounds=[(None, None)] * len(free) + [(0, None)],
        method="highs",
    )
    return dict(zip(free, found.x, strict=False)), float(found.x[-1])


PIECEWISE: dict[str, tuple[Pieces, Function]] = {
    "sigmoid": (SIGMOID, lambda x: 1 / (1 + np.exp(-x))),
    "tanh": (TANH, np.tanh),
    "gaussian tail": (GAUSSIAN_TAIL, lambda x: x * erfc(x / np.sqrt(2)) / 2),
}


@pytest.mark.parametrize("name", PIECEWISE)
def test_every_piece_is_as_good_as_a_new_search_and_reaches_as_far(name: str) -> None:
    table, function = PIECEWISE[name]
    degree, low = len(table.coefficients[0]) - 1, 0.0

    def scaled(u: np.ndarray) -> np.ndarray:
        return function(u * table.scale)

    for knot, coefficients in zip(table.knots, table.coefficients, strict=True):
        ends = low / table.scale, knot / table.scale
        u = np.linspace(*ends, 4001)
        stated = sum(c * 2.0**-COEFFICIENT_BITS * u**k for k, c in enumerate(coefficients))
        error = best(scaled, *ends, degree, one, {})[1]
        assert np.max(np.abs(stated - scaled(u))) <= max(1.01 * error, TARGET + 2.0**-20)
        if knot != table.knots[-1]:
            further = best(scaled, ends[0], ends[1] + 1 / 32, degree, one, {})[1]
            assert further > 0.99 * TARGET, f"the piece up to {knot} could reach further"
        low = knot
    beyond = np.linspace(table.knots[-1], 40, 4001)
    assert np.max(np.abs(function(beyond) - table.last)) <= TARGET


POLYNOMIALS: dict[str, tuple[tuple[int, ...], Function, float, float, Function, float]] = {
    "2^r": (POWER_OF_TWO, np.exp2, 0.0, 1.0, lambda x: np.exp2(-x), -22.8),
    "1/m": (INVERSE, lambda x: 1 / x, 1.0, 2.0, lambda x: x, -9.17),
    "1/sqrt(m)": (INVERSE_ROOT, lambda x: x**-0.5, 1.0, 4.0, np.sqrt, -8.88),
    "ln(m)": (LOGARITHM, np.log, 1.0, 2.0, one, -22.0),
}


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials_are_as_good_as_stated_and_as_a_new_search(name: str) -> None:
    coefficients, function, low, high, weight, stated = POLYNOMIALS[name]
    x = np.linspace(low, high, 20_001)
    value = sum(c * 2.0**-24 * x**k for k, c in enumerate(coefficients))
    worst = float(np.max(np.abs((value - function(x)) * weight(x))))
    assert np.log2(worst) <= stated
    assert worst <= 2 * best(function, low, high, len(coefficients) - 1, weight, {})[1] + 2.0**-22.5


def logarithmic(low: float, high: float) -> np.ndarray:
    return np.exp2(np.linspace(low, high, 100_001))


SWEEPS: list[tuple[str, np.ndarray]] = [
    ("exp", np.linspace(-16, 16, 100_001)),
    ("exp", np.linspace(-8000, -16, 10_001)),
    ("log", logarithmic(-12, 25)),
    ("reciprocal", logarithmic(-8, 17)),
    ("reciprocal", -logarithmic(-8, 17)),
    ("sqrt", np.concatenate([[0.0], logarithmic(-18, 25)])),
    ("rsqrt", logarithmic(-12, 25)),
    *(
        (name, np.linspace(low, high, 100_001))
        for name in ("sigmoid", "tanh", "gelu")
        for low, high in ((-14, 14), (-0.01, 0.01), (-5000, 5000), (-6.7e7, 6.7e7), (-8e12, 8e12))
    ),
]


def run(name: str, *inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(what comes out when every truncation is off at random, what should), on the encoding's grid."""
    grids = [np.rint(x / UNIT) * UNIT for x in inputs]
    op, builder = OPS[name], Builder()
    assert op.lower is not None
    taken = [builder.input(f"x{i}", Type(SECRET, FIXED, grid.shape)) for i, grid in enumerate(grids)]
    program = builder.build(name, {"out": op.lower(builder, *taken)})
    (found,) = Ring(np.random.default_rng(3)).run(program, grids)
    return found, op.ref(*grids)


@pytest.mark.parametrize(("name", "x"), SWEEPS, ids=[f"{name}-{x[0]:.3g}" for name, x in SWEEPS])
def test_the_contract_holds_with_truncations(name: str, x: np.ndarray) -> None:
    """|error| <= 2^-14 max(1, |y|), and within the operator's own bound."""
    found, wanted = run(name, x)
    error = np.abs(found - wanted)
    assert np.all(error <= 2.0**-14 * np.maximum(1, np.abs(wanted)))
    bound = OPS[name].error
    assert np.all(error <= bound.absolute + bound.relative * np.abs(wanted))


def test_quotients_keep_the_contract() -> None:
    rng = np.random.default_rng(5)
    divisors = np.exp2(rng.uniform(-8, 17, 200_000)) * rng.choice([-1.0, 1.0], 200_000)
    quotients = np.exp2(rng.uniform(-20, 14.9, 200_000)) * rng.choice([-1.0, 1.0], 200_000)
    numerators = np.clip(divisors * quotients, -(2.0**22), 2.0**22)
    found, wanted = run("divide", numerators, divisors)
    assert np.all(np.abs(found - wanted) <= 2.0**-14 * np.maximum(1, np.abs(wanted)))
