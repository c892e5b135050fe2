"""Self-contained HTML reports, English and Chinese in one page: a party's own, and the demo's overview.

Made from result objects only (`result.py`), so a report can hold nothing that its reader did not learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tacit.apps.cli import charts
from tacit.apps.cli.markup import Markup, both, join, tag
from tacit.apps.cli.report_style import STYLE
from tacit.apps.cli.words import WORDS, Words, amount

Result = Mapping[str, Any]

_ORDER = ("setup", "psi", "statistics", "training", "evaluation", "comparison")


def party_report(result: Result, language: str) -> str:
    """The report of one party, for that party only."""
    party = result["party"]
    names = " + ".join(result["parties"])
    return page_of(
        language,
        Words(language)("report.title_party", party=party),
        header_of(
            result,
            both("report.title_party", party=party),
            both("report.lead_party", parties=names, party=party),
        ),
        _cards([result], result),
        _ranking(result),
        _coefficients([result]),
        _revealed([result]),
        traffic_of([result]),
        _protocol(result),
    )


def demo_report(results: Mapping[str, Result], summary: Result, language: str) -> str:
    """Both parties' reports in one, with the comparison in plaintext."""
    parties = list(results.values())
    first = parties[0]
    return page_of(
        language,
        Words(language)("report.title_demo"),
        header_of(first, both("report.title_demo"), both("report.lead_demo")),
        _cards(parties, summary),
        _comparison(summary),
        _ranking(first),
        _coefficients(parties),
        _revealed(parties),
        traffic_of(parties, summary["seconds"]),
        _protocol(first),
    )


def page_of(language: str, title: str, *parts: Markup) -> str:
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        # Nothing may be loaded from anywhere, whatever a column is called.
        tag(
            "meta",
            http_equiv="Content-Security-Policy",
            content="default-src 'none'; style-src 'unsafe-inline'",
        ),
        tag("title", title),
        tag("style", Markup(STYLE)),
    )
    choices = [
        tag("input", type="radio", name="language", id=f"lang-{code}", class_="choice", aria_label=name,
            checked="" if code == language else None)
        for code, name in (("en", "English"), ("zh", "中文"))
    ]  # fmt: skip
    body = tag("body", *choices, tag("main", *parts))
    return f"<!doctype html>\n{tag('html', head, body, lang=language)}\n"


def header_of(result: Result, title: Markup, lead: Markup) -> Markup:
    switch = tag(
        "div", tag("label", "English", for_="lang-en"), tag("label", "中文", for_="lang-zh"), class_="lang"
    )
    meta = [
        both("report.job", job=result["job"]),
        result["finished"].replace("T", " "),
        f"Tacit {result['version']}",
    ]
    separated = [piece for item in meta for piece in (" · ", item)][1:]
    return tag(
        "header", switch, tag("p", *separated, class_="meta"), tag("h1", title), tag("p", lead, class_="note")
    )


def _cards(parties: Sequence[Result], summary: Result) -> Markup:
    first = parties[0]
    quality, rows = first["quality"], first["rows"]
    exact = (
        both("report.exact")
        if not quality["auc_bound"]
        else both("report.bound", bound=f"{quality['auc_bound']:.4f}")
    )
    cards = [
        card_of(both("report.auc"), f"{quality['auc']:.4f}", exact, lead=True),
        card_of(both("report.ks"), f"{quality['ks']:.4f}", _ks_note(quality), lead=True),
        card_of(both("report.common"), f"{rows['common']:,}", both("report.common_note", **rows)),
    ]
    for party in parties:
        sent = amount(sum(party["bytes_sent"].values()))
        cards.append(card_of(both("report.sent", party=party["party"]), sent, both("report.sent_note")))
    seconds = sum(summary["seconds"].values())
    cards.append(
        card_of(both("report.seconds"), f"{seconds:.1f}", both("report.seconds_note", rounds=first["rounds"]))
    )
    return tag("div", *cards, class_="cards")


def _ks_note(quality: Result) -> Markup:
    """A bucketed KS looks at some scores only, so the true one can be larger."""
    return both("report.exact") if not quality["auc_bound"] else both("report.at_least")


def card_of(name: Markup, figure: str, under: Markup, *, lead: bool = False) -> Markup:
    return tag(
        "div",
        tag("span", name, class_="name"),
        tag("b", figure),
        tag("span", under, class_="under"),
        class_="card lead" if lead else "card",
    )


def section_of(title: Markup, *children: Markup) -> Markup:
    return tag("section", tag("h2", title), *children)


