"""Who may ask the inspector: the developer's own page, and nobody else's.

A website cannot read what it shows, as other origins get no permission, nor reach it under a name of its own that leads
to this machine (the Host header is compared), and cannot make a browser send for it: that needs the token that only the
page has, from the page's own origin.  spec: fetch#cors-protocol
"""

from __future__ import annotations

from collections.abc import Iterable
from secrets import compare_digest

from aiohttp import web

TOKEN_HEADER = "X-Inspector-Token"  # noqa: S105 - the header's name
_OF_THIS_MACHINE = frozenset(("localhost", "127.0.0.1", "[::1]"))


def refuse_host(request: web.Request, hosts: Iterable[str]) -> str | None:
    """Why this Host header is not answered; None if it is one of this machine's, or of `hosts` (without port)."""
    name = _without_port(request.headers.get("Host", "")).lower()
    if name in _OF_THIS_MACHINE or name in hosts:
        return None
    return (
        "The inspector answers under localhost and 127.0.0.1 only, so that no website can reach it by a name of its "
        "own. Open it under one of these."
    )


def refuse_sender(request: web.Request, token: str) -> str | None:
    """Why this POST is not done; None if it comes from the page itself."""
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site")
    own = f"{request.scheme}://{request.headers.get('Host', '')}"
    if (origin is not None and origin.lower() != own.lower()) or site not in (None, "same-origin", "none"):
        return "Another website asked for this. Only the inspector's own page may send."
    if not compare_digest(request.headers.get(TOKEN_HEADER, "").encode("utf-8", "replace"), token.encode()):
        return "This page is of an earlier start of the lab. Load it again, then repeat what you did."
    return None


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if name and port.isdigit() and port.isascii() else host
