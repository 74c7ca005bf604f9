"""What a recording says of a node's state before it began, and what a replay says of the state it ended in."""

from __future__ import annotations

from sqlalchemy import Text, bindparam, or_, select

from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, blocks, domain_blocks, follows, keys, likes, objects

_URI = bindparam("uri", type_=Text())
_one = actors.alias("one")
_other = actors.alias("other")

LOCAL_ACTORS = Statement(
    select(actors).where(actors.c.local, actors.c.deleted_ms.is_(None)).order_by(actors.c.created_ms, actors.c.id)
)
ACTOR = Statement(select(actors).where(actors.c.uri == _URI))
# The private halves stay where they are.
KEYS = Statement(
    select(keys.c.uri, keys.c.public)
    .select_from(keys.join(actors, actors.c.id == keys.c.actor_id))
    .where(actors.c.uri == _URI)
    .order_by(keys.c.uri)
)
KEY_OWNER = Statement(
    select(actors.c.uri).select_from(keys.join(actors, actors.c.id == keys.c.actor_id)).where(keys.c.uri == _URI)
)
_follows = (
    select(
        follows.c.id,
        follows.c.uri,
        follows.c.accepted,
        _one.c.uri.label("follower_uri"),
        _other.c.uri.label("followed_uri"),
    )
    .select_from(
        follows.join(_one, _one.c.id == follows.c.follower_id).join(_other, _other.c.id == follows.c.followed_id)
    )
    .order_by(follows.c.id)
)
FOLLOWS_OF = Statement(_follows.where(or_(_one.c.uri == _URI, _other.c.uri == _URI)).limit(10_000))
FOLLOWS = Statement(_follows)
BLOCKS_OF = Statement(
    select(blocks.c.id, blocks.c.uri, _one.c.uri.label("actor_uri"), _other.c.uri.label("target_uri"))
    .select_from(blocks.join(_one, _one.c.id == blocks.c.actor_id).join(_other, _other.c.id == blocks.c.target_id))
    .where(or_(_one.c.uri == _URI, _other.c.uri == _URI))
    .order_by(blocks.c.id)
    .limit(10_000)
)
POSTS = Statement(
    select(
        objects.c.uri,
        objects.c.type,
        objects.c.visibility,
        objects.c.content,
        objects.c.likes_count,
        objects.c.replies_count,
        objects.c.announces_count,
        _one.c.uri.label("author_uri"),
    )
    .select_from(objects.join(_one, _one.c.id == objects.c.actor_id))
    .order_by(objects.c.uri)
)
LIKES = Statement(
    select(_one.c.uri.label("actor_uri"), objects.c.uri.label("object_uri"))
    .select_from(likes.join(_one, _one.c.id == likes.c.actor_id).join(objects, objects.c.id == likes.c.object_id))
    .order_by(objects.c.uri, _one.c.uri)
)
BLOCKED_HOSTS = Statement(select(domain_blocks.c.host, domain_blocks.c.severity).order_by(domain_blocks.c.host))
