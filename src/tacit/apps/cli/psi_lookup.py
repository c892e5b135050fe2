"""`tacit psi --protocol unbalanced`: the receiver asks, the other side answers from a table made once.

The server keeps in its home, for one file, key columns and rules: the key of the function, the table and its
version, and how much each client has asked, by the certificate that the link has authenticated. The client
keeps the table that it fetched last.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tacit.apps.cli.events import Listener
from tacit.apps.cli.party import Seat, hold, run_to_end
from tacit.base.errors import LimitError
from tacit.base.prg import fresh_entropy
from tacit.frame.joinkeys import JoinKeys
from tacit.psi.functionality import Items
from tacit.psi.spool import damaged
from tacit.psi.unbalanced import table
from tacit.psi.unbalanced.voprf_jkk14 import MOST_QUERIES
from tacit.run.job import Job, Run
from tacit.tasks.lookup import Asking, LookedUp, Published, answer, ask
from tacit.trust.shelf import Shelf
from tacit.trust.signing import is_signed, sign
from tacit.trust.vault import seal, unseal

USUAL_BUDGET = 1_000_000
_KEY, _TABLE, _TAGS, _STATE = "key", "table", "tags", "state.json"
_PURPOSE = "set table"


@dataclass(frozen=True, eq=False)
class Shop:
    """A server's folder for one set."""

    seat: Seat
    folder: Path

    @staticmethod
    def of(seat: Seat, source: str, key: tuple[str, ...], rules: Any) -> Shop:
        """`source`: what the set is made from, a file or a query."""
        named = hashlib.sha256(json.dumps([source, *key, str(rules)]).encode()).hexdigest()[:16]
        return Shop(seat, seat.home / f"table-{named}")

    def published(self, keys: JoinKeys, client: str, budget: int, listener: Listener) -> Published:
        """The current table, a new version if the set has changed. Raises UsageError PSI-0051, VAULT-0005."""
        shelf = Shelf(self.folder)
        state = self._state(shelf)
        key = self._key(shelf)
        items = Items(keys.data, keys.offsets)
        mark = hashlib.sha256(keys.offsets.tobytes() + keys.data.tobytes()).hexdigest()
        if state.get("mark") != mark:

            def progress(done: int) -> None:
                listener({"event": "table", "path": "", "done": done, "total": len(items)})

            listener({"event": "begin", "path": "", "step": "table"})
            tags = table.evaluate(items, key, threads=self.seat.local.threads, progress=progress)
            old = shelf.read(_TAGS).reshape(-1, table.TAG_BYTES)
            version = int(state.get("version", 0)) + 1
            file = table.build(
                tags,
                key,
                partial(sign, self.seat.identity, _PURPOSE),
                version=version,
                queries=MOST_QUERIES,
                changes=None if version == 1 else table.changes_between(old, tags),
            )
            shelf.replace(_TABLE, file)
            shelf.replace(_TAGS, tags.tobytes())
            state |= {"version": version, "mark": mark}
            shelf.replace(_STATE, json.dumps(state).encode())
        charge = partial(self._charge, shelf, client, budget)
        return Published(key, shelf.read(_TABLE).tobytes(), items, charge)

    def _key(self, shelf: Shelf) -> bytes:
        sealed = shelf.read(_KEY).tobytes()
        if sealed:
            return unseal(self.seat.home, sealed, _PURPOSE.encode())
        key = table.new_key(fresh_entropy(64))
        shelf.replace(_KEY, seal(self.seat.home, key, _PURPOSE.encode()))
        return key

    def _state(self, shelf: Shelf) -> dict[str, Any]:
        try:
            state = json.loads(shelf.read(_STATE).tobytes() or b'{"asked": {}}')
        except ValueError:
            raise damaged() from None
        if not isinstance(state, dict) or not isinstance(state.get("asked"), dict):
            raise damaged()
        return state

    def _charge(self, shelf: Shelf, client: str, budget: int, n: int) -> None:
        """Counted, on disk, before anything is answered. Raises LimitError PSI-0012."""
        state = self._state(shelf)
        asked = state["asked"]
        left = min(budget - asked.get(client, 0), MOST_QUERIES - sum(asked.values()))
        if n > left:
            raise LimitError(
                "PSI-0012",
                f"the client asks for {n} ids and has {max(left, 0)} queries left",
                hint="ask for fewer ids, or agree on a larger budget with the server's operator",
            )
        asked[client] = asked.get(client, 0) + n
        shelf.replace(_STATE, json.dumps(state).encode())


def serve(
    seat: Seat, job: Job, shop: Shop, keys: JoinKeys, budget: int, listener: Listener
) -> tuple[Run, LookedUp, int]:
    """Answer one client's run."""
    [other] = seat.others
    client = job.parties[other].certificate_sha256
    with Shelf(shop.folder).held():
        published = shop.published(keys, client, budget, listener)
        return _meet(seat, job, listener, lambda run: answer(run, published, threads=seat.local.threads))


def look_up(seat: Seat, job: Job, keys: JoinKeys, listener: Listener) -> tuple[Run, LookedUp, int]:
    """Ask the server, with the table that was fetched last from it."""
    [other] = seat.others
    certificate = seat.file.certificates[other]
    shelf = Shelf(seat.home / f"table-of-{job.parties[other].certificate_sha256[:16]}")

    def verify(signature: bytes, digest: bytes) -> bool:
        return is_signed(certificate, _PURPOSE, digest, signature)

    with shelf.held():
        asking = Asking(shelf.read(_TABLE).tobytes(), verify, partial(shelf.replace, _TABLE))
        return _meet(seat, job, listener, lambda run: ask(run, keys, asking, threads=seat.local.threads))


def _meet(seat: Seat, job: Job, listener: Listener, work: Callable[[Run], Any]) -> tuple[Run, LookedUp, int]:
    async def whole(run: Run) -> tuple[Run, LookedUp]:
        return run, await work(run)

    (run, found), transport = run_to_end(hold(seat, job, listener, whole))
    return run, found, transport.wire_bytes_sent
