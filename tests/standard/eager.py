"""Secret arrays of which every operation is a program of its own, traced, compiled and run at once.

Source: none; a harness. Setting: one party of the scheme `plain`, so values are what fixed point makes of
them and nothing is hidden. Differs: from `tacit.secure` in that a function need not be written for tracing:
a test that was written for arrays in the clear, which looks at elements, loops and branches, runs on secrets.
Cost: a program is compiled once for a call with the same types and public arguments; a run takes about 1 ms.
Notation: a Held is a share that a test holds; looking at it (`float(x)`, `x.open()`) is the test's doing.
"""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from inspect import signature
from itertools import count
from types import ModuleType
from typing import Any

import numpy as np

from tacit import xp
from tacit.base.ctx import Ctx
from tacit.base.types import BOOL, FIXED, INT, SECRET, DType, Type
from tacit.compile.array import Array
from tacit.compile.standard.dispatch import numpy_type
from tacit.compile.transform import Complex
from tacit.ir.program import Program
from tacit.mpc import encode
from tacit.mpc.execute import execute
from tacit.mpc.scheme import Scheme, Share, find
from tacit.net.memory import MemoryNetwork
from tacit.run.compiled import compiled
from tests.harness import contexts

KINDS: dict[str, DType] = {"f": FIXED, "i": INT, "u": INT, "b": BOOL}
_STEPS = count()
_PROGRAMS: dict[Any, tuple[Program, Any]] = {}


class World:
    """The one party that computes, in an event loop that stays."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.ctx, self.scheme = self.runner.run(self._start())

    @staticmethod
    async def _start() -> tuple[Ctx, Scheme]:
        (ctx,) = await contexts(MemoryNetwork(1), 1)
        return ctx, await find("plain").start(ctx.sub("setup"))

    def run(self, program: Program, shares: list[Share]) -> list[Any]:
        """Results in order: shares, and what is public as arrays."""
        inputs: dict[str, np.ndarray | Share | None] = dict(
            zip((name for name, _ in program.ins), shares, strict=True)
        )
        scope = self.ctx.sub(f"step{next(_STEPS)}")
        values = self.runner.run(execute(scope, self.scheme, program, inputs))
        return [value.plain if value.share is None else value.share for value in values.values()]

    def share(self, array: np.ndarray, dtype: DType) -> Share:
        return self.scheme.constant(self.ctx, encode.encode(array, dtype), boolean=dtype == BOOL)

    def open(self, share: Share, dtype: DType) -> np.ndarray:
        found = self.runner.run(self.scheme.reveal(self.ctx.sub(f"step{next(_STEPS)}"), share))
        assert found is not None
        return encode.decode(found, dtype)


@cache
def world() -> World:
    return World()


class Held:
    """A share and its type; operators, indices and attributes are those of a traced Array."""

    __hash__ = None  # type: ignore[assignment]
    __array_ufunc__ = None

    def __init__(self, share: Share, dtype: DType) -> None:
        self.share, self.kind = share, dtype

    @property
    def type(self) -> Type:
        return Type(SECRET, self.kind, self.share.shape)

    @property
    def dtype(self) -> Any:
        return numpy_type(self.kind)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.share.shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return self.type.size

    def open(self) -> np.ndarray:
        return world().open(self.share, self.kind)

    @cached_property
    def within(self) -> tuple[float, float] | None:
        """A range as an owner would declare it: zero or powers of two around all elements."""
        if self.kind == BOOL or not self.size:
            return None
        opened = self.open()
        return -_power_above(-float(opened.min())), _power_above(float(opened.max()))

    def __repr__(self) -> str:
        return f"Held({self.open().tolist()}, {self.kind})"

    def __bool__(self) -> bool:
        return bool(self.open())

    def __int__(self) -> int:
        return int(self.open())

    def __float__(self) -> float:
        return float(self.open())

    def __complex__(self) -> complex:
        return complex(self.open())

    def __index__(self) -> int:
        return operator.index(self.open()[()])

    def __len__(self) -> int:
        return self.shape[0]

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None
    ) -> Any:
        return call("__dlpack__", lambda x: x.__dlpack__(), self)

    def __dlpack_device__(self) -> Any:
        return call("__dlpack_device__", lambda x: x.__dlpack_device__(), self)

    def __setitem__(self, key: Any, value: Any) -> None:
        def written(x: Any, key: Any, value: Any) -> Any:
            x = x.copy()
            x[key] = value
            return x

        self.share = call("__setitem__", written, self, key, value).share
        self.__dict__.pop("within", None)

    def __iter__(self) -> Iterator[Any]:
        return iter([self[place] for place in range(len(self))])

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:
        return namespace()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(Array, name):
            raise AttributeError(name)
        if isinstance(vars(Array).get(name), property):
            return call(name, lambda x: getattr(x, name), self)
        return lambda *args, **kwargs: call(name, getattr(Array, name), self, *args, **kwargs)


def _power_above(x: float) -> float:
    """Zero or the power of two, or its negative, next above x."""
    if x == 0.0:
        return 0.0
    exponent = np.ceil(np.log2(x)) if x > 0 else np.floor(np.log2(-x))
    return float(np.copysign(2.0**exponent, x))


def _operator(name: str) -> Callable[..., Any]:
    reflected = name.removeprefix("__r") if name.startswith("__r") and name != "__rshift__" else ""
    plain = getattr(operator, f"__{reflected}" if reflected else name, divmod)

    def method(self: Held, *others: Any) -> Any:
        pair = (*others, self) if reflected else (self, *others)
        return call(name, plain, *pair)

    return method


_OPERATORS = """
abs add and eq floordiv ge getitem gt invert le lshift lt matmul mod mul ne neg or pos pow radd rand rfloordiv
rlshift rmatmul rmod rmul ror rpow rrshift rshift rsub rtruediv rxor sub truediv xor
"""
for _name in _OPERATORS.split():
    setattr(Held, f"__{_name}__", _operator(f"__{_name}__"))


def hold(value: Any) -> Any:
    """Data as a secret; what is no number as it is."""
    array = np.asarray(value)
    if isinstance(value, Held) or array.dtype.kind not in KINDS:
        return value
    kind = KINDS[array.dtype.kind]
    return Held(world().share(np.array(array), kind), kind)


def call(name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`function` of secrets and public values, as one program; the results in the structure it returns.

    Raises what tracing, the passes and the run raise.
    """
    held: list[Held] = []
    form = _form((args, kwargs), held)
    key = (name, repr(form), tuple((str(each.type), each.within) for each in held))
    if key not in _PROGRAMS:
        structure: list[Any] = []

        def traced(*arrays: Any) -> Any:
            args, kwargs = _filled(form, list(arrays))
            results: list[Any] = []
            structure.append(_form(function(*args, **kwargs), results, Array | np.ndarray | np.generic))
            return tuple(results)

        types = [(f"x{place}", each.type) for place, each in enumerate(held)]
        ranges = {f"x{place}": each.within for place, each in enumerate(held) if each.within is not None}
        _PROGRAMS[key] = (compiled(traced, types, "step", "plain", ranges), structure)
    program, structure = _PROGRAMS[key]
    results = world().run(program, [each.share for each in held])
    dtypes = [var.type.dtype for _, var in program.outs]
    values = [
        Held(one, dtype) if isinstance(one, Share) else hold(one)
        for one, dtype in zip(results, dtypes, strict=True)
    ]
    return _filled(structure[-1], values)


