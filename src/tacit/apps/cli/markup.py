"""HTML as values: everything that is not markup already is escaped."""

from __future__ import annotations

from html import escape
from typing import Any

from tacit.apps.cli.words import Words

_BOTH = {language: Words(language) for language in ("en", "zh")}
_EMPTY = frozenset({"br", "rect", "line", "path", "circle", "input", "meta"})


class Markup(str):
    """Text that is markup already."""


def tag(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """An element. A last underscore of an attribute is dropped, others become hyphens; None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _EMPTY and not children:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: Any) -> Markup:
    """Children one after another, texts escaped."""
    return Markup("".join(child if isinstance(child, Markup) else escape(str(child)) for child in children))


def both(key: str, /, **fields: Any) -> Markup:
    """The text `key` in both languages; the page shows one of them. A field may be a mapping by language."""
    return join(
        *(
            tag("span", words(key, **_fields(fields, language)), class_=language, lang=language)
            for language, words in _BOTH.items()
        )
    )


def both_svg(key: str, x: float, y: float, /, **attributes: Any) -> Markup:
    """As `both`, for a text in a drawing at (x, y)."""
    return join(
        *(
            tag(
                "text",
                words(key),
                x=f"{x:g}",
                y=f"{y:g}",
                **(attributes | {"class_": f"{language} {attributes.get('class_', '')}".strip()}),
            )
            for language, words in _BOTH.items()
        )
    )


def _fields(fields: dict[str, Any], language: str) -> dict[str, Any]:
    return {key: value[language] if isinstance(value, dict) else value for key, value in fields.items()}
