"""Fusion: steps that together are one function, as people and libraries write them, become its operator.

    y = e^t / sum(e^t, axis), t = x - max(x, axis)                      softmax
    y = x (1 + tanh(t)) / 2,  t = sqrt(2 / pi) (x + 0.044715 x^3)       gelu_tanh
    y = min(max(x, low), high)                                          clip

A softmax divides once for each row instead of once for each element, the GELU needs no powers of x beside its
own, and both are known to be bounded; a clip makes its two comparisons at once. Exponents and sums may be
clipped where they are the same all the same, products and sums may stand in any order. If others use a
softmax's powers or their sum (for its logarithm), these stay as they are: both would be computed.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tacit.base.types import FIXED, SECRET
from tacit.ir.op import Params
from tacit.ir.ops.softmax import LONGEST
from tacit.ir.program import Eqn, Program, Range, Var

EXPONENTS: Range = (-21.0, 0.0)
"""Below, as many e^t as a row can have add up to less than 2^-16."""
Polynomial = Mapping[tuple[int, int], float]
"""In two values: (power of the first, of the second) -> coefficient."""
_ROOT = math.sqrt(2.0 / math.pi)
TANH_OF: Polynomial = {(1, 0): _ROOT, (3, 0): 0.044715 * _ROOT}
GELU_OF: Polynomial = {(1, 0): 0.5, (1, 1): 0.5}
"""In x and the hyperbolic tangent; exact, since x has no bound here."""
NEAR = 2.0**-17
"""By how much a coefficient in front of the hyperbolic tangent's x may differ: it flattens out."""
_FURTHEST = 4
"""Steps from the hyperbolic tangent to the end."""
_DEEPEST = 8
"""Steps that a polynomial is looked for in."""


def fuse(program: Program) -> Program:
    """`program` and the bodies in it with an operator for the last of such steps; `dead` removes the rest."""
    steps = _Steps.of(program)
    return replace(program, eqns=tuple(steps.whole(eqn) or _inside(eqn) for eqn in program.eqns))


def _inside(eqn: Eqn) -> Eqn:
    if not eqn.bodies:
        return eqn
    params = {
        name: fuse(value) if isinstance(value, Program) else value for name, value in eqn.params.items()
    }
    return replace(eqn, params=Params(params))


