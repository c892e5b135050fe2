"""rep3_malicious on the wire: declared costs are measured, schedules and bodies tell nothing."""

from __future__ import annotations

import numpy as np
import pytest

from tacit.base.protocol import REGISTRY
from tacit.blocks.dzk import statement
from tacit.mpc import rep3_malicious
from tacit.mpc.rep3_malicious import SCHEME
from tests.mpc.test_rep3 import integers
from tests.mpc.test_rep3_cost import CALLS, N, Witness, observe, verify

NAMES = [name for name in CALLS if name not in ("shuffle", "sort", "leading_one", "below")]
ZEROS = np.zeros(N, np.uint64)


def walk(name: str) -> Witness:
    return observe(CALLS[name], ZEROS, kind=SCHEME)[0]


@pytest.mark.parametrize("name", NAMES)
def test_declared_costs_are_measured(name: str) -> None:
    assert verify(walk(name))


def test_declared_costs_are_measured_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rep3_malicious, "KEEP", 64)
    monkeypatch.setattr(rep3_malicious, "BATCH", 128)
    assert "blocks.dzk.bbcgi19.verify" in verify(walk("mul_trunc"))


def test_every_protocol_is_reached() -> None:
    reached = set().union(*(verify(walk(name)) for name in NAMES))
    assert reached == {name for name in REGISTRY if name.startswith(("mpc.rep3_malicious.", "blocks.dzk."))}


HEADLINES = {
    "mul": (24.0, 1),
    "trunc": (37.875, 2),
    "mul_trunc": (61.875, 3),
    "and_": (3 / 8, 1),
    "msb": (78.0, 8),
    "b2a": (24.0, 2),
    "mux": (48.0, 3),
}
"""Bytes per element of all parties together, and rounds, before verification: what the README promises."""


@pytest.mark.parametrize("name", HEADLINES)
def test_headline_costs(name: str) -> None:
    per_element, rounds = HEADLINES[name]
    transcript = observe(CALLS[name], ZEROS, kind=SCHEME)[1].transcript
    computing = [entry for entry in transcript if "/verify" not in entry.path]
    padded = -(-N // 64) * 64
    total = sum(entry.n_bytes for entry in computing)
    assert N * per_element <= total <= padded * per_element
    assert max(entry.clock for entry in computing) == rounds


def test_verification_grows_with_the_logarithm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes for 8 times as many products: one or two more messages of 27 elements a prover."""
    monkeypatch.setattr(rep3_malicious, "KEEP", 1 << 30)
    monkeypatch.setattr(statement, "FIRST_VARIABLES", 6)
    sizes = []
    for n in (1 << 17, 1 << 20):
        values = np.zeros(n, np.uint64)
        call = observe(lambda s, c, v: s.mul(c, s.constant(c, v), s.constant(c, v)), values, kind=SCHEME)[1]
        sizes.append(sum(entry.n_bytes for entry in call.transcript if "/verify" in entry.path))
    assert sizes[1] - sizes[0] < 3 * 3 * 27 * 48 * 8


@pytest.mark.parametrize("name", NAMES)
def test_the_schedule_does_not_depend_on_values(name: str) -> None:
    seen = []
    for values in (ZEROS, integers("schedule", (N,), 1 << 61).view(np.uint64)):
        transcript = observe(CALLS[name], values, kind=SCHEME)[1].transcript
        seen.append(sorted((e.path, e.frm, e.to, e.n_bytes, e.clock) for e in transcript))
    assert seen[0] == seen[1] and seen[0]


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("reveal", "share"))])
def test_every_body_is_uniform_whatever_the_values(name: str) -> None:
    """Inputs with no randomness of their own: whatever is not masked would show, the proofs' messages too."""
    runs = 40
    for values in (ZEROS, np.full(N, (1 << 61) - 1, np.uint64)):
        ones: dict[str, np.ndarray] = {}
        for run in range(runs):
            network = observe(CALLS[name], values, keep_bodies=True, seed=b"run %d" % run, kind=SCHEME)[1]
            for entry in network.transcript:
                if entry.n_bytes == 1:
                    continue  # the parties' consent
                key = f"{entry.path} {entry.frm}->{entry.to}"
                assert entry.body is not None
                bits = np.unpackbits(np.frombuffer(entry.body, np.uint8)).astype(np.int64)
                ones[key] = ones.get(key, np.zeros_like(bits)) + bits
        for key, counts in ones.items():
            live = counts[counts > 0]  # bits of a padded tail are zero in every run
            assert live.size and np.all(np.abs(live - runs / 2) < 19), f"a constant bit in {key}"
            mean, n = live.mean() / runs, live.size * runs
            assert abs(mean - 0.5) < 5 / (2 * np.sqrt(n)), f"{key} is not balanced"
