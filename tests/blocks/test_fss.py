"""Keys to point and comparison functions, through the kernel's Python door."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from tacit import _kernel

LABEL, SEED = bytes(16), bytes(range(16))


@pytest.mark.parametrize("kind", ["dpf", "dcf"])
@pytest.mark.parametrize("bits", [1, 64])
def test_shares_add_up_to_the_function(kind: Literal["dpf", "dcf"], bits: Literal[1, 64]) -> None:
    alphas, betas = np.array([0, 5, 255], np.uint64), np.array([1, 1, 0], np.uint64)
    points = np.tile(np.arange(256, dtype=np.uint64), 3)
    keys = _kernel.fss_generate(kind, 8, bits, LABEL, SEED, alphas, betas)
    shares = [
        _kernel.fss_evaluate(kind, 8, bits, party, LABEL, key.reshape(-1), points)
        for party, key in enumerate(keys)
    ]
    opened = ((shares[0] + shares[1]) & np.uint64((1 << bits) - 1)).reshape(3, 256)
    domain = np.arange(256)
    for found, alpha, beta in zip(opened, alphas, betas, strict=True):
        holds = domain == alpha if kind == "dpf" else domain < alpha
        assert np.array_equal(found, holds * beta)
    whole = _kernel.fss_evaluate_all(kind, 8, bits, 0, LABEL, keys[0][1])
    if len(whole) < 256:
        whole = np.unpackbits(whole.view(np.uint8), bitorder="little").astype(np.uint64)
    assert np.array_equal(whole, shares[0].reshape(3, 256)[1])


@pytest.mark.parametrize("kind", ["dpf", "dcf"])
def test_a_stray_bit_or_size_is_malformed(kind: Literal["dpf", "dcf"]) -> None:
    one = np.ones(1, np.uint64)
    key = _kernel.fss_generate(kind, 12, 64, LABEL, SEED, one, one)[0][0]
    stray = key.copy()
    stray[0] |= 1
    for bad in (stray, key[1:].copy()):
        with pytest.raises(_kernel.KernelError) as refused:
            _kernel.fss_evaluate(kind, 12, 64, 0, LABEL, bad, one)
        assert refused.value.kind == "malformed"
