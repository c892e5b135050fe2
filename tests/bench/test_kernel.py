"""The kernel bench: every entry runs, counts what it did, and is printed beside its floor."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bench.__main__ import main
from bench.kernel import Throughput, table, throughput
from bench.primitives import REGISTRY, Primitive
from tacit.base.errors import UsageError

_SMALL = {"gemm-u64": 8, "gemm-u128": 8, "dpf-all-words": 8, "dpf-all-bits": 8, "dcf-all-words": 8}


@pytest.mark.parametrize("primitive", REGISTRY, ids=lambda one: one.name)
def test_every_primitive_runs_more_than_once(primitive: Primitive) -> None:
    size = _SMALL.get(primitive.name, min(primitive.size, 4096))
    work = primitive.make(size)
    work()
    work()
    assert primitive.count(size) > 0
    assert (primitive.floor is None) == (primitive.source == "-")


def test_names_are_unique() -> None:
    assert len({one.name for one in REGISTRY}) == len(REGISTRY)


def test_units_are_counted_over_the_time_taken() -> None:
    calls: list[int] = []
    one = Primitive("spin", "turn", 7, lambda n: n, lambda n: lambda: calls.append(sum(range(20_000))))
    found = throughput(one, 3, 0.005)
    assert len(calls) * 7 / found.spread[1] >= 3 * 0.005 * 0.5
    assert found.spread[0] <= found.median <= found.spread[1]
    assert found.ratio is None
    assert Throughput(replace(one, floor=2.0), 3.0, (1.0, 4.0)).ratio == 1.5


def test_json_lines_and_table(capsys: pytest.CaptureFixture[str]) -> None:
    quick = ["kernel", "--only", "prg", "--runs", "1", "--milliseconds", "1"]
    main([*quick, "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["primitive"] for line in lines] == ["prg", "prg-1k"]
    assert lines[0]["ratio"] == pytest.approx(lines[0]["per_second"] / 13e9, abs=1e-3)
    assert lines[1]["floor"] is None and lines[1]["ratio"] is None
    main(quick)
    assert "source of the floor" in capsys.readouterr().out


def test_a_floor_that_is_missing_is_a_dash() -> None:
    (one,) = (one for one in REGISTRY if one.name == "prg-1k")
    text = table([Throughput(one, 5e6, (4e6, 6e6))], {"cpu": "cpu", "date": "today"})
    assert text.splitlines()[-1].split() == ["prg-1k", "B", "1024", "5", "4-6", "-", "-", "-"]


@pytest.mark.parametrize("bad", [["--only", "nothing"], ["--runs", "0"]])
def test_bad_options(bad: list[str]) -> None:
    with pytest.raises(UsageError, match="BENCH-0001"):
        main(["kernel", *bad])
