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
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from tacit.base.errors import UsageError
from tacit.base.protocol import gather
from tacit.base.transport import Clock
from tacit.base.types import BOOL, FIXED, INT, DType, Private, Type
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.ir.program import Program, Range
from tacit.mpc.scheme import find, usual
from tacit.net.memory import MemoryNetwork
from tacit.run.compiled import compiled
from tacit.run.gate.judge import Verdict, judge
from tacit.run.job import NO_PSI, Job, PartyTerms, Run
from tacit.run.policy import ALL, Grant

T = TypeVar("T")


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
        insecure_seed: bytes | None = None,
    ) -> None:
        if len(set(names)) != len(names) or len(names) < 2:
            raise UsageError("SECURE-0002", "a simulation needs two or more parties with different names")
        self.names = names
        self.scheme = scheme or usual(len(names))
        self.security = security
        self.compiled_for = find(self.scheme, security).name
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


def sim(names: list[str], *, scheme: str | None = None, security: str = "semi-honest") -> Simulation:
    """A simulation with these parties; use it in a `with` block.

    Without a `scheme`: semi2k for two, rep3 for three, additive (sums and linear statistics) for more.
    """
    return Simulation(names, scheme=scheme, security=security)


class Secure:
    """An ordinary function that runs as a protocol when it is called with private inputs."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._name = function.__name__

    def __call__(self, *inputs: Input) -> Any:
        """Results as numpy arrays, in the structure that the function returns."""
        world, named = self._bind(inputs)
        program, kind = self._compile(named, world.compiled_for)
        outputs = {key: value[()] for key, value in world.execute(program, named).items()}
        if kind is dict:
            return outputs
        return tuple(outputs.values()) if kind is tuple else next(iter(outputs.values()))

    def program(self, *inputs: Input) -> Program:
        """What would run: print it to read it, `.reveals()` says what it discloses."""
        world, named = self._bind(inputs)
        return self._compile(named, world.compiled_for)[0]

    def verdicts(self, *inputs: Input, smallest_group: int = 10) -> tuple[Verdict, ...]:
        """Whether what it reveals determines what somebody protects: one verdict for each input."""
        world, named = self._bind(inputs)
        program = trace(revealing(self._function, self._name, []), self._types(named), self._name, {})
        return judge([program], parties=len(world.names), smallest_group=smallest_group)

    def _compile(self, named: Mapping[str, Input], scheme: str) -> tuple[Program, type]:
        """The program, and whether the function returns a dict, a tuple or one array (`object`)."""
        kinds: list[type] = []
        ranges = {key: value.within for key, value in named.items() if value.within is not None}
        function = revealing(self._function, self._name, kinds)
        return compiled(function, self._types(named), self._name, scheme, ranges), kinds[0]

    @staticmethod
    def _types(named: Mapping[str, Input]) -> list[tuple[str, Type]]:
        return [(key, value.type) for key, value in named.items()]

    def _bind(self, inputs: tuple[Any, ...]) -> tuple[Simulation, dict[str, Input]]:
        if not inputs or not all(isinstance(value, Input) for value in inputs):
            raise UsageError(
                "SECURE-0004",
                f"{self._name!r} takes private inputs",
                hint='make them with parties["name"].private(values)',
            )
        worlds = {id(value.world) for value in inputs}
        if len(worlds) != 1:
            raise UsageError("SECURE-0005", "the inputs belong to different simulations")
        return inputs[0].world, {f"x{i}": value for i, value in enumerate(inputs)}


def revealing(function: Callable[..., Any], name: str, kinds: list[type]) -> Callable[..., dict[str, Any]]:
    """`function`, all results revealed as `name.*`; what it returns them in goes to `kinds`."""

    def wrapped(*arrays: Any) -> dict[str, Any]:
        result = function(*arrays)
        kinds.append(
            dict if isinstance(result, dict) else tuple if isinstance(result, tuple | list) else object
        )
        if kinds[0] is tuple:
            result = {str(i): value for i, value in enumerate(result)}
        elif kinds[0] is object:
            result = {"value": result}
        return {key: xp.reveal(value, name=f"{name}.{key}") for key, value in result.items()}

    return wrapped


def secure(function: Callable[..., Any]) -> Secure:
    """Make an ordinary NumPy-like function private: `@tacit.secure`."""
    return Secure(function)
