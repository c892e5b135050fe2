"""Programs of the product: they survive their text, their types say who sees what, loops stay loops."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from tacit.base.types import FIXED, Private, Public, Secret, Type
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.ir.program import Program, walk
from tacit.ir.text import parse, to_text
from tacit.learn.linear import Descent
from tacit.learn.logistic import fit_logistic
from tacit.run.job import Job, PartyTerms
from tacit.tasks.credit import Options, Step, scoring_step, steps
from tests.run.test_gate_attacks import CELL_FOLLOWS, NOT_PROVED, STATISTICS, program

PARTIES = (PartyTerms("bank", "", "id", (), "y"), PartyTerms("partner", "", "id", ()))


def credit(n: int) -> list[Step]:
    options = dict(vars(Options(batch_rows=64)))
    reveals = {"coefficients": "own", "correlations": "own", "scores": ["bank"]}
    job = Job("test", "credit", PARTIES, options, reveals)
    return [*steps(job, [6, 5], n, n // 2), scoring_step(job, [6, 5], n, [0])]


def logistic(n: int) -> Program:
    def fit(x: Any, y: Any, label: Any) -> Any:
        return fit_logistic([x, y], label, Descent(3, 32, 0.1, 0.9, 0.01), [np.ones(4), np.ones(5)])

    types = [
        ("x", Type(Private(0), FIXED, (n, 4))),
        ("y", Type(Private(1), FIXED, (n, 5))),
        ("label", Type(Private(0), FIXED, (n,))),
    ]
    return trace(fit, types, "fit", {})


def same(subject: Program) -> None:
    again = parse(to_text(subject))
    assert again == subject and again.digest() == subject.digest() and to_text(again) == to_text(subject)


@pytest.mark.parametrize("index", range(4))
def test_programs_of_a_job_survive_their_text(index: int) -> None:
    step = credit(300)[index]
    same(step.traced())
    same(step.program("semi2k"))


@pytest.mark.parametrize("name", [*CELL_FOLLOWS, *NOT_PROVED, *STATISTICS])
def test_attacks_survive_their_text(name: str) -> None:
    inputs, function = {**CELL_FOLLOWS, **NOT_PROVED, **STATISTICS}[name]
    same(program(function, inputs))


@pytest.mark.parametrize("index", range(4))
def test_a_program_does_not_grow_with_the_data(index: int) -> None:
    small, large = (credit(n)[index].traced() for n in (6_400, 102_400))
    assert Counter(eqn.op for eqn in walk(small)) == Counter(eqn.op for eqn in walk(large))
    assert abs(len(str(large)) - len(str(small))) < 200


def test_an_iteration_is_a_loop() -> None:
    small, large = logistic(320), logistic(3200)
    assert any(eqn.op == "scan" for eqn in small.eqns)
    assert [eqn.op for eqn in walk(small)] == [eqn.op for eqn in walk(large)]

    def running(x: Any) -> Any:
        return xp.scan(lambda total, row: (total + row, total), xp.sum(x) * 0.0, x)

    sizes = [
        len(list(walk(trace(running, [("x", Type(Private(0), FIXED, (n,)))], "r", {})))) for n in (4, 4000)
    ]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("index", range(4))
def test_every_type_says_who_sees_it(index: int) -> None:
    for subject in (credit(300)[index].traced(), credit(300)[index].program("semi2k")):
        for eqn in walk(subject):
            for var in (*eqn.ins, *eqn.outs):
                assert isinstance(var.type.vis, Public | Private | Secret)
        opened = {id(eqn.outs[0]) for eqn in subject.eqns if eqn.op == "reveal"}
        for eqn in subject.eqns:
            hidden = [v.type.vis for v in eqn.ins if isinstance(v.type.vis, Secret)]
            if hidden and eqn.op != "reveal":  # Only a reveal makes a secret known to anybody.
                assert all(isinstance(v.type.vis, Secret) for v in eqn.outs), eqn
        assert len(opened) == len(subject.reveals())
