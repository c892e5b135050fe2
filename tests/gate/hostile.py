"""Programs as a hostile analyst would write them: ordinary NumPy, through the front door.

Party 0 holds what is protected: `a` (one number per row), `k` (a whole number from 0 to 9 per row), `flag`
(a truth per row). Parties 1 and 2 hold `b` and `c`, party 1 a table `x` of two columns as well. Some programs
are two jobs of a project; the second may take other inputs than the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tacit import xp

N = 40
Job = Callable[..., Any]
Data = Mapping[str, np.ndarray]
OWNER = {"a": 0, "k": 0, "flag": 0, "b": 1, "x": 1, "c": 2}


def columns(seed: int = 0) -> dict[str, np.ndarray]:
    """What the parties hold."""
    rng = np.random.default_rng(seed)
    return {
        "a": rng.uniform(1.0, 3.0, N),
        "b": rng.uniform(1.0, 3.0, N),
        "c": rng.uniform(1.0, 3.0, N),
        "x": rng.uniform(1.0, 3.0, (N, 2)),
        "k": rng.integers(0, 10, N),
        "flag": rng.uniform(size=N) > 0.5,
    }


@dataclass(frozen=True)
class Attack:
    """`jobs` take inputs by the names of their arguments. `rows`: how many of each job; None: all."""

    jobs: tuple[Job, ...]
    column: str = "a"
    rows: tuple[int | None, ...] = ()
    parties: int = 3


# Step 1: sums that cancel, A + B + C - B - C and its disguises.


def cancels(a: Any, b: Any, c: Any) -> Any:
    return a[0] + b[0] + c[0] - b[0] - c[0]


def cancels_as_columns(a: Any, b: Any, c: Any) -> Any:
    total = a + b + c
    return total - b - c


def cancels_scaled(a: Any, b: Any, c: Any) -> Any:
    return 3.0 * (a[0] + b[0] + c[0]) - 3.0 * b[0] - (c[0] + c[0] + c[0])


def cancels_by_thirds(a: Any, b: Any, c: Any) -> Any:
    return (a[0] + b[0] + c[0]) / 3.0 - (b[0] + c[0]) / 3.0


def cancels_over_outputs(a: Any, b: Any, c: Any) -> Any:
    return a[0] + b[0] + c[0], 0.5 * (b[0] + c[0])


def sums_of_all_columns(a: Any, b: Any, c: Any) -> Any:
    return np.sum(a) + np.sum(b) + np.sum(c)


def sums_of_the_others(a: Any, b: Any, c: Any) -> Any:
    return 0.0 * np.sum(a) + np.sum(a[1:]) + np.sum(b) + np.sum(c)


def mean_times_count(a: Any, b: Any) -> Any:
    return np.mean(a) * len(a) - np.sum(a[1:])


def mean_and_secret_count(a: Any, b: Any) -> Any:
    return np.sum(a) / np.sum(b), np.sum(b), np.sum(a[:-1])


def shares_of_a_total(a: Any, b: Any) -> Any:
    return a / np.sum(a), np.sum(a)


def telescope(a: Any, b: Any) -> Any:
    return np.sum(a[:-1] - a[1:]) + np.sum(a[1:]) - np.sum(a[1:-1])


def one_hot_dot(a: Any, b: Any) -> Any:
    return np.dot(a, np.eye(N)[5])


def indicator_vectors(a: Any, b: Any) -> Any:
    first, second = np.arange(N) < 20, np.arange(N) < 19
    return np.sum(a * first), np.sum(a * second)


def invertible_matrix(a: Any, b: Any) -> Any:
    mixed = np.tril(np.ones((N, N))) + np.eye(N)
    return mixed @ a


def hadamard(a: Any, b: Any) -> Any:
    two = np.array([[1.0, 1.0], [1.0, -1.0]])
    whole = two
    for _ in range(4):
        whole = np.kron(two, whole)
    return whole @ a[:32]


def fourier(a: Any, b: Any) -> Any:
    angle = 2.0 * np.pi * np.outer(np.arange(N), np.arange(N)) / N
    return np.cos(angle) @ a, np.sin(angle) @ a


def half_a_spectrum(a: Any, b: Any) -> Any:
    angle = 2.0 * np.pi * np.outer(np.arange(21), np.arange(N)) / N
    return np.cos(angle) @ a


def running_sums(a: Any, b: Any) -> Any:
    return np.cumsum(a)[10:12]


def moving_mean(a: Any, b: Any) -> Any:
    width = 20
    return np.stack([np.mean(a[i : i + width]) for i in range(N - width)]), np.sum(a[1:width])


def digits(a: Any, b: Any) -> Any:
    return np.sum(a[:20] * 4.0 ** np.arange(-9.0, 11.0))


def masked_to_one(a: Any, b: Any) -> Any:
    return np.sum(np.where(np.arange(N) == 7, a, 0.0))


def reshaped_and_joined(a: Any, b: Any) -> Any:
    table = np.reshape(a, (8, 5))
    joined = np.concatenate([table, -table[1:]])
    return np.sum(joined, axis=0)


def two_margins(a: Any, b: Any) -> Any:
    table = np.reshape(a, (2, 20))
    return np.sum(table), np.sum(table[0, :]), np.sum(table[1, 1:])


def own_weights(a: Any, b: Any) -> Any:
    return np.sum(a * b)


def own_mask(a: Any, b: Any) -> Any:
    return np.sum(np.where(b > 1.5, a, 0.0)), np.sum(a)


def loop_that_cancels(a: Any, b: Any, c: Any) -> Any:
    rest, _ = xp.scan(lambda total, row: (total - row, total), a[0] + b[0] + c[0], xp.stack([b[0], c[0]]))
    return rest


def loop_that_sums(a: Any, b: Any) -> Any:
    total, _ = xp.scan(lambda total, row: (total + row, total), 0.0 * a[0], a)
    return total, np.sum(a[1:])


def loop_that_stacks(a: Any, b: Any) -> Any:
    return xp.scan(lambda total, row: (total + row, total), 0.0 * a[0], a)[1][15:17]


def rounded(a: Any, b: Any) -> Any:
    return np.round(1000.0 * a[3]) / 1000.0


def faint_rest(a: Any, b: Any) -> Any:
    return a[0] + 1e-9 * np.sum(a)


# Step 3: regression and moments without noise.


def line(x: Any, y: Any) -> tuple[Any, Any]:
    """Slope and intercept."""
    slope = (np.mean(x * y) - np.mean(x) * np.mean(y)) / (np.mean(x * x) - np.mean(x) * np.mean(x))
    return slope, np.mean(y) - slope * np.mean(x)


def line_through_two(a: Any, b: Any) -> Any:
    return line(b[:2], a[:2])


def line_of_own_responses(a: Any, b: Any) -> Any:
    """The protected column is the regressor, the analyst's own one the response."""
    return line(a[:2], b[:2])


