"""Every declared cost against what is measured, for every protocol that a walk over the schemes reaches."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tacit.psi.circuit_psty19 as circuit_psi
import tacit.psi.ecdh_ms86 as ecdh
from tacit.base.ctx import Ctx
from tacit.base.meter import depth, restart
from tacit.base.protocol import REGISTRY, gather
from tacit.base.setting import Spec
from tacit.blocks.garble.functionality import circuit
from tacit.blocks.garble.half_gates_zre15 import HalfGatesLink
from tacit.blocks.ot.softspoken_roy22 import open_checked_link, open_link
from tacit.mpc.semi2k import Semi2k
from tacit.net.memory import MemoryNetwork
from tacit.psi.functionality import Items
from tacit.psi.unbalanced import table as tables
from tacit.psi.unbalanced import voprf_jkk14 as voprf
from tests.harness import contexts

ELSEWHERE = (
    "tests",
    "mpc.rep3",
    "mpc.additive",
    "psi.star_kmprt17",
    "blocks.dealt",
    "blocks.dzk",
    "blocks.sharing",
    "blocks.ot.silent",
    "blocks.vole",
    "psi.rr22",
    "psi.buckets",
    "psi.unbalanced.publish",
)
"""Protocols of more than two parties: their costs are walked in tests/mpc and tests/blocks, those of rr22,
buckets and published tables in tests/psi. Other sources of OTs: test_ot_sources.py."""


class Witness:
    """Collects, for every protocol call of every party, what it declared and what it used."""

    def __init__(self) -> None:
        self.calls: dict[str, list[tuple[Spec, tuple[Any, ...], int, int, int]]] = defaultdict(list)

    def __call__(self, spec: Spec, args: tuple[Any, ...], ctx: Ctx, began: int) -> None:
        meter = ctx.meter()
        self.calls[ctx.path].append((spec, args, meter.bytes_sent, began, depth()))


def observe(party: Any) -> Witness:
    """Run `party(ctx)` for both parties in fresh scopes whose clocks start together at zero."""
    witness = Witness()

    async def everybody() -> None:
        network = MemoryNetwork(2, timeout_s=20)
        ctxs = await contexts(network, 2)
        for ctx in ctxs:
            ctx.session = replace(ctx.session, witness=witness)
        restart()
        await gather(*(party(ctx) for ctx in ctxs))

    asyncio.run(everybody())
    return witness


N = 130
SHAPES = (5, 7, 3)


def scheme_calls() -> dict[str, Any]:
    """One call of every operation of a scheme, on shares of zeros."""
    m, k, n = SHAPES
    vector, bits = np.zeros(N, np.uint64), np.zeros(N, np.uint8)
    wide = np.zeros((256, 64), np.uint64)
    # A full ciphertext with a rest for OTs, and a full one with another that is not.
    many, two = np.zeros(8192 + 65, np.uint64), np.zeros(8192 + 5000, np.uint64)
    left, right = np.zeros((m, k), np.uint64), np.zeros((k, n), np.uint64)

    def arithmetic(scheme: Any, ctx: Ctx, x: np.ndarray) -> Any:
        return scheme.constant(ctx, x)

    return {
        "share": lambda s, c: s.share(c, vector if c.me == 0 else None, owner=0, shape=(N,)),
        "reveal": lambda s, c: s.reveal(c, arithmetic(s, c, vector)),
        "reveal-bits": lambda s, c: s.reveal(c, s.constant(c, bits, boolean=True)),
        "reveal-to-one": lambda s, c: s.reveal(c, arithmetic(s, c, vector), to=1),
        "mul": lambda s, c: s.mul(c, arithmetic(s, c, vector), arithmetic(s, c, vector)),
        "square": lambda s, c: s.square(c, arithmetic(s, c, vector)),
        "matmul": lambda s, c: s.matmul(c, arithmetic(s, c, left), arithmetic(s, c, right)),
        "matmul_private": lambda s, c: s.matmul_private(
            c, left if c.me == 0 else None, arithmetic(s, c, right), owner=0, m=m
        ),
        "matmul_private-packed": lambda s, c: s.matmul_private(
            c, wide if c.me == 1 else None, arithmetic(s, c, np.zeros((64, 1), np.uint64)), owner=1, m=256
        ),
        "matmul_private-narrow": lambda s, c: s.matmul_private(
            c,
            wide if c.me == 1 else None,
            arithmetic(s, c, np.zeros((64, 1), np.uint64)),
            owner=1,
            m=256,
            x_bits=23,
        ),
        "matmul-packed": lambda s, c: s.matmul(
            c, arithmetic(s, c, wide), arithmetic(s, c, np.zeros((64, 40), np.uint64))
        ),
        "mul_private": lambda s, c: s.mul_private(
            c, vector if c.me == 1 else None, arithmetic(s, c, vector), owner=1
        ),
        "subset_sums": lambda s, c: s.subset_sums(
            c, left > 0 if c.me == 0 else None, arithmetic(s, c, right), owner=0, m=m
        ),
        "subset_sums-packed": lambda s, c: s.subset_sums(
            c, wide > 0 if c.me == 1 else None, arithmetic(s, c, np.zeros((64, 2), np.uint64)), owner=1, m=256
        ),
        "mul-packed": lambda s, c: s.mul(c, arithmetic(s, c, many), arithmetic(s, c, many)),
        "mul_trunc-packed": lambda s, c: s.mul_trunc(
            c, arithmetic(s, c, many), arithmetic(s, c, many), bits=18
        ),
        "square-packed": lambda s, c: s.square(c, arithmetic(s, c, many)),
        "mul_private-packed": lambda s, c: s.mul_private(
            c, many if c.me == 1 else None, arithmetic(s, c, many), owner=1
        ),
        "mul_private_trunc-two": lambda s, c: s.mul_private_trunc(
            c, two if c.me == 0 else None, arithmetic(s, c, two), owner=0, bits=18
        ),
        "trunc": lambda s, c: s.trunc(c, arithmetic(s, c, vector), bits=18),
        "and_": lambda s, c: s.and_(c, s.constant(c, bits, boolean=True), s.constant(c, bits, boolean=True)),
        "msb": lambda s, c: s.msb(c, arithmetic(s, c, vector)),
        "a2b": lambda s, c: s.a2b(c, arithmetic(s, c, vector)),
        "bits": lambda s, c: s.bits(c, arithmetic(s, c, vector), low=18, high=24),
        "bits-two": lambda s, c: s.bits(c, arithmetic(s, c, vector), low=0, high=2),
        "leading_one": lambda s, c: s.leading_one(c, arithmetic(s, c, vector), low=5, high=37),
        "leading_one-one": lambda s, c: s.leading_one(c, arithmetic(s, c, vector), low=1, high=2),
        "b2a": lambda s, c: s.b2a(c, s.constant(c, bits, boolean=True)),
        "mux": lambda s, c: s.mux(c, s.constant(c, bits, boolean=True), arithmetic(s, c, vector)),
    }


def verify(witness: Witness) -> set[str]:
    """Assert declared = measured for every call seen by both parties; returns the names of the protocols."""
    seen = set()
    for path, records in witness.calls.items():
        spec, args = records[0][0], records[0][1]
        assert len(records) == 2, f"{spec.name} at {path} was called by one party only"
        rounds, bits = spec.cost(*args)
        assert bits == 8 * sum(record[2] for record in records), f"bits of {spec.name} at {path}"
        if all(record[3] == 0 for record in records):
            assert rounds == max(record[4] for record in records), f"rounds of {spec.name} at {path}"
        seen.add(spec.name)
    return seen


async def _setup(ctx: Ctx) -> None:
    await open_link(ctx)
    await open_checked_link(ctx)


async def _psi(ctx: Ctx) -> None:
    items = Items.of([b"%d" % i for i in range(20 if ctx.me == 0 else 33)])
    n = await ecdh.agree_sizes(ctx, len(items), ecdh.CURVE25519)
    await ecdh.exchange_tags(ctx, items, n, ecdh.BOTH, 1, ecdh.CURVE25519)


async def _circuit_psi(ctx: Ctx) -> None:
    scheme = await Semi2k.start(ctx.sub("setup"))
    items = Items.of([b"%d" % i for i in range(20 if ctx.me == 0 else 33)])
    columns = np.zeros((2, 33), np.uint64) if ctx.me == 1 else None
    await circuit_psi.intersect(ctx.sub("circuit"), scheme, items, columns, 2)


def test_circuit_psi_costs_what_it_declares() -> None:
    names = {f"psi.circuit_psty19.{name}" for name in ("agree_sizes", "program")}
    names |= {"blocks.ot.equality_c18.equal_words"}
    assert names <= verify(observe(_circuit_psi))


async def _garbled(ctx: Ctx) -> None:
    public = circuit(lambda b, x, y: [b.less(x, y)], 9)
    bits = np.zeros((9, 11), np.uint8)
    await HalfGatesLink(await open_link(ctx)).evaluate(ctx, public, bits)


def test_garbling_costs_what_it_declares() -> None:
    assert "blocks.garble.half_gates_zre15.evaluate" in verify(observe(_garbled))


async def _unbalanced(ctx: Ctx) -> None:
    key = bytes([1] * 31 + [0])
    items = Items.of([b"%d" % i for i in range(20)])
    file = tables.build(tables.evaluate(items, key), key, lambda digest: digest, version=1, queries=1)
    table = tables.load(file, lambda signature, digest: signature == digest)
    side = voprf.Client(items, table) if ctx.me == 0 else voprf.Server(key, table.digest, lambda n: None)
    await voprf.look_up(ctx, side)


def test_unbalanced_psi_costs_what_it_declares() -> None:
    names = {f"psi.unbalanced.voprf_jkk14.{name}" for name in ("announce", "evaluate")}
    assert verify(observe(_unbalanced)) == names


def test_setup_and_psi_cost_what_they_declare() -> None:
    setup = {"blocks.ot.softspoken_roy22.open_link", "blocks.ot.endemic_mr19.base_ots"}
    assert setup <= verify(observe(_setup))
    assert verify(observe(_psi)) == {"psi.ecdh_ms86.agree_sizes", "psi.ecdh_ms86.exchange_tags"}


@pytest.mark.parametrize("call", sorted(scheme_calls()))
def test_semi2k_costs_what_it_declares(call: str) -> None:
    async def party(ctx: Ctx) -> None:
        scheme = await Semi2k.start(ctx.sub("setup"))
        fresh = ctx.sub("call")
        restart()
        await scheme_calls()[call](scheme, fresh)

    assert verify(observe(party))


def test_every_protocol_is_reached() -> None:
    """A protocol that no call reaches would never have its cost checked."""
    reached = set().union(
        *(verify(observe(call)) for call in (_setup, _psi, _unbalanced, _garbled, _circuit_psi))
    )

    async def everything(ctx: Ctx) -> None:
        scheme = await Semi2k.start(ctx.sub("setup"))
        for call in scheme_calls().values():
            await call(scheme, ctx)

    ours = {name for name in REGISTRY if not name.startswith(ELSEWHERE)}
    reached |= verify(observe(everything))
    assert {name for name in reached if not name.startswith(ELSEWHERE)} == ours
