"""Posts of every implementation, in small documents of our own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.addressing import PUBLIC
from fediverse_node.protocol.attachments import Attachment
from fediverse_node.protocol.objects import ObjectDocument, TombstoneDocument, parse_object, parse_tombstone
from fediverse_node.protocol.parts import Emoji
from fediverse_node.protocol.polls import Poll
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.protocol.tags import Mention
from fediverse_node.protocol.text_html import text_html

NOTE = "https://b.example/notes/1"
BOB = "https://b.example/users/bob"


def a_post(**more: object) -> ObjectDocument:
    post = parse_object({"id": NOTE, "type": "Note", "attributedTo": BOB, **more})
    assert isinstance(post, ObjectDocument)
    return post


def test_a_post_with_nothing_but_an_author_is_read() -> None:
    assert a_post() == ObjectDocument(id=NOTE, type="Note", attributed_to=BOB)


def test_the_author_of_the_create_stands_in_for_a_missing_author() -> None:
    doc = {"id": NOTE, "type": "Note", "content": "x"}
    outcome = parse_object(doc)
    assert isinstance(outcome, Fail)
    assert outcome.reason is WireReason.NO_AUTHOR
    post = parse_object(doc, default_author=BOB)
    assert isinstance(post, ObjectDocument)
    assert post.attributed_to == BOB


def test_takahe_writes_one_tag_as_an_object() -> None:
    post = a_post(tag={"type": "Mention", "href": "https://a.example/u", "name": "@u@a.example"}, to="as:Public")
    assert post.mentions == (Mention("https://a.example/u", "@u@a.example"),)
    assert post.to == (PUBLIC,)


def test_tags_of_all_kinds() -> None:
    post = a_post(
        tag=[
            {"type": "Mention", "href": "https://a.example/u"},
            {"type": "Mention", "name": "@nobody"},
            {"type": "Hashtag", "name": "#Moo", "href": "https://b.example/tags/moo"},
            {"type": "Hashtag", "name": "#MOO"},
            {"type": ["Hashtag", "x"], "name": "two words"},
            "plain",
            {
                "type": "Emoji",
                "id": "https://b.example/e/1",
                "name": ":blob:",
                "updated": "2024-01-01T00:00:00Z",
                "icon": {"type": "Image", "mediaType": "image/png", "url": "https://b.example/e.png"},
            },
            {"type": "Emoji", "name": ":bad name:", "icon": {"url": "https://b.example/e.png"}},
            {"type": "Emoji", "name": ":noicon:"},
            5,
            None,
            {},
        ]
    )
    assert post.mentions == (Mention("https://a.example/u"),)
    assert post.hashtags == ("Moo", "twowords", "plain")
    assert post.emojis == (
        Emoji(
            "blob",
            "https://b.example/e.png",
            id="https://b.example/e/1",
            updated=datetime(2024, 1, 1, tzinfo=UTC),
            media_type="image/png",
        ),
    )


@pytest.mark.parametrize(
    ("more", "content", "language"),
    [
        ({"content": "x", "contentMap": {"de": "x"}}, "x", "de"),
        ({"contentMap": {"de": "x", "en": "y"}}, "x", "de"),
        ({"content": "y", "contentMap": {"de": "x", "en": "y"}}, "y", "en"),
        ({"content": {"pt-BR": "x"}}, "x", "pt-BR"),
        ({"content": {"@value": "x", "@language": "fr"}}, "x", "fr"),
        ({"content": ["x", "y"]}, "x", None),
        ({"content": "x", "contentMap": {"und": "x"}}, "x", None),
        ({"content": "x", "language": {"identifier": "en", "name": "English"}}, "x", "en"),
        ({"content": "x", "inLanguage": "fr"}, "x", "fr"),
        ({"content": "x", "@context": ["https://www.w3.org/ns/activitystreams", {"@language": "eo"}]}, "x", "eo"),
        ({"content": "x", "@context": ["https://www.w3.org/ns/activitystreams", {"@language": "und"}]}, "x", None),
        ({"content": None, "contentMap": []}, "", None),
        ({"content": 5, "contentMap": {"en": None}}, "", None),
    ],
)
def test_texts_and_their_languages(more: dict[str, object], content: str, language: str | None) -> None:
    post = a_post(**more)
    assert (post.content, post.language) == (content, language)


@pytest.mark.parametrize("key", ["quote", "quoteUrl", "quoteUri", "_misskey_quote", "quoteURL"])
def test_quotes_have_many_names(key: str) -> None:
    assert a_post(**{key: "https://c.example/1"}).quote == "https://c.example/1"


def test_a_quote_may_be_a_link_among_the_tags() -> None:
    link = {
        "type": "Link",
        "mediaType": 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
        "rel": "https://misskey-hub.net/ns#_misskey_quote",
        "href": "https://c.example/1",
    }
    assert a_post(tag=[link]).quote == "https://c.example/1"
    assert a_post(tag=[link | {"rel": "alternate"}]).quote is None


def test_a_vote_is_a_note_with_a_name_and_no_text() -> None:
    assert a_post(name="Yes", inReplyTo="https://c.example/q").vote_name == "Yes"
    assert a_post(name="Yes", inReplyTo="https://c.example/q", content="text").vote_name is None
    assert a_post(name="Yes").vote_name is None


def test_a_poll_with_one_choice() -> None:
    post = a_post(
        type="Question",
        oneOf=[
            {"type": "Note", "name": "Yes", "replies": {"type": "Collection", "totalItems": 3}},
            {"type": "Note", "name": "No"},
            {"type": "Note"},
        ],
        anyOf=[],
        endTime="2024-05-01T00:00:00Z",
        votersCount=3,
    )
    assert post.poll == Poll(False, (("Yes", 3), ("No", 0)), datetime(2024, 5, 1, tzinfo=UTC), None, 3)
    assert post.poll.has_ended(datetime(2024, 5, 2, tzinfo=UTC))
    assert not post.poll.has_ended(datetime(2024, 4, 30, tzinfo=UTC))


def test_a_poll_of_pleroma_closes_in_the_future() -> None:
    post = a_post(type="Question", anyOf=[{"name": "A"}, {"name": "B"}], closed="2030-01-01T00:00:00.5")
    assert post.poll is not None
    assert post.poll.multiple
    assert not post.poll.has_ended(datetime(2029, 1, 1, tzinfo=UTC))


def test_a_poll_may_be_closed_without_saying_when() -> None:
    post = a_post(type="Question", oneOf=[{"name": "A"}], closed=True, published="2024-01-01T00:00:00Z")
    assert post.poll is not None
    assert post.poll.closed == datetime(2024, 1, 1, tzinfo=UTC)


def test_a_question_without_choices_has_no_poll() -> None:
    assert a_post(type="Question", oneOf=[]).poll is None


def test_attachments_of_all_kinds() -> None:
    post = a_post(
        attachment=[
            {
                "type": "Document",
                "mediaType": "image/jpeg",
                "url": "https://b.example/1.jpg",
                "name": "A cat",
                "blurhash": "U8H-lR?]4mQS0NWaE5kS9qrr9tEgMdZ~$|X9",
                "focalPoint": [0.5, -0.25],
                "width": 640,
                "height": 480,
            },
            {"type": "Document", "url": "https://b.example/2.webm?x=1"},
            {"type": "Video", "url": [{"type": "Link", "href": "https://b.example/3"}], "duration": "PT1M2.5S"},
            {"type": "Document", "mediaType": "application/pdf", "url": "https://b.example/4.pdf"},
            {"type": "Link", "href": "https://news.example/story"},
            {"type": "Link", "mediaType": "image/png", "href": "https://b.example/5.png"},
            {"type": "Image", "url": "data:image/png;base64,xx"},
            {"type": "Image", "url": "https://b.example/1.jpg"},
            {"type": "PropertyValue", "name": "x", "value": "y"},
            {
                "type": "Document",
                "url": "https://b.example/6.jpg",
                "focalPoint": [5, 5],
                "blurhash": "<script>",
                "width": -1,
            },
        ]
    )
    assert post.attachments == (
        Attachment(
            "image",
            "https://b.example/1.jpg",
            "image/jpeg",
            "A cat",
            "U8H-lR?]4mQS0NWaE5kS9qrr9tEgMdZ~$|X9",
            (0.5, -0.25),
            640,
            480,
        ),
        Attachment("video", "https://b.example/2.webm?x=1", "video/webm"),
        Attachment("video", "https://b.example/3", duration_s=62.5),
        Attachment("unknown", "https://b.example/4.pdf", "application/pdf"),
        Attachment("image", "https://b.example/5.png", "image/png"),
        Attachment("image", "https://b.example/6.jpg", "image/jpeg"),
    )


def test_a_peertube_video_has_an_author_a_channel_and_a_film_that_a_phone_plays() -> None:
    def file(height: int) -> dict[str, object]:
        return {"type": "Link", "mediaType": "video/mp4", "href": f"https://v.example/{height}.mp4", "height": height}

    post = a_post(
        type="Video",
        name="A film",
        mediaType="text/markdown",
        content="First line\n\nhttps://v.example/more",
        duration="PT90S",
        icon=[
            {"type": "Image", "url": "https://v.example/s.jpg", "width": 280},
            {"url": "https://v.example/l.jpg", "width": 850},
        ],
        attributedTo=[
            {"type": "Person", "id": BOB},
            {"type": "Group", "id": "https://v.example/channel"},
        ],
        url=[
            {"type": "Link", "mediaType": "text/html", "href": "https://v.example/w/1"},
            {
                "type": "Link",
                "mediaType": "application/x-mpegURL",
                "href": "https://v.example/m3u8",
                "tag": [file(1080), file(720), file(240)],
            },
        ],
    )
    assert (post.attributed_to, post.groups) == (BOB, ("https://v.example/channel",))
    assert post.url == "https://v.example/w/1"
    assert post.attachments == (
        Attachment(
            "video",
            "https://v.example/720.mp4",
            "video/mp4",
            height=720,
            duration_s=90.0,
            preview_url="https://v.example/l.jpg",
        ),
    )
    html = text_html(post)
    assert html.startswith("<p><strong>A film</strong></p><p>First line</p>")
    assert 'href="https://v.example/w/1"' in html


def test_a_lemmy_page_shows_its_title_and_the_page_it_is_about() -> None:
    post = a_post(
        type="Page",
        name="Look at <this>",
        to=["https://l.example/c/main", "as:Public"],
        audience="https://l.example/c/main",
        attachment=[{"type": "Link", "href": "https://news.example/story"}],
        image={"type": "Image", "url": "https://l.example/pictrs/x.png"},
        source={"content": "md", "mediaType": "text/markdown"},
    )
    assert post.audience == ("https://l.example/c/main",)
    assert post.attachments == (Attachment("image", "https://l.example/pictrs/x.png", "image/png"),)
    assert (post.source_text, post.source_media_type) == ("md", "text/markdown")
    html = text_html(post)
    assert html.startswith("<p><strong>Look at &lt;this&gt;</strong></p>")
    assert 'href="https://news.example/story"' in html


def test_an_event_says_when_and_where() -> None:
    post = a_post(
        type="Event",
        name="Picnic",
        startTime="2024-05-01T18:00:00+02:00",
        endTime="2024-05-01T20:00:00+02:00",
        location={"type": "Place", "name": "The Park", "address": {"addressLocality": "Kyiv"}},
        summary="Bring <b>food</b>",
        attributedTo="https://m.example/group",
        actor=BOB,
    )
    assert post.starts == datetime(2024, 5, 1, 16, tzinfo=UTC)
    assert post.ends == datetime(2024, 5, 1, 18, tzinfo=UTC)
    assert post.content_warning == ""
    html = text_html(post)
    assert "2024-05-01 16:00 – 18:00 UTC · The Park, Kyiv" in html
    assert "Bring <b>food</b>" in html


def test_the_summary_of_a_note_is_a_warning_and_of_an_article_is_not() -> None:
    assert a_post(summary="spoilers").content_warning == "spoilers"
    assert a_post(type="Article", summary="An excerpt").content_warning == ""


def test_a_plain_text_note_is_escaped() -> None:
    assert text_html(a_post(content="a < b", mediaType="text/plain")) == "<p>a &lt; b</p>"
    assert text_html(a_post(content="<p>a</p>")) == "<p>a</p>"


@pytest.mark.parametrize(
    ("more", "parent"),
    [
        ({"inReplyTo": "https://c.example/1"}, "https://c.example/1"),
        ({"inReplyTo": ["https://c.example/1", "https://c.example/2"]}, "https://c.example/1"),
        ({"inReplyTo": {"id": "https://c.example/1", "type": "Note"}}, "https://c.example/1"),
        ({"inReplyTo": None}, None),
        ({"inReplyTo": ""}, None),
    ],
)
def test_the_parent_of_a_reply(more: dict[str, object], parent: str | None) -> None:
    assert a_post(**more).in_reply_to == parent


@pytest.mark.parametrize(
    ("doc", "reason"),
    [
        ({"id": NOTE, "type": "Tombstone"}, WireReason.GONE),
        ({"id": NOTE, "type": "Story", "attributedTo": BOB}, WireReason.UNKNOWN_OBJECT_TYPE),
        ({"id": NOTE, "attributedTo": BOB}, WireReason.NO_TYPE),
        ({"type": "Note", "attributedTo": BOB}, WireReason.NO_ID),
        ({"type": "Note", "id": NOTE}, WireReason.NO_AUTHOR),
        ([], WireReason.NOT_AN_OBJECT),
    ],
)
def test_what_is_no_post_is_refused_by_name(doc: object, reason: WireReason) -> None:
    outcome = parse_object(doc)
    assert isinstance(outcome, Fail)
    assert outcome.reason is reason


def test_a_tombstone_is_read() -> None:
    doc = {"id": NOTE, "type": "Tombstone", "formerType": "Note", "deleted": "2024-01-01T00:00:00Z"}
    assert parse_tombstone(doc) == TombstoneDocument(NOTE, "Note", datetime(2024, 1, 1, tzinfo=UTC))
    assert parse_tombstone({"id": NOTE, "type": ["Person", "Tombstone"]}) == TombstoneDocument(NOTE, "Person")
    assert isinstance(parse_tombstone({"id": NOTE, "type": "Note"}), Fail)


def test_whatever_is_too_long_is_cut_and_never_refused() -> None:
    post = a_post(
        content="c" * 900_000,
        summary="s" * 100_000,
        tag=[{"type": "Hashtag", "name": f"#t{n}"} for n in range(3000)]
        + [{"type": "Mention", "href": f"https://c.example/{n}"} for n in range(3000)],
        attachment=[{"type": "Image", "url": f"https://b.example/{n}.png"} for n in range(300)],
        to=[f"https://c.example/{n}" for n in range(3000)],
    )
    assert (len(post.content), len(post.summary)) == (200_000, 10_000)
    assert (len(post.hashtags), len(post.attachments), len(post.to)) == (100, 32, 1000)
    question = a_post(type="Question", oneOf=[{"name": f"{n:04}" + "x" * 2000} for n in range(500)])
    assert question.poll is not None
    assert len(question.poll.options) == 32
    assert max(len(name) for name, _ in question.poll.options) == 500
