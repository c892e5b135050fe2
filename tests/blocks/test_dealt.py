"""Dealt correlations: right, cheap as declared, uniform on the wire, and the dealer hears nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tacit
from tacit import xp
from tacit.base.ctx import Ctx
from tacit.base.errors import InternalError, TacitError, UnsupportedError, UsageError
from tacit.base.meter import restart
from tacit.base.protocol import REGISTRY, gather
from tacit.base.session import open_session
from tacit.base.types import FIXED, PUBLIC, SECRET, Private, Type
from tacit.blocks import dealt
from tacit.blocks.correlation import TWO_PARTY
from tacit.ir.program import Builder, Program
from tacit.mpc.execute import execute
from tacit.mpc.semi2k_dealer import SCHEME
from tacit.net.memory import MemoryNetwork
from tacit.net.tls import connect
from tests.conformance.test_cost import Witness, scheme_calls
from tests.harness import SEED, StoppedClock, contexts, run_parties
from tests.mpc.test_semi2k import _a2b, _and, _b2a, _matmul, _msb, _mul, _mux, _square, compute, ring
from tests.net.conftest import Places

DEALER_SCHEME = "semi2k_dealer"
RING = st.integers(0, (1 << 64) - 1)
FEW = settings(max_examples=12, deadline=None)


@FEW
@given(st.lists(st.tuples(RING, RING, st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=130))
def test_operations(rows: list[tuple[int, int, int, int]]) -> None:
    x, y = ring([row[0] for row in rows]), ring([row[1] for row in rows])
    b, c = (np.array([row[i] for row in rows], np.uint8) for i in (2, 3))
    bits = np.unpackbits(x.view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    for call, arrays, expected in (
        (_mul, (x, y), x * y),
        (_square, (x,), x * x),
        (_msb, (x,), bits[:, 63]),
        (_a2b, (x,), bits),
        (_and, (b, c), b & c),
        (_b2a, (b,), b.astype(np.uint64)),
        (_mux, (b, x), b * x),
    ):
        assert np.array_equal(compute(call, *arrays, scheme=DEALER_SCHEME), expected)


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 5, 3), (7, 1, 2), (3, 4, 9), (9, 4, 3), (0, 3, 2), (2, 0, 3)]
)
@pytest.mark.parametrize("small", [False, True])
def test_matrices(shape: tuple[int, int, int], small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if small:  # several messages for one matrix
        monkeypatch.setattr(dealt, "PIECE_BYTES", 40)
    m, k, n = shape
    rng = np.random.default_rng(sum(shape))
    x, y = (rng.integers(0, 1 << 64, s, dtype=np.uint64) for s in ((m, k), (k, n)))
    assert np.array_equal(compute(_matmul, x, y, scheme=DEALER_SCHEME), x @ y)
    for owner in (0, 1):

        async def private(s: Any, c: Ctx, b: Any, owner: int = owner) -> Any:
            return await s.matmul_private(c, x if c.me == owner else None, b, owner=owner, m=m)

        async def elements(s: Any, c: Ctx, b: Any, owner: int = owner) -> Any:
            return await s.mul_private(c, y + np.uint64(1) if c.me == owner else None, b, owner=owner)

        assert np.array_equal(compute(private, y, scheme=DEALER_SCHEME), x @ y)
        assert np.array_equal(compute(elements, y, scheme=DEALER_SCHEME), (y + np.uint64(1)) * y)


def test_small_chunks_and_pieces_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealt, "CHUNK_BYTES", 64)
    monkeypatch.setattr(dealt, "PIECE_BYTES", 24)
    x, y = (np.random.default_rng(i).integers(0, 1 << 64, 200, dtype=np.uint64) for i in (0, 1))
    b = (x & np.uint64(1)).astype(np.uint8)
    assert np.array_equal(compute(_mul, x, y, scheme=DEALER_SCHEME), x * y)
    assert np.array_equal(compute(_msb, x, scheme=DEALER_SCHEME), (x >> np.uint64(63)).astype(np.uint8))
    assert np.array_equal(compute(_mux, b, y, scheme=DEALER_SCHEME), b * y)


@pytest.mark.parametrize("bits", [1, 7, 18, 33, 64])
def test_products_modulo_a_power_of_two(bits: int) -> None:
    """choose, and cross with several matrices and with one: shares add up modulo 2^bits and stay below it."""
    rng = np.random.default_rng(bits)
    modulus = np.uint64((1 << bits) - 1)
    c, v = rng.integers(0, 2, 9, dtype=np.uint8), rng.integers(0, 1 << 64, (9, 2), dtype=np.uint64)
    w = rng.integers(0, 1 << 64, (5, 4), dtype=np.uint64)
    for distinct in (5, 1):
        x = rng.integers(0, 1 << 64, (distinct, 3, 4), dtype=np.uint64)
        for holder in (0, 1):

            async def party(ctx: Ctx, holder: int = holder, x: np.ndarray = x) -> Any:
                mine, pair = ctx.me == holder, dealt.pair_view(ctx)
                source = dealt.DealtCorrelations()
                chosen = await source.choose(
                    pair, holder, c if mine else None, None if mine else v, (9, 2), bits
                )
                shape = (5, 3, 4, len(x))
                return chosen, await source.cross(
                    pair, holder, x if mine else None, None if mine else w, shape, bits
                )

            first, second, _ = run_parties(party, 3)
            for a, b, expected in zip(
                first, second, (c[:, None] * v, (x * w[:, None]).sum(axis=2)), strict=True
            ):
                assert np.array_equal((a + b) & modulus, expected & modulus)
                assert np.all(a <= modulus) and np.all(b <= modulus)


# --- cost ---------------------------------------------------------------------------------------------


def observe(call: Any, *, seed: bytes = SEED, keep: bool = False) -> tuple[Witness, MemoryNetwork]:
    """One call for all three parties, whose clocks start together at zero."""
    witness, network = Witness(), MemoryNetwork(3, timeout_s=20, keep_bodies=keep)

    async def one(ctx: Ctx) -> None:
        scheme = await SCHEME.start(ctx.sub("setup"))
        restart()
        await call(scheme, scheme.view(ctx.sub("call")))

    async def everybody() -> None:
        ctxs = await contexts(network, 3, seed)
        network.transcript.clear()
        for ctx in ctxs:
            ctx.session = replace(ctx.session, witness=witness)
        await gather(*(one(ctx) for ctx in ctxs))

    asyncio.run(everybody())
    return witness, network


def verify(witness: Witness) -> set[str]:
    """Declared = measured for every call; the names of the protocols."""
    for path, records in witness.calls.items():
        spec, args = records[0][:2]
        rounds, bits = spec.cost(*args)
        assert len(records) == 3, f"{spec.name} at {path} was not called by all"
        assert bits == 8 * sum(record[2] for record in records), f"bits of {spec.name} at {path}"
        ended = max(record[4] for record in records)
        if all(record[3] == 0 for record in records):
            assert rounds == ended, f"rounds of {spec.name} at {path}"
    return {records[0][0].name for records in witness.calls.values()}


@pytest.mark.parametrize("name", sorted(scheme_calls()))
@pytest.mark.parametrize("small", [False, True])
def test_declared_costs_are_measured(name: str, small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut into several chunks too, but not into more than one window: declared rounds hold for one."""
    if small:
        monkeypatch.setattr(dealt, "CHUNK_BYTES", 65536 if name.endswith(("packed", "two")) else 512)
    assert verify(observe(scheme_calls()[name])[0])


