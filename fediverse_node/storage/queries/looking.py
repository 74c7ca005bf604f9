"""What somebody who looks from outside asks about a person's view: for the lab."""

from __future__ import annotations

from sqlalchemy import Text, bindparam, func, or_, select

from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, home_entries, likes, mentions, notifications, objects, tombstones

_ACTOR = bindparam("actor_uri", type_=Text())
_OBJECT = bindparam("object_uri", type_=Text())
_author = actors.alias("author")
_announced = objects.alias("announced")
_me = select(actors.c.id).where(actors.c.uri == _ACTOR).scalar_subquery()

ONE = Statement(
    select(objects, _author.c.uri.label("author_uri"))
    .join(_author, _author.c.id == objects.c.actor_id)
    .where(objects.c.uri == _OBJECT)
)
TOMBSTONE = Statement(select(tombstones).where(tombstones.c.uri == _OBJECT))
# What a person's app shows unasked, a boost as what it boosts: the home timeline, notifications, private conversations.
SHOWN = Statement(
    select(
        func.coalesce(_announced.c.uri, objects.c.uri).label("uri"),
        func.coalesce(_announced.c.content, objects.c.content).label("content"),
    )
    .select_from(objects.outerjoin(_announced, _announced.c.id == objects.c.announce_of_id))
    .where(
        or_(
            objects.c.id.in_(select(home_entries.c.object_id).where(home_entries.c.actor_id == _me)),
            objects.c.id.in_(select(notifications.c.object_id).where(notifications.c.actor_id == _me)),
            objects.c.id.in_(select(mentions.c.object_id).where(mentions.c.actor_id == _me)),
        )
    )
    .order_by(objects.c.id.desc())
)
ACTOR = Statement(select(actors).where(actors.c.uri == _ACTOR))
LIKERS = Statement(
    select(_author.c.uri)
    .join(likes, likes.c.actor_id == _author.c.id)
    .join(objects, objects.c.id == likes.c.object_id)
    .where(objects.c.uri == _OBJECT)
    .order_by(_author.c.uri)
)
