"""Garbled circuits between two parties: right for every garbler and receiver, and hostile bytes named."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.errors import PeerError, TacitError, UsageError
from tacit.blocks.garble.functionality import bit_numbers, circuit, number_bits
from tacit.blocks.garble.half_gates_zre15 import HalfGatesLink
from tacit.blocks.ot.choose import LINKS
from tacit.blocks.ot.softspoken_roy22 import open_link
from tacit.net.faults import Fault, Faulty
from tacit.net.memory import MemoryNetwork
from tests.harness import contexts, run_parties

BUILDS = {
    "add": (lambda b, x, y: b.add(x, y), lambda x, y: x + y),
    "subtract": (lambda b, x, y: b.subtract(x, y), lambda x, y: x - y),
    "less": (lambda b, x, y: [b.less(x, y)], lambda x, y: (x < y).astype(np.uint64)),
    "equal": (lambda b, x, y: [b.equal(x, y)], lambda x, y: (x == y).astype(np.uint64)),
    "minimum": (lambda b, x, y: b.select(b.less(x, y), x, y), np.minimum),
}


def numbers(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    x, y = rng.integers(0, 1 << 64, (2, n), dtype=np.uint64)
    y[::3] = x[::3]
    return x, y


def both(
    public: _kernel.Circuit, inputs: list[np.ndarray], garbler: int = 0, to: tuple[int, ...] = (0, 1)
) -> list[Any]:
    """What each party gets; `inputs` of the garbler and of the evaluator."""

    async def party(ctx: Ctx) -> Any:
        link = HalfGatesLink(await open_link(ctx))
        return await link.evaluate(ctx.sub("run"), public, inputs[int(ctx.me != garbler)], garbler, to)

    return run_parties(party)


@pytest.mark.parametrize("garbler", [0, 1])
@pytest.mark.parametrize("to", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("name", BUILDS)
def test_functions_of_two_numbers(name: str, to: tuple[int, ...], garbler: int) -> None:
    build, oracle = BUILDS[name]
    x, y = numbers(45)
    results = both(circuit(build, 64), [number_bits(x, 64), number_bits(y, 64)], garbler, to)
    for party, result in enumerate(results):
        if party in to:
            assert np.array_equal(bit_numbers(result), oracle(x, y))
        else:
            assert result is None


def test_aes_of_two_parties_is_that_of_fips_197() -> None:
    builder = _kernel.CircuitBuilder()
    public = builder.finish(builder.aes128(builder.inputs(0, 128), builder.inputs(1, 128)))
    assert (public.ands, public.depth) == (6400, 60)
    key = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
    block = bytes.fromhex("00112233445566778899aabbccddeeff")
    bits = [
        np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little").reshape(-1, 1) for raw in (key, block)
    ]
    for result in both(public, bits):
        packed = np.packbits(result.reshape(-1), bitorder="little").tobytes()
        assert packed.hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"


def test_sha_256_of_the_evaluators_messages() -> None:
    builder = _kernel.CircuitBuilder()
    public = builder.finish(builder.sha256(builder.inputs(1, 512)))
    messages = [b"", b"abc", b"x" * 55]
    columns = []
    for message in messages:
        padded = message + b"\x80" + bytes(55 - len(message)) + (8 * len(message)).to_bytes(8, "big")
        columns.append(number_bits(np.frombuffer(padded, ">u4").astype(np.uint64), 32).T.reshape(-1))
    inputs = [np.zeros((0, 3), np.uint8), np.stack(columns, axis=1)]
    for result in both(public, inputs):
        for message, column in zip(messages, result.T, strict=True):
            words = bit_numbers(column.reshape(8, 32).T).astype(">u4")
            assert words.tobytes() == hashlib.sha256(message).digest()


def test_more_than_one_chunk_and_no_input_of_the_evaluator() -> None:
    """2,560,000 bytes of tables for 10,000 instances; both operands belong to the garbler."""
    builder = _kernel.CircuitBuilder()
    x, y = builder.inputs(0, 9), builder.inputs(0, 9)
    public = builder.finish(builder.add(x, y))
    n = 10_000
    assert public.tables_size(n) == 32 * 8 * n
    values = np.random.default_rng(5).integers(0, 512, (2, n), dtype=np.uint64)
    inputs = [np.concatenate([number_bits(v, 9) for v in values]), np.zeros((0, n), np.uint8)]
    for result in both(public, inputs):
        assert np.array_equal(bit_numbers(result), (values[0] + values[1]) % 512)


@pytest.mark.parametrize("source", LINKS)
def test_every_source_of_ots_will_do(source: str) -> None:
    build, oracle = BUILDS["less"]
    x, y = numbers(7)

    async def party(ctx: Ctx) -> Any:
        link = HalfGatesLink(await LINKS[source](ctx))
        return await link.evaluate(ctx.sub("run"), circuit(build, 64), number_bits((x, y)[ctx.me], 64))

    for result in run_parties(party):
        assert np.array_equal(bit_numbers(result), oracle(x, y))


def test_a_second_run_has_other_labels_and_tables() -> None:
    """The same circuit and bits in two scopes of one link: no message is sent again."""
    sent: list[bytes] = []

    async def party(ctx: Ctx) -> None:
        link = HalfGatesLink(await open_link(ctx))
        if ctx.me == 0:
            original = ctx.session.transport.send

            async def send(frame: Any) -> None:
                sent.append(bytes(frame.body))
                await original(frame)

            ctx.session.transport.send = send  # type: ignore[method-assign]
        for _ in range(2):
            public = circuit(BUILDS["less"][0], 64)
            await link.evaluate(ctx.sub("run"), public, number_bits(np.arange(4, dtype=np.uint64), 64))

    run_parties(party)
    long = [body for body in sent if len(body) > 100]
    assert len(long) == 4
    assert len(set(long)) == 4


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("kind", ["flip", "truncate"])
def test_a_deviating_garbler_is_an_error_or_a_wrong_bit_and_never_a_crash(kind: Any, number: int) -> None:
    """Messages of the garbler: labels, tables, decoding bits. A flip may change outputs: semi-honest."""
    bits = number_bits(np.arange(5, dtype=np.uint64), 64)

    async def everybody() -> list[Any]:
        network = MemoryNetwork(2, timeout_s=2)
        ctxs = await contexts(network, 2)
        fault = Fault(kind, lambda frame: frame.path.endswith(f"evaluate.0#{number}"), 3)
        faulty = Faulty(network.endpoint(0), fault)
        ctxs[0].session = replace(ctxs[0].session, transport=faulty)

        async def one(ctx: Ctx) -> Any:
            try:
                link = HalfGatesLink(await open_link(ctx))
                return await link.evaluate(ctx, circuit(BUILDS["less"][0], 64), bits, to=(1,))
            except TacitError as error:
                await ctx.session.transport.close(error.code)
                return error

        results = await asyncio.gather(*map(one, ctxs))
        assert faulty.hit
        return list(results)

    result = asyncio.run(everybody())[1]
    if kind == "truncate":
        assert isinstance(result, PeerError) and result.code == "PEER-0001"
    elif isinstance(result, TacitError):
        assert isinstance(result, PeerError)
    else:
        assert result.shape == (1, 5)


def test_bits_beyond_the_last_output_are_refused() -> None:
    async def everybody() -> Any:
        network = MemoryNetwork(2, timeout_s=2)
        ctxs = await contexts(network, 2)
        fault = Fault("flip", lambda frame: frame.path.endswith("evaluate.0#2"), 7)
        ctxs[0].session = replace(ctxs[0].session, transport=Faulty(network.endpoint(0), fault))

        async def one(ctx: Ctx) -> Any:
            link = HalfGatesLink(await open_link(ctx))
            bits = number_bits(np.arange(5, dtype=np.uint64), 8)
            return await link.evaluate(ctx, circuit(BUILDS["less"][0], 8), bits, to=(1,))

        return (await asyncio.gather(*map(one, ctxs), return_exceptions=True))[1]

    result = asyncio.run(everybody())
    assert isinstance(result, PeerError) and "beyond" in result.message


@pytest.mark.parametrize(
    ("bits", "garbler", "to"),
    [
        (np.zeros((7, 2), np.uint8), 0, (0,)),
        (np.zeros((8, 0), np.uint8), 0, (0,)),
        (np.full((8, 2), 2, np.uint8), 0, (0,)),
        (np.zeros((8, 2), np.uint64), 0, (0,)),
        (np.zeros((8, 2), np.uint8), 2, (0,)),
        (np.zeros((8, 2), np.uint8), 0, ()),
        (np.zeros((8, 2), np.uint8), 0, (0, 2)),
    ],
)
def test_wrong_arguments_are_named(bits: np.ndarray, garbler: int, to: tuple[int, ...]) -> None:
    async def party(ctx: Ctx) -> Any:
        link = HalfGatesLink(await open_link(ctx))
        with pytest.raises(UsageError) as refused:
            await link.evaluate(ctx, circuit(BUILDS["add"][0], 8), bits, garbler, to)
        return refused.value.code

    assert run_parties(party) == ["GARBLE-0001"] * 2


def test_a_builder_refuses_what_is_no_circuit() -> None:
    builder = _kernel.CircuitBuilder()
    x = builder.inputs(0, 4)
    for call, kind in (
        (lambda: builder.inputs(2, 1), "range"),
        (lambda: builder.xor(x[0], 99), "range"),
        (lambda: builder.add(x, x[:2]), "mismatch"),
        (lambda: builder.aes128(x, x), "mismatch"),
        (lambda: builder.finish([0]), "range"),
    ):
        with pytest.raises(_kernel.KernelError) as refused:
            call()
        assert refused.value.kind == kind
    with pytest.raises(_kernel.KernelError) as refused:
        builder.not_(x[0])
    assert refused.value.kind == "abort"


def test_numbers_and_bits_are_inverse() -> None:
    values = np.array([0, 1, 5, 255, 1 << 63], np.uint64)
    assert np.array_equal(bit_numbers(number_bits(values, 64)), values)
    assert np.array_equal(bit_numbers(number_bits(values, 3)), values % 8)
    assert number_bits(values, 8)[:, 2].tolist() == [1, 0, 1, 0, 0, 0, 0, 0]
