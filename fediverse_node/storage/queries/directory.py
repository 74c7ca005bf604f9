"""Who wants to be found: the directory of people."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Text, and_, bindparam, exists, literal_column, or_, select

from fediverse_node.storage.queries.statuses import VIEWER, is_unavoided
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, users

_PENDING = exists(
    select(literal_column("1"))
    .select_from(users)
    .where(users.c.actor_id == actors.c.id, or_(users.c.approved_ms.is_(None), users.c.disabled_ms.is_not(None)))
    .correlate(actors)
)


def _people(*conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(actors.c.id)
        .where(
            *conditions,
            actors.c.discoverable,
            actors.c.deleted_ms.is_(None),
            actors.c.suspended_ms.is_(None),
            actors.c.silenced_ms.is_(None),
            # Who has moved is found where they live now.
            actors.c.moved_to_uri.is_(None),
            # The servers' own actors are nobody to talk to.
            actors.c.type != "Application",
            ~_PENDING,
            or_(VIEWER == 0, is_unavoided(actors.c.id, hosts=(actors.c.host,))),
        )
        .limit(bindparam("most", type_=BigInteger()))
        .offset(bindparam("skipped", type_=BigInteger()))
    )


_IS_OURS = and_(actors.c.local, actors.c.host == bindparam("host", type_=Text()))


def _by_activity(people: Select[Any]) -> Statement:
    return Statement(people.order_by(actors.c.last_status_ms.desc().nulls_last(), actors.c.id.desc()))


def _by_age(people: Select[Any]) -> Statement:
    return Statement(people.order_by(actors.c.id.desc()))


ACTIVE, NEW = _by_activity(_people()), _by_age(_people())
# Ours are few among those we know: they are found by the name of our host.
ACTIVE_HERE, NEW_HERE = _by_activity(_people(_IS_OURS)), _by_age(_people(_IS_OURS))
