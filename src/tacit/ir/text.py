"""The text form of programs: `parse(to_text(p)) == p`, and what digests are taken over.

program step(x=%0: secret fixed64.18[128,10] in (-8.0, 8.0), w=%1: secret fixed64.18[10]) {
  %2: secret fixed64.18[128] = matmul %0, %1
  %3: secret fixed64.18[128] = sigmoid %2
  %4: private(0) fixed64.18[128] = reveal %3 {name="scores", to=(0,)}
  return scores=%4
}
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from tacit.base.errors import UsageError
from tacit.base.types import DTYPES, PUBLIC, SECRET, DType, Private, Type, Visibility
from tacit.ir.op import Params
from tacit.ir.program import Eqn, Program, Range, Var, check

_NAME = r"[A-Za-z_][A-Za-z0-9_.]*"
_TOKEN = re.compile(
    rf"""(?P<space>[ \t\r\n]+|\#[^\n]*)|(?P<name>{_NAME})|(?P<var>%[0-9]{{1,9}})
    |(?P<number>-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?)|(?P<string>"([^"\\\n]|\\.)*")|(?P<mark>[-(){{}}\[\],:=])""",
    re.VERBOSE,
)
_WORDS = {"true": True, "false": False, "none": None}
_DEPTH_LIMIT = 32


def to_text(program: Program) -> str:
    """The one text of `program`, without a newline at the end."""
    return "\n".join(_lines(program))


def _lines(program: Program) -> list[str]:
    ranges = {name: f" in {_value(limits)}" for name, limits in program.ranges}
    ins = ", ".join(f"{_name(name)}={var}: {var.type}{ranges.get(name, '')}" for name, var in program.ins)
    outs = ", ".join(f"{_name(name)}={var}" for name, var in program.outs)
    body = [line for eqn in program.eqns for line in _eqn(eqn)]
    return [f"program {_name(program.name)}({ins}) {{", *body, f"  return {outs}".rstrip(), "}"]


def _eqn(eqn: Eqn) -> list[str]:
    left = ", ".join(f"{var}: {var.type}" for var in eqn.outs)
    line = f"  {left} = {eqn.op} {', '.join(map(str, eqn.ins))}".rstrip()
    small = {name: value for name, value in eqn.params.items() if not isinstance(value, Program)}
    if small:
        line += " {" + ", ".join(f"{name}={_value(value)}" for name, value in small.items()) + "}"
    lines = [line]
    for name, value in eqn.params.items():
        if isinstance(value, Program):
            first, *rest = _lines(value)
            lines += [f"    {name}={first}", *(f"    {line}" for line in rest)]
    return lines


def _name(name: str) -> str:
    return name if re.fullmatch(_NAME, name) and name not in _WORDS else _string(name)


