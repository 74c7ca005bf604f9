"""Statuses over the client API: said, changed, taken back, reacted to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.talking_node import TalkingNode, many, talking_node

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


async def test_a_status_has_every_field_that_apps_need(node: TalkingNode) -> None:
    alice = await node.person("alice")
    status = await alice.say("Hello #World", spoiler_text="greeting", language="en", visibility="unlisted")
    assert status["content"].startswith("<p>Hello ")
    assert MOMENT.fullmatch(status["created_at"])
    assert status["id"].isdigit()
    assert status["url"] == f"{node.base_url}/@alice/{status['id']}"
    assert status["uri"] == f"{node.base_url}/users/alice/statuses/{status['id']}"
    assert [tag["name"] for tag in status["tags"]] == ["world"]
    assert status["account"]["username"] == "alice"
    expected = {
        "visibility": "unlisted",
        "sensitive": True,
        "spoiler_text": "greeting",
        "language": "en",
        "favourites_count": 0,
        "reblogs_count": 0,
        "replies_count": 0,
        "quotes_count": 0,
        "favourited": False,
        "reblogged": False,
        "bookmarked": False,
        "muted": False,
        "pinned": False,
        "filtered": [],
        "media_attachments": [],
        "mentions": [],
        "emojis": [],
        "poll": None,
        "card": None,
        "reblog": None,
        "quote": None,
        "edited_at": None,
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "application": {"name": "A Test", "website": "https://app.example"},
    }
    assert {name: status[name] for name in expected} == expected


async def test_strangers_see_a_public_status_without_what_is_the_viewers_own(node: TalkingNode) -> None:
    alice = await node.person("alice")
    said = await alice.say("Hello")
    answer = await node.request("GET", f"/api/v1/statuses/{said['id']}")
    assert answer.status == 200
    assert {"favourited", "reblogged", "muted", "bookmarked", "pinned", "filtered", "application"}.isdisjoint(
        answer.body
    )


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"status": "  "}, "Text can't be blank"),
        ({"status": "x" * 501}, "Text character limit of 500 exceeded"),
        ({"status": "hi", "visibility": "everybody"}, "Visibility is not included in the list"),
        ({"status": "hi", "media_ids": ["1"]}, "Media 1 not found or already attached to another post"),
        ({"status": "hi", "media_ids": ["1", "2", "3", "4", "5"]}, "Cannot attach more than 4 files"),
        (
            {"status": "hi", "poll": {"options": ["one"], "expires_in": 600}},
            "Poll options must have more than one item",
        ),
        ({"status": "hi", "poll": {"options": ["a", "A"], "expires_in": 600}}, "Poll options contain duplicate items"),
        ({"status": "hi", "poll": {"options": ["a", "b"], "expires_in": 10}}, "Poll expires at is too soon"),
        ({"status": "hi", "scheduled_at": "2020-01-01T00:00:00Z"}, "Scheduled at must be in the future"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_cannot_be_said_is_refused_with_its_reason(
    tmp_path: Path, body: dict[str, object], why: str
) -> None:
    async with talking_node(tmp_path, POSTS__MAX_CHARACTERS="500") as node:
        alice = await node.person("alice")
        assert await alice.post("/api/v1/statuses", expect=422, **body) == {"error": f"Validation failed: {why}"}


async def test_an_answer_to_nothing_is_refused(node: TalkingNode) -> None:
    alice = await node.person("alice")
    answer = await node.request(
        "POST", "/api/v1/statuses", token=alice.token, json={"status": "hi", "in_reply_to_id": "999"}
    )
    assert (answer.status, answer.body) == (
        404,
        {"error": "The post you are trying to reply to does not appear to exist."},
    )


async def test_the_same_idempotency_key_gives_the_same_status_also_at_the_same_moment(node: TalkingNode) -> None:
    alice = await node.person("alice")
    again = [
        node.request(
            "POST", "/api/v1/statuses", token=alice.token, json={"status": "once"}, headers={"Idempotency-Key": "k"}
        )
        for _ in range(8)
    ]
    answers = await asyncio.gather(*again)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["id"] for answer in answers}) == 1
    later = await node.request(
        "POST", "/api/v1/statuses", token=alice.token, json={"status": "once"}, headers={"Idempotency-Key": "k"}
    )
    assert later.body["id"] == answers[0].body["id"]
    assert len(await alice.get(f"/api/v1/accounts/{alice.actor_id}/statuses")) == 1
    bob = await node.person("bob")
    other = await node.request(
        "POST", "/api/v1/statuses", token=bob.token, json={"status": "mine"}, headers={"Idempotency-Key": "k"}
    )
    assert other.body["account"]["username"] == "bob"


async def test_a_refused_request_does_not_use_up_its_idempotency_key(node: TalkingNode) -> None:
    alice = await node.person("alice")
    headers = {"Idempotency-Key": "k"}
    refused = await node.request("POST", "/api/v1/statuses", token=alice.token, json={"status": ""}, headers=headers)
    said = await node.request("POST", "/api/v1/statuses", token=alice.token, json={"status": "hi"}, headers=headers)
    assert (refused.status, said.status) == (422, 200)


async def test_an_edit_keeps_what_it_does_not_name_and_remembers_what_was_said(node: TalkingNode) -> None:
    alice = await node.person("alice")
    media_id = await node.upload(alice)
    said = await alice.say("first", media_ids=[str(media_id)], spoiler_text="careful")
    id_ = said["id"]
    edited = await alice.ask("PUT", f"/api/v1/statuses/{id_}", json={"status": "second"})
    assert "second" in edited["content"]
    assert edited["spoiler_text"] == "careful"
    assert MOMENT.fullmatch(edited["edited_at"])
    assert [item["description"] for item in edited["media_attachments"]] == ["a picture"]
    described = await alice.ask(
        "PUT",
        f"/api/v1/statuses/{id_}",
        json={
            "status": "second",
            "media_ids": [str(media_id)],
            "media_attributes": [{"id": str(media_id), "description": "a better word", "focus": "0.5,-0.5"}],
        },
    )
    assert described["media_attachments"][0]["description"] == "a better word"
    assert described["media_attachments"][0]["meta"]["focus"] == {"x": 0.5, "y": -0.5}
    history = await alice.get(f"/api/v1/statuses/{id_}/history")
    assert [re.sub("<[^>]*>", "", version["content"]) for version in history] == ["first", "second", "second"]
    assert (await alice.get(f"/api/v1/statuses/{id_}/source"))["text"] == "second"


async def test_a_deleted_status_gives_back_its_text_and_its_files(node: TalkingNode) -> None:
    alice = await node.person("alice")
    media_id = await node.upload(alice)
    said = await alice.say("gone *soon*", media_ids=[str(media_id)])
    deleted = await alice.ask("DELETE", f"/api/v1/statuses/{said['id']}")
    assert deleted["text"] == "gone *soon*"
    assert [item["id"] for item in deleted["media_attachments"]] == [str(media_id)]
    await alice.get(f"/api/v1/statuses/{said['id']}", expect=404)
    anew = await alice.say("again", media_ids=[str(media_id)])
    assert [item["id"] for item in anew["media_attachments"]] == [str(media_id)]


async def test_nobody_changes_or_deletes_what_others_said(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    said = await alice.say("mine")
    for verb in ("PUT", "DELETE"):
        await bob.ask(verb, f"/api/v1/statuses/{said['id']}", expect=404, json={"status": "yours"})
    assert "mine" in (await alice.get(f"/api/v1/statuses/{said['id']}"))["content"]


@pytest.mark.parametrize(
    ("verb", "undo", "flag", "count"),
    [
        ("favourite", "unfavourite", "favourited", "favourites_count"),
        ("bookmark", "unbookmark", "bookmarked", None),
        ("mute", "unmute", "muted", None),
    ],
)
async def test_a_reaction_shows_at_once_for_the_viewer_alone(
    node: TalkingNode, verb: str, undo: str, flag: str, count: str | None
) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    path = f"/api/v1/statuses/{(await alice.say('hello'))['id']}"
    for _ in range(2):  # a second time changes nothing
        status = await bob.post(f"{path}/{verb}")
        assert status[flag] is True
    assert (await bob.get(path))[flag] is True
    assert (await alice.get(path))[flag] is False
    if count:
        assert (await alice.get(path))[count] == 1
    status = await bob.post(f"{path}/{undo}")
    assert status[flag] is False
    if count:
        assert status[count] == 0


async def test_a_boost_is_a_status_around_the_one_boosted(node: TalkingNode) -> None:
    alice, bob, carol = [await node.person(name) for name in ("alice", "bob", "carol")]
    await carol.follow(bob)
    said = await alice.say("pass it on")
    boost = await bob.post(f"/api/v1/statuses/{said['id']}/reblog", visibility="unlisted")
    assert (boost["account"]["acct"], boost["visibility"], boost["content"]) == ("bob", "unlisted", "")
    assert boost["reblog"]["id"] == said["id"]
    assert (boost["reblogged"], boost["reblog"]["reblogged"], boost["reblog"]["reblogs_count"]) == (True, True, 1)
    again = await bob.post(f"/api/v1/statuses/{said['id']}/reblog")
    assert again["id"] == boost["id"]
    home = await carol.get("/api/v1/timelines/home")
    assert [(s["account"]["acct"], s["reblog"]["account"]["acct"]) for s in home] == [("bob", "alice")]
    liked = await carol.post(f"/api/v1/statuses/{boost['id']}/favourite")
    assert (liked["id"], liked["reblog"]["favourited"], liked["reblog"]["favourites_count"]) == (boost["id"], True, 1)
    names = [a["acct"] for a in await carol.get(f"/api/v1/statuses/{said['id']}/reblogged_by")]
    assert names == ["bob"]
    names = [a["acct"] for a in await alice.get(f"/api/v1/statuses/{said['id']}/favourited_by")]
    assert names == ["carol"]
    undone = await bob.post(f"/api/v1/statuses/{boost['id']}/unreblog")
    assert (undone["id"], undone["reblogged"], undone["reblogs_count"]) == (said["id"], False, 0)
    assert await carol.get("/api/v1/timelines/home") == []


async def test_what_is_for_followers_cannot_be_boosted_by_them(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    await bob.follow(alice)
    said = await alice.say("among us", visibility="private")
    refused = await bob.post(f"/api/v1/statuses/{said['id']}/reblog", expect=403)
    assert refused == {"error": "This action is not allowed"}
    own = await alice.post(f"/api/v1/statuses/{said['id']}/reblog")
    assert own["visibility"] == "private"


async def test_own_statuses_can_be_pinned_and_stand_apart(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    said = await alice.say("on top")
    other = await bob.say("not mine")
    await alice.say("below")
    pinned = await alice.post(f"/api/v1/statuses/{said['id']}/pin")
    assert pinned["pinned"] is True
    assert await alice.post(f"/api/v1/statuses/{other['id']}/pin", expect=422) == {
        "error": "Validation failed: Someone else's post cannot be pinned"
    }
    shown = await bob.get(f"/api/v1/accounts/{alice.actor_id}/statuses", pinned="true")
    assert [status["id"] for status in shown] == [said["id"]]
    assert (await alice.post(f"/api/v1/statuses/{said['id']}/unpin"))["pinned"] is False


async def test_several_statuses_come_in_the_order_they_were_asked_for(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    ids = [(await alice.say(f"number {n}"))["id"] for n in range(3)]
    hidden = (await alice.say("secret", visibility="direct"))["id"]
    found = await bob.get("/api/v1/statuses", **many("id", ids[2], hidden, "123", ids[0]))
    assert [status["id"] for status in found] == [ids[2], ids[0]]


async def test_translation_is_not_offered_and_says_so_as_json(node: TalkingNode) -> None:
    alice = await node.person("alice")
    said = await alice.say("hallo")
    assert await alice.post(f"/api/v1/statuses/{said['id']}/translate", expect=404) == {"error": "Record not found"}
