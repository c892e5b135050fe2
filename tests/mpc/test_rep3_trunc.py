"""Truncation of rep3: local steps exhaustively in a ring of 12 bits, protocols on forced shares in 64."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.mpc.rep3 import Rep3
from tacit.mpc.rep3.share import Rep3Share, n_words
from tacit.mpc.rep3.truncate import lifted
from tests.mpc.test_rep3 import agree, integers, shared, signed

K = 12


KEYS = (bytes(range(16)), bytes(range(16, 32)))


def truncated(c: np.ndarray, s: np.ndarray, bits: int, k: int) -> np.ndarray:
    """What the three parties' local steps make of c + s = x: the result as signed integers."""
    n = c.size
    words = bits * n_words(n)
    to_1, with_0 = _kernel.trunc_helper(bits, s, np.zeros_like(s), KEYS, (3, 5), k)
    given = (with_0[n:], to_1[n:])
    made = [_kernel.trunc_evaluator(bits, c, None, None, KEYS[i], (3, 5)[i], k) for i in (0, 1)]
    for i in (0, 1):
        assert given[i].size == words
        _kernel.trunc_finish(bits, made[i][0], made[1 - i][1], c, given[i], k)
    ring = np.uint64((1 << k) - 1)
    assert np.array_equal(made[0][0] & ring, made[1][0] & ring)
    whole = ((made[0][0] + to_1[:n] + with_0[:n]) & ring).astype(np.int64)
    return whole - ((whole >> (k - 1)) << k)


STEP = 256
BLOCKS = range(-(1 << (K - 1)), 1 << (K - 1), STEP)
INSIDE = range(-(1 << (K - 2)), 1 << (K - 2))


