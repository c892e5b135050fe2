"""Set intersection of sets larger than memory, group by group, and taken up again where it was cut.

Source   as `rr22`, which runs once for every group of the parts of `spool`.
Setting  that of the protocol. What `rr22-low` leaves of security counts for all groups together, so that its
         limit does too.
Leaks    what it leaks, once for all groups: every group is padded to a bound that follows from the two set
         sizes, with random keys, which equal nothing but for probability 2^-80.
Cost     in each group that of the protocol for two sets of `part_bound` items (1.01 n / groups at 2^20 of a
         group), and two rounds at the start. Memory: `BYTES_PER_ITEM` for an item of a group.

Taken up again: a run leaves on its shelf keys, label, both commitments and how many groups are done. The
next one of the same two shelves begins after the last group that both sides have finished, with fresh coins
for all else, and only if both sides still hold the commitments of the first: the set cannot be changed in
between. A group that only one side has finished runs again, on the same items; `attempts` counts the runs,
each of which is a query of the set as it was fixed at the start.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass

import numpy as np

from tacit.base.ctx import Ctx, require_two
from tacit.base.errors import LimitError, PeerError, UnsupportedError, UsageError
from tacit.base.prg import fresh_entropy
from tacit.base.protocol import Turn, protocol
from tacit.base.wire import Octets, octets
from tacit.blocks.vole.silent_rrt23 import WHOLE_BITS
from tacit.psi.functionality import BOTH, Intersection, Items
from tacit.psi.rr22 import (
    LARGEST_SET,
    MALICIOUS,
    Rr22LowPsi,
    Rr22Psi,
    Sizes,
    match_checked,
    match_keys,
)
from tacit.psi.spool import KEY_BYTES, PARTS, Shelf, Spool, damaged, n_groups, part_bound

BYTES_PER_ITEM = 420
"""Resident memory of either side for an item of a group: measured at 2^20 and 2^22."""
_STATE, _FOUND = "state.json", "found"
_DIGEST_BYTES, _SALT_BYTES = 32, 32


@dataclass
class State:
    """What is kept of a run, as JSON. `origin`: what it must have in common with one that goes on;
    `ends`: found rows after each finished group."""

    origin: str
    label: str
    receivers: list[int]
    malicious: bool
    salt: str
    n_mine: int = -1
    commitment: str = ""
    n_theirs: int = -1
    their_commitment: str = ""
    groups: int = 0
    ends: list[int] | None = None
    attempts: int = 0
    scalar_bits: int = WHOLE_BITS

    @property
    def done(self) -> int:
        return len(self.ends or [])


class BucketedPsi:
    """One side of a run; what it keeps is on `shelf`, which its owner clears when the result is safe."""

    def __init__(
        self, psi: Rr22Psi, shelf: Shelf, *, memory_bytes: int, threads: int = 1, origin: str = ""
    ) -> None:
        """`origin`: terms and table, in short: a run goes on only where they are those of its start."""
        self._psi, self._shelf, self._memory_bytes, self._threads = psi, shelf, memory_bytes, threads
        self._origin = origin
        self._state: State | None = None

    @property
    def attempts(self) -> int:
        return self._state.attempts if self._state is not None else 0

    @property
    def groups(self) -> int:
        return self._state.groups if self._state is not None else 0

    def first_rows(self) -> Iterator[np.ndarray]:
        """After `intersect`, group by group: the rows of my items, of equal ones the first."""
        assert self._state is not None
        spool = self._spool(self._state)
        for group in range(self._state.groups):
            yield spool.group(group, self._state.groups)[1]

    async def intersect(
        self,
        ctx: Ctx,
        batches: Iterable[tuple[Items, np.ndarray]],
        *,
        receivers: frozenset[int] = BOTH,
        begun: Callable[[State], None] = lambda state: None,
    ) -> Intersection:
        """`batches`: the items in file order with their rows; not read again by a run that is taken up.
        `begun`: told, before the first group, how large the sets are and what is left.

        Rows of the result are those of the file, in the order of the groups and of the tags in them. Raises
        as `Rr22Psi.intersect`; UsageError PSI-0051, PSI-0053, PeerError PSI-0054, LimitError PSI-0052.
        """
        require_two(ctx)
        if self._psi.one_receiver and len(receivers) != 1:
            raise UnsupportedError(
                "PSI-0021",
                "against a deviating peer, this set intersection has exactly one receiver",
                hint="name one receiver, or run the semi-honest protocol",
            )
        state = self._load(receivers)
        label = None if state is None else bytes.fromhex(state.label)
        fresh = await agree_label(ctx, _name_of(label))
        if state is None or fresh:
            self._shelf.clear()
            state = self._begin(bytes(ctx.common(ctx.peer).bytes(KEY_BYTES)), receivers)
        self._state = state
        spool = self._spool(state)
        if state.n_mine < 0:
            await _fill(ctx, spool, batches)
        await self._fix(ctx, spool, state)
        begun(state)
        await self._run(ctx, spool, state, receivers)
        found = self._shelf.read(_FOUND).view(np.int64) if ctx.me in receivers else None
        return Intersection(found, state.n_mine, state.n_theirs)

    def _spool(self, state: State) -> Spool:
        label = bytes.fromhex(state.label)
        return Spool(self._shelf, label, strong=self._psi.malicious, threads=self._threads)

    def _load(self, receivers: frozenset[int]) -> State | None:
        text = self._shelf.read(_STATE).tobytes()
        if not text:
            return None
        try:
            state = State(**json.loads(text))
        except (ValueError, TypeError):
            raise damaged() from None
        # Before both sets were fixed nothing has happened that could be taken up.
        if not state.groups:
            return None
        psi = self._psi
        options = (self._origin, sorted(receivers), psi.malicious, psi.scalar_bits)
        if (state.origin, state.receivers, state.malicious, state.scalar_bits) != options:
            raise other_run()
        return state

    def _begin(self, label: bytes, receivers: frozenset[int]) -> State:
        salt = fresh_entropy(_SALT_BYTES).hex()
        psi, learn = self._psi, sorted(receivers)
        return State(self._origin, label.hex(), learn, psi.malicious, salt, scalar_bits=psi.scalar_bits)

    def _save(self, state: State) -> None:
        self._shelf.replace(_STATE, json.dumps(asdict(state)).encode())

    async def _fix(self, ctx: Ctx, spool: Spool, state: State) -> None:
        """Sizes and commitments are exchanged; those of a run that is taken up must be the old ones."""
        n, commitment = spool.commit(bytes.fromhex(state.salt))
        resumed = state.groups > 0
        if resumed and (n, commitment.hex()) != (state.n_mine, state.commitment):
            raise damaged()
        wanted = n_groups(n, self._memory_bytes, BYTES_PER_ITEM)
        mine = Fixed(n, wanted, state.done, commitment)
        theirs = await agree_sets(ctx, mine)
        state.attempts += 1
        if resumed and (theirs.n, theirs.commitment.hex()) != (state.n_theirs, state.their_commitment):
            raise PeerError(
                "PSI-0054",
                "the peer's set is not the one that was fixed when this run began",
                hint="a run that was cut goes on with the same sets only; delete the folder on both sides",
            )
        if not resumed:
            state.n_mine, state.commitment = n, commitment.hex()
            state.n_theirs, state.their_commitment = theirs.n, theirs.commitment.hex()
            state.groups, state.ends = max(wanted, theirs.groups), []
        state.ends = (state.ends or [])[: theirs.done]
        for size in (n, theirs.n):
            if part_bound(size, state.groups) > LARGEST_SET:
                raise LimitError("PSI-0003", "a group of this set intersection takes at most 2^26 items")
            if isinstance(self._psi, Rr22LowPsi) and size > self._psi.largest_set:
                raise LimitError("PSI-0003", "all groups of this set intersection take at most 2^24 items")
        self._save(state)

    async def _run(self, ctx: Ctx, spool: Spool, state: State, receivers: frozenset[int]) -> None:
        link = await self._psi.open_link(ctx)
        match = match_checked if self._psi.malicious else match_keys
        mine, theirs = (part_bound(n, state.groups) for n in (state.n_mine, state.n_theirs))
        counts = (mine, theirs) if ctx.me == 0 else (theirs, mine)
        sizes = Sizes.of(counts, receivers, self._psi.malicious, state.groups)
        ends = state.ends = state.ends or []
        self._shelf.shorten(_FOUND, 8 * ends[-1] if ends else 0)
        ctx.log("psi", done=len(ends), total=state.groups)
        for group in range(len(ends), state.groups):
            keys, rows = spool.group(group, state.groups)
            scope = ctx.sub("group")
            padded = _padded(scope, keys, mine)
            numbers = await match(scope, link, padded, sizes, receivers, self._threads)
            n_found = ends[-1] if ends else 0
            if numbers is not None:
                numbers = numbers[numbers < len(rows)]
                self._shelf.append(_FOUND, rows[numbers].tobytes())
                n_found += len(numbers)
            ends.append(n_found)
            self._save(state)
            ctx.log("psi", done=group + 1, total=state.groups)


async def _fill(ctx: Ctx, spool: Spool, batches: Iterable[tuple[Items, np.ndarray]]) -> None:
    """`Spool.fill`, which says how far it is, and between two batches lets others run: a signal to stop."""
    done = 0
    for items, rows in batches:
        spool.add(items, rows)
        done += len(rows)
        ctx.log("read", done=done)
        await Turn()
    spool.settle()


@dataclass(frozen=True)
class Fixed:
    """What a side says of its set: size, groups that it needs, groups that it has finished, commitment."""

    n: int
    groups: int
    done: int
    commitment: bytes


@protocol(source="runs that are taken up", setting=MALICIOUS, rounds=1, bits=2 * 8 * KEY_BYTES)
async def agree_label(ctx: Ctx, name: bytes) -> bool:
    """Whether a new run begins: neither side has one of this `name` (zero for none). Raises PeerError
    PSI-0055 if the two sides have different ones, or only one has any."""
    theirs = (await ctx.exchange(ctx.peer, ctx.peer, octets(name), shape=(KEY_BYTES,))).array.tobytes()
    if theirs != name:
        raise PeerError(
            "PSI-0055",
            "the two sides do not go on with the same run",
            hint="delete the folder of the run that was cut, on both sides, and start again",
        )
    return not any(name)


@protocol(
    source="set sizes and commitments",
    setting=MALICIOUS,
    rounds=1,
    bits=2 * 8 * (24 + _DIGEST_BYTES),
    leaks=("the two set sizes",),
)
async def agree_sets(ctx: Ctx, mine: Fixed) -> Fixed:
    """The peer's. Raises PeerError PEER-0001 for numbers that cannot be."""
    numbers = np.array([mine.n, mine.groups, mine.done], "<u8").tobytes()
    message = Octets(np.frombuffer(numbers + mine.commitment, np.uint8))
    raw = (await ctx.exchange(ctx.peer, ctx.peer, message, shape=(24 + _DIGEST_BYTES,))).array.tobytes()
    n, groups, done = np.frombuffer(raw[:24], "<u8").tolist()
    if n > PARTS * LARGEST_SET or groups not in {1 << k for k in range(PARTS.bit_length())} or done > PARTS:
        raise PeerError("PEER-0001", "message refused: the peer's set sizes cannot be")
    return Fixed(int(n), int(groups), int(done), raw[24:])


def _padded(ctx: Ctx, keys: np.ndarray, bound: int) -> np.ndarray:
    """With random keys up to `bound`. Raises LimitError PSI-0056 if there are more."""
    if len(keys) > bound:
        raise LimitError(
            "PSI-0056",
            "a part of the set is larger than it can be by chance",
            hint="start again; if it comes again, report it",
        )
    coins = ctx.private().bytes((bound - len(keys)) * KEY_BYTES).reshape(-1, KEY_BYTES)
    return np.concatenate([keys, coins])


def other_run() -> UsageError:
    return UsageError(
        "PSI-0053",
        "the run that was cut had other options, or another table",
        hint="run it with the same options and table as before, or delete its folder on both sides",
    )


def _name_of(label: bytes | None) -> bytes:
    """A public name of a run that has this label; zero for none."""
    if label is None:
        return bytes(KEY_BYTES)
    return hashlib.sha256(b"tacit psi run 1" + label).digest()[:KEY_BYTES]
