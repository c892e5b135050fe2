"""Explanations: their figures against runs and each other, as data, text and page."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import tacit
from tacit.base.errors import UsageError
from tacit.compile import array as xp
from tacit.mpc.scheme import load
from tacit.run.explain.calibrate import calibrate
from tacit.run.explain.explanation import SHIPPED, Explanation
from tacit.run.explain.pace import paced
from tacit.run.explain.rates import LINKS, Link, Point, Rates, on_link
from tacit.run.explain.rehearse import stage
from tacit.run.secure import Input, Secure, Simulation

NAMES = {"semi2k": ["bank", "partner"], "rep3": ["bank", "partner", "helper"]}


@tacit.secure
def scores(x: Any, y: Any) -> dict[str, Any]:
    """A loop, private and public factors, a comparison, two disclosures."""

    def step(w: Any, _: Any) -> tuple[Any, None]:
        return w - 0.01 * (x.T @ (xp.sigmoid(x @ w) - y)), None

    w = xp.scan(step, xp.to_secret(xp.zeros((3,))), None, length=4)[0]
    return {"weights": w, "above": xp.mean(xp.astype(x @ w > 0.5, xp.float64))}


def world(scheme: str) -> tuple[Simulation, list[Input]]:
    parties = tacit.sim(NAMES[scheme], scheme=scheme)
    rng = np.random.default_rng(1)
    x = parties["bank"].private(rng.normal(size=(40, 3)).clip(-4, 4), limit=4.0)
    return parties, [x, parties["partner"].private(rng.random(40), limit=1.0)]


@pytest.fixture(params=["semi2k", "rep3"])
def explained(request: pytest.FixtureRequest) -> Explanation:
    return scores.explain(*world(request.param)[1], link="lan")


@pytest.mark.parametrize("scheme", ["semi2k", "rep3"])
def test_bytes_are_those_of_a_run(scheme: str) -> None:
    parties, inputs = world(scheme)
    explained = scores.explain(*inputs)
    scores(*inputs)
    digest_bytes = 32 * (len(parties.names) - 1)
    run = tuple(each.report.bytes_sent["scores"] - digest_bytes for each in parties.runs)
    assert explained.exact
    assert explained.sent == run
    opening = min(each.report.bytes_sent["setup"] for each in parties.runs)
    assert max(explained.setup_sent) <= opening


def test_figures_add_up(explained: Explanation) -> None:
    steps, totals = explained.steps, explained.by_operator()
    assert explained.sent == tuple(np.sum([step.sent for step in steps], axis=0))
    assert explained.sent == tuple(np.sum([step.sent for step in totals], axis=0))
    waiting = sum(step.rounds for step in steps) * explained.link.wait_s
    work = sum(step.seconds for step in steps) - waiting
    assert explained.seconds == pytest.approx(work + explained.rounds * explained.link.wait_s)
    assert 0 < explained.rounds <= sum(step.rounds for step in steps)
    assert all(math.isfinite(step.seconds) and step.seconds >= 0 for step in totals)
    assert explained.memory_bytes >= max(step.memory_bytes for step in totals)


def test_slower_links_take_longer(explained: Explanation) -> None:
    scheme = explained.scheme
    seconds = [scores.explain(*world(scheme)[1], link=name).seconds for name in LINKS]
    assert seconds == sorted(seconds)
    own = scores.explain(*world(scheme)[1], link=Link("ours", 0.5, 1e9))
    assert own.seconds > 0.5 * own.rounds


def test_each_party_is_told_what_it_sees(explained: Explanation) -> None:
    bank, partner, *others = explained.seen
    assert (bank.party, bank.inputs, partner.inputs) == ("bank", ("x",), ("y",))
    assert [name for name, _, _ in partner.reveals] == ["scores.weights", "scores.above"]
    assert all(other.inputs == () for other in others)
    assert any("rounding bit" in what for _, what in explained.leaks)


def test_reasons_name_both_prices() -> None:
    steps = scores.explain(*world("semi2k")[1]).by_operator()
    (product,) = (step for step in steps if step.op == "matmul")
    assert "would take" in product.reason.spoken("en")
    assert "改用" in product.reason.spoken("zh")


def test_all_is_plain_data(explained: Explanation) -> None:
    fields = json.loads(json.dumps(explained.to_json()))
    assert fields["sent"] == list(explained.sent)
    assert [step["op"] for step in fields["steps"]] == [step.op for step in explained.steps]
    (loop,) = (step for step in fields["steps"] if step["op"] == "scan")
    assert loop["body"]
    assert loop["repeats"] == 4


@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_names_every_operator_and_party(explained: Explanation, language: str) -> None:
    said = explained.text(language)
    for step in explained.by_operator():
        assert step.op in said
    for seen in explained.seen:
        assert seen.party in said


class _Checked(HTMLParser):
    """Counts elements; refuses what comes from elsewhere and tags that do not close."""

    VOID = frozenset(("meta", "input", "br", "path", "rect"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.counts: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        assert tag not in ("script", "link", "img", "iframe")
        assert not any(name in ("src", "href", "onclick") for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone(explained: Explanation) -> None:
    page = explained.html("zh")
    checked = _Checked()
    checked.feed(page)
    assert checked.open == []
    assert checked.counts["svg"] == 4  # the program and its loop, in two languages
    drawn = [step for step in explained.steps if step.rounds]
    assert checked.counts["rect"] >= 4 * len(drawn)
    assert "url(" not in page and "谁能看到什么" in page and "Who sees what" in page


def test_names_in_the_page_are_escaped() -> None:
    def hostile(x: Any) -> Any:
        return xp.sum(x)

    hostile.__name__ = "<b>&"
    parties = tacit.sim(["<i>bank", "partner"])
    page = Secure(hostile).explain(parties["<i>bank"].private(np.ones(3), limit=1.0)).html()
    assert "<i>bank" not in page and "<b>&" not in page and "&lt;i&gt;bank" in page


@pytest.mark.parametrize("scheme", ["rep3_malicious", "rep3_128", "semi2k_dealer", "additive"])
def test_other_schemes_are_priced_as_well(scheme: str) -> None:
    parties = tacit.sim(["a", "b", "c"], scheme=scheme)
    columns = [parties[name].private(np.ones(5), limit=2.0) for name in ("a", "b")]
    explained = tacit.secure(lambda x, y: xp.sum(x) + xp.sum(y)).explain(*columns)
    assert explained.exact and not explained.unpriced
    assert bool(explained.unmeasured) == (scheme != "rep3_malicious")
    assert ("not measured" in explained.text()) == bool(explained.unmeasured)
    assert math.isfinite(explained.seconds) and len(explained.sent) == 3


def test_what_chance_decides_is_said() -> None:
    parties = tacit.sim(["a", "b", "c"])
    column = parties["a"].private(np.ones(9), limit=2.0)
    explained = tacit.secure(lambda x: xp.sort(xp.to_secret(x))).explain(column)
    assert explained.typical == ("sort",) and not explained.exact and not explained.unpriced
    assert "sort" in explained.text("zh") and "typical" in explained.html()


def test_verification_is_a_step_of_its_own() -> None:
    parties = tacit.sim(["a", "b", "c"], scheme="rep3_malicious")
    columns = [parties[name].private(np.ones(9), limit=2.0) for name in ("a", "b")]
    explained = tacit.secure(lambda x, y: xp.sum(x * y)).explain(*columns)
    (settle,) = [step for step in explained.steps if step.op == "settle"]
    assert settle.rounds > 10 and min(settle.sent) > 1000
    assert "proved" in settle.reason.spoken("en") and "settle" in explained.html()


def test_an_unknown_link_is_refused() -> None:
    with pytest.raises(UsageError, match="EXPLAIN-0001"):
        scores.explain(*world("semi2k")[1], link="moon")


class _Ticking:
    """A clock on which every look takes a millisecond."""

    now = 0.0

    def now_s(self) -> float:
        self.now += 0.001
        return self.now


def test_calibrations_measure_each_operator_of_a_program() -> None:
    parties, inputs = world("rep3")
    program, scheme = scores.program(*inputs), load("rep3")
    lines = stage(scheme, 3).rehearse(program)
    rates = calibrate(scheme, 3, lines, _Ticking(), date="2026-11-27", machine="a test's")
    assert {key.split()[1] for key in rates.points} >= {"matmul", "below", "mul_shift"}
    for row in rates.points.values():
        assert all(point.seconds == pytest.approx(0.001 / 3) for point in row)
    again = Rates.read(rates.written())
    assert again.points.keys() == rates.points.keys() and again.written() == rates.written()
    explained = scores.explain(*inputs, rates=rates)
    assert (explained.rates_date, explained.rates_machine) == ("2026-11-27", "a test's")


def test_work_follows_measured_sizes() -> None:
    points = {"semi2k less secret:i public:i": (Point(100, 1, 0, 0.1, 4), Point(300, 3, 0, 0.5, 8))}
    rates = Rates("", "", points=points)
    lines = [
        line
        for outer in stage(load("semi2k"), 2).rehearse(scores.program(*world("semi2k")[1]))
        for line in (outer.body or (outer,))
        if line.eqn.op == "less" and line.eqn.outs[0].type.size == 120
    ]
    assert rates.work("semi2k", lines[0]) == pytest.approx(0.1 + 20 * 0.4 / 200)
    assert rates.messages("semi2k", lines[0]) == pytest.approx(4 + 20 * 4 / 200)
    assert Rates("", "").messages("semi2k", lines[0]) == lines[0].rounds


def test_transfer_hides_behind_work_in_long_messages() -> None:
    link = Link("", 0.0, 1e6, busy_s=0.0)
    assert on_link(link, 0.001, 1000, 1) == pytest.approx(0.002)
    assert on_link(link, 100.0, 10**8, 95) == pytest.approx(100.0 + 100.0 / 95)


def test_each_message_is_handled_and_rounds_wait_for_the_rest() -> None:
    _, inputs = world("rep3")
    free = Link("", 0.0, 1e12, busy_s=0.0, message_s=0.0)
    handled, waited = replace(free, message_s=1.0, latency_s=1.0), replace(free, latency_s=1.0)
    explained = {link: scores.explain(*inputs, link=link) for link in (free, handled, waited)}
    seconds = {link: each.seconds - explained[free].seconds for link, each in explained.items()}
    assert seconds[waited] == pytest.approx(explained[free].rounds)
    assert seconds[handled] > seconds[waited]  # most messages are not on the longest chain


def test_rates_follow_the_pace_of_the_machine() -> None:
    rates = Rates("", "", 1e-9, 2e-5, pace_s=0.0005, points={"a": (Point(1, 2, 3, 0.1, 5),)})
    slower = paced(rates, _Ticking())
    assert (slower.element_s, slower.step_s, slower.pace_s) == pytest.approx((2e-9, 4e-5, 0.001))
    assert slower.points["a"] == (Point(1, 2, 3, pytest.approx(0.2), 5),)
    assert paced(replace(rates, pace_s=0.0), _Ticking()).step_s == rates.step_s
    both = rates.joined([Rates("", "", pace_s=0.001, points={"b": (Point(1, 2, 3, 0.1, 5),)})])
    assert [row[0].seconds for row in both.points.values()] == pytest.approx([0.1, 0.05])


def test_rates_that_ship_are_dated_and_cover_schemes() -> None:
    assert len(SHIPPED.date) == 10 and SHIPPED.pace_s > 0
    assert {key.split()[0] for key in SHIPPED.points} == {"semi2k", "rep3", "rep3_malicious"}
    assert all(point.seconds > 0 for row in SHIPPED.points.values() for point in row)
