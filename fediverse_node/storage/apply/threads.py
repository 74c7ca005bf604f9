"""A branch joins a thread: what is remembered about the thread moves with it. Threads hear of what is said in them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, Table, bindparam, case, delete, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from fediverse_node.domain.effects import NewObject
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Visibility
from fediverse_node.domain.threads import SHORTEST_REST_MS, SOON_MS
from fediverse_node.storage.events import Applied
from fediverse_node.storage.statement import Statement, one_of, upsert
from fediverse_node.storage.tables import (
    conversations,
    objects,
    thread_gaps,
    thread_mutes,
    thread_sources,
    thread_walks,
)
from fediverse_node.storage.unit import Fetch, Run, Unit

_OLD = bindparam("old", type_=BigInteger())
_NEW = bindparam("new", type_=BigInteger())
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


def _move(table: Table) -> Statement:
    """The branch's rows go over, except those that the thread has too."""
    rows = select(*(_NEW if c.name == "thread_id" else c for c in table.c)).where(table.c.thread_id == _OLD)
    clauses = [
        dialect_insert(table).from_select([c.name for c in table.c], rows).on_conflict_do_nothing()
        for dialect_insert in (sqlite.insert, postgresql.insert)
    ]
    return Statement(clauses[0], for_postgresql=clauses[1])


def _moving(table: Table) -> tuple[Statement, Statement]:
    return _move(table), Statement(delete(table).where(table.c.thread_id == _OLD))


# Whoever walks the branch walks the thread from now on: nobody else shall begin meanwhile.
_branchs_walk = thread_walks.alias("branchs_walk")
_OF_BRANCH = select(_branchs_walk.c.due_ms).where(_branchs_walk.c.thread_id == _OLD)
_branch_due = _OF_BRANCH.scalar_subquery()
_branch_lease = _OF_BRANCH.with_only_columns(_branchs_walk.c.lease_ms).scalar_subquery()
_branch_ours = _OF_BRANCH.with_only_columns(_branchs_walk.c.ours).scalar_subquery()
_WALK_TOGETHER = Statement(
    update(thread_walks)
    .where(thread_walks.c.thread_id == _NEW, exists(_OF_BRANCH))
    .values(
        due_ms=case(
            (_branch_due.is_(None), thread_walks.c.due_ms),
            (or_(thread_walks.c.due_ms.is_(None), _branch_due < thread_walks.c.due_ms), _branch_due),
            else_=thread_walks.c.due_ms,
        ),
        lease_ms=case(
            (_branch_lease.is_(None), thread_walks.c.lease_ms),
            (or_(thread_walks.c.lease_ms.is_(None), _branch_lease > thread_walks.c.lease_ms), _branch_lease),
            else_=thread_walks.c.lease_ms,
        ),
        ours=or_(thread_walks.c.ours, _branch_ours),
        rounds=0,
    )
)
_STEPS = (
    Statement(update(objects).where(objects.c.thread_id == _OLD).values(thread_id=_NEW)),
    _RAISE,
    _DROP,
    _RENAME,
    *_moving(thread_mutes),
    _WALK_TOGETHER,
    *_moving(thread_walks),
    *_moving(thread_sources),
    *_moving(thread_gaps),
)

_SOON = bindparam("soon_ms", type_=BigInteger())
_rested_ms = func.coalesce(thread_walks.c.walked_ms, 0) + SHORTEST_REST_MS
_earliest_ms = case((_rested_ms > _SOON, _rested_ms), else_=_SOON)
_again_ms = case(
    (or_(thread_walks.c.due_ms.is_(None), thread_walks.c.due_ms > _earliest_ms), _earliest_ms),
    else_=thread_walks.c.due_ms,
)
_TAKE_PART = upsert(
    thread_walks,
    ("thread_id", "due_ms", "ours"),
    ("thread_id",),
    {"due_ms": _again_ms, "ours": "ours", "rounds": 0},
)
_HEAR = Statement(
    update(thread_walks)
    .where(one_of(thread_walks.c.thread_id, "thread_ids"), thread_walks.c.ours)
    .values(due_ms=_again_ms, rounds=0)
    .returning(thread_walks.c.thread_id)
)


def join(branches: Sequence[int], thread_id: int) -> Unit[None]:
    """Everything of these threads belongs to `thread_id` from now on."""
    for branch in branches:
        for step in _STEPS:
            yield Run(step, [{"old": branch, "new": thread_id}])


def hear(stored: Sequence[NewObject], facts: Facts, applied: Applied) -> Unit[None]:
    """Where somebody here takes part, what is said in the open is a reason to look for more."""
    soon_ms = facts.now_ms() + SOON_MS
    taken: dict[int, None] = {}
    heard: dict[int, None] = {}
    for record in stored:
        if record.in_reply_to_uri is None or record.announce_of_id is not None or record.thread_id is None:
            continue
        if record.visibility not in (Visibility.PUBLIC, Visibility.UNLISTED):
            continue
        answered = facts.actors_by_id.get(record.in_reply_to_actor_id or 0)
        if record.local or (answered is not None and answered.local):
            taken[record.thread_id] = None
        elif record.in_reply_to_id is not None:
            heard[record.thread_id] = None
    if taken:
        yield Run(_TAKE_PART, [{"thread_id": i, "due_ms": soon_ms, "soon_ms": soon_ms, "ours": True} for i in taken])
        applied.walks = True
    others = [thread_id for thread_id in heard if thread_id not in taken]
    if others and (yield Fetch(_HEAR, {"thread_ids": others, "soon_ms": soon_ms})):
        applied.walks = True
