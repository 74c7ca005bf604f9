"""What we say reads back as what we meant, and has the form that peers need."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.activitystreams import Activity, parse_activity
from fediverse_node.protocol.actors import ActorDocument, KeyDocument, parse_actor
from fediverse_node.protocol.addressing import PUBLIC
from fediverse_node.protocol.attachments import Attachment
from fediverse_node.protocol.collections import CollectionPage, dump_collection, dump_page, parse_collection
from fediverse_node.protocol.dump import (
    RFC9421_URI,
    dump_activity,
    dump_actor,
    dump_date,
    dump_object,
    dump_tombstone,
)
from fediverse_node.protocol.events import Event, Place
from fediverse_node.protocol.jsonld import Plain, compact_document, gate
from fediverse_node.protocol.objects import ObjectDocument, TombstoneDocument, parse_object, parse_tombstone
from fediverse_node.protocol.parts import Emoji, Picture
from fediverse_node.protocol.polls import Poll
from fediverse_node.protocol.tags import Mention

ALICE = "https://a.example/users/alice"
NOTE = ALICE + "/statuses/1"
NOW = datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)
THEN = datetime(2026, 1, 30, 12, 0, tzinfo=UTC)
EMOJI = Emoji("blob", "https://a.example/e.png", id="https://a.example/e/1", updated=THEN, media_type="image/png")

ACTOR = ActorDocument(
    id=ALICE,
    type="Person",
    preferred_username="alice",
    name="Alice :blob:",
    summary="<p>Hi</p>",
    url="https://a.example/@alice",
    inbox=ALICE + "/inbox",
    shared_inbox="https://a.example/inbox",
    outbox=ALICE + "/outbox",
    followers=ALICE + "/followers",
    following=ALICE + "/following",
    featured=ALICE + "/featured",
    featured_tags=ALICE + "/tags",
    icon=Picture("https://a.example/i.png", "me", "image/png"),
    image=Picture("https://a.example/h.jpg", "", "image/jpeg"),
    fields=(("Web", '<a href="https://a.example">a</a>'),),
    manually_approves=True,
    discoverable=True,
    indexable=False,
    moved_to="https://b.example/users/alice",
    also_known_as=("https://b.example/users/alice",),
    published=THEN,
    updated=NOW,
    emojis=(EMOJI,),
    public_keys=(
        KeyDocument(ALICE + "#main-key", ALICE, pem="-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n"),
        KeyDocument(ALICE + "#ed25519-key", ALICE, multibase="z6MkExample"),
    ),
    webfinger="alice@a.example",
    implements=(RFC9421_URI,),
    attribution_domains=("a.example",),
    language="en",
)
POST = ObjectDocument(
    id=NOTE,
    type="Note",
    attributed_to=ALICE,
    content="<p>Hello</p>",
    summary="careful",
    sensitive=True,
    language="en",
    in_reply_to="https://b.example/1",
    context=NOTE + "/context",
    conversation="tag:a.example,2026:1",
    url="https://a.example/@alice/1",
    published=THEN,
    updated=NOW,
    to=(PUBLIC,),
    cc=(ALICE + "/followers", "https://b.example/users/bob"),
    attachments=(
        Attachment(
            "image", "https://a.example/1.png", "image/png", "a cat", "U8H-lR?]4mQS0NWaE5kS9q", (0.0, 0.5), 640, 480
        ),
        Attachment(
            "video", "https://a.example/2.mp4", "video/mp4", duration_s=62.5, preview_url="https://a.example/2.png"
        ),
    ),
    mentions=(Mention("https://b.example/users/bob", "@bob@b.example"),),
    hashtags=("Moo",),
    emojis=(EMOJI,),
    replies=NOTE + "/replies",
    likes=NOTE + "/likes",
    shares=NOTE + "/shares",
    quote="https://b.example/2",
    quote_authorization="https://b.example/stamps/1",
    source_text="Hello",
    source_media_type="text/plain",
)


def test_an_actor_reads_back() -> None:
    assert parse_actor(dump_actor(ACTOR)) == ACTOR


@pytest.mark.parametrize("type_", ["Application", "Group", "Organization", "Service"])
def test_an_actor_of_every_type_reads_back(type_: str) -> None:
    actor = dataclasses.replace(ACTOR, type=type_)
    assert parse_actor(dump_actor(actor)) == actor


@pytest.mark.parametrize(
    "post",
    [
        pytest.param(POST, id="a note with everything"),
        pytest.param(ObjectDocument(id=NOTE, type="Note", attributed_to=ALICE, published=NOW), id="a bare note"),
        pytest.param(
            dataclasses.replace(
                POST,
                type="Question",
                poll=Poll(True, (("Yes", 3), ("No", 0)), NOW, None, 3),
                attachments=(),
            ),
            id="a poll of several choices",
        ),
        pytest.param(
            dataclasses.replace(POST, type="Question", poll=Poll(False, (("A", 0), ("B", 1)), THEN, THEN, 1)),
            id="a closed poll",
        ),
        pytest.param(
            ObjectDocument(
                id=NOTE,
                type="Note",
                attributed_to=ALICE,
                name="Yes",
                in_reply_to="https://b.example/q",
                to=("https://b.example/users/bob",),
                published=NOW,
            ),
            id="a vote",
        ),
        pytest.param(
            ObjectDocument(
                id=NOTE,
                type="Event",
                attributed_to=ALICE,
                name="Picnic",
                starts=THEN,
                ends=NOW,
                place="Park",
                published=NOW,
                event=Event(starts=THEN, ends=NOW, places=(Place("Park"),)),
            ),
            id="an event",
        ),
        pytest.param(
            ObjectDocument(
                id=NOTE, type="Article", attributed_to=ALICE, name="T", content="<p>x</p>", summary="s", published=NOW
            ),
            id="an article",
        ),
    ],
)
def test_a_post_reads_back(post: ObjectDocument) -> None:
    assert parse_object(dump_object(post)) == post


def test_collections_brought_along_are_still_found() -> None:
    doc = dump_object(
        POST, replies_first=[NOTE + "1"], replies_next=NOTE + "/replies?page=2", likes_count=4, shares_count=2
    )
    assert parse_object(doc) == POST
    replies = parse_collection(doc["replies"])
    assert isinstance(replies, CollectionPage)
    assert replies.first_page is not None
    assert (replies.first_page.items, replies.first_page.next) == ((NOTE + "1",), NOTE + "/replies?page=2")
    assert doc["likes"] == {"id": NOTE + "/likes", "type": "Collection", "totalItems": 4}


def test_a_vote_has_no_text_at_all() -> None:
    vote = ObjectDocument(id=NOTE, type="Note", attributed_to=ALICE, name="Yes", in_reply_to="https://b.example/q")
    assert "content" not in dump_object(vote)


def test_an_activity_reads_back() -> None:
    doc = dump_activity(
        "Create",
        id_=NOTE + "/activity",
        actor=ALICE,
        object_=dump_object(POST, embedded=True),
        to=POST.to,
        cc=POST.cc,
        published=THEN,
    )
    activity = parse_activity(doc)
    assert isinstance(activity, Activity)
    assert (activity.id, activity.type, activity.actor, activity.object_id) == (
        NOTE + "/activity",
        "Create",
        ALICE,
        NOTE,
    )
    assert (activity.to, activity.cc, activity.published) == (POST.to, POST.cc, THEN)
    assert parse_object(activity.object) == POST
    assert next(iter(doc)) == "@context"
    assert "@context" not in (activity.object or {})


def test_a_report_carries_its_comment() -> None:
    doc = dump_activity("Flag", id_=ALICE + "/f/1", actor=ALICE, object_=["https://b.example/u", NOTE], content="spam")
    activity = parse_activity(doc)
    assert isinstance(activity, Activity)
    assert (activity.objects, activity.content) == (("https://b.example/u", NOTE), "spam")


def test_to_and_cc_always_stand_there_because_snac_drops_posts_without_them() -> None:
    doc = dump_object(ObjectDocument(id=NOTE, type="Note", attributed_to=ALICE))
    assert (doc["to"], doc["cc"]) == ([], [])
    like = dump_activity("Like", id_=NOTE + "l", actor=ALICE, object_="https://b.example/1")
    assert (like["to"], like["cc"]) == ([], [])


def test_the_context_holds_only_what_is_used() -> None:
    follow = dump_activity("Follow", id_=ALICE + "/f", actor=ALICE, object_="https://b.example/u")
    assert follow["@context"] == "https://www.w3.org/ns/activitystreams"
    note = dump_object(ObjectDocument(id=NOTE, type="Note", attributed_to=ALICE, content="x"))
    assert note["@context"] == ["https://www.w3.org/ns/activitystreams", {"sensitive": "as:sensitive"}]
    actor_context = dump_actor(ACTOR)["@context"]
    assert isinstance(actor_context, list)
    assert actor_context[:2] == ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"]


def test_an_embedded_document_of_somebody_else_keeps_its_own_context() -> None:
    theirs = {
        "@context": ["https://www.w3.org/ns/activitystreams", {"x": "https://x.example/"}],
        "type": "Follow",
        "quoteUri": "y",
    }
    doc = dump_activity("Accept", id_=ALICE + "/a", actor=ALICE, object_=theirs)
    assert doc["object"] == theirs
    assert doc["@context"] == "https://www.w3.org/ns/activitystreams"


@pytest.mark.parametrize(
    "doc",
    [
        dump_actor(ACTOR),
        dump_object(POST),
        dump_object(dataclasses.replace(POST, type="Question", poll=Poll(True, (("A", 1),)))),
    ],
    ids=["actor", "note", "question"],
)
def test_a_json_ld_processor_reads_the_same_as_we_do(doc: dict[str, object]) -> None:
    assert gate(doc) == Plain()
    compacted = compact_document(doc)
    assert not isinstance(compacted, Fail)
    for parse in (parse_actor, parse_object):
        plain = parse(doc)
        if isinstance(plain, Fail):
            continue
        processed = parse(compacted)
        assert not isinstance(processed, Fail)
        for field in dataclasses.fields(plain):
            # One item and an array of one are the same to JSON-LD; `implements` of a person is under `generator`.
            if field.name != "raw":
                assert getattr(processed, field.name) == getattr(plain, field.name), field.name


def test_a_tombstone_reads_back() -> None:
    tombstone = TombstoneDocument(NOTE, "Note", THEN)
    assert parse_tombstone(dump_tombstone(tombstone)) == tombstone
    assert "@context" not in dump_tombstone(tombstone, embedded=True)


def test_collections_and_pages_read_back() -> None:
    outbox = ALICE + "/outbox"
    collection = parse_collection(dump_collection(outbox, total=3, first=outbox + "?page=1"))
    assert collection == CollectionPage(outbox, "OrderedCollection", first=outbox + "?page=1", total=3)
    page = dump_page(outbox + "?page=1", part_of=outbox, items=[NOTE, {"id": NOTE + "2"}], next_=outbox + "?page=2")
    assert parse_collection(page) == CollectionPage(
        outbox + "?page=1",
        "OrderedCollectionPage",
        (NOTE, {"id": NOTE + "2"}),
        next=outbox + "?page=2",
        part_of=outbox,
    )


def test_an_endless_collection_is_cut() -> None:
    doc = {"type": "Collection", "items": [f"https://a.example/{n}" for n in range(5000)], "totalItems": "5000"}
    collection = parse_collection(doc)
    assert isinstance(collection, CollectionPage)
    assert (len(collection.items), collection.total) == (1000, 5000)
    assert isinstance(parse_collection({"type": "Note"}), Fail)


def test_dates_are_short_and_have_a_zone() -> None:
    assert dump_date(THEN) == "2026-01-30T12:00:00Z"
    assert dump_date(NOW) == "2026-01-31T12:00:00.5Z"
