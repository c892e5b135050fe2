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
    LOOPBACK,
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
from tacit.psi.buckets import BYTES_PER_ITEM, BucketedPsi
from tacit.psi.functionality import BOTH, Items, Psi
from tacit.psi.price import Price, price, price_stored
from tacit.psi.rr22 import Rr22Psi
from tacit.psi.spool import n_groups
from tacit.tasks.join_stored import memory_for_groups
from tacit.trust.shelf import Shelf

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

        memory = memory_for_groups(party.options.memory)
        groups = BucketedPsi(protocol, shelf, memory_bytes=memory, threads=THREADS)
        async with party.computing():
            found = await groups.intersect(ctx, batches(), receivers=self._receivers(party.options))
        if found.rows is not None:
            _write_marked(party, path, marked(found.rows, n_rows))
        shelf.remove()

    def check(
        self, options: argparse.Namespace, expected: np.ndarray, folders: list[Path], out: Outputs
    ) -> Figures:
        return [check_common(folders[party], expected) for party in self._receivers(options)][0]

    def predict(self, options: argparse.Namespace) -> Price:
        form, receivers = self._form(options), len(self._receivers(options))
        if options.memory is None:
            return price(form.name, sizes(options), LOOPBACK, receivers=receivers)
        memory = memory_for_groups(options.memory)
        groups = n_groups(max(sizes(options)), memory, BYTES_PER_ITEM)
        assert issubclass(form, Rr22Psi)
        return price_stored(sizes(options), LOOPBACK, groups, receivers=receivers, kind=form)


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