class _Place:
    """Where in a structure a secret stands."""

    def __repr__(self) -> str:
        return "_"


def _form(value: Any, found: list[Any], kind: Any = Held) -> Any:
    """`value` with what is of `kind`, in order, put into `found`; Complex is a pair."""
    if isinstance(value, kind):
        found.append(value)
        return _Place()
    if isinstance(value, Complex):
        return Complex(_form(value.real, found, kind), _form(value.imag, found, kind))
    if isinstance(value, dict):
        return {key: _form(part, found, kind) for key, part in value.items()}
    if isinstance(value, tuple | list):
        parts = [_form(part, found, kind) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def _filled(form: Any, values: list[Any]) -> Any:
    """The inverse of `_form`; takes from `values`."""
    if isinstance(form, _Place):
        return values.pop(0)
    if isinstance(form, Complex):
        return Complex(_filled(form.real, values), _filled(form.imag, values))
    if isinstance(form, dict):
        return {key: _filled(part, values) for key, part in form.items()}
    if isinstance(form, tuple | list):
        parts = [_filled(part, values) for part in form]
        return type(form)(*parts) if hasattr(form, "_fields") else type(form)(parts)
    return form


def mentions(values: Any) -> bool:
    """Whether a Held is among `values`, which may be nested."""
    found: list[Held] = []
    _form(values, found)
    return bool(found)


def _lifted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of the standard on Helds; what it makes of data alone becomes a secret."""

    def lifted(*args: Any, **kwargs: Any) -> Any:
        if mentions((args, kwargs)):
            return call(name, function, *args, **kwargs)
        result = function(*args, **kwargs)
        if isinstance(result, tuple | list):
            return type(result)(map(hold, result))
        return hold(result) if isinstance(result, np.ndarray | np.generic) else result

    lifted.__name__ = lifted.__qualname__ = name.rpartition(".")[2]
    lifted.__signature__ = getattr(function, "__signature__", None)  # type: ignore[attr-defined]
    return lifted


def _held_asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: Any = None) -> Any:
    """A secret of data and secrets in lists."""
    if isinstance(obj, Held) and (dtype is None or obj.dtype == dtype):
        return Held(obj.share, obj.kind) if copy else obj
    if isinstance(obj, Held):
        return call("astype", xp.astype, obj, dtype)
    if isinstance(obj, tuple | list) and mentions(obj):
        stacked = call("stack", xp.stack, [_held_asarray(part) for part in obj])
        return _held_asarray(stacked, dtype=dtype)
    return hold(np.asarray(obj, dtype=dtype))


def _on_types(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of types takes a Held for its type."""

    def of_types(*args: Any, **kwargs: Any) -> Any:
        return function(*(each.dtype if isinstance(each, Held) else each for each in args), **kwargs)

    of_types.__signature__ = signature(function)  # type: ignore[attr-defined]
    return of_types


TYPES = ("bool", "int64", "float64")
OF_TYPES = ("can_cast", "finfo", "iinfo", "isdtype", "result_type")


@cache
def namespace() -> ModuleType:
    """The standard on Helds, as a module."""
    made = ModuleType("tests.standard.held")
    for name in xp.STANDARD:
        setattr(made, name, _lifted(name, getattr(xp, name)))
    made.empty = _lifted("empty", xp.zeros)  # type: ignore[attr-defined]  # memory may hold what is no number
    for name in OF_TYPES:
        setattr(made, name, _on_types(getattr(xp, name)))
    for name in (*TYPES, "e", "inf", "nan", "newaxis", "pi", "__array_api_version__"):
        setattr(made, name, getattr(xp, name))
    made.asarray = _held_asarray  # type: ignore[attr-defined]
    for home in ("linalg", "fft"):
        part = ModuleType(f"tests.standard.held.{home}")
        for name in getattr(xp, home).STANDARD:
            setattr(part, name, _lifted(f"{home}.{name}", getattr(getattr(xp, home), name)))
        setattr(made, home, part)
    return made
