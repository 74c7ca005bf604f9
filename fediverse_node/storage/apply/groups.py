"""What is in groups, who has a say there, votes they tell of; and what relays answered."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, Boolean, LargeBinary, Text, bindparam, delete, update

from fediverse_node.domain.effects import (
    ChangeGroupPost,
    GroupBanKey,
    ModeratorKey,
    NewGroupBan,
    NewGroupPost,
    NewModerator,
    NewToldVote,
    SettleRelay,
    ToldVoteKey,
)
from fediverse_node.storage.apply.counting import count_objects
from fediverse_node.storage.statement import Statement, upsert
from fediverse_node.storage.tables import group_bans, group_moderators, group_posts, relays, told_votes
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

_OBJECT = bindparam("object", type_=BigInteger())
_GROUP = bindparam("group", type_=BigInteger())
_ACTOR = bindparam("actor", type_=BigInteger())
_VOTER = bindparam("voter_digest", type_=LargeBinary())
_OF_GROUP = (group_posts.c.object_id == _OBJECT, group_posts.c.group_id == _GROUP)
_SET_REMOVED = Statement(
    update(group_posts).where(*_OF_GROUP).values(removed=bindparam("new_removed", type_=Boolean()))
)
_SET_LOCKED = Statement(update(group_posts).where(*_OF_GROUP).values(locked=bindparam("new_locked", type_=Boolean())))
_UNBAN = Statement(delete(group_bans).where(group_bans.c.group_id == _GROUP, group_bans.c.actor_id == _ACTOR))
_BAN = upsert(group_bans, ("group_id", "actor_id", "created_ms", "expires_ms"), ("group_id", "actor_id"))
_DISMISS = Statement(
    delete(group_moderators).where(group_moderators.c.group_id == _GROUP, group_moderators.c.actor_id == _ACTOR)
)
_FORGET_VOTE = Statement(
    delete(told_votes)
    .where(told_votes.c.object_id == _OBJECT, told_votes.c.voter == _VOTER)
    .returning(told_votes.c.value)
)
_SETTLE_RELAY = Statement(
    update(relays)
    .where(relays.c.url == bindparam("relay_url", type_=Text()))
    .values(
        state=bindparam("new_state", type_=Text()),
        actor_uri=bindparam("new_actor", type_=Text()),
        answered_ms=bindparam("moment_ms", type_=BigInteger()),
    )
)


def insert_group_posts(records: Sequence[NewGroupPost]) -> Unit[None]:
    """Posts in groups; one that was taken out stays out."""
    if records:
        yield Insert(group_posts, [{"object_id": r.object_id, "group_id": r.group_id} for r in records])


def change_group_post(change: ChangeGroupPost) -> Unit[None]:
    """How a post stands in a group."""
    pair = {"object": change.object_id, "group": change.group_id}
    if change.removed is not None:
        yield Run(_SET_REMOVED, [{**pair, "new_removed": change.removed}])
    if change.locked is not None:
        yield Run(_SET_LOCKED, [{**pair, "new_locked": change.locked}])


def insert_told_votes(records: Sequence[NewToldVote]) -> Unit[None]:
    """Votes that groups tell of; one who votes the other way now has changed their mind."""
    for record in records:
        yield from remove_told_vote(ToldVoteKey(record.object_id, record.voter))
        row = {
            "object_id": record.object_id,
            "voter": record.voter,
            "group_id": record.group_id,
            "value": record.value,
        }
        yield Insert(told_votes, [row])
        if record.value > 0:
            yield from count_objects("likes_count", [record.object_id])


def remove_told_vote(key: ToldVoteKey) -> Unit[None]:
    """A vote that was told goes."""
    gone = yield Fetch(_FORGET_VOTE, {"object": key.object_id, "voter_digest": key.voter})
    if gone and gone[0]["value"] > 0:
        yield from count_objects("likes_count", [key.object_id], -1)


def insert_moderators(records: Sequence[NewModerator]) -> Unit[None]:
    """Who has a say in groups of ours."""
    if records:
        yield Insert(group_moderators, [{"group_id": r.group_id, "actor_id": r.actor_id} for r in records])


def remove_moderator(key: ModeratorKey) -> Unit[None]:
    """A say less."""
    yield Run(_DISMISS, [{"group": key.group_id, "actor": key.actor_id}])


def insert_group_bans(records: Sequence[NewGroupBan], now_ms: int) -> Unit[None]:
    """Who may not write in groups; a new ban takes the place of the one before."""
    rows = [
        {"group_id": r.group_id, "actor_id": r.actor_id, "created_ms": now_ms, "expires_ms": r.expires_ms}
        for r in records
    ]
    if rows:
        yield Run(_BAN, rows)


def remove_group_ban(key: GroupBanKey) -> Unit[None]:
    """Somebody may write again."""
    yield Run(_UNBAN, [{"group": key.group_id, "actor": key.actor_id}])


def settle_relay(change: SettleRelay, now_ms: int) -> Unit[None]:
    """What a relay has answered."""
    row = {"relay_url": change.url, "new_state": change.state, "new_actor": change.actor_uri, "moment_ms": now_ms}
    yield Run(_SETTLE_RELAY, [row])
