"""rep3 over Z_2^128: arithmetic of arrays, products beyond 64 bits, truncation on forced shares, costs."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.base.ctx import Ctx
from tacit.base.errors import UsageError
from tacit.base.protocol import REGISTRY
from tacit.base.types import FIXED, Private, Type
from tacit.compile import array as xp
from tacit.mpc.execute import execute
from tacit.mpc.rep3_128 import SCHEME, words
from tacit.mpc.rep3_128.share import WideShare
from tacit.mpc.rep3_128.truncate import evaluator_part, helper_part
from tacit.run.compiled import compiled
from tests.harness import run_scheme
from tests.mpc.test_rep3_cost import CALLS, N, observe, verify

RING = 1 << 128
ELEMENTS = st.one_of(
    st.integers(0, RING - 1), st.sampled_from([0, 1, RING - 1, 1 << 127, (1 << 64) - 1, 1 << 64, 1 << 126])
)


def wide(values: list[int]) -> np.ndarray:
    return np.array([[v % (1 << 64), v % RING >> 64] for v in values], np.uint64)


def whole(x: np.ndarray) -> list[int]:
    return [int(low) | int(high) << 64 for low, high in x.reshape(-1, 2)]


def signed(value: int) -> int:
    return value - RING if value >> 127 else value


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ELEMENTS, ELEMENTS), min_size=1, max_size=9), st.integers(1, 63))
def test_words_are_integers_modulo_2_128(pairs: list[tuple[int, int]], bits: int) -> None:
    x, y = (wide([pair[k] for pair in pairs]) for k in (0, 1))
    assert whole(words.add(x, y)) == [(a + b) % RING for a, b in pairs]
    assert whole(words.sub(x, y)) == [(a - b) % RING for a, b in pairs]
    assert whole(words.mul(x, y)) == [a * b % RING for a, b in pairs]
    assert whole(words.shifted_down(x, bits)) == [a >> bits for a, _ in pairs]
    assert whole(words.moved(x, lambda a: np.sum(a, axis=0, dtype=np.uint64))) == [
        sum(a for a, _ in pairs) % RING
    ]
    assert whole(words.moved(x, np.cumsum)) == [
        sum(a for a, _ in pairs[: k + 1]) % RING for k in range(len(pairs))
    ]
    narrow = np.array([a % (1 << 64) for a, _ in pairs], np.uint64)
    assert [signed(a) for a in whole(words.widened(narrow))] == [int(v) for v in narrow.view(np.int64)]


def test_matrix_products_of_words() -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.integers(0, 1 << 64, shape, np.uint64) for shape in ((3, 4, 2), (4, 5, 2)))
    rows, columns = ([whole(row) for row in a] for a in (x, y.transpose(1, 0, 2)))
    expected = [
        sum(a * b for a, b in zip(row, column, strict=True)) % RING for row in rows for column in columns
    ]
    assert whole(words.matmul(x, y)) == expected
    assert whole(words.matmul(x, y[:, 0])) == expected[::5]
    assert whole(words.matmul(x[0], y[:, 0])) == expected[:1]


# --- truncation ---------------------------------------------------------------------------------------

VALUES = [
    0,
    1,
    -1,
    (1 << 18) - 1,
    -(1 << 18),
    (1 << 126) - 1,
    -(1 << 126),
    1 - (1 << 126),
    1 << 80,
    -(1 << 80) - 7,
]
EDGES = [(base + step) % RING for base in (0, 1 << 64, 1 << 126, 3 << 126, 1 << 127) for step in (-1, 0, 1)]


def forced() -> tuple[list[int], np.ndarray]:
    rows = [(x, a, b) for x, a, b in product(VALUES, EDGES, EDGES)]
    addends = np.stack(
        [wide([x - a - b for x, a, b in rows]), *(wide([row[k] for row in rows]) for k in (1, 2))]
    )
    return [row[0] for row in rows], addends


@pytest.mark.parametrize("bits", [1, 18, 33, 40, 62])
def test_the_formula_at_128_bits(bits: int) -> None:
    """c + s = x + 2^126, at the wraps: the floor, or one more where the low bits of c do not exceed x's."""
    x, addends = forced()
    c = [(a + (1 << 126)) % RING for a in whole(addends[1])]
    s = [(x_0 + x_2) % RING for x_0, x_2 in zip(whole(addends[0]), whole(addends[2]), strict=True)]
    (part, v), (rest, d) = evaluator_part(wide(c), bits), helper_part(wide(s), bits)
    y = words.raised(words.add(part, rest), -((v * d) << np.uint64(64 - bits)))
    mask = (1 << bits) - 1
    for value, side, got in zip(x, c, whole(y), strict=True):
        assert signed(got) - (value >> bits) == int(side & mask <= value & mask)


