"""What each operator makes of intervals, and which preconditions it has on shares.

A rule is a function of (step, one Form for each input) that returns the Form of the result. It states two
things at once: an interval that holds every result, of a run on shares as of numpy; and, through `Step`, what
must hold so that the run on shares is right. Rules look at operators as people wrote them: what lowerings do
inside (normalise by the data, wrap on purpose) is covered by their own error bounds and domains.

An operator without a rule has an unknown result: whatever truncates or compares it later is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tacit.base.types import RING_BITS, SECRET
from tacit.compile.ranges.interval import BIT, MOST_ELEMENTS, SLACK, UNKNOWN, Form, Interval, added, point
from tacit.compile.ranges.step import PRODUCT, Step, is_private, is_public, public_factors
from tacit.ir.op import OPS
from tacit.ir.ops.arith import well_encoded

Rule = Callable[..., Form]
RULES: dict[str, Rule] = {}

SIGN_BITS = RING_BITS - 1
"""Differences are compared by their sign bit."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


# --- arithmetic ---------------------------------------------------------------------------------------


@rule("add")
def add(s: Step, x: Form, y: Form) -> Form:
    return _sum_of(s, x, y, 1)


@rule("sub")
def sub(s: Step, x: Form, y: Form) -> Form:
    return _sum_of(s, x, y, -1)


def _sum_of(s: Step, x: Form, y: Form, sign: int) -> Form:
    shape = s.out.shape
    result = added(s.aligned(0, s.entering(0, x), shape), s.aligned(1, s.entering(1, y), shape), sign)
    return result if s.secret else s.in_plaintext(result)


@rule("neg")
def neg(s: Step, x: Form) -> Form:
    return s.entering(0, x).scaled(np.float64(-1.0))


@rule("mul")
def mul(s: Step, x: Form, y: Form) -> Form:
    if not s.secret:
        known, other = (1, 0) if y.interval.is_point else (0, 1)
        if not (x, y)[known].interval.is_point:
            return s.in_plaintext(Form(x.interval * y.interval))
        return s.in_plaintext(s.aligned(other, (x, y)[other], s.out.shape).scaled((x, y)[known].interval.low))
    if is_public(s.type(0)) or is_public(s.type(1)):
        public = 0 if is_public(s.type(0)) else 1
        factors = public_factors((x, y)[public].interval, s.type(public).dtype)
        left = s.aligned(1 - public, s.entering(1 - public, (x, y)[1 - public]), s.out.shape)
        s.reaching(left.interval)
        known = factors.reals.is_point
        product = left.scaled(factors.reals.low) if known else Form(left.interval * factors.reals)
        have = s.type(1 - public).dtype.fraction_bits
        return s.times_public(product, factors, left.interval, have)
    return _product(s, s.entering(0, x).interval * s.entering(1, y).interval)


def _product(s: Step, exact: Interval) -> Form:
    have = sum(var.type.dtype.fraction_bits for var in s.eqn.ins) * (3 - len(s.eqn.ins))
    return s.rescaled(Form(exact), have - s.out.dtype.fraction_bits, have, PRODUCT)


@rule("square")
def square(s: Step, x: Form) -> Form:
    exact = s.entering(0, x).interval.square()
    return _product(s, exact) if s.secret else Form(s.rounded(exact))


@rule("matmul")
def matmul(s: Step, x: Form, y: Form) -> Form:
    terms = point(np.float64(s.type(1).shape[0]))
    left, right = s.entering(0, x).interval, s.entering(1, y).interval
    if not s.secret:
        return Form(s.rounded(left.whole() * right.whole() * terms))
    if not is_public(s.type(0)) and not is_public(s.type(1)):
        for k in (0, 1):
            if is_private(s.type(k)):
                s.narrow(k, (left, right)[k])
        return _product(s, left.whole() * right.whole() * terms)
    public = 0 if is_public(s.type(0)) else 1
    factors = public_factors((x, y)[public].interval, s.type(public).dtype)
    other, have = (left, right)[1 - public].whole(), s.type(1 - public).dtype.fraction_bits
    if factors.reals.is_point:
        matrix = np.broadcast_to(factors.reals.low, s.type(public).shape)
        total = _weighted(matrix, -1 if public == 0 else 0, other)
    else:
        total = factors.reals.whole() * other * terms
    return s.times_public(Form(total), factors, other * terms, have)


def _weighted(matrix: np.ndarray, axis: int, x: Interval) -> Interval:
    """Sums along `axis` of matrix * values in x, over all rows."""
    up = np.sum(np.maximum(matrix, 0), axis=axis)
    down = np.sum(np.minimum(matrix, 0), axis=axis)
    return (point(up) * x + point(down) * x).whole()


@rule("sum")
def sum_(s: Step, x: Form) -> Form:
    axis, keepdims = s.param("axis"), s.param("keepdims")
    return Form(_total(s, s.entering(0, x).interval, axis, keepdims))


