"""Two sets of like size, CSV in, CSV out: both parties learn the intersection, or party 0 alone where the
protocol has one receiver. Whoever learns it writes its own common rows, in its own file's order.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from bench.party import Party
from bench.psi.kind import (
    INPUT,
    OUTPUT,
    THREADS,
    Kind,
    check_common,
    read_ids,
    sizes,
    two_sets,
    write_common,
    write_ids,
)
from bench.task import Figures, Outputs
from tacit.frame.keys import canonical_keys
from tacit.frame.source import stream_table
from tacit.psi.buckets import BucketedPsi
from tacit.psi.functionality import BOTH, Items, Psi
from tacit.psi.price import Link, price
from tacit.psi.rr22 import Rr22Psi
from tacit.trust.shelf import Shelf

LOOPBACK = Link(mbit=10_000, round_trip_s=2e-4)
"""What the prediction, to be compared with `compute_s`, takes the link for; whatever `--net` says."""
RESERVE = 1 << 30
"""Of `--memory`, for the interpreter, the reader of files and the rows found."""

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
        mine, theirs, common = two_sets(options, np.random.default_rng(options.seed))
        for folder, ids in zip(folders, (mine, theirs), strict=True):
            write_ids(folder, ids)
        return np.sort(common)

    async def play(self, party: Party) -> None:
        if party.options.memory is not None:
            await self._play_in_groups(party)
            return
        table, keys, items = read_ids(party)
        ctx = await party.session(party.options.protocol)
        async with party.computing():
            protocol = self._form(party.options)(THREADS)
            found = await protocol.intersect(ctx, items, receivers=self._receivers(party.options))
        if found.rows is not None:
            write_common(party, table, keys.rows[found.rows])

    async def _play_in_groups(self, party: Party) -> None:
        """Within `--memory`: the file goes by twice, a batch of rows at a time."""
        path, protocol = party.folder / INPUT, self._form(party.options)(THREADS)
        assert isinstance(protocol, Rr22Psi)
        shelf, n_rows = Shelf(party.folder / "shelf"), 0
        ctx = await party.session(party.options.protocol)

        def batches() -> Iterator[tuple[Items, np.ndarray]]:
            nonlocal n_rows
            for table in stream_table(path, ["id"], text=["id"]):
                keys = canonical_keys(table["id"], name="id")
                yield Items(keys.data, keys.offsets), keys.rows + n_rows
                n_rows += table.num_rows

        groups = BucketedPsi(protocol, shelf, memory_bytes=party.options.memory - RESERVE, threads=THREADS)
        async with party.computing():
            found = await groups.intersect(ctx, batches(), receivers=self._receivers(party.options))
        if found.rows is not None:
            _write_marked(party, path, marked(found.rows, n_rows))
        shelf.remove()

    def check(
        self, options: argparse.Namespace, expected: np.ndarray, folders: list[Path], out: Outputs
    ) -> Figures:
        figures = [check_common(folders[party], expected) for party in self._receivers(options)][0]
        predicted = price(
            self._form(options).name, sizes(options), LOOPBACK, receivers=len(self._receivers(options))
        )
        return {**figures, "predicted_s": round(predicted.seconds, 3)}


def marked(rows: np.ndarray, n_rows: int) -> np.ndarray:
    """bool[n_rows]: which rows are among `rows`."""
    result = np.zeros(n_rows, bool)
    result[rows] = True
    return result


def _write_marked(party: Party, path: Path, wanted: np.ndarray) -> None:
    """Those rows of my file, in its order."""
    at = 0
    with party.timed("io"), pa_csv.CSVWriter(party.folder / OUTPUT, pa.schema([("id", pa.string())])) as out:
        for table in stream_table(path, ["id"], text=["id"]):
            out.write(table.filter(pa.array(wanted[at : at + table.num_rows])))
            at += table.num_rows
