"""Content types of the fediverse and how to tell them apart.

spec: ap#retrieving-objects, as2#media-type, rfc9110#12.5.1. Does not negotiate languages.
"""

from __future__ import annotations

from functools import lru_cache

AS2_PROFILE = "https://www.w3.org/ns/activitystreams"
ACTIVITY_JSON = "application/activity+json"
LD_JSON = f'application/ld+json; profile="{AS2_PROFILE}"'
JSON = "application/json"
JRD_JSON = "application/jrd+json"
XRD_XML = "application/xrd+xml"
NODEINFO_JSON = 'application/json; profile="http://nodeinfo.diaspora.software/ns/schema/{version}#"'
HTML = "text/html"

# What we ask for: the profiled form first, as the specification has it; some peers know only the second.
ACCEPT_ACTIVITY = f"{LD_JSON}, {ACTIVITY_JSON}"

_HEADER_LIMIT = 1000
_AS2_PROFILES = frozenset({AS2_PROFILE, AS2_PROFILE + "#", "http://www.w3.org/ns/activitystreams"})


def is_activity_type(content_type: str | None) -> bool:
    """Whether a body with this Content-Type may be read as Activity Streams.

    Plain `application/ld+json` or `application/json` is refused: an uploaded file may carry those, and
    would then pose as an actor. spec: fep-fe34
    """
    if not content_type or len(content_type) > _HEADER_LIMIT:
        return False
    name, parameters = _parse_media_type(content_type)
    if name == ACTIVITY_JSON:
        return True
    return name == "application/ld+json" and any(p in _AS2_PROFILES for p in parameters.get("profile", "").split())


def is_json_type(content_type: str | None) -> bool:
    """Whether this is JSON of any kind (JRD, NodeInfo, plain)."""
    if not content_type or len(content_type) > _HEADER_LIMIT:
        return False
    name, _ = _parse_media_type(content_type)
    return name in ("application/json", "text/json") or (name.startswith("application/") and name.endswith("+json"))


@lru_cache(maxsize=512)
def wants_activity(accept: str | None) -> bool:
    """Whether the client prefers the ActivityPub form over the page for people at the same URL.

    Browsers send `text/html` first or `*/*` late; servers name one of the ActivityPub types. Where both
    are named, the higher q wins and a tie goes to ActivityPub. `*/*` alone means the page.
    """
    if not accept or len(accept) > _HEADER_LIMIT:
        return False
    activity = html = 0.0
    for part in _split_outside_quotes(accept, ","):
        name, parameters = _parse_media_type(part)
        quality = _quality(parameters.get("q"))
        if is_activity_type(part) or name in ("application/ld+json", "application/json"):
            activity = max(activity, quality)
        elif name in ("text/html", "application/xhtml+xml"):
            html = max(html, quality)
    return activity > 0 and activity >= html


def _quality(text: str | None) -> float:
    try:
        value = float(text) if text is not None else 1.0
    except ValueError:
        return 0.0
    return value if 0.0 <= value <= 1.0 else 0.0


def _parse_media_type(text: str) -> tuple[str, dict[str, str]]:
    head, *rest = _split_outside_quotes(text, ";")
    parameters: dict[str, str] = {}
    for part in rest:
        key, equals, value = part.partition("=")
        value = value.strip()
        if len(value) >= 2 and value[0] == '"' and value[-1] == '"':
            value = value[1:-1]
        if equals:
            parameters.setdefault(key.strip().lower(), value)
    return head.strip().lower(), parameters


def _split_outside_quotes(text: str, separator: str) -> list[str]:
    if '"' not in text:
        return text.split(separator)
    parts, start, quoted = [], 0, False
    for index, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    return parts
