"""Everything of one exchange, as the page shows it when it is opened; and the text in which a search looks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.inspector.claims import KeyRing, render_claims
from fediverse_node.lab.inspector.content import clean, dump_bytes, read_content
from fediverse_node.lab.inspector.curl import dump_curl
from fediverse_node.lab.inspector.nodes import NodeInfo, find_node
from fediverse_node.lab.inspector.rows import activity_of

_TERMS = re.compile(r'"([^"]+)"|(\S+)')
_MOST_TERMS = 16


def render_detail(exchange: Exchange, *, keys: KeyRing, nodes: Sequence[NodeInfo] = ()) -> dict[str, Any]:
    """`{"exchange": ..., "view": ...}`: the exchange in the form of recordings, and what was worked out from it.

    `view` has "curl", what `claims.render_claims` gives, and for bodies that were unpacked or are not text "request"
    and "answer" as `{"text" | "base64", "note"}`.
    """
    view: dict[str, Any] = {
        "curl": dump_curl(exchange, node=find_node(nodes, exchange.receiver)),
        **render_claims(exchange, keys),
    }
    for name, message in (("request", exchange.request), ("answer", exchange.answer)):
        if message is not None and (content := _unpacked(message)):
            view[name] = content
    return {"exchange": exchange.to_json(), "view": view}


def haystack_of(exchange: Exchange) -> str:
    """All text of an exchange in lower case. The page makes the same of what it holds itself."""
    activity = activity_of(exchange)
    parts: list[str] = [f"#{exchange.number}", exchange.sender, exchange.receiver, exchange.url, activity.type]
    parts += [activity.id, activity.actor, activity.object_id, exchange.failure, exchange.fault]
    for message in (exchange.request, exchange.answer):
        if message is not None:
            parts += [message.start, *(f"{name}: {value}" for name, value in message.headers)]
            parts.append(_body_text(message))
    for step in exchange.steps:
        parts += [step.name, step.sentence, *(f"{name}: {value}" for name, value in step.detail)]
    parts += exchange.effects
    return clean("\n".join(parts)).lower()


def parse_terms(query: str) -> list[str]:
    """The words of a search, in lower case; what stands in quotes is one."""
    return [(quoted or word).lower() for quoted, word in _TERMS.findall(query)[:_MOST_TERMS]]


def is_found(exchange: Exchange, terms: Iterable[str]) -> bool:
    """Whether every term is somewhere in the exchange."""
    haystack = haystack_of(exchange)
    return all(term in haystack for term in terms)


def _unpacked(message: Message) -> dict[str, str]:
    content = read_content(message)
    text = content.text
    if not content.note:
        # Bytes that are no text stand in the exchange already, as base64.
        respelt = _respelt(content.body)
        return {"search": respelt} if respelt else {}
    return {"note": content.note, **({"base64": dump_bytes(content.body)} if text is None else {"text": text})}


def _body_text(message: Message) -> str:
    content = read_content(message)
    return f"{content.text or ''}\n{_respelt(content.body)}"


def _respelt(body: bytes) -> str:
    r"""JSON in which letters are written as \u00e9 or slashes as \/ (PHP does both), as people would type it."""
    if b"\\u" not in body and b"\\/" not in body:
        return ""
    try:
        return orjson.dumps(orjson.loads(body)).decode()
    except (ValueError, TypeError):
        return ""
