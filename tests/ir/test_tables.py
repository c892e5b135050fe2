"""The tables of the non-linear operators: how they were found, and that the bounds hold on dense grids."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.special import erfc

from tacit.base.types import FIXED, FRACTION_BITS, SECRET, Type
from tacit.compile.passes.lower import lower
from tacit.ir.op import OPS
from tacit.ir.ops.division import INVERSE
from tacit.ir.ops.exponential import EXP2
from tacit.ir.ops.logarithm import LOG
from tacit.ir.ops.nonlinear import COEFFICIENT_BITS, GAUSSIAN_TAIL, SIGMOID, TANH, TANH_GELU_TAIL, Pieces
from tacit.ir.ops.polynomial import V_BITS, Coefficients
from tacit.ir.ops.roots import RSQRT, SQRT
from tacit.ir.program import Builder, check
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
    "tail by tanh": (
        TANH_GELU_TAIL,
        lambda x: 0.5 * x * (1 - np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
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


POLYNOMIALS: dict[str, tuple[Coefficients, Function, Function, float]] = {
    "2^r": (EXP2, lambda v: 2 ** ((v + 1) / 2), lambda v: 2 ** (-(v + 1) / 2), -18.3),
    "1/m": (INVERSE, lambda v: 4 / (v + 3), lambda v: (v + 3) / 4, -16.7),
    "sqrt(m)": (SQRT, lambda v: np.sqrt((v + 3) / 4), one, -17.0),
    "1/sqrt(m)": (RSQRT, lambda v: 2 / np.sqrt(v + 3), one, -18.4),
    "ln(m)": (LOG, lambda v: np.log((v + 3) / 4), one, -18.9),
}
"""Coefficients in units of 2^-20, function of v in [-1, 1], weight of its error, log2 of the largest one."""


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials_are_as_good_as_stated_and_as_a_new_search(name: str) -> None:
    coefficients, function, weight, stated = POLYNOMIALS[name]
    v = np.linspace(-1.0, 1.0, 20_001)
    value = sum(c * 2.0**-V_BITS * v**k for k, c in enumerate(coefficients))
    worst = float(np.max(np.abs((value - function(v)) * weight(v))))
    assert np.log2(worst) <= stated
    degree, rounding = len(coefficients) - 1, len(coefficients) / 2 * 2.0**-V_BITS
    assert worst <= best(function, -1.0, 1.0, degree, weight, {})[1] + rounding


def logarithmic(low: float, high: float) -> np.ndarray:
    """As many points in every octave, and both sides of every power of two."""
    powers = np.exp2(np.arange(np.ceil(low), np.floor(high) + 1))
    spread = np.exp2(np.linspace(low, high, 100_001))
    return np.concatenate([spread, powers, powers[1:] - UNIT, powers[:-1] + UNIT])


SWEEPS: list[tuple[str, np.ndarray]] = [
    ("exp", np.linspace(-16, 16, 100_001)),
    ("exp", np.linspace(-13, -12, 100_001)),
    ("exp", np.linspace(-1.7e13, -16, 100_001)),
    ("log", logarithmic(-12, 25)),
    ("reciprocal", logarithmic(-8, 17)),
    ("reciprocal", -logarithmic(-8, 17)),
    ("sqrt", np.concatenate([[0.0], logarithmic(-18, 25)])),
    ("sqrt", np.linspace(0, 2.0**-10, 257)),
    ("rsqrt", logarithmic(-12, 25)),
    *(
        (name, np.linspace(low, high, 100_001))
        for name in ("sigmoid", "tanh", "gelu", "gelu_tanh")
        for low, high in ((-14, 14), (-0.01, 0.01), (-5000, 5000), (-6.7e7, 6.7e7), (-8e12, 8e12))
    ),
]


def run(name: str, *inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(what comes out when every truncation is off at random, what should), on the encoding's grid."""
    grids = [np.rint(x / UNIT) * UNIT for x in inputs]
    builder = Builder()
    taken = [builder.input(f"x{i}", Type(SECRET, FIXED, grid.shape)) for i, grid in enumerate(grids)]
    whole = builder.build(name, {"out": builder.emit(name, *taken)})
    program = check(lower(lambda other: OPS[other].lower is None)(whole))
    (found,) = Ring(np.random.default_rng(3)).run(program, grids)
    return found, OPS[name].ref(*grids)


@pytest.mark.parametrize(("name", "x"), SWEEPS, ids=[f"{name}-{x[0]:.3g}-{x[-1]:.3g}" for name, x in SWEEPS])
def test_the_contract_holds_with_truncations(name: str, x: np.ndarray) -> None:
    """|error| <= 2^-14 max(1, |y|), and within the operator's own bound."""
    found, wanted = run(name, x)
    error = np.abs(found - wanted)
    assert np.all(error <= 2.0**-14 * np.maximum(1, np.abs(wanted)))
    bound = OPS[name].error
    assert np.all(error <= bound.absolute + bound.relative * np.abs(wanted))


@pytest.mark.parametrize("largest", [0.01, 2.0, 1e4, 2.0**24 - 1])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_quotients_keep_the_contract(largest: float, sign: float) -> None:
    divisors = logarithmic(-8, 17)
    quotients = np.random.default_rng(5).uniform(-largest, largest, divisors.shape)
    found, wanted = run("divide", quotients * divisors, sign * divisors)
    error = np.abs(found - wanted)
    assert np.all(error <= 2.0**-14 * np.maximum(1, np.abs(wanted)))
    bound = OPS["divide"].error
    assert np.all(error <= bound.absolute + bound.relative * np.abs(wanted))
