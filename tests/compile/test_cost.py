"""Estimates: the longest chain in rounds, sums in bytes and seconds, loops times their length."""

from __future__ import annotations

import pytest

from tacit.compile.cost import Network, Price, estimate
from tacit.ir.text import parse

PROGRAM = parse("""program p(x=%0: secret fixed64.18[10], p=%1: private(0) fixed64.18[10]) {
  %2: secret fixed64.18[10] = mul %0, %0
  %3: secret bool[10] = less %0, %1
  %4: secret fixed64.18[10] = select %3, %2, %0
  %5: private(0) fixed64.18[10] = mul %1, %1
  %6: secret fixed64.18[10] = scan %4, %5 {length=4, n_carry=1, n_xs=0}
    body=program body(c=%0: secret fixed64.18[10], k=%1: private(0) fixed64.18[10]) {
      %2: secret fixed64.18[10] = mul %0, %1
      return c=%2
    }
  return out=%6
}""")

TABLE = {
    "mul": Price(rounds=2, n_bytes=16, seconds=1e-6),
    "less": Price(rounds=7, n_bytes=lambda eqn: 100.0 + eqn.outs[0].type.size),
    "select": Price(rounds=1, n_bytes=8),
}


def test_rounds_follow_the_longest_chain() -> None:
    assert estimate(PROGRAM, TABLE).rounds == 7 + 1 + 4 * 2


def test_bytes_and_seconds_add_up_and_loops_multiply() -> None:
    cost = estimate(PROGRAM, TABLE)
    assert cost.n_bytes == 160 + 110 + 80 + 4 * 160
    assert cost.compute_s == pytest.approx(5 * 10e-6)
    assert cost.by_op["mul"].n_bytes == 5 * 160
    assert cost.by_op["less"].rounds == 7
    assert cost.unpriced == frozenset()
    network = Network(latency_s=0.001, bytes_per_s=1e6)
    assert cost.seconds(network) == pytest.approx(0.016 + 990e-6 + 50e-6)


def test_what_has_no_price_is_named() -> None:
    assert estimate(PROGRAM, {"mul": TABLE["mul"]}).unpriced == {"less", "select"}
