"""Real data beside a checkout, not in it. Where it is absent the tests that need it skip, counted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "shared" / "data"


def data_file(relative: str) -> Path:
    """The path of a data file. Skips the test if the data are not there; fails under `make verify-data`."""
    path = DATA / relative
    if not path.exists():
        if os.environ.get("TACIT_REQUIRE_DATA"):
            pytest.fail(f"data file {relative} is required and missing")
        pytest.skip(f"no data beside the checkout: {relative}")
    return path
