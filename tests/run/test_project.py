"""Projects: what jobs reveal is judged together with all before, signed by all, and needs the owners."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tacit import xp
from tacit.base.errors import PeerError, PolicyError, TacitError
from tacit.base.protocol import gather
from tacit.base.types import FIXED, Private, Type
from tacit.compile.array import trace
from tacit.frame.joinkeys import JoinKeys, KeyRules, join_keys
from tacit.net.memory import MemoryNetwork
from tacit.psi.functionality import Items
from tacit.run.gate.ledger import Approved, Ledger
from tacit.run.gate.sets import Query
from tacit.run.job import Job, PartyTerms, Run
from tacit.run.policy import ALL, Grant
from tacit.run.project import Approval, Hand, Own, Project, read_approval
from tacit.tasks import lookup
from tacit.tasks.join import Terms
from tacit.tasks.overlap import Answer, Question, ask, compute

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

    @property
    def n(self) -> int:
        return len(self.lines)

    def hand(self, party: int) -> Hand:
        def fingerprint(data: bytes) -> str:
            return hashlib.sha256(bytes([party]) + data).hexdigest()[:32]

        return Hand(lambda message: signature(party, message), verify, fingerprint, self.lines[party].append)

    def approve(self, party: int, *lines: Approved, **changed: Any) -> None:
        head = Ledger(self.lines[party], verify, self.n).head
        approval = replace(Approval(party, "p", TERMS, head, lines), **changed)
        self.approvals[party] = approval.text(self.hand(party).sign)

    def run(self, work: Callable[[Run], Any], job: Job = JOB) -> list[Any]:
        async def one(party: int, network: MemoryNetwork) -> Any:
            ledger = Ledger(self.lines[party], verify, self.n)
            project = Project("p", TERMS, ledger, self.hand(party), self.approvals[party])
            run = await Run.open(job, party, network.endpoint(party), clock=Unhurried(), project=project)
            return await work(run)

        async def everybody() -> list[Any]:
            network = MemoryNetwork(self.n)
            return await gather(*(one(party, network) for party in range(self.n)))

        return asyncio.run(everybody())

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


# --- queries of sets ------------------------------------------------------------------------------------

PEER = [f"k{i}".encode() for i in range(12, 40)]
MINE = [f"k{i}".encode() for i in range(20)]
AMOUNTS = {item: 1 + i for i, item in enumerate(PEER)}


def keys_of(items: list[bytes]) -> tuple[JoinKeys, pa.Table]:
    table = pa.table({"id": [item.decode() for item in items], "spend": [AMOUNTS.get(i, 0) for i in items]})
    return join_keys(table, ["id"], KeyRules()), table


def asked(house: House, tell: str, mine: list[bytes], theirs: list[bytes] = PEER, **terms: Any) -> Answer:
    """What the first party learns."""
    question = Question.agreed(tell=tell, **terms)

    async def work(run: Run) -> Answer:
        return await ask(run, *keys_of((mine, theirs)[run.me]))

    return house.run(work, question.job(JOB))[0]


def looked_up(house: House, mine: list[bytes], theirs: list[bytes] = PEER) -> Any:
    job = Terms.agreed(("a", "b"), receivers=["a"]).job(JOB, protocol="unbalanced")

    async def work(run: Run) -> Any:
        if run.me == 0:
            asking = lookup.Asking(b"", lambda signature, digest: True, lambda file: None)
            return (await lookup.ask(run, keys_of(mine)[0], asking)).joined.rows
        return await lookup.answer(run, lookup.once(keys_of(theirs)[0], bytes(range(64))))

    return house.run(work, job)[0]


def spent(house: House, function: Callable[..., Any], mine: list[bytes], theirs: list[bytes] = PEER) -> Any:
    job = Question.agreed(tell="count").job(JOB)

    async def work(run: Run) -> Any:
        keys, table = keys_of((mine, theirs)[run.me])
        return await compute(run, keys, table, ((), ("spend",)), function, "spent")

    return house.run(work, job)[0]


def sign_for_all(house: House, tell: str, kind: str = "unsafe") -> None:
    house.approve(0, Approved(0, tell, "ids", (1,), kind))
    house.approve(1, Approved(1, tell, "ids", (0,), kind), Approved(1, tell, "spend", (0,), kind))


def test_a_count_over_n_and_n_minus_1_keys_is_refused() -> None:
    house = House()
    assert asked(house, "count", MINE).count == 8
    error = refused("POLICY-0006", lambda: asked(house, "count", MINE[:-1]))
    assert "both counts" in str(error) and "count - count (before)" in str(error)
    assert asked(house, "count", MINE[::-1]).count == 8, "the same set again"
    sign_for_all(house, "count")
    assert asked(house, "count", MINE[:-1]).count == 7
    entry = json.loads(house.lines[0][-1])
    query = json.loads(entry["body"])["query"]
    assert (entry["kind"], query["tell"], query["to"], query["sizes"]) == ("sets", "count", [0, 1], [19, 28])


def test_a_sum_needs_its_owner_or_a_threshold() -> None:
    house = House()
    error = refused("POLICY-0006", lambda: asked(house, "sum", MINE, columns=["spend"]))
    assert "'spend' of party 1" in str(error) and "of one row the sum is the value" in str(error)
    more = [*MINE, *PEER[8:14]]
    total = asked(house, "sum", more, columns=["spend"], at_least=11)
    assert (total.enough, total.count, total.sums) == (True, 14, {"spend": sum(range(1, 15))})
    error = refused("POLICY-0006", lambda: asked(house, "sum", more[:-1], columns=["spend"], at_least=11))
    assert "sets" in str(error)
    house.approve(0, Approved(0, "sum", "ids", (1,), "unsafe"))
    house.approve(1, Approved(1, "sum", "ids", (0,), "unsafe"))
    error = refused("POLICY-0006", lambda: asked(house, "sum", more[:-1], columns=["spend"], at_least=11))
    assert "spend[x]" in str(error), "the owner of the sum has to sign for the column, too"
    sign_for_all(house, "sum")
    fewer = asked(house, "sum", MINE[:-1], columns=["spend"], at_least=11)
    assert (fewer.enough, fewer.count, fewer.sums) == (False, None, None)


@pytest.mark.parametrize("tell", ["enough", "rows-if-enough"])
def test_thresholds_on_altered_sets_are_refused(tell: str) -> None:
    house = House()
    assert asked(house, tell, MINE, at_least=8).enough
    refused("POLICY-0006", lambda: asked(house, tell, MINE[:-1], at_least=8))
    refused("POLICY-0006", lambda: asked(house, tell, MINE, PEER[1:], at_least=8))
    refused("POLICY-0006", lambda: asked(house, "count", MINE[:-1]))
    sign_for_all(house, tell)
    assert not asked(house, tell, MINE[:-1], at_least=8).enough


def test_a_look_up_of_other_keys_or_another_table_needs_the_servers_signature() -> None:
    house = House()
    assert len(looked_up(house, MINE)) == 8
    assert len(looked_up(house, MINE)) == 8
    query = json.loads(json.loads(house.lines[0][-1])["body"])["query"]
    assert query["tell"] == "lookup" and query["to"] == [0] and query["table"].startswith("version 1 of ")
    for mine, theirs in ((MINE[:-1], PEER), (MINE, PEER[1:])):
        error = refused("POLICY-0006", lambda mine=mine, theirs=theirs: looked_up(house, mine, theirs))
        assert "'ids' of party 1" in str(error) and "table" in str(error)
    house.approve(1, Approved(1, "lookup", "ids", (0,), "unsafe"))
    assert len(looked_up(house, MINE[:-1])) == 7


def test_a_function_of_hidden_membership_is_judged_as_both_see_it() -> None:
    house = House()
    error = refused("POLICY-0006", lambda: spent(house, lambda common, spend: spend[0], MINE))
    assert "'right0' of party 1" in str(error) and "not safe" in str(error)
    error = refused("POLICY-0006", lambda: spent(house, lambda common, spend: common, MINE))
    assert "'ids'" in str(error) and "not safe" in str(error)
    error = refused("POLICY-0006", lambda: spent(house, lambda common, spend: xp.sum(spend), MINE))
    assert "not proved safe" in str(error)
    line = Approved(1, "spent", "right0", (0,), "unknown")
    house.approve(1, line)
    assert spent(house, lambda common, spend: xp.sum(spend), MINE)["value"] == sum(range(1, 9))
    house.approve(1, line)
    refused("POLICY-0006", lambda: spent(house, lambda common, spend: xp.sum(common), MINE[:-1]))
    error = refused("POLICY-0006", lambda: asked(house, "count", MINE[:-1]))
    assert "sets" in str(error)


def test_who_tells_a_wrong_size_is_noticed_before_anything_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    async def filled(self: Project, run: Run, query: Query, own: Own) -> Query:
        return replace(await told(self, run, query, own), sizes=(20, 29))

    told = Project._filled
    monkeypatch.setattr(Project, "_filled", filled)
    with pytest.raises(PeerError, match="size"):
        asked(House(), "count", MINE)


class Trio(House):
    """Three parties."""

    def __init__(self) -> None:
        self.lines, self.approvals = [[], [], []], ["", "", ""]


def met(house: House, sets: list[list[bytes]], receivers: frozenset[int]) -> list[int]:
    parties = tuple(PartyTerms(name, "", "", ()) for name in "abc")

    async def work(run: Run) -> Any:
        return (await run.align_several(Items.of(sets[run.me]), receivers=receivers)).rows

    rows = house.run(work, replace(JOB, parties=parties, psi="star", scheme="none"))
    return [0 if one is None else len(one) for one in rows]


def test_joins_of_three_parties_are_in_the_ledger() -> None:
    house, sets, all_of = Trio(), [MINE, PEER, PEER[4:] + MINE[:3]], frozenset((0, 1, 2))
    assert met(house, sets, all_of) == [4, 4, 4]
    assert met(house, sets, all_of) == [4, 4, 4]
    query = json.loads(json.loads(house.lines[2][0])["body"])["query"]
    assert (query["tell"], query["to"], query["sizes"], len(query["sets"])) == (
        "intersection",
        [0, 1, 2],
        [],
        3,
    )
    for party in range(3):
        changed = [one[:-1] if number == party else one for number, one in enumerate(sets)]
        error = refused("POLICY-0006", lambda changed=changed: met(house, changed, frozenset((0,))))
        assert "'ids' of party 1" in str(error) and "parties 0, 2" in str(error)
    for owner in range(3):
        others = tuple(party for party in range(3) if party != owner)
        house.approve(owner, Approved(owner, "intersection", "ids", others, "unsafe"))
    assert met(house, [MINE[:-1], *sets[1:]], frozenset((0,))) == [3, 0, 0]
    assert house.lines[0] == house.lines[1] == house.lines[2] and len(house.lines[0]) == 3


def test_nobody_learns_rows_whom_the_job_does_not_name() -> None:
    job = replace(JOB, psi="ecdh", scheme="none", reveals={"intersection": ["a"]})

    async def work(run: Run) -> Any:
        return await run.align(Items.of(MINE if run.me == 0 else PEER))

    error = refused("POLICY-0002", lambda: House().run(work, job))
    assert "party 1" in str(error)
