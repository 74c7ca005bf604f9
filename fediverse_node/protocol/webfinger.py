"""WebFinger: handles to actors, both ways, and host-meta. spec: rfc7033, rfc6415, fep-4adb, fep-2c59

Does not parse XML: whoever offers WebFinger only through host-meta's XML is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.media_types import ACTIVITY_JSON, HTML, JRD_JSON, is_activity_type
from fediverse_node.protocol.reading import is_uri, mappings, sequence, text, web_url
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.protocol.uris import canonical_host, origin_of

SUBSCRIBE_REL = "http://ostatus.org/schema/1.0/subscribe"
INTENT_REL = "https://w3id.org/fep/3b86/"
PROFILE_REL = "http://webfinger.net/rel/profile-page"
AVATAR_REL = "http://webfinger.net/rel/avatar"
# The server's own actor.  spec: fep-d556
SERVICE_REL = "https://www.w3.org/ns/activitystreams#Service"

_USER_LIMIT = 256
_RESOURCE_LIMIT = 2048
_FORBIDDEN_IN_USER = frozenset("@/?#<>\"'\\:% ")


@dataclass(frozen=True, slots=True)
class Acct:
    """A handle: `user` as written, `host` canonical, with its port if it has one."""

    user: str
    host: str

    def __str__(self) -> str:
        return f"{self.user}@{self.host}"

    @property
    def uri(self) -> str:
        """The `acct:` URI."""
        return f"acct:{self.user}@{self.host}"


@dataclass(frozen=True, slots=True)
class Jrd:
    """A WebFinger answer. `actor_uris` are all `self` links: Lemmy has a person and a group of one name."""

    subject: str
    aliases: tuple[str, ...] = ()
    actor_uri: str | None = None
    profile_url: str | None = None
    subscribe_template: str | None = None
    actor_uris: tuple[str, ...] = ()
    server_actor: str | None = None


def parse_resource(resource: str) -> Acct | str | Fail:
    """`acct:alice@host[:port]`, `@alice@host`, `alice@host` give an Acct; an http(s) address gives itself."""
    resource = resource.strip()
    if not resource or len(resource) > _RESOURCE_LIMIT or not resource.isprintable():
        return Fail(WireReason.BAD_RESOURCE)
    if resource[:8].lower().startswith(("https://", "http://")):
        return resource if origin_of(resource) is not None else Fail(WireReason.BAD_RESOURCE)
    handle = resource[5:] if resource[:5].lower() == "acct:" else resource
    user, at, host = handle.removeprefix("@").rpartition("@")
    canonical = canonical_host(host) if at else None
    if canonical is None or not is_username(user):
        return Fail(WireReason.BAD_RESOURCE)
    return Acct(user, canonical)


def is_username(user: str) -> bool:
    """Whether this can be the user part of anybody's handle; wider than what we give out ourselves."""
    return 0 < len(user) <= _USER_LIMIT and user.isprintable() and _FORBIDDEN_IN_USER.isdisjoint(user)


def lookup_url(base_url: str, resource: str) -> str:
    """Where to ask `base_url` (`https://host[:port]`) about a resource."""
    return f"{base_url}/.well-known/webfinger?resource={quote(resource, safe='')}"


def parse_jrd(doc: object) -> Jrd | Fail:
    """Read any JSON value as a WebFinger answer; never raises. Fails without a subject and a `self` link."""
    if not isinstance(doc, Mapping):
        return Fail(WireReason.BAD_WEBFINGER, "not an object")
    actors: dict[str, None] = {}
    profile = template = service = None
    for link in mappings(doc.get("links"), 100):
        rel, type_, href = link.get("rel"), link.get("type"), web_url(link.get("href"))
        if rel == SERVICE_REL and href and service is None:
            service = href
        elif rel == "self" and href and isinstance(type_, str) and is_activity_type(type_):
            actors[href] = None
        elif rel == PROFILE_REL and href and profile is None and type_ in (None, HTML):
            profile = href
        elif rel == SUBSCRIBE_REL and template is None:
            found = link.get("template")
            if isinstance(found, str) and "{uri}" in found and web_url(found.replace("{uri}", "")):
                template = found
    subject = doc.get("subject")
    if not isinstance(subject, str) or not is_uri(subject):
        return Fail(WireReason.BAD_WEBFINGER, "no subject")
    aliases = tuple(alias for alias in sequence(doc.get("aliases"))[:50] if isinstance(alias, str) and is_uri(alias))
    return Jrd(subject, aliases, next(iter(actors), None), profile, template, tuple(actors), service)


def dump_jrd(
    acct: Acct,
    *,
    actor_uri: str,
    profile_url: str | None = None,
    aliases: Iterable[str] = (),
    subscribe_template: str | None = None,
    intents: Mapping[str, str] = MappingProxyType({}),
    avatar_url: str | None = None,
    avatar_media_type: str | None = None,
    is_server: bool = False,
    subject: str | None = None,
) -> dict[str, object]:
    """Our answer about one of our actors, or (`is_server`) the server itself; `subject` is what was asked about."""
    links: list[dict[str, str]] = []
    if profile_url is not None:
        links.append({"rel": PROFILE_REL, "type": HTML, "href": profile_url})
    links.append({"rel": "self", "type": ACTIVITY_JSON, "href": actor_uri})
    if is_server:
        links.append({"rel": SERVICE_REL, "type": ACTIVITY_JSON, "href": actor_uri})
    if avatar_url is not None:
        kind = {"type": avatar_media_type} if avatar_media_type else {}
        links.append({"rel": AVATAR_REL, **kind, "href": avatar_url})
    if subscribe_template is not None:
        links.append({"rel": SUBSCRIBE_REL, "template": subscribe_template})
    links += [{"rel": INTENT_REL + name, "template": template} for name, template in intents.items()]
    also = (acct.uri,) if subject not in (None, acct.uri) else ()
    listed = dict.fromkeys((*also, *((profile_url,) if profile_url else ()), actor_uri, *aliases))
    return {"subject": subject or acct.uri, "aliases": list(listed), "links": links}


def dump_host_meta(base_url: str, server_actor: str | None = None) -> str:
    """host-meta as XRD."""
    actor = (
        f"  <Link rel={quoteattr(SERVICE_REL)} type={quoteattr(ACTIVITY_JSON)} href={quoteattr(server_actor)}/>\n"
        if server_actor is not None
        else ""
    )
    template = quoteattr(_lrdd_template(base_url))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">\n'
        f'  <Link rel="lrdd" type="{JRD_JSON}" template={template}/>\n'
        f"{actor}</XRD>\n"
    )


def dump_host_meta_json(base_url: str, server_actor: str | None = None) -> dict[str, object]:
    """host-meta as JRD."""
    links = [{"rel": "lrdd", "type": JRD_JSON, "template": _lrdd_template(base_url)}]
    if server_actor is not None:
        links.append({"rel": SERVICE_REL, "type": ACTIVITY_JSON, "href": server_actor})
    return {"links": links}


def subject_acct(jrd: Jrd) -> Acct | None:
    """The handle an answer is about, or None when its subject is no handle."""
    parsed = parse_resource(text(jrd.subject, _RESOURCE_LIMIT))
    return parsed if isinstance(parsed, Acct) else None


def _lrdd_template(base_url: str) -> str:
    return f"{base_url}/.well-known/webfinger?resource={{uri}}"
