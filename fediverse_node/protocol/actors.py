"""Actors and their keys. spec: ap#actor-objects, fep-521a, fep-2c59, fep-844e, toot#actors

Reads what the document says; whether its claims hold (same origin, reciprocal keys, WebFinger) is for
the callers to check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.parts import NAME_LIMIT, Emoji, Picture, parse_emojis, parse_picture
from fediverse_node.protocol.reading import (
    boolean,
    localised,
    mapping,
    mappings,
    moment,
    sequence,
    text,
    type_among,
    types,
    uri,
    uris,
    web_url,
)
from fediverse_node.protocol.reasons import WireReason

ACTOR_TYPES = frozenset({"Person", "Service", "Application", "Group", "Organization"})

BIOGRAPHY_LIMIT = 50_000
USERNAME_LIMIT = 256
FIELDS_LIMIT = 32
FIELD_VALUE_LIMIT = 5_000
ALIASES_LIMIT = 64
KEYS_LIMIT = 16
OWNERS_LIMIT = 50
KEY_LIMIT = 20_000

# The multicodec bytes 0x90 0x24, but for their last four bits.
_MLDSA44_MULTIBASE = "ukC"
_KEY_TYPES = ("Key", "CryptographicKey", "Multikey", "PublicKey")


@dataclass(frozen=True, slots=True)
class KeyDocument:
    """A public key as published: PEM (HTTP signatures) or multibase (Multikey).

    `for_proofs`: the actor lists it among those that sign documents. From `expires` on it signs nothing.
    """

    id: str
    owner: str
    pem: str | None = None
    multibase: str | None = None
    for_proofs: bool = field(default=False, compare=False)
    expires: datetime | None = None

    @property
    def is_post_quantum(self) -> bool:
        """ML-DSA-44 in base64url: Fedify throws on an actor that has one under assertionMethod."""
        return (self.multibase or "").startswith(_MLDSA44_MULTIBASE)


@dataclass(frozen=True, slots=True)
class ActorDocument:
    """Somebody who acts. `summary` and the field values are raw HTML of strangers: not sanitised.

    `attributed_to` are a Group's moderators (Lemmy: their collection) or a channel's owners (PeerTube: Persons).
    `posting_restricted` is True where only moderators may write in a Group. `wall` is where others may write to a
    person (Smithereen).
    """

    id: str
    type: str
    preferred_username: str = ""
    name: str = ""
    summary: str = ""
    url: str | None = None
    inbox: str | None = None
    shared_inbox: str | None = None
    outbox: str | None = None
    followers: str | None = None
    following: str | None = None
    featured: str | None = None
    featured_tags: str | None = None
    featured_collections: str | None = None  # of ours
    icon: Picture | None = None
    image: Picture | None = None
    fields: tuple[tuple[str, str], ...] = ()
    manually_approves: bool = False
    discoverable: bool | None = None
    indexable: bool | None = None
    searchable_by: str | None = None  # of ours; of others it is read from `raw`
    memorial: bool = False
    suspended: bool = False
    moved_to: str | None = None
    also_known_as: tuple[str, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    emojis: tuple[Emoji, ...] = ()
    public_keys: tuple[KeyDocument, ...] = ()
    webfinger: str | None = None
    implements: tuple[str, ...] = ()
    attribution_domains: tuple[str, ...] = ()
    language: str | None = None
    attributed_to: tuple[str, ...] = ()
    posting_restricted: bool | None = None
    wall: str | None = None
    # Of ours: for the clients of this person, beside the shared inbox.
    endpoints: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    object_id_as_client_id: bool = field(default=False, compare=False)
    raw: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)


def parse_actor(doc: object) -> ActorDocument | Fail:
    """Read any JSON value as an actor. Fails without an id or an actor type; never raises."""
    if not isinstance(doc, Mapping):
        return Fail(WireReason.NOT_AN_OBJECT)
    if "Tombstone" in types(doc):
        return Fail(WireReason.GONE)
    type_ = type_among(doc, ACTOR_TYPES)
    if type_ not in ACTOR_TYPES:
        return Fail(WireReason.NOT_AN_ACTOR, type_)
    id_ = doc.get("id")
    actor_uri = uri(id_) if isinstance(id_, str) else None
    if actor_uri is None:
        return Fail(WireReason.NO_ID)
    summary, language = localised(doc, "summary", BIOGRAPHY_LIMIT)
    # Old Misskey has sharedInbox beside inbox; some write endpoints as an address.
    shared_inbox = web_url(mapping(doc.get("endpoints")).get("sharedInbox")) or web_url(doc.get("sharedInbox"))
    return ActorDocument(
        id=actor_uri,
        type=type_,
        preferred_username=text(doc.get("preferredUsername"), USERNAME_LIMIT).strip(),
        name=localised(doc, "name", NAME_LIMIT)[0].strip(),
        summary=summary,
        url=profile_url(doc.get("url")),
        inbox=web_url(doc.get("inbox")),
        shared_inbox=shared_inbox,
        outbox=web_url(doc.get("outbox")),
        followers=web_url(doc.get("followers")),
        following=web_url(doc.get("following")),
        featured=web_url(doc.get("featured")),
        featured_tags=web_url(doc.get("featuredTags")),
        icon=parse_picture(doc.get("icon")),
        image=parse_picture(doc.get("image")),
        fields=_parse_fields(doc.get("attachment")),
        manually_approves=_manually_approves(doc),
        discoverable=boolean(doc.get("discoverable")),
        indexable=boolean(doc.get("indexable")),
        memorial=boolean(doc.get("memorial")) or False,
        suspended=boolean(doc.get("suspended")) or False,
        moved_to=uri(doc.get("movedTo")),
        also_known_as=uris(doc.get("alsoKnownAs"), ALIASES_LIMIT),
        published=moment(doc.get("published")),
        updated=moment(doc.get("updated")),
        emojis=parse_emojis(doc.get("tag")),
        public_keys=_parse_keys(doc, actor_uri),
        webfinger=_parse_handle(doc.get("webfinger")),
        implements=_parse_implements(doc),
        attribution_domains=_parse_domains(doc.get("attributionDomains")),
        language=language,
        attributed_to=uris(doc.get("attributedTo"), OWNERS_LIMIT),
        posting_restricted=boolean(doc.get("postingRestrictedToMods")),
        wall=web_url(doc.get("wall")),
        raw=doc,
    )


def parse_key_document(doc: object) -> KeyDocument | Fail:
    """A key fetched by itself: the key document, or an actor document in which it is the only key.

    The owner's own document must list this key id before the key may be used for the owner: a stranger
    can publish a key document that names anybody as owner.
    """
    if not isinstance(doc, Mapping):
        return Fail(WireReason.NOT_AN_OBJECT)
    if "Tombstone" in types(doc):
        return Fail(WireReason.GONE)
    key = _parse_key(doc, None)
    if key is not None:
        return key
    actor = parse_actor(doc)
    if isinstance(actor, ActorDocument) and len(actor.public_keys) == 1:
        return actor.public_keys[0]
    return Fail(WireReason.NOT_A_KEY)


def profile_url(value: object) -> str | None:
    """The page for people: of several links the HTML one, else the first. PeerTube lists its channels' feeds too."""
    first: str | None = None
    for item in sequence(value)[:20]:
        address = web_url(item)
        if address is None:
            continue
        if isinstance(item, Mapping) and (item.get("mediaType") or item.get("mimeType")) == "text/html":
            return address
        first = first or address
    return first


