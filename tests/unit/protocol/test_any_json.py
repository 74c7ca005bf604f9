"""No JSON value makes reading raise, whatever stands in whatever place."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.activitystreams import Activity, parse_activity
from fediverse_node.protocol.actors import ActorDocument, parse_actor, parse_key_document
from fediverse_node.protocol.addressing import PUBLIC, audience_for, visibility
from fediverse_node.protocol.collections import parse_collection
from fediverse_node.protocol.dump import dump_actor, dump_object
from fediverse_node.protocol.html import sanitise, sanitise_inline, to_plain_text
from fediverse_node.protocol.jsonld import NeedsProcessing, Plain, compact_document, gate
from fediverse_node.protocol.nodeinfo import parse_links, parse_nodeinfo
from fediverse_node.protocol.objects import ObjectDocument, parse_object, parse_tombstone
from fediverse_node.protocol.plain_text import count_characters, extract_hashtags, find_mentions, render
from fediverse_node.protocol.text_html import text_html
from fediverse_node.protocol.uris import canonical_host, origin_of
from fediverse_node.protocol.webfinger import parse_jrd, parse_resource

AS2_URL = "https://www.w3.org/ns/activitystreams"
PARSERS = (
    parse_activity,
    parse_actor,
    parse_object,
    parse_collection,
    parse_tombstone,
    parse_key_document,
    parse_jrd,
    parse_nodeinfo,
    parse_links,
    gate,
)

WORDS = st.sampled_from(
    [
        "id",
        "type",
        "actor",
        "object",
        "target",
        "to",
        "cc",
        "tag",
        "attachment",
        "url",
        "href",
        "name",
        "nameMap",
        "content",
        "contentMap",
        "summary",
        "published",
        "updated",
        "endTime",
        "closed",
        "oneOf",
        "anyOf",
        "replies",
        "totalItems",
        "icon",
        "image",
        "attributedTo",
        "inReplyTo",
        "context",
        "publicKey",
        "publicKeyPem",
        "owner",
        "assertionMethod",
        "endpoints",
        "sharedInbox",
        "inbox",
        "items",
        "orderedItems",
        "first",
        "next",
        "source",
        "mediaType",
        "focalPoint",
        "width",
        "duration",
        "links",
        "rel",
        "subject",
        "software",
        "location",
        "language",
        "@context",
        "@id",
        "@type",
        "@value",
        "@language",
        "@list",
        "movedTo",
        "alsoKnownAs",
        "sensitive",
        "implements",
        "value",
        "blurhash",
        "quote",
        "interactionPolicy",
        "usage",
        "users",
        "metadata",
        "protocols",
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(
        [
            "https://a.example/1",
            "as:Public",
            PUBLIC,
            "Note",
            "Create",
            "Person",
            "Question",
            "Video",
            "Image",
            "Mention",
            "Hashtag",
            "Emoji",
            "Link",
            "Document",
            "PropertyValue",
            "OrderedCollection",
            "Tombstone",
            "Key",
            ":x:",
            "#t",
            "2024-01-01T00:00:00Z",
            "2024-01-01",
            "PT1M",
            "de",
            AS2_URL,
            "text/html",
            "video/mp4",
            "\ud800",
            "\0",
        ]
    ),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(WORDS, st.text(max_size=8)), inner, max_size=6)
    ),
    max_leaves=25,
)
SLOW = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def a_document(type_: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Documents that get past the first checks, so that what lies behind them is reached."""
    return st.builds(
        lambda rest, kind: {**rest, "id": "https://a.example/1", "type": kind, "attributedTo": "https://a.example/u"},
        st.dictionaries(WORDS, JSON, max_size=10),
        type_,
    )


POSTS = a_document(st.sampled_from(["Note", "Question", "Article", "Page", "Video", "Audio", "Image", "Event"]))
ACTORS = a_document(st.sampled_from(["Person", "Group", "Service", "Application", "Organization"]))


@given(JSON)
@SLOW
def test_no_json_value_raises(value: object) -> None:
    for parse in PARSERS:
        parse(value)


@given(POSTS)
@SLOW
def test_every_post_is_read_and_what_we_read_can_be_written_and_read_again(doc: dict[str, Any]) -> None:
    post = parse_object(doc)
    assert isinstance(post, ObjectDocument)
    to_plain_text(sanitise(text_html(post)))
    visibility(post.to, post.cc, None, author_uri=post.attributed_to)
    again = parse_object(dump_object(post))
    assert isinstance(again, ObjectDocument)
    for field in (
        "id",
        "type",
        "attributed_to",
        "in_reply_to",
        "to",
        "cc",
        "quote",
        "published",
        "mentions",
        "hashtags",
    ):
        assert getattr(again, field) == getattr(post, field), field


