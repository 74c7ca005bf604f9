"""What is not for everybody is shown nowhere, and nothing tells that it exists."""

from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.protocol.addressing import PUBLIC as EVERYBODY
from fediverse_node.storage import tables
from tests.web.builders import DIRECT, FOLLOWERS, NOW_MS
from tests.web.conftest import AS2, BROWSER, Node

SECRET = "zebrafinch"


async def _town_with_a_secret(node: Node, visibility: int) -> dict[str, Any]:
    """A secret post wherever a post can be: in a thread, pinned, tagged, boosted, with media and a poll."""
    town = node.town
    alice, bob = await town.actor("alice", statuses_count=3), await town.stranger()
    root = await town.post(alice, "<p>open</p>", tags=["sea"])
    hidden = await town.post(
        alice,
        f"<p>{SECRET}</p>",
        visibility=visibility,
        answers=root,
        tags=["sea", f"tag{SECRET}"],
        summary=SECRET,
        attachments=[{"type": "image", "path": f"{SECRET}.png", "description": SECRET}],
        poll={"options": [SECRET, "no"]},
        age_ms=5000,
    )
    below = await town.post(bob, uri="https://remote.example/1", local=False, answers=hidden, age_ms=4000)
    foreign = await town.post(
        bob,
        f"<p>{SECRET}</p>",
        uri=f"https://remote.example/{SECRET}",
        local=False,
        visibility=visibility,
        answers=root,
    )
    await town.pin(alice, hidden)
    return {
        "hidden": hidden,
        "root": root,
        "below": below,
        "announce": await town.announce(alice, hidden),
        "foreign": await town.announce(alice, foreign),
    }


@pytest.mark.parametrize("visibility", [FOLLOWERS, DIRECT])
async def test_a_private_post_leaks_through_no_route(any_node: Node, visibility: int) -> None:
    ids = await _town_with_a_secret(any_node, visibility)
    hidden, root = ids["hidden"], ids["root"]
    base = f"/users/alice/statuses/{hidden}"
    absent = [
        base,
        f"{base}/activity",
        f"{base}/replies",
        f"{base}/replies?page=true",
        f"{base}/likes",
        f"{base}/shares",
        f"/@alice/{hidden}",
        f"/@alice/{ids['announce']}",
        f"/@alice/{ids['foreign']}",
        f"/users/alice/activities/announce/{ids['announce']}",
        f"/users/alice/activities/announce/{ids['foreign']}",
        f"/contexts/{hidden}",
        f"/contexts/{hidden}/history",
        f"/contexts/{root}/history/{hidden}",
    ]
    present = [
        "/",
        "/@alice",
        "/@alice?show=replies",
        "/@alice?show=media",
        "/@alice.rss",
        "/@alice.atom",
        "/@alice.json",
        f"/@alice/{root}",
        "/users/alice/outbox?page=true",
        "/users/alice/collections/featured",
        f"/users/alice/statuses/{root}",
        f"/users/alice/statuses/{root}/replies?page=true",
        f"/contexts/{root}?page=true",
        f"/contexts/{root}/history?page=true",
        "/tags/sea",
        "/tags/sea?page=true",
        f"/tags/tag{SECRET}?page=true",
    ]
    for accept in (AS2, BROWSER):
        for path in absent:
            seen = await any_node.get(path, accept)
            assert seen.status == 404, (path, accept)
            assert SECRET not in seen.text, path
        for path in present:
            seen = await any_node.get(path, accept)
            assert seen.status in (200, 302), (path, accept, seen.status)
            assert SECRET not in seen.text.replace(f"tag{SECRET}", ""), path
            assert str(hidden) not in seen.text, path


async def test_a_private_post_answers_exactly_like_one_that_never_was(node: Node) -> None:
    ids = await _town_with_a_secret(node, FOLLOWERS)
    for accept in (AS2, BROWSER):
        for template in ("/users/alice/statuses/{}", "/@alice/{}", "/users/alice/statuses/{}/replies", "/contexts/{}"):
            private = await node.get(template.format(ids["hidden"]), accept)
            never = await node.get(template.format(ids["hidden"] + 1), accept)
            assert (private.status, private.body) == (never.status, never.body)
            assert {k: v for k, v in private.headers.items() if k != "Date"} == {
                k: v for k, v in never.headers.items() if k != "Date"
            }


async def test_the_page_above_a_private_answer_does_not_show_what_hangs_below_it(node: Node) -> None:
    ids = await _town_with_a_secret(node, FOLLOWERS)
    assert "https://remote.example/1" not in (await node.get(f"/@alice/{ids['root']}")).text


