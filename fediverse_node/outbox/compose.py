"""A draft becomes an object: text to HTML, people and tags recognised, place in its thread.

Who is meant by `@user@host` is found out before, because that may need the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import orjson

from fediverse_node.domain.effects import NewObject
from fediverse_node.domain.facts import World
from fediverse_node.domain.model import Actor, Object
from fediverse_node.domain.reception import mention_of
from fediverse_node.outbox.draft import Draft, Written
from fediverse_node.protocol import plain_text

Row = Any
# What an edit by a client that does not know of it leaves as it is. The source is rendered anew in any case.
OF_WRITTEN = ("title", "also_for", "unnamed")


@dataclass(frozen=True, slots=True)
class Quoted:
    """What a post quotes: its id, and the page that people open."""

    uri: str
    url: str


def new_object(
    draft: Draft,
    author: Actor,
    *,
    world: World,
    parent: Object | None,
    people: Mapping[str, Actor],
    media: Sequence[Row],
    parent_uri: str | None = None,
    quoted: Quoted | None = None,
) -> NewObject:
    """The record of something new. `people`: `plain_text.handle_key` -> whom the text means."""
    id_ = world.ids.next()
    now_ms = world.clock.now_ms()
    return NewObject(
        id=id_,
        uri=world.names.object(author.username, id_),
        type="Question" if draft.poll else draft.written.type if draft.written else "Note",
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
        policy=draft.policy,
        **said(draft, world=world, people=people, media=media, quoted=quoted),
    )


def said(
    draft: Draft,
    *,
    world: World,
    people: Mapping[str, Actor],
    media: Sequence[Row],
    quoted: Quoted | None = None,
) -> dict[str, Any]:
    """The columns that an edit renews too."""
    everybody = list({person.id: person for person in people.values()}.values())
    mentions = {key: (person.url or person.uri, person.acct) for key, person in people.items()}
    hashtags = hashtags_of(draft)
    written = draft.written
    content = written.content if written is not None else None
    if content is None:
        content = plain_text.render(draft.text, mentions, world.names.hashtag_page)
    kept_back = written.silent_ids | written.unnamed_ids if written is not None else frozenset()
    named = [person for person in everybody if person.id not in kept_back]
    return {
        "content": _with_link(content, draft.text, quoted),
        "source": draft.text,
        "summary": draft.summary,
        "sensitive": draft.sensitive or bool(draft.summary),
        "language": draft.language,
        "parts": {
            "mentions": [mention_of(person) for person in named],
            "tags": [t.lower() for t in hashtags],
            **(_also_said(written, everybody) if written is not None else {}),
        },
        "attachments": tuple(attachment_of_media(row) for row in media),
        "mention_ids": tuple(person.id for person in everybody),
        "hashtags": tuple(dict.fromkeys(tag.lower() for tag in hashtags)),
        "media_ids": tuple(row["id"] for row in media),
    }


def hashtags_of(draft: Draft) -> tuple[str, ...]:
    """The hashtags of a draft, without `#`, as written."""
    return draft.written.hashtags if draft.written is not None else plain_text.extract_hashtags(draft.text)


def _also_said(written: Written, people: Sequence[Actor]) -> dict[str, Any]:
    """What only ActivityPub clients say. Who is not named stands here by number alone, and in no document."""
    silent = [{"id": person.id, "uri": person.uri} for person in people if person.id in written.silent_ids]
    return {
        **({"also_for": silent} if silent else {}),
        **({"unnamed": sorted(written.unnamed_ids)} if written.unnamed_ids else {}),
        **({"title": written.title} if written.title else {}),
        **({"source_type": written.source_type} if written.source_type else {}),
    }


def _with_link(content: str, text: str, quoted: Quoted | None) -> str:
    """A link to what is quoted, for readers whose server or app does not know quotes; others hide it by its class."""
    if quoted is None or quoted.uri in text or quoted.url in text:
        return content
    address = escape(quoted.url)
    link = f'<a href="{address}" rel="nofollow noopener noreferrer" target="_blank">{address}</a>'
    return f'<p class="quote-inline">RE: {link}</p>{content}'


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
