"""Progress events as JSON lines: how a party's process tells the process that started it what happens."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any, TextIO

from tacit.base.errors import TacitError, TransportError
from tacit.base.log import Field, Sink

Listener = Callable[[dict[str, Any]], None]
"""Called with one event: `event`, `path`, and the event's own fields."""


class MonotonicClock:
    """The clock that the application hands down."""

    def now_s(self) -> float:
        return time.monotonic()


def sink_of(*listeners: Listener) -> Sink:
    """A sink that tells every listener."""

    def sink(event: str, path: str, fields: dict[str, Field]) -> None:
        for listener in listeners:
            listener({"event": event, "path": path, **fields})

    return sink


class JsonLines:
    """Writes each event as one line, at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: dict[str, Any]) -> None:
        """Raises TransportError CLI-0010 if nobody reads any more: the run then ends, too."""
        try:
            self._stream.write(json.dumps(event, ensure_ascii=True, separators=(",", ":")) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            # What is still buffered has nowhere to go; the interpreter would complain about it at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            raise TransportError(
                "CLI-0010",
                "the process that reads this party's events has gone",
                hint="start the job again on both sides; without --events nobody needs to read",
            ) from None


def error_event(error: TacitError) -> dict[str, Any]:
    """What a party's process says about its end to the one that started it, both of one owner."""
    return {
        "event": "error",
        "path": error.path,
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "who": error.who,
        "exit_code": error.exit_code,
    }
