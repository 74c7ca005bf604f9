"""Which apps and browsers somebody let in, and putting them out again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, func, select

from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import apps, sessions, tokens
from fediverse_node.storage.unit import Fetch, Unit

Row = Any
_USER = bindparam("user_id", type_=BigInteger())
_NOW = bindparam("now_ms", type_=BigInteger())

# A token without an app was made by the operator, for a client of the person's own.
APPS = Statement(
    select(
        func.coalesce(apps.c.id, 0).label("app_id"),
        apps.c.name,
        apps.c.website,
        tokens.c.scopes,
        tokens.c.created_ms,
        tokens.c.last_used_ms,
    )
    .select_from(tokens.outerjoin(apps, apps.c.id == tokens.c.app_id))
    .where(tokens.c.user_id == _USER)
    .order_by(func.coalesce(tokens.c.last_used_ms, tokens.c.created_ms).desc())
    .limit(500)
)
SESSIONS = Statement(
    select(sessions.c.token_hash, sessions.c.created_ms, sessions.c.user_agent)
    .where(sessions.c.user_id == _USER, sessions.c.expires_ms > _NOW)
    .order_by(sessions.c.created_ms.desc())
    .limit(200)
)
_DROP_APP = Statement(
    delete(tokens)
    .where(tokens.c.user_id == _USER, tokens.c.app_id == bindparam("app_id", type_=BigInteger()))
    .returning(tokens.c.id)
)
_DROP_OWN = Statement(delete(tokens).where(tokens.c.user_id == _USER, tokens.c.app_id.is_(None)).returning(tokens.c.id))
_DROP_SESSION = Statement(
    delete(sessions)
    .where(sessions.c.user_id == _USER, sessions.c.token_hash == bindparam("token_hash", type_=Text()))
    .returning(sessions.c.user_id)
)


def put_out_app(user_id: int, app_id: int) -> Unit[list[int]]:
    """All tokens that this person gave to an app (0: to clients of their own) are gone; their ids."""
    values = {"user_id": user_id}
    rows = yield Fetch(_DROP_APP, values | {"app_id": app_id}) if app_id else Fetch(_DROP_OWN, values)
    return [row["id"] for row in rows]


def put_out_session(user_id: int, token_hash: str) -> Unit[bool]:
    """Somebody signed in on another browser is so no more."""
    return bool((yield Fetch(_DROP_SESSION, {"user_id": user_id, "token_hash": token_hash})))
