from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fediverse_node.domain import documents, wire
from fediverse_node.domain.documents import Profile
from fediverse_node.domain.effects import NewObject
from fediverse_node.domain.model import Poll, Visibility
from fediverse_node.domain.reception import mention_of
from fediverse_node.protocol.actors import ActorDocument, parse_actor
from fediverse_node.protocol.addressing import PUBLIC
from fediverse_node.protocol.jsonld import Plain, gate
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from tests.activities.builders import ALICE, BOB, CAROL, HOUR_MS, NAMES, NOW_MS, an_object

NOTE = NewObject(
    id=500,
    uri=f"{ALICE.uri}/statuses/500",
    type="Note",
    actor_id=ALICE.id,
    local=True,
    visibility=Visibility.PUBLIC,
    published_ms=NOW_MS + 123,
    content="<p>Hello</p>",
    summary="careful",
    sensitive=True,
    language="en",
    thread_id=500,
    parts={
        "mentions": [mention_of(BOB)],
        "tags": ["cats"],
        "emojis": [{"shortcode": "wave", "url": "https://home.example/media/wave.png"}],
    },
    attachments=(
        {
            "id": 7,
            "type": "image",
            "path": "7/original.png",
            "media_type": "image/png",
            "description": "A cat",
            "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj",
            "focus": [0.5, -0.25],
            "width": 640,
            "height": 480,
        },
    ),
)
PROFILE = Profile(
    uri=ALICE.uri,
    type="Person",
    username="alice",
    rsa_pem="-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n",
    ed25519_multibase="z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2",
    name="Alice",
    summary="<p>I say things</p>",
    fields=({"name": "Home", "value": "<a href='https://alice.example'>alice.example</a>"},),
    icon_path="1/icon.png",
    icon_media_type="image/png",
    icon_description="A face",
    locked=True,
    discoverable=True,
    indexable=True,
    created_ms=NOW_MS - HOUR_MS,
    also_known_as=(BOB.uri,),
)


def read(record: NewObject, **more: Any) -> ObjectDocument:
    document = parse_object(documents.object_document(record, ALICE, NAMES, **more))
    assert isinstance(document, ObjectDocument)
    return document


def test_a_note_says_everything_that_is_stored_of_it() -> None:
    document = read(NOTE)
    assert (document.id, document.type, document.attributed_to) == (NOTE.uri, "Note", ALICE.uri)
    assert (document.content, document.language, document.summary) == ("<p>Hello</p>", "en", "careful")
    assert document.sensitive
    assert document.url == "https://home.example/@alice/500"
    assert document.mentions[0].href == BOB.uri
    assert document.mentions[0].name == "@bob@far.example"
    assert document.hashtags == ("cats",)
    assert document.emojis[0].shortcode == "wave"
    assert document.replies == f"{NOTE.uri}/replies"
    file = document.attachments[0]
    assert file.url == "https://home.example/media/7/original.png"
    assert (file.media_type, file.name, file.focus) == ("image/png", "A cat", (0.5, -0.25))
    assert (file.blurhash, file.width, file.height) == ("LEHV6nWB2yk8pyo0adR*.7kCMdnj", 640, 480)


def test_what_peers_stumble_over_is_written_as_they_expect_it() -> None:
    document = documents.object_document(NOTE, ALICE, NAMES)
    assert document["published"] == "2026-11-21T12:00:00Z"
    assert document["to"] == [PUBLIC]
    assert document["cc"] == [ALICE.followers_uri, BOB.uri]
    assert document["contentMap"] == {"en": "<p>Hello</p>"}
    assert "updated" not in document
    assert {"type": "Hashtag", "name": "#cats", "href": "https://home.example/tags/cats"} in document["tag"]


@pytest.mark.parametrize(
    "reach, to, cc",
    [
        (Visibility.PUBLIC, [PUBLIC], [ALICE.followers_uri, BOB.uri]),
        (Visibility.UNLISTED, [ALICE.followers_uri], [PUBLIC, BOB.uri]),
        (Visibility.FOLLOWERS, [ALICE.followers_uri], [BOB.uri]),
        (Visibility.DIRECT, [BOB.uri], []),
    ],
)
def test_the_note_and_its_activities_are_addressed_alike(reach: Visibility, to: list[str], cc: list[str]) -> None:
    record = replace(NOTE, visibility=reach)
    activities = (
        documents.create_activity(record, ALICE, NAMES),
        documents.update_activity(record, ALICE, NAMES, 7),
    )
    for document in (documents.object_document(record, ALICE, NAMES), *activities):
        assert (document["to"], document["cc"]) == (to, cc)
    assert all(activity["object"]["to"] == to for activity in activities)


def test_two_edits_in_one_second_can_be_told_apart() -> None:
    first, second = (read(replace(NOTE, updated_ms=NOW_MS + ms)).updated for ms in (1, 2))
    assert first is not None
    assert second is not None
    assert first < second


@pytest.mark.parametrize(
    "more, context",
    [
        pytest.param({}, "https://home.example/contexts/500", id="a beginning is ours"),
        pytest.param(
            {"in_reply_to_uri": "https://home.example/users/carol/statuses/4", "thread_id": 4},
            "https://home.example/contexts/4",
            id="an answer to one of ours is in our thread",
        ),
        pytest.param(
            {"in_reply_to_uri": f"{BOB.uri}/statuses/1", "context_uri": "https://far.example/contexts/1"},
            "https://far.example/contexts/1",
            id="an answer keeps the context it was told",
        ),
        pytest.param({"in_reply_to_uri": f"{BOB.uri}/statuses/1"}, None, id="nobody claims a foreign thread"),
    ],
)
def test_which_conversation_it_belongs_to(more: dict[str, Any], context: str | None) -> None:
    assert read(replace(NOTE, **more)).context == context


