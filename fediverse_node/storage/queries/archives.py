"""What a person takes along in files: whom they follow, who follows them, whom they avoid, lists and bookmarks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Select, bindparam, select

from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import (
    actors,
    blocks,
    bookmarks,
    follows,
    list_members,
    lists,
    mutes,
    objects,
    user_domain_blocks,
)

_ME = bindparam("actor_id", type_=BigInteger())


def _people(column: Column[Any], *more: Any) -> Select[Any]:
    return (
        select(actors.c.username, actors.c.host, *more)
        .join(column.table, actors.c.id == column)
        .where(actors.c.deleted_ms.is_(None))
    )


FOLLOWING = Statement(
    _people(follows.c.followed_id, follows.c.show_announces, follows.c.notify, follows.c.languages)
    .where(follows.c.follower_id == _ME)
    .order_by(follows.c.id)
)
FOLLOWERS = Statement(
    _people(follows.c.follower_id).where(follows.c.followed_id == _ME, follows.c.accepted).order_by(follows.c.id)
)
BLOCKS = Statement(_people(blocks.c.target_id).where(blocks.c.actor_id == _ME).order_by(blocks.c.id))
MUTES = Statement(_people(mutes.c.target_id, mutes.c.notifications).where(mutes.c.actor_id == _ME).order_by(mutes.c.id))
DOMAIN_BLOCKS = Statement(
    select(user_domain_blocks.c.host).where(user_domain_blocks.c.actor_id == _ME).order_by(user_domain_blocks.c.host)
)
LISTS = Statement(
    _people(list_members.c.actor_id, lists.c.title)
    .join(lists, lists.c.id == list_members.c.list_id)
    .where(lists.c.actor_id == _ME)
    .order_by(lists.c.id, list_members.c.id)
)
BOOKMARKS = Statement(
    select(objects.c.uri)
    .join(bookmarks, bookmarks.c.object_id == objects.c.id)
    .where(bookmarks.c.actor_id == _ME)
    .order_by(bookmarks.c.id)
)
# A request counts too: it was asked already.
IS_FOLLOWING = Statement(
    select(follows.c.id).where(
        follows.c.follower_id == bindparam("follower_id", type_=BigInteger()),
        follows.c.followed_id == bindparam("followed_id", type_=BigInteger()),
    )
)
