"""Every kind of join against plain Python, in one process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tacit
from tacit.base.errors import LimitError, PeerError, PolicyError, TacitError, UnsupportedError, UsageError
from tacit.base.wire import Ring
from tacit.frame.joinkeys import join_keys
from tacit.psi.functionality import Items
from tacit.run.job import Job, PartyTerms, Run
from tacit.run.secure import as_every_party
from tacit.tasks.join import KINDS, Terms, join
from tacit.tasks.pairs import exchange_counts

LEFT = {"id": ["a", "b", None, "c", "b", "d"], "x": [0, 1, 2, 3, 4, 5]}
RIGHT = {"id": ["d", "e", "a", ""], "y": [0, 1, 2, 3]}
PARTIES = (PartyTerms("l", "", "", ()), PartyTerms("r", "", "", ()))
KEYS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "", None]), max_size=8)


def pairs(result: Any) -> list[tuple[Any, Any]]:
    """(x, y) of lines that belong together."""
    left, right = result["l"], result["r"]
    return list(zip(left["x"].to_pylist(), right["y"].to_pylist(), strict=True))


def expected(how: str, left: list[Any], right: list[Any]) -> list[tuple[Any, Any]]:
    """What SQL says once repeated keys are gone, as a set of (row on the left, row on the right)."""
    firsts = [{}, {}]  # type: ignore[var-annotated]
    alone: list[list[int]] = [[], []]
    for side, values in enumerate((left, right)):
        for row, key in enumerate(values):
            if not key:
                alone[side].append(row)
            else:
                firsts[side].setdefault(key, row)
    lines: list[tuple[Any, Any]] = [
        (row, firsts[1][key]) for key, row in firsts[0].items() if key in firsts[1]
    ]
    if how in ("left", "full"):
        lines += [(row, None) for key, row in firsts[0].items() if key not in firsts[1]]
        lines += [(row, None) for row in alone[0]]
    if how in ("right", "full"):
        lines += [(None, row) for key, row in firsts[1].items() if key not in firsts[0]]
        lines += [(None, row) for row in alone[1]]
    return sorted(lines, key=repr)


def run(left: list[Any], right: list[Any], how: str, **options: Any) -> Any:
    tables = {
        "l": pa.table({"id": pa.array(left, pa.string()), "x": pa.array(range(len(left)), pa.int64())}),
        "r": pa.table({"id": pa.array(right, pa.string()), "y": pa.array(range(len(right)), pa.int64())}),
    }
    return tacit.join(tables, "id", how, **options)


@given(KEYS, KEYS, st.sampled_from(["inner", "left", "right", "full"]), st.sampled_from(["rr22", "ecdh"]))
@settings(max_examples=40, deadline=None)
def test_lines_of_both_sides_belong_together(
    left: list[Any], right: list[Any], how: str, protocol: str
) -> None:
    result = run(left, right, how, protocol=protocol)
    assert sorted(pairs(result), key=repr) == expected(how, left, right)
    if how != "inner":
        assert result["l"]["in_both"].to_pylist() == result["r"]["in_both"].to_pylist()
        assert result["l"]["in_both"].to_pylist() == [None not in pair for pair in pairs(result)]


@given(KEYS, KEYS, st.sampled_from(["inner", "left", "right", "full", "difference"]))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_file(left: list[Any], right: list[Any], how: str) -> None:
    result = run(left, right, how, order="file")
    for index, (name, column) in enumerate((("l", "x"), ("r", "y"))):
        rows = result[name][column].to_pylist()
        assert rows == sorted(rows)
        everything = expected("full", left, right)
        if how == "difference":
            wanted = [pair[index] for pair in everything if None in pair]
        else:
            wanted = [pair[index] for pair in expected(how, left, right)]
        assert rows == sorted(row for row in wanted if row is not None)


@pytest.mark.parametrize("how", KINDS)
@pytest.mark.parametrize("receiver", ["l", "r"])
def test_one_receiver(how: str, receiver: str) -> None:
    result = run(LEFT["id"], RIGHT["id"], how, receivers=receiver)
    other = "r" if receiver == "l" else "l"
    assert result[other] is None and result[receiver] is not None
    both = run(LEFT["id"], RIGHT["id"], how, order="file")
    assert result[receiver].equals(both[receiver])
    told = {(item["name"], item["to"]) for item in result.reports[receiver].revealed}
    assert told == {("set sizes", "all"), ("intersection", receiver)}


@pytest.mark.parametrize("receiver", ["l", "r"])
def test_against_a_deviating_peer_one_side_receives(receiver: str) -> None:
    result = run(LEFT["id"], RIGHT["id"], "inner", receivers=receiver, security="malicious")
    assert result.choice.protocol == "rr22-malicious" and result.choice.because == "only"
    assert result[receiver].num_rows == 2


def test_row_counts_are_told_only_where_lines_are_padded() -> None:
    for how, order, told in (("inner", "joint", False), ("left", "joint", True), ("full", "file", False)):
        result = run(LEFT["id"], RIGHT["id"], how, order=order)
        names = {item["name"] for item in result.reports["l"].revealed}
        assert ("rows" in names) is told


def test_composite_keys_and_other_names() -> None:
    left = {"a": ["x", "x", "xy"], "b": [1, 2, 3], "v": [10, 20, 30]}
    right = {"p": ["x", "x1", "x"], "q": ["2", "1", "02"], "w": [1, 2, 3]}
    result = tacit.join({"l": left, "r": right}, {"l": ["a", "b"], "r": ["p", "q"]})
    assert result["l"]["v"].to_pylist() == [20] and result["r"]["w"].to_pylist() == [1]  # type: ignore[index]


@pytest.mark.parametrize(
    ("options", "kind", "code"),
    [
        ({"how": "outer"}, UsageError, "JOIN-0002"),
        ({"order": "random"}, UsageError, "JOIN-0002"),
        ({"case": "fold"}, UsageError, "JOIN-0002"),
        ({"trim": 1}, UsageError, "JOIN-0002"),
        ({"receivers": "eve"}, UsageError, "JOIN-0002"),
        ({"how": "difference", "order": "joint"}, UsageError, "JOIN-0002"),
        ({"receivers": "none"}, PolicyError, "POLICY-0009"),
        ({"receivers": "l", "order": "joint"}, PolicyError, "POLICY-0008"),
        ({"key": {"l": "id", "r": ["id", "y"]}}, UsageError, "JOIN-0003"),
        ({"security": "malicious"}, TacitError, "PSI-0021"),
        ({"protocol": "rot13"}, TacitError, "JOB-0005"),
        ({"protocol": "ecdh", "security": "malicious", "receivers": "l"}, TacitError, "JOB-0005"),
    ],
)
def test_what_is_refused(options: dict[str, Any], kind: type[TacitError], code: str) -> None:
    with pytest.raises(kind) as caught:
        tacit.join({"l": LEFT, "r": RIGHT}, **({"key": "id"} | options))
    assert caught.value.code == code


def test_a_column_of_the_flags_name_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        tacit.join({"l": LEFT | {"in_both": [1] * 6}, "r": RIGHT}, "id", "left")
    assert caught.value.code == "JOIN-0001"


@pytest.mark.parametrize("claim", [0, -1, 1 << 41, "3", True, None])
def test_a_peer_that_lies_about_its_rows_is_named(claim: Any) -> None:
    terms = Terms.agreed(("l", "r"), join="full")
    job = terms.job(Job("join", "psi", PARTIES, {}, {}), protocol="ecdh")
    keys = join_keys(pa.table({"id": ["a", "b"]}), ["id"], terms.rules)

    async def party(run: Run) -> Any:
        if run.me == 0:
            return await join(run, keys)
        await run.agree("rows", {"rows": claim})
        return await run.align(_items(keys))

    with pytest.raises(PeerError) as caught:
        as_every_party(job, party)
    assert caught.value.code == "PEER-0001"


@pytest.mark.parametrize(("n_items", "threads"), [((1 << 32) + 1, 1), ((1 << 64) - 1, 1)])
def test_a_peer_that_announces_too_many_keys_is_refused(n_items: int, threads: int) -> None:
    job = Terms.agreed(("l", "r")).job(Job("join", "psi", PARTIES, {}, {}))
    keys = join_keys(pa.table({"id": ["a", "b"]}), ["id"], Terms.of(job).rules)

    async def party(run: Run) -> Any:
        if run.me == 0:
            return await join(run, keys)
        with run.step("psi") as ctx:
            message = Ring(np.array([n_items, threads], np.uint64))
            return await ctx.exchange(ctx.peer, ctx.peer, message, shape=(2,))

    with pytest.raises(LimitError) as caught:
        as_every_party(job, party)
    assert caught.value.code == "PSI-0003"


def test_nothing_is_computed_in_a_job_of_a_join() -> None:
    async def party(run: Run) -> Any:
        return run.scheme

    with pytest.raises(UnsupportedError) as caught:
        as_every_party(Terms.agreed(("l", "r")).job(Job("join", "psi", PARTIES, {}, {})), party)
    assert caught.value.code == "JOB-0006"


def _items(keys: Any) -> Items:
    return Items(keys.data, keys.offsets)


@pytest.mark.parametrize("n", [3, 5])
def test_several_tables_join_what_all_have(n: int) -> None:
    names = [f"p{k}" for k in range(n)]
    tables = {
        name: {"id": list(range(k, 30 + k))[::-1], name: list(range(30))} for k, name in enumerate(names)
    }
    joined = tacit.join(tables, "id", receivers="all")
    ids = [joined[name]["id"].to_pylist() for name in names]
    assert sorted(ids[0]) == list(range(n - 1, 30)) and all(one == ids[0] for one in ids)
    one = tacit.join(tables, "id", receivers="p2")
    assert one["p0"] is None and one["p2"]["id"].to_pylist() == list(range(n - 1, 30))[::-1]
    with pytest.raises(UnsupportedError) as refused:
        tacit.join(tables, "id", receivers="p2", security="malicious")
    assert refused.value.code == "JOIN-0006"


@pytest.mark.parametrize("receiver", ["l", "r"])
def test_a_look_up_is_a_join_of_one_receiver(receiver: str) -> None:
    tables = {"l": LEFT, "r": RIGHT}
    joined = tacit.join(tables, "id", receivers=receiver, protocol="unbalanced")
    other = "r" if receiver == "l" else "l"
    assert (
        joined[other] is None
        and joined[receiver]["id"].to_pylist() == {"l": ["a", "d"], "r": ["d", "a"]}[receiver]
    )
    assert joined.choice.protocol == "unbalanced"
    with pytest.raises(UnsupportedError) as refused:
        tacit.join(tables, "id", protocol="unbalanced")
    assert refused.value.code == "JOIN-0007"


@pytest.mark.parametrize("how", [kind for kind in KINDS if kind != "difference"])
@settings(max_examples=15, deadline=None)
@given(left=KEYS, right=KEYS)
def test_all_duplicates_are_pairs_as_in_sql(how: str, left: list[Any], right: list[Any]) -> None:
    lines = [(i, j) for i, a in enumerate(left) for j, b in enumerate(right) if a and a == b]
    if how in ("left", "full"):
        lines += [(i, None) for i, a in enumerate(left) if not a or a not in right]
    if how in ("right", "full"):
        lines += [(None, j) for j, b in enumerate(right) if not b or b not in left]
    found = pairs(run(left, right, how, duplicates="all", protocol="ecdh"))
    assert sorted(found, key=repr) == sorted(lines, key=repr)


@pytest.mark.parametrize("how", KINDS)
def test_all_duplicates_in_the_order_of_the_file(how: str) -> None:
    left, right = ["a", "b", "a", None, "c"], ["a", "d", "d", "a", "a"]
    joined = run(left, right, how, duplicates="all", order="file", protocol="ecdh")
    every, common = [0, 1, 2, 3, 4], ([0, 2], [0, 3, 4])
    mine = {"inner": common[0], "right": common[0], "left": every, "full": every, "difference": [1, 3, 4]}
    theirs = {"inner": common[1], "left": common[1], "right": every, "full": every, "difference": [1, 2]}
    assert joined["l"]["x"].to_pylist() == mine[how] and joined["r"]["y"].to_pylist() == theirs[how]
    assert "counts" not in {item["name"] for item in joined.reports["l"].revealed}


@pytest.mark.parametrize(
    ("theirs", "code"), [([0], "PEER-0001"), ([1 << 63], "PEER-0001"), ([1 << 30], "PSI-0003")]
)
def test_counts_that_cannot_be(theirs: list[int], code: str) -> None:
    terms = Terms.agreed(("l", "r"), duplicates="all")
    job = terms.job(Job("join", "psi", PARTIES, {}, {}), protocol="ecdh")

    async def party(run: Run) -> str:
        if run.me == 1:
            with run.step("counts") as ctx:
                await ctx.exchange(0, 0, Ring(np.array(theirs, np.uint64)), shape=(1,))
            return ""
        with pytest.raises(TacitError) as refused:
            await exchange_counts(run, np.array([2]))
        return refused.value.code

    assert as_every_party(job, party)[0][1] == code


def test_where_all_duplicates_cannot_be() -> None:
    tables = {"l": LEFT, "r": RIGHT}
    for make in (
        lambda: tacit.join({**tables, "s": LEFT}, "id", duplicates="all"),
        lambda: tacit.overlap(tables, "id", duplicates="all"),
        lambda: tacit.join(tables, "id", duplicates="all", protocol="unbalanced", receivers="l"),
    ):
        with pytest.raises(TacitError) as refused:
            make()
        assert refused.value.code in ("JOIN-0002", "JOIN-0007")


def test_a_join_within_a_given_memory_is_the_same() -> None:
    tables = {"l": {"id": list(range(3000)), "x": list(range(3000))}, "r": {"id": list(range(2000, 4000))}}
    plain = tacit.join(tables, "id", "left")
    stored = tacit.join(tables, "id", "left", memory="257MiB")
    assert stored["l"].sort_by("x").equals(plain["l"].sort_by("x"))
    both = zip(stored["l"]["id"].to_pylist(), stored["r"]["id"].to_pylist(), strict=True)
    assert all(left == right or (right is None and left < 2000) for left, right in both)
    assert stored.choice is not None and stored.choice.because == "memory"
    for memory, code in (("2", "CLI-0003"), ("1MiB", "PSI-0052")):
        with pytest.raises(TacitError) as refused:
            tacit.join(tables, "id", memory=memory)
        assert refused.value.code == code
