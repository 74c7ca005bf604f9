"""The `tag` property: mentions, hashtags, custom emoji, and quotes written as links.

spec: ap#tag-mentions, toot#Hashtag, toot#Emoji, fep-e232
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fediverse_node.protocol.media_types import is_activity_type
from fediverse_node.protocol.parts import EMOJIS_LIMIT, TAGS_LIMIT, Emoji, parse_emoji
from fediverse_node.protocol.reading import sequence, text, type_among, uri

MENTIONS_LIMIT = 200
LINKS_LIMIT = 50
HASHTAGS_LIMIT = 100
HASHTAG_LENGTH_LIMIT = 200

_KNOWN = frozenset({"Mention", "Hashtag", "Emoji", "Link"})
_QUOTE_RELATIONS = frozenset(
    {
        "https://misskey-hub.net/ns#_misskey_quote",
        "http://fedibird.com/ns#quoteUri",
        "https://www.w3.org/ns/activitystreams#quoteUrl",
        "https://w3id.org/fep/044f#quote",
    }
)


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody addressed in the text: the actor's URI and the name as written (`@user@host`)."""

    href: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ObjectLink:
    """An object that the text refers to by `name` (`#1374`, `RE: https://…`).  spec: fep-e232"""

    href: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Tags:
    """What the tags of a post say. Hashtags are without `#`, as written, one of each."""

    mentions: tuple[Mention, ...] = ()
    hashtags: tuple[str, ...] = ()
    emojis: tuple[Emoji, ...] = ()
    quote: str | None = None
    links: tuple[ObjectLink, ...] = ()


_NONE = Tags()


def parse_tags(value: object) -> Tags:
    """Read `tag`; it may be an object (Takahe), an array, or strings (old Pleroma)."""
    if not value:
        return _NONE
    mentions: dict[str, Mention] = {}
    hashtags: dict[str, str] = {}
    emojis: dict[str, Emoji] = {}
    quote: str | None = None
    links: dict[str, ObjectLink] = {}
    for item in sequence(value)[:TAGS_LIMIT]:
        if isinstance(item, str):
            _add_hashtag(hashtags, item)
        if not isinstance(item, Mapping):
            continue
        type_ = type_among(item, _KNOWN)
        if type_ == "Mention":
            href = uri(item.get("href"))
            if href is not None and len(mentions) < MENTIONS_LIMIT:
                mentions.setdefault(href, Mention(href, text(item.get("name"), 300)))
        elif type_ == "Hashtag":
            _add_hashtag(hashtags, text(item.get("name"), HASHTAG_LENGTH_LIMIT + 1))
        elif type_ == "Emoji":
            emoji = parse_emoji(item)
            if emoji is not None and len(emojis) < EMOJIS_LIMIT:
                emojis.setdefault(emoji.shortcode, emoji)
        elif type_ == "Link" and (link := _object_link(item)) is not None:
            if quote is None and _is_quote(item, link):
                quote = link.href
            if len(links) < LINKS_LIMIT:
                links.setdefault(link.href, link)
    return Tags(
        tuple(mentions.values()), tuple(hashtags.values()), tuple(emojis.values()), quote, tuple(links.values())
    )


def _add_hashtag(found: dict[str, str], name: str) -> None:
    name = name.strip().lstrip("#\uff03")
    if " " in name:
        # Forums have tags of several words; here they would end at the first.
        name = "".join(name.split())
    if not name or len(name) > HASHTAG_LENGTH_LIMIT or not name.isprintable() or "/" in name:
        return
    if len(found) < HASHTAGS_LIMIT:
        found.setdefault(name.casefold(), name)


def _object_link(item: Mapping[str, object]) -> ObjectLink | None:
    href = uri(item.get("href"))
    media_type = item.get("mediaType")
    is_object = isinstance(media_type, str) and is_activity_type(media_type)
    # A relation to an object says as much as the media type.
    if href is None or not (is_object or _QUOTE_RELATIONS.intersection(_relations(item))):
        return None
    return ObjectLink(href, text(item.get("name"), 300))


def _is_quote(item: Mapping[str, object], link: ObjectLink) -> bool:
    relations = _relations(item)
    if relations:
        return not _QUOTE_RELATIONS.isdisjoint(relations)
    # Before there were relations for it, Streams and Pleroma marked quotes by the words that stand in the text.
    return link.name.strip().lower() == f"re: {link.href}".lower()


def _relations(item: Mapping[str, object]) -> list[str]:
    return [rel for rel in sequence(item.get("rel"))[:10] if isinstance(rel, str)]
