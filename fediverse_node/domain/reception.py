"""What another server's object becomes here: text sanitised, people and tags recognised, place in its thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fediverse_node.base.clock import to_ms
from fediverse_node.domain.effects import NewObject
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.interaction_policy import parse_policy
from fediverse_node.domain.model import Actor, Object, Poll
from fediverse_node.domain.searching import searchable_of
from fediverse_node.protocol import html
from fediverse_node.protocol.addressing import visibility
from fediverse_node.protocol.attachments import Attachment
from fediverse_node.protocol.html_conversion import names_of
from fediverse_node.protocol.objects import ObjectDocument
from fediverse_node.protocol.polls import Poll as WirePoll
from fediverse_node.protocol.reading import uri
from fediverse_node.protocol.text_html import preview_html, text_html

ABSENT_LIMIT = 10


def participants(document: ObjectDocument) -> tuple[str, ...]:
    """URIs of those whom the object names or addresses, the groups among them that it is in."""
    named = (mention.href for mention in document.mentions)
    return tuple(dict.fromkeys((*named, *document.to, *document.cc, *document.groups)))


def addressed(document: ObjectDocument, facts: Facts) -> tuple[Actor, ...]:
    """The known actors whom the object names or addresses, its author left out."""
    found = (facts.actor(uri) for uri in participants(document))
    return tuple(actor for actor in found if actor is not None and actor.uri != document.attributed_to)


def received_object(document: ObjectDocument, author: Actor, parent: Object | None, facts: Facts) -> NewObject:
    """The record of a remote object, with a new id in the order of time."""
    people = addressed(document, facts)
    content = content_of(document, people)
    published_ms = to_ms(document.published) if document.published else facts.now_ms()
    id_ = facts.world.ids.at(document.published) if document.published else facts.world.ids.next()
    return NewObject(
        id=id_,
        uri=document.id,
        type=document.type,
        actor_id=author.id,
        local=False,
        visibility=visibility(document.to, document.cc, author.followers_uri, author_uri=author.uri),
        published_ms=min(published_ms, facts.now_ms()),
        url=document.url,
        content=content,
        summary=html.to_plain_text(document.content_warning) if document.content_warning else "",
        sensitive=document.sensitive or bool(document.content_warning),
        language=document.language,
        in_reply_to_uri=document.in_reply_to,
        in_reply_to_id=parent.id if parent else None,
        in_reply_to_actor_id=parent.actor_id if parent else None,
        thread_id=(parent.thread_id or parent.id) if parent else id_,
        context_uri=document.context or document.conversation,
        parts=parts_of(document, people),
        attachments=tuple(attachment_of(item, facts) for item in document.attachments),
        mention_ids=tuple(actor.id for actor in people),
        hashtags=tuple(dict.fromkeys(tag.lower() for tag in document.hashtags)),
        poll=poll_of(document.poll) if document.poll else None,
        updated_ms=to_ms(document.updated) if document.updated else None,
        policy=parse_policy(document.interaction_policy, author),
        searchable=searchable_of(document, author),
    )


def content_of(document: ObjectDocument, people: tuple[Actor, ...] = ()) -> str:
    """The sanitised HTML to show. Links to `people` whom the post names are marked as such, by their pages too."""
    named = {mention.href for mention in document.mentions}
    pages = (actor.url for actor in people if actor.url and actor.uri in named)
    return html.sanitise(text_html(document), names_of((*named, *pages), document.hashtags))


def parts_of(document: ObjectDocument, people: tuple[Actor, ...]) -> dict[str, Any]:
    """What hangs on the text, as stored."""
    named = {mention.href: None for mention in document.mentions}
    known = {actor.uri for actor in people}
    absent = [uri for uri in named if uri not in known and uri != document.attributed_to]
    return {
        "mentions": [mention_of(actor) for actor in people if actor.uri in named],
        # Named, and not known here yet: they join the mentions when they have been fetched.
        **({"absent": absent[:ABSENT_LIMIT]} if absent else {}),
        **({"groups": groups} if (groups := _groups_among(people)) else {}),
        "tags": list(dict.fromkeys(tag.lower() for tag in document.hashtags)),
        "emojis": [
            {"shortcode": e.shortcode, "url": e.url, "static_url": e.static_url or e.url} for e in document.emojis
        ],
        **({"quote": document.quote} if document.quote else {}),
        **({"reply_stamp": document.reply_authorization} if document.reply_authorization else {}),
        **({"title": document.name} if document.name and document.type not in ("Note", "Question") else {}),
        **({"preview": preview} if (preview := preview_html(document)) else {}),
        **({"replies": document.replies} if document.replies else {}),
        **({"history": history} if (history := uri(document.raw.get("contextHistory"))) else {}),
    }


def _groups_among(people: tuple[Actor, ...]) -> list[dict[str, Any]]:
    """The groups that a post was written in.  spec: fep-1b12#audience-property"""
    return [mention_of(actor) for actor in people if actor.type == "Group"]


def mention_of(actor: Actor) -> dict[str, Any]:
    """A mention as stored beside the text."""
    return {
        "id": actor.id,
        "uri": actor.uri,
        "username": actor.username,
        "acct": actor.acct,
        "handle": actor.handle,
        "url": actor.url or actor.uri,
    }


def attachment_of(item: Attachment, facts: Facts) -> Mapping[str, Any]:
    """A remote file as stored beside the text; its id is ours."""
    return {
        "id": facts.world.ids.next(),
        "type": item.type,
        "remote_url": item.url,
        "remote_preview_url": item.preview_url,
        "media_type": item.media_type,
        "description": item.name,
        "blurhash": item.blurhash,
        "focus": list(item.focus) if item.focus else None,
        "width": item.width,
        "height": item.height,
        "duration_s": item.duration_s,
    }


def poll_of(poll: WirePoll) -> Poll:
    """The stored form of a question's answers."""
    return Poll(
        options=tuple(name for name, _ in poll.options),
        counts=tuple(votes for _, votes in poll.options),
        multiple=poll.multiple,
        voters_count=poll.voters_count,
        expires_ms=to_ms(poll.end_time) if poll.end_time else (to_ms(poll.closed) if poll.closed else None),
        closed_ms=to_ms(poll.closed) if poll.closed else None,
    )
