"""semi2k on every source of OTs: the same operators, the declared costs."""

from __future__ import annotations

import pytest

import tests.conformance.test_cost as cost
import tests.conformance.test_scheme as suite
from tacit.base.ctx import Ctx
from tacit.base.errors import UnsupportedError
from tacit.base.meter import restart
from tacit.blocks.ot import silent_rrt23
from tacit.blocks.ot.choose import DEFAULT, LINKS
from tacit.ir.op import OPS
from tacit.mpc.scheme import Scheme, find
from tests.harness import run_parties

OTHERS = [name for name in LINKS if name != DEFAULT]
OPERATORS = ("multiply", "matmul", "less", "where", "sigmoid", "logical_and", "equal", "maximum")


@pytest.fixture
def always_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The inputs here are too small for silent OT to be worth it."""
    monkeypatch.setattr(silent_rrt23, "is_silent", lambda base, n: n > 0)


@pytest.mark.usefixtures("always_silent")
@pytest.mark.parametrize("ot", OTHERS)
@pytest.mark.parametrize("name", [name for name in OPERATORS if name in OPS])
def test_operator(ot: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_scheme(scheme: str, party, **_):  # type: ignore[no-untyped-def]
        async def one(ctx: Ctx) -> object:
            started: Scheme = await find(scheme, ot=ot).start(ctx.sub("setup"))
            return await party(ctx, started)

        return run_parties(one)

    monkeypatch.setattr(suite, "run_scheme", run_scheme)
    suite.test_operator("semi2k", name, 0)


@pytest.mark.usefixtures("always_silent")
@pytest.mark.parametrize("ot", OTHERS)
def test_costs_are_as_declared(ot: str) -> None:
    seen = set()
    for call in cost.scheme_calls().values():

        async def party(ctx: Ctx, call=call) -> None:  # type: ignore[no-untyped-def]
            scheme = await find("semi2k", ot=ot).start(ctx.sub("setup"))
            fresh = ctx.sub("call")
            restart()
            await call(scheme, fresh)

        seen |= cost.verify(cost.observe(party))
    silent = {"blocks.ot.silent_rrt23.instance", "blocks.ot.silent_rrt23.open_link"}
    assert not silent - seen or ot != "silent"
    assert "mpc.semi2k.boolean.msb" in seen


def test_other_names_are_refused() -> None:
    for scheme, ot in (("semi2k", "ferret"), ("rep3", "silent"), ("semi2k_dealer", "silent")):
        with pytest.raises(UnsupportedError) as refused:
            find(scheme, ot=ot)
        assert refused.value.code == "OT-0001"
    assert find("semi2k").ot == DEFAULT and find("semi2k", ot="silent").ot == "silent"
