"""Reports: everything escaped, nothing loaded, both languages, only what the reader learned."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from tacit.apps.cli import charts
from tacit.apps.cli.markup import Markup, both, join, tag
from tacit.apps.cli.report import demo_report, party_report

HOSTILE = "<script>alert(1)</script>\"'&x"


def _result(party: str = "bank", column: str = "amount", shared: bool = False) -> dict[str, Any]:
    return {
        "job": "test",
        "finished": "2026-11-23T17:00+00:00",
        "task": "credit",
        "party": party,
        "parties": ["bank", "partner"],
        "label_holder": "bank",
        "scheme": "semi2k",
        "security": "semi-honest",
        "version": "0.1.0",
        "digest": "ab" * 32,
        "model": "cd" * 16,
        "reveals": {"coefficients": "shared" if shared else "own", "scores": []},
        "protocol": {
            "kappa": 128,
            "sigma": 40,
            "assumes": ["random oracle"],
            "maturity": "experimental",
            "fraction_bits": 18,
            "sigmoid_error": 1e-4,
        },
        "rows": {
            "mine": 90,
            "theirs": 80,
            "common": 60,
            "train": 20,
            "test": 40,
            "without_id": 0,
            "repeated_id": 0,
        },
        "options": {"epochs": 2, "l2": 0.001},
        "quality": {
            "n_rows": 40,
            "n_positive": 20,
            "auc": 0.75,
            "auc_bound": 0.0,
            "ks": 0.5,
            "bin_rows": [20, 20],
            "bin_positives": [15, 5],
        },
        "coefficients": None if shared else {column: 0.5, "(intercept)": -1.25},
        "correlations": {column: -0.125},
        "bytes_sent": {"setup": 100, "training": 2000},
        "wire_bytes_sent": 2200,
        "rounds": 12,
        "seconds": {"setup": 0.1, "training": 2.0},
        "revealed": [
            {"name": "set sizes", "to": "all", "values": 2},
            {"name": "coefficients.bank", "to": "bank", "values": 2},
            {"name": "evaluation.ks", "to": "all", "values": 1},
            {"name": "evaluation.wins", "to": "all", "values": 1},
        ],
    }


SUMMARY: dict[str, Any] = {
    "rows_test": 40,
    "auc_joint": 0.75,
    "auc_pooled": 0.751,
    "auc_bank_only": 0.6,
    "auc_difference": 0.001,
    "seconds": {"setup": 0.1, "training": 2.0, "comparison": 0.1},
}


class Outline(HTMLParser):
    """Tags, and whether each is closed where it must be."""

    VOID = frozenset({"meta", "input", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _outline(page: str) -> Outline:
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    return outline


PAGES = {
    "party": party_report(_result(), "en"),
    "shared": party_report(_result(shared=True), "zh"),
    "demo": demo_report({"bank": _result(), "partner": _result("partner", "savings")}, SUMMARY, "en"),
}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_self_contained(name: str) -> None:
    page = PAGES[name]
    outline = _outline(page)
    assert not outline.tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "a"}
    assert not outline.names & {"src", "href", "style"} and not any(n.startswith("on") for n in outline.names)
    assert not re.search(r"https?://|url\(|@import", page)
    assert "default-src 'none'" in page.replace("&#x27;", "'")


@pytest.mark.parametrize("where", ["party", "column", "job"])
def test_hostile_names_are_text(where: str) -> None:
    result = _result(column=HOSTILE) if where == "column" else _result()
    if where != "column":
        result[where] = HOSTILE
    page = party_report(result, "en")
    assert "script" not in _outline(page).tags
    assert "&lt;script&gt;" in page


def test_language_is_chosen_and_switchable() -> None:
    english, chinese = party_report(_result(), "en"), party_report(_result(), "zh")
    assert '<html lang="en">' in english and '<html lang="zh">' in chinese
    for page, code in ((english, "en"), (chinese, "zh")):
        assert re.search(rf'<input[^>]*id="lang-{code}"[^>]*checked', page)
        assert len(re.findall(r"<input[^>]*checked", page)) == 1
        assert "what was revealed" in page.lower() and "披露了什么" in page


def test_figures_and_reveals() -> None:
    page = PAGES["party"]
    assert "0.7500" in page and "0.5000" in page and "-1.250" in page and "-0.125" in page
    assert page.count("AUC, KS and the gains table") == 1, "figures of the evaluation are one line"
    assert "savings" not in page and "savings" in PAGES["demo"]


def test_shared_coefficients_are_not_drawn() -> None:
    assert "nobody learned them" in PAGES["shared"] and "-1.250" not in PAGES["shared"]


def test_markup() -> None:
    assert (
        tag("p", "<b>", class_="x", for_="y", aria_label='"')
        == '<p class="x" for="y" aria-label="&quot;">&lt;b&gt;</p>'
    )
    assert tag("rect", x=1, hidden=None) == '<rect x="1"/>'
    assert join(Markup("<i>"), "&") == "<i>&amp;"
    assert "&lt;" in both("report.job", job="<")


@pytest.mark.parametrize("bins", [([20], [10]), ([20, 21], [20, 0]), ([20] * 20, [1] * 19 + [20])])
def test_charts_take_any_bins(bins: tuple[list[int], list[int]]) -> None:
    for drawing in (charts.ks_curve(*bins), charts.lift_bars(*bins)):
        _outline(drawing)
        assert "nan" not in drawing and "inf" not in drawing


def test_bars_stay_in_their_cells() -> None:
    for value in (-2.0, 0.0, 2.0):
        x, width = (
            float(number)
            for number in re.findall(r'<rect x="([^"]+)"[^>]*?width="([^"]+)"', charts.diverging(value, 2.0))[
                0
            ]
        )
        assert x >= 0 and x + width <= 100
    _outline(charts.diverging(0.0, 0.0))
