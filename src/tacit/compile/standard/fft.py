"""The extension `fft` of the array standard."""

from tacit.compile.standard.dispatch import extension
from tacit.compile.standard.signatures import FFT, signatures

STANDARD = signatures(FFT)
NAMES, __getattr__ = extension("fft", STANDARD)
__all__ = sorted(NAMES)  # pyright: ignore