def two_lines(a: Any, b: Any) -> Any:
    """With a row and without it."""
    return line(b, a)[0], line(b[1:], a[1:])[0], np.mean(a), np.mean(a[1:])


def normal_equations(a: Any, x: Any) -> Any:
    """Cramer's rule: as many coefficients as rows."""
    rows, y = x[:2], a[:2]
    gram, moment = np.transpose(rows) @ rows, np.transpose(rows) @ y
    determinant = gram[0, 0] * gram[1, 1] - gram[0, 1] * gram[1, 0]
    first = (gram[1, 1] * moment[0] - gram[0, 1] * moment[1]) / determinant
    return first, (gram[0, 0] * moment[1] - gram[1, 0] * moment[0]) / determinant


def solved(a: Any, x: Any) -> Any:
    return xp.linalg.solve(xp.matrix_transpose(x[:2]) @ x[:2], xp.matrix_transpose(x[:2]) @ a[:2])


def public_design(a: Any, b: Any) -> Any:
    """Ordinary least squares with a design that everybody knows, and one row less."""
    design = np.stack([np.ones(N), np.arange(N) / N], axis=1)
    whole = np.linalg.solve(design.T @ design, design.T)
    less = np.linalg.solve(design[1:].T @ design[1:], design[1:].T)
    return whole @ a, less @ a[1:]


def interpolation(a: Any, b: Any) -> Any:
    design = np.vander(np.arange(1.0, 6.0), 5)
    return np.linalg.inv(design) @ a[:5]


def residuals(a: Any, b: Any) -> Any:
    slope, offset = line(b, a)
    return a - slope * b - offset, slope, offset


def one_residual(a: Any, b: Any) -> Any:
    slope, offset = line(b, a)
    return a[9] - slope * b[9] - offset, slope, offset


