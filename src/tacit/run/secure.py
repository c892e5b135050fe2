"""The front door for people: ordinary functions on private data, in one process or many.

with tacit.sim(["bank", "partner"]) as parties:
    income = parties["bank"].private(np.array([...]))
    spend = parties["partner"].private(np.array([...]))

    @tacit.secure
    def gap(income, spend):
        return xp.mean(income) - xp.mean(spend)

    gap(income, spend)          # runs the two-party protocol; every result is revealed to all
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from tacit.base.errors import UsageError
from tacit.base.protocol import gather
from tacit.base.transport import Clock
from tacit.base.types import BOOL, FIXED, INT, DType, Private, Type
from tacit.base.wire import canonical_json
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.ir.program import Program, Range
from tacit.mpc.scheme import find, load, usual
from tacit.net.memory import MemoryNetwork
from tacit.run.compare import SCHEMES, Comparison, Difference, bounds, differences
from tacit.run.compiled import compiled
from tacit.run.explain.explanation import Explanation, explain
from tacit.run.explain.place import Placement, place
from tacit.run.explain.rates import Link, Rates
from tacit.run.gate.judge import Verdict, judge
from tacit.run.gate.ledger import Approved, Ledger, enforce, missing
from tacit.run.job import NO_PSI, Job, PartyTerms, Run
from tacit.run.namespace import in_script
from tacit.run.policy import ALL, Grant
from tacit.run.structure import arguments, called, leaves, replaced, where

T = TypeVar("T")

_SEED = b"comparison"
"""Of runs that only compare; the plain scheme takes no other."""


@dataclass(frozen=True)
class Input:
    """An array that one party of a simulation holds."""

    world: Simulation
    owner: int
    array: np.ndarray
    dtype: DType
    within: Range | None = None
    """Declared and so known to all; None: the widest range that a program bears."""

    @property
    def type(self) -> Type:
        return Type(Private(self.owner), self.dtype, self.array.shape)

    def __repr__(self) -> str:
        return f"Input({self.world.names[self.owner]}, {self.dtype}{list(self.array.shape)})"


@dataclass(frozen=True)
class Member:
    """One party of a simulation."""

    world: Simulation
    number: int

    def private(self, values: Any, limit: float | Range | None = None) -> Input:
        """This party's private array of reals, integers or booleans.

        `limit`, a largest magnitude or a pair (low, high), is told to all parties; values outside are refused
        before anything is sent. Without it, programs get the widest range in which every step is exact.
        """
        array = np.asarray(values)
        kinds = {"f": FIXED, "i": INT, "u": INT, "b": BOOL}
        if array.dtype.kind not in kinds:
            raise UsageError(
                "SECURE-0001", f"arrays of dtype {array.dtype} cannot be computed on", hint="use numbers"
            )
        within = None if limit is None else _range(limit)
        return Input(self.world, self.number, array, kinds[array.dtype.kind], within)

    def accept(self, function: Secure, *args: Any, **kwargs: Any) -> tuple[Verdict, ...]:
        """Stand, as the owner, for what calling `function` so reveals of this party's inputs; what is not
        proved safe of them. Other parties answer for theirs."""
        call, program = function.written(*args, **kwargs)
        verdicts = [v for v in self.world.judge(program, call) if v.owner == self.number]
        self.world.approved += missing(verdicts, self.world.approved, program.name)
        return tuple(verdict for verdict in verdicts if verdict.kind != "safe")


def _range(limit: float | Range) -> Range:
    low, high = limit if isinstance(limit, tuple) else (-limit, limit)
    return float(low), float(high)


class _Unhurried:
    """The clock of a simulation: it measures nothing."""

    def now_s(self) -> float:
        return 0.0


def as_every_party(
    job: Job, party: Callable[[Run], Awaitable[T]], *, insecure_seed: bytes | None = None
) -> list[tuple[Run, T]]:
    """Run `party` as every party of `job` at once, in this process; runs and results in party order."""
    clock: Clock = _Unhurried()

    async def one(number: int, network: MemoryNetwork) -> tuple[Run, T]:
        endpoint = network.endpoint(number)
        run = await Run.open(job, number, endpoint, clock=clock, insecure_seed=insecure_seed)
        return run, await party(run)

    async def everybody() -> list[tuple[Run, T]]:
        network = MemoryNetwork(len(job.parties))
        return await gather(*(one(number, network) for number in range(len(job.parties))))

    return asyncio.run(everybody())


class Simulation:
    """All parties in one process and one event loop: for tests and notebooks. Same protocols, no network."""

    def __init__(
        self,
        names: list[str],
        *,
        scheme: str | None = None,
        security: str = "semi-honest",
        gate: bool = False,
        insecure_seed: bytes | None = None,
    ) -> None:
        if len(set(names)) != len(names) or len(names) < 2:
            raise UsageError("SECURE-0002", "a simulation needs two or more parties with different names")
        self.names = names
        self.scheme = scheme or usual(len(names))
        self.security = security
        self.compiled_for = find(self.scheme, security).name
        self.gate = gate
        self.ledger = Ledger()
        self.approved: list[Approved] = []
        self._seed = insecure_seed
        self.runs: list[Run] = []

    def __enter__(self) -> Simulation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.runs.clear()

    def __getitem__(self, name: str) -> Member:
        if name not in self.names:
            raise UsageError(
                "SECURE-0003", f"there is no party {name!r}", hint=f"one of: {', '.join(self.names)}"
            )
        return Member(self, self.names.index(name))

    def job(self, name: str) -> Job:
        parties = tuple(PartyTerms(party, "", "", ()) for party in self.names)
        return Job(name, "compute", parties, {}, {}, scheme=self.scheme, security=self.security, psi=NO_PSI)

    def judge(self, program: Program, inputs: Mapping[str, Input]) -> tuple[Verdict, ...]:
        """Verdicts on `program`, as it was traced, after all that ran here before."""
        return self.ledger.judge(program, parties=len(self.names), versions=_versions(inputs))

    def admit(self, program: Program, inputs: Mapping[str, Input]) -> None:
        """Where there is a gate: judge, and write down. Raises PolicyError POLICY-0006."""
        if not self.gate:
            return
        enforce(self.judge(program, inputs), self.approved, program.name)
        body = canonical_json({"program": str(program), "versions": _versions(inputs)}).decode()
        self.ledger.append(self.ledger.draft("program", program.name, body), [])

    def execute(self, program: Program, inputs: Mapping[str, Input]) -> dict[str, np.ndarray]:
        """Run `program` as every party at once; all its results are revealed to all."""

        async def party(run: Run) -> dict[str, np.ndarray]:
            data = {key: value.array if value.owner == run.me else None for key, value in inputs.items()}
            grants = (Grant(f"{program.name}.*", ALL),)
            outputs = await run.compute(program.name, program, data, grants)
            return {key: value.plain for key, value in outputs.items() if value.plain is not None}

        results = as_every_party(self.job(program.name), party, insecure_seed=self._seed)
        self.runs = [run for run, _ in results]
        return results[0][1]


def _versions(inputs: Mapping[str, Input]) -> dict[str, str]:
    """What tells their data apart."""
    return {
        key: hashlib.sha256(np.ascontiguousarray(value.array).tobytes()).hexdigest()
        for key, value in inputs.items()
    }


def sim(
    names: list[str], *, scheme: str | None = None, security: str = "semi-honest", gate: bool = False
) -> Simulation:
    """A simulation with these parties; use it in a `with` block.

    Without a `scheme`: semi2k for two, rep3 for three, additive (sums and linear statistics) for more.
    `gate`: as in a project, what is not proved safe together with all that ran before is refused, unless the
    owner of the column accepts it: `parties["bank"].accept(function, *inputs)`.
    """
    return Simulation(names, scheme=scheme, security=security, gate=gate)


class Secure:
    """An ordinary function that runs as a protocol when it is called with private inputs."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._name = function.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Results as numpy arrays, in the structure that the function returns.

        Private inputs may be anywhere in the arguments, in tuples, lists and dicts as well; everything else
        is public and goes to the function as it is.
        """
        world, call = self._bind(args, kwargs)
        if world.gate:
            world.admit(self.written(*args, **kwargs)[1], call)
        program, results = self._compile(call, world.compiled_for)
        outputs = {key: value[()] for key, value in world.execute(program, call).items()}
        return results.filled(outputs)

    def program(self, *args: Any, **kwargs: Any) -> Program:
        """What would run: print it to read it, `.reveals()` says what it discloses."""
        world, call = self._bind(args, kwargs)
        return self._compile(call, world.compiled_for)[0]

    def explain(
        self, *args: Any, link: Link | str = "loopback", rates: Rates | None = None, **kwargs: Any
    ) -> Explanation:
        """What a run would cost on `link`, who would see what, and why each protocol; nothing runs.

        Print it, or take `.to_json()` and `.html()`. `link`: "loopback", "lan", "wan", or figures; `rates`:
        of this machine, else those that ship. Raises UsageError EXPLAIN-0001 for an unknown link.
        """
        world, call = self._bind(args, kwargs)
        program = self._compile(call, world.compiled_for)[0]
        return explain(program, load(world.compiled_for), world.names, link, rates)

    def place(
        self, *args: Any, link: Link | str = "loopback", rates: Rates | None = None, **kwargs: Any
    ) -> Placement:
        """Which source of OTs (`Job.ot`) is fastest for this program on `link`, with the others' prices."""
        world, call = self._bind(args, kwargs)
        program = self._compile(call, world.compiled_for)[0]
        return place(program, load(world.compiled_for), world.names, link, rates)

    def compare(self, *args: Any, **kwargs: Any) -> Comparison:
        """Run it in the clear, on plain, semi2k and rep3, and say how far each result is from the first.

        A scheme of more parties than there are gets helpers without inputs. Print it; `ok` if all are within
        the bounds. For data that may be seen: everything runs in this process.
        """
        _, call = self._bind(args, kwargs)
        traced = trace(revealing(call.function, self._name, []), self._types(call), self._name, {})
        exact = bounds(traced, {key: value.array for key, value in call.items()})
        found: list[Difference] = []
        for name in SCHEMES:
            program = self._compile(call, name)[0]
            n_owners = 1 + max(value.owner for value in call.values())
            n_parties = max(2, n_owners) if name == "plain" else load(name).setting.parties
            if n_owners > n_parties:
                missing = f"it is for {n_parties} parties"
                found += [Difference(key, name, 0.0, 0.0, True, missing) for key in exact]
                continue
            parties = Simulation([f"party{i}" for i in range(n_parties)], scheme=name, insecure_seed=_SEED)
            found += differences(exact, name, parties.execute(program, call))
        return Comparison(self._name, tuple(found))

    def verdicts(self, *args: Any, smallest_group: int = 10, **kwargs: Any) -> tuple[Verdict, ...]:
        """Whether what it reveals determines what somebody protects: one verdict for each input."""
        call, program = self.written(*args, **kwargs)
        world = next(iter(call.values())).world
        return judge([program], parties=len(world.names), smallest_group=smallest_group)

    def written(self, *args: Any, **kwargs: Any) -> tuple[Call, Program]:
        """The private inputs of this call, and what the function writes down before it is compiled."""
        _, call = self._bind(args, kwargs)
        return call, trace(revealing(call.function, self._name, []), self._types(call), self._name, {})

    def _compile(self, call: Call, scheme: str) -> tuple[Program, Results]:
        """The program, and what the function returns its results in."""
        results: list[Results] = []
        ranges = {key: value.within for key, value in call.items() if value.within is not None}
        function = revealing(call.function, self._name, results)
        return compiled(function, self._types(call), self._name, scheme, ranges), results[0]

    @staticmethod
    def _types(call: Call) -> list[tuple[str, Type]]:
        return [(key, value.type) for key, value in call.items()]

    def _bind(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None = None
    ) -> tuple[Simulation, Call]:
        """Raises: UsageError SECURE-0004 (no private input), SECURE-0005, SECURE-0006."""
        call = Call(self._function, arguments(self._function, args, kwargs or {}))
        worlds = {id(value.world): value.world for value in call.values()}
        if not worlds:
            raise UsageError(
                "SECURE-0004",
                f"{self._name!r} takes at least one private input",
                hint='make them with parties["name"].private(values)',
            )
        if len(worlds) != 1:
            raise UsageError("SECURE-0005", "the inputs belong to different simulations")
        return next(iter(worlds.values())), call


