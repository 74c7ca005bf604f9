"""Pieces that actors and objects share: custom emoji and pictures. spec: toot#Emoji, as2#images"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fediverse_node.protocol.reading import integer, mappings, moment, sequence, text, type_among, uri, web_url

EMOJIS_LIMIT = 100
TAGS_LIMIT = 500
NAME_LIMIT = 500
DESCRIPTION_LIMIT = 10_000

_SHORTCODE_LIMIT = 128
_WIDTH_LIMIT = 1280


@dataclass(frozen=True, slots=True)
class Emoji:
    """A custom emoji: `:shortcode:` in a text stands for the picture at `url`."""

    shortcode: str
    url: str
    static_url: str | None = None
    id: str | None = None
    updated: datetime | None = None
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """An actor's or a document's picture with its description for people who do not see it."""

    url: str
    description: str = ""
    media_type: str | None = None


def parse_emoji(tag: Mapping[str, object]) -> Emoji | None:
    """One `Emoji` tag, or None when it has no usable name or picture."""
    shortcode = text(tag.get("name"), _SHORTCODE_LIMIT).strip().strip(":")
    if not shortcode or not shortcode.isprintable() or any(c in shortcode for c in " :<>&\"'"):
        return None
    icon = parse_picture(tag.get("icon"))
    if icon is None:
        return None
    return Emoji(
        shortcode=shortcode,
        url=icon.url,
        id=uri(tag.get("id")),
        updated=moment(tag.get("updated")),
        media_type=icon.media_type,
    )


def parse_emojis(tags: object) -> tuple[Emoji, ...]:
    """The custom emoji among the tags; the first of each shortcode."""
    found: dict[str, Emoji] = {}
    for tag in mappings(tags, TAGS_LIMIT):
        if type_among(tag, ("Emoji",)) == "Emoji" and (emoji := parse_emoji(tag)) is not None:
            found.setdefault(emoji.shortcode, emoji)
            if len(found) >= EMOJIS_LIMIT:
                break
    return tuple(found.values())


def parse_picture(value: object) -> Picture | None:
    """A picture: an address, an Image with `url` (or Link `href`), or an array of those.

    Of several sizes (PeerTube) the widest that is not too wide, else the first.
    """
    best: Picture | None = None
    best_width = 0
    for item in sequence(value)[:20]:
        picture = _picture_of(item)
        if picture is None:
            continue
        width = integer(item.get("width")) if isinstance(item, Mapping) else None
        if best is None or (width is not None and best_width < width <= _WIDTH_LIMIT):
            best, best_width = picture, width or _WIDTH_LIMIT
    return best


def media_url(value: object) -> str | None:
    """The address of a file: as `web_url`, and without the HTML escapes that WordPress leaves in addresses."""
    url = web_url(value)
    if url is None or "&" not in url:
        return url
    return url.replace("&#038;", "&").replace("&amp;", "&")


def _picture_of(item: object) -> Picture | None:
    if isinstance(item, str):
        url = media_url(item)
        return Picture(url) if url is not None else None
    if not isinstance(item, Mapping):
        return None
    address = item.get("url")
    # Not `id`: an Image's id is a document, not its bytes.
    url = media_url(address) if address is not None else media_url(item.get("href"))
    if url is None:
        return None
    description = text(item.get("name"), DESCRIPTION_LIMIT) or text(item.get("summary"), DESCRIPTION_LIMIT)
    return Picture(url, description, media_type_of(item))


def media_type_of(item: Mapping[str, object]) -> str | None:
    """The media type of a link or document, lower case; Funkwhale and old PeerTube say `mimeType`."""
    name = item.get("mediaType") or item.get("mimeType")
    if not isinstance(name, str):
        link = item.get("url")
        for inner in mappings(link, 1):
            name = inner.get("mediaType") or inner.get("mimeType")
    if not isinstance(name, str):
        return None
    name = name.partition(";")[0].strip().lower()
    return name if "/" in name and len(name) <= 100 and name.isascii() and name.isprintable() else None
