"""The room behind a real socket, over a real database."""

from __future__ import annotations

import io
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, DummyCookieJar, web
from yarl import URL

from fediverse_node.base.clock import from_ms
from fediverse_node.base.config import configure
from fediverse_node.base.ids import IdFactory
from fediverse_node.base.randomness import SeededRandomness
from fediverse_node.domain.facts import World
from fediverse_node.domain.names import Names
from fediverse_node.inbox.answer import Answer, Received
from fediverse_node.storage import tables
from fediverse_node.storage.engine import open_database
from fediverse_node.storage.writer import Writer
from fediverse_node.web.context import WebContext
from fediverse_node.web.routes import setup
from tests.postgres import PostgresServer, run_apart
from tests.web.builders import NOW_MS, Town, engine_for

AS2 = "application/activity+json"
LD = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@dataclass
class StandingClock:
    """A clock that a test moves."""

    ms: int = NOW_MS

    def now(self) -> datetime:
        return from_ms(self.ms)

    def now_ms(self) -> int:
        return self.ms


@dataclass
class Seen:
    """A response, read."""

    status: int
    headers: Any
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Node:
    """The served room, the town behind it, and a client. `received` is what came to the inboxes."""

    base_url: str
    host: str
    names: Names
    town: Town
    clock: StandingClock
    session: ClientSession
    received: list[Received] = field(default_factory=list)
    answer: Answer = field(default_factory=lambda: Answer(202))

    async def get(self, path: str, accept: str = BROWSER, **headers: str) -> Seen:
        """GET without following redirects; `path` below the root, or an address of this node."""
        path = path.removeprefix(self.base_url)
        async with self.session.get(
            self.base_url + path, headers={"Accept": accept, **headers}, allow_redirects=False
        ) as response:
            return await _read(response)

    async def document(self, path: str, accept: str = AS2) -> dict[str, Any]:
        """The JSON at a path, which must be there."""
        async with self.session.get(
            self.base_url + path.removeprefix(self.base_url), headers={"Accept": accept}
        ) as response:
            assert response.status == 200, (path, response.status)
            document: dict[str, Any] = await response.json(content_type=None)
            return document

    async def post(self, path: str, body: bytes, **headers: str) -> Seen:
        url = URL(self.base_url + path, encoded=True)
        async with self.session.post(url, data=io.BytesIO(body), headers=headers) as response:
            return await _read(response)


async def _read(response: ClientResponse) -> Seen:
    return Seen(response.status, response.headers, await response.read())


MakeNode = Callable[..., Awaitable[Node]]


async def _create_tables(url: str) -> None:
    engine = engine_for(url)
    async with engine.begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
    await engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables, made once: tests take copies."""
    path = tmp_path_factory.mktemp("web") / "template.db"
    run_apart(lambda: _create_tables(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a database with all tables, made once: tests take copies."""
    url = postgres_server.create_database()
    run_apart(lambda: _create_tables(url))
    return url.rpartition("/")[2]


@pytest.fixture
def filled_sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """An SQLite database of the test's own with all tables."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'node.db')}"


@pytest.fixture
def filled_postgres_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """A PostgreSQL database of the test's own with all tables."""
    url = postgres_server.create_database(template=postgres_template)
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
async def make_node(filled_sqlite_url: str) -> AsyncIterator[Callable[..., Awaitable[Node]]]:
    """Serves a node on a free port; settings as in the configuration file."""
    closing: list[Callable[[], Awaitable[Any]]] = []

    async def make(database_url: str | None = None, **settings: object) -> Node:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        database_url = database_url or filled_sqlite_url
        config = configure({"base_url": base_url, "database_url": database_url, **settings}, {})
        names, clock = Names(config.base_url, config.host), StandingClock()
        engine = engine_for(database_url)
        town = Town(engine, names, base_url)
        database = await open_database(database_url)
        randomness = SeededRandomness("web")
        world = World(clock, IdFactory(clock, randomness), randomness, names)
        session = ClientSession(cookie_jar=DummyCookieJar())
        node = Node(base_url, config.host, names, town, clock, session)

        async def receive(received: Received) -> Answer:
            node.received.append(received)
            return node.answer

        app = web.Application()
        setup(app, WebContext(config, world, database, Writer(database, world), receive))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        closing.extend([session.close, runner.cleanup, database.close, engine.dispose])
        return node

    yield make
    for close in closing:
        await close()


@pytest.fixture
async def node(make_node: MakeNode) -> Node:
    """A node on SQLite."""
    return await make_node()


@pytest.fixture(params=["sqlite", "postgres"])
def filled_url(request: pytest.FixtureRequest) -> str:
    """A database with all tables: the test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue(f"filled_{request.param}_url")
    return url


@pytest.fixture
async def any_node(make_node: MakeNode, filled_url: str) -> Node:
    """A node, once on SQLite and once on PostgreSQL."""
    return await make_node(filled_url)