@pytest.mark.parametrize(
    "poll, key, counts",
    [
        (Poll(("tea", "coffee"), (3, 4), voters_count=7), "oneOf", [3, 4]),
        (Poll(("tea", "coffee"), (3, 4), multiple=True), "anyOf", [3, 4]),
        (Poll(("tea", "coffee"), (3, 4), hide_totals=True), "oneOf", [0, 0]),
        (Poll(("tea", "coffee"), (3, 4), hide_totals=True, closed_ms=NOW_MS), "oneOf", [3, 4]),
    ],
)
def test_a_question_lists_its_options(poll: Poll, key: str, counts: list[int]) -> None:
    document = documents.object_document(replace(NOTE, type="Question", poll=poll), ALICE, NAMES)
    assert [option["name"] for option in document[key]] == ["tea", "coffee"]
    assert [option["replies"]["totalItems"] for option in document[key]] == counts
    assert document.get("votersCount") == poll.voters_count


def test_an_article_has_its_title_as_name() -> None:
    document = documents.object_document(replace(NOTE, type="Article", parts={"title": "On cats"}), ALICE, NAMES)
    assert (document["type"], document["name"]) == ("Article", "On cats")


def test_counts_are_brought_along_where_they_are_known() -> None:
    document = documents.object_document(NOTE, ALICE, NAMES, likes_count=2, shares_count=0, replies_first=[BOB.uri])
    assert document["likes"] == {"id": f"{NOTE.uri}/likes", "type": "Collection", "totalItems": 2}
    assert document["shares"]["totalItems"] == 0
    assert document["replies"]["first"]["items"] == [BOB.uri]


def test_an_actor_says_everything_that_is_stored_of_it() -> None:
    actor = parse_actor(documents.actor_document(PROFILE, NAMES))
    assert isinstance(actor, ActorDocument)
    assert (actor.id, actor.preferred_username, actor.name) == (ALICE.uri, "alice", "Alice")
    assert actor.inbox == ALICE.inbox
    assert actor.shared_inbox == "https://home.example/inbox"
    assert actor.followers == ALICE.followers_uri
    assert actor.featured == ALICE.featured_uri
    assert actor.webfinger == "alice@home.example"
    assert actor.icon is not None
    assert actor.icon.url == "https://home.example/media/1/icon.png"
    assert actor.fields == (("Home", PROFILE.fields[0]["value"]),)
    assert (actor.manually_approves, actor.discoverable, actor.indexable) == (True, True, True)
    assert actor.also_known_as == (BOB.uri,)
    assert [key.id for key in actor.public_keys] == [f"{ALICE.uri}#main-key", f"{ALICE.uri}#ed25519-key"]
    assert all(key.owner == ALICE.uri for key in actor.public_keys)
    assert "https://datatracker.ietf.org/doc/html/rfc9421" in actor.implements


def test_a_suspended_actor_shows_nothing_but_its_address_and_keys() -> None:
    actor = parse_actor(documents.actor_document(replace(PROFILE, suspended=True), NAMES))
    assert isinstance(actor, ActorDocument)
    assert actor.suspended
    assert (actor.name, actor.summary, actor.icon, actor.fields) == ("", "", None, ())
    assert actor.public_keys


def test_the_servers_own_actor_has_the_host_as_its_name() -> None:
    actor = parse_actor(documents.instance_actor_document(NAMES, PROFILE.rsa_pem))
    assert isinstance(actor, ActorDocument)
    assert (actor.id, actor.type, actor.preferred_username) == (
        "https://home.example/actor",
        "Application",
        "home.example",
    )
    assert actor.public_keys[0].id == "https://home.example/actor#main-key"


def every_document() -> dict[str, dict[str, Any]]:
    rich = replace(
        NOTE, type="Question", poll=Poll(("tea",), (1,), voters_count=1), parts={**NOTE.parts, "quote": BOB.uri}
    )
    return {
        "note": documents.object_document(NOTE, ALICE, NAMES),
        "question": documents.object_document(rich, ALICE, NAMES, likes_count=1),
        "create": documents.create_activity(NOTE, ALICE, NAMES),
        "update": documents.update_activity(replace(rich, updated_ms=NOW_MS), ALICE, NAMES, 1),
        "update of an actor": documents.update_actor_activity(
            ALICE, documents.actor_document(PROFILE, NAMES), NAMES, 1
        ),
        "delete": documents.delete_activity(an_object(ALICE), ALICE, NOW_MS),
        "delete of an actor": documents.delete_actor_activity(ALICE),
        "tombstone": documents.tombstone_document(NOTE.uri, "Note", NOW_MS),
        "actor": documents.actor_document(PROFILE, NAMES),
        "server": documents.instance_actor_document(NAMES, PROFILE.rsa_pem),
        "follow": wire.follow("https://home.example/f", ALICE.uri, BOB.uri),
        "undo": wire.about("Undo", "https://home.example/u", ALICE.uri, wire.follow("f", ALICE.uri, CAROL.uri)),
    }


@pytest.mark.parametrize("name", sorted(every_document()))
def test_our_documents_are_plain_for_our_own_reader(name: str) -> None:
    assert isinstance(gate(every_document()[name]), Plain)


@pytest.mark.parametrize("name", sorted(every_document()))
def test_our_documents_have_one_context_and_none_inside(name: str) -> None:
    document = every_document()[name]
    assert "https://www.w3.org/ns/activitystreams" in document["@context"]
    inner = document.get("object")
    assert not isinstance(inner, dict) or "@context" not in inner
