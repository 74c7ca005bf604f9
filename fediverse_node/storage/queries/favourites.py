"""Who liked an object, and who passed it on: pages of actor ids, by the like or the Announce."""

from __future__ import annotations

from sqlalchemy import BigInteger, and_, bindparam, select

from fediverse_node.storage.queries.statuses import is_unavoided
from fediverse_node.storage.queries.timelines import keyset
from fediverse_node.storage.tables import actors, likes, objects

_OBJECT = bindparam("object_id", type_=BigInteger())
_PRESENT = and_(actors.c.suspended_ms.is_(None), actors.c.deleted_ms.is_(None))

LIKED_BY = keyset(
    select(likes.c.actor_id, likes.c.id.label("cursor"))
    .select_from(likes.join(actors, actors.c.id == likes.c.actor_id))
    .where(likes.c.object_id == _OBJECT, _PRESENT, is_unavoided(likes.c.actor_id, hosts=(actors.c.host,))),
    likes.c.id,
)
# Who passed it on for their followers only did not tell everybody.
ANNOUNCED_BY = keyset(
    select(objects.c.actor_id, objects.c.id.label("cursor"))
    .select_from(objects.join(actors, actors.c.id == objects.c.actor_id))
    .where(
        objects.c.announce_of_id == _OBJECT,
        objects.c.visibility <= 1,
        _PRESENT,
        is_unavoided(objects.c.actor_id, hosts=(actors.c.host,)),
    ),
    objects.c.id,
)
