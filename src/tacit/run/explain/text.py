"""An explanation as text: totals, operators, disclosures, in columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tacit.run.explain.reason import amount, duration

if TYPE_CHECKING:
    from tacit.run.explain.explanation import Explanation, Step

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "{program}: {scheme} among {n} parties ({threat}), {link}",
        "totals": "{rounds} rounds · {seconds} · {memory} of memory · sends {sent}",
        "setup": "before that, once a session: {rounds} rounds, {sent}",
        "rates": "rates measured {date} on {machine}",
        "unpriced": "without a price, so figures are lower bounds: {names}",
        "typical": "chance decides the figures, which are typical ones: {names}",
        "unmeasured": "not measured in this scheme, so seconds are lower bounds: {names}",
        "columns": "operator|runs|rounds|sent by party|seconds|memory|protocols and why",
        "sees": "{party} sees: its own {inputs}; revealed: {reveals}",
        "nothing": "nothing",
        "local": "(silent)",
        "guarded": " behind a threshold",
        "leaks": "{protocol} leaks: {what}",
    },
    "zh": {
        "title": "{program}：{scheme}，{n} 方（{threat}），{link}",
        "totals": "{rounds} 轮 · {seconds} · 内存 {memory} · 发送 {sent}",
        "setup": "此前每个会话一次：{rounds} 轮，{sent}",
        "rates": "速率测于 {date}，{machine}",
        "unpriced": "以下没有价格，故数字是下界：{names}",
        "typical": "以下的开销取决于随机次序，数字为典型值：{names}",
        "unmeasured": "以下在该方案中未经实测，故秒数为下界：{names}",
        "columns": "算子|次数|轮数|各方发送|时间|内存|协议与理由",
        "sees": "{party} 可见：自有数据 {inputs}；披露：{reveals}",
        "nothing": "无",
        "local": "（无通信）",
        "guarded": "（达到门限后）",
        "leaks": "{protocol} 额外泄露：{what}",
    },
}


def text(explanation: Explanation, language: str) -> str:
    """Lines without colours; columns are aligned in terminals, wide characters included."""
    words, one = WORDS[language], explanation
    lines = [
        words["title"].format(
            program=one.program, scheme=one.scheme, n=len(one.sent), threat=one.threat, link=one.link.name
        ),
        words["totals"].format(
            rounds=one.rounds,
            seconds=duration(one.seconds),
            memory=amount(one.memory_bytes),
            sent=sums(one.sent),
        ),
    ]
    if one.setup_rounds:
        lines.append(words["setup"].format(rounds=one.setup_rounds, sent=sums(one.setup_sent)))
    lines.append(words["rates"].format(date=one.rates_date, machine=one.rates_machine))
    doubts = (("unpriced", one.unpriced), ("typical", one.typical), ("unmeasured", one.unmeasured))
    lines += [words[name].format(names=", ".join(operators)) for name, operators in doubts if operators]
    rows = [words["columns"].split("|")]
    rows += [_row(step, language) for step in one.by_operator() if step.protocols]
    silent = [step for step in one.by_operator() if not step.protocols]
    if silent:
        names = ", ".join(f"{step.op} × {step.repeats}" for step in silent)
        memory = amount(max(step.memory_bytes for step in silent))
        taken = duration(sum(step.seconds for step in silent))
        runs = str(sum(step.repeats for step in silent))
        rows.append([words["local"], runs, "0", "0", taken, memory, names])
    lines += ["", *aligned(rows), ""]
    for seen in one.seen:
        reveals = [
            f"{name} {type}{words['guarded'] if guarded else ''}" for name, type, guarded in seen.reveals
        ]
        lines.append(
            words["sees"].format(
                party=seen.party,
                inputs=", ".join(seen.inputs) or words["nothing"],
                reveals=", ".join(reveals) or words["nothing"],
            )
        )
    lines += [words["leaks"].format(protocol=name, what=what) for name, what in one.leaks]
    return "\n".join(lines)


def sums(sent: Sequence[int]) -> str:
    """Bytes of each party."""
    return " + ".join(map(amount, sent))


def _row(step: Step, language: str) -> list[str]:
    names = ", ".join(name.removeprefix("mpc.") for name, _ in step.protocols)
    why = step.reason.spoken(language)
    sent = sums(step.sent) if any(step.sent) else "0"
    return [
        step.op,
        str(step.repeats),
        str(step.rounds),
        sent,
        duration(step.seconds),
        amount(step.memory_bytes),
        f"{names}: {why}" if names else why,
    ]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with columns of equal width."""
    widths = [max(_width(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _width(cell: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in cell)
