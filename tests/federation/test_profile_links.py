"""A link in a profile is verified by the page it leads to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from aiohttp import web

from fediverse_node.domain.effects import ChangeActor, Effect, Patch
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.protocol.rel_me import links_back
from fediverse_node.storage.queries.outbox import PROFILE
from fediverse_node.storage.writer import Decision
from tests.inprocess import Running, free_port, running_node

_ME = "https://social.example/@alice"


@pytest.mark.parametrize(
    ("html", "verified"),
    [
        pytest.param('<a rel="me" href="https://social.example/@alice">me</a>', True, id="a link with rel=me"),
        pytest.param('<link rel="nofollow ME" href="https://social.example/@alice/">', True, id="in the head"),
        pytest.param('<a href="https://social.example/@alice">me</a>', False, id="a link without"),
        pytest.param('<a rel="me" href="https://social.example/@mallory">me</a>', False, id="somebody else"),
        pytest.param('<a rel="mean" href="https://social.example/@alice">me</a>', False, id="another word"),
        pytest.param("<!-- <a rel=me href=https://social.example/@alice> -->", False, id="in a comment"),
        pytest.param("<a " * 100_000, False, id="endless nonsense"),
        pytest.param(f'<a rel="me" href="{_ME}">me</a><![<![<!', True, id="broken behind it"),
        pytest.param("", False, id="nothing"),
    ],
)  # fmt: skip
def test_which_pages_claim_a_profile(html: str, verified: bool) -> None:
    assert links_back(html, {_ME}) is verified


@pytest.fixture
async def page() -> AsyncIterator[dict[str, str]]:
    """A web page; what it says can be changed."""
    port = free_port()
    said = {"url": f"http://127.0.0.1:{port}/about", "html": ""}

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=said["html"], content_type="text/html")

    app = web.Application()
    app.router.add_get("/about", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield said
    await runner.cleanup()


async def _set_field(home: Running, actor_id: int, address: str) -> None:
    fields = [{"name": "Web", "value": f'<a href="{address}">{address}</a>', "verified_at": None}]

    def decide(facts: Facts) -> list[Effect]:
        return [Patch(ChangeActor(actor_id, {"fields": fields}))]

    await home.node.core.writer.decide(Decision(Needs(), decide))


async def _verified_at(home: Running, actor_id: int) -> str | None:
    row = await home.node.core.database.fetch_one(PROFILE, actor_id=actor_id)
    assert row is not None
    at: str | None = orjson.loads(row["fields"])[0]["verified_at"]
    return at


async def test_a_link_is_verified_while_its_page_links_back(tmp_path: Path, page: dict[str, str]) -> None:
    async with running_node(tmp_path) as home:
        alice = await home.add_person("alice")
        await _set_field(home, alice, page["url"])
        assert await home.node.links.check(alice) == 0
        assert await _verified_at(home, alice) is None
        page["html"] = f'<a rel="me" href="{home.base_url}/@alice">Alice</a>'
        assert await home.node.links.check(alice) == 1
        assert await _verified_at(home, alice) is not None
        page["html"] = "moved away"
        assert await home.node.links.check(alice) == 0
        assert await _verified_at(home, alice) is None


async def test_a_link_to_a_page_that_is_not_there_stays_unverified(tmp_path: Path) -> None:
    async with running_node(tmp_path) as home:
        alice = await home.add_person("alice")
        await _set_field(home, alice, "http://127.0.0.1:1/nothing")
        assert await home.node.links.check(alice) == 0
