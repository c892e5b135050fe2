"""Loops: a bound that holds before and after every step, or as many abstract steps as the loop has.

First, an invariant. With the carries as symbols z, one pass through the body gives z' = M z + r, element by
element, where r is an interval found under the assumption that z lies in a hull H. Iterating that recurrence
`length` times from the initial carries bounds every z; if the bounds lie in H, the assumption is justified by
induction over the steps, else H is widened and the pass repeated. What does not depend linearly on the
carries is part of r (M = 0). M^k is computed exactly, so damping (momentum, l2) is not lost.

Where no invariant is found, bodies that are not linear, the steps are run one by one on intervals, up to
`MOST_STEPS`; a state that lies in an earlier one ends them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tacit.base.types import Shape
from tacit.compile.ranges.interval import BIT, UNKNOWN, Bound, Form, Interval, Symbol, linear
from tacit.compile.ranges.step import Problem, Step
from tacit.ir.program import Program

ATTEMPTS = 6
MOST_STEPS = 256
SEQUENTIAL_STEPS = 16
ROOM = 2.0**-20
"""By which a guessed hull is made larger, relative, so that rounding does not refute it."""

Run = Callable[[Program, list[Form], list[Problem]], list[Form]]
"""The forms of a body's outputs for those of its inputs; problems are added to the list."""


def scan(s: Step, ins: Sequence[Form], run: Run) -> list[Form]:
    """The forms of a loop's results; problems of its steps are added to those of `s`."""
    n_carry, n_xs, length = (s.param(name) for name in ("n_carry", "n_xs", "length"))
    start = list(ins[:n_carry])
    rows = [
        _row(form.interval, s.type(n_carry + k).shape) for k, form in enumerate(ins[n_carry : n_carry + n_xs])
    ]
    fixed = [*rows, *(Form(form.interval) for form in ins[n_carry + n_xs :])]
    n_ys = len(s.eqn.outs) - n_carry
    if length == 0:
        return [*start, *(Form(Interval(np.float64(0), np.float64(0))) for _ in range(n_ys))]
    loop = Loop(s.param("body"), fixed, length, run, [s.type(k).shape for k in range(n_carry)])
    found = loop.invariant(start) or loop.steps(start)
    if found is None:
        wide = [Form(BIT if var.type.dtype.kind == "bool" else UNKNOWN) for var in s.eqn.outs]
        run(loop.body, [*wide[:n_carry], *fixed], s.problems)
        return wide
    s.problems.extend(found.problems)
    return [*found.carries, *(Form(y.interval.whole()) for y in found.ys)]


def _row(x: Interval, shape: Shape) -> Form:
    """One row, whichever it is."""
    if np.ndim(x.low) == np.ndim(x.high) == 0:
        return Form(x)
    low, high = np.broadcast_to(x.low, shape), np.broadcast_to(x.high, shape)
    return Form(Interval(np.min(low, axis=0, initial=np.inf), np.max(high, axis=0, initial=-np.inf)))


@dataclass(frozen=True)
class Found:
    """What is proved of a loop: its last carries, what every y lies in, and what is not proved."""

    carries: list[Form]
    ys: list[Form]
    problems: list[Problem]


