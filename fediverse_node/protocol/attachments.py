"""Pictures, films and recordings of a post. spec: as2#attachment, toot#focalPoint, toot#blurhash"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fediverse_node.protocol.parts import DESCRIPTION_LIMIT, media_type_of, media_url, parse_picture
from fediverse_node.protocol.reading import integer, mapping, mappings, number, sequence, text, type_among, web_url

ATTACHMENTS_LIMIT = 32

_KINDS = {"Image": "image", "Video": "video", "Audio": "audio"}
_KNOWN_TYPES = frozenset({"Image", "Video", "Audio", "Document", "Link", "Page", "PropertyValue"})
_MEDIA_TYPES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
    "avif": "image/avif", "heic": "image/heic", "svg": "image/svg+xml",
    "mp4": "video/mp4", "m4v": "video/mp4", "webm": "video/webm", "mov": "video/quicktime",
    "mp3": "audio/mpeg", "ogg": "audio/ogg", "oga": "audio/ogg", "opus": "audio/ogg", "flac": "audio/flac",
    "wav": "audio/wav", "m4a": "audio/mp4", "aac": "audio/aac",
}  # fmt: skip
_DURATION = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{1,6})?)S)?)?\Z")
_BLURHASH = re.compile(r"[0-9A-Za-z#$%*+,\-.:;=?@\[\]^_{|}~]{6,100}\Z")
_SIZE_IN_NAME = re.compile(r"-\d{1,5}x\d{1,5}(\.[A-Za-z0-9]{1,5})\Z")
# What a phone plays without trouble, of the many resolutions PeerTube offers.
_WANTED_HEIGHT = 720


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file beside the text. `type` is image, video, audio, gifv or unknown; `duration_s` in seconds.

    `focus` is (x, y), each from -1 to 1, y upwards. `preview_url` is a still picture of a film.
    """

    type: str
    url: str
    media_type: str | None = None
    name: str = ""
    blurhash: str | None = None
    focus: tuple[float, float] | None = None
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    preview_url: str | None = None


def parse_attachments(value: object) -> tuple[Attachment, ...]:
    """The files among the attachments; links and property values are left out."""
    if not value:
        return ()
    found: dict[str, Attachment] = {}
    for item in mappings(value, 200):
        attachment = parse_attachment(item)
        if attachment is not None:
            found.setdefault(attachment.url, attachment)
            if len(found) >= ATTACHMENTS_LIMIT:
                break
    return tuple(found.values())


def parse_attachment(item: Mapping[str, object]) -> Attachment | None:
    """One attachment, or None when it is no file or has no address."""
    type_ = type_among(item, _KNOWN_TYPES)
    media_type = media_type_of(item)
    if type_ not in _KNOWN_TYPES or type_ in ("PropertyValue", "Page"):
        return None
    url = media_url(item.get("url")) or media_url(item.get("href"))
    if url is None:
        return None
    if media_type is None and type_ in ("Document", "Link"):
        media_type = media_type_by_name(url)
    kind = _KINDS.get(type_) or _kind_of(media_type)
    # Lemmy's Link is the page a post is about, not a file of the post; with a media type it is a file.
    if type_ == "Link" and kind == "unknown":
        return None
    blurhash = item.get("blurhash")
    description = text(item.get("name"), DESCRIPTION_LIMIT) or text(item.get("summary"), DESCRIPTION_LIMIT)
    icon = item.get("icon")
    preview = parse_picture(icon) if icon is not None else None
    return Attachment(
        type=kind,
        url=url,
        media_type=media_type,
        name=description,
        blurhash=blurhash if isinstance(blurhash, str) and _BLURHASH.match(blurhash) else None,
        focus=parse_focus(item.get("focalPoint")),
        width=_dimension(item.get("width")),
        height=_dimension(item.get("height")),
        duration_s=parse_duration(item.get("duration")),
        preview_url=preview.url if preview else None,
    )


def own_media(doc: Mapping[str, object], type_: str) -> Attachment | None:
    """The file that an Image, Video or Audio object itself is; for pages and articles their lead picture."""
    kind = _KINDS.get(type_)
    icon = doc.get("icon")
    preview = parse_picture(icon) if icon is not None else None
    if kind is None:
        lead = parse_picture(doc.get("image"))
        if lead is None:
            return None
        return Attachment("image", lead.url, lead.media_type or media_type_by_name(lead.url), lead.description)
    link = _best_link(doc.get("url"), kind)
    if link is None:
        return None
    url, media_type, width, height = link
    return Attachment(
        type=kind,
        url=url,
        media_type=media_type,
        name="" if kind != "image" else text(doc.get("name"), DESCRIPTION_LIMIT),
        focus=parse_focus(doc.get("focalPoint")),
        width=width or _dimension(doc.get("width")),
        height=height or _dimension(doc.get("height")),
        duration_s=parse_duration(doc.get("duration")),
        preview_url=preview.url if preview else None,
    )


def _best_link(value: object, kind: str) -> tuple[str, str, int | None, int | None] | None:
    """Of all links of this kind the tallest up to 720 lines, else the smallest; PeerTube nests them in `tag`."""
    best: tuple[tuple[int, int], tuple[str, str, int | None, int | None]] | None = None
    items = list(sequence(value)[:100])
    for holder in mappings(value, 100):
        items.extend(mappings(holder.get("tag"), 100))
    for item in items[:400]:
        url = web_url(item)
        if url is None:
            continue
        link = mapping(item)
        media_type = media_type_of(link) or media_type_by_name(url)
        if media_type is None or _kind_of(media_type) != kind:
            continue
        width, height = _dimension(link.get("width")), _dimension(link.get("height"))
        lines = height or 0
        rank = (1, lines) if lines <= _WANTED_HEIGHT else (0, -lines)
        if best is None or rank > best[0]:
            best = (rank, (url, media_type, width, height))
    return best[1] if best else None


def _kind_of(media_type: str | None) -> str:
    main = media_type.partition("/")[0] if media_type else ""
    return main if main in ("image", "video", "audio") else "unknown"


def media_type_by_name(url: str) -> str | None:
    """The media type that the ending of an address promises, or None."""
    path = url.partition("#")[0].partition("?")[0]
    return _MEDIA_TYPES.get(path.rpartition(".")[2].lower())


def picture_key(url: str) -> str:
    """The same for the same picture in another size: WordPress writes `boat-300x200.jpg` beside `boat.jpg`."""
    return _SIZE_IN_NAME.sub(r"\1", url.partition("?")[0])


def _dimension(value: object) -> int | None:
    found = integer(value)
    return found if found is not None and 0 < found <= 100_000 else None


def parse_focus(value: object) -> tuple[float, float] | None:
    """`focalPoint`: two numbers from -1 to 1."""
    if value is None:
        return None
    items = sequence(value)
    if len(items) != 2:
        return None
    x, y = number(items[0]), number(items[1])
    return (x, y) if x is not None and y is not None and -1 <= x <= 1 and -1 <= y <= 1 else None


def parse_duration(value: object) -> float | None:
    """Seconds of an `xsd:duration` (`PT1H2M3S`) or of a plain number of seconds."""
    if isinstance(value, str):
        match = _DURATION.match(value) if len(value) <= 40 else None
        if match is None:
            return None
        days, hours, minutes, seconds = (float(group or 0) for group in match.groups())
        return days * 86400 + hours * 3600 + minutes * 60 + seconds
    found = number(value)
    return found if found is not None and found >= 0 else None
