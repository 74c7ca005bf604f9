"""A draft becomes an object: text to HTML, people and tags recognised, place in its thread.

Who is meant by `@user@host` is found out before, because that may need the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from fediverse_node.domain.effects import NewObject
from fediverse_node.domain.facts import World
from fediverse_node.domain.model import Actor, Object
from fediverse_node.domain.reception import mention_of
from fediverse_node.outbox.draft import Draft
from fediverse_node.protocol import plain_text

Row = Any


def new_object(
    draft: Draft,
    author: Actor,
    *,
    world: World,
    parent: Object | None,
    people: Mapping[str, Actor],
    media: Sequence[Row],
    parent_uri: str | None = None,
) -> NewObject:
    """The record of something new. `people`: `plain_text.handle_key` -> whom the text means."""
    id_ = world.ids.next()
    now_ms = world.clock.now_ms()
    return NewObject(
        id=id_,
        uri=world.names.object(author.username, id_),
        type="Question" if draft.poll else "Note",
        actor_id=author.id,
        local=True,
        visibility=draft.visibility,
        published_ms=now_ms,
        url=world.names.object_page(author.username, id_),
        in_reply_to_uri=parent_uri,
        in_reply_to_id=parent.id if parent else None,
        in_reply_to_actor_id=parent.actor_id if parent else None,
        thread_id=(parent.thread_id or parent.id) if parent else id_,
        poll=draft.poll,
        app_id=draft.app_id,
        **said(draft, world=world, people=people, media=media),
    )


def said(draft: Draft, *, world: World, people: Mapping[str, Actor], media: Sequence[Row]) -> dict[str, Any]:
    """The columns that an edit renews too."""
    named = list({person.id: person for person in people.values()}.values())
    mentions = {key: (person.url or person.uri, person.acct) for key, person in people.items()}
    hashtags = plain_text.extract_hashtags(draft.text)
    return {
        "content": plain_text.render(draft.text, mentions, world.names.hashtag_page),
        "source": draft.text,
        "summary": draft.summary,
        "sensitive": draft.sensitive or bool(draft.summary),
        "language": draft.language,
        "parts": {"mentions": [mention_of(person) for person in named], "tags": [t.lower() for t in hashtags]},
        "attachments": tuple(attachment_of_media(row) for row in media),
        "mention_ids": tuple(person.id for person in named),
        "hashtags": tuple(dict.fromkeys(tag.lower() for tag in hashtags)),
        "media_ids": tuple(row["id"] for row in media),
    }


def attachment_of_media(row: Row) -> dict[str, Any]:
    """An upload as stored beside the text."""
    meta = orjson.loads(row["meta"])
    original, focus = meta.get("original") or {}, meta.get("focus")
    return {
        "id": row["id"],
        "type": row["type"],
        "path": row["path"],
        "preview_path": row["preview_path"],
        "media_type": row["media_type"],
        "description": row["description"],
        "blurhash": row["blurhash"],
        "focus": [focus["x"], focus["y"]] if focus else None,
        "width": original.get("width"),
        "height": original.get("height"),
        "duration_s": original.get("duration"),
    }
