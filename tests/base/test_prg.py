"""Streams: they advance, they differ by label, they are what NIST says AES-CTR is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.base.prg import Prg, derive, fresh_entropy, label16
from tacit.base.secret import Secret

KEY = Secret(bytes(range(32)))


def test_a_stream_advances_and_never_restarts() -> None:
    whole = Prg(KEY).bytes(160)
    prg = Prg(KEY)
    parts = [prg.bytes(16 * k) for k in (1, 2, 3, 4)]
    assert np.array_equal(np.concatenate(parts), whole)


@given(st.lists(st.integers(0, 50), max_size=6))
def test_draws_never_overlap(sizes: list[int]) -> None:
    """Every draw begins at a fresh block, so a block is never used twice."""
    prg = Prg(KEY)
    drawn = [prg.bytes(size).tobytes() for size in sizes]
    whole, at = Prg(KEY).bytes(16 * sum(-(-size // 16) for size in sizes)).tobytes(), 0
    for part in drawn:
        assert part == whole[at : at + len(part)]
        at += -(-len(part) // 16) * 16


@given(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))
def test_label_boundaries_count(a: str, b: str, c: str) -> None:
    assert derive(KEY, a, b + c).expose() != derive(KEY, a + b, c).expose() or b == ""
    assert derive(KEY, a, b).expose() != derive(KEY, a, b, "").expose()
    assert len(derive(KEY, a).expose()) == 32 and len(label16(a)) == 16


def test_a_key_is_not_known_from_another_ones_labels() -> None:
    keys = {derive(Secret(k), "x").expose() for k in (b"", b"a", b"a" * 32, b"a" * 64)}
    assert len(keys) == 4


def test_shapes_and_ranges() -> None:
    prg = Prg(KEY)
    assert prg.ring((2, 3)).shape == (2, 3) and prg.ring(()).shape == ()
    assert prg.ring((0, 5)).shape == (0, 5)
    bits = prg.bits((1001,))
    assert bits.dtype == np.uint8 and set(np.unique(bits)) == {0, 1}
    assert abs(bits.mean() - 0.5) < 0.1


@pytest.mark.parametrize("n", [0, 1, 2, 3, 100])
def test_permutations_are_permutations(n: int) -> None:
    assert sorted(Prg(KEY).permutation(n)) == list(range(n))


def test_permutations_are_uniform() -> None:
    prg, counts = Prg(KEY), np.zeros((3, 3))
    for _ in range(3000):
        counts[np.arange(3), prg.permutation(3)] += 1
    assert np.all(np.abs(counts - 1000) < 5 * np.sqrt(3000 * 2 / 9))


def test_entropy_is_fresh() -> None:
    assert len({fresh_entropy() for _ in range(50)}) == 50
    assert len(fresh_entropy(7)) == 7
