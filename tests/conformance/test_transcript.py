"""What crosses the wire: it does not depend on secrets, it repeats under a seed, and damage to it has a name.

Walks the schemes and the set intersections that exist; a new one is tested by existing.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import tacit.psi
from tacit.base.ctx import Ctx
from tacit.base.errors import TacitError
from tacit.base.protocol import gather
from tacit.base.session import open_session
from tacit.base.transport import Transport
from tacit.mpc.scheme import SCHEMES, find, load
from tacit.net.faults import Fault, Faulty, Kind, Relay
from tacit.net.memory import Entry, MemoryNetwork
from tacit.net.tls import Endpoint, PeerAddress, TlsIdentity, connect
from tacit.psi.functionality import BOTH, Items, Psi
from tests.harness import SEED, StoppedClock, contexts, parties_of
from tests.net.conftest import HOST, make_identity

for _module in pkgutil.iter_modules(tacit.psi.__path__):
    importlib.import_module(f"tacit.psi.{_module.name}")
PSIS = {kind.name: kind for base in Psi.__subclasses__() for kind in (base, *base.__subclasses__())}

Party = Callable[[Ctx, int], Awaitable[Any]]
"""An interactive function of (ctx, which of two secret inputs); its result must be comparable with ==."""

N = 4


def arithmetic(scheme: str) -> Party:
    """share, mul, trunc, comparison, reveal: one of everything, on inputs that `variant` picks."""

    async def party(ctx: Ctx, variant: int) -> Any:
        started = await find(scheme).start(ctx.sub("setup"))
        ctx = started.view(ctx)
        rng = np.random.default_rng(variant)
        mine = (rng.integers(-(1 << 30), 1 << 30, N) << variant).view(np.uint64)
        x, y = [
            await started.share(ctx, mine if ctx.me == owner else None, owner=owner, shape=(N,))
            for owner in (0, 1)
        ]
        z = await started.trunc(ctx, await started.mul(ctx, x, y), bits=18)
        negative = await started.msb(ctx, z)
        first = await started.reveal(ctx, z)
        second = await started.reveal(ctx, await started.b2a(ctx, negative))
        if first is None or second is None:
            assert ctx.me in started.outsiders
            return None
        return first.tolist(), second.tolist()

    return party


def linear(scheme: str) -> Party:
    """share, sum, a mean's factor, reveal to all and to one."""

    async def party(ctx: Ctx, variant: int) -> Any:
        started = await find(scheme).start(ctx.sub("setup"))
        rng = np.random.default_rng(variant)
        mine = (rng.integers(-(1 << 30), 1 << 30, N) << variant).view(np.uint64)
        total = started.constant(ctx, np.zeros(N, np.uint64))
        for owner in range(ctx.n):
            x = await started.share(ctx, mine if ctx.me == owner else None, owner=owner, shape=(N,))
            total = started.add(total, x)
        mean = await started.trunc(ctx, started.scale(total, np.array(87381, np.uint64)), bits=18)
        first = await started.reveal(ctx, mean)
        second = await started.reveal(ctx, total, to=1)
        assert first is not None
        return first.tolist(), None if second is None else second.tolist()

    return party


def intersection(kind: str) -> Party:
    """20 against 33 items; 5 in common, or 11."""

    async def party(ctx: Ctx, variant: int) -> Any:
        n_common = (5, 11)[variant]
        common = [b"both-%d-%d" % (variant, i) for i in range(n_common)]
        own = [b"%d-%d" % (ctx.me, i) for i in range((20, 33)[ctx.me] - n_common)]
        receivers = frozenset((0,)) if PSIS[kind].one_receiver else BOTH
        found = await PSIS[kind]().intersect(ctx, Items.of(own + common), receivers=receivers)
        if found.rows is None:
            assert ctx.me not in receivers
            return None
        return [(own + common)[row] for row in found.rows]

    return party


PROGRAMS: dict[str, Party] = {
    **{f"scheme-{name}": (linear if load(name).linear_only else arithmetic)(name) for name in SCHEMES},
    **{f"psi-{name}": intersection(name) for name in PSIS},
}


N_PARTIES = dict.fromkeys(PROGRAMS, 2) | {f"scheme-{name}": parties_of(name) for name in SCHEMES}


def transcript(name: str, variant: int, seed: bytes = SEED) -> tuple[list[Entry], list[Any]]:
    """Every frame in the order of sending, bodies included, and all parties' results."""
    party, n = PROGRAMS[name], N_PARTIES[name]

    async def everybody() -> tuple[list[Entry], list[Any]]:
        network = MemoryNetwork(n, timeout_s=20, keep_bodies=True)
        results = await gather(*(party(ctx, variant) for ctx in await contexts(network, n, seed)))
        return network.transcript, results

    return asyncio.run(everybody())


