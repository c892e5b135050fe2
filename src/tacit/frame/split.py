"""Which joint rows are held out for the test: both parties find the same ones from the ids alone."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np

from tacit.base.errors import UsageError
from tacit.frame.keys import Keys


def holdout(keys: Keys, fraction: float = 1 / 3, seed: int = 0) -> np.ndarray:
    """bool[n], true for round(fraction * n) test rows: those whose keyed BLAKE2b hash ranks lowest.

    Depends on the set of ids, `fraction` and `seed` only, not on their order. Raises UsageError
    DATA-0022 unless 0 <= fraction < 1 and 0 <= seed < 2^64.
    """
    if not 0 <= fraction < 1 or not 0 <= seed < 1 << 64:
        raise UsageError(
            "DATA-0022",
            "the split needs 0 <= fraction < 1 and 0 <= seed < 2^64",
            hint="write for example test_fraction: 0.33 and seed: 7 in the job",
        )
    key = seed.to_bytes(8, "little")
    raw, bounds = keys.data.tobytes(), keys.offsets.tolist()
    digests = b"".join(
        hashlib.blake2b(raw[low:high], key=key, digest_size=16, person=b"tacit-holdout").digest()
        for low, high in pairwise(bounds)
    )
    words = np.frombuffer(digests, ">u8").reshape(-1, 2)
    order = np.lexsort((words[:, 1], words[:, 0]))
    held = np.zeros(len(keys), dtype=bool)
    held[order[: round(fraction * len(keys))]] = True
    return held
