"""Collections in which people recommend others: as apps read them, as servers do, and how they change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    update,
)

from fediverse_node.base.ids import SEQUENCE_BITS
from fediverse_node.domain.recommending import MOST_COLLECTIONS, MOST_ITEMS, FeaturedCollection, FeaturedItem
from fediverse_node.storage.queries.statuses import VIEWER, is_unavoided, is_unblocked
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import (
    actors,
    blocks,
    featured_collections,
    featured_items,
    featured_notices,
    notifications,
    user_domain_blocks,
)
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

Row = Any

_ID = bindparam("collection_id", type_=BigInteger())
_ITEM = bindparam("item_id", type_=BigInteger())
_OWNER = bindparam("owner_id", type_=BigInteger())
_MEMBER = bindparam("member_id", type_=BigInteger())
_HOST = bindparam("viewer_host", type_=Text())
_LIMIT = bindparam("limit", type_=Integer())
_OFFSET = bindparam("offset", type_=Integer())
_ONE = literal_column("1", Integer())
_is_here = and_(actors.c.suspended_ms.is_(None), actors.c.deleted_ms.is_(None))
_ADDED, _UPDATED = "added_to_collection", "collection_update"
_QUIET_MS = 3_600_000


def _with_owner(*more: ColumnElement[Any]) -> Select[Any]:
    """Collections of people who are here, with who they are."""
    return (
        select(
            featured_collections,
            *(
                actors.c[name].label(f"owner_{name}")
                for name in ("uri", "username", "followers_uri", "discoverable", "indexable", "silenced_ms")
            ),
            *more,
        )
        .select_from(featured_collections.join(actors, actors.c.id == featured_collections.c.actor_id))
        .where(_is_here)
    )


# As people see them who have an app: whoever is blocked by the owner, or blocks it, finds nothing.
SHOWN = Statement(_with_owner().where(featured_collections.c.id == _ID, is_unblocked(featured_collections.c.actor_id)))
OF_OWNER = Statement(
    _with_owner()
    .where(
        featured_collections.c.actor_id == _OWNER,
        or_(featured_collections.c.discoverable, _OWNER == VIEWER),
        is_unblocked(featured_collections.c.actor_id),
    )
    .order_by(featured_collections.c.id.desc())
    .limit(_LIMIT)
    .offset(_OFFSET)
)
WITH_VIEWER = Statement(
    _with_owner()
    .join(featured_items, featured_items.c.collection_id == featured_collections.c.id)
    .where(featured_items.c.actor_id == VIEWER, is_unblocked(featured_collections.c.actor_id))
    .order_by(featured_items.c.id.desc())
    .limit(_LIMIT)
    .offset(_OFFSET)
)
_ITEMS = (
    select(featured_items)
    .select_from(featured_items.join(actors, actors.c.id == featured_items.c.actor_id))
    .where(_is_here)
    .order_by(featured_items.c.id)
)
# Without those whom the viewer keeps away from, and who keep away from it.
ITEMS = Statement(
    _ITEMS.where(
        one_of(featured_items.c.collection_id, "ids"), is_unavoided(featured_items.c.actor_id, hosts=(actors.c.host,))
    )
)
ITEM = Statement(select(featured_items).where(featured_items.c.id == _ITEM, featured_items.c.collection_id == _ID))
# By the notification that is about it.
TOLD = Statement(
    _with_owner(featured_notices.c.notification_id)
    .join(featured_notices, featured_notices.c.collection_id == featured_collections.c.id)
    .where(one_of(featured_notices.c.notification_id, "ids"))
)

# As other servers and pages read them.
PUBLISHED = Statement(_with_owner().where(featured_collections.c.id == _ID))
LISTED = Statement(
    _with_owner()
    .where(featured_collections.c.actor_id == _OWNER, featured_collections.c.discoverable)
    .order_by(featured_collections.c.id.desc())
)
_shuns = or_(
    exists(
        select(_ONE)
        .select_from(blocks)
        .where(blocks.c.actor_id == featured_items.c.actor_id, blocks.c.target_id == VIEWER)
        .correlate(featured_items)
    ),
    exists(
        select(_ONE)
        .select_from(user_domain_blocks)
        .where(user_domain_blocks.c.actor_id == featured_items.c.actor_id, user_domain_blocks.c.host == _HOST)
        .correlate(featured_items)
    ),
)
_PERSON = ("uri", "local", "username", "host", "name", "summary", "url", "emojis", "icon_url", "icon_description")
PUBLISHED_ITEMS = Statement(
    _ITEMS.add_columns(*(actors.c[name].label(f"author_{name}") for name in _PERSON)).where(
        one_of(featured_items.c.collection_id, "ids"), not_(_shuns)
    )
)
_member = actors.alias("member")
# The stamp of somebody of ours (by name) for being in a collection.
STAMP = Statement(
    _with_owner(
        _member.c.id.label("member_id"), _member.c.uri.label("member_uri"), featured_items.c.id.label("item_id")
    )
    .join(featured_items, featured_items.c.collection_id == featured_collections.c.id)
    .join(_member, _member.c.id == featured_items.c.actor_id)
    .where(
        featured_items.c.id == _ITEM,
        func.lower(_member.c.username) == bindparam("username", type_=Text()),
        _member.c.local,
        _member.c.suspended_ms.is_(None),
        _member.c.deleted_ms.is_(None),
    )
)

_COUNT = Statement(
    select(func.count()).select_from(featured_collections).where(featured_collections.c.actor_id == _OWNER)
)
_COUNT_ITEMS = Statement(select(func.count()).select_from(featured_items).where(featured_items.c.collection_id == _ID))
# Who lets themselves be found lets themselves be recommended, as in Mastodon; and everybody may name themselves.
_WILLING = Statement(
    select(actors.c.id).where(
        one_of(actors.c.id, "ids"),
        _is_here,
        actors.c.local,
        actors.c.type != "Application",
        or_(actors.c.discoverable, actors.c.id == VIEWER),
        is_unblocked(actors.c.id),
    )
)
_UPDATE = Statement(
    update(featured_collections)
    .where(featured_collections.c.id == _ID)
    .values(
        name=bindparam("new_name", type_=Text()),
        description=bindparam("new_description", type_=Text()),
        language=bindparam("new_language", type_=Text()),
        tag=bindparam("new_tag", type_=Text()),
        sensitive=bindparam("new_sensitive", type_=Boolean()),
        discoverable=bindparam("new_discoverable", type_=Boolean()),
        updated_ms=bindparam("new_updated_ms", type_=BigInteger()),
    )
)
_TOUCH = Statement(
    update(featured_collections)
    .where(featured_collections.c.id == _ID)
    .values(updated_ms=bindparam("new_updated_ms", type_=BigInteger()))
)
_DELETE = Statement(delete(featured_collections).where(featured_collections.c.id == _ID))
_TAKE_OUT = Statement(
    delete(featured_items)
    .where(featured_items.c.id == _ITEM, featured_items.c.collection_id == _ID)
    .returning(featured_items.c.actor_id)
)
_about = select(featured_notices.c.notification_id).where(featured_notices.c.collection_id == _ID)
_FORGET_NEWS = Statement(delete(notifications).where(notifications.c.id.in_(_about)))
_FORGET_NEWS_FOR = Statement(
    delete(notifications).where(notifications.c.id.in_(_about), notifications.c.actor_id == _MEMBER)
)
_FORGET_UPDATES = Statement(
    delete(notifications).where(notifications.c.id.in_(_about), notifications.c.type == _UPDATED)
)
_TOLD_SINCE = Statement(
    select(notifications.c.id)
    .where(
        notifications.c.id.in_(_about),
        notifications.c.type == _UPDATED,
        notifications.c.id > bindparam("after_id", type_=BigInteger()),
    )
    .limit(1)
)
_MEMBERS_HERE = Statement(
    select(featured_items.c.actor_id)
    .select_from(featured_items.join(actors, actors.c.id == featured_items.c.actor_id))
    .where(featured_items.c.collection_id == _ID, actors.c.local, _is_here)
    .order_by(featured_items.c.id)
)


class Hindrance(Enum):
    """Why a collection could not be made or grow. Values are sentences."""

    TOO_MANY = "You have reached the maximum number of collections"
    TOO_LARGE = f"A collection has at most {MOST_ITEMS} accounts"
    UNWILLING = "Account does not allow being featured in collections"
    ALREADY_IN = "Account is in this collection already"


def collection_of(row: Row, items: Sequence[Row]) -> FeaturedCollection:
    """A row of `PUBLISHED` or `LISTED` and rows of `PUBLISHED_ITEMS`, as other servers are told of it."""
    return FeaturedCollection(
        id=row["id"],
        owner_uri=row["owner_uri"],
        name=row["name"],
        description=row["description"],
        language=row["language"],
        tag=row["tag"],
        sensitive=bool(row["sensitive"]),
        discoverable=bool(row["discoverable"]),
        created_ms=row["created_ms"],
        updated_ms=row["updated_ms"],
        items=tuple(
            FeaturedItem(item["id"], item["author_uri"], item["created_ms"])
            for item in items
            if item["collection_id"] == row["id"]
        ),
    )


def create(
    row: Mapping[str, Any], items: Sequence[Mapping[str, Any]], news: Sequence[tuple[int, int]]
) -> Unit[Hindrance | None]:
    """A new collection (all columns) with its items (all columns). `news`: notification and person, of whom to tell."""
    count = yield Fetch(_COUNT, {"owner_id": row["actor_id"]})
    if count[0][0] >= MOST_COLLECTIONS:
        return Hindrance.TOO_MANY
    if len(items) > MOST_ITEMS:
        return Hindrance.TOO_LARGE
    ids = [item["actor_id"] for item in items]
    if ids and len((yield Fetch(_WILLING, {"ids": ids, "viewer_id": row["actor_id"]}))) < len(set(ids)):
        return Hindrance.UNWILLING
    yield Insert(featured_collections, [row])
    if items:
        yield Insert(featured_items, items)
    yield from _tell(_ADDED, row["id"], row["actor_id"], news)
    return None


def add(item: Mapping[str, Any], owner_id: int, news: Sequence[tuple[int, int]]) -> Unit[Hindrance | None]:
    """One more in it: all columns of the item. `news`: notification and person, if it is to be told."""
    collection_id = item["collection_id"]
    if not (yield Fetch(_WILLING, {"ids": [item["actor_id"]], "viewer_id": owner_id})):
        return Hindrance.UNWILLING
    count = yield Fetch(_COUNT_ITEMS, {"collection_id": collection_id})
    if count[0][0] >= MOST_ITEMS:
        return Hindrance.TOO_LARGE
    if not (yield Insert(featured_items, [item])):
        return Hindrance.ALREADY_IN
    yield Run(_TOUCH, [{"collection_id": collection_id, "new_updated_ms": item["created_ms"]}])
    yield from _tell(_ADDED, collection_id, owner_id, news)
    return None


def take_out(collection_id: int, item_id: int, now_ms: int) -> Unit[bool]:
    """One less; what the person was told about it goes too. False: there was no such item any more."""
    rows = yield Fetch(_TAKE_OUT, {"collection_id": collection_id, "item_id": item_id})
    for row in rows:
        yield Run(_FORGET_NEWS_FOR, [{"collection_id": collection_id, "member_id": row["actor_id"]}])
        yield Run(_TOUCH, [{"collection_id": collection_id, "new_updated_ms": now_ms}])
    return bool(rows)


def change(
    collection_id: int, values: Mapping[str, Any], owner_id: int, ids: Sequence[int]
) -> Unit[list[tuple[int, int]]]:
    """Set name, description, language, tag, sensitive, discoverable and updated_ms.

    Those in it hear of it, in the place of what they heard of the change before; not twice in an hour, so that nobody
    is rung up by one who cannot make up their mind. `ids` are for the notifications, as many as there can be items;
    answers (id, person) of those that were used.
    """
    yield Run(_UPDATE, [{"collection_id": collection_id, **{f"new_{name}": v for name, v in values.items()}}])
    recently = (values["updated_ms"] - _QUIET_MS) << SEQUENCE_BITS
    if (yield Fetch(_TOLD_SINCE, {"collection_id": collection_id, "after_id": recently})):
        return []
    yield Run(_FORGET_UPDATES, [{"collection_id": collection_id}])
    members = yield Fetch(_MEMBERS_HERE, {"collection_id": collection_id})
    people = [int(row["actor_id"]) for row in members if row["actor_id"] != owner_id]
    news = list(zip(ids, people, strict=False))
    yield from _tell(_UPDATED, collection_id, owner_id, news)
    return news


def remove(collection_id: int) -> Unit[None]:
    """The collection and all that was told about it are gone."""
    yield Run(_FORGET_NEWS, [{"collection_id": collection_id}])
    yield Run(_DELETE, [{"collection_id": collection_id}])


def _tell(type_: str, collection_id: int, owner_id: int, news: Sequence[tuple[int, int]]) -> Unit[None]:
    if not news:
        return
    rows = [{"id": id_, "actor_id": person, "type": type_, "from_actor_id": owner_id} for id_, person in news]
    yield Insert(notifications, rows)
    yield Insert(featured_notices, [{"notification_id": id_, "collection_id": collection_id} for id_, _ in news])
