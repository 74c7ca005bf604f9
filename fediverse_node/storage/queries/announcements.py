"""Announcements: which are shown now, who has read them, and with what people answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Text, and_, bindparam, delete, exists, func, literal_column, or_, select

from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import announcement_reactions, announcement_reads, announcements
from fediverse_node.storage.unit import Fetch, Insert, Unit

_ID = bindparam("announcement_id", type_=BigInteger())
_ACTOR = bindparam("actor_id", type_=BigInteger())
_NAME = bindparam("name", type_=Text())
_NOW = bindparam("now_ms", type_=BigInteger())

_IS_SHOWN = and_(
    announcements.c.published_ms <= _NOW, or_(announcements.c.ends_ms.is_(None), announcements.c.ends_ms > _NOW)
)
_IS_READ = exists(
    select(literal_column("1"))
    .select_from(announcement_reads)
    .where(announcement_reads.c.announcement_id == announcements.c.id, announcement_reads.c.actor_id == _ACTOR)
    .correlate(announcements)
)
# What comes first is told first.
_ORDER = (func.coalesce(announcements.c.starts_ms, announcements.c.published_ms), announcements.c.id)

SHOWN = Statement(select(announcements).where(_IS_SHOWN).order_by(*_ORDER))
SHOWN_TO = Statement(select(announcements, _IS_READ.label("is_read")).where(_IS_SHOWN).order_by(*_ORDER))
ONE_SHOWN = Statement(select(announcements.c.id).where(_IS_SHOWN, announcements.c.id == _ID))
ALL = Statement(select(announcements).order_by(announcements.c.published_ms, announcements.c.id))
REACTIONS = Statement(
    select(
        announcement_reactions.c.announcement_id,
        announcement_reactions.c.name,
        func.count().label("count"),
        func.min(announcement_reactions.c.id).label("first_id"),
    )
    .where(one_of(announcement_reactions.c.announcement_id, "ids"))
    .group_by(announcement_reactions.c.announcement_id, announcement_reactions.c.name)
    .order_by(func.min(announcement_reactions.c.id))
)
REACTIONS_BY = Statement(
    select(announcement_reactions.c.announcement_id, announcement_reactions.c.name).where(
        one_of(announcement_reactions.c.announcement_id, "ids"), announcement_reactions.c.actor_id == _ACTOR
    )
)
_NAMES = Statement(
    select(announcement_reactions.c.name).where(announcement_reactions.c.announcement_id == _ID).distinct()
)
_TAKE_BACK = Statement(
    delete(announcement_reactions)
    .where(
        announcement_reactions.c.announcement_id == _ID,
        announcement_reactions.c.actor_id == _ACTOR,
        announcement_reactions.c.name == _NAME,
    )
    .returning(announcement_reactions.c.id)
)
_REMOVE = Statement(delete(announcements).where(announcements.c.id == _ID).returning(announcements.c.id))


def announce(row: Mapping[str, Any]) -> Unit[None]:
    """A new one: all columns."""
    yield Insert(announcements, [row])


def remove(announcement_id: int) -> Unit[bool]:
    """Whether there was one; what people did about it goes with it."""
    return bool((yield Fetch(_REMOVE, {"announcement_id": announcement_id})))


def dismiss(announcement_id: int, actor_id: int, now_ms: int) -> Unit[bool]:
    """Somebody has read it; False when there is nothing of the kind."""
    if not (yield Fetch(ONE_SHOWN, {"announcement_id": announcement_id, "now_ms": now_ms})):
        return False
    yield Insert(announcement_reads, [{"announcement_id": announcement_id, "actor_id": actor_id}])
    return True


def react(row: Mapping[str, Any], *, most: int, now_ms: int) -> Unit[bool | None]:
    """Somebody answers with a picture. None: there is nothing to answer to; False: with `most` others already."""
    about = {"announcement_id": row["announcement_id"]}
    if not (yield Fetch(ONE_SHOWN, about | {"now_ms": now_ms})):
        return None
    names = {found["name"] for found in (yield Fetch(_NAMES, about))}
    if row["name"] not in names and len(names) >= most:
        return False
    yield Insert(announcement_reactions, [row])
    return True


def unreact(announcement_id: int, actor_id: int, name: str) -> Unit[bool]:
    """Whether there was such an answer."""
    return bool((yield Fetch(_TAKE_BACK, {"announcement_id": announcement_id, "actor_id": actor_id, "name": name})))
