"""One node of a live world: the real server with its own folder, asked and asking over real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from fediverse_node import __version__
from fediverse_node.app import Node, build
from fediverse_node.base.clock import SystemClock
from fediverse_node.base.config import Config, configure
from fediverse_node.base.errors import NodeError
from fediverse_node.base.outcome import Fail
from fediverse_node.base.trace import watched_by
from fediverse_node.core import Ports, open_core
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.journal import Journal
from fediverse_node.lab.live.causes import NotedHttp
from fediverse_node.lab.live.databases import LiveDatabases
from fediverse_node.lab.live.network import LiveNetwork
from fediverse_node.lab.place import cause, place
from fediverse_node.lab.tasks import TaskBook
from fediverse_node.signatures.key_source import KeySource
from fediverse_node.storage.inline import InlineDatabase
from fediverse_node.storage.queries.pending import PENDING
from fediverse_node.storage.queries.registration import USER_BY_NAME
from fediverse_node.transport.client import Client
from fediverse_node.transport.exchange import Http
from fediverse_node.transport.resolver import Endpoint, Resolver

T = TypeVar("T")


SCOPES = "read write follow push"
_SHUTDOWN_S = 2.0
_LAST_MOMENTS = 100


@dataclass(frozen=True, slots=True)
class LiveSurroundings:
    """What all nodes of a world share. `trust` is what their clients trust, `resolver_of` leads to their wires."""

    network: LiveNetwork
    databases: LiveDatabases
    keys: KeySource
    tasks: TaskBook
    journal: Journal
    folder: Path
    trust: ssl.SSLContext
    settings: Mapping[str, str]


class LiveClock(SystemClock):
    """The machine's clock, and by how much this node's is fast."""

    skew_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.skew_s)

    def now_ms(self) -> int:
        return super().now_ms() + round(self.skew_s * 1000)


class LiveNode:
    """A node called `host`, whose own requests go to `wire` whatever their host. Not started before `start`."""

    def __init__(self, host: str, surroundings: LiveSurroundings, *, wire: Endpoint, resolver: Resolver) -> None:
        self.host = host
        self.clock = LiveClock()
        self.is_running = False
        self._around = surroundings
        self._wire = wire
        self._resolver = resolver
        self._url = ""
        self._runner: web.AppRunner | None = None
        self._node: Node | None = None
        self._looking: InlineDatabase | None = None

    @property
    def node(self) -> Node:
        """The running server. Raises NodeError while it is down."""
        if self._node is None:
            raise NodeError(f"{self.host} is down")
        return self._node

    @property
    def database(self) -> InlineDatabase:
        """Its database, for those who look from outside; also while the node is down."""
        if self._looking is None:
            self._looking = self._around.databases.open(self._url)
        return self._looking

    @property
    def name(self) -> str:
        """`alpha` of alpha.test."""
        return self.host.partition(".")[0]

    async def start(self) -> None:
        """Serve. What the last run left undone is taken up."""
        with watched_by(self._around.journal.of_node(self.host)):
            await self.inside(self._start())

    async def stop(self) -> None:
        """Stop as a server is told to stop."""
        self._around.network.detach(self.host)
        await self.inside(self._stop())

    async def crash(self) -> None:
        """Die as a process dies that is killed, as far as that is possible inside of one that lives on."""
        node, self._node, self._runner, self.is_running = self.node, None, None, False
        self._around.network.detach(self.host)
        for _ in range(_LAST_MOMENTS):
            if not self._around.tasks.kill(self.host):
                break
            await asyncio.sleep(0)
        self._around.network.break_off(self.host)
        node.threads.close()
        await node.http.close()
        await node.compactor.close()
        await node.core.database.close()

    async def close(self) -> None:
        """Stop if it runs, and look into its database no more."""
        if self.is_running:
            await self.stop()
        if self._looking is not None:
            await self._looking.close()
            self._looking = None

    async def inside(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something as this node: it is the one that sends and logs."""
        context = copy_context()
        context.run(place.set, self.host)
        context.run(cause.set, None)
        return await asyncio.get_running_loop().create_task(work, context=context)

    def pending(self) -> tuple[int, int | None]:
        """How many things it still has to do, and when the next is due (ms of its clock)."""
        # A walk through a conversation waits a minute for others to speak: too long for somebody who watches.
        rows = [row for row in self.database.read(PENDING) if row["kind"] != "walks"]
        dues = [row["next_ms"] for row in rows if row["next_ms"] is not None]
        return sum(row["number"] for row in rows), min(dues, default=None)

    async def sign_up(self, name: str, *, password: str) -> str:
        """A new person; returns a token for an app of theirs. Raises NodeError when the node says no."""
        registration = self.node.core.registration
        made = await registration.create(name, f"{name}@{self.host}", password=password, reserved_allowed=True)
        if isinstance(made, Fail):
            raise NodeError(f"{name}@{self.host} could not be made: {made}")
        return await registration.token(made.user_id, SCOPES)

    async def sign_in_path(self, name: str) -> str | None:
        """The path of a link that signs somebody in once; None where there is nobody of this name."""
        core = self.node.core
        row = await core.database.fetch_one(USER_BY_NAME, username=name.lower())
        if row is None:
            return None
        link = await core.registration.sign_in_link(row["id"])
        return link.removeprefix(core.config.base_url)

    async def _start(self) -> None:
        around = self._around
        self._url = await around.databases.prepare(self.host)
        core = await open_core(self._config(), Ports(clock=self.clock, keys=around.keys, http=self._http))
        node = self._node = await build(core)
        node.app.middlewares.insert(0, _watching(around.journal))
        self._runner = web.AppRunner(node.app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S)
        await self._runner.setup()
        server = self._runner.server
        if server is None:
            raise NodeError(f"{self.host} does not serve")
        await node.start()
        around.network.attach(self.host, server, copy_context())
        self.is_running = True

    async def _stop(self) -> None:
        self.is_running = False
        if self._runner is not None:
            await self._runner.cleanup()
        if self._node is not None:
            await self._node.stop()
        self._node, self._runner = None, None

    def _http(self, config: Config) -> Http:
        client = Client(
            base_url=config.base_url,
            version=__version__,
            resolver=self._resolver,
            ssl_context=self._around.trust,
            reachable=frozenset({self._wire}),
        )
        return NotedHttp(client, sender=self.host, causes=self._around.network.causes)

    def _config(self) -> Config:
        folder = self._around.folder / self.host
        environ = {
            "FEDIVERSE_NODE_BASE_URL": f"https://{self.host}",
            "FEDIVERSE_NODE_DATA_DIR": str(folder),
            "FEDIVERSE_NODE_DATABASE_URL": self._url,
            "FEDIVERSE_NODE_RATE_LIMITS": "false",
            "FEDIVERSE_NODE_TITLE": self.name.capitalize(),
            **{f"FEDIVERSE_NODE_{name}": value for name, value in self._around.settings.items()},
        }
        config = configure({}, environ)
        config.media_dir.mkdir(parents=True, exist_ok=True)
        return config


def _watching(journal: Journal) -> Middleware:
    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Write down what becomes of a request, step by step; those with the number 0 are not recorded."""
        exchange = request.transport.get_extra_info("exchange") if request.transport is not None else None
        if not isinstance(exchange, Exchange) or not exchange.number:
            return await handler(request)
        token = cause.set(exchange.number)
        try:
            with watched_by(journal.of_request(exchange)):
                return await handler(request)
        finally:
            cause.reset(token)

    return watch