@dataclass(frozen=True)
class Loop:
    body: Program
    fixed: list[Form]
    length: int
    run: Run
    shapes: list[Shape]

    def invariant(self, start: list[Form]) -> Found | None:
        hulls = [form.interval for form in start]
        for _ in range(ATTEMPTS):
            symbols = [Symbol(hull) for hull in hulls]
            problems: list[Problem] = []
            entering = [self._symbolic(k, symbol) for k, symbol in enumerate(symbols)]
            outs = self.run(self.body, [*entering, *self.fixed], problems)
            last, reached = self._iterate(start, symbols, outs)
            if all(hull.holds(new) for hull, new in zip(hulls, reached, strict=True)):
                return Found(last, outs[len(start) :], problems)
            if not all(np.isfinite(new.magnitude) for new in reached):
                return None
            hulls = [h.hull(n.widened(0.0, ROOM)) for h, n in zip(hulls, reached, strict=True)]
        return None

    def _symbolic(self, k: int, symbol: Symbol) -> Form:
        if self.body.ins[k][1].type.dtype.kind == "bool":
            return Form(BIT)
        nothing = Interval(np.float64(0.0), np.float64(0.0))
        return Form(symbol.hull, {symbol: np.float64(1.0)}, nothing)

    def _iterate(
        self, start: list[Form], symbols: list[Symbol], outs: list[Form]
    ) -> tuple[list[Form], list[Interval]]:
        """The carries after all steps, and what holds them before each; carries of one shape go together."""
        last: list[Form] = list(start)
        reached: list[Interval] = [form.interval for form in start]
        for shape in set(self.shapes):
            group = [k for k, other in enumerate(self.shapes) if other == shape]
            matrix = _stack([_stack([outs[i].terms.get(symbols[j], 0.0) for j in group]) for i in group], -2)
            rest = Interval(
                *(_stack([getattr(outs[i].rest, side) for i in group]) for side in ("low", "high"))
            )
            begin = Interval(
                *(_stack([getattr(start[i].interval, side) for i in group]) for side in ("low", "high"))
            )
            power, added, hull = iterate(matrix, rest, begin, self.length)
            for i, k in enumerate(group):
                last[k] = _last(power[..., i, :], _pick(added, i), [start[j] for j in group])
                reached[k] = _pick(hull, i)
        return last, reached

    def steps(self, start: list[Form]) -> Found | None:
        """One after another; None if the loop is too long."""
        if self.length > MOST_STEPS:
            return None
        carries = [Form(form.interval) for form in start]
        ys: list[Form] = []
        problems: list[Problem] = []
        for _ in range(self.length):
            outs = self.run(self.body, [*carries, *self.fixed], problems)
            new, found = outs[: len(start)], outs[len(start) :]
            ys = [Form(a.interval.hull(b.interval)) for a, b in zip(ys, found, strict=True)] if ys else found
            if problems or all(a.interval.holds(b.interval) for a, b in zip(carries, new, strict=True)):
                return Found(
                    [Form(a.interval.hull(b.interval)) for a, b in zip(carries, new, strict=True)],
                    ys,
                    problems,
                )
            carries = [Form(form.interval) for form in new]
        return Found(carries, ys, problems)


def _stack(parts: Sequence[Bound], axis: int = -1) -> np.ndarray:
    return np.stack(np.broadcast_arrays(*parts), axis)


def _pick(x: Interval, k: int) -> Interval:
    return Interval(x.low[..., k], x.high[..., k])


def _last(row: np.ndarray, rest: Interval, start: list[Form]) -> Form:
    """sum_j row_j start_j + rest."""
    direct = rest
    terms: dict[Symbol, Bound] = {}
    for j, form in enumerate(start):
        scaled = form.scaled(row[..., j])
        direct, rest = direct + scaled.interval, rest + scaled.rest
        for symbol, coefficient in scaled.terms.items():
            terms[symbol] = terms.get(symbol, 0.0) + coefficient
    return linear(terms, rest, direct) if terms else Form(direct)


def _apply(matrix: np.ndarray, x: Interval) -> Interval:
    """matrix @ x of vectors along the last axis."""
    up, down = np.maximum(matrix, 0), np.minimum(matrix, 0)
    low, high = x.low[..., None], x.high[..., None]
    low, high = (up @ low + down @ high)[..., 0], (up @ high + down @ low)[..., 0]
    if np.isfinite(np.sum(low) + np.sum(high)):
        return Interval(low, high)
    return Interval(np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high))


def iterate(
    matrix: np.ndarray, rest: Interval, start: Interval, n: int
) -> tuple[np.ndarray, Interval, Interval]:
    """For z' = matrix z + rest, n >= 1 times from `start`: (matrix^n, what is added to matrix^n start, what
    holds z before every step). Vectors lie along the last axis; all else is element by element."""
    steps = [(matrix, rest)]
    hull = start
    # Step 1: z_0 … z_(m-1) in hull and z_m = power z_0 + total, exactly in m.
    for _ in range(min(n, SEQUENTIAL_STEPS) - 1):
        power, total = steps[-1]
        hull = hull.hull(_apply(power, start) + total)
        steps.append((power @ matrix, total + _apply(power, rest)))
    # Step 2: twice as many, as often as they fit; the second half follows the first.
    (power, total), m = steps[-1], len(steps)
    doubled = []
    while 2 * m <= n:
        doubled.append((m, power, total))
        hull = hull.hull(_apply(power, hull) + total)
        total, power, m = total + _apply(power, total), power @ power, 2 * m
    # Step 3: the steps from m to n - 1 follow those before n - m < m.
    if m < n:
        hull = hull.hull(_apply(power, hull) + total)
    for many, more, extra in reversed(doubled):
        if m + many <= n:
            power, total, m = more @ power, extra + _apply(more, total), m + many
    if m < n:
        more, extra = steps[n - m - 1]
        power, total = more @ power, extra + _apply(more, total)
    return power, total, hull
