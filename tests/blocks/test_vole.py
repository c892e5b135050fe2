"""VOLE over large fields: right in both directions, costs as declared, a deviating sender named."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.errors import CheatDetected
from tacit.base.meter import restart
from tacit.base.protocol import gather
from tacit.base.wire import Octets, octets
from tacit.blocks.vole import silent_rrt23
from tacit.blocks.vole.silent_rrt23 import HALF_BITS, SilentVoleLink, open_checked_link, open_link
from tests.conformance.test_cost import observe, verify
from tests.harness import run_parties

OPENERS = {
    "semi-honest": open_link,
    "half": partial(open_link, scalar_bits=HALF_BITS),
    "malicious": open_checked_link,
}


def test_field_products() -> None:
    """X * X^127 = X^128 = X^7 + X^2 + X + 1."""
    x = np.zeros((2, 16), np.uint8)
    x[0, 0], x[1, 15] = 1, 0x80
    products = _kernel.gf128_mul(x, bytes([2]) + bytes(15))
    assert products[0].tolist() == [2] + [0] * 15
    assert products[1].tolist() == [0x87] + [0] * 15


def pair_product(x: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Schoolbook: pairs `x`, uint8[16], times `u`, uint8[n, 8], over GF(2)[X]/(X^64 + X^4 + X^3 + X + 1)."""
    factors, (low, high) = u.view("<u8")[:, 0], np.frombuffer(x, "<u8")
    product = np.zeros((len(u), 2), np.uint64)
    for bit in range(63, -1, -1):
        top = product >> np.uint64(63)
        product = (product << np.uint64(1)) ^ (top * np.uint64(0x1B))
        product ^= np.array([low, high], np.uint64) * (factors >> np.uint64(bit) & np.uint64(1))[:, None]
    return product.astype("<u8").view(np.uint8)


@pytest.mark.parametrize("kind", OPENERS)
@pytest.mark.parametrize("n", [0, 1, 5000, (1 << 17) + 9])
def test_shares_add_to_u_times_delta(kind: str, n: int) -> None:
    """Both directions at once; party 1 starts the batches in the other order."""

    async def party(ctx: Ctx) -> Any:
        link = await OPENERS[kind](ctx)
        one, two = ctx.sub("a"), ctx.sub("b")
        if ctx.me == 0:
            q, (u, t) = await gather(link.send(one, n), link.receive(two, n))
        else:
            q, (u, t) = await gather(link.send(two, n), link.receive(one, n))
        return link.delta, q, u, t

    first, second = run_parties(party)
    for sender, receiver in ((first, second), (second, first)):
        (delta, q), (u, t) = sender[:2], receiver[2:]
        assert q.shape == t.shape == (n, 16) and u.shape == (n, 8 if kind == "half" else 16)
        product = pair_product(delta, u) if kind == "half" else _kernel.gf128_mul(u, delta)
        assert np.array_equal(q, t ^ product)
        assert len({row.tobytes() for row in u}) == n


@pytest.mark.parametrize("kind", OPENERS)
def test_costs_are_as_declared(kind: str) -> None:
    async def party(ctx: Ctx) -> None:
        link = await OPENERS[kind](ctx)
        fresh = ctx.sub("call")
        restart()
        before = fresh.meter().bytes_sent
        await (link.send(fresh, 300) if ctx.me == 0 else link.receive(fresh, 300))
        sent.append(8 * (fresh.meter().bytes_sent - before))
        declared.add(link.bits(300))

    sent: list[int] = []
    declared: set[int] = set()
    seen = verify(observe(party))
    assert declared == {sum(sent)}
    name = "checked_instance" if kind == "malicious" else "instance"
    assert f"blocks.vole.silent_rrt23.{name}" in seen


def test_a_batch_of_the_largest_size_takes_half_a_byte_each() -> None:
    async def party(ctx: Ctx) -> int:
        return (await open_link(ctx)).bits(1 << 17)

    assert run_parties(party)[0] / (1 << 17) < 8 * 0.47


@pytest.mark.parametrize("at", [0, 16 * 128 * 6 + 3])
def test_a_sender_with_wrong_corrections_is_caught(at: int) -> None:
    """Wrong first levels of all trees, wrong sums of leaves of all trees."""

    async def party(ctx: Ctx) -> Any:
        link = await open_checked_link(ctx)
        if ctx.me == 0:
            await _deviating_send(ctx, link, 100, at)
            return None
        with pytest.raises(CheatDetected) as caught:
            await link.receive(ctx, 100)
        return caught.value.code

    assert run_parties(party)[1] == "OT-0002"


async def _deviating_send(ctx: Ctx, link: SilentVoleLink, n: int, at: int) -> None:
    """By the rules of `checked_instance`, but for the corrections."""
    ctx = ctx.sub("checked_instance")
    count = _kernel.silent_vole_base_ots(n)
    rows = await link.base.send_rows(ctx, count + 128)
    label = silent_rrt23._label(ctx)
    corrections, q = _kernel.silent_vole_send(label, link.delta, bytes(16), rows[:count], n)
    wrong = bytearray(corrections)
    for tree in range(128):
        where = at + (16 * tree if at else 16 * 6 * tree)
        wrong[where] ^= 1
    await ctx.send(1, octets(bytes(wrong)))
    question = (await ctx.recv(1, Octets, shape=(32,))).array
    answer = _kernel.silent_answer(question[:16], question[16:], link.delta, q, rows[count:])
    await ctx.send(1, octets(answer))
