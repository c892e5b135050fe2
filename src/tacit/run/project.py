"""A project: jobs whose disclosures are judged together, and written down before they happen.

Every party keeps a copy of the ledger. Before anything of a program or of an intersection is computed, all
parties tell each other keyed fingerprints of the data that they put in, each judges what would be revealed
after all that was, and all sign the next entry. What is not proved safe needs an approval: a list of verdicts
that the owner of the column signed, for this job and this state of the ledger alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tacit.base.errors import PeerError, PolicyError
from tacit.base.types import Private
from tacit.base.wire import canonical_json
from tacit.ir.program import Program
from tacit.psi.functionality import Items
from tacit.run.gate.judge import Verdict
from tacit.run.gate.ledger import Approved, Entry, Ledger, Sign, Verify, enforce, missing

if TYPE_CHECKING:
    from tacit.run.job import Run

INTERSECTION = "intersection"
IDS = "ids"
"""The column of a party that an intersection is about."""
FINGERPRINTS = "fingerprints"
"""What a run in a project discloses besides: whether data are those of an earlier run."""
GATE = "gate"
"""The step in which parties tell each other what goes into the ledger."""
_TEXT_BYTES = 1 << 16
_LINE_BYTES = 1 << 26


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
        body = canonical_json({"program": str(program), "versions": versions}).decode()
        await self._write(run, self.ledger.draft("program", run.job.id, body))

    async def admit_intersection(self, run: Run, mine: bytes) -> None:
        """Judge an intersection of sets of which mine is `mine`, and write it down.

        Raises: PolicyError POLICY-0006 for altered sets, unless both owners approved.
        """
        told = await run.tell(GATE, {"set": self._hand.fingerprint(mine)}, limit_bytes=_TEXT_BYTES)
        run.reveal(FINGERPRINTS, "all", len(told))
        sets = [str(fields.get("set"))[:64] for fields in told]
        verdicts = self.ledger.judge_intersection(sets, run.ctx.n)
        self.verdicts += [(INTERSECTION, verdict) for verdict in verdicts]
        enforce(verdicts, self._approved, INTERSECTION)
        await self._write(run, self.ledger.draft("intersection", run.job.id, json.dumps(sets)))

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
    parts = [items.data[a:b].tobytes() for a, b in zip(items.offsets[:-1], items.offsets[1:], strict=True)]
    return b"".join(len(part).to_bytes(4, "little") + part for part in sorted(parts))


def _canonical(array: np.ndarray) -> bytes:
    return f"{array.dtype.str}{array.shape}".encode() + np.ascontiguousarray(array).tobytes()


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 32 else 0
