"""Objects by address, and those a person may search in: what they said, were told, liked or kept."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Table,
    Text,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    union,
)

from fediverse_node.domain.searching import EVERYBODY, FOLLOWERS, NAMED
from fediverse_node.storage.queries.statuses import (
    AUTHOR,
    AUTHORS_HOST,
    VIEWER,
    author,
    is_heard,
    is_present,
    is_unavoided,
    select_entries,
    visible_to_viewer,
)
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import bookmarks, follows, likes, mentions, objects

_RECENT = 5_000

ID_BY_URI = Statement(select(objects.c.id).where(objects.c.uri == bindparam("uri", type_=Text())))

# A person's own corner is small enough to be looked through, newest first, and so is what was said last in public:
# of that those are found who have said that strangers may.  spec: fep-268d
_NEAR = union(
    *(
        select(literal_column("id")).select_from(
            select(column.label("id"))
            .where(owner == VIEWER)
            .order_by(column.desc())
            .limit(literal_column(str(_RECENT)))
            .subquery()
        )
        for column, owner in (
            (objects.c.id, objects.c.actor_id),
            (mentions.c.object_id, mentions.c.actor_id),
            (bookmarks.c.object_id, bookmarks.c.actor_id),
            (likes.c.object_id, likes.c.actor_id),
        )
    ),
    select(literal_column("id")).select_from(
        select(objects.c.id.label("id"))
        # To the letter as in the partial index.
        .where(objects.c.visibility == literal_column("0"), objects.c.announce_of_id.is_(None))
        .order_by(objects.c.id.desc())
        .limit(literal_column(str(_RECENT)))
        .subquery()
    ),
).subquery("near")
_ACTOR = bindparam("actor_id", type_=BigInteger())


def _is(owner: ColumnElement[Any], table: Table, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(
        select(literal_column("1")).select_from(table).where(owner == VIEWER, *conditions).correlate_except(table)
    )


def _allows(bit: int) -> ColumnElement[bool]:
    return objects.c.searchable.op("&")(literal_column(str(bit))) != 0


def _may_be_found() -> ColumnElement[bool]:
    """`domain/searching.py`: its author and who liked or kept it find it, others if it or its author says so."""
    is_named = _is(mentions.c.actor_id, mentions, mentions.c.object_id == objects.c.id)
    is_follower = _is(follows.c.follower_id, follows, follows.c.followed_id == objects.c.actor_id, follows.c.accepted)
    return or_(
        objects.c.actor_id == VIEWER,
        _is(likes.c.actor_id, likes, likes.c.object_id == objects.c.id),
        _is(bookmarks.c.actor_id, bookmarks, bookmarks.c.object_id == objects.c.id),
        and_(objects.c.searchable.is_(None), or_(author.c.indexable, is_named)),
        _allows(EVERYBODY),
        and_(_allows(FOLLOWERS), is_follower),
        and_(_allows(NAMED), is_named),
    )


WORDS = Statement(
    select_entries(objects.join(_NEAR, _NEAR.c.id == objects.c.id))
    .where(
        objects.c.announce_of_id.is_(None),
        or_(
            func.lower(objects.c.content).like(bindparam("pattern", type_=Text()), escape="\\"),
            func.lower(objects.c.summary).like(bindparam("pattern", type_=Text()), escape="\\"),
        ),
        or_(_ACTOR == 0, objects.c.actor_id == _ACTOR),
        objects.c.id < bindparam("before_id", type_=BigInteger()),
        objects.c.id > bindparam("after_id", type_=BigInteger()),
        is_present(),
        visible_to_viewer(),
        _may_be_found(),
        is_unavoided(*AUTHOR, hosts=AUTHORS_HOST),
        is_heard(objects.c.actor_id, author.c.silenced_ms),
    )
    .order_by(objects.c.id.desc())
    .limit(bindparam("most", type_=Integer()))
    .offset(bindparam("skipped", type_=Integer()))
)
