"""Apps, authorisation codes, access tokens, and what people sign in with. Secrets are stored as SHA-256 only.

The exception is `apps.client_secret`: it is shown to whoever registers, and guards nothing that a person owns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Text, and_, bindparam, delete, select, update

from fediverse_node.storage.statement import Statement, upsert
from fediverse_node.storage.tables import (
    actors,
    apps,
    authorization_codes,
    sessions,
    sign_in_links,
    tokens,
    users,
)
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

Row = Any


def _big(name: str) -> Any:
    return bindparam(name, type_=BigInteger())


def _words(name: str) -> Any:
    return bindparam(name, type_=Text())


TOKEN = Statement(
    select(
        tokens.c.id,
        tokens.c.app_id,
        tokens.c.user_id,
        tokens.c.scopes,
        tokens.c.last_used_ms,
        users.c.actor_id,
        users.c.role,
        users.c.confirmed_ms,
        users.c.approved_ms,
        users.c.disabled_ms,
        actors.c.suspended_ms,
        actors.c.deleted_ms,
    )
    .select_from(
        tokens.outerjoin(users, users.c.id == tokens.c.user_id).outerjoin(actors, actors.c.id == users.c.actor_id)
    )
    .where(tokens.c.token_hash == _words("token_hash"))
)
_USED = Statement(update(tokens).where(tokens.c.id == _big("token_id")).values(last_used_ms=_big("now_ms")))
_SEEN = Statement(update(users).where(users.c.id == _big("user_id")).values(last_seen_ms=_big("now_ms")))

_KNOW_APP = upsert(
    apps,
    ("id", "client_id", "client_secret", "name", "website", "redirect_uris", "scopes", "created_ms"),
    ("client_id",),
    {"name": "name", "website": "website", "redirect_uris": "redirect_uris", "created_ms": "created_ms"},
)
APP = Statement(select(apps).where(apps.c.id == _big("id")))
APP_BY_CLIENT_ID = Statement(select(apps).where(apps.c.client_id == _words("client_id")))

_CODE = Statement(select(authorization_codes).where(authorization_codes.c.code_hash == _words("code_hash")))
_DROP_CODE = Statement(delete(authorization_codes).where(authorization_codes.c.code_hash == _words("code_hash")))
_DROP_OLD_CODES = Statement(delete(authorization_codes).where(authorization_codes.c.expires_ms < _big("now_ms")))
_DROP_TOKEN = Statement(delete(tokens).where(tokens.c.id == _big("token_id")))
TOKEN_OWNER = Statement(
    select(tokens.c.id, tokens.c.app_id, tokens.c.user_id).where(tokens.c.token_hash == _words("token_hash"))
)

LINK = Statement(
    select(sign_in_links.c.user_id)
    .where(sign_in_links.c.token_hash == _words("token_hash"))
    .where(sign_in_links.c.expires_ms > _big("now_ms"))
)
_DROP_LINK = Statement(delete(sign_in_links).where(sign_in_links.c.token_hash == _words("token_hash")))
_DROP_OLD_LINKS = Statement(delete(sign_in_links).where(sign_in_links.c.expires_ms < _big("now_ms")))

SESSION = Statement(
    select(
        sessions.c.user_id,
        users.c.actor_id,
        users.c.email,
        users.c.password_hash,
        users.c.role,
        users.c.confirmed_ms,
        users.c.approved_ms,
        users.c.disabled_ms,
        actors.c.username,
        actors.c.host,
        actors.c.name,
        actors.c.suspended_ms,
        actors.c.deleted_ms,
    )
    .select_from(sessions.join(users, users.c.id == sessions.c.user_id).join(actors, actors.c.id == users.c.actor_id))
    .where(sessions.c.token_hash == _words("token_hash"))
    .where(sessions.c.expires_ms > _big("now_ms"))
)
_DROP_SESSION = Statement(delete(sessions).where(sessions.c.token_hash == _words("token_hash")))
_DROP_OLD_SESSIONS = Statement(delete(sessions).where(sessions.c.expires_ms < _big("now_ms")))
_DROP_OTHER_SESSIONS = Statement(
    delete(sessions).where(and_(sessions.c.user_id == _big("user_id"), sessions.c.token_hash != _words("token_hash")))
)


def note_use(token_id: int, user_id: int | None, now_ms: int) -> Unit[None]:
    """When a token, and the person behind it, was seen last."""
    yield Run(_USED, [{"token_id": token_id, "now_ms": now_ms}])
    if user_id is not None:
        yield Run(_SEEN, [{"user_id": user_id, "now_ms": now_ms}])


def insert_app(row: Mapping[str, Any]) -> Unit[None]:
    """A new app: all columns of `apps`."""
    yield Insert(apps, [row])


def know_app(row: Mapping[str, Any]) -> Unit[None]:
    """An app that is known by an address, as it describes itself now."""
    yield Run(_KNOW_APP, [row])


def insert_code(row: Mapping[str, Any], now_ms: int) -> Unit[None]:
    """A new code: all columns of `authorization_codes`. Codes that nobody fetched go."""
    yield Run(_DROP_OLD_CODES, [{"now_ms": now_ms}])
    yield Insert(authorization_codes, [row])


def take_code(code_hash: str) -> Unit[Row | None]:
    """The code's row, which is gone from then on: a code is good for one try."""
    found = yield Fetch(_CODE, {"code_hash": code_hash})
    yield Run(_DROP_CODE, [{"code_hash": code_hash}])
    return found[0] if found else None


def insert_token(row: Mapping[str, Any]) -> Unit[None]:
    """A new access token: all columns of `tokens`."""
    yield Insert(tokens, [row])


def drop_token(token_id: int) -> Unit[None]:
    """The token, and the push subscription that hangs on it, are gone."""
    yield Run(_DROP_TOKEN, [{"token_id": token_id}])


def take_link(token_hash: str, now_ms: int) -> Unit[int | None]:
    """The user of a link, which is gone from then on; None when there is no such link, or no longer."""
    found = yield Fetch(LINK, {"token_hash": token_hash, "now_ms": now_ms})
    yield Run(_DROP_LINK, [{"token_hash": token_hash}])
    yield Run(_DROP_OLD_LINKS, [{"now_ms": now_ms}])
    return int(found[0]["user_id"]) if found else None


def insert_session(row: Mapping[str, Any], now_ms: int) -> Unit[None]:
    """A new session: all columns of `sessions`. Sessions that have ended go."""
    yield Run(_DROP_OLD_SESSIONS, [{"now_ms": now_ms}])
    yield Insert(sessions, [row])


def drop_session(token_hash: str) -> Unit[None]:
    """The person signed out."""
    yield Run(_DROP_SESSION, [{"token_hash": token_hash}])


def drop_other_sessions(user_id: int, token_hash: str) -> Unit[None]:
    """All sessions of the user but this one end."""
    yield Run(_DROP_OTHER_SESSIONS, [{"user_id": user_id, "token_hash": token_hash}])
