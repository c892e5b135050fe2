"""What a project has revealed: an append-only list, each entry signed and bound to all before it.

An entry keeps the text of a program (`parse` gives it back), so that a later one is judged together with it
(`judge.judge`), or fingerprints of the sets of an intersection, whose result tells a party which ids the
other has. The whole list is a hash chain: who has seen the last digest notices any change before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

from tacit.base.errors import PolicyError
from tacit.base.wire import canonical_json
from tacit.ir.program import Program
from tacit.ir.text import parse
from tacit.run.gate.judge import SMALLEST_GROUP, Kind, Verdict, judge
from tacit.run.gate.reason import Reason

FIRST = "0" * 64
"""What the first entry names as the one before it."""
Sign = Callable[[bytes], bytes]
Verify = Callable[[int, bytes, bytes], bool]
"""(party, signature, digest) -> whether that party signed."""


@dataclass(frozen=True)
class Entry:
    """`kind` "program": `body` has its text and the versions of its inputs, as JSON. "intersection": `body`
    lists for each party the fingerprint of its set. `signatures`: of every party that agreed, by number, over
    `digest()`."""

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

    def adopt(self, line: str, verify: Verify, parties: int) -> str:
        """Append an entry that all signed, us among them, but that we could not store; the line itself."""
        grown = Ledger([*(entry.line() for entry in self.entries), line], verify, parties)
        self.entries = grown.entries
        return line

    def programs(self) -> Iterator[tuple[Program, Mapping[str, str]]]:
        """Every program, and what tells the data of its inputs apart."""
        for entry in self.entries:
            if entry.kind == "program":
                body = json.loads(entry.body)
                yield parse(body["program"]), body["versions"]

    def judge(
        self,
        program: Program,
        *,
        parties: int,
        smallest_group: int = SMALLEST_GROUP,
        versions: Mapping[str, str] | None = None,
    ) -> tuple[Verdict, ...]:
        """Verdicts on `program` (traced, not lowered) after all that was revealed before. Columns that it
        does not take are left out where the verdict on them is what it was without it."""
        earlier = [*self.programs()]
        programs, data = [program for program, _ in earlier], [versions for _, versions in earlier]

        def judged(*more: tuple[Program, Mapping[str, str]]) -> tuple[Verdict, ...]:
            return judge(
                [*programs, *(one for one, _ in more)],
                parties=parties,
                smallest_group=smallest_group,
                versions=[*data, *(one for _, one in more)],
            )

        taken = {name for name, _ in program.ins}
        known = {(v.owner, v.column, v.kind, v.reason) for v in judged()} if programs else set()
        return tuple(
            v
            for v in judged((program, versions or {}))
            if v.column in taken or (v.owner, v.column, v.kind, v.reason) not in known
        )

    def judge_intersection(self, sets: Sequence[str], parties: int = 2) -> tuple[Verdict, ...]:
        """Another intersection of sets with these fingerprints: safe if it is the first, or repeats one whose
        sets were the same.

        Two runs with sets that differ tell, id by id, which of the changed ids the other party has.
        """
        earlier = [entry for entry in self.entries if entry.kind == "intersection"]
        others = [entry for entry in earlier if json.loads(entry.body) != list(sets)]
        reason = Reason.of("intersection", job=others[-1].job) if others else Reason.of("nothing")
        kind: Kind = "unsafe" if others else "safe"
        return tuple(
            Verdict(
                kind, owner, "ids", tuple(p for p in range(parties) if p != owner), ("intersection",), reason
            )
            for owner in range(parties)
        )


@dataclass(frozen=True)
class Approved:
    """One line that an owner signs: `kind` is the worst verdict on `column` in `program` that it accepts
    before the parties `to`."""

    owner: int
    program: str
    column: str
    to: tuple[int, ...]
    kind: Kind


def missing(verdicts: Sequence[Verdict], approved: Sequence[Approved], program: str) -> Iterator[Approved]:
    """What would have to be approved besides."""
    for verdict in verdicts:
        if verdict.kind == "safe":
            continue
        need = Approved(verdict.owner, program, verdict.column, verdict.coalition, verdict.kind)
        if need not in approved and replace(need, kind="unsafe") not in approved:
            yield need


def enforce(verdicts: Sequence[Verdict], approved: Sequence[Approved], program: str) -> None:
    """Every column that is not safe needs its owner's signature.

    Raises: PolicyError POLICY-0006 with the first verdict that nobody answers for.
    """
    for need in missing(verdicts, approved, program):
        verdict = next(v for v in verdicts if (v.owner, v.column) == (need.owner, need.column))
        recipients = ", ".join(map(str, verdict.coalition))
        example = f" ({verdict.example})" if verdict.example else ""
        raise PolicyError(
            "POLICY-0006",
            f"input {verdict.column!r} of party {verdict.owner} is {_WORDS[verdict.kind]} before "
            f"{'party' if len(verdict.coalition) == 1 else 'parties'} {recipients}, which see "
            f"{', '.join(verdict.reveals)}: {verdict.because}{example}",
            hint=f"reveal less, or party {verdict.owner} signs for {verdict.column!r}: tacit approve",
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
