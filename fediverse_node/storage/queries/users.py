"""The people who sign in here, and the actors they act as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, func, or_, select, update

from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, keys, sign_in_links, users
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

Row = Any

_USER_COLUMNS = (
    users.c.id,
    users.c.actor_id,
    users.c.email,
    users.c.password_hash,
    users.c.role,
    users.c.confirmed_ms,
    users.c.approved_ms,
    users.c.disabled_ms,
    users.c.settings,
    actors.c.username,
)
_USER = select(*_USER_COLUMNS).select_from(users.join(actors, actors.c.id == users.c.actor_id))
USER = Statement(_USER.where(users.c.id == bindparam("id", type_=BigInteger())))
USER_BY_LOGIN = Statement(
    _USER.where(
        or_(
            func.lower(users.c.email) == bindparam("login", type_=Text()),
            (func.lower(actors.c.username) == bindparam("login", type_=Text())) & actors.c.local,
        )
    ).order_by(users.c.id)
)
NAME_TAKEN = Statement(
    select(actors.c.id).where(actors.c.local, func.lower(actors.c.username) == bindparam("username", type_=Text()))
)
EMAIL_TAKEN = Statement(select(users.c.id).where(func.lower(users.c.email) == bindparam("email", type_=Text())))
_SET_PASSWORD = Statement(
    update(users)
    .where(users.c.id == bindparam("user_id", type_=BigInteger()))
    .values(password_hash=bindparam("hash", type_=Text()))
)
_SETTINGS = Statement(select(users.c.settings).where(users.c.id == bindparam("user_id", type_=BigInteger())))
_SET_SETTINGS = Statement(
    update(users)
    .where(users.c.id == bindparam("user_id", type_=BigInteger()))
    .values(settings=bindparam("values", type_=Text()))
)
_DROP_LINKS = Statement(
    sign_in_links.delete().where(sign_in_links.c.user_id == bindparam("user_id", type_=BigInteger()))
)


def insert_person(
    actor: Mapping[str, Any], key_rows: Sequence[Mapping[str, Any]], user: Mapping[str, Any]
) -> Unit[str | None]:
    """A new local actor with its keys and its first user; answers what is taken: "username", "email" or None."""
    if (yield Fetch(NAME_TAKEN, {"username": actor["username"].lower()})):
        return "username"
    if (yield Fetch(EMAIL_TAKEN, {"email": user["email"].lower()})):
        return "email"
    yield Insert(actors, [actor])
    yield Insert(keys, list(key_rows))
    yield Insert(users, [user])
    return None


def set_password(user_id: int, password_hash: str) -> Unit[None]:
    """A new password; sign-in links that are on their way are good no more."""
    yield Run(_SET_PASSWORD, [{"user_id": user_id, "hash": password_hash}])
    yield Run(_DROP_LINKS, [{"user_id": user_id}])


def load_settings(user_id: int) -> Unit[str]:
    """The JSON text of a user's settings, inside a transaction."""
    rows = yield Fetch(_SETTINGS, {"user_id": user_id})
    return str(rows[0]["settings"]) if rows else "{}"


def set_settings(user_id: int, values: str) -> Unit[None]:
    """Replace the JSON text of a user's settings."""
    yield Run(_SET_SETTINGS, [{"user_id": user_id, "values": values}])
