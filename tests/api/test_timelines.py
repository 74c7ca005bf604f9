"""Timelines over the client API: what is in them, for whom, and how they are paged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fediverse_node.domain import policy
from fediverse_node.domain.effects import Effect
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Visibility
from fediverse_node.mastodon_api.fragments import fragments_of
from fediverse_node.storage.tables import actors, list_members, lists, mutes
from fediverse_node.storage.writer import Decision
from tests.api.talking_node import Person, TalkingNode, many, talking_node

REACHES = (Visibility.PUBLIC, Visibility.UNLISTED, Visibility.FOLLOWERS, Visibility.DIRECT)


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


def ids_of(statuses: list[dict[str, Any]]) -> list[str]:
    return [status["id"] for status in statuses]


# Who sees what: each row says what the viewer is to the author, and what they see of public, unlisted,
# followers-only and direct posts that do not mention them, and of a direct one that does.
@pytest.mark.parametrize(
    ("relation", "seen"),
    [
        ("nobody in particular", (True, True, False, False, True)),
        ("a follower", (True, True, True, False, True)),
        ("somebody whose request waits", (True, True, False, False, True)),
        ("blocked by the author", (False, False, False, False, False)),
        ("somebody who blocks the author", (True, True, False, False, True)),
        ("the author", (True, True, True, True, True)),
        ("without a token", (True, True, False, False, False)),
    ],
)
async def test_everybody_sees_what_is_meant_for_them(node: TalkingNode, relation: str, seen: tuple[bool, ...]) -> None:
    author = await node.person("author", locked=relation == "somebody whose request waits")
    viewer = author if relation == "the author" else await node.person("viewer")
    ids = [await node.publish(author, f"for {reach.value}", visibility=reach) for reach in REACHES]
    ids.append(await node.publish(author, "psst @viewer", visibility=Visibility.DIRECT))
    outbox = node.context.outbox
    if relation in ("a follower", "somebody whose request waits"):
        assert await outbox.follow(viewer.actor_id, author.actor_id) is None
    elif relation == "blocked by the author":
        assert await outbox.block(author.actor_id, viewer.actor_id) is None
    elif relation == "somebody who blocks the author":
        assert await outbox.block(viewer.actor_id, author.actor_id) is None
    token = "" if relation == "without a token" else viewer.token
    answers = [await node.request("GET", f"/api/v1/statuses/{id_}", token=token) for id_ in ids]
    assert tuple(answer.status == 200 for answer in answers) == seen
    missing = await node.request("GET", "/api/v1/statuses/123456789", token=token)
    for answer in answers:
        if answer.status != 200:
            # What is forbidden looks like what is not there.
            assert (answer.status, answer.body) == (missing.status, missing.body)
    listed = await node.request("GET", f"/api/v1/accounts/{author.actor_id}/statuses", token=token)
    expected = [str(id_) for id_, visible in zip(ids, seen, strict=True) if visible]
    if relation == "somebody who blocks the author":
        expected = expected[:0] + expected  # a profile one opens is shown, also of somebody one blocks
    assert sorted(ids_of(listed.body)) == sorted(expected)
    if token:
        assert await _by_policy(node, viewer, ids) == seen


async def _by_policy(node: TalkingNode, viewer: Person, ids: list[int]) -> tuple[bool, ...]:
    """The same question, answered by the rule that federation goes by."""
    answers: list[bool] = []

    def decide(facts: Facts) -> list[Effect]:
        actor = facts.actors_by_id[viewer.actor_id]
        answers[:] = [policy.may_see(actor, facts.objects_by_id[id_], facts) for id_ in ids]
        return []

    needs = Needs(acting=viewer.uri, object_ids=tuple(ids), actor_ids=(viewer.actor_id,))
    await node.context.writer.decide(Decision(needs, decide))
    return tuple(answers)


async def test_the_home_timeline_is_paged_without_gaps_or_repetitions(node: TalkingNode) -> None:
    alice, far = await node.person("alice"), await node.stranger("far")
    await alice.follow(far)
    ids = [str(await node.hear(far, f"<p>{n}</p>")) for n in range(25)][::-1]
    first = await node.request("GET", "/api/v1/timelines/home", token=alice.token, params={"limit": 10})
    assert ids_of(first.body) == ids[:10]
    link = first.headers["Link"]
    assert link.startswith(f'<{node.base_url}/api/v1/timelines/home?limit=10&max_id={ids[9]}>; rel="next"')
    assert link.endswith(f'/api/v1/timelines/home?limit=10&min_id={ids[0]}>; rel="prev"')
    seen, page = ids_of(first.body), first
    while page.next_id:
        page = await node.request(
            "GET", "/api/v1/timelines/home", token=alice.token, params={"limit": 10, "max_id": page.next_id}
        )
        seen += ids_of(page.body)
    assert seen == ids
    assert "Link" not in page.headers  # an empty page leads nowhere


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"max_id": 5}, [4, 3, 2]),
        ({"since_id": 5}, [9, 8, 7]),
        ({"min_id": 5}, [8, 7, 6]),
        ({"min_id": 1, "max_id": 4}, [3, 2]),
        ({"since_id": 7, "max_id": 9}, [8]),
        ({"max_id": 0}, []),
    ],
    ids=lambda value: str(value),
)
async def test_boundaries_are_exclusive_and_min_id_gives_the_page_next_to_it(
    node: TalkingNode, bounds: dict[str, int], expected: list[int]
) -> None:
    alice = await node.person("alice")
    ids = [str(await node.publish(alice, f"number {n}")) for n in range(10)]
    params: dict[str, Any] = {name: ids[n] for name, n in bounds.items()}
    found = await alice.get("/api/v1/timelines/home", limit=3, **params)
    assert ids_of(found) == [ids[n] for n in expected]


async def test_a_page_is_never_larger_than_forty_and_a_negative_one_is_refused(node: TalkingNode) -> None:
    alice = await node.person("alice")
    for n in range(42):
        await node.publish(alice, f"number {n}")
    assert len(await alice.get("/api/v1/timelines/home", limit=1000)) == 40
    assert len(await alice.get("/api/v1/timelines/home")) == 20
    await alice.get("/api/v1/timelines/home", limit=-1, expect=400)


async def test_home_leaves_out_whom_one_mutes_or_blocks_later_and_who_was_suspended(node: TalkingNode) -> None:
    alice = await node.person("alice")
    people = {name: await node.stranger(name) for name in ("kept", "muted", "passing", "suspended", "once")}
    for person in people.values():
        await alice.follow(person)
    said = {name: await node.hear(person) for name, person in people.items()}
    assert len(await alice.get("/api/v1/timelines/home")) == 5
    now_ms = node.context.world.clock.now_ms()
    mute = {"actor_id": alice.actor_id, "notifications": True}
    next_id = node.context.world.ids.next
    await node.insert(mutes, {"id": next_id(), "target_id": people["muted"].actor_id, **mute, "expires_ms": None})
    await node.insert(mutes, {"id": next_id(), "target_id": people["once"].actor_id, **mute, "expires_ms": now_ms - 1})
    await node.set(actors, people["suspended"].actor_id, suspended_ms=now_ms)
    await node.context.outbox.block(alice.actor_id, people["passing"].actor_id)
    home = await alice.get("/api/v1/timelines/home")
    assert ids_of(home) == [str(said["once"]), str(said["kept"])]
    await alice.get(f"/api/v1/statuses/{said['suspended']}", expect=404)


async def test_the_public_timeline_tells_local_from_remote_and_media_from_words(node: TalkingNode) -> None:
    alice, far = await node.person("alice"), await node.stranger("far")
    picture = {"id": 7, "type": "image", "remote_url": "https://far.example/1.jpg", "width": 4, "height": 3}
    own = str(await node.publish(alice, "here"))
    words, pictures = str(await node.hear(far)), str(await node.hear(far, attachments=(picture,)))
    await node.publish(alice, "quietly", visibility=Visibility.UNLISTED)
    await node.hear(far, in_reply_to_id=int(own))
    path = "/api/v1/timelines/public"
    assert ids_of(await alice.get(path)) == [pictures, words, own]
    assert ids_of(await alice.get(path, local="true")) == [own]
    assert ids_of(await alice.get(path, remote="true")) == [pictures, words]
    assert ids_of(await alice.get(path, only_media="1")) == [pictures]
    assert ids_of((await node.request("GET", path)).body) == [pictures, words, own]
    media = (await alice.get(path, only_media="1"))[0]["media_attachments"][0]
    assert (media["url"], media["meta"]["original"]) == (
        "https://far.example/1.jpg",
        {"width": 4, "height": 3, "size": "4x3", "aspect": 4 / 3},
    )
    await node.set(actors, far.actor_id, silenced_ms=1)
    assert ids_of(await alice.get(path)) == [own]


async def test_hashtag_timelines_combine_any_all_and_none(node: TalkingNode) -> None:
    alice = await node.person("alice")
    said = {text: str(await node.publish(alice, text)) for text in ("#a", "#b", "#a #b", "#a #c")}
    await node.publish(alice, "#a in private", visibility=Visibility.FOLLOWERS)

    async def found(**params: Any) -> set[str]:
        ids = ids_of(await alice.get("/api/v1/timelines/tag/A", **params))
        return {text for text, id_ in said.items() if id_ in ids}

    assert await found() == {"#a", "#a #b", "#a #c"}
    assert await found(**many("any", "b")) == {"#a", "#b", "#a #b", "#a #c"}
    assert await found(**many("all", "b")) == {"#a #b"}
    assert await found(**many("none", "b", "c")) == {"#a"}
    assert await found(**many("all", "never")) == set()
    assert await alice.get("/api/v1/timelines/tag/never") == []


async def test_a_list_shows_its_members_to_its_owner_alone(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    member, other = await node.stranger("member"), await node.stranger("other")
    await alice.follow(member)
    list_id = node.context.world.ids.next()
    await node.insert(lists, {"id": list_id, "actor_id": alice.actor_id, "title": "friends"})
    await node.insert(list_members, {"id": list_id + 1, "list_id": list_id, "actor_id": member.actor_id})
    said = await node.hear(member)
    among_us = await node.hear(member, visibility=Visibility.FOLLOWERS)
    strange = await node.hear(other)
    to_stranger = await node.hear(member, in_reply_to_id=strange)
    to_self = await node.hear(member, in_reply_to_id=said)
    path = f"/api/v1/timelines/list/{list_id}"
    assert ids_of(await alice.get(path)) == [str(to_self), str(among_us), str(said)]
    assert str(to_stranger) not in ids_of(await alice.get(path))
    await bob.get(path, expect=404)


async def test_a_profile_leaves_out_answers_boosts_and_words_on_request(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    post = str(await node.publish(alice, "a #word"))
    bobs = int((await bob.say("hm"))["id"])
    answer = str(await node.publish(alice, "@bob yes", in_reply_to_id=bobs))
    thread = str(await node.publish(alice, "and", in_reply_to_id=int(post)))
    boost = (await alice.post(f"/api/v1/statuses/{bobs}/reblog"))["id"]
    media = (await alice.say("look", media_ids=[str(await node.upload(alice))]))["id"]
    path = f"/api/v1/accounts/{alice.actor_id}/statuses"
    assert ids_of(await bob.get(path)) == [media, boost, thread, answer, post]
    assert ids_of(await bob.get(path, exclude_replies="true")) == [media, boost, thread, post]
    assert ids_of(await bob.get(path, exclude_reblogs="true")) == [media, thread, answer, post]
    assert ids_of(await bob.get(path, only_media="true")) == [media]
    assert ids_of(await bob.get(path, tagged="Word")) == [post]
    assert await bob.get(path, tagged="nowhere") == []
    await bob.get("/api/v1/accounts/99/statuses", expect=404)


@pytest.mark.parametrize(("verb", "path"), [("bookmark", "bookmarks"), ("favourite", "favourites")])
async def test_kept_statuses_are_paged_by_when_they_were_kept(node: TalkingNode, verb: str, path: str) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    ids = [str(await node.publish(alice, f"number {n}")) for n in range(5)]
    order = [ids[n] for n in (3, 0, 4, 1, 2)]
    for id_ in order:
        await bob.post(f"/api/v1/statuses/{id_}/{verb}")
    newest_first = order[::-1]
    page = await node.request("GET", f"/api/v1/{path}", token=bob.token, params={"limit": 2})
    assert ids_of(page.body) == newest_first[:2]
    assert page.next_id not in ids  # the cursor is the keeping, not the status
    seen = ids_of(page.body)
    while page.next_id:
        page = await node.request(
            "GET", f"/api/v1/{path}", token=bob.token, params={"limit": 2, "max_id": page.next_id}
        )
        seen += ids_of(page.body)
    assert seen == newest_first
    assert 'rel="next"' not in page.headers["Link"]  # the last page was not full
    assert await alice.get(f"/api/v1/{path}") == []


async def test_a_cached_status_is_as_new_as_its_counters_and_its_author(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    id_ = await node.publish(alice, "hello")
    path = f"/api/v1/statuses/{id_}"
    assert (await bob.get(path))["favourites_count"] == 0
    await bob.post(f"{path}/favourite")
    await node.publish(bob, "hi", in_reply_to_id=id_)
    status = await alice.get(path)
    assert (status["favourites_count"], status["replies_count"]) == (1, 1)
    statuses_count = status["account"]["statuses_count"]
    await node.publish(alice, "more")
    assert (await bob.get(path))["account"]["statuses_count"] == statuses_count + 1


async def test_the_cache_of_statuses_stays_within_its_bounds(node: TalkingNode) -> None:
    alice = await node.person("alice")
    kept = fragments_of(node.context)
    kept.capacity_bytes = 20_000
    ids = [str(await node.publish(alice, f"number {n} " + "x" * 500)) for n in range(30)]
    assert ids_of(await alice.get("/api/v1/timelines/home", limit=40)) == ids[::-1]
    assert 0 < kept.size_bytes <= 20_000
    assert len(kept.statuses) < 30


async def test_readers_at_the_same_time_each_get_their_own_flags(node: TalkingNode) -> None:
    alice = await node.person("alice")
    readers = [await node.person(f"reader{n}") for n in range(6)]
    id_ = await node.publish(alice, "hello")
    for reader in readers[::2]:
        await reader.post(f"/api/v1/statuses/{id_}/favourite")
    pages = await asyncio.gather(*(r.get("/api/v1/timelines/public") for r in readers for _ in range(5)))
    flags = [page[0]["favourited"] for page in pages]
    assert flags == [n % 2 == 0 for n in range(6) for _ in range(5)]


async def test_nothing_is_trending(node: TalkingNode) -> None:
    for path in ("trends", "trends/tags", "trends/links", "trends/statuses"):
        answer = await node.request("GET", f"/api/v1/{path}")
        assert (answer.status, answer.body) == (200, [])
