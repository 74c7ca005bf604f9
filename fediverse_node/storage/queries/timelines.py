"""Pages of timelines, by keyset: what is older than one id and newer than another, newest first.

Each timeline is two statements: its newest page below a boundary, and the page next above one. Neither
counts nor skips rows, so a page costs the same at any depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.statuses import (
    AUTHOR,
    AUTHORS_HOST,
    SPEAKERS,
    SPEAKERS_HOSTS,
    VIEWER,
    author,
    is_present,
    is_unavoided,
    select_entries,
    target,
    target_author,
    visible_to_viewer,
)
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import (
    bookmarks,
    follows,
    home_entries,
    likes,
    list_members,
    lists,
    object_previews,
    object_tags,
    objects,
    pins,
)

Row = Any
NEWEST = (1 << 63) - 1

_BEFORE = bindparam("before_id", type_=BigInteger())
_AFTER = bindparam("after_id", type_=BigInteger())
_MOST = bindparam("most", type_=Integer())
_ACTOR = bindparam("actor_id", type_=BigInteger())
_LIST = bindparam("list_id", type_=BigInteger())
_TAG = bindparam("tag_id", type_=BigInteger())


@dataclass(frozen=True, slots=True)
class Page:
    """What a client asks for: older than `max_id`, newer than `since_id`, or next after `min_id`; all exclusive."""

    limit: int
    max_id: int | None = None
    since_id: int | None = None
    min_id: int | None = None


@dataclass(frozen=True, slots=True)
class Keyset:
    """The two statements of a list that is paged by a column of ids."""

    newest: Statement
    next_after: Statement
    patient: bool = False

    async def load(self, database: Database, page: Page, /, **values: Any) -> list[Row]:
        """The rows of a page, newest first."""
        boundaries = {
            "before_id": NEWEST if page.max_id is None else page.max_id,
            "after_id": page.min_id if page.min_id is not None else page.since_id or 0,
        }
        statement = self.newest if page.min_id is None else self.next_after
        rows = await database.fetch(statement, patient=self.patient, most=page.limit, **boundaries, **values)
        return rows if page.min_id is None else rows[::-1]


def keyset(query: Select[Any], cursor: ColumnElement[int], *, patient: bool = False) -> Keyset:
    """A list of these rows, paged by `cursor`."""
    bounded = query.where(cursor < _BEFORE, cursor > _AFTER).limit(_MOST)
    return Keyset(Statement(bounded.order_by(cursor.desc())), Statement(bounded.order_by(cursor.asc())), patient)


def _flag(name: str) -> ColumnElement[bool]:
    """Whether this option is off: the condition after it counts only when it is on."""
    return bindparam(name, type_=Integer()) == 0


_HAS_MEDIA = objects.c.attachments != "[]"

HOME = keyset(
    select_entries(
        home_entries.join(objects, objects.c.id == home_entries.c.object_id), home_entries.c.object_id
    ).where(home_entries.c.actor_id == VIEWER, is_present(), is_unavoided(*SPEAKERS, hosts=SPEAKERS_HOSTS)),
    home_entries.c.object_id,
)

_IS_PUBLIC = and_(objects.c.visibility == 0, objects.c.announce_of_id.is_(None))
_IS_ANSWER_TO_OTHERS = and_(
    objects.c.in_reply_to_uri.is_not(None),
    or_(objects.c.in_reply_to_actor_id.is_(None), objects.c.in_reply_to_actor_id != objects.c.actor_id),
)


def _public(*conditions: ColumnElement[bool]) -> Keyset:
    query = select_entries(objects).where(
        # To the letter as in the partial index: a bound value would not be recognised.
        objects.c.visibility == literal_column("0"),
        objects.c.announce_of_id.is_(None),
        ~_IS_ANSWER_TO_OTHERS,
        author.c.silenced_ms.is_(None),
        is_present(),
        is_unavoided(*AUTHOR, hosts=AUTHORS_HOST),
        or_(_flag("only_media"), _HAS_MEDIA),
        *conditions,
    )
    return keyset(query, objects.c.id)


PUBLIC = _public()
PUBLIC_LOCAL = _public(objects.c.local)
PUBLIC_REMOTE = _public(~objects.c.local)


def _tagged(root: FromClause, *conditions: ColumnElement[bool]) -> Select[Any]:
    def tagged_with(name: str) -> Any:
        return (
            select(func.count())
            .select_from(_OTHER_TAGS)
            .where(_OTHER_TAGS.c.object_id == objects.c.id, one_of(_OTHER_TAGS.c.tag_id, name))
            .correlate(objects)
            .scalar_subquery()
        )

    return select_entries(root).where(
        _IS_PUBLIC,
        author.c.silenced_ms.is_(None),
        is_present(),
        is_unavoided(*AUTHOR, hosts=AUTHORS_HOST),
        or_(_flag("only_media"), _HAS_MEDIA),
        or_(_flag("only_local"), objects.c.local),
        or_(_flag("all_count"), tagged_with("all_ids") == bindparam("all_count", type_=Integer())),
        or_(_flag("none_count"), tagged_with("none_ids") == 0),
        *conditions,
    )


_OTHER_TAGS = object_tags.alias("other_tags")
TAG = keyset(
    _tagged(object_tags.join(objects, objects.c.id == object_tags.c.object_id), object_tags.c.tag_id == _TAG),
    object_tags.c.object_id,
)
# Several hashtags that may stand for each other: rarely asked for, and all their objects are looked at.
ANY_TAG = keyset(
    _tagged(objects, objects.c.id.in_(select(_OTHER_TAGS.c.object_id).where(one_of(_OTHER_TAGS.c.tag_id, "any_ids")))),
    objects.c.id,
    patient=True,
)

# What is said about a page, by people who want to be found.
LINK = keyset(
    select_entries(object_previews.join(objects, objects.c.id == object_previews.c.object_id)).where(
        object_previews.c.preview_id == bindparam("preview_id", type_=BigInteger()),
        _IS_PUBLIC,
        author.c.silenced_ms.is_(None),
        author.c.discoverable,
        is_present(),
        is_unavoided(*AUTHOR, hosts=AUTHORS_HOST),
    ),
    object_previews.c.object_id,
)

_ANNOUNCES_WANTED = or_(
    objects.c.announce_of_id.is_(None),
    exists(
        select(literal_column("1"))
        .select_from(follows)
        .where(follows.c.follower_id == VIEWER, follows.c.followed_id == objects.c.actor_id, follows.c.show_announces)
        .correlate(objects)
    ),
)


def _answers_wanted() -> ColumnElement[bool]:
    """The client API's `replies_policy` of a list: list, followed or none."""
    policy = lists.c.replies_policy
    to_member = exists(
        select(literal_column("1"))
        .select_from(list_members)
        .where(list_members.c.list_id == _LIST, list_members.c.actor_id == objects.c.in_reply_to_actor_id)
        .correlate(objects)
    )
    to_followed = exists(
        select(literal_column("1"))
        .select_from(follows)
        .where(
            follows.c.follower_id == VIEWER, follows.c.followed_id == objects.c.in_reply_to_actor_id, follows.c.accepted
        )
        .correlate(objects)
    )
    return or_(
        ~_IS_ANSWER_TO_OTHERS,
        and_(policy != "none", or_(objects.c.in_reply_to_actor_id == VIEWER, to_member)),
        and_(policy == "followed", to_followed),
    )


