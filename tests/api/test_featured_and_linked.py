"""Hashtags shown by their names, what is said about a page, and methods under their old names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fediverse_node.domain.model import Visibility
from fediverse_node.storage.tables import link_previews, object_previews
from tests.api.talking_node import TalkingNode, talking_node

PAGE = "https://news.example/story"


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


async def test_a_hashtag_is_shown_on_a_profile_by_its_name(node: TalkingNode) -> None:
    alice = await node.person("alice")
    assert (await alice.get("/api/v1/tags/cats"))["featuring"] is False
    for _ in range(2):
        tag = await alice.post("/api/v1/tags/Cats/feature")
        assert (tag["name"], tag["featuring"], tag["following"]) == ("cats", True, False)
    assert (await alice.get("/api/v1/tags/cats"))["featuring"] is True
    assert [tag["name"] for tag in await alice.get("/api/v1/featured_tags")] == ["cats"]
    assert "featuring" not in (await node.request("GET", "/api/v1/tags/cats")).body
    for _ in range(2):
        assert (await alice.post("/api/v1/tags/cats/unfeature"))["featuring"] is False
    assert await alice.get("/api/v1/featured_tags") == []


async def test_not_every_hashtag_can_be_shown_and_not_any_number(node: TalkingNode) -> None:
    alice, reader = await node.person("alice"), await node.person("reader", scopes="read follow")
    await alice.post("/api/v1/tags/two%20words/feature", expect=404)
    for number in range(10):
        await alice.post(f"/api/v1/tags/tag{number}/feature")
    refused = await alice.post("/api/v1/tags/another/feature", expect=422)
    assert refused == {"error": "Validation failed: You have already featured the maximum number of hashtags"}
    await alice.post("/api/v1/tags/tag3/feature")
    for action in ("feature", "unfeature"):
        await reader.post(f"/api/v1/tags/cats/{action}", expect=403)
        assert (await node.request("POST", f"/api/v1/tags/cats/{action}")).status == 401


async def _link(node: TalkingNode, *object_ids: int) -> None:
    preview_id, now_ms = node.context.world.ids.next(), node.context.world.clock.now_ms()
    await node.insert(link_previews, {"id": preview_id, "url": PAGE, "host": "news.example", "due_ms": now_ms})
    await node.insert(object_previews, *({"object_id": id_, "preview_id": preview_id} for id_ in object_ids))


async def _about(node: TalkingNode, token: str = "", **params: Any) -> list[int]:
    answer = await node.request("GET", "/api/v1/timelines/link", token=token, params={"url": PAGE, **params})
    assert answer.status == 200, answer
    return [int(status["id"]) for status in answer.body]


async def test_what_is_said_about_a_page_by_those_who_want_to_be_found(node: TalkingNode) -> None:
    reader = await node.person("reader")
    far, muted = [await node.stranger(name, discoverable=True) for name in ("far", "muted")]
    shy = await node.stranger("shy")
    first, second = await node.hear(far), await node.hear(far)
    hushed = await node.hear(muted)
    quiet = await node.hear(far, visibility=Visibility.UNLISTED)
    await _link(node, first, second, hushed, quiet, await node.hear(shy))
    await node.hear(far)
    await reader.post(f"/api/v1/accounts/{muted.actor_id}/mute")
    assert await _about(node, reader.token) == [second, first]
    assert await _about(node) == [hushed, second, first]
    assert await _about(node, url=PAGE + "#part") == [hushed, second, first]
    page = await node.request("GET", "/api/v1/timelines/link", params={"url": PAGE, "limit": 2})
    assert page.next_id == str(second)
    assert await _about(node, max_id=second) == [first]
    assert await _about(node, min_id=first) == [hushed, second]


@pytest.mark.parametrize("url", ["", "https://other.example/", "no address", "\x00"])
async def test_about_a_page_that_nobody_linked_to_there_is_nothing(node: TalkingNode, url: str) -> None:
    answer = await node.request("GET", "/api/v1/timelines/link", params={"url": url})
    assert (answer.status, list(answer.body)) == (400 if url == "\x00" else 404, ["error"])
    assert (await node.request("GET", "/api/v1/timelines/link")).status == 404


async def test_who_may_not_read_posts_does_not_read_those_about_a_page(node: TalkingNode) -> None:
    writer = await node.person("writer", scopes="write")
    await writer.get("/api/v1/timelines/link", url=PAGE, expect=403)


async def test_grouped_notifications_answer_under_their_first_name_too(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    said = await alice.say("hello")
    await bob.post(f"/api/v1/statuses/{said['id']}/favourite")
    old, new = "/api/v2_alpha/notifications", "/api/v2/notifications"
    found = await alice.get(old)
    assert found == await alice.get(new)
    [group] = found["notification_groups"]
    key = group["group_key"]
    assert await alice.get(f"{old}/unread_count") == {"count": 1}
    assert await alice.get(f"{old}/{key}") == await alice.get(f"{new}/{key}")
    assert await alice.post(f"{old}/{key}/dismiss") == {}
    assert (await alice.get(old))["notification_groups"] == []
    await alice.get(f"{old}/{key}", expect=404)
    reader = await node.person("reader", scopes="read:statuses")
    for path in (old, f"{old}/unread_count", f"{old}/{key}"):
        await reader.get(path, expect=403)
    await reader.post(f"{old}/{key}/dismiss", expect=403)


async def test_nobody_has_identity_proofs(node: TalkingNode) -> None:
    alice, writer = await node.person("alice"), await node.person("writer", scopes="write")
    path = f"/api/v1/accounts/{alice.actor_id}/identity_proofs"
    assert await alice.get(path) == []
    await alice.get("/api/v1/accounts/1/identity_proofs", expect=404)
    await writer.get(path, expect=403)


async def test_whoever_has_confirmed_gets_no_further_mail(node: TalkingNode) -> None:
    alice, reader = await node.person("alice"), await node.person("reader", scopes="read")
    refused = await alice.post("/api/v1/emails/confirmations", expect=403)
    assert refused == {"error": "This method is only available while the e-mail is awaiting confirmation"}
    assert "scopes" in (await reader.post("/api/v1/emails/confirmations", expect=403))["error"]
    assert (await node.request("POST", "/api/v1/emails/confirmations")).status == 401
