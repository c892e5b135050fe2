"""Rehearsed costs against runs: bytes of every party exactly, rounds to one, whatever the program."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from tacit.base.ctx import Ctx
from tacit.base.meter import depth, restart
from tacit.base.types import BOOL, FIXED, INT, SECRET, DType, Private, Type, Visibility
from tacit.compile import array as xp
from tacit.compile.pipeline import run_passes
from tacit.ir.op import OPS, numpy_dtype
from tacit.ir.program import Program
from tacit.mpc.execute import execute
from tacit.mpc.operators import supports
from tacit.mpc.scheme import SCHEMES as ALL
from tacit.mpc.scheme import Scheme, load
from tacit.run.compiled import compiled
from tacit.run.explain.rehearse import Stage, longest, stage, total
from tests.conformance.test_scheme import CONTROL, NOT_ON_SECRETS, lacks, program_of
from tests.harness import owners_of, parties_of, run_parties

SCHEMES = ("semi2k", "rep3")
N = 130


@cache
def staged(scheme: str, ot: str = "") -> Stage:
    kind = load(scheme).with_ots(ot) if ot else load(scheme)
    return stage(kind, parties_of(scheme))


def measured(program: Program, scheme: str, ot: str = "") -> tuple[tuple[int, ...], int]:
    """Bytes by party and rounds of a run on zeros."""
    kind = load(scheme).with_ots(ot) if ot else load(scheme)

    async def party(ctx: Ctx) -> tuple[int, int]:
        started: Scheme = await kind.start(ctx.sub("setup"))
        inputs: dict[str, Any] = {}
        for name, var in program.ins:
            zeros = np.zeros(var.type.shape, numpy_dtype(var.type.dtype))
            if var.type.vis == SECRET:
                boolean = var.type.dtype == BOOL
                ring = np.zeros(var.type.shape, np.uint8 if boolean else np.uint64)
                inputs[name] = started.constant(ctx, ring, boolean=boolean)
            else:
                mine = not isinstance(var.type.vis, Private) or var.type.vis.owner == ctx.me
                inputs[name] = zeros if mine else None
        scope = ctx.sub("program")
        restart()
        await execute(scope, started, program, inputs)
        return scope.meter().bytes_sent, depth()

    parties = run_parties(party, parties_of(scheme), timeout_s=60)
    return tuple(sent for sent, _ in parties), max(rounds for _, rounds in parties)


def agree(program: Program, scheme: str, ot: str = "") -> None:
    """A verification lets parties that are a round apart meet, so there it is within two rounds."""
    one = staged(scheme, ot)
    lines = one.rehearse(program)
    assert all(line.priced for line in lines)
    sent, rounds = measured(program, scheme, ot)
    assert total(lines, one.n_parties) == sent
    # A step counts the rounds of whichever step started it, which may not be the one it waited for longest.
    assert abs(longest(program, lines, one.n_parties) - rounds) <= (2 if one.scheme.verifies else 1)


def of(vis: Visibility, *shape: int, dtype: DType = FIXED) -> Type:
    return Type(vis, dtype, shape)


def two(scheme: str, function: Any, left: Type, right: Type) -> Program:
    return compiled(
        function, [("x", left), ("y", right)], "two", scheme, {"x": (-8.0, 8.0), "y": (-8.0, 8.0)}
    )


OPERATIONS = {
    "mul": lambda x, y: x * y,
    "less": lambda x, y: x < y,
    "select": lambda x, y: xp.where(x < y, x, y),
    "square": lambda x, y: xp.square(x) + y,
    "sigmoid": lambda x, y: xp.sigmoid(x + y),
    "exp": lambda x, y: xp.exp(x - y - 16.0),
    "divide": lambda x, y: x / (y + 9.0),
    "round": lambda x, y: xp.round(x + y),
    "count": lambda x, y: xp.sum(xp.astype(x < y, xp.int64)),
    "reveal": lambda x, y: xp.reveal(x + y, name="all"),
    "reveal-to-one": lambda x, y: xp.reveal(xp.sum(x + y), name="one", to=1),
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_cost_what_they_are_rehearsed_to(name: str, scheme: str) -> None:
    kinds: tuple[Visibility, ...] = (SECRET, Private(0), Private(1))
    for left, right in (
        (kinds[0], kinds[0]),
        (kinds[1], kinds[2]),
        (kinds[0], kinds[2]),
        (kinds[1], kinds[0]),
    ):
        agree(two(scheme, OPERATIONS[name], of(left, N), of(right, N)), scheme)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("shape", [(5, 7, 3), (3, 7, 5), (256, 64, 1), (200, 64, 40)])
def test_matrix_products_cost_what_they_are_rehearsed_to(shape: tuple[int, int, int], scheme: str) -> None:
    m, k, n = shape
    kinds: tuple[Visibility, ...] = (SECRET, Private(0), Private(1))
    for left, right in (
        (kinds[0], kinds[0]),
        (kinds[1], kinds[0]),
        (kinds[0], kinds[2]),
        (kinds[1], kinds[2]),
    ):
        agree(two(scheme, xp.matmul, of(left, m, k), of(right, k, n)), scheme)


@pytest.mark.parametrize("n", [8192, 8192 + 65, 3 * 8192 + 5000])
def test_packed_products_cost_what_they_are_rehearsed_to(n: int) -> None:
    for left in (SECRET, Private(1)):
        agree(two("semi2k", OPERATIONS["mul"], of(left, n), of(SECRET, n)), "semi2k")
    integers = (of(SECRET, n, dtype=INT), of(Private(0), n, dtype=INT))
    agree(two("semi2k", OPERATIONS["mul"], *integers), "semi2k")


def test_silent_ots_cost_what_they_are_rehearsed_to() -> None:
    for name in ("mul", "less"):
        agree(two("semi2k", OPERATIONS[name], of(SECRET, 9000), of(SECRET, 9000)), "semi2k", "silent")


def test_chunks_of_three_parties_cost_what_they_are_rehearsed_to() -> None:
    for name in ("mul", "less", "select"):
        agree(two("rep3", OPERATIONS[name], of(SECRET, 70000), of(SECRET, 70000)), "rep3")


@pytest.mark.parametrize("name", OPERATIONS)
def test_verified_operations_cost_what_they_are_rehearsed_to(name: str) -> None:
    for left, right in ((SECRET, SECRET), (Private(0), SECRET)):
        agree(two("rep3_malicious", OPERATIONS[name], of(left, N), of(right, N)), "rep3_malicious")


def test_verified_programs_cost_what_they_are_rehearsed_to() -> None:
    def twice(x: Any, y: Any) -> Any:
        first = xp.reveal(xp.sum(x * y), name="first")
        return first, xp.reveal(xp.sum(xp.where(x < y, x, y)), name="second")

    scheme = "rep3_malicious"
    agree(two(scheme, twice, of(SECRET, N), of(SECRET, N)), scheme)
    agree(two(scheme, xp.matmul, of(SECRET, 5, 7), of(SECRET, 7, 3)), scheme)
    long = 70_000  # verified by itself, before anything else is
    agree(two(scheme, OPERATIONS["select"], of(SECRET, long), of(SECRET, long)), scheme)


def test_a_loop_verifies_when_much_is_waiting() -> None:
    def powers(x: Any, y: Any) -> Any:
        return xp.scan(lambda z, _: (z * y, None), x, None, length=5)[0]

    program = two("rep3_malicious", powers, of(SECRET, 1 << 16), of(SECRET, 1 << 16))
    (loop,) = [line for line in staged("rep3_malicious").rehearse(program) if line.body]
    assert [call.protocol.rsplit(".")[-1] for call in loop.calls] == ["verify"] and loop.left
    agree(program, "rep3_malicious")


def test_a_sort_costs_about_what_it_is_rehearsed_to() -> None:
    """Which elements are compared depends on the order that is drawn."""
    inputs, n = [("x", of(SECRET, 4, 100))], 3
    program = compiled(lambda x: xp.sort(x), inputs, "one", "rep3", {"x": (-8.0, 8.0)})
    lines = staged("rep3").rehearse(program)
    assert all(line.priced for line in lines)
    sent, rounds = measured(program, "rep3")
    assert total(lines, n) == pytest.approx(sent, rel=0.1)
    assert longest(program, lines, n) == pytest.approx(rounds, rel=0.3)


@pytest.mark.parametrize("scheme", [name for name in ALL if name != "plain"])
def test_every_operator_of_every_scheme_has_a_price(scheme: str) -> None:
    """Operators that a scheme lacks are refused by name."""
    kind, n_priced = load(scheme), 0
    for name, operator in OPS.items():
        for signature in () if name in (*CONTROL, *NOT_ON_SECRETS) else operator.signatures[:2]:
            program = program_of(operator, signature, owners_of(scheme))
            if lacks(scheme, program):
                continue
            lines = staged(scheme).rehearse(run_passes(program, supports(scheme), ring_bits=kind.ring_bits))
            assert all(line.priced for line in lines), name
            n_priced += 1
    assert n_priced > 20


@pytest.mark.parametrize("scheme", SCHEMES)
def test_loops_cost_each_of_their_steps(scheme: str) -> None:
    def descent(x: Any, y: Any) -> Any:
        def step(w: Any, _: Any) -> tuple[Any, None]:
            return w - 0.01 * (x.T @ (xp.sigmoid(x @ w) - y)), None

        start = xp.to_secret(xp.zeros((4,)))
        return xp.reveal(xp.scan(step, start, None, length=3)[0], name="weights")

    agree(two(scheme, descent, of(Private(0), 20, 4), of(Private(1), 20)), scheme)
