"""Range analysis: intervals hold every value, what is not proved is refused, what ships is proved."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.base.errors import UsageError
from tacit.base.types import BOOL, FIXED, INT, SECRET, Private, Type
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.compile.ranges.interval import Interval
from tacit.compile.ranges.loops import iterate
from tacit.compile.ranges.prove import bounds, prove
from tacit.ir.interpret import evaluate, interpret
from tacit.ir.op import OPS, numpy_dtype
from tacit.ir.program import Builder, Program, Range, Var, walk
from tacit.learn.linear import Descent
from tacit.learn.logistic import fit_logistic
from tests.ir.programs import programs

VECTOR = Type(Private(0), FIXED, (4,))


def traced(function: Callable[..., Any], *types: Type, **ranges: Range) -> Program:
    return trace(function, [(f"x{k}", type) for k, type in enumerate(types)], "case", ranges)


def opened(program: Program) -> Program:
    """`program` with every numeric or bool value that it computes among its outputs."""
    variables = [var for eqn in program.eqns for var in eqn.outs]
    outs = tuple((f"v{var.id}", var) for var in variables)
    return Program(program.name, program.ins, program.eqns, outs, program.ranges)


def limited(program: Program, limit: float) -> Program:
    names = [name for name, var in program.ins if var.type.dtype != BOOL]
    return Program(
        program.name,
        program.ins,
        program.eqns,
        program.outs,
        tuple((name, (-limit, limit)) for name in names),
    )


def inside(program: Program, limit: float, seed: int) -> dict[str, np.ndarray]:
    """Inputs in [-limit, limit], some of them at the ends."""
    rng = np.random.default_rng(seed)

    def draw(var: Var) -> np.ndarray:
        if var.type.dtype == BOOL:
            return rng.integers(0, 2, var.type.shape).astype(bool)
        grid = 2.0**18 if var.type.dtype == FIXED else 1.0
        values = np.where(
            rng.random(var.type.shape) < 0.3,
            limit * rng.choice([-1.0, 1.0], var.type.shape),
            np.rint(rng.uniform(-limit, limit, var.type.shape) * grid) / grid,
        )
        return np.asarray(values, dtype=numpy_dtype(var.type.dtype))

    return {name: draw(var) for name, var in program.ins}


# --- soundness ----------------------------------------------------------------------------------------


@settings(max_examples=120, deadline=None)
@given(programs(), st.sampled_from((1.0, 4.0, 100.0)), st.integers(0, 1 << 30))
def test_intervals_hold_every_value_of_the_interpreter(program: Program, limit: float, seed: int) -> None:
    """Of inputs, results of loops and everything in between."""
    case = limited(opened(program), limit)
    found, values = bounds(case), interpret(case, inside(case, limit, seed))
    for name, (low, high) in found.items():
        if values[name].size:
            assert low <= np.min(values[name]) and np.max(values[name]) <= high, name


def operand_ranges(name: str) -> list[Range]:
    if name in ("log", "sqrt", "rsqrt"):
        return [(0.25, 3.0)]
    return [(-3.0, 5.0), (0.5, 2.0)] if name == "divide" else [(-3.0, 5.0), (-0.5, 7.0), (-2.0, 1.0)]


@pytest.mark.parametrize("name", sorted(set(OPS) - {"scan", "const", "reveal"}))
def test_every_operator_stays_in_the_interval_of_its_rule(name: str) -> None:
    """On all signatures, with inputs that hug the ends of their ranges."""
    rng = np.random.default_rng(len(name))
    for signature in OPS[name].signatures:
        for vis in (SECRET, Private(0)):
            builder, arrays = Builder(), []
            inputs = []
            for k, (dtype, shape) in enumerate(zip(signature.dtypes, signature.shapes, strict=True)):
                low, high = operand_ranges(name)[k % len(operand_ranges(name))]
                low, high = (np.ceil(low), np.floor(high)) if dtype == INT else (low, high)
                within = None if dtype == BOOL else (float(low), float(high))
                inputs.append(builder.input(f"x{k}", Type(vis, dtype, shape), within))
                ends = rng.choice([low, high, (low + high) / 2], (20, *shape))
                ends = np.floor(ends) if dtype == INT else ends
                arrays.append(rng.integers(0, 2, (20, *shape)) if dtype == BOOL else ends)
            result = builder.emit(name, *inputs, **signature.params)
            results = result if isinstance(result, tuple) else (result,)
            program = builder.build("case", {f"o{k}": var for k, var in enumerate(results)})
            found = list(bounds(program).values())
            for draw in range(20):
                for (low, high), value in zip(
                    found, evaluate(program, [a[draw] for a in arrays]), strict=True
                ):
                    if value.size:
                        assert low <= value.min() and value.max() <= high


def test_loops_hold_every_value_of_every_step() -> None:
    """A damped recurrence with a forcing term at both its ends, also for lengths beyond step by step."""

    def function(x: Any, force: Any) -> Any:
        def step(carry: Any, _: Any) -> Any:
            place, speed = carry
            faster = speed * 0.875 - place * 0.0078125 + force
            return (place + faster, faster), place

        (place, speed), places = xp.scan(step, (x, x * 0.0), None, length=length)
        return place, speed, places

    for length in (1, 2, 5, 100, 129, 1000):  # noqa: B007
        program = prove(traced(function, VECTOR, VECTOR, x0=(-1.0, 1.0), x1=(-0.5, 0.25)))
        found = list(bounds(program).values())
        for force in (-0.5, 0.25):
            values = evaluate(program, [np.array([-1.0, 1.0, 0.0, 0.5]), np.full(4, force)])
            for (low, high), value in zip(found, values, strict=True):
                assert low <= value.min() and value.max() <= high
        assert max(abs(end) for one in found for end in one) < 200, "damping is seen"


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(0, 1 << 30))
def test_iterated_recurrences(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.uniform(-0.6, 0.6, (3, 3)) + np.eye(3) * rng.uniform(0, 0.4)
    rest = Interval(*np.sort(rng.uniform(-1, 1, (2, 3)), axis=0))
    start = Interval(*np.sort(rng.uniform(-1, 1, (2, 3)), axis=0))
    power, added, hull = iterate(matrix, rest, start, n)
    z = first = rng.uniform(start.low, start.high)
    for _ in range(n):
        room = 1e-9 * (1 + np.abs(z))
        assert np.all(hull.low - room <= z) and np.all(z <= hull.high + room)
        z = matrix @ z + rng.choice([rest.low, rest.high])
    moved = power @ first
    room = 1e-9 * (1 + np.abs(z))
    assert np.all(moved + added.low - room <= z) and np.all(z <= moved + added.high + room)


# --- refusals -----------------------------------------------------------------------------------------


def refusal(function: Callable[..., Any], *types: Type, **ranges: Range) -> UsageError:
    with pytest.raises(UsageError) as refused:
        prove(traced(function, *types, **ranges))
    return refused.value


OTHER = Type(Private(1), FIXED, (4,))
WIDE = (-(2.0**13), 2.0**13)
REFUSED: list[tuple[str, Callable[..., Any], Range]] = [
    ("the product", lambda x, y: x * y, (-(2.0**13.01), 2.0**13.01)),
    ("the square", lambda x, y: xp.square(xp.to_secret(x)), (0.0, 2.0**13.01)),
    ("the matrix product", lambda x, y: xp.matmul(x, y), WIDE),
    ("the product", lambda x, y: xp.to_secret(x) * 0.3, (0.0, 2.0**27)),
    ("the comparison", lambda x, y: x * 4 < y * 4, (-(2.0**43), 2.0**43)),
    ("the revealed value", lambda x, y: xp.reveal((x + y) * 4, name="r"), (0.0, 2.0**43)),
    ("the larger value", lambda x, y: xp.maximum((x + y) * 4, y), (-(2.0**43), 2.0**43)),
    ("the mean", lambda x, y: xp.mean(xp.to_secret(x) * 16), (0.0, 2.0**42)),
    ("the logarithm", lambda x, y: xp.log(xp.to_secret(x)), (-1.0, 4.0)),
    ("the division", lambda x, y: x / y, (-1.0, 4.0)),
    ("the exponential", lambda x, y: xp.exp(xp.to_secret(x)), (-1.0, 40.0)),
    ("the floor", lambda x, y: xp.floor(xp.to_secret(x) * 4), (0.0, 2.0**43)),
]


@pytest.mark.parametrize(("what", "function", "limits"), REFUSED)
def test_what_is_not_proved_is_refused_by_name_and_line(
    what: str, function: Callable[..., Any], limits: Range
) -> None:
    error = refusal(function, VECTOR, OTHER, x0=limits, x1=limits)
    assert error.code == "RANGE-0001" and what in error.message and "test_ranges.py:" in error.message
    assert "limit" in error.hint


ACCEPTED: list[tuple[Callable[..., Any], Range]] = [
    (lambda x, y: x * y, (-(2.0**13) + 1, 2.0**13 - 1)),
    (lambda x, y: xp.matmul(x, y), (-(2.0**12) + 1, 2.0**12 - 1)),
    (lambda x, y: xp.mean(x - y), (-(2.0**23), 2.0**23)),
    (lambda x, y: x * 4 < y * 4, (-(2.0**41), 2.0**41)),
    (lambda x, y: xp.clip(xp.to_secret(x), -9.0, 9.0) * y, (-(2.0**22), 2.0**22)),
    (lambda x, y: xp.log(xp.maximum(xp.to_secret(x), 0.5)), (-4.0, 4.0)),
    (lambda x, y: xp.sqrt(xp.mean(xp.square(x - y))), (-100.0, 100.0)),
    (lambda x, y: xp.sigmoid(x + y) * 1000, (-(2.0**20), 2.0**20)),
]


@pytest.mark.parametrize(("function", "limits"), ACCEPTED)
def test_what_is_right_is_proved(function: Callable[..., Any], limits: Range) -> None:
    prove(traced(function, VECTOR, OTHER, x0=limits, x1=limits))


def test_a_loop_that_grows_is_refused_and_one_that_does_not_is_proved() -> None:
    def grows(x: Any) -> Any:
        return xp.scan(lambda c, _: (c * c + 1.0, None), xp.to_secret(x), None, length=40)[0]

    def counts(x: Any) -> Any:
        return xp.scan(lambda c, _: (c + 1.0, None), xp.to_secret(x), None, length=100_000)[0]

    assert refusal(grows, VECTOR, x0=(0.0, 1.0)).code == "RANGE-0001"
    low, high = bounds(prove(traced(counts, VECTOR, x0=(0.0, 1.0))))["out"]
    assert 99_999 <= low <= 100_000 and 100_001 <= high < 100_003


def test_an_operator_without_a_rule_is_refused_where_something_rests_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tacit.compile.ranges.rules import RULES

    monkeypatch.delitem(RULES, "abs")
    prove(traced(lambda x, y: xp.abs(x + y), VECTOR, OTHER))
    assert "no known bound" in refusal(lambda x, y: xp.abs(x + y) * x, VECTOR, OTHER, x0=(0.0, 1.0)).message


# --- undeclared inputs --------------------------------------------------------------------------------


def test_undeclared_inputs_get_the_widest_range_that_is_proved() -> None:
    program = prove(traced(lambda x, y: x * y, VECTOR, OTHER, x1=(0.0, 4.0)))
    assert dict(program.ranges) == {"x0": (1.0 - 2.0**24, 2.0**24 - 1.0), "x1": (0.0, 4.0)}
    free = prove(traced(lambda x, y: x + y, VECTOR, OTHER))
    assert dict(free.ranges)["x0"] == (1.0 - 2.0**44, 2.0**44 - 1.0)


def test_ranges_are_part_of_what_is_agreed() -> None:
    one, two = (prove(traced(lambda x, y: x * y, VECTOR, OTHER, x0=(0.0, n))) for n in (1.0, 2.0))
    assert one.digest() != two.digest()


# --- what ships ---------------------------------------------------------------------------------------


def training(descent: Descent, n: int, widths: tuple[int, int]) -> Program:
    penalised = [np.append(np.ones(widths[0] - 1), 0.0), np.ones(widths[1])]
    types = [Type(Private(k), FIXED, (n, width)) for k, width in enumerate(widths)]
    return prove(
        traced(
            lambda a, b, y: fit_logistic([a, b], xp.astype(y, xp.float64), descent, penalised),
            *types,
            Type(Private(0), INT, (n,)),
            x0=(-8.0, 8.0),
            x1=(-8.0, 8.0),
            x2=(0.0, 1.0),
        )
    )


def test_logistic_regression_is_proved_for_as_long_as_its_penalty_holds_it() -> None:
    """A pull of at most 8 * 0.1 a step, ten times by the momentum; l2 ends the growth at 8 / l2."""
    short = bounds(training(Descent(10, 64, 0.1, 0.9, 0.001), 2000, (10, 20)))
    assert all(low > -2700 and high < 2700 for low, high in short.values())
    long = bounds(training(Descent(1000, 64, 0.1, 0.9, 0.01), 2000, (10, 20)))
    penalised = [end for name, one in long.items() if name != "out0" for end in one]
    assert max(map(abs, penalised)) < 2000


def test_a_thousand_equations_take_a_fifth_of_a_second() -> None:
    def long(x: Any, y: Any) -> Any:
        for _ in range(200):
            x = xp.clip(xp.where(x < y, x * 0.5, x + 0.25) - xp.maximum(x, y), -4.0, 4.0)
        return x

    program = traced(long, VECTOR, OTHER, x0=(-4.0, 4.0), x1=(-4.0, 4.0))
    assert len(program.eqns) > 1000
    took = []
    for _ in range(5):
        started = time.process_time()
        prove(program)
        took.append(time.process_time() - started)
    assert min(took) <= 0.2 * len(program.eqns) / 1000


@pytest.mark.parametrize(("limit", "bits"), [(1.0, 20), (15.0, 23), (16.0, 24), (1023.5, 29)])
def test_bits_of_private_matrices_are_proved(limit: float, bits: int) -> None:
    def step(carry: Any, row: Any) -> Any:
        return xp.matmul(row.T, xp.matmul(row, carry) * 0.0), ()

    def function(x: Any) -> Any:
        return xp.scan(step, xp.to_secret(xp.zeros((3,))), xp.reshape(x, (4, 2, 3)))[0]

    program = prove(traced(function, Type(Private(0), FIXED, (8, 3)), x0=(-limit, limit)))
    found = [eqn.params.get("private_bits") for eqn in walk(program) if eqn.op == "matmul"]
    assert found == [bits, bits]
    whole = np.rint(limit * 2.0**18)
    assert whole < 2.0 ** (bits - 1) <= 2 * whole + 2


def test_matrices_that_nobody_knows_have_no_bits() -> None:
    matrix = Type(SECRET, FIXED, (3, 3))
    program = prove(traced(xp.matmul, matrix, matrix))
    assert all("private_bits" not in eqn.params for eqn in program.eqns)


@pytest.mark.parametrize(("low", "op_stays"), [(-4.0, False), (-3.0, True)])
def test_what_ranges_show_to_change_nothing_is_not_computed(low: float, op_stays: bool) -> None:
    """A clip around all that a value can be, also in a loop; a narrower one stays."""

    def function(x: Any) -> Any:
        start = xp.clip(xp.to_secret(x), low, 4.0)
        last, _ = xp.scan(lambda c, _: (xp.clip(c * 0.5, low, 4.0), None), start, length=3)
        return xp.abs(xp.square(last))

    program = trace(function, [("x", Type(Private(0), FIXED, (3,)))], "idle", {"x": (-4.0, 4.0)})
    proved = prove(program)
    names = [eqn.op for eqn in walk(proved)]
    assert ("clip" in names) == op_stays and "abs" not in names
