"""Who may import whom (ARCHITECTURE.md), by import-linter and by reading the imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, imports, modules, name_of

LAYERS = (
    ("apps",),
    ("trust",),
    ("tasks",),
    ("learn", "stats", "sql", "fed"),
    ("run",),
    ("frame", "compile", "psi", "pir", "net"),
    ("mpc",),
    ("blocks",),
    ("ir",),
    ("base",),
    ("_kernel",),
)
"""Highest first. A layer may import lower ones only; packages of one layer do not import each other."""

LEVEL = {package: level for level, layer in enumerate(LAYERS) for package in layer}
KERNEL_USERS = {"base", "blocks", "mpc", "psi", "pir"}
NET_USERS = {"run", "apps", "net"}
EDGES = [
    (name, target.split(".")[1], path)
    for name, path in modules()
    for target in sorted(imports(path))
    if target.startswith("tacit.") and name != "tacit"
]


def package(module: str) -> str:
    return module.split(".")[1]


def test_every_package_has_its_layer() -> None:
    assert {package(name) for name, _ in modules() if name != "tacit"} <= set(LEVEL)
    assert len(EDGES) > 200


def test_imports_point_down() -> None:
    wrong = []
    for name, target, _ in EDGES:
        source = package(name)
        down = LEVEL[source] < LEVEL[target] or source == target
        wrong += [] if down else [f"{name} -> {target}"]
    assert wrong == []


def test_nothing_imports_the_front_page() -> None:
    """`tacit/__init__` is for people; inside, names come from where they are defined."""
    wrong = [
        name
        for name, path in modules()
        if name != "tacit"
        for target in imports(path)
        if target == "tacit" or (target.startswith("tacit.") and package(target) not in LEVEL)
    ]
    assert wrong == []


def test_only_some_use_the_kernel_and_the_network() -> None:
    assert {package(name) for name, target, _ in EDGES if target == "_kernel"} <= KERNEL_USERS
    assert {package(name) for name, target, _ in EDGES if target == "net"} <= NET_USERS


def test_the_compiler_does_not_know_the_schemes() -> None:
    assert [name for name, target, _ in EDGES if package(name) == "compile" and target == "mpc"] == []


def test_a_functionality_does_not_import_a_paper() -> None:
    for name, path in modules():
        if name.endswith(".functionality"):
            folder = name.rpartition(".")[0]
            siblings = {t for t in imports(path) if t.startswith(folder + ".")}
            assert siblings == set(), name_of(path)


def test_blocks_have_an_order_among_themselves() -> None:
    for name, path in modules():
        if name.startswith("tacit.blocks.ot"):
            assert not any(t.startswith("tacit.blocks.correlation") for t in imports(path)), name


def test_the_import_contracts_hold(tmp_path: Path) -> None:
    """The same by import-linter, which follows chains; contracts in pyproject.toml."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    if not Path(command[0]).exists():
        pytest.fail("import-linter is missing: pip install import-linter")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-500:]
