"""The extension `fft` of the array standard."""

from __future__ import annotations

from typing import Any

from tacit.compile.standard.dispatch import standard_function
from tacit.compile.standard.signatures import FFT, signatures

STANDARD = signatures(FFT)
NAMES: dict[str, Any] = {
    name: standard_function(name, signature, "fft") for name, signature in STANDARD.items()
}
__all__ = sorted(NAMES)  # pyright: ignore


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"module 'tacit.xp.fft' has no attribute {name!r}")
    return NAMES[name]