def _comparison(summary: Result) -> Markup:
    note = both(
        "report.comparison_note",
        test=summary["rows_test"],
        difference=f"{summary['auc_difference']:.4f}",
        gain=f"{summary['auc_joint'] - summary['auc_bank_only']:+.4f}",
    )
    figures = [(f"report.{name}", summary[f"auc_{name}"]) for name in ("joint", "pooled", "bank_only")]
    return section_of(both("report.comparison"), tag("p", note, class_="note"), charts.dots(figures))


def _ranking(result: Result) -> Markup:
    quality = result["quality"]
    rows, positives = quality["bin_rows"], quality["bin_positives"]
    legend = tag(
        "p",
        tag("span", tag("span", class_="key positive"), both("report.positives")),
        tag("span", tag("span", class_="key negative"), both("report.negatives")),
        class_="legend",
    )
    ks_note = both("report.ks_caption", ks=f"{quality['ks']:.4f}", bins=len(rows), least=min(rows))
    lift_note = both("report.lift_caption", rate=f"{sum(positives) / sum(rows):.1%}")
    left = tag("div", legend, charts.ks_curve(rows, positives), tag("p", ks_note, class_="note"))
    space = tag("p", Markup("&nbsp;"), class_="legend", aria_hidden="true")
    right = tag("div", space, charts.lift_bars(rows, positives), tag("p", lift_note, class_="note"))
    table = tag("details", tag("summary", both("report.bins_table")), _bins(rows, positives))
    return section_of(both("report.ranking"), tag("div", left, right, class_="pair"), table)


def _bins(rows: Sequence[int], positives: Sequence[int]) -> Markup:
    names = [both(f"report.{name}") for name in ("bin", "bin_rows", "bin_positives", "bin_rate", "bin_found")]
    found, lines = 0, []
    for index, (n, good) in enumerate(zip(rows, positives, strict=True)):
        found += good
        lines.append([str(index + 1), str(n), str(good), f"{good / n:.1%}", f"{found / sum(positives):.1%}"])
    return table_of(names, lines, numbers=range(1, 5))


def _coefficients(parties: Sequence[Result]) -> Markup:
    blocks = [_party_columns(party) for party in parties]
    return section_of(
        both("report.coefficients"), tag("p", both("report.coefficients_note"), class_="note"), *blocks
    )


def _party_columns(result: Result) -> Markup:
    weights, correlations = result["coefficients"], result["correlations"]
    title = tag(
        "h3", result["party"], tag("span", both("report.seen_by", party=result["party"]), class_="badge")
    )
    shared = [] if weights is not None else [tag("p", both("report.shared"), class_="note")]
    columns = list(weights if weights is not None else correlations)
    columns.sort(key=lambda name: (name == "(intercept)", -abs((weights or correlations)[name])))
    most = max((abs(value) for name, value in (weights or {}).items() if name != "(intercept)"), default=0.0)
    lines: list[list[Any]] = []
    for name in columns:
        line: list[Any] = [name]
        if weights is not None:
            bar = "" if name == "(intercept)" else charts.diverging(weights[name], most)
            line += [f"{weights[name]:+.3f}", bar]
        known = name in correlations
        line += [
            f"{correlations[name]:+.3f}" if known else "",
            charts.diverging(correlations[name], 1.0) if known else "",
        ]
        lines.append(line)
    names: list[Any] = [both("report.column")]
    names += [both("report.coefficient"), ""] if weights is not None else []
    names += [both("report.correlation"), ""]
    drawn = (2, 4) if weights is not None else (2,)
    return tag("div", title, *shared, table_of(names, lines, numbers=(1, 3), drawn=drawn, headed=True))


def table_of(
    names: Sequence[Any],
    lines: Sequence[Sequence[Any]],
    *,
    numbers: Sequence[int] = (),
    drawn: Sequence[int] = (),
    headed: bool = False,
    total: bool = False,
) -> Markup:
    """`numbers`: columns set to the right; `drawn`: columns of drawings, under the name of the column before;
    `headed`: the first column holds names; `total`: the last line is a sum."""

    def kind(index: int) -> str | None:
        if index in drawn:
            return "drawn"
        return "number" if index in numbers else ("column" if headed and index == 0 else None)

    head = [
        tag("th", name, colspan="2") if index + 1 in drawn else tag("th", name, class_=kind(index))
        for index, name in enumerate(names)
        if index not in drawn
    ]
    body = [
        tag(
            "tr",
            *(tag("td", cell, class_=kind(index)) for index, cell in enumerate(line)),
            class_="total" if total and line is lines[-1] else None,
        )
        for line in lines
    ]
    return tag("div", tag("table", tag("thead", tag("tr", *head)), tag("tbody", *body)), class_="scroll")


