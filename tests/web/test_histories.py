"""What was added to a conversation that began here: its log, as FEP-171b and FEP-f228 describe it."""

from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.protocol.addressing import PUBLIC as EVERYBODY
from fediverse_node.storage import tables
from tests.web.builders import DIRECT, FOLLOWERS, NOW_MS, UNLISTED
from tests.web.conftest import AS2, Node


async def _log(node: Node, root: int) -> list[dict[str, Any]]:
    """All Adds, page by page."""
    page_url: str | None = f"/contexts/{root}/history?page=true"
    found: list[dict[str, Any]] = []
    while page_url:
        page = await node.document(page_url)
        assert page["partOf"] == f"{node.base_url}/contexts/{root}/history"
        found += page["orderedItems"]
        page_url = page.get("next")
    return found


async def _reply(node: Node, author: int, answers: int, name: str, **values: Any) -> int:
    uri = f"https://remote.example/{name}"
    known: dict[str, Any] = {"uri": uri, "local": False, "activity_uri": f"{uri}/activity", "age_ms": 1000}
    return await node.town.post(author, answers=answers, **{**known, **values})


async def test_a_conversation_that_began_here_has_a_log_of_what_was_added(any_node: Node) -> None:
    town, base = any_node.town, any_node.base_url
    alice, bob = await town.actor("alice"), await town.stranger()
    root = await town.post(alice)
    first = await _reply(any_node, bob, root, "1")
    fetched = await _reply(any_node, bob, first, "2", activity_uri=None, age_ms=900)
    last = await town.post(alice, answers=fetched, visibility=UNLISTED, age_ms=500)
    post = await any_node.document(f"/users/alice/statuses/{root}")
    assert post["contextHistory"] == f"{base}/contexts/{root}/history"
    assert "https://w3id.org/fep/171b/contextHistory" in str(post["@context"])
    collection = await any_node.document(f"/contexts/{root}/history")
    terms = {"collectionOf": "https://fediversity.site/apschema#collectionOf"}
    assert collection == {
        "@context": ["https://www.w3.org/ns/activitystreams", {**terms}],
        "id": f"{base}/contexts/{root}/history",
        "type": "OrderedCollection",
        "attributedTo": f"{base}/users/alice",
        "totalItems": 4,
        "first": f"{base}/contexts/{root}/history?page=true",
        "collectionOf": "Activity",
    }
    items = await _log(any_node, root)
    assert [(item["id"], item["object"]) for item in items] == [
        (f"{base}/contexts/{root}/history/{root}", any_node.names.object("alice", root) + "/activity"),
        (f"{base}/contexts/{root}/history/{first}", "https://remote.example/1/activity"),
        # It came without its Create: whoever reads no other collection shall not miss it.
        (f"{base}/contexts/{root}/history/{fetched}", "https://remote.example/2"),
        (f"{base}/contexts/{root}/history/{last}", any_node.names.object("alice", last) + "/activity"),
    ]
    for item in items:
        alone = await any_node.document(item["id"])
        assert {key: value for key, value in alone.items() if key != "@context"} == item
        assert (item["type"], item["actor"], item["to"]) == ("Add", f"{base}/users/alice", [EVERYBODY])
        assert item["target"] == {
            "type": "OrderedCollection",
            "id": f"{base}/contexts/{root}/history",
            "attributedTo": f"{base}/users/alice",
        }
    assert "contextHistory" not in await any_node.document(f"/users/alice/statuses/{last}")


async def test_a_long_log_goes_on_page_by_page(node: Node) -> None:
    town = node.town
    alice, bob = await town.actor("alice"), await town.stranger()
    root = await town.post(alice)
    replies = [await _reply(node, bob, root, str(number), age_ms=2000 - number) for number in range(205)]
    items = await _log(node, root)
    numbers = [int(item["id"].rpartition("/")[2]) for item in items]
    assert numbers == [root, *replies]


async def test_what_is_not_for_everybody_or_not_wanted_is_not_in_the_log(any_node: Node) -> None:
    town = any_node.town
    alice, bob = await town.actor("alice"), await town.stranger()
    root = await town.post(alice)
    shown = await _reply(any_node, bob, root, "shown")
    blocked, avoided = await town.stranger("eve"), await town.stranger("ann", host="avoided.example")
    suspended = await town.stranger("sue", suspended_ms=NOW_MS)
    gone = await town.stranger("gus", deleted_ms=NOW_MS)
    await town.insert(tables.blocks, {"id": 1, "actor_id": alice, "target_id": blocked})
    avoids = {"id": 1, "actor_id": alice, "host": "avoided.example", "created_ms": NOW_MS}
    await town.insert(tables.user_domain_blocks, avoids)
    absent = [
        await _reply(any_node, bob, root, "followers", visibility=FOLLOWERS),
        await _reply(any_node, bob, root, "direct", visibility=DIRECT),
        # As an answer is kept that waits for approval.
        await _reply(any_node, bob, root, "held", visibility=DIRECT, policy='{"held": true}'),
        await _reply(any_node, blocked, root, "blocked"),
        await _reply(any_node, avoided, root, "avoided"),
        await _reply(any_node, suspended, root, "suspended"),
        await _reply(any_node, gone, root, "gone"),
        await town.announce(alice, shown),
        await town.post(alice),
    ]
    assert [item["id"].rpartition("/")[2] for item in await _log(any_node, root)] == [str(root), str(shown)]
    assert (await any_node.document(f"/contexts/{root}/history"))["totalItems"] == 2
    for number in (*absent, 99):
        assert (await any_node.get(f"/contexts/{root}/history/{number}", AS2)).status == 404
    async with town.engine.begin() as connection:
        await connection.execute(tables.objects.delete().where(tables.objects.c.id == shown))
    assert [item["id"].rpartition("/")[2] for item in await _log(any_node, root)] == [str(root)]


@pytest.mark.parametrize(
    "root",
    [
        pytest.param({"visibility": FOLLOWERS}, id="among followers"),
        pytest.param({"visibility": DIRECT}, id="in private"),
        pytest.param({"in_reply_to_uri": "https://remote.example/lost"}, id="an answer to what is not here"),
        pytest.param({"context_uri": "https://remote.example/contexts/1"}, id="at home elsewhere"),
    ],
)
async def test_other_conversations_have_no_log(node: Node, root: dict[str, Any]) -> None:
    town = node.town
    alice, bob = await town.actor("alice"), await town.stranger()
    begun = await town.post(alice, **root)
    reply = await _reply(node, bob, begun, "1")
    foreign = await town.post(bob, uri="https://remote.example/7", local=False)
    await town.post(alice, answers=foreign)
    for path in (f"{begun}/history", f"{begun}/history/{reply}", f"{foreign}/history", "99/history", "x/history/y"):
        assert (await node.get(f"/contexts/{path}", AS2)).status == 404
    seen = await node.get(f"/users/alice/statuses/{begun}", AS2)
    assert "contextHistory" not in seen.text
    context = await node.get(f"/contexts/{begun}", AS2)
    assert '"history"' not in context.text


async def test_the_log_of_a_branch_is_that_of_the_whole(node: Node) -> None:
    town = node.town
    alice, bob = await town.actor("alice"), await town.stranger()
    root = await town.post(alice)
    branch = await _reply(node, bob, root, "1")
    seen = await node.get(f"/contexts/{branch}/history", AS2)
    assert (seen.status, seen.headers["Location"]) == (302, f"/contexts/{root}/history")
