"""Which of many byte strings came before."""

from __future__ import annotations

import numpy as np

from tacit import _kernel
from tacit.base.prg import fresh_entropy


def first_appearances(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Numbers of the strings data[offsets[i]:offsets[i+1]] that equal none before them: int64[m], ascending.

    data: uint8, offsets: int64[n + 1]. Strings are compared by 128 bits under a fresh key: two of 2^30
    different ones pass for equal with probability at most 2^-67.
    """
    return _kernel.first_appearances(data, offsets, fresh_entropy(16)).astype(np.int64)
