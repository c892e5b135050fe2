"""How well scores order two classes: AUC, KS and a gains table, from scores that nobody sees.

Source   AUC as the Mann-Whitney statistic with ties counted one half; KS as the largest distance of the two
         classes' distribution functions.
Exact    up to `EXACT_ROWS` rows: one oblivious sort of the keys 2*score + label and one of
         2*score + (1 - label). In the first order ties count for the positive class, in the second against,
         so the mean of both counts them one half; and the extremes of the first path's maximum and the
         second's minimum are attained at the ends of tie groups, which makes KS exact as well.
Bucketed beyond: a sample of `SAMPLE_ROWS` scores is sorted, its `BUCKETS`-quantiles stay secret and serve as
         edges. The half-tie rule inside buckets errs by at most half the share of pairs that fall into one
         bucket: `bound`, computed and returned beside the result.
         A bucket of few rows never leaves by itself: bins of the gains table are merged on shares.
Leaks    what is returned, nothing else: the caller reveals it under its guard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tacit.compile import array as xp

Array = Any

EXACT_ROWS = 2000
SAMPLE_ROWS = 1024
BUCKETS = 64
MOST_BINS = 20
ROWS_PER_BIN = 20
SCORE_BITS = 18


@dataclass(frozen=True)
class Ranking:
    """Counts from which AUC and KS follow by public arithmetic; all integers.

    wins: 2 * (pairs ordered rightly + half the tied ones), within `slack` of the true count; ks: the
    numerator of KS over n_positive * n_negative, at most `ks_slack` below the true one; bin_rows,
    bin_positives (twice, so that ties count half): from the highest scores down.
    """

    n_positive: Array
    wins: Array
    slack: Array
    ks: Array
    ks_slack: Array
    bin_rows: Array
    bin_positives: Array


def n_bins(n_rows: int) -> int:
    """Bins of the gains table: at most 20, of at least 20 rows each."""
    return max(1, min(MOST_BINS, n_rows // ROWS_PER_BIN))


def rank(score: Array, label: Array) -> Ranking:
    """score real[n], label int[n] of 0 and 1."""
    return _rank_exact(score, label) if score.shape[0] <= EXACT_ROWS else _rank_buckets(score, label)


def _rank_exact(score: Array, label: Array) -> Ranking:
    n = score.shape[0]
    doubled = xp.scale_floor(score, bits=SCORE_BITS) * 2
    keys = xp.sort(xp.stack([doubled + label, doubled + (1 - label)], axis=0))
    bits = xp.astype(xp.low_bit(keys), xp.int64)
    hopeful, doubtful = bits[0], 1 - bits[1]  # labels in ascending order of score
    n_positive = xp.sum(label)
    both = xp.stack([hopeful, doubtful], axis=0)
    negatives_below = xp.cumulative_sum(1 - both, axis=1)
    wins = xp.sum(both * negatives_below)
    distance = _distance(both, n_positive, n)
    ks = xp.maximum(xp.max(distance[0], axis=0), xp.max(-distance[1], axis=0))
    edges = np.linspace(0, n, n_bins(n) + 1).round().astype(int)
    descending = [both[:, int(a) : int(b)] for a, b in zip(edges[:-1], edges[1:], strict=True)][::-1]
    positives = xp.stack([xp.sum(part) for part in descending], axis=0)
    none = np.asarray(0)
    return Ranking(n_positive, wins, none, ks, none, np.diff(edges)[::-1].copy(), positives)


def _distance(label_in_order: Array, n_positive: Array, n: int) -> Array:
    """n_neg * positives so far - n_pos * negatives so far = n * positives so far - n_pos * rows so far."""
    rows_so_far = np.arange(1, n + 1)
    return xp.cumulative_sum(label_in_order, axis=1) * n - n_positive * rows_so_far


def _rank_buckets(score: Array, label: Array) -> Ranking:
    n = score.shape[0]
    sample = xp.sort(score[:SAMPLE_ROWS])
    ranks = tuple(int(i) for i in np.arange(1, BUCKETS) * SAMPLE_ROWS // BUCKETS)
    edges = xp.take(sample, ranks, axis=0)
    above = xp.less(xp.expand_dims(edges, axis=1), xp.expand_dims(score, axis=0))  # [edges, n]
    hit = xp.logical_and(above, xp.expand_dims(xp.astype(label, xp.bool), axis=0))
    n_positive = xp.sum(label)
    rows_above = xp.sum(xp.astype(above, xp.int64), axis=1)  # falls from edge to edge
    positives_above = xp.sum(xp.astype(hit, xp.int64), axis=1)
    rows = _steps(rows_above, xp.asarray(n))
    positives = _steps(positives_above, n_positive)
    negatives = rows - positives
    below = xp.cumulative_sum(negatives, axis=0) - negatives
    pairs = xp.stack([below, negatives], axis=0) * positives
    wins = xp.sum(pairs[0]) * 2 + xp.sum(pairs[1])
    distance = positives_above * n - n_positive * rows_above
    ks = xp.maximum(xp.max(distance, axis=0), xp.max(-distance, axis=0))
    # Inside a bucket the distance differs from that at an edge by one class's share of it at most.
    ks_slack = xp.maximum(
        xp.max(positives * (n - n_positive), axis=0), xp.max(negatives * n_positive, axis=0)
    )
    cuts = np.linspace(0, BUCKETS, n_bins(n) + 1).round().astype(int)
    spans = list(zip(cuts[:-1], cuts[1:], strict=True))[::-1]
    bin_rows, bin_positives = _merge_small(
        [xp.sum(rows[int(a) : int(b)]) for a, b in spans],
        [xp.sum(positives[int(a) : int(b)]) for a, b in spans],
        n,
    )
    return Ranking(n_positive, wins, xp.sum(pairs[1]), ks, ks_slack, bin_rows, bin_positives * 2)


def _merge_small(rows: list[Array], positives: list[Array], n: int) -> tuple[Array, Array]:
    """Bins of fewer than `ROWS_PER_BIN` rows (ties make them) joined to the next; what was joined is 0.

    A bin closes only if enough rows remain for the next one, so the last is never too small either.
    """
    kept_rows: list[Array] = []
    kept_positives: list[Array] = []
    open_rows = open_positives = passed = xp.asarray(0)
    for n_rows, n_positive in zip(rows, positives, strict=True):
        open_rows, open_positives = open_rows + n_rows, open_positives + n_positive
        passed = passed + n_rows
        last = len(kept_rows) == len(rows) - 1
        enough = xp.logical_and(open_rows >= ROWS_PER_BIN, passed <= n - ROWS_PER_BIN)
        closes = xp.asarray(True) if last else enough
        closed = xp.where(closes, xp.stack([open_rows, open_positives], axis=0), 0)
        kept_rows.append(closed[0])
        kept_positives.append(closed[1])
        open_rows, open_positives = open_rows - closed[0], open_positives - closed[1]
    return xp.stack(kept_rows, axis=0), xp.stack(kept_positives, axis=0)


def _steps(above: Array, total: Array) -> Array:
    """Counts per bucket, lowest first, from counts above each edge."""
    more = xp.concat([xp.reshape(total, (1,)), above], axis=0)
    less = xp.concat([above, xp.zeros((1,), dtype=xp.int64)], axis=0)
    return more - less


@dataclass(frozen=True)
class Quality:
    """`auc` within `auc_bound` of the true one, `ks` at most `ks_bound` below; the gains table from the
    highest scores down, where a tie's positives count in equal parts (halves) on both sides of an edge."""

    n_rows: int
    n_positive: int
    auc: float
    auc_bound: float
    ks: float
    ks_bound: float
    bin_rows: list[int]
    bin_positives: list[float]


def quality(n_rows: int, ranking: Ranking) -> Quality:
    """Public arithmetic on a revealed `Ranking`."""
    n_positive = int(ranking.n_positive)
    pairs = n_positive * (n_rows - n_positive)
    table = zip(ranking.bin_rows, ranking.bin_positives, strict=True)
    bins = [(int(rows), int(twice)) for rows, twice in table if int(rows)]
    return Quality(
        n_rows,
        n_positive,
        int(ranking.wins) / (2 * pairs),
        int(ranking.slack) / (2 * pairs),
        int(ranking.ks) / pairs,
        int(ranking.ks_slack) / pairs,
        [rows for rows, _ in bins],
        [twice / 2 for _, twice in bins],
    )
