"""What the `psi` task needs of a protocol, and the ids that all of them are given."""

from __future__ import annotations

import argparse
import string
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from bench.party import Party
from bench.task import Figures, Outputs, wrong
from tacit.base.setting import Setting
from tacit.frame.keys import Keys, canonical_keys
from tacit.frame.source import open_table
from tacit.psi.functionality import Items
from tacit.psi.price import Link, Price

ID_CHARACTERS = 16
_ALPHABET = np.frombuffer((string.ascii_letters + string.digits).encode(), np.uint8)
INPUT, OUTPUT = "ids.csv", "common.csv"
THREADS = 2
LOOPBACK = Link(mbit=10_000, round_trip_s=2e-4)
"""What predictions take the link for, whatever `--net` says."""
SPENT = "spent"
_ROWS_AT_ONCE = 1 << 22


class Kind(ABC):
    """One protocol of the `psi` task: the parts of `bench.task.Task` that depend on it."""

    settings: Mapping[str, Setting]
    """By what `--security` may be."""

    @abstractmethod
    def prepare(self, options: argparse.Namespace, folders: list[Path]) -> Any: ...

    @abstractmethod
    async def play(self, party: Party) -> None: ...

    @abstractmethod
    def check(
        self, options: argparse.Namespace, expected: Any, folders: list[Path], out: Outputs
    ) -> Figures: ...

    @abstractmethod
    def predict(self, options: argparse.Namespace) -> Price:
        """What `tacit.psi.price` says of the run, over `LOOPBACK`."""


def compared(predicted: Price, out: Outputs) -> Figures:
    """A prediction beside what each party's `spent` says: seconds of the slowest, bytes of all."""
    spent = np.array([given[SPENT] for given in out])
    return {
        "predicted_s": round(predicted.seconds, 3),
        "spent_s": round(float(spent[:, 0].max()), 3),
        "predicted_mb": round(predicted.n_bytes / 1e6, 3),
        "spent_mb": round(float(spent[:, 1].sum()) / 1e6, 3),
    }


def sizes(options: argparse.Namespace) -> tuple[int, int]:
    return options.n, options.n if options.m is None else options.m


def random_ids(rng: np.random.Generator, count: int) -> np.ndarray:
    """S16[count], distinct (62^16 are possible)."""
    letters = _ALPHABET[rng.integers(0, len(_ALPHABET), (count, ID_CHARACTERS), dtype=np.uint8)]
    return letters.reshape(-1).view(f"S{ID_CHARACTERS}")


def two_sets(
    options: argparse.Namespace, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both parties' ids, each in an order of its own, and those that are common: half of the smaller set."""
    n, m = sizes(options)
    n_common = min(n, m) // 2
    ids = random_ids(rng, n + m - n_common)
    theirs = np.concatenate([ids[:n_common], ids[n:]])
    return rng.permutation(ids[:n]), rng.permutation(theirs), ids[:n_common]


def write_ids(folder: Path, ids: np.ndarray, **columns: np.ndarray) -> None:
    def rows(part: slice) -> pa.Table:
        each = {name: values[part] for name, values in columns.items()}
        return pa.table({"id": pa.array(ids[part].astype(str), pa.string()), **each})

    with pa_csv.CSVWriter(folder / INPUT, rows(slice(0)).schema) as writer:
        for start in range(0, len(ids), _ROWS_AT_ONCE):
            writer.write(rows(slice(start, start + _ROWS_AT_ONCE)))


def read_ids(party: Party, *columns: str) -> tuple[pa.Table, Keys, Items]:
    """My file with those columns, and its ids as a protocol takes them."""
    with party.timed("io"):
        # Numbers as text: what they are is known, and finding it out would read the file twice.
        table = open_table(party.folder / INPUT, ["id", *columns], text=["id", *columns])
    keys = canonical_keys(table["id"], name="id")
    return table, keys, Items(keys.data, keys.offsets)


def write_common(party: Party, table: pa.Table, rows: np.ndarray) -> None:
    """Those rows of my table, in its order."""
    common = table.take(pa.array(np.sort(rows)))
    with party.timed("io"):
        pa_csv.write_csv(common, party.folder / OUTPUT)


def check_common(folder: Path, expected: np.ndarray) -> Figures:
    """That a party wrote just these ids, which are sorted. Raises InternalError BENCH-0003."""
    raw = np.fromfile(folder / OUTPUT, np.uint8)
    raw = raw[raw != ord('"')]
    (folder / OUTPUT).unlink()  # the next run must write its own
    head, line = b"id\n", ID_CHARACTERS + 1
    body = raw[len(head) :]
    if raw[: len(head)].tobytes() != head or body.size != line * len(expected):
        raise wrong("psi", f"{body.size // line} ids found, {len(expected)} are common")
    found = np.ascontiguousarray(body.reshape(-1, line)[:, :ID_CHARACTERS])
    if not np.array_equal(np.sort(found.reshape(-1).view(f"S{ID_CHARACTERS}")), expected):
        raise wrong("psi", f"of {len(expected)} ids found some are not common")
    return {"intersection": len(expected)}
