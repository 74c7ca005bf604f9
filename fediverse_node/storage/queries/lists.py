"""Lists of people, each of one person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Text, bindparam, delete, func, select, update

from fediverse_node.storage.queries.timelines import keyset
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, list_members, lists
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

_OWNER = bindparam("owner_id", type_=BigInteger())
_LIST = bindparam("list_id", type_=BigInteger())
_MEMBER = bindparam("member_id", type_=BigInteger())

LISTS = Statement(select(lists).where(lists.c.actor_id == _OWNER).order_by(lists.c.id))
LIST = Statement(select(lists).where(lists.c.id == _LIST, lists.c.actor_id == _OWNER))
LISTS_WITH = Statement(
    select(lists)
    .select_from(lists.join(list_members, list_members.c.list_id == lists.c.id))
    .where(lists.c.actor_id == _OWNER, list_members.c.actor_id == _MEMBER)
    .order_by(lists.c.id)
)
_MEMBERS = (
    select(list_members.c.id, list_members.c.actor_id)
    .select_from(list_members.join(actors, actors.c.id == list_members.c.actor_id))
    .where(list_members.c.list_id == _LIST, actors.c.deleted_ms.is_(None), actors.c.suspended_ms.is_(None))
)
MEMBERS = keyset(_MEMBERS, list_members.c.id)
ALL_MEMBERS = Statement(_MEMBERS.order_by(list_members.c.id.desc()))
MEMBERS_AMONG = Statement(
    select(list_members.c.actor_id).where(list_members.c.list_id == _LIST, one_of(list_members.c.actor_id, "ids"))
)
_COUNT = Statement(select(func.count()).select_from(lists).where(lists.c.actor_id == _OWNER))
_UPDATE = Statement(
    update(lists)
    .where(lists.c.id == _LIST, lists.c.actor_id == _OWNER)
    .values(
        title=bindparam("title", type_=Text()),
        replies_policy=bindparam("replies_policy", type_=Text()),
        exclusive=bindparam("exclusive", type_=Boolean()),
    )
)
_DELETE = Statement(delete(lists).where(lists.c.id == _LIST, lists.c.actor_id == _OWNER))
_REMOVE = Statement(delete(list_members).where(list_members.c.list_id == _LIST, one_of(list_members.c.actor_id, "ids")))


def insert_list(row: Mapping[str, Any], most: int) -> Unit[bool]:
    """A new list: all columns; False when its owner has `most` already."""
    count = yield Fetch(_COUNT, {"owner_id": row["actor_id"]})
    if count[0][0] >= most:
        return False
    yield Insert(lists, [row])
    return True


def update_list(list_id: int, owner_id: int, values: Mapping[str, Any]) -> Unit[None]:
    """Set title, replies_policy and exclusive."""
    yield Run(_UPDATE, [{"list_id": list_id, "owner_id": owner_id, **values}])


def delete_list(list_id: int, owner_id: int) -> Unit[None]:
    """The list and its memberships are gone."""
    yield Run(_DELETE, [{"list_id": list_id, "owner_id": owner_id}])


def add_members(list_id: int, members: Sequence[tuple[int, int]]) -> Unit[None]:
    """`members` are (id of the membership, actor)."""
    yield Insert(list_members, [{"id": id_, "list_id": list_id, "actor_id": actor_id} for id_, actor_id in members])


def remove_members(list_id: int, actor_ids: Sequence[int]) -> Unit[None]:
    """They are on the list no more."""
    yield Run(_REMOVE, [{"list_id": list_id, "ids": list(actor_ids)}])
