"""What only some implementations say about posts: groups, books, titles, walls, albums, crooked dates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.actors import ActorDocument, parse_actor
from fediverse_node.protocol.html import sanitise, to_plain_text
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from fediverse_node.protocol.reading import moment
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.protocol.tags import ObjectLink
from fediverse_node.protocol.text_html import text_html

BOB, NOTE, GROUP = "https://b.example/users/bob", "https://b.example/notes/1", "https://g.example/c/main"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


def post(type_: str = "Note", **more: Any) -> ObjectDocument:
    parsed = parse_object({"type": type_, "id": NOTE, "attributedTo": BOB, **more})
    assert isinstance(parsed, ObjectDocument)
    return parsed


def text(type_: str = "Note", **more: Any) -> str:
    return to_plain_text(sanitise(text_html(post(type_, **more))))


def test_the_groups_of_a_post_are_those_beside_its_author_and_in_its_audience() -> None:
    channel = {"type": "Group", "id": "https://b.example/channels/x"}
    assert post("Video", attributedTo=[{"type": "Person", "id": BOB}, channel]).groups == (channel["id"],)
    assert post("Page", audience=GROUP).groups == (GROUP,)
    assert post("Page", audience=[PUBLIC, f"{BOB}/followers", GROUP]).groups == (GROUP,)
    assert post("Video", attributedTo=[{"type": "Person", "id": BOB}, channel], audience=GROUP).groups == (
        channel["id"],
        GROUP,
    )


def test_bookwyrm_reviews_and_quotations_are_posts() -> None:
    review = post("Review", name="Of a book", content="<p>good</p>")
    assert (review.type, review.stated_type) == ("Article", "Review")
    quotation = post("Quotation", quote="<p>a: line of the book</p>", content="<p>my thoughts</p>")
    # What is a quote of a post elsewhere is text here, even if it looks like an address.
    assert (quotation.type, quotation.quote, quotation.quoted_text) == ("Note", None, "<p>a: line of the book</p>")
    assert text("Quotation", quote="a:line", content="<p>my thoughts</p>") == "a:line\n\nmy thoughts"
    assert text("Rating", rating=3.5) == "★★★½☆"
    assert text("Rating", rating=99) == "★★★★★"


def test_a_chat_message_is_a_note_and_an_album_a_page() -> None:
    assert post("ChatMessage", content="Hi").type == "Note"
    assert post("Album", name="Songs").type == "Page"


def test_a_story_is_not_shown() -> None:
    refused = parse_object({"type": "Story", "id": NOTE, "attributedTo": BOB})
    assert isinstance(refused, Fail)
    assert refused.reason is WireReason.UNKNOWN_OBJECT_TYPE


def test_a_note_with_a_title_shows_it_once() -> None:
    assert text(name="Our next meeting", content="<p>On Monday</p>") == "Our next meeting\n\nOn Monday"
    assert text(name="Our next", content="<p>Our next meeting</p>") == "Our next meeting"
    assert text(name="orange") == "orange"
    # Lotide repeats the title where others have a warning.
    assert post(name="image", summary="image").content_warning == ""
    assert post(name="image", summary="nsfw").content_warning == "nsfw"


def test_the_first_lemmys_had_the_title_in_the_summary() -> None:
    assert post("Page", summary="Hello Federation!").name == "Hello Federation!"
    assert text("Page", summary="Hello", url="https://b.example/x") == "Hello\n\nhttps://b.example/x"
    assert text("Page", name="Hello", summary="Hello", url="https://b.example/x") == "Hello\n\nhttps://b.example/x"


def test_where_a_post_stands_is_read() -> None:
    wall = {"type": "Collection", "id": "https://c.example/wall", "attributedTo": "https://c.example/carol"}
    found = post(target=wall, contextHistory="https://b.example/c/1/history", inConversation="https://b.example/c/1")
    assert (found.target, found.target_owner) == ("https://c.example/wall", "https://c.example/carol")
    assert (found.context, found.context_history) == ("https://b.example/c/1", "https://b.example/c/1/history")
    assert post(commentsEnabled=False).comments_enabled is False
    assert post("Article", preview={"type": "Note", "content": "<p>short</p>"}).preview == "<p>short</p>"


def test_links_to_objects_are_read_and_one_called_re_is_a_quote() -> None:
    link = {"type": "Link", "mediaType": 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'}
    ticket, other = "https://f.example/tickets/1374", "https://o.example/notes/1"
    found = post(tag=[{**link, "href": ticket, "name": "#1374"}, {**link, "href": other, "name": f"RE: {other}"}])
    assert found.links == (ObjectLink(ticket, "#1374"),)
    assert found.quote == other
    assert post(tag=[{"type": "Link", "mediaType": "text/html", "href": ticket, "name": f"RE: {ticket}"}]).quote is None


def test_misskeys_own_text_is_the_source() -> None:
    assert post(_misskey_content="$[jelly hi]").source_media_type == "text/x.misskeymarkdown"
    assert post(_misskey_content="x", source={"content": "y", "mediaType": "text/plain"}).source_text == "y"


def test_wordpress_addresses_lose_their_escapes() -> None:
    found = post(attachment=[{"type": "Image", "url": "https://b.example/i.png?a=1&#038;b=2&amp;c=3"}])
    assert found.attachments[0].url == "https://b.example/i.png?a=1&b=2&c=3"


@pytest.mark.parametrize(
    ("text_", "expected"),
    [
        ("Mon, 25 May 2020 19:31:20 GMT", datetime(2020, 5, 25, 19, 31, 20, tzinfo=UTC)),
        ("2026-11-25T19:39:22.364137+00:00Z", datetime(2026, 11, 25, 19, 39, 22, 364137, tzinfo=UTC)),
        ("Mon, 99 May 2020 99:31:20 GMT", None),
        ("x, y and z of the year", None),
        ("2023-01-01T26:04:45Z", None),
    ],
)
def test_unusual_dates_are_read_where_they_say_something(text_: str, expected: datetime | None) -> None:
    assert moment(text_) == expected


def test_the_owners_of_a_group_and_who_may_write_there_are_read() -> None:
    group = parse_actor(
        {
            "type": "Group",
            "id": GROUP,
            "attributedTo": f"{GROUP}/moderators",
            "postingRestrictedToMods": True,
            "wall": f"{GROUP}/w",
        }
    )
    assert isinstance(group, ActorDocument)
    assert (group.attributed_to, group.posting_restricted, group.wall) == ((f"{GROUP}/moderators",), True, f"{GROUP}/w")


def test_profile_fields_are_read_where_schema_org_is_written_out() -> None:
    field = {
        "type": "https://schema.org/PropertyValue",
        "https://schema.org/name": "Pronouns",
        "https://schema.org/value": "she",
    }
    actor = parse_actor({"type": "Person", "id": BOB, "attachment": [field]})
    assert isinstance(actor, ActorDocument)
    assert actor.fields == (("Pronouns", "she"),)
