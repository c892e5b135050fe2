"""Circuit intersection: party 0 has --n ids, party 1 --m ids with one column of numbers, in CSV.

`circuit`: who is common and, for those, the number arrive as shares: results in hand, nothing is opened.
`sum`: from these shares the size of the intersection and the sum of its numbers are opened, into a CSV file.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from bench.party import Party
from bench.psi.kind import LOOPBACK, THREADS, Kind, read_ids, sizes, two_sets, write_ids
from bench.task import Figures, Outputs, wrong
from tacit.base.setting import Setting
from tacit.mpc.semi2k import Semi2k
from tacit.psi.aggregates import COUNT, SUMS, count_and_sums
from tacit.psi.circuit_psty19 import RECEIVER, intersect
from tacit.psi.price import Price, Told, price_hidden
from tacit.run.policy import ALL, Grant

LARGEST = 1 << 40
TOTALS = "totals.csv"


@dataclass(frozen=True)
class Expected:
    """By row of the receiver's file: whether its id is common, and the number that then belongs to it."""

    common: np.ndarray
    payload: np.ndarray


class Circuit(Kind):
    settings: ClassVar[dict[str, Setting]] = {"semi-honest": Semi2k.setting}

    def __init__(self, *, totals: bool) -> None:
        self._totals = totals

    def prepare(self, options: argparse.Namespace, folders: list[Path]) -> Expected:
        rng = np.random.default_rng(options.seed)
        mine, theirs, _ = two_sets(options, rng)
        payload = rng.integers(0, LARGEST, len(theirs), dtype=np.uint64)
        write_ids(folders[0], mine)
        write_ids(folders[1], theirs, value=payload)
        _, my_rows, their_rows = np.intersect1d(mine, theirs, assume_unique=True, return_indices=True)
        expected = Expected(np.zeros(len(mine), bool), np.zeros(len(mine), np.uint64))
        expected.common[my_rows] = True
        expected.payload[my_rows] = payload[their_rows]
        return expected

    async def play(self, party: Party) -> None:
        receiver = party.me == RECEIVER
        table, keys, items = read_ids(party, *([] if receiver else ["value"]))
        values = None if receiver else table["value"].cast(pa.uint64()).to_numpy()[keys.rows][None]
        run = await party.run("semi2k", "semi-honest")
        assert isinstance(run.scheme, Semi2k)
        async with party.computing():
            found = await intersect(run.ctx.sub("psi"), run.scheme, items, values, 1, THREADS)
            if self._totals:
                with run.step("totals", (Grant(COUNT, ALL), Grant(SUMS, ALL))) as ctx:
                    count, sums = await count_and_sums(ctx, run.scheme, found)
        if self._totals:
            with party.timed("io"):
                totals = pa.table({"count": pa.array([count]), "sum": pa.array(sums)})
                pa_csv.write_csv(totals, party.folder / TOTALS)
            return
        party.give("member", found.member.data)
        party.give("payload", found.payload.data[0])
        if found.bins is not None:
            party.give("rows", np.where(found.bins < 0, -1, keys.rows[found.bins]))

    def predict(self, options: argparse.Namespace) -> Price:
        told: Told = "sum" if self._totals else "shares"
        return price_hidden(sizes(options), LOOPBACK, columns=1, told=told)

    def check(
        self, options: argparse.Namespace, expected: Expected, folders: list[Path], out: Outputs
    ) -> Figures:
        n_common = int(expected.common.sum())
        if self._totals:
            right = f'"count","sum"\n{n_common},{expected.payload.sum()}\n'
            for folder in folders:
                if (found := (folder / TOTALS).read_text()) != right:
                    raise wrong("psi", f"{found!r}, should be {right!r}")
                (folder / TOTALS).unlink()  # the next run must write its own
            return {"intersection": n_common}
        rows = out[RECEIVER]["rows"]
        member = out[0]["member"] ^ out[1]["member"]
        payload = out[0]["payload"] + out[1]["payload"]
        filled = rows >= 0
        right_rows = np.array_equal(np.sort(rows[filled]), np.arange(sizes(options)[0]))
        right_members = np.array_equal(member, filled & expected.common[rows])
        right_payload = np.array_equal(payload, np.where(filled, expected.payload[rows], 0))
        if not (right_rows and right_members and right_payload):
            raise wrong("psi", f"rows {right_rows}, members {right_members}, payload {right_payload}")
        return {"intersection": n_common}
