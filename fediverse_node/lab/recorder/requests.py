"""Which requests to a node are another server's, whose they are, and how a request and its answer are written down."""

from __future__ import annotations

import re
from http import HTTPStatus

from aiohttp import web

from fediverse_node.lab.exchange import Message, read_activity
from fediverse_node.protocol.media_types import is_activity_type
from fediverse_node.protocol.uris import host_of

_KEY_ID = re.compile(r'keyid="([^"]{1,2048})"', re.IGNORECASE)
_APPS = ("/api/", "/oauth/", "/auth/", "/sign-in", "/settings", "/media_proxy/")
_FILES = ("/media/", "/assets/", "/static/", "/favicon")
_FOR_SERVERS = ("/.well-known/", "/nodeinfo/")
_BODY_LIMIT_BYTES = 1_000_000


def is_of_an_app(request: web.Request) -> bool:
    """Whether it is somebody's app or browser that asks."""
    return request.path.startswith(_APPS)


def is_of_a_server(request: web.Request) -> bool:
    """Whether another server asks or delivers."""
    path = request.path
    if path.startswith(_APPS) or path.startswith(_FILES):
        return False
    if request.method == "POST":
        return path.endswith("/inbox")
    if request.method not in ("GET", "HEAD"):
        return False
    if path.startswith(_FOR_SERVERS) or "Signature" in request.headers:
        return True
    return any(is_activity_type(part) for part in request.headers.get("Accept", "").split(","))


def request_of(request: web.Request) -> Message:
    """The request without its body, which only its handler reads."""
    headers = tuple(
        (name.decode("utf-8", "replace"), value.decode("utf-8", "replace")) for name, value in request.raw_headers
    )
    return Message(f"{request.method} {request.raw_path} HTTP/1.1", headers)


def answer_of(response: web.StreamResponse) -> Message:
    """What is answered. Streams are told by their head alone."""
    reason = response.reason
    if not reason:
        reason = HTTPStatus(response.status).phrase
    headers = tuple((str(name), str(value)) for name, value in response.headers.items())
    body = response.body if isinstance(response, web.Response) else None
    kept = bytes(body) if isinstance(body, bytes | bytearray) and len(body) <= _BODY_LIMIT_BYTES else b""
    return Message(f"HTTP/1.1 {response.status} {reason}", headers, kept)


def sender_of(message: Message) -> str:
    """The host that says it sends this, by the key it names or else by the activity's actor; "" if it says nothing."""
    for name in ("signature-input", "signature", "authorization"):
        found = _KEY_ID.search(message.header(name) or "")
        host = host_of(found.group(1)) if found else None
        if host:
            return host
    return host_of(read_activity(message.document).actor) or ""
