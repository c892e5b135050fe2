"""Oblivious evaluation of a client's items under a server's committed key, and their look-up in its table.

Source   [JKK14] Jarecki, Kiayias, Krawczyk, eprint 2014/650; RFC 9497, mode VOPRF, ristretto255-SHA512.
Setting  malicious client or server for privacy of the client's items and of the server's key; the client's
         results are right if the server's table is (it proves that it used the committed key, the same for
         all clients). One-more gap DH, random oracle.
Leaks    to the server: how many items, not which, nor what came out. To the client: which of its items are in
         the table; what `table.py` says.
Differs  one proof covers a chunk of 4,096 elements.
Cost     64 bytes an item and 64 a chunk, 40 bytes at the start; 2 rounds. Client: two hash-and-multiply's
         worth an item and two products of a sum; server: one multiplication and a product of a sum.

Notation     paper       here
  k, v       key, public `key`, `commitment`
  r          blind       `blinds`
  a, b       messages    `blinded`, `evaluated`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx, require_two
from tacit.base.errors import LimitError, PeerError, PolicyError
from tacit.base.protocol import gather, protocol
from tacit.base.setting import Setting
from tacit.base.wire import Octets, Ring, octets, peer_bytes
from tacit.psi.functionality import Items
from tacit.psi.unbalanced.table import TAG_BYTES, Table

VOPRF = Setting(
    parties=2,
    corrupted=1,
    adversary="malicious",
    security="computational",
    assumes=("private channels", "random oracle", "one-more gap DH in ristretto255"),
)
CHUNK = 1 << 12
POINT_BYTES, PROOF_BYTES, DIGEST_BYTES = 32, 64, 32
MOST_QUERIES = 1 << 24


@dataclass(frozen=True)
class Server:
    """The key, the digest of the table that clients must hold, and who is told what is asked
    (`Budget.charge`, with the client's name bound)."""

    key: bytes
    digest: bytes
    charge: Callable[[int], None]
    threads: int = 1


@dataclass(frozen=True)
class Client:
    """The items to look up, and the table that it holds."""

    items: Items
    table: Table
    threads: int = 1


async def look_up(ctx: Ctx, side: Client | Server) -> np.ndarray | None:
    """bool[n] at the client: which of its items are in the table; None at the server.

    Raises, at the server, PolicyError PSI-0013 for another table and what `charge` raises, before anything is
    evaluated; at the client, PeerError PSI-0014 if the proof of the key does not hold.
    """
    require_two(ctx)
    tags = await evaluate(ctx, side, await announce(ctx, side))
    return side.table.contains(tags) if isinstance(side, Client) and tags is not None else None


@protocol(
    source="number of queries",
    setting=VOPRF,
    rounds=1,
    bits=8 * (8 + DIGEST_BYTES),
    leaks=("the server learns how many items are asked",),
)
async def announce(ctx: Ctx, side: Client | Server) -> int:
    """The number of items, once the server agrees to evaluate them."""
    if isinstance(side, Client):
        await ctx.send(ctx.peer, Ring(np.array([len(side.items)], np.uint64)))
        await ctx.send(ctx.peer, octets(side.table.digest))
        return len(side.items)
    n = int((await ctx.recv(ctx.peer, Ring, shape=(1,))).array[0])
    digest = (await ctx.recv(ctx.peer, Octets, shape=(DIGEST_BYTES,))).array.tobytes()
    if n > MOST_QUERIES:
        raise LimitError("PSI-0003", "the client announces more than 2^24 queries")
    if digest != side.digest:
        raise PolicyError(
            "PSI-0013",
            "the client holds another table than the one that is served",
            hint="the client must fetch the current table first",
        )
    side.charge(n)
    return n


@protocol(
    source="JKK14 §4; RFC 9497 §3.3.2",
    setting=VOPRF,
    rounds=2,
    bits=lambda side, n: 8 * (2 * POINT_BYTES * n + PROOF_BYTES * -(-n // CHUNK)),
)
async def evaluate(ctx: Ctx, side: Client | Server, n: int) -> np.ndarray | None:
    """uint8[n, 24] at the client: the function's outputs on its items; None at the server."""
    if isinstance(side, Client):
        return await _ask(ctx, side)
    await _answer(ctx, side, n)
    return None


async def _ask(ctx: Ctx, client: Client) -> np.ndarray:
    items = client.items
    scopes = [(ctx.sub("chunk"), start) for start in range(0, len(items), CHUNK)]
    kept: list[tuple[np.ndarray, np.ndarray]] = []

    async def blind() -> None:  # Step 1: H(x)^r, with fresh r
        for scope, start in scopes:
            part = items.part(start, min(start + CHUNK, len(items)))
            coins = scope.private().bytes(64 * len(part)).reshape(-1, 64)
            blinded, blinds = _kernel.oprf_blind(part.data, part.offsets, coins, client.threads)
            kept.append((blinded, blinds))  # before the answer can be there
            await scope.send(scope.peer, Octets(blinded))

    async def unblind() -> np.ndarray:  # Step 3: the proof, then F = H'(x, b^(1/r))
        tags = [np.empty((0, TAG_BYTES), np.uint8)]
        for index, (scope, start) in enumerate(scopes):
            part = items.part(start, min(start + CHUNK, len(items)))
            evaluated = (await scope.recv(scope.peer, Octets, shape=(len(part), POINT_BYTES))).array
            proof = (await scope.recv(scope.peer, Octets, shape=(PROOF_BYTES,))).array.tobytes()
            blinded, blinds = kept[index]
            with peer_bytes():
                holds = _kernel.oprf_verify(client.table.commitment, blinded, evaluated, proof)
                if not holds:
                    raise PeerError(
                        "PSI-0014",
                        "the server did not prove that it used the key that its table commits to",
                        hint="do not use its answers; ask its operator which table is the current one",
                    )
                tags.append(
                    _kernel.oprf_finalize(
                        part.data, part.offsets, evaluated, blinds, client.threads, TAG_BYTES
                    )
                )
            ctx.log("psi", done=start + len(part), total=len(items))
        return np.concatenate(tags)

    tags: np.ndarray = (await gather(blind(), unblind()))[1]
    return tags


async def _answer(ctx: Ctx, server: Server, n: int) -> None:
    scopes = [(ctx.sub("chunk"), start) for start in range(0, n, CHUNK)]
    for scope, start in scopes:  # Step 2: b = a^k, and that it is
        shape = (min(CHUNK, n - start), POINT_BYTES)
        blinded = (await scope.recv(scope.peer, Octets, shape=shape)).array
        with peer_bytes():
            evaluated = _kernel.remask_points(blinded, server.key, server.threads)
            coins = scope.private().bytes(64).tobytes()
            proof = _kernel.oprf_prove(server.key, blinded, evaluated, coins)
        await scope.send(scope.peer, Octets(evaluated))
        await scope.send(scope.peer, octets(proof))
        ctx.log("psi", done=start + shape[0], total=n)
