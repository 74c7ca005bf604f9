"""The ports for people: any Mastodon client and browser, over plain http, with addresses that it can open."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import aiohttp
import pytest
import requests
from aiohttp import ClientSession, CookieJar
from mastodon import Mastodon
from PIL import Image
from yarl import URL

from fediverse_node.lab.live.listeners import Listeners
from fediverse_node.lab.live.page import LabPage
from fediverse_node.lab.live.world import LiveWorld
from fediverse_node.lab.people import Person
from tests.clients.browser import sign_in_and_answer
from tests.clients.test_masto_js import run as run_masto_js
from tests.running_node import RunningNode


async def friends(live: LiveWorld) -> tuple[Person, Person]:
    alice, ben = await live.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await alice.follows(ben)
    await live.quiet()
    return alice, ben


def _client(live: LiveWorld, person: Person, session: requests.Session) -> Mastodon:
    return Mastodon(
        access_token=person.token,
        api_base_url=live.url_of(person.home.host),
        session=session,
        ratelimit_method="throw",
    )


async def test_a_mastodon_client_reads_and_posts_and_everything_it_is_told_can_be_opened(live: LiveWorld) -> None:
    alice, ben = await friends(live)
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "PNG")

    def at_the_app() -> Any:
        with requests.Session() as session:
            client = _client(live, alice, session)
            media = client.media_post(picture.getvalue(), mime_type="image/png", description="red")
            status = client.status_post(f"hello @ben@beta.test, see {live.url_of('beta.test')}/@ben", media_ids=[media])
            ben_there = client.account_search("ben@beta.test", limit=1)[0]
            for url in (
                status.url,
                status.account.url,
                status.account.avatar,
                status.media_attachments[0].url,
                ben_there.url,
            ):
                answer = session.get(url)
                assert answer.status_code == 200, url
                assert "https://beta.test" not in answer.text
            return status

    status = await asyncio.to_thread(at_the_app)
    await live.quiet()
    assert status.url.startswith(live.url_of("alpha.test"))
    # What went to others has the true addresses, also where a local one was typed.
    create = next(each for each in live.recording if each.activity.type == "Create")
    assert "127.0.0.1" not in create.request.text
    assert "https://beta.test/@ben" in create.request.text
    assert create.sender == "alpha.test"
    cause = live.recording.find(create.cause or 0)
    assert cause is not None
    assert cause.sender == "alice@alpha.test"
    assert any("hello" in text for text in ben.sees_texts())


async def test_an_app_signs_its_person_in(live: LiveWorld) -> None:
    await live.person("alice@alpha")
    url = live.url_of("alpha.test")

    def register() -> tuple[str, Mastodon]:
        with requests.Session() as session:
            id_, secret = Mastodon.create_app("An app", api_base_url=url, session=session)
            client = Mastodon(client_id=id_, client_secret=secret, api_base_url=url, session=session)
            return str(client.auth_request_url(scopes=["read", "write"], allow_http=True)), client

    asked, client = await asyncio.to_thread(register)
    assert asked.startswith(url)
    answered = await sign_in_and_answer(asked, login="alice", password=live.password)

    def go_on() -> str:
        with requests.Session() as session:
            client.session = session
            client.log_in(code=answered["code"], scopes=["read", "write"], allow_http=True)
            return str(client.me().acct)

    assert await asyncio.to_thread(go_on) == "alice"


async def test_one_browser_is_signed_in_at_two_nodes(live: LiveWorld) -> None:
    await live.people("alice@alpha", "ben@beta")
    listener = Listeners().take("lab")
    page = LabPage(live, url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    runner = aiohttp.web.AppRunner(page.app(), access_log=None)
    await runner.setup()
    await aiohttp.web.SockSite(runner, listener).start()
    try:
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
            for address in ("alice@alpha.test", "ben@beta.test"):
                async with browser.get(page.entrance(address)) as answer:
                    text, url = await answer.text(), answer.url
                    assert answer.status == 200
                    assert url.port == live.ports[address.partition("@")[2]]
                token = text.partition('name="form_token" value="')[2].partition('"')[0]
                async with browser.post(url, data={"form_token": token}) as answer:
                    assert answer.status == 200
                    assert answer.url.path == "/auth/welcome"
            for host, name in (("alpha.test", "alice"), ("beta.test", "ben")):
                async with browser.get(f"{live.url_of(host)}/auth/welcome") as answer:
                    assert answer.url.path == "/auth/welcome"
                    assert name in await answer.text()
        async with ClientSession() as session, session.get(page.entrance("nobody@alpha.test")) as answer:
            assert answer.status == 404
        async with ClientSession() as session, session.get(f"{URL(page.entrance('x')).origin()}/people") as answer:
            assert "@alice@alpha.test" in await answer.text()
    finally:
        await runner.cleanup()


async def test_a_browser_under_a_name_stays_among_names(live: LiveWorld) -> None:
    alice, ben = await friends(live)
    await alice.posts("hello", mentioning=[ben])
    port = live.ports["alpha.test"]
    async with ClientSession() as session:
        headers = {"Host": f"alpha.localhost:{port}"}
        async with session.get(f"http://127.0.0.1:{port}/@alice", headers=headers) as answer:
            text = await answer.text()
            assert answer.status == 200
    assert f"http://alpha.localhost:{port}/" in text
    assert f"http://beta.localhost:{live.ports['beta.test']}/" in text


async def test_activitypub_documents_keep_their_true_addresses(live: LiveWorld) -> None:
    await live.person("alice@alpha")
    async with ClientSession() as session:
        headers = {"Accept": "application/activity+json"}
        async with session.get(f"{live.url_of('alpha.test')}/users/alice", headers=headers) as answer:
            document = await answer.json(content_type=None)
    assert document["id"] == "https://alpha.test/users/alice"


async def test_a_name_of_a_website_opens_no_door(live: LiveWorld) -> None:
    await live.node("alpha")
    async with ClientSession() as session:
        for host in ("evil.example", "alpha.test", "127.0.0.1.evil.example"):
            asked = session.get(f"{live.url_of('alpha.test')}/api/v1/instance", headers={"Host": host})
            async with asked as answer:
                assert answer.status == 421, host


async def test_a_node_that_is_down_says_so(live: LiveWorld) -> None:
    alpha = await live.node("alpha")
    await alpha.stop()
    async with ClientSession() as session, session.get(live.url_of("alpha.test")) as answer:
        assert (answer.status, await answer.text()) == (503, "alpha.test is down.\n")


async def test_streams_tell_addresses_that_can_be_opened(live: LiveWorld) -> None:
    alice, ben = await friends(live)
    url, port = live.url_of("beta.test"), live.ports["beta.test"]
    headers = {"Authorization": f"Bearer {ben.token}"}
    async with ClientSession(headers=headers) as session:
        async with session.get(f"{url}/api/v2/instance") as answer:
            streaming = (await answer.json())["configuration"]["urls"]["streaming"]
        assert streaming == f"ws://127.0.0.1:{port}"
        # The client offers compression, as browsers do.
        sockets = session.ws_connect(f"{streaming}/api/v1/streaming?stream=user", compress=15)
        events = session.get(f"{url}/api/v1/streaming/user", timeout=aiohttp.ClientTimeout(sock_read=10))
        async with sockets as socket_, events as stream:
            assert stream.status == 200
            await alice.posts("over the wire " + "long " * 60)
            async with asyncio.timeout(10):
                frame = json.loads((await socket_.receive()).data)
                lines = [line async for line in _first_update(stream)]
            for payload in (json.loads(frame["payload"]), json.loads(lines[-1].removeprefix("data: "))):
                assert "over the wire" in payload["content"]
                assert payload["uri"].startswith(live.url_of("alpha.test"))
                assert payload["account"]["url"] == f"{live.url_of('alpha.test')}/@alice"
            await socket_.send_json({"type": "unsubscribe", "stream": "user"})


async def _first_update(stream: aiohttp.ClientResponse) -> Any:
    while line := (await stream.content.readline()).decode().strip():
        yield line
        if line.startswith("data: "):
            return


async def test_a_large_upload_that_asks_first_is_asked_to_go_on(live: LiveWorld) -> None:
    alice = await live.person("alice@alpha")
    picture = io.BytesIO()
    Image.effect_noise((900, 900), 90).save(picture, "PNG")
    form = aiohttp.FormData()
    form.add_field("file", picture.getvalue(), filename="noise.png", content_type="image/png")
    async with ClientSession(headers={"Authorization": f"Bearer {alice.token}"}) as session:
        asked = session.post(f"{live.url_of('alpha.test')}/api/v2/media", data=form, expect100=True)
        async with asyncio.timeout(20), asked as answer:
            assert answer.status in (200, 202)
            media = await answer.json()
        async with session.get(media["url"]) as answer:
            assert answer.status == 200
            assert len(await answer.read()) > 100_000
        async with session.get(media["url"], headers={"Range": "bytes=0-99"}) as answer:
            assert (answer.status, len(await answer.read())) == (206, 100)


async def test_what_is_no_http_is_refused(live: LiveWorld) -> None:
    await live.node("alpha")
    reader, writer = await asyncio.open_connection("127.0.0.1", live.ports["alpha.test"])
    writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: many\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.peer
@pytest.mark.parametrize(
    "scenario",
    ["media", "timelines", "conversation", "edits", "polls", "lists", "relationships", "search", "streaming"],
)
async def test_a_web_client_can(scenario: str, live: LiveWorld) -> None:
    people = await live.people("alice@alpha", "ben@alpha", "cleo@alpha")
    node = _Served(live.url_of("alpha.test"), {person.name: person.token for person in people})
    await run_masto_js(scenario, node)  # type: ignore[arg-type]


class _Served:
    """As much of a `RunningNode` as the scenarios ask for."""

    def __init__(self, base_url: str, tokens: dict[str, str]) -> None:
        self.base_url = base_url
        self.tokens = tokens


def test_the_scenarios_ask_for_no_more() -> None:
    assert {"base_url", "tokens"} <= set(dir(RunningNode)) | set(RunningNode.__dataclass_fields__)


async def test_nothing_listens_but_on_loopback(live: LiveWorld) -> None:
    await live.node("alpha")
    addresses = {listener.getsockname()[0] for server in live.servers for listener in server.sockets}
    assert addresses == {"127.0.0.1"}
