"""What a project has revealed: an append-only list, each entry signed and bound to all before it.

An entry keeps the text of a program (`parse` gives it back), so that a later one is judged together with it
(`judge.judge`), or a query of the parties' sets (`sets.Query`): who learnt what of which sets. A function of
hidden membership is both: the program is kept as each party sees it, membership being the other's column.
The whole list is a hash chain: who has seen the last digest notices any change before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

from tacit.base.errors import PolicyError
from tacit.base.types import Private
from tacit.base.wire import canonical_json
from tacit.ir.program import Program
from tacit.ir.text import parse
from tacit.run.gate.judge import SMALLEST_GROUP, Kind, Verdict, judge
from tacit.run.gate.reason import Reason
from tacit.run.gate.sets import IDS, SUMMED, Before, Query, judge_query, read_query

FIRST = "0" * 64
"""What the first entry names as the one before it."""
COMMON = "common"
"""What a function of hidden membership calls the column that says which lines are common."""
EntryKind = Literal["program", "sets"]
Sign = Callable[[bytes], bytes]
Verify = Callable[[int, bytes, bytes], bool]
"""(party, signature, digest) -> whether that party signed."""


@dataclass(frozen=True)
class Entry:
    """`body` is JSON. `kind` "program": its text and the versions of its inputs. "sets": a query and, for a
    function, its views and the versions of their inputs. `signatures`: of every party that agreed, by number,
    over `digest()`."""

    sequence: int
    before: str
    kind: EntryKind
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
        self._judged_before: dict[tuple[bytes, int, int], tuple[Verdict, ...]] = {}
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

    def draft(self, kind: EntryKind, job: str, body: str) -> Entry:
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

    def programs(self, viewer: int = 0) -> Iterator[tuple[Program, Mapping[str, str]]]:
        """Every program as `viewer` sees it, and what tells the data of its inputs apart."""
        for entry in self.entries:
            body = json.loads(entry.body)
            if entry.kind == "program":
                yield parse(body["program"]), body["versions"]
            elif "views" in body:
                yield parse(body["views"][viewer]), body["versions"]

    def queries(self) -> Iterator[Before]:
        """Every query of sets, with its job."""
        for entry in self.entries:
            if entry.kind == "sets":
                yield entry.job, read_query(json.loads(entry.body)["query"])

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
        hidden = any(query.tell == "function" for _, query in self.queries())
        found = [
            verdict
            for viewer in (range(parties) if hidden else (0,))
            for verdict in self._judged(viewer, program, versions or {}, parties, smallest_group)
            if not hidden or verdict.owner != viewer
        ]
        told = {query.tell for _, query in self.queries()}
        summed = {*range(parties)} if hidden else {SUMMED} if "sum" in told else set()
        return tuple(_no_better(v, "computed-before") if v.owner in summed else v for v in found)

    def _judged(
        self, viewer: int, program: Program, versions: Mapping[str, str], parties: int, smallest_group: int
    ) -> tuple[Verdict, ...]:
        earlier = [*self.programs(viewer)]

        def judged(*more: tuple[Program, Mapping[str, str]]) -> tuple[Verdict, ...]:
            programs, data = zip(*earlier, *more, strict=True) if earlier or more else ((), ())
            key = canonical_json({"programs": [*map(str, programs)], "versions": [*data]})
            if (key, parties, smallest_group) not in self._judged_before:
                self._judged_before[key, parties, smallest_group] = judge(
                    programs, parties=parties, smallest_group=smallest_group, versions=data
                )
            return self._judged_before[key, parties, smallest_group]

        taken, found = {name for name, _ in program.ins}, judged((program, versions))
        if all(v.column in taken for v in found):
            return found
        known = {(v.owner, v.column, v.kind, v.reason) for v in judged()}
        return tuple(
            v for v in found if v.column in taken or (v.owner, v.column, v.kind, v.reason) not in known
        )

    def judge_query(
        self, query: Query, *, parties: int, smallest_group: int = SMALLEST_GROUP
    ) -> tuple[Verdict, ...]:
        """Verdicts on everybody's ids and on what is summed, after all that was revealed before."""
        computed_on = {
            var.type.vis.owner
            for program, _ in self.programs()
            for name, var in program.ins
            if name != COMMON and isinstance(var.type.vis, Private) and program.reveals()
        }
        return judge_query(
            query,
            [*self.queries()],
            parties=parties,
            smallest_group=smallest_group,
            computed_on=computed_on,
        )

    def judge_function(
        self,
        query: Query,
        views: Sequence[Program],
        versions: Mapping[str, str],
        smallest_group: int = SMALLEST_GROUP,
    ) -> tuple[Verdict, ...]:
        """Verdicts on a function of hidden membership. `views`: the program as each of the two parties sees
        it: what comes in on shares, and membership, is the other's column.

        Nothing that is told of lines is safe: how many are common, and so not zero, nobody knows before.
        """
        ids = {v.owner: v for v in self.judge_query(query, parties=len(views), smallest_group=smallest_group)}
        few = next((v for v in ids.values() if v.kind == "unsafe" and v.reason.key == "few"), None)
        found = []
        for viewer, view in enumerate(views):
            for verdict in self._judged(viewer, view, versions, len(views), smallest_group):
                if verdict.owner == viewer:
                    continue
                seen = _no_better(verdict, "hidden-lines")
                if few is not None and seen.kind == "unknown":
                    seen = replace(seen, kind="unsafe", reason=few.reason)
                if verdict.column == COMMON:
                    told = ids[verdict.owner]
                    worse = seen.kind == "unknown" and told.kind == "unsafe"
                    seen = replace(told, reveals=seen.reveals) if worse else replace(seen, column=IDS)
                found.append(seen)
        return tuple(found)


def _no_better(verdict: Verdict, reason: str) -> Verdict:
    """Unknown instead of safe, if anything is told of it."""
    told = verdict.kind == "safe" and bool(verdict.reveals)
    return replace(verdict, kind="unknown", reason=Reason.of(reason)) if told else verdict


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
        if entry.kind == "sets":
            read_query(json.loads(entry.body)["query"])
    except (ValueError, TypeError, KeyError) as error:
        raise _broken(-1, "cannot be read") from error
    if entry.line() != line or entry.kind not in get_args(EntryKind):
        raise _broken(entry.sequence, "is not in its canonical form")
    return entry


def _broken(sequence: int, what: str) -> PolicyError:
    return PolicyError(
        "LEDGER-0001",
        f"entry {sequence} of the ledger {what}",
        hint="compare the last digest with the other parties before anything else is revealed",
    )
