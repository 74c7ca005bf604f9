"""Who follows whom, as two servers compare it.  spec: fep-8fcf"""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, Text, bindparam, func, select

from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, follows

_ACTOR = bindparam("actor_id", type_=BigInteger())
_MOST = bindparam("most", type_=Integer())
_BEGINNING = bindparam("beginning", type_=Text())

_followers = (
    select(actors.c.uri)
    .select_from(follows.join(actors, actors.c.id == follows.c.follower_id))
    .where(follows.c.followed_id == _ACTOR, follows.c.accepted)
)
# What an actor of ours has elsewhere.
FOLLOWERS_ELSEWHERE = Statement(_followers.where(actors.c.local.is_(False), actors.c.deleted_ms.is_(None)).limit(_MOST))
# The same of one server, whose ids begin with `beginning`.
FOLLOWERS_THERE = Statement(
    _followers.where(
        actors.c.local.is_(False),
        actors.c.deleted_ms.is_(None),
        func.substr(actors.c.uri, 1, func.length(_BEGINNING)) == _BEGINNING,
    )
    .order_by(actors.c.uri)
    .limit(_MOST)
)
# Who of ours follows somebody elsewhere.
FOLLOWERS_HERE = Statement(_followers.where(follows.c.follower_local).limit(_MOST))
FOLLOWED = Statement(
    select(actors.c.id, actors.c.uri, actors.c.followers_uri, actors.c.local, actors.c.deleted_ms).where(
        actors.c.uri == bindparam("uri", type_=Text())
    )
)
OWNER = Statement(select(actors.c.uri, actors.c.followers_uri).where(actors.c.id == _ACTOR, actors.c.local))
# Which of these live here, so that they can say something.
OURS = Statement(
    select(actors.c.uri).where(
        one_of(actors.c.uri, "uris"), actors.c.local, actors.c.deleted_ms.is_(None), actors.c.suspended_ms.is_(None)
    )
)
