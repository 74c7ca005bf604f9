"""Those who were named in a post before they were known here join its mentions once they are."""

from __future__ import annotations

from datetime import datetime, timedelta

import orjson
from sqlalchemy import BigInteger, Text, bindparam, select, update

from fediverse_node.base.ids import id_floor
from fediverse_node.domain.reception import mention_of
from fediverse_node.storage.apply.words import put_words
from fediverse_node.storage.rows import actor_of, dump_json, select_actor
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, mentions, objects
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

# Ids follow the time of writing; a post may have been on its way for a while.
_BEFORE = timedelta(days=2)
_ACTOR = Statement(select_actor().where(actors.c.uri == bindparam("uri", type_=Text())))
_NAMING = Statement(
    select(objects.c.id, objects.c.parts).where(
        objects.c.id >= bindparam("since_id", type_=BigInteger()),
        objects.c.parts.like(bindparam("pattern", type_=Text())),
    )
)
_SET_PARTS = Statement(
    update(objects)
    .where(objects.c.id == bindparam("id_", type_=BigInteger()))
    .values(parts=bindparam("new_parts", type_=Text()), version=objects.c.version + 1)
)


def join_mentions(uri: str, asked: datetime) -> Unit[None]:
    """The actor with this URI, fetched because posts that came around `asked` name it, is mentioned in them."""
    found = yield Fetch(_ACTOR, {"uri": uri})
    if not found:
        return
    actor = actor_of(found[0])
    # Wildcards in the URI find too much; what is found is looked at below.
    pattern = f"%{orjson.dumps(uri).decode()}%"
    rows = yield Fetch(_NAMING, {"since_id": id_floor(asked - _BEFORE), "pattern": pattern})
    for row in rows:
        parts = orjson.loads(row["parts"])
        if uri not in parts.get("absent", ()):
            continue
        parts["absent"] = [other for other in parts["absent"] if other != uri]
        parts["mentions"] = [*parts["mentions"], mention_of(actor)]
        yield Run(_SET_PARTS, [{"id_": row["id"], "new_parts": dump_json(parts)}])
        yield Insert(mentions, [{"object_id": row["id"], "actor_id": actor.id}])
        yield from put_words([row["id"]])
