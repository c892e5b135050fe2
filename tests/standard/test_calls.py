"""Calls of the array standard on secrets against NumPy: with all options, on empty arrays, at the edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tacit import xp
from tacit.base.errors import TypeRuleError, UsageError
from tacit.compile.refused import REFUSED
from tacit.compile.transform import Complex
from tests.compile.test_standard import ALL, DOMAINS
from tests.compile.test_standard import call as arguments
from tests.standard.eager import Held, hold, namespace
from tests.standard.test_eager import REALS, TRUTH, WHOLE, same

H = namespace()
OF_DATA = ("from_dlpack", "finfo", "iinfo", "can_cast", "isdtype", "result_type", "empty", "empty_like")
ONE_SIGN = {"reciprocal": np.abs, "tan": lambda x: x / 5.0, "atanh": lambda x: x / 10.0}
"""Ranges in which every step is exact: division is by numbers of one sign."""
TURNED = ("linalg.eigh", "linalg.svd")
"""Vectors of either direction are right; tests/functions puts them together again."""
SPREAD = ("linalg.svdvals", "linalg.pinv", "linalg.matrix_rank")


def held(value: Any) -> Any:
    """Arrays as secrets, in lists as well."""
    if isinstance(value, list):
        return [held(part) for part in value]
    return hold(value) if isinstance(value, np.ndarray) else value


def agrees(mine: Any, theirs: Any, error: float = 2.0**-9) -> bool:
    if isinstance(mine, Complex):
        return same(mine.real, theirs.real, error) and same(mine.imag, theirs.imag, error)
    return same(mine, theirs, error)


NAMES = [name for name in ALL if name not in REFUSED and name.split(".")[-1] not in OF_DATA]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in TURNED])
def test_a_name_of_the_standard_takes_all_its_options_on_secrets(name: str) -> None:
    home, signature = ALL[name]
    within, _, short = name.rpartition(".")
    positional, named = arguments(short, signature)
    if short in {**DOMAINS, **ONE_SIGN}:
        positional = [{**DOMAINS, **ONE_SIGN}[short](value) for value in positional]
    if name in SPREAD:
        positional = [value[:, :2] for value in positional]
    function = getattr(getattr(H, within) if within else H, short)
    got = function(*map(held, positional), **{key: held(value) for key, value in named.items()})
    assert agrees(got, getattr(home, short)(*positional, **named))


# --- matrices -------------------------------------------------------------------------------------------

MATRICES = np.random.default_rng(3).uniform(-1.0, 1.0, (2, 3, 3)).round(3)
OF_MATRICES: dict[str, Callable[[Any, Any], Any]] = {
    "det": lambda x, m: m.det(x),
    "slogdet": lambda x, m: tuple(m.slogdet(x)),
    "inv": lambda x, m: m.inv(x),
    "solve": lambda x, m: m.solve(x, x),
    "solve vector": lambda x, m: m.solve(x, x[..., 0].reshape(-1)[: x.shape[-1]]),
    "matrix_power": lambda x, m: (m.matrix_power(x, 3), m.matrix_power(x, 0)),
    "cholesky": lambda x, m: m.cholesky(x @ x.mT + 1.0, upper=True),
    "eigvalsh": lambda x, m: m.eigvalsh(x + x.mT),
    "svdvals": lambda x, m: m.svdvals(x),
    "pinv": lambda x, m: m.pinv(x),
    "matrix_rank": lambda x, m: m.matrix_rank(x, rtol=0.125),
    "qr": lambda x, m: tuple(m.qr(x)),
}


@pytest.mark.parametrize("shape", [(0, 3, 3), (2, 0, 1, 1)], ids=str)
@pytest.mark.parametrize("name", OF_MATRICES)
def test_stacks_of_no_matrices(name: str, shape: tuple[int, ...]) -> None:
    empty = np.zeros(shape)
    if name == "solve vector":
        got, expected = H.linalg.solve(hold(empty), hold(np.ones(shape[-1]))), empty[..., 0]
        assert same(got, expected)
        return
    assert same(OF_MATRICES[name](hold(empty), H.linalg), OF_MATRICES[name](empty, np.linalg))


@pytest.mark.parametrize("name", ["det", "slogdet", "inv", "solve", "matrix_power", "qr"])
def test_matrices_without_rows(name: str) -> None:
    empty = np.zeros((0, 0))
    assert same(OF_MATRICES[name](hold(empty), H.linalg), OF_MATRICES[name](empty, np.linalg))


@pytest.mark.parametrize("mode", ["reduced", "complete"])
@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (2, 3, 2), (2, 1, 3)], ids=str)
def test_orthogonal_triangles_of_tall_wide_and_stacked_matrices(shape: tuple[int, ...], mode: str) -> None:
    x = np.random.default_rng(5).uniform(-2.0, 2.0, shape).round(3)
    got, expected = H.linalg.qr(hold(x), mode=mode), np.linalg.qr(x, mode=mode)
    assert got.R.shape == expected.R.shape and same(got.R, expected.R, 2.0**-8)
    assert got.Q.shape == expected.Q.shape
    q = got.Q.open()
    assert np.allclose(q @ got.R.open(), x, atol=2.0**-8)
    assert np.allclose(np.swapaxes(q, -1, -2) @ q, np.eye(q.shape[-1]), atol=2.0**-8)


@pytest.mark.parametrize("shape", [(3, 2), (1, 3), (2, 2, 3)], ids=str)
def test_full_bases_of_singular_vectors(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(6).uniform(0.5, 1.5, shape).round(3)
    got = H.linalg.svd(hold(x), full_matrices=True)
    u, s, vh = (part.open() for part in got)
    expected = np.linalg.svd(x, full_matrices=True)
    assert [part.shape for part in (u, s, vh)] == [part.shape for part in expected]
    assert np.allclose(s, expected.S, atol=2.0**-8)
    k = min(shape[-2:])
    assert np.allclose(u[..., :k] @ (s[..., None] * vh[..., :k, :]), x, atol=2.0**-7)
    for basis in (u, vh):
        assert np.allclose(basis @ np.swapaxes(basis, -1, -2), np.eye(basis.shape[-1]), atol=2.0**-6)


def test_singular_values_of_three_columns() -> None:
    """Rotations of several pairs, of elements as large as is claimed."""
    x = np.random.default_rng(8).uniform(-16.0, 16.0, (3, 3)).round(3)
    assert same(H.linalg.svdvals(hold(x)), np.linalg.svdvals(x), 2.0**-10)


def test_results_of_several_parts_have_the_names_of_the_standard() -> None:
    x = hold(MATRICES[0, :2, :2])
    assert H.linalg.qr(x)._fields == ("Q", "R") and H.linalg.svd(x)._fields == ("U", "S", "Vh")
    assert H.linalg.eigh(x)._fields == ("eigenvalues", "eigenvectors")
    assert H.linalg.slogdet(x)._fields == ("sign", "logabsdet")


def test_stacks_of_equations_are_paired_as_those_of_a_product() -> None:
    a, b = MATRICES + 3.0 * np.eye(3), np.random.default_rng(7).uniform(-1.0, 1.0, (4, 1, 3, 2)).round(3)
    assert same(H.linalg.solve(hold(a), hold(b)), np.linalg.solve(a, b), 2.0**-8)
    assert same(H.linalg.solve(hold(a[0]), hold(b)), np.linalg.solve(a[0], b), 2.0**-8)


def test_singular_values_below_a_share_of_the_largest_count_as_none() -> None:
    x = np.diag([1.0, 0.25])
    assert [int(H.linalg.matrix_rank(hold(x), rtol=rtol)) for rtol in (None, 0.125, 0.5)] == [2, 2, 1]
    both = hold(np.stack([x, x]))
    assert same(H.linalg.matrix_rank(both, rtol=hold(np.array([0.125, 0.5]))), np.array([2, 1]))
    assert same(H.linalg.pinv(hold(x), rtol=0.5), np.diag([1.0, 0.0]), 2.0**-7)


# --- places, shifts, powers, types ----------------------------------------------------------------------

PLACES = np.array([[2, -1], [0, -3]])


def test_elements_at_secret_places() -> None:
    for data in (REALS, WHOLE, TRUTH):
        x, at = hold(data), hold(PLACES)
        assert same(H.take(x, at, axis=1), np.take(data, PLACES, axis=1))
        assert same(H.take(x, hold(np.array([1, -2])), axis=0), np.take(data, [1, -2], axis=0))
        assert same(H.take_along_axis(x, at, axis=1), np.take_along_axis(data, PLACES, 1))
        rows = np.array([[1], [-2]])
        assert same(H.take_along_axis(x, hold(rows), axis=-2), np.take_along_axis(data, rows, -2))
        assert same(x[hold(1)], data[1]) and same(x[:, hold(-1)], data[:, -1])
        assert same(x[hold(0), hold(2)], data[0, 2]) and same(x[0, hold(PLACES)], data[0, PLACES])
    assert same(H.take(hold(REALS[0]), hold(1)), REALS[0, 1])
    assert same(H.take(hold(REALS[0]), hold(np.array([5, -9]))), np.zeros(2))
    order = np.argsort(REALS[0])
    got = H.searchsorted(hold(REALS[0]), hold(REALS), sorter=H.argsort(hold(REALS[0])))
    assert same(got, np.searchsorted(REALS[0], REALS, sorter=order))


def test_shifts_by_secret_places() -> None:
    x, n = np.array([5, -7, 0, 3, 2**30, -(2**31)]), np.array([1, 4, 40, 20, 31, 31])
    assert same(hold(x) >> hold(n), x >> n) and same(hold(x) >> n, x >> n) and same(100 >> hold(n), 100 >> n)
    assert same(hold(x) << hold(n % 32), x << (n % 32)) and same(3 << hold(n), np.where(n < 32, 3 << n, 0))
    assert same(hold(x) >> hold(np.int64(64)), x >> 63)
    pair = np.array([[1, 2], [3, -4]])
    assert same(hold(pair) << hold(np.array([1, 3])), pair << [1, 3])
    assert same(hold(pair[0]) >> hold(np.array([[0], [1]])), pair[0] >> np.array([[0], [1]]))


def test_powers_of_integers_are_integers() -> None:
    x, n = np.array([2, -3, 1, 0, 10, 7]), np.array([3, 2, 63, 0, 5, 1])
    assert same(hold(x) ** hold(n), x**n) and same(x ** hold(n), x**n)
    for base in (-2, -1, 0, 1, 3, 10):
        assert same(base ** hold(n[[0, 1, 3, 4, 5]]), base ** n[[0, 1, 3, 4, 5]])
    assert same((-1) ** hold(n), (-1) ** n) and same(1 ** hold(n), 1**n)


def test_a_constant_that_has_no_powers_or_is_no_number_is_refused() -> None:
    for base in (-5.0, 0.0):
        with pytest.raises(UsageError, match="not above 0"):
            _ = base ** hold(REALS)
    with pytest.raises(TypeRuleError, match="not finite"):
        _ = float("nan") * hold(REALS)


def test_reals_become_integers_towards_0() -> None:
    x = np.array([-2.75, -2.0, -(2.0**-18), 0.0, 2.0**-18, 0.999, 3.5])
    assert same(H.astype(hold(x), np.int64), x.astype(np.int64))
    assert same(hold(x).astype(int), x.astype(int)) and np.array_equal(xp.astype(x, np.int64), x.astype(int))


def test_order_options_and_sizes() -> None:
    x = hold(REALS)
    assert same(H.sort(x, axis=0, descending=True, stable=False), -np.sort(-REALS, axis=0))
    assert same(H.argsort(x, descending=True), np.argsort(-REALS, axis=1))
    assert H.unstack(hold(np.zeros((2, 0))), axis=1) == ()
    assert same(H.matmul(hold(np.ones((0, 2, 3))), hold(np.ones((3, 1)))), np.ones((0, 2, 1)))
    assert same(H.linalg.trace(x, dtype=np.int64), np.int64(0))
    assert same(H.isfinite(x), np.isfinite(REALS)) and not isinstance(xp.isfinite(REALS), Held)


def test_wrong_axes_and_places_are_what_numpy_raises_too() -> None:
    for wrong in (lambda: H.expand_dims(hold(REALS), axis=4), lambda: hold(REALS)[2], lambda: hold(1.0)[0]):
        with pytest.raises(IndexError):
            wrong()
    with pytest.raises(ValueError, match="size 1"):
        H.squeeze(hold(REALS), 0)
    with pytest.raises(UsageError, match="vectors of 2 and 1"):
        H.vecdot(hold(np.ones((3, 2))), hold(np.ones(1)))
