"""Conversations that one of ours began in the open, as logs of what was added to them.  spec: fep-171b, fep-f228

What their owners do not want to see is not added: of people and servers that they block nothing is told.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, bindparam, exists, func, literal_column, not_, select

from fediverse_node.domain.model import Container, visibility_of
from fediverse_node.storage.queries.federation_documents import is_open
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, blocks, objects, user_domain_blocks

Row = Any

_THREAD = bindparam("thread_id", type_=BigInteger())
_OWNER = bindparam("owner_id", type_=BigInteger())
_AFTER = bindparam("after", type_=BigInteger())
_LIMIT = bindparam("limit", type_=Integer())
_ONE = literal_column("1", Integer())


def select_container() -> Select[Any]:
    """A query for first posts whose rows `container_of` reads."""
    return (
        select(
            objects.c.id.label("thread_id"),
            objects.c.actor_id.label("owner_id"),
            objects.c.visibility,
            actors.c.uri.label("owner_uri"),
            actors.c.followers_uri,
        )
        .select_from(objects.join(actors, actors.c.id == objects.c.actor_id))
        .where(
            objects.c.local,
            objects.c.announce_of_id.is_(None),
            objects.c.in_reply_to_uri.is_(None),
            # A client may have put it into a conversation that is at home elsewhere.
            objects.c.context_uri.is_(None),
            is_open(),
        )
    )


def container_of(row: Row, inboxes: tuple[str, ...] = ()) -> Container:
    """A conversation from a row of `select_container`."""
    return Container(
        row["thread_id"],
        row["owner_id"],
        row["owner_uri"],
        row["followers_uri"],
        visibility_of(row["visibility"]),
        inboxes,
    )


def _is_unwanted() -> ColumnElement[bool]:
    blocked = exists(
        select(_ONE)
        .select_from(blocks)
        .where(blocks.c.actor_id == _OWNER, blocks.c.target_id == objects.c.actor_id)
        .correlate(objects)
    )
    kept_away = exists(
        select(_ONE)
        .select_from(user_domain_blocks)
        .where(user_domain_blocks.c.actor_id == _OWNER, user_domain_blocks.c.host == actors.c.host)
        .correlate(actors)
    )
    return blocked | kept_away


_joined = objects.join(actors, actors.c.id == objects.c.actor_id)
_is_of_it = (objects.c.thread_id == _THREAD, objects.c.announce_of_id.is_(None), is_open(), not_(_is_unwanted()))
_additions = (
    select(
        objects.c.id,
        objects.c.uri,
        objects.c.local,
        objects.c.activity_uri,
        objects.c.visibility,
        objects.c.published_ms,
    )
    .select_from(_joined)
    .where(*_is_of_it)
)

CONTAINER = Statement(select_container().where(objects.c.id == _THREAD))
# What was added, the oldest first.
ADDITIONS = Statement(_additions.where(objects.c.id > _AFTER).order_by(objects.c.id).limit(_LIMIT))
ADDITION = Statement(_additions.where(objects.c.id == bindparam("object_id", type_=BigInteger())))
ADDITIONS_COUNT = Statement(select(func.count().label("total")).select_from(_joined).where(*_is_of_it))
