"""AUC, KS and the gains table: in the clear against scikit-learn and scipy, on shares against the clear."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from tacit.learn import metrics
from tacit.learn.metrics import Quality, n_bins, quality, rank
from tests.oracle.secretly import representable, secretly

SHAPES = ("smooth", "few values", "one value", "almost sorted", "reversed")


def sample(n: int, shape: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores real[n] as the encoding holds them, labels int[n] of both classes."""
    rng = np.random.default_rng(seed)
    label = (rng.random(n) < 0.3).astype(np.int64)
    label[:2] = (0, 1)
    score = rng.normal(size=n) + label
    if shape == "few values":
        score = np.round(score)
    elif shape == "one value":
        score = np.zeros(n)
    elif shape == "almost sorted":
        score = label * 10 + rng.normal(size=n) * 0.1
    elif shape == "reversed":
        score = -score
    return representable(score), label


def clear(score: np.ndarray, label: np.ndarray) -> Quality:
    return quality(len(score), rank(score, label))


def true_ks(score: np.ndarray, label: np.ndarray) -> float:
    false_rate, true_rate, _ = roc_curve(label, score, drop_intermediate=False)
    return float(np.abs(true_rate - false_rate).max())


def check_exact(score: np.ndarray, label: np.ndarray) -> None:
    got = clear(score, label)
    assert got.auc == pytest.approx(roc_auc_score(label, score), abs=1e-12)
    assert got.ks == pytest.approx(true_ks(score, label), abs=1e-12)
    assert got.auc_bound == 0.0
    assert got.n_positive == label.sum() == sum(got.bin_positives)
    assert sum(got.bin_rows) == len(score) and len(got.bin_rows) == n_bins(len(score))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [40, 333, 2000])
def test_exact_up_to_2000_rows(n: int, shape: str) -> None:
    check_exact(*sample(n, shape))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 1)), min_size=2, max_size=60))
def test_exact_with_any_ties(rows: list[tuple[int, int]]) -> None:
    label = np.array([y for _, y in rows])
    if 0 < label.sum() < len(label):
        check_exact(np.array([float(x) for x, _ in rows]), label)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [2001, 5000])
def test_buckets_keep_their_bound(n: int, shape: str) -> None:
    score, label = sample(n, shape, seed=n)
    got = clear(score, label)
    true_auc = roc_auc_score(label, score)
    ks = true_ks(score, label)
    assert abs(got.auc - true_auc) <= got.auc_bound + 1e-12
    assert got.auc_bound < (0.02 if shape in ("smooth", "reversed") else 0.51)
    assert ks - got.ks_bound - 1e-12 <= got.ks <= ks + 1e-12, "edges are some of the places where KS can be"
    assert sum(got.bin_rows) == n and sum(got.bin_positives) == label.sum()


@pytest.mark.parametrize("n", [40, 60, 399, 400, 2000])
def test_bins_are_few_and_of_twenty_rows_at_least(n: int) -> None:
    rows = clear(*sample(n, "smooth")).bin_rows
    assert 1 <= len(rows) <= 20 and min(rows) >= 20


def test_bins_are_in_the_order_of_scores() -> None:
    score, label = sample(800, "smooth")
    got = clear(score, label)
    ordered = label[np.argsort(-score, kind="stable")]
    ends = np.cumsum(got.bin_rows)
    assert got.bin_positives == [int(part.sum()) for part in np.split(ordered, ends[:-1])]


def test_bucketed_bins_of_smooth_scores_have_twenty_rows() -> None:
    for seed in range(10):
        assert min(clear(*sample(2001, "smooth", seed)).bin_rows) >= 20


def test_bucketed_bins_of_tied_scores_have_twenty_rows_or_none() -> None:
    """2,500 rows with one score, three with a higher one: a bin of three rows must not be opened."""
    score, label = np.zeros(2503), np.tile([0, 1], 1252)[:2503]
    score[[5, 700, 2000]] = 9.0
    rows = clear(score, label).bin_rows
    assert all(row == 0 or row >= 20 for row in rows), rows


def test_a_constant_score_gains_nothing() -> None:
    score, label = sample(400, "one value")
    positives = np.array(clear(score, label).bin_positives)
    assert positives.max() - positives.min() <= 15


@pytest.mark.parametrize("shape", ["smooth", "few values", "one value"])
def test_on_shares_the_same_numbers(shape: str) -> None:
    score, label = sample(61, shape)
    check_shares(score, label)


def test_on_shares_the_same_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "EXACT_ROWS", 50)
    monkeypatch.setattr(metrics, "SAMPLE_ROWS", 32)
    monkeypatch.setattr(metrics, "BUCKETS", 8)
    score, label = sample(90, "few values")
    check_shares(score, label)


def check_shares(score: np.ndarray, label: np.ndarray) -> None:
    """Integers all of them: equal, not close."""
    expected = asdict_of(rank(score, label))
    got = secretly(lambda s, y: asdict_of(rank(s, y)), score, label)
    assert {name: value.tolist() for name, value in got.items()} == {
        name: np.asarray(value).tolist() for name, value in expected.items()
    }


def asdict_of(ranking: metrics.Ranking) -> dict[str, Any]:
    return {name: getattr(ranking, name) for name in ranking.__dataclass_fields__}


def test_quality_holds_plain_numbers_only() -> None:
    import json

    assert json.loads(json.dumps(asdict(clear(*sample(100, "smooth")))))["n_rows"] == 100
