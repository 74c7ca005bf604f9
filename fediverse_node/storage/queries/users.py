"""The people who sign in here, and the actors they act as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import BigInteger, Text, bindparam, delete, func, or_, select, update

from fediverse_node.storage.apply.words import review_words
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, sign_in_links, users
from fediverse_node.storage.unit import Fetch, Run, Unit

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
_SET_PASSWORD = Statement(
    update(users)
    .where(users.c.id == bindparam("user_id", type_=BigInteger()))
    .values(password_hash=bindparam("hash", type_=Text()))
)
_SETTINGS = Statement(select(users.c.settings).where(users.c.id == bindparam("user_id", type_=BigInteger())))
_SET_SETTINGS = Statement(
    update(users)
    .where(users.c.id == bindparam("user_id", type_=BigInteger()))
    .values(settings=bindparam("new_settings", type_=Text()))
)
PROFILE_COLUMNS = (
    "type",
    "name",
    "summary",
    "fields",
    "emojis",
    "icon_url",
    "icon_description",
    "image_url",
    "image_description",
    "locked",
    "discoverable",
    "indexable",
    "hide_collections",
)
_ID = bindparam("actor_id", type_=BigInteger())
_PROFILE = Statement(select(*(actors.c[name] for name in PROFILE_COLUMNS)).where(actors.c.id == _ID))
_SET_PROFILE = Statement(
    update(actors)
    .where(actors.c.id == _ID)
    .values(
        version=actors.c.version + 1,
        **{name: bindparam(f"new_{name}", type_=actors.c[name].type) for name in PROFILE_COLUMNS},
    )
)
_ALIASES = Statement(select(actors.c.also_known_as).where(actors.c.id == _ID))
_SET_ALIASES = Statement(
    update(actors)
    .where(actors.c.id == _ID)
    .values(also_known_as=bindparam("aliases", type_=Text()), version=actors.c.version + 1)
)
_DROP_LINKS = Statement(
    delete(sign_in_links).where(sign_in_links.c.user_id == bindparam("user_id", type_=BigInteger()))
)


def set_password(user_id: int, password_hash: str) -> Unit[None]:
    """A new password; sign-in links that are on their way are good no more."""
    yield Run(_SET_PASSWORD, [{"user_id": user_id, "hash": password_hash}])
    yield Run(_DROP_LINKS, [{"user_id": user_id}])


def change_settings(user_id: int, changes: Mapping[str, Any]) -> Unit[None]:
    """Set some of a user's settings; the others stay."""
    rows = yield Fetch(_SETTINGS, {"user_id": user_id})
    values = {**orjson.loads(rows[0]["settings"]), **changes} if rows else dict(changes)
    yield Run(_SET_SETTINGS, [{"user_id": user_id, "new_settings": orjson.dumps(values).decode()}])


def add_alias(actor_id: int, uri: str) -> Unit[None]:
    """One more URI under which an actor is known; once is enough."""
    rows = yield Fetch(_ALIASES, {"actor_id": actor_id})
    known = orjson.loads(rows[0]["also_known_as"]) if rows else []
    if rows and uri not in known:
        yield Run(_SET_ALIASES, [{"actor_id": actor_id, "aliases": orjson.dumps([*known, uri]).decode()}])


def change_profile(actor_id: int, changes: Mapping[str, Any]) -> Unit[None]:
    """Set some of the columns that people edit of their actor; the others stay."""
    rows = yield Fetch(_PROFILE, {"actor_id": actor_id})
    if rows:
        values = {f"new_{name}": changes.get(name, rows[0][name]) for name in PROFILE_COLUMNS}
        yield Run(_SET_PROFILE, [{"actor_id": actor_id, **values}])
        if bool(values["new_indexable"]) != bool(rows[0]["indexable"]):
            yield from review_words(actor_id)
