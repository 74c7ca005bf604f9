"""Whom people show on their profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, select

from fediverse_node.storage.queries.statuses import is_unavoided
from fediverse_node.storage.queries.timelines import keyset
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, endorsements, follows
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

_ACTOR = bindparam("actor_id", type_=BigInteger())
_TARGET = bindparam("target_id", type_=BigInteger())

# As `viewer_id` sees it, who does not meet there whom it keeps away from.
ENDORSED = keyset(
    select(endorsements.c.id, endorsements.c.target_id.label("actor_id"))
    .select_from(endorsements.join(actors, actors.c.id == endorsements.c.target_id))
    .where(
        endorsements.c.actor_id == _ACTOR,
        actors.c.deleted_ms.is_(None),
        actors.c.suspended_ms.is_(None),
        is_unavoided(endorsements.c.target_id, hosts=(actors.c.host,)),
    ),
    endorsements.c.id,
)
_FOLLOWS = Statement(
    select(follows.c.id).where(follows.c.follower_id == _ACTOR, follows.c.followed_id == _TARGET, follows.c.accepted)
)
_END = Statement(delete(endorsements).where(endorsements.c.actor_id == _ACTOR, endorsements.c.target_id == _TARGET))


def endorse(row: Mapping[str, Any]) -> Unit[bool]:
    """Show somebody on one's profile: all columns; False when the other is not followed."""
    if not (yield Fetch(_FOLLOWS, {"actor_id": row["actor_id"], "target_id": row["target_id"]})):
        return False
    yield Insert(endorsements, [row])
    return True


def unendorse(actor_id: int, target_id: int) -> Unit[None]:
    """Do not show them any more."""
    yield Run(_END, [{"actor_id": actor_id, "target_id": target_id}])
