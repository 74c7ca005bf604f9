"""Pages of the collections that other servers read, newest first unless said otherwise.

Pages go on by id (`before`: ids below it, `after`: ids above it), so that what comes in between moves nothing.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, bindparam, func, select

from fediverse_node.storage.queries.federation_documents import OPEN, is_open, select_post
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, featured_tags, follows, objects, pins, tags

_ACTOR = bindparam("actor_id", type_=BigInteger())
_OBJECT = bindparam("object_id", type_=BigInteger())
_THREAD = bindparam("thread_id", type_=BigInteger())
_BEFORE = bindparam("before", type_=BigInteger())
_AFTER = bindparam("after", type_=BigInteger())
_LIMIT = bindparam("limit", type_=Integer())
_is_said = objects.c.announce_of_id.is_(None)

OUTBOX = Statement(
    select_post()
    .where(objects.c.actor_id == _ACTOR, objects.c.id < _BEFORE, is_open())
    .order_by(objects.c.id.desc())
    .limit(_LIMIT)
)
PINNED = Statement(
    select_post().join(pins, pins.c.object_id == objects.c.id).where(pins.c.actor_id == _ACTOR, is_open())
    .order_by(pins.c.id.desc())
    .limit(_LIMIT)
)  # fmt: skip
FOLLOWERS = Statement(
    select(follows.c.id, actors.c.uri)
    .join(actors, actors.c.id == follows.c.follower_id)
    .where(follows.c.followed_id == _ACTOR, follows.c.accepted, follows.c.id < _BEFORE, actors.c.deleted_ms.is_(None))
    .order_by(follows.c.id.desc())
    .limit(_LIMIT)
)
FOLLOWING = Statement(
    select(follows.c.id, actors.c.uri)
    .join(actors, actors.c.id == follows.c.followed_id)
    .where(follows.c.follower_id == _ACTOR, follows.c.accepted, follows.c.id < _BEFORE, actors.c.deleted_ms.is_(None))
    .order_by(follows.c.id.desc())
    .limit(_LIMIT)
)
FEATURED_TAGS = Statement(
    select(tags.c.name)
    .join(featured_tags, featured_tags.c.tag_id == tags.c.id)
    .where(featured_tags.c.actor_id == _ACTOR)
    .order_by(featured_tags.c.id)
)

_with_author = select(objects.c.id, objects.c.uri).join(actors, actors.c.id == objects.c.actor_id)
_counted = select(func.count().label("total")).select_from(objects.join(actors, actors.c.id == objects.c.actor_id))

# Oldest first: the order of a conversation.
REPLIES = Statement(
    _with_author.where(objects.c.in_reply_to_id == _OBJECT, objects.c.id > _AFTER, is_open())
    .order_by(objects.c.id)
    .limit(_LIMIT)
)
REPLIES_COUNT = Statement(_counted.where(objects.c.in_reply_to_id == _OBJECT, is_open()))
THREAD = Statement(
    _with_author.where(objects.c.thread_id == _THREAD, objects.c.id > _AFTER, _is_said, is_open())
    .order_by(objects.c.id)
    .limit(_LIMIT)
)
# `total`: posts that everybody may read; `ours`: those of them that were written here.
THREAD_COUNT = Statement(
    select(func.count().label("total"), func.count().filter(objects.c.local).label("ours"))
    .select_from(objects.join(actors, actors.c.id == objects.c.actor_id))
    .where(objects.c.thread_id == _THREAD, _is_said, is_open())
)
# Whose conversation it is.
THREAD_OWNER = Statement(
    select(actors.c.uri)
    .join(objects, objects.c.actor_id == actors.c.id)
    .where(objects.c.id == _THREAD, objects.c.visibility <= OPEN, actors.c.local)
)
