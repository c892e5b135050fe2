"""What each operator of the IR does on shares: encodings above, ring operations of the scheme below.

An operator is a function of (machine, inputs…) that returns a Share. Adding one: write it, register it here;
whatever is not here is lowered by the compiler, or refused.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import UnsupportedError
from tacit.base.types import RING_BITS, DType, Private, Public, Secret, Shape
from tacit.ir.program import Eqn, Program, Var, walk
from tacit.mpc.scheme import Scheme, Share, load
from tacit.mpc.value import Value

Operator = Callable[..., Coroutine[Any, Any, Share]]
OPERATORS: dict[str, Operator] = {}
LOOPS = ("scan",)
EXECUTOR = ("reveal", *LOOPS)
"""Operators that `execute` itself handles."""


OVERRIDES = ("sort", "leading_one", "below")
"""Operators that only some schemes do better than their lowering: those with a method of that name."""


LINEAR = frozenset(
    ("add", "sub", "neg", "sum", "cumulative_sum", "logical_xor", "logical_not", "low_bit", "to_secret")
    + ("reshape", "permute_dims", "broadcast_to", "take", "slice", "concat", *EXECUTOR)
)
"""Operators that are linear in their secrets, over the ring or over bits; see `is_linear`."""


def is_linear(eqn: Eqn) -> bool:
    """Whether `eqn` is linear in what is not public: `LINEAR`, products with public factors, int to real."""
    if eqn.op in ("mul", "matmul", "subset_sums"):
        return any(isinstance(var.type.vis, Public) for var in eqn.ins)
    return eqn.op in LINEAR or (eqn.op == "astype" and eqn.ins[0].type.dtype.kind == "int")


SILENT = frozenset(
    ("add", "sub", "neg", "sum", "cumulative_sum", "logical_xor", "logical_not", "parity", "from_units")
    + ("reshape", "permute_dims", "broadcast_to", "take", "slice", "concat")
)


def sends_nothing(eqn: Eqn) -> bool:
    """Whether shares of the result follow from shares of the inputs without a message, in every scheme."""
    if any(isinstance(var.type.vis, Private) for var in eqn.ins):
        return False
    if eqn.op in ("mul", "matmul"):
        return eqn.outs[0].type.dtype.kind == "int" and is_linear(eqn)
    return eqn.op in SILENT or (
        eqn.op == "scale_floor" and eqn.params["bits"] == eqn.ins[0].type.dtype.fraction_bits
    )


def refuse_gaps(scheme: type[Scheme], program: Program) -> None:
    """Raises UnsupportedError EXEC-0002 where `program` needs on secrets what `scheme` has not, EXEC-0003
    where it needs an outsider to know something.
    """
    if scheme.outsiders:
        _refuse_outsiders(scheme, program)
    for eqn in walk(program):
        secret = any(isinstance(var.type.vis, Secret) for var in eqn.outs)
        if secret and scheme.linear_only and not is_linear(eqn):
            raise missing(scheme, eqn)


def _refuse_outsiders(scheme: type[Scheme], program: Program) -> None:
    """They own and learn nothing; what was opened to the others cannot steer what they take part in."""
    opened: set[Var] = set()
    variables = [var for _, var in program.ins] + [var for eqn in program.eqns for var in eqn.outs]
    for var in variables:
        if isinstance(var.type.vis, Private) and var.type.vis.owner in scheme.outsiders:
            raise _no_part(
                f"party {var.type.vis.owner} owns no data in scheme {scheme.name!r} and learns none"
            )
    for eqn in program.eqns:
        secret = any(isinstance(var.type.vis, Secret) for var in eqn.outs)
        if secret and not opened.isdisjoint(eqn.ins):
            raise _no_part(
                f"scheme {scheme.name!r} has no {eqn.op!r} of secrets and what was revealed before"
            )
        if eqn.op == "reveal" or not opened.isdisjoint(eqn.ins):
            opened.update(eqn.outs)


def _no_part(message: str) -> UnsupportedError:
    hint = "give inputs and results to the two parties that compute; reveal last"
    return UnsupportedError("EXEC-0003", message, hint=hint)


def missing(scheme: type[Scheme], eqn: Eqn) -> UnsupportedError:
    """The error for an operator that `scheme` does not have on secrets."""
    return UnsupportedError(
        "EXEC-0002",
        f"operator {eqn.op!r} on secret values is not available in scheme {scheme.name!r}",
        hint="compute it on a value that one party knows, choose another scheme, or open an issue",
    )


def has(name: str) -> bool:
    """Whether every scheme handles secret inputs of this operator; else it must be lowered."""
    return name in EXECUTOR or (name in OPERATORS and name not in OVERRIDES)


def supports(scheme: str) -> Callable[[str], bool]:
    """Like `has`, with what this scheme does by a method of its own."""
    kind = load(scheme)
    return lambda name: has(name) or (name in OVERRIDES and hasattr(kind, name))


def operator(name: str) -> Callable[[Operator], Operator]:
    def register(function: Operator) -> Operator:
        OPERATORS[name] = function
        return function

    return register


@dataclass(frozen=True)
class Machine:
    """One equation being run: its scope, scheme, parameters and result type."""

    ctx: Ctx
    scheme: Scheme
    eqn: Eqn

    @property
    def shape(self) -> Shape:
        return self.eqn.outs[0].type.shape

    @property
    def dtype(self) -> DType:
        return self.eqn.outs[0].type.dtype

    def param(self, name: str) -> Any:
        return self.eqn.params[name]

    def refuse(self) -> Share:
        raise missing(type(self.scheme), self.eqn)

    async def to_share(self, value: Value) -> Share:
        """`value` as a share: public ones without messages, private ones shared by their owner."""
        if value.share is not None:
            return value.share
        boolean = value.type.dtype.kind == "bool"
        ring = value.ring
        if isinstance(value.type.vis, Private):
            owner = value.type.vis.owner
            return await self.scheme.share(
                self.ctx, ring, owner=owner, shape=value.type.shape, boolean=boolean
            )
        assert ring is not None
        return self.scheme.constant(self.ctx, ring, boolean=boolean)

    async def broadcast(self, value: Value) -> Share:
        return _broadcast(await self.to_share(value), self.shape)

    async def rescale(self, share: Share, bits: int) -> Share:
        return await self.scheme.trunc(self.ctx, share, bits=bits) if bits else share

    def product_bits(self, x: Value, y: Value) -> int:
        """Fraction bits too many after x * y."""
        return x.type.dtype.fraction_bits + y.type.dtype.fraction_bits - self.dtype.fraction_bits


def _broadcast(share: Share, shape: Shape) -> Share:
    return share if share.shape == shape else share.map(lambda a: np.array(np.broadcast_to(a, shape)))


def _ring(value: int) -> np.ndarray:
    return np.array(value % (1 << 64), dtype=np.uint64)


MINUS_ONE = _ring(-1)


def subtract(scheme: Scheme, x: Share, y: Share) -> Share:
    return scheme.add(x, scheme.scale(y, MINUS_ONE))


# --- arithmetic ---------------------------------------------------------------------------------------


@operator("add")
async def add(m: Machine, x: Value, y: Value) -> Share:
    return m.scheme.add(await m.broadcast(x), await m.broadcast(y))


@operator("sub")
async def sub(m: Machine, x: Value, y: Value) -> Share:
    return subtract(m.scheme, await m.broadcast(x), await m.broadcast(y))


@operator("neg")
async def neg(m: Machine, x: Value) -> Share:
    return m.scheme.scale(await m.to_share(x), MINUS_ONE)


@operator("mul")
async def mul(m: Machine, x: Value, y: Value) -> Share:
    """Public and private factors have their own, cheaper ways; one truncation where both are fixed point."""
    if isinstance(x.type.vis, Public):
        x, y = y, x
    if isinstance(y.type.vis, Public):
        factor, bits = y.factor
        left = await m.broadcast(x)
        product = m.scheme.scale(left, factor)
        missing = m.dtype.fraction_bits - x.type.dtype.fraction_bits
        if missing > bits:  # integer share times whole real: becomes fixed point
            return m.scheme.scale(product, _ring(1 << (missing - bits)))
        return await m.rescale(product, bits - missing)
    if isinstance(x.type.vis, Private):
        x, y = y, x
    if isinstance(y.type.vis, Private):
        plain = None if y.ring is None else np.broadcast_to(y.ring, m.shape)
        left, owner = await m.broadcast(x), y.type.vis.owner
        if bits := m.product_bits(x, y):
            return await m.scheme.mul_private_trunc(m.ctx, plain, left, owner=owner, bits=bits)
        return await m.scheme.mul_private(m.ctx, plain, left, owner=owner)
    left, right = await m.broadcast(x), await m.broadcast(y)
    if bits := m.product_bits(x, y):
        return await m.scheme.mul_trunc(m.ctx, left, right, bits=bits)
    return await m.scheme.mul(m.ctx, left, right)


@operator("square")
async def square(m: Machine, x: Value) -> Share:
    share = await m.to_share(x)
    if bits := m.product_bits(x, x):
        return await m.scheme.square_trunc(m.ctx, share, bits=bits)
    return await m.scheme.square(m.ctx, share)


@operator("mul_shift")
async def mul_shift(m: Machine, x: Value, y: Value) -> Share:
    places = m.param("bits")
    left, right = await m.broadcast(x), await m.broadcast(y)
    if not places:
        return await m.scheme.mul(m.ctx, left, right)
    if x is y:
        return await m.scheme.square_trunc(m.ctx, left, bits=places)
    return await m.scheme.mul_trunc(m.ctx, left, right, bits=places)


@operator("matmul")
async def matmul(m: Machine, x: Value, y: Value) -> Share:
    left, right = _matrix(x, column=False), _matrix(y, column=True)
    if isinstance(x.type.vis, Public) or isinstance(y.type.vis, Public):
        product = await _matmul_public(m, x, y)
    elif isinstance(x.type.vis, Private):
        share = (await m.to_share(y)).map(lambda a: a.reshape(right))
        product = await _matmul_private(m, x, left, share, m.product_bits(x, y))
    elif isinstance(y.type.vis, Private):
        share = (await m.to_share(x)).map(lambda a: np.ascontiguousarray(a.reshape(left).T))
        transposed = await _matmul_private(m, y, right, share, m.product_bits(x, y), transpose=True)
        product = transposed.map(np.transpose)
    else:
        shares = (
            (await m.to_share(x)).map(lambda a: a.reshape(left)),
            (await m.to_share(y)).map(lambda a: a.reshape(right)),
        )
        bits = m.product_bits(x, y)
        if bits:
            product = await m.scheme.matmul_trunc(m.ctx, *shares, bits=bits)
        else:
            product = await m.scheme.matmul(m.ctx, *shares)
    return product.map(lambda a: a.reshape(m.shape))


@operator("subset_sums")
async def subset_sums(m: Machine, rows: Value, values: Value) -> Share:
    """Bits that one party knows are multiplied in plaintext; bits of shares become numbers first."""
    n = values.type.shape[0]
    share = (await m.to_share(values)).map(lambda a: a.reshape(n, -1))
    if isinstance(rows.type.vis, Public):
        assert rows.plain is not None
        bits = rows.plain.astype(np.uint64)
        sums = share.map(lambda a: bits @ a)
    elif isinstance(rows.type.vis, Private):
        owner = rows.type.vis.owner
        sums = await m.scheme.subset_sums(m.ctx, rows.plain, share, owner=owner, m=rows.type.shape[0])
    else:
        sums = await m.scheme.matmul(m.ctx, await m.scheme.b2a(m.ctx, await m.to_share(rows)), share)
    return sums.map(lambda a: a.reshape(m.shape))


async def _matmul_public(m: Machine, x: Value, y: Value) -> Share:
    public, other = (x, y) if isinstance(x.type.vis, Public) else (y, x)
    matrix, bits = public.factor
    missing = m.dtype.fraction_bits - other.type.dtype.fraction_bits
    share = await m.to_share(other)
    product = m.scheme.matmul_public(share, matrix, left=public is x)
    if missing > bits:
        return m.scheme.scale(product, _ring(1 << (missing - bits)))
    return await m.rescale(product, bits - missing)


async def _matmul_private(
    m: Machine, x: Value, shape: tuple[int, int], share: Share, bits: int, *, transpose: bool = False
) -> Share:
    assert isinstance(x.type.vis, Private)
    plain, owner = None, x.type.vis.owner
    if x.ring is not None:
        plain = x.ring.reshape(shape)
        plain = np.ascontiguousarray(plain.T if transpose else plain)
    rows, x_bits = shape[1] if transpose else shape[0], m.eqn.params.get("private_bits", RING_BITS)
    if bits:
        return await m.scheme.matmul_private_trunc(
            m.ctx, plain, share, owner=owner, m=rows, bits=bits, x_bits=x_bits
        )
    return await m.scheme.matmul_private(m.ctx, plain, share, owner=owner, m=rows, x_bits=x_bits)


def _matrix(value: Value, *, column: bool) -> tuple[int, int]:
    shape = value.type.shape
    if len(shape) == 2:
        return shape[0], shape[1]
    return (shape[0], 1) if column else (1, shape[0])


@operator("sum")
async def sum_(m: Machine, x: Value) -> Share:
    axis, keepdims = m.param("axis"), m.param("keepdims")
    return (await m.to_share(x)).map(lambda a: np.sum(a, axis=axis, keepdims=keepdims, dtype=np.uint64))


@operator("sort")
async def sort(m: Machine, x: Value) -> Share:
    """Only reached for schemes with a `sort` of their own; see `supports`."""
    sorted_share: Share = await m.scheme.sort(m.ctx, await m.to_share(x))  # type: ignore[attr-defined]
    return sorted_share


@operator("shuffle")
async def shuffle(m: Machine, x: Value) -> Share:
    return await m.scheme.shuffle(m.ctx, await m.to_share(x))


@operator("cumulative_sum")
async def cumulative_sum(m: Machine, x: Value) -> Share:
    axis = m.param("axis")
    return (await m.to_share(x)).map(lambda a: np.cumsum(a, axis=axis, dtype=np.uint64))


# --- bits ---------------------------------------------------------------------------------------------


@operator("less")
async def less(m: Machine, x: Value, y: Value) -> Share:
    """The sign of x - y, exact for |x - y| < 2^63 in the ring."""
    return await m.scheme.msb(m.ctx, subtract(m.scheme, await m.broadcast(x), await m.broadcast(y)))


@operator("logical_and")
async def logical_and(m: Machine, x: Value, y: Value) -> Share:
    return await m.scheme.and_(m.ctx, await m.broadcast(x), await m.broadcast(y))


@operator("logical_xor")
async def logical_xor(m: Machine, x: Value, y: Value) -> Share:
    return m.scheme.add(await m.broadcast(x), await m.broadcast(y))


@operator("logical_not")
async def logical_not(m: Machine, x: Value) -> Share:
    return _not(m, await m.to_share(x))


@operator("logical_or")
async def logical_or(m: Machine, x: Value, y: Value) -> Share:
    neither = await m.scheme.and_(m.ctx, _not(m, await m.broadcast(x)), _not(m, await m.broadcast(y)))
    return _not(m, neither)


def _not(m: Machine, x: Share) -> Share:
    return m.scheme.add(x, m.scheme.constant(m.ctx, np.ones(x.shape, np.uint8), boolean=True))


@operator("select")
async def select(m: Machine, c: Value, x: Value, y: Value) -> Share:
    """y + c (x - y)."""
    choice, left, right = await m.broadcast(c), await m.broadcast(x), await m.broadcast(y)
    if m.dtype.kind == "bool":
        picked = await m.scheme.and_(m.ctx, choice, m.scheme.add(left, right))
    else:
        picked = await m.scheme.mux(m.ctx, choice, subtract(m.scheme, left, right))
    return m.scheme.add(picked, right)


@operator("bits")
async def bits(m: Machine, x: Value) -> Share:
    return await m.scheme.bits(m.ctx, await m.to_share(x), low=m.param("low"), high=m.param("high"))


@operator("leading_one")
async def leading_one(m: Machine, x: Value) -> Share:
    """Only reached for schemes with a `leading_one` of their own; see `supports`."""
    share, low, high = await m.to_share(x), m.param("low"), m.param("high")
    rows: Share = await m.scheme.leading_one(m.ctx, share, low=low, high=high)  # type: ignore[attr-defined]
    return rows


@operator("below")
async def below(m: Machine, x: Value) -> Share:
    """Only reached for schemes with a `below` of their own; see `supports`."""
    rows: Share = await m.scheme.below(m.ctx, await m.to_share(x), limits=m.param("limits"))  # type: ignore[attr-defined]
    return rows


@operator("parity")
async def parity(m: Machine, x: Value) -> Share:
    axis = m.param("axis")
    return (await m.to_share(x)).map(lambda a: np.bitwise_xor.reduce(a, axis=axis))


@operator("low_bit")
async def low_bit(m: Machine, x: Value) -> Share:
    return await m.scheme.low_bit(m.ctx, await m.to_share(x))


# --- encodings ----------------------------------------------------------------------------------------


@operator("to_secret")
async def to_secret(m: Machine, x: Value) -> Share:
    return await m.to_share(x)


@operator("astype")
async def astype(m: Machine, x: Value) -> Share:
    share = await m.to_share(x)
    if x.type.dtype.kind == "bool" and m.dtype.kind != "bool":
        share = await m.scheme.b2a(m.ctx, share)
    bits = m.dtype.fraction_bits - x.type.dtype.fraction_bits
    return m.scheme.scale(share, _ring(1 << bits)) if bits > 0 else await m.rescale(share, -bits)


@operator("shift_right")
async def shift_right(m: Machine, x: Value) -> Share:
    return await m.rescale(await m.to_share(x), m.param("bits"))


@operator("from_units")
async def from_units(m: Machine, x: Value) -> Share:
    return await m.to_share(x)


@operator("scale_floor")
async def scale_floor(m: Machine, x: Value) -> Share:
    return await m.rescale(await m.to_share(x), x.type.dtype.fraction_bits - m.param("bits"))


# --- shapes -------------------------------------------------------------------------------------------


@operator("reshape")
async def reshape(m: Machine, x: Value) -> Share:
    return (await m.to_share(x)).map(lambda a: a.reshape(m.shape))


@operator("permute_dims")
async def permute_dims(m: Machine, x: Value) -> Share:
    axes = m.param("axes")
    return (await m.to_share(x)).map(lambda a: np.ascontiguousarray(np.transpose(a, axes)))


@operator("broadcast_to")
async def broadcast_to(m: Machine, x: Value) -> Share:
    return await m.broadcast(x)


@operator("take")
async def take(m: Machine, x: Value) -> Share:
    indices, axis = np.array(m.param("indices"), dtype=np.int64), m.param("axis")
    return (await m.to_share(x)).map(lambda a: np.take(a, indices, axis=axis))


@operator("slice")
async def slice_(m: Machine, x: Value) -> Share:
    start, stop, axis = m.param("start"), m.param("stop"), m.param("axis")
    index = (slice(None),) * axis + (slice(start, stop),)
    return (await m.to_share(x)).map(lambda a: np.ascontiguousarray(a[index]))


@operator("concat")
async def concat(m: Machine, *parts: Value) -> Share:
    axis = m.param("axis")
    shares = [await m.to_share(part) for part in parts]
    return shares[0].join(shares[1:], lambda arrays: np.concatenate(arrays, axis=axis))
