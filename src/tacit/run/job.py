"""The front door for machines: a `Job` that all parties agree on, a `Run` that carries it out, a `Report`.

Everything in a Job is agreed: both sides compute its digest and compare it before any data message. What is
local to one party (files, homes, threads) is not in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import LimitError, PeerError, UnsupportedError, UsageError
from tacit.base.log import Sink, silent
from tacit.base.meter import depth
from tacit.base.session import open_session
from tacit.base.transport import Clock, Transport
from tacit.base.wire import Document, Octets, Ring, canonical_json
from tacit.blocks.ot.choose import for_link
from tacit.ir.program import Program
from tacit.mpc import openings
from tacit.mpc.execute import execute
from tacit.mpc.scheme import Scheme, Share, find
from tacit.mpc.semi2k import Semi2k
from tacit.mpc.value import Value
from tacit.psi import choose, star_kmprt17
from tacit.psi.buckets import BucketedPsi, State
from tacit.psi.circuit_psty19 import Members, Sizes, intersect
from tacit.psi.functionality import BOTH, Intersection, Items
from tacit.psi.price import Link, Told
from tacit.psi.spool import Shelf
from tacit.psi.star_kmprt17 import Common, Star
from tacit.run.gate.sets import Query
from tacit.run.greeting import greet
from tacit.run.policy import Policy, check_reveals, require_agreed
from tacit.run.project import Hidden, Own, Project, items_bytes, order_of

_TOLD_BYTES = 1 << 14
_SPOKEN = 60
_MAY_CHANGE = ("attempt", "limits", "link")
"""Of a job, between a run that was cut and the one that takes it up."""


@dataclass(frozen=True)
class PartyTerms:
    """What is agreed about one party. `columns`: entries {name, encoding}; `positive`: the label's 1."""

    name: str
    certificate_sha256: str
    key: str
    columns: tuple[Mapping[str, Any], ...]
    label: str | None = None
    positive: str | int | bool | None = None


@dataclass(frozen=True)
class Limits:
    """`timeout_s`: longest wait for one message; `connect_s`: for the peer to appear."""

    timeout_s: float = 120.0
    connect_s: float = 300.0


NO_PSI = "none"
NO_SCHEME = "none"


@dataclass(frozen=True)
class Job:
    """What is computed by whom under which rules. `options` are the task's own, plain JSON values; `psi` is
    "none" for a job that aligns nothing, "auto" for what `psi.choose` says of sizes and `link`; `scheme` is
    "none" for a job that only aligns; `ot` is the source of OTs (`blocks.ot.choose`), empty for the scheme's
    usual one, "auto" for what `link` asks for."""

    id: str
    task: str
    parties: tuple[PartyTerms, ...]
    options: Mapping[str, Any]
    reveals: Mapping[str, Any]
    scheme: str = "semi2k"
    security: str = "semi-honest"
    psi: str = "ecdh"
    ot: str = ""
    link: Link = field(default_factory=Link)
    limits: Limits = field(default_factory=Limits)
    attempt: int = 0
    project: str = ""
    """Whose ledger judges and remembers what this job reveals (`run.project`); none if empty."""

    @property
    def ots(self) -> str:
        """`ot` by name. All parties have agreed on what it follows from, so they choose alike."""
        if self.ot != choose.AUTO:
            return self.ot
        takes = self.scheme == NO_SCHEME or find(self.scheme, self.security).ots
        return for_link(self.link.mbit) if takes else ""

    def sections(self) -> dict[str, str]:
        """SHA-256 of every agreed part, so that a mismatch can be named without showing anything."""
        return {
            name: hashlib.sha256(canonical_json({"value": value})).hexdigest()
            for name, value in sorted(self._parts().items())
        }

    def _parts(self) -> dict[str, Any]:
        """What is compared one by one: the fields, of options and reveals each entry."""
        parts = asdict(self)
        for name in ("options", "reveals"):
            entries = parts.pop(name)
            parts |= {f"{name}.{entry}": value for entry, value in entries.items()}
            parts[name] = sorted(entries)
        return parts

    def spoken(self, section: str) -> str:
        """Our own value of a section, where it is short enough for a message."""
        value = canonical_json({"value": self._parts()[section]}).decode()[len('{"value":') : -1]
        return f"{section} (here {value})" if len(value) <= _SPOKEN else section

    def digest(self) -> bytes:
        """32 bytes over everything that is agreed."""
        return hashlib.sha256(canonical_json(self.sections())).digest()

    def origin(self, table: str) -> str:
        """What a run must have in common with the one that it takes up: the table, and all terms that the
        result depends on."""
        same = {name: digest for name, digest in self.sections().items() if name not in _MAY_CHANGE}
        return hashlib.sha256(canonical_json({**same, "table": table})).hexdigest()

    def party(self, name: str) -> int:
        """Number of the party called `name`. Raises UsageError JOB-0001."""
        for number, terms in enumerate(self.parties):
            if terms.name == name:
                return number
        known = ", ".join(terms.name for terms in self.parties)
        raise UsageError("JOB-0001", f"the job has no party {name!r}", hint=f"one of: {known}")


