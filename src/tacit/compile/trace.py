"""Tracing: running an ordinary function on `Array`s that write down what is done to them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from inspect import signature
from pathlib import PurePath
from typing import Any, NoReturn, TypeVar

import numpy as np

from tacit.base.errors import TypeRuleError, UsageError
from tacit.base.types import BOOL, FIXED, INT, DType, Shape, Type
from tacit.ir.op import OPS
from tacit.ir.program import Builder, Program, Range, Var

F = TypeVar("F", bound=Callable[..., Any])

TABLE: dict[str, Callable[..., Any]] = {}
"""The functions of `tacit.compile.array` by name: what operators and numpy's protocols dispatch to."""

_ACTIVE: ContextVar[Trace | None] = ContextVar("tacit_trace", default=None)
_KINDS: dict[str, DType] = {"f": FIXED, "i": INT, "u": INT, "b": BOOL}
_PACKAGES = ("tacit.compile", "tacit.ir", "tacit.run", "numpy")


def public(function: F) -> F:
    """Enter `function` into `TABLE` under its own name."""
    TABLE[function.__name__] = function
    return function


def public_in(*homes: str) -> Callable[[F], F]:
    """Enter the function into `TABLE` as `home.name`, a trailing underscore of its name left out; `home` is
    `numpy` (a meaning that only NumPy gives to the name), `linalg` or `fft`."""

    def enter(function: F) -> F:
        for home in homes:
            TABLE[f"{home}.{function.__name__.rstrip('_')}"] = function
        return function

    return enter


def find(home: str, name: str) -> Callable[..., Any] | None:
    """The traced meaning of NumPy's function `name` in its submodule `home` (empty for none)."""
    if home and home != "linalg":
        return TABLE.get(f"{home}.{name}")
    return TABLE.get(f"{home or 'numpy'}.{name}") or TABLE.get(name)


def active() -> Trace | None:
    """The innermost trace that is being written, if any."""
    return _ACTIVE.get()


def where_called() -> str:
    """`file.py:line` of the nearest caller outside the compiler."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith(_PACKAGES):
        frame = frame.f_back
    return f"{PurePath(frame.f_code.co_filename).name}:{frame.f_lineno}"


class PlaceError(UsageError, IndexError, ValueError):
    """An axis or a position that an array does not have: what NumPy raises then is caught as it is there."""


def refuse(code: str, message: str, hint: str, kind: type[UsageError] = UsageError) -> NoReturn:
    """Raise UsageError `code`, naming the caller's line."""
    raise kind(code, f"{message}, at {where_called()}", hint=hint)


