"""Posts that came through somebody else, so that their own servers do not know that they are here."""

from __future__ import annotations

from sqlalchemy import BigInteger, bindparam, exists, select, update

from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, follows, objects
from fediverse_node.storage.unit import Run, Unit

_OBJECT = bindparam("object_id", type_=BigInteger())
# Whoever has a reader here tells this server what becomes of a post.
_IS_TOLD = exists(
    select(follows.c.id).where(
        follows.c.followed_id == objects.c.actor_id, follows.c.follower_local, follows.c.accepted
    )
).label("is_told")
POST = Statement(
    select(
        objects.c.id,
        objects.c.uri,
        objects.c.local,
        objects.c.visibility,
        objects.c.announce_of_id,
        objects.c.published_ms,
        objects.c.fetched_ms,
        actors.c.uri.label("author_uri"),
        actors.c.suspended_ms.label("author_suspended_ms"),
        _IS_TOLD,
    )
    .select_from(objects.join(actors, actors.c.id == objects.c.actor_id))
    .where(objects.c.id == _OBJECT)
)
_NOTE_ASKED = Statement(
    update(objects).where(objects.c.id == _OBJECT).values(fetched_ms=bindparam("now_ms", type_=BigInteger()))
)


def note_asked(object_id: int, now_ms: int) -> Unit[None]:
    """Its origin was asked for it just now."""
    yield Run(_NOTE_ASKED, [{"object_id": object_id, "now_ms": now_ms}])
