"""Measuring `Rates`: the operators of programs one by one, all parties in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.protocol import gather
from tacit.base.session import open_session
from tacit.base.transport import Clock
from tacit.base.types import FIXED, INT, SECRET, Private, Secret, Type
from tacit.ir.op import numpy_dtype
from tacit.ir.program import Builder, Eqn, Program, Var
from tacit.mpc.execute import execute
from tacit.mpc.scheme import Scheme
from tacit.net.memory import MemoryNetwork
from tacit.run.explain.pace import reference
from tacit.run.explain.rates import ELEMENTWISE, Point, Rates, key, matrix, products, size
from tacit.run.explain.rehearse import Line

LONG = 1 << 16
"""Elements above which an operator is measured at a quarter of so many and at so many."""
MANY_PRODUCTS, MANY_BYTES = 1 << 27, 1 << 25
"""What a measured product of matrices multiplies and sends at most: larger ones are cut to fewer rows."""
AT_LEAST_S, MOST_RUNS = 0.05, 5
STEPS, SHORT = 64, 64
"""Additions that show what an operator takes that sends nothing; how long the short ones are."""


def leaves(lines: Iterable[Line]) -> Iterator[Line]:
    """All lines that call protocols, those in bodies of loops included."""
    for line in lines:
        yield from leaves(line.body)
        if line.calls and not line.body:
            yield line


def calibrate(
    scheme: type[Scheme],
    n_parties: int,
    lines: Iterable[Line],
    clock: Clock,
    *,
    date: str,
    machine: str,
) -> Rates:
    """Rates for the operators of these lines. `clock` runs; the date and the machine's name are kept."""
    lines = tuple(lines)
    wanted = {key(scheme.name, line.eqn): line.eqn for line in leaves(lines)}
    sizes: dict[str, set[int]] = {}
    for line in leaves(lines):
        sizes.setdefault(key(scheme.name, line.eqn), set()).update(_measured_sizes(line))
    waiting = {key(scheme.name, line.eqn) for line in leaves(lines) if line.left}
    element_s, step_s, points = asyncio.run(_measured(scheme, n_parties, wanted, sizes, waiting, clock))
    return Rates(date, machine, element_s, step_s, reference(clock), points)


