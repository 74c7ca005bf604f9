"""Whom one may want to follow: company, never fame."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fediverse_node.domain.model import Visibility
from fediverse_node.storage.tables import actors
from tests.api.talking_node import Person, TalkingNode, talking_node

PATH = "/api/v2/suggestions"


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


async def _talk(me: Person, other: Person, times: int = 1) -> None:
    """The other mentions me, and I answer."""
    for _ in range(times):
        heard = await me.node.hear(other, mentions=[me])
        await me.say(f"@{other.acct} indeed", in_reply_to_id=str(heard))


async def _exchange(node: TalkingNode, one: Person, other: Person, visibility: Visibility = Visibility.PUBLIC) -> None:
    """One says something, the other answers, and the first answers that."""
    said = await node.hear(one)
    answer = await node.hear(other, in_reply_to_id=said, visibility=visibility)
    await node.hear(one, in_reply_to_id=answer, visibility=visibility)


async def _suggested(me: Person) -> dict[str, list[str]]:
    found = await me.get(PATH)
    assert {suggestion["source"] for suggestion in found} <= {"past_interactions"}
    return {suggestion["account"]["username"]: suggestion["sources"] for suggestion in found}


async def test_whom_one_talks_with_is_suggested_the_nearest_first(node: TalkingNode) -> None:
    alice, near, nearer = await node.person("alice"), await node.stranger("near"), await node.stranger("nearer")
    await _talk(alice, near)
    await _talk(alice, nearer, times=3)
    found = await alice.get(PATH)
    assert [suggestion["account"]["username"] for suggestion in found] == ["nearer", "near"]
    assert found[0]["sources"] == ["most_interactions"]
    plain = await node.request("GET", "/api/v1/suggestions", token=alice.token)
    assert [account["username"] for account in plain.body] == ["nearer", "near"]
    assert plain.headers["Deprecation"].startswith("@")
    assert len(await alice.get(PATH, limit=1)) == 1
    assert await alice.get(PATH, limit=0) == []


async def test_an_answer_to_ones_own_post_counts_without_a_mention(node: TalkingNode) -> None:
    alice, far = await node.person("alice"), await node.stranger("far")
    said = await alice.say("hm")
    answer = await node.hear(far, in_reply_to_id=int(said["id"]))
    assert await alice.get(PATH) == []
    await alice.say("yes", in_reply_to_id=str(answer))
    assert await _suggested(alice) == {"far": ["most_interactions"]}


async def test_fame_and_talk_in_one_direction_do_not_count(node: TalkingNode) -> None:
    alice, famous = await node.person("alice"), await node.stranger("famous", followers_count=1_000_000)
    pushy, friend = await node.stranger("pushy"), await node.stranger("friend")
    await alice.follow(friend)
    heard = await node.hear(famous)
    await alice.say("@famous@far.example great", in_reply_to_id=str(heard))  # who never says anything back
    await node.hear(pushy, mentions=[alice])  # whom nobody answered
    await node.hear(friend, in_reply_to_id=heard)  # nor does it count for a friend
    assert await alice.get(PATH) == []


async def test_whom_those_talk_with_whom_one_follows_is_suggested(node: TalkingNode) -> None:
    alice, friend, second = await node.person("alice"), await node.stranger("friend"), await node.stranger("second")
    once, often = [await node.stranger(name, discoverable=True) for name in ("once", "often")]
    hidden = await node.stranger("hidden")
    await alice.follow(friend)
    await alice.follow(second)
    await _exchange(node, friend, once)
    await _exchange(node, friend, often)
    await _exchange(node, second, often)
    await _exchange(node, friend, hidden)
    found = await alice.get(PATH)
    assert [suggestion["account"]["username"] for suggestion in found] == ["often", "once"]
    assert found[0]["sources"] == ["friends_of_friends"]


async def test_what_is_said_among_few_suggests_nobody(node: TalkingNode) -> None:
    alice, friend = await node.person("alice"), await node.stranger("friend")
    other = await node.stranger("other", discoverable=True)
    await alice.follow(friend)
    await _exchange(node, friend, other, visibility=Visibility.FOLLOWERS)
    assert await alice.get(PATH) == []


async def test_both_reasons_are_told(node: TalkingNode) -> None:
    alice, friend = await node.person("alice"), await node.stranger("friend")
    both = await node.stranger("both", discoverable=True)
    await alice.follow(friend)
    await _exchange(node, friend, both)
    await _talk(alice, both)
    assert await _suggested(alice) == {"both": ["most_interactions", "friends_of_friends"]}


async def test_who_is_followed_asked_kept_away_from_or_gone_is_not_suggested(node: TalkingNode) -> None:
    alice = await node.person("alice")
    people = {
        name: await node.stranger(name, f"{name}.example")
        for name in ("followed", "asked", "blocked", "muted", "avoided", "limited", "suspended", "moved", "good")
    }
    for person in people.values():
        await _talk(alice, person)
    await alice.follow(people["followed"])
    await alice.post(f"/api/v1/accounts/{people['asked'].actor_id}/follow")
    await alice.post(f"/api/v1/accounts/{people['blocked'].actor_id}/block")
    await alice.post(f"/api/v1/accounts/{people['muted'].actor_id}/mute")
    await alice.post("/api/v1/domain_blocks", domain="avoided.example")
    await node.set(actors, people["limited"].actor_id, silenced_ms=1)
    await node.set(actors, people["suspended"].actor_id, suspended_ms=1)
    await node.set(actors, people["moved"].actor_id, moved_to_uri="https://new.example/users/moved")
    assert list(await _suggested(alice)) == ["good"]


async def test_who_is_dismissed_does_not_come_back(node: TalkingNode) -> None:
    alice, far = await node.person("alice"), await node.stranger("far")
    await _talk(alice, far)
    for _ in range(2):
        assert await alice.ask("DELETE", f"/api/v1/suggestions/{far.actor_id}") == {}
    await _talk(alice, far)
    assert await alice.get(PATH) == []
    for id_ in ("1", "x"):
        await alice.ask("DELETE", f"/api/v1/suggestions/{id_}", expect=404)


async def test_each_method_asks_for_its_scope(node: TalkingNode) -> None:
    writer, far = await node.person("writer", scopes="write:statuses"), await node.stranger("far")
    for path in (PATH, "/api/v1/suggestions"):
        await writer.get(path, expect=403)
        assert (await node.request("GET", path)).status == 401
    await writer.ask("DELETE", f"/api/v1/suggestions/{far.actor_id}", expect=403)
    for scopes in ("read", "write:accounts"):
        person = await node.person(scopes.replace(":", ""), scopes=scopes)
        await person.ask("DELETE", f"/api/v1/suggestions/{far.actor_id}")
