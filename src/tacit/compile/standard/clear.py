"""The standard's functions on data in the clear, where NumPy's take other options or are not strict."""

from __future__ import annotations

from typing import Any

import numpy as np


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """In order along `axis`."""
    return np.take_along_axis(x, argsort(x, axis=axis, descending=descending, stable=stable), axis)


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The order along `axis`; equal elements stay as they stand, in descending order too."""
    if not descending:
        return np.argsort(x, axis=axis, stable=stable)
    found = np.argsort(np.flip(x, axis), axis=axis, stable=True)
    return np.flip(np.shape(x)[axis] - 1 - found, axis)


def diff(x: Any, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbours along `axis`, n times."""
    ends = {"prepend": prepend, "append": append}
    return np.diff(x, n, axis, **{name: end for name, end in ends.items() if end is not None})


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of a transform of n elements."""
    return np.fft.fftfreq(n, d, device=device).astype(dtype or np.float64)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of a transform of n real elements."""
    return np.fft.rfftfreq(n, d, device=device).astype(dtype or np.float64)


CLEAR = {"sort": sort, "argsort": argsort, "diff": diff, "fft.fftfreq": fftfreq, "fft.rfftfreq": rfftfreq}