def _string(text: str) -> str:
    """`text` quoted, with escapes if some character would not show: what is signed is what is seen."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        inner = ", ".join(map(_value, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, DType):
        return str(value)
    if value is None or isinstance(value, bool):
        return {True: "true", False: "false", None: "none"}[value]
    return repr(value)


def parse(text: str) -> Program:
    """The program of this text, type-checked.

    Raises: UsageError IR-0014 naming the line if it is not a program's text, what `check` raises.
    """
    reader = _Reader(text)
    program = reader.program(0)
    reader.take("end")
    return check(program)


class _Reader:
    """Recursive descent over tokens of one text."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []
        self._next = 0
        at, line = 0, 1
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                self._tokens.append(("odd character", text[at], line))
                self._refuse(f"unexpected character {text[at]!r}")
            kind = str(match.lastgroup) if match.group("space") is None else "space"
            if kind != "space":
                self._tokens.append((self._kind(match), match.group(), line))
            line += match.group().count("\n")
            at = match.end()
        self._tokens.append(("end", "", line))

    @staticmethod
    def _kind(match: re.Match[str]) -> str:
        return next(kind for kind in ("name", "var", "number", "string", "mark") if match.group(kind))

    def _refuse(self, what: str) -> NoReturn:
        line = self._tokens[min(self._next, len(self._tokens) - 1)][2]
        raise UsageError("IR-0014", f"line {line} is not a program's text: {what}")

    def peek(self, mark: str) -> bool:
        kind, text, _ = self._tokens[self._next]
        return kind in ("mark", "name") and text == mark

    def skip(self, mark: str) -> bool:
        found = self.peek(mark)
        self._next += found
        return found

    def expect(self, mark: str) -> None:
        if not self.skip(mark):
            self._refuse(f"{mark!r} is missing")

    def take(self, kind: str) -> str:
        found, text, _ = self._tokens[self._next]
        if found != kind:
            self._refuse(f"a {kind} is missing")
        self._next += 1
        return text

    def label(self) -> str:
        if self._tokens[self._next][0] == "string":
            return self._string()
        return self.take("name")

    def _string(self) -> str:
        try:
            text = json.loads(self.take("string"))
            text.encode()
        except ValueError:
            self._next -= 1
            self._refuse("a string is malformed")
        return str(text)

    def _whole(self) -> int:
        text = self.take("number")
        if not re.fullmatch(r"[0-9]{1,12}", text):
            self._refuse("a whole number is missing")
        return int(text)

    def program(self, depth: int) -> Program:
        if depth > _DEPTH_LIMIT:
            self._refuse("too deeply nested")
        self.expect("program")
        name, ins, eqns, ranges = self.label(), [], [], []
        self.expect("(")
        while not self.skip(")"):
            label = self.label()
            self.expect("=")
            ins.append((label, self.typed_var()))
            if self.skip("in"):
                ranges.append((label, self.range(depth)))
            if not self.peek(")"):
                self.expect(",")
        types = {var.id: var for _, var in ins}
        self.expect("{")
        while not self.skip("return"):
            eqn = self.eqn(types, depth)
            types.update((var.id, var) for var in eqn.outs)
            eqns.append(eqn)
        outs = []
        while not self.skip("}"):
            label = self.label()
            self.expect("=")
            outs.append((label, self.var(types)))
            if not self.peek("}"):
                self.expect(",")
        return Program(name, tuple(ins), tuple(eqns), tuple(outs), tuple(ranges))

    def range(self, depth: int) -> Range:
        limits = self.value(depth)
        if not isinstance(limits, tuple) or [type(limit) for limit in limits] != [float, float]:
            self._refuse("a range is two real numbers")
        return limits

    def eqn(self, types: dict[int, Var], depth: int) -> Eqn:
        outs, ins, params = [], [], {}
        while not self.skip("="):
            outs.append(self.typed_var())
            if not self.peek("="):
                self.expect(",")
        op = self.take("name")
        while self._tokens[self._next][0] == "var" and not self._defines():
            ins.append(self.var(types))
            if not self.skip(","):
                break
        if self.skip("{"):
            while not self.skip("}"):
                name = self.take("name")
                self.expect("=")
                params[name] = self.value(depth)
                if not self.peek("}"):
                    self.expect(",")
        while self._tokens[self._next][0] == "name" and self._tokens[self._next + 1][1] == "=":
            name = self.take("name")
            self.expect("=")
            params[name] = self.program(depth + 1)
        return Eqn(op, tuple(ins), tuple(outs), Params(params))

    def _defines(self) -> bool:
        """Whether the variable here is followed by its type: then it begins the next equation."""
        return self._tokens[self._next + 1][1] == ":"

    def value(self, depth: int) -> Any:
        kind, text, _ = self._tokens[self._next]
        if depth > _DEPTH_LIMIT:
            self._refuse("too deeply nested")
        if kind == "string":
            return self._string()
        if kind == "number":
            self._next += 1
            return self._number(text)
        if kind == "name" and (text in _WORDS or text in DTYPES):
            self._next += 1
            return _WORDS[text] if text in _WORDS else DTYPES[text]
        self.expect("(")
        parts = []
        while not self.skip(")"):
            parts.append(self.value(depth + 1))
            if not self.peek(")"):
                self.expect(",")
        return tuple(parts)

    def _number(self, text: str) -> int | float:
        if len(text) > 40:
            self._refuse("a number is too long")
        return int(text) if re.fullmatch(r"-?[0-9]+", text) else float(text)

    def var(self, types: dict[int, Var]) -> Var:
        text = self.take("var")
        if int(text[1:]) not in types:
            self._refuse(f"{text} is not defined")
        return types[int(text[1:])]

    def typed_var(self) -> Var:
        text = self.take("var")
        self.expect(":")
        return Var(int(text[1:]), self.type())

    def type(self) -> Type:
        vis = self.visibility()
        name = self.take("name")
        if name not in DTYPES:
            self._refuse(f"there is no dtype {name!r}")
        self.expect("[")
        shape: list[int] = []
        while not self.skip("]"):
            shape.append(self._whole())
            if not self.peek("]"):
                self.expect(",")
        return Type(vis, DTYPES[name], tuple(shape))

    def visibility(self) -> Visibility:
        word = self.take("name")
        if word == "private":
            self.expect("(")
            owner = self._whole()
            self.expect(")")
            return Private(owner)
        if word not in ("public", "secret"):
            self._refuse("a visibility is missing")
        return PUBLIC if word == "public" else SECRET
