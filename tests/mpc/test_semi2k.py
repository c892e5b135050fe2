"""semi2k against plain Python integers: random and extreme shares, odd shapes, chunks of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.base.ctx import Ctx
from tacit.blocks.ot import ole
from tacit.mpc.scheme import SCHEMES, Scheme, load
from tests.harness import owners_of, run_scheme

RING = st.integers(0, (1 << 64) - 1)
EXTREME = np.array([0, 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1], np.uint64)
FEW = settings(max_examples=12, deadline=None)


def compute(call: Any, *arrays: np.ndarray, scheme: str = "semi2k") -> np.ndarray:
    """`call(scheme, ctx, shares…)`, array k shared by party k mod 2 (uint8 ones as bits); all must agree."""

    async def party(ctx: Ctx, started: Scheme) -> np.ndarray | None:
        shares = [
            await started.share(
                ctx, x if ctx.me == k % 2 else None, owner=k % 2, shape=x.shape, boolean=x.dtype == np.uint8
            )
            for k, x in enumerate(arrays)
        ]
        return await started.reveal(ctx, await call(started, ctx, *shares))

    first, *others = run_scheme(scheme, party)[: owners_of(scheme)]
    assert all(np.array_equal(first, other) for other in others)
    return np.asarray(first)


def ring(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.uint64)


async def _mul(s: Scheme, c: Ctx, x: Any, y: Any) -> Any:
    return await s.mul(c, x, y)


async def _square(s: Scheme, c: Ctx, x: Any) -> Any:
    return await s.square(c, x)


async def _msb(s: Scheme, c: Ctx, x: Any) -> Any:
    return await s.msb(c, x)


async def _a2b(s: Scheme, c: Ctx, x: Any) -> Any:
    return await s.a2b(c, x)


async def _and(s: Scheme, c: Ctx, x: Any, y: Any) -> Any:
    return await s.and_(c, x, y)


async def _b2a(s: Scheme, c: Ctx, x: Any) -> Any:
    return await s.b2a(c, x)


async def _mux(s: Scheme, c: Ctx, b: Any, x: Any) -> Any:
    return await s.mux(c, b, x)


async def _matmul(s: Scheme, c: Ctx, x: Any, y: Any) -> Any:
    return await s.matmul(c, x, y)


async def _low_bit(s: Scheme, c: Ctx, x: Any) -> Any:
    return await s.low_bit(c, x)


@FEW
@given(st.lists(st.tuples(RING, RING), min_size=1, max_size=70))
def test_products(pairs: list[tuple[int, int]]) -> None:
    x, y = ring([a for a, _ in pairs]), ring([b for _, b in pairs])
    assert np.array_equal(compute(_mul, x, y), x * y)
    assert np.array_equal(compute(_square, x), x * x)


@pytest.mark.parametrize("operation", ["mul", "square", "mul_private"])
def test_packed_products_that_are_truncated_are_the_floor_or_one_more(operation: str) -> None:
    """So few bits are dropped that a product one unit below its range would show."""
    bits, n = 2, 8192
    x, y = np.random.default_rng(5).integers(-9, 10, (2, n))
    y = x if operation == "square" else y

    async def call(s: Scheme, c: Ctx, x: Any, y: Any) -> Any:
        if operation == "square":
            return await s.square_trunc(c, x, bits=bits)
        if operation == "mul":
            return await s.mul_trunc(c, x, y, bits=bits)
        plain = raw if c.me == 0 else None
        return await s.mul_private_trunc(c, plain, y, owner=0, bits=bits)

    raw = x.astype(np.uint64)
    result = compute(call, raw, y.astype(np.uint64)).view(np.int64)
    assert set(np.unique(result - (x * y >> bits))) == {0, 1}


@FEW
@given(st.lists(RING, min_size=1, max_size=130))
def test_bits_of_ring_elements(values: list[int]) -> None:
    x = ring(values)
    bits = np.unpackbits(x.view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    assert np.array_equal(compute(_msb, x), bits[:, 63])
    assert np.array_equal(compute(_a2b, x), bits)
    assert np.array_equal(compute(_low_bit, x), bits[:, 0])


@FEW
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), RING), min_size=1, max_size=130))
def test_bits(rows: list[tuple[int, int, int]]) -> None:
    a, b = (np.array([row[i] for row in rows], np.uint8) for i in (0, 1))
    assert np.array_equal(compute(_and, a, b), a & b)
    assert np.array_equal(compute(_b2a, a), a.astype(np.uint64))
    assert np.array_equal(
        compute(_mux, a, ring([row[2] for row in rows])), a * ring([row[2] for row in rows])
    )


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 3), (7, 1, 2), (3, 4, 9), (9, 4, 3), (2, 65, 2)])
def test_matrices(shape: tuple[int, int, int]) -> None:
    m, k, n = shape
    rng = np.random.default_rng(sum(shape))
    x, y = (rng.integers(0, 1 << 64, s, dtype=np.uint64) for s in ((m, k), (k, n)))
    assert np.array_equal(compute(_matmul, x, y), x @ y)

    for owner in (0, 1):

        async def private(s: Scheme, c: Ctx, b: Any, owner: int = owner) -> Any:
            return await s.matmul_private(c, x if c.me == owner else None, b, owner=owner, m=m)

        async def elements(s: Scheme, c: Ctx, b: Any, owner: int = owner) -> Any:
            return await s.mul_private(c, y + np.uint64(1) if c.me == owner else None, b, owner=owner)

        assert np.array_equal(compute(private, y), x @ y)
        assert np.array_equal(compute(elements, y), (y + np.uint64(1)) * y)


@pytest.mark.parametrize("m", [3, 300])
def test_private_matrices_of_few_bits(m: int) -> None:
    """By OTs and by RLWE, with the extremes of the range."""
    rng = np.random.default_rng(m)
    x = rng.integers(-(1 << 22), 1 << 22, (m, 40))
    x[0], x[-1] = -(1 << 22), (1 << 22) - 1
    x, y = x.astype(np.uint64), rng.integers(0, 1 << 64, (40, 1), dtype=np.uint64)

    async def product(s: Scheme, c: Ctx, b: Any) -> Any:
        return await s.matmul_private(c, x if c.me == 0 else None, b, owner=0, m=m, x_bits=23)

    assert np.array_equal(compute(product, y), x @ y)


@pytest.mark.parametrize("scheme", [name for name in SCHEMES if not load(name).linear_only])
def test_extremes_and_scalars(scheme: str) -> None:
    x = EXTREME
    assert np.array_equal(compute(_mul, x, x[::-1].copy(), scheme=scheme), x * x[::-1])
    assert np.array_equal(compute(_msb, x, scheme=scheme), (x >> np.uint64(63)).astype(np.uint8))
    scalar = np.array(2**63 + 5, np.uint64)
    assert compute(_mul, scalar, scalar, scheme=scheme) == scalar * scalar
    assert compute(_msb, scalar, scheme=scheme).shape == ()
    assert compute(_b2a, np.array(1, np.uint8), scheme=scheme).shape == ()


def test_small_chunks_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long calls are cut into chunks, a matrix also along rows and columns: here every cut is tiny."""
    monkeypatch.setattr(ole, "CHUNK_OTS", 128)
    monkeypatch.setattr(ole, "CHUNK_PAYLOAD_BYTES", 700)
    rng = np.random.default_rng(3)
    x, y = (rng.integers(0, 1 << 64, 37, dtype=np.uint64) for _ in range(2))
    assert np.array_equal(compute(_mul, x, y), x * y)
    assert np.array_equal(compute(_msb, np.tile(x, 8)), np.tile((x >> np.uint64(63)).astype(np.uint8), 8))
    a, b = (
        rng.integers(0, 1 << 64, (5, 7), dtype=np.uint64),
        rng.integers(0, 1 << 64, (7, 4), dtype=np.uint64),
    )
    assert np.array_equal(compute(_matmul, a, b), a @ b)
    bits = rng.integers(0, 2, 300, dtype=np.uint8)
    assert np.array_equal(compute(_b2a, bits), bits.astype(np.uint64))


