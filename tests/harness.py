"""Runs the parties of a protocol in one process, for every suite."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tacit.base.ctx import Ctx
from tacit.base.protocol import gather
from tacit.base.session import open_session
from tacit.mpc.scheme import Scheme, find, load
from tacit.net.memory import MemoryNetwork

SEED = b"tacit tests"


class StoppedClock:
    def now_s(self) -> float:
        return 0.0


async def contexts(network: MemoryNetwork, n: int, seed: bytes | None = SEED) -> list[Ctx]:
    return await gather(
        *(
            open_session(
                network.endpoint(i), i, n, clock=StoppedClock(), job_digest=b"test", insecure_seed=seed
            )
            for i in range(n)
        )
    )


def run_parties(
    party: Callable[[Ctx], Awaitable[Any]], n: int = 2, *, timeout_s: float = 20.0, seed: bytes | None = SEED
) -> list[Any]:
    """The results of `party(ctx)` for each of n parties."""

    async def everybody() -> list[Any]:
        network = MemoryNetwork(n, timeout_s=timeout_s)
        return await gather(*(party(ctx) for ctx in await contexts(network, n, seed)))

    return asyncio.run(everybody())


def parties_of(name: str) -> int:
    """How many parties a scheme is tried with: as many as it is for, two for `plain`."""
    return max(2, load(name).setting.parties)


def owners_of(name: str) -> int:
    """How many of them, the first ones, have inputs and learn results."""
    return parties_of(name) - len(load(name).outsiders)


def run_scheme(
    name: str, party: Callable[[Ctx, Scheme], Awaitable[Any]], *, seed: bytes | None = SEED
) -> list[Any]:
    """The results of `party(ctx, scheme)` for each party of a started scheme."""

    async def one(ctx: Ctx) -> Any:
        scheme = await find(name).start(ctx.sub("setup"))
        return await party(scheme.view(ctx), scheme)

    return run_parties(one, parties_of(name), seed=seed)
