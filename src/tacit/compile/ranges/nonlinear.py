"""Rules of the functions that are not polynomials: their images, and where their error bounds are promised.

On shares such an operator is an approximation whose lowering is covered by its own tests, for inputs in the
domain named here; an input that is not proved to lie in it is refused. In plaintext nothing is needed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tacit.compile.ranges.interval import UNKNOWN, Form, Interval, point
from tacit.compile.ranges.rules import RULES, rule
from tacit.compile.ranges.step import Step
from tacit.ir.op import OPS

ERROR = 2.0**-13
"""Absolute and relative: at least twice the error of every function here."""
Increasing = Callable[[np.ndarray], np.ndarray]
Domain = tuple[float, float, str]

NOT_BELOW_ZERO = (0.0, 2.0**25, "values from 0 to 2^25")
POSITIVE = (2.0**-12, 2.0**25, "values from 2^-12 to 2^25")
DIVISOR = (2.0**-8, 2.0**17, "divisors from 2^-8 to 2^17 in magnitude, of one sign")
QUOTIENT = (-(2.0**24), 2.0**24, "quotients below 2^24 in magnitude")
ANYWHERE = (-(2.0**43), 2.0**43, "values below 2^43 in magnitude")
DOMAINS: dict[str, Domain] = {
    "sigmoid": ANYWHERE,
    "tanh": ANYWHERE,
    "gelu": ANYWHERE,
    "gelu_tanh": ANYWHERE,
    "exp": (-(2.0**43), 16.0, "values up to 16"),
    "log": POSITIVE,
    "sqrt": NOT_BELOW_ZERO,
    "rsqrt": POSITIVE,
}


def approximate(s: Step, exact: Interval) -> Interval:
    """`exact` and the operator's error."""
    bound = OPS[s.eqn.op].error
    if not s.secret:
        return exact.widened(relative=2.0**-40)
    return exact.widened(max(ERROR, bound.absolute), max(ERROR, bound.relative))


def increasing(name: str, function: Increasing, *, low: float = -np.inf, high: float = np.inf) -> None:
    """Enter the rule of an increasing function with values in [low, high] into `RULES`."""

    def image(s: Step, x: Form) -> Form:
        inner = s.entering(0, x).interval
        if s.secret:
            s.inside(inner, *DOMAINS[name])
        with np.errstate(all="ignore"):
            ends = Interval(function(inner.low), function(inner.high))
        return Form(approximate(s, Interval(np.fmax(ends.low, low), np.fmin(ends.high, high))))

    RULES[name] = image


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(np.asarray(x) / 2)


increasing("sigmoid", _sigmoid, low=0.0, high=1.0)
increasing("tanh", np.tanh, low=-1.0, high=1.0)
increasing("exp", np.exp, low=0.0)
increasing("log", lambda x: np.log(np.maximum(x, 0.0)))
increasing("sqrt", lambda x: np.sqrt(np.maximum(x, 0.0)), low=0.0)


@rule("rsqrt")
def rsqrt(s: Step, x: Form) -> Form:
    inner = s.entering(0, x).interval
    if s.secret:
        s.inside(inner, *DOMAINS["rsqrt"])
    with np.errstate(all="ignore"):
        low, high = (1 / np.sqrt(np.maximum(bound, 0.0)) for bound in (inner.high, inner.low))
    return Form(approximate(s, Interval(low, high)))


@rule("gelu", "gelu_tanh")
def gelu(s: Step, x: Form) -> Form:
    """x times a probability: from -0.17 to x."""
    inner = s.entering(0, x).interval
    if s.secret:
        s.inside(inner, *DOMAINS["gelu"])
    low = np.where(inner.low >= 0, 0.5 * inner.low, -0.1701)
    return Form(approximate(s, Interval(low, np.maximum(inner.high, 0.0))))


@rule("reciprocal")
def reciprocal(s: Step, x: Form) -> Form:
    return Form(approximate(s, _inverse(s, s.entering(0, x).interval)))


@rule("divide")
def divide(s: Step, x: Form, y: Form) -> Form:
    inverse = _inverse(s, s.entering(1, y).interval)
    quotient = s.entering(0, x).interval * inverse
    if s.secret:
        s.inside(quotient.whole(), *QUOTIENT)
    return Form(approximate(s, quotient).capped())


def _inverse(s: Step, d: Interval) -> Interval:
    if s.secret:
        low, high, bounds = DIVISOR
        one = d.whole()
        s.inside(-one if one.high < 0 else one, low, high, bounds)
    if not bool(np.all((d.low > 0) | (d.high < 0))):
        return UNKNOWN
    return Interval(1 / d.high, 1 / d.low)


@rule("softmax")
def softmax(s: Step, x: Form) -> Form:
    inner = s.entering(0, x).interval.whole()
    if s.secret:
        s.inside(inner - inner, *ANYWHERE)
    return Form(approximate(s, Interval(np.float64(0.0), np.float64(1.0))))


@rule("argmax", "argmin")
def position(s: Step, x: Form) -> Form:
    """Somewhere along an axis."""
    longest = max(s.type(0).shape, default=1)
    return Form(point(np.float64(0.0)).hull(point(np.float64(longest - 1))))
