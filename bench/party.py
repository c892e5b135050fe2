"""One party of a run, as a task sees it: its files, its links, its clocks."""

from __future__ import annotations

import argparse
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.meter import depth
from tacit.base.session import open_session
from tacit.base.transport import Frame, Transport
from tacit.net.memory import MemoryNetwork
from tacit.net.tls import Endpoint, PeerAddress, TlsIdentity, TlsTransport, connect
from tacit.run.greeting import greet
from tacit.run.job import NO_PSI, Job, PartyTerms, Run
from tacit.trust import identity


class PerformanceClock:
    """The clock that runs of the library are given."""

    def now_s(self) -> float:
        return time.perf_counter()


@dataclass(frozen=True)
class Place:
    """Where a party sits: all parties' hosts and ports, its own and its peers' folders (key, certificate)."""

    me: int
    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    folders: tuple[Path, ...]

    def endpoint(self) -> Endpoint:
        mine = identity.load(self.folders[self.me] / "home")
        keys = TlsIdentity(mine.certificate_path, mine.private_key_path)
        return Endpoint(self.me, self.hosts[self.me], self.ports[self.me], keys)

    def peers(self) -> list[PeerAddress]:
        return [
            PeerAddress(number, host, port, folder / "home" / identity.CERTIFICATE_FILE)
            for number, (host, port, folder) in enumerate(
                zip(self.hosts, self.ports, self.folders, strict=True)
            )
            if number != self.me
        ]


@dataclass
class Party:
    """`seconds`: setup, compute, io. `given`: results that the bench process will check."""

    task: str
    place: Place
    options: argparse.Namespace
    network: MemoryNetwork | None = None
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("setup", "compute", "io"), 0.0))
    given: dict[str, np.ndarray] = field(default_factory=dict)
    rounds: int = 0
    transport: Transport | None = None
    _scheme_s: float = 0.0
    _ctx: Ctx | None = None
    _barriers: int = 0

    @property
    def me(self) -> int:
        return self.place.me

    @property
    def n(self) -> int:
        return len(self.place.hosts)

    @property
    def folder(self) -> Path:
        return self.place.folders[self.me]

    @property
    def bytes_sent(self) -> int:
        """All that went to the links: headers, paths, bodies; set-up included, TLS's own 0.2 % not."""
        if isinstance(self.transport, TlsTransport):
            return self.transport.wire_bytes_sent
        return 0 if self._ctx is None else self._ctx.meter().bytes_sent

    @contextmanager
    def timed(self, clock: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[clock] += time.perf_counter() - started

    def read(self, name: str) -> np.ndarray:
        """My input array of this name, written by the task's `prepare`."""
        with self.timed("io"):
            array: np.ndarray = np.load(self.folder / f"{name}.npy", allow_pickle=False)
            return array

    def give(self, name: str, array: np.ndarray) -> None:
        """A result in hand. It is written for the check after the clocks have stopped."""
        self.given[name] = array

    async def link(self) -> Transport:
        """The links to all others; part of the set-up."""
        with self.timed("setup"):
            if self.network is not None:
                self.transport = self.network.endpoint(self.me)
            else:
                self.transport = await connect(self.place.endpoint(), self.place.peers(), recv_timeout_s=3600)
            return self.transport

    async def session(self, protocol: str = "") -> Ctx:
        """Links, agreed terms and keys, without a scheme: for PSI and whatever needs no shares."""
        transport = await self.link()
        with self.timed("setup"):
            job = self._job(psi=protocol)
            await greet(job, self.me, transport)
            self._ctx = await open_session(
                transport,
                self.me,
                self.n,
                clock=PerformanceClock(),
                job_digest=job.digest(),
                channel_binding=self._binding(),
            )
            return self._ctx

    async def run(self, scheme: str, security: str, ot: str = "") -> Run:
        """Links, agreed terms, keys, and the scheme's own set-up (base OTs)."""
        transport = await self.link()
        with self.timed("setup"):
            run = await Run.open(
                self._job(scheme=scheme, security=security, ot=ot),
                self.me,
                transport,
                clock=PerformanceClock(),
                channel_binding=self._binding(),
            )
            self._ctx, self._scheme_s = run.ctx, run.report.seconds["setup"]
            return run

    def spent(self) -> np.ndarray:
        """What a price speaks of: seconds of the scheme's set-up and the operation, bytes of messages."""
        assert self._ctx is not None
        return np.array([self._scheme_s + self.seconds["compute"], self._ctx.meter().bytes_sent])

    @asynccontextmanager
    async def computing(self) -> AsyncIterator[None]:
        """The operation itself; starts when all parties are ready for it."""
        await self.barrier()
        before = depth()
        with self.timed("compute"):
            yield
        self.rounds += depth() - before

    async def barrier(self) -> None:
        """Wait until all parties have come here."""
        assert self.transport is not None
        name, others = f"bench/barrier.{self._barriers}", [i for i in range(self.n) if i != self.me]
        self._barriers += 1
        for other in others:
            await self.transport.send(Frame(name, self.me, other, b"", 0))
        for other in others:
            await self.transport.recv(name, other, self.me, limit_bytes=0)

    def _job(
        self, *, scheme: str = "semi2k", security: str = "semi-honest", psi: str = NO_PSI, ot: str = ""
    ) -> Job:
        parties = tuple(PartyTerms(f"party{i}", "", "id", ()) for i in range(self.n))
        return Job("bench", self.task, parties, {}, {}, scheme=scheme, security=security, psi=psi, ot=ot)

    def _binding(self) -> bytes:
        return self.transport.channel_binding if isinstance(self.transport, TlsTransport) else b""
