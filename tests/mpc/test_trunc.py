"""Truncation: its formula on all shares of a small ring, the protocol itself on the hard ones of 64 bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.base.ctx import Ctx
from tacit.mpc.scheme import Scheme
from tacit.mpc.semi2k.share import Semi2kShare
from tests.harness import run_scheme

ALL_64 = (1 << 64) - 1


def formula(shares: tuple[int, int], k: int, f: int, wrap_mask: int = 0) -> int:
    """The result of `arith.trunc`, steps 1 to 5, in a ring of k bits; `wrap_mask` splits the wrap bit."""
    ring = 1 << k
    lifted = [(shares[0] + (1 << (k - 2))) % ring, shares[1]]
    wrap = (lifted[0] >> (k - 1)) | (lifted[1] >> (k - 1))
    parts = [(wrap - wrap_mask) % (1 << f), wrap_mask % (1 << f)]
    total = sum((s >> f) - (w << (k - f)) for s, w in zip(lifted, parts, strict=True))
    return (total + 1 - (1 << (k - 2 - f))) % ring


@pytest.mark.parametrize("f", range(1, 11))
def test_every_pair_of_shares_of_a_12_bit_ring(f: int) -> None:
    """Off by at most one unit, upwards only, for every |x| < 2^10 and every mask; never a wrap error."""
    k = 12
    x = np.arange(-(1 << (k - 2)), 1 << (k - 2), dtype=np.int64)[:, None]
    mask = np.arange(1 << k, dtype=np.int64)[None, :]
    ring = (1 << k) - 1
    lifted = (((x - mask) & ring) + (1 << (k - 2))) & ring
    wrap = (lifted >> (k - 1)) | (mask >> (k - 1))
    result = (lifted >> f) + (mask >> f) - (wrap << (k - f)) + 1 - (1 << (k - 2 - f))
    result = ((result + (1 << (k - 1))) & ring) - (1 << (k - 1))
    error = result - (x >> f)
    assert set(np.unique(error)) == {0, 1}
    expected_ups = ((x[:, 0] & ((1 << f) - 1)) + 1) << (k - f)
    assert np.array_equal((error == 1).sum(axis=1), expected_ups), (
        "one more with probability (x mod 2^f + 1) / 2^f"
    )


@pytest.mark.parametrize("f", range(1, 11))
def test_the_rounding_is_a_function_of_the_mask(f: int) -> None:
    """Upwards exactly where the mask's low bits do not exceed those of x: the share's holder can tell."""
    k, ring = 12, (1 << 12) - 1
    x = np.arange(-(1 << (k - 2)), 1 << (k - 2), dtype=np.int64)[:, None]
    mask = np.arange(1 << k, dtype=np.int64)[None, :]
    lifted = (x - mask + (1 << (k - 2))) & ring
    wrap = (lifted >> (k - 1)) | (mask >> (k - 1))
    result = ((lifted >> f) + (mask >> f) - (wrap << (k - f)) + 1 - (1 << (k - 2 - f)) - (x >> f)) & ring
    assert np.array_equal(result, (mask & ((1 << f) - 1)) <= (x & ((1 << f) - 1)))


def test_beyond_the_range_it_is_wrong_by_multiples_only() -> None:
    """What the range pass keeps out: for |x| >= 2^(k-2) the low k - f bits are still right."""
    wrong = 0
    for x in (*range(-(1 << 11), -(1 << 10)), *range(1 << 10, 1 << 11)):
        for mask in range(0, 1 << 12, 41):
            error = (formula(((x - mask) % 4096, mask), 12, 5) - (x >> 5)) % 4096
            assert error % (1 << 7) in (0, 1)
            wrong += error > 1
    assert wrong


def test_the_vector_formula_is_the_scalar_one() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        x, mask, wrap_mask = (int(v) for v in rng.integers(0, 1 << 10, 3))
        got = formula(((x - mask) % 4096, mask), 12, 5, wrap_mask)
        assert (got - (x >> 5)) % 4096 in (0, 1)


def run_trunc(first: list[int], second: list[int], bits: int) -> list[int]:
    """The protocol on forced shares."""

    async def party(ctx: Ctx, scheme: Scheme) -> np.ndarray | None:
        mine = np.array((first, second)[ctx.me], dtype=np.uint64)
        return await scheme.reveal(ctx, await scheme.trunc(ctx, Semi2kShare(mine), bits=bits))

    return [int(v) for v in run_scheme("semi2k", party)[0]]


EDGES = [
    0,
    1,
    -1,
    (1 << 18) - 1,
    1 << 18,
    -(1 << 18),
    (1 << 62) - 1,
    -(1 << 62) + 1,
    -(1 << 62),
    (1 << 61),
    -(1 << 61),
]
MASKS = [
    0,
    1,
    (1 << 62) - 1,
    1 << 62,
    (1 << 62) + 1,
    (1 << 63) - 1,
    1 << 63,
    (1 << 63) + 1,
    ALL_64,
    ALL_64 - 1,
    3 << 62,
]


@pytest.mark.parametrize("bits", [1, 18, 36, 40, 61])
def test_forced_shares_around_the_wrap(bits: int) -> None:
    cases = [(x, mask) for x in EDGES for mask in MASKS]
    shares = [((x - mask) & ALL_64, mask) for x, mask in cases]
    results = run_trunc([a for a, _ in shares], [b for _, b in shares], bits)
    for (x, mask), pair, got in zip(cases, shares, results, strict=True):
        assert got == formula(pair, 64, bits), (x, mask)
        up = int(mask % (1 << bits) <= x % (1 << bits))
        assert (got - (x >> bits)) & ALL_64 == up, "the rounding is a function of the mask"


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-(1 << 62) + 1, (1 << 62) - 1), st.integers(0, ALL_64)), min_size=1, max_size=40
    ),
    st.integers(1, 61),
)
def test_any_shares(cases: list[tuple[int, int]], bits: int) -> None:
    shares = [((x - mask) & ALL_64, mask) for x, mask in cases]
    results = run_trunc([a for a, _ in shares], [b for _, b in shares], bits)
    for (x, _), pair, got in zip(cases, shares, results, strict=True):
        assert got == formula(pair, 64, bits)
        assert (got - (x >> bits)) & ALL_64 in (0, 1)


def test_rounding_is_unbiased_over_masks() -> None:
    """E[result] = x / 2^f + 2^-f: 20,000 masks of one x."""
    n, x, bits = 20_000, 5 * (1 << 18) + 77_777, 18
    mask = np.random.default_rng(1).integers(0, 1 << 64, n, dtype=np.uint64)
    results = run_trunc([int(v) for v in np.uint64(x) - mask], [int(v) for v in mask], bits)
    ups = sum(results) / n - (x >> bits)
    p = ((x & ((1 << bits) - 1)) + 1) / (1 << bits)
    assert abs(ups - p) < 5 * np.sqrt(p * (1 - p) / n)