def _revealed(parties: Sequence[Result]) -> Markup:
    result = parties[0]
    names = [both(f"report.{name}") for name in ("what", "to", "numbers", "condition")]
    lines = [
        [what, to, f"{values:,}", both("report.guarded" if guarded else "report.always")]
        for what, to, values, guarded in reveals_of(result)
    ]
    hidden = [
        both("report.hidden_rows"),
        both(
            "report.hidden_label",
            others=", ".join(p for p in result["parties"] if p != result["label_holder"]),
        ),
        both("report.hidden_ids"),
        both("report.hidden_scores"),
        both("report.hidden_training"),
        both("report.hidden_others"),
        both("report.hidden_names"),
    ]
    return join(
        section_of(both("report.revealed"), table_of(names, lines, numbers=(2,))),
        section_of(both("report.hidden"), tag("ul", *(tag("li", item) for item in hidden))),
    )


def reveals_of(result: Result) -> list[tuple[Markup, Any, int, bool]]:
    """(what, to whom, how many numbers, behind a threshold?); the evaluation's figures are one entry."""
    merged: dict[tuple[str, str], int] = {}
    for item in result["revealed"]:
        kind = "evaluation" if item["name"].startswith("evaluation.") else item["name"]
        merged[kind, item["to"]] = merged.get((kind, item["to"]), 0) + item["values"]
    found = []
    for (name, to), values in merged.items():
        kind, _, party = name.partition(".")
        key = f"reveal.{kind}"
        what = both(key, **({"party": party} if party else {})) if key in WORDS else tag("span", name)
        guarded = kind in ("evaluation", "correlations", "coefficients")
        found.append((what, both("reveal.all") if to == "all" else to, values, guarded))
    return sorted(found, key=lambda entry: entry[3])


def traffic_of(parties: Sequence[Result], seconds: Mapping[str, float] | None = None) -> Markup:
    took = dict(seconds if seconds is not None else parties[0]["seconds"])
    steps = [name for name in _ORDER if name in took] + [name for name in took if name not in _ORDER]
    longest = max(took.values(), default=0.0)
    lines: list[list[Any]] = []
    for name in steps:
        sent = [party["bytes_sent"].get(name) for party in parties]
        cells = ["" if n_bytes is None else amount(n_bytes) for n_bytes in sent]
        lines.append(
            [both(f"step.{name}"), *cells, f"{took[name]:.2f} s", charts.share_bar(took[name], longest)]
        )
    totals = [amount(sum(party["bytes_sent"].values())) for party in parties]
    lines.append([both("report.total"), *totals, f"{sum(took.values()):.2f} s", ""])
    names: list[Any] = [
        both("report.step"),
        *(both("report.bytes_of", party=party["party"]) for party in parties),
    ]
    names += [both("report.seconds"), ""]
    last = len(names) - 1
    wire = ", ".join(f"{party['party']} {amount(party['wire_bytes_sent'])}" for party in parties)
    return section_of(
        both("report.traffic"),
        table_of(names, lines, numbers=range(1, last), drawn=(last,), total=True),
        tag("p", both("report.traffic_note", wire=wire), class_="note"),
    )


def _protocol(result: Result) -> Markup:
    claims = result["protocol"]
    items = [
        both("report.protocol_link"),
        both("report.protocol_align"),
        both("report.protocol_scheme", scheme=result["scheme"]),
        both(
            "report.protocol_security",
            security=result["security"],
            kappa=claims["kappa"],
            sigma=claims["sigma"],
        ),
        both("report.protocol_assumes", assumes=", ".join(claims["assumes"])),
        both(
            "report.protocol_numbers", bits=claims["fraction_bits"], sigmoid=f"{claims['sigmoid_error']:.1e}"
        ),
        both("report.protocol_maturity", maturity=claims["maturity"]),
    ]
    options = ", ".join(f"{name} {value:g}" for name, value in result["options"].items())
    facts = [
        (both("report.options"), options),
        (both("report.digest"), result["digest"]),
        (both("report.model"), result["model"]),
    ]
    lines = [tag("p", name, ": ", tag("code", value), class_="note") for name, value in facts]
    return section_of(
        both("report.protocol"), tag("ul", *(tag("li", item) for item in items)), tag("br"), *lines
    )
