"""The bench of the compiler: its targets, generously, as machines that run tests are busy."""

from __future__ import annotations

from bench.compile import measured


def test_a_thousand_operators_compile_in_seconds_and_run_without_much_overhead() -> None:
    found = measured("rep3", 100_000, 3)
    assert found["operators"] >= 1000
    assert found["cpu_seconds"] < 3.0
    assert found["overhead"] < 0.3