def test_every_protocol_is_reached() -> None:
    reached = set().union(*(verify(observe(call)[0]) for call in scheme_calls().values()))
    assert {name for name in REGISTRY if name.startswith("blocks.dealt.")} <= reached


def sent_by_each(name: str) -> list[int]:
    entries = observe(scheme_calls()[name])[1].transcript
    return [sum(entry.n_bytes for entry in entries if entry.frm == i) for i in range(3)]


def test_headline_costs() -> None:
    """Bytes of parties 0 and 1 and of the dealer, for 130 elements."""
    assert sent_by_each("mul") == [130 * 16, 130 * 16, 130 * 8]
    assert sent_by_each("square") == [130 * 8, 130 * 8, 130 * 8]
    assert sent_by_each("trunc") == [17, 130 * 3, 130 * 3]
    words = 3
    assert sent_by_each("and_") == [words * 16, words * 16, words * 8]
    assert sent_by_each("msb") == [8 * words * (63 + 3 * 62)] * 2 + [8 * words * (63 + 2 * 62)]


# --- who sees what ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(scheme_calls()))
def test_the_dealer_hears_nothing(name: str) -> None:
    assert [entry for entry in observe(scheme_calls()[name])[1].transcript if entry.to == dealt.DEALER] == []


@pytest.mark.parametrize(
    "name", [name for name in scheme_calls() if "reveal" not in name and name != "share"]
)
def test_every_body_is_uniform(name: str) -> None:
    """Inputs without randomness of their own, over 40 runs: each bit sent is 1 about half the time."""
    runs, ones = 40, {}  # type: ignore[var-annotated]
    for run in range(runs):
        for entry in observe(scheme_calls()[name], seed=b"run %d" % run, keep=True)[1].transcript:
            assert entry.body is not None
            bits = np.unpackbits(np.frombuffer(entry.body, np.uint8)).astype(np.int64)
            key = f"{entry.path} {entry.frm}->{entry.to}"
            ones[key] = ones.get(key, np.zeros_like(bits)) + bits
    for key, counts in ones.items():
        live = counts[counts > 0]
        padding = 0.35 if any(part in key for part in ("choose", "bit_", "and_words")) else 0.0
        assert counts.size - live.size <= padding * counts.size, f"{key}: bits that never change"
        assert np.all(np.abs(live - runs / 2) < 19), f"a constant bit in {key}"
        assert abs(live.mean() / runs - 0.5) < 6 / (2 * np.sqrt(live.size * runs)), key


