"""A long article of another server: its beginning in apps and threads, and all of it where somebody wants it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from fediverse_node.base.outcome import Fail
from fediverse_node.outbox.draft import Draft
from fediverse_node.storage import tables as t
from fediverse_node.storage.statement import Statement
from tests.browser import MISSING, find_chromium, new_page, running_browser
from tests.fake_peer import FakePeer, fake_peer
from tests.inprocess import Running, running_node

PARAGRAPH = (
    "<p>The harbour lies open to the west, and when the wind turns, every boat knows it before its crew does.</p>"
)
CONTENT = "".join(
    (
        "<h2>Of harbours</h2>",
        "<blockquote><p>Ships are safe there, but that is not what they are for.</p></blockquote>",
        "<ol start='3'><li>Look</li><li>Row<ul><li>slowly</li></ul></li></ol>",
        "<pre><code>def row(boat):\n    return boat.strokes * 'a line that does not fit a telephone'</code></pre>",
        "<table><tr><th>Boat</th><th>Crew</th></tr><tr><td>Ada</td><td>4</td></tr></table>",
        "<p>Water is H<sub>2</sub>O; <ruby>港<rt>minato</rt></ruby> is a harbour, and <code>x</code> marks it.</p>",
        "<h3>The rest</h3>",
        PARAGRAPH * 1700,
        "<p>THE END</p>",
    )
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[str]:
    program = find_chromium()
    if program is None:
        pytest.skip(MISSING)
    with running_browser(program) as address:
        yield address


@pytest.fixture
async def peer() -> AsyncIterator[FakePeer]:
    async with fake_peer() as found:
        yield found


async def thread_with_article(home: Running, peer: FakePeer) -> tuple[str, str, int]:
    """Bob's article answers alice: the address of her page, a token of hers, and the id of the article."""
    made = await home.node.core.registration.create("alice", "alice@example.org", reserved_allowed=True)
    assert not isinstance(made, Fail), made
    token = await home.node.core.registration.token(made.user_id, "read write")
    said = await home.node.outbox.post(made.actor_id, Draft("What is a harbour for?"))
    bob = peer.person("bob")
    parent = f"{home.base_url}/users/alice/statuses/{said}"
    more = {"type": "Article", "name": "Harbours & boats", "url": f"{peer.base_url}/harbours", "inReplyTo": parent}
    article = peer.note(bob, CONTENT, **more, contentMap={"en": CONTENT}, summary="Why they exist")
    assert len(CONTENT) > 180_000
    assert await peer.deliver(bob, f"{home.base_url}/inbox", peer.create(bob, article)) == 202
    rows = await home.node.core.database.fetch(Statement(select(t.objects.c.id).where(t.objects.c.type == "Article")))
    return f"{home.base_url}/@alice/{said}", token, int(rows[0]["id"])


async def test_apps_get_the_beginning_and_the_page_has_all_of_it(tmp_path: Path, peer: FakePeer) -> None:
    async with running_node(tmp_path) as home:
        page, token, article = await thread_with_article(home, peer)
        address = f"{home.base_url}/api/v1/statuses/{article}"
        async with peer.session.get(address, headers={"Authorization": f"Bearer {token}"}) as answer:
            status = await answer.json()
        assert status["language"] == "en"
        assert status["spoiler_text"] == ""
        content = status["content"]
        assert content.startswith("<p><strong>Harbours &amp; boats</strong></p><p>Why they exist</p>")
        assert f'<a href="{peer.base_url}/harbours"' in content
        assert "Read more</a>" in content
        assert len(content) < 1500
        async with peer.session.get(page, headers={"Accept": "text/html"}) as answer:
            html = await answer.text()
        assert "Why they exist" in html
        assert "THE END" in html
        assert "<p><strong>Of harbours</strong></p>" in html
        assert '<ol start="3">' in html
        assert "Boat | Crew<br>Ada | 4" in html


async def test_it_can_be_read_on_a_telephone_by_day_and_by_night(tmp_path: Path, peer: FakePeer, chromium: str) -> None:
    async with running_node(tmp_path) as home:
        url, _, _ = await thread_with_article(home, peer)
        for width, dark in ((360, False), (360, True), (1280, False)):
            async with new_page(chromium, width=width, height=800, dark=dark) as page:
                await page.open(url)
                assert await page.run("document.querySelector('.whole').open") is False
                closed = await page.run("document.documentElement.scrollHeight")
                await page.screenshot(tmp_path / f"closed-{width}-{dark}.png")
                await page.click(".whole > summary")
                await page.until("document.querySelector('.whole').open")
                assert await page.run("document.documentElement.scrollHeight") > 10 * closed
                assert await page.run("document.documentElement.scrollWidth <= window.innerWidth")
                assert await page.run("document.querySelector('.whole').innerText.includes('THE END')")
                await page.screenshot(tmp_path / f"open-{width}-{dark}.png")