@dataclass
class Report:
    """What happened: measured and revealed. Never rows, never values of columns."""

    job: str
    party: str
    revealed: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    bytes_sent: dict[str, int] = field(default_factory=dict)
    bytes_received: int = 0
    rounds: int = 0
    psi: choose.Choice | None = None


class Run:
    """One party's connection to a running job: alignment and computations, metered step by step."""

    def __init__(
        self, job: Job, me: int, ctx: Ctx, scheme: Scheme | None, report: Report, clock: Clock
    ) -> None:
        self.job, self.me, self.ctx, self.report = job, me, ctx, report
        self.project: Project | None = None
        self._scheme = scheme
        self._clock = clock

    @property
    def scheme(self) -> Scheme:
        """Raises UnsupportedError JOB-0006 in a job that only aligns."""
        if self._scheme is None:
            raise UnsupportedError(
                "JOB-0006",
                f"the job {self.job.id!r} has no scheme, so nothing can be computed in it",
                hint="name a scheme in the job",
            )
        return self._scheme

    @classmethod
    async def open(
        cls,
        job: Job,
        me: int,
        transport: Transport,
        *,
        clock: Clock,
        channel_binding: bytes = b"",
        sink: Sink = silent,
        insecure_seed: bytes | None = None,
        project: Project | None = None,
    ) -> Run:
        """Greet, derive keys, set up the scheme, join the project's ledgers.

        Raises: UnsupportedError where the level is not available; as `greet` and `Project.begin`.
        """
        started = clock.now_s()
        sink("begin", "", {"step": "setup"})
        scheme_type = None if job.scheme == NO_SCHEME else find(job.scheme, job.security, job.ots)
        if job.psi not in (NO_PSI, choose.AUTO, *choose.OTHERS):
            choose.find(job.psi, job.security)
        report = Report(job.id, job.parties[me].name)
        await greet(job, me, transport)
        ctx = await open_session(
            transport,
            me,
            len(job.parties),
            clock=clock,
            job_digest=job.digest(),
            channel_binding=channel_binding,
            attempt=job.attempt,
            sink=sink,
            insecure_seed=insecure_seed,
        )
        scheme = None if scheme_type is None else await scheme_type.start(ctx.sub("setup"))
        run = cls(job, me, ctx, scheme, report, clock)
        report.seconds["setup"] = clock.now_s() - started
        run._account("setup", 0)
        run._ended("setup")
        if project is not None:
            run.project = project
            await project.begin(run)
        return run

    @contextmanager
    def step(self, name: str, opens: Policy = ()) -> Iterator[Ctx]:
        """A metered step: its seconds and bytes go into the report under `name`.

        `opens`: what its protocols may open outside of programs; what they did open goes into the report.
        """
        started, sent = self._clock.now_s(), self.ctx.meter().bytes_sent
        self.ctx.log("begin", step=name)
        with openings.step([(grant.name, grant.to[0] if grant.to else None) for grant in opens]) as declared:
            yield self.ctx.sub(name)
        for opened, to, size in declared.opened:
            self.reveal(opened, "all" if to is None else self.job.parties[to].name, size)
        self.report.seconds[name] = self.report.seconds.get(name, 0.0) + self._clock.now_s() - started
        self._account(name, sent)
        self._ended(name)

    def _ended(self, name: str) -> None:
        self.ctx.log("end", step=name, bytes=self.report.bytes_sent[name], seconds=self.report.seconds[name])

    def _account(self, name: str, sent_before: int) -> None:
        meter = self.ctx.meter()
        self.report.bytes_sent[name] = self.report.bytes_sent.get(name, 0) + meter.bytes_sent - sent_before
        self.report.bytes_received = meter.bytes_received
        self.report.rounds = depth()

    async def align(
        self, items: Items, *, receivers: frozenset[int] = BOTH, threads: int = 1
    ) -> Intersection:
        """Private set intersection: `receivers` learn which of their rows are common, in a joint order.

        Raises UnsupportedError JOB-0005 where no protocol holds at the job's level, PolicyError POLICY-0006,
        and what the protocol raises.
        """
        require_agreed(self._entitled(), receivers)
        await self.admit(Query.of_rows(receivers), items)
        with self.step("psi") as ctx:
            choice = await self._choice(ctx, len(items), receivers, threads)
            self._announce(ctx, choice)
            protocol = choose.find(choice.protocol, self.job.security)(threads)
            result = await protocol.intersect(ctx, items, receivers=receivers)
        self._aligned(result, receivers)
        return result

    async def align_several(self, items: Items, *, receivers: frozenset[int], threads: int = 1) -> Common:
        """`align` of three parties or more: what all of them have. Raises as `star_kmprt17.intersect`;
        PolicyError POLICY-0006."""
        require_agreed(self._entitled(), receivers)
        if self.project is not None:
            # Not everybody learns how large the sets are.
            await self.project.admit_query(self, Query.of_rows(receivers), Own(items_bytes(items)))
        with self.step("psi") as ctx:

            def begun(star: Star) -> None:
                self._announce(ctx, choose.several(star, self.me, receivers, self.job.link, threads))

            result = await star_kmprt17.intersect(
                ctx, items, receivers=receivers, threads=threads, begun=begun
            )
        hub = self.job.parties[min(receivers)].name
        self.report.revealed.append(_revealed("set sizes", hub, len(self.job.parties)))
        self.report.revealed.append(_revealed(f"size.{hub}", "all", 1))
        size = 0 if result.rows is None else len(result.rows)
        for receiver in sorted(receivers):
            self.report.revealed.append(_revealed("intersection", self.job.parties[receiver].name, size))
        return result

    async def align_stored(
        self,
        batches: Iterable[tuple[Items, np.ndarray]],
        shelf: Shelf,
        *,
        memory_bytes: int,
        table: str,
        receivers: frozenset[int] = BOTH,
        threads: int = 1,
    ) -> tuple[Intersection, BucketedPsi]:
        """`align` within `memory_bytes`, as `psi.buckets`: what was cut goes on, what is kept is on `shelf`.
        `table` names my own, as for `Job.origin`.

        Raises UnsupportedError JOB-0005, PSI-0057, and as `BucketedPsi.intersect`.
        """
        require_agreed(self._entitled(), receivers)
        kind = choose.find_stored(self.job.psi, self.job.security)
        if self.project is not None:
            await self.project.admit_query(self, Query.of_rows(receivers), Own(table.encode()))
        with self.step("psi") as ctx:
            groups = BucketedPsi(
                kind(threads),
                shelf,
                memory_bytes=memory_bytes,
                threads=threads,
                origin=self.job.origin(table),
            )

            def begun(state: State) -> None:
                first = self.me == min(receivers)
                self._announce(
                    ctx, *choose.stored(kind, state, first, len(receivers), self.job.link, threads)
                )

            result = await groups.intersect(ctx, batches, receivers=receivers, begun=begun)
        self._aligned(result, receivers)
        return result, groups

    async def align_hidden(
        self,
        items: Items,
        columns: np.ndarray | None,
        n_columns: int,
        *,
        query: Query | None = None,
        told: Told = "shares",
        threads: int = 1,
    ) -> Members:
        """Which items are common, and the second party's `columns` of those, as shares: both sides learn the
        set sizes. `query`: what will be opened of them; None if a program says so itself. `told`: the same
        for the price.

        Raises UnsupportedError SCHEME-0002 where the scheme has no such shares, PeerError PEER-0001 for a set
        of another size than was judged; PolicyError POLICY-0006; as `intersect`.
        """
        if not isinstance(self.scheme, Semi2k):
            raise UnsupportedError(
                "SCHEME-0002",
                f"membership on shares is of the scheme {Semi2k.name!r}, not {self.job.scheme!r}",
                hint=f"name the scheme {Semi2k.name!r} in the job",
            )
        judged = None if query is None else await self.admit(query, items, columns)
        with self.step("psi") as ctx:

            def begun(sizes: Sizes) -> None:
                self._announce(ctx, choose.hidden(sizes, told, self.job.ots, self.job.link, threads))

            found = await intersect(ctx, self.scheme, items, columns, n_columns, threads, begun)
            sizes = (found.sizes.n_receiver, found.sizes.n_sender)
            if judged is not None and judged.sizes != sizes:
                raise PeerError("PEER-0001", "message refused: the peer's set is not of the size it told")
        self.report.revealed.append(_revealed("set sizes", "all", 2))
        return found

    async def admit(
        self, query: Query, items: Items, sums: np.ndarray | None = None, table: str = ""
    ) -> Query | None:
        """In a project: judge a query of two sets and write it down. `sums`: a row for each column of mine
        that is summed, as the items are ordered. Raises PolicyError POLICY-0006."""
        if self.project is None:
            return None
        columns = () if sums is None else tuple(np.ascontiguousarray(sums[:, order_of(items)]))
        own = Own(items_bytes(items), len(items), columns, table)
        return await self.project.admit_query(self, query, own)

    def reveal(self, name: str, to: str, size: int) -> None:
        """Write down what a protocol told by itself: no value was opened for it."""
        self.report.revealed.append(_revealed(name, to, size))

    def _entitled(self) -> frozenset[int]:
        """Who may learn which rows are common: whom the job's line names; all, where it has none."""
        names = self.job.reveals.get("intersection")
        everybody = range(len(self.job.parties))
        return frozenset(everybody if names is None else map(self.job.party, names))

    def _announce(self, ctx: Ctx, choice: choose.Choice, left_s: float | None = None) -> None:
        """`left_s`: seconds from here on, where the price has more."""
        self.report.psi = choice
        seconds = choice.price.seconds if left_s is None else left_s
        ctx.log("choice", protocol=choice.protocol, seconds=seconds, because=choice.because)

    def _aligned(self, result: Intersection, receivers: frozenset[int]) -> None:
        to = "all" if receivers == BOTH else self.job.parties[min(receivers)].name
        size = 0 if result.rows is None else len(result.rows)
        self.report.revealed.append(_revealed("set sizes", "all", 2))
        self.report.revealed.append(_revealed("intersection", to, size))

    async def _choice(self, ctx: Ctx, n_items: int, receivers: frozenset[int], threads: int) -> choose.Choice:
        """The job's protocol or, once the sizes are known, what both sides choose alike; with its price."""
        message = Ring(np.array([n_items, threads], np.uint64))
        answer = (await ctx.exchange(ctx.peer, ctx.peer, message, shape=(2,))).array.tolist()
        n_theirs, their_threads = answer
        if n_theirs > choose.LARGEST_SET:
            raise LimitError("PSI-0003", "the peer announces a set of more than 2^32 items")
        sizes = (n_items, n_theirs) if self.me == min(receivers) else (n_theirs, n_items)
        return choose.choose(
            sizes,
            self.job.link,
            name=self.job.psi,
            adversary=self.job.security,
            receivers=len(receivers),
            threads=max(1, min(threads, their_threads)),
        )

    async def agree(self, name: str, fields: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Tell the others a small document of public facts and hear theirs, in party order."""
        documents = await self.tell(name, fields)
        self.report.revealed.append(_revealed(name, "all", len(documents)))
        return documents

    async def meet(self, name: str) -> None:
        """Wait until every other party has come this far, too."""
        await self.tell(name, {})

    async def tell(
        self, name: str, fields: Mapping[str, Any], *, limit_bytes: int = _TOLD_BYTES
    ) -> list[dict[str, Any]]:
        """Tell the others a document and hear theirs, in party order; callers note what it discloses."""
        documents = [dict(fields) for _ in range(self.ctx.n)]
        others = [other for other in range(self.ctx.n) if other != self.me]
        with self.step(name) as ctx:
            for other in others:
                await ctx.send(other, Document(fields))
            for other in others:
                documents[other] = dict((await ctx.recv(other, Document, shape=(limit_bytes,))).fields)
        return documents

    async def compute(
        self,
        name: str,
        program: Program,
        data: Mapping[str, np.ndarray | Share | None],
        policy: Policy,
        *,
        source: Program | Hidden | None = None,
    ) -> dict[str, Value]:
        """Check `program` against `policy`, compare its digest with the others', run it.

        In a project it is judged first: by its `source`, as it was traced, which reveals the same.
        """
        check_reveals(program, policy)
        if self.project is not None:
            if isinstance(source, Hidden):
                await self.project.admit_function(self, name, source)
            else:
                await self.project.admit(self, name, source or program, data)
        with self.step(name) as ctx:
            await same_program(ctx, program)
            outputs = await execute(ctx, self.scheme, program, data)
        for reveal in program.reveals():
            to = "all" if reveal.to == () else self.job.parties[reveal.to[0]].name
            self.report.revealed.append(_revealed(reveal.name, to, reveal.type.size))
        return outputs


def _revealed(name: str, to: str, size: int) -> dict[str, Any]:
    return {"name": name, "to": to, "values": size}


async def same_program(ctx: Ctx, program: Program) -> None:
    """Raises PeerError JOB-0004 unless all parties are about to run the same program."""
    mine = np.frombuffer(program.digest(), np.uint8)
    for other in range(ctx.n):
        if other != ctx.me:
            await ctx.send(other, Octets(mine))
    for other in range(ctx.n):
        if other != ctx.me and not np.array_equal(
            (await ctx.recv(other, Octets, shape=mine.shape)).array, mine
        ):
            raise PeerError(
                "JOB-0004",
                f"party {other} would run another program {program.name!r}",
                hint="both sides must use the same Tacit release and the same job",
            )
