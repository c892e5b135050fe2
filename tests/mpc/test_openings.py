"""While a program runs, every scheme refuses an opening that the program does not list as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tacit.base.ctx import Ctx
from tacit.base.errors import TacitError
from tacit.base.types import FIXED, Private, Type
from tacit.ir.program import Builder, Program
from tacit.mpc import openings
from tacit.mpc.execute import execute
from tacit.mpc.operators import OPERATORS, Machine
from tacit.mpc.scheme import SCHEMES, Scheme
from tacit.mpc.value import Value
from tests.harness import run_scheme

X = np.array([1.0, 2.0, 3.0])


def program(to: tuple[int, ...], *, guarded: bool = False) -> Program:
    b = Builder()
    x = b.emit("to_secret", b.input("x", Type(Private(0), FIXED, (3,))))
    y = b.emit("neg", x)
    guard = (
        [b.emit("less", b.emit("sum", y, axis=(0,), keepdims=False), b.const(0.0, FIXED))] if guarded else []
    )
    return b.build("p", {"out": b.emit("reveal", y, *guard, name="y", to=to)})


def run(scheme: str, subject: Program, events: list[Any] | None = None) -> list[Any]:
    async def party(ctx: Ctx, started: Scheme) -> Any:
        mine = {"x": X if ctx.me == 0 else None}
        try:
            return (await execute(ctx, started, subject, mine))["out"].plain
        except TacitError as error:
            return error

    return run_scheme(scheme, party)


def opening_neg(to: int | None) -> Any:
    """An operator that opens what it is given on the way."""

    async def neg(machine: Machine, x: Value) -> Value:
        share = await machine.to_share(x)
        await machine.scheme.reveal(machine.ctx, share, to=to)
        return share

    return neg


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("to", [None, 1])
def test_an_operator_that_opens_is_refused(
    scheme: str, to: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OPERATORS, "neg", opening_neg(to))
    for outcome in run(scheme, program(())):
        assert isinstance(outcome, TacitError) and outcome.code == "POLICY-0012", outcome


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_listed_is_opened_to_those_who_are_listed(scheme: str) -> None:
    for to in ((), (0,), (1,)):
        outcomes = run(scheme, program(to))
        for party, outcome in enumerate(outcomes):
            dealer = scheme == "semi2k_dealer" and party == 2
            if (to in ((), (party,))) and not dealer:
                np.testing.assert_allclose(outcome, -X)
            else:
                assert outcome is None


@pytest.mark.parametrize("scheme", [name for name in SCHEMES if name != "additive"])
def test_a_guard_is_opened_as_listed(scheme: str) -> None:
    outcomes = run(scheme, program((0,), guarded=True))
    np.testing.assert_allclose(outcomes[0], -X)
    assert not any(isinstance(outcome, TacitError) for outcome in outcomes)


def test_shape_and_recipients_count_and_nothing_is_left_open() -> None:
    with openings.program():
        with openings.listed((3,), 1):
            openings.require_listed((3,), 1)
            for shape, to in (((3,), None), ((3,), 0), ((2,), 1), ((), None)):
                with pytest.raises(TacitError, match="POLICY-0012"):
                    openings.require_listed(shape, to)
        with pytest.raises(TacitError, match="POLICY-0012"):
            openings.require_listed((3,), 1)
    openings.require_listed((3,), None)


def test_in_a_step_only_what_it_declares_is_opened_by_the_one_door() -> None:
    async def party(ctx: Ctx, scheme: Scheme) -> list[Any]:
        share = await scheme.share(
            ctx, np.arange(3, dtype=np.uint64) if ctx.me == 0 else None, owner=0, shape=(3,)
        )
        with openings.step([("count", None), ("rows", 1)]) as declared:
            for name, to in (("count", 0), ("rows", None), ("sum", None)):
                with pytest.raises(TacitError, match="POLICY-0002"):
                    await openings.reveal_declared(ctx, scheme, name, share, to=to)
            with pytest.raises(TacitError, match="POLICY-0012"):
                await scheme.reveal(ctx, share)
            found = [
                await openings.reveal_declared(ctx, scheme, "count", share),
                await openings.reveal_declared(ctx, scheme, "rows", share, to=1),
            ]
            assert declared.opened == [("count", None, 3), ("rows", 1, 3)]
        with pytest.raises(TacitError, match="POLICY-0002"):
            await openings.reveal_declared(ctx, scheme, "count", share)
        return [None if one is None else one.tolist() for one in found]

    assert run_scheme("semi2k", party) == [[[0, 1, 2], None], [[0, 1, 2], [0, 1, 2]]]