def moments_of_two(a: Any, b: Any) -> Any:
    return np.mean(a[:2]), np.var(a[:2])


def moments_of_three(a: Any, b: Any) -> Any:
    return np.sum(a[:3]), np.sum(a[:3] ** 2), np.sum(a[:3] ** 3)


def moments_less_one(a: Any, b: Any) -> Any:
    return np.sum(a * a), np.sum(a[1:] * a[1:])


def shifted_square(a: Any, b: Any) -> Any:
    """A public shift of one row: the sums of squares differ by twice its cell, and a constant."""
    shift = np.where(np.arange(N) == 7, 100.0, 0.0)
    return np.sum((a + shift) * (a + shift)), np.sum(a * a)


def variance_with_and_without(a: Any, b: Any) -> Any:
    return np.var(a), np.mean(a), np.var(a[1:]), np.mean(a[1:])


def covariance_with_own(a: Any, b: Any) -> Any:
    return np.mean(a * b) - np.mean(a) * np.mean(b), np.mean(a), np.sum(a[1:] * b[1:])


def product_of_sums(a: Any, b: Any) -> Any:
    return np.sum(a) * np.sum(b), np.sum(a[1:]) * np.sum(b)


def products_of_two_cells(a: Any, b: Any) -> Any:
    return a[0] * a[1], a[0] + a[1]


def harmonic(a: Any, b: Any) -> Any:
    return 1.0 / (1.0 / a[0] + 1.0 / b[0])


def log_odds(a: Any, b: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-(0.5 * a[2] + b[2])))


def distance_to_own(a: Any, b: Any) -> Any:
    return np.sqrt((a[4] - b[4]) ** 2)


def ratio_of_means(a: Any, b: Any) -> Any:
    return np.mean(a) / np.mean(a[1:]), np.sum(a)


def exponentials_less_one(a: Any, b: Any) -> Any:
    return np.sum(np.exp(a)), np.sum(np.exp(a[1:]))


def loss_and_gradient(a: Any, b: Any) -> Any:
    """One step of training, from two starts: the residuals' products with own columns."""
    error = [0.5 * b[:2] - a[:2], 0.25 * b[:2] * b[:2] - a[:2]]
    return np.sum(error[0] * b[:2]), np.sum(error[1])


# Step 4: comparisons, orders, and groups that are too small.


def is_above(a: Any, b: Any) -> Any:
    return a[0] > 2.0


def grid(a: Any, b: Any) -> Any:
    return tuple(a[0] > limit for limit in np.linspace(0.0, 4.0, 9))


def grid_as_count(a: Any, b: Any) -> Any:
    return np.sum(a[0] > np.linspace(0.0, 4.0, 9))


def above_own(a: Any, b: Any) -> Any:
    return a[0] > b[0]


def step_function(a: Any, b: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-50.0 * (a[0] - 2.0)))


def small_group(a: Any, b: Any) -> Any:
    return np.mean(a[:4])


def small_difference(a: Any, b: Any) -> Any:
    return np.sum(a), np.sum(a[4:])


def largest(a: Any, b: Any) -> Any:
    return np.max(a)


def smallest_negated(a: Any, b: Any) -> Any:
    return -np.min(a)


def where_largest(a: Any, b: Any) -> Any:
    return np.argmax(a)


def in_order(a: Any, b: Any) -> Any:
    return np.sort(a)


def middle(a: Any, b: Any) -> Any:
    return np.median(a)


def high_quantile(a: Any, b: Any) -> Any:
    return np.quantile(a, 0.99)


def best_three(a: Any, b: Any) -> Any:
    return xp.top_k(a, 3)[0]


def soft_largest(a: Any, b: Any) -> Any:
    return np.log(np.sum(np.exp(40.0 * a))) / 40.0


def identity(a: Any, b: Any) -> Any:
    return a


def identity_of_whole_numbers(k: Any, b: Any) -> Any:
    return k + 0


def identity_of_truths(flag: Any, b: Any) -> Any:
    return ~flag


def table_of_counts(k: Any, b: Any) -> Any:
    return tuple(np.sum(k == value) for value in range(10))


def count_above_two(a: Any, b: Any) -> Any:
    return np.sum(a > 2.0)


def count_above_two_less_one(a: Any, b: Any) -> Any:
    return np.sum(a[1:] > 2.0)


def counts_on_a_grid(a: Any, b: Any) -> Any:
    return tuple(np.sum(a > limit) for limit in np.linspace(0.0, 4.0, 9))


