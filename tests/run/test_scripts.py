"""Ordinary scripts, as a new user writes them: the same functions on secrets and on NumPy's arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tacit
from tacit.base.errors import UsageError

R = np.random.default_rng(5)
X = np.rint(R.uniform(-2, 2, (6, 3)) * 256) / 256
V = np.rint(R.uniform(-2, 2, 8) * 256) / 256
Y = (X @ np.array([1.0, -0.5, 0.25]) > 0).astype(float)
N = np.array([3, 1, 2, 3, 0, 2])


@dataclass
class Line:
    slope: Any
    intercept: Any


def standardise(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def linear_regression(x, y):
    a = np.column_stack([x, np.ones(len(x))])
    w = np.linalg.solve(a.T @ a, a.T @ y)
    return Line(slope=w[:-1], intercept=w[-1])


def logistic_regression(x, y, steps=3):
    w, b = np.zeros(x.shape[1]), 0.0
    for _ in range(steps):
        p = 1.0 / (1.0 + np.exp(-(x @ w + b)))
        w -= 0.5 * x.T @ (p - y) / len(x)
        b -= 0.5 * np.mean(p - y)
    return {"weights": w, "bias": b}


def softmax_classifier(x, labels):
    w = np.zeros((x.shape[1], 4))
    for _ in range(2):
        scores = x @ w
        scores -= scores.max(axis=1, keepdims=True)
        p = np.exp(scores)
        p /= p.sum(axis=1, keepdims=True)
        w -= 0.3 * x.T @ (p - (labels[:, None] == np.arange(4))) / len(x)
    return w


def nearest_neighbour(x, labels, query):
    d = np.zeros(len(x))
    for i, row in enumerate(x):
        d[i] = np.sum((row - query) ** 2)
    return labels[np.argmin(d)], np.sqrt(d.min())


def naive_bayes(x, y):
    ones = np.clip(y.sum(), 1, len(y) - 1)
    means = np.zeros((2, x.shape[1]))
    means[1] = (x * y[:, None]).sum(axis=0) / ones
    means[0] = (x * (1 - y)[:, None]).sum(axis=0) / (len(y) - ones)
    return means, ones / len(y)


def k_medoids(x):
    d = np.array([[np.abs(a - b).sum() for b in x] for a in x])
    chosen = np.zeros(len(x), dtype=int)
    for i in range(len(x)):
        chosen[i] = np.argmin(d[i, :2])
    return chosen, np.argmin(d.sum(axis=1))


def smoothing(x, alpha=0.5):
    s = np.zeros(len(x))
    s[0] = x[0]
    for t in range(1, len(x)):
        s[t] = alpha * x[t] + (1 - alpha) * s[t - 1]
    return s


def moving_average(x, k=3):
    return np.convolve(x, np.ones(k) / k, mode="valid")


def equalisation(pixels):
    counts = np.zeros(4)
    for p in pixels:
        counts[p] += 1
    return (counts.cumsum() / len(pixels))[pixels]


def matrix_power(x):
    a, p = x[:3], np.eye(3)
    for _ in range(3):
        p = p @ a
    return p


def gram_schmidt(x):
    a = x[:3] + 4 * np.eye(3)
    q = np.zeros_like(a)
    for j in range(3):
        v = a[:, j].copy()
        for i in range(j):
            v -= (q[:, i] @ a[:, j]) * q[:, i]
        q[:, j] = v / np.sqrt(v @ v)
    return q


def newton(x):
    r = np.full(x.shape, 1.5)
    for _ in range(5):
        r = 0.5 * (r + np.abs(x + 3.0) / r)
    return r


def levenshtein(a, b):
    d = np.zeros((len(a) + 1, len(b) + 1), dtype=int)
    d[:, 0], d[0, :] = np.arange(len(a) + 1), np.arange(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            cost = np.where(a[i - 1] == b[j - 1], 0, 1)
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + cost)
    return d[-1, -1]


def knapsack(values, weights=(2, 3, 1)):
    best = np.zeros(6)
    for value, weight in zip(values, weights, strict=True):
        for room in range(5, weight - 1, -1):
            best[room] = max(best[room], best[room - weight] + value)
    return best[-1]


def convolution(x):
    out = np.empty((5, 2))
    for i in range(5):
        for j in range(2):
            out[i, j] = (x[i : i + 2, j : j + 2] * np.array([[1.0, 0.5], [-0.5, 0.25]])).sum()
    return out


def quantile_normalisation(x):
    means = np.sort(x, axis=0).mean(axis=1)
    return means[np.argsort(np.argsort(x[:, 0]))]


def bootstrap(x):
    picked = np.random.default_rng(0).integers(0, len(x), size=(4, len(x)))
    return np.array([x[rows].mean(axis=0) for rows in picked]).std(axis=0)


def idioms(x):
    y = x
    y[0] += 1.0
    y[y > 1] = 1.0
    row = y[1]
    row *= 2.0
    out = np.empty_like(x)
    np.multiply(x, 2.0, out=out)
    total, (n, m) = 0.0, x.shape
    for row in x:
        total += row.sum() / n
    return x, out, [total, m * x.max()], np.add.reduce(x, axis=1), np.subtract.outer(x[:, 0], x[:, 1])


def views(x):
    d, kept = np.zeros((2, 6)), np.ones(6)
    row = d[0]
    d[1] = x[:, 0]
    row[0] = 5.0
    d[1] *= 2.0
    d[:, 1:3] += 1.0
    kept[:] = x[:, 1]
    kept[::-1][0] = 9.0
    kept *= 3.0 if d.shape[0] == 2 else 1.0
    same = kept
    same[1] = 7.0
    return d, kept, np.stack([kept, d[1]]), d.T.sum(axis=0)


def printed(x):
    print(f"the data is {x}")
    return x.sum(), np.fft.rfft(x[:, 0])


SCRIPTS: dict[Callable[..., Any], tuple[np.ndarray, ...]] = {
    standardise: (X,), linear_regression: (X, Y), logistic_regression: (X, Y), softmax_classifier: (X, N),
    nearest_neighbour: (X, N, X[2] + 0.25), naive_bayes: (X, Y), k_medoids: (X,), smoothing: (V,),
    moving_average: (V,), equalisation: (N,), matrix_power: (X,), gram_schmidt: (X,), newton: (X,),
    levenshtein: (N[:3], N[2:]), knapsack: (np.abs(V[:3]),), convolution: (X,), quantile_normalisation: (X,),
    bootstrap: (X,), idioms: (X,), views: (X,), printed: (X,),
}  # fmt: skip


def numbers(result: Any) -> list[np.ndarray]:
    if isinstance(result, dict | Line):
        result = list((result if isinstance(result, dict) else vars(result)).values())
    if isinstance(result, tuple | list):
        return [one for part in result for one in numbers(part)]
    return [np.asarray(result)]


def run(script: Callable[..., Any], arrays: tuple[np.ndarray, ...]) -> Any:
    with tacit.sim(["a", "b", "c"]) as parties:
        inputs = [
            parties["abc"[k % 3]].private(x, limit=(float(x.min()), float(x.max())))
            for k, x in enumerate(arrays)
        ]
        return tacit.secure(script)(*inputs)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_a_script_gives_what_numpy_gives(script: Callable[..., Any]) -> None:
    got, expected = run(script, SCRIPTS[script]), script(*(x.copy() for x in SCRIPTS[script]))
    assert type(got) is type(expected) or np.shape(got) == np.shape(expected)
    for mine, theirs in zip(numbers(got), numbers(expected), strict=True):
        assert mine.shape == theirs.shape
        assert np.all(np.abs(mine - theirs) <= 2.0**-8 * np.maximum(1.0, np.abs(theirs)))


def branches(x):
    if x[0, 0] > 0:
        return x
    return -x


def repeats(x):
    while x.sum() > 1:
        x = x / 2
    return x


def picks(x):
    return x[x[:, 0] > 0]


def digits(x):
    return f"{x[0, 0]:.2f}"


def own_array(x):
    held = {"out": np.arange(3.0)}
    held["out"][0] = x[0, 0]
    return held["out"]


@pytest.mark.parametrize("script", [branches, repeats, picks, digits, own_array], ids=lambda s: s.__name__)
def test_what_would_tell_a_secret_is_refused_at_the_line(script: Callable[..., Any]) -> None:
    with pytest.raises(UsageError) as refused:
        run(script, (X,))
    first = script.__code__.co_firstlineno
    lines = [f"test_scripts.py:{line}" for line in range(first, first + 5)]
    assert any(line in str(refused.value) for line in lines) and refused.value.hint
