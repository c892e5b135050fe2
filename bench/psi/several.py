"""Three to ten sets, CSV in, CSV out: all parties learn the intersection and write their own common rows.

Party 0 has --n ids, every other --m. Half of the smaller number is common to all; of the others' further ids
half are common to two neighbours, so that pairs have more in common than all.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.party import Party
from bench.psi.kind import (
    LOOPBACK,
    THREADS,
    Kind,
    check_common,
    random_ids,
    read_ids,
    sizes,
    write_common,
    write_ids,
)
from bench.task import Figures, Outputs
from tacit.base.setting import Setting
from tacit.psi.price import Price, price_several
from tacit.psi.star_kmprt17 import ALL_BUT_ONE, intersect


class Several(Kind):
    settings: ClassVar[dict[str, Setting]] = {"semi-honest": ALL_BUT_ONE}

    def prepare(self, options: argparse.Namespace, folders: list[Path]) -> np.ndarray:
        """The common ids, sorted."""
        rng = np.random.default_rng(options.seed)
        n, m = sizes(options)
        n_common, parties = min(n, m) // 2, len(folders)
        common = random_ids(rng, n_common)
        alone = [random_ids(rng, max(n, m) - n_common) for _ in range(parties)]
        for party, folder in enumerate(folders):
            own = (n if party == 0 else m) - n_common
            shared = own // 2 if m == n else 0
            ids = [common, alone[party][: own - shared], alone[(party + 1) % parties][:shared]]
            write_ids(folder, rng.permutation(np.concatenate(ids)))
        return np.sort(common)

    async def play(self, party: Party) -> None:
        table, keys, items = read_ids(party)
        ctx = await party.session(party.options.protocol)
        async with party.computing():
            found = await intersect(ctx, items, receivers=frozenset(range(ctx.n)), threads=THREADS)
        assert found.rows is not None
        write_common(party, table, keys.rows[found.rows])

    def predict(self, options: argparse.Namespace) -> Price:
        n, m = sizes(options)
        each = (n, *(m for _ in range(1, options.parties)))
        return price_several(each, LOOPBACK, receivers=options.parties)

    def check(
        self, options: argparse.Namespace, expected: np.ndarray, folders: list[Path], out: Outputs
    ) -> Figures:
        return [check_common(folder, expected) for folder in folders][0]
