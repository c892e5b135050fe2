"""Classes: positions on shares, their names beside the program.

Texts cannot be shared. Where a model gives text labels, the value is the position of the label in a list that
the model shows (`Model.labels`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tacit.base.types import INT
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast, traced
from tacit.compile.onnx.evaluate import ML, rule, unsupported
from tacit.compile.onnx.graph import Graph, Node
from tacit.compile.trace import plain


def labelled(position: Value, numbers: Sequence[int] | None) -> Value:
    """The whole numbers that stand at secret positions; the positions themselves if there are none."""
    if not numbers:
        return position
    table = np.asarray(numbers, np.int64)
    first = int(table[0])
    if np.array_equal(table, first + np.arange(len(table))):
        return position if first == 0 else xp.add(position, np.array(first))
    if not traced(position):
        return table[plain(position)]
    return xp.lookup(table, position)


def _list(default: Any, **given: Any) -> list[Any]:
    return next((list(value) for value in given.values() if value is not None), default)


@rule("LabelEncoder", domain=ML)
def _encode(
    x: Value, /, *, keys_int64s: Any = None, keys_floats: Any = None, keys_strings: Any = None,
    keys_tensor: Any = None, values_int64s: Any = None, values_floats: Any = None, values_strings: Any = None,
    values_tensor: Any = None, default_int64: int = -1, default_float: float = -0.0,
    default_string: str = "_Unused", default_tensor: Any = None, classes_strings: Any = None,
) -> Value:  # fmt: skip
    """The value of each key by comparisons; a text is its place among the values."""
    if (
        keys_strings is not None
        or (keys_tensor is not None and keys_tensor.dtype == object)
        or classes_strings
    ):
        raise unsupported("LabelEncoder of texts", "encode texts as numbers before the model")
    keys = np.asarray(_list([], a=keys_int64s, b=keys_floats, c=keys_tensor))
    numbers = _list([], a=values_int64s, b=values_floats, c=values_tensor)
    if values_strings is not None or (values_tensor is not None and values_tensor.dtype == object):
        values, default = np.arange(len(keys)), -1.0
    elif values_floats is not None or (values_tensor is not None and values_tensor.dtype.kind == "f"):
        values, default = np.asarray(numbers, float), default_float
    else:
        values, default = np.asarray(numbers, np.int64), float(default_int64)
    if default_tensor is not None and default_tensor.dtype != object:
        default = default_tensor.reshape(-1)[0]
    if keys.shape != values.shape or keys.ndim != 1:
        raise unsupported("LabelEncoder with keys and values of different number")
    hits = xp.equal(xp.expand_dims(xp.asarray(x), len(x.shape)), keys)
    base = np.asarray(default, values.dtype)
    return xp.add(xp.sum(xp.where(hits, values - base, np.zeros_like(values)), axis=-1), base)


@rule("ZipMap", domain=ML)
def _zip_map(x: Value, /, *, classlabels_int64s: Any = None, classlabels_strings: Any = None) -> Value:
    """The columns in the order of the classes: what would be maps are rows."""
    return x


@rule("OneHotEncoder", domain=ML)
def _one_hot(x: Value, /, *, cats_int64s: Any = None, cats_strings: Any = None, zeros: int = 1) -> Value:
    if not cats_int64s:
        raise unsupported("OneHotEncoder of texts", "encode texts as numbers before the model")
    hits = xp.equal(xp.expand_dims(xp.asarray(x), len(x.shape)), np.asarray(cats_int64s, np.int64))
    return xp.astype(cast(hits, INT), xp.float64)


@rule("FeatureVectorizer", domain=ML)
def _feature_vector(*values: Value, inputdimensions: Any = None) -> Value:
    rows = [xp.reshape(value, (value.shape[0], -1)) for value in values]
    return xp.astype(xp.concat(rows, axis=1), xp.float64)


@rule("CategoryMapper", domain=ML)
def _category(x: Value, /, **_: Any) -> Value:
    raise unsupported("CategoryMapper", "encode texts as numbers before the model")


_PASSING = {"Identity", "Reshape", "Cast", "Squeeze", "Unsqueeze", "Flatten", "ZipMap"}


def labels(graph: Graph) -> dict[str, tuple[Any, ...]]:
    """For outputs that are classes or have a column for each class: what these are, in order."""
    givers = {name: node for node in graph.nodes for name in node.outs}
    found = {name: _classes(graph, givers, name) for name in graph.outs}
    return {name: classes for name, classes in found.items() if classes}


def _classes(graph: Graph, givers: dict[str, Node], name: str) -> tuple[Any, ...]:
    node = givers.get(name)
    while node is not None:
        for key in ("classlabels_strings", "classlabels_int64s", "classlabels_ints"):
            if node.attributes.get(key):
                return tuple(node.attributes[key])
        if node.op == "LabelEncoder" and node.attributes.get("values_strings"):
            return tuple(node.attributes["values_strings"])
        if node.op == "ArrayFeatureExtractor" and node.ins[0] in graph.constants:
            return tuple(graph.constants[node.ins[0]].reshape(-1).tolist())
        node = givers.get(node.ins[0]) if node.op in _PASSING and node.ins else None
    return ()
