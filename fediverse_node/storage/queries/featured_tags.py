"""Hashtags that people show on their profiles, with how often they used them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Text, and_, bindparam, delete, func, select

from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import featured_tags, object_tags, objects, tags
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

Row = Any

_ACTOR = bindparam("actor_id", type_=BigInteger())
_NAME = bindparam("name", type_=Text())
_mine = (
    select(object_tags.c.tag_id, objects.c.id, objects.c.published_ms)
    .select_from(object_tags.join(objects, objects.c.id == object_tags.c.object_id))
    # 0 and 1: public and unlisted.
    .where(objects.c.actor_id == _ACTOR, objects.c.visibility <= 1, objects.c.announce_of_id.is_(None))
    .subquery("mine")
)
_FEATURED = (
    select(
        featured_tags.c.id,
        tags.c.name,
        func.count(_mine.c.id).label("statuses_count"),
        func.max(_mine.c.published_ms).label("last_status_ms"),
    )
    .select_from(
        featured_tags.join(tags, tags.c.id == featured_tags.c.tag_id).outerjoin(
            _mine, _mine.c.tag_id == featured_tags.c.tag_id
        )
    )
    .where(featured_tags.c.actor_id == _ACTOR)
    .group_by(featured_tags.c.id, tags.c.name)
)
FEATURED = Statement(_FEATURED.order_by(func.count(_mine.c.id).desc(), featured_tags.c.id))
# What somebody writes about most and does not show yet.
USED_MOST = Statement(
    select(tags.c.id, tags.c.name)
    .select_from(tags.join(_mine, _mine.c.tag_id == tags.c.id))
    .where(tags.c.id.not_in(select(featured_tags.c.tag_id).where(featured_tags.c.actor_id == _ACTOR)))
    .group_by(tags.c.id, tags.c.name)
    .order_by(func.count(_mine.c.id).desc(), tags.c.id)
    .limit(bindparam("most", type_=BigInteger()))
)
FEATURED_AMONG = Statement(
    select(featured_tags.c.tag_id).where(featured_tags.c.actor_id == _ACTOR, one_of(featured_tags.c.tag_id, "ids"))
)
_TAG = Statement(select(tags.c.id).where(tags.c.name == _NAME))
_COUNT = Statement(select(func.count()).select_from(featured_tags).where(featured_tags.c.actor_id == _ACTOR))
_DELETE = Statement(
    delete(featured_tags).where(
        and_(featured_tags.c.id == bindparam("item_id", type_=BigInteger()), featured_tags.c.actor_id == _ACTOR)
    )
)


def feature_tag(item_id: int, tag_id: int, actor_id: int, *, name: str, most: int) -> Unit[bool]:
    """Show a hashtag (lower case). `item_id` and `tag_id` are for new rows. False: `most` are shown already."""
    count = yield Fetch(_COUNT, {"actor_id": actor_id})
    if count[0][0] >= most:
        return False
    yield Insert(tags, [{"id": tag_id, "name": name}])
    found = yield Fetch(_TAG, {"name": name})
    yield Insert(featured_tags, [{"id": item_id, "actor_id": actor_id, "tag_id": found[0]["id"]}])
    return True


def unfeature_tag(item_id: int, actor_id: int) -> Unit[None]:
    """It is shown no more."""
    yield Run(_DELETE, [{"item_id": item_id, "actor_id": actor_id}])
