"""Tacit: institutions compute together on data that none of them shows."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tacit.base.errors import TacitError
from tacit.compile import standard as xp
from tacit.run.greeting import PRODUCT_VERSION as __version__
from tacit.run.secure import secure, sim

if TYPE_CHECKING:
    from tacit.apps.join import join
    from tacit.compile import onnx
    from tacit.tasks.join_tables import overlap

# `import tacit.xp` finds the namespace as well as `from tacit import xp` does.
sys.modules.update({f"tacit.xp{part}": sys.modules[xp.__name__ + part] for part in ("", ".linalg", ".fft")})

__all__ = ["TacitError", "__version__", "join", "onnx", "overlap", "secure", "sim", "xp"]


def __getattr__(name: str) -> Any:
    """On first use: who computes on arrays need not wait for the table library, nor have that of models."""
    if name == "onnx":
        return import_module("tacit.compile.onnx")
    if name not in ("join", "overlap"):
        raise AttributeError(f"module 'tacit' has no attribute {name!r}")
    if name == "join":
        from tacit.apps.join import join

        return join
    from tacit.tasks.join_tables import overlap

    return overlap
