"""Whom people show on their profiles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fediverse_node.storage.tables import actors
from tests.api.talking_node import Person, TalkingNode, talking_node


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


async def _between(one: Person, other: Person) -> dict[str, Any]:
    [found] = await one.get("/api/v1/accounts/relationships", **{"id[]": other.actor_id})
    return dict(found)


def _ids(found: list[dict[str, Any]]) -> list[int]:
    return [int(account["id"]) for account in found]


@pytest.mark.parametrize(("begin", "end"), [("endorse", "unendorse"), ("pin", "unpin")])
async def test_somebody_who_is_followed_is_shown_and_not_any_more(node: TalkingNode, begin: str, end: str) -> None:
    alice, far = await node.person("alice"), await node.stranger("far")
    await alice.follow(far)
    path = f"/api/v1/accounts/{far.actor_id}"
    for _ in range(2):
        assert (await alice.post(f"{path}/{begin}"))["endorsed"] is True
    assert (await _between(alice, far))["endorsed"] is True
    assert _ids(await alice.get("/api/v1/endorsements")) == [far.actor_id]
    public = await node.request("GET", f"/api/v1/accounts/{alice.actor_id}/endorsements")
    assert _ids(public.body) == [far.actor_id]
    for _ in range(2):
        assert (await alice.post(f"{path}/{end}"))["endorsed"] is False
    assert await alice.get("/api/v1/endorsements") == []


async def test_only_who_is_followed_can_be_shown(node: TalkingNode) -> None:
    alice, bob, carol = await node.person("alice"), await node.person("bob"), await node.person("carol", locked=True)
    await alice.post(f"/api/v1/accounts/{carol.actor_id}/follow")  # is asked only
    for other in (alice, bob, carol):
        refused = await alice.post(f"/api/v1/accounts/{other.actor_id}/endorse", expect=422)
        assert refused == {"error": "Validation failed: You must be already following the person you want to endorse"}
    await alice.post("/api/v1/accounts/1/endorse", expect=404)
    await alice.post("/api/v1/accounts/x/unendorse", expect=404)
    assert (await node.request("GET", "/api/v1/accounts/1/endorsements")).status == 404


@pytest.mark.parametrize("end", ["unfollow", "block"])
async def test_with_the_follow_ends_that_somebody_is_shown(node: TalkingNode, end: str) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    await alice.follow(bob)
    await bob.follow(alice)
    await alice.post(f"/api/v1/accounts/{bob.actor_id}/endorse")
    await bob.post(f"/api/v1/accounts/{alice.actor_id}/endorse")
    await alice.post(f"/api/v1/accounts/{bob.actor_id}/{end}")
    assert (await _between(alice, bob))["endorsed"] is False
    # What the other shows is theirs, unless the follow ended too.
    assert (await _between(bob, alice))["endorsed"] is (end == "unfollow")
    await alice.post(f"/api/v1/accounts/{bob.actor_id}/unblock")
    await alice.follow(bob)
    assert (await _between(alice, bob))["endorsed"] is False


async def test_who_is_suspended_or_kept_away_is_not_met_there(node: TalkingNode) -> None:
    alice, reader = await node.person("alice"), await node.person("reader")
    shown, gone, disliked = [await node.stranger(name) for name in ("shown", "gone", "disliked")]
    for other in (shown, gone, disliked):
        await alice.follow(other)
        await alice.post(f"/api/v1/accounts/{other.actor_id}/endorse")
    await node.set(actors, gone.actor_id, suspended_ms=1)
    await reader.post(f"/api/v1/accounts/{disliked.actor_id}/mute")
    path = f"/api/v1/accounts/{alice.actor_id}/endorsements"
    assert _ids(await reader.get(path)) == [shown.actor_id]
    assert _ids(await alice.get(path)) == [disliked.actor_id, shown.actor_id]
    await alice.post(f"/api/v1/accounts/{reader.actor_id}/block")
    assert await reader.get(path) == []


async def test_the_list_is_read_in_pages(node: TalkingNode) -> None:
    alice = await node.person("alice")
    ids: list[int] = []
    for number in range(5):
        other = await node.stranger(f"far{number}")
        await alice.follow(other)
        await alice.post(f"/api/v1/accounts/{other.actor_id}/endorse")
        ids.insert(0, other.actor_id)
    for path in ("/api/v1/endorsements", f"/api/v1/accounts/{alice.actor_id}/endorsements"):
        found: list[int] = []
        params: dict[str, Any] = {"limit": 2}
        while True:
            page = await node.request("GET", path, token=alice.token, params=params)
            found += _ids(page.body)
            if page.next_id is None:
                break
            params["max_id"] = page.next_id
        assert found == ids
    assert _ids(await alice.get("/api/v1/endorsements", limit=0)) == ids
    await alice.get("/api/v1/endorsements", limit=-1, expect=400)


async def test_each_method_asks_for_its_scope(node: TalkingNode) -> None:
    alice, far = await node.person("alice", scopes="read:accounts follow"), await node.stranger("far")
    writer = await node.person("writer", scopes="write")
    await alice.follow(far)
    for action in ("endorse", "unendorse", "pin", "unpin"):
        await alice.post(f"/api/v1/accounts/{far.actor_id}/{action}", expect=403)
    for path in ("/api/v1/endorsements", f"/api/v1/accounts/{alice.actor_id}/endorsements"):
        await alice.get(path)
        await writer.get(path, expect=403)
    assert (await node.request("GET", "/api/v1/endorsements")).status == 401
