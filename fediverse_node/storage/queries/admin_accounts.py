"""Accounts as moderators look for them: all that are known here, by many conditions at once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, and_, bindparam, exists, func, not_, or_, select

from fediverse_node.storage.queries.timelines import Keyset, keyset
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, tokens, user_addresses, users

Row = Any
STATES = Statement(
    select(actors.c.id, actors.c.suspended_ms, actors.c.silenced_ms, actors.c.sensitized_ms).where(
        one_of(actors.c.id, "ids")
    )
)
USERS = Statement(
    select(
        users.c.id,
        users.c.actor_id,
        users.c.email,
        users.c.role,
        users.c.confirmed_ms,
        users.c.approved_ms,
        users.c.disabled_ms,
        users.c.locale,
        users.c.invite_request,
        users.c.app_id,
        users.c.invited_by_id,
    )
    .where(one_of(users.c.actor_id, "ids"))
    .order_by(users.c.id)
)
TOKENS = Statement(
    select(tokens.c.id, tokens.c.user_id)
    .select_from(tokens.join(users, users.c.id == tokens.c.user_id))
    .where(users.c.actor_id == bindparam("id", type_=BigInteger()))
)
ADDRESSES = Statement(
    select(user_addresses.c.user_id, user_addresses.c.address, user_addresses.c.used_ms)
    .where(one_of(user_addresses.c.user_id, "ids"))
    .order_by(user_addresses.c.used_ms.desc(), user_addresses.c.address)
)


def _text(name: str) -> ColumnElement[str]:
    return bindparam(name, type_=Text())


def _begins(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    return func.lower(column).like(_text(name), escape="\\")


def _of_user(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(select(users.c.id).where(users.c.actor_id == actors.c.id, *conditions).correlate(actors))


_PENDING = _of_user(users.c.approved_ms.is_(None))
# Conditions by the name of what was asked for; those with values take them by the same names.
CONDITIONS: Mapping[str, Callable[[], ColumnElement[bool]]] = {
    "local": lambda: actors.c.local,
    "remote": lambda: actors.c.local.is_(False),
    "active": lambda: and_(
        actors.c.suspended_ms.is_(None), not_(_of_user(users.c.disabled_ms.is_not(None))), not_(_PENDING)
    ),
    "pending": lambda: _PENDING,
    "disabled": lambda: _of_user(users.c.disabled_ms.is_not(None)),
    "silenced": lambda: actors.c.silenced_ms.is_not(None),
    "suspended": lambda: actors.c.suspended_ms.is_not(None),
    "sensitized": lambda: actors.c.sensitized_ms.is_not(None),
    "staff": lambda: _of_user(users.c.role != "user"),
    "roles": lambda: _of_user(one_of(users.c.role, "roles")),
    "invited_by": lambda: _of_user(users.c.invited_by_id == bindparam("invited_by", type_=BigInteger())),
    "username": lambda: _begins(actors.c.username, "username"),
    "display_name": lambda: _begins(actors.c.name, "display_name"),
    "by_domain": lambda: and_(actors.c.host == _text("by_domain"), actors.c.local.is_(False)),
    "email": lambda: _of_user(_begins(users.c.email, "email")),
    "ip": lambda: _of_user(
        users.c.id.in_(
            select(user_addresses.c.user_id).where(
                user_addresses.c.address >= _text("ip_low"), user_addresses.c.address <= _text("ip_high")
            )
        )
    ),
}


@functools.lru_cache(maxsize=128)
def listing(conditions: frozenset[str]) -> Keyset:
    """The accounts for which all these hold, newest first. Deleted ones and the server's own actor are not there."""
    query = select(actors.c.id).where(
        actors.c.deleted_ms.is_(None),
        or_(actors.c.local.is_(False), actors.c.type != "Application"),
        *(CONDITIONS[name]() for name in sorted(conditions)),
    )
    return keyset(query, actors.c.id, patient=True)
