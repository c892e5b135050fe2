"""The report of a private join as one self-contained page, English and Chinese, for the party that ran it.

Made from the result object only, so it can hold nothing that its reader did not learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tacit.apps.cli import charts
from tacit.apps.cli.markup import Markup, both, join, tag
from tacit.apps.cli.report import card_of, header_of, page_of, reveals_of, section_of, table_of, traffic_of
from tacit.apps.cli.words import Words, amount

Result = Mapping[str, Any]

_TERMS = ("join", "order", "tell", "columns", "at_least", "trim", "case", "key_columns", "stored", "pairs")


def join_report(result: Result, language: str) -> str:
    party, names = result["party"], " + ".join(result["parties"])
    return page_of(
        language,
        Words(language)("join.title", party=party),
        header_of(result, both("join.title", party=party), both("join.lead", parties=names, party=party)),
        _cards(result),
        _sets(result),
        _keys(result),
        _learned(result),
        traffic_of([result]),
        _protocol(result),
    )


def _cards(result: Result) -> Markup:
    cards = [*_answers(result)]
    if result["n_lines"] is not None:
        note = (
            both("join.lines_note", join=result["join"], order=result["order"])
            if "join" in result
            else Markup("")
        )
        cards.append(card_of(both("join.lines"), f"{result['n_lines']:,}", note))
    spent = amount(sum(result["bytes_sent"].values()) + result["bytes_received"])
    cards.append(
        card_of(both("join.bytes"), spent, both("join.bytes_note", bytes=amount(result["predicted_bytes"])))
    )
    waited = both("join.seconds_note", seconds=f"{result['predicted_seconds']:.2f}")
    cards.append(card_of(both("join.seconds"), f"{sum(result['seconds'].values()):.2f}", waited))
    return tag("div", *cards, class_="cards")


def _answers(result: Result) -> list[Markup]:
    """What was to be learned, first."""
    sizes = {"mine": f"{result['n_mine']:,}", "theirs": f"{result['n_theirs']:,}"}
    of = both("join.of" if len(result["parties"]) == 2 else "join.of_mine", **sizes)
    common = _n_common(result)
    if "told" in result and "enough" in result["told"] and "count" not in result["told"]:
        answer = both("join.yes" if result["told"]["enough"] else "join.no")
        return [card_of(both("join.enough", at_least=result["at_least"]), answer, of, lead=True)]
    figure: Any = "–" if common is None else f"{common:,}"
    note = both("join.withheld", party=result["party"]) if common is None else of
    cards = [card_of(both("join.common"), figure, note, lead=True)]
    sums = result.get("told", {}).get("sums", {})
    return cards + [
        card_of(both("psi.sum_of", column=name), f"{value:,}", Markup("")) for name, value in sums.items()
    ]


def _n_common(result: Result) -> int | None:
    count: int | None = result["told"].get("count") if "told" in result else result["n_common"]
    return count


def _sets(result: Result) -> Markup:
    sets = [(result["party"], result["n_mine"])]
    if len(result["parties"]) == 2:
        [other] = [name for name in result["parties"] if name != result["party"]]
        sets.append((other, result["n_theirs"]))
    common = _n_common(result)
    note = Markup("") if common is None else tag("p", both("join.dark"), class_="note")
    return section_of(both("join.overlap"), charts.overlap_bars(sets, common), note)


def _keys(result: Result) -> Markup:
    lines = [[both(f"join.key_{name}"), f"{count:,}"] for name, count in result["preflight"].items()]
    return section_of(
        both("join.keys", party=result["party"]),
        tag("p", both("psi.keys"), ": ", tag("code", ", ".join(result["key"])), class_="note"),
        table_of([both("join.rule"), both("join.rows_or_parts")], lines, numbers=(1,), headed=True),
    )


def _learned(result: Result) -> Markup:
    names = [both(f"report.{name}") for name in ("what", "to", "numbers")]
    lines = [[what, to, f"{values:,}"] for what, to, values, _ in reveals_of(result)]
    return section_of(
        both("report.revealed"),
        table_of(names, lines, numbers=(2,)),
        tag("p", both("join.only_learned"), class_="note"),
    )


def _protocol(result: Result) -> Markup:
    claims = result["protocol"]
    shown = {**claims, "assumes": ", ".join(claims["assumes"])}
    items = [
        both("report.protocol_link"),
        both("join.claims", psi=result["psi"], security=result["security"], **shown),
    ]
    shown_terms = {name: result[name] for name in _TERMS if name in result}
    if "tell" not in result:
        shown_terms.pop("columns", None)  # of a training, whose job serves for a join as well
    terms = ", ".join(f"{name} {value}" for name, value in shown_terms.items())
    facts = [(both("join.terms"), terms), (both("report.digest"), result["digest"])]
    notes = [tag("p", name, ": ", tag("code", value), class_="note") for name, value in facts]
    return section_of(
        both("report.protocol"), tag("ul", *(tag("li", item) for item in items)), tag("br"), join(*notes)
    )
