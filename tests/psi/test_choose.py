"""The registry, prices that equal what is sent, and choices that follow link, sizes and setting."""

from __future__ import annotations

import importlib
import math
import pkgutil
from typing import Any, cast

import numpy as np
import pytest

import tacit.psi
from tacit.base.ctx import Ctx
from tacit.base.errors import UnsupportedError
from tacit.mpc.scheme import Scheme
from tacit.mpc.semi2k import Semi2k
from tacit.psi import circuit_psty19
from tacit.psi.choose import HARDENED, PROTOCOLS, choose, find
from tacit.psi.functionality import BOTH, Items, Psi
from tacit.psi.price import CIRCUIT, UNBALANCED, Link, price
from tests.harness import run_parties, run_scheme

LAN, FAST, WAN = Link(1000, 0.001), Link(10_000, 0.0002), Link(20, 0.05)


def items(n: int) -> Items:
    data = np.arange(n, dtype="<u8").view(np.uint8)
    return Items(data, 8 * np.arange(n + 1, dtype=np.int64))


def sent(kind: type[Psi], sizes: tuple[int, int], receivers: frozenset[int]) -> list[int]:
    """Bytes that either party sends."""

    async def party(ctx: Ctx) -> int:
        await kind().intersect(ctx, items(sizes[ctx.me]), receivers=receivers)
        return ctx.meter().bytes_sent

    return run_parties(party)


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("sizes", [(0, 3), (40, 40), (700, 2000), (3000, 100)])
@pytest.mark.parametrize("receivers", [BOTH, frozenset((0,)), frozenset((1,))])
def test_prices_are_what_is_sent(name: str, sizes: tuple[int, int], receivers: frozenset[int]) -> None:
    kind = PROTOCOLS[name]
    if kind.one_receiver and receivers == BOTH:
        return
    turned = sizes if 0 in receivers else sizes[::-1]
    told = price(name, turned, LAN, receivers=len(receivers)).sent
    told = told if 0 in receivers else told[::-1]
    for measured, predicted in zip(sent(kind, sizes, receivers), told, strict=True):
        assert predicted <= measured <= predicted + (_CHECKED_START if HARDENED.get("rr22") == name else 0)


_CHECKED_START = 800
"""Bytes of the checks of base OTs and VOLEs that a price leaves out."""


def test_the_price_of_a_circuit_is_within_a_tenth() -> None:
    n, columns = 3000, 1

    async def party(ctx: Ctx, scheme: Scheme) -> int:
        before = ctx.meter().bytes_sent
        payload = None if ctx.me == 0 else np.ones((columns, n), np.uint64)
        await circuit_psty19.intersect(ctx, cast(Semi2k, scheme), items(n), payload, columns)
        return ctx.meter().bytes_sent - before

    measured = sum(run_scheme("semi2k", party))
    assert measured == pytest.approx(price(CIRCUIT, (n, n), LAN, columns=columns).n_bytes, rel=0.1)


def test_every_protocol_is_in_the_registry() -> None:
    for module in pkgutil.iter_modules(tacit.psi.__path__, "tacit.psi."):
        importlib.import_module(module.name)
    found = {Psi}
    while more := {kind for parent in found for kind in parent.__subclasses__()} - found:
        found |= more
    mine = {kind for kind in found - {Psi} if kind.__module__.startswith("tacit.psi.")}
    assert mine == set(PROTOCOLS.values())


def test_find_names_the_form_that_holds() -> None:
    assert find("rr22").name == "rr22" and find("rr22", "malicious").name == "rr22-malicious"
    for name, kind in PROTOCOLS.items():
        assert find(name, kind.setting.adversary) is kind
    for name, adversary in (("ecdh", "malicious"), ("rr22-malicious", "semi-honest"), ("x", "semi-honest")):
        with pytest.raises(UnsupportedError) as caught:
            find(name, adversary)
        assert caught.value.code == "JOB-0005"


@pytest.mark.parametrize(
    ("sizes", "link", "options", "protocol", "because"),
    [
        ((1 << 20, 1 << 20), FAST, {}, "rr22-low", "least"),
        ((1 << 24, 1 << 20), LAN, {}, "rr22-low", "least"),
        ((1 << 20, (1 << 24) + 1), LAN, {}, "rr22", "work"),
        ((500, 500), LAN, {}, "ecdh", "bytes"),
        ((3000, 3000), WAN, {}, "ecdh", "bytes"),
        ((0, 0), WAN, {}, "ecdh", "bytes"),
        ((500, 500), LAN, {"adversary": "malicious", "receivers": 1}, "rr22-malicious", "only"),
        ((1 << 26, 1 << 27), LAN, {}, "ecdh", "only"),
        ((500, 500), LAN, {"name": "rr22"}, "rr22", "asked"),
        ((500, 500), LAN, {"name": "ecdh-sm2"}, "ecdh-sm2", "asked"),
        ((1000, 10**7), LAN, {"receivers": 1, "reused": True}, UNBALANCED, "reused"),
        ((10**6, 10**7), LAN, {"receivers": 1, "reused": True}, "rr22-low", "least"),
        ((1000, 1000), LAN, {"receivers": 0}, CIRCUIT, "hidden"),
    ],
)
def test_choices(
    sizes: tuple[int, int], link: Link, options: dict[str, Any], protocol: str, because: str
) -> None:
    choice = choose(sizes, link, **options)
    assert (choice.protocol, choice.because) == (protocol, because) and choice.reason
    assert all(choice.price.seconds <= other.seconds for other in choice.others.values())


def test_a_slower_link_or_a_larger_set_costs_more() -> None:
    for name in (*PROTOCOLS, CIRCUIT, UNBALANCED):
        small = price(name, (1000, 1000), LAN)
        assert price(name, (1000, 1000), WAN).seconds > small.seconds
        assert price(name, (2000, 2000), LAN).n_bytes > small.n_bytes
        endless = price(name, (1000, 1000), Link(math.inf, 0.0))
        assert 0 < endless.seconds < small.seconds and endless.sent == small.sent
        assert (
            price(name, (1 << 24, 1 << 24), LAN, threads=4).seconds
            < price(name, (1 << 24, 1 << 24), LAN).seconds
        )
