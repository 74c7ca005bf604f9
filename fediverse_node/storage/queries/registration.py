"""Rows of new local actors and people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, func, or_, select, update

from fediverse_node.storage.queries.invites import use
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, keys, sign_in_links, tokens, users
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

ACTOR_ID = Statement(select(actors.c.id).where(actors.c.uri == bindparam("uri", type_=Text())))
USER_BY_NAME = Statement(
    select(users.c.id, users.c.actor_id, users.c.role, actors.c.username)
    .select_from(users.join(actors, actors.c.id == users.c.actor_id))
    .where(func.lower(actors.c.username) == bindparam("username", type_=Text()))
)
COUNT_USERS = Statement(select(func.count()).select_from(users))
OWNER = Statement(
    select(users.c.id, users.c.password_hash, users.c.last_seen_ms, actors.c.username)
    .select_from(users.join(actors, actors.c.id == users.c.actor_id))
    .where(users.c.role == "owner")
    .order_by(users.c.id)
    .limit(1)
)
_NAME_TAKEN = Statement(
    select(actors.c.id).where(
        func.lower(actors.c.username) == bindparam("username", type_=Text()),
        actors.c.host == bindparam("host", type_=Text()),
    )
)
_DROP_KEYS = Statement(delete(keys).where(keys.c.actor_id == bindparam("actor_id", type_=BigInteger())))
_END_KEYS = Statement(
    update(keys)
    .where(
        keys.c.actor_id == bindparam("of_actor", type_=BigInteger()),
        or_(keys.c.expires_ms.is_(None), keys.c.expires_ms > bindparam("until_ms", type_=BigInteger())),
    )
    .values(expires_ms=bindparam("until_ms", type_=BigInteger()))
)
_EMAIL_TAKEN = Statement(select(users.c.id).where(func.lower(users.c.email) == bindparam("email", type_=Text())))


def create_account(
    actor: Mapping[str, Any],
    user: Mapping[str, Any],
    key_rows: Sequence[Mapping[str, Any]],
    invite_code: str | None = None,
) -> Unit[str | None]:
    """A local actor and its person. Answers TAKEN, EMAIL_TAKEN or INVITE_OVER, or None when all is made."""
    if (yield Fetch(_NAME_TAKEN, {"username": actor["username"].lower(), "host": actor["host"]})):
        return "TAKEN"
    if (yield Fetch(_EMAIL_TAKEN, {"email": user["email"].lower()})):
        return "EMAIL_TAKEN"
    if invite_code is not None:
        inviter_id = yield from use(invite_code, user["created_ms"])
        if inviter_id is None:
            return "INVITE_OVER"
        user = {**user, "invited_by_id": inviter_id}
    yield Insert(actors, [actor])
    yield Insert(users, [user])
    yield Insert(keys, key_rows)
    return None


def create_actor(actor: Mapping[str, Any], key_rows: Sequence[Mapping[str, Any]]) -> Unit[None]:
    """A local actor that nobody signs in as."""
    yield Insert(actors, [actor])
    yield Insert(keys, key_rows)


def replace_keys(actor_id: int, key_rows: Sequence[Mapping[str, Any]]) -> Unit[None]:
    """New keys in the place of all that an actor has."""
    yield Run(_DROP_KEYS, [{"actor_id": actor_id}])
    yield Insert(keys, key_rows)


def rotate_keys(actor_id: int, key_rows: Sequence[Mapping[str, Any]], until_ms: int) -> Unit[None]:
    """New keys beside those that an actor has, which end at `until_ms`, or before if they were to."""
    yield Run(_END_KEYS, [{"of_actor": actor_id, "until_ms": until_ms}])
    yield Insert(keys, key_rows)


def add_sign_in_link(row: Mapping[str, Any]) -> Unit[None]:
    """A way in that works once."""
    yield Insert(sign_in_links, [row])


def add_token(row: Mapping[str, Any]) -> Unit[None]:
    """An access token."""
    yield Insert(tokens, [row])
