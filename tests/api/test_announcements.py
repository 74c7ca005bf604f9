"""What whoever runs the server tells everybody, in apps and on open streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from fediverse_node.mastodon_api.announcing import tell_announcements
from fediverse_node.mastodon_api.entities.moments import render_moment
from fediverse_node.storage.queries import announcements as queries
from fediverse_node.storage.queries import emojis
from fediverse_node.storage.tables import announcements, custom_emojis
from tests.api.talking_node import TalkingNode, talking_node
from tests.api.test_streaming import listening

PATH = "/api/v1/announcements"
HOUR_MS = 3_600_000


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


def _now(node: TalkingNode) -> int:
    return node.context.world.clock.now_ms()


async def announce(node: TalkingNode, text: str, **more: Any) -> str:
    id_, now_ms = node.context.world.ids.next(), _now(node)
    row = {"id": id_, "content": text, "starts_ms": None, "ends_ms": None, "all_day": False}
    row |= {"published_ms": now_ms, "updated_ms": now_ms, **more}
    await node.run(lambda: queries.announce(row))
    return str(id_)


async def add_emoji(node: TalkingNode, name: str) -> str:
    url = node.context.world.names.media(f"{name}.png")
    row = {"id": node.context.world.ids.next(), "shortcode": name, "host": "", "url": url, "static_url": url}
    await node.insert(custom_emojis, row)
    return url


def _react(id_: str, name: str) -> str:
    return f"{PATH}/{id_}/reactions/{quote(name, safe='')}"


async def test_an_announcement_says_when_it_is_and_of_whom_and_what_it_speaks(node: TalkingNode) -> None:
    alice, far = await node.person("alice"), await node.stranger("far")
    said = await alice.say("about it")
    url = await add_emoji(node, "cake")
    starts_ms, ends_ms = _now(node) + HOUR_MS, _now(node) + 2 * HOUR_MS
    text = f"Cake :cake: by @alice and @far@far.example, not @nobody #Party\n\n{said['url']}"
    id_ = await announce(node, text, starts_ms=starts_ms, ends_ms=ends_ms, all_day=True)
    [found] = await alice.get(PATH)
    assert set(found) == {
        *("id", "content", "starts_at", "ends_at", "all_day", "published_at", "updated_at", "read"),
        *("mentions", "statuses", "tags", "emojis", "reactions"),
    }
    assert (found["id"], found["all_day"], found["read"]) == (id_, True, False)
    assert (found["starts_at"], found["ends_at"]) == (render_moment(starts_ms), render_moment(ends_ms))
    assert {(m["id"], m["username"], m["acct"]) for m in found["mentions"]} == {
        (str(alice.actor_id), "alice", "alice"),
        (str(far.actor_id), "far", "far@far.example"),
    }
    assert found["statuses"] == [{"id": said["id"], "url": said["url"]}]
    assert found["tags"] == [{"name": "party", "url": f"{node.base_url}/tags/party"}]
    assert [(emoji["shortcode"], emoji["url"]) for emoji in found["emojis"]] == [("cake", url)]
    assert found["reactions"] == []
    assert f'href="{node.base_url}/@alice"' in found["content"]
    assert "not @nobody" in found["content"]
    assert found["content"].count("<p>") == 2


async def test_markup_in_an_announcement_is_text_and_private_posts_are_not_named(node: TalkingNode) -> None:
    alice = await node.person("alice")
    secret = await alice.say("for few", visibility="private")
    await announce(node, f"<script>alert(1)</script> {secret['url']} {node.base_url}/@bob/{secret['id']}")
    [found] = await alice.get(PATH)
    assert "<script" not in found["content"]
    assert found["statuses"] == []


async def test_what_is_to_come_and_what_is_over_is_not_shown_and_the_rest_is_in_order(node: TalkingNode) -> None:
    alice, now_ms = await node.person("alice"), _now(node)
    later = await announce(node, "later", starts_ms=now_ms + HOUR_MS)
    await announce(node, "not yet", published_ms=now_ms + HOUR_MS)
    await announce(node, "over", ends_ms=now_ms - 1)
    first = await announce(node, "first", published_ms=now_ms - HOUR_MS)
    assert [found["id"] for found in await alice.get(PATH)] == [first, later]


async def test_what_is_dismissed_is_shown_to_those_who_ask_for_it_and_to_others(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    id_ = await announce(node, "hello")
    for _ in range(2):  # apps repeat themselves
        assert await alice.post(f"{PATH}/{id_}/dismiss") == {}
    assert await alice.get(PATH) == []
    [found] = await alice.get(PATH, with_dismissed="true")
    assert (found["id"], found["read"]) == (id_, True)
    [found] = await bob.get(PATH)
    assert found["read"] is False


async def test_people_answer_with_emojis_and_take_them_back(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    url, id_ = await add_emoji(node, "cake"), await announce(node, "hello")
    for person, name in ((alice, "👍"), (bob, "cake"), (bob, "👍"), (bob, "👍")):
        assert await person.ask("PUT", _react(id_, name)) == {}
    [found] = await alice.get(PATH)
    assert found["reactions"] == [
        {"name": "👍", "count": 2, "me": True},
        {"name": "cake", "count": 1, "url": url, "static_url": url, "me": False},
    ]
    assert await bob.ask("DELETE", _react(id_, ":cake:")) == {}
    await bob.ask("DELETE", _react(id_, "cake"), expect=404)
    [found] = await bob.get(PATH)
    assert found["reactions"] == [{"name": "👍", "count": 2, "me": True}]


async def test_an_emoji_that_was_taken_away_takes_its_reactions_out_of_sight(node: TalkingNode) -> None:
    alice = await node.person("alice")
    await add_emoji(node, "cake")
    id_ = await announce(node, "hello")
    await alice.ask("PUT", _react(id_, "cake"))
    await node.run(lambda: emojis.remove("cake"))
    assert (await alice.get(PATH))[0]["reactions"] == []


@pytest.mark.parametrize(
    "name", ["thumbsup", "xx", "👍👍", "<b>", "\x00", "a\ud800".encode("utf-8", "replace").decode()]
)
async def test_what_is_no_emoji_is_no_reaction(node: TalkingNode, name: str) -> None:
    alice, id_ = await node.person("alice"), await announce(node, "hello")
    refused = await alice.ask("PUT", _react(id_, name), expect=422)
    assert refused == {"error": "Validation failed: Name is not a recognized emoji"}


async def test_there_are_eight_different_reactions_at_most(node: TalkingNode) -> None:
    alice, bob, id_ = await node.person("alice"), await node.person("bob"), await announce(node, "hello")
    for name in "😀😁😂😃😄😅😆😇":
        await alice.ask("PUT", _react(id_, name))
    refused = await bob.ask("PUT", _react(id_, "😈"), expect=422)
    assert refused == {"error": "Validation failed: Limit of different reactions reached"}
    await bob.ask("PUT", _react(id_, "😀"))


async def test_what_is_not_there_cannot_be_dismissed_or_answered(node: TalkingNode) -> None:
    alice = await node.person("alice")
    unpublished = await announce(node, "not yet", published_ms=_now(node) + HOUR_MS)
    for id_ in ("1", "x", unpublished):
        await alice.post(f"{PATH}/{id_}/dismiss", expect=404)
        await alice.ask("PUT", _react(id_, "👍"), expect=404)
        await alice.ask("DELETE", _react(id_, "👍"), expect=404)


async def test_each_method_asks_for_its_scope(node: TalkingNode) -> None:
    reader, id_ = await node.person("reader", scopes="read"), await announce(node, "hello")
    assert len(await reader.get(PATH)) == 1
    await reader.post(f"{PATH}/{id_}/dismiss", expect=403)
    for verb in ("PUT", "DELETE"):
        await reader.ask(verb, _react(id_, "👍"), expect=403)
    assert (await node.request("GET", PATH)).status == 401


async def test_open_streams_hear_of_announcements_reactions_and_removals(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    old = await announce(node, "old")
    await tell_announcements(node.context)
    async with listening(alice, "user") as socket:
        id_ = await announce(node, "news for @alice")
        await tell_announcements(node.context)
        stream, name, payload = await socket.next()
        assert (stream, name, payload["id"]) == (["user"], "announcement", id_)
        assert "read" not in payload
        [shown] = [found for found in await alice.get(PATH) if found["id"] == id_]
        assert payload == {key: value for key, value in shown.items() if key != "read"}
        await bob.ask("PUT", _react(old, "👍"))
        assert await socket.next() == (
            ["user"],
            "announcement.reaction",
            {"name": "👍", "count": 1, "announcement_id": old},
        )
        await bob.ask("DELETE", _react(old, "👍"))
        assert (await socket.next())[2] == {"name": "👍", "count": 0, "announcement_id": old}
        await node.run(lambda: queries.remove(int(id_)))
        await tell_announcements(node.context)
        # The identifier alone, which is no JSON object.
        assert await socket.next() == (["user"], "announcement.delete", id_)
        await tell_announcements(node.context)
        assert await socket.is_quiet()


async def test_what_was_announced_for_later_is_told_when_it_is_due(node: TalkingNode) -> None:
    alice = await node.person("alice")
    await tell_announcements(node.context)
    async with listening(alice, "user") as socket:
        id_ = await announce(node, "soon", published_ms=_now(node) + HOUR_MS)
        await tell_announcements(node.context)
        assert await socket.is_quiet()
    async with listening(alice, "user") as socket:
        await node.set(announcements, int(id_), published_ms=_now(node) - 1)
        await tell_announcements(node.context)
        assert (await socket.next())[1:2] == ("announcement",)
