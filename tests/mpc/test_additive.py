"""additive among 3 and 10 parties: sums, means, rounding, cost as declared, who sees what."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tacit
from tacit import xp
from tacit.base.ctx import Ctx
from tacit.base.errors import TacitError, UnsupportedError, UsageError
from tacit.base.meter import restart
from tacit.base.protocol import REGISTRY, gather
from tacit.base.types import BOOL, FIXED, INT, SECRET, Type
from tacit.ir.program import Builder
from tacit.mpc.additive import SCHEME, Additive
from tacit.mpc.additive.share import AdditiveShare, rounded
from tacit.mpc.execute import execute
from tacit.mpc.scheme import usual
from tacit.net.memory import MemoryNetwork
from tests.conformance.test_cost import Witness
from tests.harness import SEED, contexts, run_parties

RING = st.integers(0, (1 << 64) - 1)
SIZES = (3, 10)


def run(n: int, party: Any, seed: bytes = SEED) -> list[Any]:
    async def one(ctx: Ctx) -> Any:
        return await party(ctx, await SCHEME.start(ctx.sub("setup")))

    return run_parties(one, n, seed=seed)


async def share_all(ctx: Ctx, scheme: Additive, inputs: np.ndarray) -> list[Any]:
    """Row i of `inputs` shared by party i."""
    return [
        await scheme.share(ctx, row if ctx.me == i else None, owner=i, shape=row.shape)
        for i, row in enumerate(inputs)
    ]


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(SIZES), st.lists(RING, min_size=1, max_size=25), st.integers(0, 9))
def test_sums_of_all_parties_inputs_to_all_and_to_one(n: int, values: list[int], receiver: int) -> None:
    inputs = np.array([values] * n, np.uint64) * np.arange(1, n + 1, dtype=np.uint64)[:, None]

    async def party(ctx: Ctx, scheme: Additive) -> Any:
        total = scheme.constant(ctx, np.ones(len(values), np.uint64))
        for x in await share_all(ctx, scheme, inputs):
            total = scheme.add(total, scheme.scale(x, np.array(3, np.uint64)))
        return await scheme.reveal(ctx, total), await scheme.reveal(ctx, total, to=receiver % n)

    expected = 3 * inputs.sum(axis=0, dtype=np.uint64) + np.uint64(1)
    for me, (everybody, one) in enumerate(run(n, party)):
        assert np.array_equal(everybody, expected)
        assert np.array_equal(one, expected) if me == receiver % n else one is None


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("size", [0, 1, 63, 64, 700])
def test_bits(n: int, size: int) -> None:
    inputs = np.random.default_rng(size).integers(0, 2, (n, size), dtype=np.uint8)

    async def party(ctx: Ctx, scheme: Additive) -> Any:
        total = scheme.constant(ctx, np.ones(size, np.uint8), boolean=True)
        for i, row in enumerate(inputs):
            mine = row if ctx.me == i else None
            x = await scheme.share(ctx, mine, owner=i, shape=(size,), boolean=True)
            total = scheme.add(total, x)
        return await scheme.reveal(ctx, total)

    expected = np.bitwise_xor.reduce(inputs) ^ 1
    assert all(np.array_equal(result, expected) for result in run(n, party))


@given(st.integers(-(1 << 62), 1 << 62), st.integers(0, 40))
def test_rounding_is_to_the_nearest(value: int, excess: int) -> None:
    got = rounded(np.array([value % (1 << 64)], np.uint64), excess).view(np.int64)[0]
    assert got == (value + ((1 << excess) >> 1)) >> excess


def test_shares_with_other_bits_to_drop_line_up() -> None:
    """(x / 2^3 + y / 2^20 + z) by add, and by concat."""
    inputs = np.array([[5 << 20], [7 << 21], [9]], np.uint64)

    async def party(ctx: Ctx, scheme: Additive) -> Any:
        x, y, z = await share_all(ctx, scheme, inputs)
        x, y = await scheme.trunc(ctx, x, bits=3), await scheme.trunc(ctx, y, bits=20)
        joined = x.join([y, z], np.concatenate)
        total = scheme.add(scheme.add(z, x), y)
        return await scheme.reveal(ctx, joined), await scheme.reveal(ctx, total)

    for joined, total in run(3, party):
        assert joined.tolist() == [5 << 17, 14, 9]
        assert total.tolist() == [(5 << 17) + 14 + 9]


def test_too_many_bits_to_drop_are_refused_and_so_is_saving_them() -> None:
    share = AdditiveShare(np.zeros(3, np.uint64)).deferred(30)
    for call in (lambda: share.deferred(11), lambda: Additive().save(share)):
        with pytest.raises(UnsupportedError) as refused:
            call()
        assert refused.value.code == "SCHEME-0005"
    saved = Additive().save(AdditiveShare(np.arange(3, dtype=np.uint64)))
    assert np.array_equal(Additive().restore(saved).data, np.arange(3))  # type: ignore[attr-defined]


@pytest.mark.parametrize("n", [2, 1])
def test_fewer_than_three_are_refused(n: int) -> None:
    async def party(ctx: Ctx) -> None:
        with pytest.raises(UsageError) as refused:
            await SCHEME.start(ctx)
        assert refused.value.code == "SCHEME-0001"

    run_parties(party, n)


# --- gaps -----------------------------------------------------------------------------------------------

REFUSED = {
    "mul": (FIXED, FIXED),
    "matmul": (FIXED, FIXED),
    "square": (FIXED,),
    "less": (FIXED, FIXED),
    "logical_and": (BOOL, BOOL),
    "logical_or": (BOOL, BOOL),
    "select": (BOOL, FIXED, FIXED),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_linear_is_refused_by_name_before_anything_is_sent(name: str) -> None:
    builder = Builder()
    xs = [builder.input(f"x{i}", Type(SECRET, dtype, (2,))) for i, dtype in enumerate(REFUSED[name])]
    program = builder.build("refused", {"out": builder.emit(name, *xs)})

    async def party(ctx: Ctx, scheme: Additive) -> None:
        with pytest.raises(UnsupportedError, match=name) as refused:
            await execute(ctx, scheme, program, {})
        assert refused.value.code == "EXEC-0002" and ctx.meter().frames_sent == 0

    run(3, party)


@pytest.mark.parametrize("end", [INT, FIXED])
def test_numbers_of_bits_and_of_rounded_reals_are_refused(end: Any) -> None:
    builder = Builder()
    x = builder.input("x", Type(SECRET, BOOL if end == FIXED else FIXED, (2,)))
    program = builder.build("refused", {"out": builder.emit("astype", x, dtype=end)})

    async def party(ctx: Ctx, scheme: Additive) -> None:
        with pytest.raises(UnsupportedError, match="astype"):
            await execute(ctx, scheme, program, {})

    run(3, party)


@pytest.mark.parametrize("name", ["mul", "matmul", "and_", "msb", "a2b", "b2a", "mux"])
def test_the_scheme_itself_refuses_too(name: str) -> None:
    scheme, x = Additive(), AdditiveShare(np.zeros((1, 1), np.uint64))
    operands = [x] if name in ("msb", "a2b", "b2a") else [x, x]
    with pytest.raises(UnsupportedError) as refused:
        asyncio.run(getattr(scheme, name)(None, *operands))
    assert refused.value.code == "EXEC-0002"


def test_the_scheme_itself_refuses_private_factors_too() -> None:
    scheme, x = Additive(), AdditiveShare(np.zeros((1, 1), np.uint64))
    ctx: Any = None
    calls = (
        scheme.mul_private(ctx, None, x, owner=0),
        scheme.matmul_private(ctx, None, x, owner=0, m=1),
    )
    for call in calls:
        with pytest.raises(UnsupportedError):
            asyncio.run(call)


# --- the front door ---------------------------------------------------------------------------------------


def test_the_usual_schemes() -> None:
    assert [usual(n) for n in (2, 3, 4, 10)] == ["semi2k", "rep3", "additive", "additive"]


@pytest.mark.parametrize("n", [4, 10])
def test_statistics_over_many_institutions(n: int) -> None:
    """Totals in cents, means, spread: squares are computed by their owners."""
    rng = np.random.default_rng(n)
    cents = rng.integers(-(10**9), 10**12, (n, 30))
    rates = rng.normal(3.0, 2.0, (n, 30))
    names = [f"house{i}" for i in range(n)]
    with tacit.sim(names) as parties:
        amounts = [parties[name].private(row) for name, row in zip(names, cents, strict=True)]
        yields = [parties[name].private(row) for name, row in zip(names, rates, strict=True)]

        @tacit.secure
        def total(*own: Any) -> Any:
            return sum(own[1:], start=own[0])

        @tacit.secure
        def spread(*own: Any) -> Any:
            mean = sum(own[1:], start=own[0]) / n
            of_squares = sum((x * x for x in own[1:]), start=own[0] * own[0]) / n
            return {"mean": mean, "mean_of_squares": of_squares, "overall": xp.mean(mean)}

        assert np.array_equal(total(*amounts), cents.sum(axis=0))
        found = spread(*yields)
    assert np.allclose(found["mean"], rates.mean(axis=0), atol=1e-4)
    assert np.allclose(found["mean_of_squares"], (rates**2).mean(axis=0), atol=1e-3)


# --- cost and what crosses the wire -----------------------------------------------------------------------


def observe(n: int, call: Any, *, seed: bytes = SEED, keep: bool = False) -> tuple[Witness, MemoryNetwork]:
    witness, network = Witness(), MemoryNetwork(n, timeout_s=20, keep_bodies=keep)

    async def one(ctx: Ctx) -> None:
        scheme = await SCHEME.start(ctx.sub("setup"))
        restart()
        await call(scheme, ctx.sub("call"))

    async def everybody() -> None:
        ctxs = await contexts(network, n, seed)
        network.transcript.clear()
        for ctx in ctxs:
            ctx.session = replace(ctx.session, witness=witness)
        await gather(*(one(ctx) for ctx in ctxs))

    asyncio.run(everybody())
    return witness, network


N = 330
CALLS: dict[str, Any] = {
    "share": lambda s, c: s.share(c, np.zeros(N, np.uint64) if c.me == 1 else None, owner=1, shape=(N,)),
    "reveal": lambda s, c: s.reveal(c, s.constant(c, np.zeros(N, np.uint64))),
    "reveal-short": lambda s, c: s.reveal(c, s.constant(c, np.zeros(2, np.uint64))),
    "reveal-nothing": lambda s, c: s.reveal(c, s.constant(c, np.zeros(0, np.uint64))),
    "reveal-bits": lambda s, c: s.reveal(c, s.constant(c, np.zeros(N, np.uint8), boolean=True)),
    "reveal-to-one": lambda s, c: s.reveal(c, s.constant(c, np.zeros(N, np.uint64)), to=2),
}


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", CALLS)
def test_declared_costs_are_measured(name: str, n: int) -> None:
    witness, _ = observe(n, CALLS[name])
    for records in witness.calls.values():
        spec, args = records[0][:2]
        rounds, bits = spec.cost(*args)
        assert len(records) == n and bits == 8 * sum(record[2] for record in records)
        assert rounds == max(record[4] for record in records)
    names = {records[0][0].name for records in witness.calls.values()}
    assert names == {f"mpc.additive.share.{name.partition('-')[0]}"}


def test_every_protocol_is_reached() -> None:
    assert {"mpc.additive.share.share", "mpc.additive.share.reveal"} == {
        name for name in REGISTRY if name.startswith("mpc.additive.")
    }


@pytest.mark.parametrize("n", SIZES)
def test_everybody_sends_the_same_and_all_together_the_least(n: int) -> None:
    size = 1000 * n
    _, network = observe(n, lambda s, c: s.reveal(c, s.constant(c, np.zeros(size, np.uint64))))
    sent = [sum(entry.n_bytes for entry in network.transcript if entry.frm == i) for i in range(n)]
    assert sent == [16 * size * (n - 1) // n] * n


def test_pieces_that_are_sent_are_uniform_whatever_the_inputs() -> None:
    """Reduce-scatter of a shared zero and of a shared constant: each bit is 1 about half the time."""
    runs = 60
    for value in (0, 2**63 + 5):

        async def call(scheme: Additive, ctx: Ctx, value: int = value) -> None:
            mine = np.full(30, value, np.uint64) if ctx.me == 0 else None
            await scheme.reveal(ctx, await scheme.share(ctx, mine, owner=0, shape=(30,)))

        counts = np.zeros(2 * 10 * 64, np.int64)
        for number in range(runs):
            entries = observe(3, call, seed=b"run %d" % number, keep=True)[1].transcript
            pieces = b"".join(entry.body or b"" for entry in entries if entry.clock == 1 and entry.to == 0)
            counts += np.unpackbits(np.frombuffer(pieces, np.uint8))
        assert np.all(np.abs(counts - runs / 2) < 25)
        assert abs(counts.mean() / runs - 0.5) < 5 / (2 * np.sqrt(counts.size * runs))


def test_a_frame_of_another_length_is_refused() -> None:
    async def party(ctx: Ctx) -> Any:
        scheme = await SCHEME.start(ctx.sub("setup"))
        size = 9 if ctx.me else 12
        try:
            return await scheme.reveal(ctx, scheme.constant(ctx, np.zeros(size, np.uint64)))
        except TacitError as error:
            return error.code

    results = run_parties(party, 3, timeout_s=2.0)
    assert "PEER-0001" in results and all(isinstance(result, str) for result in results)
