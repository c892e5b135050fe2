"""A private join: which rows of two tables belong together, each side keeping its own rows.

The first party of the job is the left side. A receiver learns which of its keys are common; all outputs are
rows of one's own table. In the joint order, that of a common pseudorandom tag, line i is the same person on
both sides, and a side that has no row there leaves it empty: this needs both sides to be receivers and, where
unmatched rows are kept, the two row counts. In the order of the file nothing more is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from tacit.base.errors import PeerError, PolicyError, UnsupportedError, UsageError
from tacit.frame.joinkeys import JoinKeys, KeyRules
from tacit.psi.choose import AUTO, SEVERAL, choose, find, find_stored
from tacit.psi.functionality import Items
from tacit.psi.price import UNBALANCED
from tacit.run.job import NO_SCHEME, Job, PartyTerms, Run
from tacit.tasks.pairs import exchange_counts, members_of, pair_up

Kind = Literal["inner", "left", "right", "full", "difference"]
Order = Literal["joint", "file"]
KINDS: tuple[Kind, ...] = ("inner", "left", "right", "full", "difference")
ORDERS: tuple[Order, ...] = ("joint", "file")
CASES = ("keep", "lower")
BOTH, ALL, NOBODY = "both", "all", "none"
KEPT: Mapping[Kind, frozenset[int]] = {
    "inner": frozenset(),
    "left": frozenset((0,)),
    "right": frozenset((1,)),
    "full": frozenset((0, 1)),
    "difference": frozenset((0, 1)),
}
"""Whose rows without a partner are in the result."""
FLAG = "in_both"
"""The column of a result with lines of both kinds: whether both sides have this key."""
_MOST_ROWS = 1 << 40


@dataclass(frozen=True)
class Terms:
    """What both sides agree on about a join. `receivers`: names of those who learn which rows are common;
    `stored`: whether it runs in groups on disk; `pairs`: whether repeated keys stay, as in SQL."""

    join: Kind
    order: Order
    receivers: tuple[str, ...]
    key_columns: int
    rules: KeyRules
    stored: bool = False
    pairs: bool = False

    @staticmethod
    def of(job: Job) -> Terms:
        options = job.options
        rules = KeyRules(options["trim"], options["case"], options["rules"])
        receivers = tuple(job.reveals["intersection"])
        return Terms(
            options["join"],
            options["order"],
            receivers,
            options["key_columns"],
            rules,
            options["stored"],
            options["pairs"],
        )

    @staticmethod
    def agreed(
        names: tuple[str, ...],
        *,
        join: Any = "inner",
        order: Any = None,
        receivers: Any = BOTH,
        key_columns: int = 1,
        trim: Any = True,
        case: Any = "keep",
        stored: bool = False,
        duplicates: str = "first",
    ) -> Terms:
        """What people write, checked. `names`: the parties; `receivers`: "both" or "all", "none" or names;
        without an `order`, the joint one where there can be one. Several parties join what all of them have.

        Raises: UsageError JOIN-0002 for what makes no sense.
        """
        who = _receivers(receivers, names)
        _require_one_of("join", join, KINDS if len(names) == 2 else ("inner",))
        possible = len(who) >= 2 and join != "difference"
        order = order or ("joint" if possible else "file")
        _require_one_of("order", order, ORDERS)
        if join == "difference" and order == "joint":
            raise senseless("order", "file for a difference: its rows have no partner to line up with")
        _require_one_of("case", case, CASES)
        _require_one_of("trim", trim, (True, False))
        pairs = duplicates == "all"
        if pairs and (stored or len(names) > 2):
            raise senseless("duplicates", "first or refuse within a given memory and among several parties")
        return Terms(join, order, who, key_columns, KeyRules(trim, case), stored, pairs)

    def job(self, job: Job, *, protocol: str = AUTO, security: str = "semi-honest") -> Job:
        """`job` as one of this join: which columns are the key, and all others, is each side's own affair."""
        options = {
            "join": self.join,
            "order": self.order,
            "key_columns": self.key_columns,
            "trim": self.rules.trim,
            "case": self.rules.case,
            "rules": self.rules.version,
            "stored": self.stored,
            "pairs": self.pairs,
        }
        parties = tuple(PartyTerms(terms.name, terms.certificate_sha256, "", ()) for terms in job.parties)
        return replace(
            job,
            task="psi",
            parties=parties,
            options=options,
            reveals={"intersection": list(self.receivers)},
            scheme=NO_SCHEME,
            security=security,
            psi=protocol,
            ot="",
        )

    @property
    def flagged(self) -> bool:
        """Whether lines with and without a partner are in the result."""
        return self.join in ("left", "right", "full")

    @property
    def counts_rows(self) -> bool:
        """Whether each side learns how many rows the other brings, keys or not."""
        return self.order == "joint" and bool(KEPT[self.join])


