"""What the outbox has to know before a local actor acts."""

from __future__ import annotations

from sqlalchemy import BigInteger, Text, bindparam, func, or_, select

from fediverse_node.storage.rows import select_actor, select_full_object
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import (
    actors,
    blocks,
    interaction_requests,
    likes,
    media,
    objects,
    pins,
    quotes,
    votes,
)

ACTOR = Statement(select_actor().where(actors.c.id == bindparam("id_", type_=BigInteger())))
PROFILE = Statement(select(actors).where(actors.c.id == bindparam("actor_id", type_=BigInteger()), actors.c.local))
ACTOR_BY_HANDLE = Statement(
    select(actors.c.id, actors.c.uri, actors.c.deleted_ms).where(
        func.lower(actors.c.username) == bindparam("username", type_=Text()),
        actors.c.host == bindparam("host", type_=Text()),
    )
)
OBJECT = Statement(select_full_object().where(objects.c.id == bindparam("id_", type_=BigInteger())))
OBJECT_URI = Statement(select(objects.c.uri).where(objects.c.id == bindparam("id_", type_=BigInteger())))
QUOTED = Statement(
    select(objects.c.uri, objects.c.url).where(
        objects.c.id == bindparam("id_", type_=BigInteger()), objects.c.announce_of_id.is_(None)
    )
)
QUOTED_IN = Statement(
    select(quotes.c.quoted_uri, objects.c.url)
    .select_from(quotes.outerjoin(objects, objects.c.id == quotes.c.quoted_id))
    .where(quotes.c.object_id == bindparam("id_", type_=BigInteger()))
)
WAITING_REQUEST = Statement(
    select(interaction_requests.c.id).where(
        interaction_requests.c.actor_id == bindparam("actor", type_=BigInteger()),
        interaction_requests.c.target_id == bindparam("object", type_=BigInteger()),
        interaction_requests.c.kind == bindparam("kind", type_=Text()),
        interaction_requests.c.state == 0,
    )
)
LIKE_URI = Statement(
    select(likes.c.uri).where(
        likes.c.actor_id == bindparam("actor", type_=BigInteger()),
        likes.c.object_id == bindparam("object", type_=BigInteger()),
        likes.c.implied.is_(False),
    )
)
BLOCK_URI = Statement(
    select(blocks.c.uri).where(
        blocks.c.actor_id == bindparam("actor", type_=BigInteger()),
        blocks.c.target_id == bindparam("target", type_=BigInteger()),
    )
)
PINS_COUNT = Statement(
    select(func.count()).select_from(pins).where(pins.c.actor_id == bindparam("actor", type_=BigInteger()))
)
MEDIA = Statement(
    select(media).where(
        one_of(media.c.id, "ids"),
        media.c.actor_id == bindparam("actor", type_=BigInteger()),
    )
)
# Everybody elsewhere who has a copy without following: those mentioned, who passed it on or answered it.
HOLDERS = Statement(
    select(actors.c.id)
    .distinct()
    .select_from(actors.join(objects, objects.c.actor_id == actors.c.id))
    .where(
        or_(
            objects.c.announce_of_id == bindparam("id_", type_=BigInteger()),
            objects.c.in_reply_to_id == bindparam("id_", type_=BigInteger()),
        ),
        actors.c.local.is_(False),
    )
)
QUOTERS = Statement(
    select(actors.c.id)
    .distinct()
    .select_from(quotes.join(actors, actors.c.id == quotes.c.actor_id))
    .where(quotes.c.quoted_id == bindparam("id_", type_=BigInteger()), actors.c.local.is_(False))
)
# Those elsewhere who liked it have one too; it may be that they do not follow (any more).
LIKERS = Statement(
    select(actors.c.id)
    .select_from(likes.join(actors, actors.c.id == likes.c.actor_id))
    .where(likes.c.object_id == bindparam("id_", type_=BigInteger()), actors.c.local.is_(False))
)
INSTANCE_ACTOR = Statement(select(actors.c.id).where(actors.c.uri == bindparam("uri", type_=Text())))
VOTERS = Statement(
    select(votes.c.actor_id, actors.c.local)
    .distinct()
    .select_from(votes.join(actors, actors.c.id == votes.c.actor_id))
    .where(votes.c.object_id == bindparam("id_", type_=BigInteger()))
)
