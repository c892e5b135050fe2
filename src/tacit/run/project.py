"""A project: jobs whose disclosures are judged together, and written down before they happen.

Every party keeps a copy of the ledger. Before anything of a program or of a query of sets is computed, all
parties tell each other keyed fingerprints of the data that they put in, each judges what would be revealed
after all that was, and all sign the next entry. What is not proved safe needs an approval: a list of verdicts
that the owner of the column signed, for this job and this state of the ledger alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tacit.base.errors import PeerError, PolicyError
from tacit.base.types import Private, Type
from tacit.base.wire import canonical_json
from tacit.ir.program import Program
from tacit.psi.functionality import Items
from tacit.run.gate.judge import Verdict
from tacit.run.gate.ledger import COMMON, Approved, Entry, Ledger, Sign, Verify, enforce, missing
from tacit.run.gate.sets import SUMMED, Query

if TYPE_CHECKING:
    from tacit.run.job import Run

FINGERPRINTS = "fingerprints"
"""What a run in a project discloses besides: whether data are those of an earlier run."""
GATE = "gate"
"""The step in which parties tell each other what goes into the ledger."""
_TEXT_BYTES = 1 << 16
_LINE_BYTES = 1 << 26
_TABLE_TEXT = 256


@dataclass(frozen=True)
class Approval:
    """What one party signs for. `terms`: digest of the job, hex; `head`: of the ledger before the job."""

    party: int
    project: str
    terms: str
    head: str
    lines: tuple[Approved, ...]

    def message(self) -> bytes:
        """What is signed."""
        return b"tacit approval 1\n" + canonical_json(asdict(self))

    def text(self, sign: Sign) -> str:
        """The approval with its signature."""
        return canonical_json(asdict(self) | {"signature": sign(self.message()).hex()}).decode()


def read_approval(text: str, verify: Verify) -> Approval:
    """Raises: PolicyError POLICY-0011 if it is none or its party did not sign it."""
    try:
        fields = json.loads(text)
        signature = bytes.fromhex(fields.pop("signature"))
        lines = tuple(Approved(**(line | {"to": tuple(line["to"])})) for line in fields.pop("lines"))
        approval = Approval(lines=lines, **fields)
        genuine = isinstance(approval.party, int) and verify(approval.party, signature, approval.message())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        genuine = False
    if not genuine:
        raise PolicyError(
            "POLICY-0011",
            "an approval is not signed by the party that it names, or was changed",
            hint="make it anew: tacit approve",
        )
    return approval


@dataclass(frozen=True)
class Hand:
    """What a party does with its own keys and disk. `fingerprint`: of data, equal for equal data, of no use
    to anybody without the key; `store`: appends a line."""

    sign: Sign
    verify: Verify
    fingerprint: Callable[[bytes], str]
    store: Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Own:
    """What one party puts into a query of sets. `items`: its set as bytes; `size`: None where not all learn
    it; `sums`: its columns that are summed, by item; `table`: version and commitment of one it answers from.
    """

    items: bytes
    size: int | None = None
    sums: tuple[np.ndarray, ...] = ()
    table: str = ""


@dataclass(frozen=True, eq=False)
class Hidden:
    """A function of hidden membership. `views`: its program as each of the two parties sees it; `items`: my
    set as bytes; `sizes`: of both sets, as the protocol had them."""

    views: tuple[Program, ...]
    items: bytes
    sizes: tuple[int, int]

    @staticmethod
    def of(
        trace: Callable[[Mapping[str, Type]], Program],
        inputs: Mapping[str, Type],
        items: Items,
        sizes: tuple[int, int],
    ) -> Hidden:
        """A party's own columns are its own; membership, and the second party's columns, which come in on
        shares, are the other's."""

        def seen(viewer: int, name: str, kind: Type) -> Type:
            if isinstance(kind.vis, Private):
                return kind
            return replace(kind, vis=Private(1 - viewer if name == COMMON else SUMMED))

        views = [
            trace({name: seen(viewer, name, kind) for name, kind in inputs.items()}) for viewer in (0, 1)
        ]
        return Hidden(tuple(views), items_bytes(items), sizes)


