"""Unbalanced intersection: tables against Python's sets; servers, clients and files that deviate."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.errors import LimitError, PeerError, PolicyError, TacitError, UsageError
from tacit.base.wire import Octets, octets
from tacit.psi.functionality import Items
from tacit.psi.unbalanced import publish
from tacit.psi.unbalanced import table as tables
from tacit.psi.unbalanced import voprf_jkk14 as voprf
from tacit.psi.unbalanced.budget import MemoryBudget
from tacit.psi.unbalanced.table import Header, Table
from tests.conformance.test_cost import observe, verify
from tests.harness import run_parties

KEY = _kernel.reduce_scalar(bytes(range(64)))
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(32))
VECTORS = Path(__file__).parents[3] / "shared/data/vectors/oprf_rfc9497.json"


def signed_by(signer: Ed25519PrivateKey) -> Callable[[bytes, bytes], bool]:
    def verify(signature: bytes, digest: bytes) -> bool:
        try:
            signer.public_key().verify(signature, digest)
        except InvalidSignature:
            return False
        return True

    return verify


def ids(start: int, stop: int) -> list[bytes]:
    return [b"id-%d" % i for i in range(start, stop)]


def table_file(items: list[bytes], **options: Any) -> bytes:
    options = {"version": 1, "queries": 1 << 20} | options
    return tables.build(tables.evaluate(Items.of(items), KEY), KEY, SIGNER.sign, **options)


def table_of(items: list[bytes]) -> Table:
    return tables.load(table_file(items), signed_by(SIGNER))


def free(n: int) -> None:
    """A budget without an end."""


def ask(
    table: Table, items: list[bytes], *, key: bytes = KEY, charge: Any = free, digest: bytes | None = None
) -> np.ndarray:
    async def party(ctx: Ctx) -> np.ndarray | None:
        if ctx.me == 0:
            return await voprf.look_up(ctx, voprf.Client(Items.of(items), table))
        return await voprf.look_up(ctx, voprf.Server(key, digest or table.digest, charge))

    found, nothing = run_parties(party)
    assert nothing is None and found is not None
    return found


@pytest.mark.parametrize(("size", "asked"), [(0, 5), (1, 1), (3, 0), (1000, 40), (40, 5000)])
def test_what_is_found_is_what_is_there(size: int, asked: int) -> None:
    queries = ids(size // 2, size // 2 + asked)
    expected = [item in set(ids(0, size)) for item in queries]
    assert ask(table_of(ids(0, size)), queries).tolist() == expected


def test_many_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "SHARD_ITEMS", 64)
    table = table_of(ids(0, 1000))
    assert len(table.header.counts) == 15 and sum(table.header.counts) == 1000
    assert ask(table, ids(900, 1100)).tolist() == [True] * 100 + [False] * 100


def test_answers_may_arrive_while_the_request_is_still_being_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    send = Ctx.send

    async def slow(ctx: Ctx, *message: Any, **options: Any) -> None:
        await send(ctx, *message, **options)
        for _ in range(50 if ctx.me == 0 else 0):
            await asyncio.sleep(0)

    monkeypatch.setattr(voprf, "CHUNK", 4)
    monkeypatch.setattr(Ctx, "send", slow)
    assert ask(table_of(ids(0, 10)), ids(5, 15)).tolist() == [True] * 5 + [False] * 5


@pytest.mark.skipif(not VECTORS.exists(), reason="test vectors are not beside this checkout")
def test_rfc_9497_vectors() -> None:
    suites = json.loads(VECTORS.read_text())
    [suite] = [s for s in suites if s["identifier"] == "ristretto255-SHA512" and s["mode"] == 1]
    key = bytes.fromhex(suite["skSm"])
    assert _kernel.oprf_public_key(key).hex() == suite["pkSm"]
    assert len(suite["vectors"]) == 3
    for vector in suite["vectors"]:
        inputs, blinds, blinded, evaluated, outputs = (
            [bytes.fromhex(text) for text in vector[name].split(",")]
            for name in ("Input", "Blind", "BlindedElement", "EvaluationElement", "Output")
        )
        items = Items.of(inputs)
        coins = np.array([[*blind, *bytes(32)] for blind in blinds], np.uint8)
        got, kept = _kernel.oprf_blind(items.data, items.offsets, coins, 1)
        assert [row.tobytes() for row in got] == blinded
        answer = _kernel.remask_points(got, key, 1)
        assert [row.tobytes() for row in answer] == evaluated
        r = bytes.fromhex(vector["Proof"]["r"])
        proof = _kernel.oprf_prove(key, got, answer, r + bytes(32))
        assert proof.hex() == vector["Proof"]["proof"]
        assert _kernel.oprf_verify(bytes.fromhex(suite["pkSm"]), got, answer, proof)
        tags = _kernel.oprf_finalize(items.data, items.offsets, answer, kept, 1, 64)
        assert [row.tobytes() for row in tags] == outputs
        assert np.array_equal(_kernel.oprf_evaluate_items(items.data, items.offsets, key, 1, 64), tags)


def test_a_header_declares_the_version() -> None:
    header = tables.load(table_file(ids(0, 9), version=7, changes=(4, 2)), signed_by(SIGNER)).header
    assert header == Header(7, _kernel.oprf_public_key(KEY).hex(), 9, 1 << 20, 8, (4, 2), (9,), header.seeds)


@pytest.mark.parametrize(("queries", "width"), [(1, 5), (256, 6), (257, 7), (1 << 24, 8)])
def test_fingerprints_leave_2_to_the_minus_40_for_all_queries(queries: int, width: int) -> None:
    assert tables.fingerprint_bytes(queries) == width


def test_too_many_queries_under_one_key() -> None:
    with pytest.raises(LimitError) as refused:
        tables.fingerprint_bytes((1 << 24) + 1)
    assert refused.value.code == "PSI-0010"


def test_repeated_items_are_refused() -> None:
    tags = tables.evaluate(Items.of(ids(0, 3)), KEY)
    with pytest.raises(UsageError) as refused:
        tables.build(np.concatenate([tags, tags[:1]]), KEY, SIGNER.sign, version=1, queries=1)
    assert refused.value.code == "PSI-0001"


def test_every_changed_byte_of_a_file_is_noticed() -> None:
    file = table_file(ids(0, 3))
    for at in [0, 14, 20, len(file) // 2, len(file) - 65, len(file) - 1]:
        changed = bytearray(file)
        changed[at] ^= 1
        with pytest.raises(PeerError, match="PSI-0011"):
            tables.load(bytes(changed), signed_by(SIGNER))
    for cut in (0, 10, 64, 100, len(file) - 1):
        with pytest.raises(PeerError, match="PSI-0011"):
            tables.load(file[:cut], signed_by(SIGNER))
    with pytest.raises(PeerError, match="PSI-0011"):
        tables.load(file, signed_by(Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))))


@pytest.mark.parametrize(
    "change",
    [
        {"counts": [3, 0]},
        {"counts": [-3], "items": -3},
        {"counts": [1 << 40], "items": 1 << 40},
        {"counts": "x"},
        {"items": 4},
        {"width": 1},
        {"queries": 1 << 30},
        {"commitment": "00"},
        {"commitment": 5},
        {"changes": [1]},
        {"unknown": 1},
    ],
)
def test_a_server_that_signs_nonsense_is_refused(change: dict[str, Any]) -> None:
    content = table_file(ids(0, 3))[: -tables.SIGNATURE_BYTES]
    start = len(tables.MAGIC) + 4
    stop = start + int.from_bytes(content[start - 4 : start], "little")
    text = json.dumps(json.loads(content[start:stop]) | change).encode()
    content = tables.MAGIC + len(text).to_bytes(4, "little") + text + content[stop:]
    file = content + SIGNER.sign(hashlib.sha512(content).digest())
    with pytest.raises(PeerError, match="PSI-0011"):
        tables.load(file, signed_by(SIGNER))


def test_another_key_is_noticed_before_anything_is_looked_up() -> None:
    with pytest.raises(PeerError) as noticed:
        ask(table_of(ids(0, 5)), ids(0, 5), key=_kernel.reduce_scalar(bytes(range(1, 65))))
    assert noticed.value.code == "PSI-0014"


def test_another_version_is_refused() -> None:
    with pytest.raises(PolicyError) as refused:
        ask(table_of(ids(0, 5)), ids(0, 5), digest=bytes(32))
    assert refused.value.code == "PSI-0013"


def test_budgets_bind_each_client_and_all_together() -> None:
    budget = MemoryBudget(each=10, total=15)
    table = table_of(ids(0, 5))
    assert ask(table, ids(0, 8), charge=lambda n: budget.charge("hospital", n)).sum() == 5
    for client, n in (("hospital", 3), ("bank", 8)):
        with pytest.raises(LimitError, match="PSI-0012"):
            budget.charge(client, n)
    budget.charge("bank", 7)
    with pytest.raises(LimitError) as refused:
        ask(table, ids(0, 1), charge=lambda n: budget.charge("hospital", n))
    assert refused.value.code == "PSI-0012"


HOSTILE = {
    "identity": np.zeros((2, 32), np.uint8),
    "not-canonical": np.full((2, 32), 255, np.uint8),
    "short": np.zeros((1, 32), np.uint8),
}


@pytest.mark.parametrize("points", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("deviates", ["client", "server"])
def test_points_that_are_none_end_with_a_named_error(points: np.ndarray, deviates: str) -> None:
    table = table_of(ids(0, 5))

    async def hostile(ctx: Ctx) -> None:
        scope = ctx.sub("chunk")
        if deviates == "server":
            await scope.recv(ctx.peer, Octets, shape=(2, 32))
        await scope.send(ctx.peer, Octets(points))
        await scope.send(ctx.peer, Octets(np.zeros(64, np.uint8)))

    async def party(ctx: Ctx) -> None:
        if (ctx.me == 0) == (deviates == "client"):
            await hostile(ctx)
        elif ctx.me == 0:
            await voprf._ask(ctx, voprf.Client(Items.of(ids(0, 2)), table))
        else:
            await voprf._answer(ctx, voprf.Server(KEY, table.digest, free), 2)

    with pytest.raises(PeerError) as named:
        run_parties(party)
    assert named.value.code.startswith("PEER-")


def test_a_proof_for_other_answers_is_no_proof() -> None:
    table = table_of(ids(0, 5))

    async def party(ctx: Ctx) -> None:
        if ctx.me == 0:
            await voprf._ask(ctx, voprf.Client(Items.of(ids(0, 3)), table))
            return
        scope = ctx.sub("chunk")
        blinded = (await scope.recv(ctx.peer, Octets, shape=(3, 32))).array
        evaluated = _kernel.remask_points(blinded, KEY, 1)
        proof = _kernel.oprf_prove(KEY, blinded, evaluated, bytes(range(64)))
        await scope.send(ctx.peer, Octets(np.ascontiguousarray(evaluated[[1, 0, 2]])))
        await scope.send(ctx.peer, octets(proof))

    with pytest.raises(TacitError) as noticed:
        run_parties(party)
    assert noticed.value.code == "PSI-0014"


def test_too_many_queries_announced() -> None:
    many = cast(Items, range(1 << 40))

    async def party(ctx: Ctx) -> None:
        client, server = voprf.Client(many, table_of([])), voprf.Server(KEY, table_of([]).digest, free)
        await voprf.announce(ctx, client if ctx.me == 0 else server)

    with pytest.raises(LimitError) as refused:
        run_parties(party)
    assert refused.value.code == "PSI-0003"


def test_two_runs_have_no_message_in_common() -> None:
    """Fresh blinds: a server cannot tell that the same ids were asked again."""
    table, seen = table_of(ids(0, 5)), []

    def once(seed: bytes) -> None:
        async def party(ctx: Ctx) -> None:
            if ctx.me == 0:
                await voprf._ask(ctx, voprf.Client(Items.of(ids(0, 3)), table))
                return
            await voprf._answer(ctx, voprf.Server(KEY, table.digest, free), 3)

        real = _kernel.remask_points
        try:
            _kernel.remask_points = lambda p, k, t: (seen.append(p.copy()), real(p, k, t))[1]
            run_parties(party, seed=seed)
        finally:
            _kernel.remask_points = real

    once(b"one")
    once(b"two")
    assert not {row.tobytes() for row in seen[0]} & {row.tobytes() for row in seen[1]}


@pytest.mark.parametrize("held", ["", "same", "other"])
def test_a_client_gets_the_current_table_unless_it_has_it(held: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "PIECE_BYTES", 700)
    current = table_file(ids(0, 300))
    mine = {"": b"", "same": current, "other": table_file(ids(1, 300))}[held]

    async def party(ctx: Ctx) -> bytes:
        if ctx.me == 0:
            return await publish.fetch(ctx, mine)
        await publish.publish(ctx, current)
        return b""

    assert run_parties(party)[0] == current
    wanted = {"psi.unbalanced.publish.announce_file", "psi.unbalanced.publish.move"}
    assert wanted - verify(observe(party)) <= ({"psi.unbalanced.publish.move"} if held == "same" else set())


def test_a_table_larger_than_any_is_refused() -> None:
    async def party(ctx: Ctx) -> str:
        if ctx.me == 1:
            await publish.announce_file(ctx, bytes(32), publish.LARGEST_FILE + 1)
            return ""
        with pytest.raises(LimitError) as refused:
            await publish.fetch(ctx, b"held" * 20)
        return refused.value.code

    assert run_parties(party)[0] == "PSI-0003"