class Call(dict[str, Input]):
    """The private inputs of one call by name, in order."""

    def __init__(self, function: Callable[..., Any], given: Mapping[str, Any]) -> None:
        super().__init__(
            (path, leaf)
            for name, value in given.items()
            for path, leaf in leaves(value, name)
            if isinstance(leaf, Input)
        )

        @functools.wraps(function)
        def filled(*arrays: Any) -> Any:
            new = dict(zip(self, arrays, strict=True))
            return called(
                in_script(function), {name: replaced(value, name, new) for name, value in given.items()}
            )

        self.function: Callable[..., Any] = filled
        """The function itself, of an array for each private input, all other arguments as they were."""


@dataclass(frozen=True)
class Results:
    """What a function returned: numbers among it are revealed, texts and None stay what they are."""

    result: Any

    def values(self) -> dict[str, Any]:
        """What is revealed, by the names of its places; the one value of a function is called `value`."""
        found = dict(leaves(self.result, ""))
        kept = {path: leaf for path, leaf in found.items() if leaf is not None and not isinstance(leaf, str)}
        return {path or "value": leaf for path, leaf in kept.items()}

    def filled(self, outputs: Mapping[str, Any]) -> Any:
        """The same structure with what was computed."""
        named = {
            "" if name == "value" and "" in dict(leaves(self.result, "")) else name: value
            for name, value in outputs.items()
        }
        return replaced(self.result, "", named)


