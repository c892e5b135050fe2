"""Attacks on queries of sets: repeated with altered inputs, whatever they tell, none of them is safe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from tacit import xp
from tacit.base.errors import PolicyError
from tacit.base.types import BOOL, FIXED, SECRET, Private, Type
from tacit.base.wire import canonical_json
from tacit.compile.array import trace
from tacit.ir.program import Program
from tacit.psi.functionality import Items
from tacit.run.gate.judge import Verdict
from tacit.run.gate.ledger import COMMON, Approved, Ledger, enforce
from tacit.run.gate.sets import IDS, Query
from tacit.run.project import Hidden

SETS, SIZES = ("a", "b"), (50, 40)
BOTH = (0, 1)
TOLD = {
    "intersection": Query.of_rows(BOTH),
    "lookup": Query.of_rows((0,), "lookup"),
    "count": Query("count", BOTH),
    "sum": Query("sum", BOTH, sums=(("amount", "m"),), at_least=20),
    "enough": Query("enough", BOTH, at_least=20),
    "rows-if-enough": Query("rows-if-enough", BOTH, rows_to=(0,), at_least=20),
}


def on(query: Query, *sets: str, sizes: tuple[int, ...] = SIZES) -> Query:
    return replace(query, sets=sets or SETS, sizes=sizes)


def ledger_of(*queries: Query) -> Ledger:
    ledger = Ledger()
    for number, query in enumerate(queries):
        body = canonical_json({"query": asdict(query)}).decode()
        ledger.append(ledger.draft("sets", f"job-{number}", body), [])
    return ledger


def judged(query: Query, *earlier: Query, parties: int = 2) -> dict[tuple[int, str], Verdict]:
    found = ledger_of(*earlier).judge_query(query, parties=parties)
    return {(v.owner, v.column): v for v in found}


@pytest.mark.parametrize(("before", "now"), [*product(TOLD, TOLD)])
def test_one_id_more_on_either_side_is_told(before: str, now: str) -> None:
    """N and N - 1 keys: the difference of any two answers is whether the other side has the one."""
    for sets in (("a+x", "b"), ("a", "b+x")):
        found = judged(on(TOLD[now], *sets), on(TOLD[before]))
        verdict = found[1, IDS]
        assert verdict.kind == "unsafe" and verdict.coalition[0] == 0
        assert "job-0" in verdict.because and "job-0" in verdict.reason.text("zh")
        assert "x in ids" in verdict.example
        with pytest.raises(PolicyError, match="POLICY-0006") as refused:
            enforce(tuple(found.values()), [], now)
        assert "x in ids" in str(refused.value)


@pytest.mark.parametrize("tell", TOLD)
def test_the_first_query_and_the_same_again_tell_what_was_agreed(tell: str) -> None:
    for earlier in ((), (on(TOLD[tell]),), (on(TOLD["intersection"]), on(TOLD["count"]))):
        for verdict in judged(on(TOLD[tell]), *earlier).values():
            assert verdict.kind == "safe", (tell, verdict)


def test_a_look_up_tells_the_client_alone() -> None:
    found = judged(on(TOLD["lookup"], "a+x", "b"), on(TOLD["lookup"]))
    assert (found[0, IDS].kind, found[1, IDS].kind) == ("safe", "unsafe")
    assert found[0, IDS].reveals == () and found[1, IDS].coalition == (0,)
    other_version = judged(on(TOLD["lookup"], "a", "b2"), on(TOLD["lookup"]))[1, IDS]
    assert other_version.kind == "unsafe" and "another version of the table" in other_version.because


@pytest.mark.parametrize("tell", ["count", "sum", "enough"])
def test_numbers_about_few_ids_are_about_single_ones(tell: str) -> None:
    for sizes in ((1, 1000), (1000, 9)):
        assert judged(on(TOLD[tell], sizes=sizes))[1, IDS].kind == "unsafe"
    assert judged(on(TOLD[tell], sizes=(10, 10)))[1, IDS].kind == "safe"
    rows = judged(on(TOLD["rows-if-enough"], sizes=(1, 1000)))
    assert (rows[1, IDS].kind, rows[0, IDS].kind) == ("safe", "unsafe"), (
        "rows are what the first party asks for"
    )


def test_sums_over_n_and_n_minus_1_rows_are_one_value() -> None:
    for changed in (("a-x", "b"), ("a", "b-x")):
        verdict = judged(on(TOLD["sum"], *changed), on(TOLD["sum"]))[1, "amount"]
        assert verdict.kind == "unsafe" and "sum(amount) (before) = amount[x]" in verdict.example
    between = judged(on(TOLD["sum"]), on(TOLD["sum"], "c", "b"), on(TOLD["sum"]))[1, "amount"]
    assert between.kind == "unsafe", "an altered query between two equal ones counts"


def test_a_sum_needs_a_threshold_or_its_owner() -> None:
    bare = on(replace(TOLD["sum"], at_least=0))
    assert judged(bare)[1, "amount"].kind == "unknown"
    assert judged(on(replace(TOLD["sum"], at_least=10)))[1, "amount"].kind == "unknown"
    assert judged(on(replace(TOLD["sum"], at_least=11)))[1, "amount"].kind == "safe"
    two = replace(TOLD["sum"], sums=(("amount", "m"), ("twice", "m2")), at_least=11)
    assert judged(on(two))[1, "twice"].kind == "unknown", "as many rows more as there are sums"
    assert judged(on(TOLD["sum"], sizes=(5, 5)))[1, "amount"].kind == "unsafe"
    with pytest.raises(PolicyError, match="party 1 signs for 'amount'"):
        enforce(tuple(judged(bare).values()), [], "sum")
    enforce(tuple(judged(bare).values()), [Approved(1, "sum", "amount", (0,), "unknown")], "sum")


def test_other_numbers_under_the_same_name_are_not_safe() -> None:
    changed = replace(TOLD["sum"], sums=(("amount", "m2"),))
    assert judged(on(changed), on(TOLD["sum"]))[1, "amount"].kind == "unknown"


def test_three_parties_pool_what_two_queries_told() -> None:
    first = replace(Query.of_rows((0,)), sets=("a", "b", "c"))
    later = replace(Query.of_rows((1,)), sets=("a", "b", "c+x"))
    found = judged(later, first, parties=3)
    assert found[2, IDS].kind == "unsafe" and found[2, IDS].coalition == (0, 1)
    assert found[0, IDS].kind == "safe", "what only 0 was told before tells 1 nothing of 0"
    assert judged(first, first, parties=3)[2, IDS].kind == "safe"


# --- functions of hidden membership ---------------------------------------------------------------------


def hidden(function: Callable[..., Any], n: int = 60, sizes: tuple[int, int] = SIZES) -> Hidden:
    inputs = {
        COMMON: Type(SECRET, BOOL, (n,)),
        "left0": Type(Private(0), FIXED, (n,)),
        "right0": Type(SECRET, FIXED, (n,)),
    }

    def traced(kinds: Mapping[str, Type]) -> Program:
        def revealing(*arrays: Any) -> dict[str, Any]:
            return {"r": xp.reveal(function(*arrays), name="r")}

        return trace(revealing, [*kinds.items()], "f", {})

    return Hidden.of(traced, inputs, Items.of([b"x"]), sizes)


def of_function(ledger: Ledger, one: Hidden, sets: tuple[str, str] = SETS) -> dict[tuple[int, str], Verdict]:
    query = replace(Query("function", BOTH), sets=sets, sizes=one.sizes)
    return {(v.owner, v.column): v for v in ledger.judge_function(query, one.views, {})}


def run_of(one: Hidden, sets: tuple[str, str] = SETS) -> Ledger:
    query = replace(Query("function", BOTH), sets=sets, sizes=one.sizes)
    ledger = Ledger()
    body = {"query": asdict(query), "views": [str(v) for v in one.views], "versions": {"left0": "0"}}
    ledger.append(ledger.draft("sets", "job-0", canonical_json(body).decode()), [])
    return ledger


ATTACKS = {
    "membership itself": (lambda c, left, right: xp.astype(c, xp.float64), {(0, IDS), (1, IDS)}),
    "one line of it": (lambda c, left, right: xp.astype(c, xp.float64)[3], {(0, IDS), (1, IDS)}),
    "the others' column": (lambda c, left, right: right, {(1, "right0")}),
    "one's own column": (lambda c, left, right: left * 2.0, {(0, "left0")}),
    "the largest": (lambda c, left, right: xp.max(right), {(1, "right0")}),
    "a column, masked by a known one": (lambda c, left, right: left + right, {(0, "left0"), (1, "right0")}),
    "sums of few lines": (lambda c, left, right: xp.sum(right[:4]), {(1, "right0")}),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_functions_that_give_lines_away_are_unsafe(name: str) -> None:
    function, exposed = ATTACKS[name]
    found = of_function(Ledger(), hidden(function))
    for key in exposed:
        assert found[key].kind == "unsafe", (key, found[key])
    assert not any(verdict.kind == "safe" and verdict.reveals for verdict in found.values())


def test_sums_over_hidden_lines_are_not_proved_safe() -> None:
    """One common line among many zeros, and the sum is its value."""
    found = of_function(Ledger(), hidden(lambda c, left, right: xp.sum(right)))
    assert found[1, "right0"].kind == "unknown" and found[0, "left0"].kind == "safe"
    assert found[0, IDS].kind == found[1, IDS].kind == "safe", "nothing is told of membership"
    few = of_function(Ledger(), hidden(lambda c, left, right: xp.sum(right), sizes=(3, 99)))
    assert few[1, "right0"].kind == "unsafe"


def test_a_function_of_altered_sets_is_unsafe() -> None:
    count = hidden(lambda c, left, right: xp.sum(xp.astype(c, xp.float64)))
    for ledger in (run_of(count), ledger_of(on(TOLD["count"])), ledger_of(on(TOLD["intersection"]))):
        for sets in (("a+x", "b"), ("a", "b+x")):
            found = of_function(ledger, count, sets)
            for owner in BOTH:
                assert found[owner, IDS].kind == "unsafe" and "job-0" in found[owner, IDS].because
    assert judged(on(TOLD["count"], "a+x", "b"))[1, IDS].kind == "safe"
    found = {v.owner: v for v in run_of(count).judge_query(on(TOLD["count"], "a+x", "b"), parties=2)}
    assert found[1].kind == "unsafe"


def test_a_function_again_is_not_safe_for_its_lines_are_in_a_new_order() -> None:
    half = hidden(lambda c, left, right: xp.sum(left[:30]))
    assert of_function(run_of(half), half)[0, "left0"].kind != "safe"


def test_programs_after_hidden_sums_are_not_proved_safe() -> None:
    def mean(a: Any, b: Any) -> dict[str, Any]:
        return {"r": xp.reveal(xp.mean(a) + xp.mean(b), name="r")}

    types = [("a", Type(Private(0), FIXED, (60,))), ("b", Type(Private(1), FIXED, (60,)))]
    program = trace(mean, types, "p", {})
    after_sum = {v.owner: v.kind for v in ledger_of(on(TOLD["sum"])).judge(program, parties=2)}
    assert after_sum == {0: "safe", 1: "unknown"}
    after_function = run_of(hidden(lambda c, left, right: xp.sum(right)))
    assert {v.kind for v in after_function.judge(program, parties=2)} == {"unknown"}
    ledger = Ledger()
    body = canonical_json({"program": str(program), "versions": {}}).decode()
    ledger.append(ledger.draft("program", "job-0", body), [])
    sums = {v.column: v.kind for v in ledger.judge_query(on(TOLD["sum"]), parties=2)}
    assert sums["amount"] == "unknown"


def test_lines_of_a_ledger_that_are_no_queries_are_refused() -> None:
    line = ledger_of(on(TOLD["sum"])).entries[0].line()
    broken = [
        line.replace('\\"tell\\":\\"sum\\"', '\\"tell\\":\\"all\\"'),
        line.replace('\\"to\\":[0,1]', '\\"to\\":\\"01\\"'),
        line.replace('\\"at_least\\":20', '\\"at_least\\":null'),
    ]
    assert len({line, *broken}) == 4
    for one in broken:
        with pytest.raises(PolicyError, match="LEDGER-0001"):
            Ledger([one], parties=0)
    assert Ledger([line], parties=0).entries[0].kind == "sets"


def test_the_columns_of_a_verdict_are_of_one_owner() -> None:
    found = of_function(Ledger(), hidden(lambda c, left, right: xp.sum(xp.where(c, left * right, 0.0))))
    assert {key: v.coalition for key, v in found.items()} == {
        (0, IDS): (1,), (0, "left0"): (1,), (1, IDS): (0,), (1, "right0"): (0,),
    }  # fmt: skip
    assert {v.kind for v in found.values()} == {"unknown"}
    assert np.all([v.because for v in found.values()])
