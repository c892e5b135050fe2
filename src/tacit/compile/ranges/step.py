"""One equation under analysis: what it needs of its inputs, and what is noted where that is not proved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tacit.base.fixed import LARGE_FACTOR_BITS, LIMIT_BITS, factor, factor_bits
from tacit.base.types import RING_BITS, SECRET, DType, Private, Public, Shape, Type
from tacit.compile.ranges.interval import SLACK, Form, Interval, point
from tacit.ir.program import Eqn

ENCODED = Interval(np.float64(-(2.0**LIMIT_BITS)), np.float64(2.0**LIMIT_BITS))
"""What encoders accept, in units of the ring."""
PRODUCT = "before rounding, it"
WORDS = {
    "mul": "the product", "matmul": "the matrix product", "square": "the square", "mean": "the mean",
    "less": "the comparison", "greater": "the comparison", "less_equal": "the comparison",
    "greater_equal": "the comparison", "equal": "the comparison", "not_equal": "the comparison",
    "maximum": "the choice of the larger value", "minimum": "the choice of the smaller value",
    "max": "the largest element", "min": "the smallest element", "sort": "the order", "abs": "the magnitude",
    "sign": "the sign", "clip": "the clipping", "astype": "the conversion", "floor": "the floor",
    "scale_floor": "the floor", "reveal": "the revealed value", "divide": "the division",
    "exp": "the exponential", "log": "the logarithm", "sqrt": "the square root",
}  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """A precondition that is not proved: of which step, and the sentence that says so.

    `excess`: by how many bits a value can be too large; infinite where it has no bound.
    """

    where: str
    sentence: str
    excess: float = np.inf


@dataclass(frozen=True)
class Facts:
    """What is proved of equations, by their identity; of all passes over an equation the most."""

    private_bits: dict[int, int] = field(default_factory=dict)
    """Bits, with the sign, of a factor that one party knows."""
    reaches: dict[int, float] = field(default_factory=dict)
    """The largest magnitude of a secret value that is multiplied with public factors."""
    idle: dict[int, int] = field(default_factory=dict)
    """Of which input the only result is a copy, whatever that is; -1 if that is not so in every pass."""


@dataclass(frozen=True)
class Step:
    """An equation with a list to which it adds its `Problem`s."""

    eqn: Eqn
    problems: list[Problem]
    ring_bits: int = RING_BITS
    facts: Facts = field(default_factory=Facts)

    @property
    def room_bits(self) -> int:
        """What is truncated must be below 2 to this."""
        return self.ring_bits - 2

    @property
    def secret(self) -> bool:
        """Whether shares are computed on; else somebody computes the numpy meaning in plaintext."""
        return any(var.type.vis == SECRET for var in self.eqn.outs)

    @property
    def out(self) -> Type:
        return self.eqn.outs[0].type

    def type(self, k: int) -> Type:
        return self.eqn.ins[k].type

    def param(self, name: str) -> Any:
        return self.eqn.params[name]

    def note(self, sentence: str, excess: float = np.inf) -> None:
        what = WORDS.get(self.eqn.op, f"operator {self.eqn.op!r}")
        self.problems.append(Problem(self.eqn.where, f"{what}{{where}} {sentence}", excess))

    def below(self, x: Interval, bits: int, fraction_bits: int, what: str) -> None:
        """Needs |x| < 2^bits in units of 2^-fraction_bits: else `what` would be wrong."""
        reach = x.whole().magnitude * (1 + 2.0**-30)
        if reach < 2.0 ** (bits - fraction_bits):
            return
        if np.isfinite(reach):
            size, limit = float(np.log2(reach)), bits - fraction_bits
            self.note(f"can reach 2^{size:.1f}; {what} is right below 2^{limit}", size - limit)
        else:
            self.note(f"has no known bound; {what} is right below 2^{bits - fraction_bits}")

    def inside(self, x: Interval, low: float, high: float, bounds: str) -> None:
        """Needs low <= x <= high: else the error bound does not hold."""
        unit = 2.0**-30
        if not (np.all(x.low >= low - unit) and np.all(x.high <= high * (1 + unit))):
            found = x.whole()
            self.note(
                f"is taken of values from {float(found.low):.3g} to {float(found.high):.3g}; its error bound "
                f"holds for {bounds}"
            )

    def narrow(self, k: int, x: Interval) -> None:
        """Note the bits of private factor k, as it is encoded; of all passes over the equation the most."""
        reach = np.ldexp(x.magnitude * (1 + 2.0**-30), self.type(k).dtype.fraction_bits)
        bits = int(reach + 1).bit_length() + 1 if reach < 2.0**LIMIT_BITS else RING_BITS
        known = self.facts.private_bits
        known[id(self.eqn)] = max(bits, known.get(id(self.eqn), 1))

    def copies(self, k: int, always: bool) -> None:
        """Note whether the result is input k, as is known of its range."""
        same = self.secret and always and self.eqn.ins[k].type == self.eqn.outs[0].type
        known = self.facts.idle
        known[id(self.eqn)] = k if same and known.get(id(self.eqn), k) == k else -1

    def reaching(self, x: Interval) -> None:
        """Note how large a value in x can be that is multiplied with public factors."""
        known = self.facts.reaches
        known[id(self.eqn)] = max(x.magnitude, known.get(id(self.eqn), 0.0))

    def entering(self, k: int, form: Form) -> Form:
        """Input k as this step computes on it: what is plain is encoded, and has to fit."""
        return self.encoded(k, form) if self.secret else form

    def encoded(self, k: int, form: Form) -> Form:
        """Input k as shares hold it."""
        dtype, vis = self.type(k).dtype, self.type(k).vis
        if vis == SECRET or dtype.kind == "bool":
            return form
        limit, kept = ENCODED * point(2.0**-dtype.fraction_bits), form.interval
        if not limit.holds(kept):
            # A bound that plaintext steps do not give is given by the encoder, which refuses the rest.
            if np.isfinite(kept.magnitude):
                self.below(kept, LIMIT_BITS, dtype.fraction_bits, "what can be encoded")
            kept = kept.meet(limit)
        if dtype.kind == "int":
            return Form(kept)
        rounded = kept.encoded(dtype.fraction_bits)
        unit = 2.0**-dtype.fraction_bits
        return form.with_error(Interval(-unit, unit), rounded) if form.terms else Form(rounded)

    def rounded(self, x: Interval) -> Interval:
        """After arithmetic in plaintext, where float64 rounds; on shares the ring is exact."""
        return x if self.secret or self.out.dtype.kind != "fixed" else x.widened(relative=SLACK)

    def in_plaintext(self, form: Form) -> Form:
        """`form` after such arithmetic."""
        direct = self.rounded(form.interval).capped()
        error = SLACK * direct.magnitude
        return form.with_error(Interval(-error, error), direct)

    def aligned(self, k: int, form: Form, shape: Shape) -> Form:
        """Without its linear part if the value is broadcast."""
        return form if self.type(k).shape == shape else Form(form.interval)

    def rescaled(self, form: Form, bits: int, have: int, what: str) -> Form:
        """After truncating `bits` bits from a value of `have` fraction bits."""
        if bits <= 0:
            return form
        self.below(form.interval, self.room_bits, have, what)
        unit = 2.0 ** (bits - have)
        return form.with_error(Interval(-unit, unit), form.interval.truncated(have - bits))

    def times_public(self, product: Form, factors: Factors, x: Interval, have: int) -> Form:
        """`product` of public factors and (sums of) x, of `have` fraction bits, after its truncation."""
        missing = self.out.dtype.fraction_bits - have
        if factors.largest is None:
            return self.rescaled(product, factors.bits - missing, have + factors.bits, PRODUCT)
        self.below(x * point(factors.largest), self.room_bits, have, PRODUCT)
        return Form(product.interval.truncated(self.out.dtype.fraction_bits))


@dataclass(frozen=True)
class Factors:
    """Public factors as `base.fixed.factor` encodes them, with `bits` fraction bits.

    `largest`: None if they are known now; else the largest integer that one may become at run time.
    """

    reals: Interval
    bits: int
    largest: float | None = None


def public_factors(x: Interval, dtype: DType) -> Factors:
    """The public factors in x."""
    if dtype.kind == "int":
        return Factors(x, 0)
    if x.is_point:
        whole, bits = factor(x.low, dtype.fraction_bits)
        return Factors(point(np.ldexp(whole.astype(np.float64), -bits)), bits)
    reach = x.magnitude
    bits = factor_bits(reach, dtype.fraction_bits) if np.isfinite(reach) else 0
    error = max(2.0**-dtype.fraction_bits, reach * 2.0**-LARGE_FACTOR_BITS)
    return Factors(x.widened(error), bits, max(2.0 ** (LARGE_FACTOR_BITS + 1), reach * 2.0**bits))


def is_public(type: Type) -> bool:
    return isinstance(type.vis, Public)


def is_private(type: Type) -> bool:
    return isinstance(type.vis, Private)
