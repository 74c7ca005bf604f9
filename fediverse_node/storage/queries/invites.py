"""Invitations: what somebody who holds one may still do with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Integer, Text, and_, bindparam, delete, exists, literal_column, or_, select, update

from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, invites
from fediverse_node.storage.unit import Fetch, Insert, Unit

_CODE = bindparam("code", type_=Text())
_NOW = bindparam("now_ms", type_=BigInteger())
_ONE = literal_column("1", Integer())
_is_open = and_(
    or_(invites.c.expires_ms.is_(None), invites.c.expires_ms > _NOW),
    or_(invites.c.most_uses.is_(None), invites.c.uses < invites.c.most_uses),
    # Whoever is not welcome any more invites nobody.
    exists(
        select(_ONE)
        .select_from(actors)
        .where(actors.c.id == invites.c.actor_id, actors.c.suspended_ms.is_(None), actors.c.deleted_ms.is_(None))
        .correlate(invites)
    ),
)
OPEN = Statement(
    select(invites, actors.c.username)
    .select_from(invites.join(actors, actors.c.id == invites.c.actor_id))
    .where(invites.c.code == _CODE, _is_open)
)
ALL = Statement(
    select(invites, actors.c.username, _is_open.label("is_open"))
    .select_from(invites.join(actors, actors.c.id == invites.c.actor_id))
    .order_by(invites.c.id)
)
_USE = Statement(
    update(invites)
    .where(invites.c.code == _CODE, _is_open)
    .values(uses=invites.c.uses + 1)
    .returning(invites.c.actor_id)
)
_REMOVE = Statement(delete(invites).where(invites.c.code == _CODE).returning(invites.c.id))


def invite(row: Mapping[str, Any]) -> Unit[None]:
    """A new one: all columns but `uses`."""
    yield Insert(invites, [row])


def use(code: str, now_ms: int) -> Unit[int | None]:
    """One use less is left; the actor who invites, or None where it holds no more (or never did)."""
    rows = yield Fetch(_USE, {"code": code, "now_ms": now_ms})
    return int(rows[0]["actor_id"]) if rows else None


def withdraw(code: str) -> Unit[bool]:
    """Whether there was one; who came by it stays."""
    return bool((yield Fetch(_REMOVE, {"code": code})))
