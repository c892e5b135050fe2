"""A trained model as a function of traced values or data, with its weights inside or as further inputs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import onnx

from tacit.base.errors import UsageError
from tacit.base.types import BOOL, FIXED
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast
from tacit.compile.onnx.evaluate import ML, Scope, shapes
from tacit.compile.onnx.graph import LENT, Graph, Slot, graph_of, inlined, opsets, read_model, refused
from tacit.compile.onnx.labels import labels
from tacit.compile.onnx.patterns import simplified
from tacit.compile.trace import Array, dtype_of

IN_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "LinearRegressor": ("coefficients", "intercepts"),
    "LinearClassifier": ("coefficients", "intercepts"),
    "SVMRegressor": ("support_vectors", "coefficients", "rho"),
    "SVMClassifier": ("support_vectors", "coefficients", "rho", "prob_a", "prob_b"),
    "TreeEnsembleRegressor": ("nodes_values", "target_weights", "base_values"),
    "TreeEnsembleClassifier": ("nodes_values", "class_weights", "base_values"),
    "TreeEnsemble": ("nodes_splits", "leaf_weights"),
    "Scaler": ("offset", "scale"),
}
"""Attributes of ai.onnx.ml in which models keep what they have learnt."""
STRUCTURE = {
    "Resize": (1, 2, 3), "Upsample": (1,), "Pad": (2,), "Clip": (1, 2), "Range": (0, 1, 2), "Dropout": (1,),
    "OneHot": (2,),
}  # fmt: skip
"""Inputs of reals, by position, that shape a computation and are no weights."""


class Model:
    """A callable: `model(x)` on data computes in the clear, `tacit.secure(model)` makes it private.

    Inputs are those of the file in order, outputs one array or a dict by name. `labels` says for outputs that
    are classes, or have a column for each, what these are; text labels are given as positions in that list.
    """

    def __init__(self, proto: onnx.ModelProto) -> None:
        if not proto.HasField("graph"):
            raise refused("the model has no graph")
        self._proto = proto
        self._opsets = opsets(proto)
        self._graph = graph_of(proto.graph)
        self._steps = simplified(self._graph)
        self.__name__ = re.sub(r"\W", "_", proto.graph.name)[:40] or "model"
        self.labels: Mapping[str, tuple[Any, ...]] = labels(self._graph)

    @property
    def inputs(self) -> tuple[Slot, ...]:
        return self._graph.ins

    @property
    def outputs(self) -> tuple[str, ...]:
        return self._graph.outs

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """What the model has learnt, by name: tensors of reals, and what ai.onnx.ml keeps in attributes."""
        return {**_tensors(self._graph), **_attributes(self._graph)}

    def __call__(self, *values: Value) -> Any:
        """Raises: UsageError ONNX-0002 to -0005, naming the node."""
        if len(values) != len(self.inputs):
            names = ", ".join(slot.name for slot in self.inputs)
            raise shapes(f"the model takes {len(self.inputs)} inputs ({names}), not {len(values)}")
        given = [_fitting(slot, value) for slot, value in zip(self.inputs, values, strict=True)]
        outs = Scope({}, self._opsets).run(self._steps, given)
        if len(outs) == 1:
            return outs[0]
        return dict(zip(self.outputs, outs, strict=True))

    def split(self, names: Iterable[str] | None = None) -> tuple[Model, dict[str, np.ndarray]]:
        """(the model without its weights, these): they are further inputs of the first, in this order.

        The first may be given to everybody (`to_bytes`); who trained the model keeps the second. `names`:
        which weights, all if None. Public all the same: the graph, shapes, which feature a tree asks for,
        and constants that are no weights.
        """
        mine = self.weights
        chosen = list(mine) if names is None else list(names)
        strange = [name for name in chosen if name not in mine]
        if strange:
            raise UsageError("ONNX-0005", f"the model has no weight {strange[0]!r}", hint="see Model.weights")
        if names is None:
            _nothing_inside(self._graph)
        bare = _without(self._proto, [name for name in mine if name in chosen], mine)
        return Model(bare), {name: mine[name] for name in mine if name in chosen}

    def to_bytes(self) -> bytes:
        """An ONNX file; of a model without weights one that `load` reads, and others may not."""
        return bytes(self._proto.SerializeToString())

    def __repr__(self) -> str:
        ins = ", ".join(f"{slot.name}: {slot.dtype}{list(slot.shape or ())}" for slot in self.inputs)
        return f"Model({self.__name__}: {ins} -> {', '.join(self.outputs)})"


def load(source: Any) -> Model:
    """The model at a path, in bytes or in an `onnx.ModelProto`.

    Raises: UsageError ONNX-0001 for what is no sound model, ONNX-0002, ONNX-0003 for what is not supported.
    """
    return Model(inlined(read_model(source)))


def _fitting(slot: Slot, value: Value) -> Value:
    given = xp.asarray(value)
    if slot.shape is not None:
        pairs = zip(slot.shape, given.shape, strict=False)
        if len(slot.shape) != given.ndim or any(want not in (None, 0, have) for want, have in pairs):
            wanted = ["any" if size is None else size for size in slot.shape]
            raise shapes(f"the input {slot.name!r} has shape {tuple(given.shape)}, the model wants {wanted}")
    if slot.dtype is None or dtype_of(given) == slot.dtype:
        return given
    if slot.dtype != FIXED or dtype_of(given) == BOOL:
        have = dtype_of(given)
        raise shapes(f"the input {slot.name!r} is of dtype {have}, the model wants {slot.dtype}")
    return cast(given, FIXED) if isinstance(given, Array) else given.astype(float)


# --- weights --------------------------------------------------------------------------------------------


def _tensors(graph: Graph) -> dict[str, np.ndarray]:
    structural = {
        node.ins[place]
        for node in graph.nodes
        for place in STRUCTURE.get(node.op, ())
        if place < len(node.ins)
    }
    found = dict(graph.constants)
    for node in graph.nodes:
        if node.op == "Constant" and isinstance(node.attributes.get("value"), np.ndarray):
            found[node.outs[0]] = node.attributes["value"]
    return {
        name: value
        for name, value in found.items()
        if value.dtype == np.float64 and value.ndim and name not in structural
    }


def _attributes(graph: Graph) -> dict[str, np.ndarray]:
    return {
        f"{node.outs[0]}.{key}": np.asarray(node.attributes[key], float).reshape(-1)
        for node in graph.nodes
        if node.domain == ML
        for key in IN_ATTRIBUTES.get(node.op, ())
        if len(node.attributes.get(key, ()))
    }


def _nothing_inside(graph: Graph) -> None:
    for node in graph.nodes:
        for inner in node.attributes.values():
            if isinstance(inner, Graph) and _tensors(inner):
                raise UsageError(
                    "ONNX-0005",
                    f"{node} keeps weights in an inner graph, which would stay public",
                    hint="move them into the outer graph, or name the weights to take",
                )


def _without(proto: onnx.ModelProto, names: list[str], values: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """The model with these weights as inputs, and without texts and training graphs that might tell them."""
    bare = onnx.ModelProto()
    bare.CopyFrom(proto)
    graph = bare.graph
    for field in (bare.metadata_props, bare.training_info, graph.value_info, graph.quantization_annotation):
        del field[:]
    bare.doc_string = graph.doc_string = ""
    kept = [tensor for tensor in graph.initializer if tensor.name not in names]
    listed = [value for value in graph.input if value.name not in names]
    nodes = [node for node in graph.node if not (node.op_type == "Constant" and node.output[0] in names)]
    for node in nodes:
        _lend(node, names)
    for field, new in ((graph.initializer, kept), (graph.input, listed), (graph.node, nodes)):
        copies = [type(one).FromString(one.SerializeToString()) for one in new]
        del field[:]
        field.extend(copies)
    for name in names:
        info = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, values[name].shape)
        graph.input.append(info)
    return bare


def _lend(node: onnx.NodeProto, names: list[str]) -> None:
    """Attributes among `names` become inputs of the node."""
    node.doc_string = ""
    del node.metadata_props[:]
    lent = [
        key
        for key in IN_ATTRIBUTES.get(node.op_type, ())
        if node.output and f"{node.output[0]}.{key}" in names
    ]
    if not lent:
        return
    keys = set(lent) | {f"{key}_as_tensor" for key in lent}
    kept = [attribute for attribute in node.attribute if attribute.name not in keys]
    copies = [onnx.AttributeProto.FromString(one.SerializeToString()) for one in kept]
    del node.attribute[:]
    node.attribute.extend(copies)
    node.attribute.append(onnx.helper.make_attribute(LENT, lent))
    node.input.extend(f"{node.output[0]}.{key}" for key in lent)
