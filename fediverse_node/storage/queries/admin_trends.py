"""What could be put forward, and what moderators decided about it.

The more people talk with each other about something, the further up it is: hashtags and links by how many people used
them, posts by how many answered. Only what everybody may read counts, and of nobody who is limited here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Text, bindparam, func, literal_column, select

from fediverse_node.storage.queries.admin_figures import DAY_IDS
from fediverse_node.storage.queries.timelines import keyset
from fediverse_node.storage.statement import Statement, one_of, upsert
from fediverse_node.storage.tables import (
    actors,
    link_previews,
    object_previews,
    object_tags,
    objects,
    tag_reviews,
    tags,
    trend_reviews,
)
from fediverse_node.storage.unit import Run, Unit

REVIEW_COLUMNS = ("trendable", "usable", "listable", "display_name", "reviewed_ms")
_MOST = bindparam("most", type_=Integer())
_SKIPPED = bindparam("skipped", type_=Integer())
_SINCE = bindparam("since_id", type_=BigInteger())
_ID = bindparam("id", type_=BigInteger())
_people = func.count(objects.c.actor_id.distinct())
_day = (objects.c.id // literal_column(str(DAY_IDS), BigInteger())).label("day")


def _shown(*conditions: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    return (
        objects.c.visibility == literal_column("0", Integer()),
        objects.c.announce_of_id.is_(None),
        actors.c.suspended_ms.is_(None),
        actors.c.silenced_ms.is_(None),
        actors.c.deleted_ms.is_(None),
        *conditions,
    )


_said = objects.join(actors, actors.c.id == objects.c.actor_id)
TAGS = Statement(
    select(tags.c.id, tags.c.name)
    .select_from(object_tags.join(_said, objects.c.id == object_tags.c.object_id).join(tags))
    .where(*_shown(object_tags.c.object_id >= _SINCE))
    .group_by(tags.c.id, tags.c.name)
    .order_by(_people.desc(), tags.c.id.desc())
    .limit(_MOST)
    .offset(_SKIPPED)
)
LINKS = Statement(
    select(link_previews.c.id, link_previews.c.card)
    .select_from(object_previews.join(_said, objects.c.id == object_previews.c.object_id).join(link_previews))
    .where(*_shown(object_previews.c.object_id >= _SINCE, link_previews.c.card.is_not(None)))
    .group_by(link_previews.c.id, link_previews.c.card)
    .order_by(_people.desc(), link_previews.c.id.desc())
    .limit(_MOST)
    .offset(_SKIPPED)
)
STATUSES = Statement(
    select(objects.c.id)
    .select_from(_said)
    .where(*_shown(objects.c.id >= _SINCE, objects.c.in_reply_to_uri.is_(None), objects.c.replies_count > 0))
    .order_by(objects.c.replies_count.desc(), objects.c.id.desc())
    .limit(_MOST)
    .offset(_SKIPPED)
)
LINK = Statement(
    select(link_previews.c.id, link_previews.c.card).where(link_previews.c.id == _ID, link_previews.c.card.is_not(None))
)
LINK_USE = Statement(
    select(object_previews.c.preview_id, _day, func.count().label("uses"), _people.label("accounts"))
    .select_from(object_previews.join(objects, objects.c.id == object_previews.c.object_id))
    .where(
        one_of(object_previews.c.preview_id, "ids"),
        object_previews.c.object_id >= _SINCE,
        objects.c.visibility == literal_column("0", Integer()),
    )
    .group_by(object_previews.c.preview_id, _day)
)

# Decisions

REVIEWS = Statement(
    select(trend_reviews.c.target, trend_reviews.c.allowed).where(
        trend_reviews.c.kind == bindparam("kind", type_=Text()), one_of(trend_reviews.c.target, "targets")
    )
)
_REVIEW = upsert(
    trend_reviews,
    ("id", "kind", "target", "allowed", "reviewed_ms"),
    ("kind", "target"),
    {"allowed": "allowed", "reviewed_ms": "reviewed_ms"},
)
ALL_TAGS = keyset(select(tags.c.id, tags.c.name), tags.c.id)
TAG = Statement(select(tags.c.id, tags.c.name).where(tags.c.id == _ID))
TAG_REVIEWS = Statement(select(tag_reviews).where(one_of(tag_reviews.c.tag_id, "ids")))
# Of these hashtags those that nobody here shall use.
UNUSABLE = Statement(
    select(tags.c.name)
    .select_from(tags.join(tag_reviews, tag_reviews.c.tag_id == tags.c.id))
    .where(one_of(tags.c.name, "names"), tag_reviews.c.usable.is_(False))
    .order_by(tags.c.name)
)
_REVIEW_TAG = upsert(tag_reviews, ("tag_id", *REVIEW_COLUMNS), ("tag_id",))


def review(row: Mapping[str, Any]) -> Unit[None]:
    """Whether a post or link may be put forward: all columns of `trend_reviews`."""
    yield Run(_REVIEW, [row])


def review_tag(tag_id: int, values: Mapping[str, Any]) -> Unit[None]:
    """What was decided about a hashtag: all of `REVIEW_COLUMNS`."""
    yield Run(_REVIEW_TAG, [{"tag_id": tag_id, **values}])
