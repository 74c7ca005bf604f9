"""What other servers look up: actors and their keys, objects with their authors, stored activities, usage.

Rows of `select_post` carry an object whole, its poll, its author (`author_*`) and whom it answers
(`reply_*`); `post_of` and `author_of` read them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Text, and_, bindparam, func, literal, select

from fediverse_node.domain.effects import NewObject
from fediverse_node.domain.model import Actor, Visibility, visibility_code
from fediverse_node.storage.rows import POLL_COLUMNS, full_object_of
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, keys, objects, payloads, polls, tombstones, users

Row = Any

# Public and unlisted: what everybody may read who has the address.
OPEN = visibility_code(Visibility.UNLISTED)

_AUTHOR_NAMES = (
    "uri",
    "type",
    "local",
    "username",
    "host",
    "name",
    "url",
    "emojis",
    "icon_url",
    "icon_description",
    "followers_uri",
    "discoverable",
    "indexable",
    "suspended_ms",
    "silenced_ms",
    "deleted_ms",
)
_answered = actors.alias("answered")


def select_post() -> Select[Any]:
    """A query whose rows `post_of`, `author_of` and the pages read."""
    return select(
        objects,
        *POLL_COLUMNS,
        *(actors.c[name].label(f"author_{name}") for name in _AUTHOR_NAMES),
        _answered.c.username.label("reply_username"),
        _answered.c.host.label("reply_host"),
    ).select_from(
        objects.join(actors, actors.c.id == objects.c.actor_id)
        .outerjoin(polls, polls.c.object_id == objects.c.id)
        .outerjoin(_answered, _answered.c.id == objects.c.in_reply_to_actor_id)
    )


def is_open() -> ColumnElement[bool]:
    """The object is public or unlisted, and its author is neither suspended nor gone."""
    return and_(
        objects.c.visibility <= OPEN,
        actors.c.suspended_ms.is_(None),
        actors.c.deleted_ms.is_(None),
    )


def post_of(row: Row) -> NewObject:
    """The object in a row of `select_post`."""
    return full_object_of(row)


def author_of(row: Row) -> Actor:
    """The author in a row of `select_post`; without inboxes, which documents do not need."""
    return Actor(
        id=row["actor_id"],
        uri=row["author_uri"],
        type=row["author_type"],
        local=bool(row["author_local"]),
        username=row["author_username"],
        host=row["author_host"],
        inbox="",
        followers_uri=row["author_followers_uri"],
        url=row["author_url"],
        suspended=row["author_suspended_ms"] is not None,
        deleted=row["author_deleted_ms"] is not None,
    )


# A name is looked up in any case, as people type it; the document says how it is written.
LOCAL_ACTOR = Statement(
    select(actors).where(
        func.lower(actors.c.username) == bindparam("username", type_=Text()),
        actors.c.host == bindparam("host", type_=Text()),
        actors.c.local,
    )
)
ACTOR_BY_URI = Statement(select(actors).where(actors.c.uri == bindparam("uri", type_=Text())))
KEYS_OF = Statement(
    select(keys.c.uri, keys.c.public, keys.c.expires_ms)
    .where(keys.c.actor_id == bindparam("actor_id", type_=BigInteger()))
    .order_by(keys.c.fetched_ms, keys.c.uri)
)
OBJECT_BY_ID = Statement(select_post().where(objects.c.id == bindparam("object_id", type_=BigInteger())))
OBJECT_BY_URI = Statement(select_post().where(objects.c.uri == bindparam("uri", type_=Text())))
OBJECTS_BY_IDS = Statement(select_post().where(one_of(objects.c.id, "ids")))
TOMBSTONE = Statement(select(tombstones).where(tombstones.c.uri == bindparam("uri", type_=Text()), tombstones.c.public))
PAYLOAD = Statement(
    select(payloads.c.type, payloads.c.body)
    .where(
        payloads.c.uri == bindparam("uri", type_=Text()),
        payloads.c.actor_id == bindparam("actor_id", type_=BigInteger()),
    )
    .order_by(payloads.c.id.desc())
    .limit(1)
)


def _people(since: str | None = None) -> ColumnElement[int]:
    counted = select(func.count()).select_from(users).where(users.c.confirmed_ms.is_not(None))
    counted = counted.where(users.c.approved_ms.is_not(None), users.c.disabled_ms.is_(None))
    if since is not None:
        counted = counted.where(users.c.last_seen_ms >= bindparam(since, type_=BigInteger()))
    return counted.scalar_subquery()


_locals = select(actors.c.id).where(actors.c.host == bindparam("host", type_=Text()), actors.c.local)
_local_posts = (
    select(func.count()).select_from(objects).where(objects.c.actor_id.in_(_locals), objects.c.announce_of_id.is_(None))
)
# Counts posts of all visibilities: only how many there are is told.
USAGE = Statement(
    select(
        literal(1).label("one"),
        _people().label("users_total"),
        _people("month_ms").label("users_active_month"),
        _people("half_year_ms").label("users_active_half_year"),
        _local_posts.where(objects.c.in_reply_to_uri.is_(None)).scalar_subquery().label("posts"),
        _local_posts.where(objects.c.in_reply_to_uri.is_not(None)).scalar_subquery().label("comments"),
    )
)
