"""What has to be known before somebody here moves, or is known by another name."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, Text, bindparam, func, select, update

from fediverse_node.storage.rows import dump_json
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, follows
from fediverse_node.storage.unit import Run, Unit

_ACTOR = bindparam("actor_id", type_=BigInteger())

ACTOR = Statement(
    select(actors.c.id, actors.c.uri, actors.c.also_known_as, actors.c.moved_to_uri, actors.c.moved_ms).where(
        actors.c.id == _ACTOR, actors.c.deleted_ms.is_(None)
    )
)
BY_NAME = Statement(
    select(actors.c.id).where(
        func.lower(actors.c.username) == bindparam("username", type_=Text()),
        actors.c.host == bindparam("host", type_=Text()),
        actors.c.local,
        actors.c.deleted_ms.is_(None),
    )
)
FOLLOWERS = Statement(
    select(follows.c.follower_local, func.count().label("number"))
    .where(follows.c.followed_id == _ACTOR, follows.c.accepted)
    .group_by(follows.c.follower_local)
)
_SET_ALIASES = Statement(
    update(actors)
    .where(actors.c.id == _ACTOR)
    .values(also_known_as=bindparam("aliases", type_=Text()), version=actors.c.version + 1)
)


def set_aliases(actor_id: int, uris: Sequence[str]) -> Unit[None]:
    """These are all names under which an actor is known too."""
    yield Run(_SET_ALIASES, [{"actor_id": actor_id, "aliases": dump_json(list(uris))}])
