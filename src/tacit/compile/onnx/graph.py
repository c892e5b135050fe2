"""A model as a checked value: nodes in order, constants, and what goes in and comes out.

Whatever a file says is hostile until it is checked here; a `Graph` that exists has names that are defined
once and before their use, tensors of known types whose data fill their shapes, and no reference to other
files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx
import onnx.inliner
from onnx import numpy_helper

from tacit.base.errors import UsageError
from tacit.base.types import BOOL, FIXED, INT, DType
from tacit.ir.op import numpy_dtype

MOST_ELEMENTS = 1 << 26
"""Of one tensor."""
_LONGEST_NAME = 512
_REALS = (1, 10, 11, 16)
_WHOLE = (2, 3, 4, 5, 6, 7, 12, 13)
_TRUTH, _TEXT = 9, 8
KINDS: dict[int, DType] = {
    **dict.fromkeys(_REALS, FIXED),
    **dict.fromkeys(_WHOLE, INT),
    _TRUTH: BOOL,
}
"""Element types of ONNX and what stands for them here."""
DOMAINS = {"": "", "ai.onnx": "", "ai.onnx.ml": "ai.onnx.ml"}


@dataclass(frozen=True)
class Slot:
    """A named input: its dtype and its shape, None for sizes that the model leaves open, if it says any."""

    name: str
    dtype: DType | None
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Node:
    """outs = op(ins, attributes); an input that is left out is the empty name.

    `lent`: attributes whose values are the last inputs instead, since somebody holds them (`split`).
    """

    op: str
    domain: str
    name: str
    ins: tuple[str, ...]
    outs: tuple[str, ...]
    attributes: Mapping[str, Any]
    lent: tuple[str, ...] = ()

    def __str__(self) -> str:
        kind = f"{self.domain}.{self.op}" if self.domain else self.op
        return f"node {self.name!r} ({kind})" if self.name else f"the {kind} node that gives {self.outs[0]!r}"


@dataclass(frozen=True)
class Graph:
    """`constants`: by name, float64, int64 or bool arrays, or arrays of texts."""

    ins: tuple[Slot, ...]
    nodes: tuple[Node, ...]
    outs: tuple[str, ...]
    constants: Mapping[str, np.ndarray] = field(default_factory=dict)


def refused(message: str, hint: str = "check the file with onnx.checker.check_model") -> UsageError:
    return UsageError("ONNX-0001", message, hint=hint)


def read_model(source: Any) -> onnx.ModelProto:
    """The model at a path, in bytes, or as it is. Raises UsageError ONNX-0001 if it is none."""
    if isinstance(source, onnx.ModelProto):
        return source
    try:
        if isinstance(source, bytes | bytearray):
            return onnx.load_model_from_string(bytes(source))
        return onnx.load_model(source, load_external_data=False)
    except OSError as error:
        raise refused(f"the model cannot be read: {error.strerror}", "see the path") from None
    except Exception:
        raise refused("this is no ONNX model", "pass a path, bytes or a ModelProto") from None


def inlined(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without functions of its own. Raises UsageError ONNX-0001."""
    if not model.functions:
        return model
    try:
        return onnx.inliner.inline_local_functions(model)
    except Exception:
        raise refused("the functions that the model defines cannot be put in their places") from None


def opsets(model: onnx.ModelProto) -> dict[str, int]:
    """The version of each operator set that the model imports."""
    found: dict[str, int] = {}
    for entry in model.opset_import:
        domain = DOMAINS.get(entry.domain, entry.domain)
        found[domain] = int(entry.version)
    if not found.get("", 9) >= 7:
        raise refused(f"operator set {found['']} is too old", "convert it with onnx.version_converter")
    return found


def graph_of(proto: onnx.GraphProto, *, inner: bool = False) -> Graph:
    """The checked graph; an inner one may use names of the graphs around it, which are checked there.

    Raises: UsageError ONNX-0001, ONNX-0003.
    """
    if proto.sparse_initializer:
        raise UsageError("ONNX-0003", "the model has sparse tensors", hint="store them as dense ones")
    constants = {_name(tensor.name): tensor_of(tensor) for tensor in proto.initializer}
    if len(constants) != len(proto.initializer):
        raise refused("two initializers have the same name")
    ins = tuple(_slot(value, inner) for value in proto.input if value.name not in constants)
    defined = set(constants)
    for slot in ins:
        _define(defined, slot.name)
    kinds = {tensor.name: tensor.data_type for tensor in proto.initializer}
    nodes = _ordered([_typed(_node(node), kinds) for node in proto.node], defined, inner)
    outs = tuple(_name(value.name) for value in proto.output)
    missing = [name for name in outs if name not in defined and not inner]
    if missing:
        raise refused(f"nothing gives the output {missing[0]!r}")
    if not outs or len(set(outs)) != len(outs):
        raise refused("the graph has no output, or two of the same name")
    return Graph(ins, nodes, outs, constants)


def _name(name: str) -> str:
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise refused("a name in the model is empty, too long or not printable")
    return name


def _define(defined: set[str], name: str) -> None:
    if name in defined:
        raise refused(f"two things are called {name!r}")
    defined.add(_name(name))


