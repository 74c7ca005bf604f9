"""Rows to records: the one place where columns become what the domain reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Select, select

from fediverse_node.domain.effects import NewObject
from fediverse_node.domain.model import Actor, Follow, Object, Poll, visibility_of
from fediverse_node.storage.tables import actors, follows, objects, polls

Row = Any

ACTOR_COLUMNS = (
    actors.c.id,
    actors.c.uri,
    actors.c.type,
    actors.c.local,
    actors.c.username,
    actors.c.host,
    actors.c.inbox,
    actors.c.shared_inbox,
    actors.c.followers_uri,
    actors.c.featured_uri,
    actors.c.url,
    actors.c.locked,
    actors.c.suspended_ms,
    actors.c.deleted_ms,
    actors.c.moved_to_uri,
    actors.c.also_known_as,
)


def select_actor() -> Select[Any]:
    """A query whose rows `actor_of` reads."""
    return select(*ACTOR_COLUMNS)


def actor_of(row: Row) -> Actor:
    """An actor from a row of `select_actor`."""
    known_as = row["also_known_as"]
    return Actor(
        id=row["id"],
        uri=row["uri"],
        type=row["type"],
        local=bool(row["local"]),
        username=row["username"],
        host=row["host"],
        inbox=row["inbox"],
        shared_inbox=row["shared_inbox"],
        followers_uri=row["followers_uri"],
        featured_uri=row["featured_uri"],
        url=row["url"],
        locked=bool(row["locked"]),
        suspended=row["suspended_ms"] is not None,
        deleted=row["deleted_ms"] is not None,
        moved_to_uri=row["moved_to_uri"],
        also_known_as=() if known_as == "[]" else tuple(orjson.loads(known_as)),
    )


POLL_COLUMNS = (
    polls.c.options,
    polls.c.counts,
    polls.c.multiple,
    polls.c.hide_totals,
    polls.c.voters_count,
    polls.c.expires_ms,
    polls.c.closed_ms,
)


def select_object() -> Select[Any]:
    """A query whose rows `object_of` reads."""
    return select(
        objects.c.id,
        objects.c.uri,
        objects.c.type,
        objects.c.actor_id,
        objects.c.local,
        objects.c.visibility,
        objects.c.announce_of_id,
        objects.c.in_reply_to_id,
        objects.c.in_reply_to_actor_id,
        objects.c.thread_id,
        objects.c.published_ms,
        objects.c.updated_ms,
        *POLL_COLUMNS,
    ).select_from(objects.outerjoin(polls, polls.c.object_id == objects.c.id))


def object_of(row: Row) -> Object:
    """An object, slim, from a row of `select_object`."""
    return Object(
        id=row["id"],
        uri=row["uri"],
        type=row["type"],
        actor_id=row["actor_id"],
        local=bool(row["local"]),
        visibility=visibility_of(row["visibility"]),
        announce_of_id=row["announce_of_id"],
        in_reply_to_id=row["in_reply_to_id"],
        in_reply_to_actor_id=row["in_reply_to_actor_id"],
        thread_id=row["thread_id"],
        published_ms=row["published_ms"],
        updated_ms=row["updated_ms"],
        poll=poll_of(row),
    )


def poll_of(row: Row) -> Poll | None:
    """The poll in a row that has `POLL_COLUMNS`, or None."""
    if row["options"] is None:
        return None
    return Poll(
        options=tuple(orjson.loads(row["options"])),
        counts=tuple(orjson.loads(row["counts"])),
        multiple=bool(row["multiple"]),
        hide_totals=bool(row["hide_totals"]),
        voters_count=row["voters_count"],
        expires_ms=row["expires_ms"],
        closed_ms=row["closed_ms"],
    )


def select_full_object() -> Select[Any]:
    """A query whose rows `full_object_of` reads: everything that is stored of an object itself."""
    return select(objects, *POLL_COLUMNS).select_from(objects.outerjoin(polls, polls.c.object_id == objects.c.id))


def full_object_of(row: Row) -> NewObject:
    """An object, whole, from a row of `select_full_object`. Mentions and tags are in its parts."""
    parts = orjson.loads(row["parts"])
    return NewObject(
        id=row["id"],
        uri=row["uri"],
        type=row["type"],
        actor_id=row["actor_id"],
        local=bool(row["local"]),
        visibility=visibility_of(row["visibility"]),
        published_ms=row["published_ms"],
        url=row["url"],
        content=row["content"],
        source=row["source"],
        summary=row["summary"],
        sensitive=bool(row["sensitive"]),
        language=row["language"],
        announce_of_id=row["announce_of_id"],
        in_reply_to_uri=row["in_reply_to_uri"],
        in_reply_to_id=row["in_reply_to_id"],
        in_reply_to_actor_id=row["in_reply_to_actor_id"],
        thread_id=row["thread_id"],
        context_uri=row["context_uri"],
        parts=parts,
        attachments=tuple(orjson.loads(row["attachments"])),
        mention_ids=tuple(mention["id"] for mention in parts.get("mentions", ())),
        hashtags=tuple(parts.get("tags", ())),
        poll=poll_of(row),
        app_id=row["app_id"],
        updated_ms=row["updated_ms"],
    )


FOLLOW_COLUMNS = (
    follows.c.id,
    follows.c.uri,
    follows.c.follower_id,
    follows.c.followed_id,
    follows.c.accepted,
    follows.c.show_announces,
    follows.c.notify,
    follows.c.languages,
)


def follow_of(row: Row) -> Follow:
    """A follow from a row of `FOLLOW_COLUMNS`."""
    return Follow(
        id=row["id"],
        uri=row["uri"],
        follower_id=row["follower_id"],
        followed_id=row["followed_id"],
        accepted=bool(row["accepted"]),
        show_announces=bool(row["show_announces"]),
        notify=bool(row["notify"]),
        languages=languages_of(row["languages"]),
    )


def languages_of(stored: str | None) -> tuple[str, ...]:
    """The languages of a follow; none means all."""
    return tuple(orjson.loads(stored)) if stored else ()


def dump_json(value: Any) -> str:
    """JSON text for a column."""
    return orjson.dumps(value).decode()


def poll_values(object_id: int, poll: Poll) -> Mapping[str, Any]:
    """The row of a poll."""
    return {
        "object_id": object_id,
        "options": dump_json(list(poll.options)),
        "counts": dump_json(list(poll.counts)),
        "multiple": poll.multiple,
        "hide_totals": poll.hide_totals,
        "voters_count": poll.voters_count,
        "expires_ms": poll.expires_ms,
        "closed_ms": poll.closed_ms,
    }