def _total(s: Step, x: Interval, axis: tuple[int, ...], keepdims: bool) -> Interval:
    shape = s.type(0).shape
    count = math.prod(shape[k] for k in axis)
    if np.ndim(x.low) == np.ndim(x.high) == 0:
        return s.rounded(x * point(np.float64(count)))
    return s.rounded(x.each(lambda a: np.sum(a, axis=axis, keepdims=keepdims), shape))


@rule("subset_sums", "histogram")
def sums_of_groups(s: Step, groups: Form, values: Form) -> Form:
    """Of none to all of the values."""
    count = np.float64(s.type(1).shape[0])
    one = s.entering(1, values).interval.whole().hull(point(np.float64(0.0)))
    return Form(s.rounded(one * point(count)))


@rule("cumulative_sum")
def cumulative_sum(s: Step, x: Form) -> Form:
    count = s.type(0).shape[s.param("axis")]
    one = s.entering(0, x).interval.whole()
    return Form(s.rounded(one.hull(one * point(np.float64(count)))))


@rule("mean")
def mean(s: Step, x: Form) -> Form:
    """In the hull of what it is the mean of. On shares it is the sum times 1/n, see `ir.ops.arith.times`."""
    inner = s.entering(0, x).interval.whole()
    if not s.secret:
        return Form(inner.widened(relative=SLACK))
    count, dtype = math.prod(s.type(0).shape[k] for k in s.param("axis")), s.type(0).dtype
    total, left = Form(inner * point(np.float64(count))), 1.0 / count
    while True:
        last = bool(well_encoded(np.asarray(left)))
        step = left if last else math.ldexp(1.0, max(int(np.frexp(left)[1]), -dtype.fraction_bits))
        factors = public_factors(point(np.float64(step)), dtype)
        product = total.scaled(factors.reals.low)
        total, left = s.times_public(product, factors, total.interval, dtype.fraction_bits), left / step
        if last:
            return Form(total.interval.hull(inner))


# --- order and choice ---------------------------------------------------------------------------------


@rule("less", "greater", "less_equal", "greater_equal", "equal", "not_equal")
def compare(s: Step, x: Form, y: Form) -> Form:
    if s.secret and s.type(0).dtype.kind != "bool":
        _comparable(s, s.entering(0, x).interval - s.entering(1, y).interval)
    return Form(BIT)


@rule("below")
def below(s: Step, x: Form) -> Form:
    if s.secret:
        limits = np.array(s.eqn.params["limits"], np.float64)
        _comparable(s, s.entering(0, x).interval - Interval(limits.min(), limits.max()))
    return Form(BIT)


def _comparable(s: Step, difference: Interval) -> None:
    s.below(difference, SIGN_BITS, s.type(0).dtype.fraction_bits, "a comparison by sign of such a difference")


@rule("maximum")
def maximum(s: Step, x: Form, y: Form) -> Form:
    a, b = s.entering(0, x).interval, s.entering(1, y).interval
    if s.secret:
        _comparable(s, a - b)
    return Form(Interval(np.maximum(a.low, b.low), np.maximum(a.high, b.high)).capped())


@rule("minimum")
def minimum(s: Step, x: Form, y: Form) -> Form:
    a, b = s.entering(0, x).interval, s.entering(1, y).interval
    if s.secret:
        _comparable(s, a - b)
    return Form(Interval(np.minimum(a.low, b.low), np.minimum(a.high, b.high)).capped())


@rule("max", "min", "sort", "top_k")
def extreme(s: Step, x: Form) -> Form:
    one = s.entering(0, x).interval.whole()
    if s.secret:
        _comparable(s, one - one)
    return Form(one)


@rule("shuffle")
def shuffle(s: Step, x: Form) -> Form:
    return Form(s.entering(0, x).interval.whole())


@rule("abs")
def abs_(s: Step, x: Form) -> Form:
    one = s.entering(0, x).interval
    if s.secret:
        _comparable(s, one)
    s.copies(0, bool(np.all(one.low >= 0)))
    nearest = np.where((one.low <= 0) & (one.high >= 0), 0.0, np.minimum(np.abs(one.low), np.abs(one.high)))
    return Form(Interval(nearest, np.maximum(np.abs(one.low), np.abs(one.high))))


@rule("sign")
def sign(s: Step, x: Form) -> Form:
    one = s.entering(0, x).interval
    if s.secret:
        _comparable(s, one)
    return Form(Interval(np.sign(one.low), np.sign(one.high)))


@rule("clip")
def clip(s: Step, x: Form) -> Form:
    low, high = (np.float64(s.param(name)) for name in ("low", "high"))
    one = s.entering(0, x).interval
    kept = Interval(np.clip(one.low, low, high), np.clip(one.high, low, high))
    s.copies(0, bool(np.all(one.low >= low) and np.all(one.high <= high)))
    if not s.secret:
        return Form(kept)
    _comparable(s, (one - point(low)).hull(one - point(high)))
    return Form(kept.encoded(s.type(0).dtype.fraction_bits))


