"""Verdicts on queries of sets: intersections, look-ups, counts, sums, thresholds, functions of membership.

A query tells its recipients something of whose ids are in whose set. One of it is what the job is about; two
whose sets differ can be subtracted from each other, whatever each of them tells:

  told                  of sets S and S + {x}, with T on the other side
  which ids, of a key   x is in the later answer: x is in T
  a count               the difference is 1: x is in T
  sums                  the difference is x's own value
  whether it is enough  no, then yes: x is in T

unsafe   the sets of an earlier query were others, and both told somebody besides the owner; or a number is
         told of fewer ids than `smallest_group`; or sums of a column over sets that have changed since.
unknown  sums over the common rows, where nobody knows before how many there are: no threshold says that they
         are enough; or something else of this owner's columns was computed before, on lines nobody can match.
safe     nothing is told; or it is the first query of these sets, or tells again of the same ones.

Fingerprints tell whether sets are the same, not by how much they differ. As in `judge.py`, what values can be
at all is not considered: a count as large as the set says that all its ids are common.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from tacit.base.wire import canonical_json
from tacit.run.gate.judge import SMALLEST_GROUP, Kind, Verdict
from tacit.run.gate.reason import Reason

IDS = "ids"
"""The column of a party that queries of its set are about."""
SUMMED = 1
"""Whose columns are summed: the second party's."""
Tell = Literal["intersection", "lookup", "count", "sum", "enough", "rows-if-enough", "function"]
_WHICH = ("intersection", "lookup", "rows-if-enough")
"""What tells single ids, and so is meant to tell of sets however small."""


@dataclass(frozen=True)
class Query:
    """Who learns what of which sets. `to`: the recipients of the answer, `rows_to`: of single ids; `sets`: a
    fingerprint by party; `sizes`: by party, none where not all learn them; `sums`: names and fingerprints of
    the second party's columns that are summed; `table`: version and commitment of one that is looked up."""

    tell: Tell
    to: tuple[int, ...]
    rows_to: tuple[int, ...] = ()
    sums: tuple[tuple[str, str], ...] = ()
    at_least: int = 0
    sets: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    table: str = ""

    @staticmethod
    def of_rows(receivers: Collection[int], tell: Tell = "intersection") -> Query:
        """One whose `receivers` learn which of their ids the others have."""
        who = tuple(sorted(receivers))
        return Query(tell, who, who)

    def text(self) -> str:
        return canonical_json(asdict(self)).decode()

    def told_besides(self, owner: int) -> tuple[int, ...]:
        return tuple(party for party in self.to if party != owner)

    @property
    def reveals(self) -> tuple[str, ...]:
        """In words of a report."""
        if self.tell != "sum":
            return (self.tell,)
        return ("count", *(f"sum of {name}" for name, _ in self.sums))


def read_query(fields: dict[str, Any]) -> Query:
    """Raises ValueError, TypeError or KeyError for what is none."""
    numbers = {name: tuple(int(n) for n in fields[name]) for name in ("to", "rows_to", "sizes")}
    query = Query(
        fields["tell"],
        sums=tuple((str(name), str(mark)) for name, mark in fields["sums"]),
        at_least=int(fields["at_least"]),
        sets=tuple(str(mark) for mark in fields["sets"]),
        table=str(fields["table"]),
        **numbers,
    )
    if query.tell not in get_args(Tell) or json.loads(query.text()) != fields:
        raise ValueError("no query")
    return query


Before = tuple[str, Query]
"""The job of an earlier query, and the query."""


def judge_query(
    query: Query,
    earlier: Sequence[Before],
    *,
    parties: int,
    smallest_group: int = SMALLEST_GROUP,
    computed_on: Collection[int] = (),
) -> tuple[Verdict, ...]:
    """A verdict on every party's ids, and on every column that is summed. `computed_on`: the owners of whose
    columns programs revealed something before."""
    found = [_of_ids(query, earlier, owner, smallest_group) for owner in range(parties)]
    others = tuple(party for party in range(parties) if party != SUMMED)
    for name, mark in query.sums:
        kind, reason, example = _of_sum(query, earlier, name, mark, smallest_group, SUMMED in computed_on)
        found.append(Verdict(kind, SUMMED, name, others, (f"sum of {name}",), reason, example))
    return tuple(found)


def _of_ids(query: Query, earlier: Sequence[Before], owner: int, smallest_group: int) -> Verdict:
    told = [(job, one) for job, one in earlier if one.told_besides(owner)]
    parties = {*query.to, *(party for _, one in told for party in one.to)}
    coalition = tuple(sorted(parties - {owner}))

    def verdict(kind: Kind, reason: Reason, example: str = "") -> Verdict:
        return Verdict(kind, owner, IDS, coalition, query.reveals, reason, example)

    if not query.told_besides(owner):
        return Verdict("safe", owner, IDS, coalition, (), Reason.of("nothing"))
    altered = [(job, one) for job, one in told if one.sets != query.sets]
    if altered:
        job, one = altered[-1]
        told_of = "count" if query.tell == "sum" else query.tell
        return verdict("unsafe", Reason.of(f"altered-{told_of}", job=job), _example(query, one))
    single = any(party != owner for party in query.rows_to)
    if few := not single and _few(query, smallest_group):
        return verdict("unsafe", Reason.of("few", count=few, least=smallest_group))
    return verdict("safe", Reason.of("first-query"))


def _of_sum(
    query: Query, earlier: Sequence[Before], name: str, mark: str, smallest_group: int, computed_on: bool
) -> tuple[Kind, Reason, str]:
    before = [(job, one, dict(one.sums)[name]) for job, one in earlier if name in dict(one.sums)]
    altered = [job for job, one, _ in before if one.sets != query.sets]
    if altered:
        example = f"+x: sum({name}) - sum({name}) (before) = {name}[x]"
        return "unsafe", Reason.of("altered-sum", job=altered[-1]), example
    if few := _few(query, smallest_group):
        return "unsafe", Reason.of("few", count=few, least=smallest_group), ""
    if any(other != mark for _, _, other in before):
        return "unknown", Reason.of("versions"), ""
    if computed_on:
        return "unknown", Reason.of("computed-before"), ""
    if query.at_least >= smallest_group + len(query.sums):
        return "safe", Reason.of("sums", least=smallest_group), ""
    return "unknown", Reason.of("unknown-count", least=smallest_group + len(query.sums)), ""


def _few(query: Query, smallest_group: int) -> int:
    """How many ids there are that can be common, if they are too few for a number about them; else 0."""
    few = min(query.sizes, default=0)
    return few if few < smallest_group else 0


def _example(query: Query, before: Query) -> str:
    """Of sets between which one id x was added, how it follows that the other side has it."""
    if query.tell in _WHICH:
        return f"+x: x in {query.tell} => x in {IDS}"
    if query.tell == "enough":
        return f"+x: enough and not {before.tell} (before) => x in {IDS}"
    return f"+x: {query.tell} - {before.tell} (before) => x in {IDS}"
