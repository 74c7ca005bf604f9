"""What is to be said later, and which request was answered with what: scheduled posts and idempotency keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, Text, bindparam, delete, select, update

from fediverse_node.storage.queries.timelines import keyset
from fediverse_node.storage.statement import Statement, one_of, upsert
from fediverse_node.storage.tables import idempotency_keys, media, scheduled, users
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

_ACTOR = bindparam("actor", type_=BigInteger())
_ID = bindparam("id_", type_=BigInteger())
_KEY_LIFE_MS = 3_600_000

LIST = keyset(select(scheduled, scheduled.c.id.label("cursor")).where(scheduled.c.actor_id == _ACTOR), scheduled.c.id)
ONE = Statement(select(scheduled).where(scheduled.c.id == _ID, scheduled.c.actor_id == _ACTOR))
DUE = Statement(
    select(scheduled)
    .where(scheduled.c.due_ms <= bindparam("now_ms", type_=BigInteger()))
    .order_by(scheduled.c.due_ms)
    .limit(bindparam("most", type_=Integer()))
)
_RESCHEDULE = Statement(
    update(scheduled)
    .where(scheduled.c.id == _ID, scheduled.c.actor_id == _ACTOR)
    .values(due_ms=bindparam("new_due_ms", type_=BigInteger()))
    .returning(scheduled.c.id)
)
_CANCEL = Statement(
    delete(scheduled).where(scheduled.c.id == _ID, scheduled.c.actor_id == _ACTOR).returning(scheduled.c.id)
)
MEDIA = Statement(select(media).where(one_of(media.c.id, "ids"), media.c.actor_id == _ACTOR))
_DESCRIBE = Statement(
    update(media)
    .where(media.c.id == _ID, media.c.actor_id == _ACTOR)
    .values(description=bindparam("new_description", type_=Text()), meta=bindparam("new_meta", type_=Text()))
)
SETTINGS = Statement(select(users.c.settings).where(users.c.id == bindparam("user_id", type_=BigInteger())))

ANSWERED = Statement(
    select(idempotency_keys.c.object_id).where(
        idempotency_keys.c.actor_id == _ACTOR,
        idempotency_keys.c.key == bindparam("key_", type_=Text()),
        idempotency_keys.c.created_ms > bindparam("since_ms", type_=BigInteger()),
    )
)
_REMEMBER = upsert(idempotency_keys, ("actor_id", "key", "object_id", "created_ms"), ("actor_id", "key"))
_FORGET_KEYS = Statement(
    delete(idempotency_keys).where(
        idempotency_keys.c.actor_id == _ACTOR,
        idempotency_keys.c.created_ms <= bindparam("since_ms", type_=BigInteger()),
    )
)


def key_since_ms(now_ms: int) -> int:
    """Keys made before this count no more."""
    return now_ms - _KEY_LIFE_MS


def remember_answer(actor_id: int, key: str, object_id: int, now_ms: int) -> Unit[None]:
    """The request with this key was answered with this; old keys of the same actor go."""
    yield Run(_FORGET_KEYS, [{"actor": actor_id, "since_ms": key_since_ms(now_ms)}])
    yield Run(_REMEMBER, [{"actor_id": actor_id, "key": key, "object_id": object_id, "created_ms": now_ms}])


def schedule(id_: int, actor_id: int, due_ms: int, params: str, app_id: int | None) -> Unit[None]:
    """To be said later."""
    yield Insert(scheduled, [{"id": id_, "actor_id": actor_id, "due_ms": due_ms, "params": params, "app_id": app_id}])


def reschedule(id_: int, actor_id: int, due_ms: int) -> Unit[bool]:
    """At another time; whether there was such a thing."""
    rows = yield Fetch(_RESCHEDULE, {"id_": id_, "actor": actor_id, "new_due_ms": due_ms})
    return bool(rows)


def cancel(id_: int, actor_id: int) -> Unit[bool]:
    """Not at all; whether there was such a thing. Of several who cancel, one is told so."""
    rows = yield Fetch(_CANCEL, {"id_": id_, "actor": actor_id})
    return bool(rows)


def describe_media(actor_id: int, changes: Sequence[tuple[int, str, str]]) -> Unit[None]:
    """New descriptions and places of focus of files: (id, description, meta as JSON)."""
    rows: list[dict[str, Any]] = [
        {"id_": id_, "actor": actor_id, "new_description": description, "new_meta": meta}
        for id_, description, meta in changes
    ]
    yield Run(_DESCRIBE, rows)
