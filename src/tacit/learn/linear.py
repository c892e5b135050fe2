"""Models linear in their features: the score, and its fit by mini-batch gradient descent with momentum.

Source   [SecureML] Mohassel, Zhang, S&P 2017, section IV (mini-batch descent on shares); heavy-ball
         momentum [Polyak64]. Loss: mean loss + l2/2 |w|^2, intercept not penalised.
Columns come in blocks, one per party, so that each block stays with its owner and only products with the
shared weights and residuals are interactive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tacit.compile import array as xp

Array = Any


@dataclass(frozen=True)
class Descent:
    """`rate` for standardised columns; `l2` per row; batches of at most `batch_rows` rows."""

    epochs: int = 12
    batch_rows: int = 64
    rate: float = 0.1
    momentum: float = 0.9
    l2: float = 0.01


@dataclass(frozen=True)
class Batches:
    """How n rows are cut: `count` batches of `rows`, the last one filled up with rows of zeros."""

    count: int
    rows: int

    @staticmethod
    def of(n_rows: int, batch_rows: int) -> Batches:
        count = max(1, round(n_rows / batch_rows))
        return Batches(count, -(-n_rows // count))

    def cut(self, x: Array) -> Array:
        """[n, …] -> [count, rows, …]; rows of zeros contribute nothing to a gradient."""
        missing = self.count * self.rows - x.shape[0]
        if missing:
            x = xp.concat([x, xp.zeros((missing, *x.shape[1:]), dtype=x.dtype)], axis=0)
        return xp.reshape(x, (self.count, self.rows, *x.shape[1:]))


def score(blocks: Sequence[Array], weights: Sequence[Array]) -> Array:
    """Sum over blocks of x @ w: real[n] for x real[n, d_p], w real[d_p]."""
    parts = [xp.matmul(x, w) for x, w in zip(blocks, weights, strict=True)]
    return sum(parts[1:], start=parts[0])


def fit(
    blocks: Sequence[Array],
    target: Array,
    options: Descent,
    link: Callable[[Array], Array],
    penalised: Sequence[np.ndarray],
) -> list[Array]:
    """Weights per block, real[d_p].

    blocks: real[n, d_p], standardised; target: real[n]; link: linear predictor -> mean, whose canonical
    residual is link(x w) - target; penalised: for each block 1.0 per column under l2, 0.0 for an intercept.
    """
    batches = Batches.of(target.shape[0], options.batch_rows)
    cuts = [*(batches.cut(x) for x in blocks), batches.cut(target)]
    starts = [xp.to_secret(xp.zeros((x.shape[1],))) for x in blocks]
    n_blocks = len(blocks)

    def step(carry: tuple[Array, ...], batch: tuple[Array, ...]) -> tuple[tuple[Array, ...], tuple[()]]:
        weights, speeds = carry[:n_blocks], carry[n_blocks:]
        columns, wanted = batch[:-1], batch[-1]
        residual = link(score(columns, weights)) - wanted
        new_weights, new_speeds = [], []
        for x, w, v, mask in zip(columns, weights, speeds, penalised, strict=True):
            pull = xp.matmul(x.T, residual) * (options.rate / batches.rows)
            drag = w * (options.rate * options.l2 * mask)
            speed = v * options.momentum - pull - drag
            new_weights.append(w + speed)
            new_speeds.append(speed)
        return (*new_weights, *new_speeds), ()

    def epoch(carry: tuple[Array, ...], _: tuple[()]) -> tuple[tuple[Array, ...], tuple[()]]:
        return xp.scan(step, carry, tuple(cuts), length=batches.count)

    final, _ = xp.scan(epoch, (*starts, *starts), (), length=options.epochs)
    return list(final[:n_blocks])


def fit_linear(
    blocks: Sequence[Array],
    target: Array,
    options: Descent,
    penalised: Sequence[np.ndarray],
    reach: float = 64.0,
) -> list[Array]:
    """Least squares with l2, of a standardised target.

    Predictions count as at most `reach` in magnitude, so that no step of the descent is larger than can be
    proved to fit; where the fit ends, none is.
    """
    return fit(blocks, target, options, lambda mean: xp.clip(mean, -reach, reach), penalised)