@given(ACTORS)
@SLOW
def test_every_actor_is_read_and_what_we_read_can_be_written_and_read_again(doc: dict[str, Any]) -> None:
    actor = parse_actor(doc)
    assert isinstance(actor, ActorDocument)
    again = parse_actor(dump_actor(actor))
    assert isinstance(again, ActorDocument)
    for field in ("id", "type", "preferred_username", "name", "inbox", "followers", "also_known_as", "published"):
        assert getattr(again, field) == getattr(actor, field), field


CONTEXTS = st.recursive(
    st.sampled_from(
        [
            AS2_URL,
            "https://w3id.org/security/v1",
            "as:actor",
            "as:object",
            "@id",
            "@type",
            "x:",
            None,
            5,
            "https://www.w3.org/ns/activitystreams#",
            "http://x.example/",
            "actor",
            {"@id": "as:to"},
        ]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                [
                    "actor",
                    "object",
                    "to",
                    "x",
                    "y",
                    "as",
                    "boss",
                    "id",
                    "type",
                    "@id",
                    "@type",
                    "@container",
                    "@vocab",
                    "@base",
                    "@context",
                    "@language",
                    "@reverse",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)


@given(CONTEXTS, st.sampled_from(["actor", "x", "y", "boss", "x:actor", "as:actor", "y:actor"]))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_context_says_plain_reading_agrees_with_processing(context: object, key: str) -> None:
    """The attack on context gates: a document that plain code and JSON-LD code read differently."""
    doc: dict[str, Any] = {"id": "https://a.example/1", "type": "Like", "object": "https://b.example/1"}
    doc |= {"actor": "https://a.example/alice", key: "https://e.example/eve", "@context": context}
    outcome = gate(doc)
    assert isinstance(outcome, Plain | NeedsProcessing | Fail)
    if not isinstance(outcome, Plain) or outcome.ignored_contexts:
        return
    plain, compacted = parse_activity(doc), compact_document(doc)
    if isinstance(compacted, Fail):
        return  # not JSON-LD at all: no processor reads anything else out of it
    processed = parse_activity(compacted)
    assert isinstance(plain, Activity)
    assert isinstance(processed, Activity), (doc, compacted)
    assert (plain.id, plain.type, plain.actor, plain.object_id, plain.to) == (
        processed.id,
        processed.type,
        processed.actor,
        processed.object_id,
        processed.to,
    )


@given(st.text())
@SLOW
def test_no_text_raises(text: str) -> None:
    for function in (canonical_host, origin_of, parse_resource, sanitise, sanitise_inline, to_plain_text):
        function(text)
    find_mentions(text)
    extract_hashtags(text)
    count_characters(text)


HOSTILE = st.text(alphabet=st.sampled_from("@#:/.<>&\"'()ab1 \n😀é"), max_size=60)


@given(HOSTILE)
@SLOW
def test_what_people_type_keeps_its_text_and_gains_no_markup_of_theirs(text: str) -> None:
    html = render(text, {"a": ("https://a.example/@a", "a")}, lambda name: f"https://a.example/tags/{name}")
    assert "<script" not in html
    # Only our own tags are in it, so the sanitiser takes nothing of the text away.
    assert to_plain_text(sanitise(html)).split() == to_plain_text(html).split() == " ".join(text.split()).split()


@given(st.lists(st.sampled_from(["https://a.example/u", "https://b.example/u"]), max_size=3))
def test_addresses_never_hold_doubles(mentions: list[str]) -> None:
    for wanted in visibility([PUBLIC], [], None).__class__:
        to, cc = audience_for(wanted, "https://a.example/followers", mentions)
        assert len(set(to + cc)) == len(to + cc)


@given(st.text(alphabet=st.sampled_from("<>/ab=\"' &;!-pscriptonh1"), max_size=200))
@SLOW
def test_sanitised_html_is_safe_and_stays_as_it_is(html: str) -> None:
    cleaned = sanitise(html)
    assert "<script" not in cleaned
    assert " on" not in "".join(part.split(">")[0] for part in cleaned.split("<")[1:])
    assert sanitise(cleaned) == cleaned
