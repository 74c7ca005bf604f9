"""Polls, hashtags and scheduled statuses over the client API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fediverse_node.domain.model import Poll, Visibility
from fediverse_node.mastodon_api.scheduled import publish_due
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import polls, scheduled
from fediverse_node.storage.unit import Run, Unit
from tests.api.talking_node import TalkingNode, talking_node


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


def _later(minutes: int) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


async def test_a_poll_is_made_voted_in_and_counted(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    said = await alice.say("tea?", poll={"options": ["yes", "no"], "expires_in": 600})
    poll = said["poll"]
    assert (poll["id"], poll["voted"], poll["own_votes"], poll["multiple"], poll["expired"]) == (
        said["id"],
        True,  # nobody votes in their own poll
        [],
        False,
        False,
    )
    voted = await bob.post(f"/api/v1/polls/{poll['id']}/votes", choices=["1"])
    assert (voted["voted"], voted["own_votes"], voted["votes_count"], voted["voters_count"]) == (True, [1], 1, 1)
    assert [option["votes_count"] for option in voted["options"]] == [0, 1]
    again = await bob.post(f"/api/v1/polls/{poll['id']}/votes", choices=[0], expect=422)
    assert again == {"error": "Validation failed: You have already voted on this poll"}
    assert (await bob.get(f"/api/v1/statuses/{said['id']}"))["poll"]["own_votes"] == [1]
    anonymous = (await node.request("GET", f"/api/v1/polls/{poll['id']}")).body
    assert {"voted", "own_votes"}.isdisjoint(anonymous)
    own = await alice.post(f"/api/v1/polls/{poll['id']}/votes", choices=[0], expect=403)
    assert own == {"error": "This action is not allowed"}


@pytest.mark.parametrize("choices", [["7"], [], ["x"], ["-1"]])
async def test_a_vote_for_what_is_not_there_is_refused(node: TalkingNode, choices: list[str]) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    said = await alice.say("tea?", poll={"options": ["yes", "no"], "expires_in": 600})
    refused = await bob.post(f"/api/v1/polls/{said['id']}/votes", choices=choices, expect=422)
    assert refused == {"error": "Validation failed: The chosen vote option does not exist"}


async def test_a_poll_that_has_ended_takes_no_votes_and_shows_its_results(node: TalkingNode) -> None:
    alice, far = await node.person("alice"), await node.stranger("far")
    soon = node.context.world.clock.now_ms() + 60_000
    hidden = Poll(("yes", "no"), (3, 4), multiple=True, hide_totals=True, voters_count=5, expires_ms=soon)
    id_ = await node.hear(far, poll=hidden)
    poll = (await alice.get(f"/api/v1/statuses/{id_}"))["poll"]
    assert [option["votes_count"] for option in poll["options"]] == [None, None]
    clause = polls.update().where(polls.c.object_id == id_).values(expires_ms=soon - 120_000)

    def unit() -> Unit[None]:
        yield Run(Statement(clause), [{}])

    await node.run(unit)
    poll = await alice.get(f"/api/v1/polls/{id_}")
    assert (poll["expired"], poll["voters_count"]) == (True, 5)
    assert [option["votes_count"] for option in poll["options"]] == [3, 4]
    refused = await alice.post(f"/api/v1/polls/{id_}/votes", choices=[0], expect=422)
    assert refused == {"error": "Validation failed: The poll has already ended"}


async def test_the_poll_of_a_status_that_is_not_for_the_viewer_is_not_there(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    said = await alice.say("tea?", poll={"options": ["yes", "no"], "expires_in": 600}, visibility="private")
    plain = await alice.say("no poll")
    await bob.get(f"/api/v1/polls/{said['id']}", expect=404)
    await bob.post(f"/api/v1/polls/{said['id']}/votes", choices=[0], expect=404)
    await bob.get(f"/api/v1/polls/{plain['id']}", expect=404)


async def test_a_hashtag_is_followed_and_then_seen_at_home(node: TalkingNode) -> None:
    alice, far = await node.person("alice"), await node.stranger("far")
    fan = await node.person("fan")
    await fan.follow(far)
    followed = await alice.post("/api/v1/tags/Cats/follow")
    assert (followed["name"], followed["following"]) == ("cats", True)
    assert followed["url"] == f"{node.base_url}/tags/cats"
    id_ = await node.hear(far, hashtags=["cats"])
    assert [status["id"] for status in await alice.get("/api/v1/timelines/home")] == [str(id_)]
    tag = await alice.get("/api/v1/tags/cats")
    assert len(tag["history"]) == 7
    assert (tag["history"][0]["uses"], tag["history"][0]["accounts"]) == ("1", "1")
    assert all(isinstance(day["day"], str) for day in tag["history"])
    assert [t["name"] for t in await alice.get("/api/v1/followed_tags")] == ["cats"]
    assert (await alice.post("/api/v1/tags/cats/unfollow"))["following"] is False
    assert await alice.get("/api/v1/followed_tags") == []


async def test_a_hashtag_nobody_used_can_be_looked_at_and_one_that_cannot_be_is_not_there(node: TalkingNode) -> None:
    alice = await node.person("alice")
    tag = await alice.get("/api/v1/tags/unheard")
    assert (tag["name"], tag["following"]) == ("unheard", False)
    assert {day["uses"] for day in tag["history"]} == {"0"}
    await alice.get("/api/v1/tags/two%20words", expect=404)
    assert "following" not in (await node.request("GET", "/api/v1/tags/unheard")).body


async def test_a_status_is_scheduled_moved_and_published_when_it_is_due(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    media_id = await node.upload(alice)
    made = await alice.say(
        "later", scheduled_at=_later(10), visibility="unlisted", media_ids=[str(media_id)], spoiler_text="soon"
    )
    assert "content" not in made
    assert (made["params"]["text"], made["params"]["visibility"]) == ("later", "unlisted")
    assert [item["id"] for item in made["media_attachments"]] == [str(media_id)]
    path = f"/api/v1/scheduled_statuses/{made['id']}"
    assert [one["id"] for one in await alice.get("/api/v1/scheduled_statuses")] == [made["id"]]
    moment = _later(60)
    assert (await alice.ask("PUT", path, json={"scheduled_at": moment}))["scheduled_at"] == moment
    await alice.ask("PUT", path, json={"scheduled_at": _later(1)}, expect=422)
    for verb in ("GET", "PUT", "DELETE"):
        await bob.ask(verb, path, expect=404)
    assert await publish_due(node.context) == 0
    await node.set(scheduled, int(made["id"]), due_ms=node.context.world.clock.now_ms() - 1)
    assert await publish_due(node.context) == 1
    assert await publish_due(node.context) == 0
    home = await alice.get("/api/v1/timelines/home")
    assert [(s["spoiler_text"], s["visibility"], len(s["media_attachments"])) for s in home] == [
        ("soon", "unlisted", 1)
    ]
    await alice.get(path, expect=404)


async def test_a_scheduled_status_can_be_cancelled_once(node: TalkingNode) -> None:
    alice = await node.person("alice")
    made = await alice.say("never", scheduled_at=_later(10))
    path = f"/api/v1/scheduled_statuses/{made['id']}"
    assert await alice.ask("DELETE", path) == {}
    await alice.ask("DELETE", path, expect=404)
    assert await alice.get("/api/v1/timelines/home") == []


async def test_a_private_scheduled_answer_stays_private(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    root = await node.publish(bob, "hm")
    made = await alice.say("@bob yes", scheduled_at=_later(10), visibility="direct", in_reply_to_id=str(root))
    await node.set(scheduled, int(made["id"]), due_ms=0)
    assert await publish_due(node.context) == 1
    found = await bob.get("/api/v1/conversations")
    assert found[0]["last_status"]["visibility"] == Visibility.DIRECT.value
    assert found[0]["last_status"]["in_reply_to_id"] == str(root)