class Project:
    """One party's side of a project during one run. `terms`: digest of the job that was approved, hex."""

    def __init__(self, name: str, terms: str, ledger: Ledger, hand: Hand, approval: str = "") -> None:
        self.name, self.ledger = name, ledger
        self.verdicts: list[tuple[str, Verdict]] = []
        self._terms, self._hand, self._approval = terms, hand, approval
        self._approved: list[Approved] = []

    async def begin(self, run: Run) -> None:
        """Bring ledgers that a cut left apart by one entry together, and hear everybody's approvals.

        Raises: PolicyError LEDGER-0001 (ledgers differ), POLICY-0011.
        """
        await self._reconcile(run)
        mine = {"text": self._approval, "name": self.name}
        for party, fields in enumerate(await run.tell(GATE, mine, limit_bytes=_TEXT_BYTES)):
            text = fields.get("text")
            if not text:
                continue
            approval = read_approval(str(text), self._hand.verify)
            due = (party, self.name, self._terms, self.ledger.head)
            if (approval.party, approval.project, approval.terms, approval.head) == due:
                self._approved += [line for line in approval.lines if line.owner == party]

    async def _reconcile(self, run: Run) -> None:
        entries = self.ledger.entries
        last = entries[-1].line() if entries else ""
        states = await run.tell(GATE, {"entries": len(entries), "last": last}, limit_bytes=_LINE_BYTES)
        longest = max(states, key=lambda state: _count(state.get("entries")))
        ahead = _count(longest.get("entries")) - len(entries)
        if ahead == 1:
            self._hand.store(self.ledger.adopt(str(longest.get("last")), self._hand.verify, run.ctx.n))
        heads = await run.tell(GATE, {"head": self.ledger.head}, limit_bytes=_TEXT_BYTES)
        if any(state.get("head") != self.ledger.head for state in heads):
            raise PolicyError(
                "LEDGER-0001",
                f"the parties hold different ledgers of project {self.name!r}",
                hint="compare the last digests before anything else is revealed",
            )

    async def admit(self, run: Run, name: str, program: Program, data: Mapping[str, Any]) -> None:
        """Judge `program` (traced) on `data`, and write it down.

        Raises: PolicyError POLICY-0006 unless every verdict is safe or approved.
        """
        if not program.reveals():
            return
        mine = {
            key: self._hand.fingerprint(_canonical(data[key]))
            for key, var in program.ins
            if var.type.vis == Private(run.me) and isinstance(data.get(key), np.ndarray)
        }
        told = await run.tell(GATE, mine, limit_bytes=_TEXT_BYTES)
        owners = {key: var.type.vis.owner for key, var in program.ins if isinstance(var.type.vis, Private)}
        versions = {key: str(told[owner].get(key, ""))[:64] for key, owner in owners.items()}
        run.reveal(FINGERPRINTS, "all", len(versions))
        verdicts = self.ledger.judge(program, parties=run.ctx.n, versions=versions)
        self.verdicts += [(name, verdict) for verdict in verdicts]
        enforce(verdicts, self._approved, name)
        body = _body({"program": str(program), "versions": versions})
        await self._write(run, self.ledger.draft("program", run.job.id, body))

    async def admit_query(self, run: Run, query: Query, own: Own) -> Query:
        """Judge a query of sets, of which mine is `own`, and write it down; the query with what all put in.

        Raises: PolicyError POLICY-0006 unless every verdict is safe or approved.
        """
        query = await self._filled(run, query, own)
        verdicts = self.ledger.judge_query(query, parties=run.ctx.n)
        self.verdicts += [(query.tell, verdict) for verdict in verdicts]
        enforce(verdicts, self._approved, query.tell)
        await self._write(run, self.ledger.draft("sets", run.job.id, _body({"query": asdict(query)})))
        return query

    async def admit_function(self, run: Run, name: str, hidden: Hidden) -> None:
        """Judge a function of hidden membership, and write it down. Raises as `admit_query`."""
        query = await self._filled(run, Query("function", tuple(range(run.ctx.n))), Own(hidden.items))
        query = replace(query, sizes=hidden.sizes)
        # Lines are in a new order in every run, so that those of two runs cannot be matched.
        versions = {key: str(len(self.ledger.entries)) for key, _ in hidden.views[0].ins}
        verdicts = self.ledger.judge_function(query, hidden.views, versions)
        self.verdicts += [(name, verdict) for verdict in verdicts]
        enforce(verdicts, self._approved, name)
        texts = [str(view) for view in hidden.views]
        body = _body({"query": asdict(query), "views": texts, "versions": versions})
        await self._write(run, self.ledger.draft("sets", run.job.id, body))

    async def _filled(self, run: Run, query: Query, own: Own) -> Query:
        """With everybody's fingerprints and, where all learn them anyway, set sizes."""
        mine = {
            "set": self._hand.fingerprint(own.items),
            "size": -1 if own.size is None else own.size,
            "sums": [self._hand.fingerprint(_canonical(column)) for column in own.sums],
            "table": own.table,
        }
        told = await run.tell(GATE, mine, limit_bytes=_TEXT_BYTES)
        run.reveal(FINGERPRINTS, "all", len(told) + len(query.sums))
        marks = told[SUMMED].get("sums")
        named = marks if isinstance(marks, list) and len(marks) == len(query.sums) else [""] * len(query.sums)
        sizes = tuple(_count(fields.get("size")) for fields in told)
        return replace(
            query,
            sets=tuple(str(fields.get("set"))[:64] for fields in told),
            sizes=() if own.size is None else sizes,
            sums=tuple((name, str(mark)[:64]) for (name, _), mark in zip(query.sums, named, strict=True)),
            table="".join(str(fields.get("table", ""))[:_TABLE_TEXT] for fields in told),
        )

    async def _write(self, run: Run, entry: Entry) -> None:
        mine = {"signature": self._hand.sign(entry.digest()).hex()}
        signatures = []
        for party, fields in enumerate(await run.tell(GATE, mine, limit_bytes=_TEXT_BYTES)):
            try:
                signature = bytes.fromhex(str(fields.get("signature")))
            except ValueError:
                signature = b""
            if not self._hand.verify(party, signature, entry.digest()):
                raise PeerError("PEER-0001", f"party {party} did not sign the entry of the ledger")
            signatures.append((party, signature))
        self._hand.store(self.ledger.append(entry, signatures))


def approvable(name: str, verdicts: Sequence[Verdict], owner: int) -> tuple[Approved, ...]:
    """The lines that `owner` would have to sign for a program `name` with these verdicts."""
    return tuple(missing([v for v in verdicts if v.owner == owner], (), name))


def items_bytes(items: Items) -> bytes:
    """A set as bytes that do not depend on its order."""
    return b"".join(len(part).to_bytes(4, "little") + part for part in sorted(_parts(items)))


def order_of(items: Items) -> np.ndarray:
    """Where the items are in an order that depends on nothing else: int64[n]."""
    parts = _parts(items)
    return np.array(sorted(range(len(parts)), key=parts.__getitem__), np.int64)


def _parts(items: Items) -> list[bytes]:
    return [items.data[a:b].tobytes() for a, b in zip(items.offsets[:-1], items.offsets[1:], strict=True)]


def _body(fields: Mapping[str, Any]) -> str:
    return canonical_json(fields).decode()


def _canonical(array: np.ndarray) -> bytes:
    return f"{array.dtype.str}{array.shape}".encode() + np.ascontiguousarray(array).tobytes()


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 32 else 0
