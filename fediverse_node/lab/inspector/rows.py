"""One line per exchange: what the diagram draws and the filters ask, and nothing more.

Kinds: "ok", "refused" (4xx, or a 2xx whose receiver then refused it), "failed" (5xx, or no answer), "waiting".
"""

from __future__ import annotations

from typing import Any

from fediverse_node.inbox.answer import Turned
from fediverse_node.lab.exchange import Activity, Exchange, read_activity
from fediverse_node.lab.inspector.content import clean, read_content

Row = dict[str, Any]
_ANSWERED = "inbox.answered"
_TAKEN = (Turned.ACCEPTED.name, Turned.STAGED.name)
# Steps that decide whether something is taken. Others may fail without that: a picture that could not be fetched.
_JUDGING = ("inbox.", "understand.", "signature.", "policy.", "rule.")
_LONGEST_SENTENCE = 300
_LONGEST_NAME = 2000


def render_row(exchange: Exchange) -> Row:
    """The line of an exchange. What is empty is left out."""
    kind, why = verdict_of(exchange)
    activity = activity_of(exchange)
    row: Row = {
        "number": exchange.number,
        "at": exchange.at_ms,
        "took": round(exchange.took_ms, 2),
        "from": clean(exchange.sender),
        "to": clean(exchange.receiver),
        "method": clean(exchange.method)[:40],
        "url": _name(exchange.url),
        "status": exchange.status,
        "kind": kind,
        "why": clean(why)[:_LONGEST_SENTENCE],
        "fault": clean(exchange.fault)[:_LONGEST_SENTENCE],
        "cause": exchange.cause,
        "id": _name(activity.id),
        "type": clean(activity.type)[:80],
        "actor": _name(activity.actor),
        "object": _name(activity.object_id),
        "of": clean(activity.object_type)[:80],
        "reply": _name(activity.in_reply_to),
        "thread": _name(activity.thread),
    }
    return {key: value for key, value in row.items() if value not in ("", None, 0)}


def activity_of(exchange: Exchange) -> Activity:
    """What the exchange was about, also where the answer was compressed."""
    if exchange.method == "POST":
        return read_activity(read_content(exchange.request).document)
    return read_activity(read_content(exchange.answer).document if exchange.answer else None)


def verdict_of(exchange: Exchange) -> tuple[str, str]:
    """The kind, and in a sentence why it is not "ok", or why nothing was done; "" where nobody said."""
    if exchange.answer is None:
        return ("failed", exchange.failure) if exchange.failure else ("waiting", "")
    if exchange.failure or exchange.status >= 500 or exchange.status < 100:
        return "failed", exchange.failure or _why(exchange)
    if exchange.status >= 400:
        return "refused", _why(exchange)
    reason = _answered(exchange).get("reason", "")
    if reason:
        # What came twice was taken the first time.
        kind = "ok" if reason in (*_TAKEN, Turned.DUPLICATE.name) else "refused"
        return kind, "" if reason in _TAKEN else _why(exchange)
    last = exchange.steps[-1] if exchange.steps else None
    is_turned_down = last is not None and not last.passed and last.name.startswith(_JUDGING)
    return ("refused", _why(exchange)) if is_turned_down else ("ok", "")


def _why(exchange: Exchange) -> str:
    """The step at which it ended. One that failed and was followed by others was made good: by a second key, say."""
    failed = [step for step in exchange.steps if not step.passed]
    told = [step for step in failed if step.name != _ANSWERED] or failed
    if told:
        return f"{told[-1].name}: {told[-1].sentence}" if told[-1].sentence else told[-1].name
    return _answered(exchange).get("sentence", "")


def _answered(exchange: Exchange) -> dict[str, str]:
    """What a node of ours told of its answer."""
    return next((dict(step.detail) for step in reversed(exchange.steps) if step.name == _ANSWERED), {})


def _name(text: str) -> str:
    return clean(text)[:_LONGEST_NAME]