def _manually_approves(doc: Mapping[str, object]) -> bool:
    # cattle_grid compacts against contexts that do not know the word, which leaves its prefix on.
    stated = doc.get("manuallyApprovesFollowers")
    return boolean(stated if stated is not None else doc.get("as:manuallyApprovesFollowers")) or False


def _parse_fields(value: object) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for item in mappings(value, 100):
        kind = type_among(item, ("PropertyValue", "Note", "Link"))
        name = text(item.get("name"), NAME_LIMIT).strip()
        if kind.rpartition("#")[2].rpartition("/")[2].rpartition(":")[2] == "PropertyValue":
            name = name or text(_of_schema(item, "name"), NAME_LIMIT).strip()
            content = text(item.get("value"), FIELD_VALUE_LIMIT) or text(_of_schema(item, "value"), FIELD_VALUE_LIMIT)
        elif kind == "Note":  # spec: fep-fb2a
            content = text(item.get("content"), FIELD_VALUE_LIMIT)
        else:
            continue
        if name or content:
            found.append((name, content))
        if len(found) >= FIELDS_LIMIT:
            break
    return tuple(found)


def _of_schema(item: Mapping[str, object], name: str) -> object:
    """A word of schema.org written out, as it becomes where a context gives it the short one (cattle_grid)."""
    spelt = (f"https://schema.org/{name}", f"http://schema.org/{name}", f"http://schema.org#{name}")
    return next((item[key] for key in spelt if key in item), None)


def _parse_keys(doc: Mapping[str, object], actor_uri: str) -> tuple[KeyDocument, ...]:
    found: dict[str, KeyDocument] = {}
    # spec: fep-521a: the Ed25519 keys stand under assertionMethod, and only as embedded objects.
    for name in ("publicKey", "assertionMethod", "verificationMethod"):
        for item in mappings(doc.get(name), KEYS_LIMIT):
            key = _parse_key(item, actor_uri)
            # Where keys of any purpose stand, those are read that today's servers cannot list as they should.
            if key is None or (name == "verificationMethod" and not key.is_post_quantum):
                continue
            found.setdefault(key.id, replace(key, for_proofs=name != "publicKey" and key.multibase is not None))
    return tuple(found.values())


def _parse_key(item: Mapping[str, object], default_owner: str | None) -> KeyDocument | None:
    id_ = item.get("id")
    if not isinstance(id_, str) or (key_id := uri(id_)) is None:
        return None
    owner = uri(item.get("owner")) or uri(item.get("controller")) or default_owner
    # One more than the limit: a key that was cut is no key.
    pem, multibase = (text(item.get(name), KEY_LIMIT + 1) for name in ("publicKeyPem", "publicKeyMultibase"))
    if owner is None or not (pem or multibase) or max(len(pem), len(multibase)) > KEY_LIMIT:
        return None
    return KeyDocument(key_id, owner, pem or None, multibase or None, expires=moment(item.get("expires")))


def _parse_handle(value: object) -> str | None:
    handle = text(value, USERNAME_LIMIT * 2).strip().removeprefix("acct:").removeprefix("@")
    return handle if handle.count("@") == 1 and handle.isprintable() and " " not in handle else None


def _parse_implements(doc: Mapping[str, object]) -> tuple[str, ...]:
    # spec: fep-844e: an application says it of itself, a person's actor through its generator.
    found: dict[str, None] = {}
    for holder in (doc, mapping(doc.get("generator"))):
        for address in uris(holder.get("implements"), 50):
            found[address] = None
    return tuple(found)


def _parse_domains(value: object) -> tuple[str, ...]:
    names = (text(item, 255).strip().lower() for item in sequence(value)[:100])
    return tuple(dict.fromkeys(name for name in names if name))
