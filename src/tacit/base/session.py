"""Opening a session: fresh common and private keys among the parties of a run.

Root key = KDF(fresh OS entropy, channel binding, nonces of all parties, job digest, attempt). Common
roots mix one secret nonce from each holder, sent over the authenticated confidential transport, so they
are uniform if one holder is honest *and* the adversary does not choose last; semi-honest runs need no more.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from tacit.base.ctx import Ctx, Session
from tacit.base.log import Sink, silent
from tacit.base.prg import SEED_BYTES, Prg, derive, fresh_entropy
from tacit.base.secret import Secret
from tacit.base.transport import Clock, Frame, Transport
from tacit.base.wire import Octets


async def open_session(
    transport: Transport,
    me: int,
    n: int,
    *,
    clock: Clock,
    job_digest: bytes,
    channel_binding: bytes = b"",
    attempt: int = 0,
    sink: Sink = silent,
    insecure_seed: bytes | None = None,
) -> Ctx:
    """The root `Ctx` of party `me` in a run of `n` parties. Sends 64 bytes to each other party.

    `insecure_seed` replaces the OS entropy, for tests of replay only.
    """
    entropy = fresh_entropy() if insecure_seed is None else derive(Secret(insecure_seed), str(me)).expose()
    own = Prg(derive(Secret(entropy), "nonces"))
    announced = own.bytes(SEED_BYTES)
    to_pair = {other: own.bytes(SEED_BYTES) for other in range(n) if other != me}
    path = f"session.{attempt}"
    for other, nonce in to_pair.items():
        await transport.send(Frame(path, me, other, Octets(np.stack([announced, nonce])).pack(), 0))
    public, from_pair = {me: announced.tobytes()}, {}
    for other in to_pair:
        shape = (2, SEED_BYTES)
        frame = await transport.recv(path, other, me, limit_bytes=Octets.limit_bytes(shape))
        rows = Octets.unpack(frame.body, shape).array
        public[other], from_pair[other] = rows[0].tobytes(), rows[1].tobytes()
    context = (channel_binding, *(public[i] for i in range(n)), job_digest, attempt.to_bytes(8, "little"))
    common = {}
    for low, high in combinations(range(n), 2):
        if me in (low, high):
            other = high if me == low else low
            mine, theirs = to_pair[other].tobytes(), from_pair[other]
            halves = (mine, theirs) if me == low else (theirs, mine)
            common[frozenset((low, high))] = derive(
                Secret(halves[0]), "common", halves[1], f"{low},{high}", *context
            )
    private = derive(Secret(entropy), "private", *context)
    session = Session(transport, clock, private, common, sink, insecure=insecure_seed is not None)
    return Ctx(me, n, f"run.{attempt}", session)
