"""The paths of the ActivityPub client API, beside those that everybody reads."""

from __future__ import annotations

from aiohttp import web

from fediverse_node.web.client_to_server import inbox, outbox, proxy, uploads
from fediverse_node.web.client_to_server.answers import answering, preflight

_USER = "/users/{name}"


def mount(app: web.Application) -> None:
    """Mount them. GET of an outbox is among the documents: the gate knows its owner by the token."""
    routes = (
        ("POST", f"{_USER}/outbox", outbox.post),
        ("GET", f"{_USER}/inbox", inbox.get),
        ("POST", proxy.PATH, proxy.post),
        ("POST", uploads.PATH, uploads.post),
        ("GET", f"{_USER}/uploads/{{id}}", uploads.get),
    )
    for verb, path, handler in routes:
        app.router.add_route(verb, path, answering(handler))
    for path in (*{path for _, path, _ in routes}, _USER):
        app.router.add_route("OPTIONS", path, preflight)