class Trace:
    """One program being written; the body of a loop is a trace inside its parent."""

    def __init__(self, parent: Trace | None = None) -> None:
        self.parent = parent
        self.builder = Builder()
        self.captured: list[Array] = []
        self._lifted: dict[tuple[int, int], Var] = {}
        self.n_reveals = 0

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make this the active trace."""
        token = _ACTIVE.set(self)
        try:
            yield
        finally:
            _ACTIVE.reset(token)

    def input(self, name: str, type: Type, within: Range | None = None) -> Array:
        return Array(self, self.builder.input(name, type, within))

    def var(self, value: Any, dtype: DType | None = None) -> Var:
        """`value` as a variable here: an Array of this trace or an outer one, or data as a constant."""
        if isinstance(value, Array):
            return self._lift(value)
        data = plain(value)
        try:
            return self.builder.const(data, dtype or _KINDS[data.dtype.kind])
        except TypeRuleError as error:
            raise TypeRuleError(
                error.code, f"{error.message}, at {where_called()}", hint=error.hint
            ) from None

    def _lift(self, value: Array) -> Var:
        if value.trace is self:
            return value.var
        if self.parent is None:
            refuse(
                "COMPILE-0004", "a traced value is used outside its loop or function", "return it from there"
            )
        key = (id(value.trace), value.var.id)
        if key not in self._lifted:
            outer = Array(self.parent, self.parent._lift(value))
            self._lifted[key] = self.builder.input(f"k{len(self.captured)}", value.var.type)
            self.captured.append(outer)
        return self._lifted[key]

    def emit(self, op: str, *values: Any, **params: Any) -> Any:
        """Write `op` on `values`; an Array, or a tuple of them for several results."""
        self.builder.where = where_called()
        ins = [self.var(value) for value in values]
        try:
            outs = self.builder.emit(op, *ins, **params)
        except TypeRuleError as error:
            raise TypeRuleError(
                error.code, f"{error.message}, at {where_called()}", hint=error.hint
            ) from None
        return Array(self, outs) if isinstance(outs, Var) else tuple(Array(self, out) for out in outs)


def plain(value: Any) -> np.ndarray:
    """Data as a float64, int64 or bool array. Raises UsageError COMPILE-0002 for anything else."""
    data = np.asarray(value)
    if data.dtype.kind not in _KINDS:
        refuse(
            "COMPILE-0002", f"a value of type {type(value).__name__} is not numeric", "pass numbers or arrays"
        )
    return data.astype({"f": np.float64, "b": np.bool_}.get(data.dtype.kind, np.int64), copy=False)


def dtype_of(value: Any) -> DType:
    """The dtype that `value`, an Array or data, has in a program."""
    return value.dtype if isinstance(value, Array) else _KINDS[plain(value).dtype.kind]


def apply(op: str, *values: Any, **params: Any) -> Any:
    """`op` on `values`: written down if one of them is traced, else computed by `Op.ref` at once."""
    if any(isinstance(value, Array) for value in values):
        trace = active()
        if trace is None:
            refuse(
                "COMPILE-0004", "a traced value is used after tracing ended", "return it from the function"
            )
        return trace.emit(op, *values, **params)
    return OPS[op].ref(*map(plain, values), **params)


_INSTEAD = {
    "the truth": (
        "if and while, and, or, not, min() and max() need a number: write where(condition, a, b), "
        "logical_and(a, b), maximum(a, b); a loop has a fixed number of steps"
    ),
    "the number": (
        "leave out float(), int() and round(); math.sqrt(x) is np.sqrt(x); what the function returns is "
        "revealed, and a number then"
    ),
    "the index": "x[i] reads an array at a secret place; np.arange(n) == i says where it is",
    "the items": "x in values is any(values == x); a number has no items to go over",
    "the data": "np.stack([a, b]) makes one array of several; what the function returns is revealed",
    "a new item": "arrays do not change: x = where(np.arange(len(x)) == i, new, x), or join parts",
    "the digits": "print and f-strings show no private values; what the function returns is revealed",
}


def _secret_flow(what: str) -> Callable[..., NoReturn]:
    def method(self: Array, *args: Any, **kwargs: Any) -> NoReturn:
        refuse("COMPILE-0001", f"{what} of a private value is asked for: nobody sees it", _INSTEAD[what])

    return method


def _binary(name: str, *, swapped: bool = False) -> Callable[[Array, Any], Any]:
    def method(self: Array, other: Any) -> Any:
        return TABLE[name](other, self) if swapped else TABLE[name](self, other)

    return method


def _unary(name: str) -> Callable[..., Any]:
    def method(self: Array, *args: Any, **kwargs: Any) -> Any:
        return TABLE[name](self, *args, **kwargs)

    return method


def _numpy_function(home: str, name: str) -> Callable[..., Any]:
    """The traced meaning of a function of NumPy. Raises UsageError COMPILE-0002 if there is none."""
    found = find(home, _OTHER_NAMES.get(name, name))
    if found is None:
        refuse(
            "COMPILE-0002",
            f"numpy.{home}{'.' * bool(home)}{name} cannot be traced",
            "see tacit.compile.array",
        )
    return found


_OTHER_NAMES = {
    "absolute": "abs",
    "around": "round",
    "concatenate": "concat",
    "cumsum": "cumulative_sum",
    "degrees": "rad2deg",
    "empty_like": "zeros_like",
    "radians": "deg2rad",
}
"""NumPy's second names, where `TABLE` has the first."""


