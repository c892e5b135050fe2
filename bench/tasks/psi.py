"""Private set intersection: CSV in, CSV out, random 16-character ids, half of the smaller set common.

Both parties learn the intersection, or party 0 alone where the protocol has one receiver. Whoever learns it
writes its own common rows, in its own file's order.
"""

from __future__ import annotations

import argparse
import string
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from bench.party import Party
from bench.task import Clock, Figures, Outputs, Task, wrong
from tacit.base.errors import UsageError
from tacit.frame.keys import canonical_keys
from tacit.frame.source import open_table
from tacit.psi.ecdh_ms86 import EcdhPsi, EcdhRistretto255Psi, EcdhSm2Psi
from tacit.psi.functionality import BOTH, Items, Psi
from tacit.psi.rr22 import Rr22MaliciousPsi, Rr22Psi

ID_CHARACTERS = 16
_ALPHABET = np.frombuffer((string.ascii_letters + string.digits).encode(), np.uint8)
PROTOCOLS: dict[str, type[Psi]] = {
    kind.name: kind for kind in (EcdhPsi, EcdhRistretto255Psi, EcdhSm2Psi, Rr22Psi)
}
CHECKED: dict[str, type[Psi]] = {Rr22Psi.name: Rr22MaliciousPsi}
"""Of the protocols that hold against a deviating peer too, that form; it has one receiver."""
THREADS = 2
ONE_RECEIVER = frozenset((0,))


class PsiTask(Task):
    name = "psi"
    summary = "private set intersection of --n and --m ids"
    clock: ClassVar[Clock] = "files"
    standard: ClassVar[tuple[tuple[str, ...], ...]] = (("--protocol", "ecdh", "--n", "65536"),)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--protocol", choices=sorted(PROTOCOLS), default="ecdh")
        parser.add_argument("--security", choices=("semi-honest", "malicious"), default="semi-honest")
        parser.add_argument("--n", type=int, required=True, help="ids of party 0")
        parser.add_argument("--m", type=int, help="ids of party 1 (default: as many)")

    def labels(self, options: argparse.Namespace) -> tuple[int, str, str]:
        setting = _protocol(options).setting
        return setting.parties, options.protocol, setting.adversary

    def shape(self, options: argparse.Namespace) -> dict[str, int | str]:
        return dict(zip("nm", _sizes(options), strict=True))

    def prepare(self, options: argparse.Namespace, folders: list[Path]) -> np.ndarray:
        """The common ids, sorted."""
        rng = np.random.default_rng(options.seed)
        n, m = _sizes(options)
        n_common = min(n, m) // 2
        ids = _random_ids(rng, n + m - n_common)
        for folder, mine in zip(folders, (ids[:n], np.concatenate([ids[:n_common], ids[n:]])), strict=True):
            table = pa.table({"id": pa.array(rng.permutation(mine).astype(str))})
            pa_csv.write_csv(table, folder / "ids.csv")
        return np.sort(ids[:n_common])

    async def play(self, party: Party) -> None:
        with party.timed("io"):
            table = open_table(party.folder / "ids.csv", ["id"], text=["id"])
        keys = canonical_keys(table["id"], name="id")
        ctx = await party.session(party.options.protocol)
        items, receivers = Items(keys.data, keys.offsets), _receivers(party.options)
        async with party.computing():
            protocol = _protocol(party.options)(THREADS)
            found = await protocol.intersect(ctx, items, receivers=receivers)
        if found.rows is None:
            return
        common = table.take(pa.array(np.sort(keys.rows[found.rows])))
        with party.timed("io"):
            pa_csv.write_csv(common, party.folder / "common.csv")

    def check(
        self, options: argparse.Namespace, expected: np.ndarray, folders: list[Path], out: Outputs
    ) -> Figures:
        for folder in (folders[party] for party in _receivers(options)):
            lines = (folder / "common.csv").read_bytes().replace(b'"', b"").split()
            (folder / "common.csv").unlink()  # the next run must write its own
            found = np.sort(np.array(lines[1:], dtype=f"S{ID_CHARACTERS}"))
            if lines[0] != b"id" or not np.array_equal(found, expected):
                raise wrong(self.name, f"{len(found)} ids found, {len(expected)} are common")
        return {"intersection": len(expected)}


def _protocol(options: argparse.Namespace) -> type[Psi]:
    if options.security == "semi-honest":
        return PROTOCOLS[options.protocol]
    if options.protocol not in CHECKED:
        raise UsageError(
            "BENCH-0001",
            f"{options.protocol!r} is semi-honest only",
            hint=f"malicious: {', '.join(CHECKED)}",
        )
    return CHECKED[options.protocol]


def _receivers(options: argparse.Namespace) -> frozenset[int]:
    return ONE_RECEIVER if _protocol(options).one_receiver else BOTH


def _sizes(options: argparse.Namespace) -> tuple[int, int]:
    return options.n, options.n if options.m is None else options.m


def _random_ids(rng: np.random.Generator, count: int) -> np.ndarray:
    """S16[count], distinct (62^16 are possible)."""
    letters = _ALPHABET[rng.integers(0, len(_ALPHABET), (count, ID_CHARACTERS), dtype=np.uint8)]
    return letters.reshape(-1).view(f"S{ID_CHARACTERS}")


TASK = PsiTask()
