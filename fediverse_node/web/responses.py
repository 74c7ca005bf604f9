"""Answers: their types, caching, validators and the headers that keep pages from loading anything foreign.

spec: rfc9110#13.1.2 (If-None-Match), rfc9111, csp3. Does not render.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson
from aiohttp import web

from fediverse_node.protocol.media_types import ACTIVITY_JSON, JSON, wants_activity

DOCUMENT_AGE_S = 60
PAGE_AGE_S = 30
GONE_AGE_S = 300

# The same URL has a page and a document, and a signature or a token may show more than none.
VARY = "Accept, Authorization, Signature"
_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS = {"X-Content-Type-Options": "nosniff"}
_PAGE_HEADERS = {
    **_ALWAYS,
    "Content-Security-Policy": _CSP,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Its author may see more of a post.
    "Vary": f"{VARY}, Cookie",
}
_DOCUMENT_HEADERS = {**_ALWAYS, "Access-Control-Allow-Origin": "*"}


def public(age_s: int) -> str:
    """Cache-Control of what everybody sees alike."""
    return f"public, max-age={age_s}"


PRIVATE = "private, no-store"


def wants_document(request: web.Request) -> bool:
    """Whether the client prefers JSON to the page at this URL."""
    return wants_activity(request.headers.get("Accept"))


def activity(request: web.Request, document: dict[str, Any], *, age_s: int = DOCUMENT_AGE_S) -> web.Response:
    """An Activity Streams document that everybody may read."""
    return _validated(
        request,
        orjson.dumps(document),
        {**_DOCUMENT_HEADERS, "Vary": VARY, "Content-Type": f"{ACTIVITY_JSON}; charset=utf-8"},
        age_s,
    )


def json(
    request: web.Request, document: dict[str, Any], *, content_type: str = JSON, age_s: int = DOCUMENT_AGE_S
) -> web.Response:
    """A JSON document that everybody may read and that has no page beside it."""
    return _validated(request, orjson.dumps(document), {**_DOCUMENT_HEADERS, "Content-Type": content_type}, age_s)


def data(request: web.Request, body: bytes, content_type: str, *, age_s: int = DOCUMENT_AGE_S) -> web.Response:
    """Anything else that everybody may read: feeds, XML, text."""
    return _validated(request, body, {**_DOCUMENT_HEADERS, "Content-Type": content_type}, age_s)


def page(request: web.Request, html: str) -> web.Response:
    """A page that everybody may read."""
    return _validated(request, html.encode(), {**_PAGE_HEADERS, "Content-Type": "text/html; charset=utf-8"}, PAGE_AGE_S)


def own_page(html: str) -> web.Response:
    """A page that only whoever is signed in may read."""
    headers = {**_PAGE_HEADERS, "Cache-Control": PRIVATE, "X-Robots-Tag": "noindex"}
    return web.Response(body=html.encode(), content_type="text/html", charset="utf-8", headers=headers)


def problem_page(html: str, status: int, *, cache: str = PRIVATE) -> web.Response:
    """A page that says why there is nothing to see."""
    headers = {**_PAGE_HEADERS, "Cache-Control": cache, "X-Robots-Tag": "noindex"}
    return web.Response(status=status, body=html.encode(), content_type="text/html", charset="utf-8", headers=headers)


def problem(error: str, status: int) -> web.Response:
    """`{"error": ...}`."""
    headers = {**_DOCUMENT_HEADERS, "Vary": VARY, "Cache-Control": PRIVATE}
    return web.Response(
        status=status, body=orjson.dumps({"error": error}), content_type=JSON, charset="utf-8", headers=headers
    )


def gone_document(document: dict[str, Any]) -> web.Response:
    """410 with a Tombstone."""
    headers = {**_DOCUMENT_HEADERS, "Vary": VARY, "Cache-Control": public(GONE_AGE_S)}
    return web.Response(
        status=410, body=orjson.dumps(document), content_type=ACTIVITY_JSON, charset="utf-8", headers=headers
    )


def see_other_page(location: str, *, permanent: bool = False) -> web.Response:
    """A redirect to where people (or servers) find it."""
    headers = {**_ALWAYS, "Location": location, "Vary": VARY, "Cache-Control": public(DOCUMENT_AGE_S)}
    return web.Response(status=301 if permanent else 302, headers=headers)


def _validated(request: web.Request, body: bytes, headers: dict[str, str], age_s: int) -> web.Response:
    tag = blake2b(body, digest_size=12).hexdigest()
    # Weak: a proxy may compress the body on its way.
    headers = {**headers, "ETag": f'W/"{tag}"', "Cache-Control": public(age_s)}
    asked = request.if_none_match or ()
    if any(etag.value in (tag, "*") for etag in asked):
        del headers["Content-Type"]
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers=headers)
