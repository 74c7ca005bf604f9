"""What became of the deliveries of a post, and who at a host was to get it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Text, bindparam, func, or_, select, union

from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import (
    actors,
    deliveries,
    domain_blocks,
    follows,
    home_entries,
    mentions,
    notifications,
    objects,
    payloads,
)

_OBJECT = bindparam("object_uri", type_=Text())
_HOST = bindparam("host", type_=Text())
_author = actors.alias("author")

# The id of a post whose page is at an address.
BY_PAGE = Statement(select(objects.c.uri).where(objects.c.url == bindparam("page_url", type_=Text())).limit(1))
# Newest first. States: fediverse_node.storage.queries.deliveries.
DELIVERIES = Statement(
    select(
        payloads.c.uri,
        payloads.c.type,
        deliveries.c.inbox,
        deliveries.c.state,
        deliveries.c.attempts,
        deliveries.c.due_ms,
        deliveries.c.done_ms,
        deliveries.c.last_error,
    )
    .select_from(
        deliveries.join(payloads, payloads.c.id == deliveries.c.payload_id).join(
            objects, objects.c.id == payloads.c.object_id
        )
    )
    .where(objects.c.uri == _OBJECT, deliveries.c.host == _HOST)
    .order_by(deliveries.c.id.desc())
)
# All of a post, in the order in which they were to leave.
RECEIPTS = Statement(
    select(
        payloads.c.id.label("payload_id"),
        payloads.c.uri,
        payloads.c.type,
        deliveries.c.inbox,
        deliveries.c.host,
        deliveries.c.state,
        deliveries.c.attempts,
        deliveries.c.due_ms,
        deliveries.c.done_ms,
        deliveries.c.last_error,
    )
    .select_from(deliveries.join(payloads, payloads.c.id == deliveries.c.payload_id))
    .where(payloads.c.object_id == bindparam("object_id", type_=BigInteger()))
    .order_by(deliveries.c.id)
)
BY_NAME = Statement(
    select(
        objects.c.id,
        objects.c.uri,
        objects.c.local,
        objects.c.visibility,
        objects.c.published_ms,
        objects.c.actor_id,
        _author.c.username,
    )
    .join(_author, _author.c.id == objects.c.actor_id)
    .where(
        or_(
            objects.c.uri == bindparam("name", type_=Text()),
            objects.c.url == bindparam("name", type_=Text()),
            objects.c.id == bindparam("number", type_=BigInteger()),
        )
    )
    .limit(1)
)
# Who at a host follows the author of an object, or has asked to.
FOLLOWERS_AT = Statement(
    select(actors.c.uri, actors.c.username, actors.c.host, follows.c.accepted)
    .select_from(
        objects.join(follows, follows.c.followed_id == objects.c.actor_id).join(
            actors, actors.c.id == follows.c.follower_id
        )
    )
    .where(objects.c.uri == _OBJECT, actors.c.host == _HOST)
    .order_by(actors.c.username)
)
MENTIONED_AT = Statement(
    select(actors.c.uri, actors.c.username, actors.c.host)
    .select_from(
        objects.join(mentions, mentions.c.object_id == objects.c.id).join(actors, actors.c.id == mentions.c.actor_id)
    )
    .where(objects.c.uri == _OBJECT, actors.c.host == _HOST)
    .order_by(actors.c.username)
)
# The rules that may hold for a host, whose names are given; the nearest first, which counts.
RULES = Statement(
    select(domain_blocks.c.severity)
    .where(one_of(domain_blocks.c.host, "hosts"))
    .order_by(func.length(domain_blocks.c.host).desc())
)
# Whose app shows it unasked: at home or as a notification.
SHOWN_TO = Statement(
    union(
        select(actors.c.username)
        .select_from(
            home_entries.join(objects, objects.c.id == home_entries.c.object_id).join(
                actors, actors.c.id == home_entries.c.actor_id
            )
        )
        .where(objects.c.uri == _OBJECT),
        select(actors.c.username)
        .select_from(
            notifications.join(objects, objects.c.id == notifications.c.object_id).join(
                actors, actors.c.id == notifications.c.actor_id
            )
        )
        .where(objects.c.uri == _OBJECT),
    )
)
SAID = Statement(
    select(objects.c.visibility, objects.c.local, _author.c.uri.label("author_uri"), _author.c.username)
    .join(_author, _author.c.id == objects.c.actor_id)
    .where(objects.c.uri == _OBJECT)
)