def errors(start: int, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """x in [start, start + STEP) as a column, and how far the formula is from its floor for every c."""
    x = np.arange(start, start + STEP)[:, None]
    c = np.broadcast_to(np.arange(1 << K, dtype=np.uint64), (STEP, 1 << K))
    s = ((x % (1 << K)).astype(np.uint64) - c) & np.uint64((1 << K) - 1)
    # The theorem's c has 2^(k-2) in it, which an evaluator adds to what it holds.
    result = truncated(np.ascontiguousarray(c).reshape(-1), s.reshape(-1), bits, K)
    return x, result.reshape(c.shape) - (x >> bits)


@pytest.mark.parametrize("bits", range(1, K - 1))
def test_formula_on_all_sharings(bits: int) -> None:
    """One more with probability ((x mod 2^f) + 1) / 2^f over all sharings, as the header says."""
    for start in BLOCKS:
        x, error = errors(start, bits)
        if start in INSIDE:
            assert (error.min(), error.max()) == (0, 1)
            assert np.array_equal(error.sum(axis=1) << bits, ((x[:, 0] % (1 << bits)) + 1) << K)
        else:
            assert (error & ((1 << (K - bits)) - 1)).max() <= 1, "wrong by other than multiples"
            assert np.abs(error).max() > 1, "outside the range it does go wrong"


def forced() -> tuple[np.ndarray, np.ndarray]:
    """x at the ends of the range and around zero; x_1 and x_2 at the wraps and at the middle of the ring."""
    values = [0, 1, -1, (1 << 18) - 1, -(1 << 18), (1 << 62) - 1, (1 << 62) - 2, -(1 << 62), 1 - (1 << 62)]
    edges = [
        (base + step) % (1 << 64) for base in (0, 1 << 61, 1 << 62, 3 << 62, 1 << 63) for step in (-1, 0, 1)
    ]
    rows = [(x, a, b) for x, a, b in product(values, edges, edges)]
    x = np.array([row[0] for row in rows], np.int64)
    x_1, x_2 = (np.array([row[i] for row in rows], np.uint64) for i in (1, 2))
    return x, np.stack([x.view(np.uint64) - x_1 - x_2, x_1, x_2])


def as_share(ctx: Ctx, addends: np.ndarray) -> Rep3Share:
    return Rep3Share(addends[ctx.me], addends[(ctx.me + 1) % 3])


@pytest.mark.parametrize("bits", [1, 18, 31, 32, 33, 40, 62])
def test_forced_shares_around_the_wraps(bits: int) -> None:
    x, addends = forced()

    async def party(ctx: Ctx, scheme: Rep3) -> np.ndarray:
        return signed(await scheme.reveal(ctx, await scheme.trunc(ctx, as_share(ctx, addends), bits=bits)))

    up = agree(party) - (x >> bits)
    assert set(np.unique(up)) == {0, 1}
    low = np.uint64((1 << bits) - 1)
    assert np.array_equal(up, (addends[1] & low) <= (x.view(np.uint64) & low)), (
        "the evaluators know the rounding"
    )


def test_lifting_wraps() -> None:
    assert lifted(np.array([(1 << 64) - (1 << 62)], np.uint64))[0] == 0


@pytest.mark.parametrize("bits", [1, 18, 40, 62])
def test_fused_products_at_the_end_of_the_range(bits: int) -> None:
    """Products whose value is at the ends of the range, of forced shares."""
    x, addends = forced()

    async def party(ctx: Ctx, scheme: Rep3) -> np.ndarray:
        one = scheme.constant(ctx, np.ones(x.shape, np.uint64))
        truncated = await scheme.mul_trunc(ctx, as_share(ctx, addends), one, bits=bits)
        return signed(await scheme.reveal(ctx, truncated))

    assert set(np.unique(agree(party) - (x >> bits))) == {0, 1}


def test_fused_products_are_off_by_at_most_one() -> None:
    x, y = integers("x", (500,), 1 << 31), integers("y", (500,), 1 << 31)
    left, right = integers("left", (9, 4), 1 << 29), integers("right", (4, 6), 1 << 29)

    async def party(ctx: Ctx, scheme: Rep3) -> np.ndarray:
        a, b = await shared(ctx, scheme, x, 0), await shared(ctx, scheme, y, 1)
        c, d = await shared(ctx, scheme, left, 2), await shared(ctx, scheme, right, 0)
        results = [
            await scheme.mul_trunc(ctx, a, b, bits=18),
            await scheme.square_trunc(ctx, a, bits=18),
            await scheme.matmul_trunc(ctx, c, d, bits=18),
        ]
        for owner in range(3):
            plain = [v.view(np.uint64) if ctx.me == owner else None for v in (x, left)]
            results.append(await scheme.mul_private_trunc(ctx, plain[0], b, owner=owner, bits=18))
            results.append(await scheme.matmul_private_trunc(ctx, plain[1], d, owner=owner, m=9, bits=18))
        return np.concatenate([signed(await scheme.reveal(ctx, z)).ravel() for z in results])

    both = [x * y, left @ right]
    exact = np.concatenate([w.ravel() for w in [x * y, x * x, left @ right, *both, *both, *both]])
    assert set(np.unique(agree(party) - (exact >> 18))) == {0, 1}


def test_comparison_on_forced_shares() -> None:
    x, addends = forced()
    x, addends = np.concatenate([x, x]), np.concatenate([addends, addends], axis=1)
    addends[0, len(x) // 2 :] += np.uint64(1 << 63)  # the other half of the ring
    whole = (addends[0] + addends[1] + addends[2]).view(np.int64)
    bits = whole.view(np.uint64)[:, None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)

    async def party(ctx: Ctx, scheme: Rep3) -> np.ndarray:
        share = as_share(ctx, addends)
        sign, decomposed = await scheme.msb(ctx, share), await scheme.a2b(ctx, share)
        opened = [await scheme.reveal(ctx, z) for z in (sign, decomposed)]
        return np.concatenate([np.asarray(o).ravel() for o in opened])

    assert np.array_equal(agree(party), np.concatenate([whole < 0, bits.ravel()]))
