"""Private conversations as one person lists them, by what was said last."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, bindparam, delete, select, update

from fediverse_node.storage.queries.timelines import keyset
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import conversations
from fediverse_node.storage.unit import Fetch, Unit

_ACTOR = bindparam("actor", type_=BigInteger())
_ID = bindparam("id_", type_=BigInteger())

# A conversation whose last words were deleted is listed again when somebody speaks.
LIST = keyset(
    select(conversations, conversations.c.last_object_id.label("cursor")).where(
        conversations.c.actor_id == _ACTOR, conversations.c.last_object_id.is_not(None)
    ),
    conversations.c.last_object_id,
)
ONE = Statement(select(conversations).where(conversations.c.actor_id == _ACTOR, conversations.c.id == _ID))
BY_LAST = Statement(
    select(conversations).where(
        conversations.c.actor_id == _ACTOR,
        conversations.c.last_object_id == bindparam("object_id", type_=BigInteger()),
    )
)
_MARK = Statement(
    update(conversations)
    .where(conversations.c.actor_id == _ACTOR, conversations.c.id == _ID)
    .values(unread=bindparam("new_unread", type_=Boolean()))
    .returning(conversations.c.id)
)
_FORGET = Statement(
    delete(conversations)
    .where(conversations.c.actor_id == _ACTOR, conversations.c.id == _ID)
    .returning(conversations.c.id)
)


def mark(actor_id: int, id_: int, *, unread: bool) -> Unit[bool]:
    """Read or not; whether there was such a conversation."""
    rows = yield Fetch(_MARK, {"actor": actor_id, "id_": id_, "new_unread": unread})
    return bool(rows)


def forget(actor_id: int, id_: int) -> Unit[bool]:
    """It leaves the list; what was said stays. Whether there was such a conversation."""
    rows = yield Fetch(_FORGET, {"actor": actor_id, "id_": id_})
    return bool(rows)
