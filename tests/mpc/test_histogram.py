"""Sums by code: a code that one party knows is never shared, and what it costs says so."""

from __future__ import annotations

import numpy as np
import pytest

from tacit.base.types import FIXED, INT, Private, Type
from tacit.compile.pipeline import run_passes
from tacit.ir.op import OPS
from tacit.ir.program import Builder, Program
from tacit.mpc.execute import execute
from tacit.mpc.operators import supports
from tacit.mpc.scheme import SCHEMES, load
from tests.harness import run_scheme

N, BINS = 700, 5


def program(scheme: str, n: int = N, bins: int = BINS) -> Program:
    """Codes of party 1, two columns of values of party 0, sums to both."""
    builder = Builder()
    codes = builder.input("codes", Type(Private(1), INT, (n,)), (-1.0, float(bins)))
    values = builder.input("values", Type(Private(0), FIXED, (n, 2)), (-8.0, 8.0))
    sums = builder.emit("histogram", codes, builder.emit("to_secret", values), bins=bins)
    out = {"sums": builder.emit("reveal", sums, to=(), name="sums")}
    return run_passes(builder.build("histogram", out), supports(scheme))


def data(n: int = N, bins: int = BINS) -> tuple[np.ndarray, np.ndarray]:
    """Some codes are outside on both sides."""
    random = np.random.default_rng(3)
    values = np.rint(random.uniform(-8, 8, (n, 2)) * 2**18) / 2**18
    return random.integers(-1, bins + 1, n), values


@pytest.mark.parametrize("scheme", [name for name in SCHEMES if not load(name).linear_only])
def test_private_codes_give_exact_sums(scheme: str) -> None:
    lowered, (codes, values) = program(scheme), data()

    async def party(ctx, started):  # type: ignore[no-untyped-def]
        mine = {"codes": codes if ctx.me == 1 else None, "values": values if ctx.me == 0 else None}
        return (await execute(ctx, started, lowered, mine))["sums"].plain

    expected = OPS["histogram"].ref(codes, values, bins=BINS)
    results = [sums for sums in run_scheme(scheme, party) if sums is not None]
    assert results and all(np.array_equal(sums, expected) for sums in results)


def test_private_codes_stay_with_their_owner() -> None:
    """The rows of bits are computed in plaintext; the only thing shared is what is secret anyway."""
    lowered = program("semi2k")
    by_op = {eqn.op: eqn for eqn in lowered.eqns}
    assert isinstance(by_op["one_hot"].outs[0].type.vis, Private)
    assert [eqn.ins[0].type.dtype for eqn in lowered.eqns if eqn.op == "to_secret"] == [FIXED]


def test_long_histograms_are_summed_in_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    from tacit.mpc.semi2k import arith

    monkeypatch.setattr(arith, "STRETCH", 1024)
    assert arith.inner_cuts(N, BINS)[:2] == [(0, 204), (204, 408)]
    test_private_codes_give_exact_sums("semi2k")
