"""How a client comes to the server's current table: it names the one that it holds, and gets a newer one.

Source   the published tables of `table`.
Setting  whoever sends deviates as it likes: a table is believed for its signature only (`table.load`).
Cost     32 bytes to the server, 8 back, and the table's file if the client's is another.
"""

from __future__ import annotations

import hashlib

import numpy as np

from tacit.base.ctx import Ctx, require_two
from tacit.base.errors import LimitError
from tacit.base.protocol import protocol
from tacit.base.wire import Octets, Ring, octets
from tacit.psi.unbalanced.table import SIGNATURE_BYTES
from tacit.psi.unbalanced.voprf_jkk14 import DIGEST_BYTES, VOPRF

PIECE_BYTES = 1 << 24
LARGEST_FILE = 16 << 30


def digest_of(file: bytes) -> bytes:
    """What names a table's file in sessions: `Table.digest`; zeros for no file."""
    return hashlib.sha256(file[:-SIGNATURE_BYTES]).digest() if file else bytes(DIGEST_BYTES)


async def fetch(ctx: Ctx, held: bytes) -> bytes:
    """At the client: the server's current file, `held` itself if it is that. Raises LimitError PSI-0003."""
    require_two(ctx)
    n_bytes = await announce_file(ctx, digest_of(held), None)
    if n_bytes > LARGEST_FILE:
        raise LimitError("PSI-0003", "the server announces a table of more than 16 GiB")
    return await move(ctx, None, n_bytes) if n_bytes else held


async def publish(ctx: Ctx, file: bytes) -> None:
    """At the server: give the client `file`, unless it has it."""
    require_two(ctx)
    n_bytes = await announce_file(ctx, digest_of(file), len(file))
    if n_bytes:
        await move(ctx, file, n_bytes)


@protocol(
    source="which table",
    setting=VOPRF,
    rounds=2,
    bits=8 * (DIGEST_BYTES + 8),
    leaks=("the server learns which table the client has",),
)
async def announce_file(ctx: Ctx, digest: bytes, n_bytes: int | None) -> int:
    """How many bytes come now: none if both digests are one. `n_bytes`: of the server's file; None at the
    client."""
    if n_bytes is None:
        await ctx.send(ctx.peer, octets(digest))
        return int((await ctx.recv(ctx.peer, Ring, shape=(1,))).array[0])
    held = (await ctx.recv(ctx.peer, Octets, shape=(DIGEST_BYTES,))).array.tobytes()
    n_bytes = 0 if held == digest else n_bytes
    await ctx.send(ctx.peer, Ring(np.array([n_bytes], np.uint64)))
    return n_bytes


@protocol(
    source="table", setting=VOPRF, rounds=1, bits=lambda file, n_bytes: 8 * n_bytes, leaks=("the table",)
)
async def move(ctx: Ctx, file: bytes | None, n_bytes: int) -> bytes:
    """`file` of the server's, piece by piece."""
    pieces = []
    for start in range(0, n_bytes, PIECE_BYTES):
        scope, size = ctx.sub("piece"), min(PIECE_BYTES, n_bytes - start)
        if file is not None:
            await scope.send(scope.peer, octets(file[start : start + size]))
        else:
            pieces.append((await scope.recv(scope.peer, Octets, shape=(size,))).array.tobytes())
        ctx.log("table", done=start + size, total=n_bytes)
    return b"".join(pieces)
