"""House rules that a syntax tree can check: the operating system, names, lengths, codes, headers."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from pathlib import Path

import pytest

from tacit.base.protocol import REGISTRY
from tacit.base.setting import Setting
from tacit.mpc.scheme import SCHEMES
from tests.architecture.sources import PACKAGE, ROOT, dotted, files, imports, modules, name_of, tree

PURE = {
    "__future__", "abc", "asyncio", "bisect", "collections", "contextlib", "contextvars", "dataclasses",
    "difflib",
    "enum", "fractions", "functools", "hashlib", "html", "importlib", "inspect", "itertools", "json", "math",
    "operator", "pkgutil",
    "re", "statistics", "struct", "types", "typing", "unicodedata", "weakref", "zlib",
}  # fmt: skip
"""What the standard library offers without files, clocks, environment, randomness or code from data."""
LIBRARIES = {"numpy", "tacit"}
ALLOWED: dict[str, set[str]] = {
    "base.prg": {"os"},
    "compile.jax": {"jax"},
    "compile.standard.signatures": {"ast"},
    "tacit": {"sys"},
    "compile.onnx.graph": {"onnx"},
    "compile.onnx.model": {"onnx"},
    "compile.table": {"sys", "pathlib"},
    "run.namespace": {"dis"},
    "frame": {"pyarrow", "duckdb", "pathlib", "gzip", "csv"},
    "tasks": {"pyarrow"},
    "net": {"os", "errno", "socket", "ssl", "threading", "time", "selectors", "select", "pathlib"},
    "trust": {
        "os", "atexit", "signal", "shutil", "threading", "datetime", "pathlib", "io", "errno", "fcntl",
        "tempfile", "cryptography",
    },
}  # fmt: skip
"""By package or module: what it may import besides. Keys and the vault live in trust; sys and PurePath tell
the compiler's messages the caller's line."""
NEVER_CALLED = {"print", "input", "eval", "exec", "compile", "__import__", "breakpoint", "globals", "vars"}
FILES = {"open"}
NEVER_NAMED = {
    "os.environ", "os.environb", "os.getenv", "np.random", "numpy.random", "sys.stdin", "sys.stdout",
    "sys.stderr", "sys.argv", "pathlib.Path",
}  # fmt: skip
OS_RANDOMNESS = {"os.urandom", "os.getrandom", "secrets.token_bytes", "ssl.RAND_bytes"}
RANDOMNESS_READERS = {"tacit.base.prg"}
LINE_LIMIT = 500
BAD_NAMES = re.compile(r"(^|_)(utils?|common|managers?|helpers?|misc)(_|$)")
CODE = re.compile(r"[A-Z]{2,16}-[0-9]{4}")


def below_apps() -> list[tuple[str, Path]]:
    return [(name, path) for name, path in modules() if not name.startswith("tacit.apps")]


def allowed(name: str) -> set[str]:
    inner = name.removeprefix("tacit.")
    return ALLOWED.get(inner, set()) | ALLOWED.get(inner.split(".")[0], set())


@pytest.mark.parametrize(("name", "path"), below_apps(), ids=[name for name, _ in below_apps()])
def test_below_apps_nothing_touches_the_operating_system(name: str, path: Path) -> None:
    libraries = {target.split(".")[0] for target in imports(path)}
    assert libraries <= PURE | LIBRARIES | allowed(name)
    package = name.split(".")[1] if "." in name else ""
    never = NEVER_CALLED if package in ("net", "frame", "trust") else NEVER_CALLED | FILES
    for node in ast.walk(tree(path)):
        text = dotted(node) if isinstance(node, ast.Attribute | ast.Name) else ""
        assert text not in NEVER_NAMED, f"{name_of(path)}:{node.lineno}: {text}"  # type: ignore[attr-defined]
        if text in OS_RANDOMNESS:
            assert name in RANDOMNESS_READERS, f"{name_of(path)}:{node.lineno}: {text}"  # type: ignore[attr-defined]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            vars_of = node.func.id == "vars" and node.args  # a dataclass as a dict
            assert vars_of or node.func.id not in never, f"{name_of(path)}:{node.lineno}: {node.func.id}()"
        if text.startswith("asyncio.") and package != "net":
            assert text not in ("asyncio.open_connection", "asyncio.start_server", "asyncio.sleep"), name


def test_files_are_short_and_named_for_what_they_hold() -> None:
    for path in files(".py", ".rs", ".pyi"):
        if path.is_relative_to(ROOT / "docs"):
            continue
        n_lines = len(path.read_text(encoding="utf-8").splitlines())
        assert n_lines <= LINE_LIMIT, f"{name_of(path)} has {n_lines} lines"
        for part in path.relative_to(ROOT).with_suffix("").parts:
            assert not BAD_NAMES.search(part), f"{name_of(path)}: a name that says nothing"


def used_codes() -> dict[str, str]:
    """Every error code that stands alone as a string in the package or the bench, and a file that uses it."""
    homes = [path for _, path in modules()] + list(files(".py", under=ROOT / "bench"))
    return {
        node.value: name_of(path)
        for path in homes
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    }


def test_every_error_code_has_a_page_and_every_page_a_code() -> None:
    used = used_codes()
    pages = {
        path.stem: path for path in files(".md", under=ROOT / "docs" / "errors") if CODE.fullmatch(path.stem)
    }
    assert sorted(set(used) - set(pages)) == [], "codes without a page docs/errors/CODE.md"
    assert sorted(set(pages) - set(used)) == [], "pages whose code nobody raises"
    for code, path in pages.items():
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {code}: "), name_of(path)
        for heading in ("## Meaning", "## Cause", "## Remedy"):
            assert heading in text, f"{name_of(path)} lacks {heading}"


def test_errors_are_raised_with_a_code() -> None:
    """`raise SomeError(...)` of our tree names its code first; bare ValueErrors do not leave the package."""
    tree_names = {
        "UsageError", "TypeRuleError", "PolicyError", "PeerError", "CheatDetected", "TransportError",
        "LimitError", "UnsupportedError", "InternalError", "TacitError",
    }  # fmt: skip
    for _, path in modules():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                kind = dotted(node.exc.func).split(".")[-1]
                first = node.exc.args[0] if node.exc.args else None
                if kind in tree_names and isinstance(first, ast.Constant):
                    assert CODE.fullmatch(str(first.value)), f"{name_of(path)}:{node.lineno}"


def every_protocol() -> dict[str, object]:
    for name, _ in below_apps():
        importlib.import_module(name)
    return {name: spec for name, spec in REGISTRY.items() if not name.startswith("tests")}


def test_every_protocol_says_where_it_comes_from_and_against_whom_it_holds() -> None:
    specs = every_protocol()
    assert len(specs) > 15
    for name, spec in REGISTRY.items():
        if name in specs:
            assert spec.source.strip() and isinstance(spec.setting, Setting), name
            assert spec.setting.parties >= 1 and spec.setting.kappa >= 128 and spec.setting.sigma >= 40, name
            assert spec.setting.security == "perfect" or spec.setting.assumes, f"{name} assumes nothing?"


def test_protocol_files_open_with_source_and_setting() -> None:
    homes = {f"tacit.{name.rpartition('.')[0]}" for name in every_protocol()}
    for home in sorted(homes):
        header = sys.modules[home].__doc__ or ""
        for word in ("Source", "Setting"):
            assert re.search(rf"^{word}\b", header, re.MULTILINE), f"{home}: no {word} in its header"


def test_every_scheme_has_a_readme_that_names_its_protocols() -> None:
    for scheme in SCHEMES:
        readme = PACKAGE / "mpc" / scheme / "README.md"
        assert readme.exists(), f"{scheme} has no README.md"
        text = readme.read_text(encoding="utf-8")
        for name in every_protocol():
            if name.startswith(f"mpc.{scheme}."):
                assert f"`{name.rpartition('.')[2]}`" in text, f"{name_of(readme)} does not name {name}"


def test_no_name_of_a_workplace_is_in_the_text() -> None:
    """Absolute paths of a machine, package indexes of a machine."""
    homes = [f"/{folder}/" for folder in ("work", "root", "home", "Users")]
    indexes = ["-".join(words) for words in (("index", "url"), ("trusted", "host"), ("replace", "with"))]
    for path in files(
        ".py", ".pyi", ".rs", ".md", ".toml", ".txt", ".lock", ".yaml", ".yml", ".json", ".sh", "run"
    ):
        if path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8")
        found = [mark for mark in (*homes, *indexes) if mark in text]
        assert found == [], f"{name_of(path)} holds {found}"
