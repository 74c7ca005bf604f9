"""Rows to records: the one place where columns become what the domain reads."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Select, select

from fediverse_node.domain.effects import NewObject
from fediverse_node.domain.interaction_policy import policy_of_plain
from fediverse_node.domain.model import (
    Actor,
    Approval,
    Follow,
    Interaction,
    InteractionPolicy,
    InteractionRequest,
    Object,
    Poll,
    Quote,
    visibility_code,
    visibility_of,
)
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
    actors.c.moved_ms,
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
        moved_ms=row["moved_ms"],
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
        objects.c.policy,
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
        policy=policy_of(row["policy"]),
    )


@functools.lru_cache(maxsize=1024)
def policy_of(stored: str | None) -> InteractionPolicy | None:
    """What others may do with an object, from its column."""
    return policy_of_plain(orjson.loads(stored)) if stored is not None else None


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
        activity_uri=row["activity_uri"],
        parts=parts,
        attachments=tuple(orjson.loads(row["attachments"])),
        mention_ids=_told_ids(parts),
        hashtags=tuple(parts.get("tags", ())),
        poll=poll_of(row),
        app_id=row["app_id"],
        updated_ms=row["updated_ms"],
        policy=policy_of(row["policy"]),
    )


def _told_ids(parts: Mapping[str, Any]) -> tuple[int, ...]:
    """Whom an object is for in person: those it names, those it only addresses, those that it keeps to itself."""
    named = (*parts.get("mentions", ()), *parts.get("also_for", ()))
    return (*(person["id"] for person in named), *parts.get("unnamed", ()))


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


APPROVAL_CODES = {
    Approval.PENDING: 0,
    Approval.ACCEPTED: 1,
    Approval.REJECTED: 2,
    Approval.REVOKED: 3,
    Approval.DELETED: 4,
}
_APPROVALS = {code: approval for approval, code in APPROVAL_CODES.items()}


def quote_of(row: Row) -> Quote:
    """A quote from a row of `quotes`."""
    return Quote(
        object_id=row["object_id"],
        actor_id=row["actor_id"],
        quoted_uri=row["quoted_uri"],
        quoted_id=row["quoted_id"],
        quoted_actor_id=row["quoted_actor_id"],
        state=_APPROVALS[row["state"]],
        stamp_uri=row["stamp_uri"],
        request_uri=row["request_uri"],
        checked_ms=row["checked_ms"],
    )


def quote_values(quote: Quote) -> dict[str, Any]:
    """The row of a quote."""
    return {
        "object_id": quote.object_id,
        "actor_id": quote.actor_id,
        "quoted_uri": quote.quoted_uri,
        "quoted_id": quote.quoted_id,
        "quoted_actor_id": quote.quoted_actor_id,
        "state": APPROVAL_CODES[quote.state],
        "stamp_uri": quote.stamp_uri,
        "request_uri": quote.request_uri,
        "checked_ms": quote.checked_ms,
    }


def request_of(row: Row) -> InteractionRequest:
    """A request from a row of `interaction_requests`."""
    reach = row["visibility"]
    return InteractionRequest(
        id=row["id"],
        kind=Interaction(row["kind"]),
        actor_id=row["actor_id"],
        target_id=row["target_id"],
        target_actor_id=row["target_actor_id"],
        uri=row["uri"],
        state=_APPROVALS[row["state"]],
        object_id=row["object_id"],
        request_uri=row["request_uri"],
        stamp_uri=row["stamp_uri"],
        visibility=visibility_of(reach) if reach is not None else None,
        created_ms=row["created_ms"],
    )


def request_values(request: InteractionRequest, *, now_ms: int) -> dict[str, Any]:
    """The row of a request."""
    return {
        "id": request.id,
        "kind": request.kind.value,
        "actor_id": request.actor_id,
        "target_id": request.target_id,
        "target_actor_id": request.target_actor_id,
        "object_id": request.object_id,
        "uri": request.uri,
        "state": APPROVAL_CODES[request.state],
        "request_uri": request.request_uri,
        "stamp_uri": request.stamp_uri,
        "visibility": visibility_code(request.visibility) if request.visibility is not None else None,
        "created_ms": request.created_ms,
        "decided_ms": None if request.state is Approval.PENDING else now_ms,
    }


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
