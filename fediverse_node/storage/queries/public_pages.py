"""What pages for people show: profiles, posts with their threads, hashtags, and who is here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer, Select, Text, bindparam, func, literal, or_, select

from fediverse_node.domain.model import Visibility, visibility_code
from fediverse_node.storage.queries.federation_documents import is_open, select_post
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, object_tags, objects, tags

_ACTOR = bindparam("actor_id", type_=BigInteger())
_OBJECT = bindparam("object_id", type_=BigInteger())
_BEFORE = bindparam("before", type_=BigInteger())
_LIMIT = bindparam("limit", type_=Integer())
_NAME = bindparam("name", type_=Text())
_PUBLIC = visibility_code(Visibility.PUBLIC)

ANCESTORS_LIMIT = 60


def _of_actor() -> Select[Any]:
    return (
        select_post()
        .where(objects.c.actor_id == _ACTOR, objects.c.id < _BEFORE, is_open())
        .order_by(objects.c.id.desc())
        .limit(_LIMIT)
    )


# Answers to oneself go on with what one said, so they belong to the posts.
_starts_or_goes_on = or_(objects.c.in_reply_to_uri.is_(None), objects.c.in_reply_to_actor_id == objects.c.actor_id)
PROFILE_POSTS = Statement(_of_actor().where(_starts_or_goes_on))
PROFILE_WITH_REPLIES = Statement(_of_actor())
PROFILE_MEDIA = Statement(_of_actor().where(objects.c.attachments != "[]", objects.c.announce_of_id.is_(None)))
# Whoever reads a page follows nobody: of others it shows none who are limited.
_is_heard = or_(actors.c.silenced_ms.is_(None), actors.c.local)


def _thread_up() -> Select[Any]:
    start = select(objects.c.in_reply_to_id.label("id"), literal(1, Integer()).label("depth")).where(
        objects.c.id == _OBJECT
    )
    up = start.cte("up", recursive=True)
    parent = objects.alias("parent")
    up = up.union_all(
        select(parent.c.in_reply_to_id, up.c.depth + 1)
        .where(parent.c.id == up.c.id, up.c.depth < ANCESTORS_LIMIT)
    )  # fmt: skip
    return select_post().where(objects.c.id.in_(select(up.c.id)), is_open(), _is_heard).order_by(objects.c.id)


# Walks through posts that are not open to everybody, and leaves those out of the answer.
ANCESTORS = Statement(_thread_up())
# The later part of a thread; what of it hangs on a post is found by whoever asks.
THREAD_AFTER = Statement(
    select_post()
    .where(objects.c.thread_id == bindparam("thread_id", type_=BigInteger()))
    .where(objects.c.id > bindparam("after", type_=BigInteger()), objects.c.announce_of_id.is_(None))
    .where(is_open(), _is_heard)
    .order_by(objects.c.id)
    .limit(_LIMIT)
)

# Of local posts the public ones only: who writes "unlisted" does not want to be found here.
_tagged = (
    select_post()
    .join(object_tags, object_tags.c.object_id == objects.c.id)
    .join(tags, tags.c.id == object_tags.c.tag_id)
    .where(tags.c.name == _NAME, objects.c.local, objects.c.visibility == _PUBLIC)
    .where(is_open(), actors.c.silenced_ms.is_(None))
)
# By the key of object_tags, which has them in order: a popular hashtag is not sorted for each page.
TAG_POSTS = Statement(
    _tagged.where(object_tags.c.object_id < _BEFORE).order_by(object_tags.c.object_id.desc()).limit(_LIMIT)
)
TAG_COUNT = Statement(
    select(func.count().label("total"))
    .select_from(
        object_tags.join(tags, tags.c.id == object_tags.c.tag_id)
        .join(objects, objects.c.id == object_tags.c.object_id)
        .join(actors, actors.c.id == objects.c.actor_id)
    )
    .where(tags.c.name == _NAME, objects.c.local, objects.c.visibility == _PUBLIC)
    .where(is_open(), actors.c.silenced_ms.is_(None))
)

# Those who want to be found, the recently active first. `host` is ours: it leads past all the others.
PEOPLE = Statement(
    select(actors)
    .where(
        actors.c.host == bindparam("host", type_=Text()),
        actors.c.local,
        actors.c.discoverable,
        actors.c.suspended_ms.is_(None),
        actors.c.silenced_ms.is_(None),
        actors.c.deleted_ms.is_(None),
        actors.c.moved_to_uri.is_(None),
    )
    .order_by(func.coalesce(actors.c.last_status_ms, 0).desc(), actors.c.id)
    .limit(_LIMIT)
)
