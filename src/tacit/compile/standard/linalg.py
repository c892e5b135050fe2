"""The extension `linalg` of the array standard."""

from tacit.compile.standard.dispatch import extension
from tacit.compile.standard.signatures import LINALG, signatures

STANDARD = signatures(LINALG)
NAMES, __getattr__ = extension("linalg", STANDARD)
__all__ = sorted(NAMES)  # pyright: ignore
