"""A client's --n ids looked up in a server's --m.

Set-up: the server reads its CSV, evaluates the function, signs and writes the table, which is then where the
client finds it (its download is not timed: `table_mb` says how large it is). Online: links and keys, the
client's CSV and the table read, the ids evaluated, the common rows written.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bench.party import Party
from bench.psi.kind import (
    LOOPBACK,
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
from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.setting import Setting
from tacit.psi.price import UNBALANCED, Price, price
from tacit.psi.unbalanced import table as tables
from tacit.psi.unbalanced.budget import MemoryBudget
from tacit.psi.unbalanced.voprf_jkk14 import MOST_QUERIES, VOPRF, Client, Server, look_up

CLIENT, SERVER = 0, 1
TABLE, SIGNER = "table.bin", "signer.bin"


class Unbalanced(Kind):
    settings: ClassVar[dict[str, Setting]] = {"semi-honest": VOPRF, "malicious": VOPRF}

    def prepare(self, options: argparse.Namespace, folders: list[Path]) -> np.ndarray:
        """The common ids, sorted."""
        asked, held, common = two_sets(options, np.random.default_rng(options.seed))
        write_ids(folders[CLIENT], asked)
        write_ids(folders[SERVER], held)
        return np.sort(common)

    async def play(self, party: Party) -> None:
        ctx = await party.session(party.options.protocol)
        side = _publish(party, ctx) if party.me == SERVER else None
        await party.barrier()
        linked_s, started = party.seconds["setup"], time.perf_counter()
        if side is not None:
            async with party.computing():
                await look_up(ctx, side)
            return
        table, keys, items = read_ids(party)
        with party.timed("io"):
            held = tables.load((party.folder / TABLE).read_bytes(), _signed(party.folder / SIGNER))
        async with party.computing():
            found = await look_up(ctx, Client(items, held, THREADS))
        assert found is not None
        write_common(party, table, keys.rows[found])
        party.give("online_s", np.array(linked_s + time.perf_counter() - started))
        party.give("table_bytes", np.array(held.filters.nbytes))

    def predict(self, options: argparse.Namespace) -> Price:
        """Of the questions: what is `online`, without the client's files."""
        return price(UNBALANCED, sizes(options), LOOPBACK, receivers=1)

    def check(
        self, options: argparse.Namespace, expected: np.ndarray, folders: list[Path], out: Outputs
    ) -> Figures:
        client = out[CLIENT]
        return check_common(folders[CLIENT], expected) | {
            "online_s": round(float(client["online_s"]), 6),
            "table_mb": round(float(client["table_bytes"]) / 1e6, 3),
        }


def _publish(party: Party, ctx: Ctx) -> Server:
    with party.timed("setup"):
        _, _, items = read_ids(party)
        key = _kernel.reduce_scalar(ctx.private().bytes(64).tobytes())
        signer = Ed25519PrivateKey.generate()
        tags = tables.evaluate(items, key, threads=THREADS)
        file = tables.build(tags, key, signer.sign, version=1, queries=MOST_QUERIES)
        client = party.place.folders[CLIENT]
        (client / TABLE).write_bytes(file)
        (client / SIGNER).write_bytes(signer.public_key().public_bytes_raw())
        digest = tables.load(file, _signed(client / SIGNER)).digest
        budget = MemoryBudget(each=MOST_QUERIES, total=MOST_QUERIES)
        return Server(key, digest, partial(budget.charge, "client"), THREADS)


def _signed(signer: Path) -> Callable[[bytes, bytes], bool]:
    key = Ed25519PublicKey.from_public_bytes(signer.read_bytes())

    def verify(signature: bytes, digest: bytes) -> bool:
        try:
            key.verify(signature, digest)
        except InvalidSignature:
            return False
        return True

    return verify
