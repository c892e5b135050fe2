"""The worked examples before the gate: each runs where the owners accept what is not proved safe, and the
programs of all of them survive their own text."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import tacit
from tacit.base.errors import PolicyError
from tacit.ir.text import parse, to_text
from tacit.run.secure import Secure
from tests.examples.test_examples import NAMES

Before = Callable[[Secure, tuple[Any, ...]], None]


class Seen(Exception):
    """Enough of the example has run."""


def play(name: str, patch: pytest.MonkeyPatch, before: Before, *, gate: bool) -> Any:
    """The example, in a simulation with or without a gate; `before` is called before every call."""
    run = Secure.__call__

    def call(self: Secure, *args: Any) -> Any:
        before(self, args)
        return run(self, *args)

    patch.setattr(Secure, "__call__", call)
    patch.setattr(tacit, "sim", partial(tacit.sim, gate=gate))
    return importlib.import_module(f"examples.{name}").main()


@pytest.mark.parametrize("name", NAMES)
def test_an_example_passes_with_its_contract_and_only_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = []

    def accept(function: Secure, args: tuple[Any, ...]) -> None:
        world = args[0].world
        verdicts.extend(world.judge(function.written(*args)[1], function.written(*args)[0]))
        for party in world.names:
            world[party].accept(function, *args)

    with monkeypatch.context() as patch:
        play(name, patch, accept, gate=True)
    assert verdicts and all(verdict.because for verdict in verdicts)
    with monkeypatch.context() as patch:
        if all(verdict.kind == "safe" for verdict in verdicts):
            play(name, patch, lambda *_: None, gate=True)
        else:
            with pytest.raises(PolicyError, match="POLICY-0006"):
                play(name, patch, lambda *_: None, gate=True)


@pytest.mark.parametrize("name", NAMES)
def test_programs_of_an_example_survive_their_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = []

    def note(function: Secure, args: tuple[Any, ...]) -> None:
        programs.extend([function.written(*args)[1], function.program(*args)])
        raise Seen

    with pytest.raises(Seen):
        play(name, monkeypatch, note, gate=False)
    for program in programs:
        again = parse(to_text(program))
        assert again == program and again.digest() == program.digest()
        assert to_text(again) == to_text(program)
        assert [r.name for r in again.reveals()] == [r.name for r in program.reveals()]