LIST = keyset(
    select_entries(objects.join(lists, lists.c.id == _LIST)).where(
        lists.c.actor_id == VIEWER,
        objects.c.actor_id.in_(select(list_members.c.actor_id).where(list_members.c.list_id == _LIST)),
        objects.c.visibility <= 2,
        is_present(),
        is_unavoided(*SPEAKERS, hosts=SPEAKERS_HOSTS),
        visible_to_viewer(),
        _ANNOUNCES_WANTED,
        _answers_wanted(),
    ),
    objects.c.id,
    patient=True,
)
LIST_OWNER = Statement(select(lists.c.id).where(lists.c.id == _LIST, lists.c.actor_id == VIEWER))

_TAGGED_ONE = exists(
    select(literal_column("1"))
    .select_from(object_tags)
    .where(object_tags.c.object_id == objects.c.id, object_tags.c.tag_id == _TAG)
    .correlate(objects)
)
ACTOR = keyset(
    select_entries(objects).where(
        objects.c.actor_id == _ACTOR,
        is_present(),
        visible_to_viewer(),
        is_unavoided(target.c.actor_id, hosts=(target_author.c.host,)),
        or_(_flag("only_media"), and_(_HAS_MEDIA, objects.c.announce_of_id.is_(None))),
        or_(_flag("exclude_replies"), ~_IS_ANSWER_TO_OTHERS),
        or_(_flag("exclude_reblogs"), objects.c.announce_of_id.is_(None)),
        or_(_TAG == 0, _TAGGED_ONE),
    ),
    objects.c.id,
)
PINNED = keyset(
    select_entries(pins.join(objects, objects.c.id == pins.c.object_id), pins.c.id).where(
        pins.c.actor_id == _ACTOR, is_present(), visible_to_viewer()
    ),
    pins.c.id,
)
BOOKMARKS = keyset(
    select_entries(bookmarks.join(objects, objects.c.id == bookmarks.c.object_id), bookmarks.c.id).where(
        bookmarks.c.actor_id == VIEWER, is_present(), visible_to_viewer()
    ),
    bookmarks.c.id,
)
FAVOURITES = keyset(
    select_entries(likes.join(objects, objects.c.id == likes.c.object_id), likes.c.id).where(
        likes.c.actor_id == VIEWER, likes.c.implied.is_(False), is_present(), visible_to_viewer()
    ),
    likes.c.id,
)
