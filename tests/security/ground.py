"""Where attacks are tried: a node as it runs in production, and an internet that belongs to the attacker.

The node is `https://node.example`, without development mode: it believes certificates, asks names, and refuses
addresses as it would outside. All hosts lie behind one TLS listener of this machine; what a name leads to, the attacker
decides anew at each question (DNS rebinding). Kept are the names that were asked, the requests that arrived anywhere,
every step that the node told, and whether anybody knocked at the service inside, which nobody may reach.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from sqlalchemy import Select, Table, func, select

from fediverse_node.app import Node, build
from fediverse_node.base.config import configure
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import watched_by
from fediverse_node.cli.setup import prepare
from fediverse_node.domain.effects import Refuse
from fediverse_node.domain.model import Visibility
from fediverse_node.lab.live.authority import Authority
from fediverse_node.outbox.draft import Draft
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.storage import tables as t
from fediverse_node.storage.statement import Statement
from fediverse_node.transport.client import Client
from fediverse_node.transport.resolver import Endpoint, GuardedResolver
from tests.fake_peer import FakePeer, Person
from tests.inprocess import Running, free_port

HOST = "node.example"
BASE_URL = f"https://{HOST}"
INBOX = f"{BASE_URL}/inbox"
LOOPBACK = "127.0.0.1"
Page = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answers = Callable[[], Sequence[str | Endpoint]]


@dataclass(frozen=True, slots=True)
class Hit:
    """A request that arrived at a host of the attacker's internet."""

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """What the node told of one step."""

    name: str
    outcome: Fail | TemporaryFail | None
    detail: dict[str, object]


@dataclass
class Ledger:
    """Everything the node decided about asking others, in order."""

    steps: list[Step] = field(default_factory=list)

    def __call__(self, name: str, outcome: Fail | TemporaryFail | None, detail: dict[str, object]) -> None:
        # What is finished later tells its steps under another name; here it is one and the same.
        self.steps.append(
            Step(name.removeprefix("staging.").removeprefix("later.").removeprefix("walk."), outcome, detail)
        )

    def _targets(self, *, refused: bool) -> list[Step]:
        wanted = ("fetch.target", "post.target", "policy.outbound")
        return [step for step in self.steps if step.name in wanted and (step.outcome is not None) is refused]

    @property
    def asked(self) -> list[str]:
        """The addresses at which it tried to ask."""
        return [str(step.detail["url"]) for step in self._targets(refused=False)]

    @property
    def refused(self) -> list[tuple[str, str]]:
        """(address, reason) of what it would not ask, or of a connection that it would not open."""
        broken = [step for step in self.steps if step.name in ("fetch.answer", "post.answer") and step.outcome]
        found = [*self._targets(refused=True), *broken]
        return [(str(step.detail["url"]), step.outcome.reason.name) for step in found if step.outcome is not None]

    def hosts(self) -> set[str]:
        """The hosts at which it tried to ask."""
        return {url.partition("://")[2].partition("/")[0] for url in self.asked}

    def clear(self) -> None:
        self.steps.clear()


class Peer(FakePeer):
    """A server on the attacker's internet, reached by its name. `pages` answer before its documents do."""

    pages: dict[str, Page]
    number: int

    @property
    def base_url(self) -> str:
        return f"https://{self.host}"

    def person(self, name: str, *, has_shared_inbox: bool = False, ed25519: bool = False) -> Person:
        """Somebody who lives here, with a key that nobody on another host has."""
        if name in self._people:
            return self._people[name]
        made = super().person(name, has_shared_inbox=has_shared_inbox, ed25519=ed25519)
        if not ed25519:
            key = _key_of(self.number, len(self._people))
            made = self._people[name] = replace(made, key=key)
            self.documents[made.uri]["publicKey"]["publicKeyPem"] = key.public().pem()
        return made


@cache
def _key_of(host: int, number: int) -> PrivateKey:
    # Making one takes long: the same are used in each test.
    return PrivateKey.generate_rsa()


@dataclass
class Names:
    """DNS. What is not said otherwise leads to the listener of the attacker's internet."""

    node: Endpoint
    internet: Endpoint
    answers: dict[str, Answers] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> Sequence[str | Endpoint]:
        self.asked.append(host)
        if host in self.answers:
            return self.answers[host]()
        return [self.node if host == HOST else self.internet]


