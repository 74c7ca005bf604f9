"""What a post says, as plain values for JSON and for people. Empty values are left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from fediverse_node.protocol.addressing import PUBLIC, visibility
from fediverse_node.protocol.attachments import Attachment
from fediverse_node.protocol.events import Event, Place
from fediverse_node.protocol.html import sanitise, to_plain_text
from fediverse_node.protocol.objects import ObjectDocument
from fediverse_node.protocol.parts import Emoji
from fediverse_node.protocol.polls import Poll
from fediverse_node.protocol.reading import mapping
from fediverse_node.protocol.text_html import text_html

_POLICIES = {"canReply": "reply", "canLike": "like", "canAnnounce": "announce", "canQuote": "quote"}


def without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that say something; False and 0 do."""
    return {key: value for key, value in values.items() if value not in (None, "", [], {}, ())}


def stamp(moment: datetime | None) -> str | None:
    """A moment as text."""
    return moment.isoformat().replace("+00:00", "Z") if moment is not None else None


def describe_post(post: ObjectDocument) -> dict[str, Any]:
    """A post. `html` is what is shown, `text` the same without markup."""
    html = sanitise(text_html(post))
    return without_empty(
        {
            "type": post.type,
            "stated_type": post.stated_type,
            "id": post.id,
            "author": post.attributed_to,
            "groups": list(post.groups),
            **describe_audience(post.to, post.cc, post.audience, post.attributed_to),
            "title": post.name,
            "warning": to_plain_text(post.content_warning),
            "sensitive": post.sensitive or None,
            "language": post.language,
            "text": to_plain_text(html),
            "html": html,
            "preview": to_plain_text(post.preview),
            "quoted_text": to_plain_text(post.quoted_text),
            "rating": post.rating,
            "vote": post.vote_name,
            "parent": post.in_reply_to,
            "context": post.context,
            "context_history": post.context_history,
            "conversation": post.conversation if post.conversation != post.context else None,
            "target": post.target,
            "target_owner": post.target_owner,
            "url": post.url,
            "published": stamp(post.published),
            "updated": stamp(post.updated),
            "attachments": [describe_attachment(item) for item in post.attachments],
            "mentions": [item.href for item in post.mentions],
            "hashtags": list(post.hashtags),
            "emojis": describe_emojis(post.emojis),
            "links": [item.href for item in post.links],
            "poll": _poll(post.poll) if post.poll is not None else None,
            "quote": post.quote,
            "quote_authorization": post.quote_authorization,
            "reply_authorization": post.reply_authorization,
            "event": _event(post.event) if post.event is not None else None,
            "replies": post.replies,
            "likes": post.likes,
            "shares": post.shares,
            "comments_enabled": False if post.comments_enabled is False else None,
            "policy": _policy(post.interaction_policy),
            "source_media_type": post.source_media_type,
        }
    )


def describe_audience(
    to: tuple[str, ...], cc: tuple[str, ...], audience: tuple[str, ...], author: str | None
) -> dict[str, Any]:
    """Whom it is for, and how far that reaches."""
    return {
        "visibility": visibility(to, cc, None, author_uri=author).value,
        "to": _addresses(to),
        "cc": _addresses(cc),
        "audience": _addresses(audience),
    }


def describe_attachment(item: Attachment) -> dict[str, Any]:
    """A file."""
    return without_empty(
        {
            "type": item.type,
            "url": item.url,
            "media_type": item.media_type,
            "description": item.name,
            "size": f"{item.width or '?'}x{item.height or '?'}" if item.width or item.height else None,
            "duration_s": item.duration_s,
            "focus": list(item.focus) if item.focus else None,
            "blurhash": item.blurhash,
            "preview": item.preview_url,
        }
    )


def describe_emojis(emojis: Iterable[Emoji]) -> dict[str, str]:
    """Custom emoji: shortcode to picture."""
    return {emoji.shortcode: emoji.url for emoji in emojis}


def _addresses(uris: tuple[str, ...]) -> list[str]:
    return ["everybody" if uri == PUBLIC else uri for uri in uris]


def _poll(poll: Poll) -> dict[str, Any]:
    return without_empty(
        {
            "options": [[name, votes] for name, votes in poll.options],
            "multiple": poll.multiple,
            "ends": stamp(poll.end_time),
            "closed": stamp(poll.closed),
            "voters": poll.voters_count,
        }
    )


def _event(event: Event) -> dict[str, Any]:
    return without_empty(
        {
            "starts": stamp(event.starts),
            "ends": stamp(event.ends),
            "timezone": event.timezone,
            "place": event.place,
            "places": [_place(place) for place in event.places],
            "online": event.online or None,
            "join_mode": event.join_mode,
            "participation_url": event.participation_url,
            "status": event.status,
            "capacity": event.capacity,
            "remaining": event.remaining,
            "participants": event.participants,
            "organizers": list(event.organizers),
        }
    )


def _place(place: Place) -> dict[str, Any]:
    return without_empty(
        {"name": place.line, "url": place.url, "latitude": place.latitude, "longitude": place.longitude}
    )


def _policy(policy: Mapping[str, object] | None) -> dict[str, Any]:
    """Who may do what without being asked, and who after approval.  spec: fep-044f#policy"""
    found: dict[str, Any] = {}
    for key, name in _POLICIES.items():
        rule = mapping((policy or {}).get(key))
        said = {
            "automatic": rule.get("automaticApproval") or rule.get("always"),
            "manual": rule.get("manualApproval") or rule.get("approvalRequired"),
        }
        if any(said.values()):
            found[name] = without_empty(said)
    return found
