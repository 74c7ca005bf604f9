"""What moderators do to people, in small units, and the book in which every act stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, delete, select, update

from fediverse_node.domain.domains import Severity
from fediverse_node.domain.mailboxes import mailbox_hash
from fediverse_node.storage.rows import dump_json
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import (
    account_warnings,
    actors,
    admin_actions,
    canonical_email_blocks,
    follows,
    host_marks,
    notifications,
    objects,
    users,
)
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

Row = Any
_ID = bindparam("id_", type_=BigInteger())
_MOMENT = bindparam("moment", type_=BigInteger())
FLAGS = ("suspended_ms", "silenced_ms", "sensitized_ms")

ACTS = Statement(
    select(admin_actions)
    .where(admin_actions.c.id < bindparam("before_id", type_=BigInteger()))
    .order_by(admin_actions.c.id.desc())
    .limit(bindparam("most", type_=BigInteger()))
)


def note_act(row: Mapping[str, Any]) -> Unit[None]:
    """Write down an act: a row of `admin_actions` whose `details` are a mapping."""
    yield Insert(admin_actions, [{**row, "details": dump_json(row["details"])}])


# Flags of an actor


def _by_rule(column: str) -> ColumnElement[Any] | None:
    """What a rule for the actor's host wants still: it holds on when a moderator takes back what they did singly."""
    wanted = {"suspended_ms": Severity.SUSPEND, "silenced_ms": Severity.LIMIT}.get(column)
    if wanted is None:
        return None
    moment = select(host_marks.c.moment_ms).where(
        host_marks.c.host == actors.c.host, host_marks.c.wanted == wanted.value, actors.c.local.is_(False)
    )
    return moment.correlate(actors).scalar_subquery()


def _setting(column: str, value: Any) -> Statement:
    change = {column: value, "version": actors.c.version + 1}
    return Statement(update(actors).where(actors.c.id == _ID, actors.c.deleted_ms.is_(None)).values(change))


_SET = {column: _setting(column, _MOMENT) for column in FLAGS}
_LIFT = {column: _setting(column, _by_rule(column)) for column in FLAGS}
# What a post looks like has changed, though nobody edited it.
_TOUCH_POSTS = Statement(
    update(objects)
    .where(objects.c.actor_id == _ID, objects.c.announce_of_id.is_(None))
    .values(version=objects.c.version + 1)
)
_DISABLE = Statement(
    update(users).where(users.c.actor_id == _ID, users.c.disabled_ms.is_(None)).values(disabled_ms=_MOMENT)
)
_ENABLE = Statement(update(users).where(users.c.actor_id == _ID).values(disabled_ms=None))
_APPROVE = Statement(
    update(users).where(users.c.actor_id == _ID, users.c.approved_ms.is_(None)).values(approved_ms=_MOMENT)
)
_STANDING = Statement(select(users.c.id, users.c.email, users.c.approved_ms).where(users.c.actor_id == _ID))
_FORGET = Statement(delete(actors).where(actors.c.id == _ID, actors.c.local))
_FREE_MAILBOXES = Statement(delete(canonical_email_blocks).where(canonical_email_blocks.c.actor_id == _ID))
FOLLOWED_HERE = Statement(
    select(follows.c.followed_id)
    .select_from(follows.join(actors, actors.c.id == follows.c.followed_id))
    .where(follows.c.follower_id == _ID, actors.c.local)
    .order_by(follows.c.id)
    .limit(bindparam("most", type_=BigInteger()))
)


def flag(actor_id: int, column: str, now_ms: int) -> Unit[None]:
    """Suspend, limit or cover somebody: one of `FLAGS`."""
    yield Run(_SET[column], [{"id_": actor_id, "moment": now_ms}])
    if column == "sensitized_ms":
        yield Run(_TOUCH_POSTS, [{"id_": actor_id}])


def lift(actor_id: int, column: str) -> Unit[None]:
    """Take it back, as far as no rule for the host wants it."""
    yield Run(_LIFT[column], [{"id_": actor_id}])
    if column == "sensitized_ms":
        yield Run(_TOUCH_POSTS, [{"id_": actor_id}])


def block_mailboxes(actor_id: int, ids: Sequence[int], now_ms: int) -> Unit[None]:
    """Whoever is behind a suspended account cannot sign up again with the same mailbox. As many `ids` as people."""
    for id_, user in zip(ids, (yield Fetch(_STANDING, {"id_": actor_id})), strict=False):
        row = {"id": id_, "hash": mailbox_hash(user["email"]), "actor_id": actor_id, "created_ms": now_ms}
        yield Insert(canonical_email_blocks, [row])


def free_mailboxes(actor_id: int) -> Unit[None]:
    """They may again."""
    yield Run(_FREE_MAILBOXES, [{"id_": actor_id}])


def disable(actor_id: int, now_ms: int) -> Unit[None]:
    """Nobody can sign in as this actor; what it said stays."""
    yield Run(_DISABLE, [{"id_": actor_id, "moment": now_ms}])


def enable(actor_id: int) -> Unit[None]:
    """They can again."""
    yield Run(_ENABLE, [{"id_": actor_id}])


def approve(actor_id: int, now_ms: int) -> Unit[None]:
    """Somebody who asked to be let in may come in."""
    yield Run(_APPROVE, [{"id_": actor_id, "moment": now_ms}])


def turn_away(actor_id: int) -> Unit[bool]:
    """Somebody who was never let in is forgotten, and the name is free again; False if they were let in meanwhile."""
    people = yield Fetch(_STANDING, {"id_": actor_id})
    if not people or any(row["approved_ms"] is not None for row in people):
        return False
    yield Run(_FORGET, [{"id_": actor_id}])
    return True


# Warnings

WARNINGS = Statement(select(account_warnings).where(one_of(account_warnings.c.id, "ids")))


def warn(row: Mapping[str, Any], *, is_told: bool) -> Unit[None]:
    """What somebody is told: a row of `account_warnings`. The notification has the same id."""
    yield Insert(account_warnings, [{**row, "object_ids": dump_json(row["object_ids"])}])
    if is_told:
        told = {"id": row["id"], "actor_id": row["actor_id"], "type": "moderation_warning"}
        yield Insert(notifications, [{**told, "from_actor_id": row["actor_id"]}])
