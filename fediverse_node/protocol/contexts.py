"""The `@context` of what we say: the Activity Streams one and only the extension words that were used.

Small on purpose: Epicyon refuses documents that name contexts it does not know, and some servers fetch
every URL they meet here. spec: as2#jsonld
"""

from __future__ import annotations

from collections.abc import Mapping

from fediverse_node.protocol.jsonld_terms import AS2_URL, SECURITY_URL

_PREFIXES = {
    "toot": "http://joinmastodon.org/ns#",
    "schema": "http://schema.org#",
    "ostatus": "http://ostatus.org#",
    "misskey": "https://misskey-hub.net/ns#",
    "fedibird": "http://fedibird.com/ns#",
    "gts": "https://gotosocial.org/ns#",
    "litepub": "http://litepub.social/ns#",
    "sec": "https://w3id.org/security#",
}


def _reference(iri: str) -> dict[str, str]:
    return {"@id": iri, "@type": "@id"}


_QUOTES = "https://w3id.org/fep/044f#"
_CONTAINERS = "https://w3id.org/fep/171b/"
_FEATURED = "https://w3id.org/fep/7aa9#"
_TERMS: dict[str, object] = {
    "Hashtag": "as:Hashtag",
    "sensitive": "as:sensitive",
    "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
    "movedTo": _reference("as:movedTo"),
    "Emoji": "toot:Emoji",
    "blurhash": "toot:blurhash",
    "discoverable": "toot:discoverable",
    "indexable": "toot:indexable",
    "memorial": "toot:memorial",
    "suspended": "toot:suspended",
    "votersCount": "toot:votersCount",
    "featured": _reference("toot:featured"),
    "featuredTags": _reference("toot:featuredTags"),
    # Mastodon writes @id here, which turns a bare host name into a relative address for JSON-LD processors.
    "attributionDomains": "toot:attributionDomains",
    "focalPoint": {"@id": "toot:focalPoint", "@container": "@list"},
    "PropertyValue": "schema:PropertyValue",
    "value": "schema:value",
    "conversation": "ostatus:conversation",
    "atomUri": "ostatus:atomUri",
    "contextHistory": _reference(_CONTAINERS + "contextHistory"),
    "collectionOf": "https://fediversity.site/apschema#collectionOf",
    "history": _reference("https://w3id.org/fep/bad1/history"),
    "quote": _reference(_QUOTES + "quote"),
    "quoteAuthorization": _reference(_QUOTES + "quoteAuthorization"),
    "QuoteRequest": _QUOTES + "QuoteRequest",
    "QuoteAuthorization": _QUOTES + "QuoteAuthorization",
    **{name: _FEATURED + name for name in ("FeaturedCollection", "FeaturedItem", "FeatureAuthorization")},
    **{
        name: _reference(_FEATURED + name)
        for name in ("featuredCollections", "featuredObject", "featureAuthorization", "topic")
    },
    "quoteUrl": "as:quoteUrl",
    "quoteUri": "fedibird:quoteUri",
    "_misskey_quote": "misskey:_misskey_quote",
    "EmojiReact": "litepub:EmojiReact",
    "searchableBy": _reference("fedibird:searchableBy"),
    "_misskey_reaction": "misskey:_misskey_reaction",
    "interactionPolicy": _reference("gts:interactionPolicy"),
    **{
        name: _reference("gts:" + name)
        for name in (
            "canLike",
            "canReply",
            "canAnnounce",
            "canQuote",
            "automaticApproval",
            "manualApproval",
            "always",
            "approvalRequired",
            "approvedBy",
            "interactingObject",
            "interactionTarget",
            "likeAuthorization",
            "replyAuthorization",
            "announceAuthorization",
        )
    },
    **{
        f"{kind}{word}": f"gts:{kind}{word}"
        for kind in ("Like", "Reply", "Announce")
        for word in ("Request", "Authorization")
    },
    "webfinger": "https://purl.archive.org/socialweb/webfinger#webfinger",
    "objectIDAsClientID": "https://purl.archive.org/socialweb/oauth#objectIDAsClientID",
    "implements": _reference("https://w3id.org/fep/844e#implements"),
    "Multikey": "sec:Multikey",
    "assertionMethod": {"@id": "sec:assertionMethod", "@type": "@id", "@container": "@set"},
    "verificationMethod": {"@id": "sec:verificationMethod", "@type": "@id", "@container": "@set"},
    "controller": _reference("sec:controller"),
    "expires": {"@id": "sec:expiration", "@type": "http://www.w3.org/2001/XMLSchema#dateTime"},
    "publicKeyMultibase": {"@id": "sec:publicKeyMultibase", "@type": "sec:multibase"},
}
# Everything that documents of ours may say beyond Activity Streams.
OUR_WORDS = frozenset({*_TERMS, *_PREFIXES})
_SECURITY_WORDS = frozenset({"publicKey", "publicKeyPem"})


def context_for(doc: Mapping[str, object]) -> object:
    """The context that a document of ours needs; parts that bring a context of their own are left alone."""
    words: set[str] = set()
    _collect(doc, words)
    contexts: list[object] = [AS2_URL]
    if not _SECURITY_WORDS.isdisjoint(words):
        contexts.append(SECURITY_URL)
    terms = {word: _TERMS[word] for word in _TERMS if word in words}
    if terms:
        prefixes = {_prefix_of(definition) for definition in terms.values()}
        contexts.append({**{name: iri for name, iri in _PREFIXES.items() if name in prefixes}, **terms})
    return AS2_URL if contexts == [AS2_URL] else contexts


def with_context(doc: dict[str, object]) -> dict[str, object]:
    """The document with its context in front; the contexts of embedded documents of ours are not needed any more."""
    return {"@context": context_for(doc), **doc}


def _prefix_of(definition: object) -> str:
    iri = definition["@id"] if isinstance(definition, dict) else definition
    return str(iri).partition(":")[0]


def _collect(value: object, words: set[str]) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            words.add(key)
            if key == "type":
                words.update([item] if isinstance(item, str) else [])
            elif isinstance(item, list) or (isinstance(item, Mapping) and "@context" not in item):
                _collect(item, words)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, list) or (isinstance(item, Mapping) and "@context" not in item):
                _collect(item, words)
