"""`/why` of a running lab: for people as a page, for the command as JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from fediverse_node.lab.live.why_page import WhyPage
from fediverse_node.lab.live.world import LiveWorld


@pytest.fixture
async def page(live: LiveWorld) -> AsyncIterator[str]:
    """Its address."""
    app = web.Application()
    app.router.add_get("/why", WhyPage(live).get)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/why"
    await runner.cleanup()


async def _get(url: str, *, as_host: str | None = None, **query: str) -> tuple[int, str, Any]:
    headers = {"Host": as_host} if as_host else {}
    async with aiohttp.ClientSession() as session, session.get(url, params=query, headers=headers) as answer:
        text = await answer.text()
        return answer.status, text, await answer.json() if answer.content_type == "application/json" else None


async def test_it_says_why_a_post_did_not_reach_a_server_and_when_it_did(live: LiveWorld, page: str) -> None:
    alice, ben = await live.people("alice@alpha", "ben@beta")
    before = await alice.posts("<b>nobody</b> follows me")
    status, text, _ = await _get(page, post=before.uri, host="beta.test")
    assert status == 200
    assert "Nobody at beta.test follows its author" in text
    await ben.follows(alice)
    await live.quiet()
    after = await alice.posts("somebody does")
    await live.quiet()
    _, text, _ = await _get(page, post=after.uri, host="beta")
    assert "It did reach beta.test." in text
    assert "/#exchange=" in text
    here = after.uri.replace("https://alpha.test", live.url_of("alpha.test"))
    _, text, _ = await _get(page, post=here, host="beta")
    assert "It did reach beta.test." in text, "as it is copied from an app on this machine"
    _, _, found = await _get(page, post=after.uri, host="beta", format="json")
    assert (found["arrived"], found["text"].splitlines()[0]) == (True, "It did reach beta.test.")


async def test_what_is_asked_is_shown_as_text_and_other_names_are_refused(live: LiveWorld, page: str) -> None:
    await live.node("alpha")
    _, text, _ = await _get(page, post='"><script>alert(1)</script>', host="alpha")
    assert "<script>" not in text
    assert (await _get(page, as_host="evil.example"))[0] == 421
    assert (await _get(page, format="json"))[0] == 400
