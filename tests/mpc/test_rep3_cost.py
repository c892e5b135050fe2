"""rep3 on the wire: declared costs are measured, schedules do not depend on secrets, bodies are masked."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tacit.base.ctx import Ctx
from tacit.base.meter import depth, restart
from tacit.base.protocol import REGISTRY, gather
from tacit.base.setting import Spec
from tacit.mpc.rep3 import SCHEME, Rep3, chunks
from tacit.net.memory import MemoryNetwork
from tests.harness import SEED, contexts
from tests.mpc.test_rep3 import integers

N = 330
M, INNER, COLUMNS = 5, 7, 3
Call = Callable[[Rep3, Ctx, np.ndarray], Awaitable[Any]]
OPENING = ("reveal", "sort", "before")
"""Protocols whose purpose is to open something; what they send may depend on values."""


def part(scheme: Rep3, ctx: Ctx, values: np.ndarray, *shape: int) -> Any:
    """A share of public values, made without messages or coins."""
    count = int(np.prod(shape))
    return scheme.constant(ctx, np.ascontiguousarray(values[:count].reshape(shape)))


def bits(scheme: Rep3, ctx: Ctx, values: np.ndarray) -> Any:
    return scheme.constant(ctx, (values[:N] & np.uint64(1)).astype(np.uint8), boolean=True)


def calls() -> dict[str, Call]:
    """One call of every operation, on shares of the given values."""

    def both(s: Rep3, c: Ctx, v: np.ndarray) -> tuple[Any, Any]:
        return part(s, c, v, M, INNER), part(s, c, v, INNER, COLUMNS)

    def mine(c: Ctx, v: np.ndarray, owner: int, *shape: int) -> np.ndarray | None:
        count = int(np.prod(shape))
        return np.ascontiguousarray(v[:count].reshape(shape)) if c.me == owner else None

    return {
        "share": lambda s, c, v: s.share(c, mine(c, v, 1, N), owner=1, shape=(N,)),
        "share-bits": lambda s, c, v: s.share(
            c,
            (v[:N] & np.uint64(1)).astype(np.uint8) if c.me == 2 else None,
            owner=2,
            shape=(N,),
            boolean=True,
        ),
        "reveal": lambda s, c, v: s.reveal(c, part(s, c, v, N)),
        "reveal-bits": lambda s, c, v: s.reveal(c, bits(s, c, v)),
        "reveal-to-one": lambda s, c, v: s.reveal(c, part(s, c, v, N), to=1),
        "mul": lambda s, c, v: s.mul(c, part(s, c, v, N), part(s, c, v, N)),
        "square": lambda s, c, v: s.square(c, part(s, c, v, N)),
        "matmul": lambda s, c, v: s.matmul(c, *both(s, c, v)),
        "mul_private": lambda s, c, v: s.mul_private(c, mine(c, v, 1, N), part(s, c, v, N), owner=1),
        "matmul_private": lambda s, c, v: s.matmul_private(
            c, mine(c, v, 0, M, INNER), part(s, c, v, INNER, COLUMNS), owner=0, m=M
        ),
        "trunc": lambda s, c, v: s.trunc(c, part(s, c, v, N), bits=18),
        "trunc-far": lambda s, c, v: s.trunc(c, part(s, c, v, N), bits=40),
        "mul_trunc": lambda s, c, v: s.mul_trunc(c, part(s, c, v, N), part(s, c, v, N), bits=18),
        "square_trunc": lambda s, c, v: s.square_trunc(c, part(s, c, v, N), bits=18),
        "matmul_trunc": lambda s, c, v: s.matmul_trunc(c, *both(s, c, v), bits=18),
        "mul_private_trunc": lambda s, c, v: s.mul_private_trunc(
            c, mine(c, v, 2, N), part(s, c, v, N), owner=2, bits=18
        ),
        "matmul_private_trunc": lambda s, c, v: s.matmul_private_trunc(
            c, mine(c, v, 1, M, INNER), part(s, c, v, INNER, COLUMNS), owner=1, m=M, bits=18
        ),
        "and_": lambda s, c, v: s.and_(c, bits(s, c, v), bits(s, c, v)),
        "msb": lambda s, c, v: s.msb(c, part(s, c, v, N)),
        "below": lambda s, c, v: s.below(c, part(s, c, v, N), limits=(-7, 0, 1 << 40)),
        "a2b": lambda s, c, v: s.a2b(c, part(s, c, v, N)),
        "bits": lambda s, c, v: s.bits(c, part(s, c, v, N), low=18, high=24),
        "leading_one": lambda s, c, v: s.leading_one(c, part(s, c, v, N), low=5, high=37),
        "b2a": lambda s, c, v: s.b2a(c, bits(s, c, v)),
        "mux": lambda s, c, v: s.mux(c, bits(s, c, v), part(s, c, v, N)),
        "shuffle": lambda s, c, v: s.shuffle(c, part(s, c, v, N)),
        "sort": lambda s, c, v: s.sort(c, part(s, c, v, N)),
    }


CALLS = calls()


class Witness:
    """Collects, for every protocol call of every party, what it declared and what it used."""

    def __init__(self) -> None:
        self.calls: dict[str, list[tuple[Spec, tuple[Any, ...], int, int, int]]] = defaultdict(list)

    def __call__(self, spec: Spec, args: tuple[Any, ...], ctx: Ctx, began: int) -> None:
        self.calls[ctx.path].append((spec, args, ctx.meter().bytes_sent, began, depth()))


def observe(
    call: Call,
    values: np.ndarray,
    *,
    keep_bodies: bool = False,
    seed: bytes = SEED,
    kind: type[Rep3] = SCHEME,
) -> tuple[Witness, MemoryNetwork]:
    """Run one call for three parties whose clocks start together at zero."""
    witness, network = Witness(), MemoryNetwork(3, timeout_s=20, keep_bodies=keep_bodies)

    async def one(ctx: Ctx) -> None:
        scheme = await kind.start(ctx.sub("setup"))
        restart()
        await call(scheme, ctx.sub("call"), values)
        await scheme.settle(ctx.sub("settle"))

    async def everybody() -> None:
        ctxs = await contexts(network, 3, seed)
        network.transcript.clear()
        for ctx in ctxs:
            ctx.session = replace(ctx.session, witness=witness)
        await gather(*(one(ctx) for ctx in ctxs))

    asyncio.run(everybody())
    return witness, network


def verify(witness: Witness) -> set[str]:
    """Assert declared = measured for every call seen by the parties; returns the names of the protocols.

    Where a cost depends on a random order (None), the protocols below are still compared.
    """
    seen = set()
    for path, records in witness.calls.items():
        spec, args = records[0][0], records[0][1]
        assert len(records) == 3, f"{spec.name} at {path} was not called by all"
        rounds, bits = spec.cost(*args)
        seen.add(spec.name)
        if bits is None:
            continue
        assert bits == 8 * sum(record[2] for record in records), f"bits of {spec.name} at {path}"
        began, ended = max(record[3] for record in records), max(record[4] for record in records)
        if all(record[3] == 0 for record in records):
            assert rounds == ended, f"rounds of {spec.name} at {path}"
        assert rounds is not None and ended - began <= rounds, f"rounds of {spec.name} at {path}"
    return seen


@pytest.mark.parametrize("name", CALLS)
def test_declared_costs_are_measured(name: str) -> None:
    assert verify(observe(CALLS[name], np.zeros(N, np.uint64))[0])


@pytest.mark.parametrize("name", CALLS)
def test_declared_costs_are_measured_over_several_windows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 64)
    monkeypatch.setattr(chunks, "WINDOW", 2)
    assert verify(observe(CALLS[name], np.zeros(N, np.uint64))[0])


def test_every_protocol_is_reached() -> None:
    reached = set().union(*(verify(observe(call, np.zeros(N, np.uint64))[0]) for call in CALLS.values()))
    assert reached == {name for name in REGISTRY if name.startswith("mpc.rep3.")}


HEADLINES = {
    "mul": (24.0, 1),
    "trunc": (17.0, 1),
    "mul_trunc": (30.75, 2),
    "and_": (3 / 8, 1),
    "msb": (51.875, 4),
    "a2b": (144.375, 8),
    "b2a": (32.0, 1),
    "mux": (48.0, 1),
    "shuffle": (32.0, 2),
}
"""Bytes per element of all three parties together, and rounds: what the README promises."""


@pytest.mark.parametrize("name", HEADLINES)
def test_headline_costs(name: str) -> None:
    per_element, rounds = HEADLINES[name]
    _, network = observe(CALLS[name], np.zeros(N, np.uint64))
    padded = -(-N // 64) * 64
    total = sum(entry.n_bytes for entry in network.transcript)
    assert N * per_element <= total <= padded * per_element
    assert max(entry.clock for entry in network.transcript) == rounds


# --- what crosses the wire ----------------------------------------------------------------------------

MASKED = [name for name in CALLS if not name.startswith(OPENING)]


@pytest.mark.parametrize("name", MASKED)
def test_the_schedule_does_not_depend_on_values(name: str) -> None:
    seen = []
    for values in (np.zeros(N, np.uint64), integers("schedule", (N,), 1 << 61).view(np.uint64)):
        transcript = observe(CALLS[name], values)[1].transcript
        seen.append(sorted((e.path, e.frm, e.to, e.n_bytes, e.clock) for e in transcript))
    assert seen[0] == seen[1] and seen[0]


@pytest.mark.parametrize("name", MASKED)
def test_every_body_is_uniform_whatever_the_values(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs with no randomness of their own (public constants): whatever is not masked would show.

    Bits of every link, over 40 runs with other coins: each bit of each message is 1 about half the time.
    """
    runs = 40
    for values in (np.zeros(N, np.uint64), np.full(N, (1 << 61) - 1, np.uint64)):
        ones: dict[str, np.ndarray] = {}
        for run in range(runs):
            network = observe(CALLS[name], values, keep_bodies=True, seed=b"run %d" % run)[1]
            for entry in network.transcript:
                key = f"{entry.path} {entry.frm}->{entry.to}"
                assert entry.body is not None
                bits_of = np.unpackbits(np.frombuffer(entry.body, np.uint8)).astype(np.int64)
                ones[key] = ones.get(key, np.zeros_like(bits_of)) + bits_of
        for key, counts in ones.items():
            live = counts[counts > 0]  # bits of a padded tail are zero in every run
            assert np.all(np.abs(live - runs / 2) < 19), f"a constant bit in {key}"
            mean, n = live.mean() / runs, live.size * runs
            assert abs(mean - 0.5) < 5 / (2 * np.sqrt(n)), f"{key} is not balanced"
            tail = counts.size - live.size
            assert tail <= padding(name, counts.size), f"{key}: {tail} bits that never change"


def padding(name: str, size: int) -> int:
    """At most this many bits of a body may be padding: bits and bit planes are filled up to words."""
    planes = name == "share-bits" or "trunc" in name
    return size * (64 - N % 64) // 64 if planes else 0
