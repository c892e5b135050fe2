"""Weighted sums that round once: 0.9 v - 0.1 g - 0.001 w is truncated as a whole, not factor by factor.

A tree of additions, subtractions and products with public constants becomes integers times integers, summed
in the ring (free in every scheme), and one truncation. Only where there were two truncations or more, where
the sum is proved to stay below 2^62 before it, and where rounding the factors moves the result by at most
half a unit for each truncation saved, which could err by a whole one. Parts with no factor are added after
the truncation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tacit.base.fixed import LIMIT_BITS, factor
from tacit.base.types import FIXED, FRACTION_BITS, INT, SECRET
from tacit.ir.ops.units import units
from tacit.ir.program import Builder, Eqn, Program, Var

WORST_ERROR = 2.0 ** -(FRACTION_BITS + 1)
"""What rounding the factors may add, for each truncation saved."""
ROOM = 1 + 2.0**-20


@dataclass(frozen=True)
class Term:
    """factor * var, |var| <= `reach`."""

    factor: np.ndarray
    var: Var
    reach: float

    @property
    def size(self) -> float:
        return float(np.max(np.abs(self.factor), initial=0.0)) * self.reach

    def error(self, bits: int) -> float:
        """What rounding the factor to `bits` fraction bits changes."""
        kept = np.ldexp(np.rint(np.ldexp(self.factor, bits)), -bits)
        return float(np.max(np.abs(kept - self.factor), initial=0.0)) * self.reach


@dataclass(frozen=True)
class WeightedSum:
    """The sum of `terms`, and of sign * var over `whole`, of the fixed-point type."""

    terms: tuple[Term, ...]
    whole: tuple[tuple[int, Var], ...]
    inside: tuple[Eqn, ...]
    """The equations that this replaces."""
    n_truncations: int

    def signed(self, sign: int) -> WeightedSum:
        terms = tuple(replace(term, factor=sign * term.factor) for term in self.terms)
        whole = tuple((sign * other, var) for other, var in self.whole)
        return WeightedSum(terms, whole, self.inside, self.n_truncations)

    def plus(self, other: WeightedSum) -> WeightedSum:
        return WeightedSum(
            self.terms + other.terms,
            self.whole + other.whole,
            self.inside + other.inside,
            self.n_truncations + other.n_truncations,
        )

    def factor_bits(self) -> int | None:
        """The fewest fraction bits that the factors need; None if there is no room for them."""
        size = sum(term.size for term in self.terms) * ROOM
        largest = max(float(np.max(np.abs(term.factor), initial=0.0)) for term in self.terms)
        allowed = WORST_ERROR * (self.n_truncations - 1)
        for bits in range(1, LIMIT_BITS):
            limit = 2.0 ** (LIMIT_BITS - bits)
            if not (size < limit * 2.0**-FRACTION_BITS and largest < limit):
                return None
            if sum(term.error(bits) for term in self.terms) <= allowed:
                return bits
        return None

    def write(self, builder: Builder, new: Mapping[Var, Var], bits: int) -> Var:
        """The equations for it in `builder`, where `new` are its variables."""
        integers = [
            (np.rint(np.ldexp(term.factor, bits)).astype(np.int64), new[term.var]) for term in self.terms
        ]
        products = [builder.emit("mul", units(builder, x), builder.const(c, INT)) for c, x in integers]
        total = products[0]
        for product in products[1:]:
            total = builder.emit("add", total, product)
        result = builder.emit("from_units", builder.emit("shift_right", total, bits=bits))
        for sign, var in self.whole:
            result = builder.emit("add" if sign > 0 else "sub", result, new[var])
        return result


def weighted_sums(program: Program, reaches: Mapping[int, float]) -> dict[int, tuple[WeightedSum, int]]:
    """By the identity of the equation with the result: the sums worth combining, and their factors' bits.

    `reaches`: by the identity of a product with public factors, the largest |value| of its other side.
    Equations of bodies are not looked at.
    """
    trees, found, taken = _Trees(program, reaches), {}, set[int]()
    for eqn in reversed(program.eqns):
        if id(eqn) in taken or not _combines(eqn):
            continue
        whole = trees.of(eqn)
        bits = whole.factor_bits() if whole.n_truncations > 1 else None
        if bits is not None:
            found[id(eqn)] = whole, bits
            taken.update(map(id, whole.inside))
    return found


class _Trees:
    """The trees of a program; a value that is used twice is a leaf."""

    def __init__(self, program: Program, reaches: Mapping[int, float]) -> None:
        self._reaches = reaches
        self._made = {var: eqn for eqn in program.eqns for var in eqn.outs}
        self._uses = Counter(_used(program))

    def of(self, eqn: Eqn) -> WeightedSum:
        result = self._product(eqn) if eqn.op == "mul" else self._sum(eqn)
        return WeightedSum(result.terms, result.whole, (*result.inside, eqn), result.n_truncations)

    def _sum(self, eqn: Eqn) -> WeightedSum:
        signs = {"add": (1, 1), "sub": (1, -1), "neg": (-1,)}[eqn.op]
        parts = [self._part(var).signed(sign) for sign, var in zip(signs, eqn.ins, strict=True)]
        return parts[0] if len(parts) == 1 else parts[0].plus(parts[1])

    def _part(self, var: Var) -> WeightedSum:
        eqn = self._made.get(var)
        if eqn is not None and self._uses[var] == 1 and _combines(eqn) and self._known(eqn):
            return self.of(eqn)
        return WeightedSum((), ((1, var),), (), 0)

    def _known(self, eqn: Eqn) -> bool:
        return eqn.op != "mul" or self._constant(eqn) is not None

    def _product(self, eqn: Eqn) -> WeightedSum:
        k = self._constant(eqn)
        if k is None:
            return WeightedSum((), ((1, eqn.outs[0]),), (), 0)
        constant, other = self._made[eqn.ins[k]], eqn.ins[1 - k]
        shape = constant.outs[0].type.shape
        value = np.broadcast_to(np.asarray(constant.params["value"], np.float64).reshape(-1), _size(shape))
        factors = value.reshape(shape) if np.ptp(value) else np.asarray(value[0])
        truncates = int(factor(factors)[1] > 0)
        inner = self._part(other)
        if inner.whole:
            term = Term(factors, other, self._reaches.get(id(eqn), np.inf))
            return WeightedSum((term,), (), (), truncates)
        terms = tuple(replace(term, factor=factors * term.factor) for term in inner.terms)
        return WeightedSum(terms, (), inner.inside, inner.n_truncations + truncates)

    def _constant(self, eqn: Eqn) -> int | None:
        """Which side of a product is a public constant."""
        for k, var in enumerate(eqn.ins):
            made = self._made.get(var)
            if made is not None and made.op == "const" and var.type.size:
                return k
        return None


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))


def _combines(eqn: Eqn) -> bool:
    """Whether it is an addition or product of secret reals, of one shape but for a constant."""
    if eqn.op not in ("add", "sub", "neg", "mul"):
        return False
    out = eqn.outs[0].type
    if out.vis != SECRET or any(var.type.dtype != FIXED for var in (*eqn.ins, *eqn.outs)):
        return False
    same = [var.type.shape == out.shape for var in eqn.ins]
    if eqn.op == "mul":
        return any(ok and var.type.vis == SECRET for ok, var in zip(same, eqn.ins, strict=True))
    return all(same)


def _used(program: Program) -> Iterator[Var]:
    for eqn in program.eqns:
        yield from eqn.ins
    for _, var in program.outs:
        yield var
