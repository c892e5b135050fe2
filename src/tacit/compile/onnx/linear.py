"""Linear models, support vectors and the scalers around them (ai.onnx.ml).

What a model holds may come as constants or as private values of its owner (`Model.split`); only how many
vectors, classes and features there are is public then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tacit.base.types import FIXED, INT
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast
from tacit.compile.onnx.evaluate import ML, in_plaintext, long_constant, rule, unsupported
from tacit.compile.onnx.labels import labelled
from tacit.compile.onnx.reduction import softmax


def held(values: Any) -> Value:
    """What a model holds: a traced value as it is, data as what meets traced values."""
    return long_constant(
        xp.asarray(np.asarray(values, float) if isinstance(values, tuple | list) else values)
    )


def link(scores: Value, post_transform: str) -> Value:
    """Scores as the model gives them."""
    if post_transform in ("NONE", ""):
        return scores
    if post_transform == "LOGISTIC":
        return xp.sigmoid(scores)
    if post_transform == "SOFTMAX":
        return softmax(scores, axis=-1, opset=13)
    raise unsupported(f"the link {post_transform!r}", "use NONE, LOGISTIC or SOFTMAX")


# --- scalers --------------------------------------------------------------------------------------------


@rule("Scaler", domain=ML)
def _scaler(x: Value, /, *, offset: Any = (0.0,), scale: Any = (1.0,)) -> Value:
    return xp.multiply(xp.subtract(cast(x, FIXED), held(offset)), held(scale))


@rule("Normalizer", domain=ML)
def _normalizer(x: Value, /, *, norm: str = "MAX") -> Value:
    """Each row over its norm; norms of values on shares are taken for 2^-8 at least."""
    x = cast(x, FIXED)
    if norm == "MAX":
        size = xp.max(xp.abs(x), axis=-1, keepdims=True)
    elif norm == "L1":
        size = xp.sum(xp.abs(x), axis=-1, keepdims=True)
    else:
        squares = xp.sum(xp.square(x), axis=-1, keepdims=True)
        if not in_plaintext(x):
            return xp.multiply(x, xp.rsqrt(xp.clip(squares, 2.0**-12, 2.0**25)))
        size = xp.sqrt(squares)
    if in_plaintext(size):
        return xp.divide(x, xp.where(xp.equal(size, 0.0), 1.0, size))
    return xp.divide(x, xp.clip(size, 2.0**-8, 2.0**17))


@rule("Imputer", domain=ML)
def _imputer(
    x: Value, /, *, imputed_value_floats: Any = None, imputed_value_int64s: Any = None,
    replaced_value_float: float = 0.0, replaced_value_int64: int = 0,
) -> Value:  # fmt: skip
    """Private values are never missing (encoding refuses them), so only numbers are replaced."""
    filling = imputed_value_int64s if imputed_value_floats is None else imputed_value_floats
    replaced = replaced_value_int64 if imputed_value_floats is None else replaced_value_float
    if np.isnan(replaced):
        missing = xp.not_equal(x, x) if not hasattr(x, "trace") else None
        return x if missing is None else xp.where(missing, held(filling), np.nan_to_num(x))
    return xp.where(xp.equal(x, replaced), held(filling), x)


# --- linear models --------------------------------------------------------------------------------------


@rule("LinearRegressor", domain=ML)
def _regressor(
    x: Value, /, *, coefficients: Any, intercepts: Any = None, targets: int = 1, post_transform: str = "NONE"
) -> Value:
    return link(_scores(x, coefficients, intercepts, targets), post_transform)


def _scores(x: Value, coefficients: Any, intercepts: Any, n: int) -> Value:
    rows = xp.reshape(held(coefficients), (n, -1))
    found = xp.matmul(cast(x, FIXED), xp.matrix_transpose(rows))
    return found if intercepts is None else xp.add(found, held(intercepts))


@rule("LinearClassifier", domain=ML)
def _classifier(
    x: Value, /, *, coefficients: Any, intercepts: Any = None, classlabels_ints: Any = None,
    classlabels_strings: Any = None, multi_class: int = 0, post_transform: str = "NONE",
) -> Any:  # fmt: skip
    n_classes = max(len(classlabels_ints or classlabels_strings or ()), 1)
    n_weights = coefficients.shape[0] if hasattr(coefficients, "shape") else len(coefficients)
    n_rows = 1 if n_classes <= 2 and n_weights == x.shape[-1] else n_classes
    scores = _scores(x, coefficients, intercepts, n_rows)
    if n_rows == 1:
        return _binary(scores[:, 0], post_transform, classlabels_ints)
    position = xp.argmax(scores, axis=1)
    return labelled(position, classlabels_ints), link(scores, post_transform)


def _binary(score: Value, post_transform: str, numbers: Sequence[int] | None) -> tuple[Value, Value]:
    position = cast(xp.greater(score, 0.0), INT)
    if post_transform == "NONE":
        both = xp.stack([xp.negative(score), score], axis=1)
    elif post_transform == "LOGISTIC":
        likely = xp.sigmoid(score)
        both = xp.stack([xp.subtract(1.0, likely), likely], axis=1)
    else:
        both = link(xp.stack([xp.negative(score), score], axis=1), post_transform)
    return labelled(position, numbers), both


# --- support vectors ------------------------------------------------------------------------------------


def _kernel(x: Value, vectors: Value, kind: str, params: Sequence[float]) -> Value:
    """[rows, vectors]."""
    gamma, shift, degree = (*params, 0.0, 0.0, 0.0)[:3]
    inner = xp.matmul(cast(x, FIXED), xp.matrix_transpose(vectors))
    if kind == "LINEAR":
        return inner
    if kind == "RBF":
        squares = xp.sum(xp.square(x), axis=1, keepdims=True)
        own = xp.sum(xp.square(vectors), axis=1)
        distance = xp.add(xp.subtract(squares, xp.multiply(inner, 2.0)), own)
        exponent = xp.multiply(distance, -gamma)
        return xp.exp(exponent if in_plaintext(exponent) else xp.minimum(exponent, 0.0))
    scaled = xp.add(xp.multiply(inner, gamma), shift)
    if kind == "POLY" and degree == int(degree) and 0 <= degree <= 64:
        return xp.power(scaled, int(degree))
    if kind == "SIGMOID":
        return xp.tanh(scaled)
    raise unsupported(f"the kernel {kind!r} of degree {degree}", "use LINEAR, RBF, POLY or SIGMOID")


@rule("SVMRegressor", domain=ML)
def _svm_regressor(
    x: Value, /, *, coefficients: Any, rho: Any, kernel_params: Any = (), kernel_type: str = "LINEAR",
    n_supports: int = 0, one_class: int = 0, post_transform: str = "NONE", support_vectors: Any = None,
) -> Value:  # fmt: skip
    """Without support vectors the coefficients are those of a linear function."""
    weights = xp.reshape(held(coefficients), (-1, 1))
    if n_supports:
        vectors = xp.reshape(held(support_vectors), (n_supports, -1))
        found = xp.matmul(_kernel(x, vectors, kernel_type, kernel_params), weights)
    else:
        found = xp.matmul(cast(x, FIXED), weights)
    found = xp.add(found, held(rho))
    if one_class:
        return xp.where(xp.greater(found, 0.0), np.ones(()), np.full((), -1.0))
    return link(found, post_transform)


@rule("SVMClassifier", domain=ML)
def _svm_classifier(
    x: Value, /, *, coefficients: Any, rho: Any, support_vectors: Any = None, vectors_per_class: Any = None,
    kernel_params: Any = (), kernel_type: str = "LINEAR", classlabels_ints: Any = None,
    classlabels_strings: Any = None, post_transform: str = "NONE", prob_a: Any = None, prob_b: Any = None,
) -> Any:  # fmt: skip
    """One decision for each pair of classes, and votes; probabilities (Platt's) for two classes."""
    n = len(classlabels_ints or classlabels_strings or ())
    if not vectors_per_class:
        scores = _scores(x, coefficients, rho, n)
        return labelled(xp.argmax(scores, axis=1), classlabels_ints), link(scores, post_transform)
    counts = [int(count) for count in vectors_per_class]
    vectors = xp.reshape(held(support_vectors), (sum(counts), -1))
    weights = xp.reshape(held(coefficients), (n - 1, sum(counts)))
    kernel = _kernel(x, vectors, kernel_type, kernel_params)
    decisions = xp.add(xp.matmul(kernel, _by_pairs(weights, counts)), held(rho))
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    if prob_a is not None:
        if n != 2:
            raise unsupported(
                "probabilities of support vectors among more than two classes",
                "export with probability=False, and take the scores",
            )
        exponent = xp.add(xp.multiply(decisions, held(prob_a)), held(prob_b))
        first = xp.sigmoid(xp.negative(exponent))[:, 0]
        likely = xp.stack([first, xp.subtract(1.0, first)], axis=1)
        position = cast(xp.less(decisions[:, 0], 0.0), INT)
        return labelled(position, classlabels_ints), likely
    if n == 2:
        score = decisions[:, 0]
        position = cast(xp.less(score, 0.0), INT)
        both = xp.stack([score, xp.negative(score)], axis=1)
        return labelled(position, classlabels_ints), link(both, post_transform)
    wins = cast(xp.greater(decisions, 0.0), INT)
    votes = xp.matmul(wins, _ballots(pairs, n)[0])
    position = xp.argmax(xp.add(votes, _ballots(pairs, n)[1]), axis=1)
    return labelled(position, classlabels_ints), link(decisions, post_transform)


def _by_pairs(weights: Value, counts: Sequence[int]) -> Value:
    """[vectors, pairs]: the weight of each vector in the decision between two classes, 0 for the others'."""
    ends = np.cumsum([0, *counts])
    columns = []
    for i in range(len(counts)):
        for j in range(i + 1, len(counts)):
            parts = []
            for one, row in ((i, j - 1), (j, i)):
                parts.append((ends[one], ends[one + 1], row))
            columns.append(_column(weights, parts))
    return xp.stack(columns, axis=1)


def _column(weights: Value, parts: Sequence[tuple[int, int, int]]) -> Value:
    """A row of zeros but for the parts (start, stop, row of the weights), in order."""
    pieces: list[Value] = []
    at, size = 0, weights.shape[1]
    for start, stop, row in parts:
        pieces += [np.zeros(start - at), xp.take(weights[row], np.arange(start, stop), axis=0)]
        at = stop
    return xp.concat([*pieces, np.zeros(size - at)])


def _ballots(pairs: Sequence[tuple[int, int]], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Votes of a pair as a matrix for wins of the first, and those that losses give."""
    gains, base = np.zeros((len(pairs), n), np.int64), np.zeros(n, np.int64)
    for row, (i, j) in enumerate(pairs):
        gains[row, i], gains[row, j] = 1, -1
        base[j] += 1
    return gains, base
