"""`Scheme`: how values are shared and computed on. A scheme is a package `tacit.mpc.<name>` with `SCHEME`.

Values are arithmetic shares over Z_2^64 (reals in fixed point, integers) or boolean shares (one bit per
element). The executor knows encodings; a scheme only knows the ring. Local operations are not async.
"""

from __future__ import annotations

import functools
import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import UnsupportedError
from tacit.base.setting import ADVERSARIES, Setting
from tacit.base.types import RING_BITS, Shape
from tacit.mpc import shuffle as shuffling
from tacit.mpc.openings import require_listed

SCHEMES = ("plain", "semi2k", "semi2k_dealer", "rep3", "rep3_malicious", "rep3_128", "additive")
"""Names of the schemes that ship; the suites walk it."""


def usual(n_parties: int) -> str:
    """The scheme for so many parties where nobody has chosen one."""
    return {2: "semi2k", 3: "rep3"}.get(n_parties, "additive")


class Share(ABC):
    """One party's part of a shared array: arithmetic, or `boolean` with one bit per element."""

    boolean: bool

    @property
    @abstractmethod
    def shape(self) -> Shape: ...

    @abstractmethod
    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        """Apply an additive function (reshape, take, sum, matmul by a public array …) to the share."""

    @abstractmethod
    def join(self, others: list[Self], function: Callable[[list[np.ndarray]], np.ndarray]) -> Self:
        """Apply a structural function of several arrays (concat, stack) to this share and `others`."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self.shape}, ***)"


@dataclass(frozen=True, repr=False)
class ArrayShare(Share):
    """A share that is one array. data: uint64[*shape], or uint8[*shape] of 0 and 1 if `boolean`."""

    data: np.ndarray
    boolean: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", np.asarray(self.data))  # numpy turns 0-d results into scalars

    @property
    def shape(self) -> Shape:
        return self.data.shape

    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        return type(self)(function(self.data), self.boolean)

    def join(self, others: list[Self], function: Callable[[list[np.ndarray]], np.ndarray]) -> Self:
        return type(self)(function([self.data, *(other.data for other in others)]), self.boolean)


class Scheme(ABC):
    """Shared values and the operations on them. Everything that ends in a message is async."""

    name: ClassVar[str]
    setting: ClassVar[Setting]
    cheap_private: ClassVar[bool] = True
    """Whether a product with a private factor beats sharing the factor once and multiplying shares."""
    ring_bits: ClassVar[int] = RING_BITS
    """k where products are in Z_2^k: what `trunc` is given must be below 2^(k-2)."""
    linear_only: ClassVar[bool] = False
    """Whether all but linear functions of secrets is missing: the executor refuses the rest by name."""

    outsiders: ClassVar[frozenset[int]] = frozenset()
    """Parties that only help the others: they own no input and learn no output."""

    def view(self, ctx: Ctx) -> Ctx:
        """`ctx` as this scheme's operations need it, for a scheme with outsiders."""
        return ctx

    verifies: ClassVar[bool] = False
    """Whether what was computed has to be settled before something is opened."""
    hardens: ClassVar[str] = ""
    """The scheme that this one replaces where a job asks for more security than that one gives."""
    ots: ClassVar[tuple[str, ...]] = ()
    """Names of the sources of OTs that a job may choose from; none where the scheme takes no OTs."""
    ot: ClassVar[str] = ""
    """The source in use."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Whatever opens a value asks first whether it may (`openings`)."""
        super().__init_subclass__(**kwargs)
        if "reveal" in cls.__dict__:
            opens = cls.__dict__["reveal"]

            @functools.wraps(opens)
            async def reveal(self: Scheme, ctx: Ctx, x: Share, *, to: int | None = None) -> np.ndarray | None:
                require_listed(x.shape, to)
                found: np.ndarray | None = await opens(self, ctx, x, to=to)
                return found

            cls.reveal = reveal  # type: ignore[method-assign]

    @classmethod
    def with_ots(cls, ot: str) -> type[Self]:
        """This scheme with its OTs from `ot`. Raises UnsupportedError OT-0001."""
        if ot not in cls.ots:
            raise UnsupportedError(
                "OT-0001",
                f"scheme {cls.name!r} has no source of OTs called {ot!r}",
                hint=f"one of {', '.join(cls.ots)}" if cls.ots else "this scheme takes no OTs",
            )
        return type(cls.__name__, (cls,), {"ot": ot, "__module__": cls.__module__})

    @classmethod
    @abstractmethod
    async def start(cls, ctx: Ctx) -> Scheme:
        """Set up keys and base correlations with the other parties."""

    @abstractmethod
    async def share(
        self, ctx: Ctx, x: np.ndarray | None, *, owner: int, shape: Shape, boolean: bool = False
    ) -> Share:
        """Share `owner`'s array: uint64 ring elements, or uint8 bits if `boolean`. Others pass None."""

    @abstractmethod
    def constant(self, ctx: Ctx, x: np.ndarray, *, boolean: bool = False) -> Share:
        """A share of a public array, made without messages."""

    @abstractmethod
    def save(self, x: Share) -> np.ndarray:
        """This party's part of an arithmetic share as uint64, to be kept encrypted at rest."""

    @abstractmethod
    def restore(self, data: np.ndarray) -> Share:
        """An arithmetic share from its saved `data`, uint64."""

    @abstractmethod
    async def reveal(self, ctx: Ctx, x: Share, *, to: int | None = None) -> np.ndarray | None:
        """The array, to one party or (None) to all; None for a party that does not learn it."""

    @abstractmethod
    def add(self, x: Share, y: Share) -> Share:
        """x + y; for boolean shares x xor y. Broadcasts."""

    @abstractmethod
    def scale(self, x: Share, c: np.ndarray) -> Share:
        """c * x for public ring elements c. Broadcasts."""

    def matmul_public(self, x: Share, matrix: np.ndarray, *, left: bool) -> Share:
        """matrix @ x, or x @ matrix unless `left`, for a public matrix of ring elements."""
        return x.map(lambda a: matrix @ a if left else a @ matrix)

    @abstractmethod
    async def mul(self, ctx: Ctx, x: Share, y: Share) -> Share:
        """Element-wise product in the ring, of equal shapes."""

    @abstractmethod
    async def matmul(self, ctx: Ctx, x: Share, y: Share) -> Share:
        """[m, k] @ [k, n] in the ring."""

    @abstractmethod
    async def matmul_private(
        self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int, m: int, x_bits: int = RING_BITS
    ) -> Share:
        """`owner`'s plaintext ring matrix [m, k] times shared [k, n]; the others pass None.

        Its elements have at most `x_bits` bits, the sign included; a scheme may make use of that.
        """

    async def subset_sums(self, ctx: Ctx, rows: np.ndarray | None, y: Share, *, owner: int, m: int) -> Share:
        """`owner`'s plaintext bits, bool[m, k], times shared [k, n]; the others pass None."""
        x = None if rows is None else rows.astype(np.uint64)
        return await self.matmul_private(ctx, x, y, owner=owner, m=m)

    @abstractmethod
    async def mul_private(self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int) -> Share:
        """`owner`'s plaintext ring array times a share of the same shape."""

    @abstractmethod
    async def trunc(self, ctx: Ctx, x: Share, *, bits: int) -> Share:
        """x / 2^bits, rounded down or up at random, for |x| < 2^62."""

    @abstractmethod
    async def and_(self, ctx: Ctx, x: Share, y: Share) -> Share:
        """Element-wise AND of boolean shares of equal shapes."""

    @abstractmethod
    async def msb(self, ctx: Ctx, x: Share) -> Share:
        """The sign bit of every element, boolean."""

    @abstractmethod
    async def a2b(self, ctx: Ctx, x: Share) -> Share:
        """The 64 bits of every element, boolean with shape [*shape, 64], lowest first."""

    @abstractmethod
    async def b2a(self, ctx: Ctx, x: Share) -> Share:
        """Bits as ring elements 0 and 1."""

    @abstractmethod
    async def mux(self, ctx: Ctx, c: Share, x: Share) -> Share:
        """x where the boolean share c is 1, else 0; equal shapes."""

    @abstractmethod
    async def low_bit(self, ctx: Ctx, x: Share) -> Share:
        """The lowest bit of every element, boolean."""

    @abstractmethod
    async def random(self, ctx: Ctx, shape: Shape) -> Share:
        """A share of uniform ring elements that nobody knows."""

    async def bits(self, ctx: Ctx, x: Share, *, low: int, high: int) -> Share:
        """Bits low to high - 1 of every element, boolean with shape [high - low, *shape], lowest first."""
        columns = await self.a2b(ctx, x)
        return columns.map(lambda a: np.ascontiguousarray(np.moveaxis(a[..., low:high], -1, 0)))

    async def shuffle(self, ctx: Ctx, x: Share) -> Share:
        """The rows of x (first axis), arithmetic, in a uniform order that nobody knows."""
        return await shuffling.shuffle(ctx, self, x)

    async def square(self, ctx: Ctx, x: Share) -> Share:
        return await self.mul(ctx, x, x)

    # A scheme that verifies what was computed before it opens anything overrides these.

    async def settle(self, ctx: Ctx) -> None:  # noqa: B027
        """Verify all that was computed so far, with no operation running. Raises CheatDetected."""

    async def checkpoint(self, ctx: Ctx) -> None:  # noqa: B027
        """Where no operation is running: settle if much is waiting."""

    # Products of fixed point: a scheme that truncates while it multiplies overrides these.

    async def mul_trunc(self, ctx: Ctx, x: Share, y: Share, *, bits: int) -> Share:
        return await self.trunc(ctx, await self.mul(ctx, x, y), bits=bits)

    async def square_trunc(self, ctx: Ctx, x: Share, *, bits: int) -> Share:
        return await self.trunc(ctx, await self.square(ctx, x), bits=bits)

    async def matmul_trunc(self, ctx: Ctx, x: Share, y: Share, *, bits: int) -> Share:
        return await self.trunc(ctx, await self.matmul(ctx, x, y), bits=bits)

    async def mul_private_trunc(
        self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int, bits: int
    ) -> Share:
        return await self.trunc(ctx, await self.mul_private(ctx, x, y, owner=owner), bits=bits)

    async def matmul_private_trunc(
        self,
        ctx: Ctx,
        x: np.ndarray | None,
        y: Share,
        *,
        owner: int,
        m: int,
        bits: int,
        x_bits: int = RING_BITS,
    ) -> Share:
        product = await self.matmul_private(ctx, x, y, owner=owner, m=m, x_bits=x_bits)
        return await self.trunc(ctx, product, bits=bits)


