"""One party's process: its place at a job, the link to the peer, the run, a clean end however it comes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from tacit.apps.cli.entries import Address, senseless
from tacit.apps.cli.events import Listener, MonotonicClock, sink_of
from tacit.apps.cli.jobfile import JobFile, Local, read_job, table_columns
from tacit.apps.cli.ledgerfile import project_of
from tacit.base.errors import TacitError, UsageError
from tacit.frame.source import open_table
from tacit.net.tls import Endpoint, PeerAddress, TlsIdentity, TlsTransport, connect
from tacit.run.job import Job, PartyTerms, Run
from tacit.run.project import Project
from tacit.trust.identity import Identity, fingerprint_hex, load

T = TypeVar("T")

WAIT_EVERY_S = 3.0
"""How often a party that waits for its peer says so."""

_STOPPED = "CLI-0006"
_FAULT = "CLI-0070"


class Stopped(TacitError):
    """The operator stopped the process with a signal."""

    who = "operator"

    def __init__(self, number: int) -> None:
        super().__init__(
            _STOPPED,
            f"stopped by signal {signal.Signals(number).name}",
            hint="nothing was saved and temporary data are gone; start the job again on both sides",
        )
        self.exit_code = 128 + number


@dataclass(frozen=True)
class Seat:
    """One party's place at a job. `listen`: where it listens for those after it; `peers`: where the others
    are, in their order; it dials those before it."""

    file: JobFile
    me: int
    identity: Identity
    local: Local
    listen: Address
    peers: tuple[Address, ...]

    @property
    def terms(self) -> PartyTerms:
        return self.file.job.parties[self.me]

    @property
    def others(self) -> list[int]:
        return [number for number in range(len(self.file.job.parties)) if number != self.me]

    @property
    def home(self) -> Path:
        return self.identity.home

    @property
    def data(self) -> Path:
        """Raises UsageError CLI-0004."""
        if self.local.data is None:
            raise _not_given("data file", "data", "--data FILE", self.terms.name)
        return self.local.data


def take_seat(
    config: Path,
    name: str,
    *,
    task: str = "credit",
    home: Path | None = None,
    data: Path | None = None,
    listen: Address | None = None,
    peer: Address | None = None,
) -> Seat:
    """The place of party `name` at the job in `config`; what is given here overrides the file.

    `task`: what is about to be done; empty if any job will do.
    Raises: as `read_job`; UsageError CLI-0012 (a job of another task),
    JOB-0001 (no such party), CLI-0004 (no home), CLI-0005 (the home's
    certificate is not the one in the job), as `identity.load`.
    """
    file = read_job(config)
    if task and file.job.task != task:
        raise UsageError(
            "CLI-0012",
            f"the job {file.job.id!r} is of the task {file.job.task!r}, not {task!r}",
            hint="tacit psi runs jobs of the task psi, tacit train those of the task credit",
        )
    me = file.job.party(name)
    written = file.local.get(name, Local())
    local = Local(home or written.home, data or written.data, written.threads)
    if local.home is None:
        raise _not_given("home folder", "home", "--home DIR", name)
    identity = load(local.home)
    if fingerprint_hex(identity.certificate_path) != file.job.parties[me].certificate_sha256:
        raise UsageError(
            "CLI-0005",
            f"the certificate in {str(local.home)!r} is not the one that the job names for {name!r}",
            hint=f"are you {name!r}? If so, put this home's certificate.pem into the job, on both sides",
        )
    peers = tuple(address for number, address in enumerate(file.addresses) if number != me)
    if peer is not None and len(peers) > 1:
        raise senseless(
            "peer", "left out where there are several: write parties.NAME.address in the job file"
        )
    return Seat(file, me, identity, local, listen or file.addresses[me], peers if peer is None else (peer,))


def _not_given(what: str, key: str, option: str, party: str) -> UsageError:
    return UsageError(
        "CLI-0004",
        f"no {what} for {party!r}",
        hint=f"write local.{party}.{key} in the job file, or give {option}",
    )


def read_table(seat: Seat) -> pa.Table:
    """This party's own rows: key, columns and label as the job lists them. Raises as `open_table`."""
    columns, text = table_columns(seat.terms)
    return open_table(seat.data, columns, text=text)


async def hold(
    seat: Seat, job: Job, listener: Listener, work: Callable[[Run], Awaitable[T]]
) -> tuple[T, TlsTransport]:
    """Meet the peer, run `work`, part. However this ends, the peer is told at once.

    Raises what `project_of`, `connect`, `Run.open` and `work` raise.
    """
    with project_of(seat, job) as project:
        return await _hold(seat, job, listener, work, project)


async def _hold(
    seat: Seat, job: Job, listener: Listener, work: Callable[[Run], Awaitable[T]], project: Project | None
) -> tuple[T, TlsTransport]:
    transport = await _meet(seat, job, listener)
    code = _FAULT
    try:
        run = await Run.open(
            job,
            seat.me,
            transport,
            clock=MonotonicClock(),
            channel_binding=transport.channel_binding,
            sink=sink_of(listener),
            project=project,
        )
        result = await work(run)
        code = ""
        return result, transport
    except TacitError as error:
        code = error.code
        raise
    except asyncio.CancelledError:
        code = _STOPPED
        raise
    finally:
        await transport.close(code)


async def _meet(seat: Seat, job: Job, listener: Listener) -> TlsTransport:
    identity = TlsIdentity(seat.identity.certificate_path, seat.identity.private_key_path)
    peers = [
        PeerAddress(
            other,
            address.host,
            address.port,
            seat.file.certificates[other],
            job.parties[other].certificate_sha256,
        )
        for other, address in zip(seat.others, seat.peers, strict=True)
    ]
    names = ", ".join(job.parties[other].name for other in seat.others)
    told_s = 0.0

    def waiting(waited_s: float) -> None:
        nonlocal told_s
        if waited_s - told_s >= WAIT_EVERY_S:
            told_s = waited_s
            listener({"event": "waiting", "path": "", "seconds": round(waited_s), "peer": names})

    dials = ", ".join(str(address) for address in seat.peers[: seat.me])
    listener(
        {
            "event": "connect",
            "path": "",
            "listens": seat.me == 0,
            "address": str(seat.listen) if seat.me == 0 else dials,
        }
    )
    transport = await connect(
        Endpoint(seat.me, seat.listen.host, seat.listen.port, identity),
        peers,
        timeout_s=job.limits.connect_s,
        on_wait=waiting,
        recv_timeout_s=job.limits.timeout_s,
        sink=sink_of(listener),
    )
    listener({"event": "connected", "path": "", "peer": names})
    return transport


def run_to_end(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` that turns SIGINT, SIGTERM and SIGHUP into `Stopped`, after every `finally` has run."""
    received: list[int] = []

    async def guarded() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(main)

        def stop(number: int) -> None:
            received.append(number)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop, number)
        try:
            return await task
        except asyncio.CancelledError:
            raise Stopped(received[0]) if received else InterruptedError from None

    return asyncio.run(guarded())
