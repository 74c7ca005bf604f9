"""Collections (starter packs): people whom somebody recommends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from fediverse_node.storage.events import Applied, Notified
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, featured_items, featured_notices, notifications, payloads
from tests.api.talking_node import Person, TalkingNode, talking_node

PATH = "/api/v1/collections"
_UPDATES = Statement(select(notifications).where(notifications.c.type == "collection_update"))


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


async def _open(node: TalkingNode, name: str) -> Person:
    """Somebody who lets themselves be found."""
    return await node.person(name, discoverable=True)


async def _made(owner: Person, *members: Person, **more: Any) -> dict[str, Any]:
    body = {"name": "Gardeners", "account_ids": [str(member.actor_id) for member in members], **more}
    made: dict[str, Any] = (await owner.post(PATH, **body))["collection"]
    return made


def _members(collection: dict[str, Any]) -> list[int]:
    return [int(item["account_id"]) for item in collection["items"]]


async def _told(person: Person) -> list[tuple[str, str]]:
    """Type and collection of what somebody was told, newest first."""
    found = await person.get("/api/v1/notifications")
    return [(each["type"], each["collection"]["name"]) for each in found]


async def test_a_collection_is_made_shown_changed_and_removed(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await _open(node, "bob")
    made = await _made(
        alice,
        bob,
        description="Tom & <Jerry>",
        language="en",
        tag_name="#Gardening",
        sensitive=True,
        discoverable=False,
    )
    names = node.context.world.names
    assert made["account_id"] == str(alice.actor_id)
    assert made["uri"] == f"{alice.uri}/featured_collections/{made['id']}"
    assert made["url"] == f"{names.base_url}/collections/{made['id']}"
    assert (made["name"], made["description"], made["language"]) == ("Gardeners", "Tom &amp; &lt;Jerry&gt;", "en")
    assert (made["local"], made["sensitive"], made["discoverable"], made["item_count"]) == (True, True, False, 1)
    assert made["tag"] == {"name": "Gardening", "url": f"{names.base_url}/tags/gardening"}
    assert made["items"][0] | {"id": "", "created_at": ""} == {
        "id": "",
        "account_id": str(bob.actor_id),
        "state": "accepted",
        "created_at": "",
    }
    shown = await node.request("GET", f"{PATH}/{made['id']}")
    assert shown.body["collection"] == made
    assert [int(account["id"]) for account in shown.body["accounts"]] == [alice.actor_id, bob.actor_id]
    changed = (await alice.ask("PATCH", f"{PATH}/{made['id']}", json={"name": "Growers", "tag_name": ""}))["collection"]
    assert (changed["name"], changed["tag"], changed["description"]) == ("Growers", None, made["description"])
    assert changed["updated_at"] >= made["updated_at"]
    assert await alice.ask("DELETE", f"{PATH}/{made['id']}") == {}
    await alice.get(f"{PATH}/{made['id']}", expect=404)
    assert await bob.get("/api/v1/notifications") == []


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"name": " "}, "name", "ERR_BLANK"),
        ({"name": "x" * 41}, "name", "ERR_TOO_LONG"),
        ({"name": "x", "description": "y" * 101}, "description", "ERR_TOO_LONG"),
        ({"name": "x", "language": "no language"}, "language", "ERR_INCLUSION"),
        ({"name": "x", "tag_name": "two words"}, "tag_name", "ERR_INVALID"),
        ({"name": "x", "tag_name": "123"}, "tag_name", "ERR_INVALID"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_cause(
    node: TalkingNode, given: dict[str, Any], field: str, code: str
) -> None:
    alice = await node.person("alice")
    refused = await alice.post(PATH, expect=422, **given)
    assert refused["error"].startswith("Validation failed: ")
    assert [fault["error"] for fault in refused["details"][field]] == [code]
    made = await _made(alice)
    await alice.ask("PATCH", f"{PATH}/{made['id']}", expect=422, json=given)


async def test_only_who_agrees_is_put_in_one(node: TalkingNode) -> None:
    alice, bob, shy = await node.person("alice"), await _open(node, "bob"), await node.person("shy")
    cross, gone, far = await _open(node, "cross"), await _open(node, "gone"), await node.stranger("far")
    await cross.post(f"/api/v1/accounts/{alice.actor_id}/block")
    await node.set(actors, gone.actor_id, suspended_ms=1)
    await node.set(actors, far.actor_id, discoverable=True)
    for account, policy, mine in ((bob, ["public"], "automatic"), (shy, [], "denied"), (far, [], "missing")):
        approval = (await alice.get(f"/api/v1/accounts/{account.actor_id}"))["feature_approval"]
        assert approval == {"automatic": policy, "manual": [], "current_user": mine}
    made = await _made(alice)
    items = f"{PATH}/{made['id']}/items"
    for other in (shy, cross, gone, far):
        refused = await alice.post(items, account_id=str(other.actor_id), expect=422)
        assert refused == {"error": "Account does not allow being featured in collections"}
        await alice.post(PATH, name="x", account_ids=[str(bob.actor_id), str(other.actor_id)], expect=422)
    for wrong in ("1", "x", "9" * 40):
        await alice.post(items, account_id=wrong, expect=422)
        await alice.post(PATH, name="x", account_ids=[wrong], expect=422)
    assert (await alice.post(items, expect=422)) == {"error": "`account_id` parameter is missing"}
    item = (await alice.post(items, account_id=str(bob.actor_id)))["collection_item"]
    assert (item["account_id"], item["state"]) == (str(bob.actor_id), "accepted")
    await alice.post(items, account_id=str(bob.actor_id), expect=422)
    await alice.post(items, account_id=str(alice.actor_id))  # everybody may name themselves
    assert _members((await alice.get(f"{PATH}/{made['id']}"))["collection"]) == [bob.actor_id, alice.actor_id]
    assert len((await alice.get(f"/api/v1/accounts/{alice.actor_id}/collections"))["collections"]) == 1


async def test_a_collection_is_its_owners_to_change(node: TalkingNode) -> None:
    alice, bob, mallory = await node.person("alice"), await _open(node, "bob"), await _open(node, "mallory")
    made, other = await _made(alice, bob), await _made(mallory, bob)
    path = f"{PATH}/{made['id']}"
    item = f"{path}/items/{made['items'][0]['id']}"
    await mallory.ask("PATCH", path, expect=403, json={"name": "Mine"})
    await mallory.ask("DELETE", path, expect=403)
    await mallory.post(f"{path}/items", account_id=str(mallory.actor_id), expect=403)
    await mallory.ask("DELETE", item, expect=403)
    await mallory.post(f"{item}/revoke", expect=403)
    # An item is looked for in the collection that is named, and nowhere else.
    await mallory.ask("DELETE", f"{PATH}/{other['id']}/items/{made['items'][0]['id']}", expect=404)
    for wrong in ("1", "x"):
        await alice.get(f"{PATH}/{wrong}", expect=404)
        await alice.ask("DELETE", f"{path}/items/{wrong}", expect=404)
        await alice.post(f"{path}/items/{wrong}/revoke", expect=404)
    assert await alice.ask("DELETE", item) == {}
    assert _members((await alice.get(path))["collection"]) == []


async def test_whoever_is_in_one_hears_of_it_and_can_leave(node: TalkingNode) -> None:
    heard: list[Notified] = []

    def listen(applied: Applied) -> None:
        heard.extend(event for event in applied.events if isinstance(event, Notified))

    node.context.writer.listen(listen)
    alice, bob = await node.person("alice"), await _open(node, "bob")
    made = await _made(alice, bob)
    other = await _made(alice, name="Cooks")
    await alice.post(f"{PATH}/{other['id']}/items", account_id=str(bob.actor_id))
    assert await _told(bob) == [("added_to_collection", "Cooks"), ("added_to_collection", "Gardeners")]
    for name in ("Growers", "Growers", "Planters"):
        await alice.ask("PATCH", f"{PATH}/{made['id']}", json={"name": name})
    # Of several changes in a row one is told, and what it tells of is what the collection has become.
    assert (await _told(bob))[0] == ("collection_update", "Planters")
    assert len(await _told(bob)) == 3
    assert [event.actor_id for event in heard] == [bob.actor_id] * 3
    [told] = await node.context.database.fetch(_UPDATES)
    earlier = told["id"] - (3_600_001 << 16)
    await node.insert(notifications, {**dict(told), "id": earlier})
    await node.insert(featured_notices, {"notification_id": earlier, "collection_id": int(made["id"])})
    await bob.post(f"/api/v1/notifications/{told['id']}/dismiss")
    await alice.ask("PATCH", f"{PATH}/{made['id']}", json={"name": "Tree planters"})
    await alice.ask("PATCH", f"{PATH}/{made['id']}", json={"name": "Planters"})
    # An hour later the next change is told, in the place of the one before.
    assert len(heard) == 4
    assert (await _told(bob))[0] == ("collection_update", "Planters")
    assert len(await _told(bob)) == 3
    groups = (await bob.get("/api/v2/notifications"))["notification_groups"]
    assert [group["collection"]["name"] for group in groups] == ["Planters", "Cooks", "Planters"]
    within = (await bob.get(f"/api/v1/accounts/{bob.actor_id}/in_collections"))["collections"]
    assert [collection["name"] for collection in within] == ["Cooks", "Planters"]
    await alice.get(f"/api/v1/accounts/{bob.actor_id}/in_collections", expect=403)
    item = made["items"][0]["id"]
    assert await bob.post(f"{PATH}/{made['id']}/items/{item}/revoke") == {}
    await bob.post(f"{PATH}/{made['id']}/items/{item}/revoke", expect=404)
    assert await _told(bob) == [("added_to_collection", "Cooks")]
    assert _members((await alice.get(f"{PATH}/{made['id']}"))["collection"]) == []


async def test_whoever_blocks_is_taken_out_and_finds_nothing(node: TalkingNode) -> None:
    alice, bob, carol = await node.person("alice"), await _open(node, "bob"), await _open(node, "carol")
    reader = await node.person("reader")
    made = await _made(alice, bob, carol)
    path, listed = f"{PATH}/{made['id']}", f"/api/v1/accounts/{alice.actor_id}/collections"
    await reader.post(f"/api/v1/accounts/{bob.actor_id}/mute")
    assert _members((await reader.get(path))["collection"]) == [carol.actor_id]
    assert (await reader.get(path))["collection"]["item_count"] == 1
    await carol.post(f"/api/v1/accounts/{reader.actor_id}/block")
    assert _members((await reader.get(listed))["collections"][0]) == []
    assert [int(account["id"]) for account in (await reader.get(path))["accounts"]] == [alice.actor_id]
    await bob.post(f"/api/v1/accounts/{alice.actor_id}/block")
    assert _members((await alice.get(path))["collection"]) == [carol.actor_id]
    await bob.get(path, expect=404)
    await alice.post(f"/api/v1/accounts/{carol.actor_id}/block")
    assert _members((await alice.get(path))["collection"]) == []
    await carol.get(path, expect=404)
    assert (await carol.get(listed))["collections"] == []
    assert await node.context.database.fetch(_all(featured_items)) == []


async def test_who_is_suspended_is_in_none_and_shows_none(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await _open(node, "bob")
    made = await _made(alice, bob)
    path, listed = f"{PATH}/{made['id']}", f"/api/v1/accounts/{alice.actor_id}/collections"
    await node.set(actors, bob.actor_id, suspended_ms=1)
    assert _members((await alice.get(path))["collection"]) == []
    await node.set(actors, alice.actor_id, suspended_ms=1)
    assert (await node.request("GET", path)).status == 404
    assert (await node.request("GET", listed)).body == {"collections": []}


async def test_what_is_not_listed_is_found_by_its_owner_and_by_its_address(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    hidden = await _made(alice, name="Hidden", discoverable=False)
    await _made(alice, name="Shown")
    listed = f"/api/v1/accounts/{alice.actor_id}/collections"
    assert [each["name"] for each in (await alice.get(listed))["collections"]] == ["Shown", "Hidden"]
    for found in (await bob.get(listed), (await node.request("GET", listed)).body):
        assert [each["name"] for each in found["collections"]] == ["Shown"]
    assert (await bob.get(f"{PATH}/{hidden['id']}"))["collection"]["name"] == "Hidden"


async def test_collections_are_listed_in_pages(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await _open(node, "bob")
    for number in range(5):
        await _made(alice, bob, name=f"{number}")
    for reader, path in (
        (alice, f"/api/v1/accounts/{alice.actor_id}/collections"),
        (bob, f"/api/v1/accounts/{bob.actor_id}/in_collections"),
    ):
        found: list[str] = []
        query: str | None = "?limit=2"
        while query is not None:
            page = await node.request("GET", path + query, token=reader.token)
            found += [each["name"] for each in page.body["collections"]]
            link = page.headers.get("Link", "")
            next_ = link.partition(">")[0] if 'rel="next"' in link.partition(",")[0] else None
            query = "?" + next_.partition("?")[2] if next_ is not None else None
        assert found == ["4", "3", "2", "1", "0"]
        await reader.get(path, limit=-1, expect=400)
        await reader.get(path, offset=-1, expect=400)
        assert (await reader.get(path, offset=9))["collections"] == []


async def test_there_is_an_end_to_collections_and_to_who_is_in_one(node: TalkingNode) -> None:
    alice = await node.person("alice")
    many = [await _open(node, f"p{number}") for number in range(26)]
    refused = await alice.post(PATH, name="x", account_ids=[str(person.actor_id) for person in many], expect=422)
    assert refused == {"error": "A collection has at most 25 accounts"}
    made = await _made(alice, *many[:25])
    await alice.post(f"{PATH}/{made['id']}/items", account_id=str(many[25].actor_id), expect=422)
    for number in range(9):
        await _made(alice, name=f"{number}")
    assert await alice.post(PATH, name="x", expect=422) == {
        "error": "You have reached the maximum number of collections"
    }
    me = await alice.get("/api/v1/accounts/verify_credentials")
    assert me["role"]["collection_limit"] == 10


async def test_each_method_asks_for_its_scope(node: TalkingNode) -> None:
    owner = await node.person("owner")
    made = await _made(owner, owner)
    path, item = f"{PATH}/{made['id']}", made["items"][0]["id"]
    reader = await node.person("reader", scopes="read:collections")
    writer = await node.person("writer", scopes="write:collections")
    reads = [path, *(f"/api/v1/accounts/{writer.actor_id}/{kind}" for kind in ("collections", "in_collections"))]
    for read in reads:
        await writer.get(read, expect=403)
    await reader.get(path)
    for verb, changed in (
        ("POST", PATH),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/items"),
        ("DELETE", f"{path}/items/{item}"),
        ("POST", f"{path}/items/{item}/revoke"),
    ):
        await reader.ask(verb, changed, expect=403, json={})
        assert (await node.request(verb, changed, json={})).status == 401
    assert (await node.request("GET", f"/api/v1/accounts/{writer.actor_id}/in_collections")).status == 401
    await writer.post(PATH, name="Mine")


async def test_followers_elsewhere_hear_of_what_is_shown(node: TalkingNode) -> None:
    alice, bob, far = await node.person("alice"), await _open(node, "bob"), await node.stranger("far")
    await node.accept(far, alice)
    hidden = await _made(alice, bob, name="Hidden", discoverable=False)
    await alice.ask("PATCH", f"{PATH}/{hidden['id']}", json={"name": "Still hidden"})
    assert await _sent(node) == []
    made = await _made(alice, name="Shown", description="a < b")
    path = f"{PATH}/{made['id']}"
    item = (await alice.post(f"{path}/items", account_id=str(bob.actor_id)))["collection_item"]
    await alice.ask("PATCH", path, json={"name": "Renamed"})
    await bob.post(f"{path}/items/{item['id']}/revoke")
    await alice.ask("PATCH", path, json={"discoverable": False})
    await alice.ask("PATCH", path, json={"discoverable": True})
    await alice.ask("DELETE", path)
    sent = await _sent(node)
    assert [each["type"] for each in sent] == ["Add", "Add", "Update", "Remove", "Remove", "Add", "Remove"]
    listed = f"{alice.uri}/featured_collections"
    assert [each.get("target") for each in sent] == [
        listed, made["uri"], None, made["uri"], listed, listed, listed,
    ]  # fmt: skip
    assert sent[0]["object"]["type"] == "FeaturedCollection"
    assert sent[0]["object"]["summary"] == "a &lt; b"
    assert sent[1]["object"]["featuredObject"] == bob.uri
    assert sent[1]["object"]["featureAuthorization"] == f"{bob.uri}/feature_authorizations/{item['id']}"
    assert sent[2]["object"]["name"] == "Renamed"
    assert sent[3]["object"] == sent[1]["object"]["id"]
    assert sent[4]["object"] == made["uri"]


async def test_grouped_counts_of_what_is_new_are_of_one_account_where_that_is_asked(node: TalkingNode) -> None:
    alice, bob, carol = await node.person("alice"), await node.person("bob"), await node.person("carol")
    for other in (bob, carol):
        await other.say("@alice hello")
    path = "/api/v2/notifications/unread_count"
    assert await alice.get(path) == {"count": 2}
    assert await alice.get(path, account_id=str(bob.actor_id)) == {"count": 1}
    for nobody in ("1", "x"):
        assert await alice.get(path, account_id=nobody) == {"count": 0}


async def _sent(node: TalkingNode) -> list[dict[str, Any]]:
    """What went out, in its order."""
    rows = await node.context.database.fetch(_all(payloads))
    return [orjson.loads(row["body"]) for row in sorted(rows, key=lambda row: row["id"])]


def _all(table: Any) -> Any:
    return Statement(select(table))
