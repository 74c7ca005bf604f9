"""Whatever a server answers, the examination comes to its end and says so: no check breaks."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from aiohttp import web

from fediverse_node.lab.conformance.target import NotExaminedError
from fediverse_node.lab.conformance.verdict import Finding, Verdict
from tests.lab.conformance.conftest import Examine
from tests.lab.conformance.small_server import SmallServer, small_server

pytestmark = pytest.mark.timeout(120)

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e300,
    "",
    "x",
    "http://[",
    "acct:",
    [],
    {},
    [None],
    [[]],
    {"id": []},
    "\ud7ff" * 50,
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def spoilt(value: Any, chance: random.Random, rate: float) -> Any:
    """The same JSON with something odd in some places."""
    if chance.random() < rate:
        return chance.choice(ODD)
    if isinstance(value, dict):
        return {name: spoilt(item, chance, rate) for name, item in value.items()}
    if isinstance(value, list):
        return [spoilt(item, chance, rate) for item in value]
    return value


def spoil(server: SmallServer, seed: int) -> None:
    """Everything the server answers from now on is odd in some places."""
    chance = random.Random(seed)
    honest = server.answer

    def answer(document: object, **more: Any) -> web.Response:
        return honest(orjson.loads(orjson.dumps(spoilt(document, chance, 0.08))), **more)

    server.answer = answer  # type: ignore[method-assign]


def broken(findings: tuple[Finding, ...]) -> list[str]:
    return [f"{each.id}: {each.said}" for each in findings if "The check itself broke" in each.said]


@pytest.mark.parametrize("seed", range(12))
async def test_odd_documents_break_no_check(seed: int, examined: Examine) -> None:
    async with small_server() as server:
        spoil(server, seed)
        try:
            report = await examined(
                server.actor_uri,
                may_send=lambda count: seed % 6 == 0,
                private=server.private_uri,
                deleted=server.deleted_uri,
            )
        except NotExaminedError:
            return  # so odd that there is no actor, and it said so
    assert broken(report.findings) == []
    assert report.count(Verdict.FAILED) > 0


async def pour_headers(request: web.Request) -> web.StreamResponse:
    return web.Response(headers={"X-Long": "a" * 60_000})


async def break_off(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def not_http(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
    request.transport.close()
    return web.Response()


async def go_round(request: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": request.path})


async def lead_away(request: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data"})


async def a_compressed_lie(request: web.Request) -> web.StreamResponse:
    return web.Response(
        body=b"not gzip", headers={"Content-Encoding": "gzip", "Content-Type": "application/activity+json"}
    )


async def too_many(request: web.Request) -> web.StreamResponse:
    return web.Response(status=429, headers={"Retry-After": "0"})


@pytest.mark.parametrize(
    "handler",
    [pour_headers, break_off, not_http, go_round, lead_away, a_compressed_lie, too_many],
    ids=lambda h: h.__name__,
)
async def test_a_server_that_turns_bad_after_it_was_found_breaks_no_check(handler: Handler, examined: Examine) -> None:
    async with small_server() as server:
        honest = server.get
        left = 12

        async def get(request: web.Request) -> web.StreamResponse:
            nonlocal left
            left -= 1
            return await (honest(request) if left > 0 else handler(request))

        server.get = get  # type: ignore[method-assign]
        report = await examined(server.actor_uri, may_send=lambda count: False)
    assert broken(report.findings) == []
    assert report.count(Verdict.FAILED) > 3
