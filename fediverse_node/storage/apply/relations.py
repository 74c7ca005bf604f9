"""Follows and blocks, with what they do to counters and home timelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import BigInteger, Boolean, Integer, Text, bindparam, delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from fediverse_node.domain.effects import AcceptFollow, BlockKey, FollowKey, NewBlock, NewFollow
from fediverse_node.domain.model import Visibility, visibility_code
from fediverse_node.storage.apply.counting import count_actors
from fediverse_node.storage.rows import dump_json
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import (
    blocks,
    endorsements,
    featured_collections,
    featured_items,
    follows,
    home_entries,
    notifications,
    objects,
)
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

RECENT_POSTS = 40
_FOLLOWERS = visibility_code(Visibility.FOLLOWERS)

_ONE = bindparam("one", type_=BigInteger())
_OTHER = bindparam("other", type_=BigInteger())
_SET_OPTIONS = Statement(
    update(follows)
    .where(follows.c.follower_id == _ONE, follows.c.followed_id == _OTHER)
    .values(
        uri=bindparam("new_uri", type_=Text()),
        show_announces=bindparam("new_show", type_=Boolean()),
        notify=bindparam("new_notify", type_=Boolean()),
        languages=bindparam("new_languages", type_=Text()),
    )
)
_ACCEPT = Statement(
    update(follows)
    .where(follows.c.follower_id == _ONE, follows.c.followed_id == _OTHER, follows.c.accepted.is_(False))
    .values(accepted=True)
    .returning(follows.c.follower_local, follows.c.show_announces)
)
_UNFOLLOW = Statement(
    delete(follows)
    .where(follows.c.follower_id == _ONE, follows.c.followed_id == _OTHER)
    .returning(follows.c.accepted, follows.c.follower_local)
)
_LEAVE_HOME = Statement(
    delete(home_entries).where(
        home_entries.c.actor_id == _ONE,
        exists(
            select(1)
            .where(objects.c.id == home_entries.c.object_id, objects.c.actor_id == _OTHER)
            .correlate(home_entries)
        ),
    )
)
_UNBLOCK = Statement(delete(blocks).where(blocks.c.actor_id == _ONE, blocks.c.target_id == _OTHER))
_UNENDORSE = Statement(delete(endorsements).where(endorsements.c.actor_id == _ONE, endorsements.c.target_id == _OTHER))
_UNFEATURE = Statement(
    delete(featured_items).where(
        featured_items.c.actor_id == _OTHER,
        featured_items.c.collection_id.in_(
            select(featured_collections.c.id).where(featured_collections.c.actor_id == _ONE)
        ),
    )
)
_FORGET_NOTIFICATIONS = Statement(
    delete(notifications).where(notifications.c.actor_id == _ONE, notifications.c.from_actor_id == _OTHER)
)
_FORGET_FOLLOW_NOTIFICATIONS = Statement(
    delete(notifications).where(
        notifications.c.actor_id == _OTHER,
        notifications.c.from_actor_id == _ONE,
        notifications.c.type.in_(["follow", "follow_request"]),
    )
)


def _backfill() -> Statement:
    recent = (
        select(_ONE, objects.c.id)
        .where(
            objects.c.actor_id == _OTHER,
            objects.c.visibility <= _FOLLOWERS,
            or_(objects.c.announce_of_id.is_(None), bindparam("with_announces", type_=Boolean())),
            or_(objects.c.in_reply_to_uri.is_(None), objects.c.in_reply_to_actor_id == objects.c.actor_id),
        )
        .order_by(objects.c.id.desc())
        .limit(bindparam("most", type_=Integer()))
    )
    clauses = [
        dialect_insert(home_entries).from_select(["actor_id", "object_id"], recent).on_conflict_do_nothing()
        for dialect_insert in (sqlite.insert, postgresql.insert)
    ]
    return Statement(clauses[0], for_postgresql=clauses[1])


_BACKFILL = _backfill()


def insert_follows(records: Sequence[NewFollow]) -> Unit[None]:
    """Follows and requests. One that exists takes the new options and keeps its state."""
    for record in records:
        pair = {"one": record.follower_id, "other": record.followed_id}
        languages = dump_json(list(record.languages)) if record.languages else None
        row = {
            "id": record.id,
            "uri": record.uri,
            "follower_id": record.follower_id,
            "followed_id": record.followed_id,
            "accepted": record.accepted,
            "follower_local": record.follower_local,
            "show_announces": record.show_announces,
            "notify": record.notify,
            "languages": languages,
            "created_ms": record.created_ms,
        }
        inserted = yield Insert(follows, [row])
        if not inserted:
            options = {
                **pair,
                "new_uri": record.uri,
                "new_show": record.show_announces,
                "new_notify": record.notify,
                "new_languages": languages,
            }
            yield Run(_SET_OPTIONS, [options])
        elif record.accepted:
            yield from _begin(pair, local=record.follower_local, with_announces=record.show_announces)


def accept_follow(change: AcceptFollow) -> Unit[None]:
    """A request becomes a follow."""
    pair = {"one": change.follower_id, "other": change.followed_id}
    for row in (yield Fetch(_ACCEPT, pair)):
        yield from _begin(pair, local=bool(row["follower_local"]), with_announces=bool(row["show_announces"]))


def _begin(pair: Mapping[str, int], *, local: bool, with_announces: bool) -> Unit[None]:
    yield from count_actors("following_count", [pair["one"]])
    yield from count_actors("followers_count", [pair["other"]])
    if local:
        yield Run(_BACKFILL, [{**pair, "most": RECENT_POSTS, "with_announces": with_announces}])


def remove_follow(key: FollowKey) -> Unit[None]:
    """A follow or request ends; what the other said leaves the reader's home timeline."""
    pair = {"one": key.follower_id, "other": key.followed_id}
    rows = yield Fetch(_UNFOLLOW, pair)
    if not rows:
        return
    yield Run(_FORGET_FOLLOW_NOTIFICATIONS, [pair])
    if rows[0]["accepted"]:
        yield from count_actors("following_count", [key.follower_id], -1)
        yield from count_actors("followers_count", [key.followed_id], -1)
        if rows[0]["follower_local"]:
            yield Run(_LEAVE_HOME, [pair])
            # One shows on one's profile only whom one follows.
            yield Run(_UNENDORSE, [pair])


def insert_blocks(records: Sequence[NewBlock]) -> Unit[None]:
    """Blocks: nobody follows anybody any more, and nothing of the other is shown or told."""
    for record in records:
        yield Insert(
            blocks,
            [{"id": record.id, "actor_id": record.actor_id, "target_id": record.target_id, "uri": record.uri}],
        )
        yield from remove_follow(FollowKey(record.actor_id, record.target_id))
        yield from remove_follow(FollowKey(record.target_id, record.actor_id))
        pair = {"one": record.actor_id, "other": record.target_id}
        yield Run(_FORGET_NOTIFICATIONS, [pair])
        both = [pair, {"one": record.target_id, "other": record.actor_id}]
        yield Run(_LEAVE_HOME, both)
        yield Run(_UNFEATURE, both)


def remove_block(key: BlockKey) -> Unit[None]:
    """The block ends; follows do not come back by themselves."""
    yield Run(_UNBLOCK, [{"one": key.actor_id, "other": key.target_id}])
