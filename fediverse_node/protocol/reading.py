"""Tolerant reading of single JSON values: a string, an array or an object may stand in any place.

spec: as2#naturalLanguageValues, as2#dates. Every function takes any JSON value, never raises, and
bounds what it returns. Texts are cut; addresses are never cut, because a cut address is another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeAlias

from fediverse_node.protocol.addressing import PUBLIC, PUBLIC_ALIASES
from fediverse_node.protocol.language import is_language_tag
from fediverse_node.protocol.uris import URI_LIMIT

# A JSON object as received. A name of its own, because `object` is also a property of activities.
JsonObject: TypeAlias = Mapping[str, object]

AS2_NAMESPACE = "https://www.w3.org/ns/activitystreams#"
INTEGER_LIMIT = 2**53 - 1
AUDIENCE_LIMIT = 1000

_EMPTY: JsonObject = {}


def sequence(value: object) -> Sequence[object]:
    """The value as a sequence: an array as it is, nothing as nothing, anything else as one item."""
    if isinstance(value, list):
        return value
    if value is None:
        return ()
    # pyld writes arrays of ordered terms as {"@list": [...]}
    if isinstance(value, Mapping) and isinstance(value.get("@list"), list):
        return value["@list"]  # type: ignore[no-any-return]
    return (value,)


def mapping(value: object) -> Mapping[str, object]:
    """The value if it is an object, the first object of an array, or an empty one."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list):
        for item in value:
            if isinstance(item, Mapping):
                return item
    return _EMPTY


def mappings(value: object, limit: int) -> list[Mapping[str, object]]:
    """The objects of an array, or the one object; at most `limit`."""
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, list):
        return [item for item in value[:limit] if isinstance(item, Mapping)]
    return []


def clean(value: str, limit: int) -> str:
    """Cut, and without what a database refuses: NUL and half surrogates."""
    if len(value) > limit:
        value = value[:limit]
    if "\0" in value:
        value = value.replace("\0", "")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode(errors="replace").decode()
    return value


def text(value: object, limit: int) -> str:
    """A text, "" when there is none. Arrays give their first text, language maps their first value."""
    if isinstance(value, str):
        return clean(value, limit)
    if isinstance(value, list):
        for item in value[:10]:
            if isinstance(item, str):
                return clean(item, limit)
            if isinstance(item, Mapping):
                return _text_of_mapping(item, limit)
        return ""
    return _text_of_mapping(value, limit) if isinstance(value, Mapping) else ""


def _text_of_mapping(value: Mapping[str, object], limit: int) -> str:
    plain = value.get("@value")
    if isinstance(plain, str):
        return clean(plain, limit)
    for key, item in value.items():
        if isinstance(item, str) and is_language_tag(key):
            return clean(item, limit)
    return ""


def localised(doc: Mapping[str, object], key: str, limit: int) -> tuple[str, str | None]:
    """The text of `key` and its language, from `key`, `keyMap` or a language map in its place."""
    plain, by_language = doc.get(key), doc.get(key + "Map")
    if isinstance(plain, Mapping) and "@value" not in plain and by_language is None:
        plain, by_language = None, plain
    if not isinstance(by_language, Mapping) or not by_language:
        return text(plain, limit), language_tag(mapping(plain).get("@language"))
    if isinstance(plain, str) and plain:
        # Peers repeat the text under its language; a translation beside it is no statement about it.
        for tag, item in by_language.items():
            if item == plain or len(by_language) == 1:
                return clean(plain, limit), language_tag(tag)
        return clean(plain, limit), None
    for tag, item in by_language.items():
        found = text(item, limit)
        if found:
            return found, language_tag(tag)
    return text(plain, limit), None


def language_tag(value: object) -> str | None:
    """A BCP 47 tag, or None; "und" (Pleroma's default) says nothing."""
    if isinstance(value, str) and is_language_tag(value) and not value.lower().startswith("und"):
        return value
    return None


def is_uri(value: object) -> bool:
    """Whether this can be an id: short enough, with a scheme, nothing invisible in it."""
    if not isinstance(value, str) or len(value) > URI_LIMIT:
        return False
    return ":" in value and " " not in value and value.isprintable()


def uri(value: object) -> str | None:
    """The address this value is or stands for: the string, an object's `id` or `href`, the first of an array."""
    if isinstance(value, str):
        return value if is_uri(value) else None
    if isinstance(value, Mapping):
        for key in ("id", "href", "@id"):
            found = value.get(key)
            if isinstance(found, str) and is_uri(found):
                return found
        return None
    if isinstance(value, list):
        for item in value[:20]:
            if not isinstance(item, list) and (found := uri(item)) is not None:
                return found
    return None