def _ordered(nodes: Sequence[Node], defined: set[str], inner: bool) -> tuple[Node, ...]:
    """The nodes such that each uses only what is there; `defined` gets their outputs."""
    givers: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in filter(None, node.outs):
            _define(defined, name)
            givers[name] = index
    waiting: list[set[int]] = []
    users: dict[int, list[int]] = {}
    for index, node in enumerate(nodes):
        lost = [name for name in _uses(node) if name and name not in defined]
        if lost and not inner:
            raise refused(f"{node} uses {lost[0]!r}, which nothing gives")
        waiting.append({givers[name] for name in _uses(node) if name in givers})
        for giver in waiting[-1]:
            users.setdefault(giver, []).append(index)
    order = [index for index, need in enumerate(waiting) if not need]
    for index in order:
        for user in users.get(index, ()):
            waiting[user].discard(index)
            if not waiting[user]:
                order.append(user)
    if len(order) != len(nodes):
        stuck = next(node for node, need in zip(nodes, waiting, strict=True) if need)
        raise refused(f"the graph has a cycle through {stuck}")
    return tuple(nodes[index] for index in order)


def _uses(node: Node) -> list[str]:
    """What a node and the graphs in it use from outside."""
    inner = [graph for graph in node.attributes.values() if isinstance(graph, Graph)]
    return [*node.ins, *(name for graph in inner for name in _free(graph))]


def _free(graph: Graph) -> list[str]:
    own = {slot.name for slot in graph.ins} | set(graph.constants)
    own |= {name for node in graph.nodes for name in node.outs}
    used = [name for node in graph.nodes for name in _uses(node)]
    return [name for name in (*used, *graph.outs) if name and name not in own]


LENT = "tacit_lent"
"""The attribute of a node without weights that names those of its attributes that are inputs (`split`)."""


def _node(proto: onnx.NodeProto) -> Node:
    attributes = {attribute.name: _attribute(attribute) for attribute in proto.attribute}
    lent = attributes.pop(LENT, ())
    outs = tuple(proto.output)
    while outs and not outs[-1]:
        outs = outs[:-1]
    if not outs or len(attributes) + bool(lent) != len(proto.attribute):
        raise refused(f"a {proto.op_type!r} node gives nothing, or names an attribute twice")
    domain = DOMAINS.get(proto.domain, proto.domain)
    return Node(proto.op_type, domain, proto.name, tuple(proto.input), outs, attributes, lent)


def _typed(node: Node, kinds: Mapping[str, int]) -> Node:
    """A node that rounds to the type of its zero says so, since all whole numbers are of one type here."""
    if node.op != "QuantizeLinear" or len(node.ins) < 3 or node.attributes.get("output_dtype"):
        return node
    kind = kinds.get(node.ins[2], 0)
    return replace(node, attributes={**node.attributes, "output_dtype": kind})


def _attribute(proto: onnx.AttributeProto) -> Any:
    kinds = onnx.AttributeProto
    readers: dict[int, Callable[[], Any]] = {
        kinds.FLOAT: lambda: proto.f,
        kinds.INT: lambda: proto.i,
        kinds.FLOATS: lambda: tuple(proto.floats),
        kinds.INTS: lambda: tuple(proto.ints),
        kinds.STRING: lambda: proto.s.decode(errors="replace"),
        kinds.STRINGS: lambda: tuple(text.decode(errors="replace") for text in proto.strings),
        kinds.TENSOR: lambda: tensor_of(proto.t),
        kinds.GRAPH: lambda: graph_of(proto.g, inner=True),
    }
    if proto.type not in readers:
        raise UsageError(
            "ONNX-0003", f"attribute {proto.name!r} is of a kind that is not read", hint="use dense tensors"
        )
    return readers[proto.type]()


def tensor_of(proto: onnx.TensorProto) -> np.ndarray:
    """float64, int64, bool or text; the data are in the model itself and fill the shape."""
    name = proto.name or "without a name"
    if proto.data_location == onnx.TensorProto.EXTERNAL or proto.external_data:
        where = next((entry.value for entry in proto.external_data if entry.key == "location"), "")
        raise refused(
            f"tensor {name!r} refers to another file, {where!r}, which is not opened",
            "load it where it was made and store one file: onnx.save_model(onnx.load(path), new_path)",
        )
    if proto.data_type not in KINDS and proto.data_type != _TEXT:
        raise UsageError(
            "ONNX-0003",
            f"tensor {name!r} has element type {proto.data_type}",
            hint="use floats, ints or bools",
        )
    if any(size < 0 for size in proto.dims) or math.prod(proto.dims) > MOST_ELEMENTS:
        raise refused(f"tensor {name!r} has an impossible shape, {tuple(proto.dims)}")
    try:
        data = numpy_helper.to_array(proto)
    except Exception:
        raise refused(f"the data of tensor {name!r} do not fill its shape {tuple(proto.dims)}") from None
    if proto.data_type == _TEXT:
        texts = [one.decode(errors="replace") if isinstance(one, bytes) else str(one) for one in data.flat]
        return np.array(texts, dtype=object).reshape(data.shape)
    if data.dtype == np.uint64 and data.size and data.max() >= 1 << 62:
        raise UsageError("ONNX-0003", f"tensor {name!r} has integers from 2^62 on", hint="use smaller ones")
    return data.astype(numpy_dtype(KINDS[proto.data_type]))


def _slot(proto: onnx.ValueInfoProto, inner: bool) -> Slot:
    name, tensor = _name(proto.name), proto.type.tensor_type
    if inner and not proto.type.WhichOneof("value"):
        return Slot(name, None, None)
    if proto.type.WhichOneof("value") != "tensor_type" or tensor.elem_type not in KINDS:
        raise UsageError(
            "ONNX-0003",
            f"the input {name!r} is no tensor of floats, ints or bools",
            hint="encode texts as numbers before the model; sequences and maps are not read",
        )
    shape = None
    if tensor.HasField("shape"):
        shape = tuple(one.dim_value if one.HasField("dim_value") else None for one in tensor.shape.dim)
    return Slot(name, KINDS[tensor.elem_type], shape)
