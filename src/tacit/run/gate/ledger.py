"""What a project has revealed: an append-only list, each entry signed and bound to all before it.

An entry keeps the text of a program (`parse` gives it back), so that a later one is judged together with it
(`judge.judge`), or the commitments of an intersection, whose result tells a party which ids the other one
has. The whole list is a hash chain: who has seen the last digest notices any change before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from tacit.base.errors import PolicyError
from tacit.base.wire import canonical_json
from tacit.ir.program import Program
from tacit.ir.text import parse
from tacit.run.gate.judge import Verdict, judge

FIRST = "0" * 64
"""What the first entry names as the one before it."""
Sign = Callable[[bytes], bytes]
Verify = Callable[[int, bytes, bytes], bool]
"""(party, signature, digest) -> whether that party signed."""


@dataclass(frozen=True)
class Entry:
    """`kind` "program": `body` is its text. "intersection": `body` has for each party the commitment to its
    set, by whoever. `signatures`: of every party that agreed, by number, over `digest()`."""

    sequence: int
    before: str
    kind: Literal["program", "intersection"]
    job: str
    body: str
    signatures: tuple[tuple[int, str], ...] = ()

    def digest(self) -> bytes:
        """32 bytes over all but the signatures."""
        fields = asdict(self)
        del fields["signatures"]
        return hashlib.sha256(canonical_json(fields)).digest()

    def line(self) -> str:
        return canonical_json(asdict(self)).decode()


class Ledger:
    """The entries of one project, oldest first. Lines come from and go to an append-only store."""

    def __init__(self, lines: Sequence[str] = (), verify: Verify | None = None, parties: int = 2) -> None:
        """Raises PolicyError LEDGER-0001 if a line was changed, removed, or is not signed by all parties."""
        self.entries: list[Entry] = []
        for line in lines:
            entry = _entry(line)
            if entry.sequence != len(self.entries) or entry.before != self.head:
                raise _broken(entry.sequence, "does not follow the one before it")
            signed = {
                party
                for party, signature in entry.signatures
                if verify is None or verify(party, bytes.fromhex(signature), entry.digest())
            }
            if signed != set(range(parties)):
                raise _broken(entry.sequence, "is not signed by every party")
            self.entries.append(entry)

    @property
    def head(self) -> str:
        """The digest of the last entry, hex: sign it, and nothing before it can change unnoticed."""
        return self.entries[-1].digest().hex() if self.entries else FIRST

    def draft(self, kind: Literal["program", "intersection"], job: str, body: str) -> Entry:
        """The next entry, for every party to sign."""
        return Entry(len(self.entries), self.head, kind, job, body)

    def append(self, entry: Entry, signatures: Sequence[tuple[int, bytes]]) -> str:
        """The line to store. Raises PolicyError LEDGER-0001 if another entry came first."""
        if entry.sequence != len(self.entries) or entry.before != self.head:
            raise _broken(entry.sequence, "does not follow the one before it")
        signed = tuple(sorted((party, signature.hex()) for party, signature in signatures))
        whole = Entry(entry.sequence, entry.before, entry.kind, entry.job, entry.body, signed)
        self.entries.append(whole)
        return whole.line()

    def programs(self) -> Iterator[Program]:
        for entry in self.entries:
            if entry.kind == "program":
                yield parse(entry.body)

    def judge(self, program: Program, *, parties: int, smallest_group: int = 10) -> tuple[Verdict, ...]:
        """Verdicts on `program` (traced, not lowered) after all that was revealed before."""
        return judge([*self.programs(), program], parties=parties, smallest_group=smallest_group)

    def judge_intersection(self, sets: Sequence[str]) -> str:
        """Why another intersection of sets with these commitments needs their owners' signatures; empty if it
        is the first, or repeats one whose sets were the same.

        Two runs with sets that differ tell, id by id, which of the changed ids the other party has.
        """
        for entry in self.entries:
            if entry.kind == "intersection" and json.loads(entry.body) != list(sets):
                return (
                    f"intersection of job {entry.job!r} had other sets: the difference of the two results "
                    "tells of the ids that were added or removed whether the other party has them"
                )
        return ""


def enforce(verdicts: Sequence[Verdict], signed: Sequence[tuple[int, str]]) -> None:
    """Every column that is not safe needs its owner's signature: (owner, column) in `signed`.

    Raises: PolicyError POLICY-0006 with the first verdict that nobody answers for.
    """
    for verdict in verdicts:
        if verdict.kind == "safe" or (verdict.owner, verdict.column) in signed:
            continue
        recipients = ", ".join(map(str, verdict.coalition))
        raise PolicyError(
            "POLICY-0006",
            f"input {verdict.column!r} of party {verdict.owner} is {_WORDS[verdict.kind]} before "
            f"{'party' if len(verdict.coalition) == 1 else 'parties'} {recipients}, which see "
            f"{', '.join(verdict.reveals)}: {verdict.because}",
            hint=f"reveal less, or party {verdict.owner} signs for {verdict.column!r}",
        )


_WORDS = {"unsafe": "not safe", "unknown": "not proved safe"}


def _entry(line: str) -> Entry:
    try:
        fields = json.loads(line)
        fields["signatures"] = tuple((int(party), str(text)) for party, text in fields["signatures"])
        entry = Entry(**fields)
    except (ValueError, TypeError, KeyError) as error:
        raise _broken(-1, "cannot be read") from error
    if entry.line() != line or entry.kind not in ("program", "intersection"):
        raise _broken(entry.sequence, "is not in its canonical form")
    return entry


def _broken(sequence: int, what: str) -> PolicyError:
    return PolicyError(
        "LEDGER-0001",
        f"entry {sequence} of the ledger {what}",
        hint="compare the last digest with the other parties before anything else is revealed",
    )
