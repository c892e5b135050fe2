"""A program as a drawing: equations in layers by what they wait for, edges between them, as SVG.

Layers follow the longest path; within a layer equations stand near the middle of what they read (one sweep of
barycentres, [STT81] Sugiyama, Tagawa, Toda). Operators that send nothing and are read once are drawn inside
the one that reads them, so that what costs stands out.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tacit.run.explain.explanation import Step
from tacit.run.explain.reason import amount, duration

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 168, 50, 18, 34, 14
MOST = 160
"""Nodes that are drawn; a longer program shows its costliest ones."""


@dataclass
class Node:
    """A step in the drawing; `parents` are those drawn that it reads, directly or through hidden ones."""

    step: Step
    parents: list[str]
    layer: int = 0
    x: float = 0.0


def svg(steps: Sequence[Step], seconds: float) -> str:
    """The drawing, alone or within a page; colours are classes, so that a page can give them."""
    nodes = _nodes(steps)
    layers = _placed(nodes)
    widest = max((len(layer) for layer in layers), default=1)
    width = 2 * MARGIN + widest * (WIDTH + GAP_X) - GAP_X
    height = 2 * MARGIN + max(1, len(layers)) * (HEIGHT + GAP_Y) - GAP_Y
    body = [_edge(nodes[parent], node) for node in nodes.values() for parent in node.parents]
    body += [_box(node, seconds) for node in nodes.values()]
    return (
        f'<svg class="graph" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'xmlns="http://www.w3.org/2000/svg" role="img">{"".join(body)}</svg>'
    )


def _nodes(steps: Sequence[Step]) -> dict[str, Node]:
    """The steps that are drawn, by the name of their (first) result."""
    shown = {step.name for step in steps if _counts(step)}
    if len(shown) > MOST:
        shown = {step.name for step in sorted(steps, key=lambda step: -step.seconds)[:MOST]}
    behind: dict[str, list[str]] = {}
    nodes: dict[str, Node] = {}
    for step in steps:
        parents = list(dict.fromkeys(p for operand in step.operands for p in behind.get(operand, [])))
        if step.name in shown:
            nodes[step.name] = Node(step, parents)
            parents = [step.name]
        for result in step.name.split():
            behind[result] = parents
    return nodes


def _counts(step: Step) -> bool:
    return step.rounds > 0 or any(step.sent) or bool(step.body) or step.op == "reveal"


def _placed(nodes: Mapping[str, Node]) -> list[list[Node]]:
    layers: list[list[Node]] = []
    for node in nodes.values():
        node.layer = 1 + max((nodes[parent].layer for parent in node.parents), default=-1)
        while len(layers) <= node.layer:
            layers.append([])
        layers[node.layer].append(node)
    widest = max((len(layer) for layer in layers), default=1)
    for layer in layers:
        layer.sort(key=lambda node: _middle(node, nodes))
        start = (widest - len(layer)) * (WIDTH + GAP_X) / 2
        for place, node in enumerate(layer):
            node.x = MARGIN + start + place * (WIDTH + GAP_X)
    return layers


def _middle(node: Node, nodes: Mapping[str, Node]) -> float:
    return sum(nodes[parent].x for parent in node.parents) / len(node.parents) if node.parents else 0.0


def _top(node: Node) -> float:
    return MARGIN + node.layer * (HEIGHT + GAP_Y)


def _edge(parent: Node, node: Node) -> str:
    x0, y0 = parent.x + WIDTH / 2, _top(parent) + HEIGHT
    x1, y1 = node.x + WIDTH / 2, _top(node)
    bend = (y1 - y0) / 2
    path = f"M{x0:.0f},{y0:.0f}C{x0:.0f},{y0 + bend:.0f} {x1:.0f},{y1 - bend:.0f} {x1:.0f},{y1:.0f}"
    return f'<path class="edge" d="{path}"/>'


def _box(node: Node, seconds: float) -> str:
    step, x, y = node.step, node.x, _top(node)
    share = min(1.0, step.seconds / seconds) if seconds > 0 else 0.0
    kind = "reveal" if step.op == "reveal" else "loop" if step.body else "secret"
    title = f"{step.name} = {step.op}({', '.join(step.operands)}): {step.type}" + (
        f" · {step.where}" if step.where else ""
    )
    name = f"{step.op} × {step.repeats}" if step.body else step.op
    figures = f"{amount(sum(step.sent))} · {step.rounds} ⇄ · {duration(step.seconds)}"
    return (
        f'<g class="{kind}"><title>{html.escape(title)}</title>'
        f'<rect class="box" x="{x:.0f}" y="{y:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="7"/>'
        f'<rect class="heat" x="{x:.0f}" y="{y + HEIGHT - 5:.0f}" width="{WIDTH * share:.1f}" height="5"/>'
        f'<text class="op" x="{x + 10:.0f}" y="{y + 19:.0f}">{html.escape(name)}</text>'
        f'<text class="var" x="{x + WIDTH - 10:.0f}" y="{y + 19:.0f}" text-anchor="end">'
        f"{html.escape(step.name.split()[0])}</text>"
        f'<text class="fig" x="{x + 10:.0f}" y="{y + 36:.0f}">{html.escape(figures)}</text></g>'
    )
