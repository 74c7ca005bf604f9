"""A post of ours from its recorded document: the record that its author's node had made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fediverse_node.base.clock import to_ms
from fediverse_node.domain.effects import NewObject
from fediverse_node.domain.interaction_policy import parse_policy
from fediverse_node.domain.model import Actor, Object, Poll
from fediverse_node.domain.names import Names
from fediverse_node.domain.reception import mention_of
from fediverse_node.protocol import html
from fediverse_node.protocol.addressing import Visibility, visibility
from fediverse_node.protocol.objects import ObjectDocument
from fediverse_node.protocol.polls import Poll as WirePoll

_NUMBER = re.compile(r"(?:/statuses/|/activities/[a-z]+/|#updates/|/flags/)(\d{10,19})(?:/activity)?$")
_EARLIEST_MS, _LATEST_MS = 1_262_304_000_000, 7_258_118_400_000


def number_in(uri: str) -> int | None:
    """The id from which an address of ours was made; None where it has none."""
    found = _NUMBER.search(uri)
    number = int(found.group(1)) if found else 0
    return number if _EARLIEST_MS < number >> 16 < _LATEST_MS else None


def visibility_of(document: Mapping[str, Any], author: Actor) -> Visibility:
    """For whom something of ours was."""
    to, cc = _listed(document.get("to")), _listed(document.get("cc"))
    return visibility(to, cc, author.followers_uri, author_uri=author.uri)


def record_of(
    document: ObjectDocument,
    id_: int,
    author: Actor,
    *,
    names: Names,
    parent: Object | None,
    people: Sequence[Actor],
    now_ms: int,
) -> NewObject:
    """The record of a new post. `people`: those whom it mentions, as far as they are known."""
    thread_id = (parent.thread_id or parent.id) if parent is not None else id_
    by_uri = {person.uri: person for person in people}
    named = [by_uri[mention.href] for mention in document.mentions if mention.href in by_uri]
    stated = document.context or document.conversation
    return NewObject(
        id=id_,
        uri=document.id,
        type=document.type,
        actor_id=author.id,
        local=True,
        visibility=visibility(document.to, document.cc, author.followers_uri, author_uri=author.uri),
        published_ms=to_ms(document.published) if document.published else now_ms,
        url=document.url,
        content=document.content,
        source=html.to_plain_text(document.content),
        summary=document.summary,
        sensitive=document.sensitive,
        language=document.language,
        in_reply_to_uri=document.in_reply_to,
        in_reply_to_id=parent.id if parent is not None else None,
        in_reply_to_actor_id=parent.actor_id if parent is not None else None,
        thread_id=thread_id,
        context_uri=stated if stated != names.context(thread_id) else None,
        parts={
            "mentions": [mention_of(person) for person in dict.fromkeys(named)],
            "tags": list(dict.fromkeys(tag.lower() for tag in document.hashtags)),
            **({"quote": document.quote} if document.quote else {}),
            **({"quote_stamp": document.quote_authorization} if document.quote_authorization else {}),
        },
        attachments=tuple(
            {
                "id": id_ + position + 1,
                "type": item.type,
                "remote_url": item.url,
                "media_type": item.media_type,
                "description": item.name,
                "blurhash": item.blurhash,
                "focus": list(item.focus) if item.focus else None,
                "width": item.width,
                "height": item.height,
                "duration_s": item.duration_s,
            }
            for position, item in enumerate(document.attachments)
        ),
        mention_ids=tuple(person.id for person in named),
        hashtags=tuple(dict.fromkeys(tag.lower() for tag in document.hashtags)),
        poll=_poll(document.poll) if document.poll is not None else None,
        policy=parse_policy(document.interaction_policy, author),
        updated_ms=to_ms(document.updated) if document.updated else None,
    )


def _poll(poll: WirePoll) -> Poll:
    return Poll(
        options=tuple(name for name, _ in poll.options),
        counts=tuple(count for _, count in poll.options),
        multiple=poll.multiple,
        voters_count=poll.voters_count,
        expires_ms=to_ms(poll.end_time) if poll.end_time else None,
    )


def _listed(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
