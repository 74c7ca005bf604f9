"""Search, and what people filter out, over the client API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from fediverse_node.domain.model import Visibility
from fediverse_node.storage.tables import filter_keywords, filter_objects, filters
from tests.api.talking_node import Person, TalkingNode, many, talking_node


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


async def _filter(node: TalkingNode, owner: Person, *words: str, **more: Any) -> int:
    ids = node.context.world.ids
    id_, whole = ids.next(), more.pop("whole_word", True)
    row = {"id": id_, "actor_id": owner.actor_id, "title": "spoilers", "action": "warn", "expires_ms": None}
    row |= {"context": orjson.dumps(more.pop("contexts", ["home", "notifications"])).decode()}
    await node.insert(filters, row | more)
    for word in words:
        await node.insert(filter_keywords, {"id": ids.next(), "filter_id": id_, "keyword": word, "whole_word": whole})
    return id_


async def test_a_matching_status_says_which_filter_and_which_word(node: TalkingNode) -> None:
    alice, far = await node.person("alice"), await node.stranger("far")
    await alice.follow(far)
    filter_id = await _filter(node, alice, "Dragon", "castle")
    await node.hear(far, "<p>the <b>dragon</b> wakes</p>")
    await node.hear(far, "<p>snapdragons</p>")
    home = await alice.get("/api/v1/timelines/home")
    assert [status["filtered"] for status in home] == [
        [],
        [
            {
                "filter": {
                    "id": str(filter_id),
                    "title": "spoilers",
                    "context": ["home", "notifications"],
                    "expires_at": None,
                    "filter_action": "warn",
                },
                "keyword_matches": ["dragon"],
                "status_matches": None,
            }
        ],
    ]


@pytest.mark.parametrize(
    ("word", "whole", "text", "matches"),
    [
        ("cat", True, "a cat sat", True),
        ("cat", True, "concatenate", False),
        ("cat", False, "concatenate", True),
        ("c++", True, "I like c++ a lot", True),
        ("#tag", True, "see #tag", True),
        (".*", False, "anything", False),
        ("ÉTÉ", True, "un été", True),
    ],
)
async def test_words_are_taken_literally(node: TalkingNode, word: str, whole: bool, text: str, matches: bool) -> None:
    alice, far = await node.person("alice"), await node.stranger("far")
    await _filter(node, alice, word, whole_word=whole)
    id_ = await node.hear(far, f"<p>{text}</p>")
    status = await alice.get(f"/api/v1/statuses/{id_}")
    assert bool(status["filtered"]) is matches


async def test_filters_look_at_warnings_answers_of_polls_and_descriptions_of_pictures(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    await _filter(node, alice, "spider", contexts=["public"])
    media_id = await node.upload(bob, description="a spider on a wall")
    said = [
        await bob.say("careful", spoiler_text="spider"),
        await bob.say("favourite?", poll={"options": ["spider", "fly"], "expires_in": 600}),
        await bob.say("look", media_ids=[str(media_id)]),
        await bob.say("nothing here"),
    ]
    found = [(await alice.get(f"/api/v1/statuses/{status['id']}"))["filtered"] for status in said]
    assert [bool(results) for results in found] == [True, True, True, False]


async def test_a_hiding_filter_takes_statuses_out_of_home_and_notifications_but_not_out_of_reach(
    node: TalkingNode,
) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    await alice.follow(bob)
    hidden = await bob.say("@alice secret plans")
    shown = await bob.say("@alice plain plans")
    await _filter(node, alice, "secret", action="hide")
    assert [s["id"] for s in await alice.get("/api/v1/timelines/home")] == [shown["id"]]
    told = await alice.get("/api/v1/notifications", **many("types", "mention"))
    assert [n["status"]["id"] for n in told] == [shown["id"]]
    assert (await alice.get(f"/api/v1/statuses/{hidden['id']}"))["filtered"] != []
    assert len(await bob.get("/api/v1/timelines/home")) == 2


async def test_a_page_from_which_a_filter_took_everything_still_leads_on(node: TalkingNode) -> None:
    alice, far = await node.person("alice"), await node.stranger("far")
    await alice.follow(far)
    first = await node.hear(far, "<p>good</p>")
    for _ in range(3):
        await node.hear(far, "<p>bad</p>")
    await _filter(node, alice, "bad", action="hide")
    page = await node.request("GET", "/api/v1/timelines/home", token=alice.token, params={"limit": 3})
    assert page.body == []
    following = await alice.get("/api/v1/timelines/home", max_id=page.next_id)
    assert [status["id"] for status in following] == [str(first)]


async def test_single_statuses_own_words_and_filters_that_ran_out(node: TalkingNode) -> None:
    alice, far = await node.person("alice"), await node.stranger("far")
    id_ = await node.hear(far)
    named = await _filter(node, alice)
    await node.insert(filter_objects, {"id": named + 1, "filter_id": named, "object_id": id_})
    result = (await alice.get(f"/api/v1/statuses/{id_}"))["filtered"]
    assert [(r["keyword_matches"], r["status_matches"]) for r in result] == [(None, [str(id_)])]
    await _filter(node, alice, "mine")
    own = await alice.say("mine")
    assert own["filtered"] == []
    await _filter(node, alice, "hello", expires_ms=1)
    other = await node.hear(far, "<p>hello</p>")
    assert (await alice.get(f"/api/v1/statuses/{other}"))["filtered"] == []


async def test_people_are_found_by_the_beginning_of_their_name_and_by_handle(node: TalkingNode) -> None:
    alice, far = await node.person("alice"), await node.stranger("alina", "far.example")

    async def found(**params: Any) -> list[str]:
        body = await alice.get("/api/v2/search", **params)
        assert set(body) == {"accounts", "statuses", "hashtags"}
        return sorted(account["acct"] for account in body["accounts"])

    assert await found(q="ali") == ["alice", "alina@far.example"]
    assert await found(q="@alina@far.example") == ["alina@far.example"]
    assert await found(q="ali", type="statuses") == []
    assert await found(q=far.uri) == ["alina@far.example"]
    assert await found(q=f"{node.base_url}/@alice") == ["alice"]
    node.strangers["new@else.example"] = far.actor_id
    assert await found(q="@new@else.example") == []
    assert await found(q="@new@else.example", resolve="true") == ["alina@far.example"]


async def test_a_status_is_found_by_its_address_if_it_is_for_the_viewer(node: TalkingNode) -> None:
    alice, bob, far = await node.person("alice"), await node.person("bob"), await node.stranger("far")
    own = await alice.say("mine")
    private = await alice.say("ours", visibility="private")
    remote = await node.hear(far)
    node.strangers["https://far.example/@far/1"] = remote

    async def found(person: Person, url: str, **params: Any) -> list[str]:
        return [s["id"] for s in (await person.get("/api/v2/search", q=url, **params))["statuses"]]

    assert await found(bob, own["url"]) == [own["id"]]
    assert await found(bob, own["uri"]) == [own["id"]]
    assert await found(bob, private["url"]) == []
    assert await found(alice, private["url"]) == [private["id"]]
    assert await found(bob, "https://far.example/@far/1") == []
    assert await found(bob, "https://far.example/@far/1", resolve="true") == [str(remote)]


async def test_words_are_found_in_what_concerns_the_viewer_and_nowhere_else(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    own = await alice.say("a walrus swims")
    told = await bob.say("@alice no walrus here")
    kept = await bob.say("walrus again")
    await bob.say("walrus unseen")
    await alice.post(f"/api/v1/statuses/{kept['id']}/bookmark")
    found = (await alice.get("/api/v2/search", q="Walrus", type="statuses"))["statuses"]
    assert [status["id"] for status in found] == [kept["id"], told["id"], own["id"]]
    mine = await alice.get("/api/v2/search", q="walrus", type="statuses", account_id=alice.actor_id)
    assert [status["id"] for status in mine["statuses"]] == [own["id"]]
    assert (await alice.get("/api/v2/search", q="%", type="statuses"))["statuses"] == []
    anonymous = await node.request("GET", "/api/v2/search", params={"q": "walrus"})
    assert (anonymous.status, anonymous.body["statuses"]) == (200, [])


async def test_hashtags_are_found_by_their_beginning(node: TalkingNode) -> None:
    alice = await node.person("alice")
    for text in ("#gardening", "#garden", "#game"):
        await node.publish(alice, text, visibility=Visibility.PUBLIC)
    found = await alice.get("/api/v2/search", q="#Gard", type="hashtags")
    assert [tag["name"] for tag in found["hashtags"]] == ["garden", "gardening"]
    assert (await alice.get("/api/v2/search", q="gar", type="hashtags", limit=1))["hashtags"][0]["name"] == "garden"


@pytest.mark.parametrize(
    ("params", "status"),
    [({}, 400), ({"q": " "}, 400), ({"q": "x", "offset": -1}, 400), ({"q": "x", "limit": -1}, 400)],
)
async def test_a_search_for_nothing_is_refused(node: TalkingNode, params: dict[str, Any], status: int) -> None:
    alice = await node.person("alice")
    await alice.get("/api/v2/search", expect=status, **params)
    resolving = await node.request("GET", "/api/v2/search", params={"q": "x", "resolve": "true"})
    assert resolving.status == 401
