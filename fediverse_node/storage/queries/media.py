"""Uploaded files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import BigInteger, Text, bindparam, delete, select, update

from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import media, scheduled
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

Row = Any

_ID = bindparam("media_id", type_=BigInteger())
_OWNER = bindparam("owner_id", type_=BigInteger())
MEDIA = Statement(select(media).where(media.c.id == _ID, media.c.actor_id == _OWNER))
BY_PATHS = Statement(select(media).where(media.c.actor_id == _OWNER, one_of(media.c.path, "paths")))
_DESCRIBE = Statement(
    update(media)
    .where(media.c.id == _ID, media.c.object_id.is_(None))
    .values(description=bindparam("new_description", type_=Text()), meta=bindparam("new_meta", type_=Text()))
)
_DELETE = Statement(delete(media).where(media.c.id == _ID, media.c.actor_id == _OWNER, media.c.object_id.is_(None)))


_ABANDONED = Statement(
    select(media.c.id, media.c.path, media.c.preview_path).where(
        media.c.object_id.is_(None), media.c.created_ms < bindparam("before_ms", type_=BigInteger())
    )
)
_WAITING = Statement(select(scheduled.c.params))
_FORGET = Statement(delete(media).where(media.c.id == _ID, media.c.object_id.is_(None)))


def remove_abandoned(before_ms: int) -> Unit[list[str]]:
    """Uploads that nothing was ever said with; the paths of their files. Those that wait for a time stay."""
    waiting = yield Fetch(_WAITING, {})
    kept = {int(id_) for row in waiting for id_ in orjson.loads(row["params"]).get("media_ids") or ()}
    rows = [row for row in (yield Fetch(_ABANDONED, {"before_ms": before_ms})) if row["id"] not in kept]
    yield Run(_FORGET, [{"media_id": row["id"]} for row in rows])
    return [path for row in rows for path in (row["path"], row["preview_path"]) if path]


def insert_media(row: Mapping[str, Any]) -> Unit[None]:
    """A new upload: all columns."""
    yield Insert(media, [row])


def describe_media(media_id: int, *, description: str, meta: str) -> Unit[None]:
    """New words and focus for an upload that hangs on nothing yet."""
    yield Run(_DESCRIBE, [{"media_id": media_id, "new_description": description, "new_meta": meta}])


def delete_media(media_id: int, owner_id: int) -> Unit[Row | None]:
    """The row of an upload that hung on nothing and is gone now; None when there is none."""
    values = {"media_id": media_id, "owner_id": owner_id}
    found = yield Fetch(MEDIA, values)
    if not found or found[0]["object_id"] is not None:
        return None
    yield Run(_DELETE, [values])
    return found[0]
