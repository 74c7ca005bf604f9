"""A resolver may lead to an endpoint on loopback; the client goes there only where just this endpoint is reachable."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from aiohttp import web

from fediverse_node.base.outcome import Fail
from fediverse_node.lab.live.authority import Authority
from fediverse_node.transport.client import Client
from fediverse_node.transport.exchange import Response
from fediverse_node.transport.faults import FetchFault
from fediverse_node.transport.resolver import Endpoint


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def endpoint(authority: Authority) -> AsyncIterator[Endpoint]:
    """Somebody who answers as alpha.test, with TLS, on some port."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.host)

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    context: ssl.SSLContext = authority.server_context(lambda name: name == "alpha.test")
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield Endpoint("127.0.0.1", runner.addresses[0][1])
    await runner.cleanup()


async def _ask(authority: Authority, found: Sequence[str | Endpoint], reachable: set[Endpoint]) -> object:
    async def resolve(host: str, port: int) -> Sequence[str | Endpoint]:
        return found

    client = Client(
        base_url="https://beta.test",
        version="test",
        resolver=resolve,
        ssl_context=authority.client_context(),
        reachable=frozenset(reachable),
    )
    try:
        return await client.get("https://alpha.test/", accept="text/plain")
    finally:
        await client.close()


async def test_a_reachable_endpoint_is_asked_by_the_name_and_with_its_certificate(
    authority: Authority, endpoint: Endpoint
) -> None:
    answer = await _ask(authority, [endpoint], {endpoint})
    assert isinstance(answer, Response)
    assert answer.body == b"alpha.test"
    assert answer.url == "https://alpha.test/"


async def test_no_other_endpoint_becomes_reachable_with_it(authority: Authority, endpoint: Endpoint) -> None:
    neighbour = Endpoint(endpoint.address, endpoint.port + 1)
    for found, reachable in (([endpoint], set()), ([endpoint], {neighbour}), (["127.0.0.1"], {endpoint})):
        answer = await _ask(authority, found, reachable)
        assert isinstance(answer, Fail), (found, reachable)
        assert answer.reason is FetchFault.ADDRESS_REFUSED


async def test_what_is_reachable_cannot_be_named_in_an_address(authority: Authority, endpoint: Endpoint) -> None:
    client = Client(base_url="https://beta.test", version="test", reachable=frozenset({endpoint}))
    for url in (f"https://127.0.0.1:{endpoint.port}/", f"http://localhost:{endpoint.port}/"):
        answer = await client.get(url, accept="*/*")
        assert isinstance(answer, Fail), url
    await client.close()
