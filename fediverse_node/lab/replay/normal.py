"""What counts as the same: numbers that a node draws by itself, its keys, and moments within a second or two do not."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from datetime import datetime
from typing import Any

from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.signatures.claim import parse_claims
from fediverse_node.signatures.request import Request

_DRAWN = re.compile(r"(/activities/[a-z]+/|#updates/|/flags/|/contexts/|/history/|/(?:quote_)?authorizations/)\d+")
_COUNTED = re.compile(r"\b(actor|object) \d+\b")
_KEPT_HEADERS = ("content-type", "accept")
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\s*", re.DOTALL)
_CLOSE_S = 2.0
# How much there is of something depends on what was there before the recording.
# A replay has no keys that sign otherwise each time, and so shows none: verificationMethod lists them.
_PASSED_OVER = frozenset(
    {"totalItems", "publicKeyMultibase", "publicKeyPem", "verificationMethod", "proofValue", "signatureValue"}
)
# With such a key beside it there are two proofs. That there is one at all is compared.
_THERE_OR_NOT = frozenset({"proof"})


def normal(text: str) -> str:
    """A sentence or an address without the numbers that are drawn."""
    return _COUNTED.sub(r"\1 *", _DRAWN.sub(r"\1*", text))


def is_of_drawn(exchange: Exchange) -> bool:
    """Whether a stamp is asked for, whose address has a number that is another in each run."""
    return exchange.method == "GET" and "authorizations/" in exchange.url and normal(exchange.url) != exchange.url


def activity_key(message: Message) -> str:
    """Which activity a request brings: its id, and what it is about."""
    document = message.document
    if document is None:
        return ""
    inner = document.get("object")
    about = inner.get("id") if isinstance(inner, Mapping) else inner
    return normal(f"{document.get('type')} {document.get('id')} {about}")


def activity_id(exchange: Exchange) -> str:
    """The id of the activity that a request brings, as it stands there."""
    document = exchange.request.document if exchange.method == "POST" else None
    return str(document.get("id") or "") if document is not None else ""


def choose(waiting: list[Exchange], wanted: Exchange, taken: Container[str]) -> Exchange | None:
    """Of requests that are the same by their key, the one to pair: of the same id, else one that nobody else will want.

    `taken`: ids of the side of `wanted`.
    """
    id_ = activity_id(wanted)
    exact = next((item for item in waiting if activity_id(item) == id_), None)
    return exact or next((item for item in waiting if activity_id(item) not in taken), None)


def request_key(exchange: Exchange) -> tuple[str, str, str]:
    """By which a request of the recording and one of a replay are found to be the same."""
    return exchange.method, normal(exchange.url), activity_key(exchange.request) if exchange.method == "POST" else ""


def headers_that_matter(exchange: Exchange) -> dict[str, str]:
    """What other servers look at: the type, and what is signed in which form by whom."""
    message = exchange.request
    found = {name: message.header(name) or "" for name in _KEPT_HEADERS}
    lower = tuple((name.lower(), value) for name, value in message.headers)
    claims = parse_claims(Request(exchange.method, exchange.url, lower, message.body))
    if isinstance(claims, tuple):
        claim = claims[0]
        found["signature"] = f"{claim.scheme} by {claim.key_id} over {' '.join(sorted(claim.covered))}"
    else:
        found["signature"] = "none" if message.header("signature") is None else "unreadable"
    return {name: value for name, value in found.items() if value and value != "*/*"}


def differences(before: Any, after: Any, where: str = "") -> Iterator[tuple[str, str, str]]:
    """Where two JSON values differ: path, what was there, what is there now."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            if key in _PASSED_OVER or (key in _THERE_OR_NOT and key in before and key in after):
                continue
            path = f"{where}.{key}" if where else str(key)
            if key not in before or key not in after:
                yield path, _shown(before.get(key)), _shown(after.get(key))
            else:
                yield from differences(before[key], after[key], path)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{where}[{number}]")
    elif not _is_same(before, after):
        yield where or "all of it", _shown(before), _shown(after)


def _is_same(before: Any, after: Any) -> bool:
    if before == after:
        return True
    if isinstance(before, str) and isinstance(after, str):
        if _PEM.sub("", normal(before)) == _PEM.sub("", normal(after)):
            return True
        one, other = _moment(before), _moment(after)
        return one is not None and other is not None and abs((one - other).total_seconds()) <= _CLOSE_S
    return False


def _moment(text: str) -> datetime | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 400 else text[:400] + "…"
