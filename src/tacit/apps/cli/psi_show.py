"""A private join as people read it: what will happen, and what did."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from tacit.apps.cli.psi import Prepared as Join
from tacit.apps.cli.psi_foreseen import foreseen
from tacit.apps.cli.psi_overlap import Prepared as Overlap
from tacit.apps.cli.psi_report import join_report
from tacit.apps.cli.psi_stored import OnDisk
from tacit.apps.cli.screen import pairs
from tacit.apps.cli.words import Words, amount, revealed
from tacit.tasks.join import Terms
from tacit.trust.vault import write_private

_INDENT = (0, 0, 0, 2)
_REPORT_WIDTH = 110
_REASONS = {
    "asked": "psi.because_asked",
    "only": "psi.because_only",
    "work": "psi.because_work",
    "least": "psi.because_least",
    "bytes": "psi.because_bytes",
    "memory": "psi.because_memory",
    "hidden": "psi.because_hidden",
    "several": "psi.because_several",
}


def preflight(out: Console, words: Words, prepared: Join | Overlap) -> None:
    """What the rules made of the keys, and what was asked for."""
    rows = [] if prepared.found is None else _keys(words, prepared)
    if isinstance(prepared, Overlap):
        rules = prepared.question.rules
        asks = _question(words, prepared.job.options, prepared.job.parties[0].name)
    else:
        rules = prepared.terms.rules
        asks = _asks(words, prepared.terms)
        if isinstance(prepared.source, OnDisk):
            limits = {"memory": amount(prepared.source.memory), "folder": str(prepared.source.folder)}
            rows.append((words("psi.stored"), words("psi.stored_before_text", **limits)))
    trim = words("psi.trim_yes" if rules.trim else "psi.trim_no")
    case = words("psi.case_keep" if rules.case == "keep" else "psi.case_lower")
    rows += [(words("psi.rules"), words("psi.rules_text", trim=trim, case=case)), (words("psi.asks"), asks)]
    if (cost := foreseen(prepared)) is not None:
        text = "psi.foreseen_text" if len(prepared.job.parties) == 2 else "psi.foreseen_several_text"
        rows.append((words("psi.cost"), words(text, **cost | {"bytes": amount(cost["bytes"])})))
    title = words("psi.before", party=prepared.seat.terms.name, job=prepared.job.id)
    out.print(Text(title, style="bold"))
    out.print(Padding(pairs(rows), _INDENT))


def _asks(words: Words, terms: Terms) -> str:
    text = "psi.asks_text" if len(terms.receivers) > 1 else "psi.asks_one_text"
    return words(text, join=terms.join, order=terms.order, receivers=", ".join(terms.receivers))


def _question(words: Words, options: Mapping[str, Any], first: str) -> str:
    limited = "_if_enough" if options["tell"] == "sum" and options["at_least"] else ""
    text = "psi.tell_" + str(options["tell"]).replace("-", "_") + limited
    return words(text, columns=", ".join(options["columns"]), at_least=options["at_least"], first=first)


def _keys(words: Words, prepared: Join | Overlap) -> list[tuple[str, str]]:
    """What the rules made of the keys."""
    assert prepared.found is not None
    found = prepared.found.to_json()
    pairs = isinstance(prepared, Join) and prepared.terms.pairs
    rows = [
        (words("psi.keys"), words("psi.keys_text", **found, columns=", ".join(prepared.key))),
        (words("psi.missing"), words("psi.missing_text", **found)),
        (words("psi.repeated"), words("psi.pairs_text" if pairs else "psi.repeated_text", **found)),
        (words("psi.changed"), words("psi.changed_text", **found)),
    ]
    return [*rows, (words("psi.zeros"), words("psi.zeros_text", **found))] if found["zeros"] else rows


def joined(out: Console, words: Words, result: dict[str, Any]) -> None:
    took = sum(result["seconds"].values())
    title = words("result.title", party=result["party"], job=result["job"], seconds=f"{took:.1f}")
    out.print(Text(title, style="bold green"))
    out.print(Padding(pairs([*_outcome(words, result), *_account(words, result)]), _INDENT))


def _outcome(words: Words, result: dict[str, Any]) -> list[tuple[str, str]]:
    sizes = {"mine": result["n_mine"], "theirs": result["n_theirs"]}
    if "told" in result:
        return _answer(words, result, sizes)
    several = "several_" if len(result["parties"]) > 2 else ""
    if result["n_common"] is None:
        receivers = ", ".join(result["receivers"])
        if "table" in result:
            return [(words("psi.common"), words("psi.answered_text", receivers=receivers, **sizes))]
        return [(words("psi.common"), words(f"psi.{several}hidden_text", receivers=receivers, **sizes))]
    written = "psi.not_written_text" if result["out"] is None else "psi.written_text"
    fields = {"lines": result["n_lines"]} | ({} if result["out"] is None else {"path": result["out"]})
    return [
        (words("psi.common"), words(f"psi.{several or 'common_'}text", common=result["n_common"], **sizes)),
        (words("psi.written"), words(written, **fields)),
    ]


def _answer(words: Words, result: dict[str, Any], sizes: dict[str, int]) -> list[tuple[str, str]]:
    told = result["told"]
    rows = []
    if "count" in told:
        text = words("psi.common_text", common=told["count"], **sizes)
    else:
        answer = "psi.enough_text" if told["enough"] else "psi.not_enough_text"
        text = words(answer, at_least=result["at_least"], **sizes)
    rows.append((words("psi.common"), text))
    rows += [(words("psi.sum_of", column=name), f"{value:,}") for name, value in told.get("sums", {}).items()]
    if result["n_lines"] is not None:
        written = "psi.not_written_text" if result["out"] is None else "psi.written_text"
        rows.append((words("psi.written"), words(written, lines=result["n_lines"], path=result["out"])))
    return rows


def _account(words: Words, result: dict[str, Any]) -> list[tuple[str, str]]:
    """Protocol, cost, and who learned what."""
    reason = words(_REASONS[result["because"]])
    protocol = words("psi.protocol_text", psi=result["psi"], security=result["security"], reason=reason)
    spent = {
        "seconds": f"{priced_seconds(result):.2f}",
        "bytes": amount(sum(result["bytes_sent"].values()) + result["bytes_received"]),
        "predicted_seconds": f"{result['predicted_seconds']:.2f}",
        "predicted_bytes": amount(result["predicted_bytes"]),
    }
    cost = words("psi.cost_text" if len(result["parties"]) == 2 else "psi.several_cost_text", **spent)
    rows = [(words("psi.protocol"), protocol), (words("psi.cost"), cost)]
    if "table" in result:
        rows.append((words("psi.table"), _table(words, result["table"])))
    if "groups" in result:
        rows.append((words("psi.stored"), words("psi.stored_text", **result)))
    for party in result["parties"]:
        learned = [item["name"] for item in result["revealed"] if item["to"] in (party, "all")]
        text = "; ".join(revealed(words, name) for name in learned)
        rows.append((words("psi.learned", party=party), text))
    return rows


def priced_seconds(result: dict[str, Any]) -> float:
    """Of the steps that the prediction speaks of: with shares, their set-up and the opening too."""
    steps = ("setup", "psi", "overlap") if "told" in result else ("psi",)
    return float(sum(result["seconds"].get(step, 0.0) for step in steps))


def _table(words: Words, table: dict[str, Any]) -> str:
    changes = words("psi.table_first")
    if table["changes"] is not None:
        added, removed = table["changes"]
        changes = words("psi.table_changes", added=added, removed=removed)
    return words("psi.table_text", version=table["version"], items=table["items"], changes=changes)


def write_report(path: Path, words: Words, result: dict[str, Any]) -> None:
    """The result as JSON, as a page, or as `joined` shows it. Raises UsageError VAULT-0004, VAULT-0005."""
    if path.suffix == ".json":
        text = json.dumps(result, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    elif path.suffix == ".html":
        text = join_report(result, words.language)
    else:
        page = io.StringIO()
        joined(Console(file=page, highlight=False, width=_REPORT_WIDTH), words, result)
        text = page.getvalue()
    write_private(path, text.encode(), replace=False)
