"""Errands that are under way, and whose turn it is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, select, update

from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, errands
from fediverse_node.storage.unit import Fetch, Run, Unit

_ID = bindparam("errand_id", type_=BigInteger())
_target = actors.alias("target")
NEXT_DUE = Statement(select(errands.c.due_ms).order_by(errands.c.due_ms).limit(1))
_DUE = (
    select(
        errands.c.id,
        errands.c.kind,
        errands.c.actor_id,
        actors.c.uri.label("actor_uri"),
        _target.c.uri.label("target_uri"),
    )
    .select_from(
        errands.join(actors, actors.c.id == errands.c.actor_id).outerjoin(_target, _target.c.id == errands.c.target_id)
    )
    .where(errands.c.due_ms <= bindparam("now_ms", type_=BigInteger()))
    # Whoever waited longest: many errands go on side by side.
    .order_by(errands.c.due_ms, errands.c.id)
    .limit(1)
)
_CLAIM = Statement(_DUE, for_postgresql=_DUE.with_for_update(of=errands, skip_locked=True))
_SET_DUE = Statement(update(errands).where(errands.c.id == _ID).values(due_ms=bindparam("next_ms", type_=BigInteger())))
_END = Statement(delete(errands).where(errands.c.id == _ID))


def claim(now_ms: int, lease_ms: int) -> Unit[Any | None]:
    """The errand whose turn it is (id, kind, actor_id, actor_uri, target_uri); nobody else takes it up for a while."""
    rows = yield Fetch(_CLAIM, {"now_ms": now_ms})
    if not rows:
        return None
    yield Run(_SET_DUE, [{"errand_id": rows[0]["id"], "next_ms": now_ms + lease_ms}])
    return rows[0]


def go_on(errand_id: int, next_ms: int) -> Unit[None]:
    """A piece is done, and there is more."""
    yield Run(_SET_DUE, [{"errand_id": errand_id, "next_ms": next_ms}])


def end(errand_id: int) -> Unit[None]:
    """It is done."""
    yield Run(_END, [{"errand_id": errand_id}])
