"""Operators that work element by element.

Functions whose error bound holds on part of the line get their arguments moved into that part (`inside`) when
shares are computed on: a model cannot be edited the way a program can, and its authors saw to it that
arguments are sensible. On data in plaintext they are exact everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from tacit.base.types import BOOL, FIXED, INT, DType
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast, traced
from tacit.compile.error_function import erf
from tacit.compile.onnx.evaluate import (
    as_number,
    direct,
    in_plaintext,
    inside,
    known,
    rule,
    secret,
    unsupported,
)
from tacit.compile.onnx.graph import KINDS
from tacit.compile.trace import dtype_of, plain

LEAST_DIVISOR, MOST_DIVISOR = 2.0**-8, 2.0**17
LEAST, MOST, MOST_EXPONENT = 2.0**-12, 2.0**25, 16.0
LEAST_IN_PLAINTEXT, MOST_IN_PLAINTEXT = 2.0**-60, 30.0
"""Of what one party computes alone, exactly: so that results can be encoded."""

# --- arithmetic -----------------------------------------------------------------------------------------

direct("Neg", xp.negative)
direct("Abs", xp.abs)
direct("Sign", xp.sign)
direct("Floor", xp.floor)
direct("Ceil", xp.ceil)
direct("Round", xp.rint)
direct("Identity", lambda x, /: x)
direct("Sin", xp.sin)
direct("Cos", xp.cos)
direct("Tan", xp.tan)
direct("Asin", xp.arcsin)
direct("Acos", xp.arccos)
direct("Atan", xp.arctan)
direct("Sinh", xp.sinh)
direct("Cosh", xp.cosh)
direct("Asinh", xp.arcsinh)
direct("Acosh", xp.arccosh)
direct("Atanh", xp.arctanh)
direct("Erf", erf)


def _binary(name: str, function: Callable[[Value, Value], Value]) -> None:
    """A function of two; before version 7 of the operators shapes were broadcast by attributes."""

    @rule(name)
    def compute(x: Value, y: Value, /) -> Value:
        return function(x, y)


def _comparison(name: str, function: Callable[[Value, Value], Value], exact: np.ufunc) -> None:
    """Constants that are infinite, as masks hold, are decided here: what is private is finite."""

    @rule(name)
    def compute(x: Value, y: Value, /) -> Value:
        ends = [_infinite(x), _infinite(y)]
        if not traced(x, y) or not any(end.any() for end in ends):
            return function(x, y)
        shape = np.broadcast_shapes(*(xp.asarray(value).shape for value in (x, y)))
        left, right = (np.zeros(()) if traced(value) else plain(value).astype(float) for value in (x, y))
        decided = np.broadcast_to(exact(left, right), shape)
        somewhere = np.broadcast_to(ends[0] | ends[1], shape)
        if np.all(somewhere):
            return decided
        found = function(*(value if traced(value) else _finite(value) for value in (x, y)))
        return xp.where(somewhere, decided, found)


def _infinite(value: Value) -> np.ndarray:
    return np.zeros((), bool) if traced(value) else np.isinf(plain(value).astype(float))


_binary("Add", xp.add)
_binary("Sub", xp.subtract)
_binary("BitwiseAnd", xp.bitwise_and)
_binary("BitwiseOr", xp.bitwise_or)
_binary("BitwiseXor", xp.bitwise_xor)
_binary("And", xp.logical_and)
_binary("Or", xp.logical_or)
_binary("Xor", xp.logical_xor)
_comparison("Less", xp.less, np.less)
_comparison("LessOrEqual", xp.less_equal, np.less_equal)
_comparison("Greater", xp.greater, np.greater)
_comparison("GreaterOrEqual", xp.greater_equal, np.greater_equal)
_comparison("Equal", xp.equal, np.equal)
direct("Not", xp.logical_not)
direct("BitwiseNot", xp.bitwise_not)


@rule("Mul")
def _mul(x: Value, y: Value, /) -> Value:
    """A square is never negative, which a product does not show."""
    return xp.square(x) if x is y and traced(x) else xp.multiply(x, y)


@rule("Div")
def quotient(x: Value, y: Value, /) -> Value:
    """x / y; of integers towards 0. Divisors that are not public are moved away from 0 and below 2^17."""
    if dtype_of(x) == dtype_of(y) == INT:
        size = xp.abs(y)
        whole = xp.floor_divide(xp.abs(x), xp.maximum(size, 1) if traced(y) else size)
        return xp.multiply(whole, xp.multiply(xp.sign(x), xp.sign(y)))
    if not traced(x, y):
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.divide(plain(x), plain(y))
    if not traced(y):
        return xp.divide(x, y)
    signed = xp.where(xp.less(y, 0.0), xp.negative(x), x)
    return xp.divide(signed, xp.clip(xp.abs(y), LEAST_DIVISOR, MOST_DIVISOR))


@rule("Reciprocal")
def inverse(y: Value, /) -> Value:
    if in_plaintext(y):
        return xp.divide(np.ones(()), y)
    size = xp.reciprocal(xp.clip(xp.abs(y), LEAST_DIVISOR, MOST_DIVISOR))
    return xp.where(xp.less(y, 0.0), xp.negative(size), size)


@rule("Mod")
def _mod(x: Value, y: Value, /, *, fmod: int = 0) -> Value:
    return xp.fmod(x, y) if fmod else xp.mod(x, y)


@rule("BitShift")
def _shift(x: Value, y: Value, /, *, direction: str) -> Value:
    by = known(y, "by how much BitShift shifts")
    if direction == "LEFT":
        return xp.left_shift(x, by)
    places = np.unique(by).tolist()
    found = xp.right_shift(x, int(places[0]))
    for k in places[1:]:
        found = xp.where(by == k, xp.right_shift(x, int(k)), found)
    return found


@rule("Pow")
def _pow(x: Value, y: Value, /) -> Value:
    """Whole constants for any x, others for x > 0."""
    if traced(y):
        return exponential(xp.multiply(cast(y, FIXED), xp.log(xp.clip(cast(x, FIXED), LEAST, MOST))))
    exponents = np.unique(plain(y))
    if not traced(x):
        return np.power(plain(x).astype(float), plain(y)).astype(plain(x).dtype)
    if len(exponents) != 1:
        return exponential(xp.multiply(logarithm(x), cast(y, FIXED)))
    exponent = float(exponents[0])
    if exponent in (0.5, -0.5):
        return root(x) if exponent > 0 else inverse(root(x))
    if exponent == int(exponent) and abs(exponent) <= 64:
        powered = xp.power(x, int(abs(exponent)))
        return powered if exponent >= 0 else inverse(powered)
    return exponential(xp.multiply(logarithm(x), exponent))


@rule("Sqrt")
def root(x: Value, /) -> Value:
    return xp.sqrt(inside(cast(x, FIXED), 0.0, MOST))


@rule("Exp")
def exponential(x: Value, /) -> Value:
    x = cast(x, FIXED)
    if not traced(x):
        return xp.exp(x)
    return xp.exp(xp.minimum(x, MOST_EXPONENT if secret(x) else MOST_IN_PLAINTEXT))


@rule("Log")
def logarithm(x: Value, /) -> Value:
    x = cast(x, FIXED)
    return xp.log(xp.clip(x, LEAST if secret(x) else LEAST_IN_PLAINTEXT, MOST) if traced(x) else x)


def _folded(name: str, function: Callable[[Value, Value], Value]) -> None:
    @rule(name)
    def fold(*values: Value) -> Value:
        return reduce(function, values)


_folded("Min", xp.minimum)
_folded("Max", xp.maximum)
_folded("Sum", xp.add)


@rule("Mean")
def _mean(*values: Value) -> Value:
    return xp.divide(reduce(xp.add, values), float(len(values)))


@rule("IsNaN")
def _is_nan(x: Value, /) -> Value:
    return xp.isnan(x) if traced(x) else np.isnan(plain(x))


@rule("IsInf")
def _is_infinite(x: Value, /, *, detect_negative: int = 1, detect_positive: int = 1) -> Value:
    if traced(x):
        return xp.isinf(x)
    data = plain(x)
    return (bool(detect_positive) & np.isposinf(data)) | (bool(detect_negative) & np.isneginf(data))


# --- choice and conversion ------------------------------------------------------------------------------


@rule("Where")
def _where(condition: Value, x: Value, y: Value, /) -> Value:
    if not traced(condition):
        # What a constant condition never picks may be infinite, as in masks.
        if np.all(plain(condition)) or not np.any(plain(condition)):
            shape = np.broadcast_shapes(*(xp.asarray(value).shape for value in (condition, x, y)))
            return xp.broadcast_to(xp.asarray(x if np.all(plain(condition)) else y), shape)
        x, y = _finite(x), _finite(y)
    return xp.where(condition, _finite(x), _finite(y))


def _finite(value: Value) -> Value:
    """Infinite constants, which masks are made of, as numbers that an exponential makes 0."""
    return value if traced(value) or plain(value).dtype.kind != "f" else np.clip(value, -(2.0**20), 2.0**20)


@rule("Clip")
def _clip(
    x: Value,
    low: Value = None,
    high: Value = None,
    /,
    *,
    min: float | None = None,
    max: float | None = None,
) -> Value:
    """The bounds were attributes before version 11."""
    low, high = (_bound(a, b) for a, b in ((low, min), (high, max)))
    if low is not None and not traced(low) and plain(low) <= -(2.0**40):
        low = None
    if high is not None and not traced(high) and plain(high) >= 2.0**40:
        high = None
    return xp.clip(x, low, high)


def _bound(given: Value, attribute: float | None) -> Value:
    value = attribute if given is None else given
    return value if value is None or traced(value) else plain(value).reshape(())


def kind_of(number: int) -> DType:
    """What an element type of ONNX is here. Raises UsageError ONNX-0002."""
    if number not in KINDS:
        raise unsupported(f"element type {number} is asked for", "use floats, ints or bools")
    return KINDS[number]


@rule("Cast")
def _cast(x: Value, /, *, to: int, saturate: int = 1, round_mode: str = "up") -> Value:
    return converted(x, kind_of(to))


@rule("CastLike")
def _cast_like(x: Value, y: Value, /, *, saturate: int = 1, round_mode: str = "up") -> Value:
    return converted(x, dtype_of(y))


def converted(x: Value, dtype: DType) -> Value:
    """Reals become integers towards 0."""
    return xp.astype(x, dtype)


@rule("Dropout")
def _dropout(
    x: Value,
    rate: Value = None,
    training: Value = None,
    /,
    *,
    ratio: float = 0.5,
    seed: int = 0,
    n_outs: int,
) -> Any:
    """Nothing is dropped in inference; the mask keeps everything."""
    if training is not None and np.any(known(training, "whether Dropout is in training")):
        raise unsupported("Dropout in training", "export the model for inference")
    return x if n_outs == 1 else (x, np.ones(x.shape, bool))


# --- activations ----------------------------------------------------------------------------------------

direct("Tanh", xp.tanh)
direct("Sigmoid", xp.sigmoid)


@rule("Relu")
def relu(x: Value, /) -> Value:
    return xp.maximum(x, np.zeros((), np.int64) if dtype_of(x) == INT else 0.0)


@rule("LeakyRelu")
def _leaky(x: Value, /, *, alpha: float = 0.01) -> Value:
    return _split(x, xp.multiply(x, alpha))


@rule("PRelu")
def _prelu(x: Value, slope: Value, /) -> Value:
    return _split(x, xp.multiply(x, slope))


def _split(x: Value, negative: Value) -> Value:
    """x where it is positive, `negative` elsewhere."""
    return xp.where(xp.less(x, 0.0), negative, x)


@rule("Elu")
def _elu(x: Value, /, *, alpha: float = 1.0) -> Value:
    return _bent(x, alpha, 1.0)


@rule("Selu")
def _selu(
    x: Value, /, *, alpha: float = 1.67326319217681884765625, gamma: float = 1.05070102214813232421875
) -> Value:
    return xp.multiply(_bent(x, alpha, 1.0), gamma)


@rule("Celu")
def _celu(x: Value, /, *, alpha: float = 1.0) -> Value:
    return _bent(x, alpha, 1.0 / alpha)


def _bent(x: Value, alpha: float, slope: float) -> Value:
    """x if positive, else alpha (exp(slope x) - 1)."""
    below = xp.minimum(x, 0.0)
    return xp.add(relu(x), xp.multiply(xp.subtract(xp.exp(xp.multiply(below, slope)), 1.0), alpha))


@rule("Gelu")
def _gelu(x: Value, /, *, approximate: str = "none") -> Value:
    return xp.gelu(x, approximate=approximate == "tanh")


@rule("HardSigmoid")
def _hard_sigmoid(x: Value, /, *, alpha: float = 0.2, beta: float = 0.5) -> Value:
    return xp.clip(xp.add(xp.multiply(x, alpha), beta), 0.0, 1.0)


@rule("HardSwish")
def _hard_swish(x: Value, /) -> Value:
    return xp.multiply(x, _hard_sigmoid(x, alpha=1.0 / 6.0))


@rule("Swish")
def _swish(x: Value, /, *, alpha: float = 1.0) -> Value:
    return xp.multiply(x, xp.sigmoid(xp.multiply(x, alpha)))


@rule("Softplus")
def softplus(x: Value, /) -> Value:
    """max(x, 0) + log(1 + exp(-|x|))."""
    x = cast(x, FIXED)
    return xp.add(relu(x), xp.log(xp.add(xp.exp(xp.negative(xp.abs(x))), 1.0)))


@rule("Mish")
def _mish(x: Value, /) -> Value:
    return xp.multiply(x, xp.tanh(softplus(x)))


@rule("Softsign")
def _softsign(x: Value, /) -> Value:
    return xp.multiply(x, inverse(xp.add(xp.abs(x), 1.0)))


@rule("ThresholdedRelu")
def _thresholded(x: Value, /, *, alpha: float = 1.0) -> Value:
    return xp.where(xp.greater(x, alpha), x, 0.0)


@rule("Shrink")
def _shrink(x: Value, /, *, bias: float = 0.0, lambd: float = 0.5) -> Value:
    above = xp.where(xp.greater(x, lambd), xp.subtract(x, bias), 0.0)
    return xp.where(xp.less(x, -lambd), xp.add(x, bias), above)


@rule("Binarizer", domain="ai.onnx.ml")
def _binarizer(x: Value, /, *, threshold: float = 0.0) -> Value:
    return cast(as_number(xp.greater(x, threshold)), dtype_of(x) if dtype_of(x) != BOOL else INT)
