"""Hashtags: which there are, how much they are used, who follows them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from fediverse_node.storage.queries.timelines import keyset
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import followed_tags, object_tags, objects, tag_reviews, tags
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

_ACTOR = bindparam("actor", type_=BigInteger())
_TAG = bindparam("tag_id", type_=BigInteger())
# Ids hold the time: a whole number of days of ids is a day.
_DAY = objects.c.id // bindparam("day_ids", type_=BigInteger())

BY_NAMES = Statement(select(tags.c.id, tags.c.name).where(one_of(tags.c.name, "names")))
_PREFIX = bindparam("prefix", type_=Text())


def _review(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(select(literal_column("1")).where(tag_reviews.c.tag_id == tags.c.id, *conditions).correlate(tags))


def _beginning(*conditions: ColumnElement[bool]) -> Select[Any]:
    # What moderators do not want listed is not suggested to anybody.
    listed = not_(_review(tag_reviews.c.listable.is_(False)))
    page = select(tags.c.id, tags.c.name).where(*conditions, listed).order_by(tags.c.name)
    return page.limit(bindparam("most", type_=Integer())).offset(bindparam("skipped", type_=Integer()))


# SQLite compares bytes, so names that begin alike are a range of its index; PostgreSQL compares as people of
# its locale do, where the last character there is need not come last.
_IN_RANGE = and_(tags.c.name >= _PREFIX, tags.c.name < bindparam("upper", type_=Text()))
_BEGINS = func.starts_with(tags.c.name, _PREFIX)
# Who names the whole of it means it; and where nobody reviews hashtags, none is left out for not being reviewed.
_any_review = tag_reviews.alias("any_review")
_REVIEWED = or_(
    _review(tag_reviews.c.reviewed_ms.is_not(None)),
    tags.c.name == _PREFIX,
    not_(exists(select(literal_column("1")).select_from(_any_review).where(_any_review.c.reviewed_ms.is_not(None)))),
)
BY_PREFIX = Statement(_beginning(_IN_RANGE), for_postgresql=_beginning(_BEGINS))
REVIEWED_BY_PREFIX = Statement(_beginning(_IN_RANGE, _REVIEWED), for_postgresql=_beginning(_BEGINS, _REVIEWED))
USE = Statement(
    select(
        object_tags.c.tag_id,
        _DAY.label("day"),
        func.count().label("uses"),
        func.count(objects.c.actor_id.distinct()).label("accounts"),
    )
    .select_from(object_tags.join(objects, objects.c.id == object_tags.c.object_id))
    .where(
        one_of(object_tags.c.tag_id, "ids"),
        object_tags.c.object_id >= bindparam("since_id", type_=BigInteger()),
        objects.c.visibility == 0,
    )
    .group_by(object_tags.c.tag_id, _DAY)
)
FOLLOWED_AMONG = Statement(
    select(followed_tags.c.tag_id).where(followed_tags.c.actor_id == _ACTOR, one_of(followed_tags.c.tag_id, "ids"))
)
FOLLOWED = keyset(
    select(tags.c.id, tags.c.name, followed_tags.c.id.label("cursor"))
    .select_from(followed_tags.join(tags, tags.c.id == followed_tags.c.tag_id))
    .where(followed_tags.c.actor_id == _ACTOR),
    followed_tags.c.id,
)
_UNFOLLOW = Statement(delete(followed_tags).where(followed_tags.c.actor_id == _ACTOR, followed_tags.c.tag_id == _TAG))


def follow_tag(actor_id: int, name: str, new_id: int, new_tag_id: int) -> Unit[None]:
    """Follow a hashtag, which may never have been used yet."""
    yield Insert(tags, [{"id": new_tag_id, "name": name}])
    rows = yield Fetch(BY_NAMES, {"names": [name]})
    yield Insert(followed_tags, [{"id": new_id, "actor_id": actor_id, "tag_id": rows[0]["id"]}])


def unfollow_tag(actor_id: int, name: str) -> Unit[None]:
    """Do not follow it any more."""
    rows = yield Fetch(BY_NAMES, {"names": [name]})
    if rows:
        yield Run(_UNFOLLOW, [{"actor": actor_id, "tag_id": rows[0]["id"]}])