@dataclass(frozen=True, eq=False)
class Joined:
    """One side's result. `rows` int64[m]: the row of my table in each line, -1 where I have none; `common`
    bool[m]: whether the line has a row of either side; None for one who is no receiver. `n_theirs`: what I
    know of the others' set sizes, added up."""

    rows: np.ndarray | None
    common: np.ndarray | None
    n_common: int
    n_mine: int
    n_theirs: int


def _require_one_of(name: str, value: Any, values: tuple[Any, ...]) -> None:
    if not any(value is known or (isinstance(value, str) and value == known) for known in values):
        raise senseless(name, " or ".join(map(str, values)))


def senseless(name: str, wanted: str) -> UsageError:
    return UsageError("JOIN-0002", f"{name} of a join must be {wanted}", hint="correct it on both sides")


def _receivers(value: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    if value in (BOTH, ALL):
        return names
    found = [] if value == NOBODY else [value] if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or any(name not in names for name in found):
        raise senseless("receivers", f"{BOTH} or one of {', '.join(names)}")
    return tuple(name for name in names if name in found)


def require_entitled(terms: Terms, party: str, wants_rows: bool) -> None:
    """Raises PolicyError POLICY-0007 for rows that `party` may not learn, POLICY-0008 for an order that needs
    both sides to be receivers, POLICY-0009 if nobody may learn rows."""
    if not terms.receivers:
        raise PolicyError(
            "POLICY-0009",
            "nobody may learn which rows are common, so no rows can be written",
            hint="name a receiver; or ask only for a count, sums or a threshold with --tell",
        )
    if wants_rows and party not in terms.receivers:
        raise PolicyError(
            "POLICY-0007",
            f"{party!r} asks for rows, but only {terms.receivers[0]!r} may learn which are common",
            hint="leave out --out on this side, or agree on --receivers both",
        )
    if terms.order == "joint" and len(terms.receivers) < 2:
        raise PolicyError(
            "POLICY-0008",
            "rows in the joint order need both sides to learn which are common",
            hint="agree on --receivers both, or on --order file; to hide who is common, see --tell",
        )


def require_protocol(job: Job) -> None:
    """Raises UnsupportedError: JOB-0005 unless a protocol holds at the job's level, PSI-0021 unless it has as
    many receivers."""
    if len(job.parties) > 2:
        if job.psi not in (AUTO, SEVERAL) or job.security != "semi-honest" or job.options["stored"]:
            raise UnsupportedError(
                "JOIN-0006",
                f"a join of {len(job.parties)} parties runs {SEVERAL!r}, semi-honest and in memory",
                hint="leave out --protocol, --security and --memory; or join two and two",
            )
        return
    if job.psi == UNBALANCED:
        if len(job.reveals["intersection"]) != 1 or job.options["stored"] or job.options["pairs"]:
            raise UnsupportedError(
                "JOIN-0007",
                f"{UNBALANCED!r} has one receiver, who asks, keeps its set in memory and each key once",
                hint="name who asks with --receivers on both sides, without --memory and --duplicates all",
            )
        return
    name = choose((1, 1), job.link, name=job.psi, adversary=job.security).protocol
    if job.options["stored"]:
        name = find_stored(job.psi, job.security).name
    if find(name, job.security).one_receiver and len(job.reveals["intersection"]) != 1:
        raise UnsupportedError(
            "PSI-0021",
            "against a deviating peer, a join has exactly one receiver",
            hint="name one with --receivers, on both sides; or run a semi-honest protocol",
        )


def lines_of(table: pa.Table, terms: Terms, joined: Joined) -> pa.Table:
    """The rows of my table that are my part of the result, empty where I have none; with a column `FLAG` if
    lines without a partner are among them."""
    assert joined.rows is not None
    lines = table.take(pa.array(joined.rows, mask=joined.rows < 0))
    return lines.append_column(FLAG, pa.array(joined.common)) if terms.flagged else lines


def require_no_flag(columns: Sequence[str], terms: Terms) -> None:
    """Raises UsageError JOIN-0001 if the output would have two columns of one name."""
    if terms.flagged and FLAG in columns:
        raise UsageError(
            "JOIN-0001",
            f"the table has a column {FLAG!r} already, which the result adds",
            hint="rename it",
        )


async def join(run: Run, keys: JoinKeys, *, threads: int = 1) -> Joined:
    """Run the join of `run.job`. Raises as `Run.align` and `require_entitled`."""
    terms = Terms.of(run.job)
    require_entitled(terms, run.job.parties[run.me].name, False)
    receivers = receivers_of(run.job)
    if len(run.job.parties) > 2:
        return await _join_several(run, terms, keys, receivers, threads)
    # Step 1: how many lines the other side's rows take
    n_mine_rows = len(keys) if keys.members is None else keys.members.shape[1]
    n_theirs_rows = await agree_rows(run, terms, n_mine_rows + len(keys.without))
    items = Items(keys.data, keys.offsets)
    found = await run.align(items, receivers=receivers, threads=threads)  # Step 2: which keys are common
    if found.rows is None:
        return Joined(None, None, 0, found.n_mine, found.n_theirs)
    if terms.pairs:
        rows, common = await paired(run, terms, keys, found.rows, n_theirs_rows)
    else:
        present = np.zeros(keys.found.rows, bool)
        present[keys.rows] = present[keys.without] = True
        rows, common = lines(terms, run.me, keys.rows[found.rows], present, n_theirs_rows)
    return Joined(rows, common, len(found.rows), found.n_mine, found.n_theirs)


async def paired(
    run: Run, terms: Terms, keys: JoinKeys, matched: np.ndarray, n_theirs_rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """(rows, common) of `Joined` where repeated keys stay."""
    rows, mine, alone = members_of(keys, matched)
    if terms.join == "difference":
        return alone, np.zeros(len(alone), bool)
    if terms.order == "file":
        kept = np.sort(np.concatenate([rows, alone]) if run.me in KEPT[terms.join] else rows)
        return kept, np.isin(kept, rows, assume_unique=True)
    theirs = await exchange_counts(run, mine)
    n_theirs_alone = n_theirs_rows - int(theirs.sum()) if terms.counts_rows else 0
    if n_theirs_alone < 0:
        raise PeerError("PEER-0001", "message refused: the peer has fewer rows than common ones")
    return with_single(terms, run.me, pair_up(run.me, rows, mine, theirs), alone, n_theirs_alone)


async def _join_several(
    run: Run, terms: Terms, keys: JoinKeys, receivers: frozenset[int], threads: int
) -> Joined:
    found = await run.align_several(Items(keys.data, keys.offsets), receivers=receivers, threads=threads)
    n_mine, n_theirs = len(keys), sum(found.sizes) - len(keys)
    if found.rows is None:
        return Joined(None, None, 0, n_mine, n_theirs)
    rows = keys.rows[found.rows]
    rows = rows if terms.order == "joint" else np.sort(rows)
    return Joined(rows, np.ones(len(rows), bool), len(rows), n_mine, n_theirs)


def receivers_of(job: Job) -> frozenset[int]:
    return frozenset(job.party(name) for name in job.reveals["intersection"])


async def agree_rows(run: Run, terms: Terms, n_mine: int) -> int:
    """The peer's number of rows, where lines are for them too; else 0."""
    if not terms.counts_rows:
        return 0
    documents = await run.agree("rows", {"rows": n_mine})
    n_rows = documents[1 - run.me].get("rows")
    if not isinstance(n_rows, int) or isinstance(n_rows, bool) or not 0 <= n_rows <= _MOST_ROWS:
        raise PeerError("PEER-0001", "message refused: the peer's number of rows is none")
    return n_rows


def lines(
    terms: Terms, me: int, joint: np.ndarray, present: np.ndarray, n_theirs_rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """(rows, common) of `Joined`. `joint`: my common rows in the joint order; `present` bool[n]: those of my
    rows that may be in a result."""
    single = present.copy()
    single[joint] = False
    alone = np.flatnonzero(single)
    if terms.join == "difference":
        return alone, np.zeros(len(alone), bool)
    if terms.order == "file":
        rows = np.sort(np.concatenate([joint, alone]) if me in KEPT[terms.join] else joint)
        return rows, ~single[rows]
    if terms.counts_rows and n_theirs_rows < len(joint):
        raise PeerError("PEER-0001", "message refused: the peer has fewer rows than common ones")
    return with_single(terms, me, joint, alone, n_theirs_rows - len(joint))


def with_single(
    terms: Terms, me: int, joint: np.ndarray, alone: np.ndarray, n_theirs_alone: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of a joint order, the common lines, then the left side's single rows, then the right side's."""
    blocks = [joint]
    for side in sorted(KEPT[terms.join]):
        blocks.append(alone if side == me else np.full(n_theirs_alone, -1, np.int64))
    rows = np.concatenate(blocks)
    return rows, np.arange(len(rows)) < len(joint)