def test_a_share_is_uniform_and_sharing_sends_nothing() -> None:
    async def party(ctx: Ctx, scheme: Scheme) -> tuple[np.ndarray, int]:
        before = ctx.meter().bytes_sent
        x = np.zeros(4096, np.uint64) if ctx.me == 0 else None
        share = await scheme.share(ctx, x, owner=0, shape=(4096,))
        return share.data, ctx.meter().bytes_sent - before  # type: ignore[attr-defined]

    (mine, sent), (theirs, also) = run_scheme("semi2k", party)
    assert sent == also == 0
    assert not np.any(mine + theirs)
    high = np.unpackbits(theirs.view(np.uint8))
    assert abs(high.mean() - 0.5) < 5 * 0.5 / np.sqrt(high.size)


def test_correlations_are_fresh_at_every_call() -> None:
    """The same product twice opens to the same value from different shares."""

    async def party(ctx: Ctx, scheme: Scheme) -> list[np.ndarray]:
        x = scheme.constant(ctx, np.arange(8, dtype=np.uint64))
        results = [await scheme.mul(ctx, x, x) for _ in range(2)]
        return [r.data for r in results]  # type: ignore[attr-defined]

    first, second = run_scheme("semi2k", party)
    assert np.array_equal(first[0] + second[0], first[1] + second[1])
    assert not np.any(first[0] == first[1])


@pytest.mark.parametrize("call", [_mul, _and], ids=["mul", "and"])
def test_nothing_times_nothing(call: Any) -> None:
    empty = np.zeros(0, np.uint64 if call is _mul else np.uint8)
    assert compute(call, empty, empty).shape == (0,)
