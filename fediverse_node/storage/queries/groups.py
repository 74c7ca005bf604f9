"""Groups and relays: whom we listen to, and what those who run this server ask and change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, func, or_, select

from fediverse_node.storage.statement import Statement, upsert
from fediverse_node.storage.tables import actors, follows, group_bans, group_moderators, group_posts, groups, relays
from fediverse_node.storage.unit import Run, Unit

_GROUP = bindparam("group_id", type_=BigInteger())

# A group elsewhere that somebody here follows.
TELLER = Statement(
    select(follows.c.id)
    .select_from(follows.join(actors, actors.c.id == follows.c.followed_id))
    .where(
        actors.c.uri == bindparam("uri", type_=Text()),
        actors.c.type == "Group",
        follows.c.follower_local,
        follows.c.accepted,
    )
    .limit(1)
)
RELAY_OF = Statement(
    select(relays.c.url).where(relays.c.actor_uri == bindparam("actor_uri", type_=Text()), relays.c.state == "accepted")
)
RELAYS = Statement(select(relays).order_by(relays.c.created_ms, relays.c.url))
RELAY = Statement(select(relays).where(relays.c.url == bindparam("url", type_=Text())))
_FORGET_RELAY = Statement(delete(relays).where(relays.c.url == bindparam("url", type_=Text())))
_PUT_RELAY = upsert(
    relays,
    ("url", "style", "inbox", "actor_uri", "follow_uri", "state", "created_ms"),
    ("url",),
    {"follow_uri": "follow_uri", "state": "state", "created_ms": "created_ms"},
)

# Groups of ours, with how many are in them and what they want.
OURS = Statement(
    select(
        actors.c.id,
        actors.c.username,
        actors.c.uri,
        actors.c.followers_count,
        actors.c.locked,
        func.coalesce(groups.c.posting, "members").label("posting"),
    )
    .select_from(actors.outerjoin(groups, groups.c.actor_id == actors.c.id))
    .where(actors.c.local, actors.c.type == "Group", actors.c.deleted_ms.is_(None))
    .order_by(actors.c.username)
)
MODERATORS = Statement(
    select(actors.c.id, actors.c.uri, actors.c.username, actors.c.host, actors.c.local)
    .select_from(group_moderators.join(actors, actors.c.id == group_moderators.c.actor_id))
    .where(group_moderators.c.group_id == _GROUP, actors.c.deleted_ms.is_(None))
    .order_by(actors.c.id)
)
BANS = Statement(
    select(actors.c.id, actors.c.username, actors.c.host, actors.c.local, group_bans.c.expires_ms)
    .select_from(group_bans.join(actors, actors.c.id == group_bans.c.actor_id))
    .where(
        group_bans.c.group_id == _GROUP,
        or_(group_bans.c.expires_ms.is_(None), group_bans.c.expires_ms > bindparam("now_ms", type_=BigInteger())),
    )
    .order_by(group_bans.c.created_ms)
)
POSTS_OF = Statement(
    select(group_posts.c.group_id, group_posts.c.removed, group_posts.c.locked).where(
        group_posts.c.object_id == bindparam("object_id", type_=BigInteger())
    )
)
INBOX_OF = Statement(select(actors.c.inbox).where(actors.c.id == bindparam("actor_id", type_=BigInteger())))
_SET_POSTING = upsert(groups, ("actor_id", "posting"), ("actor_id",), {"posting": "posting"})


def set_posting(group_id: int, posting: str) -> Unit[None]:
    """Who may write in a group of ours: everybody, members or moderators."""
    yield Run(_SET_POSTING, [{"actor_id": group_id, "posting": posting}])


def put_relay(row: Mapping[str, Any]) -> Unit[None]:
    """Remember a relay that is asked; of one that is known, that it is asked anew."""
    yield Run(_PUT_RELAY, [row])


def forget_relay(url: str) -> Unit[None]:
    """Nothing is taken from it or sent to it any more."""
    yield Run(_FORGET_RELAY, [{"url": url}])
