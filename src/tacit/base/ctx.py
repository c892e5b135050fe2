"""`Ctx`: one party's view of a run. The only way to send, receive, draw randomness, count or log.

The scope path names the messages, separates the random streams, groups the meters and labels the logs.
Scopes are numbered in program order, so parties agree on every name however their schedulers run.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from tacit.base.errors import InternalError, UsageError
from tacit.base.log import Field, Sink, check_fields, silent
from tacit.base.meter import Meter, deepen, depth
from tacit.base.prg import Prg, derive
from tacit.base.secret import Secret
from tacit.base.setting import Setting, Spec
from tacit.base.transport import Clock, Frame, Transport
from tacit.base.types import Shape
from tacit.base.wire import Message

M = TypeVar("M", bound=Message)
C = TypeVar("C", bound="Ctx")


@dataclass(frozen=True)
class Session:
    """What all scopes of one party's run share."""

    transport: Transport
    clock: Clock
    private_root: Secret[bytes]
    common_roots: dict[frozenset[int], Secret[bytes]]
    sink: Sink = silent
    witness: Callable[[Spec, tuple[Any, ...], Ctx, int], None] | None = None
    """Told of every protocol that ends: its spec, arguments without ctx, scope and the depth it began at. For
    the cost suite; sees values, so no application sets it."""
    stand_in: Callable[[Spec, tuple[Any, ...], Ctx], Coroutine[Any, Any, Any]] | None = None
    """Called instead of every protocol that declares its bits, with its spec, arguments without ctx and
    scope: for rehearsals, which price a run without one (`run.explain`)."""
    insecure: bool = False
    """From a test's seed or for a rehearsal; the only kind of session in which the plain scheme starts."""

    def __post_init__(self) -> None:
        if self.stand_in is not None and not self.insecure:
            raise InternalError("CTX-0003", "a session that is no rehearsal stands in for its protocols")


@dataclass
class Ctx:
    """One party's view: `me` in 0 <= me < n, `path` the scope."""

    me: int
    n: int
    path: str
    session: Session = field(repr=False)
    setting: Setting | None = field(default=None, repr=False)
    granted: tuple[str, ...] = field(default=(), repr=False)
    """Assumptions that the scheme in use makes beyond those that its protocols declare."""
    _meter: Meter = field(default_factory=Meter, repr=False)
    _children: dict[str, int] = field(default_factory=dict, repr=False)
    _messages: dict[tuple[int, int], int] = field(default_factory=dict, repr=False)
    _streams: dict[frozenset[int], Prg] = field(default_factory=dict, repr=False)

    def sub(self, name: str) -> Ctx:
        """Child scope `path/name.k`, k counting the children of that name in program order."""
        index = self._children.get(name, 0)
        self._children[name] = index + 1
        path = f"{self.path}/{name}.{index}"
        return type(self)(self.me, self.n, path, self.session, self.setting, self.granted, Meter(self._meter))

    def among_first(self, n: int, *, granting: tuple[str, ...] = ()) -> Ctx:
        """This scope as one of the first `n` parties only, whose protocols may also assume `granting`."""
        return replace(self, n=n, granted=granting)

    def seen_as(self, kind: type[C]) -> C:
        """This scope with another way of sending and receiving; streams, names and meters stay the same."""
        return kind(**{each.name: getattr(self, each.name) for each in fields(self)})

    def between(self, first: int, second: int) -> Pair:
        """This scope as a run of those two parties, who are 0 and 1 in it; I am one of them."""
        if self.me not in (first, second):
            raise InternalError("CTX-0001", f"party {self.me} is not one of the two, {first} and {second}")
        pair = self.seen_as(Pair)
        pair.me, pair.n, pair.numbers = (first, second).index(self.me), 2, (first, second)
        return pair

    def number(self, party: int) -> int:
        """What a party of this scope is called in the whole run."""
        return party

    @property
    def peer(self) -> int:
        """The other party of a two-party run."""
        if self.n != 2:
            raise InternalError("CTX-0001", f"peer is only defined for two parties, not {self.n}")
        return 1 - self.me

    def meter(self) -> Meter:
        return self._meter

    def private(self) -> Prg:
        """My own coins for this scope."""
        return self._stream(frozenset((self.number(self.me),)), self.session.private_root)

    def common(self, *others: int) -> Prg:
        """Coins that exactly I and `others` share, for this scope. Only the holders know them."""
        holders = frozenset(map(self.number, (self.me, *others)))
        if holders not in self.session.common_roots:
            raise UsageError("CTX-0002", f"no common root among parties {sorted(holders)}")
        return self._stream(holders, self.session.common_roots[holders])

    def _stream(self, holders: frozenset[int], root: Secret[bytes]) -> Prg:
        if holders not in self._streams:
            names = ",".join(map(str, sorted(holders)))
            self._streams[holders] = Prg(derive(root, "stream", names, self.path))
        return self._streams[holders]

    async def send(self, to: int, msg: Message) -> None:
        """Send `msg` to party `to`. Raises TransportError."""
        body = msg.pack()
        self._meter.count_sent(len(body))
        frm, goes_to = self.number(self.me), self.number(to)
        frame = Frame(self._name(self.me, to), frm, goes_to, body, depth() + 1)
        await self.session.transport.send(frame)

    async def recv(self, frm: int, kind: type[M], *, shape: Shape) -> M:
        """The next message of this scope from `frm`: a `kind` of exactly `shape`.

        Raises: PeerError PEER-0001 if it is anything else, TransportError NET-0003 on timeout.
        """
        name = self._name(frm, self.me)
        limit_bytes = kind.limit_bytes(shape)
        sender, me = self.number(frm), self.number(self.me)
        frame = await self.session.transport.recv(name, sender, me, limit_bytes=limit_bytes)
        self._meter.count_received(len(frame.body))
        deepen(frame.clock)
        return kind.unpack(frame.body, shape)

    async def exchange(self, to: int, frm: int, msg: M, *, shape: Shape) -> M:
        """Send `msg` to `to` and receive one of the same kind from `frm`: one round."""
        clock = depth()
        await self.send(to, msg)
        received = await self.recv(frm, type(msg), shape=shape)
        deepen(clock + 1)
        return received

    def _name(self, frm: int, to: int) -> str:
        index = self._messages.get((frm, to), 0)
        self._messages[(frm, to)] = index + 1
        return f"{self.path}#{index}"

    def log(self, event: str, **fields: Field) -> None:
        """A structured event, labelled with the scope path."""
        check_fields(event, fields)
        self.session.sink(event, self.path, fields)


@dataclass
class Pair(Ctx):
    """Two parties of a larger run as a run of two. `numbers`: what they are called in the larger one."""

    numbers: tuple[int, int] = (0, 1)

    def sub(self, name: str) -> Ctx:
        child = super().sub(name)
        assert isinstance(child, Pair)
        child.numbers = self.numbers
        return child

    def number(self, party: int) -> int:
        return self.numbers[party]


def require_two(ctx: Ctx) -> None:
    """For two-party protocols. Raises UsageError SCHEME-0001."""
    if ctx.n != 2:
        raise UsageError("SCHEME-0001", f"this protocol is for two parties, the job has {ctx.n}")
