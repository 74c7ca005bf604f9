"""Logging: an event name and key=value pairs, one line per outcome.

`event(log, "inbox.refused", reason=..., host=...)` gives `inbox.refused reason=... host=...`.
Values are quoted when they hold spaces, and cut so that nobody can fill the log with one request.
"""

from __future__ import annotations

import json
import logging

_VALUE_LIMIT = 300


def event(log: logging.Logger, name: str, level: int = logging.INFO, /, **fields: object) -> None:
    """Write one line. Field values may come from strangers: they are escaped and cut."""
    if not log.isEnabledFor(level):
        return
    log.log(level, "%s%s", name, "".join(f" {key}={_show(value)}" for key, value in fields.items()))


def _show(value: object) -> str:
    text = str(value)
    if len(text) > _VALUE_LIMIT:
        text = text[:_VALUE_LIMIT] + "…"
    plain = text.isprintable() and " " not in text and '"' not in text and "=" not in text
    return text if plain and text else json.dumps(text, ensure_ascii=False)