@pytest.mark.parametrize("bits", [1, 18, 40, 62])
def test_forced_shares_around_the_wraps(bits: int) -> None:
    x, addends = forced()

    async def party(ctx: Ctx, scheme: Any) -> WideShare:
        return await scheme.trunc(ctx, WideShare(addends[ctx.me], addends[(ctx.me + 1) % 3]), bits=bits)

    shares = run_scheme("rep3_128", party)
    assert all(np.array_equal(shares[i].second, shares[(i + 1) % 3].first) for i in range(3))
    total = words.add(words.add(shares[0].first, shares[1].first), shares[2].first)
    assert {signed(got) - (value >> bits) for got, value in zip(whole(total), x, strict=True)} == {0, 1}


# --- programs -----------------------------------------------------------------------------------------


def test_products_that_64_bits_refuse_are_right_in_128() -> None:
    """Sums of squares of amounts: 2^40 before rounding, 2^76 in the ring."""
    x = np.rint(np.random.default_rng(1).uniform(1e3, 9e4, (40, 2)) * 4) / 4

    def spread(a: Any, b: Any) -> Any:
        both = a + b
        return xp.reveal(xp.matmul(both.T, both), name="gram")

    inputs = [(f"x{k}", Type(Private(k), FIXED, (40, 2))) for k in range(2)]
    ranges = {name: (0.0, 1e5) for name, _ in inputs}
    with pytest.raises(UsageError) as refused:
        compiled(spread, inputs, "spread", "rep3", ranges)
    assert refused.value.code == "RANGE-0001"
    program = compiled(spread, inputs, "spread", "rep3_128", ranges)

    async def party(ctx: Ctx, scheme: Any) -> np.ndarray:
        data = {f"x{k}": x if k == ctx.me else None for k in range(2)}
        return (await execute(ctx, scheme, program, data))["out"].plain

    for got in run_scheme("rep3_128", party):
        assert np.abs(got - (2 * x).T @ (2 * x)).max() <= 2.0**-17


# --- on the wire --------------------------------------------------------------------------------------

PADDED = -(-N // 64) * 64
OWN = {
    "share": (16.0, 1),
    "reveal": (24.0, 1),
    "mul": (48.0, 1),
    "mul_private": (64.0, 2),
    "trunc": (25.0, 1),
}
OWN |= {
    "matmul": (0.0, 1),
    "matmul_private": (0.0, 2),
    "b2a": (96.0, 2),
    "mux": (144.0, 3),
    "mul_trunc": (73.0, 2),
}
"""Bytes per element of all three parties together (0: not counted by elements), and rounds: the README's."""


@pytest.mark.parametrize("name", OWN)
def test_declared_costs_are_measured(name: str) -> None:
    witness, network = observe(CALLS[name], np.zeros(N, np.uint64), kind=SCHEME)
    verify(witness)
    per_element, rounds = OWN[name]
    assert max(entry.clock for entry in network.transcript) == rounds
    total = sum(entry.n_bytes for entry in network.transcript)
    assert per_element == 0 or N * per_element <= total <= PADDED * per_element


def test_every_protocol_is_reached() -> None:
    names = (verify(observe(CALLS[name], np.zeros(N, np.uint64), kind=SCHEME)[0]) for name in OWN)
    assert set().union(*names) == {name for name in REGISTRY if name.startswith("mpc.rep3_128.")}


@pytest.mark.parametrize("name", sorted(set(OWN) - {"reveal"}))
def test_every_body_is_uniform_whatever_the_values(name: str) -> None:
    """Inputs with no randomness of their own: each bit of each message is 1 in about half of 40 runs."""
    runs = 40
    for values in (np.zeros(N, np.uint64), np.full(N, (1 << 61) - 1, np.uint64)):
        ones: dict[str, np.ndarray] = {}
        schedules = set()
        for run in range(runs):
            seed = b"run %d" % run
            network = observe(CALLS[name], values, keep_bodies=True, seed=seed, kind=SCHEME)[1]
            schedules.add(tuple(sorted((e.path, e.frm, e.to, e.n_bytes) for e in network.transcript)))
            for entry in network.transcript:
                key = f"{entry.path} {entry.frm}->{entry.to}"
                bits_of = np.unpackbits(np.frombuffer(entry.body, np.uint8)).astype(np.int64)
                ones[key] = ones.get(key, np.zeros_like(bits_of)) + bits_of
        assert len(schedules) == 1
        for key, counts in ones.items():
            live = counts[counts > 0]  # bits of padded planes are zero in every run
            assert np.all(np.abs(live - runs / 2) < 19), f"a constant bit in {key}"
            assert counts.size - live.size <= counts.size * (PADDED - N) // PADDED, (
                f"bits of {key} that never change"
            )
