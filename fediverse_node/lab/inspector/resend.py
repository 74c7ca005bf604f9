"""What the page asks to be sent again: the same bytes, or an edited request, signed again or not.

Deliberately not here: the sending. The world hands in how; this only makes the message, and refuses what is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from fediverse_node.base.outcome import Fail, Reason
from fediverse_node.lab.exchange import Exchange, Message

_START = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40} [\x21-\x7e]{1,8000} HTTP/1\.[01]")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]{0,16000}")
_MOST_HEADERS = 200
# What a signer makes anew. The date too: it is signed, and the old one may be too old by now.
_OF_THE_SIGNATURE = frozenset(("signature", "signature-input", "digest", "content-digest", "date", "authorization"))


class Resend(Protocol):
    """How a world sends a request again, outside any node's own course, and records it."""

    async def __call__(self, message: Message, host: str, *, sign_as: str | None = None) -> Exchange:
        """Send `message` to `host` as it is and return its exchange.

        With `sign_as`, an actor's URI: date, digest and signature are missing in `message`; make them with that
        actor's key. Raises NodeError, with a sentence for the developer, if that cannot be done.
        """
        ...


class ResendFault(Reason):
    """Why nothing was sent: what was edited is no HTTP request any more."""

    NOT_EDITED = "There is nothing edited in it."
    SIGNER = "Who signs is named by the address of an actor."
    START = "The first line has to be like “POST /inbox HTTP/1.1”."
    HEADERS = "There may be up to 200 headers."
    HEADER = "This is no header."
    BODY = "The body has to be text."


def parse_resend(plain: Mapping[str, Any], original: Exchange) -> tuple[Message, str | None] | Fail:
    """The message to send, and who is to sign it.

    `plain` is `{"number", "sign_as"?, "edited"?: {"start", "headers": [[name, value], ...], "body"?}}`; without
    `body` the original one is sent. Content-Length follows the body, unless it was edited itself.
    """
    sign_as = plain.get("sign_as")
    if sign_as is not None and not isinstance(sign_as, str):
        return Fail(ResendFault.SIGNER)
    edited = plain.get("edited")
    message = original.request if edited is None else _edited(edited, original.request)
    if isinstance(message, Fail):
        return message
    if sign_as:
        kept = tuple(pair for pair in message.headers if pair[0].lower() not in _OF_THE_SIGNATURE)
        message = Message(message.start, kept, message.body)
    return message, sign_as or None


def _edited(plain: object, original: Message) -> Message | Fail:
    if not isinstance(plain, Mapping):
        return Fail(ResendFault.NOT_EDITED)
    start, headers, body = plain.get("start"), plain.get("headers"), plain.get("body")
    if not isinstance(start, str) or not _START.fullmatch(start):
        return Fail(ResendFault.START)
    if body is not None and not isinstance(body, str):
        return Fail(ResendFault.BODY)
    if not isinstance(headers, list) or len(headers) > _MOST_HEADERS:
        return Fail(ResendFault.HEADERS)
    pairs: list[tuple[str, str]] = []
    for pair in headers:
        match pair:
            case [str(name), str(value)] if _NAME.fullmatch(name) and _VALUE.fullmatch(value):
                pairs.append((name, value))
            case _:
                return Fail(ResendFault.HEADER, str(pair)[:100])
    content = original.body if body is None else body.encode("utf-8", "replace")
    return Message(start, _with_length(pairs, content, original), content)


def _with_length(headers: list[tuple[str, str]], body: bytes, original: Message) -> tuple[tuple[str, str], ...]:
    stated = original.header("content-length")
    return tuple(
        (name, str(len(body))) if name.lower() == "content-length" and value == stated else (name, value)
        for name, value in headers
    )
