"""Why an operator is done as it is: a phrase with the figures that decided, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tacit.base.types import SECRET, Private
from tacit.mpc.operators import LOOPS
from tacit.run.explain.choice import MATRIX, OTS, SLOT
from tacit.run.explain.rates import Link
from tacit.run.explain.rehearse import Line

PHRASES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "public": "everybody knows the operands: computed in the clear",
        "private": "party {owner} knows the operands: it computes in the clear, nothing is sent",
        "linear": "linear in its secrets: each party computes on its shares, nothing is sent",
        "loop": "{length} steps one after another; the body is compiled once",
        "private-factor": "one factor is party {owner}'s own: cheaper than a product of two secrets",
        "public-factor": "one factor is public: only the truncation is interactive",
        "fused": "product and truncation are one protocol",
        "reveal": "agreed disclosure to {to}",
        "plain-protocol": "the scheme's protocol for this operator",
        "share": "an owner's value becomes secret",
        "ways": "{chosen}: {sent}, {seconds} on this link; {other} would take {other_sent}, {other_seconds}",
        "settles": "all products so far are proved, before anything is opened",
        "unpriced": "no cost is declared for what this calls",
        OTS: "oblivious transfers",
        SLOT: "encrypted slots (RLWE)",
        MATRIX: "an encrypted matrix product (RLWE)",
        "all": "all",
        "party": "party {number}",
    },
    "zh": {
        "public": "操作数人人可知：直接明文计算",
        "private": "操作数为参与方 {owner} 所有：由其本地明文计算，不发送任何数据",
        "linear": "对密文是线性的：各方在自己的份额上计算，不发送任何数据",
        "loop": "依次执行 {length} 步；循环体只编译一次",
        "private-factor": "一个因子是参与方 {owner} 的自有数据：比两个密文相乘更便宜",
        "public-factor": "一个因子是公开的：只有截断需要交互",
        "fused": "乘法与截断合并为一个协议",
        "reveal": "按约定披露给{to}",
        "plain-protocol": "该方案中此算子的协议",
        "share": "所有者的数据转为密文份额",
        "ways": "{chosen}：{sent}，在此链路上 {seconds}；改用{other}则需 {other_sent}、{other_seconds}",
        "settles": "在披露任何数据之前，证明此前的所有乘法",
        "unpriced": "所调用的协议没有声明开销",
        OTS: "不经意传输",
        SLOT: "密文槽（RLWE）",
        MATRIX: "加密矩阵乘（RLWE）",
        "all": "所有参与方",
        "party": "参与方 {number}",
    },
}


@dataclass(frozen=True)
class Reason:
    """Phrases by name, with what goes into them; values that are names of phrases are phrases themselves."""

    parts: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]

    def spoken(self, language: str) -> str:
        words = PHRASES[language]

        def value(text: str) -> str:
            name, _, number = text.partition(" ")
            return words[name].format(number=number) if name in words else text

        stop = "；" if language == "zh" else "; "
        return stop.join(
            words[name].format(**{slot: value(text) for slot, text in fills}) for name, fills in self.parts
        )


def _part(name: str, **fills: object) -> tuple[str, tuple[tuple[str, str], ...]]:
    return name, tuple((slot, str(text)) for slot, text in fills.items())


def reason(line: Line, link: Link) -> Reason:
    """Of one line of a rehearsal; prices of the ways that it chose among are those on `link`."""
    eqn = line.eqn
    owners = [var.type.vis.owner for var in eqn.ins if isinstance(var.type.vis, Private)]
    if eqn.op in LOOPS:
        return Reason((_part("loop", length=eqn.params["length"]),))
    if not line.priced:
        return Reason((_part("unpriced"),))
    if eqn.op == "reveal":
        vis = eqn.outs[0].type.vis
        return Reason((_part("reveal", to=f"party {vis.owner}" if isinstance(vis, Private) else "all"),))
    if eqn.outs[0].type.vis != SECRET:
        vis = eqn.outs[0].type.vis
        return Reason((_part("private", owner=vis.owner) if isinstance(vis, Private) else _part("public"),))
    if not line.calls:
        return Reason((_part("linear"),))
    if eqn.op == "to_secret":
        return Reason((_part("share"),))
    parts = [_part("private-factor", owner=owners[0])] if owners and _multiplies(line) else []
    if _multiplies(line) and not owners and len(eqn.ins) == 2 and eqn.ins[0].type.vis != eqn.ins[1].type.vis:
        parts.append(_part("public-factor"))
    if any(call.protocol.endswith(("mul_trunc", "square_trunc", "private_trunc")) for call in line.calls):
        parts.append(_part("fused"))
    for call in line.calls:
        if len(call.ways) == 2:
            chosen, other = call.ways
            parts.append(
                _part(
                    "ways",
                    chosen=chosen.name,
                    sent=amount(chosen.sent),
                    seconds=duration(chosen.on(link.bytes_per_s)),
                    other=other.name,
                    other_sent=amount(other.sent),
                    other_seconds=duration(other.on(link.bytes_per_s)),
                )
            )
    return Reason(tuple(parts) or (_part("plain-protocol"),))


def _multiplies(line: Line) -> bool:
    return line.eqn.op in ("mul", "matmul", "subset_sums", "mul_shift")


SETTLES = Reason((_part("settles"),))
"""Of a verification."""


def amount(n_bytes: float) -> str:
    """Bytes in words: three figures."""
    for unit in ("B", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}" if unit != "B" else f"{n_bytes:.0f} B"
        n_bytes /= 1000
    return f"{n_bytes:.3g} GB"


def duration(seconds: float) -> str:
    """Seconds in words."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