@rule("lookup")
def lookup(s: Step, table: Form, x: Form) -> Form:
    """An entry, or 0 outside the table."""
    return Form(s.entering(0, table).interval.whole().hull(point(np.float64(0.0))))


@rule("select")
def select(s: Step, c: Form, x: Form, y: Form) -> Form:
    return Form(s.entering(1, x).interval.hull(s.entering(2, y).interval).capped())


# --- bits and encodings -------------------------------------------------------------------------------


@rule(
    "logical_and",
    "logical_or",
    "logical_xor",
    "logical_not",
    "low_bit",
    "isfinite",
    "all",
    "any",
    "one_hot",
    "bits",
    "parity",
)
def bits(s: Step, *ins: Form) -> Form:
    return Form(BIT)


@rule("astype")
def astype(s: Step, x: Form) -> Form:
    have, wanted = s.type(0).dtype, s.out.dtype
    one = s.entering(0, x)
    if have.kind != "fixed" or wanted.kind == "fixed":
        return one
    if not s.secret:
        return Form(Interval(np.floor(one.interval.low), np.floor(one.interval.high)))
    return s.rescaled(one, have.fraction_bits, have.fraction_bits, "before rounding, it")


@rule("floor")
def floor(s: Step, x: Form) -> Form:
    one = s.entering(0, x).interval
    if s.secret:
        s.below(one, s.room_bits, s.type(0).dtype.fraction_bits, PRODUCT)
    return Form(Interval(np.floor(one.low), np.floor(one.high)))


@rule("scale_floor")
def scale_floor(s: Step, x: Form) -> Form:
    scale, have = np.float64(2.0 ** s.param("bits")), s.type(0).dtype.fraction_bits
    one = s.entering(0, x).interval
    kept = Interval(np.floor(one.low * scale), np.floor(one.high * scale))
    if not s.secret or s.param("bits") == have:
        return Form(kept)
    s.below(one, s.room_bits, have, PRODUCT)
    return Form(Interval(kept.low, kept.high + 1))


@rule("shift_right")
def shift_right(s: Step, x: Form) -> Form:
    return _shifted(s, s.entering(0, x).interval)


@rule("mul_shift")
def mul_shift(s: Step, x: Form, y: Form) -> Form:
    return _shifted(s, s.entering(0, x).interval * s.entering(1, y).interval)


def _shifted(s: Step, exact: Interval) -> Form:
    scale = np.float64(2.0 ** -s.param("bits"))
    kept = Interval(np.floor(exact.low * scale), np.floor(exact.high * scale))
    if not s.secret or s.param("bits") == 0:
        return Form(kept)
    s.below(exact, s.room_bits, 0, PRODUCT)
    return Form(Interval(kept.low, kept.high + 1))


@rule("from_units")
def from_units(s: Step, x: Form) -> Form:
    return s.entering(0, x).scaled(np.float64(2.0**-s.out.dtype.fraction_bits))


@rule("const")
def const(s: Step) -> Form:
    value, shape = s.param("value"), s.out.shape
    if isinstance(value, tuple):
        return Form(point(np.asarray(value, dtype=np.float64).reshape(shape)).capped())
    return Form(point(np.float64(value)))


@rule("to_secret")
def to_secret(s: Step, x: Form) -> Form:
    return s.entering(0, x)


@rule("reveal")
def reveal(s: Step, x: Form, *guard: Form) -> Form:
    """A result must be decoded to what it is."""
    dtype, one = s.type(0).dtype, x.interval if is_public(s.type(0)) else s.encoded(0, x).interval
    if s.type(0).vis == SECRET and dtype.kind != "bool":
        s.below(one, SIGN_BITS, dtype.fraction_bits, "what can be decoded")
    return Form(one)


# --- moving elements ----------------------------------------------------------------------------------


@rule("reshape", "permute_dims", "broadcast_to", "take", "slice")
def move(s: Step, x: Form) -> Form:
    one = s.entering(0, x)
    if s.type(0).shape == s.out.shape and s.eqn.op in ("reshape", "broadcast_to", "slice"):
        return one
    reference, params = OPS[s.eqn.op].ref, s.eqn.params
    return Form(one.interval.each(lambda a: reference(a, **params), s.type(0).shape))


@rule("concat")
def concat(s: Step, *parts: Form) -> Form:
    inner = [s.entering(k, part).interval for k, part in enumerate(parts)]
    if s.out.size > MOST_ELEMENTS:
        return Form(Interval(min(i.whole().low for i in inner), max(i.whole().high for i in inner)))
    shapes, axis = [s.type(k).shape for k in range(len(inner))], s.param("axis")
    low, high = (
        np.concatenate(
            [np.broadcast_to(bound, shape) for bound, shape in zip(bounds, shapes, strict=True)], axis
        )
        for bounds in ([i.low for i in inner], [i.high for i in inner])
    )
    return Form(Interval(low, high))


def unknown(s: Step, *ins: Form) -> Form:
    """Nothing is known of the result."""
    return Form(BIT if s.out.dtype.kind == "bool" else UNKNOWN)
