"""What is between a person and others: follows, requests, blocks, mutes, notes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, bindparam, delete, or_, select, union_all

from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.statuses import is_unavoided
from fediverse_node.storage.queries.timelines import keyset
from fediverse_node.storage.statement import Statement, one_of, upsert
from fediverse_node.storage.tables import (
    account_notes,
    actors,
    blocks,
    endorsements,
    follows,
    mutes,
    user_domain_blocks,
)
from fediverse_node.storage.unit import Run, Unit

Row = Any

_ACTOR = bindparam("actor_id", type_=BigInteger())
_TARGET = bindparam("target_id", type_=BigInteger())
_NOW = bindparam("now_ms", type_=BigInteger())
_IN_FORCE = or_(mutes.c.expires_ms.is_(None), mutes.c.expires_ms > _NOW)

_FOLLOWING = Statement(select(follows).where(follows.c.follower_id == _ACTOR, one_of(follows.c.followed_id, "ids")))
_FOLLOWED_BY = Statement(
    select(follows.c.follower_id, follows.c.accepted).where(
        follows.c.followed_id == _ACTOR, one_of(follows.c.follower_id, "ids")
    )
)
_BLOCKING = Statement(select(blocks.c.target_id).where(blocks.c.actor_id == _ACTOR, one_of(blocks.c.target_id, "ids")))
_BLOCKED_BY = Statement(select(blocks.c.actor_id).where(blocks.c.target_id == _ACTOR, one_of(blocks.c.actor_id, "ids")))
_MUTING = Statement(
    select(mutes.c.target_id, mutes.c.notifications, mutes.c.expires_ms).where(
        mutes.c.actor_id == _ACTOR, one_of(mutes.c.target_id, "ids"), _IN_FORCE
    )
)
_KEEPING_AWAY = Statement(
    select(actors.c.id)
    .select_from(actors.join(user_domain_blocks, user_domain_blocks.c.host == actors.c.host))
    .where(user_domain_blocks.c.actor_id == _ACTOR, one_of(actors.c.id, "ids"), actors.c.local.is_(False))
)
_NOTES = Statement(
    select(account_notes.c.target_id, account_notes.c.note).where(
        account_notes.c.actor_id == _ACTOR, one_of(account_notes.c.target_id, "ids")
    )
)
_ENDORSING = Statement(
    select(endorsements.c.target_id).where(endorsements.c.actor_id == _ACTOR, one_of(endorsements.c.target_id, "ids"))
)


@dataclass(slots=True)
class Relation:
    """Everything between a person and one other."""

    follow: Row | None = None
    followed_by: bool = False
    requested_by: bool = False
    blocking: bool = False
    blocked_by: bool = False
    mute: Row | None = None
    keeping_away: bool = False  # from the other's whole host
    note: str = ""
    endorsing: bool = False


async def load_relations(database: Database, actor_id: int, ids: Iterable[int], now_ms: int) -> dict[int, Relation]:
    """What is between an actor and each of `ids`, which need not exist."""
    wanted = list(dict.fromkeys(ids))
    found = {id_: Relation() for id_ in wanted}
    if not wanted:
        return found
    for row in await database.fetch(_FOLLOWING, actor_id=actor_id, ids=wanted):
        found[row["followed_id"]].follow = row
    for row in await database.fetch(_FOLLOWED_BY, actor_id=actor_id, ids=wanted):
        relation = found[row["follower_id"]]
        relation.followed_by, relation.requested_by = bool(row["accepted"]), not row["accepted"]
    for row in await database.fetch(_BLOCKING, actor_id=actor_id, ids=wanted):
        found[row["target_id"]].blocking = True
    for row in await database.fetch(_BLOCKED_BY, actor_id=actor_id, ids=wanted):
        found[row["actor_id"]].blocked_by = True
    for row in await database.fetch(_MUTING, actor_id=actor_id, ids=wanted, now_ms=now_ms):
        found[row["target_id"]].mute = row
    for row in await database.fetch(_KEEPING_AWAY, actor_id=actor_id, ids=wanted):
        found[row["id"]].keeping_away = True
    for row in await database.fetch(_NOTES, actor_id=actor_id, ids=wanted):
        found[row["target_id"]].note = row["note"]
    for row in await database.fetch(_ENDORSING, actor_id=actor_id, ids=wanted):
        found[row["target_id"]].endorsing = True
    return found


# Who of these people at open connections avoids one of `ids`, or is blocked by one.
_AVOIDING = Statement(
    union_all(
        select(blocks.c.actor_id.label("viewer_id")).where(
            one_of(blocks.c.target_id, "ids"), one_of(blocks.c.actor_id, "viewers")
        ),
        select(blocks.c.target_id).where(one_of(blocks.c.actor_id, "ids"), one_of(blocks.c.target_id, "viewers")),
        select(mutes.c.actor_id).where(
            one_of(mutes.c.target_id, "ids"), one_of(mutes.c.actor_id, "viewers"), _IN_FORCE
        ),
        select(user_domain_blocks.c.actor_id)
        .select_from(user_domain_blocks.join(actors, actors.c.host == user_domain_blocks.c.host))
        .where(one_of(actors.c.id, "ids"), one_of(user_domain_blocks.c.actor_id, "viewers")),
    )
)


async def load_avoiding(database: Database, viewers: Iterable[int], ids: Iterable[int], now_ms: int) -> list[int]:
    """Those of the viewers who avoid one of these people, or whom one of them blocks."""
    rows = await database.fetch(_AVOIDING, viewers=sorted(viewers), ids=sorted(ids), now_ms=now_ms)
    return sorted({row["viewer_id"] for row in rows})


_is_here = and_(actors.c.deleted_ms.is_(None), actors.c.suspended_ms.is_(None))


def _people(table: Any, column: ColumnElement[int], *conditions: ColumnElement[bool]) -> Select[Any]:
    """Rows `(id, actor_id)`: the key of the page and whom it is about."""
    return (
        select(table.c.id, column.label("actor_id"))
        .select_from(table.join(actors, actors.c.id == column))
        .where(_is_here, *conditions)
    )


# As `viewer_id` sees it, who does not meet there whom it keeps away from, or who keeps away from it.
FOLLOWERS = keyset(
    _people(
        follows,
        follows.c.follower_id,
        follows.c.followed_id == _ACTOR,
        follows.c.accepted,
        is_unavoided(follows.c.follower_id, hosts=(actors.c.host,)),
    ),
    follows.c.id,
)
FOLLOWING = keyset(
    _people(
        follows,
        follows.c.followed_id,
        follows.c.follower_id == _ACTOR,
        follows.c.accepted,
        is_unavoided(follows.c.followed_id, hosts=(actors.c.host,)),
    ),
    follows.c.id,
)
REQUESTS = keyset(
    _people(follows, follows.c.follower_id, follows.c.followed_id == _ACTOR, follows.c.accepted.is_(False)),
    follows.c.id,
)
BLOCKS = keyset(_people(blocks, blocks.c.target_id, blocks.c.actor_id == _ACTOR), blocks.c.id)
MUTES = keyset(
    _people(mutes, mutes.c.target_id, mutes.c.actor_id == _ACTOR, _IN_FORCE).add_columns(mutes.c.expires_ms),
    mutes.c.id,
)

_theirs = follows.alias("theirs")
# Whom I follow and who follows them, as far as they show it.
FAMILIAR = Statement(
    select(_theirs.c.followed_id.label("target_id"), follows.c.followed_id.label("actor_id"))
    .select_from(
        follows.join(_theirs, _theirs.c.follower_id == follows.c.followed_id).join(
            actors, actors.c.id == follows.c.followed_id
        )
    )
    .where(follows.c.follower_id == _ACTOR, follows.c.accepted)
    .where(one_of(_theirs.c.followed_id, "ids"), _theirs.c.accepted)
    .where(_is_here, actors.c.hide_collections.is_not(True))
    .order_by(follows.c.id.desc())
    .limit(bindparam("most", type_=BigInteger()))
)
IS_BLOCKED_BY = Statement(select(blocks.c.id).where(blocks.c.actor_id == _TARGET, blocks.c.target_id == _ACTOR))

_MUTE = upsert(
    mutes,
    ("id", "actor_id", "target_id", "notifications", "expires_ms"),
    ("actor_id", "target_id"),
    {"notifications": "notifications", "expires_ms": "expires_ms"},
)
_UNMUTE = Statement(delete(mutes).where(mutes.c.actor_id == _ACTOR, mutes.c.target_id == _TARGET))
_NOTE = upsert(account_notes, ("actor_id", "target_id", "note"), ("actor_id", "target_id"))
_DROP_NOTE = Statement(
    delete(account_notes).where(account_notes.c.actor_id == _ACTOR, account_notes.c.target_id == _TARGET)
)


def mute(id_: int, actor_id: int, target_id: int, *, notifications: bool, expires_ms: int | None) -> Unit[None]:
    """Nothing of the other is shown; with `notifications` nothing is told either. None: for good."""
    row = {"id": id_, "actor_id": actor_id, "target_id": target_id}
    yield Run(_MUTE, [{**row, "notifications": notifications, "expires_ms": expires_ms}])


def unmute(actor_id: int, target_id: int) -> Unit[None]:
    """The mute ends."""
    yield Run(_UNMUTE, [{"actor_id": actor_id, "target_id": target_id}])


def set_note(actor_id: int, target_id: int, note: str) -> Unit[None]:
    """What a person remembers of another; empty forgets it."""
    if note:
        yield Run(_NOTE, [{"actor_id": actor_id, "target_id": target_id, "note": note}])
    else:
        yield Run(_DROP_NOTE, [{"actor_id": actor_id, "target_id": target_id}])