def schedule(entries: list[Entry]) -> list[tuple[str, int, int, int, int]]:
    return [entry[:5] for entry in entries]


def digest(entries: list[Entry]) -> str:
    state = hashlib.sha256()
    for entry in entries:
        state.update(f"{entry[:5]}".encode() + (entry.body or b""))
    return state.hexdigest()


# --- what an observer sees ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_schedule_does_not_depend_on_secrets(name: str) -> None:
    first, first_results = transcript(name, 0)
    second, second_results = transcript(name, 1)
    assert first_results != second_results, "the two inputs must differ in what they give"
    assert schedule(first) == schedule(second)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_transcript_repeats_under_its_seed_and_only_under_it(name: str) -> None:
    first, second = (transcript(name, 0) for _ in range(2))
    assert digest(first[0]) == digest(second[0])
    assert first[1] == second[1]
    other = transcript(name, 0, b"another seed")[0]
    assert digest(first[0]) != digest(other)
    same_body = [a.path for a, b in zip(first[0], other, strict=True) if a.body == b.body and a.n_bytes >= 8]
    if not name.endswith("plain"):
        sizes = [path for path in same_body if "agree_sizes" not in path]
        revealed = [path for path in sizes if "reveal" not in path]
        assert revealed == [], "a body that does not change with the coins would show its input"


# --- damage -------------------------------------------------------------------------------------------


class Damaged:
    """A network whose party `sender` commits `fault`."""

    def __init__(self, network: MemoryNetwork, sender: int, fault: Fault) -> None:
        self.faulty = Faulty(network.endpoint(sender), fault)
        self._network, self._sender = network, sender

    def endpoint(self, me: int) -> Transport:
        return self.faulty if me == self._sender else self._network.endpoint(me)


async def attempt(transport: Transport, me: int, party: Party, n: int = 2) -> Any:
    """The party's result, or the named error that it ended with; what else it raises is a fault of ours."""
    try:
        ctx = await open_session(
            transport, me, n, clock=StoppedClock(), job_digest=b"test", insecure_seed=SEED
        )
        result = await party(ctx, 0)
        await transport.close()
        return result
    except TacitError as error:
        await transport.close(error.code)
        return error


async def damaged_run(name: str, entry: Entry, kind: Kind, timeout_s: float) -> tuple[list[Any], list[Entry]]:
    """All parties' results, and the frames that were carried."""
    party, n = PROGRAMS[name], N_PARTIES[name]
    network = MemoryNetwork(n, timeout_s=timeout_s)
    fault = Fault(kind, lambda frame: (frame.path, frame.to) == (entry.path, entry.to), amount=1)
    damaged = Damaged(network, entry.frm, fault)
    results = await asyncio.wait_for(
        asyncio.gather(*(attempt(damaged.endpoint(me), me, party, n) for me in range(n))), 30
    )
    assert damaged.faulty.hit, f"{entry.path} was never sent"
    return list(results), network.transcript


NAMED = {
    "drop": ({"NET-0003"}, {"NET-0003", "PEER-0002", "PEER-0004"}),
    "truncate": ({"PEER-0001"}, {"PEER-0002", "PEER-0004"}),
    "replay": ({"PEER-0003"}, {"PEER-0002", "PEER-0004"}),
}
"""By kind of damage: the codes of the one who is sent it, and of the one who sends it."""


@pytest.mark.parametrize("kind", sorted(NAMED))
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_frame_damaged_in_turn_ends_both_parties_with_a_named_error(name: str, kind: Kind) -> None:
    """A party to which all that was due has come whole is done, and right; nobody else has a result."""
    entries, clean = transcript(name, 0)

    async def all_of_them() -> list[tuple[list[Any], list[Entry]]]:
        if kind == "drop":  # they wait together
            return await asyncio.gather(*(damaged_run(name, entry, kind, 3.0) for entry in entries))
        return [await damaged_run(name, entry, kind, 20.0) for entry in entries]

    n_errors = 0
    for entry, (results, carried) in zip(entries, asyncio.run(all_of_them()), strict=True):
        for me, result in enumerate(results):
            victims, senders = NAMED[kind]
            if isinstance(result, TacitError):
                named = victims | senders if me == entry.to else senders
                assert result.code in named, f"{kind} of {entry.path}: {result}"
                n_errors += 1
            else:
                assert due(entries, me) <= due(carried, me), (
                    f"{kind} of {entry.path}: party {me} has a result"
                )
                assert result == clean[me]
    assert n_errors > len(entries), "only the last round may be damaged without both noticing"


def due(entries: list[Entry], me: int) -> set[tuple[str, int]]:
    """Names and lengths of the frames for `me`."""
    return {(entry.path, entry.n_bytes) for entry in entries if entry.to == me}


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> list[TlsIdentity]:
    folder = tmp_path_factory.mktemp("identities")
    return [make_identity(folder, name) for name in ("bank", "partner")]


