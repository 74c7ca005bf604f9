"""What other sites show in the place of a link to a post of this server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest

from fediverse_node.storage.tables import actors
from tests.api.conftest import ApiNode
from tests.api.talking_node import Answer, TalkingNode, talking_node
from tests.inprocess import running_node


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


async def _ask(node: TalkingNode, **params: Any) -> Answer:
    return await node.request("GET", "/api/oembed", params=params)


async def test_a_public_post_is_quoted_without_frame_and_script(node: TalkingNode) -> None:
    alice = await node.person("alice", name='A "<b>lice')
    said = await alice.say("hello <there> & #tag", language="en")
    answer = await _ask(node, url=said["url"])
    assert answer.status == 200
    html = answer.body.pop("html")
    assert answer.body == {
        "type": "rich",
        "version": "1.0",
        "title": f'A "<b>lice (@alice@{alice.host})',
        "author_name": 'A "<b>lice',
        "author_url": f"{node.base_url}/@alice",
        "provider_name": node.context.config.title,
        "provider_url": node.base_url + "/",
        "cache_age": 86400,
        "width": 400,
        "height": None,
    }
    assert html.startswith(f'<blockquote cite="{said["url"]}" lang="en"><p>hello &lt;there&gt; &amp; <a href=')
    assert "A &quot;&lt;b&gt;lice" in html
    assert "<iframe" not in html
    assert "<script" not in html


async def test_all_addresses_of_a_post_lead_to_it_and_the_size_is_what_was_asked_for(node: TalkingNode) -> None:
    alice = await node.person("alice")
    said = await alice.say("hello", visibility="unlisted")
    for url in (said["url"], said["uri"], said["url"] + "/", said["url"] + "?x=1#y", said["url"].replace("@a", "@A")):
        answer = await _ask(node, url=url, maxwidth=300, maxheight=200, format="json")
        assert (answer.status, answer.body["width"], answer.body["height"]) == (200, 300, 200)


async def test_of_what_stands_behind_a_warning_only_the_warning_is_shown(node: TalkingNode) -> None:
    alice = await node.person("alice")
    said = await alice.say("the murderer is the butler", spoiler_text="spoilers & such")
    html = (await _ask(node, url=said["url"])).body["html"]
    assert "spoilers &amp; such" in html
    assert "butler" not in html


async def test_what_is_not_for_everybody_or_not_from_here_is_not_there(node: TalkingNode) -> None:
    alice, bob, far = await node.person("alice"), await node.person("bob"), await node.stranger("far")
    said = await alice.say("hello")
    shared = await bob.post(f"/api/v1/statuses/{said['id']}/reblog")
    closed = [await alice.say("x", visibility=name) for name in ("private", "direct")]
    heard = await node.hear(far)
    gone = await bob.say("hello")
    await node.set(actors, bob.actor_id, suspended_ms=1)
    for url in (
        *(status["url"] for status in closed),
        gone["url"],
        f"{node.base_url}/@bob/{shared['id']}",
        f"{node.base_url}/@bob/{said['id']}",  # whose it is not
        f"{node.base_url}/@far/{heard}",
        f"https://far.example/objects/{heard}",
        f"https://elsewhere.example/@alice/{said['id']}",
        f"{node.base_url}.evil.example/@alice/{said['id']}",
        f"{node.base_url}/@alice",
        f"{node.base_url}/@alice/99999999999999999999",
        "no address",
    ):
        answer = await _ask(node, url=url)
        assert (answer.status, answer.body) == (404, {"error": "Record not found"}), url


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 400),
        ({"url": "x", "maxwidth": "wide"}, 400),
        ({"url": "x", "maxwidth": 0}, 400),
        ({"url": "x", "maxheight": -1}, 400),
        ({"url": "x", "format": "xml"}, 501),
    ],
)
async def test_what_cannot_be_answered_is_refused(node: TalkingNode, params: dict[str, Any], status: int) -> None:
    answer = await _ask(node, **params)
    assert (answer.status, list(answer.body)) == (status, ["error"])


@pytest.fixture
async def whole_node(tmp_path: Path) -> AsyncIterator[ApiNode]:
    async with running_node(tmp_path) as running, aiohttp.ClientSession() as session:
        yield ApiNode(running, session)


async def test_the_page_of_a_post_says_where_to_ask(whole_node: ApiNode) -> None:
    node = whole_node
    alice = await node.add("alice")
    said = await alice.post("/api/v1/statuses", status="hello & goodbye")
    page = await node.call("GET", said["url"], headers={"Accept": "text/html"})
    [link] = [line for line in page.body.decode().splitlines() if "application/json+oembed" in line]
    address = link.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    answer = await node.call("GET", urljoin(said["url"], address))
    assert (answer.status, answer.json["author_name"]) == (200, "alice")
