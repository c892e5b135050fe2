"""`python -m bench compile`: seconds to compile a long program; what running one adds to calling the scheme.

The program has about a thousand operators as they are traced: products, weighted sums, comparisons, choices.
The overhead is that of a compiled chain of products and comparisons over the same calls of the scheme's own
methods, both in one process with all parties, taken in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from bench.measurement import machine
from bench.party import PerformanceClock
from tacit.base.ctx import Ctx
from tacit.base.protocol import gather
from tacit.base.session import open_session
from tacit.base.types import FIXED, FRACTION_BITS, SECRET, Private, Type
from tacit.compile import array as xp
from tacit.compile.trace import trace
from tacit.ir.program import Program
from tacit.mpc.execute import execute
from tacit.mpc.operators import subtract
from tacit.mpc.scheme import Scheme, Share, load
from tacit.net.memory import MemoryNetwork
from tacit.run.compiled import compiled

SUMMARY = "compile time of a program of a thousand operators, and run-time overhead of a compiled one"
TYPES = [("x", Type(Private(0), FIXED, (100,))), ("y", Type(Private(1), FIXED, (100,)))]
RANGES = {"x": (-1.0, 1.0), "y": (-1.0, 1.0)}
CHAIN = 4
SCHEMES = ("semi2k", "rep3")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON line per scheme")
    parser.add_argument("--n", type=int, default=100_000, help="elements of the arrays that are run on")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--scheme", choices=SCHEMES, action="append", help="one only; may be repeated")


def run(options: argparse.Namespace) -> None:
    """Print a line for each scheme."""
    for scheme in options.scheme or SCHEMES:
        found = measured(scheme, options.n, options.runs)
        if options.json:
            print(json.dumps(found), flush=True)
        else:
            print(
                f"{scheme:7} {found['operators']} operators: {found['seconds']:.3f} s "
                f"({found['cpu_seconds']:.3f} s of CPU); run on {options.n}: {found['overhead']:+.1%}"
                f" ({found['overhead_quartiles'][0]:+.1%} to {found['overhead_quartiles'][1]:+.1%})",
                flush=True,
            )


def measured(scheme: str, n: int, runs: int) -> dict[str, Any]:
    """Medians."""
    wall, cpu = [], []
    for _ in range(runs):
        started, busy = time.perf_counter(), time.process_time()
        compiled(long_program, TYPES, "long", scheme, RANGES)
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - busy)
    traced = trace(long_program, TYPES, "long", RANGES)
    pairs = asyncio.run(overhead(scheme, n, runs))
    ratios = sorted(by_program / by_hand - 1 for by_program, by_hand in pairs)
    return {
        "task": "compile",
        "scheme": scheme,
        "operators": sum(eqn.op != "const" for eqn in traced.eqns),
        "seconds": round(statistics.median(wall), 4),
        "cpu_seconds": round(statistics.median(cpu), 4),
        "n": n,
        "compiled_run_s": round(statistics.median(by_program for by_program, _ in pairs), 6),
        "direct_run_s": round(statistics.median(by_hand for _, by_hand in pairs), 6),
        "overhead": round(statistics.median(ratios), 4),
        "overhead_quartiles": [round(each, 4) for each in (ratios[runs // 4], ratios[-1 - runs // 4])],
        "machine": machine(),
    }


def long_program(x: Any, y: Any) -> Any:
    """Twelve operators a hundred times over, none the same twice."""
    for _ in range(100):
        product, mean = x * y, 0.5 * x + 0.5 * y
        least = xp.where(product < mean, product, mean)
        x, y = 0.125 * least + 0.5 * x, 0.5 * y - 0.125 * least
    return xp.reveal(xp.sum(x + y), name="out")


def chain(x: Any, y: Any) -> Any:
    for _ in range(CHAIN):
        x = xp.where(x < y, x * y, y)
    return x


async def directly(ctx: Ctx, scheme: Scheme, x: Share, y: Share) -> Share:
    """The same, as somebody writes it who knows the scheme."""
    for _ in range(CHAIN):
        product, less = await gather(
            scheme.mul_trunc(ctx, x, y, bits=FRACTION_BITS), scheme.msb(ctx, subtract(scheme, x, y))
        )
        x = scheme.add(await scheme.mux(ctx, less, subtract(scheme, product, y)), y)
    return x


async def overhead(scheme: str, n: int, runs: int) -> list[tuple[float, float]]:
    """Pairs of CPU seconds of all parties: of the compiled program, and of the scheme's methods right after
    or before it, by turns."""
    secret = Type(SECRET, FIXED, (n,))
    program = compiled(chain, [("x", secret), ("y", secret)], "chain", scheme, RANGES)
    kind = load(scheme)
    parties = kind.setting.parties
    network = MemoryNetwork(parties, transcript=False)
    clock = PerformanceClock()
    ctxs = await gather(
        *(
            open_session(network.endpoint(i), i, parties, clock=clock, job_digest=b"bench")
            for i in range(parties)
        )
    )
    started = await gather(*(kind.start(ctx.sub("setup")) for ctx in ctxs))
    taken: tuple[list[float], list[float]] = ([], [])
    both = list(zip(taken, (_compiled(program), directly), strict=True))
    rng = np.random.default_rng(1)
    for _ in range(1 + runs):
        both.reverse()
        values = [(rng.integers(-(1 << 17), 1 << 17, n)).view(np.uint64) for _ in range(2)]
        for times, way in both:
            shares = [
                [scheme_.constant(ctx, value) for value in values]
                for ctx, scheme_ in zip(ctxs, started, strict=True)
            ]
            busy = time.process_time()
            await gather(
                *(
                    way(ctx.sub("run"), scheme_, *pair)
                    for ctx, scheme_, pair in zip(ctxs, started, shares, strict=True)
                )
            )
            times.append(time.process_time() - busy)
    return list(zip(taken[0][1:], taken[1][1:], strict=True))


def _compiled(program: Program) -> Callable[..., Awaitable[Any]]:
    async def way(ctx: Ctx, scheme: Scheme, x: Share, y: Share) -> Any:
        return await execute(ctx, scheme, program, {"x": x, "y": y})

    return way
