"""One node of a simulated world: the real server, with the world's clock, network, keys and database.

It can be stopped in good order, and it can crash: then nothing that it has not committed survives, and no line of its
code runs any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from fediverse_node import __version__
from fediverse_node.app import Node, build, load_actor_document
from fediverse_node.base.config import Config, configure
from fediverse_node.base.errors import NodeError
from fediverse_node.base.randomness import SeededRandomness
from fediverse_node.base.trace import watched_by
from fediverse_node.core import Ports, open_core
from fediverse_node.domain.domains import DomainRule, Severity
from fediverse_node.domain.effects import Refuse
from fediverse_node.lab.clock import LabClock
from fediverse_node.lab.compactor import InlineCompactor
from fediverse_node.lab.databases import Databases
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.journal import Journal
from fediverse_node.lab.keys import LabKeys
from fediverse_node.lab.network import Network
from fediverse_node.lab.place import cause, place
from fediverse_node.lab.tasks import TaskBook
from fediverse_node.outbox.key_rotation import KeyRotation
from fediverse_node.storage.events import Applied
from fediverse_node.storage.inline import InlineDatabase
from fediverse_node.storage.queries.pending import PENDING
from fediverse_node.transport.client import Client
from fediverse_node.transport.exchange import Http

T = TypeVar("T")
# One process to a database: nobody else puts work there, so there is no need to look.
_LONGEST_SLEEP_S = 86_400.0
# Posts are scheduled, and polls run, for five minutes at least.
_EVERY_S = 300.0
_LAST_MOMENTS = 100


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all nodes of a world share."""

    loop: asyncio.AbstractEventLoop
    network: Network
    databases: Databases
    keys: LabKeys
    tasks: TaskBook
    journal: Journal
    folder: Path
    seed: str


