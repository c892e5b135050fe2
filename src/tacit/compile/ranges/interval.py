"""Intervals, and intervals that remember how a value depends on the carries of a loop.

An `Interval` holds one pair of bounds for a whole array, or one pair for each element. A `Form` adds a linear
part: value = sum of coefficient * symbol + rest, element by element, where a symbol stands for a carry. So
w - c w keeps its factor 1 - c, and a damped recurrence is seen to be damped.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tacit.base.types import Shape

Bound = Any
"""float64, or float64[*shape] with a bound for each element."""

MOST_ELEMENTS = 4096
"""Longer arrays have one interval for all elements."""
EXACT = 2.0**34
"""Below it float64 holds reals of 18 fraction bits exactly, and integers anyway."""
SLACK = 2.0**-45
"""Relative, added where float64 rounds: to the bounds, and to what a party computes in plaintext."""


@dataclass(frozen=True)
class Interval:
    """All values v with low <= v <= high; unbounded sides are infinite."""

    low: Bound
    high: Bound

    def __add__(self, other: Interval) -> Interval:
        return _outward(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Interval) -> Interval:
        return _outward(self.low - other.high, self.high - other.low)

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __mul__(self, other: Interval) -> Interval:
        corners = [_times(a, b) for a in self._ends() for b in other._ends()]
        if all(isinstance(corner, float) for corner in corners):
            return _outward(min(corners), max(corners))
        return _outward(functools.reduce(np.minimum, corners), functools.reduce(np.maximum, corners))

    def _ends(self) -> tuple[Bound, ...]:
        return (self.low,) if self.low is self.high else (self.low, self.high)

    @property
    def is_point(self) -> bool:
        return bool(np.all(self.low == self.high))

    @property
    def magnitude(self) -> float:
        """The largest |v| of any element; 0 for an empty array."""
        return float(max(np.max(np.abs(self.low), initial=0.0), np.max(np.abs(self.high), initial=0.0)))

    def hull(self, other: Interval) -> Interval:
        return Interval(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    def meet(self, other: Interval) -> Interval:
        """What both allow, where each is known to hold."""
        return Interval(np.maximum(self.low, other.low), np.minimum(self.high, other.high))

    def holds(self, other: Interval) -> bool:
        return bool(np.all(self.low <= other.low) and np.all(other.high <= self.high))

    def square(self) -> Interval:
        ends = _times(self.low, self.low), _times(self.high, self.high)
        crosses = (self.low <= 0) & (self.high >= 0)
        return Interval(np.where(crosses, 0.0, np.minimum(*ends)), np.maximum(*ends))

    def widened(self, absolute: Bound = 0.0, relative: float = 0.0) -> Interval:
        low = absolute + relative * np.abs(self.low)
        return Interval(self.low - low, self.high + absolute + relative * np.abs(self.high))

    def truncated(self, fraction_bits: int) -> Interval:
        """After a truncation to a grid of 2^-f, which gives the floor or one unit more."""
        unit, x = 2.0**-fraction_bits, self.widened(relative=SLACK)
        return Interval(np.floor(x.low / unit) * unit, np.floor(x.high / unit) * unit + unit)

    def encoded(self, fraction_bits: int) -> Interval:
        """After rounding to a grid of 2^-f."""
        unit = 2.0**-fraction_bits
        return Interval(np.floor(self.low / unit) * unit, np.ceil(self.high / unit) * unit)

    def whole(self) -> Interval:
        """One pair of bounds for all elements."""
        if np.ndim(self.low) == np.ndim(self.high) == 0:
            return self
        if np.size(self.low) == 0 or np.size(self.high) == 0:
            return POINT_ZERO
        return Interval(np.min(self.low), np.max(self.high))

    def each(self, function: Callable[[Any], Any], shape: Shape) -> Interval:
        """`function`, which moves elements about, applied to the bounds of a value of this shape."""
        if np.ndim(self.low) == np.ndim(self.high) == 0:
            return self
        return Interval(
            *(function(np.broadcast_to(bound, shape)) for bound in (self.low, self.high))
        ).capped()

    def capped(self) -> Interval:
        return self if max(np.size(self.low), np.size(self.high)) <= MOST_ELEMENTS else self.whole()


def _times(x: Bound, y: Bound) -> Bound:
    """x * y where 0 * infinity is 0: bounds are infinite, values are not."""
    product = x * y
    if isinstance(product, float):
        return product if product == product else np.float64(0.0)
    return np.where(np.isnan(product), 0.0, product) if np.isnan(np.sum(product)) else product


def _outward(low: Bound, high: Bound) -> Interval:
    """The bounds, moved apart where float64 has not all the bits of a sum or product on the grid."""
    if isinstance(low, float) and isinstance(high, float) and low >= -EXACT and high <= EXACT:
        return Interval(low, high)
    down, up = np.abs(low), np.abs(high)
    return Interval(low - (down > EXACT) * down * SLACK, high + (up > EXACT) * up * SLACK)


def point(value: Bound) -> Interval:
    return Interval(value, value)


POINT_ZERO = point(np.float64(0.0))
UNKNOWN = Interval(np.float64(-np.inf), np.float64(np.inf))
BIT = Interval(np.float64(0.0), np.float64(1.0))


@dataclass(frozen=True, eq=False)
class Symbol:
    """A carry as it enters the body of a loop, and what it is known to lie in."""

    hull: Interval


@dataclass(frozen=True)
class Form:
    """A value of a program: its interval, and its linear part where there is one."""

    interval: Interval
    terms: Mapping[Symbol, Bound] = field(default_factory=dict)
    _rest: Interval | None = None

    @property
    def rest(self) -> Interval:
        return self.interval if self._rest is None else self._rest

    def scaled(self, factor: Bound) -> Form:
        """factor * value, for exact factors that broadcast to the value's shape."""
        interval = self.interval * point(factor)
        if not self.terms:
            return Form(interval)
        terms = {symbol: coefficient * factor for symbol, coefficient in self.terms.items()}
        return linear(terms, self.rest * point(factor), interval)

    def with_error(self, error: Interval, direct: Interval) -> Form:
        """The value plus something in `error`; `direct` is known to hold the result as well."""
        return linear(self.terms, self.rest + error, direct) if self.terms else Form(direct)


def added(x: Form, y: Form, sign: int) -> Form:
    """x + y or, for sign -1, x - y, of one shape where they have terms."""
    interval = x.interval + y.interval if sign > 0 else x.interval - y.interval
    if not x.terms and not y.terms:
        return Form(interval)
    terms = dict(x.terms)
    for symbol, coefficient in y.terms.items():
        terms[symbol] = terms.get(symbol, 0.0) + sign * coefficient
    return linear(terms, x.rest + y.rest if sign > 0 else x.rest - y.rest, interval)


def linear(terms: Mapping[Symbol, Bound], rest: Interval, direct: Interval) -> Form:
    """The form with these parts, of which `direct` is known to hold too."""
    total = rest
    for symbol, coefficient in terms.items():
        total = total + symbol.hull * point(coefficient)
    return Form(direct.meet(total.widened(relative=SLACK)), terms, rest)
