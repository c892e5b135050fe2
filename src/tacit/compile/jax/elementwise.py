"""Primitives that work element by element."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tacit.base.types import BOOL, FIXED, INT, SECRET
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast, traced
from tacit.compile.error_function import erf
from tacit.compile.jax.bits import wrapped
from tacit.compile.jax.evaluate import RULES, infinite, rule, shape_of
from tacit.compile.ranges.live import range_of
from tacit.compile.trace import Array, dtype_of, plain
from tacit.compile.transform import as_complex

# --- element by element ---------------------------------------------------------------------------------


def _direct(names: str, function: Callable[..., Value]) -> None:
    for name in names.split():
        RULES[name] = lambda ins, **_: function(*ins)


_direct("add add_any", xp.add)
_direct("sub", xp.subtract)
_direct("neg", xp.negative)
_direct("abs", xp.abs)
_direct("sign", xp.sign)
_direct("floor", xp.floor)
_direct("ceil", xp.ceil)
_direct("exp2", xp.exp2)
_direct("expm1", xp.expm1)
_direct("sqrt", xp.sqrt)
_direct("cbrt", xp.cbrt)
_direct("square", xp.square)
_direct("tanh", xp.tanh)
_direct("logistic", xp.sigmoid)
_direct("sin", xp.sin)
_direct("cos", xp.cos)
_direct("tan", xp.tan)
_direct("asin", xp.arcsin)
_direct("acos", xp.arccos)
_direct("atan", xp.arctan)
_direct("atan2", xp.arctan2)
_direct("sinh", xp.sinh)
_direct("cosh", xp.cosh)
_direct("asinh", xp.arcsinh)
_direct("acosh", xp.arccosh)
_direct("atanh", xp.arctanh)
_direct("rem", xp.fmod)
_direct("erf", erf)
_direct("and", xp.bitwise_and)
_direct("or", xp.bitwise_or)
_direct("xor", xp.bitwise_xor)
_direct("not", xp.invert)
_direct("is_finite", lambda x: np.ones(shape_of(x), bool))
_direct("stop_gradient copy copy_p real conj reduce_precision name", lambda x: x)


@rule("optimization_barrier", "device_put")
def _as_they_are(ins: list[Value], **_: Any) -> list[Value]:
    return ins


@rule("rsqrt")
def _rsqrt(ins: list[Value], **_: Any) -> Value:
    """What is nearer to 0 than 2^-12 on shares counts as that: 1e-5, as layers add it, is."""
    x = cast(ins[0], FIXED)
    return xp.rsqrt(xp.clip(x, 2.0**-12, 2.0**25) if traced(x) and x.type.vis == SECRET else x)


def within(x: Value, low: float, high: float) -> Value:
    """x, moved to these ends where it is known that it can lie beyond them."""
    if not isinstance(x, Array):
        return np.clip(plain(x), low, high)
    found = range_of(x)
    if found is None:
        return x
    x = xp.maximum(x, low) if found[0] < low else x
    return xp.minimum(x, high) if found[1] > high else x


# In its own functions JAX goes beyond what an operator takes, and chooses another value there. A user's step
# that does so is refused when the program is proved.


@rule("exp")
def _exp(ins: list[Value], of_jax: bool, **_: Any) -> Value:
    return xp.exp(within(ins[0], -math.inf, 16.0) if of_jax else ins[0])


@rule("log")
def _log(ins: list[Value], of_jax: bool, **_: Any) -> Value:
    return xp.log(within(ins[0], 2.0**-12, math.inf) if of_jax else ins[0])


@rule("log1p")
def _log1p(ins: list[Value], of_jax: bool, **_: Any) -> Value:
    return _log([xp.add(ins[0], 1.0)], of_jax)


@rule("max")
def _max(ins: list[Value], **_: Any) -> Value:
    """A maximum with minus infinity, with which JAX begins reductions, is the other value."""
    for value, other in (ins, ins[::-1]):
        if infinite(value) == -math.inf:
            return other
    return xp.maximum(*ins)


@rule("min")
def _min(ins: list[Value], **_: Any) -> Value:
    for value, other in (ins, ins[::-1]):
        if infinite(value) == math.inf:
            return other
    return xp.minimum(*ins)


_COMPARISONS: dict[str, tuple[Callable[..., Value], Callable[[float, float], bool]]] = {
    "eq": (xp.equal, operator.eq),
    "ne": (xp.not_equal, operator.ne),
    "lt": (xp.less, operator.lt),
    "le": (xp.less_equal, operator.le),
    "gt": (xp.greater, operator.gt),
    "ge": (xp.greater_equal, operator.ge),
    "eq_to": (xp.equal, operator.eq),
    "lt_to": (xp.less, operator.lt),
    "le_to": (xp.less_equal, operator.le),
}


def _compare(name: str, ins: list[Value]) -> Value:
    if ins[0] is ins[1] and traced(ins[0]):  # isnan is written so
        return np.full(shape_of(ins[0]), _COMPARISONS[name][1](0.0, 0.0))
    private, exact = _COMPARISONS[name]
    ends = [infinite(value) for value in ins]
    if any(end is not None for end in ends):
        shape = np.broadcast_shapes(*(shape_of(value) for value in ins))
        left, right = (0.0 if end is None else end for end in ends)
        return np.full(shape, exact(left, right))
    return private(*ins)


for _comparison in _COMPARISONS:
    RULES[_comparison] = partial(lambda name, ins, **_: _compare(name, ins), _comparison)


@rule("div")
def _div(ins: list[Value], of_jax: bool, **_: Any) -> Value:
    if all(dtype_of(value) == INT for value in ins):
        quotient = xp.floor_divide(xp.abs(ins[0]), xp.abs(ins[1]))
        return xp.multiply(quotient, xp.multiply(xp.sign(ins[0]), xp.sign(ins[1])))
    return _divided(*ins) if of_jax else xp.divide(*ins)


def _divided(x: Value, y: Value) -> Value:
    """x / y, by a divisor of one sign from 2^-8 to 2^17 in magnitude, with a quotient below 2^24."""
    least, most = 2.0**-8, 2.0**17
    found = range_of(y) if isinstance(y, Array) else None
    if found is None:
        return xp.divide(x, y)
    if found[0] >= -least:
        size = within(y, least, most)
    elif found[1] <= least:
        size = within(y, -most, -least)
    else:
        x = xp.multiply(x, xp.where(xp.less(y, 0.0), -1, 1))
        size = within(xp.abs(y), least, most)
    # The smallest divisor and the largest quotient say how large a dividend can be.
    reach = 2.0**23 * max(least, min(abs(found[0]), abs(found[1])) if found[0] * found[1] > 0 else 0.0)
    return xp.divide(within(x, -reach, reach), size)


@rule("mul")
def _mul(ins: list[Value], **_: Any) -> Value:
    """A square is never negative, which a product does not show."""
    return xp.square(ins[0]) if ins[0] is ins[1] else xp.multiply(*ins)


@rule("integer_pow")
def _integer_pow(ins: list[Value], y: int, **_: Any) -> Value:
    return xp.power(ins[0], y)


@rule("pow")
def _pow(ins: list[Value], of_jax: bool, **_: Any) -> Value:
    return xp.power(within(ins[0], 2.0**-12, math.inf) if of_jax else ins[0], ins[1])


@rule("round")
def _round(ins: list[Value], rounding_method: Any = 0, **_: Any) -> Value:
    return xp.rint(ins[0]) if int(rounding_method) == 1 else _away_from_zero(ins[0])


def _away_from_zero(x: Value) -> Value:
    return xp.multiply(xp.sign(x), xp.floor(xp.add(xp.abs(x), 0.5)))


@rule("clamp")
def _clamp(ins: list[Value], **_: Any) -> Value:
    low, x, high = ins
    x = x if infinite(low) == -math.inf else xp.maximum(x, low)
    return x if infinite(high) == math.inf else xp.minimum(x, high)


@rule("erfc")
def _erfc(ins: list[Value], **_: Any) -> Value:
    return xp.subtract(1.0, erf(ins[0]))


@rule("select_n")
def _select(ins: list[Value], out: list[Any], **_: Any) -> Value:
    which = ins[0]
    first, *others = map(finite, ins[1:])
    if not traced(which) and len(set(plain(which).reshape(-1).tolist())) == 1:
        chosen = xp.asarray(ins[1 + int(plain(which).reshape(-1)[0])])
        return xp.broadcast_to(chosen, out[0].shape)
    if dtype_of(which) == BOOL:
        return xp.where(which, others[0], first)
    for index, other in enumerate(others, 1):
        first = xp.where(xp.equal(which, index), other, first)
    return first


def finite(value: Value) -> Value:
    """Constants that are no numbers or infinite as numbers: where values are finite they are never picked,
    or begin a reduction."""
    if traced(value) or plain(value).dtype.kind != "f":
        return value
    return np.nan_to_num(plain(value), nan=0.0, posinf=2.0**20, neginf=-(2.0**20))


@rule("convert_element_type")
def _convert(ins: list[Value], new_dtype: Any, **_: Any) -> Value:
    kind = np.dtype(new_dtype).kind
    if kind in "iu":
        return wrapped(xp.astype(ins[0], INT), new_dtype)
    found = cast(ins[0], BOOL if kind == "b" else FIXED)
    return as_complex(found) if kind == "c" else found
