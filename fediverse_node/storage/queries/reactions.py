"""Reactions as the client API shows them: how many of each, who, and which are the viewer's."""

from __future__ import annotations

from sqlalchemy import BigInteger, Text, and_, bindparam, func, select

from fediverse_node.domain.reactions import DISLIKE
from fediverse_node.storage.queries.statuses import VIEWER, is_unavoided
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, reactions

_OBJECT = bindparam("object_id", type_=BigInteger())
_IS_SHOWN = reactions.c.content != DISLIKE

# Those that came first stand first.
SUMMARIES = Statement(
    select(
        reactions.c.object_id,
        reactions.c.content,
        reactions.c.host,
        func.min(reactions.c.url).label("url"),
        func.count().label("count"),
    )
    .where(one_of(reactions.c.object_id, "ids"), _IS_SHOWN)
    .group_by(reactions.c.object_id, reactions.c.content, reactions.c.host)
    .order_by(func.min(reactions.c.id))
)
OWN = Statement(
    select(reactions.c.object_id, reactions.c.content, reactions.c.host).where(
        reactions.c.actor_id == VIEWER, one_of(reactions.c.object_id, "ids"), _IS_SHOWN
    )
)
PEOPLE = Statement(
    select(reactions.c.content, reactions.c.host, reactions.c.actor_id)
    .select_from(reactions.join(actors, actors.c.id == reactions.c.actor_id))
    .where(
        reactions.c.object_id == _OBJECT,
        _IS_SHOWN,
        actors.c.suspended_ms.is_(None),
        actors.c.deleted_ms.is_(None),
        is_unavoided(reactions.c.actor_id, hosts=(actors.c.host,)),
    )
    .order_by(reactions.c.id)
)
# A custom emoji of another server can be used by whoever sees it below a post.
PICTURE = Statement(
    select(reactions.c.url)
    .where(
        reactions.c.object_id == _OBJECT,
        reactions.c.content == bindparam("content", type_=Text()),
        reactions.c.host == bindparam("host", type_=Text()),
    )
    .limit(1)
)
# What these people said about these objects, for notifications.
SAID = Statement(
    select(reactions.c.actor_id, reactions.c.object_id, reactions.c.content, reactions.c.host, reactions.c.url)
    .where(and_(one_of(reactions.c.actor_id, "actor_ids"), one_of(reactions.c.object_id, "object_ids"), _IS_SHOWN))
    .order_by(reactions.c.id)
)
