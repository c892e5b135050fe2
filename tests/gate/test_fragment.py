"""The documented fragment is the one that the gate reads."""

from __future__ import annotations

import re
from pathlib import Path

from tacit.ir.op import OPS
from tacit.run.gate.cells import LINEAR, RULES, Rule

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "gate.md"


def documented() -> dict[str, set[str]]:
    """Operators by their kind in the table of the page."""
    lines = re.findall(r"^\| (\w+) \| (.*?) \| .*\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {kind: set(re.findall(r"`(\w+)`", operators)) for kind, operators in lines}


def test_the_table_of_operators_is_what_the_code_does() -> None:
    table = documented()
    for rule in Rule:
        ops = {op for op, of in RULES.items() if of is rule}
        assert table.get(rule.name.lower(), set()) == ops, rule
    assert table["linear"] == LINEAR - {"astype"}


def test_it_speaks_of_operators_that_there_are() -> None:
    assert all(ops <= set(OPS) for ops in documented().values())
