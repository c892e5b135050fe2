"""Tracing: running an ordinary function on `Array`s that write down what is done to them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from inspect import signature
from typing import Any

import numpy as np

from tacit.base.errors import TypeRuleError, UsageError
from tacit.base.types import BOOL, FIXED, INT, DType, Shape, Type
from tacit.compile.methods import (
    INSTEAD,
    Traced,
    binary,
    in_place,
    is_basic,
    known_data,
    leaves_of,
    method_of,
    numpy_function,
    secret_flow,
    unary,
    writing,
)
from tacit.compile.table import ACTIVE
from tacit.compile.table import TABLE as TABLE
from tacit.compile.table import PlaceError as PlaceError
from tacit.compile.table import active as active
from tacit.compile.table import find as find
from tacit.compile.table import public as public
from tacit.compile.table import public_in as public_in
from tacit.compile.table import refuse as refuse
from tacit.compile.table import where_called as where_called
from tacit.ir.op import OPS
from tacit.ir.program import Builder, Program, Range, Var

_KINDS: dict[str, DType] = {"f": FIXED, "i": INT, "u": INT, "b": BOOL}


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
        token = ACTIVE.set(self)
        try:
            yield
        finally:
            ACTIVE.reset(token)

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

    def known(self, data: np.ndarray) -> Array:
        """Data that a script may write private values into; until then it is computed with as it is."""
        made = Array.__new__(Array)
        made.trace, made._data, made._writes, made._part_of, made._read = self, data, 0, None, 0
        return made

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


class Array(Traced):
    """A value of the program being traced: array-API operators, no data."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, trace: Trace, var: Var) -> None:
        self.trace = trace
        self._var = var
        self._writes = 0
        self._part_of: tuple[Array, Any] | None = None  # whose view it is, and the key
        self._read = 0  # after how many writes into that
        self._data: np.ndarray | None = None  # of an array that nothing private was written into

    @property
    def var(self) -> Var:
        """Its newest value."""
        if self.data is not None:
            return self.trace.var(self.data)
        if self._part_of is not None:
            whole, key = self._part_of
            newest = whole.var
            if self._read != whole._writes:
                self._var, self._read = TABLE["index"](Array(whole.trace, newest), key).var, whole._writes
        return self._var

    @property
    def data(self) -> np.ndarray | None:
        """Where it is known: of an array that was made to be written into, and holds nothing private yet."""
        if self._data is not None and self._part_of is not None and self._part_of[0].data is None:
            self._data, self._read = None, -1
        return self._data

    def _become(self, value: Any) -> Array:
        """Go over to another value of the same shape; so does what this is a view of."""
        if active() is not self.trace:
            refuse("COMPILE-0004", "a value from outside of a loop is written in it", "carry it through scan")
        self._var = self.trace.var(value)
        self._data = None
        self._writes += 1
        if self._part_of is not None:
            whole, key = self._part_of
            whole[key] = Array(self.trace, self._var)
            self._read = whole._writes
        return self

    @property
    def type(self) -> Type:
        return self.var.type

    @property
    def dtype(self) -> DType:
        return self._var.type.dtype if self.data is None else _KINDS[self.data.dtype.kind]

    @property
    def shape(self) -> Shape:
        return self._var.type.shape if self.data is None else self.data.shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

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
        inputs, out = tuple(map(known_data, inputs)), kwargs.pop("out", None)
        if not any(isinstance(value, Array) for value in inputs):
            found = getattr(ufunc, method)(*inputs, **kwargs)
            return found if out is None else out[0]._written(..., found)
        if method != "__call__" and out is None:
            found = writing().ufunc_method(ufunc, method, *inputs, **kwargs)
            if found is not None:
                return found
        if out is not None and method == "__call__" and not kwargs and isinstance(out[0], Array):
            return out[0]._written(..., numpy_function("", ufunc.__name__)(*inputs))
        if method != "__call__" or kwargs or out is not None:
            refuse(
                "COMPILE-0002",
                f"numpy.{ufunc.__name__} ({method}) cannot be traced",
                "call the function itself, without options",
            )
        return numpy_function("", ufunc.__name__)(*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        args, kwargs = known_data(args), {name: known_data(value) for name, value in kwargs.items()}
        if not any(isinstance(value, Array) for value in leaves_of((args, tuple(kwargs.values())))):
            return function(*args, **kwargs)
        home = function.__module__.removeprefix("numpy").lstrip(".")
        private = numpy_function(home, function.__name__)
        if isinstance(kwargs.get("like"), Array) or function.__name__.endswith("_like"):
            # Something to write private values into.
            made = private(*args, **{name: value for name, value in kwargs.items() if name != "like"})
            return made if isinstance(made, Array) else Array(self.trace, self.trace.var(made))
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

    __add__, __radd__ = binary("add"), binary("add", swapped=True)
    __sub__, __rsub__ = binary("subtract"), binary("subtract", swapped=True)
    __mul__, __rmul__ = binary("multiply"), binary("multiply", swapped=True)
    __truediv__, __rtruediv__ = binary("divide"), binary("divide", swapped=True)
    __matmul__, __rmatmul__ = binary("numpy.matmul"), binary("numpy.matmul", swapped=True)
    __and__, __rand__ = binary("bitwise_and"), binary("bitwise_and", swapped=True)
    __or__, __ror__ = binary("bitwise_or"), binary("bitwise_or", swapped=True)
    __xor__, __rxor__ = binary("bitwise_xor"), binary("bitwise_xor", swapped=True)
    __floordiv__, __rfloordiv__ = binary("floor_divide"), binary("floor_divide", swapped=True)
    __mod__, __rmod__ = binary("remainder"), binary("remainder", swapped=True)
    __divmod__, __rdivmod__ = binary("divmod"), binary("divmod", swapped=True)
    __pow__, __rpow__ = binary("power"), binary("power", swapped=True)
    __lshift__, __rlshift__ = binary("left_shift"), binary("left_shift", swapped=True)
    __rshift__, __rrshift__ = binary("right_shift"), binary("right_shift", swapped=True)
    __lt__, __le__ = binary("less"), binary("less_equal")
    __gt__, __ge__ = binary("greater"), binary("greater_equal")
    __eq__, __ne__ = binary("equal"), binary("not_equal")
    __neg__, __abs__, __invert__ = unary("negative"), unary("abs"), unary("invert")
    __pos__ = unary("positive")
    __iadd__, __isub__ = in_place("add"), in_place("subtract")
    __imul__, __itruediv__ = in_place("multiply"), in_place("divide")
    __ifloordiv__, __imod__ = in_place("floor_divide"), in_place("remainder")
    __ipow__, __iand__ = in_place("power"), in_place("bitwise_and")
    __ior__, __ixor__ = in_place("bitwise_or"), in_place("bitwise_xor")

    def __getitem__(self, key: Any) -> Any:
        key = known_data(key)
        if self.data is not None and not any(isinstance(one, Array) for one in leaves_of(key)):
            part = self.data[key]
            if not np.ndim(part) or part.base is None:
                return part
            view = self.trace.known(part)
            view._part_of, view._read = (self, key), self._writes
            return view
        found = TABLE["index"](Array(self.trace, self.var), key)
        keys = key if isinstance(key, tuple) else (key,)
        if isinstance(found, Array) and found.ndim and all(map(is_basic, keys)):
            found = Array(found.trace, found.var)
            found._part_of, found._read = (self, key), self._writes
        return found

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(value, Array) and value._part_of is not None and value._part_of[0] is self:
            whole_key = value._part_of[1]
            if whole_key is key or (is_basic(key) and is_basic(whole_key) and whole_key == key):
                return  # `x[key] += value` has written already.
        self._written(key, value)

    def _written(self, key: Any, value: Any) -> Array:
        key, value = known_data(key), known_data(value)
        if self.data is not None and not any(isinstance(one, Array) for one in leaves_of((key, value))):
            self.data[key] = value
            return self
        return self._become(writing().assigned(Array(self.trace, self.var), key, value))

    sum, mean, max, min = unary("sum"), unary("mean"), unary("max"), unary("min")
    reshape, astype, all, any = unary("reshape"), unary("astype"), unary("all"), unary("any")
    std, prod, dot = unary("std"), unary("prod"), unary("dot")
    argmax, argmin, clip, squeeze = unary("argmax"), unary("argmin"), unary("clip"), unary("squeeze")
    round, cumsum, ravel, flatten = (
        unary("round"),
        unary("cumulative_sum"),
        unary("ravel"),
        unary("ravel"),
    )
    __bool__, __float__ = secret_flow("the truth", bool), secret_flow("the number", float)
    __int__, __index__, __complex__ = (
        secret_flow("the number", int),
        secret_flow("the index", int),
        secret_flow("the number", complex),
    )
    argsort, repeat, take = method_of("argsort"), method_of("repeat"), method_of("take")
    swapaxes, cumprod = method_of("swapaxes"), method_of("cumprod")
    diagonal = method_of("diagonal")
    __round__ = round
    __array__ = secret_flow("the data", np.asarray)
    item = secret_flow("the number", np.ndarray.item)
    tolist = secret_flow("the data", np.ndarray.tolist)
    __dlpack__, __dlpack_device__ = secret_flow("the data"), secret_flow("the data")
    __contains__ = secret_flow("the items")

    def __iter__(self) -> Iterator[Array]:
        """Row by row, as their number is public."""
        if not self.shape:
            refuse("COMPILE-0001", "the items of a single private value are asked for", INSTEAD["the items"])
        return iter([self[index] for index in range(len(self))])

    def __format__(self, spec: str) -> str:
        if spec:
            refuse("COMPILE-0001", "the digits of a private value are asked for", INSTEAD["the digits"])
        return repr(self)

    def copy(self) -> Array:
        """The same value; what is written into one is not in the other."""
        return Array(self.trace, self.var)

    def transpose(self, *axes: Any) -> Any:
        order = axes[0] if len(axes) == 1 and isinstance(axes[0], tuple | list) else axes
        return TABLE["permute_dims"](self, tuple(order) or tuple(range(self.ndim))[::-1])


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