@dataclass(frozen=True)
class _Steps:
    givers: Mapping[Var, Eqn]
    takers: Mapping[Var, list[Eqn]]
    uses: Mapping[Var, int]
    gelus: dict[Var, Var]
    """What is a GELU of what."""

    @staticmethod
    def of(program: Program) -> _Steps:
        uses, takers = Counter(var for _, var in program.outs), defaultdict[Var, list[Eqn]](list)
        for eqn in program.eqns:
            uses.update(eqn.ins)
            for var in eqn.ins:
                takers[var].append(eqn)
        steps = _Steps({var: eqn for eqn in program.eqns for var in eqn.outs}, takers, uses, {})
        for eqn in program.eqns:
            if eqn.op == "tanh" and eqn.outs[0].type.vis == SECRET:
                steps.gelus.update(steps.by_tanh(eqn))
        return steps

    def whole(self, last: Eqn) -> Eqn | None:
        """The operator that stands for all steps up to this one, if there is one."""
        if last.op == "divide":
            return self.softmax(last)
        if last.op in ("minimum", "maximum"):
            return self.clip(last)
        if last.outs and last.outs[0] in self.gelus:
            return _instead(last, "gelu_tanh", self.gelus[last.outs[0]])
        return None

    # --- softmax ----------------------------------------------------------------------------------------

    def softmax(self, division: Eqn) -> Eqn | None:
        powers, divisor = division.ins
        power = self._giver(powers, "exp")
        shifted = power and self._giver(self._unclipped(power.ins[0], EXPONENTS), "sub")
        largest = shifted and self._giver(self._unshaped(shifted.ins[1]), "max")
        if not shifted or not largest or shifted.ins[0] != largest.ins[0] or self.uses[powers] != 2:
            return None
        x, axis = largest.ins[0], largest.params["axis"]
        length = x.type.shape[axis]
        column = (*x.type.shape[:axis], 1, *x.type.shape[axis + 1 :])
        total = self._total(divisor, (1.0, float(length)))
        summed = total is not None and total.ins[0] == powers and total.params["axis"] == (axis,)
        if not summed or {divisor.type.shape, shifted.ins[1].type.shape} != {column} or length >= LONGEST:
            return None
        return _instead(division, "softmax", x, axis=axis)

    def _total(self, divisor: Var, ends: Range) -> Eqn | None:
        """The sum that `divisor` is, in another shape or moved to these ends at most, if only it uses it."""
        var = self._unshaped(self._unclipped(self._unshaped(divisor), ends))
        return self._giver(var, "sum") if self.uses[divisor] == self.uses[var] == 1 else None

    def _unshaped(self, var: Var) -> Var:
        found = self._giver(var, "reshape")
        return found.ins[0] if found else var

    def _unclipped(self, var: Var, ends: Range) -> Var:
        found = self._giver(var, "clip")
        wide = found and found.params["low"] <= ends[0] and found.params["high"] >= ends[1]
        return found.ins[0] if found and wide else var

    # --- clip -------------------------------------------------------------------------------------------

    def clip(self, outer: Eqn) -> Eqn | None:
        other = "maximum" if outer.op == "minimum" else "minimum"
        for end, inside in (outer.ins, outer.ins[::-1]):
            inner = self._giver(inside, other)
            for opposite, x in (inner.ins, inner.ins[::-1]) if inner and self.uses[inside] == 1 else ():
                ends = [self._number(end), self._number(opposite)]
                low, high = ends if outer.op == "maximum" else ends[::-1]
                if low is not None and high is not None and low <= high and x.type == outer.outs[0].type:
                    return _instead(outer, "clip", x, low=low, high=high)
        return None

    def _number(self, var: Var) -> Any:
        found = self._giver(var, "const")
        if found is None or np.size(found.params["value"]) != 1:
            return None
        number = np.asarray(found.params["value"]).item()
        return float(number) if var.type.dtype == FIXED else number

    # --- gelu -------------------------------------------------------------------------------------------

    def by_tanh(self, curve: Eqn) -> Iterator[tuple[Var, Var]]:
        """(the GELU, of what) of this hyperbolic tangent."""
        bent, curved = curve.ins[0], curve.outs[0]
        for x in self._before(bent):
            if not _near(self._polynomial(bent, {x: (1, 0)}), TANH_OF, NEAR):
                continue
            for end in self._after(curved):
                found = self._polynomial(end, {x: (1, 0), curved: (0, 1)})
                if end.type == x.type and _near(found, GELU_OF, 0.0):
                    yield end, x

    def _before(self, var: Var) -> set[Var]:
        """What polynomials could be of that `var` is one of."""
        found, new = set[Var](), {var}
        for _ in range(_DEEPEST):
            found |= new
            eqns = [self.givers[one] for one in new if one in self.givers and self.givers[one].op in _RING]
            new = {one for eqn in eqns for one in eqn.ins} - found
        return {one for one in found if one.type == var.type}

    def _after(self, var: Var) -> set[Var]:
        found, new = set[Var](), {var}
        for _ in range(_FURTHEST):
            new = {out for one in new for eqn in self.takers[one] if eqn.op in _RING for out in eqn.outs}
            found |= new
        return found

    def _polynomial(
        self, var: Var, of: Mapping[Var, tuple[int, int]], depth: int = _DEEPEST
    ) -> Polynomial | None:
        """What `var` is of these values, None if it is of others too."""
        if var in of:
            return {of[var]: 1.0}
        eqn = self.givers.get(var)
        if eqn is None or eqn.op not in _RING:
            number = self._number(var)
            return None if number is None else {(0, 0): float(number)}
        parts = [self._polynomial(one, of, depth - 1) for one in eqn.ins] if depth else [None]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        if eqn.op in ("mul", "square"):
            return _product(known[0], known[-1])
        sign = -1.0 if eqn.op in ("sub", "neg") else 1.0
        first: Polynomial = known[0] if len(known) == 2 else {}
        return {k: first.get(k, 0.0) + sign * known[-1].get(k, 0.0) for k in {*first, *known[-1]}}

    def _giver(self, var: Var, op: str) -> Eqn | None:
        found = self.givers.get(var)
        return found if found is not None and found.op == op else None


_RING = frozenset(("add", "sub", "neg", "mul", "square"))


def _product(left: Polynomial, right: Polynomial) -> Polynomial:
    found = defaultdict[tuple[int, int], float](float)
    for (i, j), one in left.items():
        for (k, m), other in right.items():
            found[i + k, j + m] += one * other
    return found


def _near(found: Polynomial | None, wanted: Polynomial, apart: float) -> bool:
    """Whether it has the same powers, with coefficients at most so far apart."""
    terms = {k: one for k, one in (found or {}).items() if one}
    return terms.keys() == wanted.keys() and all(abs(terms[k] - wanted[k]) <= apart for k in wanted)


def _instead(last: Eqn, op: str, x: Var, **params: Any) -> Eqn:
    return replace(last, op=op, ins=(x,), params=Params(params))
