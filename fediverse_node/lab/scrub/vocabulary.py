"""The words that scrubbing keeps: those of protocols and of this program, which say nothing about anybody.

Everything else goes. A text never keeps any, even if it is made of such words alone.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson

from fediverse_node.base.outcome import Reason
from fediverse_node.delivery.sender import Undelivered
from fediverse_node.domain import effect_sentences
from fediverse_node.domain.effects import Refusal
from fediverse_node.inbox.answer import Turned
from fediverse_node.protocol.contexts import OUR_WORDS
from fediverse_node.protocol.jsonld_processing import contexts_directory
from fediverse_node.protocol.jsonld_terms import CORE_IRIS, CORE_TERMS, NAMESPACES
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.signatures.negotiation import RFC9421_ED25519_HREF, RFC9421_HREF
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.transport.faults import FetchFault

WORD = re.compile(r"[A-Za-z]+")
_REASONS: tuple[type[Reason], ...] = (FetchFault, Refusal, SignatureFault, Turned, Undelivered, WireReason)
_MORE_TERMS = """
    @context @id @type @value @language @list @container @set @vocab @base @protected @reverse @graph @index
    @version @json @none id type links template aliases properties titles software version protocols services usage
    users total activeMonth activeHalfyear localPosts localComments openRegistrations metadata inbound outbound name
    nodeName self keyId algorithm headers signature error code status _misskey_content _misskey_summary
    _misskey_reaction _misskey_followedMessage isCat requireSigninToViewContents contentWarning quoteURL icons
    subscribers downvoteEnabled postingRestrictedToMods canReply canLike permissions EmojiReaction Zap Bite Ticket
    Commit Push TicketDependency RsaSignature2017 Ed25519Signature2020 DataIntegrityProof schema PropertyValue Note
    Image Document Actor Event activitypub true false null toot sensitive comment followers_url inbox_url expires_at
    created_at error_description client_id scopes scope redirect_uri grant_type eddsa-jcs-2022 mldsa44-jcs-2024
    assertionMethod
"""
_PATH = """
    users user statuses status inbox outbox followers following subscribers collections featured tags activity
    activities actor actors context contexts replies likes shares object objects note notes ap api apps v1 v2 v3
    main-key ed25519-key publicKey key keys delete deleted undo update updates accept reject like follow announce
    block move flag vote votes add remove report reports flags nodeinfo .well-known webfinger host-meta
    host-meta.json 2.0 2.1 u c m p s post posts comment community communities accounts profile profiles author
    channel channels video-channels videos watch media media_attachments media_proxy files file original small
    static avatars headers avatar header system custom_emojis images emoji emojis proxy search tag thread threads
    conversation conversations question questions event events article articles index.php wp-json activitypub 1.0
    create quote quotes repeat followers_synchronization featuredTags pinned actor-inbox shared-inbox oauth token
    authorize timelines home public notifications streaming instance resource page min_id max_id since_id first next
    last prev limit offset q type resolve only_other_accounts rel intents upload proxy mldsa44-key authorizations
    quote_authorizations moderators featured_collections history
"""
_HEADERS = """
    accept accept-encoding accept-language accept-signature access-control-allow-headers
    access-control-allow-methods access-control-allow-origin access-control-expose-headers age allow authorization
    cache-control cf-cache-status cf-connecting-ip cf-ray connection content-digest content-disposition
    content-encoding content-language content-length content-security-policy content-type cookie created date digest
    etag expect expires from host if-modified-since if-none-match keep-alive last-modified link location origin
    pragma proxy-authorization referer referrer-policy retry-after server set-cookie signature signature-input
    strict-transport-security te traceparent trailer transfer-encoding upgrade vary via user-agent forwarded
    true-client-ip x-client-ip x-real-ip x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-port
    x-content-type-options x-frame-options x-ratelimit-limit x-ratelimit-remaining x-ratelimit-reset x-request-id
    x-api-key x-auth-token collection-synchronization
"""
_HTML = """
    a abbr article audio b blockquote body br caption cite code dd del details div dl dt em figcaption figure h1 h2
    h3 h4 h5 h6 head hr html i img ins kbd li link meta ol p pre q rp rt ruby s samp section small source span
    strike strong sub summary sup table tbody td tfoot th thead time title tr tt u ul var video wbr class href src
    alt rel target lang dir translate start reversed value datetime cite content charset name http-equiv type width
    height style