@pytest.mark.parametrize(
    "document, is_shown",
    [
        ({"type": "Add", "to": [EVERYBODY], "object": "x"}, True),
        ({"type": "Add", "to": [], "cc": ["as:Public"], "object": "x"}, True),
        ({"type": "Update", "to": [EVERYBODY], "object": {"type": "Note", "to": [EVERYBODY], "cc": []}}, True),
        ({"type": "Update", "to": [EVERYBODY], "object": {"type": "Person", "name": "x"}}, True),
        ({"type": "Follow", "to": ["https://remote.example/users/bob"], "object": "x"}, False),
        ({"type": "Like", "object": "x"}, False),
        ({"type": "Add", "to": ["{base}/users/alice/followers"], "object": "x"}, False),
        ({"type": "Update", "to": [EVERYBODY], "object": {"type": "Note", "to": ["x"], "cc": []}}, False),
        ({"type": "Undo", "to": [EVERYBODY], "object": {"type": "Like", "to": ["x"], "object": "y"}}, False),
        ({"type": "Undo", "to": [EVERYBODY], "object": [{"a": {"type": "Note", "cc": ["x"]}}]}, False),
    ],
)
async def test_a_stored_activity_is_shown_only_if_it_was_for_everybody(
    any_node: Node, document: dict[str, Any], is_shown: bool
) -> None:
    alice = await any_node.town.actor("alice")
    uri = any_node.names.activity("alice", "some", 12345)
    await any_node.town.payload(alice, uri, document)
    seen = await any_node.get(uri, AS2)
    assert seen.status == (200 if is_shown else 404)


async def test_a_stored_activity_is_not_shown_below_another_name(node: Node) -> None:
    alice = await node.town.actor("alice")
    await node.town.actor("carol")
    uri = node.names.activity("carol", "add", 5)
    await node.town.payload(alice, uri, {"type": "Add", "to": [EVERYBODY], "object": "x"})
    assert (await node.get(uri, AS2)).status == 404


async def test_what_a_suspended_stranger_said_is_not_shown_in_our_threads(node: Node) -> None:
    town = node.town
    alice, bob = await town.actor("alice"), await town.stranger(suspended_ms=NOW_MS)
    root = await town.post(alice)
    reply = await town.post(
        bob, f"<p>{SECRET}</p>", uri=f"https://remote.example/{SECRET}", local=False, answers=root, age_ms=1000
    )
    await town.announce(alice, reply)
    for path in (f"/@alice/{root}", "/@alice", f"/users/alice/statuses/{root}", f"/contexts/{root}?page=true"):
        for accept in (AS2, BROWSER):
            assert SECRET not in (await node.get(path, accept)).text


async def test_who_does_not_want_to_be_found_is_not_on_the_front_page(node: Node) -> None:
    await node.town.actor("open")
    await node.town.actor("quiet", discoverable=None)
    await node.town.actor("shy", discoverable=False)
    await node.town.actor("silenced", silenced_ms=NOW_MS)
    await node.town.actor("suspended", suspended_ms=NOW_MS)
    await node.town.actor("gone", deleted_ms=NOW_MS)
    await node.town.stranger("foreign")
    await node.town.instance_actor()
    text = (await node.get("/")).text
    assert "/@open" in text
    for name in ("quiet", "shy", "silenced", "suspended", "gone", "foreign"):
        assert f"/@{name}" not in text


@pytest.mark.parametrize(
    "path, tombstone_type",
    [
        ("/users/alice/statuses/{}", "Tombstone"),
        ("/@alice/{}", "Tombstone"),
        ("/users/alice/statuses/{}/replies", None),
    ],
)
async def test_a_deleted_post_is_gone(any_node: Node, path: str, tombstone_type: str | None) -> None:
    await any_node.town.actor("alice")
    await any_node.town.tombstone(any_node.names.object("alice", 4711))
    seen = await any_node.get(path.format(4711), AS2)
    assert seen.status == 410
    assert seen.headers["Content-Type"].startswith(AS2)
    assert '"formerType":"Note"' in seen.text
    assert tombstone_type is None or tombstone_type in seen.text
    page = await any_node.get(path.format(4711), BROWSER)
    assert page.status == 410


async def test_nobody_learns_that_a_private_post_existed_from_its_deletion(any_node: Node) -> None:
    await any_node.town.actor("alice")
    await any_node.town.tombstone(any_node.names.object("alice", 4711), public=False)
    deleted = await any_node.get("/users/alice/statuses/4711", AS2)
    never = await any_node.get("/users/alice/statuses/4712", AS2)
    assert (deleted.status, deleted.text) == (never.status, never.text) == (404, never.text)


async def test_a_deleted_account_is_gone_everywhere(any_node: Node) -> None:
    alice = await any_node.town.actor("alice")
    await any_node.town.change(tables.actors, alice, deleted_ms=NOW_MS)
    for path in ("/users/alice", "/@alice", "/users/alice/outbox", "/users/alice/followers"):
        seen = await any_node.get(path, AS2)
        assert (seen.status, '"Tombstone"' in seen.text) == (410, True), path
    for path in ("/@alice", "/users/alice", "/@alice.rss"):
        assert (await any_node.get(path, BROWSER)).status == 410, path