class Array:
    """A value of the program being traced: array-API operators, no data."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, trace: Trace, var: Var) -> None:
        self.trace = trace
        self.var = var

    @property
    def type(self) -> Type:
        return self.var.type

    @property
    def dtype(self) -> DType:
        return self.var.type.dtype

    @property
    def shape(self) -> Shape:
        return self.var.type.shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return self.var.type.size

    @property
    def T(self) -> Array:  # noqa: N802
        transposed: Array = TABLE["permute_dims"](self)
        return transposed

    def __repr__(self) -> str:
        return f"Array({self.type})"

    def __len__(self) -> int:
        if not self.shape:
            refuse("COMPILE-0002", "a scalar has no length", "use its value")
        return self.shape[0]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            refuse(
                "COMPILE-0002",
                f"numpy.{ufunc.__name__} ({method}) cannot be traced",
                "call the function itself, without options",
            )
        return _numpy_function("", ufunc.__name__)(*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        home = function.__module__.removeprefix("numpy").lstrip(".")
        private = _numpy_function(home, function.__name__)
        if not set(kwargs) <= set(signature(private).parameters):
            refuse(
                "COMPILE-0002",
                f"numpy.{function.__name__} cannot be traced with {sorted(kwargs)}",
                "leave out what has no private form",
            )
        return private(*args, **kwargs)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return import_module("tacit.compile.standard")

    @property
    def mT(self) -> Array:  # noqa: N802
        transposed: Array = TABLE["matrix_transpose"](self)
        return transposed

    @property
    def device(self) -> str:
        """Where NumPy says that its arrays are: shares lie in the memory of the parties."""
        return "cpu"

    def to_device(self, device: Any, /, *, stream: Any = None) -> Array:
        return self

    __add__, __radd__ = _binary("add"), _binary("add", swapped=True)
    __sub__, __rsub__ = _binary("subtract"), _binary("subtract", swapped=True)
    __mul__, __rmul__ = _binary("multiply"), _binary("multiply", swapped=True)
    __truediv__, __rtruediv__ = _binary("divide"), _binary("divide", swapped=True)
    __matmul__, __rmatmul__ = _binary("numpy.matmul"), _binary("numpy.matmul", swapped=True)
    __and__, __rand__ = _binary("bitwise_and"), _binary("bitwise_and", swapped=True)
    __or__, __ror__ = _binary("bitwise_or"), _binary("bitwise_or", swapped=True)
    __xor__, __rxor__ = _binary("bitwise_xor"), _binary("bitwise_xor", swapped=True)
    __floordiv__, __rfloordiv__ = _binary("floor_divide"), _binary("floor_divide", swapped=True)
    __mod__, __rmod__ = _binary("remainder"), _binary("remainder", swapped=True)
    __divmod__, __rdivmod__ = _binary("divmod"), _binary("divmod", swapped=True)
    __pow__, __rpow__ = _binary("power"), _binary("power", swapped=True)
    __lshift__, __rlshift__ = _binary("left_shift"), _binary("left_shift", swapped=True)
    __rshift__, __rrshift__ = _binary("right_shift"), _binary("right_shift", swapped=True)
    __lt__, __le__ = _binary("less"), _binary("less_equal")
    __gt__, __ge__ = _binary("greater"), _binary("greater_equal")
    __eq__, __ne__ = _binary("equal"), _binary("not_equal")
    __neg__, __abs__, __invert__ = _unary("negative"), _unary("abs"), _unary("invert")
    __pos__ = _unary("positive")
    __getitem__ = _unary("index")
    sum, mean, max, min = _unary("sum"), _unary("mean"), _unary("max"), _unary("min")
    reshape, astype, all, any = _unary("reshape"), _unary("astype"), _unary("all"), _unary("any")
    std, prod, dot = _unary("std"), _unary("prod"), _unary("dot")
    argmax, argmin, clip, squeeze = _unary("argmax"), _unary("argmin"), _unary("clip"), _unary("squeeze")
    round, cumsum, ravel, flatten = (
        _unary("round"),
        _unary("cumulative_sum"),
        _unary("ravel"),
        _unary("ravel"),
    )
    __bool__, __float__ = _secret_flow("the truth"), _secret_flow("the number")
    __int__, __index__, __complex__ = (
        _secret_flow("the number"),
        _secret_flow("the index"),
        _secret_flow("the number"),
    )
    __round__ = round
    __array__, item, tolist = _secret_flow("the data"), _secret_flow("the number"), _secret_flow("the data")
    __dlpack__, __dlpack_device__ = _secret_flow("the data"), _secret_flow("the data")
    __contains__, __setitem__ = _secret_flow("the items"), _secret_flow("a new item")

    def __iter__(self) -> Iterator[Array]:
        """Row by row, as their number is public."""
        if not self.shape:
            refuse("COMPILE-0001", "the items of a single private value are asked for", _INSTEAD["the items"])
        return iter([self[index] for index in range(len(self))])

    def __format__(self, spec: str) -> str:
        if spec:
            refuse("COMPILE-0001", "the digits of a private value are asked for", _INSTEAD["the digits"])
        return repr(self)

    def copy(self) -> Array:
        """Itself: it does not change."""
        return self


def trace(
    function: Callable[..., Any],
    inputs: Sequence[tuple[str, Type]],
    name: str,
    ranges: Mapping[str, Range] | None = None,
) -> Program:
    """The program that `function` writes when it is called with one Array for each input, in order.

    `ranges` declares, for inputs by name, in which range all their elements lie.

    It returns a dict (its keys name the outputs), a tuple (`out0`, `out1` …) or one value (`out`).
    Raises: UsageError for what cannot be traced, naming the line.
    """
    root = Trace()
    declared = dict(ranges or {})
    arrays = [root.input(label, type, declared.pop(label, None)) for label, type in inputs]
    if declared:
        raise UsageError(
            "IR-0015", f"there is no input {min(declared)!r} to have a range", hint="see the inputs"
        )
    with root.writing():
        result = function(*arrays)
        return root.builder.build(name, {label: root.var(value) for label, value in _named(result).items()})


def _named(result: Any) -> dict[str, Any]:
    if isinstance(result, Mapping):
        named = {str(label): value for label, value in result.items()}
    elif isinstance(result, tuple | list):
        named = {f"out{index}": value for index, value in enumerate(result)}
    else:
        named = {"out": result}
    for label, value in named.items():
        if value is None or isinstance(value, Mapping | tuple | list):
            raise UsageError(
                "COMPILE-0005",
                f"output {label!r} is not one array",
                hint="return a dict or a tuple of arrays",
            )
    return named