"""
_HTML_VALUES = """
    h-card u-url mention hashtag invisible ellipsis u-mention p-author quote-inline nofollow noopener noreferrer ugc me
    tag _blank _self no yes ltr rtl auto
"""
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}")


@cache
def terms() -> frozenset[str]:
    """Keys and types of documents."""
    return frozenset({*_MORE_TERMS.split(), *CORE_TERMS, *OUR_WORDS, *_context_words()})


@cache
def known_addresses() -> frozenset[str]:
    """Addresses that are words of a protocol."""
    index = orjson.loads((contexts_directory() / "index.json").read_bytes())
    return frozenset({*index, *CORE_IRIS, *NAMESPACES, *_ADDRESSES})


_ADDRESSES = (
    RFC9421_HREF,
    RFC9421_ED25519_HREF,
    "https://www.w3.org/ns/activitystreams#Public",
    "http://www.w3.org/ns/activitystreams#Public",
    "https://www.w3.org/ns/activitystreams",
    "https://w3id.org/security/v1",
    "http://webfinger.net/rel/profile-page",
    "http://webfinger.net/rel/avatar",
    "http://ostatus.org/schema/1.0/subscribe",
    "http://schemas.google.com/g/2010#updates-from",
    "http://nodeinfo.diaspora.software/ns/schema/2.0",
    "http://nodeinfo.diaspora.software/ns/schema/2.1",
    "https://www.w3.org/ns/activitystreams#Application",
)
# What FEP-844e calls the specifications that somebody implements.
SPECIFICATIONS = frozenset({"RFC-9421: HTTP Message Signatures", "RFC-9421 signatures using the Ed25519 algorithm"})
# Names in these are words of a vocabulary.
NAMESPACE_PREFIXES = (
    "https://www.w3.org/ns/",
    "http://www.w3.org/",
    "https://w3id.org/",
    "http://joinmastodon.org/ns",
    "https://joinmastodon.org/ns",
    "http://schema.org",
    "https://schema.org",
    "http://ostatus.org",
    "https://misskey-hub.net/ns",
    "http://litepub.social/ns",
    "http://fedibird.com/ns",
    "https://gotosocial.org/ns",
    "https://purl.archive.org/",
    "https://fediversity.site/apschema",
    "http://purl.org/",
    "https://datatracker.ietf.org/doc/html/rfc9421",
)
PATHS = frozenset(_PATH.split())
HEADERS = frozenset(_HEADERS.split())
TAGS = frozenset(_HTML.split())
TAG_VALUES = frozenset(_HTML_VALUES.split())


def is_language(text: str) -> bool:
    """Whether it is written like a language tag."""
    return _LANGUAGE.fullmatch(text) is not None


@cache
def sentence_words() -> frozenset[str]:
    """What this program's own sentences are made of."""
    found = set(_SENTENCES.split())
    for reasons in _REASONS:
        for reason in reasons:
            found.update(WORD.findall(reason.sentence))
            found.update(WORD.findall(reason.name))
    tree = ast.parse(inspect.getsource(effect_sentences))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update(WORD.findall(node.value))
    return frozenset(found | {word for term in terms() for word in WORD.findall(term)})


_SENTENCES = """
    the request answer was lost on way sender did not wait any longer connection reset by peer is down no given up
    node stopped before came closed without an status ms cavage rfc9421 https http accepted known fetched shared
    Cannot connect to host ssl default Connection refused timeout True False None GET POST content sensitive summary
    language source updated edited published mention poll reblog like announce reply follow quote note
    arrives copy made nothing passes between two does has hosts host key id
"""


def _context_words() -> Iterator[str]:
    for path in sorted(contexts_directory().glob("*.json*")):
        document: Any = orjson.loads(path.read_bytes())
        if isinstance(document, dict):
            yield from _words_of(document.get("@context"))


def _words_of(context: object) -> Iterator[str]:
    if isinstance(context, list):
        for item in context:
            yield from _words_of(item)
    elif isinstance(context, dict):
        for key, definition in context.items():
            yield key
            if isinstance(definition, dict):
                yield from _words_of(definition.get("@context"))
