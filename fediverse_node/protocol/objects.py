"""Posts of all kinds. spec: as2#object-types, toot#status-federation, fep-044f, fep-9967, fep-e232, fep-1b12, fep-400e

Notes, articles, pages, questions, pictures, videos, recordings and events of any implementation become
one frozen value. Does not sanitise, does not decide who may see it. Not shown: Pixelfed's stories, which are gone
after a day, and what is about other things than posts (listings, tickets, farm plants).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.actors import profile_url
from fediverse_node.protocol.addressing import PUBLIC, looks_like_followers
from fediverse_node.protocol.attachments import (
    ATTACHMENTS_LIMIT,
    Attachment,
    media_type_by_name,
    own_media,
    parse_attachments,
    picture_key,
)
from fediverse_node.protocol.events import Event, parse_event
from fediverse_node.protocol.html import find_pictures
from fediverse_node.protocol.parts import DESCRIPTION_LIMIT, NAME_LIMIT, Emoji
from fediverse_node.protocol.polls import Poll, parse_poll
from fediverse_node.protocol.reading import (
    audience,
    boolean,
    language_tag,
    localised,
    mapping,
    moment,
    number,
    sequence,
    text,
    type_among,
    types,
    uri,
)
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.protocol.tags import Mention, ObjectLink, parse_tags
from fediverse_node.protocol.uris import URI_LIMIT

OBJECT_TYPES = frozenset({"Note", "Article", "Page", "Question", "Image", "Video", "Audio", "Event", "Document"})
# Posts under another name: BookWyrm's, Pleroma's chat, Bandwagon's albums.
SAME_AS: Mapping[str, str] = {
    "Review": "Article",
    "Comment": "Note",
    "Quotation": "Note",
    "Rating": "Note",
    "GeneratedNote": "Note",
    "ChatMessage": "Note",
    "Album": "Page",
}
# What is written to be read in full, as opposed to converted to a title and a link. Its summary is a warning.
MESSAGE_TYPES = frozenset({"Note", "Question"})

CONTENT_LIMIT = 200_000
SUMMARY_LIMIT = 10_000
SOURCE_LIMIT = 200_000
PREVIEW_LIMIT = 20_000
_PICTURES_LIMIT = 16

_MARKUP_TYPES = ("text/html", "text/x.misskeymarkdown", "application/xhtml+xml")
_READ_TYPES = OBJECT_TYPES | SAME_AS.keys()
_QUOTE_KEYS = ("quote", "quoteUrl", "quoteUri", "_misskey_quote", "quoteURL")


@dataclass(frozen=True, slots=True)
class ObjectDocument:
    """A post. `content` and `summary` are what a stranger wrote: raw HTML, or plain if not `content_is_html`.

    `type` is one of `OBJECT_TYPES`; `stated_type` is the document's own word where that is another one (`SAME_AS`).
    `groups` are those it was written in, as far as the post says: the Groups beside its author (PeerTube's channel)
    and its `audience` (Lemmy, Mbin, NodeBB, Discourse, WordPress' blog); whether each is a Group, its actor says.
    `target` is the collection it was put into with the owner of that, as far as stated: a wall (Smithereen) or a
    conversation. `context` is the conversation's address and `context_history` the log of it (spec: fep-171b).
    `links` are the objects its text refers to beside the quoted one (spec: fep-e232). `quoted_text` is HTML out of a
    book (BookWyrm). `preview` is the author's own short form of a long text as HTML (spec: fep-b2b8).
    `comments_enabled` is False where its thread is closed.
    """

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
    reply_authorization: str | None = None
    source_text: str | None = None
    source_media_type: str | None = None
    starts: datetime | None = None
    ends: datetime | None = None
    place: str = ""
    interaction_policy: Mapping[str, object] | None = None
    stated_type: str = ""
    event: Event | None = None
    context_history: str | None = None
    target: str | None = None
    target_owner: str | None = None
    links: tuple[ObjectLink, ...] = ()
    quoted_text: str = ""
    rating: float | None = None
    preview: str = ""
    comments_enabled: bool | None = None
    raw: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)

    @property
    def content_warning(self) -> str:
        """The summary where it is a warning: articles have an excerpt there instead, and Lotide repeats the title."""
        return self.summary if self.type in MESSAGE_TYPES and self.summary != self.name else ""

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
    stated_type = type_among(doc, _READ_TYPES)
    type_ = SAME_AS.get(stated_type, stated_type)
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
    return _read(doc, object_uri, stated_type, author, groups)


def _read(
    doc: Mapping[str, object], object_uri: str, stated_type: str, author: str, groups: tuple[str, ...]
) -> ObjectDocument:
    """All of a document that is known to be a post of somebody."""
    type_ = SAME_AS.get(stated_type, stated_type)
    content, content_language = localised(doc, "content", CONTENT_LIMIT)
    name, name_language = localised(doc, "name", NAME_LIMIT)
    summary, summary_language = localised(doc, "summary", SUMMARY_LIMIT)
    if not name and type_ == "Page":
        name = summary  # where the first Lemmys had the title
    source_text, source_media_type = _parse_source(doc)
    tags = parse_tags(doc.get("tag"))
    url, policy, target = doc.get("url"), doc.get("interactionPolicy"), doc.get("target")
    conversation = doc.get("conversation")
    event = parse_event(doc) if type_ == "Event" else None
    is_quotation = stated_type == "Quotation"  # whose `quote` is text
    quote = None if is_quotation else _parse_quote(doc) or tags.quote
    addressed = audience(doc.get("audience"))
    content_is_html = _is_html(doc.get("mediaType"))
    return ObjectDocument(
        id=object_uri,
        type=type_,
        attributed_to=author,
        content=content,
        content_is_html=content_is_html,
        name=name,
        summary=summary,
        sensitive=_is_sensitive(doc),
        language=content_language or _stated_language(doc) or name_language or summary_language,
        in_reply_to=uri(doc.get("inReplyTo")),
        # GNU social has a word of its own.
        context=uri(doc.get("context")) or uri(doc.get("inConversation")),
        conversation=text(conversation, 2048) or None if conversation is not None else None,
        url=profile_url(url) if url is not None else None,
        published=moment(doc.get("published")),
        updated=moment(doc.get("updated")),
        to=audience(doc.get("to")),
        cc=audience(doc.get("cc")),
        audience=addressed,
        groups=_with_audience(groups, addressed),
        attachments=_with_pictures(_parse_files(doc, type_), content if content_is_html else "", tags.emojis),
        mentions=tags.mentions,
        hashtags=tags.hashtags,
        emojis=tags.emojis,
        poll=parse_poll(doc) if type_ == "Question" else None,
        replies=uri(doc.get("replies")),
        likes=uri(doc.get("likes")),
        shares=uri(doc.get("shares")),
        quote=quote,
        quote_authorization=uri(doc.get("quoteAuthorization")),
        # GoToSocial before 0.20 has one word for all approvals.
        reply_authorization=uri(doc.get("replyAuthorization")) or uri(doc.get("approvedBy")),
        source_text=source_text,
        source_media_type=source_media_type,
        starts=moment(doc.get("startTime")),
        ends=event.ends if event is not None else None,
        place=event.place if event is not None else "",
        interaction_policy=policy if isinstance(policy, Mapping) else None,
        stated_type=stated_type if stated_type != type_ else "",
        event=event,
        context_history=uri(doc.get("contextHistory")),
        target=uri(target),
        target_owner=uri(mapping(target).get("attributedTo")) if target is not None else None,
        links=tuple(link for link in tags.links if link.href != quote) if tags.links else (),
        quoted_text=text(doc.get("quote"), CONTENT_LIMIT) if is_quotation else "",
        rating=number(doc.get("rating")) if stated_type in SAME_AS else None,
        preview=_parse_preview(doc.get("preview")) if type_ not in MESSAGE_TYPES else "",
        comments_enabled=boolean(doc.get("commentsEnabled")),
        raw=doc,
    )


def _parse_files(doc: Mapping[str, object], type_: str) -> tuple[Attachment, ...]:
    attachments = parse_attachments(doc.get("attachment"))
    if type_ not in MESSAGE_TYPES and (own := own_media(doc, type_)) is not None:
        attachments = (own, *(item for item in attachments if item.url != own.url))
    return attachments


def _with_pictures(
    attachments: tuple[Attachment, ...], content: str, emojis: tuple[Emoji, ...]
) -> tuple[Attachment, ...]:
    """The files; else the pictures that stand in the text: Hubzilla, Friendica and blogs have them there alone.

    Where the post names pictures itself, its server has chosen among those of a long text (WordPress).
    """
    if "<img" not in content or any(item.type == "image" for item in attachments):
        return attachments
    known = {picture_key(emoji.url) for emoji in emojis}
    found: dict[str, Attachment] = {}
    for picture in find_pictures(content):
        key = picture_key(picture.url)
        if key not in known and len(picture.url) <= URI_LIMIT:
            description = picture.description[:DESCRIPTION_LIMIT]
            media_type = media_type_by_name(picture.url) or "image/jpeg"
            found.setdefault(key, Attachment("image", picture.url, media_type, description))
    return (*attachments, *tuple(found.values())[:_PICTURES_LIMIT])[:ATTACHMENTS_LIMIT]


def _is_sensitive(doc: Mapping[str, object]) -> bool:
    stated = doc.get("sensitive")
    return boolean(stated if stated is not None else doc.get("as:sensitive")) or False


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


def _with_audience(groups: tuple[str, ...], addressed: tuple[str, ...]) -> tuple[str, ...]:
    """The groups, and whom `audience` names beside them: everybody and somebody's followers are no group."""
    named = (address for address in addressed if address != PUBLIC and not looks_like_followers(address))
    return tuple(dict.fromkeys((*groups, *named)))


def _parse_source(doc: Mapping[str, object]) -> tuple[str | None, str | None]:
    value = doc.get("source")
    if isinstance(value, str):
        return text(value, SOURCE_LIMIT) or None, None
    if isinstance(value, Mapping) and (found := text(value.get("content"), SOURCE_LIMIT)):
        return found, text(value.get("mediaType"), 100) or None
    # What Misskeys wrote before `source`.
    found = text(doc.get("_misskey_content"), SOURCE_LIMIT)
    return (found, "text/x.misskeymarkdown") if found else (None, None)


def _parse_preview(value: object) -> str:
    return localised(mapping(value), "content", PREVIEW_LIMIT)[0] if value is not None else ""


def _is_html(media_type: object) -> bool:
    if not isinstance(media_type, str):
        return True
    return media_type.partition(";")[0].strip().lower() in _MARKUP_TYPES


def _parse_quote(doc: Mapping[str, object]) -> str | None:
    for key in _QUOTE_KEYS:
        if (value := doc.get(key)) is not None and (found := uri(value)) is not None:
            return found
    return None


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
