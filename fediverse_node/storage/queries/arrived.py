"""What others did about a person, as the inbox lists it beside their home timeline.

Rows go by ids that follow time. Whom the reader blocks, mutes or keeps away from is left out, as in the client API.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, and_, bindparam, exists, literal_column, not_, or_, select

from fediverse_node.storage.queries.statuses import VIEWER, is_unavoided, may_see_object
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, follows, home_entries, likes, notifications, objects

_ACTOR = bindparam("actor_id", type_=BigInteger())
_OBJECT = bindparam("object_id", type_=BigInteger())
_ONE = literal_column("1", Integer())
# Said to the person, and done about them; what only the client API tells (polls that end, edits) is not an activity.
_SAID = ("mention", "reply", "quote")
_DONE = ("like", "announce", "follow", "follow_request")

_is_at_home = exists(
    select(_ONE)
    .select_from(home_entries)
    .where(home_entries.c.actor_id == VIEWER, home_entries.c.object_id == notifications.c.object_id)
    .correlate(notifications)
)
# (id, type, from_actor_id, object_id), newest first. A post that is at home already is not listed twice.
TOLD = Statement(
    select(
        notifications.c.id,
        notifications.c.type,
        notifications.c.from_actor_id,
        notifications.c.object_id,
        actors.c.uri.label("from_uri"),
    )
    .select_from(
        notifications.join(actors, actors.c.id == notifications.c.from_actor_id).outerjoin(
            objects, objects.c.id == notifications.c.object_id
        )
    )
    .where(
        notifications.c.actor_id == VIEWER,
        notifications.c.id < bindparam("before", type_=BigInteger()),
        notifications.c.type.in_((*_SAID, *_DONE)),
        actors.c.suspended_ms.is_(None),
        actors.c.deleted_ms.is_(None),
        is_unavoided(notifications.c.from_actor_id, hosts=(actors.c.host,)),
        or_(notifications.c.object_id.is_(None), may_see_object()),
        not_(and_(notifications.c.type.in_(_SAID), _is_at_home)),
    )
    .order_by(notifications.c.id.desc())
    .limit(bindparam("limit", type_=Integer()))
)
# The ids under which others did it.
LIKE_URI = Statement(select(likes.c.uri).where(likes.c.actor_id == _ACTOR, likes.c.object_id == _OBJECT))
FOLLOW_URI = Statement(select(follows.c.uri).where(follows.c.follower_id == _ACTOR, follows.c.followed_id == VIEWER))
ANNOUNCE = Statement(
    select(objects.c.uri, objects.c.published_ms).where(
        objects.c.actor_id == _ACTOR, objects.c.announce_of_id == _OBJECT
    )
)
