"""Outside servers join a live world by name and address: recorded, over TLS that ends in the lab, faults included."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from fediverse_node.base.errors import ConfigurationError, NodeError
from fediverse_node.base.outcome import TemporaryFail
from fediverse_node.cli.lab_up import environment_of
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.faults import FaultKind, Rule
from fediverse_node.lab.live.stranger import Stranger, parse_stranger
from fediverse_node.lab.live.world import LiveWorld, proxy_of
from fediverse_node.transport.exchange import Response
from tests.federation.fedify import eventually, fedify_server
from tests.running_node import free_port


@asynccontextmanager
async def _answering(live: LiveWorld, name: str = "stranger.test") -> AsyncIterator[list[dict[str, str]]]:
    """A server that says what it was asked, attached under a name."""
    asked: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append({"path": request.path_qs, **{key.lower(): value for key, value in request.headers.items()}})
        return web.Response(text=f"body of {len(await request.read())} bytes")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await live.attach(parse_stranger(f"{name}=127.0.0.1:{port}"))
    try:
        yield asked
    finally:
        await runner.cleanup()


def _last(live: LiveWorld) -> Exchange:
    return live.recording.exchanges[-1]


async def test_a_node_asks_a_stranger_by_its_name(live: LiveWorld) -> None:
    alpha = await live.node("alpha")
    async with _answering(live) as asked:
        answer = await alpha.inside(alpha.node.http.get("https://stranger.test/a?b=c", accept="text/plain"))
    assert isinstance(answer, Response)
    assert answer.body == b"body of 0 bytes"
    assert asked[0]["path"] == "/a?b=c"
    assert asked[0]["host"] == "stranger.test"
    assert asked[0]["x-forwarded-proto"] == "https"
    found = _last(live)
    assert (found.sender, found.receiver, found.status) == ("alpha.test", "stranger.test", 200)
    # The record shows what the node sent.
    assert found.request.header("x-forwarded-proto") is None


async def test_faults_apply_to_strangers(live: LiveWorld) -> None:
    alpha = await live.node("alpha")
    live.faults.add(Rule(FaultKind.STATUS, receiver="stranger.test", amount=410))
    async with _answering(live) as asked:
        answer = await alpha.inside(alpha.node.http.get("https://stranger.test/", accept="*/*"))
    assert isinstance(answer, Response)
    assert answer.status == 410
    assert not asked


async def test_a_stranger_that_is_not_there_is_told_apart_from_one_that_is_unknown(live: LiveWorld) -> None:
    alpha = await live.node("alpha")
    port = free_port()
    await live.attach(Stranger("gone.test", "127.0.0.1", port))
    answer = await alpha.inside(alpha.node.http.get("https://gone.test/", accept="*/*"))
    assert isinstance(answer, TemporaryFail)
    assert f"nobody answers for gone.test at 127.0.0.1:{port}" in _last(live).failure


async def test_a_name_is_given_once(live: LiveWorld) -> None:
    await live.node("alpha")
    with pytest.raises(NodeError, match=r"there is a alpha\.test in this world already"):
        await live.attach(Stranger("alpha.test", "127.0.0.1", 1))


async def test_a_stranger_reaches_nodes_through_its_proxy(live: LiveWorld) -> None:
    alice = await live.person("alice@alpha")
    trust = live.authority.client_context()
    async with _answering(live), aiohttp.ClientSession() as session:
        proxy = f"http://127.0.0.1:{live.ports[proxy_of('stranger.test')]}"
        headers = {"Accept": "application/activity+json"}
        for _ in range(2):  # the second one uses the tunnel again
            async with session.get(alice.uri, proxy=proxy, ssl=trust, headers=headers) as answer:
                assert (await answer.json(content_type=None))["id"] == alice.uri
            assert (_last(live).sender, _last(live).receiver) == ("stranger.test", "alpha.test")
        # Without TLS, as http_proxy does it.
        async with session.get("http://alpha.test/users/alice", proxy=proxy, headers=headers) as answer:
            assert (await answer.json(content_type=None))["id"] == alice.uri
        assert _last(live).request.start == "GET /users/alice HTTP/1.1"
        # And itself, as some servers do.
        async with session.get("https://stranger.test/self", proxy=proxy, ssl=trust) as answer:
            assert answer.status == 200
        assert (_last(live).sender, _last(live).receiver) == ("stranger.test", "stranger.test")


async def test_the_proxy_is_no_open_one(live: LiveWorld) -> None:
    await live.node("alpha")
    async with _answering(live), aiohttp.ClientSession() as session:
        proxy = f"http://127.0.0.1:{live.ports[proxy_of('stranger.test')]}"
        for url in ("https://example.org/", "https://127.0.0.1:1/", "https://alpha.test:22/"):
            with pytest.raises(aiohttp.ClientHttpProxyError) as refused:
                await session.get(url, proxy=proxy)
            assert refused.value.status == 403, url
        for url in ("http://example.org/", f"http://127.0.0.1:{live.ports['alpha.test']}/"):
            async with session.get(url, proxy=proxy) as answer:
                assert answer.status == 421, url
                assert "in this world" in await answer.text()


async def test_who_does_not_trust_the_authority_gets_no_tunnel(live: LiveWorld) -> None:
    await live.node("alpha")
    async with _answering(live), aiohttp.ClientSession() as session:
        proxy = f"http://127.0.0.1:{live.ports[proxy_of('stranger.test')]}"
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get("https://alpha.test/", proxy=proxy, ssl=ssl.create_default_context())


async def test_an_app_that_insists_on_https_signs_in_through_the_peoples_proxy(live: LiveWorld) -> None:
    alice = await live.person("alice@alpha")
    headers = {"Authorization": f"Bearer {alice.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        asked = session.get(
            "https://alpha.test/api/v1/accounts/verify_credentials",
            proxy=f"http://127.0.0.1:{live.ports['proxy']}",
            ssl=live.authority.client_context(),
        )
        async with asked as answer:
            account = await answer.json()
    assert account["url"] == "https://alpha.test/@alice"
    assert _last(live).sender == "alice@alpha.test"


async def test_curl_with_the_printed_environment_reaches_the_world(live: LiveWorld) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    alice = await live.person("alice@alpha")
    async with _answering(live):
        pairs = " ".join(environment_of(live, live.strangers["stranger.test"])).split()
        environ = {**os.environ, **dict(pair.split("=", 1) for pair in pairs)}
        process = await asyncio.create_subprocess_exec(
            curl, "-sS", "-H", "Accept: application/activity+json", alice.uri,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environ,
        )  # fmt: skip
        printed, _ = await process.communicate()
    assert b'"preferredUsername":"alice"' in printed, printed


@pytest.mark.peer
async def test_a_fedify_app_joins_and_both_sides_hear_each_other(live: LiveWorld) -> None:
    alice = await live.person("alice@alpha")
    stranger = parse_stranger(f"fedify.test=127.0.0.1:{free_port()}")
    await live.attach(stranger)
    environ = dict(pair.split("=", 1) for pair in " ".join(environment_of(live, stranger)).split())
    environ |= {"PORT": str(stranger.port), "ORIGIN": "https://fedify.test"}
    with fedify_server("rfc9421", environ=environ) as server:
        assert server.origin == "https://fedify.test"
        async with server.person() as ada:
            # It follows, and hears what is said.
            await ada.do("follow", object=alice.uri)
            await ada.receives("Accept", actor=alice.uri)
            post = await alice.posts("who is out there?")
            await ada.receives("Create", object__id=post.uri)
            # It answers, and its answer is read.
            answered = await ada.do(
                "create", content="<p>I am, from Fedify</p>", inReplyTo=post.uri, mention=[alice.uri], shared=True
            )
            assert await eventually(lambda: _sees(alice, "I am, from Fedify"), "the answer of Fedify")
            # And it is answered.
            found = await alice.ask("GET", f"/api/v2/search?type=statuses&resolve=true&q={answered['id']}")
            await alice.ask(
                "POST",
                "/api/v1/statuses",
                status=f"@{ada.handle} welcome",
                in_reply_to_id=found["statuses"][0]["id"],
            )
            await ada.receives("Create", object__inReplyTo=answered["id"])
    await live.quiet()
    between = [each for each in live.recording if "fedify.test" in (each.sender, each.receiver)]
    assert {(each.sender, each.activity.type) for each in between if each.method == "POST"} >= {
        ("fedify.test", "Follow"),
        ("fedify.test", "Create"),
        ("alpha.test", "Accept"),
        ("alpha.test", "Create"),
    }
    received = next(each for each in between if each.activity.type == "Create" and each.sender == "fedify.test")
    assert received.status == 202
    assert any(step.name.startswith("signature.") and step.passed for step in received.steps)


async def _sees(person: object, text: str) -> bool:
    return bool(person.sees(text))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "stranger"),
    [
        ("mastodon.test=127.0.0.1:3000", Stranger("mastodon.test", "127.0.0.1", 3000)),
        ("Mastodon.Test = http://localhost:3000/", Stranger("mastodon.test", "localhost", 3000)),
        ("a.example=https://10.0.0.5:8443", Stranger("a.example", "10.0.0.5", 8443, is_https=True)),
        ("a.example=https://there", Stranger("a.example", "there", 443, is_https=True)),
        ("a.example=[::1]:80", Stranger("a.example", "::1", 80)),
    ],
)
def test_who_is_attached_is_read_from_the_command_line(text: str, stranger: Stranger) -> None:
    assert parse_stranger(text) == stranger


@pytest.mark.parametrize(
    "text",
    [
        "mastodon.test",
        "mastodon.test=",
        "=127.0.0.1:3000",
        "mastodon=127.0.0.1:3000",
        "127.0.0.1=127.0.0.1:3000",
        "a_b.test=127.0.0.1:3000",
        "mastodon.test=ftp://127.0.0.1:3000",
        "mastodon.test=127.0.0.1:three",
        "mastodon.test=http://127.0.0.1:3000/path",
        "mastodon.test=http://me@127.0.0.1:3000",
        "mastodon.test=http://[::1:3000",
    ],
)
def test_what_attaches_nobody_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1:3000"):
        parse_stranger(text)
