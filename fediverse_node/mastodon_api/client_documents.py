"""Apps that are known by an address: the `client_id` is a URL, and what is found there says who the app is.

spec: fep-d8c2 (an ActivityPub object with `redirectURI`), draft-ietf-oauth-client-id-metadata-document (`client_id`,
`redirect_uris`). Such an app has no secret, so it proves by PKCE alone that a code is its own. Names can be invented by
anybody: people are shown the host beside it. Fetched by the guarded client, kept for a while, limited by address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from fediverse_node.base.log import event
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.mastodon_api.apps import OUT_OF_BAND, is_redirect_uri
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.limits import APPS, network_of
from fediverse_node.mastodon_api.routing import SURFACE, log
from fediverse_node.protocol.reading import sequence, text, web_url
from fediverse_node.protocol.uris import is_http_uri, same_origin
from fediverse_node.storage.queries import oauth
from fediverse_node.transport.dereference import parse_json_object
from fediverse_node.transport.urls import is_same_resource

ACCEPT = (
    'application/json, application/ld+json; profile="https://www.w3.org/ns/activitystreams", application/activity+json'
)
SIZE_LIMIT_BYTES = 64 * 1024
TIMEOUT_S = 8.0
SCOPES = "read write follow push profile"
_FRESH_MS = 10 * 60_000
_USABLE_MS = 24 * 3_600_000
_LONGEST_NAME = 80
_MOST_REDIRECTS = 20


async def meet(request: web.Request, context: Context, client_id: str | None) -> None:
    """Know the app that calls itself by this address, if it is one. Raises 429; whatever else fails is told later."""
    if client_id is None or not is_client_address(client_id, development=context.config.development):
        return
    now_ms = context.world.clock.now_ms()
    known = await context.database.fetch_one(oauth.APP_BY_CLIENT_ID, client_id=client_id)
    if known is not None and now_ms - known["created_ms"] < _FRESH_MS:
        return
    limiter = request.app[SURFACE].limiter
    address = limiter.address_of(request)
    limiter.take(APPS, network_of(address), spared=limiter.is_spared(address))
    row = await _fetch(context, client_id)
    if row is not None:
        new = {**row, "id": context.world.ids.next(), "created_ms": now_ms}
        await context.writer.run(lambda: oauth.know_app(new))
    elif known is not None and now_ms - known["created_ms"] > _USABLE_MS:
        # What an app said long ago is not what it says now: codes are not sent to where it may be no more.
        gone = {**dict(known), "redirect_uris": ""}
        await context.writer.run(lambda: oauth.know_app(gone))


def is_client_address(client_id: str, *, development: bool) -> bool:
    """Whether a client id is an address at which the client says who it is."""
    if not is_http_uri(client_id, allow_plain=development):
        return False
    parts = urlsplit(client_id)
    segments = parts.path.split("/")
    return bool(parts.path.strip("/")) and not parts.fragment and "." not in segments and ".." not in segments


async def _fetch(context: Context, client_id: str) -> Mapping[str, Any] | None:
    if context.fetch_client is None:
        return None
    answer = await context.fetch_client(client_id)
    if isinstance(answer, Fail | TemporaryFail):
        event(log, "client_document.not_read", client=client_id[:200], cause=str(answer)[:200])
        return None
    document = parse_json_object(answer.body)
    # No redirects: whoever controls the address itself speaks for the app.
    if answer.status != 200 or not is_same_resource(answer.url, client_id) or isinstance(document, Fail):
        event(log, "client_document.not_read", client=client_id[:200], cause=f"status {answer.status}")
        return None
    return read_client(document, client_id)


def read_client(document: Mapping[str, object], client_id: str) -> Mapping[str, Any] | None:
    """The columns of an app that says that it is `client_id`; None where the document does not say so."""
    if document.get("client_id") == client_id:
        stated, name, page = document.get("redirect_uris"), document.get("client_name"), document.get("client_uri")
        if document.get("token_endpoint_auth_method", "none") != "none":
            return None
    elif document.get("id") == client_id:
        stated, name, page = document.get("redirectURI"), document.get("name"), document.get("url")
        name = name or document.get("nameMap")
    else:
        return None
    redirects = [uri for uri in sequence(stated) if isinstance(uri, str)][:_MOST_REDIRECTS]
    redirects = [uri for uri in redirects if uri != OUT_OF_BAND and not any(c.isspace() for c in uri)]
    if not redirects or not all(is_redirect_uri(uri) for uri in redirects):
        return None
    host = urlsplit(client_id).netloc
    shown = " ".join(text(name, 4 * _LONGEST_NAME).split())[:_LONGEST_NAME]
    website = web_url(page)
    return {
        "client_id": client_id,
        "client_secret": "",
        "name": f"{shown} ({host})" if shown else host,
        "website": website if website is not None and same_origin(website, client_id) else None,
        "redirect_uris": "\n".join(redirects),
        "scopes": SCOPES,
    }
