"""Actors, objects, activities and collections as other servers read them, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.protocol.actors import ActorDocument, parse_actor
from fediverse_node.protocol.addressing import PUBLIC as EVERYBODY
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from fediverse_node.storage import tables
from tests.web.builders import FOLLOWERS, HOUR_MS, NOW_MS, PEM, UNLISTED
from tests.web.conftest import AS2, BROWSER, Node


async def _items(node: Node, collection: str) -> list[Any]:
    """All items of a collection, page by page; every page must know where it belongs."""
    document = await node.document(collection)
    assert document["id"] == node.base_url + collection
    found: list[Any] = []
    page_url = document["first"]
    while page_url:
        page = await node.document(page_url)
        assert page["id"] == page_url
        assert page["partOf"] == document["id"]
        found += page["orderedItems"] if "orderedItems" in page else page["items"]
        page_url = page.get("next")
    return found


@pytest.mark.parametrize("type_", ["Person", "Organization", "Service", "Group", "Application"])
async def test_every_kind_of_actor_is_served(any_node: Node, type_: str) -> None:
    await any_node.town.actor(
        "alice",
        type=type_,
        summary="<p>Hello</p>",
        fields=[{"name": "Site", "value": "<a href='https://a.example'>a</a>", "verified_at": None}],
        icon_url="pictures/a b.webp",
        locked=True,
    )
    actor = parse_actor(await any_node.document("/users/alice"))
    assert isinstance(actor, ActorDocument)
    uri = f"{any_node.base_url}/users/alice"
    assert (actor.id, actor.type, actor.preferred_username) == (uri, type_, "alice")
    assert actor.inbox == f"{uri}/inbox"
    assert actor.shared_inbox == f"{any_node.base_url}/inbox"
    assert actor.public_keys[0].pem == PEM
    assert actor.manually_approves
    assert actor.icon is not None
    assert actor.icon.url == f"{any_node.base_url}/media/pictures/a%20b.webp"
    assert actor.icon.media_type == "image/webp"


async def test_the_instance_actor_is_open_to_everybody(any_node: Node) -> None:
    await any_node.town.instance_actor()
    for accept in (AS2, BROWSER, "*/*"):
        actor = parse_actor(await any_node.document("/actor", accept))
        assert isinstance(actor, ActorDocument)
        assert (actor.id, actor.type) == (f"{any_node.base_url}/actor", "Application")
        assert actor.preferred_username == any_node.host
    assert (await any_node.document("/actor/outbox"))["totalItems"] == 0
    assert (await any_node.get(f"/users/{any_node.host}", AS2)).status == 404


async def test_a_suspended_actor_shows_its_key_and_nothing_else(node: Node) -> None:
    alice = await node.town.actor("alice", suspended_ms=NOW_MS, summary="<p>SECRET</p>", name="SECRET")
    post = await node.town.post(alice, "<p>SECRET</p>", tags=["sea"])
    document = await node.document("/users/alice")
    assert document["suspended"] is True
    assert document["publicKey"]["publicKeyPem"] == PEM
    assert "SECRET" not in str(document)
    assert (await node.get("/@alice")).status == 403
    for path in ("outbox", "followers", "collections/featured", f"statuses/{post}", f"statuses/{post}/replies"):
        assert (await node.get(f"/users/alice/{path}", AS2)).status == 404, path


async def test_an_object_is_served_with_its_counts_and_first_replies(any_node: Node) -> None:
    town = any_node.town
    alice, bob = await town.actor("alice"), await town.stranger()
    post = await town.post(alice, "<p>Ahoy</p>", tags=["sea"], likes_count=3, announces_count=2, language="en")
    reply = await town.post(bob, uri="https://remote.example/1", local=False, answers=post, age_ms=1000)
    document = await any_node.document(f"/users/alice/statuses/{post}")
    parsed = parse_object(document)
    assert isinstance(parsed, ObjectDocument)
    assert parsed.content == "<p>Ahoy</p>"
    assert parsed.language == "en"
    assert parsed.to == (EVERYBODY,)
    assert parsed.url == f"{any_node.base_url}/@alice/{post}"
    assert document["likes"]["totalItems"] == 3
    assert document["shares"]["totalItems"] == 2
    assert document["replies"]["first"]["items"] == ["https://remote.example/1"]
    assert document["context"] == f"{any_node.base_url}/contexts/{post}"
    assert reply > post
    for name, total in (("likes", 3), ("shares", 2)):
        collection = await any_node.document(f"/users/alice/statuses/{post}/{name}")
        assert collection["totalItems"] == total
        assert "items" not in collection


async def test_a_question_is_served_with_its_answers(any_node: Node) -> None:
    alice = await any_node.town.actor("alice")
    post = await any_node.town.post(alice, poll={"options": ["tea", "coffee"], "counts": [4, 2], "voters_count": 6})
    parsed = parse_object(await any_node.document(f"/users/alice/statuses/{post}"))
    assert isinstance(parsed, ObjectDocument)
    assert parsed.poll is not None
    assert parsed.poll.options == (("tea", 4), ("coffee", 2))


async def test_the_create_of_an_object_is_beside_it(any_node: Node) -> None:
    post = await any_node.town.post(await any_node.town.actor("alice"), "<p>Ahoy</p>")
    document = await any_node.document(f"/users/alice/statuses/{post}/activity")
    assert document["type"] == "Create"
    assert document["actor"] == f"{any_node.base_url}/users/alice"
    assert document["object"]["content"] == "<p>Ahoy</p>"


async def test_an_object_is_not_served_below_another_name(node: Node) -> None:
    post = await node.town.post(await node.town.actor("alice"))
    await node.town.actor("carol")
    for path in (f"/users/carol/statuses/{post}", f"/@carol/{post}"):
        for accept in (AS2, BROWSER):
            assert (await node.get(path, accept)).status == 404


async def test_what_others_wrote_is_not_served_as_ours(node: Node) -> None:
    bob = await node.town.stranger("bob", "remote.example")
    post = await node.town.post(bob, uri="https://remote.example/1", local=False)
    assert (await node.get(f"/users/bob/statuses/{post}", AS2)).status == 404
    assert (await node.get("/users/bob", AS2)).status == 404
    assert (await node.get("/@bob")).status == 404


async def test_replies_go_on_page_by_page(any_node: Node) -> None:
    town = any_node.town
    alice, bob = await town.actor("alice"), await town.stranger()
    post = await town.post(alice)
    uris = [f"https://remote.example/{number}" for number in range(230)]
    for uri in uris:
        await town.post(bob, uri=uri, local=False, answers=post, age_ms=1000)
    path = f"/users/alice/statuses/{post}/replies"
    assert await _items(any_node, path) == uris
    assert (await any_node.document(path))["totalItems"] == 230
    embedded = (await any_node.document(f"/users/alice/statuses/{post}"))["replies"]["first"]
    assert embedded["items"] == uris[:10]
    assert (await any_node.document(embedded["next"]))["items"][0] == uris[10]


async def test_the_outbox_has_creates_and_announces(any_node: Node) -> None:
    town = any_node.town
    alice, bob = await town.actor("alice", statuses_count=26), await town.stranger()
    posts = [await town.post(alice, age_ms=(100 - number) * HOUR_MS) for number in range(25)]
    shared = await town.post(bob, uri="https://remote.example/1", local=False)
    announce = await town.announce(alice, shared)
    items = await _items(any_node, "/users/alice/outbox")
    assert [item["type"] for item in items] == ["Announce", *["Create"] * 25]
    assert items[0]["id"] == f"{any_node.base_url}/users/alice/activities/announce/{announce}"
    assert items[0]["object"] == "https://remote.example/1"
    assert EVERYBODY in items[0]["to"]
    assert [item["object"]["id"] for item in items[1:]] == [
        f"{any_node.base_url}/users/alice/statuses/{post}" for post in reversed(posts)
    ]
    assert all("@context" not in item for item in items)
    assert (await any_node.document("/users/alice/outbox"))["totalItems"] == 26


async def test_an_announce_is_served_at_its_id(any_node: Node) -> None:
    town = any_node.town
    alice, bob = await town.actor("alice"), await town.stranger()
    shared = await town.post(bob, uri="https://remote.example/1", url="https://remote.example/@bob/1", local=False)
    announce = await town.announce(alice, shared)
    path = f"/users/alice/activities/announce/{announce}"
    document = await any_node.document(path)
    assert (document["type"], document["id"]) == ("Announce", any_node.base_url + path)
    page = await any_node.get(f"/@alice/{announce}")
    assert (page.status, page.headers["Location"]) == (302, "https://remote.example/@bob/1")


async def test_an_announce_that_was_taken_back_is_not_served_from_what_was_sent(node: Node) -> None:
    alice = await node.town.actor("alice")
    uri = node.names.activity("alice", "announce", 77)
    await node.town.payload(alice, uri, {"type": "Announce", "to": [EVERYBODY], "object": "https://remote.example/1"})
    assert (await node.get(uri, AS2)).status == 404


@pytest.mark.parametrize("kind", ["followers", "following"])
async def test_people_are_listed_unless_the_actor_hides_them(any_node: Node, kind: str) -> None:
    town = any_node.town
    alice = await town.actor("alice", **{f"{kind}_count": 120})
    uris = []
    for number in range(120):
        other = await town.stranger(f"u{number}", f"h{number}.example")
        await (town.follow(other, alice) if kind == "followers" else town.follow(alice, other))
        uris.append(f"https://h{number}.example/users/u{number}")
    asking = await town.stranger("asking", "asking.example")
    await (
        town.follow(asking, alice, accepted=False)
        if kind == "followers"
        else town.follow(alice, asking, accepted=False)
    )
    assert await _items(any_node, f"/users/alice/{kind}") == uris[::-1]
    await town.change(tables.actors, alice, hide_collections=True)
    for query in ("", "?page=true"):
        hidden = await any_node.document(f"/users/alice/{kind}{query}")
        assert hidden["totalItems"] == 120
        assert "first" not in hidden
        assert "orderedItems" not in hidden


async def test_pinned_posts_are_served_whole(any_node: Node) -> None:
    town = any_node.town
    alice = await town.actor("alice")
    first, second = await town.post(alice, "<p>one</p>"), await town.post(alice, "<p>two</p>", sensitive=True)
    await town.pin(alice, first)
    await town.pin(alice, second)
    document = await any_node.document("/users/alice/collections/featured")
    assert [item["content"] for item in document["orderedItems"]] == ["<p>two</p>", "<p>one</p>"]
    assert "sensitive" in str(document["@context"])


async def test_featured_hashtags_are_served(any_node: Node) -> None:
    alice = await any_node.town.actor("alice")
    tag = await any_node.town.tag("hafenfest")
    await any_node.town.insert(tables.featured_tags, {"id": 1, "actor_id": alice, "tag_id": tag})
    document = await any_node.document("/users/alice/collections/tags")
    assert document["items"] == [
        {"type": "Hashtag", "href": f"{any_node.base_url}/tags/hafenfest", "name": "#hafenfest"}
    ]


async def test_a_conversation_lists_the_open_posts_of_everybody(any_node: Node) -> None:
    town = any_node.town
    alice, bob = await town.actor("alice"), await town.stranger()
    root = await town.post(alice)
    reply = await town.post(bob, uri="https://remote.example/1", local=False, answers=root, age_ms=1000)
    last = await town.post(alice, answers=reply, visibility=UNLISTED, age_ms=500)
    collection = await any_node.document(f"/contexts/{root}")
    assert collection["totalItems"] == 3
    assert collection["history"] == f"{any_node.base_url}/contexts/{root}/history"
    assert collection["attributedTo"] == f"{any_node.base_url}/users/alice"
    assert await _items(any_node, f"/contexts/{root}") == [
        any_node.names.object("alice", root),
        "https://remote.example/1",
        any_node.names.object("alice", last),
    ]


async def test_a_conversation_that_turned_out_to_be_older_leads_to_the_whole(any_node: Node) -> None:
    town = any_node.town
    alice, bob = await town.actor("alice"), await town.stranger()
    root = await town.post(bob, uri="https://remote.example/1", local=False)
    branch = await town.post(alice, answers=root)
    secret = await town.post(alice, answers=root, visibility=FOLLOWERS)
    seen = await any_node.get(f"/contexts/{branch}", AS2)
    assert (seen.status, seen.headers["Location"]) == (302, f"/contexts/{root}")
    assert (await any_node.get(f"/contexts/{secret}", AS2)).status == 404


async def test_a_conversation_that_nobody_here_takes_part_in_is_not_ours_to_list(node: Node) -> None:
    bob = await node.town.stranger()
    root = await node.town.post(bob, uri="https://remote.example/1", local=False)
    assert (await node.get(f"/contexts/{root}", AS2)).status == 404
    assert (await node.get("/contexts/99", AS2)).status == 404


async def test_a_hashtag_lists_public_local_posts(any_node: Node) -> None:
    town = any_node.town
    alice, bob = await town.actor("alice"), await town.stranger()
    posts = [await town.post(alice, tags=["größe"], age_ms=(50 - number) * HOUR_MS) for number in range(23)]
    await town.post(alice, tags=["größe"], visibility=UNLISTED)
    await town.post(bob, uri="https://remote.example/1", local=False, tags=["größe"])
    path = "/tags/gr%C3%B6%C3%9Fe"
    assert await _items(any_node, path) == [any_node.names.object("alice", post) for post in reversed(posts)]
    assert (await any_node.document("/tags/GR%C3%96%C3%9FE"))["totalItems"] == 23


@pytest.mark.parametrize("number", ["0", "-1", "1x", "9" * 19, "9" * 40, "²", "1%00"])
async def test_numbers_that_cannot_be_ids_are_not_found(any_node: Node, number: str) -> None:
    await any_node.town.actor("alice")
    for path in (
        f"/users/alice/statuses/{number}",
        f"/@alice/{number}",
        f"/contexts/{number}",
        f"/users/alice/activities/add/{number}",
    ):
        assert (await any_node.get(path, AS2)).status == 404
    assert (await any_node.get(f"/users/alice/outbox?page=true&before={number}", AS2)).status == 200


@pytest.mark.parametrize("name", ["%00", "a%00b", "%F0%9F%98%80", "a" * 3000, "..%2F..", "%FF"])
async def test_odd_names_are_not_found_and_break_nothing(any_node: Node, name: str) -> None:
    for path in (f"/users/{name}", f"/@{name}", f"/@{name}.rss", f"/users/{name}/outbox"):
        assert (await any_node.get(path, AS2)).status == 404
    assert (await any_node.get(f"/tags/{name}", AS2)).status in (200, 404)
