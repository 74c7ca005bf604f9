"""Cards of linked pages, over real sockets: who has one, how often a page is asked, and pages that mean harm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from fediverse_node.domain.effects import Refuse
from fediverse_node.domain.model import Visibility
from fediverse_node.inbox import link_previews
from fediverse_node.outbox.draft import Draft
from fediverse_node.storage.queries.link_previews import BY_URL
from tests.fake_peer import FakePeer
from tests.federation.client_to_server import eventually
from tests.inprocess import Running, running_node

PAGE = """<!doctype html><html lang="en"><head><title>Not this</title>
<meta property="og:title" content="A &lt;b&gt;page&lt;/b&gt;"><meta property="og:description" content="What it says.">
<meta property="og:site_name" content="The Site"><meta property="og:image" content="/picture.png">
<meta name="author" content="Ann Author"></head><body><h1>Hello</h1></body></html>"""


@dataclass
class Site:
    """A web site that counts who asks for what."""

    base_url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    pages: dict[str, Callable[[web.Request], Any]] = field(default_factory=dict)

    def count(self, path: str) -> int:
        return sum(1 for asked, _ in self.asked if asked == path)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, request.headers.get("User-Agent", "")))
        made = self.pages.get(request.path)
        if made is None:
            return web.Response(text=PAGE, content_type="text/html")
        found = made(request)
        answer: web.StreamResponse = await found if asyncio.iscoroutine(found) else found
        return answer


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    found = Site()
    app = web.Application()
    app.router.add_get("/{path:.*}", found.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    found.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield found
    finally:
        await runner.cleanup()


@dataclass
class Scene:
    """Alice at home, a site, and what the client API shows of posts."""

    home: Running
    alice_id: int
    site: Site
    session: aiohttp.ClientSession

    async def say(self, text: str, visibility: Visibility = Visibility.PUBLIC) -> int:
        said = await self.home.node.outbox.post(self.alice_id, Draft(text, visibility=visibility))
        assert not isinstance(said, Refuse), said
        return said

    async def card(self, object_id: int) -> Any:
        async with self.session.get(f"{self.home.base_url}/api/v1/statuses/{object_id}") as answer:
            assert answer.status == 200, await answer.text()
            return (await answer.json())["card"]

    async def state(self, url: str) -> int | None:
        """What became of a page: 0 waiting, 1 there, 2 nothing."""
        row = await self.home.node.core.database.fetch_one(BY_URL, url=url)
        return None if row is None else int(row["state"])

    async def settled(self, url: str) -> int:
        async def found() -> int | None:
            return await self.state(url) or None

        return await eventually(found, time_s=25.0)


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    # All pages of these tests are on one host, and none of them is to wait for its turn.
    monkeypatch.setattr(link_previews, "_PAUSE_MS", 0)
    monkeypatch.setattr(link_previews, "_SPREAD_MS", 0)
    monkeypatch.setattr(link_previews, "_TIMEOUT_S", 2.0)
    async with running_node(tmp_path) as home, site() as found, aiohttp.ClientSession() as session:
        yield Scene(home, await home.add_person("alice"), found, session)


async def test_a_public_post_shows_the_page_that_it_links_to(scene: Scene) -> None:
    url = f"{scene.site.base_url}/page"
    post = await scene.say(f"Read this: {url}#part and @alice, #tag")
    assert await scene.card(post) is None
    assert await scene.settled(url) == 1
    card = await scene.card(post)
    assert card == {
        "url": url,
        "title": "A <b>page</b>",
        "description": "What it says.",
        "language": None,
        "type": "link",
        "author_name": "Ann Author",
        "author_url": "",
        "provider_name": "The Site",
        "provider_url": "",
        "html": "",
        "width": 0,
        "height": 0,
        "image": f"{scene.site.base_url}/picture.png",
        "image_description": "",
        "embed_url": "",
        "blurhash": None,
        "published_at": None,
        "missing_attribution": None,
        "authors": [{"name": "Ann Author", "url": "", "account": None}],
    }
    [(path, agent)] = scene.site.asked
    assert path == "/page"
    assert agent.startswith("fediverse_node/")
    assert scene.home.base_url in agent
    # On our page the words alone: a picture would tell the site who reads.
    async with scene.session.get(f"{scene.home.base_url}/@alice/{post}", headers={"Accept": "text/html"}) as answer:
        html = await answer.text()
    assert 'class="card"' in html
    assert "A &lt;b&gt;page&lt;/b&gt;" in html
    assert "picture.png" not in html


@pytest.mark.parametrize(
    ("visibility", "is_asked"),
    [
        (Visibility.PUBLIC, True),
        (Visibility.UNLISTED, True),
        (Visibility.FOLLOWERS, False),
        (Visibility.DIRECT, False),
    ],
)
async def test_pages_are_asked_for_what_everybody_may_read_and_for_nothing_else(
    scene: Scene, visibility: Visibility, is_asked: bool
) -> None:
    told = await scene.say(f"{scene.site.base_url}/told", visibility)
    last = await scene.say(f"{scene.site.base_url}/last")
    assert await scene.settled(f"{scene.site.base_url}/last") == 1
    if is_asked:
        await scene.settled(f"{scene.site.base_url}/told")
        assert await scene.card(told) is not None
    assert (scene.site.count("/told") == 1) is is_asked
    assert await scene.card(last) is not None


async def test_a_thousand_posts_with_one_link_ask_once(scene: Scene) -> None:
    url = f"{scene.site.base_url}/popular"
    posts = await asyncio.gather(*(scene.say(f"{number}: {url}") for number in range(1000)))
    await scene.settled(url)

    async def have_all() -> bool:
        return all([await scene.card(post) is not None for post in (posts[0], posts[500], posts[-1])])

    await eventually(have_all, time_s=30.0)
    assert scene.site.count("/popular") == 1


async def test_an_edit_brings_another_card_or_none(scene: Scene) -> None:
    first, second = f"{scene.site.base_url}/first", f"{scene.site.base_url}/second"
    post = await scene.say(f"see {first}")
    await scene.settled(first)
    assert (await scene.card(post))["url"] == first
    outbox = scene.home.node.outbox
    assert await outbox.edit(scene.alice_id, post, Draft(f"see {second}")) is None
    await scene.settled(second)

    async def shows_second() -> bool:
        card = await scene.card(post)
        return card is not None and card["url"] == second

    await eventually(shows_second)
    assert await outbox.edit(scene.alice_id, post, Draft("see nothing")) is None

    async def shows_none() -> bool:
        return await scene.card(post) is None

    await eventually(shows_none)


async def test_a_post_from_elsewhere_has_a_card_too_once_somebody_here_reads_it(scene: Scene, peer: FakePeer) -> None:
    ben = peer.person("ben")
    found = await scene.home.node.gatherer.actor(ben.uri)
    assert isinstance(found, int)
    assert await scene.home.node.outbox.follow(scene.alice_id, found) is None
    url = f"{scene.site.base_url}/told"

    async def is_followed() -> bool:
        return bool(peer.believed("Follow"))

    await eventually(is_followed)
    mention = f'<a href="{peer.base_url}/@ben" class="u-url mention">@ben</a>'
    await peer.post_note(ben, f"{scene.home.base_url}/inbox", f'<p>{mention} <a href="{url}">this</a></p>')
    assert await scene.settled(url) == 1
    assert scene.site.asked == [("/told", scene.site.asked[0][1])]


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/html"})
    await response.prepare(request)
    for _ in range(60):
        await response.write(b"<p>" * 20_000)
    return response


async def _slow(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/html"})
    await response.prepare(request)
    for _ in range(600):
        await response.write(b" ")
        await asyncio.sleep(0.1)
    return response


def _html(text: str, **more: Any) -> Callable[[web.Request], Any]:
    return lambda request: web.Response(text=text, content_type="text/html", **more)


def _redirect(to: str) -> Callable[[web.Request], Any]:
    return lambda request: web.Response(status=302, headers={"Location": to})


HOSTILE: dict[str, Callable[[web.Request], Any]] = {
    "larger than a page may be": _endless,
    "slower than a page may be": _slow,
    "a redirect into the private network": _redirect("http://10.0.0.7/secret"),
    "a redirect to the cloud's own address": _redirect("http://169.254.169.254/latest/meta-data/"),
    "a redirect to itself": _redirect("/a redirect to itself"),
    "a redirect to a file": _redirect("file:///etc/passwd"),
    "a picture that says it is a page": lambda request: web.Response(body=b"\x89PNG", content_type="image/png"),
    "no title": _html("<p>nothing"),
    "a broken encoding": lambda request: web.Response(body=b"\xff\xfe\x00\x00\xd8", content_type="text/html"),
    "refused": lambda request: web.Response(status=403),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_page_that_means_harm_has_no_card_and_harms_nobody(scene: Scene, kind: str) -> None:
    path = f"/{kind.replace(' ', '-')}"
    scene.site.pages[path] = HOSTILE[kind]
    scene.site.pages[path.replace("-", " ")] = HOSTILE[kind]
    url = f"{scene.site.base_url}{path}"
    post = await scene.say(url)

    async def was_asked() -> bool:
        row = await scene.home.node.core.database.fetch_one(BY_URL, url=url)
        return row is not None and (row["state"] == 2 or (row["attempts"] == 1 and scene.site.count(path) == 1))

    await eventually(was_asked, time_s=25.0)
    assert await scene.card(post) is None
    # The next page is asked as if nothing had been.
    good = await scene.say(f"{scene.site.base_url}/good")
    assert await scene.settled(f"{scene.site.base_url}/good") == 1
    assert await scene.card(good) is not None


async def test_a_site_that_is_down_is_asked_again_later_and_not_at_once(scene: Scene) -> None:
    scene.site.pages["/down"] = lambda request: web.Response(status=503)
    url = f"{scene.site.base_url}/down"
    await scene.say(url)

    async def is_put_off() -> bool:
        row = await scene.home.node.core.database.fetch_one(BY_URL, url=url)
        now_ms = scene.home.node.core.world.clock.now_ms()
        return row is not None and row["attempts"] == 1 and row["due_ms"] > now_ms + 3_000_000

    await eventually(is_put_off)
    assert scene.site.count("/down") == 1


async def test_of_oembed_the_words_and_a_photo_are_taken_and_no_html(scene: Scene) -> None:
    link = '<link rel="alternate" type="application/json+oembed" href="/oembed">'
    scene.site.pages["/photo"] = _html(f"<title>A photo</title>{link}")
    scene.site.pages["/oembed"] = lambda request: web.json_response(
        {
            "type": "photo",
            "html": "<script>alert(1)</script>",
            "url": f"{scene.site.base_url}/big.jpg",
            "width": 640,
            "height": 480,
            "author_name": "Pia",
            "author_url": "javascript:alert(1)",
        }
    )
    url = f"{scene.site.base_url}/photo"
    post = await scene.say(url)
    assert await scene.settled(url) == 1
    card = await scene.card(post)
    assert (card["type"], card["width"], card["height"], card["html"]) == ("photo", 640, 480, "")
    assert (card["author_name"], card["author_url"], card["image"]) == ("Pia", "", f"{scene.site.base_url}/big.jpg")


async def test_turned_off_no_page_is_asked(tmp_path: Path) -> None:
    async with (
        running_node(tmp_path, LINK_PREVIEWS="false") as home,
        site() as found,
        aiohttp.ClientSession() as session,
    ):
        scene = Scene(home, await home.add_person("alice"), found, session)
        post = await scene.say(f"{found.base_url}/page")
        await asyncio.sleep(1.0)
        assert await scene.card(post) is None
        assert found.asked == []
