"""Chains of nodes that are one function: normalisation and gelu as exporters write them in small steps.

As one function they cost less on shares, and it is known how large their results are: an element over the
root of the mean of squares is at most the root of their number, which ranges of single values do not show.
What the chain computed in between stays for others who use it; if there are none, nobody computes it.

    x / sqrt(mean(x * x) + eps)                        Normalised (x over its root mean square)
    x * (erf(x / sqrt(2)) + 1), x perhaps scaled       ScaledGelu
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tacit.compile import array as xp
from tacit.compile.coerce import Value
from tacit.compile.onnx.evaluate import rule
from tacit.compile.onnx.graph import Graph, Node
from tacit.compile.onnx.layers import normalised

OWN = "tacit"
"""The domain of the operators that stand for such chains."""


@rule("Normalised", domain=OWN)
def _normalised(x: Value, square: Value, epsilon: Value, /) -> Value:
    return normalised(x, square, float(np.asarray(epsilon).reshape(())))


@rule("ScaledGelu", domain=OWN)
def _scaled_gelu(x: Value, /, *, factor: float) -> Value:
    return xp.multiply(xp.gelu(x), factor)


def simplified(graph: Graph) -> Graph:
    """The graph with such chains as one node each, where they end."""
    view = _View(graph, {name: node for node in graph.nodes for name in node.outs})
    return replace(graph, nodes=tuple(view.one(node) for node in graph.nodes))


@dataclass(frozen=True)
class _View:
    graph: Graph
    givers: Mapping[str, Node]

    def one(self, node: Node) -> Node:
        """The node, or what stands for the chain that it ends."""
        if node.domain or node.lent or len(node.ins) != 2:
            return node
        if node.op == "Div":
            return self._over_root(node, node.ins[0], node.ins[1]) or node
        if node.op == "Mul":
            for x, other in (node.ins, node.ins[::-1]):
                found = self._times_inverse(node, x, other) or self._gelu(node, x, other)
                if found:
                    return found
        return node

    def giver(self, name: str, op: str) -> Node | None:
        node = self.givers.get(name)
        return node if node is not None and node.op == op and not node.domain else None

    def number(self, name: str) -> float | None:
        """A constant of one element."""
        value = self.graph.constants.get(name)
        node = self.givers.get(name)
        if value is None and node is not None and node.op == "Constant":
            found = node.attributes.get("value", node.attributes.get("value_float"))
            value = None if found is None else np.asarray(found)
        if value is None or value.size != 1 or value.dtype.kind not in "fi":
            return None
        return float(value.reshape(-1)[0])

    def _with_number(self, node: Node) -> tuple[str, float, str] | None:
        """(the other input, the number, its name) of a node of two inputs one of which is a number."""
        for x, other in (node.ins, node.ins[::-1]) if node.op != "Div" else (node.ins,):
            value = self.number(other)
            if value is not None:
                return x, value, other
        return None

    def _times_inverse(self, node: Node, x: str, other: str) -> Node | None:
        """x times the reciprocal of a root, or 1 over it."""
        inverse = self.giver(other, "Reciprocal")
        if inverse is not None:
            return self._over_root(node, x, inverse.ins[0])
        quotient = self.giver(other, "Div")
        if quotient is not None and self.number(quotient.ins[0]) == 1.0:
            return self._over_root(node, x, quotient.ins[1])
        return None

    def _over_root(self, node: Node, x: str, divisor: str) -> Node | None:
        root = self.giver(divisor, "Sqrt")
        total = self.giver(root.ins[0], "Add") if root is not None else None
        parts = self._with_number(total) if total is not None else None
        if parts is None or not 0.0 < parts[1] <= 1.0:
            return None
        mean = self.giver(parts[0], "ReduceMean")
        if mean is None or mean.attributes.get("keepdims", 1) != 1 or not self._square(mean.ins[0], x):
            return None
        return self._instead(node, "Normalised", (x, parts[0], parts[2]))

    def _square(self, name: str, x: str) -> bool:
        product, power = self.giver(name, "Mul"), self.giver(name, "Pow")
        if product is not None:
            return tuple(product.ins) == (x, x)
        return power is not None and power.ins[0] == x and self.number(power.ins[1]) == 2.0

    def _gelu(self, node: Node, x: str, other: str) -> Node | None:
        total = self.giver(other, "Add")
        parts = self._with_number(total) if total is not None else None
        error = self.giver(parts[0], "Erf") if parts is not None and parts[1] == 1.0 else None
        inner = self.givers.get(error.ins[0]) if error is not None else None
        if inner is None or inner.op not in ("Div", "Mul") or inner.domain:
            return None
        scaled = self._with_number(inner)
        wanted = math.sqrt(2.0) if inner.op == "Div" else math.sqrt(0.5)
        if scaled is None or abs(scaled[1] - wanted) > 1e-4:
            return None
        factor = self._multiple(x, scaled[0])
        return (
            None if factor is None else self._instead(node, "ScaledGelu", (scaled[0],), factor=2.0 * factor)
        )

    def _multiple(self, name: str, x: str) -> float | None:
        """How many times x it is."""
        if name == x:
            return 1.0
        product = self.giver(name, "Mul")
        parts = self._with_number(product) if product is not None else None
        return parts[1] if parts is not None and parts[0] == x else None

    @staticmethod
    def _instead(node: Node, op: str, ins: tuple[str, ...], **attributes: Any) -> Node:
        return replace(node, op=op, domain=OWN, ins=ins, attributes=attributes)
