"""Programs are checked, say what they reveal, and survive their own text."""

from __future__ import annotations

import contextlib
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.base.errors import TacitError, TypeRuleError, UsageError
from tacit.base.types import BOOL, FIXED, INT, PUBLIC, SECRET, Private, Type
from tacit.ir.interpret import interpret
from tacit.ir.op import Params
from tacit.ir.program import Builder, Eqn, Program, Var, check
from tacit.ir.text import parse, to_text
from tests.ir.programs import programs

ROW = Type(SECRET, FIXED, (3,))

STEP = """program step(x=%0: secret fixed64.18[3], "行 2"=%1: private(1) fixed64.18[3]) {
  %2: secret fixed64.18[3] = mul %0, %1
  %3: public fixed64.18[] = const {dtype=fixed64.18, shape=(), value=0.0}
  %4: secret fixed64.18[] = to_secret %3
  %5: secret fixed64.18[], %6: secret fixed64.18[3] = scan %4, %2 {length=3, n_carry=1, n_xs=1}
    body=program body(c=%0: secret fixed64.18[], r=%1: secret fixed64.18[]) {
      %2: secret fixed64.18[] = add %0, %1
      return c=%2, y=%2
    }
  %7: secret bool[] = less %4, %5
  %8: private(0) fixed64.18[3] = reveal %6, %7 {name="running sums", to=(0,)}
  return sums=%8
}"""


@settings(deadline=None, max_examples=150)
@given(programs())
def test_text_gives_the_program_back(program: Program) -> None:
    text = to_text(program)
    assert parse(text) == program
    assert to_text(parse(text)) == text
    assert check(program) is program


def test_text_is_readable_and_stable() -> None:
    program = parse(STEP)
    assert to_text(program) == STEP
    assert program.digest().hex() == "3c37c873892c5d8b9a75212a68d174cbe9c27597ddd9e49bff47548d7490427d"
    found = interpret(program, {"x": np.array([1.0, 2.0, 3.0]), "行 2": np.array([2.0, 2.0, 2.0])})
    np.testing.assert_array_equal(found["sums"], [2.0, 6.0, 12.0])


def test_reveals_are_known_before_the_run() -> None:
    (reveal,) = parse(STEP).reveals()
    assert (reveal.name, reveal.to, reveal.guarded) == ("running sums", (0,), True)
    assert reveal.type == Type(Private(0), FIXED, (3,))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mul %0, %1", "mul %0, %9"),
        ("mul %0, %1", "mul %0 %1"),
        ("secret fixed64.18[3] = mul", "hidden fixed64.18[3] = mul"),
        ("secret fixed64.18[3] = mul", "secret fixed32.18[3] = mul"),
        ("secret fixed64.18[3] = mul", "secret fixed64.18[-3] = mul"),
        ("return sums=%8\n}", "return sums=%8\n} more"),
        ("return sums=%8\n}", ""),
        ('"running sums"', '"running sums'),
        ('"running sums"', '"running \\q"'),
        ("to=(0,)", "to=(0"),
        ("value=0.0", f"value={'9' * 60}"),
        ("to=(0,)", "to=" + "(" * 3000),
        ("{length", "§{length"),
    ],
)
def test_text_that_is_no_program_names_its_line(old: str, new: str) -> None:
    assert STEP.count(old) == 1
    with pytest.raises(UsageError) as refused:
        parse(STEP.replace(old, new))
    assert refused.value.code == "IR-0014"
    assert "line " in refused.value.message


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("%2: secret fixed64.18[3] = mul", "%2: public fixed64.18[3] = mul", "IR-0008"),
        ("= mul %0", "= multiply %0", "IR-0007"),
        ("length=3", "length=2", "IR-0006"),
        ("n_carry=1", "n_carry=0", "IR-0006"),
        ("%4: secret fixed64.18[] = to_secret %3\n", "%4: secret fixed64.18[] = neg %3\n", "IR-0008"),
        ("value=0.0", "value=1e999", "IR-0004"),
        ('"行 2"', "x", "IR-0008"),
        (
            "%2: secret fixed64.18[] = add %0, %1",
            '%2: public fixed64.18[] = reveal %0 {name="a", to=()}',
            "IR-0009",
        ),
    ],
)
def test_text_of_a_wrong_program_is_refused(old: str, new: str, code: str) -> None:
    assert STEP.count(old) == 1
    with pytest.raises(UsageError) as refused:
        parse(STEP.replace(old, new))
    assert refused.value.code == code


