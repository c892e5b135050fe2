"""Losses of classifiers, for models that are exported with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tacit.base.types import FIXED
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast, traced
from tacit.compile.onnx.evaluate import long_constant, rule
from tacit.compile.onnx.reduction import log_softmax
from tacit.compile.trace import plain


@rule("NegativeLogLikelihoodLoss")
def _likelihood(
    logarithms: Value,
    target: Value,
    weight: Value = None,
    /,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Value:
    """-logarithms [N, C, …] at the class [N, …], weighed; a class outside, or the one to ignore, counts 0."""
    classes = logarithms.shape[1]
    found = xp.one_hot(target, classes) if traced(target) else plain(target)[..., None] == np.arange(classes)
    hot = cast(xp.moveaxis(found, -1, 1), FIXED)
    if ignore_index is not None and 0 <= ignore_index < classes:
        kept = (np.arange(classes) != ignore_index).astype(float)
        hot = xp.multiply(hot, kept.reshape(-1, *(1,) * (hot.ndim - 2)))
    if weight is not None:
        hot = xp.multiply(hot, xp.reshape(xp.asarray(weight), (-1, *(1,) * (hot.ndim - 2))))
    hot = long_constant(hot)
    losses = xp.negative(xp.sum(xp.multiply(hot, logarithms), axis=1))
    if reduction == "none":
        return losses
    if reduction == "sum":
        return xp.sum(losses)
    return xp.divide(xp.sum(losses), xp.sum(hot))


@rule("SoftmaxCrossEntropyLoss")
def _entropy(
    scores: Value,
    target: Value,
    weight: Value = None,
    /,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Any:
    """The loss, and the logarithms of the classes' shares."""
    logarithms = log_softmax(scores, axis=1, opset=13)
    loss = _likelihood(logarithms, target, weight, ignore_index=ignore_index, reduction=reduction)
    return loss, logarithms
