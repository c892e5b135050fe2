"""Projects: what jobs reveal is judged together with all before, signed by all, and needs the owners."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tacit import xp
from tacit.base.errors import PolicyError, TacitError
from tacit.base.protocol import gather
from tacit.base.types import FIXED, Private, Type
from tacit.compile.array import trace
from tacit.net.memory import MemoryNetwork
from tacit.psi.functionality import Items
from tacit.run.gate.ledger import Approved, Ledger
from tacit.run.job import Job, PartyTerms, Run
from tacit.run.policy import ALL, Grant
from tacit.run.project import Approval, Hand, Project, read_approval

N = 40
JOB = Job("a-job", "compute", (PartyTerms("a", "", "", ()), PartyTerms("b", "", "", ())), {}, {}, project="p")
TERMS = "00" * 32
A, B = np.arange(N) / 8.0, np.arange(N) / 4.0


class Unhurried:
    def now_s(self) -> float:
        return 0.0


def signature(party: int, message: bytes) -> bytes:
    return hashlib.sha256(bytes([party]) + message).digest()


def verify(party: int, given: bytes, message: bytes) -> bool:
    return given == signature(party, message)


class House:
    """Two parties with their ledgers on "disk"."""

    def __init__(self) -> None:
        self.lines: list[list[str]] = [[], []]
        self.approvals = ["", ""]

    def hand(self, party: int) -> Hand:
        def fingerprint(data: bytes) -> str:
            return hashlib.sha256(bytes([party]) + data).hexdigest()[:32]

        return Hand(lambda message: signature(party, message), verify, fingerprint, self.lines[party].append)

    def approve(self, party: int, *lines: Approved, **changed: Any) -> None:
        head = Ledger(self.lines[party], verify).head
        approval = replace(Approval(party, "p", TERMS, head, lines), **changed)
        self.approvals[party] = approval.text(self.hand(party).sign)

    def run(self, work: Callable[[Run], Any], job: Job = JOB) -> list[Any]:
        async def one(party: int, network: MemoryNetwork) -> Any:
            ledger = Ledger(self.lines[party], verify)
            project = Project("p", TERMS, ledger, self.hand(party), self.approvals[party])
            run = await Run.open(job, party, network.endpoint(party), clock=Unhurried(), project=project)
            return await work(run)

        async def both() -> list[Any]:
            network = MemoryNetwork(2)
            return await gather(one(0, network), one(1, network))

        return asyncio.run(both())

    def compute(self, function: Callable[..., Any], a: np.ndarray = A, b: np.ndarray = B) -> float:
        def revealing(x: Any, y: Any) -> dict[str, Any]:
            return {"r": xp.reveal(function(x, y), name="r")}

        types = [("a", Type(Private(0), FIXED, a.shape)), ("b", Type(Private(1), FIXED, b.shape))]
        program = trace(revealing, types, "f", {})

        async def work(run: Run) -> Any:
            data = {"a": a if run.me == 0 else None, "b": b if run.me == 1 else None}
            return (await run.compute("f", program, data, (Grant("r", ALL),)))["r"].plain

        return float(self.run(work)[0])


def refused(code: str, action: Callable[[], Any]) -> TacitError:
    with pytest.raises(PolicyError) as found:
        action()
    assert found.value.code == code
    return found.value


def test_two_jobs_that_are_safe_alone_are_refused_together() -> None:
    house = House()
    assert house.compute(lambda a, b: xp.sum(a) + xp.sum(b)) == pytest.approx(A.sum() + B.sum(), abs=1e-3)
    error = refused("POLICY-0006", lambda: house.compute(lambda a, b: xp.sum(a[1:]) + xp.sum(b)))
    assert "a[0]" in str(error) and "tacit approve" in error.hint
    assert [len(lines) for lines in house.lines] == [1, 1] and house.lines[0] == house.lines[1]


def test_the_owner_can_sign_for_it_once() -> None:
    house, need = House(), Approved(0, "f", "a", (1,), "unsafe")
    house.approve(0, need)
    assert house.compute(lambda a, b: a[3]) == A[3]
    refused("POLICY-0006", lambda: house.compute(lambda a, b: a[4]))  # The ledger has moved on.
    house.approve(0, replace(need, kind="unknown"))
    refused("POLICY-0006", lambda: house.compute(lambda a, b: a[4]))
    house.approve(0, need, terms="11" * 32)
    refused("POLICY-0006", lambda: house.compute(lambda a, b: a[4]))


def test_nobody_signs_for_another() -> None:
    house, need = House(), Approved(0, "f", "a", (1,), "unsafe")
    house.approve(1, need)
    refused("POLICY-0006", lambda: house.compute(lambda a, b: a[3]))
    house.approvals[1] = Approval(0, "p", TERMS, Ledger().head, (need,)).text(house.hand(1).sign)
    refused("POLICY-0011", lambda: house.compute(lambda a, b: a[3]))


def test_changed_approvals_are_noticed() -> None:
    text = Approval(0, "p", TERMS, "", (Approved(0, "f", "a", (1,), "unknown"),)).text(House().hand(0).sign)
    assert read_approval(text, verify).lines[0].kind == "unknown"
    for broken in (
        text.replace("unknown", "unsafe"),
        "",
        "[]",
        "{}",
        '{"signature":"00"}',
        text[:-1],
        "[" * 9000,
    ):
        refused("POLICY-0011", lambda broken=broken: read_approval(broken, verify))


def test_other_data_under_the_same_name_need_a_signature() -> None:
    house = House()
    house.compute(lambda a, b: xp.mean(a) + xp.mean(b))
    house.compute(lambda a, b: xp.mean(a) + xp.mean(b))
    changed = A.copy()
    changed[5] += 1.0
    error = refused("POLICY-0006", lambda: house.compute(lambda a, b: xp.mean(a) + xp.mean(b), a=changed))
    assert "same name" in str(error)


def test_intersections_with_altered_sets_are_refused() -> None:
    house, job = House(), replace(JOB, psi="ecdh", scheme="none")

    def meet(mine: list[bytes]) -> None:
        async def work(run: Run) -> Any:
            return await run.align(Items.of(mine if run.me == 0 else [b"y", b"z", b"v"]))

        rows = [sorted(found.rows.tolist()) for found in house.run(work, job)]
        assert len(rows[0]) == 2

    meet([b"x", b"y", b"z"])
    meet([b"z", b"x", b"y"])
    error = refused("POLICY-0006", lambda: meet([b"y", b"z"]))
    assert "added or removed" in str(error)
    house.approve(0, Approved(0, "intersection", "ids", (1,), "unsafe"))
    house.approve(1, Approved(1, "intersection", "ids", (0,), "unsafe"))
    meet([b"y", b"z"])
    assert [len(lines) for lines in house.lines] == [3, 3]


def test_an_entry_that_a_cut_kept_from_one_side_is_caught_up() -> None:
    house = House()
    house.compute(lambda a, b: xp.mean(a))
    house.lines[1].pop()
    refused("POLICY-0006", lambda: house.compute(lambda a, b: xp.sum(a[1:])))
    assert house.lines[0] == house.lines[1]
    house.lines[1][0] = house.lines[1][0].replace("a-job", "b-job")
    with pytest.raises(PolicyError, match="LEDGER-0001"):
        house.compute(lambda a, b: xp.mean(b))


def test_ledgers_that_differ_stop_the_run() -> None:
    one, other = House(), House()
    one.compute(lambda a, b: xp.mean(a))
    other.compute(lambda a, b: xp.mean(b))
    one.lines[1] = other.lines[1]
    refused("LEDGER-0001", lambda: one.compute(lambda a, b: xp.mean(a)))
