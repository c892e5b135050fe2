"""Numbers with their derivatives, as residues of a prime: what follows the rules of calculus, in arrays.

Source   forward differentiation: Griewank, Walther, "Evaluating Derivatives", 2nd edition, chapter 3.
Notation a value has `real` numbers for comparisons, residues, and slopes: forms over cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from tacit.run.gate.forms import Forms, cumulated, picked, stacked, summed, tidy

PRIME = (1 << 31) - 1
MOST_SLOPES = 1 << 18
"""Derivatives of one value."""


@dataclass(frozen=True)
class Traced:
    """`chosen`: whether residues and slopes hold on one side of some comparison only."""

    real: np.ndarray
    residue: np.ndarray
    slope: Forms
    chosen: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return self.real.shape


Value = Traced | np.ndarray


def traced(value: Value) -> Traced:
    return value if isinstance(value, Traced) else constant(value)


def real_of(value: Value) -> np.ndarray:
    return value.real if isinstance(value, Traced) else value


def constant(real: np.ndarray, chosen: bool = False) -> Traced:
    none = np.zeros(0, np.int64)
    return Traced(real, _residues(real), Forms(real.shape, none, none, none, 1), chosen)


def _residues(real: np.ndarray) -> np.ndarray:
    """Of the very numbers: a real one is a whole one times a power of 2, and 2^31 is 1."""
    if real.dtype.kind != "f":
        return np.asarray(real.astype(np.int64) % PRIME)
    fraction, exponent = np.frexp(np.nan_to_num(real, posinf=0.0, neginf=0.0))
    whole = np.ldexp(fraction, 53).astype(np.int64) % PRIME
    return np.asarray(whole * (np.int64(1) << ((exponent - 53) % 31).astype(np.int64)) % PRIME)


def inverse(residue: np.ndarray) -> np.ndarray:
    """Raises ZeroDivisionError if one is 0."""
    if not residue.all():
        raise ZeroDivisionError("a divisor is 0")
    result, power, left = np.ones_like(residue), residue, PRIME - 2
    while left:
        if left & 1:
            result = result * power % PRIME
        power, left = power * power % PRIME, left >> 1
    return result


def _reduced(slope: Forms) -> Forms:
    num = slope.num % PRIME
    keep = num != 0
    if keep.all():
        return Forms(slope.shape, slope.at, slope.of, num, 1)
    return Forms(slope.shape, slope.at[keep], slope.of[keep], num[keep], 1)


def reshaped(value: Traced, shape: tuple[int, ...]) -> Traced:
    slope = Forms(shape, value.slope.at, value.slope.of, value.slope.num, 1)
    return Traced(value.real.reshape(shape), value.residue.reshape(shape), slope, value.chosen)


def at(value: Traced, origin: np.ndarray) -> Traced:
    """Element i is element origin[i] of `value`."""
    flat = origin.reshape(-1)
    return Traced(
        value.real.reshape(-1)[origin],
        value.residue.reshape(-1)[origin],
        picked(value.slope, flat, origin.shape, MOST_SLOPES),
        value.chosen,
    )


def row(value: Value, index: int) -> Value:
    if isinstance(value, np.ndarray):
        return np.asarray(value[index])
    size = prod(value.shape[1:])
    return at(value, np.arange(index * size, (index + 1) * size).reshape(value.shape[1:]))


def spread(value: Traced, shape: tuple[int, ...]) -> Traced:
    if value.shape == shape:
        return value
    return at(value, np.broadcast_to(np.arange(value.real.size).reshape(value.shape), shape))


def joined(parts: Sequence[Traced]) -> Traced:
    """All elements, one after another."""
    return Traced(
        np.concatenate([part.real.reshape(-1) for part in parts]),
        np.concatenate([part.residue.reshape(-1) for part in parts]),
        stacked([part.slope for part in parts]),
        any(part.chosen for part in parts),
    )


def either(where: np.ndarray, x: Traced, y: Traced) -> Traced:
    """x where it holds, y elsewhere; all of one shape."""
    numbers = np.arange(where.size).reshape(where.shape)
    return at(joined([x, y]), np.where(where, numbers, numbers + where.size))


def total(value: Traced, axis: tuple[int, ...], shape: tuple[int, ...]) -> Traced:
    """The sum over `axis`, as an array of `shape`."""
    return Traced(
        np.sum(value.real, axis=axis).reshape(shape),
        (np.sum(value.residue, axis=axis) % PRIME).reshape(shape),
        _reduced(summed(value.slope, axis, shape, False)),
        value.chosen,
    )


def running(value: Traced, axis: int) -> Traced:
    """Sums of the elements up to and including each."""
    residue = np.cumsum(value.residue, axis=axis) % PRIME
    return Traced(value.real, residue, _reduced(cumulated(value.slope, axis)), value.chosen)


def scaled(value: Traced, factor: np.ndarray) -> Traced:
    """Times residues, one for each element or one for all. Real numbers stay as they are."""
    factor = np.broadcast_to(factor, value.shape)
    slope = value.slope
    num = slope.num * factor.reshape(-1)[slope.at] % PRIME
    return replace(
        value, residue=value.residue * factor % PRIME, slope=Forms(slope.shape, slope.at, slope.of, num, 1)
    )


def negated(value: Traced) -> Traced:
    return scaled(value, np.array(PRIME - 1))


def added(x: Traced, y: Traced) -> Traced:
    """Of one shape."""
    residue = (x.residue + y.residue) % PRIME
    return Traced(x.real, residue, _both(x.slope, y.slope), x.chosen or y.chosen)


def _both(x: Forms, y: Forms) -> Forms:
    if not len(x.at) or not len(y.at):
        return x if len(x.at) else y
    joint = [np.concatenate(pair) for pair in ((x.at, y.at), (x.of, y.of), (x.num, y.num))]
    return _reduced(tidy(x.shape, joint[0], joint[1], joint[2], 1))


def times(x: Traced, y: Traced) -> Traced:
    """Of one shape."""
    slope = _both(scaled(x, y.residue).slope, scaled(y, x.residue).slope)
    return Traced(x.real, x.residue * y.residue % PRIME, slope, x.chosen or y.chosen)
