"""Posts of all kinds. spec: as2#object-types, toot#status-federation, fep-044f, fep-9967, fep-e232

Notes, articles, pages, questions, pictures, videos, recordings and events of any implementation become
one frozen value. Does not sanitise, does not decide who may see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.actors import profile_url
from fediverse_node.protocol.attachments import Attachment, own_media, parse_attachments
from fediverse_node.protocol.parts import NAME_LIMIT, Emoji
from fediverse_node.protocol.polls import Poll, parse_poll
from fediverse_node.protocol.reading import (
    audience,
    boolean,
    language_tag,
    localised,
    mapping,
    mappings,
    moment,
    sequence,
    text,
    type_among,
    types,
    uri,
)
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.protocol.tags import Mention, parse_tags

OBJECT_TYPES = frozenset({"Note", "Article", "Page", "Question", "Image", "Video", "Audio", "Event", "Document"})
# What is written to be read in full, as opposed to converted to a title and a link. Its summary is a warning.
MESSAGE_TYPES = frozenset({"Note", "Question"})

CONTENT_LIMIT = 200_000
SUMMARY_LIMIT = 10_000
SOURCE_LIMIT = 200_000

_MARKUP_TYPES = ("text/html", "text/x.misskeymarkdown", "application/xhtml+xml")
_QUOTE_KEYS = ("quote", "quoteUrl", "quoteUri", "_misskey_quote", "quoteURL")


@dataclass(frozen=True, slots=True)
class ObjectDocument:
    """A post. `content` and `summary` are what a stranger wrote: raw HTML, or plain if not `content_is_html`."""

    id: str
    type: str
    attributed_to: str
    content: str = ""
    content_is_html: bool = True
    name: str = ""
    summary: str = ""
    sensitive: bool = False
    language: str | None = None
    in_reply_to: str | None = None
    context: str | None = None
    conversation: str | None = None
    url: str | None = None
    published: datetime | None = None
    updated: datetime | None = None
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    mentions: tuple[Mention, ...] = ()
    hashtags: tuple[str, ...] = ()
    emojis: tuple[Emoji, ...] = ()
    poll: Poll | None = None
    replies: str | None = None
    likes: str | None = None
    shares: str | None = None
    quote: str | None = None
    quote_authorization: str | None = None
    source_text: str | None = None
    source_media_type: str | None = None
    starts: datetime | None = None
    ends: datetime | None = None
    place: str = ""
    interaction_policy: Mapping[str, object] | None = None
    raw: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)

    @property
    def content_warning(self) -> str:
        """The summary where it is a warning: articles and the like have an excerpt there instead."""
        return self.summary if self.type in MESSAGE_TYPES else ""

    @property
    def vote_name(self) -> str | None:
        """The option this Note votes for, or None when it is no vote. spec: fep-9967#voting"""
        is_vote = self.type == "Note" and self.name and self.in_reply_to and not self.content
        return self.name if is_vote and not self.attachments else None


@dataclass(frozen=True, slots=True)
class TombstoneDocument:
    """What is left of a deleted object."""

    id: str
    former_type: str | None = None
    deleted: datetime | None = None


def parse_object(doc: object, *, default_author: str | None = None) -> ObjectDocument | Fail:
    """Read any JSON value as a post. Fails without id, author or a type we show; never raises.

    `default_author` stands in where `attributedTo` is missing: the actor of the Create that brought it.
    """
    if not isinstance(doc, Mapping):
        return Fail(WireReason.NOT_AN_OBJECT)
    type_ = type_among(doc, OBJECT_TYPES)
    if type_ not in OBJECT_TYPES:
        return _not_shown(type_)
    id_ = doc.get("id")
    object_uri = uri(id_) if isinstance(id_, str) else None
    if object_uri is None:
        return Fail(WireReason.NO_ID)
    author, groups = _parse_attribution(doc)
    author = author or default_author
    if author is None:
        return Fail(WireReason.NO_AUTHOR)
    content, content_language = localised(doc, "content", CONTENT_LIMIT)
    name, name_language = localised(doc, "name", NAME_LIMIT)
    summary, summary_language = localised(doc, "summary", SUMMARY_LIMIT)
    source_text, source_media_type = _parse_source(doc.get("source"))
    tags = parse_tags(doc.get("tag"))
    attachments = parse_attachments(doc.get("attachment"))
    if type_ not in MESSAGE_TYPES and (own := own_media(doc, type_)) is not None:
        attachments = (own, *(item for item in attachments if item.url != own.url))
    sensitive = doc.get("sensitive")
    sensitive = boolean(sensitive if sensitive is not None else doc.get("as:sensitive"))
    url = doc.get("url")
    conversation = doc.get("conversation")
    policy = doc.get("interactionPolicy")
    return ObjectDocument(
        id=object_uri,
        type=type_,
        attributed_to=author,
        content=content,
        content_is_html=_is_html(doc.get("mediaType")),
        name=name,
        summary=summary,
        sensitive=sensitive or False,
        language=content_language or _stated_language(doc) or name_language or summary_language,
        in_reply_to=uri(doc.get("inReplyTo")),
        context=uri(doc.get("context")),
        conversation=text(conversation, 2048) or None if conversation is not None else None,
        url=profile_url(url) if url is not None else None,
        published=moment(doc.get("published")),
        updated=moment(doc.get("updated")),
        to=audience(doc.get("to")),
        cc=audience(doc.get("cc")),
        audience=audience(doc.get("audience")),
        groups=groups,
        attachments=attachments,
        mentions=tags.mentions,
        hashtags=tags.hashtags,
        emojis=tags.emojis,
        poll=parse_poll(doc) if type_ == "Question" else None,
        replies=uri(doc.get("replies")),
        likes=uri(doc.get("likes")),
        shares=uri(doc.get("shares")),
        quote=_parse_quote(doc) or tags.quote,
        quote_authorization=uri(doc.get("quoteAuthorization")),
        source_text=source_text,
        source_media_type=source_media_type,
        starts=moment(doc.get("startTime")),
        ends=moment(doc.get("endTime")) if type_ == "Event" else None,
        place=_parse_place(doc.get("location")) if type_ == "Event" else "",
        interaction_policy=policy if isinstance(policy, Mapping) else None,
        raw=doc,
    )


