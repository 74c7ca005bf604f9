"""The words of Activity Streams and the security vocabulary, and which context URLs leave them alone.

spec: as2-context, w3id-security-v1. A test reads every bundled context with the gate's own eyes and holds
this table to them.
"""

from __future__ import annotations

AS = "https://www.w3.org/ns/activitystreams#"
LDP = "http://www.w3.org/ns/ldp#"
SEC = "https://w3id.org/security#"
NAMESPACES = (AS, LDP, SEC)

AS2_URL = "https://www.w3.org/ns/activitystreams"
SECURITY_URL = "https://w3id.org/security/v1"

_AS2_TYPES = """
    Accept Activity IntransitiveActivity Add Announce Application Arrive Article Audio Block Collection
    CollectionPage Relationship Create Delete Dislike Document Event Follow Flag Group Ignore Image Invite Join
    Leave Like Link Mention Note Object Offer OrderedCollection OrderedCollectionPage Organization Page Person
    Place Profile Question Reject Remove Service TentativeAccept TentativeReject Tombstone Undo Update Video View
    Listen Read Move Travel Public
"""
_AS2_PROPERTIES = """
    subject relationship actor attributedTo attachment bcc bto cc context current first generator icon image
    inReplyTo items instrument last location next object oneOf anyOf closed origin prev preview replies result
    audience partOf tag target to url content name duration endTime height href hreflang latitude longitude
    mediaType published rel startIndex startTime summary totalItems units updated width describes formerType
    deleted outbox following followers streams preferredUsername endpoints uploadMedia proxyUrl liked
    oauthAuthorizationEndpoint oauthTokenEndpoint provideClientKey signClientKey sharedInbox source likes shares
    alsoKnownAs
"""
_SECURITY_PROPERTIES = "owner publicKey publicKeyPem"

AS2_TERMS: dict[str, str] = {
    **{name: AS + name for name in (*_AS2_TYPES.split(), *_AS2_PROPERTIES.split())},
    "as": AS,
    "ldp": LDP,
    "id": "@id",
    "type": "@type",
    "inbox": LDP + "inbox",
    "orderedItems": AS + "items",
    "contentMap": AS + "content",
    "nameMap": AS + "name",
    "summaryMap": AS + "summary",
}
SECURITY_TERMS: dict[str, str] = {
    **{name: SEC + name for name in _SECURITY_PROPERTIES.split()},
    "sec": SEC,
    "CryptographicKey": SEC + "Key",
    "Multikey": SEC + "Multikey",
    "assertionMethod": SEC + "assertionMethod",
    "controller": SEC + "controller",
    "publicKeyMultibase": SEC + "publicKeyMultibase",
}
CORE_TERMS: dict[str, str] = AS2_TERMS | SECURITY_TERMS
CORE_IRIS = frozenset(iri for iri in CORE_TERMS.values() if iri not in NAMESPACES)

# Second names of core words that real servers define (PeerTube `icons`, Lemmy `expires`) and that we do
# without: missing them loses nothing we show.
TOLERATED_ALIASES = frozenset({("icons", AS + "icon"), ("expires", AS + "endTime")})

# Other meanings of core words that real servers give them (Mobilizon's places are schema.org's) and that
# say the same to a reader.
TOLERATED_MEANINGS = frozenset(
    (word, "http://schema.org" + separator + word) for word in ("location", "Place") for separator in "#/"
)

# Prefixes that known contexts define; inline contexts use them without defining them.
KNOWN_PREFIXES: dict[str, str] = {
    "as": AS,
    "ldp": LDP,
    "sec": SEC,
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "dc": "http://purl.org/dc/terms/",
}

# The AS2 context under its own name and the spellings that GNU social and others use for it.
AS2_CONTEXT_URLS = frozenset(
    {
        AS2_URL,
        AS,
        AS2_URL + "/",
        AS2_URL + ".jsonld",
        "http://www.w3.org/ns/activitystreams",
        "http://www.w3.org/ns/activitystreams#",
    }
)
SECURITY_CONTEXT_URLS = frozenset({SECURITY_URL, "http://w3id.org/security/v1"})

# Bundled, and known to leave the core words alone.
HARMLESS_CONTEXT_URLS = frozenset(
    {
        "https://w3id.org/security/data-integrity/v1",
        "https://w3id.org/security/data-integrity/v2",
        "https://w3id.org/security/multikey/v1",
        "https://www.w3.org/ns/did/v1",
        "https://www.w3.org/ns/cid/v1",
        "https://gotosocial.org/ns",
        "http://joinmastodon.org/ns",
        "https://joinmastodon.org/ns",
        "https://join-lemmy.org/context.json",
        "https://joinmbin.org/contexts",
        "https://funkwhale.audio/ns",
        "https://purl.archive.org/socialweb/webfinger",
        "https://purl.archive.org/miscellany",
        "https://w3id.org/fep/5711",
        "https://w3id.org/fep/7aa9",
        "https://w3id.org/fep/ef61",
    }
)
# Every Pleroma and Akkoma serves the litepub context under its own name; it includes the AS2 context.
LITEPUB_SUFFIXES = ("/schemas/litepub-0.1.jsonld", "/litepub/context.jsonld")
LITEPUB_URLS = frozenset({"https://litepub.social/context.jsonld", "http://litepub.social/context.jsonld"})

# Fixed contexts that move name, url, image, Person and the like to schema.org, where they mean the same:
# GoToSocial lists schema.org last on actors (for PropertyValue), Mastodon once listed identity/v1.
# Processing takes them for empty, which leaves the words where the AS2 context put them; but for identity/v1, whose
# prefixes Fedify uses: a stand-in with these and the security words is bundled.
SAME_MEANING_CONTEXT_URLS = frozenset(
    {
        "http://schema.org",
        "http://schema.org/",
        "https://schema.org",
        "https://schema.org/",
        "https://w3id.org/identity/v1",
    }
)

# Known to give core words (name, id, description ...) other meanings, unless the AS2 context follows.
REDEFINING_CONTEXT_URLS = frozenset(
    {
        "https://www.w3.org/2018/credentials/v1",
        "https://www.w3.org/ns/credentials/v2",
    }
)
# Mbin serves its terms under its own name, on some documents as the only context.
MBIN_URL = "https://joinmbin.org/contexts"
_MBIN_SUFFIX = "/contexts"


def is_mbin_url(url: str) -> bool:
    """Whether this is the context document of an Mbin or kbin server."""
    return url.endswith(_MBIN_SUFFIX) and url.count("/") == 3


def is_litepub_url(url: str) -> bool:
    """Whether this is the litepub context, which every Pleroma-like server serves under its own host."""
    return url in LITEPUB_URLS or url.endswith(LITEPUB_SUFFIXES)
