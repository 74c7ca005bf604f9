"""Objects as client timelines list them: which ones, in what version, and what the reader did with them.

A page of a timeline is a list of entries: ids and versions only. What an object looks like is rendered once
and kept by the client API, so the columns that need much room are read only for what is not kept.
Does not decide who may do what: `visible_to_viewer` is `domain.policy.may_see` in SQL, and a test holds the
two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    union_all,
)

from fediverse_node.storage.rows import POLL_COLUMNS
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import (
    actors,
    apps,
    blocks,
    bookmarks,
    filter_keywords,
    filter_objects,
    filters,
    follows,
    home_entries,
    interaction_requests,
    likes,
    link_previews,
    media,
    mentions,
    mutes,
    object_previews,
    objects,
    pins,
    polls,
    quotes,
    revisions,
    thread_mutes,
    user_domain_blocks,
    votes,
)

NOBODY = 0  # as a viewer: no actor has this id
LIKED, ANNOUNCED, BOOKMARKED, PINNED, THREAD_MUTED, VOTED = range(6)

VIEWER = bindparam("viewer_id", type_=BigInteger())
NOW = bindparam("now_ms", type_=BigInteger())
author = actors.alias("author")
target = objects.alias("target")
target_author = actors.alias("target_author")
_ONE = literal_column("1", Integer())
_ID = bindparam("object_id", type_=BigInteger())


def _number(value: int) -> ColumnElement[int]:
    """A number in the text of the query: it is the same each time."""
    return literal_column(str(value), Integer())


def with_authors(root: FromClause) -> FromClause:
    """The tables of an entry, joined to `root`, which holds `objects`."""
    return (
        root.join(author, author.c.id == objects.c.actor_id)
        .outerjoin(target, target.c.id == objects.c.announce_of_id)
        .outerjoin(target_author, target_author.c.id == target.c.actor_id)
    )


def select_entries(root: FromClause, cursor: ColumnElement[int] | None = None) -> Select[Any]:
    """A query whose rows are entries, of what is joined in `root`; `cursor` is what pages go by."""
    return select(
        objects.c.id,
        objects.c.version,
        objects.c.actor_id,
        author.c.version.label("actor_version"),
        func.coalesce(objects.c.thread_id, objects.c.id).label("thread_id"),
        target.c.id.label("target_id"),
        target.c.version.label("target_version"),
        target.c.actor_id.label("target_actor_id"),
        target_author.c.version.label("target_actor_version"),
        (objects.c.id if cursor is None else cursor).label("cursor"),
    ).select_from(with_authors(root))


def is_present() -> ColumnElement[bool]:
    """Nobody who speaks in the entry is suspended or gone."""
    return and_(
        author.c.suspended_ms.is_(None),
        author.c.deleted_ms.is_(None),
        target_author.c.suspended_ms.is_(None),
        target_author.c.deleted_ms.is_(None),
    )


def is_unavoided(*people: ColumnElement[Any], hosts: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
    """The viewer neither blocks nor mutes any of these nor their hosts, and none of them blocks the viewer."""
    return and_(is_unblocked(*people), is_unmuted(*people), is_near(*hosts))


def is_near(*hosts: ColumnElement[Any]) -> ColumnElement[bool]:
    """The viewer keeps away from none of these hosts."""
    kept_away = (
        select(_ONE)
        .select_from(user_domain_blocks)
        .where(user_domain_blocks.c.actor_id == VIEWER, user_domain_blocks.c.host.in_(hosts))
    )
    return not_(exists(kept_away.correlate_except(user_domain_blocks)))


def is_heard(person: ColumnElement[Any], silenced_ms: ColumnElement[Any]) -> ColumnElement[bool]:
    """The person is not limited here, or the viewer follows it, or is it."""
    followed = select(_ONE).select_from(follows).where(
        follows.c.follower_id == VIEWER, follows.c.followed_id == person, follows.c.accepted
    )  # fmt: skip
    return or_(silenced_ms.is_(None), person == VIEWER, exists(followed.correlate_except(follows)))


def is_unmuted(*people: ColumnElement[Any], only: ColumnElement[bool] | None = None) -> ColumnElement[bool]:
    """The viewer mutes none of these now; `only`: of the mutes, those that say this too."""
    in_force = or_(mutes.c.expires_ms.is_(None), mutes.c.expires_ms > NOW)
    muted = select(_ONE).select_from(mutes).where(mutes.c.actor_id == VIEWER, mutes.c.target_id.in_(people), in_force)
    if only is not None:
        muted = muted.where(only)
    return not_(exists(muted.correlate_except(mutes)))


def is_unblocked(*people: ColumnElement[Any]) -> ColumnElement[bool]:
    """Nobody of these blocks the viewer or is blocked by it."""
    block = select(_ONE).select_from(blocks)
    return and_(
        not_(exists(block.where(blocks.c.actor_id == VIEWER, blocks.c.target_id.in_(people)).correlate_except(blocks))),
        not_(exists(block.where(blocks.c.target_id == VIEWER, blocks.c.actor_id.in_(people)).correlate_except(blocks))),
    )


def _follows_author_of(what: Any) -> ColumnElement[bool]:
    return exists(
        select(_ONE)
        .select_from(follows)
        .where(follows.c.follower_id == VIEWER, follows.c.followed_id == what.c.actor_id, follows.c.accepted)
        .correlate_except(follows)
    )


def _may_see(what: Any) -> ColumnElement[bool]:
    is_mentioned = exists(
        select(_ONE)
        .select_from(mentions)
        .where(mentions.c.object_id == what.c.id, mentions.c.actor_id == VIEWER)
        .correlate_except(mentions)
    )
    blocked = exists(
        select(_ONE)
        .select_from(blocks)
        .where(blocks.c.actor_id == what.c.actor_id, blocks.c.target_id == VIEWER)
        .correlate_except(blocks)
    )
    return or_(
        what.c.actor_id == VIEWER,
        and_(
            not_(blocked),
            or_(what.c.visibility <= 1, is_mentioned, and_(what.c.visibility == 2, _follows_author_of(what))),
        ),
    )


def may_see_object() -> ColumnElement[bool]:
    """`domain.policy.may_see`, of the object alone."""
    return _may_see(objects)


def visible_to_viewer() -> ColumnElement[bool]:
    """`domain.policy.may_see`, of the object and of what it passes on."""
    return and_(_may_see(objects), or_(target.c.id.is_(None), _may_see(target)))


BY_IDS = Statement(select_entries(objects).where(one_of(objects.c.id, "ids"), is_present(), visible_to_viewer()))
BY_ID = Statement(select_entries(objects).where(objects.c.id == _ID, is_present(), visible_to_viewer()))

# Without asking who looks: for what was just made, and for the reader of a notification it belongs to.
VERSIONS = Statement(select_entries(objects).where(one_of(objects.c.id, "ids")))

RENDERED = Statement(
    select(
        objects,
        *POLL_COLUMNS,
        author.c.username,
        author.c.host.label("author_host"),
        author.c.sensitized_ms,
        apps.c.name.label("app_name"),
        apps.c.website.label("app_website"),
        quotes.c.state.label("quote_state"),
        quotes.c.quoted_id,
        quotes.c.quoted_actor_id,
        interaction_requests.c.state.label("request_state"),
        link_previews.c.card,
    )
    .select_from(
        objects.join(author, author.c.id == objects.c.actor_id)
        .outerjoin(polls, polls.c.object_id == objects.c.id)
        .outerjoin(quotes, quotes.c.object_id == objects.c.id)
        .outerjoin(interaction_requests, interaction_requests.c.object_id == objects.c.id)
        .outerjoin(apps, apps.c.id == objects.c.app_id)
        .outerjoin(object_previews, object_previews.c.object_id == objects.c.id)
        .outerjoin(link_previews, link_previews.c.id == object_previews.c.preview_id)
    )
    .where(one_of(objects.c.id, "ids"))
)

FLAGS = Statement(
    union_all(
        select(_number(LIKED).label("kind"), likes.c.object_id, _number(0))
        .select_from(likes)
        .where(likes.c.actor_id == VIEWER, one_of(likes.c.object_id, "ids"), likes.c.implied.is_(False)),
        select(_number(ANNOUNCED), objects.c.announce_of_id, _number(0))
        .select_from(objects)
        .where(objects.c.actor_id == VIEWER, one_of(objects.c.announce_of_id, "ids")),
        # What the viewer did and is not answered yet is done as far as they can see.
        select(
            case((interaction_requests.c.kind == "like", _number(LIKED)), else_=_number(ANNOUNCED)),
            interaction_requests.c.target_id,
            _number(0),
        )
        .select_from(interaction_requests)
        .where(
            interaction_requests.c.actor_id == VIEWER,
            one_of(interaction_requests.c.target_id, "ids"),
            interaction_requests.c.state == 0,
            interaction_requests.c.object_id.is_(None),
        ),
        select(_number(BOOKMARKED), bookmarks.c.object_id, _number(0))
        .select_from(bookmarks)
        .where(bookmarks.c.actor_id == VIEWER, one_of(bookmarks.c.object_id, "ids")),
        select(_number(PINNED), pins.c.object_id, _number(0))
        .select_from(pins)
        .where(pins.c.actor_id == VIEWER, one_of(pins.c.object_id, "ids")),
        select(_number(THREAD_MUTED), thread_mutes.c.thread_id, _number(0))
        .select_from(thread_mutes)
        .where(thread_mutes.c.actor_id == VIEWER, one_of(thread_mutes.c.thread_id, "thread_ids")),
    )
)
VOTES = Statement(
    select(votes.c.object_id, votes.c.choice)
    .where(votes.c.actor_id == VIEWER, one_of(votes.c.object_id, "ids"))
    .order_by(votes.c.choice)
)

AUTHOR, AUTHORS_HOST = (objects.c.actor_id,), (author.c.host,)
SPEAKERS, SPEAKERS_HOSTS = (objects.c.actor_id, target.c.actor_id), (author.c.host, target_author.c.host)
_is_author_heard = is_heard(objects.c.actor_id, author.c.silenced_ms)
# The whole thread in one go: its shape needs those too that the viewer may not see.
THREAD = Statement(
    select_entries(objects)
    .add_columns(
        objects.c.in_reply_to_id,
        and_(is_present(), visible_to_viewer(), is_unavoided(*AUTHOR, hosts=AUTHORS_HOST), _is_author_heard).label(
            "visible"
        ),
    )
    .where(
        objects.c.thread_id == bindparam("thread_id", type_=BigInteger()),
        objects.c.announce_of_id.is_(None),
    )
    .order_by(objects.c.id)
    .limit(bindparam("most", type_=Integer()))
)

OWN_ANNOUNCE = Statement(select(objects.c.id).where(objects.c.actor_id == VIEWER, objects.c.announce_of_id == _ID))
FOR_EDITING = Statement(
    select(
        objects.c.id,
        objects.c.actor_id,
        objects.c.announce_of_id,
        objects.c.visibility,
        objects.c.source,
        objects.c.content,
        objects.c.summary,
        objects.c.sensitive,
        objects.c.language,
        objects.c.in_reply_to_id,
        objects.c.attachments,
        objects.c.parts,
        objects.c.local,
        objects.c.thread_id,
        objects.c.app_id,
        objects.c.policy,
        *POLL_COLUMNS,
    )
    .select_from(objects.outerjoin(polls, polls.c.object_id == objects.c.id))
    .where(objects.c.id == _ID)
)
HISTORY = Statement(select(revisions).where(revisions.c.object_id == _ID).order_by(revisions.c.id))
ATTACHED_MEDIA = Statement(
    select(media.c.id, media.c.description, media.c.meta).where(
        one_of(media.c.id, "ids"),
        media.c.actor_id == VIEWER,
        or_(media.c.object_id.is_(None), media.c.object_id == _ID),
    )
)

# What the viewer does not want to read: filters in force with their words, and single objects.
FILTERS = Statement(
    select(
        filters.c.id,
        filters.c.title,
        filters.c.context,
        filters.c.action,
        filters.c.expires_ms,
        filter_keywords.c.keyword,
        filter_keywords.c.whole_word,
    )
    .select_from(filters.outerjoin(filter_keywords, filter_keywords.c.filter_id == filters.c.id))
    .where(filters.c.actor_id == VIEWER, or_(filters.c.expires_ms.is_(None), filters.c.expires_ms > NOW))
    .order_by(filters.c.id, filter_keywords.c.id)
)
FILTERED_OBJECTS = Statement(
    select(filter_objects.c.filter_id, filter_objects.c.object_id)
    .select_from(filter_objects.join(filters, filters.c.id == filter_objects.c.filter_id))
    .where(filters.c.actor_id == VIEWER)
)

# For open streams: who of these has the object at home, and who of these follows its author.
HOLDERS = Statement(
    select(home_entries.c.actor_id).where(home_entries.c.object_id == _ID, one_of(home_entries.c.actor_id, "ids"))
)
FOLLOWERS_AMONG = Statement(
    select(follows.c.follower_id).where(
        follows.c.followed_id == bindparam("author_id", type_=BigInteger()),
        follows.c.accepted,
        one_of(follows.c.follower_id, "ids"),
    )
)
ABOUT = Statement(
    select(objects.c.actor_id, objects.c.visibility, objects.c.local, objects.c.announce_of_id, objects.c.parts).where(
        objects.c.id == _ID
    )
)
