"""A person at Chromium: signs in, reads, follows a link to another node, and sees the exchanges."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp.web
import pytest

from fediverse_node.lab.live.listeners import Listeners
from fediverse_node.lab.live.page import LabPage
from fediverse_node.lab.live.world import LiveWorld
from tests.browser import MISSING, find_chromium, new_page, running_browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[str]:
    program = find_chromium()
    if program is None:
        pytest.skip(MISSING)
    with running_browser(program) as address:
        yield address


@pytest.fixture
async def page_url(live: LiveWorld) -> AsyncIterator[str]:
    listener = Listeners().take("lab")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    runner = aiohttp.web.AppRunner(LabPage(live, url=url).app(), access_log=None)
    await runner.setup()
    await aiohttp.web.SockSite(runner, listener).start()
    yield url
    await runner.cleanup()


async def test_a_person_signs_in_reads_and_visits_another_node(live: LiveWorld, page_url: str, chromium: str) -> None:
    alice, ben = await live.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await alice.follows(ben)
    await live.quiet()
    await alice.posts("hello", mentioning=[ben])
    await live.quiet()
    alpha, beta = live.url_of("alpha.test"), live.url_of("beta.test")
    async with new_page(chromium) as page:
        await page.open(f"{page_url}/people")
        await page.click('a[href="/enter/alice@alpha.test"]')
        await page.until(f"location.href.startsWith('{alpha}/sign-in/') && document.readyState === 'complete'")
        await page.click("main button")
        await page.until("location.pathname === '/auth/welcome' && document.readyState === 'complete'")
        await page.open(f"{alpha}/@alice")
        assert "hello" in await page.run("document.body.innerText")
        # The mention leads to Ben's own page, at his node; it opens in a window of its own.
        await page.run(f"""document.querySelector('a[href^="{beta}/"]').removeAttribute('target')""")
        await page.click(f'a[href^="{beta}/"]')
        await page.until(f"location.href.startsWith('{beta}/') && document.readyState === 'complete'")
        assert "ben" in await page.run("document.body.innerText")
        assert not page.problems
        assert all(url.startswith("http://127.0.0.1:") for url in page.asked), page.asked


async def test_scripts_speak_to_a_node_and_hear_its_streams(live: LiveWorld, chromium: str) -> None:
    alice, ben = await live.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await live.quiet()
    beta = live.url_of("beta.test")
    async with new_page(chromium) as page:
        await page.open(f"{live.url_of('alpha.test')}/api/v1/instance")  # another origin, as web apps are
        await page.run(
            f"""(async () => {{
                const instance = await (await fetch("{beta}/api/v2/instance")).json();
                const socket = new WebSocket(
                    instance.configuration.urls.streaming + "/api/v1/streaming?stream=user&access_token={ben.token}");
                window.heard = [];
                socket.onmessage = event => window.heard.push(JSON.parse(event.data));
                await new Promise((done, failed) => {{ socket.onopen = done; socket.onerror = failed; }});
            }})()"""
        )
        await alice.posts("do you hear me?")
        payload = await page.until("window.heard.length && JSON.parse(window.heard[0].payload).uri")
        assert payload.startswith(live.url_of("alpha.test"))


async def test_the_inspector_shows_what_happens(live: LiveWorld, page_url: str, chromium: str) -> None:
    alice, ben = await live.people("alice@alpha", "ben@beta")
    async with new_page(chromium) as page:
        await page.open(f"{page_url}/")
        await ben.follows(alice)
        await live.quiet()
        await page.until("document.body.innerText.includes('Follow') && document.body.innerText.includes('alpha.test')")
        assert not page.problems
