"""Ensembles of decision trees (ai.onnx.ml).

All comparisons of all trees run at once. Then, level by level from the roots, a bit says whether a row
reaches a node: an AND gives the one child, the other is what remains. The bits of the leaves, of which each
tree has one, times the weights of the leaves are the scores.

Public: the shape of the trees, which feature each node asks for, which targets leaves add to. Thresholds and
weights of leaves may be private values of the model's owner.

Cost: nodes x rows comparisons, about log2 of the depth more rounds than one comparison plus the depth, and a
conversion of a bit for each leaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tacit.base.types import FIXED, INT
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast
from tacit.compile.onnx.evaluate import ML, rule, shapes, unsupported
from tacit.compile.onnx.labels import labelled
from tacit.compile.onnx.linear import held, link

_TESTS: dict[str, Any] = {
    "BRANCH_LEQ": xp.less_equal,
    "BRANCH_LT": xp.less,
    "BRANCH_GTE": xp.greater_equal,
    "BRANCH_GT": xp.greater,
    "BRANCH_EQ": xp.equal,
    "BRANCH_NEQ": xp.not_equal,
}


@dataclass(frozen=True)
class Forest:
    """Nodes of all trees by number: `asks` those with a test, `children` (yes, no) of each, -1 for leaves."""

    features: np.ndarray
    modes: Sequence[str]
    children: np.ndarray
    roots: np.ndarray
    places: dict[tuple[int, int], int]

    @property
    def leaves(self) -> np.ndarray:
        return np.flatnonzero(self.children[:, 0] < 0)


def _forest(attributes: dict[str, Any], n_features: int) -> Forest:
    """Raises UsageError ONNX-0004 for what is not a forest: nodes of two parents, loops, lost children."""
    parts = ("treeids", "nodeids", "featureids", "modes", "truenodeids", "falsenodeids")
    trees, nodes, features, modes, yes, no = (attributes.get(f"nodes_{part}", ()) for part in parts)
    keys = list(zip(trees, nodes, strict=True))
    places = {key: place for place, key in enumerate(keys)}
    children = np.full((len(keys), 2), -1)
    for place, (key, mode, one, other) in enumerate(zip(keys, modes, yes, no, strict=True)):
        if mode == "LEAF":
            continue
        if mode not in _TESTS:
            raise unsupported(f"the test {mode!r} of trees", "re-export the trees with BRANCH_LEQ")
        for side, child in enumerate((one, other)):
            if (key[0], child) not in places:
                raise shapes(f"tree {key[0]} has no node {child}")
            children[place, side] = places[key[0], child]
    asks = np.asarray(features)[children[:, 0] >= 0]
    if len(places) != len(keys) or (asks.size and not (asks.min() >= 0 and asks.max() < n_features)):
        raise shapes(f"trees ask for features outside the {n_features} there are, or number nodes twice")
    parents = np.bincount(children[children >= 0], minlength=len(keys))
    roots = np.flatnonzero(parents == 0)
    if np.any(parents > 1) or len(roots) != len(set(trees)) or _count(children, roots) != len(keys):
        raise shapes("a tree has no root or more than one, or a loop")
    return Forest(np.asarray(features), modes, children, roots, places)


def _count(children: np.ndarray, roots: np.ndarray) -> int:
    """How many nodes are reached from the roots."""
    seen, level = 0, roots
    while len(level):
        seen += len(level)
        below = children[level].reshape(-1)
        level = below[below >= 0]
    return seen


def _reached(x: Value, forest: Forest, thresholds: Value) -> Value:
    """Bools [rows, leaves], in the order of `forest.leaves`."""
    inner = np.flatnonzero(forest.children[:, 0] >= 0)
    n_rows = x.shape[0]
    if not len(inner):
        return np.ones((n_rows, len(forest.leaves)), bool)
    answers = _answers(x, forest, thresholds, inner)
    column_of = {int(node): column for column, node in enumerate(inner)}
    # Level by level: bits of the nodes of this level that are tests, and of all leaves met so far.
    bits: Value | None = None
    level, met, found = forest.roots, [], []
    while len(level):
        tests = forest.children[level, 0] >= 0
        done = np.flatnonzero(~tests)
        if len(done):
            met += level[done].tolist()
            here = np.ones((n_rows, len(done)), bool) if bits is None else xp.take(bits, done, axis=1)
            found.append(here)
        going = np.flatnonzero(tests)
        if not len(going):
            break
        chosen = xp.take(answers, np.array([column_of[int(node)] for node in level[going]]), axis=1)
        if bits is None:
            yes, no = chosen, xp.logical_not(chosen)
        else:
            reach = xp.take(bits, going, axis=1)
            yes = xp.logical_and(reach, chosen)
            no = xp.logical_xor(reach, yes)
        bits = xp.concat([yes, no], axis=1)
        level = np.concatenate([forest.children[level[going], 0], forest.children[level[going], 1]])
    place = {node: column for column, node in enumerate(met)}
    order = np.array([place[int(leaf)] for leaf in forest.leaves])
    return xp.take(xp.concat([xp.asarray(part) for part in found], axis=1), order, axis=1)


def _answers(x: Value, forest: Forest, thresholds: Value, inner: np.ndarray) -> Value:
    """Bools [rows, tests]: which way each row goes at each test."""
    by_mode: dict[str, list[int]] = {}
    for column, node in enumerate(inner):
        by_mode.setdefault(forest.modes[int(node)], []).append(column)
    parts, order = [], []
    for mode, columns in by_mode.items():
        nodes = inner[columns]
        values = xp.take(xp.asarray(x), forest.features[nodes], axis=1)
        parts.append(_TESTS[mode](values, xp.take(thresholds, nodes, axis=0)))
        order += columns
    return xp.take(xp.concat(parts, axis=1), np.argsort(order), axis=1)


def _scores(
    x: Value, attributes: dict[str, Any], kind: str, n: int, aggregate: str = "SUM", base: Any = None
) -> Value:
    """[rows, n]: what the leaves that are reached add up to."""
    forest = _forest(attributes, x.shape[-1])
    reached = _reached(cast(x, FIXED), forest, held(attributes["nodes_values"]))
    trees, nodes, targets = (attributes[f"{kind}_{name}"] for name in ("treeids", "nodeids", "ids"))
    if aggregate not in ("SUM", "AVERAGE"):
        raise unsupported(f"trees aggregated by {aggregate!r}", "use SUM or AVERAGE")
    column = {int(leaf): place for place, leaf in enumerate(forest.leaves)}
    rows = [column.get(forest.places.get(key, -1), -1) for key in zip(trees, nodes, strict=True)]
    if -1 in rows or not all(0 <= target < n for target in targets):
        raise shapes("weights of trees belong to no leaf or no target")
    found = _weighted(reached, held(attributes[f"{kind}_weights"]), np.array(rows), np.array(targets), n)
    if aggregate == "AVERAGE":
        found = xp.multiply(found, 1.0 / len(forest.roots))
    return found if base is None else xp.add(found, held(base))


def _weighted(reached: Value, weights: Value, rows: np.ndarray, targets: np.ndarray, n: int) -> Value:
    """Bits times the weights of their leaves, summed by target."""
    columns = []
    for target in range(n):
        mine = np.flatnonzero(targets == target)
        if not len(mine):
            columns.append(np.zeros(reached.shape[0]))
            continue
        chosen = cast(cast(xp.take(reached, rows[mine], axis=1), INT), FIXED)
        columns.append(xp.matmul(chosen, xp.take(weights, mine, axis=0)))
    return xp.stack(columns, axis=1)


_NODES = (
    "nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_modes", "nodes_values", "nodes_truenodeids",
    "nodes_falsenodeids",
)  # fmt: skip


def _plain_tensors(given: dict[str, Any], allowed: Sequence[str]) -> dict[str, Any]:
    """Attributes, those of double precision under the names of single precision."""
    named = {name.removesuffix("_as_tensor"): value for name, value in given.items()}
    idle = {"nodes_hitrates", "nodes_missing_value_tracks_true"}
    strange = set(named) - set(allowed) - idle
    if strange:
        raise unsupported(f"the attribute {min(strange)!r} of trees")
    return named


@rule("TreeEnsembleRegressor", domain=ML)
def _regressor(
    x: Value,
    /,
    *,
    n_targets: int = 1,
    aggregate_function: str = "SUM",
    post_transform: str = "NONE",
    **given: Any,
) -> Value:
    weights = ("target_treeids", "target_nodeids", "target_ids", "target_weights", "base_values")
    named = _plain_tensors(given, (*_NODES, *weights))
    scores = _scores(x, named, "target", n_targets, aggregate_function, named.get("base_values"))
    return link(scores, post_transform)


@rule("TreeEnsembleClassifier", domain=ML)
def _classifier(
    x: Value, /, *, classlabels_int64s: Any = None, classlabels_strings: Any = None,
    post_transform: str = "NONE", **given: Any,
) -> Any:  # fmt: skip
    """With weights for one class only, of two, there is one score: of the second class."""
    weights = ("class_treeids", "class_nodeids", "class_ids", "class_weights", "base_values")
    named = _plain_tensors(given, (*_NODES, *weights))
    n = len(classlabels_int64s or classlabels_strings or ())
    base = named.get("base_values")
    if n == 2 and len(set(named["class_ids"])) == 1:
        kept = {**named, "class_ids": (0,) * len(named["class_ids"])}
        one = _scores(x, kept, "class", 1, base=None if base is None else held(base)[-1:])[:, 0]
        return _of_two(one, post_transform, classlabels_int64s)
    scores = _scores(x, named, "class", n, base=base)
    return labelled(xp.argmax(scores, axis=1), classlabels_int64s), link(scores, post_transform)


def _of_two(score: Value, post_transform: str, numbers: Any) -> tuple[Value, Value]:
    """Probabilities are one and the rest; scores have both signs."""
    if post_transform == "NONE":
        position = cast(xp.greater(score, 0.5), INT)
        return labelled(position, numbers), xp.stack([xp.subtract(1.0, score), score], axis=1)
    position = cast(xp.greater(score, 0.0), INT)
    if post_transform == "LOGISTIC":
        likely = xp.sigmoid(score)
        return labelled(position, numbers), xp.stack([xp.subtract(1.0, likely), likely], axis=1)
    both = xp.stack([xp.negative(score), score], axis=1)
    return labelled(position, numbers), link(both, post_transform)


# --- trees of version 5 ---------------------------------------------------------------------------------

_MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")
_AGGREGATES = ("AVERAGE", "SUM", "MIN", "MAX")
_LINKS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")


@rule("TreeEnsemble", domain=ML)
def _ensemble(
    x: Value, /, *, nodes_featureids: Any, nodes_splits: Any, nodes_modes: Any, nodes_truenodeids: Any,
    nodes_falsenodeids: Any, nodes_trueleafs: Any, nodes_falseleafs: Any, tree_roots: Any,
    leaf_targetids: Any, leaf_weights: Any, n_targets: int = 1, aggregate_function: int = 1,
    post_transform: int = 0, nodes_hitrates: Any = None, nodes_missing_value_tracks_true: Any = None,
    membership_values: Any = None,
) -> Value:  # fmt: skip
    """Nodes and leaves are two lists here; a leaf is a node after all others."""
    modes = np.asarray(nodes_modes).reshape(-1).tolist()
    n, n_leaves = len(modes), len(leaf_targetids)
    if any(mode >= len(_MODES) for mode in modes):
        raise unsupported("trees that ask for members of sets", "re-export the trees with BRANCH_LEQ")
    sides = [
        [n + child if leaf else child for child, leaf in zip(ids, leaves, strict=True)]
        for ids, leaves in (
            (nodes_truenodeids, nodes_trueleafs),
            (nodes_falsenodeids, nodes_falseleafs),
        )
    ]
    numbers = tuple(range(n + n_leaves))
    owners = _owners(sides, tree_roots, n, n + n_leaves)
    splits = held(nodes_splits)
    attributes = {
        "nodes_treeids": owners,
        "nodes_nodeids": numbers,
        "nodes_featureids": (*nodes_featureids, *(0,) * n_leaves),
        "nodes_modes": (*(_MODES[mode] for mode in modes), *("LEAF",) * n_leaves),
        "nodes_truenodeids": (*sides[0], *(0,) * n_leaves),
        "nodes_falsenodeids": (*sides[1], *(0,) * n_leaves),
        "nodes_values": xp.concat([xp.reshape(splits, (-1,)), np.zeros(n_leaves)]),
        "target_treeids": owners[n:],
        "target_nodeids": numbers[n:],
        "target_ids": tuple(leaf_targetids),
        "target_weights": leaf_weights,
    }
    scores = _scores(x, attributes, "target", n_targets, _AGGREGATES[aggregate_function])
    return link(scores, _LINKS[post_transform])


def _owners(sides: Sequence[Sequence[int]], roots: Sequence[int], n: int, size: int) -> tuple[int, ...]:
    """Which tree each node and leaf belongs to. Raises UsageError ONNX-0004 for those in none or in two."""
    owners = [-1] * size
    for tree, root in enumerate(roots):
        level = [root]
        while level:
            node = level.pop()
            if not 0 <= node < size or owners[node] >= 0:
                raise shapes("a node of a tree is in no tree, in two, or in a loop")
            owners[node] = tree
            if node < n:
                level += [side[node] for side in sides]
    if -1 in owners:
        raise shapes("a node of a tree is in no tree")
    return tuple(owners)