def test_no_protocol_uses_the_dealer_unless_the_scheme_grants_it() -> None:
    async def party(ctx: Ctx) -> str:
        hidden = replace(ctx.among_first(2), setting=TWO_PARTY)
        with pytest.raises(InternalError) as refused:
            await dealt.bit_triples(hidden, 1, 1)
        return refused.value.code

    assert run_parties(party, 3) == ["SETTING-0001"] * 3
    assert any("dealer" in assumption for assumption in SCHEME.setting.assumes)


@pytest.mark.parametrize("n", [2, 4])
def test_another_number_of_parties_is_refused(n: int) -> None:
    async def party(ctx: Ctx) -> None:
        with pytest.raises(UsageError) as refused:
            await SCHEME.start(ctx)
        assert refused.value.code == "SCHEME-0001"

    run_parties(party, n)


# --- programs -----------------------------------------------------------------------------------------


def dealer_owns() -> Program:
    b = Builder()
    x = b.emit("to_secret", b.input("x", Type(Private(2), FIXED, (2,))))
    return b.build("p", {"out": b.emit("reveal", x, to=(), name="out")})


def dealer_learns() -> Program:
    b = Builder()
    x = b.input("x", Type(SECRET, FIXED, (2,)))
    return b.build("p", {"out": b.emit("reveal", x, to=(2,), name="out")})


def uses_what_was_revealed() -> Program:
    b = Builder()
    x = b.input("x", Type(SECRET, FIXED, (2,)))
    opened = b.emit("neg", b.emit("reveal", x, to=(), name="first"))
    return b.build("p", {"out": b.emit("reveal", b.emit("mul", x, opened), to=(), name="out")})


