"""The extension `linalg` of the array standard."""

from __future__ import annotations

from typing import Any

from tacit.compile.standard.dispatch import standard_function
from tacit.compile.standard.signatures import LINALG, signatures

STANDARD = signatures(LINALG)
NAMES: dict[str, Any] = {
    name: standard_function(name, signature, "linalg") for name, signature in STANDARD.items()
}
__all__ = sorted(NAMES)  # pyright: ignore


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"module 'tacit.xp.linalg' has no attribute {name!r}")
    return NAMES[name]
