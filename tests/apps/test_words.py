"""Every text exists in both languages, with the same fields, and every key that the code names exists."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest

from tacit.apps.cli import words as catalogue
from tacit.apps.cli.words import WORDS, Words, amount, choose_language, revealed
from tacit.base import errors

CLI = Path(catalogue.__file__).parent


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(WORDS))
def test_both_languages(key: str) -> None:
    english, chinese = WORDS[key]
    assert english.strip() and chinese.strip()
    assert _fields(english) == _fields(chinese)


def _literals() -> set[str]:
    """Every text constant in the command line's code that looks like a key of the catalogue."""
    groups = {key.partition(".")[0] for key in WORDS}
    found = set()
    for path in CLI.glob("*.py"):
        if path.name in ("words.py", "psi_words.py", "report_words.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                group, dot, rest = node.value.partition(".")
                if dot and group in groups and rest.replace("_", "").isalpha():
                    found.add(node.value)
    return found - {"report.html", "job.yaml", "result.json"}


def test_keys_in_code_exist() -> None:
    literals = _literals()
    assert len(literals) > 80
    prefixes = {
        text for text in literals if text.endswith("_") and any(key.startswith(text) for key in WORDS)
    }
    assert sorted(literals - prefixes - set(WORDS)) == []


def test_everybody_who_must_act_is_named() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.TacitError)
    ]
    assert len(kinds) >= 9
    assert all(f"who.{kind.who}" in WORDS for kind in kinds)


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ([], {}, "en"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        (["train", "--lang", "zh"], {"LANG": "en_US.UTF-8"}, "zh"),
        (["train", "--lang=en"], {"LANG": "zh_CN"}, "en"),
    ],
)
def test_language(arguments: list[str], environment: dict[str, str], expected: str) -> None:
    assert choose_language(arguments, environment) == expected


def test_unknown_language_is_english() -> None:
    assert Words("fr").language == "en"


def test_reveals_are_named() -> None:
    words = Words("en")
    assert "bank" in revealed(words, "coefficients.bank")
    assert revealed(words, "evaluation.*") == words("reveal.evaluation")
    assert revealed(words, "something new") == "something new"


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (131_700, "132 KB"),
        (999_600, "1.0 MB"),
        (86_917_000, "86.9 MB"),
        (2e9, "2.0 GB"),
    ],
)
def test_amount(n_bytes: float, text: str) -> None:
    assert amount(n_bytes) == text
