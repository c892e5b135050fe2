"""Structured events. A sink is handed in by the application; without one, events go nowhere."""

from __future__ import annotations

from collections.abc import Callable

from tacit.base.errors import InternalError
from tacit.base.secret import Secret

Field = str | int | float | bool | None
Sink = Callable[[str, str, dict[str, Field]], None]
"""Called with (event name, scope path, fields)."""


def silent(event: str, path: str, fields: dict[str, Field]) -> None:
    """The sink that drops everything."""


def check_fields(event: str, fields: dict[str, Field]) -> None:
    """Refuse what must not be logged: secrets, arrays, anything that is not a small plain value."""
    for name, value in fields.items():
        if isinstance(value, Secret) or not isinstance(value, str | int | float | bool | None):
            raise InternalError("LOG-0001", f"field {name!r} of event {event!r} may not be logged")
