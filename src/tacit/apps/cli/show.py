"""Results as people read them, on standard output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tacit.apps.cli.check import Preflight
from tacit.apps.cli.gate import Judged
from tacit.apps.cli.party import Seat
from tacit.apps.cli.screen import pairs
from tacit.apps.cli.words import Words, amount, revealed
from tacit.frame.profile import Problem
from tacit.trust.identity import Identity

_INDENT = (0, 0, 0, 2)


def identity_made(out: Console, words: Words, made: Identity) -> None:
    out.print(Text(words("init.done", name=made.name, home=str(made.home)), style="bold"))
    rows = [
        (words("init.certificate"), str(made.certificate_path)),
        (words("init.fingerprint"), made.fingerprint),
        (words("init.next"), words("init.send")),
    ]
    out.print(Padding(pairs(rows), _INDENT))


def checked(out: Console, words: Words, seat: Seat, found: Preflight) -> None:
    out.print(Text(words("check.title", party=found.party, job=found.job), style="bold"))
    out.print(Padding(pairs(_data_rows(words, found)), _INDENT))
    out.print()
    out.print(Text(words("check.reveals"), style="bold"))
    out.print(Padding(_disclosure_table(words, found), _INDENT))
    if found.gate:
        out.print()
        out.print(Text(words("gate.title"), style="bold"))
        out.print(Padding(_gate_table(words, found.gate), _INDENT))
    if found.blocking or found.warnings:
        out.print()
        out.print(Text(words("check.problems"), style="bold"))
        out.print(Padding(_problem_table(words, [*found.blocking, *found.warnings]), _INDENT))
    out.print()
    if found.blocking:
        out.print(Text(words("check.blocked", n=len(found.blocking)), style="bold red"))
        return
    out.print(Text(words("check.ready"), style="bold green"))
    config = str(seat.file.path)
    for terms in seat.file.job.parties:
        out.print(Text(f"  tacit train --me {terms.name} --config {config}"))


def _data_rows(words: Words, found: Preflight) -> list[tuple[str, str]]:
    data = found.profile
    text = words(
        "check.data_text",
        rows=data.n_rows,
        ids=data.n_ids,
        columns=len(data.columns),
        features=data.n_features,
    )
    rows = [(words("check.data"), text)]
    if data.positive_share is not None:
        rows.append((words("check.label"), words("check.label_text", share=f"{data.positive_share:.1%}")))
    if found.forecast is not None:
        price = found.forecast
        seconds = {
            name: f"{value:.0f}" if value >= 10 else f"{value:.1f}" for name, value in price.seconds.items()
        }
        rows += [
            (
                words("check.price", rows=price.rows),
                words("check.bytes", sent=("≥ " if price.unpriced else "") + amount(price.bytes_sent)),
            ),
            ("", words("check.seconds", **seconds)),
            ("", words("check.assumed", rows=price.peer_rows, features=price.peer_features)),
        ]
    return rows


def _disclosure_table(words: Words, found: Preflight) -> Table:
    table = _table(words("check.what"), words("check.to"), words("check.guard"))
    for item in found.disclosures:
        guard = words("check.guarded") if item.guarded else words("check.always")
        table.add_row(Text(revealed(words, item.name)), Text(", ".join(item.to)), Text(guard, style="dim"))
    return table


def _gate_table(words: Words, judged: tuple[Judged, ...]) -> Table:
    table = _table(words("gate.column"), words("gate.before"), words("gate.verdict"), words("gate.why"))
    styles = {"safe": "green", "unknown": "yellow", "unsafe": "bold red"}
    for line in judged:
        why = line.because[words.language == "zh"] + (f": {line.example}" if line.example else "")
        table.add_row(
            Text(f"{line.owner} · {line.column} · {line.program}"),
            Text(", ".join(line.to)),
            Text(words(f"gate.{line.kind}"), style=styles[line.kind]),
            Text(why, style="dim"),
        )
    return table


def approved(out: Console, words: Words, judged: tuple[Judged, ...], path: Path) -> None:
    out.print(Padding(_gate_table(words, judged), _INDENT))
    out.print(Text(words("gate.signed", path=str(path)), style="bold green"))


def _problem_table(words: Words, problems: list[Problem]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for problem in problems:
        style = "bold red" if problem.severity == "error" else "yellow"
        hint = f" — {problem.hint}" if problem.hint else ""
        table.add_row(
            Text(words(f"check.{problem.severity}"), style=style), problem.code, Text(problem.message + hint)
        )
    return table


def _table(*names: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(Text(name), overflow="fold")
    return table


def trained(out: Console, words: Words, result: dict[str, Any]) -> None:
    took = f"{sum(result['seconds'].values()):.1f}"
    out.print(
        Text(
            words("result.title", party=result["party"], job=result["job"], seconds=took), style="bold green"
        )
    )
    counts, quality, weights = result["rows"], result["quality"], result["coefficients"]
    learned = (
        words("result.coefficients_shared")
        if weights is None
        else words("result.coefficients_own", n=len(weights))
    )
    rows = [
        (words("result.rows"), words("result.rows_text", **counts)),
        (words("result.quality"), quality_text(quality)),
        (words("result.coefficients"), learned),
        (words("result.sent"), amount(sum(result["bytes_sent"].values()))),
        (words("result.model"), result["folder"]),
        (words("result.report"), result["report"]),
    ]
    if counts["without_id"] or counts["repeated_id"]:
        left_out = words(
            "result.left_out_text", n_null=counts["without_id"], n_duplicate=counts["repeated_id"]
        )
        rows.insert(1, (words("result.left_out"), left_out))
    out.print(Padding(pairs(rows), _INDENT))


def quality_text(quality: dict[str, Any]) -> str:
    bound = f" ± {quality['auc_bound']:.4f}" if quality["auc_bound"] else ""
    return f"AUC {quality['auc']:.4f}{bound}   KS {quality['ks']:.4f}"


def predicted(out: Console, words: Words, result: dict[str, Any]) -> None:
    took = f"{sum(result['seconds'].values()):.1f}"
    out.print(
        Text(
            words("result.title", party=result["party"], job=result["job"], seconds=took), style="bold green"
        )
    )
    if result["scores"] is None:
        scores = words("result.no_scores", to=", ".join(result["reveals"]["scores"]))
    else:
        scores = words("result.scores_text", n=result["n_scored"], path=result["scores"])
    rows = [
        (words("result.scores"), scores),
        (words("result.sent"), amount(sum(result["bytes_sent"].values()))),
    ]
    out.print(Padding(pairs(rows), _INDENT))


def demonstrated(out: Console, words: Words, result: dict[str, Any]) -> None:
    table = _table(words("demo.model"), "AUC", "KS")
    for name in ("joint", "pooled", "bank_only"):
        style = "bold green" if name == "joint" else ""
        figures = [Text(f"{result[f'{kind}_{name}']:.4f}", style=style) for kind in ("auc", "ks")]
        table.add_row(Text(words(f"demo.{name}"), style=style), *figures)
    out.print()
    out.print(Padding(table, _INDENT))
    out.print()
    rows = []
    for name, sent in result["bytes_sent"].items():
        count = result["columns_after_encoding"][name]
        rows.append(
            (
                words("demo.learned", party=name),
                words("demo.learned_text", common=result["intersection"], n=count),
            )
        )
        rows.append((words("demo.left", party=name), words("demo.left_text", bytes=amount(sent))))
    rows.append((words("demo.report"), result["report"]))
    out.print(Padding(pairs(rows), _INDENT))
    out.print(Text("  " + words("demo.took", seconds=f"{result['seconds_total']:.1f}"), style="dim"))
