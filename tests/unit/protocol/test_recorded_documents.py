"""What real servers said, read as they meant it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson
import pytest

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.activitystreams import Activity, parse_activity
from fediverse_node.protocol.actors import ActorDocument, parse_actor, parse_key_document
from fediverse_node.protocol.addressing import Visibility, visibility
from fediverse_node.protocol.collections import CollectionPage, parse_collection
from fediverse_node.protocol.html import sanitise, to_plain_text
from fediverse_node.protocol.jsonld import NeedsProcessing, Plain, compact_document, gate
from fediverse_node.protocol.jsonld_terms import CORE_TERMS
from fediverse_node.protocol.nodeinfo import NodeInfo, parse_links, parse_nodeinfo
from fediverse_node.protocol.objects import ObjectDocument, TombstoneDocument, parse_object, parse_tombstone
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.protocol.text_html import text_html
from fediverse_node.protocol.webfinger import Jrd, parse_jrd
from tests.unit.protocol.recorded import PAYLOADS, WIRE, every_part, load, names, needs_recordings

pytestmark = needs_recordings

PARSERS = (
    parse_activity,
    parse_actor,
    parse_object,
    parse_collection,
    parse_tombstone,
    parse_key_document,
    parse_jrd,
    parse_nodeinfo,
)


def test_no_recorded_document_and_no_part_of_one_raises() -> None:
    counted: Counter[str] = Counter()
    for name in names():
        doc = load(name)
        gate(doc)
        for part in every_part(doc):
            for parse in PARSERS:
                outcome = parse(part)
                counted[parse.__name__] += not isinstance(outcome, Fail)
                if isinstance(outcome, ObjectDocument):
                    html = sanitise(text_html(outcome))
                    assert "<script" not in html
                    to_plain_text(html)
    # A parser that read nothing of a thousand documents would be broken too.
    assert counted["parse_activity"] > 500
    assert counted["parse_object"] > 300
    assert counted["parse_actor"] > 150
    assert counted["parse_collection"] > 200
    assert counted["parse_key_document"] > 150


def test_nearly_all_recorded_documents_pass_the_gate_as_plain_json() -> None:
    outcomes = Counter(type(gate(load(name))).__name__ for name in names())
    assert outcomes["Plain"] > 990
    assert outcomes["Fail"] <= 2, "only the two that are made of @graph"


_COMPARED = {
    Activity: ("id", "actor", "object_id", "objects", "target_id", "to", "cc", "published", "content", "instrument_id"),
    ActorDocument: (
        "id", "type", "preferred_username", "name", "summary", "url", "inbox", "shared_inbox", "outbox", "followers",
        "following", "also_known_as", "published",
    ),
    ObjectDocument: (
        "id", "type", "attributed_to", "content", "name", "summary", "in_reply_to", "context", "url", "published",
        "updated", "to", "cc", "audience", "groups", "mentions", "poll", "replies", "likes", "shares", "starts",
    ),
}  # fmt: skip


def test_the_plain_reading_of_core_words_is_what_a_json_ld_processor_reads() -> None:
    compared = 0
    for name in names():
        doc = load(name)
        outcome = gate(doc)
        if "@context" not in doc or outcome != Plain():
            continue
        compacted = compact_document(doc)
        if isinstance(compacted, Fail):
            continue  # e.g. a null in a list, which JSON-LD refuses and we overlook
        compared += 1
        for parse in (parse_activity, parse_actor, parse_object):
            plain, processed = parse(doc), parse(compacted)
            assert type(plain) is type(processed), (name, parse.__name__, plain, processed)
            if isinstance(plain, Fail):
                continue
            for field in _COMPARED[type(plain)]:
                if field == "context" and "inConversation" in doc:
                    continue  # GNU social's own word, of which our context does not know the name
                expected, actual = getattr(processed, field), getattr(plain, field)
                if isinstance(expected, tuple):
                    # JSON-LD arrays have no order
                    expected, actual = frozenset(expected), frozenset(actual)
                assert actual == expected, (name, field)
            if isinstance(plain, Activity) and isinstance(processed, Activity) and plain.type in CORE_TERMS:
                assert plain.type == processed.type
    assert compared > 700


def test_what_needs_processing_never_raises_and_passes_the_gate_afterwards() -> None:
    processed = 0
    for name in names():
        doc = load(name)
        if isinstance(gate(doc), NeedsProcessing):
            compacted = compact_document(doc)
            if not isinstance(compacted, Fail):
                processed += 1
                again = gate(compacted)
                if isinstance(again, NeedsProcessing):
                    # Texts in a language stay {"@value", "@language"}, and a text where a link belongs keeps
                    # its prefix ("as:relationship"), so that nobody takes it for a link.
                    assert again.reason is WireReason.KEYWORDS_USED or again.detail.startswith("as:"), name
                else:
                    assert again == Plain(), name
    assert processed > 15


def post_of(name: str) -> ObjectDocument:
    doc = load(name)
    if "actor" in doc and isinstance(doc.get("object"), dict):
        doc = doc["object"]
    post = parse_object(doc)
    assert isinstance(post, ObjectDocument), (name, post)
    return post


def shown(post: ObjectDocument) -> dict[str, Any]:
    """The fields of a post in the short form the table below is written in."""
    return {
        "type": post.type,
        "author": post.attributed_to,
        "text": to_plain_text(post.content),
        "parent": post.in_reply_to,
        "audience": visibility(post.to, post.cc, None, author_uri=post.attributed_to),
        "warning": post.content_warning,
        "sensitive": post.sensitive,
        "language": post.language,
        "url": post.url,
        "quote": post.quote,
        "title": post.name,
        "mentions": [mention.href for mention in post.mentions],
        "tags": list(post.hashtags),
        "emojis": [emoji.shortcode for emoji in post.emojis],
        "media": [(item.type, item.media_type) for item in post.attachments],
        "poll": list(post.poll.options) if post.poll else None,
        "published": post.published,
        "groups": list(post.groups),
        "for": list(post.audience),
        "place": post.place,
    }


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# Written from the documents by eye, not from what the parser made of them. `text` is compared from its start.
POSTS: dict[str, dict[str, Any]] = {
    "mastodon/mastodon-post-activity.json": {
        "type": "Note", "author": "http://mastodon.example.org/users/admin", "text": "@lain", "warning": "cw",
        "sensitive": True, "audience": Visibility.PUBLIC, "parent": None,
        "mentions": ["http://localtesting.pleroma.lol/users/lain"], "published": at("2018-02-12T14:08:20+00:00"),
        "url": "http://mastodon.example.org/@admin/99512778738411822",
    },
    "mastodon/mastodon-post-activity-hashtag~3.json": {
        "author": "https://framapiaf.org/users/admin", "tags": ["moo"], "mentions": ["https://framapiaf.org/users/tcit"],
    },
    "mastodon/mastodon-create-with-attachment~2.json": {
        "author": "https://mastodon.local/users/admin", "media": [("image", "image/jpeg")], "sensitive": False,
        "audience": Visibility.PUBLIC,
    },
    "mastodon/mastodon-question-activity.json": {
        "type": "Question", "language": "en", "text": "Why is Tenshi eating a corndog so cute?",
        "poll": [("Dunno", 0), ("Everyone knows that!", 1), ("25 char limit is dumb", 0),
                 ("I can't even fit a funny", 1)],
    },
    "pleroma/poll_attachment.json": {
        "type": "Question", "author": "https://patch.cx/users/rin", "text": "can you vote on this poll?",
        "media": [("image", "image/jpeg")], "mentions": ["https://mastodon.sdf.org/users/rinpatch"],
        "poll": [("a", 0), ("A", 0), ("Aa", 0), ("AA", 0), ("AAa", 1), ("AAA", 3)],
    },
    "pleroma/note~2.json": {"text": "Content", "audience": Visibility.PUBLIC, "tags": [], "media": []},
    "misskey/misskey_quote_post.json": {
        "author": "https://misskey.io/users/7rkrarq81i", "quote": "https://misskey.io/notes/8vs6wxufd0",
        "text": "投稿者の設定によるね", "audience": Visibility.PUBLIC,
    },
    "misskey/misskey_poll_no_end_date.json": {
        "type": "Question", "poll": [("Working", 0), ("Broken af", 1)], "mentions": ["https://marchgenso.me/users/march"],
        "text": "@march@marchgenso.me How are your notifications now?",
    },
    "misskey/quote.json": {
        "quote": "https://example.com/objects/43479e20-c0f8-4f49-bf7f-13fab8234924", "audience": Visibility.UNLISTED,
        "language": "ja", "text": "public quote",
    },
    "fedibird/fedibird_quote_post.json": {
        "quote": "https://misskey.io/notes/8vsn2izjwh", "author": "https://fedibird.com/users/noellabo",
        "text": "いつの生まれだシトリン", "language": "ja",
    },
    "pixelfed/pixelfed-image.json": {
        "type": "Note", "media": [("image", "image/jpeg")], "tags": ["collage", "art"],
        "text": "At the end of last year I sat down with a bunch of magazines",
        "url": "https://pixelfed.local/p/dajbelshaw/371584017931323759",
    },
    "peertube/video.json": {
        "type": "Video", "author": "https://tilvids.com/accounts/thelinuxexperiment", "language": "en",
        "groups": ["https://tilvids.com/video-channels/thelinuxexperiment_channel"], "media": [("video", "video/mp4")],
        "title": "Mesa, Wayland & X.org in trouble, Debian leaves X, Facebook blocks Linux: Linux & Open Source News",
        "text": "Head to https://squarespace.com/thelinuxexperiment",
        "url": "https://tilvids.com/videos/watch/e7946124-7b72-4ad7-9d22-844a84bb2de1",
    },
    "mobilizon/event.json": {
        "type": "Event", "author": "https://rendezvous.nomagic.uk/@devon_caledonian_society", "language": "en",
        "title": "Caledonian scottish dance class", "tags": ["Dance", "Caledonian", "Lesson"],
        "place": "The Kenn Centre, Devon Expressway, EX6 7TW, Teignbridge, England, United Kingdom",
        "media": [("image", "image/jpeg")],
    },
    "gancio/gancio-event-activity.json": {
        "type": "Event", "title": "Demo event", "place": "Colosseo", "tags": ["test"],
        "url": "https://demo.gancio.org/event/demo-event", "audience": Visibility.PUBLIC,
    },
    "gnusocial/note.json": {
        "author": "https://instance.gnusocial.test/actor/42", "text": "yay ^^",
        "parent": "https://instance.gnusocial.test/object/note/1338", "audience": Visibility.PUBLIC,
    },
    "lemmy/lemmy-page.json": {
        "type": "Page", "author": "https://enterprise.lemmy.ml/u/nutomic", "media": [("image", "image/jpeg")],
        "warning": "", "text": "",
    },
    "lemmy/create_comment.json": {
        "type": "Note", "text": "hello", "parent": "http://ds9.lemmy.ml/post/1", "for": ["https://enterprise.lemmy.ml/c/main"],
    },
    "lemmy/private_message.json": {
        "author": "https://enterprise.lemmy.ml/u/picard", "text": "Hello hello, testing", "audience": Visibility.DIRECT,
    },
    "lotide/page.json": {
        "type": "Page", "author": "https://narwhal.city/users/1", "title": "What's Dylan Grillin'? (reupload)",
        "url": "https://www.youtube.com/watch?v=ZI4LGTXscR4", "audience": Visibility.UNLISTED,
    },
    "funkwhale/funkwhale_audio.json": {
        "type": "Audio", "title": "Compositions - Test Audio for Pleroma", "media": [("audio", "audio/ogg")],
        "tags": ["funkwhale", "test", "tests"], "url": "https://channels.tests.funkwhale.audio/library/tracks/74",
        "author": "https://channels.tests.funkwhale.audio/federation/actors/compositions",
    },
    "wordpress/page.json": {
        "type": "Article", "author": "https://dbzer0.com/blog/author/db0/", "language": "en",
        "title": "An Epic 3D-Printed Fan Expansion for Last Light", "warning": "", "audience": Visibility.PUBLIC,
    },
    "nodebb/page.json": {
        "type": "Article", "author": "https://bb.devnull.land/uid/1", "title": "Welcome to your NodeBB!",
        "for": ["https://bb.devnull.land/category/2"], "text": "Welcome to your brand new NodeBB forum!",
    },
    "friendica/create_note.json": {
        "author": "https://soc.schuerz.at/profile/jakob", "parent": "https://lemmy.schuerz.at/post/25360",
        "mentions": ["https://lemmy.schuerz.at/u/jakob"], "audience": Visibility.PUBLIC, "language": "de",
        "text": "@jakob test",
    },
    "friendica/note_2.json": {
        "author": "https://nerdica.net/profile/liwott", "parent": "https://lemmy.ml/comment/167904",
        "tags": ["Friendica", "Lemmy"], "mentions": ["https://lemmy.ml/u/Liwott"],
    },
    "smithereen/create_note.json": {
        "author": "https://friends.grishka.me/users/1", "text": "So does this federate now?",
        "parent": "https://ds9.lemmy.ml/post/1723", "mentions": ["https://ds9.lemmy.ml/u/nutomic"],
    },
    "hubzilla/hubzilla-create-image.json": {
        "type": "Image", "author": "https://hub.somaton.com/channel/testc6", "media": [("image", "image/jpeg")],
        "url": "https://hub.somaton.com/photos/testc6/image/452583b2-7e1f-4ac3-8334-ff666f134afe",
    },
    "bookwyrm/ap_note.json": {
        "author": "https://example.com/users/rat", "text": "test content in note", "audience": Visibility.DIRECT,
        "mentions": ["https://example.com/user/mouse"], "language": "en",
    },
    "ghost/note-with-mentions-object.json": {
        "author": "https://example.com/user/foo", "mentions": ["https://example.com/@test"],
        "audience": Visibility.PUBLIC, "text": "Hello! @test@example.com",
    },
    "takahe/test_post_L264.json": {"text": "Hey World", "language": None, "author": "https://remote.test/test-actor/"},
    "mitra/create_post.json": {
        "author": "https://mitra.social/users/test", "text": "Remote post 5", "language": "da",
        "for": ["https://voyager.lemmy.ml/c/pubtest0906"], "audience": Visibility.PUBLIC,
    },
    "plume/baptiste.gelex.xyz-article.json": {
        "type": "Article", "author": "https://baptiste.gelez.xyz/@/BaptisteGelez",
        "title": "This Month in Plume: June 2018",
        "mentions": ["https://baptiste.gelez.xyz/@/Trinity", "https://baptiste.gelez.xyz/@/kaniini/"],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", POSTS)
def test_a_recorded_post_is_read_as_it_was_meant(name: str) -> None:
    actual = shown(post_of(name))
    for key, expected in POSTS[name].items():
        if key == "text":
            assert actual["text"].startswith(expected), actual["text"][:200]
            assert bool(actual["text"]) == bool(expected)
        else:
            assert actual[key] == expected, key


def test_a_vote_of_gotosocial_is_a_vote() -> None:
    assert post_of("gotosocial/internaltoas_test_L1565.json").vote_name == "financial times"


ACTORS: dict[str, dict[str, Any]] = {
    "misskey/misskey-user.json": {
        "preferred_username": "mkljczk", "shared_inbox": "https://misskey.io/inbox", "name": "", "discoverable": True,
        "url": "https://misskey.io/@mkljczk", "icon": None,
    },
    "mastodon/Actor.json": {
        "preferred_username": "user", "featured": "http://localhost:3080/users/user/collections/featured",
        "discoverable": False, "indexable": False, "memorial": False, "manually_approves": False,
    },
    "gotosocial/internaltoas_test_L268.json": {
        "preferred_username": "the_mighty_zork", "moved_to": "http://localhost:8080/users/1happyturtle",
        "also_known_as": ("http://localhost:8080/users/1happyturtle",), "name": "original zork (he/they)",
    },
    "lemmy/group.json": {
        "type": "Group", "preferred_username": "tenforward", "name": "Ten Forward",
        "shared_inbox": "https://enterprise.lemmy.ml/inbox",
    },
    "smithereen/person.json": {"name": "Григорий Клюшников", "url": "https://friends.grishka.me/grishka"},
    "peertube/actor-videochannel.json": {
        "type": "Group", "name": "FediForum Demos", "preferred_username": "fediforum_demos",
    },
    "mbin/instance.json": {"type": "Application", "manually_approves": True, "preferred_username": "fedia.io"},
    "wordpress/person.json": {"webfinger": "matthias@pfefferle.org"},
}  # fmt: skip


@pytest.mark.parametrize("name", ACTORS)
def test_a_recorded_actor_is_read_as_it_was_meant(name: str) -> None:
    actor = parse_actor(load(name))
    assert isinstance(actor, ActorDocument)
    for key, expected in ACTORS[name].items():
        assert getattr(actor, key) == expected, key
    assert actor.inbox is not None
    # The recorded Mastodon actor was written under two host names.
    assert all(key.pem and key.owner in (actor.id, "http://localhost:3080/users/user") for key in actor.public_keys)


def test_recorded_activities_are_read_as_they_were_meant() -> None:
    report = parse_activity(load("mastodon/mastodon_report.json"))
    assert isinstance(report, Activity)
    assert (report.type, len(report.objects), report.content) == (
        "Flag",
        2,
        "test report, it's actually fine to use swagger",
    )
    like = parse_activity(load("mastodon/mastodon-like.json"))
    assert isinstance(like, Activity)
    assert like.object_id == "http://localtesting.pleroma.lol/objects/eb92579d-3417-42a8-8652-2492c2d4f454"
    assert parse_tombstone(load("lemmy/tombstone.json")) == TombstoneDocument("https://lemmy.ml/comment/110273")


def test_every_captured_message_is_read() -> None:
    """What two other servers really sent in a conversation: nothing of it is refused."""
    seen: Counter[str] = Counter()
    for path in sorted(WIRE.glob("*/[0-9]*.json")):
        message = orjson.loads(path.read_bytes())
        if message.get("method") != "POST" or not message.get("body"):
            continue
        doc = orjson.loads(message["body"])
        assert isinstance(gate(doc), Plain), path.name
        activity = parse_activity(doc)
        assert isinstance(activity, Activity), path.name
        seen[activity.type] += 1
        if (
            activity.type in ("Create", "Update")
            and activity.object
            and activity.object.get("type") in ("Note", "Question")
        ):
            post = parse_object(activity.object)
            assert isinstance(post, ObjectDocument), path.name
            for wanted in Visibility:
                if f"-{wanted.value}-" in path.name:
                    found = visibility(post.to, post.cc, None, author_uri=post.attributed_to)
                    assert found is wanted, path.name
    assert {"Create", "Follow", "Accept", "Like", "Announce", "Undo", "Update", "Delete"} <= set(seen)


def _nodeinfo_or_links(doc: object) -> NodeInfo | str | Fail:
    return parse_links(doc) or parse_nodeinfo(doc)


def test_every_captured_document_is_read() -> None:
    kinds: dict[str, Callable[[object], object]] = {
        "nodeinfo": _nodeinfo_or_links,
        "Person": parse_actor,
        "OrderedCollection": parse_collection,
        "webfinger": parse_jrd,
        "Note": parse_object,
    }
    seen: Counter[str] = Counter()
    for path in sorted(WIRE.glob("*/doc-*.json")):
        doc = orjson.loads(path.read_bytes())
        body = doc["response"]["body"]
        kind = path.name.split("-")[1]
        if kind not in kinds or not body:
            continue
        outcome = kinds[kind](orjson.loads(body))
        assert isinstance(outcome, ActorDocument | CollectionPage | Jrd | ObjectDocument | NodeInfo | str), (
            path.name,
            outcome,
        )
        if isinstance(outcome, Jrd):
            assert outcome.actor_uri is not None, path.name
        seen[kind] += 1
    assert set(seen) == set(kinds)


def test_the_table_names_documents_that_exist() -> None:
    assert all((PAYLOADS / name).is_file() for name in (*POSTS, *ACTORS))
    assert len(POSTS) + len(ACTORS) >= 38
