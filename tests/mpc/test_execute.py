"""The executor: what it refuses, what a guard does, where an error says it happened, loops of no step."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import Any

import numpy as np
import pytest

from tacit.base.ctx import Ctx
from tacit.base.errors import PolicyError, TacitError, UnsupportedError, UsageError
from tacit.base.types import FIXED, INT, SECRET, Private, Type
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.compile.pipeline import run_passes
from tacit.compile.trace import apply
from tacit.ir.program import Range
from tacit.mpc import encode
from tacit.mpc.execute import execute
from tacit.mpc.operators import has
from tacit.mpc.plain import Plain
from tacit.mpc.scheme import ArrayShare, Scheme, find
from tests.harness import run_parties, run_scheme

VECTOR = Type(Private(0), FIXED, (3,))


def run(
    function: Any,
    inputs: list[tuple[str, Type]],
    data: dict[str, Any],
    ranges: dict[str, Range] | None = None,
    scheme: str = "semi2k",
) -> list[Any]:
    program = run_passes(trace(function, inputs, "test", ranges), has)

    async def party(ctx: Ctx, started: Scheme) -> Any:
        mine = {
            k: v if t.vis == Private(ctx.me) else None
            for (k, t), v in zip(inputs, data.values(), strict=True)
        }
        try:
            return {k: v.plain for k, v in (await execute(ctx, started, program, mine)).items()}
        except TacitError as error:
            return error

    return run_scheme(scheme, party)


def test_a_guard_that_does_not_hold_opens_nothing_else() -> None:
    def function(x: Any) -> Any:
        return xp.reveal(xp.sum(x), name="total", when=xp.sum(x) > 100.0)

    for error in run(function, [("x", VECTOR)], {"x": np.ones(3)}):
        assert isinstance(error, PolicyError) and error.code == "POLICY-0001"
    results = run(function, [("x", VECTOR)], {"x": np.full(3, 50.0)})
    assert all(abs(float(result["out"]) - 150) < 1e-4 for result in results)


def test_a_reveal_to_one_party_reaches_that_one_only() -> None:
    results = run(
        lambda x: {"a": xp.reveal(xp.sum(x * x), to=1, name="a")},
        [("x", VECTOR)],
        {"x": np.array([1.0, 2, 3])},
    )
    assert results[0]["a"] is None
    assert abs(float(results[1]["a"]) - 14) < 1e-4


def test_values_go_when_they_have_been_read() -> None:
    n, steps = 1 << 17, 24

    def chain(x: Any, y: Any) -> Any:
        for _ in range(steps):
            x, y = x + y, x
        return x

    secret = Type(SECRET, FIXED, (n,))
    program = trace(chain, [("x", secret), ("y", secret)], "chain", {"x": (-1.0, 1.0), "y": (-1.0, 1.0)})

    async def party(ctx: Ctx, started: Scheme) -> tuple[int, int]:
        shares = [started.constant(ctx, np.ones(n, np.uint64)) for _ in range(2)]
        tracemalloc.start()
        outputs = await execute(ctx, started, program, dict(zip(("x", "y"), shares, strict=True)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        share = outputs["out"].share
        assert isinstance(share, ArrayShare)
        return peak, int(share.data[0])

    (peak, first), *_ = run_scheme("plain", party)
    assert peak < 6 * 8 * n  # not all 24
    assert first == 121393  # the Fibonacci number


@pytest.mark.parametrize("given", [None, np.ones(4), np.ones((3, 1))], ids=["missing", "long", "column"])
def test_inputs_of_other_shapes_are_refused(given: Any) -> None:
    program = run_passes(trace(lambda x: xp.reveal(x, name="x"), [("x", VECTOR)], "t"), has)

    async def party(ctx: Ctx) -> None:
        with pytest.raises(UsageError) as refused:
            await execute(ctx, await Plain.start(ctx), program, {"x": given})
        assert refused.value.code == "EXEC-0001" and "'x'" in refused.value.message

    async def alone(ctx: Ctx) -> None:
        if ctx.me == 0:
            await party(ctx)

    run_parties(alone)


def test_an_operator_that_is_not_there_is_named_with_its_scope() -> None:
    def function(x: Any, y: Any) -> Any:
        return xp.reveal(apply("isfinite", x + y), name="finite")

    y = Type(Private(1), FIXED, (3,))
    inputs = [("x", VECTOR), ("y", y)]
    for error in run(function, inputs, {"x": np.ones(3), "y": np.ones(3)}, {"y": (0.5, 2.0)}):
        assert isinstance(error, UnsupportedError) and error.code == "EXEC-0002"
        assert "isfinite" in error.message and "isfinite" in error.path


def test_a_value_that_does_not_fit_is_refused_without_showing_it() -> None:
    def function(x: Any, y: Any) -> Any:
        return xp.reveal(x * y, name="product")

    y = Type(Private(1), FIXED, (3,))

    async def party(ctx: Ctx, scheme: Scheme) -> Any:
        program = run_passes(trace(function, [("x", VECTOR), ("y", y)], "t"), has)
        data = {"x": np.array([1.0, 1e14, 2.0])} if ctx.me == 0 else {"y": np.ones(3)}
        if ctx.me == 1:
            return None
        with pytest.raises(UsageError) as refused:
            await execute(ctx, scheme, program, data)
        assert refused.value.code == "RANGE-0002" and "1e" not in str(refused.value)

    run_scheme("semi2k", party)


def test_a_loop_of_no_step_gives_its_carry() -> None:
    def function(x: Any) -> Any:
        carry, _ = xp.scan(lambda c, row: (c + row, None), x[0] * 0.0, x[:0])
        return xp.reveal(carry + xp.sum(x), name="c")

    results = run(function, [("x", VECTOR)], {"x": np.ones(3)})
    assert all(abs(float(result["out"]) - 3) < 1e-4 for result in results)


def test_a_loop_of_no_step_gives_no_rows() -> None:
    def function(x: Any) -> Any:
        carry, rows = xp.scan(lambda c, row: (c + row, c * row), x[0] * x[1], xp.to_secret(x)[:0])
        return {"c": xp.reveal(carry, name="c"), "rows": xp.reveal(rows, name="rows")}

    results = run(function, [("x", VECTOR)], {"x": np.ones(3)})
    assert all(result["rows"].shape == (0,) for result in results)


def test_independent_operators_share_their_rounds() -> None:
    def many(x: Any, y: Any) -> Any:
        parts = [x * (y + float(k)) for k in range(6)]
        return xp.reveal(sum(parts[1:], start=parts[0]), name="s")

    def one(x: Any, y: Any) -> Any:
        return xp.reveal(x * y, name="s")

    from tacit.base.meter import depth, restart

    y = Type(Private(1), FIXED, (3,))

    def rounds(function: Any) -> int:
        program = run_passes(trace(function, [("x", VECTOR), ("y", y)], "t"), has)

        async def party(ctx: Ctx, scheme: Scheme) -> int:
            restart()
            await execute(ctx, scheme, program, {("x", "y")[ctx.me]: np.ones(3)})
            return depth()

        return max(run_scheme("semi2k", party))

    assert rounds(many) == rounds(one)


def test_plain_refuses_to_run_outside_tests() -> None:
    async def party(ctx: Ctx) -> None:
        with pytest.raises(PolicyError) as refused:
            await find("plain").start(ctx)
        assert refused.value.code == "SCHEME-0004"

    run_parties(party, seed=None)


@pytest.mark.parametrize(
    ("name", "level", "code"),
    [("semi2k", "malicious", "SCHEME-0002"), ("rep9", "semi-honest", "SCHEME-0003")],
)
def test_what_is_not_available_is_refused(name: str, level: str, code: str) -> None:
    with pytest.raises(UnsupportedError) as refused:
        find(name, level)
    assert refused.value.code == code


def test_schemes_for_two_refuse_three() -> None:
    async def party(ctx: Ctx) -> str:
        with pytest.raises(UsageError) as refused:
            await find("semi2k").start(ctx.sub("setup"))
        return refused.value.code

    assert run_parties(party, 3) == ["SCHEME-0001"] * 3


def test_small_public_factors_keep_their_precision() -> None:
    for factor in (1 / 3, 1 / 30_000, 1 / 1_000_003, 3.0, -0.1):
        ring, bits = encode.multiplier(np.array(factor), FIXED)
        assert abs(float(ring.view(np.int64)) / 2.0**bits / factor - 1) < 2.0**-16
    assert encode.multiplier(np.array([2, 5]), INT)[1] == 0
    with pytest.raises(UsageError):
        encode.encode(np.array([1 << 62]), INT)


def test_one_party_that_fails_does_not_leave_the_other_hanging() -> None:
    """Whatever the executor started is cancelled and awaited when one equation fails."""

    def function(x: Any) -> Any:
        return xp.reveal(apply("isfinite", xp.to_secret(x)) & (x * x > 1.0), name="r")

    async def party(ctx: Ctx, scheme: Scheme) -> int:
        program = run_passes(trace(function, [("x", VECTOR)], "t"), has)
        with pytest.raises(UnsupportedError):
            await execute(ctx, scheme, program, {"x": np.ones(3) if ctx.me == 0 else None})
        return len(asyncio.all_tasks())

    async def both(ctx: Ctx) -> Any:
        return await party(ctx, await find("semi2k").start(ctx.sub("setup")))

    assert max(run_parties(both)) <= 4