def revealing(
    function: Callable[..., Any], name: str, results: list[Results]
) -> Callable[..., dict[str, Any]]:
    """`function`, all results revealed as `name.*`; what it returns goes to `results`.

    Raises: UsageError SECURE-0007 if it returns nothing that can be revealed, SECURE-0008 for what went wrong
    in it because a value has no data yet.
    """

    def wrapped(*arrays: Any) -> dict[str, Any]:
        with user_lines():
            results.append(Results(function(*arrays)))
        values = results[0].values()
        odd = [path for path, leaf in values.items() if not _is_numeric(leaf)]
        if odd or not values:
            what = f"{odd[0]!r} in its result is no array" if odd else "it returns nothing"
            raise UsageError(
                "SECURE-0007",
                f"{name!r}: {what}; the function is at {where(function)}",
                hint="return numbers or arrays, alone or in tuples, lists and dicts",
            )
        return {key: xp.reveal(value, name=f"{name}.{key}") for key, value in values.items()}

    return wrapped


def _is_numeric(value: Any) -> bool:
    return isinstance(value, xp.Array) or (
        isinstance(value, int | float | np.ndarray | np.generic) and np.asarray(value).dtype.kind in "fiub"
    )


@contextmanager
def user_lines() -> Iterator[None]:
    """Errors of Python and numpy about private values become ours, with the line and what to write."""
    try:
        yield
    except (TypeError, ValueError, AttributeError) as error:
        hints = [hint for text, hint in _SAID.items() if text in str(error)]
        if not hints:
            raise
        raise UsageError(
            "SECURE-0008", f"{error}, at {_users_line(error.__traceback__)}", hint=hints[0]
        ) from error


def _users_line(trace: TracebackType | None) -> str:
    """`file.py:line` of the innermost frame that is not ours."""
    place = "an unknown line"
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not any(part in file for part in _OUR_FILES):
            place = f"{file.split('/')[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


_OUR_FILES = ("/tacit/", "/numpy/", "/jax/")
_SAID = {
    "setting an array element with a sequence": (
        "begin with np.zeros(shape, like=x) or np.zeros_like(x), into which private values can be written; "
        "a list of parts is joined by np.stack([a, b]), or np.concatenate"
    ),
    "'Array' object has no attribute": "use the function instead: np.name(x), or see tacit.xp",
    "type Array doesn't define": "use the function instead: np.name(x), or see tacit.xp",
    "'Var' object is not callable": "x.var() is np.var(x)",
    "'Trace' object is not callable": "x.trace() is np.trace(x)",
    "Cannot interpret 'DType": "np.zeros_like(x) has the dtype of x",
    "'Array'": "see tacit.xp for what can be done with private values",
}
"""By a part of the message."""


def secure(function: Callable[..., Any]) -> Secure:
    """Make an ordinary NumPy-like function private: `@tacit.secure`."""
    return Secure(function)
