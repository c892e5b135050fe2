"""Functions on secrets: three parties, three shapes, against the clear; costs as the table says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tacit.compile.refused import REFUSED
from tacit.compile.trace import find
from tests.functions.case import agrees, run
from tests.functions.costs import CASES, recorded

CLAIMED = 500


@pytest.mark.parametrize("name", CASES)
def test_a_function_of_secrets(name: str) -> None:
    outcome = run(CASES[name])
    assert agrees(outcome, CASES[name].error), (outcome.got, outcome.expected)
    assert recorded()[name] == (outcome.bytes_sent, outcome.rounds), "python -m tests.functions.costs"


NOT_COUNTED = """
copy nan_to_num positive isinf isnan isneginf isposinf isreal iscomplex real imag conj nansum nanmean
nanprod nanmax nanmin nanargmax nanargmin nancumsum nancumprod nanvar nanstd nanmedian nanquantile
nanpercentile jax.lax.reduce_precision jax.lax.clamp jax.lax.rem jax.lax.rev jax.lax.population_count
jax.lax.cumprod jax.lax.select jax.lax.select_n jax.lax.batch_matmul jax.scipy.linalg.cholesky
jax.scipy.linalg.qr jax.scipy.signal.convolve jax.scipy.signal.correlate jax.scipy.special.i0
"""
"""Those that do nothing to real and finite values, and second names of others that are counted."""


def test_the_number_of_functions_is_what_is_claimed() -> None:
    variants = {name for name in CASES if "-" in name}
    left_out = set(NOT_COUNTED.split())
    assert left_out <= set(CASES), left_out - set(CASES)
    assert len(set(CASES) - variants - left_out) >= CLAIMED
    assert set(recorded()) == set(CASES)


LIST = Path(__file__).parents[3] / "shared/data/conformance/spu_np_op_status.json"
WITHOUT = {
    "gcd": "Euclid's steps depend on the numbers; a fixed number of secret divisions costs too much",
    "lcm": "as gcd",
    "nextafter": "there is no floating point",
}
OTHER_NAMES = {
    "absolute": "abs",
    "bitwise_not": "invert",
    "conjugate": "conj",
    "fix": "trunc",
    "mod": "remainder",
}


@pytest.mark.skipif(not LIST.exists(), reason="the list is not beside this checkout")
def test_the_listed_functions_are_there_but_for_three() -> None:
    names = [entry["name"] for entry in json.loads(LIST.read_text())]
    assert len(names) == 123
    missing = {name for name in names if find("", OTHER_NAMES.get(name, name)) is None} | set(REFUSED)
    assert missing & set(names) == set(WITHOUT)
