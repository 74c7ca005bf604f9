"""Objects by address, and those a person may search in: what they said, were told, liked or kept."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, Text, bindparam, func, literal_column, or_, select, union

from fediverse_node.storage.queries.statuses import VIEWER, is_present, is_unavoided, select_entries, visible_to_viewer
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import bookmarks, likes, mentions, objects

_RECENT = 5_000

ID_BY_URI = Statement(select(objects.c.id).where(objects.c.uri == bindparam("uri", type_=Text())))

# A person's own corner is small enough to be looked through, newest first, and is all that may be searched:
# others have not said that strangers may find their words.
_NEAR = union(
    *(
        select(literal_column("id")).select_from(
            select(column.label("id"))
            .where(owner == VIEWER)
            .order_by(column.desc())
            .limit(literal_column(str(_RECENT)))
            .subquery()
        )
        for column, owner in (
            (objects.c.id, objects.c.actor_id),
            (mentions.c.object_id, mentions.c.actor_id),
            (bookmarks.c.object_id, bookmarks.c.actor_id),
            (likes.c.object_id, likes.c.actor_id),
        )
    )
).subquery("near")
_ACTOR = bindparam("actor_id", type_=BigInteger())

WORDS = Statement(
    select_entries(objects.join(_NEAR, _NEAR.c.id == objects.c.id))
    .where(
        objects.c.announce_of_id.is_(None),
        or_(
            func.lower(objects.c.content).like(bindparam("pattern", type_=Text()), escape="\\"),
            func.lower(objects.c.summary).like(bindparam("pattern", type_=Text()), escape="\\"),
        ),
        or_(_ACTOR == 0, objects.c.actor_id == _ACTOR),
        objects.c.id < bindparam("before_id", type_=BigInteger()),
        objects.c.id > bindparam("after_id", type_=BigInteger()),
        is_present(),
        visible_to_viewer(),
        is_unavoided(objects.c.actor_id),
    )
    .order_by(objects.c.id.desc())
    .limit(bindparam("most", type_=Integer()))
    .offset(bindparam("skipped", type_=Integer()))
)
