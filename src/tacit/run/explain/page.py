"""An explanation as one HTML page: no script, font or image from elsewhere; English and Chinese in one file.

The languages are switched by two radio buttons and style alone, so the page works where scripts are off.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tacit.run.explain.graph import svg
from tacit.run.explain.reason import amount, duration
from tacit.run.explain.text import sums

if TYPE_CHECKING:
    from tacit.run.explain.explanation import Explanation, Step

LANGUAGES = ("en", "zh")

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "language": "English",
        "heading": "What this program will cost, and who will see what",
        "sub": "{scheme} · {n} parties · {threat} · link: {link}",
        "seconds": "seconds",
        "rounds": "rounds",
        "memory": "peak memory of a party",
        "sends": "{party} sends",
        "setup": "Before it, once a session: {rounds} rounds, {sent}. Rates measured {date} on {machine}.",
        "unpriced": "Without a price, so all figures are lower bounds: {names}.",
        "typical": "Chance decides the figures of these, which are typical ones: {names}.",
        "unmeasured": "Not measured in this scheme, so that seconds are lower bounds: {names}.",
        "sees": "Who sees what",
        "party": "party|its own inputs|what is revealed to it",
        "graph": "The program",
        "graph-note": "What sends messages, from top to bottom; beneath each: bytes of all parties, rounds, "
        "seconds. The bar is its share of the time. Point at a box for its operands and its line.",
        "loop": "One step of loop {name} ({times} in all)",
        "operators": "By operator",
        "operators-head": "operator|runs|rounds|sent|time|memory|protocols and why",
        "steps": "Every equation",
        "steps-head": "result|operator|type|line|rounds|sent|time|why",
        "leaks": "Besides their results, protocols leak",
        "nothing": "nothing",
        "guarded": "behind a threshold",
    },
    "zh": {
        "language": "中文",
        "heading": "此程序的开销，以及谁能看到什么",
        "sub": "{scheme} · {n} 方 · {threat} · 链路：{link}",
        "seconds": "时间",
        "rounds": "轮数",
        "memory": "单方峰值内存",
        "sends": "{party} 发送",
        "setup": "此前每个会话一次：{rounds} 轮，{sent}。速率测于 {date}，{machine}。",
        "unpriced": "以下没有价格，故所有数字为下界：{names}。",
        "typical": "以下的开销取决于随机次序，数字为典型值：{names}。",
        "unmeasured": "以下在该方案中未经实测，故秒数为下界：{names}。",
        "sees": "谁能看到什么",
        "party": "参与方|自有输入|向其披露",
        "graph": "程序",
        "graph-note": "自上而下为发送消息的步骤；其下为各方总字节、轮数与时间，"
        "色条为其占总时间的比例。将指针移到方框上可见操作数与代码行。",
        "loop": "循环 {name} 的一步（共 {times} 步）",
        "operators": "按算子汇总",
        "operators-head": "算子|次数|轮数|发送|时间|内存|协议与理由",
        "steps": "全部等式",
        "steps-head": "结果|算子|类型|代码行|轮数|发送|时间|理由",
        "leaks": "除结果外，协议还会泄露",
        "nothing": "无",
        "guarded": "达到门限后",
    },
}

STYLE = """
:root{--ink:#16212b;--soft:#5b6b78;--line:#dde4ea;--paper:#f6f8fa;--card:#fff;--accent:#0b6e69;--warm:#c2571a}
@media(prefers-color-scheme:dark){:root{--ink:#e4ebf0;--soft:#94a5b2;--line:#2c3a45;--paper:#10171d;
--card:#182129;--accent:#4cc2b8;--warm:#f0965a}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.55 system-ui,"Segoe UI","PingFang SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 22px 60px}
h1{font-size:24px;margin:4px 0;letter-spacing:-.01em}h2{font-size:17px;margin:34px 0 10px}
.program{color:var(--accent);font:600 15px ui-monospace,Menlo,Consolas,monospace}.soft{color:var(--soft)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:18px 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px}
.card b{display:block;font-size:23px;font-weight:650;font-variant-numeric:tabular-nums}
.card span{color:var(--soft);font-size:13px}
.scroll{overflow:auto;background:var(--card);border:1px solid var(--line);border-radius:10px}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th{text-align:left;font-weight:600;color:var(--soft);white-space:nowrap}
th,td{padding:7px 12px;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
code{font:12.5px ui-monospace,Menlo,Consolas,monospace}td .soft{font-size:12.5px}
.graph{display:block;margin:auto;padding:6px}
.graph .box{fill:var(--card);stroke:var(--accent);stroke-width:1.2}.graph .heat{fill:var(--warm)}
.graph .loop .box{stroke-width:2.4}.graph .reveal .box{stroke:var(--warm);stroke-dasharray:5 3}
.graph .edge{fill:none;stroke:var(--soft);stroke-opacity:.45;stroke-width:1.2}
.graph text{fill:var(--ink);font:12px system-ui,sans-serif}.graph .op{font-weight:650;font-size:13px}
.graph .var,.graph .fig{fill:var(--soft);font-size:11px}
details summary{cursor:pointer;font-weight:600;font-size:17px;margin:34px 0 10px}
.switch{position:absolute;opacity:0}.tabs{float:right;font-size:13px}
.tabs label{cursor:pointer;padding:3px 10px;border:1px solid var(--line);border-radius:99px;margin-left:6px}
"""


def page(explanation: Explanation, language: str) -> str:
    """The whole document; `language` is shown first."""
    order = (language, *(other for other in LANGUAGES if other != language))
    checked = {name: " checked" if name == language else "" for name in LANGUAGES}
    switches = "".join(
        f'<input class="switch" type="radio" name="language" id="{name}"{checked[name]}>'
        for name in LANGUAGES
    )
    rules = "".join(
        f"#{name}:not(:checked)~main .{name}{{display:none}}"
        f"#{name}:checked~main label[for={name}]{{background:var(--accent);color:var(--card)}}"
        for name in LANGUAGES
    )
    sections = "".join(
        f'<div class="{name}" lang="{name}">{_body(explanation, name)}</div>' for name in order
    )
    tabs = "".join(f'<label for="{name}">{WORDS[name]["language"]}</label>' for name in LANGUAGES)
    title = f"{html.escape(explanation.program)} · Tacit"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title>'
        f"<style>{STYLE}{rules}</style></head><body>{switches}<main>"
        f'<div class="tabs">{tabs}</div>{sections}</main></body></html>'
    )


def _body(one: Explanation, language: str) -> str:
    words = WORDS[language]
    sub = words["sub"].format(scheme=one.scheme, n=len(one.sent), threat=one.threat, link=one.link.name)
    parts = [
        f'<div class="program">{html.escape(one.program)}</div><h1>{words["heading"]}</h1>',
        f'<div class="soft">{html.escape(sub)}</div>',
        _cards(one, words),
        f'<p class="soft">{html.escape(_footnote(one, words))}</p>',
        f"<h2>{words['sees']}</h2>{_sees(one, words)}",
        f'<h2>{words["graph"]}</h2><p class="soft">{words["graph-note"]}</p>',
        f'<div class="scroll">{svg(one.steps, one.seconds)}</div>',
        *(_loop(step, words) for step in one.steps if step.body),
        f"<h2>{words['operators']}</h2>",
        _table(
            words["operators-head"],
            [_operator(step, language) for step in one.by_operator()],
            (1, 2, 3, 4, 5),
        ),
        f"<details><summary>{words['steps']}</summary>",
        _table(words["steps-head"], [_step(step, language) for step in one.steps], (4, 5, 6)),
        "</details>",
    ]
    if one.leaks:
        rows = "".join(
            f"<li><code>{html.escape(name)}</code>: {html.escape(leak)}</li>" for name, leak in one.leaks
        )
        parts.append(f"<h2>{words['leaks']}</h2><ul>{rows}</ul>")
    return "".join(parts)


def _cards(one: Explanation, words: Mapping[str, str]) -> str:
    figures = [
        (duration(one.seconds), words["seconds"]),
        (str(one.rounds), words["rounds"]),
        *(
            (amount(n), words["sends"].format(party=seen.party))
            for n, seen in zip(one.sent, one.seen, strict=True)
        ),
        (amount(one.memory_bytes), words["memory"]),
    ]
    cards = (
        f"<div class=card><b>{html.escape(big)}</b><span>{html.escape(small)}</span></div>"
        for big, small in figures
    )
    return f'<div class="cards">{"".join(cards)}</div>'


def _footnote(one: Explanation, words: Mapping[str, str]) -> str:
    note = words["setup"].format(
        rounds=one.setup_rounds, sent=sums(one.setup_sent), date=one.rates_date, machine=one.rates_machine
    )
    doubts = (("unpriced", one.unpriced), ("typical", one.typical), ("unmeasured", one.unmeasured))
    for name, operators in doubts:
        note += " " + words[name].format(names=", ".join(operators)) if operators else ""
    return note


def _sees(one: Explanation, words: Mapping[str, str]) -> str:
    def revealed(name: str, type: str, guarded: bool) -> str:
        behind = f' <span class="soft">({words["guarded"]})</span>' if guarded else ""
        return f"<code>{html.escape(name)}</code> {html.escape(type)}{behind}"

    rows = [
        (
            html.escape(seen.party),
            ", ".join(f"<code>{html.escape(name)}</code>" for name in seen.inputs) or words["nothing"],
            "<br>".join(revealed(*each) for each in seen.reveals) or words["nothing"],
        )
        for seen in one.seen
    ]
    return _table(words["party"], rows, ())


def _loop(step: Step, words: Mapping[str, str]) -> str:
    heading = words["loop"].format(name=step.name.split()[0], times=step.repeats)
    inner = "".join(_loop(each, words) for each in step.body if each.body)
    drawn = svg(step.body, step.seconds / max(1, step.repeats))
    return f'<h2>{html.escape(heading)}</h2><div class="scroll">{drawn}</div>{inner}'


def _operator(step: Step, language: str) -> tuple[str, ...]:
    names = "<br>".join(
        f'<code>{html.escape(name)}</code> <span class="soft">{html.escape(source)}</span>'
        for name, source in step.protocols
    )
    why = html.escape(step.reason.spoken(language))
    return (
        f"<b>{html.escape(step.op)}</b>",
        str(step.repeats),
        str(step.rounds),
        sums(step.sent) if any(step.sent) else "0",
        duration(step.seconds),
        amount(step.memory_bytes),
        f'{names}<div class="soft">{why}</div>' if names else f'<span class="soft">{why}</span>',
    )


def _step(step: Step, language: str) -> tuple[str, ...]:
    return (
        f"<code>{html.escape(step.name)}</code>",
        f"{html.escape(step.op)} <code class=soft>{html.escape(' '.join(step.operands))}</code>",
        f"<code>{html.escape(step.type)}</code>",
        html.escape(step.where),
        str(step.rounds),
        sums(step.sent) if any(step.sent) else "0",
        duration(step.seconds),
        f'<span class="soft">{html.escape(step.reason.spoken(language))}</span>',
    )


def _table(head: str, rows: Sequence[Sequence[str]], numbers: tuple[int, ...]) -> str:
    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=n' if k in numbers else ''}>{cell}</{tag}>" for k, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{cells(head.split("|"), "th")}</tr>{body}</table></div>'
