"""Likes, pins and reports."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, bindparam, delete

from fediverse_node.domain.effects import LikeKey, NewLike, NewPin, NewReport, PinKey
from fediverse_node.storage.apply.counting import count_objects
from fediverse_node.storage.rows import dump_json
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import likes, notifications, pins, reports
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

_ACTOR = bindparam("actor", type_=BigInteger())
_OBJECT = bindparam("object", type_=BigInteger())
_UNLIKE = Statement(delete(likes).where(likes.c.actor_id == _ACTOR, likes.c.object_id == _OBJECT).returning(likes.c.id))
_UNNOTIFY_LIKE = Statement(
    delete(notifications).where(
        notifications.c.object_id == _OBJECT,
        notifications.c.from_actor_id == _ACTOR,
        notifications.c.type == "like",
    )
)
_UNPIN = Statement(delete(pins).where(pins.c.actor_id == _ACTOR, pins.c.object_id == _OBJECT))


def insert_likes(records: Sequence[NewLike]) -> Unit[None]:
    """Likes; the counts grow with those that are new."""
    if not records:
        return
    rows = [{"id": r.id, "actor_id": r.actor_id, "object_id": r.object_id, "uri": r.uri} for r in records]
    done = yield Insert(likes, rows)
    yield from count_objects("likes_count", [records[position].object_id for position in done])


def remove_like(key: LikeKey) -> Unit[None]:
    """The like goes, and the notification of it."""
    gone = yield Fetch(_UNLIKE, {"actor": key.actor_id, "object": key.object_id})
    if gone:
        yield from count_objects("likes_count", [key.object_id], -1)
        yield Run(_UNNOTIFY_LIKE, [{"actor": key.actor_id, "object": key.object_id}])


def insert_pins(records: Sequence[NewPin]) -> Unit[None]:
    """Pinned objects."""
    if records:
        yield Insert(pins, [{"id": r.id, "actor_id": r.actor_id, "object_id": r.object_id} for r in records])


def remove_pin(key: PinKey) -> Unit[None]:
    """Not pinned any more."""
    yield Run(_UNPIN, [{"actor": key.actor_id, "object": key.object_id}])


def insert_reports(records: Sequence[NewReport]) -> Unit[None]:
    """Reports, from here and elsewhere."""
    if records:
        yield Insert(
            reports,
            [
                {
                    "id": r.id,
                    "actor_id": r.actor_id,
                    "target_id": r.target_id,
                    "uri": r.uri,
                    "comment": r.comment,
                    "category": r.category,
                    "object_ids": dump_json(list(r.object_ids)),
                    "rule_ids": dump_json(list(r.rule_ids)),
                    "forwarded": r.forwarded,
                }
                for r in records
            ],
        )
