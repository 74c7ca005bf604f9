"""Apps introduce themselves.  spec: mastodon-client-api#apps"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.errors import invalid
from fediverse_node.mastodon_api.limits import APPS
from fediverse_node.mastodon_api.routing import ANY_SCOPE, Call, Routes
from fediverse_node.mastodon_api.scopes import parse_scopes
from fediverse_node.mastodon_api.vapid import load_public_key
from fediverse_node.storage.queries import oauth

routes = Routes()

OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
_LONGEST_NAME = 120
_LONGEST_URL = 2000
# A browser that is sent there would run what stands in them.
_FORBIDDEN_SCHEMES = frozenset(("javascript", "data", "vbscript", "blob", "file", "about"))


@routes.post("/api/v1/apps")
async def create_app(call: Call) -> web.Response:
    """Register an app; anybody may, so it is limited by address."""
    call.take(APPS)
    name = (call.params.text("client_name") or "").strip()
    if not name:
        raise invalid("Name can't be blank")
    if len(name) > _LONGEST_NAME:
        raise invalid(f"Name is too long (maximum is {_LONGEST_NAME} characters)")
    scopes = parse_scopes(call.params.text("scopes") or "")
    if scopes is None:
        raise invalid("Scopes doesn't match configured on the server.")
    website = (call.params.text("website") or "").strip() or None
    if website and (len(website) > _LONGEST_URL or not _is_web_address(website)):
        raise invalid("Website is invalid")
    world = call.context.world
    row = {
        "id": world.ids.next(),
        "client_id": world.randomness.token(),
        "client_secret": world.randomness.token(),
        "name": name,
        "website": website,
        "redirect_uris": "\n".join(_redirect_uris(call)),
        "scopes": " ".join(scopes),
        "created_ms": world.clock.now_ms(),
    }
    await call.context.writer.run(lambda: oauth.insert_app(row))
    credentials = {
        "client_id": row["client_id"],
        "client_secret": row["client_secret"],
        "client_secret_expires_at": 0,
    }
    return call.json(await _render_app(row, call.context) | credentials)


@routes.get("/api/v1/apps/verify_credentials", scope=ANY_SCOPE, app=True)
async def verify_app(call: Call) -> web.Response:
    """Which app the token belongs to."""
    row = await call.context.database.fetch_one(oauth.APP, id=call.token.app_id or 0)
    if row is None:
        # A token made on the command line belongs to no app.
        row = {"id": 0, "name": "Command line", "website": None, "redirect_uris": OUT_OF_BAND}
        row["scopes"] = " ".join(sorted(call.token.scopes))
    return call.json(await _render_app(row, call.context))


async def _render_app(row: Any, context: Context) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "website": row["website"],
        "scopes": row["scopes"].split(),
        "redirect_uris": row["redirect_uris"].split("\n"),
        "redirect_uri": row["redirect_uris"],
        "vapid_key": await load_public_key(context),
    }


def _redirect_uris(call: Call) -> list[str]:
    """One text with an address a line, or a list."""
    given = [uri for text in call.params.list("redirect_uris") for uri in text.split()]
    if not given:
        raise invalid("Redirect URI can't be blank")
    for uri in given:
        if not is_redirect_uri(uri):
            raise invalid("Redirect URI must be an absolute URI.")
    return list(dict.fromkeys(given))


def is_redirect_uri(uri: str) -> bool:
    """Whether a browser may be sent there with a code.  spec: rfc6749#section-3.1.2"""
    if uri == OUT_OF_BAND:
        return True
    if len(uri) > _LONGEST_URL or not uri.isprintable() or "#" in uri:
        return False
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    scheme = parts.scheme.lower()
    if not scheme or scheme in _FORBIDDEN_SCHEMES:
        return False
    return bool(parts.hostname) if scheme in ("http", "https") else True


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
