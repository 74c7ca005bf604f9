"""A host of a simulated world that is no node of ours: any aiohttp application, under a name.

Personas are such strangers, and so is whatever a project wants to test against: its own server, or a peer that it
made up. Its requests go out through `http`, so that the world knows who sends them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import copy_context
from email.utils import format_datetime

from aiohttp import web

from fediverse_node import __version__
from fediverse_node.base.clock import Clock
from fediverse_node.base.errors import NodeError
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.network import Network
from fediverse_node.lab.place import cause, place
from fediverse_node.transport.client import Client
from fediverse_node.transport.exchange import (
    DEFAULT_TIMEOUT_S,
    DOCUMENT_SIZE_LIMIT,
    Headers,
    HopHeaders,
    Http,
    Response,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Stranger:
    """Serves `app` as `host` from `start` to `stop`."""

    def __init__(self, host: str, network: Network, clock: Clock) -> None:
        self.host = host
        self.http: Http = _PlacedHttp(
            host, Client(base_url=f"https://{host}", version=__version__, resolver=network.resolve)
        )
        self._network = network
        self._clock = clock
        self._runner: web.AppRunner | None = None

    async def start(self, app: web.Application) -> None:
        """From now on the host answers."""
        app.middlewares.insert(0, _causing)
        app.on_response_prepare.append(self._stamp)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        context = copy_context()
        context.run(place.set, self.host)
        context.run(cause.set, None)
        await self._runner.setup()
        if self._runner.server is None:
            raise NodeError(f"{self.host} does not serve")
        self._network.attach(self.host, self._runner.server, context)

    async def stop(self) -> None:
        """It is down from now on."""
        self._network.detach(self.host)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self.http.close()

    async def _stamp(self, request: web.Request, response: web.StreamResponse) -> None:
        # The HTTP library asks the machine's clock.
        response.headers["Date"] = format_datetime(self._clock.now(), usegmt=True)


@web.middleware
async def _causing(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What is sent while this is answered is sent because of it."""
    exchange = request.transport.get_extra_info("exchange") if request.transport is not None else None
    token = cause.set(exchange.number if isinstance(exchange, Exchange) else None)
    try:
        return await handler(request)
    finally:
        cause.reset(token)


class _PlacedHttp:
    """An `Http` whose requests are this host's, whoever calls it."""

    def __init__(self, host: str, inner: Http) -> None:
        self._host = host
        self._inner = inner

    async def get(
        self,
        url: str,
        *,
        accept: str,
        headers: Headers = (),
        max_bytes: int = DOCUMENT_SIZE_LIMIT,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        hop_headers: HopHeaders | None = None,
    ) -> Response | Fail | TemporaryFail:
        token = place.set(self._host)
        try:
            return await self._inner.get(
                url, accept=accept, headers=headers, max_bytes=max_bytes, timeout_s=timeout_s, hop_headers=hop_headers
            )
        finally:
            place.reset(token)

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Headers,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        hop_headers: HopHeaders | None = None,
    ) -> Response | Fail | TemporaryFail:
        token = place.set(self._host)
        try:
            return await self._inner.post(url, body, headers=headers, timeout_s=timeout_s, hop_headers=hop_headers)
        finally:
            place.reset(token)

    async def close(self) -> None:
        await self._inner.close()
