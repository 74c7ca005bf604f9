"""What ages: polls that end, links and sessions that expire, home timelines that grow long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, bindparam, delete, func, literal_column, select, union_all, update

from fediverse_node.storage.apply.objects import adopt
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import (
    actors,
    authorization_codes,
    home_entries,
    idempotency_keys,
    keys,
    mutes,
    objects,
    polls,
    scheduled,
    sessions,
    sign_in_links,
    tombstones,
)
from fediverse_node.storage.unit import Fetch, Run, Unit

_NOW = bindparam("now_ms", type_=BigInteger())
_coming = union_all(
    select(func.min(polls.c.expires_ms).label("due_ms")).where(polls.c.notified.is_(False)),
    select(func.min(scheduled.c.due_ms).label("due_ms")),
    select(func.min(polls.c.counts_due_ms).label("due_ms")).where(polls.c.counts_due_ms.is_not(None)),
).subquery()
ENDED_POLLS = Statement(
    select(polls.c.object_id, objects.c.actor_id, actors.c.local)
    .select_from(polls.join(objects, objects.c.id == polls.c.object_id).join(actors, actors.c.id == objects.c.actor_id))
    .where(polls.c.notified.is_(False), polls.c.expires_ms <= _NOW)
    .limit(200)
)
# Polls of ours with votes that other servers have not heard of.
COUNTED_POLLS = Statement(
    select(polls.c.object_id).where(polls.c.counts_due_ms <= _NOW).order_by(polls.c.counts_due_ms).limit(200)
)
_COUNTS_TOLD = Statement(
    update(polls).where(polls.c.object_id == bindparam("poll_id", type_=BigInteger())).values(counts_due_ms=None)
)
NEXT_DUE = Statement(select(func.min(_coming.c.due_ms).label("due_ms")))
_NOTIFIED = Statement(
    update(polls)
    .where(polls.c.object_id == bindparam("poll_id", type_=BigInteger()))
    .values(
        notified=True,
        closed_ms=func.coalesce(polls.c.closed_ms, bindparam("ended_ms", type_=BigInteger())),
        counts_due_ms=None,
    )
)
_EXPIRED = tuple(
    Statement(delete(table).where(table.c.expires_ms < _NOW))
    for table in (authorization_codes, sessions, sign_in_links, mutes, keys)
)
# What was deleted before it ever came: worth remembering while a late copy may be on its way.
_OLD_TOMBSTONES = Statement(
    # Said in the text of the query, so that every engine sees that the index of just these will do.
    delete(tombstones).where(
        tombstones.c.former_type == literal_column("''"), tombstones.c.deleted_ms < _NOW - 86_400_000
    )
)
_OLD_KEYS = Statement(delete(idempotency_keys).where(idempotency_keys.c.created_ms < _NOW - 3_600_000))

_READER = bindparam("reader", type_=BigInteger())
# Reads the whole table: to be asked on the patient connection.
CROWDED_HOMES = Statement(
    select(home_entries.c.actor_id)
    .group_by(home_entries.c.actor_id)
    .having(func.count() > bindparam("keep", type_=Integer()))
)
_LAST_KEPT = Statement(
    select(home_entries.c.object_id)
    .where(home_entries.c.actor_id == _READER)
    .order_by(home_entries.c.object_id.desc())
    .limit(1)
    .offset(bindparam("skipped", type_=Integer()))
)
_TRIM = Statement(
    delete(home_entries).where(
        home_entries.c.actor_id == _READER, home_entries.c.object_id < bindparam("oldest", type_=BigInteger())
    )
)
_PARENT = objects.alias("parent")
# Two processes stored parent and child at the same moment, and neither saw the other.
LOST_CHILDREN = Statement(
    select(_PARENT.c.uri, _PARENT.c.id, _PARENT.c.actor_id, _PARENT.c.thread_id)
    .distinct()
    .select_from(objects.join(_PARENT, _PARENT.c.uri == objects.c.in_reply_to_uri))
    .where(
        objects.c.in_reply_to_id.is_(None),
        objects.c.in_reply_to_uri.is_not(None),
        func.coalesce(objects.c.thread_id, objects.c.id) != func.coalesce(_PARENT.c.thread_id, _PARENT.c.id),
    )
    .limit(200)
)


def adopt_lost(parents: Sequence[Any]) -> Unit[None]:
    """Children find the parents that `LOST_CHILDREN` named."""
    for row in parents:
        yield from adopt(row["uri"], row["id"], row["actor_id"], row["thread_id"] or row["id"])


def trim_home(reader_ids: Sequence[int], *, keep: int) -> Unit[None]:
    """Of these home timelines the newest `keep` (at least 1) entries stay. What was said stays in any case."""
    for reader_id in reader_ids:
        rows = yield Fetch(_LAST_KEPT, {"reader": reader_id, "skipped": keep - 1})
        if rows:
            yield Run(_TRIM, [{"reader": reader_id, "oldest": rows[0]["object_id"]}])


def mark_counted(poll_id: int) -> Unit[None]:
    """Others have been told of the votes up to now."""
    yield Run(_COUNTS_TOLD, [{"poll_id": poll_id}])


def mark_ended(poll_id: int, ended_ms: int | None = None) -> Unit[None]:
    """Everybody has been told that this poll has ended; one of ours is closed with it, and shows how it came out."""
    yield Run(_NOTIFIED, [{"poll_id": poll_id, "ended_ms": ended_ms}])


def forget_expired(now_ms: int) -> Unit[None]:
    """Codes, links, sessions, mutes and keys whose time is over."""
    for statement in (*_EXPIRED, _OLD_KEYS, _OLD_TOMBSTONES):
        yield Run(statement, [{"now_ms": now_ms}])
