"""Programs as an honest analyst would write them: statistics over enough rows, ordinary NumPy.

Party 0 holds `a`, `k`, `flag` and the table `t` with outcomes `y`; party 1 holds `b` and, of other people,
the same kind of table `u` with outcomes `v`; party 2 holds `c`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tacit import xp

N = 80
OWNER = {"a": 0, "k": 0, "flag": 0, "t": 0, "y": 0, "b": 1, "u": 1, "v": 1, "c": 2}
GROUP = np.arange(N) % 4
"""Which group everybody is in: public, 20 rows each."""


def columns(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {name: rng.uniform(1.0, 3.0, N) for name in "abcyv"}
    found |= {name: rng.uniform(1.0, 3.0, (N, 2)) for name in "tu"}
    return found | {"k": rng.integers(0, 10, N), "flag": rng.uniform(size=N) > 0.5}


def mean_difference(a: Any, b: Any) -> Any:
    return np.mean(a - b)


def grand_total(a: Any, b: Any, c: Any) -> Any:
    return np.sum(a) + np.sum(b) + np.sum(c)


def weighted_alike(a: Any, b: Any) -> Any:
    return 0.3 * np.mean(a) + 0.7 * np.mean(b)


def weights_of_groups(a: Any, b: Any) -> Any:
    return np.sum(a * np.array([1.0, 2.0, 4.0, 0.5])[GROUP])


def variance(a: Any, b: Any) -> Any:
    return np.var(a), np.mean(a)


def deviation_of_both(a: Any, b: Any) -> Any:
    return np.std(a) + np.std(b)


def ratio(a: Any, b: Any) -> Any:
    return np.sum(a) / np.sum(b)


def group_means(a: Any, b: Any) -> Any:
    return np.stack([np.mean(a[group == GROUP]) for group in range(4)])


def group_means_by_mask(a: Any, b: Any) -> Any:
    return tuple(np.sum(np.where(group == GROUP, a, 0.0)) / 20.0 for group in range(4))


def best_group(a: Any, b: Any) -> Any:
    return np.argmax(np.stack([np.mean(a[group == GROUP]) for group in range(4)]))


def difference_of_two_groups(a: Any, b: Any) -> Any:
    """In units of its deviation, as in a t-test."""
    first, second = a[:40], a[40:]
    return (np.mean(first) - np.mean(second)) / np.sqrt(np.var(first) / 40.0 + np.var(second) / 40.0)


def column_means(t: Any, b: Any) -> Any:
    return np.mean(t, axis=0)


def correlation(t: Any, b: Any) -> Any:
    x, y = t[:, 0], t[:, 1]
    covariance = np.mean(x * y) - np.mean(x) * np.mean(y)
    return covariance / (np.std(x) * np.std(y))


def own_line(t: Any, y: Any, b: Any) -> Any:
    """Regression of one party's own columns, shown to the others."""
    x = t[:, 0]
    slope = (np.mean(x * y) - np.mean(x) * np.mean(y)) / np.var(x)
    return slope, np.mean(y) - slope * np.mean(x)


def pooled_regression(t: Any, y: Any, u: Any, v: Any) -> Any:
    """Rows of both parties, one model: Gram matrices are added."""
    gram = xp.matrix_transpose(t) @ t + xp.matrix_transpose(u) @ u
    return xp.linalg.solve(gram, xp.matrix_transpose(t) @ y + xp.matrix_transpose(u) @ v)


def count_above(a: Any, b: Any) -> Any:
    return np.sum(a > 2.0)


def share_of_a_code(k: Any, b: Any) -> Any:
    return np.mean(xp.astype(k == 3, xp.float64))


def count_per_group(a: Any, b: Any) -> Any:
    return tuple(np.sum(a[group == GROUP] > 2.0) for group in range(4))


def truths(flag: Any, b: Any) -> Any:
    return np.sum(flag)


def count_and_sum(a: Any, b: Any) -> Any:
    return np.sum(a > 2.0), np.sum(a)


def count_if_enough(a: Any, b: Any) -> Any:
    count = np.sum(a > 2.0)
    return np.where(count >= 10, count, 0)


def above_their_mean(a: Any, b: Any) -> Any:
    return np.sum(a > np.mean(a))


def is_above_target(a: Any, b: Any) -> Any:
    return np.mean(a) > 2.0


def rounded_mean(a: Any, b: Any) -> Any:
    return np.round(np.mean(a), 1)


def larger_total(a: Any, b: Any) -> Any:
    return np.maximum(np.sum(a), np.sum(b))


def sum_in_a_loop(a: Any, b: Any) -> Any:
    return xp.scan(lambda total, row: (total + row, total), 0.0 * np.sum(a), a)[0]


def standardised(a: Any, b: Any) -> Any:
    return np.sum((a - np.mean(a)) / 3.0) + np.sum(b)


SAFE: dict[str, tuple[Callable[..., Any], ...]] = {
    function.__name__: (function,)
    for function in (
        mean_difference, grand_total, weighted_alike, weights_of_groups, variance, deviation_of_both, ratio,
        group_means, group_means_by_mask, best_group, difference_of_two_groups, column_means, correlation,
        own_line, pooled_regression, count_above, share_of_a_code, count_per_group, truths, count_and_sum,
        count_if_enough, above_their_mean, is_above_target, rounded_mean, larger_total, sum_in_a_loop,
        standardised,
    )
} | {
    "the same again": (count_above, count_above),
    "two questions": (mean_difference, variance),
}  # fmt: skip
