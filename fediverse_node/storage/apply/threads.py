"""A branch joins a thread: what is remembered about the thread moves with it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, bindparam, delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import conversations, objects, thread_mutes
from fediverse_node.storage.unit import Run, Unit

_OLD = bindparam("old", type_=BigInteger())
_NEW = bindparam("new", type_=BigInteger())
_MOVE = Statement(update(objects).where(objects.c.thread_id == _OLD).values(thread_id=_NEW))
_there = conversations.alias("there")
_HAS_BOTH = exists(select(1).where(_there.c.actor_id == conversations.c.actor_id, _there.c.thread_id == _NEW))
# The conversation of the thread takes over what is newer in the branch's; then that one goes.
_branch = conversations.alias("branch")
_BRANCHS = select(_branch.c.last_object_id).where(
    _branch.c.actor_id == conversations.c.actor_id, _branch.c.thread_id == _OLD
)
_RAISE = Statement(
    update(conversations)
    .where(
        conversations.c.thread_id == _NEW,
        exists(
            select(1).where(
                _branch.c.actor_id == conversations.c.actor_id,
                _branch.c.thread_id == _OLD,
                _branch.c.last_object_id > conversations.c.last_object_id,
            )
        ),
    )
    .values(
        last_object_id=_BRANCHS.scalar_subquery(),
        participants=_BRANCHS.with_only_columns(_branch.c.participants).scalar_subquery(),
        unread=_BRANCHS.with_only_columns(_branch.c.unread).scalar_subquery(),
    )
)
_DROP = Statement(delete(conversations).where(conversations.c.thread_id == _OLD, _HAS_BOTH))
_RENAME = Statement(update(conversations).where(conversations.c.thread_id == _OLD).values(thread_id=_NEW))
_FORGET_MUTES = Statement(delete(thread_mutes).where(thread_mutes.c.thread_id == _OLD))


def _move_mutes() -> Statement:
    rows = select(thread_mutes.c.actor_id, _NEW).where(thread_mutes.c.thread_id == _OLD)
    clauses = [
        dialect_insert(thread_mutes).from_select(["actor_id", "thread_id"], rows).on_conflict_do_nothing()
        for dialect_insert in (sqlite.insert, postgresql.insert)
    ]
    return Statement(clauses[0], for_postgresql=clauses[1])


_STEPS = (_MOVE, _RAISE, _DROP, _RENAME, _move_mutes(), _FORGET_MUTES)


def join(branches: Sequence[int], thread_id: int) -> Unit[None]:
    """Everything of these threads belongs to `thread_id` from now on."""
    for branch in branches:
        for step in _STEPS:
            yield Run(step, [{"old": branch, "new": thread_id}])
