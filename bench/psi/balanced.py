"""Two sets of like size, CSV in, CSV out: both parties learn the intersection, or party 0 alone where the
protocol has one receiver. Whoever learns it writes its own common rows, in its own file's order.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from bench.party import Party
from bench.psi.kind import THREADS, Kind, check_common, read_ids, two_sets, write_common, write_ids
from bench.task import Figures, Outputs
from tacit.psi.functionality import BOTH, Psi

ONE_RECEIVER = frozenset((0,))


class Balanced(Kind):
    """`semi_honest`, and where there is one the form that holds against a deviating peer too."""

    def __init__(self, semi_honest: type[Psi], malicious: type[Psi] | None = None) -> None:
        self._forms = {"semi-honest": semi_honest} | ({"malicious": malicious} if malicious else {})
        self.settings = {security: form.setting for security, form in self._forms.items()}

    def _form(self, options: argparse.Namespace) -> type[Psi]:
        return self._forms[options.security]

    def _receivers(self, options: argparse.Namespace) -> frozenset[int]:
        return ONE_RECEIVER if self._form(options).one_receiver else BOTH

    def prepare(self, options: argparse.Namespace, folders: list[Path]) -> np.ndarray:
        """The common ids, sorted."""
        mine, theirs, _ = two_sets(options, np.random.default_rng(options.seed))
        for folder, ids in zip(folders, (mine, theirs), strict=True):
            write_ids(folder, ids)
        return np.intersect1d(mine, theirs, assume_unique=True)

    async def play(self, party: Party) -> None:
        table, keys, items = read_ids(party)
        ctx = await party.session(party.options.protocol)
        async with party.computing():
            protocol = self._form(party.options)(THREADS)
            found = await protocol.intersect(ctx, items, receivers=self._receivers(party.options))
        if found.rows is not None:
            write_common(party, table, keys.rows[found.rows])

    def check(
        self, options: argparse.Namespace, expected: np.ndarray, folders: list[Path], out: Outputs
    ) -> Figures:
        return [check_common(folders[party], expected) for party in self._receivers(options)][0]
