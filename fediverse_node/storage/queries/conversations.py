"""Private conversations as one person lists them, by what was said last."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, bindparam, delete, select, update

from fediverse_node.storage.queries.statuses import AUTHOR, AUTHORS_HOST, VIEWER, author, is_heard, is_unavoided
from fediverse_node.storage.queries.timelines import keyset
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import conversations, objects
from fediverse_node.storage.unit import Fetch, Unit

_ACTOR = bindparam("actor", type_=BigInteger())
_ID = bindparam("id_", type_=BigInteger())

# A conversation whose last words were deleted, or are of somebody whom the person avoids or who is limited here, is
# listed again when somebody else speaks.
_LISTED = (
    select(conversations, conversations.c.last_object_id.label("cursor"))
    .select_from(
        conversations.join(objects, objects.c.id == conversations.c.last_object_id).join(
            author, author.c.id == objects.c.actor_id
        )
    )
    .where(
        conversations.c.actor_id == VIEWER,
        author.c.suspended_ms.is_(None),
        is_unavoided(*AUTHOR, hosts=AUTHORS_HOST),
        is_heard(objects.c.actor_id, author.c.silenced_ms),
    )
)
LIST = keyset(_LISTED, conversations.c.last_object_id)
ONE = Statement(select(conversations).where(conversations.c.actor_id == _ACTOR, conversations.c.id == _ID))
BY_LAST = Statement(_LISTED.where(conversations.c.last_object_id == bindparam("object_id", type_=BigInteger())))
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
