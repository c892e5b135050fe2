"""The repository as text and syntax trees, for the architecture tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "tacit"
FOLDERS = ("src", "crates", "tests", "bench", "docs", "examples", "vectors", ".ci")
GENERATED = {"__pycache__", "target", "node_modules", ".ruff_cache", ".mypy_cache", ".pytest_cache"}


def files(*suffixes: str, under: Path = ROOT) -> Iterator[Path]:
    """The repository's own files of these endings: those at the top and those in `FOLDERS`."""
    tops = [under] if under != ROOT else [ROOT / name for name in FOLDERS]
    if under == ROOT:
        yield from sorted(path for path in ROOT.iterdir() if path.is_file() and path.name.endswith(suffixes))
    for top in tops:
        for path in sorted(top.rglob("*")):
            if path.is_file() and path.name.endswith(suffixes) and not GENERATED & set(path.parts):
                yield path


def name_of(path: Path) -> str:
    """For messages: the path inside the repository."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the package: its dotted name and file."""
    for path in files(".py", under=PACKAGE):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(path: Path) -> set[str]:
    """Dotted names that the file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def dotted(node: ast.AST) -> str:
    """`a.b.c` of nested attributes of a name, else ""."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""
