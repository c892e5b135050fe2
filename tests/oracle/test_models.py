"""Regressions and correlations: in the clear against known libraries, on shares against the clear."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from tacit.compile import array as xp
from tacit.frame.source import open_table
from tacit.learn.linear import Batches, Descent, fit_linear, score
from tacit.learn.logistic import fit_logistic
from tacit.stats.describe import correlation_with
from tests.data_sets import data_file
from tests.oracle.secretly import representable, secretly

WITH_INTERCEPT = np.array([1.0, 1.0, 1.0, 0.0])


def split_columns(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Blocks real[n, 4] (last column ones) and real[n, 3], and a linear predictor real[n]."""
    rng = np.random.default_rng(seed)
    x = representable(np.clip(rng.normal(size=(n, 6)), -4, 4))
    first, second = np.hstack([x[:, :3], np.ones((n, 1))]), x[:, 3:]
    return first, second, x @ np.array([1.0, -0.5, 0.25, 0.8, 0.0, -1.0]) - 0.7


def fit_both(
    fit: Any, first: np.ndarray, second: np.ndarray, target: np.ndarray, descent: Descent
) -> np.ndarray:
    return np.concatenate(fit([first, second], target, descent, [WITH_INTERCEPT, np.ones(3)]))


def test_linear_regression_is_least_squares() -> None:
    first, second, predictor = split_columns(600)
    x = np.hstack([first, second])
    weights = fit_both(fit_linear, first, second, predictor, Descent(60, 64, 0.05, 0.9, 0.0))
    assert np.allclose(weights, np.linalg.lstsq(x, predictor, rcond=None)[0], atol=1e-6)


L2 = "l2 acts outside the momentum: the optimum is that of l2 * (1 - momentum), a tenth of what is stated"


def test_ridge_regression_has_the_penalty_that_it_states() -> None:
    """The minimum of mean loss + l2/2 |w|^2, intercept free, in closed form."""
    first, second, predictor = split_columns(600)
    x = np.hstack([first, second])
    noisy = predictor + np.random.default_rng(1).normal(size=600)
    weights = fit_both(fit_linear, first, second, noisy, Descent(300, 600, 0.1, 0.9, 0.01))
    penalty = 600 * 0.01 * np.diag([1, 1, 1, 0, 1, 1, 1])
    assert np.allclose(weights, np.linalg.solve(x.T @ x + penalty, x.T @ noisy), atol=1e-4)


def test_the_penalty_is_a_penalty() -> None:
    """More of it, smaller weights, the intercept apart."""
    first, second, predictor = split_columns(300)
    norms = []
    for l2 in (0.0, 0.1, 1.0):
        weights = fit_both(fit_linear, first, second, predictor, Descent(300, 300, 0.1, 0.9, l2))
        norms.append(np.linalg.norm(np.delete(weights, 3)))
    assert norms[0] > norms[1] > norms[2] > 0


def test_logistic_regression_is_scikit_learns() -> None:
    """Full batches to convergence: the same optimum, coefficient by coefficient."""
    first, second, predictor = split_columns(500)
    label = (np.random.default_rng(2).random(500) < 1 / (1 + np.exp(-predictor))).astype(float)
    weights = fit_both(fit_logistic, first, second, label, Descent(400, 500, 0.5, 0.9, 0.01))
    known = LogisticRegression(C=1 / (500 * 0.01), tol=1e-10, max_iter=5000)
    known.fit(np.hstack([first[:, :3], second]), label)
    mine = np.concatenate([weights[:3], weights[4:]])
    assert np.allclose(mine, known.coef_[0], atol=1e-4)
    assert abs(weights[3] - known.intercept_[0]) < 1e-4


def test_logistic_regression_on_breast_as_the_job_trains_it() -> None:
    tables = [open_table(data_file(f"vfl/breast_hetero_{side}.csv.gz")) for side in ("guest", "host")]
    label = tables[0]["y"].to_numpy().astype(float)
    blocks = [
        np.stack([t[c].to_numpy() for c in t.column_names if c not in ("id", "y")], axis=1).astype(float)
        for t in tables
    ]
    n = len(label)
    first = np.hstack([blocks[0], np.ones((n, 1))])
    penalised = [np.append(np.ones(blocks[0].shape[1]), 0.0), np.ones(blocks[1].shape[1])]
    weights = fit_logistic([first, blocks[1]], label, Descent(10, 64, 0.1, 0.9, 0.001), penalised)
    known = LogisticRegression(C=1.0, max_iter=5000).fit(np.hstack(blocks), label)
    reference = roc_auc_score(label, known.decision_function(np.hstack(blocks)))
    assert abs(roc_auc_score(label, score([first, blocks[1]], weights)) - reference) <= 0.003
    assert reference == pytest.approx(0.9974, abs=1e-3), "the data set's README"


@pytest.mark.parametrize(("n", "batch"), [(100, 64), (130, 64), (64, 64), (7, 64), (1000, 333)])
def test_batches_hold_every_row_once(n: int, batch: int) -> None:
    batches = Batches.of(n, batch)
    x = np.arange(1, n + 1, dtype=float)[:, None]
    cut = batches.cut(x)
    assert cut.shape == (batches.count, batches.rows, 1)
    assert sorted(cut[cut != 0]) == list(x[:, 0])


def test_correlations_are_pearsons() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(300, 5)), rng.normal(size=300)
    x[:, 1] += y
    standard = (x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std()
    assert np.allclose(correlation_with(*standard), [np.corrcoef(c, y)[0, 1] for c in x.T])


# --- on shares ----------------------------------------------------------------------------------------

WEIGHT_BOUND = 2e-3
"""The sigmoid is right to 2^-13, so a gradient of columns of mean size 0.8 errs by 1e-4 at most. Ten steps of
rate 0.3, carried on by the momentum, add up to 10 * 0.3 * 10 * 1e-4 = 3e-3 if all errors had one sign, which
they have not. Truncations of 2^-18 a step are far below."""


@pytest.mark.parametrize("kind", ["linear", "logistic"])
def test_training_on_shares_gives_the_weights_of_the_clear_run(kind: str) -> None:
    first, second, predictor = split_columns(150, seed=5)
    fit = {"linear": fit_linear, "logistic": fit_logistic}[kind]
    target = (
        representable(np.clip(predictor, -3, 3)) if kind == "linear" else (predictor > 0).astype(np.float64)
    )
    descent = Descent(2, 30, 0.3 if kind == "logistic" else 0.1, 0.9, 0.01)

    def train(a: Any, b: Any, t: Any) -> dict[str, Any]:
        weights = fit([a, b], t, descent, [WITH_INTERCEPT, np.ones(3)])
        return {"first": weights[0], "second": weights[1]}

    got, expected = secretly(train, first, second, target), train(first, second, target)
    for name in ("first", "second"):
        assert np.abs(got[name] - expected[name]).max() <= WEIGHT_BOUND


def test_statistics_on_shares() -> None:
    rng = np.random.default_rng(6)
    x, y = representable(rng.normal(size=(200, 4))), representable(rng.normal(size=200))
    got = secretly(lambda a, b: {"r": correlation_with(a, b), "m": xp.mean(a * 1.0, axis=0)}, x, y)
    assert np.abs(got["r"] - correlation_with(x, y)).max() < 1e-3
    assert np.abs(got["m"] - x.mean(axis=0)).max() < 1e-3
