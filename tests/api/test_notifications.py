"""Notifications and private conversations over the client API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fediverse_node.domain.model import Visibility
from fediverse_node.storage.tables import markers, mutes
from tests.api.talking_node import Person, TalkingNode, many, talking_node


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


async def _lively(node: TalkingNode) -> tuple[Person, list[Person], str]:
    """Alice, to whom three people did something: two likes, a boost, a follow, a mention."""
    alice = await node.person("alice")
    people = [await node.person(name) for name in ("bob", "carol", "dave")]
    said = await alice.say("hello")
    await people[0].post(f"/api/v1/statuses/{said['id']}/favourite")
    await people[1].post(f"/api/v1/statuses/{said['id']}/favourite")
    await people[1].post(f"/api/v1/statuses/{said['id']}/reblog")
    await people[2].follow(alice)
    await people[2].say("@alice hi")
    return alice, people, str(said["id"])


async def test_people_are_told_who_did_what(node: TalkingNode) -> None:
    alice, _, said_id = await _lively(node)
    found = await alice.get("/api/v1/notifications")
    assert [(n["type"], n["account"]["acct"]) for n in found] == [
        ("mention", "dave"),
        ("follow", "dave"),
        ("reblog", "carol"),
        ("favourite", "carol"),
        ("favourite", "bob"),
    ]
    assert "status" not in found[1]
    assert {found[n]["status"]["id"] for n in (2, 3, 4)} == {said_id}
    assert found[3]["group_key"] == found[4]["group_key"]
    assert found[0]["group_key"] == f"ungrouped-{found[0]['id']}"
    assert all(n["id"].isdigit() and n["created_at"].endswith("Z") for n in found)


@pytest.mark.parametrize(
    ("params", "types"),
    [
        ({"types[]": ["favourite"]}, ["favourite", "favourite"]),
        ({"exclude_types[]": ["favourite", "mention"]}, ["follow", "reblog"]),
        ({"types[]": ["favourite", "follow"], "exclude_types[]": ["follow"]}, ["favourite", "favourite"]),
        ({"types[]": ["nothing"]}, []),
        ({"limit": 2}, ["mention", "follow"]),
    ],
)
async def test_notifications_are_chosen_by_type(node: TalkingNode, params: dict[str, Any], types: list[str]) -> None:
    alice, people, _ = await _lively(node)
    assert [n["type"] for n in await alice.get("/api/v1/notifications", **params)] == types
    bobs = await alice.get("/api/v1/notifications", account_id=people[0].actor_id)
    assert [n["account"]["acct"] for n in bobs] == ["bob"]


async def test_notifications_are_looked_at_dismissed_and_cleared_by_their_owner_alone(node: TalkingNode) -> None:
    alice, people, _ = await _lively(node)
    newest = (await alice.get("/api/v1/notifications"))[0]
    path = f"/api/v1/notifications/{newest['id']}"
    assert (await alice.get(path))["type"] == "mention"
    await people[0].get(path, expect=404)
    await people[0].post(f"{path}/dismiss", expect=404)
    assert await alice.post(f"{path}/dismiss") == {}
    await alice.get(path, expect=404)
    assert len(await alice.get("/api/v1/notifications")) == 4
    assert await alice.post("/api/v1/notifications/clear") == {}
    assert await alice.get("/api/v1/notifications") == []


async def test_unread_are_those_above_the_marker(node: TalkingNode) -> None:
    alice, _, _ = await _lively(node)
    assert await alice.get("/api/v1/notifications/unread_count") == {"count": 5}
    assert await alice.get("/api/v2/notifications/unread_count") == {"count": 4}
    found = await alice.get("/api/v1/notifications")
    marker = {"timeline": "notifications", "last_read_id": found[2]["id"], "version": 1, "updated_ms": 1}
    await node.insert(markers, {"actor_id": alice.actor_id, **marker})
    assert await alice.get("/api/v1/notifications/unread_count") == {"count": 2}


async def test_nothing_is_told_of_whom_one_mutes_and_a_milder_mute_still_tells(node: TalkingNode) -> None:
    alice, people, _ = await _lively(node)
    ids = node.context.world.ids
    for person, loud in ((people[0], True), (people[1], False)):
        row = {"id": ids.next(), "actor_id": alice.actor_id, "target_id": person.actor_id, "notifications": loud}
        await node.insert(mutes, row | {"expires_ms": None})
    found = await alice.get("/api/v1/notifications")
    assert "bob" not in [n["account"]["acct"] for n in found]
    assert "carol" in [n["account"]["acct"] for n in found]


async def test_likes_and_boosts_of_one_status_come_as_one_group(node: TalkingNode) -> None:
    alice, people, said_id = await _lively(node)
    found = await alice.get("/api/v2/notifications")
    groups = found["notification_groups"]
    assert [(g["type"], g["notifications_count"]) for g in groups] == [
        ("mention", 1),
        ("follow", 1),
        ("reblog", 1),
        ("favourite", 2),
    ]
    likes = groups[3]
    assert likes["status_id"] == said_id
    assert likes["sample_account_ids"] == [str(people[1].actor_id), str(people[0].actor_id)]
    accounts = {account["id"] for account in found["accounts"]}
    assert all(id_ in accounts for g in groups for id_ in g["sample_account_ids"])
    assert said_id in [status["id"] for status in found["statuses"]]
    who = await alice.get(f"/api/v2/notifications/{likes['group_key']}/accounts")
    assert [account["acct"] for account in who] == ["carol", "bob"]
    one = await alice.get(f"/api/v2/notifications/{likes['group_key']}")
    assert one["notification_groups"][0]["notifications_count"] == 2
    assert await alice.post(f"/api/v2/notifications/{likes['group_key']}/dismiss") == {}
    left = await alice.get("/api/v2/notifications")
    assert "favourite" not in [g["type"] for g in left["notification_groups"]]
    await alice.get("/api/v2/notifications/nonsense", expect=404)
    single = await alice.get("/api/v2/notifications", **many("grouped_types", "reblog"))
    assert len(single["notification_groups"]) == 3


async def test_groups_can_come_with_pictures_only(node: TalkingNode) -> None:
    alice, people, _ = await _lively(node)
    found = await alice.get("/api/v2/notifications", expand_accounts="partial_avatars", **many("types", "favourite"))
    assert [account["acct"] for account in found["accounts"]] == ["carol"]
    assert [account["id"] for account in found["partial_accounts"]] == [str(people[0].actor_id)]
    assert "note" not in found["partial_accounts"][0]


async def test_the_policy_is_kept_and_nothing_is_held_back(node: TalkingNode) -> None:
    alice = await node.person("alice")
    policy = await alice.get("/api/v2/notifications/policy")
    assert policy["for_not_following"] == "accept"
    assert policy["summary"] == {"pending_requests_count": 0, "pending_notifications_count": 0}
    changed = await alice.ask("PATCH", "/api/v2/notifications/policy", json={"for_new_accounts": "filter"})
    assert changed["for_new_accounts"] == "filter"
    assert (await alice.get("/api/v2/notifications/policy"))["for_new_accounts"] == "filter"
    await alice.ask("PATCH", "/api/v2/notifications/policy", json={"for_bots": "shout"}, expect=422)
    assert await alice.get("/api/v1/notifications/requests") == []
    await alice.post("/api/v1/notifications/requests/1/accept", expect=404)


async def test_a_private_conversation_is_listed_read_and_put_away(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    first = await node.publish(alice, "@bob psst", visibility=Visibility.DIRECT)
    second = await node.publish(bob, "@alice what?", visibility=Visibility.DIRECT, in_reply_to_id=first)
    mine = await alice.get("/api/v1/conversations")
    assert [(c["unread"], c["last_status"]["id"]) for c in mine] == [(True, str(second))]
    assert [account["acct"] for account in mine[0]["accounts"]] == ["bob"]
    theirs = await bob.get("/api/v1/conversations")
    assert [(c["unread"], c["accounts"][0]["acct"]) for c in theirs] == [(False, "alice")]
    path = f"/api/v1/conversations/{mine[0]['id']}"
    assert (await alice.post(f"{path}/read"))["unread"] is False
    assert (await alice.post(f"{path}/unread"))["unread"] is True
    await bob.post(f"{path}/read", expect=404)
    await bob.ask("DELETE", path, expect=404)
    assert await alice.ask("DELETE", path) == {}
    assert await alice.get("/api/v1/conversations") == []
    assert len(await bob.get("/api/v1/conversations")) == 1
    await alice.get(f"/api/v1/statuses/{first}")  # what was said is still there