def load(name: str) -> type[Scheme]:
    """The scheme of this name, whatever it protects against. Raises UnsupportedError SCHEME-0003."""
    if name not in SCHEMES:
        raise UnsupportedError(
            "SCHEME-0003", f"there is no scheme {name!r}", hint=f"one of {', '.join(SCHEMES)}"
        )
    scheme: type[Scheme] = importlib.import_module(f"tacit.mpc.{name}").SCHEME
    return scheme


def find(name: str, adversary: str = "semi-honest", ot: str = "") -> type[Scheme]:
    """The scheme of this name, or the one that hardens it, if it holds against `adversary`; OTs from `ot`.

    Raises: UnsupportedError SCHEME-0003 for an unknown name, SCHEME-0002 where nothing is strong enough,
    OT-0001 for an unknown `ot`.
    """
    scheme = load(name)
    hardened = (load(other) for other in SCHEMES if load(other).hardens == name)
    for candidate in (scheme, *hardened):
        if adversary in ADVERSARIES[: ADVERSARIES.index(candidate.setting.adversary) + 1]:
            return candidate.with_ots(ot) if ot else candidate
    raise UnsupportedError(
        "SCHEME-0002",
        f"scheme {name!r} is {scheme.setting.adversary}, the job asks for {adversary}",
        hint="change the job's security level; Tacit never runs a weaker protocol instead",
    )