def _not_shown(type_: str) -> Fail:
    if not type_:
        return Fail(WireReason.NO_TYPE)
    return Fail(WireReason.GONE if type_ == "Tombstone" else WireReason.UNKNOWN_OBJECT_TYPE, type_)


def parse_tombstone(doc: object) -> TombstoneDocument | Fail:
    """Read any JSON value as a tombstone; never raises."""
    if not isinstance(doc, Mapping):
        return Fail(WireReason.NOT_AN_OBJECT)
    names = types(doc)
    if "Tombstone" not in names:
        return Fail(WireReason.NOT_A_TOMBSTONE)
    id_ = doc.get("id")
    object_uri = uri(id_) if isinstance(id_, str) else None
    if object_uri is None:
        return Fail(WireReason.NO_ID)
    former = text(doc.get("formerType"), 100) or next((name for name in names if name != "Tombstone"), "")
    return TombstoneDocument(object_uri, former or None, moment(doc.get("deleted")))


def _parse_attribution(doc: Mapping[str, object]) -> tuple[str | None, tuple[str, ...]]:
    """The author, and the groups beside it: PeerTube lists the Person and the channel (Group)."""
    value = doc.get("attributedTo")
    if isinstance(value, str):
        return uri(value), ()
    author: str | None = None
    groups: list[str] = []
    for item in sequence(value)[:20]:
        address = None if isinstance(item, list) else uri(item)
        if address is None:
            continue
        if isinstance(item, Mapping) and type_among(item, ("Group",)) == "Group":
            groups.append(address)
        else:
            author = author or address
    if author is None:
        # Old Pleroma and Mobilizon write the author of an object as `actor` too.
        author = uri(doc.get("actor")) or (groups[0] if groups else None)
    return author, tuple(group for group in groups if group != author)


def _parse_source(value: object) -> tuple[str | None, str | None]:
    if isinstance(value, str):
        return text(value, SOURCE_LIMIT) or None, None
    if not isinstance(value, Mapping):
        return None, None
    media_type = text(value.get("mediaType"), 100)
    return text(value.get("content"), SOURCE_LIMIT) or None, media_type or None


def _is_html(media_type: object) -> bool:
    if not isinstance(media_type, str):
        return True
    return media_type.partition(";")[0].strip().lower() in _MARKUP_TYPES


def _parse_quote(doc: Mapping[str, object]) -> str | None:
    for key in _QUOTE_KEYS:
        if (value := doc.get(key)) is not None and (found := uri(value)) is not None:
            return found
    return None


def _parse_place(value: object) -> str:
    for item in mappings(value, 5):
        address = item.get("address")
        parts = [text(item.get("name"), 200)]
        if isinstance(address, Mapping):
            parts += [text(address.get(key), 200) for key in ("streetAddress", "addressLocality", "addressCountry")]
        else:
            parts.append(text(address, 500))
        place = ", ".join(dict.fromkeys(part for part in parts if part))
        if place:
            return place
    return text(value, 500) if isinstance(value, str) else ""


def _stated_language(doc: Mapping[str, object]) -> str | None:
    # PeerTube and Lemmy: {"identifier": "de", "name": "Deutsch"}; Mobilizon: "inLanguage": "de".
    stated = doc.get("language") or doc.get("inLanguage")
    if stated is not None:
        found = language_tag(stated if isinstance(stated, str) else mapping(stated).get("identifier"))
        if found is not None:
            return found
    # spec: json-ld11#default-language; the inline part of the context may state one for all texts.
    value = doc.get("@context")
    if isinstance(value, list):
        for item in reversed(value):
            if isinstance(item, Mapping) and "@language" in item:
                return language_tag(item["@language"])
    return None
