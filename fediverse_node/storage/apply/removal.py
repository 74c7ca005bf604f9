"""Objects go, with everything that hangs on them, many at once as well as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, exists, func, or_, select, update

from fediverse_node.domain.effects import NewTombstone, ObjectKey
from fediverse_node.domain.model import Visibility, visibility_code
from fediverse_node.storage.apply.approvals import before_removal
from fediverse_node.storage.apply.counting import count_actors, count_objects
from fediverse_node.storage.apply.objects import insert_tombstones
from fediverse_node.storage.events import Applied, Removed
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, conversations, media, mentions, notifications, objects
from fediverse_node.storage.unit import Fetch, Run, Unit

_DIRECT, _UNLISTED = visibility_code(Visibility.DIRECT), visibility_code(Visibility.UNLISTED)
_ROWS = (
    select(
        objects.c.id,
        objects.c.uri,
        objects.c.type,
        objects.c.actor_id,
        objects.c.visibility,
        objects.c.announce_of_id,
        objects.c.in_reply_to_id,
        objects.c.thread_id,
        actors.c.uri.label("actor_uri"),
    )
    .select_from(objects.join(actors, actors.c.id == objects.c.actor_id))
    .order_by(objects.c.id)
)


def _locked(condition: Any) -> Statement:
    # Two processes that remove the same object: the second one waits, finds nothing, and counts nothing.
    rows = _ROWS.where(condition)
    return Statement(rows, for_postgresql=rows.with_for_update(of=objects))


_OBJECTS = _locked(one_of(objects.c.id, "ids"))
_ANNOUNCES = _locked(one_of(objects.c.announce_of_id, "ids"))
_FILES = Statement(select(media.c.path, media.c.preview_path).where(one_of(media.c.object_id, "ids")))
_DELETE = Statement(delete(objects).where(one_of(objects.c.id, "ids")))
_UNNOTIFY_ANNOUNCE = Statement(
    delete(notifications).where(
        notifications.c.object_id == bindparam("target", type_=BigInteger()),
        notifications.c.from_actor_id == bindparam("announcer", type_=BigInteger()),
        notifications.c.type == "announce",
    )
)
_THREAD = bindparam("thread", type_=BigInteger())
_OPEN_ENDED = (conversations.c.thread_id == _THREAD, conversations.c.last_object_id.is_(None))
_STEP_BACK = Statement(
    update(conversations)
    .where(*_OPEN_ENDED)
    .values(
        last_object_id=select(func.max(objects.c.id))
        .where(
            objects.c.thread_id == _THREAD,
            objects.c.visibility == _DIRECT,
            objects.c.announce_of_id.is_(None),
            or_(
                objects.c.actor_id == conversations.c.actor_id,
                exists(
                    select(1).where(
                        mentions.c.object_id == objects.c.id, mentions.c.actor_id == conversations.c.actor_id
                    )
                ),
            ),
        )
        .correlate(conversations)
        .scalar_subquery()
    )
)
_END = Statement(delete(conversations).where(*_OPEN_ENDED))


def remove(keys: Sequence[ObjectKey], now_ms: int, applied: Applied) -> Unit[None]:
    """The objects go, their announces go with them, counters follow, files are named for deletion."""
    if not keys:
        return
    found = yield Fetch(_OBJECTS, {"ids": [key.id for key in keys]})
    if not found:
        return
    ids = {row["id"] for row in found}
    announces = yield Fetch(_ANNOUNCES, {"ids": list(ids)})
    rows = [*found, *(row for row in announces if row["id"] not in ids)]
    ids |= {row["id"] for row in announces}
    for file_row in (yield Fetch(_FILES, {"ids": list(ids)})):
        applied.orphaned_files += [path for path in (file_row["path"], file_row["preview_path"]) if path]
    yield from before_removal(sorted(ids), applied)
    yield Run(_DELETE, [{"ids": list(ids)}])
    buried = {key.id for key in keys if key.tombstone}
    graves = [
        NewTombstone(row["uri"], row["actor_uri"], row["type"], public=row["visibility"] <= _UNLISTED)
        for row in rows
        if row["id"] in buried
    ]
    yield from insert_tombstones(graves, now_ms)
    yield from _count_down(rows, ids)
    yield from _shorten_conversations({row["thread_id"] or row["id"] for row in rows if row["visibility"] == _DIRECT})
    applied.events += [Removed(row["id"]) for row in rows]


def _count_down(rows: Sequence[Any], gone: set[int]) -> Unit[None]:
    yield from count_actors("statuses_count", [row["actor_id"] for row in rows if row["visibility"] != _DIRECT], -1)
    announces = [row for row in rows if row["announce_of_id"] is not None and row["announce_of_id"] not in gone]
    yield from count_objects("announces_count", [row["announce_of_id"] for row in announces], -1)
    yield Run(
        _UNNOTIFY_ANNOUNCE, [{"target": row["announce_of_id"], "announcer": row["actor_id"]} for row in announces]
    )
    answered = [row["in_reply_to_id"] for row in rows if row["visibility"] <= _UNLISTED]
    yield from count_objects("replies_count", [id_ for id_ in answered if id_ is not None and id_ not in gone], -1)


def _shorten_conversations(thread_ids: set[int]) -> Unit[None]:
    for thread_id in sorted(thread_ids):
        yield Run(_STEP_BACK, [{"thread": thread_id}])
        yield Run(_END, [{"thread": thread_id}])
