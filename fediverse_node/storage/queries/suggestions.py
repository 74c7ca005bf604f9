"""Whom somebody may want to follow: people they talk with, and people with whom those they follow talk.

Both ways each time: whom everybody talks to, and who answers nobody, is nobody's company. How many follow somebody does
not count.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    union,
)

from fediverse_node.storage.queries.federation_documents import OPEN
from fediverse_node.storage.queries.statuses import VIEWER, is_unavoided
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, dismissed_suggestions, follows, mentions, objects
from fediverse_node.storage.unit import Insert, Unit

_ONE = literal_column("1", Integer())
_SINCE = bindparam("since_id", type_=BigInteger())
_MOST = bindparam("most", type_=BigInteger())
# As much of what somebody said and was told is looked at.
_OWN_ANSWERS, _OWN_POSTS, _OWN_MENTIONS = (literal_column(str(n), Integer()) for n in (2000, 2000, 5000))


def _is_new_to_viewer() -> ColumnElement[bool]:
    """The actor is somebody to follow whom the viewer neither follows, avoids, nor has waved away."""
    followed = select(_ONE).select_from(follows).where(
        follows.c.follower_id == VIEWER, follows.c.followed_id == actors.c.id
    )  # fmt: skip
    dismissed = select(_ONE).select_from(dismissed_suggestions).where(
        dismissed_suggestions.c.actor_id == VIEWER, dismissed_suggestions.c.target_id == actors.c.id
    )  # fmt: skip
    return and_(
        actors.c.id != VIEWER,
        actors.c.type != "Application",
        actors.c.deleted_ms.is_(None),
        actors.c.suspended_ms.is_(None),
        actors.c.silenced_ms.is_(None),
        actors.c.moved_to_uri.is_(None),
        ~exists(followed.correlate(actors)),
        ~exists(dismissed.correlate(actors)),
        is_unavoided(actors.c.id, hosts=(actors.c.host,)),
    )


def _company() -> Select[Any]:
    own_answers = (
        select(objects.c.id, objects.c.in_reply_to_actor_id.label("person_id"))
        .where(objects.c.actor_id == VIEWER, objects.c.in_reply_to_actor_id.is_not(None))
        .order_by(objects.c.id.desc())
        .limit(_OWN_ANSWERS)
        .subquery("own_answers")
    )
    answered = (
        select(own_answers.c.person_id, func.count().label("times"), func.max(own_answers.c.id).label("last_id"))
        .group_by(own_answers.c.person_id)
        .subquery("answered")
    )
    own_mentions = (
        select(mentions.c.object_id)
        .where(mentions.c.actor_id == VIEWER)
        .order_by(mentions.c.object_id.desc())
        .limit(_OWN_MENTIONS)
        .subquery("own_mentions")
    )
    own_posts = (
        select(objects.c.id)
        .where(objects.c.actor_id == VIEWER)
        .order_by(objects.c.id.desc())
        .limit(_OWN_POSTS)
        .subquery("own_posts")
    )
    spoke = union(
        select(objects.c.actor_id).select_from(own_mentions.join(objects, objects.c.id == own_mentions.c.object_id)),
        select(objects.c.actor_id).select_from(own_posts.join(objects, objects.c.in_reply_to_id == own_posts.c.id)),
    ).subquery("spoke")
    return (
        select(actors.c.id)
        .select_from(
            answered.join(spoke, spoke.c.actor_id == answered.c.person_id).join(
                actors, actors.c.id == answered.c.person_id
            )
        )
        .where(_is_new_to_viewer())
        .order_by(answered.c.times.desc(), answered.c.last_id.desc())
        .limit(_MOST)
    )


def _company_of_followed() -> Select[Any]:
    said, back = objects.alias("said"), objects.alias("back")
    pairs = (
        select(
            said.c.actor_id.label("friend_id"),
            said.c.in_reply_to_actor_id.label("person_id"),
            func.count().label("times"),
        )
        .select_from(follows.join(said, said.c.actor_id == follows.c.followed_id))
        .where(
            follows.c.follower_id == VIEWER,
            follows.c.accepted,
            said.c.id > _SINCE,
            said.c.visibility <= OPEN,
            said.c.in_reply_to_actor_id.is_not(None),
            said.c.in_reply_to_actor_id != said.c.actor_id,
        )
        .group_by(said.c.actor_id, said.c.in_reply_to_actor_id)
        .subquery("pairs")
    )
    answers_back = exists(
        select(_ONE)
        .select_from(back)
        .where(
            back.c.actor_id == pairs.c.person_id,
            back.c.in_reply_to_actor_id == pairs.c.friend_id,
            back.c.id > _SINCE,
            back.c.visibility <= OPEN,
        )
        .correlate(pairs)
    )
    return (
        select(actors.c.id)
        .select_from(pairs.join(actors, actors.c.id == pairs.c.person_id))
        # Who did not say that they want to be found is not shown to strangers.
        .where(_is_new_to_viewer(), actors.c.discoverable, answers_back)
        .group_by(actors.c.id)
        .order_by(func.count().desc(), func.sum(pairs.c.times).desc(), actors.c.id.desc())
        .limit(_MOST)
    )


COMPANY = Statement(_company())
COMPANY_OF_FOLLOWED = Statement(_company_of_followed())


def dismiss(actor_id: int, target_id: int) -> Unit[None]:
    """Do not suggest this one again."""
    yield Insert(dismissed_suggestions, [{"actor_id": actor_id, "target_id": target_id}])