async def over_tls(
    identities: list[TlsIdentity], party: Party, after_bytes: int | None
) -> tuple[list[Any], int]:
    """Results over TLS through a relay that flips one bit; and the bytes that the dialing party sent."""
    import socket

    with socket.create_server((HOST, 0)) as held:
        port = held.getsockname()[1]
    relay = Relay(HOST, port, fault="none" if after_bytes is None else "flip", after_bytes=after_bytes or 0)
    await relay.start(HOST)
    certificates = [identity.certificate_path for identity in identities]
    transports = await asyncio.gather(
        connect(
            Endpoint(0, HOST, port, identities[0]),
            PeerAddress(1, HOST, 0, certificates[1]),
            timeout_s=15,
            recv_timeout_s=5,
        ),
        connect(
            Endpoint(1, HOST, 0, identities[1]),
            PeerAddress(0, HOST, relay.port, certificates[0]),
            timeout_s=15,
            recv_timeout_s=5,
        ),
    )
    try:
        results = await asyncio.wait_for(
            asyncio.gather(*(attempt(transport, me, party) for me, transport in enumerate(transports))), 30
        )
        return list(results), transports[1].wire_bytes_sent
    finally:
        await relay.close()


HANDSHAKE_BYTES = 4096
"""More than what the dialing side sends before the first frame."""


def test_a_flipped_bit_under_tls_ends_both_parties_with_a_named_error(identities: list[TlsIdentity]) -> None:
    party = PROGRAMS["scheme-semi2k"]
    clean, n_bytes = asyncio.run(over_tls(identities, party, None))
    assert clean == transcript("scheme-semi2k", 0)[1]
    assert n_bytes > 3 * HANDSHAKE_BYTES
    for after_bytes in np.linspace(HANDSHAKE_BYTES, n_bytes - 1, 6).astype(int):
        results, _ = asyncio.run(over_tls(identities, party, int(after_bytes)))
        codes = [result.code if isinstance(result, TacitError) else "a result" for result in results]
        assert set(codes) <= {"NET-0004", "PEER-0002"}, f"bit flipped after {after_bytes} bytes: {codes}"


# --- what one party could learn -----------------------------------------------------------------------

SMALLEST_P = 1e-6
UNIFORM = ("and_words", "masked_bit_product.0#", "masked_bit_product.1#", "tags-to")
"""Frames that are masked bits and nothing else; others have zero tail bits, or are points."""


@pytest.mark.nightly
@pytest.mark.parametrize("name", [name for name in PROGRAMS if not name.endswith("plain")])
def test_received_bytes_do_not_tell_the_inputs_apart(name: str) -> None:
    """Bytes by position class, over 200 seeds, for two inputs: same distribution; masks uniform."""
    counts: dict[tuple[str, int], np.ndarray] = defaultdict(lambda: np.zeros(256, np.int64))
    for number in range(200):
        for variant in (0, 1):
            for entry in transcript(name, variant, b"smoke %d %d" % (number, variant))[0]:
                if "reveal" in entry.path or "agree_sizes" in entry.path:
                    continue
                assert entry.body is not None
                bins = np.bincount(np.frombuffer(entry.body, np.uint8), minlength=256)
                counts[f"{entry.path}>{entry.to}", variant] += bins
    for path in {path for path, _ in counts}:
        first, second = counts[path, 0], counts[path, 1]
        if np.sum(first + second) <= 256 * 20:  # short frames: by their upper four bits
            first, second = (row.reshape(16, 16).sum(axis=1) for row in (first, second))
        seen = first + second > 20
        assert stats.chi2_contingency(np.stack([first[seen], second[seen]])).pvalue > SMALLEST_P, path
        if any(part in path for part in UNIFORM):
            assert stats.chisquare(first + second).pvalue > SMALLEST_P, path


def test_no_input_crosses_in_the_clear(tmp_path: Path) -> None:
    """A packet look: ids and values of a marked input are nowhere in the bytes sent."""
    ids = [b"customer-%05d" % i for i in range(20)]

    async def party(ctx: Ctx, variant: int) -> Any:
        await PSIS["ecdh"]().intersect(ctx, Items.of(ids))
        scheme = await find("semi2k").start(ctx.sub("setup"))
        mark = np.full(64, 0x1122334455667788, np.uint64)
        x = await scheme.share(ctx, mark if ctx.me == 0 else None, owner=0, shape=(64,))
        await scheme.mul(ctx, x, x)

    sent = b"".join(entry.body or b"" for entry in transcript("scheme-semi2k", 0)[0])
    assert not any(item in sent for item in ids)
    assert (0x1122334455667788).to_bytes(8, "little") not in sent
