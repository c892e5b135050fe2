"""A private join as people read it: what will happen, and what did."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from tacit.apps.cli.psi import Prepared
from tacit.apps.cli.psi_stored import OnDisk
from tacit.apps.cli.screen import pairs
from tacit.apps.cli.words import Words, amount, revealed
from tacit.trust.vault import write_private

_INDENT = (0, 0, 0, 2)
_REPORT_WIDTH = 110
_REASONS = {
    "asked": "psi.because_asked",
    "only": "psi.because_only",
    "work": "psi.because_work",
    "bytes": "psi.because_bytes",
    "memory": "psi.because_memory",
}


def preflight(out: Console, words: Words, prepared: Prepared) -> None:
    """What the rules made of the keys, and what was asked for."""
    terms, source = prepared.terms, prepared.source
    rows = [] if prepared.found is None else _keys(words, prepared.found.to_json(), prepared.key)
    if isinstance(source, OnDisk):
        limits = {"memory": amount(source.memory), "folder": str(source.folder)}
        rows.append((words("psi.stored"), words("psi.stored_before_text", **limits)))
    trim = words("psi.trim_yes" if terms.rules.trim else "psi.trim_no")
    case = words("psi.case_keep" if terms.rules.case == "keep" else "psi.case_lower")
    text = "psi.asks_text" if len(terms.receivers) > 1 else "psi.asks_one_text"
    asks = words(text, join=terms.join, order=terms.order, receivers=", ".join(terms.receivers))
    rows += [(words("psi.rules"), words("psi.rules_text", trim=trim, case=case)), (words("psi.asks"), asks)]
    title = words("psi.before", party=prepared.seat.terms.name, job=prepared.job.id)
    out.print(Text(title, style="bold"))
    out.print(Padding(pairs(rows), _INDENT))


def _keys(words: Words, found: dict[str, int], key: Sequence[str]) -> list[tuple[str, str]]:
    """What the rules made of the keys."""
    rows = [
        (words("psi.keys"), words("psi.keys_text", **found, columns=", ".join(key))),
        (words("psi.missing"), words("psi.missing_text", **found)),
        (words("psi.repeated"), words("psi.repeated_text", **found)),
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
    if result["n_common"] is None:
        receivers = ", ".join(result["receivers"])
        return [(words("psi.common"), words("psi.hidden_text", receivers=receivers, **sizes))]
    written = "psi.not_written_text" if result["out"] is None else "psi.written_text"
    fields = {"lines": result["n_lines"]} | ({} if result["out"] is None else {"path": result["out"]})
    return [
        (words("psi.common"), words("psi.common_text", common=result["n_common"], **sizes)),
        (words("psi.written"), words(written, **fields)),
    ]


def _account(words: Words, result: dict[str, Any]) -> list[tuple[str, str]]:
    """Protocol, cost, and who learned what."""
    reason = words(_REASONS[result["because"]])
    protocol = words("psi.protocol_text", psi=result["psi"], security=result["security"], reason=reason)
    cost = words(
        "psi.cost_text",
        seconds=f"{result['seconds']['psi']:.2f}",
        predicted_seconds=f"{result['predicted_seconds']:.2f}",
        bytes=amount(sum(result["bytes_sent"].values()) + result["bytes_received"]),
        predicted_bytes=amount(result["predicted_bytes"]),
    )
    rows = [(words("psi.protocol"), protocol), (words("psi.cost"), cost)]
    if "groups" in result:
        rows.append((words("psi.stored"), words("psi.stored_text", **result)))
    for party in result["parties"]:
        learned = [item["name"] for item in result["revealed"] if item["to"] in (party, "all")]
        text = "; ".join(revealed(words, name) for name in learned)
        rows.append((words("psi.learned", party=party), text))
    return rows


def write_report(path: Path, words: Words, result: dict[str, Any]) -> None:
    """The result as JSON, or as `joined` shows it. Raises UsageError VAULT-0004, VAULT-0005."""
    if path.suffix == ".json":
        text = json.dumps(result, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    else:
        page = io.StringIO()
        joined(Console(file=page, highlight=False, width=_REPORT_WIDTH), words, result)
        text = page.getvalue()
    write_private(path, text.encode(), replace=False)
