"""Search for words over the client API: each operator, who is left out, and pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from fediverse_node.domain.model import Poll, Visibility
from fediverse_node.storage.queries import link_previews
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, tag_reviews, tags
from tests.api.talking_node import Person, TalkingNode, talking_node

_PICTURE = {"id": 1, "type": "image", "remote_url": "https://far.example/1.jpg", "description": "a lighthouse at dusk"}
_FILM = {"id": 2, "type": "gifv", "remote_url": "https://far.example/2.mp4", "description": ""}
_SONG = {"id": 3, "type": "audio", "remote_url": "https://far.example/3.mp3", "description": ""}


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


async def _found(person: Person, query: str, **params: Any) -> list[str]:
    body = await person.get("/api/v2/search", q=query, type="statuses", **params)
    return [status["id"] for status in body["statuses"]]


async def _names(person: Person, said: dict[str, int], query: str, **params: Any) -> str:
    names = {str(id_): name for name, id_ in said.items()}
    return " ".join(sorted(names[id_] for id_ in await _found(person, query, **params)))


async def test_every_operator(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.stranger("bob", indexable=True)
    carol = await node.stranger("carol", "near.example", indexable=True)
    answer = {"options": ["yes", "no way"], "counts": [0, 0], "multiple": False}
    said = {
        "mine": int((await alice.say("my boat", language="de"))["id"]),
        "plain": await node.hear(bob, "<p>a red boat</p>", language="en"),
        "image": await node.hear(bob, "<p>boat</p>", attachments=(_PICTURE,), sensitive=True, language="pt-BR"),
        "film": await node.hear(carol, "<p>boat</p>", attachments=(_FILM,), summary="seasick"),
        "song": await node.hear(carol, "<p>boat #Shanty</p>", attachments=(_SONG,), hashtags=("shanty",)),
        "poll": await node.hear(carol, "<p>boat?</p>", poll=_poll(answer)),
        "link": await node.hear(bob, '<p>boat <a href="https://example.org/x">here</a></p>'),
    }
    said["answer"] = await node.hear(carol, "<p>blue boat</p>", mentions=(alice,), in_reply_to_id=said["mine"])
    everything = "answer film image link mine plain poll song"
    table = {
        "boat": everything,
        "boat from:me": "mine",
        "boat from:alice": "mine",
        "boat from:@bob@far.example": "image link plain",
        "boat from:bob@far.example from:me": "image link mine plain",
        "boat from:nobody@far.example": "",
        "boat -from:me -from:carol@near.example": "image link plain",
        "has:media": "film image song",
        "has:image": "image",
        "has:video": "film",
        "has:audio": "song",
        "has:poll": "poll",
        "has:link": "link",
        "boat -has:media -has:link": "answer mine plain poll",
        "has:embed": "",
        "is:reply": "answer",
        "is:sensitive": "image",
        "boat -is:reply -is:sensitive": "film link mine plain poll song",
        "language:en boat": "plain",
        "language:pt": "image",
        "language:pt-br": "image",
        "in:library boat": "answer mine",
        "in:public boat": "answer film image link plain poll song",
        "in:all boat": everything,
        "boat #shanty": "song",
        "#SHANTY": "song",
        "boat -#shanty is:reply": "answer",
        '"red boat"': "plain",
        '"boat red"': "",
        "boat -red -blue from:carol@near.example": "film poll song",
        "lighthouse": "image",
        "seasick": "film",
        '"no way"': "poll",
        "unheard:of": "",
        "before:2000": "",
        "after:2000-01-01 boat": everything,
        f"during:{_day(0)} boat": everything,
        f"before:{_day(0)} boat": "",
        f"after:{_day(0)} boat": "",
        f"-during:{_day(0)} boat": "",
    }
    for query, expected in table.items():
        assert (query, await _names(alice, said, query)) == (query, expected)
    assert await _names(alice, said, "boat", account_id=carol.actor_id) == "answer film poll song"
    assert await _names(alice, said, "from:me", account_id=carol.actor_id) == ""


def _poll(values: dict[str, Any]) -> Poll:
    return Poll(options=tuple(values["options"]), counts=tuple(values["counts"]), multiple=values["multiple"])


def _day(days: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


async def test_pages_go_back_in_time(node: TalkingNode) -> None:
    alice = await node.person("alice")
    ids = [(await alice.say(f"boat {n}"))["id"] for n in range(6)][::-1]
    assert await _found(alice, "boat") == ids
    assert await _found(alice, "boat", limit=2) == ids[:2]
    assert await _found(alice, "boat", limit=2, offset=3) == ids[3:5]
    assert await _found(alice, "boat", max_id=ids[2]) == ids[3:]
    assert await _found(alice, "boat", min_id=ids[2]) == ids[:2]
    assert await _found(alice, "boat", max_id=ids[1], min_id=ids[4]) == ids[2:4]
    assert await _found(alice, "boat -4") == [id_ for id_ in ids if id_ != ids[1]]


async def test_the_title_of_a_page_that_a_post_links_to_is_found_once_it_is_known(node: TalkingNode) -> None:
    alice = await node.person("alice")
    said = await alice.say("look: https://example.org/a")
    ids, now_ms = node.context.world.ids, node.context.world.clock.now_ms()
    link = link_previews.Link(int(said["id"]), "https://example.org/a", "example.org", now_ms)
    await node.run(lambda: link_previews.notice([link], ids, now_ms))
    [row] = await node.context.database.fetch(link_previews.BY_URL, url="https://example.org/a")
    assert await _found(alice, "marmalade") == []
    card = orjson.dumps({"type": "video", "title": "Marmalade in ten minutes", "url": "https://example.org/a"}).decode()
    await node.run(lambda: link_previews.settle(row["id"], card, now_ms))
    assert await _found(alice, "marmalade") == [said["id"]]
    assert await _found(alice, "has:embed") == [said["id"]]


async def test_what_may_be_found_is_still_only_for_who_may_read_it(node: TalkingNode) -> None:
    alice, dora = await node.person("alice"), await node.person("dora")
    bob = await node.stranger("bob", indexable=True)
    await alice.follow(bob)
    public = await node.hear(bob, "<p>boat</p>")
    private = await node.hear(bob, "<p>boat</p>", visibility=Visibility.FOLLOWERS)
    direct = await node.hear(bob, "<p>boat</p>", visibility=Visibility.DIRECT, mentions=(dora,))
    quiet = await node.hear(bob, "<p>boat</p>", searchable=0)
    followers = await node.hear(bob, "<p>boat</p>", searchable=1)
    assert await _found(alice, "boat") == [str(followers), str(private), str(public)]
    assert await _found(dora, "boat") == [str(direct), str(public)]
    assert await _found(alice, "boat in:library") == []
    await alice.post(f"/api/v1/statuses/{quiet}/bookmark")
    assert await _found(alice, "boat in:library") == [str(quiet)]
    await alice.post(f"/api/v1/statuses/{quiet}/unbookmark")
    assert await _found(alice, "boat in:library") == []
    await alice.post(f"/api/v1/accounts/{bob.actor_id}/mute")
    assert await _found(alice, "boat") == []
    await node.set(actors, bob.actor_id, suspended_ms=1)
    assert await _found(dora, "boat") == []


async def test_hashtags_that_moderators_do_not_list_are_not_suggested(node: TalkingNode) -> None:
    alice = await node.person("alice")
    for text in ("#gardening", "#garden", "#gardener"):
        await node.publish(alice, text, visibility=Visibility.PUBLIC)
    everything = ["garden", "gardener", "gardening"]
    assert await _tags(alice, "gard", exclude_unreviewed="true") == everything, "nobody reviews any here"
    numbers = {row["name"]: row["id"] for row in await _rows(node)}
    await node.insert(tag_reviews, {"tag_id": numbers["garden"], "listable": False, "reviewed_ms": 1})
    await node.insert(tag_reviews, {"tag_id": numbers["gardener"], "listable": True, "reviewed_ms": 1})

    assert await _tags(alice, "gard") == ["gardener", "gardening"]
    assert await _tags(alice, "gard", exclude_unreviewed="true") == ["gardener"]
    assert await _tags(alice, "#Gardening", exclude_unreviewed="true") == ["gardening"]
    assert await _tags(alice, "garden", exclude_unreviewed="true") == ["gardener"]


async def _tags(person: Person, query: str, **params: Any) -> list[str]:
    return [tag["name"] for tag in (await person.get("/api/v2/search", q=query, **params))["hashtags"]]


async def _rows(node: TalkingNode) -> list[Any]:
    return await node.context.database.fetch(Statement(select(tags.c.id, tags.c.name)))


@pytest.mark.parametrize(
    ("query", "is_searched"), [("#boat", False), ("@alice", False), ("alice@far.example", False), ("#boat red", True)]
)
async def test_a_hashtag_or_a_handle_alone_is_not_looked_for_in_posts_unless_asked(
    node: TalkingNode, query: str, is_searched: bool
) -> None:
    alice = await node.person("alice")
    said = await alice.say("red #boat @alice alice@far.example")
    found = (await alice.get("/api/v2/search", q=query))["statuses"]
    assert [status["id"] for status in found] == ([said["id"]] if is_searched else [])
    assert await _found(alice, query) == [said["id"]]


@pytest.mark.parametrize(
    "query", ['"', "'", "\\", "*", "()", "a AND", "NEAR(", "-", "~e", "{}", "^a", "a:b:c", "\U0001f980"]
)
async def test_nothing_that_is_typed_is_an_error(node: TalkingNode, query: str) -> None:
    alice = await node.person("alice")
    await alice.say("hello")
    assert await _found(alice, query + " xyzzy") == []
    await alice.get("/api/v2/search", q=f"hello {query}", type="statuses")
