"""A fresh pair of parties for each test; no process outlives it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps.house import House, build


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path / "house")
    yield made
    made.close()