def _measured_sizes(line: Line) -> tuple[int, ...]:
    eqn, at = line.eqn, size(line.eqn)
    if eqn.op == "matmul":
        m, k, n = matrix(eqn)
        most = max(1, min(MANY_PRODUCTS // (k * n), MANY_BYTES * m // max(1, sum(line.sent))))
        return (m,) if m <= most else (max(1, most // 2), most)
    return (at,) if at <= LONG else (LONG // 4, LONG)


async def _measured(
    scheme: type[Scheme],
    n: int,
    wanted: dict[str, Eqn],
    sizes: dict[str, set[int]],
    waiting: set[str],
    clock: Clock,
) -> tuple[float, float, dict[str, tuple[Point, ...]]]:
    """Seconds for an element and for a step of operators that send nothing; points by key.

    An operator that runs alone is verified alone. Where it would have waited for others (`waiting`), a
    verification of next to nothing is taken off again; that is a point of its own, called "settle".
    """
    network = MemoryNetwork(n, transcript=False)
    ctxs = await gather(
        *(open_session(network.endpoint(i), i, n, clock=clock, job_digest=b"calibration") for i in range(n))
    )
    schemes = await gather(*(scheme.start(ctx.sub("setup")) for ctx in ctxs))
    parties = list(zip(ctxs, schemes, strict=True))
    short, long = [(await _timed(parties, _additions(at), clock))[0] / STEPS for at in (SHORT, LONG)]
    points = {
        name: tuple([await _point(parties, eqn, at, clock) for at in sorted(sizes[name])])
        for name, eqn in wanted.items()
    }
    if scheme.verifies:
        settle = await _point(parties, _product(), 1, clock)
        for name in waiting:
            points[name] = tuple(_without(point, settle) for point in points[name])
        points[f"{scheme.name} settle"] = (settle,)
    return max(0.0, long - short) / (LONG - SHORT), short, points


def _product() -> Eqn:
    builder = Builder()
    x = builder.input("x", Type(SECRET, INT, (1,)))
    return builder.build("product", {"out": builder.emit("square", x)}).eqns[0]


def _without(point: Point, settle: Point) -> Point:
    """A tenth is left at least: both were measured."""
    seconds = max(point.seconds / 10, point.seconds - settle.seconds)
    return replace(point, seconds=seconds, messages=max(1.0, point.messages - settle.messages))


async def _point(parties: list[tuple[Ctx, Scheme]], eqn: Eqn, at: int, clock: Clock) -> Point:
    seconds, sent, frames = await _timed(parties, _alone(eqn, at), clock)
    return Point(at, sent, products(eqn) * at // max(1, size(eqn)), seconds, round(frames / len(parties), 2))


async def _timed(parties: list[tuple[Ctx, Scheme]], program: Program, clock: Clock) -> tuple[float, int, int]:
    """Seconds of one party, the median of several runs after one that is not counted; bytes and messages that
    all of them send."""
    taken: list[float] = []
    sent = frames = 0
    while len(taken) < 2 or (len(taken) <= MOST_RUNS and sum(taken) < AT_LEAST_S):
        scopes = [ctx.sub("calibration") for ctx, _ in parties]
        inputs = [_inputs(program, ctx, scheme) for ctx, scheme in parties]
        started = clock.now_s()
        await gather(
            *(
                execute(scope, scheme, program, given)
                for scope, (_, scheme), given in zip(scopes, parties, inputs, strict=True)
            )
        )
        taken.append(clock.now_s() - started)
        sent = sum(scope.meter().bytes_sent for scope in scopes)
        frames = sum(scope.meter().frames_sent for scope in scopes)
    return median(taken[1:]) / len(parties), sent, frames


def _additions(n: int) -> Program:
    """One after another, of secrets that are long or short."""
    builder, type = Builder(), Type(SECRET, FIXED, (n,))
    total, more = builder.input("x", type), builder.input("y", type)
    for _ in range(STEPS):
        total = builder.emit("add", total, more)
    return builder.build("additions", {"out": total})


def _alone(eqn: Eqn, at: int) -> Program:
    """A program of this operator only, at another size."""
    builder = Builder()
    made: dict[Var, Var] = {}
    for k, var in enumerate(dict.fromkeys(eqn.ins)):
        made[var] = builder.input(f"i{k}", Type(var.type.vis, var.type.dtype, _shape(eqn, k, var, at)))
    outs = builder.emit(eqn.op, *(made[var] for var in eqn.ins), **eqn.params)
    return builder.build("alone", {"out": outs if isinstance(outs, Var) else outs[0]})


def _shape(eqn: Eqn, k: int, var: Var, at: int) -> tuple[int, ...]:
    shape = var.type.shape
    if eqn.op == "matmul":
        return (at, *shape[1:]) if k == 0 and len(shape) == 2 else shape
    if eqn.op not in ELEMENTWISE or (eqn.op == "reveal" and k == 1):
        return shape
    return (at,)


def _inputs(program: Program, ctx: Ctx, scheme: Scheme) -> dict[str, Any]:
    """Zeros; of public values a number with many digits."""
    given: dict[str, Any] = {}
    for name, var in program.ins:
        vis, dtype, shape = var.type.vis, var.type.dtype, var.type.shape
        if isinstance(vis, Secret):
            boolean = dtype.kind == "bool"
            zeros = np.zeros(shape, np.uint8 if boolean else np.uint64)
            given[name] = scheme.constant(scheme.view(ctx), zeros, boolean=boolean)
        elif isinstance(vis, Private):
            given[name] = np.zeros(shape, numpy_dtype(dtype)) if vis.owner == ctx.me else None
        else:
            given[name] = np.full(shape, 0.3 if dtype.kind == "fixed" else 1, numpy_dtype(dtype))
    return given