class LabNode:
    """A node called `host`. Not started before `start`."""

    def __init__(self, host: str, surroundings: Surroundings, settings: Mapping[str, str]) -> None:
        self.host = host
        self.clock = LabClock(surroundings.loop)
        self.is_running = False
        self.is_disk_full = False
        self.crashes = 0
        self._is_doomed = False
        self._around = surroundings
        self._settings = settings
        self._url = surroundings.databases.create(host)
        self._starts = 0
        self._is_buried = asyncio.Event()
        self._is_buried.set()
        # When it was started, stopped, crashed, … (see `_note`): seconds of the world, and the word.
        self.history: list[tuple[float, str]] = []
        self._runner: web.AppRunner | None = None
        self._node: Node | None = None
        self._opened: InlineDatabase | None = None
        self._context = copy_context()
        self._context.run(place.set, host)
        self._context.run(cause.set, None)

    @property
    def node(self) -> Node:
        """The running server. Raises NodeError while it is down."""
        if self._node is None:
            raise NodeError(f"{self.host} is down")
        return self._node

    @property
    def database(self) -> InlineDatabase:
        """Its database, for those who look from outside; also while the node is down."""
        if self._opened is None:
            self._opened = self._around.databases.open(self._url)
        return self._opened

    @property
    def name(self) -> str:
        """`alpha` of alpha.test."""
        return self.host.partition(".")[0]

    async def start(self) -> None:
        """Serve. What the last run left undone is taken up."""
        # The tasks of this run must not be taken for those of the run before.
        await self._is_buried.wait()
        self._note("started")
        with watched_by(self._around.journal.of_node(self.host)):
            await self.inside(self._start())

    async def stop(self) -> None:
        """Stop as a server is told to stop."""
        self._note("stopped")
        self._around.network.detach(self.host)
        await self.inside(self._stop())

    async def crash(self) -> None:
        """Die as a process dies that is killed."""
        await self._bury(self._fall())

    def crash_after_commit(self) -> None:
        """Crash at the next commit of something to send: before it is sent, and before anybody is answered."""
        writer = self.node.core.writer

        def crash(applied: Applied) -> None:
            if applied.delivers and self._is_doomed and self._node is not None and self._node.core.writer is writer:
                self._around.loop.create_task(self._bury(self._fall()), context=Context())

        self._is_doomed = True
        writer.listen(crash)

    def spare(self) -> None:
        """It does not crash after all."""
        self._is_doomed = False

    def _fall(self) -> Http | None:
        """Everything that has to happen at this very moment; gives what only waits for being thrown away."""
        http = self._node.http if self._node is not None else None
        self._note("crashed")
        self.is_running = self._is_doomed = False
        self._is_buried.clear()
        self.crashes += 1
        self._around.network.detach(self.host)
        if self._opened is not None:
            self._opened.break_off()
        self._around.tasks.kill(self.host)
        self._around.network.break_off(self.host)
        self._node, self._runner, self._opened = None, None, None
        return http

    async def _bury(self, http: Http | None) -> None:
        """Killed tasks begin others in their last moments; all end before anything else happens."""
        for _ in range(_LAST_MOMENTS):
            await asyncio.sleep(0)
            if not self._around.tasks.kill(self.host):
                break
        self._is_buried.set()
        if http is not None:
            await http.close()

    def fill_disk(self) -> None:
        """From now on nothing can be written that needs room, also after a restart."""
        self._note("disk full")
        self.is_disk_full = True
        self.database.fill_disk()

    def free_disk(self) -> None:
        """There is room again."""
        self._note("disk free")
        self.is_disk_full = False
        self.database.free_disk()

    async def rotate_key(self, name: str) -> None:
        """New keys for somebody here, under the old ids and without a word to others; the server is restarted."""
        core = self.node.core
        if not await self.inside(core.registration.renew_keys(core.world.names.actor(name))):
            raise NodeError(f"there is no {name} at {self.host}")
        self._note("keys renewed")
        await self.stop()
        await self.start()

    async def rotate_keys(self, name: str) -> None:
        """New keys for somebody here, as an administrator gives them: told to all, the old ones kept a while."""
        core = self.node.core
        rotation = KeyRotation(
            database=core.database,
            writer=core.writer,
            world=core.world,
            registration=core.registration,
            actor_document_of=lambda actor_id: load_actor_document(core, actor_id),
        )
        if await self.inside(rotation.rotate(core.world.names.actor(name))) is None:
            raise NodeError(f"there is no {name} at {self.host}")
        self._note("keys rotated")

    async def add_alias(self, name: str, uri: str) -> None:
        """Somebody here is known by that URI too. Raises NodeError when the node says no."""
        await self.inside(self._add_alias(name, uri))

    async def move(self, name: str, uri: str) -> None:
        """Somebody here goes on as the actor with that URI. Raises NodeError when the node says no."""
        await self.inside(self._move(name, uri))

    async def suspends(self, host: str) -> None:
        """Whoever runs it has nothing to do with a host any more. Raises NodeError when the node says no."""
        await self.inside(self._rule(DomainRule(host, Severity.SUSPEND)))

    async def limits(self, host: str) -> None:
        """People of a host are shown only to those who follow them."""
        await self.inside(self._rule(DomainRule(host, Severity.LIMIT)))

    async def frees(self, host: str) -> None:
        """The rule about a host is taken back."""
        await self.inside(self._rule(DomainRule(host, Severity.NOTHING)))

    async def admits(self, host: str) -> None:
        """A host takes part, where only listed ones do."""
        await self.inside(self.node.desk.allow(host))

    async def _rule(self, rule: DomainRule) -> None:
        desk = self.node.desk
        if rule.severity is Severity.NOTHING:
            fault = await desk.drop(rule.domain)
        else:
            fault = await desk.put(rule)
        if fault is not None:
            raise NodeError(str(fault))
        await desk.work()

    async def _add_alias(self, name: str, uri: str) -> None:
        node = self.node
        _agreed(await node.outbox.add_alias(await self._actor_id(node.core.world.names.actor(name)), uri))

    async def _move(self, name: str, uri: str) -> None:
        node = self.node
        old, new = await self._actor_id(node.core.world.names.actor(name)), await self._actor_id(uri)
        _agreed(await node.outbox.move(old, new))

    async def _actor_id(self, uri: str) -> int:
        found = await self.node.gatherer.actor(uri, renew=True)
        if not isinstance(found, int):
            raise NodeError(f"{self.host} finds no {uri}: {found}")
        return found

    async def inside(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something as this node: it is the one that sends and logs."""
        context = copy_context()
        context.run(place.set, self.host)
        context.run(cause.set, None)
        crashes = self.crashes
        try:
            return await self._around.loop.create_task(work, context=context)
        except asyncio.CancelledError:
            # Not whoever waits is to end, but what they waited for has.
            if self.crashes == crashes:
                raise
            raise NodeError(f"{self.host} has crashed") from None

    def pending(self) -> tuple[int, int | None]:
        """How many things it still has to do, and when the next is due (ms of its clock)."""
        rows = self.database.read(PENDING)
        dues = [row["next_ms"] for row in rows if row["next_ms"] is not None]
        return sum(row["number"] for row in rows), min(dues, default=None)

    def _note(self, what: str) -> None:
        self.history.append((self._around.loop.time(), what))

    async def _start(self) -> None:
        self._starts += 1
        around, network = self._around, self._around.network
        randomness = SeededRandomness(f"{around.seed}/{self.host}/{self._starts}")

        async def opened(url: str) -> InlineDatabase:
            self._opened = around.databases.open(url)
            if self.is_disk_full:
                self._opened.fill_disk()
            return self._opened

        ports = Ports(
            clock=self.clock,
            randomness=randomness,
            keys=around.keys,
            database=opened,
            http=lambda config: Client(base_url=config.base_url, version=__version__, resolver=network.resolve),
            compactor=InlineCompactor,
            longest_sleep_s=_LONGEST_SLEEP_S,
            every_s=_EVERY_S,
        )
        if self._opened is not None:
            await self._opened.close()
        core = await open_core(self._config(), ports)
        node = self._node = await build(core)
        node.app.middlewares.insert(0, self._watch())
        node.app.on_response_prepare.append(self._stamp)
        self._runner = web.AppRunner(node.app, access_log=None, handle_signals=False, shutdown_timeout=5.0)
        await self._runner.setup()
        server = self._runner.server
        if server is None:
            raise NodeError(f"{self.host} does not serve")
        await node.start()
        context: Context = self._context.copy()
        network.attach(self.host, server, context)
        self.is_running = True

    async def _stop(self) -> None:
        self.is_running = False
        if self._runner is not None:
            await self._runner.cleanup()
        if self._node is not None:
            await self._node.stop()
        self._node, self._runner, self._opened = None, None, None

    def _config(self) -> Config:
        folder = self._around.folder / self.host
        folder.mkdir(parents=True, exist_ok=True)
        environ = {
            "FEDIVERSE_NODE_BASE_URL": f"https://{self.host}",
            "FEDIVERSE_NODE_DATA_DIR": str(folder),
            "FEDIVERSE_NODE_DATABASE_URL": self._url,
            "FEDIVERSE_NODE_RATE_LIMITS": "false",
            **{f"FEDIVERSE_NODE_{name}": value for name, value in self._settings.items()},
        }
        return configure({}, environ)

    def _watch(self) -> Middleware:
        @web.middleware
        async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
            """Write down what becomes of a request, step by step."""
            transport = request.transport
            exchange = transport.get_extra_info("exchange") if transport is not None else None
            if not isinstance(exchange, Exchange):
                return await handler(request)
            token = cause.set(exchange.number)
            try:
                with watched_by(self._around.journal.of_request(exchange)):
                    return await handler(request)
            finally:
                cause.reset(token)

        return watch

    async def _stamp(self, request: web.Request, response: web.StreamResponse) -> None:
        # The HTTP library asks the machine's clock.
        response.headers["Date"] = format_datetime(self.clock.now(), usegmt=True)


def _agreed(refusal: Refuse | None) -> None:
    if refusal is not None:
        raise NodeError(f"{refusal.reason.sentence} {refusal.detail}".strip())
