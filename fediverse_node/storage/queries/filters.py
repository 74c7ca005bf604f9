"""What people do not want to read: filters, keywords, named posts. They are applied in mastodon_api/filtering.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Text, and_, bindparam, delete, select, update

from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import filter_keywords, filter_objects, filters, objects
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

Row = Any

_OWNER = bindparam("owner_id", type_=BigInteger())
_ID = bindparam("filter_id", type_=BigInteger())
_ITEM = bindparam("item_id", type_=BigInteger())

FILTERS = Statement(select(filters).where(filters.c.actor_id == _OWNER).order_by(filters.c.id))
FILTER = Statement(select(filters).where(filters.c.id == _ID, filters.c.actor_id == _OWNER))
KEYWORDS = Statement(
    select(filter_keywords).where(one_of(filter_keywords.c.filter_id, "ids")).order_by(filter_keywords.c.id)
)
OBJECTS = Statement(
    select(filter_objects).where(one_of(filter_objects.c.filter_id, "ids")).order_by(filter_objects.c.id)
)
# Old apps know keywords only; a keyword then is the filter.
V1_FILTERS = Statement(
    select(
        filter_keywords.c.id,
        filter_keywords.c.filter_id,
        filter_keywords.c.keyword,
        filter_keywords.c.whole_word,
        filters.c.context,
        filters.c.expires_ms,
        filters.c.action,
    )
    .select_from(filter_keywords.join(filters, filters.c.id == filter_keywords.c.filter_id))
    .where(filters.c.actor_id == _OWNER)
    .order_by(filter_keywords.c.id)
)
KEYWORD = Statement(
    select(filter_keywords)
    .select_from(filter_keywords.join(filters, filters.c.id == filter_keywords.c.filter_id))
    .where(filter_keywords.c.id == _ITEM, filters.c.actor_id == _OWNER)
)
NAMED_OBJECT = Statement(
    select(filter_objects)
    .select_from(filter_objects.join(filters, filters.c.id == filter_objects.c.filter_id))
    .where(filter_objects.c.id == _ITEM, filters.c.actor_id == _OWNER)
)
OBJECT_EXISTS = Statement(select(objects.c.id).where(objects.c.id == bindparam("object_id", type_=BigInteger())))
_UPDATE = Statement(
    update(filters)
    .where(filters.c.id == _ID)
    .values(
        title=bindparam("title", type_=Text()),
        context=bindparam("context", type_=Text()),
        action=bindparam("action", type_=Text()),
        expires_ms=bindparam("expires_ms", type_=BigInteger()),
    )
)
_DELETE = Statement(delete(filters).where(filters.c.id == _ID, filters.c.actor_id == _OWNER))
_UPDATE_KEYWORD = Statement(
    update(filter_keywords)
    .where(filter_keywords.c.id == _ITEM)
    .values(keyword=bindparam("keyword", type_=Text()), whole_word=bindparam("whole_word", type_=Boolean()))
)
_DELETE_KEYWORDS = Statement(
    delete(filter_keywords).where(and_(filter_keywords.c.filter_id == _ID, one_of(filter_keywords.c.id, "ids")))
)
_DELETE_OBJECTS = Statement(
    delete(filter_objects).where(and_(filter_objects.c.filter_id == _ID, one_of(filter_objects.c.id, "ids")))
)
_REST = Statement(select(filter_keywords.c.id).where(filter_keywords.c.filter_id == _ID))


def insert_filter(row: Mapping[str, Any], keywords: Sequence[Mapping[str, Any]]) -> Unit[None]:
    """A new filter and its keywords: all columns of both."""
    yield Insert(filters, [row])
    yield Insert(filter_keywords, keywords)


def update_filter(filter_id: int, values: Mapping[str, Any]) -> Unit[None]:
    """Set title, context, action and expires_ms."""
    yield Run(_UPDATE, [{"filter_id": filter_id, **values}])


def delete_filter(filter_id: int, owner_id: int) -> Unit[None]:
    """The filter and all in it are gone."""
    yield Run(_DELETE, [{"filter_id": filter_id, "owner_id": owner_id}])


def change_keywords(
    filter_id: int,
    *,
    new: Sequence[Mapping[str, Any]] = (),
    changed: Sequence[Mapping[str, Any]] = (),
    removed: Sequence[int] = (),
) -> Unit[None]:
    """`changed` are {item_id, keyword, whole_word}; the caller has seen that they belong to the filter."""
    yield Insert(filter_keywords, new)
    yield Run(_UPDATE_KEYWORD, changed)
    yield Run(_DELETE_KEYWORDS, [{"filter_id": filter_id, "ids": list(removed)}])


def delete_last_keyword(filter_id: int, keyword_id: int, owner_id: int) -> Unit[None]:
    """A keyword goes, and with the last one the filter: an old app cannot see a filter without."""
    yield Run(_DELETE_KEYWORDS, [{"filter_id": filter_id, "ids": [keyword_id]}])
    if not (yield Fetch(_REST, {"filter_id": filter_id})):
        yield from delete_filter(filter_id, owner_id)


def insert_object(row: Mapping[str, Any]) -> Unit[None]:
    """A post that the filter names."""
    yield Insert(filter_objects, [row])


def delete_object(filter_id: int, item_id: int) -> Unit[None]:
    """It names the post no more."""
    yield Run(_DELETE_OBJECTS, [{"filter_id": filter_id, "ids": [item_id]}])