@pytest.mark.parametrize("make", [dealer_owns, dealer_learns, uses_what_was_revealed])
def test_programs_in_which_the_dealer_would_take_part_are_refused(make: Any) -> None:
    async def party(ctx: Ctx) -> tuple[str, int]:
        scheme = await SCHEME.start(ctx.sub("setup"))
        with pytest.raises(UnsupportedError) as refused:
            await execute(ctx, scheme, make(), {})
        return refused.value.code, ctx.meter().frames_sent

    assert run_parties(party, 3) == [("EXEC-0003", 0)] * 3


def test_public_sums_after_a_reveal_and_guards() -> None:
    """The dealer has no part in either; a guard that fails stops the two parties."""
    b = Builder()
    x, ok = b.input("x", Type(SECRET, FIXED, (2,))), b.input("ok", Type(PUBLIC, FIXED, ()))
    enough = b.emit("less", b.emit("to_secret", ok), b.emit("sum", x, axis=(0,), keepdims=False))
    opened = b.emit("reveal", x, enough, to=(), name="x")
    program = b.build("p", {"out": b.emit("add", opened, opened)})

    def attempt(least: float) -> list[Any]:
        async def party(ctx: Ctx) -> Any:
            scheme = await SCHEME.start(ctx.sub("setup"))
            share = scheme.constant(scheme.view(ctx), np.array([3 << 18, 4 << 18], np.uint64))
            try:
                done = await execute(ctx, scheme, program, {"x": share, "ok": np.array(least)})
            except TacitError as error:
                return error.code
            plain = done["out"].plain
            return None if plain is None else plain.tolist()

        return run_parties(party, 3)

    assert attempt(5.0) == [[6.0, 8.0], [6.0, 8.0], None]
    assert attempt(8.0) == ["POLICY-0001", "POLICY-0001", None]


def test_a_dealer_that_runs_ahead_waits_for_room(tmp_path: Path) -> None:
    """Over TLS with buffers far smaller than what is dealt, and steps of very different lengths."""
    places = Places(tmp_path)
    places.fresh_ports()
    values = np.random.default_rng(1).integers(-(1 << 40), 1 << 40, 100000).view(np.uint64)

    async def party(me: int) -> Any:
        others = [places.peer(i) for i in range(3) if i != me]
        transport = await connect(places.me(me), others, recv_timeout_s=20, buffer_limit_bytes=1 << 14)
        try:
            ctx = await open_session(transport, me, 3, clock=StoppedClock(), job_digest=b"test")
            scheme = await SCHEME.start(ctx.sub("setup"))
            scope = scheme.view(ctx)
            x = await scheme.share(scope, values if me == 0 else None, owner=0, shape=values.shape)
            chain, others_done = x, []
            for _ in range(6):
                chain = await scheme.mul(scope, chain, x)
                others_done.append(scheme.msb(scope, x))
            signs = await gather(*others_done)
            return [await scheme.reveal(scope, share) for share in (chain, *signs)]
        finally:
            await transport.close()

    async def everybody() -> list[Any]:
        return await asyncio.gather(*(party(me) for me in range(3)))

    power, first, second = values, *asyncio.run(everybody())[:2]
    for _ in range(6):
        power = power * values
    for results in (first, second):
        assert np.array_equal(results[0], power)
        assert all(np.array_equal(sign, (values >> np.uint64(63)).astype(np.uint8)) for sign in results[1:])


def test_the_front_door_takes_a_dealer_that_is_named() -> None:
    rng = np.random.default_rng(0)
    with tacit.sim(["bank", "partner", "dealer"], scheme="semi2k_dealer") as parties:
        x = parties["bank"].private(rng.normal(size=(20, 3)))
        y = parties["partner"].private(rng.normal(size=20))

        @tacit.secure
        def scores(x: Any, y: Any) -> Any:
            return xp.matmul(x.T, y), xp.mean(y), xp.max(y)

        products, mean, largest = scores(x, y)
    assert np.allclose(products, x.array.T @ y.array, atol=1e-3)
    assert np.allclose([mean, largest], [y.array.mean(), y.array.max()], atol=1e-4)