@dataclass
class Ground:
    """A node, the internet around it, and what was seen of both."""

    home: Running
    names: Names
    ledger: Ledger
    session: aiohttp.ClientSession
    inside: Endpoint
    ids: dict[str, int] = field(default_factory=dict)
    peers: dict[str, Peer] = field(default_factory=dict)
    hits: list[Hit] = field(default_factory=list)
    knocks_inside: int = 0
    tracebacks: list[str] = field(default_factory=list)
    wildcard: Page | None = None  # answers in the name of every host, if set

    @property
    def node(self) -> Node:
        return self.home.node

    def peer(self, host: str = "evil.example") -> Peer:
        """The server of that name; always the same."""
        if host not in self.peers:
            made = self.peers[host] = Peer(host, self.session)
            made.pages, made.number = {}, len(self.peers)
        return self.peers[host]

    def person(self, name: str, host: str = "evil.example", **more: bool) -> Person:
        return self.peer(host).person(name, **more)

    async def add(self, name: str = "alice") -> int:
        """The actor id of somebody here."""
        self.ids[name] = await self.home.add_person(name)
        return self.ids[name]

    async def token(self, name: str) -> tuple[int, str]:
        """Somebody new here with an app: actor id and token."""
        made = await self.node.core.registration.create(name, f"{name}@example.org", reserved_allowed=True)
        assert not isinstance(made, Fail), made
        token = await self.node.core.registration.token(made.user_id, "read write follow push")
        return made.actor_id, token

    async def say(self, actor_id: int, text: str, visibility: Visibility = Visibility.PUBLIC) -> tuple[int, str]:
        """The id and the URI of a post of somebody here."""
        said = await self.node.outbox.post(actor_id, Draft(text, visibility=visibility))
        assert not isinstance(said, Refuse), said
        [row] = await self.rows(select(t.objects.c.uri).where(t.objects.c.id == said))
        return said, row["uri"]

    async def rows(self, query: Select[Any]) -> list[Any]:
        """What stands in the node's database."""
        return list(await self.node.core.database.fetch(Statement(query)))

    async def count(self, table: Table) -> int:
        [row] = await self.rows(select(func.count()).select_from(table))
        return int(row[0])

    async def contents(self) -> set[str]:
        """The texts of all posts that are stored."""
        return {row["content"] for row in await self.rows(select(t.objects.c.content))}

    async def find_actor(self, uri: str) -> int | Fail | TemporaryFail:
        """As if somebody here had looked for this actor."""
        with watched_by(self.ledger):
            return await self.node.gatherer.actor(uri)

    async def find_object(self, uri: str) -> int | Fail | TemporaryFail:
        """As if somebody here had looked for this post."""
        with watched_by(self.ledger):
            return await self.node.gatherer.object(uri)

    async def find_handle(self, user: str, host: str) -> int | Fail | TemporaryFail:
        """As if somebody here had looked for `user@host`."""
        with watched_by(self.ledger):
            return await self.node.gatherer.handle(user, host)

    async def deliver(self, person: Person, activity: object, scheme: Any = "cavage", url: str = INBOX) -> int:
        """Signed by this person with their own key; the status of the answer."""
        host = person.uri.partition("://")[2].partition("/")[0]
        return await self.peer(host).deliver(person, url, activity, scheme)

    async def get(self, path: str, *, token: str | None = None, **headers: str) -> tuple[int, bytes, Any]:
        """(status, body, headers) of a GET at the node."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = path if path.startswith("https://") else BASE_URL + path
        async with self.session.get(url, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.read(), answer.headers

    def arrived_at(self, host: str) -> list[Hit]:
        """The requests of the node (not the attacker's own) that a host got."""
        return [hit for hit in self.hits if hit.url.startswith(f"https://{host}/") and _is_of_node(hit)]

    async def settled(self, *, within_s: float = 10.0) -> None:
        """Until nothing more is to be fetched, tried or sent for what has arrived."""
        async with asyncio.timeout(within_s):
            quiet = 0
            while quiet < 3:
                told = len(self.ledger.steps)
                await asyncio.sleep(0.03)
                quiet = quiet + 1 if len(self.ledger.steps) == told and not await self._has_work() else 0

    async def _has_work(self) -> bool:
        now_ms = self.node.core.world.clock.now_ms()
        for table in (t.inbox_staging, t.fetches):
            if await self.rows(select(table.c.due_ms).where(table.c.due_ms <= now_ms).limit(1)):
                return True
        return False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.hits.append(Hit(request.method, f"https://{request.host}{request.path_qs}", request.headers))
        peer = self.peers.get(request.host)
        if peer is None and self.wildcard is not None:
            return await self.wildcard(request)
        if peer is None:
            return web.Response(status=404)
        if request.path in peer.pages:
            return await peer.pages[request.path](request)
        try:
            return await (peer.answer_post(request) if request.method == "POST" else peer.answer_get(request))
        except aiohttp.ClientError:  # the node, which it asks for a key, has stopped
            return web.Response(status=503)


def _is_of_node(hit: Hit) -> bool:
    return hit.headers.get("User-Agent", "").startswith("fediverse_node/")


class _Errors(logging.Handler):
    """Keeps what is logged with a traceback."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(
            f"{record.getMessage()} {logging.Formatter().formatException(record.exc_info) if record.exc_info else ''}"
        )


@contextlib.asynccontextmanager
async def ground(folder: Path, **settings: str) -> AsyncIterator[Ground]:
    """A node in `folder`, running; `settings` are names of variables without their prefix."""
    authority = Authority(folder)
    names = Names(Endpoint(LOOPBACK, free_port()), Endpoint(LOOPBACK, free_port()))
    reachable = frozenset({names.internet})
    everywhere = frozenset({names.internet, names.node})
    async with contextlib.AsyncExitStack() as stack:
        inside, count = await _inside_service(stack)
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(names, loopback_allowed=True, reachable=everywhere),
            ssl=authority.client_context(),
            limit=200,
        )
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30))
        )
        ledger = Ledger()
        http = Client(
            base_url=BASE_URL,
            version="test",
            resolver=names,
            ssl_context=authority.client_context(),
            reachable=reachable,
        )
        config = configure(
            {},
            {
                "FEDIVERSE_NODE_DATA_DIR": str(folder / "data"),
                "FEDIVERSE_NODE_LISTEN": f"{LOOPBACK}:{names.node.port}",
                "FEDIVERSE_NODE_BASE_URL": BASE_URL,
                **{f"FEDIVERSE_NODE_{name}": value for name, value in settings.items()},
            },
        )
        errors = _Errors()
        logging.getLogger().addHandler(errors)
        stack.callback(logging.getLogger().removeHandler, errors)
        with watched_by(ledger):
            prepared = await prepare(config)
            node = await build(prepared.core, http=http)
            made = Ground(Running(node, BASE_URL), names, ledger, session, inside, tracebacks=errors.kept)
            count(made)
            await _listen(stack, made.answer, names.internet.port, authority)
            runner = web.AppRunner(node.app, access_log=None)
            await runner.setup()
            tls = authority.server_context(lambda name: name == HOST)
            await web.TCPSite(runner, LOOPBACK, names.node.port, ssl_context=tls).start()
            await node.start()
        try:
            yield made
        finally:
            names.asked.clear()
            await runner.cleanup()
            await node.stop()
            for peer in made.peers.values():
                await peer.close()
        assert made.knocks_inside == 0, "somebody reached the service inside"
        assert not made.tracebacks, made.tracebacks[0]


async def _listen(stack: contextlib.AsyncExitStack, answer: Page, port: int, authority: Authority) -> None:
    app = web.Application(client_max_size=2**22)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, LOOPBACK, port, ssl_context=authority.server_context(lambda name: True)).start()


async def _inside_service(stack: contextlib.AsyncExitStack) -> tuple[Endpoint, Callable[[Ground], None]]:
    """What only this machine may reach: a metadata service, a database, a router."""
    kept: list[Ground] = []

    def knocked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept[0].knocks_inside += 1
        writer.close()

    server = await asyncio.start_server(knocked, LOOPBACK, 0, family=socket.AF_INET)

    async def close() -> None:
        server.close()
        await server.wait_closed()

    stack.push_async_callback(close)
    return Endpoint(LOOPBACK, int(server.sockets[0].getsockname()[1])), kept.append