def sum_above(a: Any, b: Any) -> Any:
    return np.sum(np.where(a > 2.9, a, 0.0)), np.sum(a > 2.9)


def limits_of_their_own(a: Any, b: Any) -> Any:
    """All but one row are above theirs anyway."""
    return np.sum(a > np.where(np.arange(N) == 7, 2.0, -1e6))


def truths_less_one(flag: Any, b: Any) -> Any:
    return np.sum(flag), np.sum(flag[1:])


def odd_one(flag: Any, b: Any) -> Any:
    """Rank says that one sum of 40 tells nothing; whether it is odd is the first truth."""
    return np.sum(flag * np.where(np.arange(N) == 0, 1, 2))


def two_in_one(a: Any, b: Any) -> Any:
    """Of twelve rows: sums of powers, packed into one number."""
    rows = a[:12]
    return np.sum(rows + 1e4 * rows * rows), np.sum(rows > 2.0)


def count_and_sum_above(a: Any, b: Any) -> Any:
    return np.sum((a > 2.9) * a)


def any_of_one(flag: Any, b: Any) -> Any:
    return np.any(flag[:1])


def any_of_few(flag: Any, b: Any) -> Any:
    return np.any(flag[:3])


def sum_of_a(a: Any, b: Any) -> Any:
    return np.sum(a)


def mean_of_a(a: Any, b: Any) -> Any:
    return np.mean(a)


def pairwise(a: Any, b: Any, c: Any) -> Any:
    return a + b + c


def guarded_by_a_cell(a: Any, b: Any) -> Any:
    return xp.reveal(np.sum(a), name="s", to=1, when=a[0] > 2.0)


FOLLOWS: dict[str, Attack] = {
    function.__name__: Attack((function,))
    for function in (
        cancels, cancels_as_columns, cancels_scaled, cancels_by_thirds, cancels_over_outputs,
        mean_times_count, mean_and_secret_count, shares_of_a_total, telescope, one_hot_dot,
        indicator_vectors,
        invertible_matrix, hadamard, fourier, running_sums, moving_mean, masked_to_one, reshaped_and_joined,
        two_margins, loop_that_cancels, loop_that_sums, loop_that_stacks, line_through_two,
        line_of_own_responses, two_lines, normal_equations, solved, public_design, interpolation, residuals,
        one_residual, moments_of_two, moments_of_three, moments_less_one, shifted_square,
        variance_with_and_without,
        covariance_with_own, product_of_sums, products_of_two_cells, harmonic, log_odds, distance_to_own,
        ratio_of_means, exponentials_less_one, loss_and_gradient, identity, pairwise,
    )
} | {
    "split over two jobs": Attack((sums_of_all_columns, sums_of_the_others)),
    "one row less": Attack((sum_of_a, mean_of_a), rows=(None, N - 1)),
    "whole numbers": Attack((identity_of_whole_numbers,), column="k"),
    "truths": Attack((identity_of_truths,), column="flag"),
    "truths less one": Attack((truths_less_one,), column="flag"),
}  # fmt: skip
"""A cell follows: the gate says so, with a witness."""

TELLS: dict[str, Attack] = {
    function.__name__: Attack((function,))
    for function in (
        is_above, grid, grid_as_count, above_own, step_function, small_group, small_difference, largest,
        smallest_negated, where_largest, in_order, middle, best_three, rounded, faint_rest, guarded_by_a_cell,
    )
} | {
    "count less one": Attack((count_above_two, count_above_two_less_one)),
    "any of one": Attack((any_of_one,), column="flag"),
    "any of few": Attack((any_of_few,), column="flag"),
}  # fmt: skip
"""Not a cell but something about one, or few together: unsafe all the same."""

NEVER_SAFE: dict[str, Attack] = {
    function.__name__: Attack((function,))
    for function in (
        half_a_spectrum, digits, own_weights, own_mask, high_quantile, soft_largest, sum_above,
        counts_on_a_grid, limits_of_their_own, two_in_one, count_and_sum_above,
    )
} | {
    "odd one": Attack((odd_one,), column="flag"),
    "table of counts": Attack((table_of_counts,), column="k"),
    "counts at two limits": Attack((count_above_two, lambda a, b: np.sum(a > 2.01))),
}  # fmt: skip
"""What is not proved either way, or depends on the data."""