@settings(deadline=None, max_examples=200)
@given(programs())
def test_cut_text_is_refused_in_our_own_words(program: Program) -> None:
    text = to_text(program)
    for end in range(0, len(text), max(1, len(text) // 20)):
        with pytest.raises(TacitError):
            parse(text[:end])


TOKENS = re.findall(r'%\d+|"[^"]*"|[\w.]+|\S|\s+', STEP)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_edited_text_is_refused_in_our_own_words(data: st.DataObject) -> None:
    edited = list(TOKENS)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(TOKENS) - 1))
        edited[at] = data.draw(st.sampled_from([*TOKENS, "999999999999", "-1", "1e5", "sum"]))
    with contextlib.suppress(TacitError):
        program = parse("".join(edited))
        assert parse(to_text(program)) == program


def test_builder_refuses_values_of_another_program() -> None:
    one, other = Builder(), Builder()
    foreign = one.input("x", ROW)
    other.input("x", Type(SECRET, INT, (3,)))
    with pytest.raises(TypeRuleError) as refused:
        other.emit("neg", foreign)
    assert refused.value.code == "IR-0008"


def test_check_finds_an_undefined_output() -> None:
    with pytest.raises(UsageError) as refused:
        check(Program("p", (), (), (("out", Var(0, ROW)),)))
    assert refused.value.code == "IR-0008"


def test_check_refuses_a_second_assignment() -> None:
    x = Var(0, ROW)
    again = Eqn("neg", (x,), (x,), Params())
    with pytest.raises(UsageError) as refused:
        check(Program("p", (("x", x),), (again,), ()))
    assert refused.value.code == "IR-0008"


def test_one_value_may_be_revealed_to_each_party_but_not_twice_to_one() -> None:
    b = Builder()
    x = b.input("x", ROW)
    b.emit("reveal", x, to=(0,), name="x")
    b.emit("reveal", x, to=(1,), name="x")
    assert len(b.build("p", {}).reveals()) == 2
    b.emit("reveal", x, to=(1,), name="x")
    with pytest.raises(UsageError) as refused:
        b.build("p", {})
    assert refused.value.code == "IR-0008"


def test_scan_keeps_the_type_of_its_carries() -> None:
    b, body = Builder(), Builder()
    public = Type(PUBLIC, FIXED, ())
    carry, row = body.input("c", public), body.input("x", Type(SECRET, FIXED, ()))
    program = body.build("body", {"c": body.emit("add", carry, row)})
    with pytest.raises(TypeRuleError) as refused:
        b.emit("scan", b.const(0, FIXED), b.input("x", ROW), body=program, n_carry=1, n_xs=1, length=3)
    assert refused.value.code == "IR-0006"


def test_long_constants_are_inputs_unless_uniform() -> None:
    b = Builder()
    assert b.const(np.ones(5000), BOOL).type.shape == (5000,)
    with pytest.raises(TypeRuleError) as refused:
        b.const(np.arange(5000), INT)
    assert refused.value.code == "IR-0010"


@pytest.mark.parametrize(
    "inputs", [{}, {"x": np.ones(3), "z": np.ones(3)}, {"x": np.ones(2), "行 2": np.ones(3)}]
)
def test_interpret_refuses_wrong_inputs(inputs: dict[str, np.ndarray]) -> None:
    with pytest.raises(UsageError) as refused:
        interpret(parse(STEP), inputs)
    assert refused.value.code == "IR-0012"