def uris(value: object, limit: int) -> tuple[str, ...]:
    """All addresses of an array (or of the one value), without doubles, at most `limit`."""
    if isinstance(value, str):
        return (value,) if is_uri(value) else ()
    found: dict[str, None] = {}
    for item in sequence(value):
        address = None if isinstance(item, list) else uri(item)
        if address is not None:
            found[address] = None
            if len(found) >= limit:
                break
    return tuple(found)


def web_url(value: object) -> str | None:
    """An http(s) address to show or to fetch; None for `javascript:` and everything else."""
    found = uri(value)
    if found is None:
        return None
    if found.startswith(("https://", "http://")) or found[:8].lower().startswith(("https://", "http://")):
        return found
    return None


def audience(value: object) -> tuple[str, ...]:
    """An addressing property (`to`, `cc`, ...): the spellings of "everybody" become the one full IRI."""
    if isinstance(value, str):
        if value in PUBLIC_ALIASES:
            return (PUBLIC,)
        return (value,) if is_uri(value) else ()
    found: dict[str, None] = {}
    items = sequence(value)
    for item in items[:AUDIENCE_LIMIT]:
        if isinstance(item, str):
            if item in PUBLIC_ALIASES:
                found[PUBLIC] = None
            elif is_uri(item):
                found[item] = None
        elif isinstance(item, Mapping):
            address = uri(item)
            if address is not None:
                found[PUBLIC if address in PUBLIC_ALIASES else address] = None
    if len(items) > AUDIENCE_LIMIT and any(isinstance(i, str) and i in PUBLIC_ALIASES for i in items):
        found[PUBLIC] = None
    return tuple(found)


def moment(value: object) -> datetime | None:
    """A date as an aware UTC datetime; a date without a zone is taken as UTC."""
    if isinstance(value, str):
        if not 8 <= len(value) <= 64:
            return None
        try:
            parsed = datetime.fromisoformat(value.strip())
            return parsed.astimezone(UTC) if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            return _unusual_moment(value.strip())
    if isinstance(value, list):
        return moment(value[0]) if value and not isinstance(value[0], list) else None
    if isinstance(value, Mapping):
        inner = value.get("@value")
        return moment(inner) if isinstance(inner, str) else None
    return None


def _unusual_moment(value: str) -> datetime | None:
    """Dates that are no ISO 8601 and still say when: BookWyrm's `Mon, 25 May 2020 19:31:20 GMT`, `+00:00Z`."""
    try:
        if value.endswith("+00:00Z"):
            return datetime.fromisoformat(value[:-1]).astimezone(UTC)
        parsed = parsedate_to_datetime(value) if "," in value else None
        if parsed is None:
            return None
        return parsed.astimezone(UTC) if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def integer(value: object) -> int | None:
    """A whole number from 0 to 2**53 - 1, or None; strings of digits are taken."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return min(max(value, 0), INTEGER_LIMIT)
    if isinstance(value, float):
        return int(min(max(value, 0.0), INTEGER_LIMIT)) if value == value else None
    if isinstance(value, str) and len(value) <= 15 and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, Mapping):
        inner = value.get("@value")
        return None if isinstance(inner, Mapping) else integer(inner)
    return None


def number(value: object) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -1e15 < value < 1e15 else None


def boolean(value: object) -> bool | None:
    """True or False, also as a word or as `{"@value": true}`; None when it is neither."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower()) if len(value) < 6 else None
    if isinstance(value, Mapping):
        inner = value.get("@value")
        return boolean(inner) if isinstance(inner, str | bool) else None
    return None


def types(doc: Mapping[str, object]) -> tuple[str, ...]:
    """The short type names of a document, in order; `as:` and the full namespace are taken off."""
    value = doc.get("type")
    if isinstance(value, str):
        return (_short(value),) if value and len(value) <= 200 else ()
    if isinstance(value, list):
        return tuple(_short(item) for item in value[:10] if isinstance(item, str) and 0 < len(item) <= 200)
    return ()


def type_among(doc: Mapping[str, object], known: Iterable[str]) -> str:
    """The first type of the document that is known, else its first type, else ""."""
    if isinstance(value := doc.get("type"), str) and value in known:
        return value
    names = types(doc)
    for name in names:
        if name in known:
            return name
    return names[0] if names else ""


def _short(name: str) -> str:
    if ":" not in name:
        return clean(name, 200)
    return clean(name.removeprefix("as:").removeprefix(AS2_NAMESPACE), 200)
