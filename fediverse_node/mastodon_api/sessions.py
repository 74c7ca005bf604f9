"""Who sits before the browser: cookies, sessions and the proof that a form is ours.

Cookies: HttpOnly, SameSite=Lax, and with https Secure under a `__Host-` name, so that no neighbour can set them.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from aiohttp import web

from fediverse_node.domain.addresses import pack
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.routing import SURFACE
from fediverse_node.mastodon_api.viewer import hash_token
from fediverse_node.storage.queries import oauth, second_factors
from fediverse_node.storage.queries.address_rules import note_presence
from fediverse_node.storage.unit import Unit

_SESSION_S = 30 * 24 * 3600
_VISITOR_S = 3600
_HALF_S = 600
_USER_AGENT_LENGTH = 300
_PENDING_LONGEST = 3000


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who signed in on this browser."""

    secret: str
    user: oauth.Row

    @property
    def form_token(self) -> str:
        """What a form of this session carries."""
        return form_token_of(self.secret)


def _name(context: Context, name: str) -> str:
    return f"__Host-{name}" if context.config.scheme == "https" else name


def _set(response: web.StreamResponse, context: Context, name: str, value: str, *, max_age_s: int) -> None:
    response.set_cookie(
        _name(context, name),
        value,
        max_age=max_age_s,
        path="/",
        secure=context.config.scheme == "https",
        httponly=True,
        samesite="Lax",
    )


def form_token_of(secret: str) -> str:
    """What a form carries that belongs to a session or visitor."""
    return hashlib.sha256(b"form:" + secret.encode()).hexdigest()


async def load_session(request: web.Request, context: Context) -> Session | None:
    """The session of the request's cookie, if there is one, it has not ended, and its person may act."""
    secret = request.cookies.get(_name(context, "session"))
    if not secret:
        return None
    now_ms = context.world.clock.now_ms()
    row = await context.database.fetch_one(oauth.SESSION, token_hash=hash_token(secret), now_ms=now_ms)
    if row is None or any(row[name] is not None for name in ("disabled_ms", "suspended_ms", "deleted_ms")):
        return None
    return Session(secret, row)


async def load_signed_in(request: web.Request, context: Context) -> int | None:
    """The id of the actor of whoever is signed in on the browser that sent this."""
    session = await load_session(request, context)
    return None if session is None else int(session.user["actor_id"])


async def begin_session(request: web.Request, response: web.StreamResponse, context: Context, user_id: int) -> None:
    """The person signed in: a new session, never one that the browser brought."""
    secret, now_ms = context.world.randomness.token(), context.world.clock.now_ms()
    row = {
        "token_hash": hash_token(secret),
        "user_id": user_id,
        "created_ms": now_ms,
        "expires_ms": now_ms + _SESSION_S * 1000,
        "user_agent": request.headers.get("User-Agent", "")[:_USER_AGENT_LENGTH].replace("\x00", ""),
    }
    address = pack(request.app[SURFACE].limiter.address_of(request))

    def unit() -> Unit[None]:
        yield from oauth.insert_session(row, now_ms)
        yield from note_presence(user_id, address, now_ms)

    await context.writer.run(unit)
    _set(response, context, "session", secret, max_age_s=_SESSION_S)


async def end_session(response: web.StreamResponse, context: Context, session: Session) -> None:
    """The person signed out."""
    await context.writer.run(lambda: oauth.drop_session(hash_token(session.secret)))
    response.del_cookie(_name(context, "session"), path="/")


def visitor_secret(request: web.Request, context: Context) -> str:
    """What ties a form to a browser before anybody signed in; a new one where there is none."""
    given = request.cookies.get(_name(context, "visitor"), "")
    return given if len(given) >= 32 else context.world.randomness.token()


def keep_visitor(response: web.StreamResponse, context: Context, secret: str) -> None:
    """Give the browser its secret."""
    _set(response, context, "visitor", secret, max_age_s=_VISITOR_S)


def is_ours(request: web.Request, form_token: str, secret: str | None) -> bool:
    """Whether a form was made by us for this browser, and not sent by another site."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site" or not secret:
        return False
    return hmac.compare_digest(form_token_of(secret), form_token)


def visitor_of(request: web.Request, context: Context) -> str | None:
    """The secret that the browser brought."""
    return request.cookies.get(_name(context, "visitor"))


def keep_pending(response: web.StreamResponse, context: Context, query: str) -> None:
    """Remember which app waits, for people who sign in by a link instead of here and now."""
    if len(query) <= _PENDING_LONGEST:
        _set(response, context, "pending", query, max_age_s=_VISITOR_S)


def pending_of(request: web.Request, context: Context) -> str:
    """The query of the authorisation that waits, or nothing."""
    return request.cookies.get(_name(context, "pending"), "")


def drop_pending(response: web.StreamResponse, context: Context) -> None:
    """Nothing waits any more."""
    response.del_cookie(_name(context, "pending"), path="/")


async def keep_half(response: web.StreamResponse, context: Context, user_id: int, query: str) -> None:
    """The password was right, and a code is missing: what the browser shows until it was given."""
    secret, now_ms = context.world.randomness.token(), context.world.clock.now_ms()
    row = {
        "token_hash": hash_token(secret),
        "user_id": user_id,
        "query": query[:_PENDING_LONGEST],
        "expires_ms": now_ms + _HALF_S * 1000,
    }
    await context.writer.run(lambda: second_factors.insert_half(row, now_ms))
    _set(response, context, "half", secret, max_age_s=_HALF_S)


async def half_of(request: web.Request, context: Context) -> tuple[str, oauth.Row] | None:
    """The secret and the row of a sign-in that waits for its code, if it has not ended."""
    secret = request.cookies.get(_name(context, "half"))
    if not secret:
        return None
    now_ms = context.world.clock.now_ms()
    row = await context.database.fetch_one(second_factors.HALF, hash=hash_token(secret), now_ms=now_ms)
    return (secret, row) if row is not None else None


def drop_half(response: web.StreamResponse, context: Context) -> None:
    """It was made whole."""
    response.del_cookie(_name(context, "half"), path="/")
