"""Where values are opened and messages sent: by programs, by protocols, and by the one door of a step.

A run opens nothing but what its program lists (`mpc/execute`) or its step declares
(`mpc.openings.reveal_declared`); above the protocols nobody opens a share or sends a message by itself but
those below, for the reasons there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tacit.mpc.scheme import SCHEMES
from tests.architecture.sources import dotted, modules, tree

OPENS = {
    "tacit.mpc.execute": "a program's reveal equations, one by one, as they are listed",
    "tacit.mpc.openings": "the door: what the step declares, under its name",
    "tacit.run.explain.rehearse": "a rehearsal: its session answers every protocol itself, there is no peer",
    "tacit.mpc.rep3.sort": "the order of elements after a shuffle, which its protocol declares as its leak",
    "tacit.blocks.sharing.feldman87": "verifiable sums that no task uses yet: the reveal of that protocol",
    **{
        f"tacit.mpc.{name}": "the scheme's own reveal, which asks `require_listed` first"
        for name in SCHEMES
        if name != "plain"  # has nothing to open
    },
}
"""Modules that call `reveal` of a scheme, or the protocol behind it."""
SENDS = {
    "tacit.run.greeting": "versions and agreed terms, before anything else",
    "tacit.run.job": "set sizes, digests of programs, documents of public facts (`Run.tell`)",
    "tacit.tasks.pairs": "how often each common key comes: the sender's own, reported as `counts`",
}
"""Modules above the protocols that send by themselves."""
PROTOCOLS = ("base", "blocks", "mpc", "psi", "net")
MESSAGES = {"send", "recv", "exchange"}


def calls(path: Path) -> Iterator[tuple[str, str]]:
    """(base, name) of every call: the base is empty for a function that was imported by its name."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield dotted(node.func.value), node.func.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield "", node.func.id


def opening(name: str, path: Path) -> bool:
    """`xp.reveal` writes an equation, `run.reveal` a line of the report."""
    bases = {base for base, method in calls(path) if method == "reveal"}
    notes = {"xp", "run", "array", *({"self"} if name == "tacit.run.job" else ())}
    return bool(bases - notes)


def test_shares_are_opened_in_known_places_only() -> None:
    found = {name for name, path in modules() if opening(name, path)}
    assert found == set(OPENS)


def test_the_door_is_used_by_protocols_and_only_by_name() -> None:
    users = {name for name, path in modules() for _, method in calls(path) if method == "reveal_declared"}
    assert users == {"tacit.psi.aggregates"}


def test_only_protocols_send_messages() -> None:
    found = {
        name
        for name, path in modules()
        if name.split(".")[1:2] and name.split(".")[1] not in PROTOCOLS
        for _, method in calls(path)
        if method in MESSAGES
    }
    assert found == set(SENDS)
