"""Drawings of the reports, as inline SVG: lines, bars and dots from a few numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

from tacit.apps.cli.markup import Markup, both_svg, join, tag

_WIDTH, _HEIGHT = 440.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 20.0, 16.0, 44.0
_PLOT_WIDTH, _PLOT_HEIGHT = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM


def _x(share: float) -> float:
    return _LEFT + share * _PLOT_WIDTH


def _y(share: float) -> float:
    return _TOP + (1.0 - share) * _PLOT_HEIGHT


def _text(content: str, x: float, y: float, class_: str) -> Markup:
    return tag("text", content, x=f"{x:.1f}", y=f"{y:.1f}", class_=class_)


def _line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return tag("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_=class_)


def _path(points: Sequence[tuple[float, float]], class_: str) -> Markup:
    return tag("path", d="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points), class_=class_)


def _svg(*children: Markup, height: float = _HEIGHT, label: str) -> Markup:
    return tag(
        "svg", *children, viewBox=f"0 0 {_WIDTH:g} {height:g}", role="img", aria_label=label, class_="chart"
    )


def _percent_axes() -> Markup:
    parts = []
    for step in range(0, 101, 25):
        share = step / 100
        parts.append(_line(_LEFT, _y(share), _WIDTH - _RIGHT, _y(share), "grid" if step else "axis"))
        parts.append(_text(f"{step}%", _LEFT - 8, _y(share) + 4, "tick end"))
        parts.append(_text(f"{step}%", _x(share), _HEIGHT - _BOTTOM + 18, "tick middle"))
    return join(*parts)


def ks_curve(bin_rows: Sequence[int], bin_positives: Sequence[int]) -> Markup:
    """Shares of the positives and of the others found, against the share of rows, highest scores first."""
    n_rows, n_positive = sum(bin_rows), sum(bin_positives)
    rows = [0.0, *(count / n_rows for count in accumulate(bin_rows))]
    found = [0.0, *(count / n_positive for count in accumulate(bin_positives))]
    negatives = [all_ - good for all_, good in zip(bin_rows, bin_positives, strict=True)]
    others = [0.0, *(count / (n_rows - n_positive) for count in accumulate(negatives))]
    widest = max(range(len(rows)), key=lambda i: abs(found[i] - others[i]))
    at = _x(rows[widest])
    return _svg(
        _percent_axes(),
        _line(_x(0), _y(0), _x(1), _y(1), "chance"),
        _line(at, _y(found[widest]), at, _y(others[widest]), "gap"),
        _path([(_x(a), _y(b)) for a, b in zip(rows, others, strict=True)], "curve negative"),
        _path([(_x(a), _y(b)) for a, b in zip(rows, found, strict=True)], "curve positive"),
        *(_dot(_x(a), _y(b), "dot positive") for a, b in zip(rows, found, strict=True)),
        *(_dot(_x(a), _y(b), "dot negative") for a, b in zip(rows, others, strict=True)),
        both_svg("report.axis_rows", _LEFT + _PLOT_WIDTH / 2, _HEIGHT - 6, class_="name middle"),
        label="KS curve",
    )


def _dot(x: float, y: float, class_: str) -> Markup:
    return tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="2.4", class_=class_)


def lift_bars(bin_rows: Sequence[int], bin_positives: Sequence[int]) -> Markup:
    """Per bin, highest scores first: its rate of positives over the rate of all rows."""
    n_rows, n_positive = sum(bin_rows), sum(bin_positives)
    base = n_positive / n_rows
    lifts = [good / rows / base for rows, good in zip(bin_rows, bin_positives, strict=True)]
    top = max(2.0, float(math.ceil(max(lifts))))
    slot = _PLOT_WIDTH / len(lifts)
    parts = []
    for level in range(int(top) + 1):
        height = _y(level / top)
        parts.append(_line(_LEFT, height, _WIDTH - _RIGHT, height, "grid" if level else "axis"))
        parts.append(_text(f"{level}×", _LEFT - 8, height + 4, "tick end"))
    for index, lift in enumerate(lifts):
        left, high = _LEFT + index * slot, _y(lift / top)
        title = tag("title", f"{bin_positives[index]} / {bin_rows[index]}")
        parts.append(
            tag("rect", title, x=f"{left + slot * 0.14:.1f}", y=f"{high:.1f}", width=f"{slot * 0.72:.1f}",
                height=f"{max(0.0, _y(0) - high):.1f}", rx="1.5", class_="bar")
        )  # fmt: skip
        parts.append(_text(f"{lift:.1f}", left + slot / 2, high - 5, "value middle"))
        parts.append(_text(str(index + 1), left + slot / 2, _HEIGHT - _BOTTOM + 18, "tick middle"))
    parts.append(_line(_LEFT, _y(1 / top), _WIDTH - _RIGHT, _y(1 / top), "chance"))
    parts.append(both_svg("report.axis_bins", _LEFT + _PLOT_WIDTH / 2, _HEIGHT - 6, class_="name middle"))
    return _svg(*parts, label="Lift")


def dots(figures: Sequence[tuple[str, float]]) -> Markup:
    """One row per (key of its name, value in [0, 1]): a dot on a common axis that starts at 0.5."""
    low = 0.5 if min(value for _, value in figures) >= 0.5 else 0.0
    high = min(1.0, math.floor(max(value for _, value in figures) * 10 + 1) / 10)
    left, width, row = 12.0, _WIDTH - 84.0, 44.0

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * width

    height = row * len(figures) + 34
    parts = []
    for tenth in range(round(low * 10), round(high * 10) + 1):
        at = x(tenth / 10)
        parts.append(_line(at, 6, at, height - 24, "grid"))
        parts.append(_text(f"{tenth / 10:.1f}", at, height - 8, "tick middle"))
    for index, (key, value) in enumerate(figures):
        y = 34 + index * row
        strength = "lead" if index == 0 else "rest"
        parts.append(both_svg(key, left, y - 12, class_=f"name start {strength}"))
        parts.append(_line(x(low), y, x(value), y, f"stem {strength}"))
        parts.append(tag("circle", cx=f"{x(value):.1f}", cy=f"{y:.1f}", r="6", class_=f"head {strength}"))
        parts.append(_text(f"{value:.4f}", x(value) + 12, y + 4, f"value start {strength}"))
    return _svg(*parts, height=height, label="AUC")


def diverging(value: float, largest: float) -> Markup:
    """A bar from the middle to the right for positive values, to the left for negative ones."""
    share = 0.0 if largest == 0 else abs(value) / largest * 50
    left = 50.0 if value >= 0 else 50.0 - share
    return tag(
        "svg",
        _line(50, 0, 50, 12, "axis"),
        tag("rect", x=f"{left:.2f}", y="2.5", width=f"{share:.2f}", height="7",
            class_="more" if value >= 0 else "less"),
        viewBox="0 0 100 12", preserveAspectRatio="none", class_="diverging", aria_hidden="true",
    )  # fmt: skip


def share_bar(value: float, largest: float) -> Markup:
    """A bar from the left."""
    share = 0.0 if largest == 0 else value / largest * 100
    return tag(
        "svg",
        tag("rect", x="0", y="2.5", width=f"{share:.2f}", height="7", class_="bar"),
        viewBox="0 0 100 12", preserveAspectRatio="none", class_="share", aria_hidden="true",
    )  # fmt: skip


def overlap_bars(sets: Sequence[tuple[str, int]], common: int | None) -> Markup:
    """A bar for each set, as long as it is large; what is common, where that is known, drawn first."""
    largest, height = max([size for _, size in sets] + [1]), 8.0 + 46.0 * len(sets)
    parts = []
    for number, (name, size) in enumerate(sets):
        y = 24.0 + 46.0 * number
        width = (_WIDTH - 2 * _RIGHT) * size / largest
        parts.append(_text(f"{name} · {size:,}", _RIGHT, y - 6, "name start"))
        bar = {"y": f"{y:.1f}", "height": "18", "rx": "2"}
        parts.append(tag("rect", x=f"{_RIGHT:.1f}", width=f"{width:.1f}", class_="own", **bar))
        if common is not None:
            shared = (_WIDTH - 2 * _RIGHT) * common / largest
            parts.append(tag("rect", x=f"{_RIGHT:.1f}", width=f"{shared:.1f}", class_="bar", **bar))
    return _svg(*parts, height=height, label=", ".join(f"{name} {size}" for name, size in sets))
